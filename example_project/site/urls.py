"""The addresses of the demo's site."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from example_project.site import views
from fraiseql_django.views import GraphQLView

urlpatterns = [
    path("", views.start, name="start"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("admin/", admin.site.urls),
    path("graphql/", include("fraiseql_django.urls")),
    path("members/", GraphQLView.as_view(schema="members"), name="members"),
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
