"""The files of GraphiQL, which fraiseql_django shows; a Django app with nothing but static files."""

from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "fraiseql_django_graphiql"
