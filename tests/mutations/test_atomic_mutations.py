"""Several mutations in one operation, their transactions, and what happens when PostgreSQL cannot go on."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher, Review
from fraiseql_django import GraphQLEngine, Registry
from tests.support import data

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.error
class Refused:
    """Why a name was refused."""


@fraiseql.mutation(registry=REGISTRY)
def add(info: fraiseql.Info, name: str) -> AuthorType | None:
    """Add an author."""
    if not name:
        raise fraiseql.UserError("A name is needed.")
    return Author.objects.create(name=name)  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
def surely(info: fraiseql.Info, name: str) -> AuthorType:
    """Add an author, or else nothing is answered."""
    if not name:
        raise fraiseql.UserError("A name is needed.")
    return Author.objects.create(name=name)  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
def politely(info: fraiseql.Info, name: str) -> AuthorType | Refused:
    """Add an author, or say as data why not."""
    author = Author.objects.create(name=name)
    return author if name else Refused(message="A name is needed.")  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
def dangle(info: fraiseql.Info) -> bool | None:
    """Write what PostgreSQL refuses at commit."""
    Review.objects.create(book_id=404, stars=1, headline="?")
    return True


@fraiseql.mutation(registry=REGISTRY)
def hang_up(info: fraiseql.Info) -> bool:
    """Lose the connection after a write."""
    Author.objects.create(name="lost")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return True


@pytest.fixture
def engine(settings: Any, transactional_db: None) -> Iterator[GraphQLEngine]:
    return GraphQLEngine(registry=REGISTRY, cache=None)


@pytest.fixture
def one_by_one(settings: Any, transactional_db: None) -> GraphQLEngine:
    settings.FRAISEQL = {"ATOMIC_MUTATIONS": False}
    return GraphQLEngine(registry=REGISTRY, cache=None)


def names() -> list[str]:
    return sorted(Author.objects.values_list("name", flat=True))


def codes(body: Any) -> list[tuple[str, str]]:
    return [(error["path"][0], error["extensions"]["code"]) for error in body.get("errors", ())]


def test_error_as_data_undoes_the_others(engine: GraphQLEngine) -> None:
    body = engine.execute(
        """mutation { a: add(name: "Ursula") { name } b: politely(name: "") { ... on Refused { message } }
           c: add(name: "Octavia") { name } }"""
    ).json()

    assert body["data"] == {"a": None, "b": {"message": "A name is needed."}, "c": None}
    assert codes(body) == [("a", "MUTATION_ABORTED"), ("c", "MUTATION_ABORTED")]
    assert names() == []


@pytest.mark.parametrize("atomic", [True, False])
def test_error_as_data_is_not_lost_where_another_leaves_no_data(
    settings: Any, transactional_db: None, atomic: bool
) -> None:
    settings.FRAISEQL = {"ATOMIC_MUTATIONS": atomic}
    failed = 'b: politely(name: "") { __typename ... on Refused { why: message } }'
    after = 'a: surely(name: "Ursula") { name }' if atomic else 'a: surely(name: "") { name }'
    body = GraphQLEngine(registry=REGISTRY, cache=None).execute(f"mutation {{ {failed} {after} }}").json()

    assert body["data"] is None
    assert codes(body) == [("b", "MUTATION_FAILED"), ("a", "MUTATION_ABORTED" if atomic else "USER_ERROR")]
    assert body["errors"][0]["message"] == "This mutation failed."
    assert body["errors"][0]["extensions"]["data"] == {"__typename": "Refused", "why": "A name is needed."}
    assert names() == []


def test_constraint_that_is_checked_late_is_laid_to_its_mutation(engine: GraphQLEngine) -> None:
    body = engine.execute('mutation { dangle a: add(name: "Ursula") { name } }').json()

    assert body["data"] == {"dangle": None, "a": None}
    assert codes(body) == [("dangle", "CONSTRAINT_VIOLATED"), ("a", "MUTATION_ABORTED")]
    assert names() == []


def test_constraint_that_fails_at_the_commit_of_one(engine: GraphQLEngine) -> None:
    body = engine.execute("mutation { dangle }").json()

    assert body["data"] == {"dangle": None}
    assert codes(body) == [("dangle", "CONSTRAINT_VIOLATED")]
    assert body["errors"][0]["extensions"]["errors"][0]["field"] == "book"
    assert "404" not in body["errors"][0]["message"]


def test_each_in_its_own_transaction(one_by_one: GraphQLEngine) -> None:
    body = one_by_one.execute(
        """mutation { a: add(name: "Ursula") { name } b: add(name: "") { name }
           c: politely(name: "") { ... on Refused { message } } d: add(name: "Octavia") { name } }"""
    ).json()

    assert body["data"] == {
        "a": {"name": "Ursula"},
        "b": None,
        "c": {"message": "A name is needed."},
        "d": {"name": "Octavia"},
    }
    assert codes(body) == [("b", "USER_ERROR")]
    assert names() == ["Octavia", "Ursula"]


def test_failure_that_leaves_no_data_keeps_later_ones_from_beginning(one_by_one: GraphQLEngine) -> None:
    body = one_by_one.execute(
        'mutation { a: add(name: "Ursula") { name } b: surely(name: "") { name } c: add(name: "Octavia") { name } }'
    ).json()

    assert body["data"] is None
    assert codes(body) == [("b", "USER_ERROR"), ("c", "MUTATION_ABORTED")]
    assert body["errors"][1]["message"] == "Not begun, since another mutation of the operation failed."
    assert names() == ["Ursula"]


def test_connection_that_is_lost_in_the_middle(engine: GraphQLEngine) -> None:
    body = engine.execute('mutation { a: add(name: "Ursula") { name } hangUp }').json()

    assert body["data"] is None
    assert codes(body) == [("hangUp", "DATABASE_UNAVAILABLE"), ("a", "MUTATION_ABORTED")]
    assert "terminat" not in str(body)
    assert names() == []
    assert data(engine, 'mutation { add(name: "Octavia") { name } }') == {"add": {"name": "Octavia"}}


# --- what is done again ---

MOMENTS: dict[str, Any] = {}


def make_functions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE OR REPLACE FUNCTION fn_fail(input jsonb) RETURNS int LANGUAGE plpgsql AS $$
            DECLARE
                tries int;
            BEGIN
                -- a sequence is not rolled back
                tries := nextval('fn_fail_tries');
                INSERT INTO bookshop_author (name, bio, website, email) VALUES ('try ' || tries, '', '', '');
                IF tries <= (input ->> 'times')::int THEN
                    RAISE EXCEPTION 'not now' USING ERRCODE = input ->> 'sqlstate';
                END IF;
                RETURN tries;
            END $$;
            DROP SEQUENCE IF EXISTS fn_fail_tries;
            CREATE SEQUENCE fn_fail_tries;
            """
        )


