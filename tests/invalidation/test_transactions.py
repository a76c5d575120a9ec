"""Answers die at commit and not before; what is rolled back drops nothing; a writer sees what it wrote."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, close_old_connections, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, TestCase
from django.urls import path

from example_project.bookshop.models import Author, Publisher, Review
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf import get_settings
from tests.support import data, in_thread, is_hit, make_engine, statements

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
PUBLISHERS = "{ publishers { name } }"


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    """Return an engine whose answers about one author and one publisher are kept."""
    Author.objects.create(name="Ursula")
    Publisher.objects.create(name="Ace")
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)
    data(engine, PUBLISHERS)
    return engine


class Undo(Exception):
    """What takes a block back."""


@contextmanager
def rolled_back() -> Iterator[None]:
    """Open a transaction, or a savepoint, that is rolled back in the end."""
    with suppress(Undo), transaction.atomic():
        yield
        raise Undo


def names(engine: GraphQLEngine) -> set[str]:
    return {author["name"] for author in data(engine, AUTHORS)["authors"]}


def hits_elsewhere(engine: GraphQLEngine) -> bool:
    return in_thread(lambda: is_hit(engine, AUTHORS))


def test_others_are_answered_from_the_cache_until_the_commit(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        Author.objects.update(name="Octavia")

        assert in_thread(lambda: names(engine)) == {"Ursula"}
        assert hits_elsewhere(engine)

    assert in_thread(lambda: names(engine)) == {"Octavia"}
    assert names(engine) == {"Octavia"}


def test_writer_reads_past_the_cache_and_fills_nothing(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        Author.objects.update(name="Octavia")

        assert names(engine) == {"Octavia"}
        assert not is_hit(engine, AUTHORS)
        assert not is_hit(engine, PUBLISHERS)
        assert in_thread(lambda: names(engine)) == {"Ursula"}
        transaction.set_rollback(True)

    assert is_hit(engine, AUTHORS)
    assert names(engine) == {"Ursula"}


def test_transaction_that_only_reads_uses_the_cache(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        assert is_hit(engine, AUTHORS)
        assert Author.objects.count() == 1
        assert is_hit(engine, AUTHORS)
        assert not is_hit(engine, "{ authors { id } }")

    assert is_hit(engine, "{ authors { id } }")


def test_rollback_drops_nothing(engine: GraphQLEngine) -> None:
    with rolled_back():
        Author.objects.update(name="Octavia")

    assert is_hit(engine, AUTHORS)
    assert names(engine) == {"Ursula"}


def test_rollback_of_a_savepoint_drops_nothing(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        with rolled_back():
            Author.objects.update(name="Octavia")
            assert not is_hit(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)
        Publisher.objects.update(name="Tor")

    assert is_hit(engine, AUTHORS)
    assert not is_hit(engine, PUBLISHERS)


def test_rollback_to_an_outer_savepoint_takes_inner_ones_along(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        with rolled_back(), transaction.atomic():
            Author.objects.update(name="Octavia")
        with transaction.atomic():
            Publisher.objects.update(name="Tor")

    assert is_hit(engine, AUTHORS)
    assert not is_hit(engine, PUBLISHERS)


def test_released_savepoint_waits_for_the_commit(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        with transaction.atomic():
            Author.objects.update(name="Octavia")
        assert hits_elsewhere(engine)

    assert in_thread(lambda: names(engine)) == {"Octavia"}


def test_error_caught_in_a_savepoint(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        Publisher.objects.create(name="Tor")
        with pytest.raises(IntegrityError), transaction.atomic():
            Publisher.objects.create(name="Tor")
        Author.objects.update(name="Octavia")

    assert names(engine) == {"Octavia"}
    assert len(data(engine, PUBLISHERS)["publishers"]) == 2


def test_atomic_block_without_savepoint(engine: GraphQLEngine) -> None:
    with transaction.atomic(), transaction.atomic(savepoint=False):
        Author.objects.update(name="Octavia")

    assert names(engine) == {"Octavia"}


def test_durable_block(engine: GraphQLEngine) -> None:
    with transaction.atomic(durable=True):
        Author.objects.update(name="Octavia")

    assert names(engine) == {"Octavia"}


def test_commit_that_fails_leaves_nothing_stale(engine: GraphQLEngine) -> None:
    @transaction.atomic
    def write() -> None:
        Author.objects.update(name="Octavia")
        # keys are checked at commit
        Review.objects.create(book_id=404, stars=1, headline="?")

    with pytest.raises(IntegrityError):
        write()

    # the mark has taken the place of the former version
    assert not is_hit(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)
    assert names(engine) == {"Ursula"}


def test_commit_hooks_see_what_was_written_whenever_they_were_registered(engine: GraphQLEngine) -> None:
    seen: list[set[str]] = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(names(engine)))
        Author.objects.update(name="Octavia")
        transaction.on_commit(lambda: seen.append(names(engine)))

    assert seen == [{"Octavia"}, {"Octavia"}]


def test_write_in_a_commit_hook(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: Author.objects.update(name="Joanna"))
        Author.objects.update(name="Octavia")

    assert names(engine) == {"Joanna"}


def test_projects_that_count_their_commit_hooks_find_their_own_only(engine: GraphQLEngine) -> None:
    with transaction.atomic(), TestCase.captureOnCommitCallbacks() as callbacks:
        Author.objects.update(name="Octavia")
        transaction.on_commit(lambda: None)

    assert len(callbacks) == 1


def test_connection_that_is_lost_in_a_transaction(engine: GraphQLEngine) -> None:
    @transaction.atomic
    def write() -> None:
        Author.objects.update(name="Octavia")
        in_thread(terminate)
        Author.objects.count()

    with pytest.raises(OperationalError):
        write()
    close_old_connections()

    assert names(engine) == {"Ursula"}
    Author.objects.update(name="Joanna")
    assert names(engine) == {"Joanna"}


def terminate() -> None:
    """Cut every other connection to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- transactions that the project manages ---


