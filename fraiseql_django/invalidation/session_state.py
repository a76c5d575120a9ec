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
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple
from weakref import ref

from .._django import driver_connection
from .lexer import OTHER, STRING, Token, statements, tokens

_STATE = "_fraiseql_session"
# After these a statement of PL/pgSQL begins
_BEFORE_STATEMENT = frozenset({"begin", "then", "else", "loop"})
_CHANGES_ROWS = frozenset({"insert", "update", "delete", "merge"})
_TEMPORARY = frozenset({"temp", "temporary"})
_BEFORE_NAME = frozenset({"table", "view", "recursive", "sequence", "if", "not", "exists"})
# CREATE TEMP, the shortest text that can make something temporary
_SHORTEST = len("create temp")
_RUNS_CODE = frozenset({"select", "with", "do", "call", "execute", "values", "table", "explain", "declare"})
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
# The name of what is no setting: a temporary relation, whose name is the value
HIDES = "pg_temp"


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
            path = self._path() if with_path else self._first_path
            return () if path == self._first_path else (path,)
        values = dict(self._values)
        known = self._known
        for _, setting in self._pending:
            known = _applied(values, setting, known)
        path = self._path() if with_path else self._first_path
        if not with_path:
            values.pop("search_path", None)
        return (*sorted(values.items()), *([] if path == self._first_path else [path])) if known else None

    def _path(self) -> bytes | None:
        driver = self._driver()
        # a lost connection reports nothing
        return self._first_path if driver is None or driver.closed else _reported_path(driver)

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


def has_settings(connection: Any) -> bool:
    """Whether the project has set something in the session of a connection, or may have."""
    state = state_of(connection)
    return state is not None and state.key(with_path=True) != ()


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


def settings_in(text: str, params: Any) -> Iterator[Setting]:
    """Yield the settings that a statement changes; UNKNOWN where it may change one that its text does not tell."""
    found = tokens(text, every_parameter=True)
    every = list(statements(found))
    if len(every) > 1:
        if any(map(_may_set, every)):
            yield UNKNOWN
        for statement in every:
            yield from _of_temporary(statement)
    elif every:
        yield from _of_statement(every[0], text, params)


def _of_statement(found: Sequence[Token], text: str, params: Any) -> Iterator[Setting]:
    first = next((token.word for token in found if token.value != "("), "")
    if first == "discard":
        if found[1:2] and found[1].word == "all":
            yield Setting("**", None)
    elif first == "reset":
        name, _ = _name_at(found, 1)
        yield Setting("*" if name == "all" else name, None)
    elif first == "set":
        yield from _of_set(found, text, params)
    elif first in _CHANGES_ROWS:
        # PostgreSQL's view of settings has a rule that sets them; a value may be what set_config() returns
        if any(token.value in ("pg_settings", "set_config") and token.is_name for token in found):
            yield UNKNOWN
    elif first in ("create", "alter"):
        yield from _of_temporary(found)
    elif first in _RUNS_CODE:
        setting = _of_set_config(found, params)
        yield from _unknown(found) if setting is None else [setting]


def _of_set(found: Sequence[Token], text: str, params: Any) -> Iterator[Setting]:
    index, local = 1, False
    if len(found) > 2 and found[1].word in ("local", "session"):
        index, local = 2, found[1].word == "local"
    name, after = _name_at(found, index)
    if name in _OTHERS or _HARMLESS.fullmatch(name):
        return
    if after < len(found) and (found[after].value == "=" or found[after].word == "to"):
        after += 1
    value = text[found[after].start : found[-1].end] if after < len(found) else ""
    written = None if value.upper() == "DEFAULT" else f"{value} {params!r}" if params else value
    yield Setting(name, written, local)


def _name_at(found: Sequence[Token], index: int) -> tuple[str, int]:
    """Return the name of the setting at a token, in lower case, and the index after it."""
    words = [token.word for token in found[index : index + 2]]
    if words == ["time", "zone"]:
        return "timezone", index + 2
    if words == ["session", "authorization"]:
        return "session authorization", index + 2
    if words[:1] == ["authorization"]:
        return "session authorization", index + 1
    parts = [token.value.lower() for token in found[index : index + 1]]
    index += 1
    while index + 1 < len(found) and found[index].value == ".":
        parts.append(found[index + 1].value.lower())
        index += 2
    return ".".join(parts), index


def _of_temporary(found: Sequence[Token]) -> Iterator[Setting]:
    """Yield each relation that may be temporary, and hide the table of its name from this session, as HIDES.

    It is local where it is dropped with the transaction. A temporary relation that exists may be given a name.
    """
    words = [token.word for token in found]
    local = any(words[index : index + 3] == ["on", "commit", "drop"] for index in range(len(words)))
    for index, token in enumerate(found):
        if token.kind == STRING and len(token.value) > _SHORTEST:
            yield from _of_temporary(tokens(token.value, every_parameter=True))
        elif (
            (token.word in _TEMPORARY and _makes(words, index))
            or (token.is_name and token.value == "pg_temp" and not _is_function(found, index))
            or words[index - 1 : index + 1] == ["rename", "to"]
        ):
            names = (each.value for each in found[index + 1 :] if each.is_name and each.word not in _BEFORE_NAME)
            yield Setting(HIDES, next(names, None), local)


