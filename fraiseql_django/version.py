"""The version of fraiseql_django, beside nothing else so that anything can import it."""

__version__ = "0.1.0"
