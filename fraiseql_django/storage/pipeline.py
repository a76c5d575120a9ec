"""Sends statements through libpq: they are prepared once, and several go to PostgreSQL in one round trip.

psycopg's cursors find out anew at each execution how parameters are written and what is prepared, which takes as long
as a small statement itself. Here the parameters are texts already, a statement is executed under its name, and what
has to go before or after it is sent in the same round trip: BEGIN, settings, the preparation itself (PostgreSQL
documentation, "Pipeline Mode" of libpq, and "Pipelining" of the protocol). Without an open transaction, everything
that is sent together is one transaction.

A pooler such as PgBouncer may give each transaction another of PostgreSQL's sessions, where a prepared statement is
missing, or where another client has prepared one under the same name. So a statement is named by a digest of its text
and types, and nothing is prepared where the session's process is not the one that answered when the connection was
opened. The first round trip of a connection finds that out, and prepares nothing yet.

PostgreSQL plans statements of operations with ``jit`` off, where the session has it on: they have hundreds of
expressions, and compiling these takes seconds where it takes the costs for high, as it does for tables that were not
analysed yet. The setting goes with the statement, in its round trip, and ends with it. It takes a quarter of the time
of a small statement, so PostgreSQL is asked once for the costs of one that is executed again: where they are far below
``jit_above_cost``, it is sent alone from then on. If it ever takes long, PostgreSQL is asked anew.

This relies on pieces of psycopg that are not documented, all of them imported by ``_compat``. A connection that lacks
any of them is served by ``cursors``.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from functools import cache
from hashlib import blake2b
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from .._compat import (
    Connection,
    DuplicatePreparedStatement,
    Error,
    ExecStatus,
    InternalError_,
    InvalidSqlStatementName,
    IsolationLevel,
    ProgrammingError,
    TransactionStatus,
    error_from_result,
    execute,
    fetch_many,
    send,
)
from ..invalidation.catalog import RESUME_JIT, SUSPEND_JIT
from ..invalidation.statements import only_reads
from ..memory import LRU
from .base import NO_JIT, Row, Settings
from .positions import POSITION

# What is used of psycopg's Connection and of its libpq connection
_OF_CONNECTION = ("autocommit", "deferrable", "isolation_level", "lock", "pgconn", "read_only", "wait")
_OF_PGCONN = (
    "backend_pid",
    *("enter_pipeline_mode", "exit_pipeline_mode", "finish", "pipeline_status", "pipeline_sync", "send_prepare"),
    *("send_query_params", "send_query_prepared", "transaction_status"),
)

Result: TypeAlias = Any


class Command(NamedTuple):
    """A statement, its parameters, and their types where they are not texts.

    As bytes it has ``$1``, ``$2`` … in it, as text ``%s`` and ``%%``; it is translated where PostgreSQL has to read it.
    """

    sql: bytes | str
    # None for none, as psycopg's libpq has it
    params: list[bytes | None] | None = None
    types: tuple[int, ...] = ()
    formats: list[int] | None = None
    prepare: bool = False
    # whether it sets session values: its failure is not the client's fault
    sets_session: bool = False

    @property
    def key(self) -> tuple[bytes | str, tuple[int, ...]]:
        """The key of the prepared statement: PostgreSQL prepares a text for types of parameters."""
        return self.sql, self.types

    @property
    def text(self) -> bytes:
        """The statement as PostgreSQL reads it."""
        return self.sql if isinstance(self.sql, bytes) else numbered(self.sql)

    def name(self, generation: int) -> bytes:
        """Return the name of the prepared statement: the same for the same statement, in every process."""
        digest = blake2b(repr((self.text, self.types)).encode(), digest_size=16).hexdigest()
        return b"_fraiseql_%d_%s" % (generation, digest.encode())

    @property
    def weight(self) -> int:
        """The bytes that the prepared statement takes in PostgreSQL, as estimated."""
        return _OF_STATEMENT + _OF_BYTE * len(self.sql)


class FormerSettings(NamedTuple):
    """The values of settings before others were set in a transaction."""

    values: Settings
    in_force: Settings


# What a prepared statement with its plan takes in PostgreSQL, measured: 16 to 24 kB for the least, and 46 to 170 bytes
# for each byte of SQL, more where names are short
_OF_STATEMENT = 16_000
_OF_BYTE = 250

_PROCESS = Command(b"SELECT pg_backend_pid(), current_setting('jit', true), current_setting('jit_above_cost', true)")
_JIT_OFF = Command(b"SELECT set_config('jit', 'off', true)", sets_session=True)
# PostgreSQL is asked for the costs of a statement at this execution
_ASKED_AT = 3
_EXPLAIN = b"EXPLAIN (FORMAT JSON) "
# What it may cost to be sent without the setting, as a part of jit_above_cost: its tables may grow
_CHEAP = 0.1
# Compiling takes longer than this where it does harm
_SLOW_SECONDS = 0.05
_SAVEPOINT = Command(b"SAVEPOINT _fraiseql")
_ROLLBACK = Command(b"ROLLBACK TO SAVEPOINT _fraiseql")
_RELEASE = Command(b"RELEASE SAVEPOINT _fraiseql")


class _Step(NamedTuple):
    """One message to libpq: the preparation of a command under ``name``, or its execution.

    ``removes`` is the key of the prepared statement that a DEALLOCATE is of.
    """

    command: Command
    name: bytes
    prepares: bool
    removes: Any = None


class _Prepared:
    """A prepared statement: its name, and whether it certainly changes nothing.

    ``executions`` is how often it was executed with ``jit`` off, ``is_cheap`` says whether it costs too little to be
    compiled.
    """

    __slots__ = ("executions", "is_cheap", "name", "only_reads")

    def __init__(self, name: bytes, *, only_reads: bool) -> None:
        self.name = name
        self.only_reads = only_reads
        self.executions = 0
        self.is_cheap = False


def missing_in(driver: Any) -> str | None:
    """Return what a driver's connection lacks to send statements through libpq; None where it has everything."""
    pgconn = getattr(driver, "pgconn", None)
    missing = [name for name in _OF_CONNECTION if not hasattr(driver, name)]
    missing += [f"pgconn.{name}" for name in _OF_PGCONN if not hasattr(pgconn, name)]
    return f"{type(driver).__qualname__} lacks {', '.join(missing)}" if missing else None