def _is_function(found: Sequence[Token], index: int) -> bool:
    """Whether a name in pg_temp is a function's, which hides no other: it is found with its schema alone.

    PostgreSQL documentation, "search_path".
    """
    follows = [token.value for token in found[index + 1 : index + 4]]
    before = found[index - 1].word if index else ""
    return follows[:1] == ["."] and follows[2:] == ["("] and before not in (*_BEFORE_NAME, "into")


def _makes(words: Sequence[str], index: int) -> bool:
    """Whether TEMP at an index is part of CREATE or of SELECT … INTO."""
    before = [*words[max(index - 3, 0) : index]]
    if before[-1:] in (["local"], ["global"]):
        before.pop()
    return before[-1:] in (["create"], ["into"]) or before == ["create", "or", "replace"]


def _of_set_config(found: Sequence[Token], params: Any) -> Setting | None:
    """Return the setting of a SELECT of set_config() alone, with literals or parameters; None for all else."""
    values = [token.value for token in found]
    start = 3 if values[1:3] == ["pg_catalog", "."] else 1
    if values[:1] != ["select"] or values[start : start + 2] != ["set_config", "("] or values[-1] != ")":
        return None
    arguments = _split(found[start + 2 : -1])
    if len(arguments) != 3 or any(len(argument) not in (1, 3) for argument in arguments):
        return None
    given = iter(params if isinstance(params, (list, tuple)) else ())
    name, value, local = (_literal(argument, given) for argument in arguments)
    if name is _NOT_KNOWN or value is _NOT_KNOWN or local is _NOT_KNOWN:
        return None
    if not isinstance(name, str) or str(local).lower() not in ("true", "false"):
        return UNKNOWN
    return Setting(name.lower(), repr(value), str(local).lower() == "true")


_NOT_KNOWN: Any = object()


def _literal(argument: Sequence[Token], given: Iterator[Any]) -> Any:
    """Return what an argument is: a literal, which may be cast, or the next parameter."""
    token = argument[0]
    if len(argument) == 3 and argument[1].value != "::":
        return _NOT_KNOWN
    if token.value == "%s" and token.kind == OTHER:
        return next(given, None)
    return token.value if token.kind == STRING or token.word in ("true", "false", "null") else _NOT_KNOWN


def _split(found: Sequence[Token]) -> list[Sequence[Token]]:
    """Split arguments at the commas that stand in no parentheses."""
    parts: list[Sequence[Token]] = []
    depth = begin = 0
    for index, token in enumerate(found):
        if token.kind == OTHER:
            depth += (token.value in "([") - (token.value in ")]")
            if token.value == "," and not depth:
                parts.append(found[begin:index])
                begin = index + 1
    return [*parts, found[begin:]]


def settings_of_body(text: str) -> Iterator[Setting]:
    """Yield UNKNOWN where another statement, or the body of a function, sets something; local where it ends with it."""
    found = tokens(text, every_parameter=True)
    yield from _unknown(found)


def _unknown(found: Sequence[Token]) -> Iterator[Setting]:
    ways = set(_ways(found))
    if "session" in ways:
        yield UNKNOWN
    elif ways:
        # what it sets it to is not known, while the transaction is open
        yield UNKNOWN._replace(local=True)
    yield from _of_temporary(found)


def _may_set(found: Sequence[Token]) -> bool:
    first = found[0].word
    return first == "discard" or (first in ("set", "reset", *_RUNS_CODE) and any(True for _ in _ways(found)))


def _ways(found: Sequence[Token]) -> Iterator[str]:
    """Yield in which ways the statements of these tokens, and those in literals, set something: session or local."""
    for index, token in enumerate(found):
        following = found[index + 1].word if index + 1 < len(found) else ""
        if token.kind == STRING:
            yield from _ways(tokens(token.value, every_parameter=True))
        elif token.value == "set_config" and token.is_name:
            yield "local" if _is_local(found, index + 1) else "session"
        elif token.word == "set" and _begins(found, index):
            name, _ = _name_at(found, index + (2 if following in ("local", "session") else 1))
            if name not in _OTHERS and not _HARMLESS.fullmatch(name):
                yield "local" if following == "local" else "session"
        elif token.word == "reset" and _begins(found, index):
            yield "session"
        elif token.value == "pg_settings" and any(before.word == "update" for before in found[:index]):
            # the view has a rule that sets them; ONLY, or a schema, may stand before its name
            yield "session"


def _begins(found: Sequence[Token], index: int) -> bool:
    """Whether a statement may begin at a token, rather than the SET of an UPDATE."""
    return index == 0 or found[index - 1].value == ";" or found[index - 1].word in _BEFORE_STATEMENT


def _is_local(found: Sequence[Token], start: int) -> bool:
    """Whether the last argument of a call says true: until the transaction ends."""
    depth = 0
    for index in range(start, len(found)):
        if found[index].kind == OTHER:
            depth += (found[index].value == "(") - (found[index].value == ")")
            if depth == 0:
                return found[index - 1].word == "true"
    return False


def _reported_path(driver: Any) -> bytes | None:
    found: bytes | None = None if driver is None else driver.pgconn.parameter_status(b"search_path")
    return found