@fraiseql.input
class FailInput:
    times: int
    sqlstate: str


@fraiseql.mutation(function="fn_fail", registry=REGISTRY)
class Fail:
    input: FailInput
    success: int


def attempt(engine: GraphQLEngine, times: int, sqlstate: str) -> Any:
    make_functions()
    return engine.execute(
        "mutation ($times: Int!, $sqlstate: String!) { fail(input: {times: $times, sqlstate: $sqlstate}) }",
        {"times": times, "sqlstate": sqlstate},
    ).json()


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_function_is_called_again_after_a_conflict(engine: GraphQLEngine, sqlstate: str) -> None:
    assert attempt(engine, 3, sqlstate) == {"data": {"fail": 4}}
    assert names() == ["try 4"]


@pytest.mark.parametrize(("sqlstate", "code"), [("40001", "SERIALIZATION_FAILURE"), ("40P01", "DEADLOCK")])
def test_conflict_that_goes_on_is_reported(engine: GraphQLEngine, sqlstate: str, code: str) -> None:
    body = attempt(engine, 4, sqlstate)

    assert body["data"] is None
    assert body["errors"][0]["message"] == (
        "Another operation was in the way, and nothing was written. The same operation may be sent again."
    )
    assert body["errors"][0]["extensions"] == {"code": code}
    assert names() == []


def test_other_errors_are_not_tried_again(engine: GraphQLEngine) -> None:
    attempt(engine, 1, "22012")
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('fn_fail_tries')")
        assert cursor.fetchone() == (2,)


def test_number_of_repetitions_is_a_setting(settings: Any, transactional_db: None) -> None:
    settings.FRAISEQL = {"MUTATION_RETRIES": 0}
    engine = GraphQLEngine(registry=REGISTRY, cache=None)

    assert attempt(engine, 1, "40001")["errors"][0]["extensions"] == {"code": "SERIALIZATION_FAILURE"}


def test_function_in_a_block_of_the_project_is_not_called_again(engine: GraphQLEngine) -> None:
    make_functions()
    with transaction.atomic():
        body = attempt(engine, 1, "40001")

    assert body["errors"][0]["extensions"] == {"code": "SERIALIZATION_FAILURE"}


CALLS: list[str] = []


def fail_once(info: fraiseql.Info) -> int:
    """Fail with a deadlock the first time."""
    CALLS.append(info.field_name)
    with connection.cursor() as cursor:
        if len(CALLS) == 1:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40P01'; END $$")
    return len(CALLS)


@pytest.mark.parametrize(("repeatable", "calls"), [(False, 1), (True, 2)])
def test_python_function_is_called_again_where_it_says_so(transactional_db: None, repeatable: bool, calls: int) -> None:
    CALLS.clear()
    registry = Registry(types=list(REGISTRY.types))
    fraiseql.mutation(registry=registry, repeatable=repeatable)(fail_once)
    body = GraphQLEngine(registry=registry, cache=None).execute("mutation { failOnce }").json()

    assert len(CALLS) == calls
    assert ("errors" in body) is not repeatable


def test_deadlock_of_two_operations_is_resolved(engine: GraphQLEngine) -> None:
    for name in ("Ace", "Tor"):
        Publisher.objects.create(name=name, country="US")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE OR REPLACE FUNCTION fn_lock(input jsonb) RETURNS int LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE bookshop_publisher SET country = country WHERE name = input ->> 'first';
                PERFORM pg_sleep(0.3);
                UPDATE bookshop_publisher SET country = country WHERE name = input ->> 'second';
                RETURN 1;
            END $$
            """
        )
    answers: list[Any] = []

    def run(first: str, second: str) -> None:
        try:
            answers.append(
                engine.execute(f'mutation {{ lock(input: {{first: "{first}", second: "{second}"}}) }}').json()
            )
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in (("Ace", "Tor"), ("Tor", "Ace"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert answers == [{"data": {"lock": 1}}] * 2


@fraiseql.input
class LockInput:
    first: str
    second: str


@fraiseql.mutation(function="fn_lock", registry=REGISTRY)
class Lock:
    input: LockInput
    success: int
