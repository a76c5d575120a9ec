"""``manage.py fraiseql_clear_cache``: remove answers from the cache, all or those read from certain tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from ...conf.settings import schema_names
from ...engine import GraphQLEngine, get_engine
from ...errors import FraiseQLError
from ...invalidation.catalog import dependencies
from ...invalidation.names import known, models_by_table, table_of
from ...invalidation.scan import CATALOGUE
from ..schema_option import add_schema_option, checked


class Command(BaseCommand):
    """Removes answers from the cache that ``FRAISEQL`` names; other entries of the cache remain."""

    help = "Drop cached GraphQL answers: all, or those that were read from certain tables."
    # so that it runs in a project that fails its checks
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --schema, --type and --table."""
        add_schema_option(parser, "all schemas")
        parser.add_argument(
            "--type",
            action="append",
            default=[],
            dest="types",
            metavar="TYPE",
            help="drop answers read from the table of this GraphQL type, for instance Book; can be repeated",
        )
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            dest="tables",
            metavar="TABLE",
            help="drop answers read from this table, for instance bookshop_book; the name without its schema; can be "
            "a many-to-many table, and can be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Find the tables and remove the answers that were read from them."""
        name = checked(options["schema"])
        names = (None, *schema_names()) if name is None else (name,)
        try:
            engines = {schema: get_engine(schema) for schema in names}
            tables = [
                *self._tables_of(engines, options["types"]),
                *(self._checked_table(engines, table) for table in options["tables"]),
            ]
        except FraiseQLError as error:
            raise CommandError(str(error)) from error
        for schema, engine in engines.items():
            self._clear(engine, tables, "" if len(engines) == 1 else f"{schema or 'the project'}: ")

    def _clear(self, engine: GraphQLEngine, tables: Iterable[str], label: str) -> None:
        alias = engine.settings.cache.alias
        if engine.cache is None or alias is None:
            self.stdout.write(f"{label}There is no cache: FRAISEQL['CACHE']['ALIAS'] is None.")
            return
        for table in dict.fromkeys(tables) or [None]:
            self._remove(engine, table, alias, label)
        if isinstance(caches[alias], LocMemCache):
            self.stderr.write(
                self.style.WARNING(
                    f"CACHES[{alias!r}] is in the memory of each process: this command cannot clear the caches of "
                    f"other processes, for instance a running server. Restart them."
                )
            )

    def _tables_of(self, engines: Mapping[str | None, GraphQLEngine], types: Iterable[str]) -> Iterable[str]:
        found: dict[str, list[str]] = {}
        for engine in engines.values() if types else ():
            for type_name, definition in engine.schema.types.items():
                found.setdefault(type_name, []).append(table_of(definition.model))
        for name in types:
            if name not in found:
                raise CommandError(f"there is no type {name!r}; must be one of: {', '.join(sorted(found))}")
            yield from found[name]

    def _checked_table(self, engines: Mapping[str | None, GraphQLEngine], table: str) -> str:
        aliases = dict.fromkeys(engine.settings.database for engine in engines.values())
        catalogs = [dependencies(connections[alias], connect=True) for alias in aliases]
        if table not in known() and not any(catalog and table in catalog.relations for catalog in catalogs):
            raise CommandError(f"there is no table {table!r}; must be one of: {', '.join(sorted(models_by_table()))}")
        return table

    def _remove(self, engine: GraphQLEngine, table: str | None, alias: str, label: str) -> None:
        try:
            removed = engine.answers.remove(table)
            if table is None:
                # every process then compares the catalogue that it has read with that of the database
                engine.answers.drop([CATALOGUE])
        except Exception as error:
            raise CommandError(f"the cache {alias!r} failed: {type(error).__name__}: {error}") from error
        what = "all answers" if table is None else f"answers read from {table}"
        if removed is None:
            name = engine.cache.backend_name if engine.cache else alias
            self.stdout.write(f"{label}{what}: removed; a {name} cannot list its entries, so they are not counted.")
        else:
            self.stdout.write(f"{label}{what}: {removed} {'entry' if removed == 1 else 'entries'} removed.")