@pytest.fixture
def manual() -> Iterator[None]:
    transaction.set_autocommit(False)
    yield
    transaction.rollback()
    transaction.set_autocommit(True)


@pytest.mark.usefixtures("manual")
def test_manual_commit(engine: GraphQLEngine) -> None:
    transaction.commit()
    assert is_hit(engine, AUTHORS) or is_hit(engine, AUTHORS)

    Author.objects.update(name="Octavia")
    assert in_thread(lambda: names(engine)) == {"Ursula"}
    assert names(engine) == {"Octavia"}
    transaction.commit()

    assert in_thread(lambda: names(engine)) == {"Octavia"}
    assert is_hit(engine, AUTHORS)


@pytest.mark.usefixtures("manual")
def test_manual_rollback(engine: GraphQLEngine) -> None:
    transaction.commit()
    assert in_thread(lambda: names(engine)) == {"Ursula"}

    Author.objects.update(name="Octavia")
    transaction.rollback()

    assert hits_elsewhere(engine)
    assert is_hit(engine, AUTHORS)


@pytest.mark.usefixtures("manual")
def test_atomic_block_in_a_manual_transaction(engine: GraphQLEngine) -> None:
    transaction.commit()
    assert in_thread(lambda: names(engine)) == {"Ursula"}

    with transaction.atomic():
        Author.objects.update(name="Octavia")
    assert hits_elsewhere(engine)
    transaction.commit()

    assert in_thread(lambda: names(engine)) == {"Octavia"}


# --- isolation ---


SECOND = pytest.mark.django_db(transaction=True, databases=["default", "second"])


@SECOND
def test_write_on_another_alias_of_the_database(engine: GraphQLEngine) -> None:
    Author.objects.using("second").update(name="Octavia")

    assert names(engine) == {"Octavia"}

    with transaction.atomic(using="second"):
        Author.objects.using("second").update(name="Joanna")
        assert names(engine) == {"Octavia"}
        assert is_hit(engine, AUTHORS)
    assert names(engine) == {"Joanna"}


@SECOND
def test_repeatable_read_neither_asks_nor_fills_the_cache(cache_alias: str) -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), database="second"), cache=DjangoCache(cache_alias))
    Author.objects.create(name="Ursula")

    with transaction.atomic(using="second"):
        assert names(engine) == {"Ursula"}
        Author.objects.update(name="Octavia")
        assert in_thread(lambda: names(engine)) == {"Octavia"}
        with statements(1, "second"):
            assert names(engine) == {"Ursula"}

    with statements(0, "second"):
        assert names(engine) == {"Octavia"}
    with statements(1, "second"):
        data(engine, "{ authors { id } }")
    with statements(0, "second"):
        data(engine, "{ authors { id } }")


@pytest.mark.parametrize(
    "statement",
    [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "set transaction isolation level serializable",
    ],
)
def test_isolation_that_is_set_by_sql(engine: GraphQLEngine, statement: str) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)
        assert names(engine) == {"Ursula"}
        in_thread(lambda: Author.objects.update(name="Octavia"))
        assert names(engine) == {"Ursula"}

    assert names(engine) == {"Octavia"}
    with transaction.atomic():
        assert is_hit(engine, AUTHORS)


# --- requests ---


def view(request: HttpRequest) -> HttpResponse:
    engine: Any = request.META["engine"]
    before = in_thread(lambda: names(engine))
    Author.objects.update(name="Octavia")
    during = in_thread(lambda: names(engine))
    return HttpResponse(f"{before} {during} {names(engine)}")


def failing_view(request: HttpRequest) -> HttpResponse:
    view(request)
    raise RuntimeError


urlpatterns = [path("write", view), path("fail", failing_view)]


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.urls(__name__)
@pytest.mark.usefixtures("atomic_requests")
def test_atomic_requests(engine: GraphQLEngine) -> None:
    client = Client(raise_request_exception=False)

    assert client.get("/fail", engine=engine).status_code == 500
    assert names(engine) == {"Ursula"}
    assert is_hit(engine, AUTHORS)

    assert client.get("/write", engine=engine).content == b"{'Ursula'} {'Ursula'} {'Octavia'}"
    assert names(engine) == {"Octavia"}
