"""What tests of the engine share: engines on the tests' caches, other threads, and a small shop."""

import gc
import os
import re
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, NoReturn, TypeVar
from weakref import WeakSet, WeakValueDictionary

import pytest
from django.contrib.auth.models import User
from django.core.cache import BaseCache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Author, Book, Category, Customer, Order, OrderLine, Publisher, Review
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django._django import close_views
from fraiseql_django.cache import debts, table_versions
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import SHARED
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.invalidation import catalog, versions
from fraiseql_django.invalidation.session_state import state_of
from tests.settings import WORKER

T = TypeVar("T")

# calls of functions that take about two seconds, and that no document needs half of
MOMENT = 10_000_000


@dataclass
class Shop:
    """A shop of three books, made in the order of these fields."""

    publisher: Publisher
    category: Category
    authors: list[Author]
    books: list[Book]
    customer: Customer
    reviews: list[Review]
    order: Order


def make_shop() -> Shop:
    """Fill the tables with as little as shows every relation."""
    publisher = Publisher.objects.create(name="Ace", country="US")
    category = Category.objects.create(name="Novels", slug="novels")
    authors = [Author.objects.create(name=name) for name in ("Ursula", "Octavia")]
    books = [
        Book.objects.create(
            title=title,
            isbn=f"978000000000{number}",
            publisher=publisher,
            category=category,
            price=Decimal(10 + number),
        )
        for number, title in enumerate(("Rocannon", "Planet", "City"))
    ]
    for book in books:
        book.authors.add(authors[0])
    customer = Customer.objects.create(user=User.objects.create(username="ann"), name="Ann")
    reviews = [Review.objects.create(book=books[0], customer=customer, stars=stars, headline="!") for stars in (3, 5)]
    order = Order.objects.create(customer=customer, number="1")
    OrderLine.objects.create(order=order, line_number=1, book=books[0], unit_price=Decimal(10))
    return Shop(publisher, category, authors, books, customer, reviews, order)


def without_labels(message: str, label: str = r"\w+\.[A-Z]\w*") -> str:
    """Return the problems of declarations without what each is over, which begins its line."""
    return re.sub(rf"^{label}: ", "", message, flags=re.MULTILINE)


def make_engine(cache_alias: str, **options: Any) -> GraphQLEngine:
    """Make an engine that keeps its answers in one of the tests' caches."""
    return GraphQLEngine(cache=DjangoCache(cache_alias), **options)


@contextmanager
def engines_forgotten() -> Iterator[None]:
    """Tell the engines that are made in a block of no write after it, even where something still refers to them."""
    collector = debts.Collector()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "_watched_answers", WeakSet(versions._watched_answers))
        patch.setattr(table_versions, "_shared", WeakValueDictionary())
        # nor does anybody go on with what their caches are owed
        patch.setattr(debts, "_collector", collector)
        try:
            yield
        finally:
            collector.finish(0)


def role_name(name: str) -> str:
    """Return the name of a role that no other worker makes: databases are each worker's own, roles the server's."""
    return f"fraiseql_tests_{name}{WORKER}"


