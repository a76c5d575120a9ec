"""Statements through libpq: prepared once, as many as there is room for, several in one round trip, and what fails."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, StorageError
from fraiseql_django.storage import pipeline as wire
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.storage.pipeline import Command
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
        return [statement for (statement,) in cursor.fetchall() if "'jit'" not in statement]


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


def test_as_many_stay_prepared_as_there_is_room_for(storage: DjangoStorage) -> None:
    # the third is the one that turns jit off
    storage.max_prepared = 3
    for number in (1, 2, 1, 3):
        with round_trips() as trips:
            assert storage.query(f"SELECT {number}").rows == [(str(number).encode(),)]
        assert trips == [1]
    assert prepared() == ["SELECT 1", "SELECT 3"]


def test_room_is_made_for_all_that_one_round_trip_prepares(storage: DjangoStorage) -> None:
    storage.jit, storage.max_prepared = True, 2
    for _ in range(2):
        for number in range(4):
            storage.query(f"SELECT {number}")
        # the statement and the one that sets the variable take the places of both
        assert storage.query("SELECT current_setting('app.x')", [], (("app.x", "1"),)).rows == [(b"1",)]
    assert prepared() == ["SELECT set_config($1, $2, true)", "SELECT current_setting('app.x')"]

    # one place is too little for both
    storage.max_prepared = 1
    for number in (1, 1, 2):
        assert storage.query(f"SELECT {number}", [], (("app.x", "1"),)).rows == [(str(number).encode(),)]
    assert prepared() == ["SELECT 2"]


def test_prepared_statements_take_as_many_bytes_as_there_is_room_for(storage: DjangoStorage) -> None:
    storage.prepared_bytes = 3_000_000
    long = [f"SELECT {number}::text || '{'x' * 1100}'" for number in range(20)]
    for sql in long:
        storage.query(sql)
    assert prepared() == long[-10:]

    # an eighth of it at most for one of them
    sql = f"SELECT '{'x' * 1500}'"
    for _ in range(2):
        with round_trips() as trips:
            storage.query(sql)
        assert trips == [1]
    assert prepared() == long[-10:]


MEMORY_OF_PLANS = (
    "SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE starts_with(name, 'CachedPlan')"
)


def lists(number: int) -> str:
    nested = "reviews(where: {stars: {gte: 2}}) { id customer { name } book { title publisher { name } } }"
    return f"{{ books {{ a{number}: title {' '.join(f'r{index}: {nested}' for index in range(20))} }} }}"


def conditions(number: int) -> str:
    each = '{title: {istartswith: "a"}, pages: {gte: 3, neq: 5}}'
    return f"{{ books(where: {{OR: [{each * 60}]}}) {{ a{number}: title }} }}"


def columns(number: int) -> str:
    return f"{{ books {{ a{number}: title {' '.join(f'a{index}: price' for index in range(100, 140))} }} }}"


@pytest.mark.parametrize("operation", [lists, conditions, columns])
def test_flood_of_statements_stays_within_the_bound_in_postgresql(
    storage: DjangoStorage, operation: Callable[[int], str]
) -> None:
    engine = GraphQLEngine(storage=storage, cache=None)
    sql = engine.explain(operation(0)).sql
    room = 20
    # half as many as are sent
    storage.prepared_bytes = room * (Command(sql).weight + 1000)

    for number in range(2 * room):
        # PostgreSQL chooses a generic plan, which it keeps, after five of its own for the values
        for _ in range(7 if number >= room else 1):
            assert engine.execute(operation(number)).json() == {"data": {"books": []}}

    with connection.cursor() as cursor:
        cursor.execute(MEMORY_OF_PLANS)
        (taken,) = cursor.fetchone()
    assert room - 2 <= len(prepared()) <= room
    assert storage.prepared_bytes / 8 < taken <= storage.prepared_bytes


# --- jit ---

SETTINGS = (("app.x", "1"),)


def jit_of(storage: DjangoStorage, settings: Any = ()) -> str:
    ((value,),) = storage.query("SELECT current_setting('jit')", [], settings).rows
    return str(value, "ascii")


def jit_of_project() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        return str(cursor.fetchone()[0])


@pytest.fixture
def above_cost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Open connections to the tests' database with another ``jit_above_cost``; a statement of ``jit_of`` costs 0.01."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", f"-c jit_above_cost={request.param}")
    DjangoStorage(prepare_statements=False).query("SELECT 0")
    yield
    connection.close()


@pytest.fixture
def with_jit(storage: DjangoStorage) -> None:
    """Check that jit is on for new connections to the tests' database, as it is by default."""
    assert jit_of_project() == "on"


