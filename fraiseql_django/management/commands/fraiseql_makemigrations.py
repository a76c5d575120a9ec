"""``manage.py fraiseql_makemigrations``: write migrations for .sql files that changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.core.management.utils import run_formatters
from django.db.migrations import Migration
from django.db.migrations.writer import MigrationWriter

from ...errors import DeclarationError
from ...sql.files import migrations


class Command(BaseCommand):
    """Writes migrations for the differences between the apps' ``sql/*.sql`` files and their migrations."""

    help = "Write migrations for views and functions in the apps' sql/*.sql files that have changed."
    # a system check asks for this command, so it must run while the check fails
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the labels, --check, --dry-run and --name."""
        parser.add_argument("args", metavar="app_label", nargs="*", help="apps to look at; by default, all")
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a migration is missing")
        parser.add_argument("--dry-run", action="store_true", help="write nothing; show what would be written")
        parser.add_argument(
            "--name", "-n", metavar="NAME", help="name of the migrations, after their number; -n is the same"
        )

    @no_translations
    def handle(self, *labels: str, **options: Any) -> None:
        """Find the differences and write them."""
        name = options["name"]
        if name and not name.isidentifier():
            raise CommandError(f"the name {name!r} is not a valid Python identifier")
        app_labels = sorted(config.label for config in apps.get_app_configs())
        for label in labels:
            if label not in app_labels:
                raise CommandError(f"there is no app {label!r}; must be one of: {', '.join(app_labels)}")
        try:
            missing = migrations(labels, name)
        except DeclarationError as error:
            raise CommandError(str(error)) from error
        if not missing:
            self.stdout.write("No .sql file changed.")
        for migration in missing:
            self._show(migration)
            if not (options["check"] or options["dry_run"]):
                self._write(migration)
        if missing and options["check"]:
            raise CommandError("migrations are missing; write them: manage.py fraiseql_makemigrations")

    def _show(self, migration: Migration) -> None:
        path = MigrationWriter(migration).path
        relative = os.path.relpath(path)
        self.stdout.write(self.style.MIGRATE_HEADING(f"Migrations for '{migration.app_label}':"))
        self.stdout.write(f"  {self.style.MIGRATE_LABEL(path if relative.startswith('..') else relative)}")
        for operation in migration.operations:
            self.stdout.write(f"    {operation.formatted_description()}")

    def _write(self, migration: Migration) -> None:
        writer = MigrationWriter(migration)
        path = Path(writer.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(writer.as_string(), encoding="utf-8")
        run_formatters([str(path)], stderr=self.stderr)
