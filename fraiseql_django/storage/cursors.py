"""Sends statements through the cursors of the driver, where ``pipeline`` cannot serve a connection.

That is so with a psycopg or libpq that lacks what the pipeline uses, behind wrappers that hide psycopg's connection,
and where the project has a cursor class of its own (``OPTIONS["cursor_factory"]``), which is then respected. Answers
are the same bytes. Settings take round trips of their own, and psycopg decides what is prepared
(``OPTIONS["prepare_threshold"]``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._compat import CharacterNotInRepertoire, Error, TransactionStatus, tuple_row
from .._django import unobserved
from ..invalidation.catalog import RESUME_JIT, SUSPEND_JIT
from .base import NO_JIT, Row, Settings
from .pipeline import FormerSettings, refused_setting
from .pipeline import rows_of as rows_of_result


class ConnectionCursors:
    """One connection's settings, and the way to set them through its cursors."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        # those of the open transaction; statements in it need not set them again
        self.in_force: Settings = ()
        # None until PostgreSQL has been asked
        self._has_jit: bool | None = None

    @contextmanager
    def setting(self, settings: Settings, *, jit: bool = True) -> Iterator[None]:
        """Run the statements of a block with settings that hold for them alone; without ``jit`` none is compiled."""
        if settings == self.in_force:
            settings = ()
        without_jit = not jit and self._jit_is_on()
        if not settings and not without_jit:
            yield
        elif self.driver.autocommit and self._status() == TransactionStatus.IDLE:
            with self._between("BEGIN", ["COMMIT"], ["ROLLBACK"]):
                self._set((*settings, NO_JIT) if without_jit else settings)
                yield
        elif not settings:
            # a transaction whose statement fails is rolled back, with its settings
            self._run(SUSPEND_JIT)
            yield
            self._run(RESUME_JIT)
        else:
            # in somebody else's transaction they would hold until its end; a rollback to a savepoint takes them back
            undo = ["ROLLBACK TO SAVEPOINT _fraiseql", "RELEASE SAVEPOINT _fraiseql"]
            with self._between("SAVEPOINT _fraiseql", undo, undo):
                self._set((*settings, NO_JIT) if without_jit else settings)
                yield

    def _jit_is_on(self) -> bool:
        if self._has_jit is None:
            self._has_jit = self._run("SELECT current_setting('jit', true)").fetchone() == ("on",)
        return self._has_jit

    def set_locally(self, settings: Settings, *, prepare: bool) -> FormerSettings:
        """Set settings until the open transaction ends; return what ``restore`` needs to end them earlier."""
        names = [name for name, _ in settings]
        row = self._run("SELECT " + ", ".join(["current_setting(%s, true)"] * len(names)), names).fetchone()
        former = FormerSettings(
            tuple((name, value or "") for name, value in zip(names, row, strict=True)), self.in_force
        )
        self._set(settings)
        self.in_force = settings
        return former

    def restore(self, former: FormerSettings, *, prepare: bool) -> None:
        """Set settings back to their former values."""
        self._set(former.values)
        self.in_force = former.in_force

    def fetch(self, sql: bytes, *, prepare: bool) -> list[Row]:
        """Run a statement without parameters and return its rows."""
        return rows_of(self._run(sql.decode()))

    @contextmanager
    def _between(self, before: str, after: Sequence[str], after_failure: Sequence[str]) -> Iterator[None]:
        self._run(before)
        try:
            yield
        except BaseException:
            if self._status() in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                for sql in after_failure:
                    self._run(sql)
            raise
        for sql in after:
            self._run(sql)

    def _set(self, settings: Settings) -> None:
        # true: until the transaction ends
        sql = "SELECT " + ", ".join(["set_config(%s, %s, true)"] * len(settings))
        try:
            self._run(sql, [text for pair in settings for text in pair])
        except Error as error:
            raise refused_setting(error) from error

    def _run(self, sql: str, params: Sequence[str] | None = None) -> Any:
        cursor = self.driver.cursor(row_factory=tuple_row)
        with unobserved(self.driver):
            cursor.execute(sql, params)
        return cursor

    def _status(self) -> Any:
        return self.driver.info.transaction_status


def rows_of(cursor: Any) -> list[Row]:
    """Return the rows of a cursor as PostgreSQL wrote them."""
    result = getattr(cursor, "pgresult", None)
    if result is not None:
        return rows_of_result(result)
    # a cursor that hides psycopg's: what operations read are texts
    return [tuple(None if value is None else str(value).encode() for value in row) for row in cursor.fetchall()]


def check_texts(params: Sequence[Any]) -> None:
    """Raise psycopg's error for a text that PostgreSQL cannot hold, with the code that PostgreSQL has for it."""
    for param in params:
        if type(param) is str:
            try:
                encode_text(param).decode()
            except UnicodeDecodeError as error:
                raise CharacterNotInRepertoire("half of a surrogate pair has no encoding in UTF-8") from error


def encode_text(value: str) -> bytes:
    """Encode a text parameter for libpq; raise psycopg's error for one with NUL, where libpq would end the text."""
    if "\0" in value:
        raise CharacterNotInRepertoire("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    # half of a surrogate pair is refused by PostgreSQL
    return value.encode("utf-8", "surrogatepass")
