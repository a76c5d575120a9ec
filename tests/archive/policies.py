"""Row security of PostgreSQL over the archive: a role, and policies that hold for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import connection

from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import SessionSettings, get_settings
from fraiseql_django.invalidation import catalog
from fraiseql_django.viewer import Viewer
from tests.support import role_name

from .models import Guarded

ROLE = role_name("archivist")
USER = "nullif(current_setting('app.user_id', true), '')::int"


def role_of(viewer: Viewer) -> str:
    """Return the role that everybody's statements run as."""
    return ROLE


def add_policies(conditions: Mapping[type[Guarded], str]) -> None:
    """Make the role, which sees those rows of the tables that a condition is true of; a rollback takes it away."""
    # no table is altered while keys to it are still to be checked
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        for model, condition in conditions.items():
            table = model._meta.db_table
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            cursor.execute(f"CREATE POLICY seen ON {table} USING ({condition})")
    catalog.forget()


def engine_of_role(registry: Registry, **options: Any) -> GraphQLEngine:
    """Make an engine whose statements run as the role, and are told who asks."""
    session = SessionSettings(variables={"app.user_id": "user_id"}, role=f"{__name__}.role_of")
    return GraphQLEngine(settings=replace(get_settings(), session=session), registry=registry, **options)