class ConnectionPipeline:
    """One connection's prepared statements and settings, and the way to send commands over it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.is_plain = type(driver) is Connection
        # those of the open transaction; statements in it need not set them again
        self.in_force: Settings = ()
        # the names of prepared statements, and what these take in PostgreSQL; the storage has the bounds
        self._prepared: LRU[_Prepared] = LRU(500, 64_000_000)
        # part of the names: those of an earlier generation may still be taken
        self._generation = 0
        # None until PostgreSQL has been asked
        self._is_pooled: bool | None = None
        self._has_jit = True
        self._jit_above_cost = 0.0

    def bound(self, count: int, size: int) -> None:
        """Let so many statements stay prepared, of so many bytes in PostgreSQL."""
        self._prepared.max_size, self._prepared.max_bytes = count, size

    def forget_prepared(self) -> None:
        """Note that the session has no prepared statements any more."""
        self._prepared.clear()

    def prepared_name(self, sql: str) -> str | None:
        """Return the name that a statement is prepared under; None behind a pooler, which has its own sessions."""
        return None if self._is_pooled else Command(sql).name(self._generation).decode()

    def run(self, commands: Sequence[Command]) -> list[Result]:
        """Send commands in one round trip and return their results; raise psycopg's error of the first that fails."""
        pgconn = self.driver.pgconn
        idle = pgconn.transaction_status == TransactionStatus.IDLE
        with self.driver.lock:
            try:
                return self._run(commands)
            except (InvalidSqlStatementName, DuplicatePreparedStatement):
                # DISCARD or DEALLOCATE by somebody else, or another session of a pooler's; nothing was executed
                self._prepared.clear()
                self._generation += 1
                if not idle:
                    raise
                if pgconn.transaction_status == TransactionStatus.INERROR:
                    # begun in the same round trip
                    self._run([Command(b"ROLLBACK")])
                return self._run([command._replace(prepare=False) for command in commands])

    def fetch(self, sql: bytes, *, prepare: bool) -> list[Row]:
        """Run a statement without parameters and return its rows."""
        return rows_of(self.run([Command(sql, prepare=prepare)])[0])

    def run_with(self, settings: Settings, command: Command, *, jit: bool = True) -> Result:
        """Send a command with settings that hold for it alone, in one round trip, and return its result.

        Without ``jit`` PostgreSQL does not compile it.
        """
        without_jit = self._has_jit and not jit
        if settings and settings != self.in_force:
            setting = _setting((*settings, NO_JIT) if without_jit else settings, prepare=command.prepare)
            return self._run_after(setting, command)
        if not without_jit:
            return self.run([command])[0]
        known = self._prepared.get(command.key) if command.prepare else None
        if known is not None and known.is_cheap:
            return self._run_cheap(command, known)
        return self._run_without_jit(command, known)

    def run_at(self, settings: Settings, command: Command, *, jit: bool = True) -> tuple[bytes | None, Result]:
        """Send a command like ``run_with``, and ahead of it the question for the server's position in its log.

        Return the position (see ``positions``), None where it says nothing about the command: in an open transaction.
        """
        if not self._is_alone:
            return None, self.run_with(settings, command, jit=jit)
        if self._has_jit and not jit:
            settings = (*settings, NO_JIT)
        position, result = self.run([_setting(settings, prepare=command.prepare, ahead=POSITION), command])
        return position.get_value(0, 0), result

    def _run_after(self, setting: Command, command: Command) -> Result:
        if self._is_alone:
            return self.run([setting, command])[1]
        # in somebody else's transaction they would hold until its end; a rollback to a savepoint takes them back
        return self.run([_SAVEPOINT, setting, command, _ROLLBACK, _RELEASE])[2]

    @property
    def _is_alone(self) -> bool:
        """Whether what is sent together is one transaction."""
        return bool(self.driver.autocommit) and self.driver.pgconn.transaction_status == TransactionStatus.IDLE

    def _run_without_jit(self, command: Command, known: _Prepared | None) -> Result:
        prepare = command.prepare
        if not self._is_alone:
            # no savepoint, which costs more; a transaction whose statement fails is rolled back, with its settings
            before, after = (Command(sql, prepare=prepare, sets_session=True) for sql in (SUSPEND_JIT, RESUME_JIT))
            return self.run([before, command, after])[1]
        commands = [_JIT_OFF._replace(prepare=prepare), command]
        if known is not None:
            known.executions += 1
            if known.executions == _ASKED_AT and command.text[:7] == b"SELECT ":
                return self._run_explained(commands, known)
        return self.run(commands)[1]

    def _run_explained(self, commands: list[Command], known: _Prepared) -> Result:
        """Send commands, and let PostgreSQL say in the same round trip what the last of them costs."""
        command = commands[-1]
        explain = command._replace(sql=_EXPLAIN + command.text, prepare=False)
        try:
            *_, result, explained = self.run([*commands, explain])
            (plan,) = json.loads(explained.get_value(0, 0))
            known.is_cheap = plan["Plan"]["Total Cost"] < _CHEAP * self._jit_above_cost
        except (Error, ValueError, KeyError):
            if not self._is_alone:
                raise
            # an extension may not explain everything; if it was the command that failed, it fails again
            result = self.run(commands)[-1]
        return result

    def _described(self, step: _Step) -> _Prepared:
        sql = step.command.sql
        return _Prepared(step.name, only_reads=isinstance(sql, str) and only_reads(sql))

    def run_known(self, sql: str, params: Sequence[Any], *, jit: bool) -> Result | None:
        """Execute a statement that is prepared, changes nothing and needs no other beside it.

        Return None, and send nothing, where that is not so, or where a parameter is not a text.
        """
        known = self._prepared.get((sql, ()))
        if known is None or not known.only_reads or not (known.is_cheap or jit or not self._has_jit):
            return None
        texts: list[bytes | None] = []
        for param in params:
            if param is None:
                texts.append(None)
            elif type(param) is str and "\0" not in param:
                texts.append(param.encode("utf-8", "surrogatepass"))
            else:
                return None
        driver = self.driver
        if not driver.autocommit:
            return None
        began = perf_counter()
        try:
            with driver.lock:
                result = self._execute_prepared(known.name, texts or None)
        except InvalidSqlStatementName:
            # nothing was executed; it is prepared anew
            return self.run([Command(sql, texts or None, prepare=True)])[0]
        if perf_counter() - began > _SLOW_SECONDS:
            known.is_cheap, known.executions = False, 0
        return result

    def _run_cheap(self, command: Command, known: _Prepared) -> Result:
        """Send a command that PostgreSQL takes for too cheap to compile; note where that seems to be wrong."""
        began = perf_counter()
        result = self.run([command])[0]
        if perf_counter() - began > _SLOW_SECONDS:
            known.is_cheap, known.executions = False, 0
        return result

    def set_locally(self, settings: Settings, *, prepare: bool) -> FormerSettings:
        """Set settings until the open transaction ends; return what ``restore`` needs to end them earlier."""
        reading = Command(_current_settings(len(settings)), [name.encode() for name, _ in settings], prepare=prepare)
        row = self.run([reading, _setting(settings, prepare=prepare)])[0]
        values = [(value or b"").decode() for value in rows_of(row)[0]]
        former = FormerSettings(
            tuple((name, value) for (name, _), value in zip(settings, values, strict=True)), self.in_force
        )
        self.in_force = settings
        return former

    def restore(self, former: FormerSettings, *, prepare: bool) -> None:
        """Set settings back to their former values."""
        self.run([_setting(former.values, prepare=prepare)])
        self.in_force = former.in_force

    def _run(self, commands: Sequence[Command]) -> list[Result]:
        first = commands[0]
        begins = not self.driver.autocommit and self.driver.pgconn.transaction_status == TransactionStatus.IDLE
        if len(commands) == 1 and not begins and (known := self._prepared.get(first.key)) is not None and first.prepare:
            return [self._execute_prepared(known.name, first.params, first.formats)]
        before: list[Command] = [Command(_begin(self.driver))] if begins else []
        if self._is_pooled is None:
            before.append(_PROCESS)
        if self._is_pooled is not False:
            commands = [command._replace(prepare=False) for command in commands]
        results = self._run_steps(self._steps([*before, *commands]))
        if self._is_pooled is None:
            of_process = results[len(before) - 1]
            self._is_pooled = int(of_process.get_value(0, 0) or b"0") != self.driver.pgconn.backend_pid
            # sessions behind a pooler are of one server, database and user
            # where the costs are negative, nothing is compiled
            self._jit_above_cost = float(of_process.get_value(0, 2) or -1)
            self._has_jit = of_process.get_value(0, 1) == b"on" and self._jit_above_cost >= 0
        return results[len(before) :]

    def _execute_prepared(
        self, name: bytes, params: list[bytes | None] | None, formats: list[int] | None = None
    ) -> Result:
        """Execute a prepared statement alone, in as few steps as possible."""
        pgconn = self.driver.pgconn
        try:
            pgconn.send_query_prepared(name, params, formats)
            result = self.driver.wait(execute(pgconn))[0]
            if result.status == _TUPLES:
                return result
        except BaseException:
            self._close_if_out_of_step()
            raise
        self._close_if_out_of_step()
        _check(result)
        return result

    def _close_if_out_of_step(self) -> None:
        """Close a connection that has not come to the end of its answers: COPY, for one, would wait for data."""
        pgconn = self.driver.pgconn
        if pgconn.transaction_status == TransactionStatus.ACTIVE or pgconn.pipeline_status:
            pgconn.finish()

    def _steps(self, commands: Sequence[Command]) -> list[_Step]:
        steps: list[_Step] = []
        added: list[int] = []
        removed: set[Any] = set()
        for command in commands:
            known = self._prepared.get(command.key) if command.prepare and command.key not in removed else None
            name = None if known is None else known.name
            if name is None and command.prepare and self._prepared.takes(*added, command.weight):
                added.append(command.weight)
                for key, old in self._prepared.surplus(added).items():
                    if key not in removed:
                        removed.add(key)
                        steps.append(_Step(Command(b'DEALLOCATE "%b"' % old.name), b"", prepares=True, removes=key))
                name = command.name(self._generation)
                steps.append(_Step(command, name, prepares=True))
            steps.append(_Step(command, name or b"", prepares=False))
        return steps

    def _run_steps(self, steps: list[_Step]) -> list[Result]:
        pgconn = self.driver.pgconn
        try:
            answers = self.driver.wait(_alone(pgconn, steps[0]) if len(steps) == 1 else _in_a_row(pgconn, steps))
        finally:
            self._close_if_out_of_step()
        results: list[Result] = []
        for step, result in zip(steps, answers, strict=True):
            try:
                _check(result)
            except Error as error:
                unknown_or_taken = (InvalidSqlStatementName, DuplicatePreparedStatement)
                if step.command.sets_session and not isinstance(error, unknown_or_taken):
                    raise refused_setting(error) from error
                raise
            if not step.prepares:
                results.append(result)
            elif step.name:
                self._prepared.set(step.command.key, self._described(step), step.command.weight)
            else:
                self._prepared.remove(step.removes)
        return results