@pytest.mark.parametrize("above_cost", [0.5], indirect=True)
@pytest.mark.usefixtures("with_jit", "above_cost")
def test_statement_that_is_too_cheap_to_compile_is_sent_alone_once_that_is_known(storage: DjangoStorage) -> None:
    found = []
    for _ in range(8):
        with round_trips() as trips:
            found.append(jit_of(storage))
        assert trips == [1]

    assert found == ["off"] * 4 + ["on"] * 4
    # another one is not known yet
    assert storage.query("SELECT current_setting('jit'), 1").rows == [(b"off", b"1")]
    # with settings it costs nothing
    assert jit_of(storage, SETTINGS) == "off"
    with transaction.atomic():
        assert jit_of(storage) == "on"


@pytest.mark.parametrize("above_cost", [0.05, 0], indirect=True)
@pytest.mark.usefixtures("with_jit", "above_cost")
def test_statement_that_may_be_compiled_is_never_sent_alone(storage: DjangoStorage) -> None:
    assert [jit_of(storage) for _ in range(8)] == ["off"] * 8


@pytest.mark.parametrize("above_cost", [-1], indirect=True)
@pytest.mark.usefixtures("with_jit", "above_cost")
def test_nothing_is_compiled_where_no_cost_is_enough(storage: DjangoStorage) -> None:
    storage.query("SELECT 0")

    assert jit_of(storage) == "on"


