"""Which way statements take: through libpq where a connection has what that needs, through its cursors otherwise."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from psycopg.rows import dict_row

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, StorageError
from fraiseql_django.storage import django as storage_module
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.storage.pipeline import Command, missing_in
from tests.support import data, in_thread

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "second"])

SETTINGS = (("app.user_id", "7"),)
READ = "SELECT current_setting('app.user_id', true), %s::text"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with connections about which nothing is known, and without warnings given."""
    connections.close_all()
    monkeypatch.setattr(storage_module, "_warned", set())
    yield
    connections.close_all()


class Recorded(psycopg.ClientCursor[Any]):
    """A project's cursor class that counts statements."""

    seen: list[str]

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        Recorded.seen.append(str(query))
        return super().execute(query, params, **kwargs)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> DjangoStorage:
    """Make a storage whose connection has a cursor class of the project's, and rows as dictionaries."""
    Recorded.seen = []
    options = {"cursor_factory": Recorded, "row_factory": dict_row}
    monkeypatch.setitem(connections["second"].settings_dict, "OPTIONS", options)
    return DjangoStorage("second")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "fraiseql_django.storage"]


def test_project_with_its_own_cursors_keeps_them(second: DjangoStorage, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert second.query(READ, ["x"], SETTINGS).rows == [(b"7", b"x")]
    connections["second"].close()
    with second.begin_transaction(SETTINGS) as opened:
        assert second.query(READ, ["y"]).rows == [(b"7", b"y")]
        opened.commit()

    assert sum(sql == READ for sql in Recorded.seen) == 3
    assert second.query(READ, ["z"]).rows[0][1] == b"z"
    assert warnings(caplog) == [
        "statements on database 'second' are sent through psycopg's cursors, which takes longer: the cursor class is "
        "the project's own, Recorded"
    ]


def test_engine_answers_through_cursors(second: DjangoStorage) -> None:
    Author.objects.create(name="Ürsula %")

    answer = data(GraphQLEngine(storage=second, cache=None), '{ authors(where: {name: {contains: "%"}}) { name } }')

    assert answer == {"authors": [{"name": "Ürsula %"}]}


def test_pieces_that_psycopg_lacks_are_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(storage_module, "NO_PIPELINE", "psycopg lacks what is needed: no generators")
    storage = DjangoStorage()

    for _ in range(2):
        assert storage.query(READ, ["x"], SETTINGS).rows == [(b"7", b"x")]
        connection.close()

    assert len(warnings(caplog)) == 1
    assert warnings(caplog)[0].endswith("psycopg lacks what is needed: no generators")


class Hidden:
    """A connection behind a wrapper that shows what it knows of, as tracing does."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name in ("wait", "lock"):
            raise AttributeError(name)
        return getattr(self.inner, name)


def test_connection_behind_a_wrapper_is_served(caplog: pytest.LogCaptureFixture) -> None:
    connection.ensure_connection()
    connection.connection = Hidden(connection.connection)

    assert DjangoStorage().query(READ, ["x"], SETTINGS).rows == [(b"7", b"x")]
    assert "Hidden lacks lock, wait" in warnings(caplog)[0]


class Traced(Hidden):
    """A connection behind a wrapper that has everything and notes the statements of its cursors."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.seen: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        cursor = self.inner.cursor(*args, **kwargs)
        execute = cursor.execute

        def traced(sql: Any, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(sql)
            return execute(sql, *args, **kwargs)

        cursor.execute = traced
        return cursor


class Transparent(Traced):
    """One that also passes on what is set, as those of wrapt do."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("inner", "seen"):
            super().__setattr__(name, value)
        else:
            setattr(self.inner, name, value)


@pytest.mark.parametrize("wrapper", [Traced, Transparent])
def test_wrapper_around_the_drivers_connection_sees_statements(wrapper: type[Traced]) -> None:
    connection.ensure_connection()
    traced = connection.connection = wrapper(connection.connection)

    assert DjangoStorage().query(READ, ["x"], SETTINGS).rows == [(b"7", b"x")]
    assert READ in traced.seen
    connection.close()


def test_nothing_is_missing_in_a_connection_of_psycopg(caplog: pytest.LogCaptureFixture) -> None:
    connection.ensure_connection()
    assert missing_in(connection.connection) is None

    DjangoStorage().query("SELECT 1")

    assert warnings(caplog) == []


IMPORT = """
import sys, types
import psycopg.generators
del psycopg.generators.fetch_many
import fraiseql_django._compat as compat
print(compat.PSYCOPG_3, compat.NO_PIPELINE.startswith("psycopg lacks what is needed"))
"""


def test_import_survives_a_psycopg_without_its_private_pieces() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)

    assert done.stdout == "True True\n"


@pytest.mark.usefixtures("storage_path")
def test_settings_are_gone_whatever_happens() -> None:
    storage = DjangoStorage()
    for value in ("0", "1"):
        with pytest.raises(StorageError) if value == "0" else nullcontext():
            storage.query("SELECT 1/%s::int", [value], SETTINGS)
        assert storage.query(READ, ["x"]).rows in ([(None, b"x")], [(b"", b"x")])
        assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.usefixtures("storage_path")
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_postgresql_cannot_hold_is_refused_with_its_code(text: str) -> None:
    with pytest.raises(StorageError) as caught:
        DjangoStorage().query("SELECT %s::text", [text])

    assert caught.value.sqlstate == "22021"


# --- names of prepared statements ---


def names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE strpos(statement, 'jit') = 0")
        return {name for (name,) in cursor.fetchall()}


def test_same_statement_has_the_same_name_everywhere() -> None:
    def prepare() -> set[str]:
        for value in "12":
            DjangoStorage().query("SELECT %s::int", [value])
        return names()

    assert prepare() == in_thread(prepare)
    assert Command(b"SELECT 1").name(0) != Command(b"SELECT 2").name(0)
    assert Command(b"SELECT $1", types=(23,)).name(0) != Command(b"SELECT $1", types=(25,)).name(0)


def test_name_that_is_taken_already_is_no_error() -> None:
    """As behind a pooler that the connection does not notice."""
    name = Command(b"SELECT $1::int").name(0).decode()
    with connection.cursor() as cursor:
        cursor.execute(f'PREPARE "{name}" (text) AS SELECT 99')

    for value in "123":
        assert DjangoStorage().query("SELECT %s::int", [value]).rows == [(value.encode(),)]


def test_nothing_is_prepared_in_a_session_that_another_process_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraiseql_django.storage.pipeline._PROCESS", Command(b"SELECT 1"))
    storage = DjangoStorage()
    for value in "123":
        assert storage.query("SELECT %s::int", [value]).rows == [(value.encode(),)]

    assert names() == set()


@pytest.mark.parametrize("open_transaction", [DjangoStorage().begin_transaction, nullcontext])
def test_first_statement_is_not_prepared_before_the_session_is_known(open_transaction: Any) -> None:
    with open_transaction():
        DjangoStorage().query("SELECT 1")
        assert names() == set()
        DjangoStorage().query("SELECT 2")
        assert len(names()) == 1


def test_log_is_quiet_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Statements are logged at DEBUG, by the engine."""
    engine = GraphQLEngine(cache=None)
    data(engine, "{ authors { name } }")
    assert not caplog.records

    caplog.set_level(logging.DEBUG, "fraiseql_django.sql")
    data(engine, "{ authors { name } }")

    (record,) = caplog.records
    assert record.message.startswith("1 rows read in ")
    assert 'FROM "bookshop_author"' in record.message
    assert engine.statistics().statements == 2
    assert engine.statistics().statement_ms > 0
