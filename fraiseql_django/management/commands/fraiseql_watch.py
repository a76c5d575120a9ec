"""``manage.py fraiseql_watch``: drop answers when other programs write; make, show and remove what tells of that."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections, transaction

from ...conf.settings import get_settings, schema_names
from ...engine import get_engine, watched_database
from ...errors import FraiseQLError
from ...invalidation.watcher import Watcher
from ...sql import triggers
from ...sql.script import Name, parse_name, written_name

_ACTIONS = ("install", "uninstall", "status")


class Command(BaseCommand):
    """Watches until it is told to end by SIGTERM or SIGINT; with an option, does one thing and ends."""

    help = "Drop cached GraphQL answers when other programs write their tables."
    # so that the triggers can be removed in a project that fails its checks
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the tables, --install, --uninstall, --status, --definitions, --dry-run and --database."""
        parser.add_argument(
            "tables",
            nargs="*",
            metavar="table",
            help="names of tables, as 'table' or 'schema.table'; by default, those that the schemas' types read",
        )
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--install",
            action="store_true",
            help="make the triggers of tables, of their partitions too, and end; made again, they change nothing",
        )
        action.add_argument(
            "--uninstall",
            action="store_true",
            help="remove the triggers, and end; without names of tables all of them, those of --definitions too",
        )
        action.add_argument(
            "--status",
            action="store_true",
            help="show which tables have triggers that fire, and how many watchers there are; fail if a table has none",
        )
        parser.add_argument(
            "--definitions",
            action="store_true",
            help="with --install: also tell of changed views, functions and policies, which needs a superuser",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show the SQL of --install or --uninstall, and change nothing"
        )
        parser.add_argument(
            "--database", metavar="ALIAS", help="alias in DATABASES; by default, CACHE.WATCH_DATABASE or DATABASE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the options say."""
        chosen = next((action for action in _ACTIONS if options[action]), None)
        changes = chosen in ("install", "uninstall")
        for option, fits in (("tables", chosen), ("dry_run", changes), ("definitions", options["install"])):
            if options[option] and not fits:
                needed = {"tables": "--install, --uninstall or --status", "definitions": "--install"}
                name = "names of tables" if option == "tables" else f"--{option.replace('_', '-')}"
                raise CommandError(f"{name} go with {needed.get(option, '--install or --uninstall')}")
        try:
            alias, seconds = self._database(options["database"])
            tables = [parse_name(table) for table in options["tables"]]
            if changes:
                self._change(alias, self._statements(alias, tables, options), dry_run=options["dry_run"])
            elif chosen == "status":
                self._status(alias, tables or self._of_types(alias))
            else:
                self._watch(alias, seconds)
        except (FraiseQLError, ValueError, DatabaseError) as error:
            raise CommandError(str(error).strip()) from error

    def _database(self, alias: str | None) -> tuple[str, int]:
        """Return the database to watch, and WATCH_SECONDS."""
        found = dict(watched_database(get_settings(name)) for name in (None, *schema_names()))
        if alias is None and len(found) > 1:
            raise CommandError(f"the schemas have several databases; choose one by --database: {', '.join(found)}")
        alias = alias or next(iter(found))
        if alias not in connections:
            raise CommandError(f"there is no database {alias!r}; must be one of: {', '.join(connections)}")
        return alias, found.get(alias, get_settings().cache.watch_seconds)

    def _of_types(self, alias: str) -> list[Name]:
        found: set[Name] = set()
        for name in (None, *schema_names()):
            found.update(triggers.tables_of(get_engine(name).schema, alias))
        return sorted(found)

    def _statements(self, alias: str, tables: Sequence[Name], options: dict[str, Any]) -> Iterator[str]:
        if options["install"]:
            yield from triggers.watch_statements(tables or self._of_types(alias))
            if options["definitions"]:
                yield from triggers.definition_statements(watch=True)
        else:
            yield from triggers.unwatch_statements(tables or triggers.all_watched(alias))
            if not tables and triggers.tells_definitions(alias):
                yield from triggers.definition_statements(watch=False)

    def _change(self, alias: str, statements: Iterable[str], *, dry_run: bool) -> None:
        if dry_run:
            for statement in statements:
                self.stdout.write(f"{statement};\n")
            return
        before = triggers.all_watched(alias)
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, None)
        after = triggers.all_watched(alias)
        for name in after:
            self.stdout.write(f"{written_name(name)}: watched")
        for name in before:
            if name not in after:
                self.stdout.write(f"{written_name(name)}: not watched any more")

    def _status(self, alias: str, tables: Sequence[Name]) -> None:
        found = triggers.states(tables, alias)
        for name, watched in found.items():
            state = self.style.SUCCESS("watched") if watched else self.style.ERROR("NOT WATCHED")
            self.stdout.write(f"{written_name(name)}: {state}")
        told = "told" if triggers.tells_definitions(alias) else "not told"
        self.stdout.write(f"changed views, functions and policies: {told}")
        self.stdout.write(f"watchers connected: {triggers.listening(alias)}")
        if missing := [written_name(name) for name in tables if not found.get(name)]:
            raise CommandError(f"without a trigger that fires: {', '.join(missing)}")

    def _watch(self, alias: str, seconds: int) -> None:
        watcher = Watcher(alias, seconds)
        self.stdout.write(f"Watching the database {alias!r}; SIGINT or SIGTERM ends it.")
        self.stdout.flush()
        try:
            with _ended_by_signals(watcher):
                watcher.run()
        finally:
            watcher.close()
        self.stdout.write(f"Heard {watcher.heard} notifications.")


@contextmanager
def _ended_by_signals(watcher: Watcher) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        # Python takes handlers of signals in the main thread only
        yield
        return

    def end(number: int, frame: Any) -> None:
        watcher.stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