_TUPLES = None if ExecStatus is None else ExecStatus.TUPLES_OK.value


def numbered(sql: str) -> bytes:
    """Turn ``%s`` into ``$1``, ``$2`` … and ``%%`` into ``%``."""
    head, *rest = sql.replace("%%", "\0").split("%s")
    text = head + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
    return text.replace("\0", "%").encode()


def rows_of(result: Result) -> list[Row]:
    """Return the rows of a result as PostgreSQL wrote them."""
    value = result.get_value
    if result.nfields == 1:
        # so that the usual statement pays no inner loop
        return [(value(row, 0),) for row in range(result.ntuples)]
    return [tuple(value(row, column) for column in range(result.nfields)) for row in range(result.ntuples)]


def refused_setting(error: Exception) -> Exception:
    """Return the error for session values that PostgreSQL refuses, whose code blames no client."""
    return InternalError_(f"PostgreSQL refused a session variable, the role or the time limit: {error}")


def _setting(settings: Settings, *, prepare: bool, ahead: bytes = b"") -> Command:
    texts: list[bytes | None] = [text.encode() for pair in settings for text in pair]
    return Command(_set_config(len(settings), ahead), texts or None, prepare=prepare, sets_session=bool(settings))


@cache
def _current_settings(count: int) -> bytes:
    return b"SELECT " + b", ".join(b"current_setting($%d, true)" % number for number in range(1, count + 1))


