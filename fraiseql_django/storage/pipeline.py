"""A connection of psycopg's, spoken to through libpq: statements are prepared once, several go in one round trip.

psycopg's cursors find out anew at each execution how parameters are written and what is prepared, which takes as long
as a small statement itself. Here parameters are texts already; a statement is sent under its name, and whatever has to
be said before or after it goes in the same round trip: BEGIN, settings, the preparation itself (PostgreSQL
documentation, "Pipeline Mode" of libpq, and "Pipelining" of the protocol). Where no transaction is open, all that is
sent together is one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from .._compat import (
    Error,
    ExecStatus,
    InternalError_,
    InvalidSqlStatementName,
    IsolationLevel,
    NotSupportedError,
    Pipeline,
    TransactionStatus,
    error_from_result,
    execute,
    fetch_many,
    send,
)
from .base import Settings

# So many statements stay prepared on a connection; those that were not used for longest are given up
KEPT = 500
_ATTRIBUTE = "_fraiseql_wire"

Result: TypeAlias = Any


class Command(NamedTuple):
    """A statement with ``$1``, ``$2`` … in it, its parameters, and their types where the text alone does not tell."""

    sql: bytes
    # None for none, as psycopg's libpq has it
    params: list[bytes | None] | None = None
    types: tuple[int, ...] = ()
    formats: list[int] | None = None
    prepare: bool = False
    # whether it is told who asks, so that no client is to blame for its failure
    tells: bool = False

    @property
    def key(self) -> tuple[bytes, tuple[int, ...]]:
        """What it is prepared for."""
        return self.sql, self.types


class Former(NamedTuple):
    """What settings were before others were put in force."""

    values: Settings
    in_force: Settings


_SAVEPOINT = Command(b"SAVEPOINT _fraiseql")
_UNDO = Command(b"ROLLBACK TO SAVEPOINT _fraiseql")
_RELEASE = Command(b"RELEASE SAVEPOINT _fraiseql")


class _Step(NamedTuple):
    """What is sent to libpq as one message: a preparation under ``name``, or an execution of a command."""

    command: Command
    name: bytes
    prepares: bool


class Wire:
    """What is known of one connection: the statements that it has prepared, and the settings in force."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        # those of an open transaction; statements in it need not bring them along
        self.in_force: Settings = ()
        self._prepared: OrderedDict[tuple[bytes, tuple[int, ...]], bytes] = OrderedDict()
        self._named = 0

    def run(self, commands: Sequence[Command]) -> list[Result]:
        """Send commands in one round trip and return their results; raise psycopg's error of the first that fails."""
        pgconn = self.raw.pgconn
        idle = pgconn.transaction_status == TransactionStatus.IDLE
        with self.raw.lock:
            try:
                return self._run(commands)
            except InvalidSqlStatementName:
                # DISCARD or DEALLOCATE, by others: none of it was executed
                self._prepared.clear()
                if not idle or pgconn.transaction_status != TransactionStatus.IDLE:
                    raise
                return self._run(commands)

    def run_with(self, settings: Settings, command: Command) -> Result:
        """Send a command with settings that hold for it alone, in one round trip, and return its result."""
        if not settings or settings == self.in_force:
            return self.run([command])[0]
        setting = self._setting(settings, prepare=command.prepare)
        if self.raw.autocommit and self.raw.pgconn.transaction_status == TransactionStatus.IDLE:
            return self.run([setting, command])[1]
        # in a transaction of others' they would stay until its end; a savepoint takes them along when it is undone
        return self.run([_SAVEPOINT, setting, command, _UNDO, _RELEASE])[2]

    def put_in_force(self, settings: Settings, *, prepare: bool) -> Former:
        """Make settings hold until the open transaction ends; return what ``put_back`` takes to make it earlier."""
        reading = Command(_reading(len(settings)), [name.encode() for name, _ in settings], prepare=prepare)
        row = self.run([reading, self._setting(settings, prepare=prepare)])[0]
        values = [(row.get_value(0, column) or b"").decode() for column in range(len(settings))]
        found = Former(tuple((name, value) for (name, _), value in zip(settings, values, strict=True)), self.in_force)
        self.in_force = settings
        return found

    def put_back(self, former: Former, *, prepare: bool) -> None:
        """Make settings what they were."""
        self.run([self._setting(former.values, prepare=prepare)])
        self.in_force = former.in_force

    def _setting(self, settings: Settings, *, prepare: bool) -> Command:
        if not Pipeline.is_supported():
            raise NotSupportedError("settings for each operation need libpq 14 or newer")
        texts: list[bytes | None] = [text.encode() for pair in settings for text in pair]
        return Command(_writing(len(settings)), texts, prepare=prepare, tells=True)

    def _run(self, commands: Sequence[Command]) -> list[Result]:
        if not self.raw.autocommit and self.raw.pgconn.transaction_status == TransactionStatus.IDLE:
            commands = [Command(_begin(self.raw)), *commands]
            return self._run_steps(self._steps(commands))[1:]
        first = commands[0]
        if len(commands) == 1 and first.prepare and (name := self._prepared.get(first.key)) is not None:
            return [self._again(first, name)]
        return self._run_steps(self._steps(commands))

    def _again(self, command: Command, name: bytes) -> Result:
        """Execute what is prepared, when nothing has to go with it: what happens most, in as few steps as can be."""
        self._prepared.move_to_end(command.key)
        pgconn = self.raw.pgconn
        try:
            pgconn.send_query_prepared(name, command.params, command.formats)
            result = self.raw.wait(execute(pgconn))[0]
        finally:
            self._close_if_unknown()
        _check(result)
        return result

    def _close_if_unknown(self) -> None:
        """Close a connection of which nobody knows what it will answer next: COPY, for one, would wait for data."""
        pgconn = self.raw.pgconn
        if pgconn.transaction_status == TransactionStatus.ACTIVE or pgconn.pipeline_status:
            pgconn.finish()

    def _steps(self, commands: Sequence[Command]) -> list[_Step]:
        steps: list[_Step] = []
        for command in commands:
            name = b""
            if command.prepare:
                name = self._prepared.get(command.key, b"")
                if name:
                    self._prepared.move_to_end(command.key)
                else:
                    steps += self._made_room()
                    self._named += 1
                    name = b"_fraiseql_%d" % self._named
                    steps.append(_Step(command, name, prepares=True))
            steps.append(_Step(command, name, prepares=False))
        return steps

    def _made_room(self) -> list[_Step]:
        if len(self._prepared) < KEPT:
            return []
        _, name = self._prepared.popitem(last=False)
        return [_Step(Command(b'DEALLOCATE "%b"' % name), b"", prepares=True)]

    def _run_steps(self, steps: list[_Step]) -> list[Result]:
        if len(steps) > 1 and not Pipeline.is_supported():
            # an older libpq: one after the other
            return [result for step in steps for result in self._run_steps([step])]
        pgconn = self.raw.pgconn
        try:
            results = self.raw.wait(_alone(pgconn, steps[0]) if len(steps) == 1 else _in_a_row(pgconn, steps))
        finally:
            self._close_if_unknown()
        found: list[Result] = []
        for step, result in zip(steps, results, strict=True):
            try:
                _check(result)
            except Error as error:
                if step.command.tells and not isinstance(error, InvalidSqlStatementName):
                    raise InternalError_(f"what the session is told was refused: {error}") from error
                raise
            if not step.prepares:
                found.append(result)
            elif step.name:
                self._prepared[step.command.key] = step.name
        return found


