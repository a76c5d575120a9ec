"""The endpoint, and the health view below it."""

from django.urls import include, path

urlpatterns = [path("graphql/", include("fraiseql_django.urls"))]
