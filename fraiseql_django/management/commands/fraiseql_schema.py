"""``manage.py fraiseql_schema``: write the schema in the schema definition language."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...engine import get_engine
from ...errors import FraiseQLError
from ...schema.sdl import sdl
from ..schema_option import add_schema_option, checked


class Command(BaseCommand):
    """Writes the schema, or compares it with a file; does not use the database."""

    help = "Write the GraphQL schema in the schema definition language, or compare it with a file."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --schema, --out, --check and --left-out."""
        add_schema_option(parser, "the project's own schema")
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--out", metavar="FILE", type=Path, help="write to this file, in UTF-8")
        group.add_argument(
            "--check",
            metavar="FILE",
            type=Path,
            help="write nothing; show how this file differs from the schema, and fail if it does",
        )
        group.add_argument(
            "--left-out",
            action="store_true",
            help="list the fields and models that '__all__' has left out, each with the reason, instead of the schema",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build the schema, then write or compare it."""
        name = checked(options["schema"])
        try:
            schema = get_engine(name).schema
            text = sdl(schema.graphql)
        except FraiseQLError as error:
            raise CommandError(f"the schema does not build:\n{error}") from error
        if options["left_out"]:
            for label, reason in schema.left_out.items():
                self.stdout.write(f"{label} has no type: {reason}")
            for definition in schema.types.values():
                for item in definition.left_out:
                    self.stdout.write(item.reason)
        elif options["check"]:
            self._check(Path(options["check"]), text, "" if name is None else f"--schema {name} ")
        elif options["out"]:
            self._write(Path(options["out"]), text)
        else:
            self.stdout.write(text)

    def _write(self, file: Path, text: str) -> None:
        try:
            file.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{file} is written.")

    def _check(self, file: Path, text: str, option: str) -> None:
        try:
            actual = file.read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8: {error}") from error
        if actual == text:
            self.stdout.write(f"{file} is the schema.")
            return
        lines, wanted = actual.splitlines(keepends=True), text.splitlines(keepends=True)
        for line in difflib.unified_diff(lines, wanted, str(file), "the schema"):
            self.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file")
        command = f"manage.py fraiseql_schema {option}--out {file}"
        raise CommandError(f"{file} differs from the schema; write it again: {command}")
