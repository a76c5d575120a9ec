"""Types may allow that an answer from just before a write is used while one thread reads the new one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Event, current_thread, main_thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import CachePolicy, DeclarationError, GraphQLEngine, Registry, Viewer
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import CacheSettings, SessionSettings, get_settings
from fraiseql_django.errors import StorageError
from fraiseql_django.execution import refreshing
from fraiseql_django.invalidation.scan import CATALOGUE
from fraiseql_django.storage.base import QueryResult
from fraiseql_django.storage.django import DjangoStorage
from tests.support import FakeClock, data, in_thread, is_hit, statements, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"


@pytest.fixture(autouse=True, params=["locmem", "redis"])
def alias(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return an empty cache of each kind."""
    DjangoCache(request.param).clear()
    yield request.param
    DjangoCache(request.param).clear()


class Watched(DjangoStorage):
    """Notes the threads that statements run in, and holds those of the background back while it is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.in_background, self.in_requests = 0, 0
        self.fails = False
        self.open = Event()
        self.open.set()

    def query(self, sql: str, params: Sequence[Any] = (), settings: Any = ()) -> QueryResult:
        if current_thread().name != "fraiseql-refresh":
            self.in_requests += 1
            return super().query(sql, params, settings)
        self.in_background += 1
        assert self.open.wait(30)
        if self.fails:
            raise StorageError("gone")
        return super().query(sql, params, settings)


MINUTE = CachePolicy(stale=60)


def engine_of(
    alias: str, *, rows: Any = None, author: Any = MINUTE, book: Any = MINUTE,
    storage: DjangoStorage | None = None, **settings: Any,
) -> GraphQLEngine:  # fmt: skip
    registry = Registry()
    for model, name, fields, options in (
        (Author, "Author", ["id", "name"], {"cache": author, "rows": rows}),
        (Book, "Book", ["id", "title", "authors"], {"cache": book}),
    ):
        fraiseql.type(model, name=name, fields=fields, registry=registry, **options)(type(name, (), {}))
    made = replace(get_settings(), cache=CacheSettings(alias=alias), **settings)
    return GraphQLEngine(settings=made, registry=registry, storage=storage or Watched())


def names(engine: GraphQLEngine, query: str = AUTHORS) -> list[str]:
    return [author["name"] for author in data(engine, query)["authors"]]


def idle(engine: GraphQLEngine) -> None:
    """Wait until no thread refreshes anything."""
    wait_until(lambda: engine.executor._background._free._value == refreshing.THREADS)  # type: ignore[attr-defined]


@pytest.fixture
def stale(alias: str) -> Callable[[GraphQLEngine], bool]:
    """Return a function: whether an operation is answered from before a write."""

    def is_stale(engine: GraphQLEngine, query: str = AUTHORS) -> bool:
        Author.objects.all().delete()
        Author.objects.create(name="Ursula")
        before = data(engine, query)
        assert data(engine, query) == before
        Author.objects.update(name="Octavia")
        after = data(engine, query)
        idle(engine)
        return bool(after == before)

    return is_stale


def test_answer_from_before_a_write_while_the_new_one_is_read(alias: str) -> None:
    Author.objects.create(name="Ursula")
    storage = Watched()
    engine = engine_of(alias, storage=storage)
    assert names(engine) == ["Ursula"]
    assert storage.in_requests == 1
    Author.objects.update(name="Octavia")
    storage.open.clear()

    # only the first of them begins to read
    assert [names(engine) for _ in range(10)] == [["Ursula"]] * 10
    wait_until(lambda: storage.in_background == 1)
    storage.open.set()
    idle(engine)

    assert names(engine) == ["Octavia"]
    assert (storage.in_requests, storage.in_background) == (1, 1)


def test_it_is_off_by_default(alias: str, stale: Callable[..., bool]) -> None:
    assert not stale(engine_of(alias, author=None))
    assert not stale(engine_of(alias, author=CachePolicy()))
    assert stale(engine_of(alias))


def test_it_ends_with_its_seconds(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr("fraiseql_django.execution.refreshing.time.monotonic", clock)
    Author.objects.create(name="0")
    storage = Watched()
    engine = engine_of(alias, storage=storage)
    names(engine)
    # a hit tells that there was no write until now
    clock.now += 1000
    assert names(engine) == ["0"]
    Author.objects.update(name="1")
    storage.fails = True
    clock.now += 60
    assert names(engine) == ["0"]
    idle(engine)

    clock.now += 1

    assert names(engine) == ["1"]


def test_process_that_has_not_seen_the_entry_reads_its_own(alias: str) -> None:
    """It cannot tell how long ago the write was."""
    Author.objects.create(name="Ursula")
    names(engine_of(alias))
    other = engine_of(alias)
    Author.objects.update(name="Octavia")

    assert names(other) == ["Octavia"]


def test_entry_that_is_older_than_the_one_seen_is_not_used(alias: str) -> None:
    Author.objects.create(name="0")
    engine = engine_of(alias)
    names(engine)
    (key,) = engine.executor.current._seen
    oldest = engine.answers.lookup(key, ("bookshop_author", CATALOGUE))
    assert oldest.answer is not None
    assert oldest.versions is not None
    Author.objects.update(name="1")
    names(engine)
    idle(engine)
    assert names(engine) == ["1"]
    Author.objects.update(name="2")
    # a slow process keeps what it has read before the first write
    engine.answers.keep(key, oldest.versions, oldest.answer, False, 60)

    assert names(engine) == ["2"]


BOTH = "{ books { title authors { name } } }"


def test_all_types_that_are_read_must_allow_it(alias: str) -> None:
    Book.objects.create(
        title="Kindred",
        isbn="1",
        pages=1,
        price=1,
        published="1979-01-01",
        publisher=Publisher.objects.create(name="D"),
    ).authors.add(Author.objects.create(name="Octavia"))

    def is_stale(engine: GraphQLEngine, query: str) -> bool:
        data(engine, query)
        before = data(engine, query)
        Author.objects.create(name="Ursula")
        Book.objects.update(title=f"{before} again"[-90:])
        after = data(engine, query)
        idle(engine)
        return bool(after == before)

    everywhere, nowhere = engine_of(alias), engine_of(alias, book=None)
    assert is_stale(everywhere, BOTH)
    assert not is_stale(nowhere, BOTH)
    # the condition reads authors, the table between them has no type
    condition = '{ books(where: {authors: {some: {name: {eq: "Octavia"}}}}) { title } }'
    assert is_stale(everywhere, condition)
    assert not is_stale(engine_of(alias, author=None), condition)


def test_fewest_seconds_count(alias: str) -> None:
    engine = engine_of(alias, book=CachePolicy(stale=5))

    def seconds(query: str) -> int:
        operation = engine.parser.parse(query).operation(None)
        read = engine.planner.plan(operation, {}).read
        assert read is not None
        return read.stale

    assert seconds(AUTHORS) == 60
    assert seconds("{ books { title } }") == 5
    assert seconds(BOTH) == 5


@pytest.mark.parametrize(
    ("rows", "is_allowed"),
    [
        (lambda viewer: Q(name__gt=""), True),
        (lambda viewer: Q(name=viewer.value("shop")) | Q(name__gt=""), False),
        (lambda viewer: Q(pk=viewer.id) | Q(pk__gt=0), False),
        (lambda viewer: True if viewer.is_staff else Q(name__gt=""), False),
        (lambda viewer: Q(books__title="x") | Q(name__gt=""), True),
        (lambda viewer: Q(books__publisher__name="x") | Q(name__gt=""), False),
    ],
    ids=["same for all", "value", "id", "staff", "table that allows it", "table without a type"],
)
def test_answer_of_one_viewer_is_never_stale(
    alias: str, rows: Callable[[Viewer], Any], is_allowed: bool, stale: Callable[..., bool]
) -> None:
    assert stale(engine_of(alias, rows=rows)) is is_allowed


def test_answer_of_a_session_is_never_stale(alias: str, stale: Callable[..., bool]) -> None:
    session = SessionSettings(role="tests.execution.test_refreshing.no_role")

    assert not stale(engine_of(alias, session=session))


def no_role(viewer: Viewer) -> None:
    return None


def test_connection_with_settings_of_its_own_is_never_answered_so(alias: str, stale: Callable[..., bool]) -> None:
    """The thread's connection would not have them."""
    engine = engine_of(alias)
    with connection.cursor() as cursor:
        cursor.execute("SET search_path TO public, pg_temp")
        try:
            assert not stale(engine)
        finally:
            cursor.execute("RESET search_path")
    assert stale(engine)


