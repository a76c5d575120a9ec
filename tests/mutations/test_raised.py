"""Functions and triggers that raise: what their authors wrote is shown, what PostgreSQL says is not."""

from typing import Any

import psycopg.errors
import pytest
from django.db import connection

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, MutationError, Registry
from fraiseql_django.mutations.error_objects import is_of_project

pytestmark = pytest.mark.django_db

REGISTRY = Registry()
FUNCTIONS = """
CREATE FUNCTION fn_refuse(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE input ->> 'sql';
    RETURN '{}';
END $$;
CREATE FUNCTION refuse_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.bio <> '' THEN
        EXECUTE NEW.bio;
    END IF;
    RETURN NEW;
END $$;
"""
AT_ONCE = "CREATE TRIGGER refuse BEFORE INSERT ON bookshop_author FOR EACH ROW EXECUTE FUNCTION refuse_author()"
AT_THE_END = """
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON bookshop_author DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_author()
"""


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


fraiseql.create(AuthorType, fields=["name", "bio"], registry=REGISTRY)


@fraiseql.input
class RefuseInput:
    """What the function is to run."""

    sql: str


@fraiseql.success
class RefuseSuccess:
    """Nothing is said."""


@fraiseql.error
class RefuseError:
    """Why not."""


@fraiseql.mutation(function="fn_refuse", registry=REGISTRY)
class Refuse:
    input: RefuseInput
    success: RefuseSuccess
    error: RefuseError


@fraiseql.mutation(function="fn_refuse", registry=REGISTRY)
class RefusePlainly:
    input: RefuseInput
    success: fraiseql.JSON


@fraiseql.mutation(registry=REGISTRY)
def add_author(info: fraiseql.Info, sql: str) -> Author | MutationError:
    """Run what raises in a trigger."""
    return Author.objects.create(name="x", bio=sql)


@fraiseql.mutation(registry=REGISTRY)
def add_plainly(info: fraiseql.Info, sql: str) -> Author:
    """The same, without a class of errors."""
    return Author.objects.create(name="x", bio=sql)


ERRORS = "message code status errors { code identifier message field details }"
WITH_CLASS = {
    "function": f"mutation ($s: String!) {{ refuse(input: {{sql: $s}}) {{ ... on RefuseError {{ {ERRORS} }} }} }}",
    "model": f"""mutation ($s: String!) {{
        createAuthor(input: {{name: "x", bio: $s}}) {{ ... on MutationError {{ {ERRORS} }} }}
    }}""",
    "Python": f"mutation ($s: String!) {{ addAuthor(sql: $s) {{ ... on MutationError {{ {ERRORS} }} }} }}",
}
WITHOUT_CLASS = {
    "function": "mutation ($s: String!) { refusePlainly(input: {sql: $s}) }",
    "Python": "mutation ($s: String!) { addPlainly(sql: $s) { id } }",
}
SOLD_OUT = "DO $do$ BEGIN RAISE EXCEPTION 'Sold out.'{}; END $do$"
RAISED: dict[str, tuple[str, str, Any]] = {
    "plain": ("", "raised", None),
    "P0001": (" USING ERRCODE = 'P0001'", "raised", None),
    "by name": (" USING ERRCODE = 'raise_exception'", "raised", None),
    "digits": (" USING ERRCODE = '12345'", "12345", None),
    "letters": (" USING ERRCODE = 'SHOP1'", "SHOP1", None),
    "of PostgREST": (" USING ERRCODE = 'PT404'", "PT404", None),
    "hint and detail": (
        " USING ERRCODE = 'B0001', HINT = 'Come back tomorrow.', DETAIL = 'None left.'",
        "B0001",
        {"hint": "Come back tomorrow.", "detail": "None left."},
    ),
    "plain with a hint": (" USING HINT = 'Tomorrow.'", "raised", {"hint": "Tomorrow."}),
}


@pytest.fixture
def engine() -> GraphQLEngine:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
    return GraphQLEngine(registry=REGISTRY, cache=None)


