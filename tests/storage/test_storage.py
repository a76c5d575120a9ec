"""The storage: what a statement answers, how it is prepared, what Django's instruments see, what fails how."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError, connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, StorageError
from fraiseql_django.invalidation.statements import analyse
from fraiseql_django.invalidation.transactions import of
from fraiseql_django.storage.base import ExecuteResult, Health
from fraiseql_django.storage.django import DjangoStorage, PreparedCursor
from tests.support import FakeClock, data, in_thread, make_shop, statements

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_path")]

INSERT = "INSERT INTO bookshop_author (name, bio, website, email) VALUES (%s, '', '', '')"
AUTHORS = "{ authors { name } }"
# what is prepared through cursors is psycopg's to decide
PIPELINE = pytest.mark.parametrize("storage_path", ["pipeline"], indirect=True)


@pytest.fixture
def storage() -> DjangoStorage:
    return DjangoStorage()


def begin_afresh(alias: str = "default") -> None:
    """Open a connection that has prepared nothing; its first round trip finds out whether it may."""
    connections[alias].close()
    DjangoStorage(alias, prepare_statements=False).query("SELECT 0")


def prepared(alias: str = "default") -> list[tuple[str, int]]:
    """Return the statements that the connection has prepared, and how often each was executed."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements ORDER BY 1")
        return [(statement, runs) for statement, runs in cursor.fetchall() if "jit" not in statement]


# --- the contract ---


def test_query_answers_rows_as_postgresql_writes_them(storage: DjangoStorage) -> None:
    result = storage.query(
        "SELECT 1, NULL, 'ü'::text, true, 1.50::numeric, '{\"a\": 1}'::jsonb UNION ALL SELECT 2, 3, '', false, 0, '[]'"
    )

    assert result.rows == [
        (b"1", None, "ü".encode(), b"t", b"1.50", b'{"a": 1}'),
        (b"2", b"3", b"", b"f", b"0", b"[]"),
    ]
    assert result.row_count == 2


def test_query_binds_parameters_in_order(storage: DjangoStorage) -> None:
    rows = storage.query("SELECT %s::text, 'a%%b', %s::int + 1, %s::text[]", ["'; --", "41", "{a,b}"]).rows

    assert rows == [(b"'; --", b"a%b", b"42", b"{a,b}")]


def test_query_without_rows(storage: DjangoStorage) -> None:
    result = storage.query("SELECT 1 WHERE false")

    assert (result.rows, result.row_count) == ([], 0)


@pytest.mark.parametrize(
    ("value", "cast", "expected"),
    [
        (None, "text", None),
        ("", "text", b""),
        ("None", "text", b"None"),
        ("null", "text", b"null"),
        ("%s $1 %%", "text", b"%s $1 %%"),
        ("\\", "text", b"\\"),
        ("😀", "text", "😀".encode()),
        (7, "int", b"7"),
        (Decimal("1.50"), "numeric", b"1.50"),
        (True, "boolean", b"t"),
        ([1, 2], "int[]", b"{1,2}"),
    ],
)
def test_parameters_come_back_as_they_were(storage: DjangoStorage, value: Any, cast: str, expected: bytes) -> None:
    assert storage.query(f"SELECT %s::{cast}", [value]).rows == [(expected,)]


def test_execute_says_how_many_rows_it_changed(storage: DjangoStorage) -> None:
    result = storage.execute(INSERT, ["Ursula"])
    assert isinstance(result, ExecuteResult)
    assert result.rows_affected == 1

    assert storage.execute("UPDATE bookshop_author SET name = %s", ["x"]).rows_affected == 1
    assert storage.execute("UPDATE bookshop_author SET name = %s WHERE false", ["x"]).rows_affected == 0
    assert storage.execute("CREATE TEMP TABLE t ()").rows_affected == 0


def test_health_check(storage: DjangoStorage) -> None:
    health = storage.health_check()

    assert health == Health(healthy=True, detail=health.detail, time_ms=health.time_ms)
    assert health.detail.startswith("PostgreSQL 1")