def do_without(reason: str) -> NoReturn:
    """Skip a test for want of a program; fail under CI, which installs all of them."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def page_settings(page: str, title: str, hosts: dict[str, str]) -> dict[str, Any]:
    """Execute the example of settings with a title in a page of the documentation, on hosts of the test's own."""
    text = (BASE_DIR / "docs" / page).read_text()
    (block,) = re.findall(rf"```python\n(# {title}\n.*?)```", text, re.DOTALL)
    for host, own in hosts.items():
        assert host in block, host
        block = block.replace(host, own)
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def data(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Execute an operation that succeeds and return its data."""
    response = engine.execute(query, variables).json()
    assert "errors" not in response, response["errors"]
    return response["data"]


def put(template: str, *texts: str) -> str:
    """Put texts where the template has an @."""
    for text in texts:
        template = template.replace("@", text, 1)
    return template


def limited(**limits: Any) -> GraphQLEngine:
    """Make an engine with these limits and no others, which keeps no answers."""
    none = {item.name: None for item in fields(LimitSettings) if "None" in str(item.type)}
    settings = replace(get_settings(), limits=LimitSettings(**{**none, **limits}))
    return GraphQLEngine(settings=settings, cache=None)


def refused(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the one error of an operation that is refused before it begins, without a statement."""
    with statements(0):
        response = engine.execute(query, variables)
    body = response.json()
    assert "data" not in body
    assert response.status == 400
    (error,) = body["errors"]
    return dict(error)


@contextmanager
def statements(number: int, alias: str = "default") -> Iterator[None]:
    """Hold a block to so many statements."""
    with CaptureQueriesContext(connections[alias]) as captured:
        yield
    assert len(captured) == number, [query["sql"] for query in captured.captured_queries]


@contextmanager
def calls(at_most: int = MOMENT) -> Iterator[None]:
    """Hold a block to so many calls of functions, Python's own included, in this thread.

    For what would take exponentially long, or grow with the square of a large document: unlike a time, the number
    does not depend on the machine. The block ends with the first call too many.
    """
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        if event in ("call", "c_call"):
            made += 1
            if made == at_most:
                # no Exception, which an engine would turn into an error of the operation
                pytest.fail(f"took more than {at_most:,} calls of functions")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def counted_calls() -> Iterator[Callable[[], int]]:
    """Yield a function that returns how many calls of functions a block has made, Python's own included."""
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield lambda: made
    finally:
        sys.setprofile(before)


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Yield a function that returns how many bytes Python has kept since."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()

        def grown() -> int:
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        yield grown
    finally:
        tracemalloc.stop()


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what another thread, process or server does; the bound, a minute and more, is for what hangs."""
    for _ in range(6_000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("what was waited for has not come")


class FakeClock:
    """A clock that goes on by itself only where ``step`` says so: by that, each time that it is read."""

    def __init__(self, step: float = 0) -> None:
        self.now, self.step = 1_000.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def is_hit(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> bool:
    """Whether an operation is answered without a statement; it is kept from then on in any case."""
    with CaptureQueriesContext(connection) as captured:
        data(engine, query, variables)
    return len(captured) == 0


def in_thread(function: Callable[[], T]) -> T:
    """Call a function in another thread, on a connection of its own."""

    def call() -> T:
        try:
            return function()
        finally:
            connections.close_all()
            close_views()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result(timeout=60)


def empty(cache: BaseCache) -> None:
    """Remove the tests' own keys only: clear() of a Redis cache would empty a database that others use."""
    if hasattr(cache, "delete_pattern"):
        cache.delete_pattern("*")
        # the versions are under no KEY_PREFIX
        client = cache.client.get_client()
        for key in client.scan_iter(f"{SHARED}*"):
            client.delete(key)
    else:
        cache.clear()


@contextmanager
def traced() -> Iterator[list[str]]:
    """Write down what the connection and PostgreSQL tell each other, a message a line.

    Each is time, who speaks, length and message, between tabs (PostgreSQL documentation, PQtrace).
    """
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    lines: list[str] = []
    with tempfile.TemporaryFile("w+") as file:
        pgconn.trace(file.fileno())
        try:
            yield lines
        finally:
            pgconn.untrace()
        file.seek(0)
        lines += file


@contextmanager
def round_trips() -> Iterator[list[int]]:
    """Count how often the connection is told, after an answer, that it may go on; the list holds the number."""
    counted: list[int] = []
    with traced() as lines:
        yield counted
    messages = [line.split("\t") for line in lines]
    counted.append(sum(message[1:2] == ["B"] and "ReadyForQuery" in message[3] for message in messages))


def forget_definitions() -> None:
    """Let what the open transaction has defined count as committed, with which plans are kept and answers public."""
    catalog.defining(connection, open_transaction=False)
    if (state := state_of(connection)) is not None:
        state.rollback()
