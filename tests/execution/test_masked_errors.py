"""Whatever fails, and wherever: clients are told one of a few sentences, never what the failure itself says."""

import datetime as dt  # noqa: F401 - named by annotations
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from django.db import DataError, InterfaceError, OperationalError, connection
from django.db.models import Q, TextField
from django.db.models.expressions import RawSQL

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import SessionSettings, Settings
from fraiseql_django.testing import FailingCache
from tests.injection.leaks import leaks
from tests.support import make_shop

pytestmark = pytest.mark.django_db

SECRET = "s3cret"
SERVER = "Something went wrong on the server."
UNREACHABLE = "The database cannot be reached."
VALUE = "A value in the operation is malformed or out of range for its column."
PATTERN = "A regular expression in the operation is invalid."
COMPLEX = "The operation is too complex for the database."
SLOW = "The database took longer than is allowed."
DENIED = "You are not allowed to do this."
CONFLICT = "Another operation was in the way, and nothing was written. The same operation may be sent again."
RULE = "A rule of the database is violated."
# of a constraint that no model knows
VIOLATED = {
    RULE,
    "Such an object already exists.",
    "This field cannot be null.",
    "Select a valid choice. That choice is not one of the available choices.",
    "This cannot be deleted, since it is still referred to by: authors.",
    "Enter a valid value.",
}
DEEP = "The operation is nested too deeply."
LIKE = "A LIKE pattern in the operation is invalid: it ends in a single backslash."
TOLD = {SERVER, UNREACHABLE, VALUE, PATTERN, LIKE, COMPLEX, DEEP, SLOW, DENIED, CONFLICT} | VIOLATED

# PostgreSQL raises, with a secret in everything that an error can hold
FUNCTIONS = f"""
CREATE FUNCTION provoke(code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{SECRET} in bookshop_author' USING ERRCODE = code, DETAIL = '{SECRET}', HINT = '{SECRET}',
        TABLE = 'bookshop_author', COLUMN = 'website', CONSTRAINT = '{SECRET}', DATATYPE = '{SECRET}';
END $$;
CREATE FUNCTION fn_provoke(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    IF input ->> 'sql' IS NOT NULL THEN EXECUTE 'SELECT ' || (input ->> 'sql'); END IF;
    RETURN (input ->> 'answer')::jsonb;
END $$;
CREATE FUNCTION on_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM provoke(NEW.name); RETURN NEW; END $$;
"""
TRIGGER = "CREATE TRIGGER provoke BEFORE UPDATE ON bookshop_author FOR EACH ROW EXECUTE FUNCTION on_author()"
# one or more of each class that a statement may end with (PostgreSQL documentation, appendix A)
STATES = """
    P0001 P0002 P0003 P0004 0A000 08000 08006 21000 22000 2200H 2201B 22003 22007 22008 22012 22021 22023 22025 22P02
    22P05 22032 23000 23001 23502 23503 23505 23514 23P01 24000 25006 25P02 25P03 26000 28000 28P01 2BP01 2F002 34000
    38000 39000 3B001 3D000 3F000 40001 40002 40003 40P01 42501 42601 42703 42704 42725 42804 42846 42883 42P01 42P17
    44000 53000 53100 53200 53300 53400 54000 54001 54011 55000 55006 55P03 57000 57014 57P01 57P02 57P03 58000 58030
    58P01 F0000 HV000 XX000 XX001 XX002
""".split()  # noqa: SIM905 - codes, easier to read as words
EXPRESSIONS = {
    "division by zero": "(1 / (id - id))::text",
    "number out of range": "(9223372036854775807 + id)::text",
    "text that is no number": f"'{SECRET}'::int::text",
    "stored text that is no number": "name::int::text",
    "stored text that is no date": "name::date::text",
    "pattern of the declaration": "regexp_replace(name, '(', '')",
    "path of JSON": f"jsonb_path_query_first('{{}}', '$.{SECRET} (')::text",
    "time zone": "(now() AT TIME ZONE 'Nowhere/Nowhere')::text",
    "column that is not there": SECRET,
    "table that is not there": f"(SELECT 1 FROM {SECRET})::text",
    "function that is not there": f"{SECRET}(id)",
    "several rows": "(SELECT website FROM bookshop_author a UNION ALL SELECT 'x')",
    "setting that is not there": f"current_setting('{SECRET}.x')",
    "XML": f"'<{SECRET}'::xml::text",
    "no memory": "repeat('x', 2000000000)",
    "recursion": "recurse(id)",
}
NOTHING = {"data": None}


@pytest.fixture(autouse=True)
def functions(db: None) -> None:
    make_shop()
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        cursor.execute(
            "CREATE FUNCTION recurse(bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN recurse($1); END $$"
        )