@cache
def _set_config(count: int, ahead: bytes = b"") -> bytes:
    # true: until the transaction ends
    pairs = [b"set_config($%d, $%d, true)" % (2 * number + 1, 2 * number + 2) for number in range(count)]
    return b"SELECT " + b", ".join([ahead, *pairs] if ahead else pairs)


def _begin(driver: Any) -> bytes:
    """Return the BEGIN that psycopg sends before the first statement of a transaction."""
    words = [b"BEGIN"]
    if driver.isolation_level is not None:
        words += [b"ISOLATION LEVEL", IsolationLevel(driver.isolation_level).name.replace("_", " ").encode()]
    if driver.read_only is not None:
        words.append(b"READ ONLY" if driver.read_only else b"READ WRITE")
    if driver.deferrable is not None:
        words.append(b"DEFERRABLE" if driver.deferrable else b"NOT DEFERRABLE")
    return b" ".join(words)


def _check(result: Result) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY):
        raise error_from_result(result, encoding="utf-8")


# --- libpq, which never blocks here: psycopg waits for the socket between the steps of a generator ---


def _alone(pgconn: Any, step: _Step) -> Generator[Any, Any, list[Result]]:
    _send_step(pgconn, step)
    results: list[Result] = yield from execute(pgconn)
    return results


