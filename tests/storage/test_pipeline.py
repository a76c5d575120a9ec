"""Statements through libpq: prepared once, as many as there is room for, several in one round trip, and what fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from fraiseql_django import StorageError
from fraiseql_django.storage import pipeline as wire
from fraiseql_django.storage.django import DjangoStorage
from tests.support import in_thread, round_trips

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storage() -> Iterator[DjangoStorage]:
    """Make a storage on a connection of its own."""
    connection.close()
    # the first round trip of a connection prepares nothing
    DjangoStorage(prepare_statements=False).query("SELECT 0")
    yield DjangoStorage()
    connection.close()


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
        return [statement for (statement,) in cursor.fetchall()]


def test_statement_is_prepared_in_the_round_trip_that_first_runs_it(storage: DjangoStorage) -> None:
    for value in ("1", "2"):
        with round_trips() as trips:
            assert storage.query("SELECT %s::int", [value]).rows == [(value.encode(),)]
        assert trips == [1]
    assert prepared() == ["SELECT $1::int"]


def test_begin_goes_with_the_first_statement(storage: DjangoStorage) -> None:
    with transaction.atomic():
        with round_trips() as trips:
            storage.query("SELECT 1")
        assert trips == [1]
        with round_trips() as trips:
            storage.query("SELECT 1")
        assert trips == [1]
        assert connection.connection.pgconn.transaction_status == 2


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_begin_is_as_the_connection_has_it() -> None:
    storage = DjangoStorage("second")
    with transaction.atomic(using="second"):
        assert storage.query("SHOW transaction_isolation").rows == [(b"repeatable read",)]
        assert storage.query("SHOW transaction_read_only").rows == [(b"off",)]
    connections["second"].connection.read_only = True
    connections["second"].connection.deferrable = True
    try:
        with transaction.atomic(using="second"):
            assert storage.query("SHOW transaction_read_only").rows == [(b"on",)]
            assert storage.query("SHOW transaction_deferrable").rows == [(b"on",)]
    finally:
        connections["second"].close()


def test_as_many_stay_prepared_as_there_is_room_for(storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_PREPARED", 2)
    for number in (1, 2, 1, 3):
        with round_trips() as trips:
            assert storage.query(f"SELECT {number}").rows == [(str(number).encode(),)]
        assert trips == [1]
    assert prepared() == ["SELECT 1", "SELECT 3"]


def test_same_text_with_other_types_is_another_statement(storage: DjangoStorage) -> None:
    for value, written in (([1, 2], b"[1,2]"), (7, b"7"), (True, b"true"), (1.5, b"1.5")):
        assert storage.query("SELECT to_json(%s)::text", [value]).rows == [(written,)]
    assert storage.query("SELECT %s::int[]", [[1, 2]]).rows == [(b"{1,2}",)]
    assert storage.query("SELECT %s::int[]", ["{3}"]).rows == [(b"{3}",)]


def test_statement_that_fails_is_not_taken_for_prepared(storage: DjangoStorage) -> None:
    for _ in range(2):
        with pytest.raises(StorageError, match="does not exist") as caught:
            storage.query("SELECT * FROM no_such_table")
        assert caught.value.sqlstate == "42P01"
    assert prepared() == []
    assert storage.query("SELECT 1").rows == [(b"1",)]


def test_failure_within_a_row_of_commands_leaves_the_connection_usable(storage: DjangoStorage) -> None:
    connection.close_at = None
    before = connection.connection
    for _ in range(2):
        with pytest.raises(StorageError, match="division by zero"):
            storage.query("SELECT 1/%s::int", ["0"], (("app.x", "1"),))
    assert storage.query("SELECT current_setting('app.x', true)").rows == [(b"",)]
    assert connection.connection is before


def test_large_texts_go_both_ways(storage: DjangoStorage) -> None:
    """Larger than what the sockets take at once: each side must read while it writes."""
    text = "ü" * 8_000_000
    for settings in ((), (("app.x", "1"),)):
        for _ in range(2):
            assert storage.query("SELECT %s::text", [text], settings).rows == [(text.encode(),)]


def test_text_that_libpq_would_cut_short_is_refused(storage: DjangoStorage) -> None:
    for params in (["a\0b"], ["a\0b", 1]):
        with pytest.raises(StorageError, match="NUL"):
            storage.query("SELECT %s::text" + ", %s::int" * (len(params) - 1), params)
    assert storage.query("SELECT 1").rows == [(b"1",)]


def test_copy_is_refused(storage: DjangoStorage) -> None:
    for sql in ("COPY (SELECT 1) TO STDOUT", "COPY bookshop_author (name) FROM STDIN"):
        unprepared = DjangoStorage(prepare_statements=False)
        with pytest.raises(StorageError):
            unprepared.execute(sql)
        assert unprepared.query("SELECT 1").rows == [(b"1",)]


@pytest.mark.parametrize("settings", [(), (("app.x", "1"),)], ids=["alone", "with settings"])
def test_connection_that_is_ended_by_the_server(storage: DjangoStorage, settings: Any) -> None:
    pid = connection.connection.info.backend_pid

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    storage.query("SELECT 1", [], settings)
    in_thread(end)
    with pytest.raises(StorageError) as caught:
        storage.query("SELECT 1", [], settings)
    assert caught.value.sqlstate in ("57P01", None)
    assert storage.query("SELECT 1", [], settings).rows == [(b"1",)]


def test_connection_in_an_unknown_state_is_closed(storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something fails between the messages of a row of commands."""
    storage.query("SELECT 1")
    before, send_step = connection.connection, wire._send_step

    def fail(pgconn: Any, step: Any) -> None:
        if b"SELECT 2" in step.command.sql:
            raise RuntimeError("nobody has seen this coming")
        send_step(pgconn, step)

    monkeypatch.setattr(wire, "_send_step", fail)
    for settings in ((), (("app.x", "1"),)):
        with pytest.raises(RuntimeError):
            storage.query("SELECT 2", [], settings)
        assert before.closed
        connection.close()
        assert storage.query("SELECT 1", [], settings).rows == [(b"1",)]
        before = connection.connection
