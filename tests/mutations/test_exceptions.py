"""Exceptions of the ORM and of Django in a mutation in Python: a code for each, no traceback for a client's mistake."""

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import (
    BadRequest,
    DisallowedRedirect,
    FieldDoesNotExist,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousFileOperation,
    ValidationError,
)
from django.db import connection, connections, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, MutationError, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from tests.support import in_thread, make_shop, wait_until
from tests.zoo.specimens import Specimen

MALFORMED = "A value in the operation is malformed or out of range for its column."
CONFLICT = "Another operation was in the way, and nothing was written. The same operation may be sent again."
SLOW = "The database took longer than is allowed."


def run(function: Callable[..., Any], value: Any = "x", *, both: bool = True, **limits: Any) -> Any:
    """Run a mutation that calls a function with a client's value; return its one error."""
    registry = Registry()
    fraiseql.type(Author, fields=["id"], registry=registry)(type("AuthorType", (), {}))

    @fraiseql.mutation(registry=registry)
    def do(info: fraiseql.Info, value: fraiseql.JSON) -> bool:
        function(value)
        return True

    @fraiseql.mutation(registry=registry)
    def do_or_say(info: fraiseql.Info, value: fraiseql.JSON) -> Author | MutationError:
        function(value)
        return Author()

    settings = replace(get_settings(), limits=LimitSettings(**limits), mutation_retries=0)
    engine = GraphQLEngine(settings=settings, registry=registry, cache=None)
    body = engine.execute("mutation ($v: JSON!) { do(value: $v) }", {"v": value}).json()
    (error,) = body["errors"]
    assert body["data"] is None
    assert error["path"] == ["do"]
    # with a class of errors, which is not for this: the same
    query = "mutation ($v: JSON!) { doOrSay(value: $v) { __typename } }"
    if both and error["extensions"]["code"] in ("BAD_USER_INPUT", "TIMEOUT"):
        again = engine.execute(query, {"v": value}).json()["errors"][0]
        assert (again["message"], again["extensions"]) == (error["message"], error["extensions"])
    return error


def told(error: Any) -> tuple[str, str]:
    return error["extensions"]["code"], error["message"]


def assert_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert [record for record in caplog.records if record.exc_info] == []
    assert "Traceback" not in caplog.text


# --- a client's values ---


VALUES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "key that is no number": (lambda value: Book.objects.get(pk=value), "abc"),
    "key that is an object": (lambda value: Book.objects.get(pk=value), {"a": 1}),
    "key that is a list": (lambda value: Book.objects.filter(pk__in=value).count(), ["x"]),
    "key with a line feed": (lambda value: Book.objects.get(pk=value), "a\nERROR forged"),
    "of a shortcut": (lambda value: get_object_or_404(Book, pk=value), "abc"),
    "number that is too large": (lambda value: Book.objects.update(pages=value), 10**30),
    "text that is too long": (lambda value: Author.objects.create(name=value), "x" * 1000),
    "text with NUL": (lambda value: Author.objects.create(name=value), "a\0b"),
    "filter with NUL": (lambda value: Author.objects.filter(name=value).count(), "a\0b"),
    "number of too many digits": (lambda value: Book.objects.filter(pages=1).update(price=value), "1e99"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", VALUES)
def test_value_that_a_column_does_not_take(name: str, caplog: pytest.LogCaptureFixture) -> None:
    make_shop()
    Book.objects.update(pages=1)
    function, value = VALUES[name]

    assert told(run(function, value)) == ("BAD_USER_INPUT", MALFORMED)
    assert_no_traceback(caplog)
    record = caplog.records[0]
    assert (record.name, record.levelno) == ("fraiseql_django.engine", logging.WARNING)
    # it says where, on one line
    assert f"({__file__}:" in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("function", "value", "code", "message"),
    [
        pytest.param(
            lambda value: Specimen.objects.filter(uuid=value).count(),
            "abc",
            "VALIDATION_FAILED",
            "“abc” is not a valid UUID.",
            id="UUID",
        ),
        pytest.param(
            lambda value: Book.objects.filter(published=value).count(),
            "abc",
            "VALIDATION_FAILED",
            "“abc” value has an invalid date format. It must be in YYYY-MM-DD format.",
            id="date",
        ),
        pytest.param(
            lambda value: Book.objects.filter(price=value).count(),
            "abc",
            "VALIDATION_FAILED",
            "“abc” value must be a decimal number.",
            id="decimal",
        ),
        pytest.param(
            lambda value: Book.objects.get(pk=value),
            "99999999999999999999",
            "NOT_FOUND",
            "Book matching query does not exist.",
            id="key out of range",
        ),
        pytest.param(
            lambda value: get_object_or_404(Book, pk=value),
            7,
            "NOT_FOUND",
            "No Book matches the given query.",
            id="404",
        ),
        pytest.param(
            lambda value: Author.objects.filter(name__regex=value).count(),
            "(",
            "BAD_USER_INPUT",
            "A regular expression in the operation is invalid.",
            id="pattern",
        ),
    ],
)
def test_other_mistakes_of_clients(
    function: Callable[[Any], Any], value: Any, code: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_shop()

    assert told(run(function, value)) == (code, message)
    assert_no_traceback(caplog)


def raising(error: Exception) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        raise error

    return function


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "code", "message", "logger"),
    [
        (PermissionDenied(), "FORBIDDEN", "You are not allowed to do this.", None),
        (ObjectDoesNotExist(), "NOT_FOUND", "There is no such object.", None),
        (Http404("Gone."), "NOT_FOUND", "Gone.", None),
        (ValidationError("No."), "VALIDATION_FAILED", "No.", None),
        (
            SuspiciousFileOperation("Detected path traversal attempt in '/etc/secret'"),
            "BAD_USER_INPUT",
            "The operation is not allowed as it was sent.",
            "django.security.SuspiciousFileOperation",
        ),
        (
            DisallowedRedirect("a secret\nERROR forged"),
            "BAD_USER_INPUT",
            "The operation is not allowed as it was sent.",
            "django.security.DisallowedRedirect",
        ),
        (BadRequest("secret"), "BAD_USER_INPUT", "The operation is not allowed as it was sent.", "django.request"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_exceptions_of_django(
    error: Exception, code: str, message: str, logger: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert told(run(raising(error))) == (code, message)
    assert_no_traceback(caplog)
    # as Django logs those that its views raise
    assert {record.name for record in caplog.records} - {"fraiseql_django.audit"} == ({logger} if logger else set())
    assert all("\n" not in record.getMessage() for record in caplog.records)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), uuid.UUID, FieldDoesNotExist("secret")])