def _in_a_row(pgconn: Any, steps: list[_Step]) -> Generator[Any, Any, list[Result]]:
    pgconn.enter_pipeline_mode()
    for step in steps:
        _send_step(pgconn, step)
    pgconn.pipeline_sync()
    yield from send(pgconn)
    results: list[Result] = []
    for _ in steps:
        results.append(_whole((yield from fetch_many(pgconn))))
        if results[-1].status in (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
            # libpq has no way on from here in pipeline mode; the connection is closed
            raise ProgrammingError("COPY cannot be used with this method")
    while (end := (yield from fetch_many(pgconn))) and end[-1].status != ExecStatus.PIPELINE_SYNC:
        # without an open transaction this is a commit, which may fail as well
        results[-1:] = end
    pgconn.exit_pipeline_mode()
    return results


def _whole(parts: list[Result]) -> Result:
    """Return the one result of a statement.

    After a cursor's ``stream()`` libpq still hands out the rows of the first statement of a pipeline one by one: it
    leaves that mode when a statement is sent outside of pipelines (its documentation, "Retrieving Query Results in
    Chunks").
    """
    last = parts[-1]
    return _InParts(parts) if len(parts) > 1 and last.status == ExecStatus.TUPLES_OK else last


class _InParts:
    """A result whose rows came in several results."""

    def __init__(self, parts: Sequence[Result]) -> None:
        self.status, self.nfields = parts[-1].status, parts[-1].nfields
        self._rows = [(part, row) for part in parts for row in range(part.ntuples)]
        self.ntuples = len(self._rows)

    def get_value(self, row: int, column: int) -> bytes | None:
        part, place = self._rows[row]
        value: bytes | None = part.get_value(place, column)
        return value


def _send_step(pgconn: Any, step: _Step) -> None:
    command = step.command
    if step.prepares and step.name:
        pgconn.send_prepare(step.name, command.text, list(command.types) or None)
    elif step.name:
        pgconn.send_query_prepared(step.name, command.params, command.formats)
    else:
        pgconn.send_query_params(command.text, command.params, list(command.types) or None, command.formats)
