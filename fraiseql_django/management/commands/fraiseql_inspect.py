"""``manage.py fraiseql_inspect``: write declarations of the views and functions in the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from ...sql.declarations import declarations
from ...sql.inspection import inspect
from ..schema_option import checked


class Command(BaseCommand):
    """Writes Python source to stdout, like Django's ``inspectdb`` for tables."""

    help = "Write declarations of the views and functions in the database as Python source."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the names, --schema, --database, --jsonb-column and --for."""
        parser.add_argument(
            "args", metavar="name", nargs="*", help="views, tables and functions; by default, all views and functions"
        )
        parser.add_argument(
            "--schema", metavar="SCHEMA", help="look only in this schema, not in those of the search path"
        )
        parser.add_argument(
            "--database", metavar="ALIAS", default=DEFAULT_DB_ALIAS, help="alias in DATABASES; by default, 'default'"
        )
        parser.add_argument(
            "--jsonb-column",
            metavar="COLUMN",
            default="data",
            help="column that holds JSON objects; by default, 'data'",
        )
        parser.add_argument(
            "--for",
            metavar="NAME",
            dest="graphql_schema",
            help="name of a schema in FRAISEQL['SCHEMAS'] to declare them in; by default, the project's own",
        )

    def handle(self, *names: str, **options: Any) -> None:
        """Inspect the database and write the declarations."""
        alias, graphql_schema = options["database"], checked(options["graphql_schema"])
        if alias not in connections:
            raise CommandError(f"there is no database {alias!r}; must be one of: {', '.join(sorted(connections))}")
        connection = connections[alias]
        if connection.vendor != "postgresql":
            raise CommandError(f"the database {alias!r} is {connection.display_name}, must be PostgreSQL")
        try:
            relations, functions = inspect(connection, names, options["schema"], options["jsonb_column"])
        except (ValueError, DatabaseError) as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write(declarations(relations, functions, options["jsonb_column"], graphql_schema), ending="")