def test_mistake_of_the_project_has_a_traceback(error: Any, caplog: pytest.LogCaptureFixture) -> None:
    function = raising(error) if isinstance(error, Exception) else lambda value: uuid.UUID("secret")

    code, message = told(run(function))

    assert code == "INTERNAL_SERVER_ERROR"
    assert "secret" not in message
    assert any(record.exc_info for record in caplog.records)


# --- statements that PostgreSQL ends ---


def sleep(value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(10)")


def statement(sql: str) -> Callable[[Any], Any]:
    def function(value: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return function


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(sleep, id="a cursor"),
        pytest.param(
            lambda value: list(Author.objects.extra(select={"slow": "pg_sleep(10)::text"})),
            id="the ORM",
        ),
    ],
)
def test_statement_that_takes_too_long(function: Callable[[Any], Any], caplog: pytest.LogCaptureFixture) -> None:
    Author.objects.create(name="Ursula")

    assert told(run(function, statement_ms=50)) == ("TIMEOUT", SLOW)
    assert_no_traceback(caplog)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["NOWAIT", "lock_timeout"])
def test_lock_that_another_holds(how: str, caplog: pytest.LogCaptureFixture) -> None:
    author = Author.objects.create(name="Ursula")

    def change(value: Any) -> None:
        if how == "NOWAIT":
            Author.objects.select_for_update(nowait=True).get(pk=author.pk)
        else:
            statement("SET LOCAL lock_timeout = 50")(value)
            Author.objects.filter(pk=author.pk).update(name="x")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bookshop_author FOR UPDATE")
        error = in_thread(lambda: run(change))

    assert told(error) == ("LOCK_NOT_AVAILABLE", CONFLICT)
    assert_no_traceback(caplog)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sqlstate", "code", "message"),
    [
        ("40001", "SERIALIZATION_FAILURE", CONFLICT),
        ("40P01", "DEADLOCK", CONFLICT),
        ("55P03", "LOCK_NOT_AVAILABLE", CONFLICT),
        ("57014", "TIMEOUT", SLOW),
        ("25P03", "TIMEOUT", SLOW),
        ("25P04", "TIMEOUT", SLOW),
    ],
)
def test_each_code_of_postgresql(sqlstate: str, code: str, message: str, caplog: pytest.LogCaptureFixture) -> None:
    error = run(statement(f"DO $$ BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = '{sqlstate}'; END $$"))

    assert told(error) == (code, message)
    assert_no_traceback(caplog)


@pytest.mark.django_db(transaction=True)
def test_statement_that_is_cancelled() -> None:
    def cancelled() -> Any:
        try:
            return run(sleep, both=False)
        finally:
            connections.close_all()

    def cancel() -> None:
        running = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(10)' AND state = 'active'"

        def found() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(running)
                pids = cursor.fetchall()
                cursor.execute(
                    "SELECT pg_cancel_backend(pid) FROM (SELECT unnest(%s::int[])) AS a(pid)", [[p for (p,) in pids]]
                )
            return bool(pids)

        wait_until(found)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(cancelled)
        cancel()
        error = running.result(timeout=60)

    assert told(error) == ("TIMEOUT", SLOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda: statement("SELECT pg_terminate_backend(pg_backend_pid())")(None), id="terminated"),
        pytest.param(lambda: connection.connection.close(), id="closed"),
    ],
)
def test_connection_that_is_lost(end: Callable[[], None]) -> None:
    def lose(value: Any) -> None:
        Author.objects.create(name="lost")
        try:
            end()
        finally:
            Author.objects.create(name="lost, too")

    code, message = told(run(lose, both=False))

    assert (code, message.partition(" (error")[0]) == ("DATABASE_UNAVAILABLE", "The database cannot be reached.")
    # the next one has a connection of its own
    assert not Author.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_session_that_idled_in_its_transaction() -> None:
    def idle(value: Any) -> None:
        statement("SET LOCAL idle_in_transaction_session_timeout = 50")(value)
        pid = connection.connection.info.backend_pid

        def gone() -> bool:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
                return bool(cursor.fetchone() == (0,))

        in_thread(lambda: wait_until(gone))
        Author.objects.create(name="late")

    code, _ = told(run(idle, both=False))

    # by PostgreSQL's last message, which libpq reads when it finds the connection closed
    assert code == "TIMEOUT"
    assert not Author.objects.exists()
