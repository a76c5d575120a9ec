"""``path("graphql/", include("fraiseql_django.urls"))``."""

urlpatterns: list[object] = []
