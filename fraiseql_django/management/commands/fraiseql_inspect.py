"""``manage.py fraiseql_inspect``: write declarations of views, functions and tables, or of the models of apps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from ...conf.settings import get_settings
from ...errors import FraiseQLError
from ...invalidation.names import models_by_table
from ...sql.declarations import declarations
from ...sql.inspection import InspectedRelation, inspect
from ...sql.model_declarations import model_declarations
from ..schema_option import checked


class Command(BaseCommand):
    """Writes Python source to stdout, like Django's ``inspectdb``."""

    help = (
        "Write declarations as Python source to start from: of the views, functions and tables in the database, "
        "with their keys, relations and comments; or, with --app, of the models of an app."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the names, what else is chosen, where from, and --for."""
        parser.add_argument(
            "args", metavar="name", nargs="*", help="views, tables and functions; by default, all views and functions"
        )
        parser.add_argument(
            "--tables", action="store_true", help="without names: all tables as well, except those that models have"
        )
        parser.add_argument(
            "--app",
            action="append",
            default=[],
            dest="apps",
            metavar="LABEL",
            help="declare the models of this app instead, without fields that look like secrets; can be repeated",
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
        if options["apps"]:
            self.stdout.write(self._of_apps(names, options, graphql_schema), ending="")
            return
        if names and options["tables"]:
            raise CommandError("--tables goes without names: tables that are named are declared in any case")
        if alias not in connections:
            raise CommandError(f"there is no database {alias!r}; must be one of: {', '.join(sorted(connections))}")
        connection = connections[alias]
        if connection.vendor != "postgresql":
            raise CommandError(f"the database {alias!r} is {connection.display_name}, must be PostgreSQL")
        try:
            relations, functions = inspect(
                connection, names, options["schema"], options["jsonb_column"], tables=options["tables"]
            )
        except (ValueError, DatabaseError) as error:
            raise CommandError(str(error).strip()) from error
        if options["tables"]:
            relations = self._without_models(relations)
        self.stdout.write(declarations(relations, functions, options["jsonb_column"], graphql_schema), ending="")

    def _of_apps(self, names: Sequence[str], options: dict[str, Any], graphql_schema: str | None) -> str:
        labels = list(dict.fromkeys(options["apps"]))
        others = [option for option in ("schema", "tables") if options[option]]
        if names or others:
            what = f"--{others[0]}" if others else "names of tables"
            raise CommandError(f"{what} and --app exclude each other")
        known = {config.label: config for config in apps.get_app_configs()}
        for label in labels:
            if label not in known:
                raise CommandError(f"there is no app {label!r}; must be one of: {', '.join(sorted(known))}")
        if not any(list(known[label].get_models()) for label in labels):
            raise CommandError(f"there are no models in: {', '.join(labels)}")
        try:
            return model_declarations(labels, get_settings(graphql_schema), graphql_schema)
        except FraiseQLError as error:
            raise CommandError(str(error)) from error

    def _without_models(self, relations: Iterable[InspectedRelation]) -> list[InspectedRelation]:
        """Leave out the tables that models have, and say so."""
        found = list(relations)
        of_models = [relation.name for relation in found if relation.name in models_by_table()]
        if of_models:
            self.stderr.write(f"left out, as models have them (see --app): {', '.join(of_models)}")
        return [relation for relation in found if relation.name not in of_models]
