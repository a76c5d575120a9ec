"""What the project itself has set in a connection's session, on which answers may depend.

The engine knows the settings that it sends with its statements (``SESSION``). But a middleware may run ``SET
search_path``, a backend for many tenants may choose a schema, and a policy reads what ``set_config()`` has left. So
the statements that pass through Django's cursors are watched for settings, and what is set becomes a part of the key
of answers. The state belongs to the driver's connection: a pool gives it to others as it is.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any, NamedTuple
from weakref import ref

from .._django import driver_connection
from .names import several

_STATE = "_fraiseql_session"
_BLANK = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)"
_NAME = r'(?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))*'
_SET = re.compile(
    rf"{_BLANK}*SET{_BLANK}+(?:(?P<scope>LOCAL|SESSION){_BLANK}+)?"
    rf"(?P<name>TIME{_BLANK}+ZONE|ROLE|AUTHORIZATION|{_NAME})(?:{_BLANK}*(?:=|\bTO\b))?(?P<value>.*)",
    re.DOTALL | re.IGNORECASE,
)
_RESET = re.compile(
    rf"{_BLANK}*(?:RESET{_BLANK}+(?P<name>SESSION{_BLANK}+AUTHORIZATION|TIME{_BLANK}+ZONE|{_NAME})|DISCARD{_BLANK}+ALL)",
    re.DOTALL | re.IGNORECASE,
)
# set_config() alone in a SELECT, with a name and a value that are literals or parameters
_VALUE = r"(?:'(?:[^']|'')*'|%s|NULL)"
_SET_CONFIG = re.compile(
    rf"\s*SELECT\s+(?:pg_catalog\.)?set_config\s*\(\s*(?P<name>{_VALUE})\s*,\s*(?P<value>{_VALUE}(?:\s*::\s*\w+)?)\s*,"
    r"\s*(?P<local>true|false|%s)\s*\)\s*;?\s*",
    re.IGNORECASE,
)
# In other statements, and in the bodies of functions
_SETS = re.compile(r"\bset_config\b|\bSET\s+(?:SESSION|ROLE)\b|\bsearch_path\b", re.IGNORECASE)
_SETS_LOCALLY = re.compile(
    r"\bset_config\s*\([^;]*?,\s*true\s*\)|\bSET\s+LOCAL\s+[^;]*|\bset_config\s*\([^;]*?is_local\s*=>\s*true\s*\)",
    re.IGNORECASE,
)
_DOLLARS = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_ONE_OF_SEVERAL = re.compile(rf"(?:^|;){_BLANK}*(?:SET|RESET|DISCARD)\b", re.DOTALL | re.IGNORECASE)
_DO_OF_SEVERAL = re.compile(rf"(?:^|;){_BLANK}*DO\b", re.DOTALL | re.IGNORECASE)
_RUNS_CODE = re.compile(rf"(?:{_BLANK}|\()*(?:SELECT|WITH|DO|CALL|EXECUTE|VALUES)\b", re.DOTALL | re.IGNORECASE)
# What is no setting, or cannot change an answer
_OTHERS = ("constraints", "transaction", "characteristics", "names")
_HARMLESS = re.compile(
    r"(?:\w+_timeout|work_mem|maintenance_work_mem|temp_buffers|jit\w*|enable_\w+|\w+_cost|application_name|log_\w+"
    r"|client_min_messages|synchronous_commit|plan_cache_mode|track_\w+|statement_mem|max_parallel_\w+"
    r"|default_transaction_isolation|default_transaction_read_only|pg_stat_statements\.\w+|auto_explain\.\w+)"
)


class Setting(NamedTuple):
    """A setting's new value as it was written, None where it has its default again.

    The name is ``*`` after RESET ALL, ``**`` after DISCARD ALL, and empty where it is not known what was set.
    """

    name: str
    value: str | None
    local: bool = False


UNKNOWN = Setting("", None)


class SessionState:
    """The settings of one session: those that are committed, and those of the open transaction."""

    def __init__(self, driver: Any) -> None:
        self._values: dict[str, str] = {}
        self._pending: list[tuple[frozenset[str | None], Setting]] = []
        self._known = True
        self._driver = ref(driver)
        # PostgreSQL 18 reports it, whoever sets it
        self._first_path = _reported_path(driver)

    def add(self, setting: Setting, savepoints: frozenset[str | None], *, in_transaction: bool) -> None:
        """Note a setting that a statement has made."""
        if in_transaction:
            self._pending.append((savepoints, setting))
        elif not setting.local:
            self._apply(setting)

    def commit(self) -> None:
        """Keep what the transaction has set, but for what was local to it."""
        pending, self._pending = self._pending, []
        for _, setting in pending:
            if not setting.local:
                self._apply(setting)

    def rollback(self, savepoint: str | None = None) -> None:
        """Forget what the transaction, or what followed a savepoint in it, has set."""
        self._pending = [entry for entry in self._pending if savepoint is not None and savepoint not in entry[0]]

    def ended(self) -> None:
        """Note that a transaction has ended by a statement that may have committed it or not."""
        if any(not setting.local for _, setting in self._pending):
            self._known = False
        self._pending = []

    def key(self, *, with_path: bool) -> tuple[Any, ...] | None:
        """Return what tells this state from others, with the search path or without; None where it is not known."""
        if self._known and not self._values and not self._pending:
            path = _reported_path(self._driver()) if with_path else self._first_path
            return () if path == self._first_path else (path,)
        values = dict(self._values)
        known = self._known
        for _, setting in self._pending:
            known = _applied(values, setting, known)
        path = _reported_path(self._driver()) if with_path else self._first_path
        if not with_path:
            values.pop("search_path", None)
        return (*sorted(values.items()), *([] if path == self._first_path else [path])) if known else None

    def _apply(self, setting: Setting) -> None:
        self._known = _applied(self._values, setting, self._known)


def _applied(values: dict[str, str], setting: Setting, known: bool) -> bool:
    """Change values by a setting; return whether they are known after it."""
    if not setting.name:
        return False
    if setting.name in ("*", "**"):
        # who the session is of is not reset
        kept = () if setting.name == "**" else ("role", "session authorization")
        for name in values.keys() - {*kept}:
            del values[name]
        return known or setting.name == "**"
    if setting.value is None:
        values.pop(setting.name, None)
    elif not _HARMLESS.fullmatch(setting.name):
        values[setting.name] = setting.value
    return known


def state_of(connection: Any) -> SessionState | None:
    """Return the state of a connection's session; None where no connection is open."""
    driver = driver_connection(connection)
    if driver is None:
        return None
    found: SessionState | None = getattr(driver, _STATE, None)
    if found is None:
        found = SessionState(driver)
        setattr(driver, _STATE, found)
    return found


