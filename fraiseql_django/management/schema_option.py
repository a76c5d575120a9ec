"""The option ``--schema`` of commands: the name of a schema in ``FRAISEQL["SCHEMAS"]``."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from ..conf.settings import check_schema_name
from ..errors import ConfigurationError


def add_schema_option(parser: CommandParser, default: str) -> None:
    """Add the option; ``default`` says what is meant without it."""
    parser.add_argument(
        "--schema", metavar="NAME", help=f"name of a schema in FRAISEQL['SCHEMAS']; by default, {default}"
    )


def checked(name: str | None) -> str | None:
    """Return the option's value; raise CommandError for a schema that is not in ``FRAISEQL["SCHEMAS"]``."""
    try:
        check_schema_name(name)
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
    return name