def test_times_are_told_in_milliseconds(storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraiseql_django.storage.django.time.perf_counter", FakeClock(step=0.25))

    assert storage.query("SELECT 1").execution_time_ms == 250
    assert storage.execute("SELECT 1").execution_time_ms == 250
    # the statement that it runs reads the clock twice
    assert storage.health_check().time_ms == 750


def test_backend_name(storage: DjangoStorage) -> None:
    assert storage.backend_name == "django-postgresql"


# --- transactions ---


def count() -> int:
    return in_thread(Author.objects.count)


def test_commit(storage: DjangoStorage) -> None:
    with storage.begin_transaction() as opened:
        storage.execute(INSERT, ["Ursula"])
        assert count() == 0
        opened.commit()
        assert count() == 1


def test_rollback(storage: DjangoStorage) -> None:
    with storage.begin_transaction() as opened:
        storage.execute(INSERT, ["Ursula"])
        opened.rollback()
        assert Author.objects.count() == 0


def test_leaving_without_commit_rolls_back(storage: DjangoStorage) -> None:
    with storage.begin_transaction():
        storage.execute(INSERT, ["Ursula"])

    assert count() == 0


def test_exception_rolls_back_and_goes_on(storage: DjangoStorage) -> None:
    def write() -> None:
        with storage.begin_transaction():
            storage.execute(INSERT, ["Ursula"])
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        write()

    assert count() == 0


def test_exception_after_commit_goes_on(storage: DjangoStorage) -> None:
    def write() -> None:
        with storage.begin_transaction() as opened:
            storage.execute(INSERT, ["Ursula"])
            opened.commit()
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        write()

    assert count() == 1


def test_inner_transaction_is_a_savepoint(storage: DjangoStorage) -> None:
    with storage.begin_transaction() as outer:
        storage.execute(INSERT, ["Ursula"])
        with storage.begin_transaction():
            storage.execute(INSERT, ["Octavia"])
        with storage.begin_transaction() as inner:
            storage.execute(INSERT, ["Joanna"])
            inner.commit()
        outer.commit()

    assert set(Author.objects.values_list("name", flat=True)) == {"Ursula", "Joanna"}


def test_outer_rollback_takes_an_inner_commit_along(storage: DjangoStorage) -> None:
    with storage.begin_transaction(), storage.begin_transaction() as inner:
        storage.execute(INSERT, ["Joanna"])
        inner.commit()

    assert count() == 0


def test_failed_statement_of_an_inner_transaction_spares_the_outer(storage: DjangoStorage) -> None:
    with storage.begin_transaction() as outer:
        storage.execute(INSERT, ["Ursula"])
        with pytest.raises(StorageError), storage.begin_transaction():
            storage.query("SELECT 1/0")
        storage.execute(INSERT, ["Octavia"])
        outer.commit()

    assert count() == 2


def test_commit_after_a_failed_statement_is_refused(storage: DjangoStorage) -> None:
    """PostgreSQL would answer COMMIT by rolling back, and call it a success."""

    def write() -> None:
        with storage.begin_transaction() as opened:
            storage.execute(INSERT, ["Ursula"])
            with pytest.raises(StorageError):
                storage.query("SELECT 1/0")
            opened.commit()

    with pytest.raises(StorageError, match="nothing was committed"):
        write()

    assert count() == 0


def test_commit_after_a_failed_statement_of_others_is_refused(storage: DjangoStorage) -> None:
    def write() -> None:
        with storage.begin_transaction() as opened:
            with pytest.raises(IntegrityError), connection.cursor() as cursor:
                cursor.execute("INSERT INTO bookshop_author (name) VALUES (NULL)")
            opened.commit()

    with pytest.raises(StorageError, match="nothing was committed"):
        write()


def test_commit_that_postgresql_refuses(storage: DjangoStorage) -> None:
    def write() -> None:
        with storage.begin_transaction() as opened:
            storage.execute(
                "INSERT INTO bookshop_review (book_id, stars, headline, text, status, created_at) "
                "VALUES (404, 1, '', '', '', now())"
            )
            opened.commit()

    with pytest.raises(StorageError) as caught:
        write()

    assert caught.value.sqlstate == "23503"
    assert not connection.in_atomic_block
    assert storage.query("SELECT 1").rows == [(b"1",)]


@pytest.mark.parametrize("again", ["commit", "rollback"])
def test_transaction_ends_once(storage: DjangoStorage, again: str) -> None:
    with storage.begin_transaction() as opened:
        opened.commit()
        with pytest.raises(StorageError, match="has ended already"):
            getattr(opened, again)()


def test_transaction_in_atomic_is_a_savepoint_of_it(storage: DjangoStorage) -> None:
    with transaction.atomic():
        with storage.begin_transaction() as opened:
            storage.execute(INSERT, ["Ursula"])
            opened.commit()
        assert count() == 0

    assert count() == 1


# --- errors ---


@pytest.mark.parametrize(
    ("sql", "params", "sqlstate"),
    [
        ("SELECT 1/0", [], "22012"),
        ("SELECT nothing", [], "42703"),
        ("SELEC 1", [], "42601"),
        ("SELECT %s::int", ["x"], "22P02"),
        ("SELECT 1 FROM no_such_table", [], "42P01"),
        ("SELECT %s::int", [], "08P01"),
    ],
)
def test_error_has_the_code_of_postgresql_and_its_cause(
    storage: DjangoStorage, storage_path: str, sql: str, params: list[Any], sqlstate: str
) -> None:
    with pytest.raises(StorageError) as caught:
        storage.query(sql, params)

    # psycopg's cursors count the parameters themselves
    assert caught.value.sqlstate == (None if sqlstate == "08P01" and storage_path == "cursors" else sqlstate)
    assert type(caught.value.__cause__).__module__ == "django.db.utils"
    assert storage.query("SELECT 1").rows == [(b"1",)]


def test_failed_statement_dooms_the_block_around_it(storage: DjangoStorage) -> None:
    """As an error that Django itself raises would: its opener must not believe that the block commits."""
    with transaction.atomic():
        Author.objects.create(name="Ursula")
        with pytest.raises(StorageError):
            storage.query("SELECT 1/0")
        with pytest.raises(TransactionManagementError):
            Author.objects.count()

    assert count() == 0


def terminate(alias: str = "default") -> None:
    connections[alias].ensure_connection()
    pid = connections[alias].connection.info.backend_pid

    def kill() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    in_thread(kill)


def test_lost_connection_is_an_error_once(storage: DjangoStorage) -> None:
    storage.query("SELECT 1")
    terminate()

    with pytest.raises(StorageError) as caught:
        storage.query("SELECT 1")

    assert caught.value.sqlstate in ("57P01", None)
    assert storage.query("SELECT 1").rows == [(b"1",)]


def test_lost_connection_in_a_transaction(storage: DjangoStorage) -> None:
    def write() -> None:
        with storage.begin_transaction() as opened:
            storage.execute(INSERT, ["Ursula"])
            terminate()
            with pytest.raises(StorageError):
                storage.query("SELECT 1")
            opened.commit()

    with pytest.raises(StorageError):
        write()

    assert storage.query("SELECT count(*) FROM bookshop_author").rows == [(b"0",)]


def test_connection_that_was_closed_is_opened_again(storage: DjangoStorage) -> None:
    storage.query("SELECT 1")
    connection.close()

    assert storage.query("SELECT 1").rows == [(b"1",)]


@PIPELINE
def test_health_checks_of_connections(storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.close()
    storage.query("SELECT 1")
    terminate()
    connection.close_if_unusable_or_obsolete()

    for _ in range(2):
        assert storage.query("SELECT 'again'").rows == [(b"again",)]
    assert [sql for sql, _ in prepared()] == ["SELECT 'again'"]


@pytest.fixture
def other() -> Iterator[dict[str, Any]]:
    """Return the settings of an alias that the test may change before it connects."""
    alias = connections["second"]
    alias.close()
    kept = dict(alias.settings_dict)
    alias.settings_dict["OPTIONS"] = {}
    yield alias.settings_dict
    if alias.settings_dict["OPTIONS"].get("pool"):
        alias.close()
        alias.close_pool()  # type: ignore[attr-defined]
    alias.close()
    alias.settings_dict.update(kept)


SECOND = pytest.mark.django_db(transaction=True, databases=["default", "second"])


@SECOND
def test_database_that_is_down(other: dict[str, Any]) -> None:
    other.update(HOST="127.0.0.1", PORT="1")
    storage = DjangoStorage("second")

    with pytest.raises(StorageError) as caught:
        storage.query("SELECT 1")
    assert caught.value.sqlstate is None
    with pytest.raises(StorageError), storage.begin_transaction():
        pass
    health = storage.health_check()
    assert not health.healthy
    assert "refused" in health.detail


@SECOND
def test_database_that_does_not_exist(other: dict[str, Any]) -> None:
    other["NAME"] = "nothing"

    health = DjangoStorage("second").health_check()

    assert not health.healthy
    assert '"nothing" does not exist' in health.detail


# --- preparing ---


@PIPELINE
def test_statement_is_prepared_once_for_all_values(storage: DjangoStorage) -> None:
    begin_afresh()
    for value in ("1", "2", "3"):
        storage.query("SELECT %s::int", [value])

    assert prepared() == [("SELECT $1::int", 3)]


@PIPELINE
def test_operation_is_prepared_once_for_all_values() -> None:
    begin_afresh()
    engine = GraphQLEngine(cache=None)
    query = "query($n: String, $l: Int) { authors(where: {name: {eq: $n}}, limit: $l) { name } }"
    for name, limit in (("Ursula", 1), ("Octavia", 2)):
        data(engine, query, {"n": name, "l": limit})

    ((sql, runs),) = prepared()
    assert runs == 2
    assert "$1" in sql
    assert "Ursula" not in sql


@PIPELINE
def test_statements_of_django_stay_unprepared(storage: DjangoStorage) -> None:
    begin_afresh()
    storage.query("SELECT 1")
    for _ in range(20):
        Author.objects.filter(name="Ursula").count()

    assert [sql for sql, _ in prepared()] == ["SELECT 1"]


def test_preparing_can_be_turned_off() -> None:
    connection.close()
    storage = DjangoStorage(prepare_statements=False)
    for value in ("1", "2", "3", "4", "5", "6", "7"):
        assert storage.query("SELECT %s::int", [value]).rows == [(value.encode(),)]

    assert prepared() == []


@SECOND
@PIPELINE
def test_threshold_that_the_project_has_set_is_left_alone(other: dict[str, Any]) -> None:
    other["OPTIONS"] = {"prepare_threshold": 3, "server_side_binding": True}
    storage = DjangoStorage("second")
    begin_afresh("second")
    storage.query("SELECT 1")

    assert connections["second"].connection.prepare_threshold == 3
    for _ in range(5):
        Author.objects.using("second").filter(name="Ursula").count()
    assert len(prepared("second")) == 2

    unprepared = DjangoStorage("second", prepare_statements=False)
    for _ in range(5):
        unprepared.query("SELECT 'never'")
    assert "SELECT 'never'" not in [sql for sql, _ in prepared("second")]


@SECOND
@PIPELINE
def test_server_side_binding(other: dict[str, Any]) -> None:
    other["OPTIONS"] = {"server_side_binding": True}
    storage = DjangoStorage("second")
    begin_afresh("second")

    for value in ("a", "b"):
        assert storage.query("SELECT %s::text, '%%'", [value]).rows == [(value.encode(), b"%")]
    for _ in range(10):
        Author.objects.using("second").filter(name="Ursula").count()
    assert [runs for _, runs in prepared("second")] == [2]


@SECOND
def test_pool_of_connections(other: dict[str, Any]) -> None:
    other.update(OPTIONS={"pool": {"min_size": 1, "max_size": 2, "timeout": 2}}, CONN_MAX_AGE=0)
    storage = DjangoStorage("second")

    for number in range(6):
        assert storage.query("SELECT %s::int", [str(number)]).rows == [(str(number).encode(),)]
        assert in_thread(lambda: storage.query("SELECT %s::int", ["7"]).rows) == [(b"7",)]
        connections["second"].close()
    with storage.begin_transaction() as opened:
        storage.execute(INSERT, ["Ursula"])
        opened.commit()
    connections["second"].close()

    assert Author.objects.using("second").count() == 1


# --- what Django's instruments see ---


@pytest.mark.parametrize("prepare", [True, False])
def test_queries_are_logged_with_their_parameters(prepare: bool) -> None:
    storage = DjangoStorage(prepare_statements=prepare)
    with CaptureQueriesContext(connection) as captured:
        storage.query("SELECT %s::int, '%%', %s::text, %s::text", ["41", "it's", None])
        with pytest.raises(StorageError):
            storage.query("SELECT %s::int", ["x"])

    assert [query["sql"] for query in captured.captured_queries] == [
        "SELECT '41'::int, '%', 'it''s'::text, NULL::text",
        "SELECT 'x'::int",
    ]


def test_wrappers_see_statement_and_parameters(storage: DjangoStorage) -> None:
    seen: list[Any] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        seen.append((sql, params, many, context["connection"].alias))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        storage.query("SELECT %s::int", ["41"])
        storage.execute("SELECT 1")

    assert seen == [("SELECT %s::int", ["41"], False, "default"), ("SELECT 1", (), False, "default")]


def test_wrapper_may_change_or_refuse_a_statement(storage: DjangoStorage) -> None:
    def comment(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        return execute(f"/* route */ {sql}", params, many, context)

    def refuse(*args: Any) -> Any:
        raise RuntimeError("no queries here")

    with connection.execute_wrapper(comment):
        assert storage.query("SELECT %s::int", ["41"]).rows == [(b"41",)]
    with pytest.raises(RuntimeError, match="no queries here"), connection.execute_wrapper(refuse):
        storage.query("SELECT 1")
    assert storage.query("SELECT 1").rows == [(b"1",)]


def test_cursors_that_are_replaced_by_subclasses_see_statements(
    storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As django-debug-toolbar does: its wrapper is made around the cursor that Django's is around."""
    seen: list[Any] = []

    class Recorder(CursorWrapper):
        def execute(self, sql: Any, params: Any = None) -> Any:
            seen.append((sql, params))
            return super().execute(sql, params)

    original = connection.cursor
    monkeypatch.setattr(connection, "cursor", lambda: Recorder(original().cursor, connection))

    assert storage.query("SELECT %s::int", ["41"]).rows == [(b"41",)]
    assert seen == [("SELECT %s::int", ["41"])]
    assert Author.objects.count() == 0


def test_methods_that_are_replaced_on_djangos_cursor_see_statements(
    storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Sentry and others do, at any time."""
    seen: list[Any] = []
    original = CursorWrapper.execute

    def execute(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        seen.append((sql, params))
        return original(self, sql, params)

    assert storage.query("SELECT %s::int", ["41"]).rows == [(b"41",)]
    monkeypatch.setattr(CursorWrapper, "execute", execute)

    assert storage.query("SELECT %s::int", ["42"]).rows == [(b"42",)]
    assert seen == [("SELECT %s::int", ["42"])]


@PIPELINE
@pytest.mark.usefixtures("storage_path")
def test_statement_that_nobody_sees_needs_no_cursor(storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PreparedCursor, "execute", lambda *args: pytest.fail("a cursor was used"))

    assert storage.query("SELECT %s::int", ["41"]).rows == [(b"41",)]
    with transaction.atomic():
        assert storage.query("SELECT %s::int", ["41"]).rows == [(b"41",)]


def test_statement_that_may_write_is_seen_by_who_drops_answers(storage: DjangoStorage) -> None:
    seen: list[Any] = []
    writing = ["WITH x AS (DELETE FROM bookshop_review RETURNING 1) TABLE x", "SELECT 1; DELETE FROM bookshop_review"]
    transactions = of(connection)
    assert transactions is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transactions, "_note", seen.append)
        for sql in (*writing, "SELECT 3", "WITH x AS (SELECT 1 AS delete) SELECT * FROM x"):
            with suppress(StorageError):
                storage.query(sql)

    assert seen == [analyse(sql) for sql in writing]


@pytest.mark.parametrize("broken", ["block", "event loop"])
def test_statement_that_django_forbids_is_refused(storage: DjangoStorage, broken: str) -> None:
    connection.ensure_connection()

    def run() -> None:
        storage.query("SELECT 1")

    if broken == "block":
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(StorageError, match="until the end of the 'atomic' block") as raised:
                run()
            # the database can be reached
            assert raised.value.sqlstate == "25P02"
    else:

        async def main() -> None:
            run()

        with pytest.raises(SynchronousOnlyOperation):
            asyncio.run(main())


def test_operation_is_one_statement() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    query = "{ books { title authors { name } reviews { stars customer { name } } } publishers { books { title } } }"

    with statements(1):
        data(engine, query)
    with statements(1):
        data(engine, query)
    assert Publisher.objects.count() == 1
