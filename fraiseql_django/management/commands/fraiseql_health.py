"""``manage.py fraiseql_health``: check database, cache and schema, and show one line for each."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...health import Check, as_dict, check_project, check_schema
from ..schema_option import add_schema_option, checked


class Command(BaseCommand):
    """Shows the checks of ``health``; exits with status 1 if one of them fails."""

    help = "Check the database, the cache and the schema that GraphQL operations need."
    # so that it runs in a project that fails its system checks
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --schema and --json."""
        add_schema_option(parser, "all schemas")
        parser.add_argument("--json", action="store_true", help="write the same as JSON, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the checks and show their results."""
        schema = checked(options["schema"])
        checks = check_project() if schema is None else check_schema(schema)
        self.width = max(8, *(len(check.name) for check in checks))
        if options["json"]:
            self.stdout.write(json.dumps(as_dict(checks), ensure_ascii=False, indent=2))
        else:
            for check in checks:
                self.stdout.write(self._line(check))
        if failed := [check.name for check in checks if not check.healthy]:
            raise CommandError(f"failed: {', '.join(failed)}")

    def _line(self, check: Check) -> str:
        mark = self.style.SUCCESS("ok    ") if check.healthy else self.style.ERROR("FAILED")
        return f"{mark}  {check.name:<{self.width}}  {check.time_ms:8.1f} ms  {check.detail}"