def wire_of(raw: Any) -> Wire:
    """Return what is known of a connection of psycopg's."""
    found = getattr(raw, _ATTRIBUTE, None)
    if found is None:
        found = Wire(raw)
        setattr(raw, _ATTRIBUTE, found)
    return found


@cache
def _reading(count: int) -> bytes:
    return b"SELECT " + b", ".join(b"current_setting($%d, true)" % number for number in range(1, count + 1))


@cache
def _writing(count: int) -> bytes:
    # true: until the transaction ends, were it of this statement and the next alone
    pairs = ((2 * number + 1, 2 * number + 2) for number in range(count))
    return b"SELECT " + b", ".join(b"set_config($%d, $%d, true)" % pair for pair in pairs)


def _begin(raw: Any) -> bytes:
    """Write the BEGIN that psycopg sends before the first statement of a transaction."""
    words = [b"BEGIN"]
    if raw.isolation_level is not None:
        words += [b"ISOLATION LEVEL", IsolationLevel(raw.isolation_level).name.replace("_", " ").encode()]
    if raw.read_only is not None:
        words.append(b"READ ONLY" if raw.read_only else b"READ WRITE")
    if raw.deferrable is not None:
        words.append(b"DEFERRABLE" if raw.deferrable else b"NOT DEFERRABLE")
    return b" ".join(words)


def _check(result: Result) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY):
        raise error_from_result(result, encoding="utf-8")


# --- libpq, without ever blocking: psycopg waits for the socket between the steps of a generator ---


def _alone(pgconn: Any, step: _Step) -> Generator[Any, Any, list[Result]]:
    _hand_over(pgconn, step)
    results: list[Result] = yield from execute(pgconn)
    return results


def _in_a_row(pgconn: Any, steps: list[_Step]) -> Generator[Any, Any, list[Result]]:
    pgconn.enter_pipeline_mode()
    for step in steps:
        _hand_over(pgconn, step)
    pgconn.pipeline_sync()
    yield from send(pgconn)
    results: list[Result] = []
    for _ in steps:
        results += yield from fetch_many(pgconn)
    while (end := (yield from fetch_many(pgconn))) and end[-1].status != ExecStatus.PIPELINE_SYNC:
        # without an open transaction this is a commit, which may fail as well
        results[-1:] = end
    pgconn.exit_pipeline_mode()
    return results


def _hand_over(pgconn: Any, step: _Step) -> None:
    command = step.command
    if step.prepares and step.name:
        pgconn.send_prepare(step.name, command.sql, list(command.types) or None)
    elif step.name:
        pgconn.send_query_prepared(step.name, command.params, command.formats)
    else:
        pgconn.send_query_params(command.sql, command.params, list(command.types) or None, command.formats)
