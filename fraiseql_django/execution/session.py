"""Session variables and the role that hold in PostgreSQL while a viewer's statements run.

Policies of row security, views and functions read them with ``current_setting('app.user_id', true)``. They are sent
with each statement, in its round trip, and hold for it alone; in a mutation for its transaction.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Hashable, Iterator
from decimal import Decimal
from typing import Any

from django.db import connections
from django.db.models import Model
from django.utils.module_loading import import_string

from .._django import all_parents, ensure_usable, holds_pooled_connection, may_be_in_transaction, uses_pool
from ..conf.reader import Problem, function_problems, refuse
from ..conf.settings import SessionSettings
from ..errors import FraiseQLError
from ..invalidation.catalog import asks_for_session, may_be_secured
from ..invalidation.history import history_of
from ..invalidation.names import table_of
from ..invalidation.session_state import key_of, switches_schema
from ..storage.base import Settings
from ..viewer import Viewer, asking, required_value

# A setting's name (PostgreSQL documentation, 20.16 "Customized Options"); without a point it is one of PostgreSQL's own
_NAME = re.compile(r"[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)*", re.ASCII)
# Variables that another setting sets
_ELSEWHERE = {"role": "SESSION.ROLE", "statement_timeout": "LIMITS.STATEMENT_MS"}
_HINT = "Name a function that takes the viewer: 'shop.tenants.tenant_of'."
_WRITTEN_AS_TEXT = (str, int, uuid.UUID, Decimal, dt.date)


class Session:
    """The settings of PostgreSQL that hold while an operation runs."""

    def __init__(self, settings: SessionSettings, statement_ms: int | None = None, alias: str | None = None) -> None:
        refuse(session_problems(settings))
        self.alias = alias
        self._sets_path = any(name.lower() == "search_path" for name in settings.variables)
        self._variables = {name: _source(source) for name, source in settings.variables.items()}
        self._role = None if settings.role is None else asking(import_string(settings.role))
        self._limits: Settings = () if statement_ms is None else (("statement_timeout", str(statement_ms)),)
        self._has_values = bool(self._variables or self._role)
        # a role has its own rights, and a setting of PostgreSQL's own, like search_path, may mean another table
        self._changes_every_answer = self._role is not None or any("." not in name for name in settings.variables)

    def of(self, viewer: Viewer) -> Settings:
        """Return all settings for a viewer, computed once; the role comes last.

        Raises FraiseQLError where a value is missing or cannot be written.
        """
        return (*self._limits, *self.values_of(viewer)) if self._has_values else self._limits

    def values_of(self, viewer: Viewer) -> Settings:
        """Return the session variables and the role of a viewer, on which answers may depend."""
        if not self._has_values:
            return ()
        if viewer.session_values is None:
            viewer.session_values = tuple(self._values_of(viewer))
        return viewer.session_values

    def outside(self, alias: str | None = None) -> Hashable | None:
        """Return what the project has set in the connection's session itself; None where that is not known.

        ``alias`` is a replica's, whose connection is meant instead of the database's.
        """
        alias = alias or self.alias
        return () if alias is None else key_of(connections[alias], sets_path=self._sets_path)

    @property
    def history(self) -> str:
        """What tells the history of the database from that of another, which a failover may have brought."""
        return "" if self.alias is None else history_of(connections[self.alias])

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction may be open on the thread's connection, which may then hold locks."""
        return self.alias is not None and may_be_in_transaction(connections[self.alias])

    @property
    def is_pooled(self) -> bool:
        """Whether the thread holds a connection of a pool."""
        return self.alias is not None and holds_pooled_connection(connections[self.alias])

    def take_connection(self) -> None:
        """Take a connection of Django's pool, where the database has one; raises Django's error where none is free."""
        if self.alias is not None and uses_pool(connections[self.alias]):
            ensure_usable(connections[self.alias])

    def may_show_in(self, sql: str, alias: str) -> bool:
        """Whether the answer of a statement may depend on the viewer's session values."""
        return self._has_values and (self._changes_every_answer or asks_for_session(sql, alias))

    def may_hide(self, model: type[Model], alias: str) -> bool:
        """Whether policies of row security may hide rows of a model."""
        return any(may_be_secured(table_of(owner), alias) for owner in (model, *all_parents(model)))

    def _values_of(self, viewer: Viewer) -> Iterator[tuple[str, str]]:
        for name, source in self._variables.items():
            yield name, _written(name, source(viewer))
        if self._role is not None:
            role = self._role(viewer)
            # SET ROLE NONE: the role that the connection was opened with
            yield "role", "none" if role is None else _written("role", role)


def session_problems(settings: SessionSettings) -> Iterator[Problem]:
    """Return what is wrong with the names of variables, and with the functions that give their values."""
    where = "FRAISEQL['SESSION']['VARIABLES']"
    for name, source in settings.variables.items():
        if elsewhere := _ELSEWHERE.get(name.lower()):
            hint = f"Use {elsewhere}."
            yield Problem(id="fraiseql.E017", message=f"{where} has {name!r}, which is no variable.", hint=hint)
        elif not _NAME.fullmatch(name):
            hint = "A name is made of letters, digits and underscores, its parts joined by points: 'app.user_id'."
            yield Problem(id="fraiseql.E017", message=f"{where} has {name!r}, which is no name.", hint=hint)
        if "." in source:
            yield from function_problems(f"{where}[{name!r}]", source, id="fraiseql.E017", hint=_HINT)
    if settings.role is not None:
        yield from function_problems("FRAISEQL['SESSION']['ROLE']", settings.role, id="fraiseql.E017", hint=_HINT)


def schema_problems(alias: str, settings: SessionSettings) -> Iterator[Problem]:
    """Return what is wrong where a backend sets the search path and the cache is not told which schema is in use."""
    connection: Any = connections[alias]
    backend: Any = type(connection)
    if hasattr(connection, "schema_name") or not switches_schema(backend):
        return
    if not any(name.lower() == "search_path" for name in settings.variables):
        yield Problem(
            id="fraiseql.E031",
            message=(
                f"The backend of DATABASES[{alias!r}], {backend.__module__}.{backend.__qualname__}, seems to set the "
                "search path, but FRAISEQL['SESSION']['VARIABLES'] has no search_path: the cache cannot tell the "
                "schemas apart."
            ),
            hint=(
                "Let a function of the viewer give the search path: {'search_path': 'shop.tenants.search_path_of'}; or "
                "give the connection an attribute schema_name, which is then a part of the key. Until then no answers "
                "are cached."
            ),
        )


def _source(source: str) -> Callable[[Viewer], Any]:
    """Return the function that gives a variable's value: imported by its path, or an attribute of the viewer."""
    if "." in source:
        return asking(import_string(source))
    if source == "user_id":
        # None where the request has no user
        return lambda viewer: viewer.value(source)
    return lambda viewer: required_value(viewer, source)


def _written(name: str, value: Any) -> str:
    if value is None:
        # a setting cannot be null; one that was never set reads as null, and one that was set before as empty
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