def install(trigger: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(trigger)


@pytest.mark.parametrize("trigger", [AT_ONCE, AT_THE_END], ids=["at once", "at the commit"])
@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", WITH_CLASS)
def test_raised_by_the_project_is_data(engine: GraphQLEngine, kind: str, name: str, trigger: str) -> None:
    using, identifier, details = RAISED[name]
    install(trigger)
    if trigger == AT_THE_END and kind == "Python":
        # as at the commit, which a test's transaction does not reach
        install("SET CONSTRAINTS ALL IMMEDIATE")

    body = engine.execute(WITH_CLASS[kind], {"s": SOLD_OUT.format(using)}).json()

    assert "errors" not in body, body
    (answer,) = body["data"].values()
    assert answer == {
        "message": "Sold out.",
        "code": 422,
        "status": f"failed:{identifier}",
        "errors": [{"code": 422, "identifier": identifier, "message": "Sold out.", "field": None, "details": details}],
    }
    assert not Author.objects.exists()


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("kind", WITHOUT_CLASS)
def test_raised_by_the_project_is_an_error(engine: GraphQLEngine, kind: str, name: str) -> None:
    using, identifier, details = RAISED[name]
    install(AT_ONCE)

    (error,) = engine.execute(WITHOUT_CLASS[kind], {"s": SOLD_OUT.format(using)}).json()["errors"]

    own = {} if identifier == "raised" else {"sqlstate": identifier}
    item = {"code": 422, "identifier": identifier, "message": "Sold out.", "field": None, "details": details}
    assert (error["message"], error["extensions"]) == ("Sold out.", {"code": "USER_ERROR", **own, "errors": [item]})


@pytest.mark.django_db(transaction=True)
def test_trigger_that_raises_at_the_commit(engine: GraphQLEngine) -> None:
    try:
        install(AT_THE_END)
        using = SOLD_OUT.format(" USING ERRCODE = '12345'")

        (answer,) = engine.execute(WITH_CLASS["Python"], {"s": using}).json()["data"].values()

        assert (answer["message"], answer["errors"][0]["identifier"]) == ("Sold out.", "12345")
        assert not Author.objects.exists()
    finally:
        install("DROP FUNCTION refuse_author CASCADE; DROP FUNCTION fn_refuse")


# what a function caught, and raises again as it was
AGAIN = """DO $do$ BEGIN {}; EXCEPTION WHEN others THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM, DETAIL = 'secret', HINT = 'secret';
END $do$"""
OF_POSTGRESQL = [
    "INSERT INTO bookshop_publisher (name, country) VALUES ('secret', 'US'), ('secret', 'US')",
    "INSERT INTO bookshop_book (id) VALUES (1)",
    "PERFORM 'secret'::int",
    "PERFORM 1 / 0",
    "SELECT secret FROM bookshop_author",
    "RAISE 'secret' USING ERRCODE = 'no_data_found'",
    "RAISE 'secret' USING ERRCODE = 'unique_violation'",
    "RAISE 'secret' USING ERRCODE = '22ABC'",
    "ASSERT false, 'secret'",
]


@pytest.mark.parametrize("statement", OF_POSTGRESQL)
@pytest.mark.parametrize("again", [True, False])
def test_what_postgresql_says_is_not_shown_whoever_raises_it(
    engine: GraphQLEngine, statement: str, again: bool
) -> None:
    install(AT_ONCE)
    sql = AGAIN.format(statement) if again else f"DO $do$ BEGIN {statement}; END $do$"

    for query in (*WITH_CLASS.values(), *WITHOUT_CLASS.values()):
        text = engine.execute(query, {"s": sql}).body.decode()

        assert '"errors":[' in text
        assert "secret" not in text
        assert "bookshop_" not in text


def test_every_class_of_postgresql_is_known() -> None:
    codes = {
        error.sqlstate
        for error in vars(psycopg.errors).values()
        if isinstance(error, type) and issubclass(error, psycopg.Error) and error.sqlstate
    }

    assert len(codes) > 200
    assert {code for code in codes if is_of_project(code)} == {"P0001"}
    # of PostgreSQL 17 and later, and those that older ones had
    assert not any(map(is_of_project, ("10608", "72000", "25P04", "0P000", None)))
    assert all(map(is_of_project, ("12345", "SHOP1", "UE001", "99999")))
