"""Who asks, told to PostgreSQL: session variables and the role that hold while a viewer's statements run.

Policies of row security, views and functions read them with ``current_setting('app.user_id', true)``. They are sent
with each statement, in its round trip, and hold for it alone; in a mutation for its transaction.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.utils.module_loading import import_string

from .._compat import PSYCOPG_3, Pipeline
from ..conf.reader import Problem, refuse
from ..conf.settings import SessionSettings
from ..errors import FraiseQLError
from ..invalidation.catalog import asks_for_session, may_be_secured
from ..invalidation.names import table_of
from ..viewer import Viewer, required_value

# A setting's name (PostgreSQL documentation, 20.16 "Customized Options"); without a point it is one of PostgreSQL's own
_NAME = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)*", re.ASCII)
# Those that have a place of their own
_ELSEWHERE = {"role": "SESSION.ROLE", "statement_timeout": "LIMITS.STATEMENT_MS"}
_WRITTEN_AS_TEXT = (str, int, uuid.UUID, Decimal, dt.date)

# Names and values, all as texts
Settings = tuple[tuple[str, str], ...]


class Session:
    """What PostgreSQL is told while an operation runs."""

    def __init__(self, settings: SessionSettings, statement_ms: int | None = None) -> None:
        refuse(session_problems(settings, statement_ms))
        self._variables = {name: _source(source) for name, source in settings.variables.items()}
        self._role = None if settings.role is None else import_string(settings.role)
        self._limits: Settings = () if statement_ms is None else (("statement_timeout", str(statement_ms)),)
        self._tells = bool(self._variables or self._role)
        # a role has its own rights, and a setting of PostgreSQL's own, like search_path, may mean another table
        self._shows_anywhere = self._role is not None or any("." not in name for name in settings.variables)

    def of(self, viewer: Viewer) -> Settings:
        """Return the settings for a viewer, worked out once; the role comes last.

        Raises FraiseQLError where a value is not there or cannot be written.
        """
        return (*self._limits, *self.told(viewer))

    def told(self, viewer: Viewer) -> Settings:
        """Return those of the settings that say who asks: answers may depend on them."""
        if not self._tells:
            return ()
        if viewer.session_values is None:
            viewer.session_values = tuple(self._told(viewer))
        return viewer.session_values

    def may_show_in(self, sql: str, alias: str) -> bool:
        """Whether the answer of a statement may depend on what is told; if not, it is the same for all viewers."""
        return self._tells and (self._shows_anywhere or asks_for_session(sql, alias))

    def may_hide(self, model: type[Model], alias: str) -> bool:
        """Whether policies may hide rows of a model from those who are told apart."""
        return self._tells and any(
            may_be_secured(table_of(owner), alias) for owner in (model, *model._meta.all_parents)
        )

    def _told(self, viewer: Viewer) -> Iterator[tuple[str, str]]:
        for name, source in self._variables.items():
            yield name, _written(name, source(viewer))
        if self._role is not None:
            role = self._role(viewer)
            # SET ROLE NONE: that of the connection
            yield "role", "none" if role is None else _written("role", role)


def session_problems(settings: SessionSettings, statement_ms: int | None = None) -> Iterator[Problem]:
    """Find what is wrong with the names of variables, and with the functions that give their values."""
    if (settings.variables or settings.role or statement_ms) and PSYCOPG_3 and not Pipeline.is_supported():
        message = "FRAISEQL['SESSION'] and LIMITS.STATEMENT_MS need libpq 14 or newer, which psycopg does not find."
        yield Problem(id="fraiseql.E017", message=message, hint="Install 'psycopg[binary]', or a newer libpq.")
    where = "FRAISEQL['SESSION']['VARIABLES']"
    for name, source in settings.variables.items():
        if elsewhere := _ELSEWHERE.get(name.lower()):
            hint = f"{elsewhere} says it."
            yield Problem(id="fraiseql.E017", message=f"{where} has {name!r}, which is no variable.", hint=hint)
        elif not _NAME.fullmatch(name):
            hint = "A name is made of letters, digits and underscores, its parts joined by points: 'app.user_id'."
            yield Problem(id="fraiseql.E017", message=f"{where} has {name!r}, which is no name.", hint=hint)
        if "." in source:
            yield from _path_problems(f"{where}[{name!r}]", source)
    if settings.role is not None:
        yield from _path_problems("FRAISEQL['SESSION']['ROLE']", settings.role)


def _path_problems(where: str, path: str) -> Iterator[Problem]:
    hint = "Name a function that takes the viewer: 'shop.tenants.tenant_of'."
    try:
        found = import_string(path)
    except Exception as error:
        message = f"{where} is {path!r}, which cannot be imported: {error}."
        yield Problem(id="fraiseql.E017", message=message, hint=hint)
        return
    if not callable(found):
        yield Problem(id="fraiseql.E017", message=f"{where} is {path!r}, which is no function.", hint=hint)


def _source(source: str) -> Callable[[Viewer], Any]:
    """Return what gives a variable's value: a function by its path, or a name that the viewer is looked up for."""
    if "." in source:
        found: Callable[[Viewer], Any] = import_string(source)
        return found
    if source == "user_id":
        # where nobody can sign in, nobody has
        return lambda viewer: viewer.value(source)
    return lambda viewer: required_value(viewer, source)


def _written(name: str, value: Any) -> str:
    if value is None:
        # no setting can be null; one that was never set reads as null, one that was set before as empty
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _WRITTEN_AS_TEXT):
        text = str(value)
        if "\0" not in text:
            return text
    raise FraiseQLError(
        f"the session variable {name} is given a {type(value).__name__} that cannot be written, must be a text without "
        "NUL, a number, True, False, a UUID, a date or None"
    )
