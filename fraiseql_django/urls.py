"""``path("graphql/", include("fraiseql_django.urls"))``: the endpoint, and below it ``health/``."""

from django.urls import path

from .views import GraphQLView, health

app_name = "fraiseql_django"
urlpatterns = [
    path("", GraphQLView.as_view(), name="graphql"),
    path("health/", health, name="health"),
]
