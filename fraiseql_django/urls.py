"""URLs of the GraphQL endpoint and, below it, of the health check at ``health/``.

path("graphql/", include("fraiseql_django.urls"))
"""

from django.urls import path

from .views import GraphQLView, health

app_name = "fraiseql_django"
urlpatterns = [
    path("", GraphQLView.as_view(), name="graphql"),
    path("health/", health, name="health"),
]