@pytest.mark.parametrize("above_cost", [0.5], indirect=True)
@pytest.mark.usefixtures("with_jit", "above_cost")
def test_costs_are_asked_for_again_where_a_statement_takes_long(
    storage: DjangoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [jit_of(storage) for _ in range(6)][-1] == "on"
    monkeypatch.setattr(wire, "_SLOW_SECONDS", 0)
    assert jit_of(storage) == "on"
    monkeypatch.undo()

    assert [jit_of(storage) for _ in range(4)] == ["off", "off", "off", "on"]


@pytest.mark.parametrize("above_cost", [0.5], indirect=True)
@pytest.mark.usefixtures("with_jit", "above_cost")
@pytest.mark.parametrize("explain", [b"EXPLAIN (NONSENSE) ", b"SELECT 'no plan' --", b"SELECT '[{}]' --"])
def test_statement_is_answered_where_postgresql_does_not_explain_it(
    storage: DjangoStorage, explain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_EXPLAIN", explain)

    assert [jit_of(storage) for _ in range(8)] == ["off"] * 8


@pytest.mark.usefixtures("with_jit")
def test_statement_that_fails_when_it_is_explained_has_its_own_error(storage: DjangoStorage) -> None:
    for value in ("1", "1", "1", "1", "1"):
        assert storage.query("SELECT 1 / %s::int", [value]).rows == [(b"1",)]
    # the connection is another one, the costs are asked for with the value that fails
    connection.close()
    DjangoStorage(prepare_statements=False).query("SELECT 0")
    for value in ("1", "1", "1"):
        storage.query("SELECT 1 / %s::int", [value])
    with pytest.raises(StorageError, match="division by zero"):
        storage.query("SELECT 1 / %s::int", ["0"])
    assert storage.query("SELECT 1 / %s::int", ["1"]).rows == [(b"1",)]


@pytest.mark.usefixtures("with_jit")
def test_statement_that_cannot_be_explained_is_run_as_ever(storage: DjangoStorage) -> None:
    for _ in range(8):
        assert storage.query("SHOW jit").rows == [(b"off",)]
        assert storage.query("VALUES (1)").rows == [(b"1",)]


@pytest.mark.parametrize("above_cost", [0], indirect=True)
@pytest.mark.usefixtures("with_jit", "storage_path", "above_cost")
def test_statements_run_without_jit_and_all_others_as_the_project_has_it(storage: DjangoStorage) -> None:
    for _ in range(3):
        for settings in ((), SETTINGS):
            assert (jit_of(storage, settings), jit_of_project()) == ("off", "on")
        with transaction.atomic():
            for settings in ((), SETTINGS):
                assert (jit_of(storage, settings), jit_of_project()) == ("off", "on")
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL jit_above_cost = 5")
            assert (jit_of(storage), jit_of_project()) == ("off", "on")
        for settings in ((), SETTINGS):
            with storage.begin_transaction(settings) as opened:
                assert (jit_of(storage, settings), jit_of_project()) == ("off", "on")
                storage.execute("UPDATE bookshop_author SET name = name")
                opened.commit()
    connection.set_autocommit(False)
    try:
        assert (jit_of(storage), jit_of_project()) == ("off", "on")
        connection.rollback()
        assert (jit_of(storage), jit_of_project()) == ("off", "on")
    finally:
        connection.rollback()
        connection.set_autocommit(True)


@pytest.mark.usefixtures("with_jit", "storage_path")
def test_jit_of_the_project_is_left_as_it_is_after_a_failure(storage: DjangoStorage) -> None:
    with pytest.raises(StorageError, match="division by zero"):
        storage.query("SELECT 1/%s::int", ["0"])
    assert (jit_of(storage), jit_of_project()) == ("off", "on")
    with transaction.atomic():
        with pytest.raises(StorageError, match="division by zero"), transaction.atomic():
            storage.query("SELECT 1/%s::int", ["0"])
        assert (jit_of(storage), jit_of_project()) == ("off", "on")


@pytest.mark.usefixtures("with_jit", "storage_path")
def test_jit_can_be_left_on(storage: DjangoStorage) -> None:
    storage.jit = True
    for settings in ((), SETTINGS):
        assert jit_of(storage, settings) == "on"
        with transaction.atomic():
            assert jit_of(storage, settings) == "on"


@pytest.mark.usefixtures("with_jit")
def test_jit_takes_no_round_trip(storage: DjangoStorage) -> None:
    for settings in ((), SETTINGS):
        for _ in range(2):
            with round_trips() as trips:
                jit_of(storage, settings)
            assert trips == [1]
        with transaction.atomic():
            for _ in range(2):
                with round_trips() as trips:
                    jit_of(storage, settings)
                assert trips == [1]


@pytest.mark.parametrize("settings", [(), SETTINGS], ids=["alone", "with settings"])
def test_jit_that_is_off_already_is_not_turned_off(storage: DjangoStorage, settings: Any) -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SET jit = off")
    for _ in range(3):
        assert jit_of(storage, settings) == "off"
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE strpos(statement, 'set_config') > 0")
        found = [statement for (statement,) in cursor.fetchall()]
    assert found == (["SELECT set_config($1, $2, true)"] if settings else [])


def test_postgresql_compiles_no_statement_however_costly_it_seems(storage: DjangoStorage) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_jit_available()")
        if cursor.fetchone() == (False,):
            pytest.skip("this server was built without LLVM; .ci/run has one that was built with it")
        cursor.execute("SET jit_above_cost = 0")
        cursor.execute("SET jit_inline_above_cost = 0")
    explain = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT name || 'x' FROM bookshop_author WHERE name < 'x'"
    for jit, compiles in ((True, True), (False, False)):
        storage.jit = jit
        ((plan,),) = storage.query(explain).rows
        assert (b'"JIT"' in (plan or b"")) is compiles


# --- prepared statements that are gone ---


def prepare(storage: DjangoStorage) -> None:
    for value in ("1", "2", "3", "4", "5"):
        assert storage.query("SELECT %s::int", [value]).rows == [(value.encode(),)]


@pytest.mark.parametrize("sql", ["DEALLOCATE ALL", "  deallocate prepare all", "DISCARD ALL"])
@pytest.mark.parametrize("begin", ["", "atomic", "BEGIN", "no autocommit"])
def test_statements_that_somebody_deallocates_are_prepared_again(storage: DjangoStorage, sql: str, begin: str) -> None:
    def deallocate() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    prepare(storage)
    if sql == "DISCARD ALL" and begin:
        # it cannot run in a transaction
        deallocate()
    if begin == "atomic":
        with transaction.atomic():
            Author.objects.create(name="kept")
            if sql != "DISCARD ALL":
                deallocate()
            prepare(storage)
        assert Author.objects.get().name == "kept"
    elif begin == "BEGIN":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            if sql != "DISCARD ALL":
                cursor.execute(sql)
            prepare(storage)
            cursor.execute("COMMIT")
    elif begin == "no autocommit":
        transaction.set_autocommit(False)
        try:
            if sql != "DISCARD ALL":
                deallocate()
                transaction.commit()
            prepare(storage)
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)
    else:
        deallocate()
        prepare(storage)


def test_statements_that_are_deallocated_behind_our_back_are_prepared_again(storage: DjangoStorage) -> None:
    """By a function, a pooler or another way that no cursor of Django's sees."""
    prepare(storage)
    connection.connection.execute("DEALLOCATE ALL")
    prepare(storage)
    transaction.set_autocommit(False)
    try:
        connection.connection.execute("DEALLOCATE ALL")
        transaction.commit()
        prepare(storage)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


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
        if b"SELECT 2" in step.command.text:
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