def test_transaction_reads_its_own(alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = engine_of(alias)
    names(engine)
    in_thread(lambda: Author.objects.update(name="Octavia"))

    with transaction.atomic():
        assert names(engine) == ["Octavia"]


def test_view_of_a_type_allows_it_for_what_lies_below(alias: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW named AS SELECT id, name FROM bookshop_author")
    try:
        found = []
        for stale in (60, 0):
            registry = Registry()
            body = {"__annotations__": {"id": int, "name": str}}
            declare = fraiseql.type(
                sql_source="named", name="Author", registry=registry, cache=CachePolicy(stale=stale)
            )
            declare(type("Author", (), body))
            engine = GraphQLEngine(registry=registry)
            read = engine.planner.plan(engine.parser.parse(AUTHORS).operation(None), {}).read
            assert read is not None
            assert "bookshop_author" in read.tables
            found.append(read.stale)
        assert found == [60, 0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP VIEW named")


def test_failure_of_a_refresh_is_logged_and_tried_again(alias: str, caplog: pytest.LogCaptureFixture) -> None:
    Author.objects.create(name="Ursula")
    storage = Watched()
    engine = engine_of(alias, storage=storage)
    names(engine)
    Author.objects.update(name="Octavia")
    storage.fails = True

    assert names(engine) == ["Ursula"]
    idle(engine)
    assert "an answer could not be refreshed: StorageError: gone" in caplog.text

    storage.fails = False
    assert names(engine) == ["Ursula"]
    idle(engine)
    assert names(engine) == ["Octavia"]


def test_operation_reads_its_own_where_too_many_threads_are_reading(alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = engine_of(alias)
    names(engine)
    Author.objects.update(name="Octavia")
    background = engine.executor._background
    end = Event()
    assert [background.start(lambda: end.wait(30)) for _ in range(refreshing.THREADS)] == [True] * refreshing.THREADS

    assert names(engine) == ["Octavia"]

    end.set()
    idle(engine)


def test_connection_of_the_thread_is_closed(alias: str) -> None:
    Author.objects.create(name="Ursula")
    backends: list[int] = []

    class Noting(Watched):
        def query(self, *args: Any) -> QueryResult:
            result = super().query(*args)
            if current_thread() is not main_thread():
                backends.append(connections["default"].connection.info.backend_pid)
            return result

    engine = engine_of(alias, storage=Noting())
    names(engine)
    Author.objects.update(name="Octavia")
    names(engine)
    idle(engine)

    (pid,) = backends

    def is_gone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid])
            return bool(cursor.fetchone() == (0,))

    wait_until(is_gone)


def test_hit_is_one_round_trip_and_no_statement(alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = engine_of(alias)
    names(engine)

    with statements(0):
        assert is_hit(engine, AUTHORS)


@pytest.mark.parametrize("stale", [-1, 1.5, True, "60", None])
def test_stale_is_a_number_of_seconds(stale: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^CachePolicy: stale is .*, must be a number of seconds, 0 or more$"):
        CachePolicy(stale=stale)


def test_cache_is_a_policy() -> None:
    registry = Registry()
    options: Any = {"cache": {"stale": 5}}

    with pytest.raises(DeclarationError, match=r"cache is {'stale': 5}, must be a CachePolicy"):
        fraiseql.type(Author, fields=["name"], registry=registry, **options)