def assert_masked(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Execute what fails; hold errors to the sentences above and the whole answer to silence; return the body."""
    body = engine.execute(query, variables).json()
    text = json.dumps(body, ensure_ascii=False)
    assert body.get("errors"), body
    for error in body["errors"]:
        assert re.sub(r" \(error \w+\)$", "", error["message"]) in TOLD, error
    assert SECRET not in text
    assert not leaks(text, query)
    return body


def computed(sql: str) -> GraphQLEngine:
    """Make an engine over authors with one computed field."""
    registry = Registry()
    field = fraiseql.field(RawSQL(sql, [], output_field=TextField()))
    declared = type("AuthorType", (), {"__annotations__": {"broken": "str | None"}, "broken": field})
    fraiseql.type(Author, fields=["id"], registry=registry)(declared)
    return GraphQLEngine(registry=registry, cache=None)


# --- queries ---


@pytest.mark.parametrize("state", STATES)
def test_whatever_postgresql_raises_in_a_query(state: str) -> None:
    body = assert_masked(computed(f"provoke('{state}')"), "{ authors { broken } }")

    assert body["data"] is None


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_computed_field_that_breaks(name: str) -> None:
    assert_masked(computed(EXPRESSIONS[name]), "{ authors { broken } }")
    assert_masked(computed(EXPRESSIONS[name]), '{ authors(where: {broken: {contains: "x"}}) { id } }')


def test_role_that_may_not_read() -> None:
    engine = computed("name")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {SECRET}_role; GRANT USAGE ON SCHEMA public TO {SECRET}_role")
        cursor.execute(f"SET LOCAL ROLE {SECRET}_role")

    assert_masked(engine, "{ authors { id } }")


VIEWS = {
    "no number": ("jsonb_build_object('id', id, 'number', 's3cret')", "number"),
    "no date": ("jsonb_build_object('id', id, 'day', 's3cret')", "day"),
    "an object where a number belongs": (
        "jsonb_build_object('id', id, 'number', jsonb_build_object('s3cret', 1))",
        "number",
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_view_that_says_other_than_its_type(name: str) -> None:
    data, field = VIEWS[name]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIEW v_broken AS SELECT id, {data} AS data FROM bookshop_author")
    registry = Registry()
    body = {"__annotations__": {"id": "fraiseql.ID", "number": "int | None", "day": "dt.date | None"}}
    fraiseql.type(sql_source="v_broken", jsonb_column="data", plural="brokens", registry=registry)(
        type("Broken", (), {**body, "__module__": __name__})
    )
    engine = GraphQLEngine(registry=registry, cache=None)

    assert_masked(engine, put("{ brokens(orderBy: {FIELD: ASC}) { FIELD } }", field))


def put(text: str, field: str) -> str:
    return text.replace("FIELD", field)


def raising(error: Exception) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise error

    return function


class Unspeakable(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError(SECRET)


ERRORS: list[Exception] = [
    RuntimeError(SECRET),
    KeyError(SECRET),
    OSError(2, "No such file", f"/srv/{SECRET}"),
    UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
    RecursionError(SECRET),
    MemoryError(SECRET),
    OperationalError(SECRET),
    InterfaceError(SECRET),
    DataError(SECRET),
    TypeError(SECRET),
    AttributeError(SECRET),
    NotImplementedError(SECRET),
    ExceptionGroup(SECRET, [ValueError(SECRET)]),
]
NAMES = [type(error).__name__ for error in ERRORS]


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_rules_that_raise(error: Exception) -> None:
    for options in ({"rows": raising(error)}, {"permission": raising(error)}):
        registry = Registry()
        fraiseql.type(Author, fields=["id"], registry=registry, **options)(type("AuthorType", (), {}))

        assert_masked(GraphQLEngine(registry=registry, cache=None), "{ authors { id } }")


def test_row_rule_of_a_field_that_is_not_there() -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["id"], registry=registry, rows=lambda viewer: Q(s3cret=1))(type("AuthorType", (), {}))

    assert_masked(GraphQLEngine(registry=registry, cache=None), "{ authors { id } }")


@pytest.mark.parametrize("error", ERRORS, ids=NAMES)
def test_session_that_raises(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.tenant", raising(error))
    settings = Settings(session=SessionSettings(variables={"app.tenant": f"{__name__}.tenant_of"}))

    assert_masked(GraphQLEngine(settings=settings, cache=None), "{ authors { id } }")


def tenant(viewer: Any) -> str:
    raise NotImplementedError


def tenant_of(viewer: Any) -> str:
    return tenant(viewer)


def test_storage_of_files_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    Book.objects.update(cover="covers/a.png")
    engine = GraphQLEngine(cache=None)
    storage = InMemoryStorage()
    monkeypatch.setattr(storage, "url", raising(OSError(f"/srv/{SECRET}")))
    monkeypatch.setattr(storage, "size", raising(OSError(f"/srv/{SECRET}")))
    monkeypatch.setattr(Book._meta.get_field("cover"), "storage", storage)

    body = engine.execute("{ books { cover { name url size } } }").json()

    text = json.dumps(body)
    assert SECRET not in text
    assert "/srv" not in text


def test_cache_that_raises_says_nothing() -> None:
    engine = GraphQLEngine(cache=FailingCache(DjangoCache("locmem")))

    assert "errors" not in engine.execute("{ authors { id } }").json()


# --- mutations ---

MUTATIONS = Registry()
RAISED: list[BaseException] = []


@fraiseql.type(Author, fields=["id", "name"], registry=MUTATIONS)
class AuthorType:
    pass


fraiseql.update(AuthorType, fields=["name"], registry=MUTATIONS)


@fraiseql.mutation(registry=MUTATIONS)
def run(info: fraiseql.Info, sql: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql} FROM bookshop_author")
    return True


@fraiseql.mutation(registry=MUTATIONS)
def fail(info: fraiseql.Info) -> bool:
    raise RAISED[-1]


@fraiseql.input
class ProvokeInput:
    """What a function is to run, and to answer."""

    sql: str | None = None
    answer: str | None = None


@fraiseql.success
class ProvokeSuccess:
    """Nothing is said."""

    author: AuthorType


@fraiseql.error
class ProvokeError:
    """Why not."""


@fraiseql.mutation(function="fn_provoke", registry=MUTATIONS)
class Provoke:
    input: ProvokeInput
    success: ProvokeSuccess
    error: ProvokeError


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(registry=MUTATIONS, cache=None)


def errors_as_data(body: Any) -> Iterator[str]:
    """Yield what is told of violated constraints where a mutation has a class for it."""
    for answer in (body.get("data") or {}).values():
        if isinstance(answer, dict) and "message" in answer:
            yield answer["message"]
            yield from (error["message"] for error in answer["errors"])


def assert_mutation_masked(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> None:
    """The same for a mutation, whose errors may be data."""
    body = engine.execute(query, variables).json()
    text = json.dumps(body, ensure_ascii=False)
    said = [re.sub(r" \(error \w+\)$", "", error["message"]) for error in body.get("errors", ())]
    said += errors_as_data(body)
    assert said
    assert set(said) <= TOLD, body
    assert SECRET not in text
    assert not leaks(text, query)


DATA = "__typename ... on {} {{ message errors {{ message field }} }}".format
PROVOKE = f"mutation ($i: ProvokeInput!) {{ provoke(input: $i) {{ {DATA('ProvokeError')} }} }}"
UPDATE = f"""mutation ($id: ID!, $n: String!) {{
    updateAuthor(id: $id, input: {{name: $n}}) {{ {DATA("MutationError")} }}
}}"""


# what RAISE EXCEPTION says without a code is for the client to read
@pytest.mark.parametrize("state", [state for state in STATES if state != "P0001"])
def test_whatever_postgresql_raises_in_a_mutation(engine: GraphQLEngine, state: str) -> None:
    call = f"provoke('{state}')"
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER)

    assert_mutation_masked(engine, "mutation ($sql: String!) { run(sql: $sql) }", {"sql": call})
    assert_mutation_masked(engine, PROVOKE, {"i": {"sql": call}})
    assert_mutation_masked(engine, UPDATE, {"id": str(Author.objects.all()[0].pk), "n": state})


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_sql_in_a_mutation_that_breaks(engine: GraphQLEngine, name: str) -> None:
    sql = EXPRESSIONS[name]

    assert_mutation_masked(engine, "mutation ($sql: String!) { run(sql: $sql) }", {"sql": sql})
    assert_mutation_masked(engine, PROVOKE, {"i": {"sql": f"{sql} FROM bookshop_author"}})


@pytest.mark.parametrize(
    "error", [*ERRORS, Unspeakable(), StopIteration(SECRET)], ids=lambda error: type(error).__name__
)
def test_exceptions_in_a_mutation(engine: GraphQLEngine, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    # what cannot be written stays out of the log
    monkeypatch.setattr("logging.raiseExceptions", False)
    RAISED.append(error)

    assert_mutation_masked(engine, "mutation { fail }")


@pytest.mark.parametrize(
    "answer",
    [
        f'"{SECRET}"',
        "[1]",
        "7",
        f'{{"status": "{SECRET}"}}',
        f'{{"author": "{SECRET}", "status": "success"}}',
        f'{{"author": {{"id": "{SECRET}"}}, "status": "success"}}',
        f'{{"author": {{"id": {{"{SECRET}": 1}}}}, "status": "success"}}',
        f"{SECRET}",
        f'{{"author": [["{SECRET}"]], "status": 1}}',
    ],
)
def test_wrong_answer_of_a_function(engine: GraphQLEngine, answer: str) -> None:
    query = "mutation ($i: ProvokeInput!) { provoke(input: $i) { ... on ProvokeSuccess { author { id name } } } }"

    text = engine.execute(query, {"i": {"answer": answer}}).body.decode()

    assert SECRET not in text
    assert not leaks(text, query)


def test_function_that_is_not_there(engine: GraphQLEngine) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION fn_provoke(jsonb)")

    assert_mutation_masked(engine, PROVOKE, {"i": {}})


@pytest.mark.django_db(transaction=True)
def test_connection_that_is_lost(engine: GraphQLEngine) -> None:
    call = "pg_terminate_backend(pg_backend_pid())"
    try:
        assert_masked(computed(f"{call}::text"), "{ authors { broken } }")
        assert_mutation_masked(engine, "mutation ($sql: String!) { run(sql: $sql) }", {"sql": call})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION provoke, fn_provoke, recurse; DROP FUNCTION on_author CASCADE")
