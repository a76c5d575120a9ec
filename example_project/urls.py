"""The one address of the example."""

from django.urls import include, path

urlpatterns = [
    path("graphql/", include("fraiseql_django.urls")),
]