def key_of(connection: Any, *, sets_path: bool = False) -> Hashable | None:
    """Return what tells the session of a connection from others, as far as answers may depend on it.

    None where that is not known. Of a backend for many tenants, such as django-tenants, it is the schema.
    ``sets_path`` says that the search path is sent with each statement, whatever the backend sets.
    """
    backend: Any = type(connection)
    state, by_schema = state_of(connection), hasattr(connection, "schema_name")
    if not (by_schema or sets_path) and switches_schema(backend):
        # when it opens the next cursor
        return None
    settings = () if state is None else state.key(with_path=not (by_schema or sets_path))
    if settings is None or not by_schema:
        return settings
    return (connection.schema_name, getattr(connection, "include_public_schema", None), *settings)


@cache
def switches_schema(backend: Any) -> bool:
    """Whether a backend seems to set the search path: a class of it that is not Django's mentions that."""
    modules = {
        cls.__module__ for cls in backend.__mro__ if not f"{cls.__module__}.".startswith(("django.", "builtins."))
    }
    return any("search_path" in _source(module) for module in modules)


def _source(module: str) -> str:
    try:
        return inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return ""


def may_set(text: str) -> bool:
    """Whether a text that looks like a statement that only reads may change a setting, by a look at its beginning."""
    return "set_config" in text[:200].lower()


def settings_in(text: str, params: Any) -> Iterator[Setting]:
    """Yield the settings that a statement changes; UNKNOWN where it may change one that its text does not tell."""
    # the body of a function that is created is not run
    without_bodies = _DOLLARS.sub("''", text) if "$" in text else text
    if several(without_bodies):
        runs_body = _DO_OF_SEVERAL.search(without_bodies) is not None
        if _ONE_OF_SEVERAL.search(without_bodies) or _SETS.search(text if runs_body else without_bodies):
            yield UNKNOWN
    elif found := _RESET.match(text):
        name = found["name"]
        yield Setting("**" if name is None else "*" if name.upper() == "ALL" else _normalized(name), None)
    elif found := _SET.match(text):
        name = _normalized(found["name"])
        if name not in _OTHERS and not _HARMLESS.fullmatch(name):
            value = found["value"].strip().rstrip(";").strip()
            written = None if value.upper() == "DEFAULT" else f"{value} {params!r}" if params else value
            yield Setting(name, written, (found["scope"] or "").upper() == "LOCAL")
    elif found := _SET_CONFIG.fullmatch(text):
        yield _of_set_config([found["name"], found["value"], found["local"]], params)
    elif _RUNS_CODE.match(text):
        yield from settings_of_body(text)


def _of_set_config(arguments: list[str], params: Any) -> Setting:
    """Return the setting that set_config() makes, with its parameters in place."""
    given = iter(params if isinstance(params, (list, tuple)) else ())
    name, value, local = (
        next(given, None) if argument.startswith("%s") else argument.strip("'") for argument in arguments
    )
    if not isinstance(name, str) or str(local).lower() not in ("true", "false"):
        return UNKNOWN
    return Setting(_normalized(name), repr(value), str(local).lower() == "true")


def settings_of_body(text: str) -> Iterator[Setting]:
    """Yield UNKNOWN where another statement, or the body of a function, sets something; local where it ends with it."""
    if _SETS.search(_SETS_LOCALLY.sub("", text)):
        yield UNKNOWN
    elif _SETS_LOCALLY.search(text):
        # what it sets it to is not known, while the transaction is open
        yield UNKNOWN._replace(local=True)


def _normalized(name: str) -> str:
    words = re.sub(rf"{_BLANK}+", " ", name, flags=re.DOTALL).lower().replace('"', "")
    return {"time zone": "timezone", "authorization": "session authorization"}.get(words, words)


def _reported_path(driver: Any) -> bytes | None:
    found: bytes | None = None if driver is None else driver.pgconn.parameter_status(b"search_path")
    return found
