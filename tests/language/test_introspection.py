"""Who may ask for the schema, and which of its names errors tell those who may not."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client, RequestFactory
from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLError,
    GraphQLSchema,
    GraphQLString,
    Lexer,
    Source,
    TokenKind,
    get_introspection_query,
)
from graphql.pyutils import did_you_mean

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, BookFormat, Publisher, ReviewStatus
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.declare.registry import default_registry
from fraiseql_django.documents.trusted import digest
from fraiseql_django.language.introspection import _AFTER_SUGGESTION, _BEFORE_SUGGESTION, _SUGGESTION, names_of
from tests.http.requests import URL, codes, post
from tests.operations import SHOP
from tests.support import calls, statements

pytestmark = pytest.mark.django_db

SCHEMA = "{ __schema { queryType { name } } }"
REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name", "born"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["id", "name"], permission=lambda viewer: False, registry=REGISTRY)
class PublisherType:
    pass


@fraiseql.type(Book, fields=["id", "title", "price", "authors", "publisher", "format", "published"], registry=REGISTRY)
class BookType:
    pass


fraiseql.create(
    BookType,
    fields=["title", fraiseql.nested("publisher", connect=True, create=["name"])],
    registry=REGISTRY,
)


@fraiseql.input
class Parcel:
    """What is sent."""

    recipient: str
    weight: int = 1


@fraiseql.error
class Lost:
    """Why it did not arrive."""

    author: AuthorType | None = None


@fraiseql.mutation(registry=REGISTRY)
def send(
    info: fraiseql.Info, parcel: Parcel, status: ReviewStatus, format: BookFormat | None = None
) -> BookType | Lost:
    """Send a parcel."""
    raise AssertionError("nothing is sent")


@fraiseql.mutation(registry=REGISTRY)
def reveal(info: fraiseql.Info, how: str) -> int | None:
    """Raise what a project may raise."""
    if not how:
        return 1
    if how == "user":
        raise fraiseql.UserError("Did you mean 'Parcel'?", code="BAD_USER_INPUT")
    if how == "graphql":
        raise GraphQLError("Did you mean 'Parcel'?")
    raise PermissionDenied("Did you mean 'Parcel'?")


def engine_of(policy: str, registry: Registry = REGISTRY) -> GraphQLEngine:
    return GraphQLEngine(settings=replace(get_settings(), introspection=policy), registry=registry, cache=None)


OPEN, SHUT = engine_of("public"), engine_of("disabled")

# --- who may ask ---


def request_of(user: Any) -> Any:
    request = RequestFactory().post(URL)
    request.user = user
    return request


def introspect(policy: str, user: Any, text: str = SCHEMA) -> list[str]:
    """Return the codes of what an operation of this user is answered; none where it is executed."""
    request = None if user is None else request_of(user)
    return [
        error["extensions"]["code"]
        for error in engine_of(policy).execute(text, request=request).json().get("errors", ())
    ]


USERS: dict[str, Any] = {
    "no request": None,
    "nobody": AnonymousUser(),
    "user": User(username="ada"),
    "staff": User(username="eve", is_staff=True),
    "superuser": User(username="root", is_superuser=True),
    "staff that was shut out": User(username="bob", is_staff=True, is_active=False),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("public", set(USERS)),
        ("authenticated", {"user", "staff", "superuser"}),
        ("staff", {"staff"}),
        ("disabled", set()),
    ],
)
def test_policy_says_who_may_introspect(policy: str, allowed: set[str], user: str) -> None:
    assert introspect(policy, USERS[user]) == ([] if user in allowed else ["INTROSPECTION_DISABLED"])


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("authenticated", "Introspection requires a user who is signed in."),
        ("staff", "Introspection requires a staff user."),
        ("disabled", "Introspection is disabled."),
    ],
)
def test_refusal_says_whom_it_is_for(policy: str, message: str) -> None:
    response = engine_of(policy).execute(SCHEMA)

    assert response.status == 400
    assert response.json() == {
        "errors": [
            {
                "message": message,
                "locations": [{"line": 1, "column": 3}],
                "extensions": {"code": "INTROSPECTION_DISABLED"},
            }
        ]
    }


ASKING = {
    "schema": SCHEMA,
    "type": '{ __type(name: "Book") { name } }',
    "typename of the schema": "{ __schema { __typename } }",
    "alias": "{ books: __schema { types { name } } }",
    "fragment": "{ ...F } fragment F on Query { __schema { types { name } } }",
    "fragment in a fragment": "{ ...F } fragment F on Query { ...G } fragment G on Query { __schema { __typename } }",
    "inline fragment": "{ ... on Query { ... { __schema { types { name } } } } }",
    "alias in an inline fragment": '{ books { id } ... @include(if: true) { x: __type(name: "Book") { name } } }',
    "left out by a directive": "{ __schema @skip(if: true) { types { name } } }",
    "beside data": "{ books { id } __schema { types { name } } }",
    "after data": "{ a: books { id } b: books { title } ...F } fragment F on Query { __schema { types { name } } }",
    "whole": get_introspection_query(),
}


@pytest.mark.parametrize("way", ASKING)
def test_every_way_to_ask_is_refused_and_nothing_is_executed(way: str) -> None:
    assert OPEN.execute(ASKING[way]).status == 200

    with statements(0):
        response = SHUT.execute(ASKING[way])

    assert [error.extensions for error in response.errors] == [{"code": "INTROSPECTION_DISABLED"}]
    assert response.data is None


def test_mutations_have_no_introspection_and_nothing_is_executed() -> None:
    for engine in (OPEN, SHUT):
        for asking in ("__schema { types { name } }", '...F } fragment F on Mutation { __type(name: "Book") { name }'):
            response = engine.execute(f'mutation {{ reveal(how: "user") {asking} }}')

            assert response.data is None
            assert {error.extensions["code"] for error in response.errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "text",
    [
        "{ __typename }",
        "{ books { __typename authors { __typename } } }",
        'mutation { __typename send: reveal(how: "") }',
        "{ ...F } fragment F on Query { t: __typename }",
    ],
)
def test_typename_is_for_everybody(text: str) -> None:
    assert SHUT.execute(text).status == 200


def test_variable_that_leaves_it_out_does_not_help() -> None:
    text = "query ($ask: Boolean!) { __typename __schema @include(if: $ask) { types { name } } }"

    for ask in (True, False):
        (error,) = SHUT.execute(text, {"ask": ask}).errors
        assert error.message == "Introspection is disabled."


def test_other_operations_of_the_document_are_executed() -> None:
    text = "query Ask { __schema { types { name } } } query Read { books { id } }"

    assert SHUT.execute(text, operation_name="Read").json() == {"data": {"books": []}}
    assert SHUT.execute(text, operation_name="Ask").errors


def test_one_document_is_answered_for_each_viewer() -> None:
    engine = engine_of("staff")
    staff, nobody = request_of(USERS["staff"]), request_of(USERS["nobody"])
    text = "{ __schema { queryType { name } } books { id } }"
    answer = {"data": {"__schema": {"queryType": {"name": "Query"}}, "books": []}}

    for _ in range(2):
        assert engine.execute(text, request=nobody).data is None
        assert engine.execute(text, request=staff).json() == answer


def test_one_mistake_is_told_to_each_viewer() -> None:
    engine = engine_of("staff")
    staff, nobody = request_of(USERS["staff"]), request_of(USERS["nobody"])

    for _ in range(2):
        assert engine.execute("{ books { titel } }", request=nobody).errors[0].message.endswith("on type '…'.")
        assert engine.execute("{ books { titel } }", request=staff).errors[0].message.endswith("Did you mean 'title'?")


class Unread:
    """A request whose user must not be looked at."""

    @property
    def user(self) -> Any:
        raise RuntimeError("The session cannot be read.")


def test_user_is_not_read_for_what_asks_for_no_schema() -> None:
    request: Any = Unread()

    assert engine_of("staff").execute("{ __typename books { id } }", request=request).status == 200
    assert engine_of("public").execute(SCHEMA, request=request).status == 200
    assert engine_of("public").execute("{ titel }", request=request).status == 400
    assert engine_of("disabled").execute("{ titel }", request=request).status == 400


def test_user_that_cannot_be_read_may_not_introspect(caplog: pytest.LogCaptureFixture) -> None:
    request: Any = Unread()
    engine = engine_of("staff")

    assert engine.execute(SCHEMA, request=request).status == 500
    assert engine.execute("{ books { titel } }", request=request).errors[0].message.endswith("on type '…'.")
    assert caplog.messages[-1] == "The viewer's user could not be read."


# --- over HTTP, and past it ---


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), ("application/graphql-response+json", 400)])
def test_refusal_has_the_status_of_refused_operations(client: Client, settings: Any, accept: str, status: int) -> None:
    settings.FRAISEQL = {"INTROSPECTION": "authenticated"}

    for response in (
        post(client, {"query": SCHEMA}, accept=accept),
        client.get(URL, {"query": SCHEMA}, headers={"Accept": accept}),
    ):
        assert response.status_code == status
        assert codes(response) == ["INTROSPECTION_DISABLED"]


def test_session_of_staff_may_introspect(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"INTROSPECTION": "staff"}
    client.force_login(User.objects.create(username="eve", is_staff=True))

    assert post(client, {"query": SCHEMA}).json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


def test_policy_holds_for_each_operation_of_a_batch(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"INTROSPECTION": "disabled", "BATCHING": {"MAX_OPERATIONS": 3}}
    batch = [{"query": "{ __typename }"}, {"query": SCHEMA}, {"query": "{ books { titel } }"}]

    first, second, third = post(client, batch).json()

    assert first == {"data": {"__typename": "Query"}}
    assert second["errors"][0]["extensions"] == {"code": "INTROSPECTION_DISABLED"}
    assert third["errors"][0]["message"] == "Cannot query field 'titel' on type '…'."


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_policy_holds_for_trusted_documents(client: Client, settings: Any, tmp_path: Path, mode: str) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({digest(SCHEMA): SCHEMA}))
    settings.FRAISEQL = {"INTROSPECTION": "staff", "TRUSTED_DOCUMENTS": {"MODE": mode, "PATH": manifest}}
    named = {"documentId": digest(SCHEMA)}

    assert codes(post(client, named)) == ["INTROSPECTION_DISABLED"]
    client.force_login(User.objects.create(username="eve", is_staff=True))
    assert "errors" not in post(client, named).json()


def test_document_that_is_refused_is_not_persisted(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"INTROSPECTION": "disabled", "PERSISTED_QUERIES": {"ENABLED": True}}
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest(SCHEMA).removeprefix("sha256:")}}

    assert codes(post(client, {"query": SCHEMA, "extensions": extensions})) == ["INTROSPECTION_DISABLED"]
    assert codes(post(client, {"extensions": extensions})) == ["PERSISTED_QUERY_NOT_FOUND"]


def test_command_prints_the_schema_whatever_the_policy(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.FRAISEQL = {"INTROSPECTION": "disabled"}

    call_command("fraiseql_schema")

    assert "type Book" in capsys.readouterr().out


# --- what errors tell ---

# Documents with a mistake each, and their variables
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown field": ("{ books { titel } }", {}),
    "unknown root field": ("{ bookz { id } }", {}),
    "unknown mutation": ("mutation { sendd { id } }", {}),
    "field of another member of a union": ('mutation { send(parcel: {recipient: ""}, status: PENDING) { title } }', {}),
    "unknown type of a fragment": ("{ books { ... on Boo { id } } }", {}),
    "unknown type of a variable": ("query ($x: BookFiltr) { books(where: $x) { id } }", {}),
    "variable of a type that is no input": ("query ($x: Book) { books(where: $x) { id } }", {}),
    "unknown argument": ("{ books(limitt: 1) { id } }", {}),
    "unknown argument of a mutation": ("mutation { send(parcl: 1) { __typename } }", {}),
    "unknown directive": ("{ books @skipp { id } }", {}),
    "unknown argument of a directive": ("{ books @skip(iff: true) { id } }", {}),
    "unknown enum value": ("{ books(orderBy: {title: DSC}) { id } }", {}),
    "unknown enum value of choices": ('mutation { send(parcel: {recipient: ""}, status: PENDIN) { __typename } }', {}),
    "text for an enum value": ('{ books(orderBy: {title: "DSC"}) { id } }', {}),
    "number for an enum value": ("{ books(orderBy: {title: 5}) { id } }", {}),
    "unknown input field": ('{ books(where: {titel: {eq: "x"}}) { id } }', {}),
    "unknown operator": ('{ books(where: {title: {equ: "x"}}) { id } }', {}),
    "missing input field": ("mutation { send(parcel: {}, status: PENDING) { __typename } }", {}),
    "missing argument": ("{ book { id } }", {}),
    "missing arguments of a mutation": ("mutation { send { __typename } }", {}),
    "no selection": ("{ books }", {}),
    "empty selection below a field": ("{ books { authors } }", {}),
    "selection below a leaf": ("{ books { format { x } } }", {}),
    "impossible fragment": ("{ books { authors { ... on Book { id } } } }", {}),
    "fragment on a leaf": ("{ books { ... on BookFormat { id } } }", {}),
    "conflicting types": (
        "mutation ($p: Parcel!) { send(parcel: $p, status: PENDING) "
        "{ ... on Book { x: format } ... on Lost { x: code } } }",
        {},
    ),
    "number for an object": ("{ books(where: 5) { id } }", {}),
    "text that is no number": ('{ books(where: {price: {gt: "much"}}) { id } }', {}),
    "text that is no date": ('{ books(where: {published: {gt: "soon"}}) { id } }', {}),
    "null for what is required": ("{ book(id: null) { id } }", {}),
    "null for an object that is required": ("mutation { send(parcel: null, status: PENDING) { __typename } }", {}),
    "variable in a wrong place": ("query ($x: String) { books(limit: $x) { id } }", {}),
    "variable for an object": ("query ($x: String) { books(where: $x) { id } }", {}),
    "variable that may be null": ("query ($x: ReviewStatus) { books(limit: $x) { id } }", {}),
    "subscription": ("subscription { books { id } }", {}),
    "variable: unknown input field": (
        "query ($x: BookWhere) { books(where: $x) { id } }",
        {"x": {"titel": {"eq": "x"}}},
    ),
    "variable: unknown operator": ("query ($x: BookWhere) { books(where: $x) { id } }", {"x": {"title": {"equ": "x"}}}),
    "variable: unknown enum value": (
        "query ($x: [BookOrderBy!]) { books(orderBy: $x) { id } }",
        {"x": {"title": "DSC"}},
    ),
    "variable: number for an enum value": (
        "query ($x: [BookOrderBy!]) { books(orderBy: $x) { id } }",
        {"x": {"title": 5}},
    ),
    "variable: missing input field": (
        "mutation ($x: Parcel!) { send(parcel: $x, status: PENDING) { __typename } }",
        {"x": {}},
    ),
    "variable: number for an object": ("query ($x: BookWhere) { books(where: $x) { id } }", {"x": 5}),
    "variable: number for an inner object": ("query ($x: BookWhere) { books(where: $x) { id } }", {"x": {"title": 5}}),
    "variable: text that is no number": (
        "query ($x: BookWhere) { books(where: $x) { id } }",
        {"x": {"price": {"gt": "it's \"much\""}}},
    ),
    "variable: null": ("mutation ($x: Parcel!) { send(parcel: $x, status: PENDING) { __typename } }", {"x": None}),
    "variable: missing": ("mutation ($x: Parcel!) { send(parcel: $x, status: PENDING) { __typename } }", {}),
    "null for a condition": ("{ books(where: {title: null}) { id } }", {}),
    "null for an operand": ("{ books(where: {title: {gt: null}}) { id } }", {}),
    "null for a direction": ("{ books(orderBy: {title: null}) { id } }", {}),
    "null for an input field with a default": (
        'mutation { send(parcel: {recipient: "x", weight: null}, status: PENDING) { __typename } }',
        {},
    ),
    "half of a surrogate pair": ('query ($x: String) { books(where: {title: {eq: $x}}) { id } }', {"x": "\ud800"}),
    "several operations": ("query a { books { id } } query b { book(id: 1) { id } }", {}),
    "refused type": ("{ books { publisher { id } } }", {}),
    "refused type in a condition": ("{ books(where: {publisher: {id: {eq: 1}}}) { id } }", {}),
}  # fmt: skip
# Of these everything that is told is what the client has written
SILENT = {
    "unknown type of a variable",
    "unknown directive",
    "unknown argument of a directive",
    "missing argument",
    "fragment on a leaf",
    "null for what is required",
    "variable in a wrong place",
    "variable that may be null",
    "variable: number for an object",
    "variable: null",
    "variable: missing",
    "subscription",
    "half of a surrogate pair",
    "several operations",
}
NAME = re.compile("[_A-Za-z][_0-9A-Za-z]*")
# what GraphQL itself has, and what __typename tells everybody
COMMON = {"Query", "Mutation", "String", "Int", "Float", "Boolean", "ID", "skip", "include", "if"}
# of the mistakes that are made up, one in so many is made
MADE_UP_STEP = 13
# names of operators and of an error's fields, which are words of messages as well
ENGLISH = {"in", "like", "field", "input", "not", "value", "query", "boolean"}


def names() -> set[str]:
    """Return the names of the schema as introspection tells them."""
    found = OPEN.execute(get_introspection_query(descriptions=False)).json()["data"]["__schema"]
    waiting: list[Any] = [item for item in found["types"] if not item["name"].startswith("__")] + found["directives"]
    seen: set[str] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            seen.add(item.get("name") or "")
            waiting.extend(value for key, value in item.items() if key != "name")
        elif isinstance(item, list):
            waiting.extend(item)
    return seen - COMMON - ENGLISH - {""}


def told(engine: GraphQLEngine, text: str, variables: dict[str, Any]) -> set[str]:
    """Return the names of the schema that an operation's errors tell, those that it has itself left out."""
    response = engine.execute(text, variables)
    assert response.errors
    written = set(NAME.findall(text + repr(variables)))
    return {word for error in response.errors for word in NAME.findall(error.message)} & names() - written


def test_suggestions_end_messages_as_graphql_core_writes_them() -> None:
    """This is what is relied on where suggestions are removed."""
    for suggestions in (["x"], ["x", "y", "z"]):
        assert did_you_mean(suggestions, "the field").startswith(_BEFORE_SUGGESTION)
        assert did_you_mean(suggestions).endswith(_AFTER_SUGGESTION)
    error = OPEN.execute("{ books { titel } }").errors[0]

    assert error.message.endswith(did_you_mean(["title"]))
    assert _SUGGESTION.sub("", error.message) == "Cannot query field 'titel' on type 'Book'."


@pytest.mark.parametrize("mistake", MISTAKES)
def test_errors_tell_no_name_that_the_client_has_not_written(mistake: str) -> None:
    text, variables = MISTAKES[mistake]

    assert told(SHUT, text, variables) == set()


def made_up() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield operations of other tests, each with a mistake in one place."""
    for asked in SHOP.values():
        lexer = Lexer(Source(asked.query))
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            if token.kind is TokenKind.NAME:
                wrong = [token.value[:-1] or "x", token.value + "x", "5", '"x"', "null", "{x: 1}", "[]"]
            elif token.kind in (TokenKind.STRING, TokenKind.INT, TokenKind.FLOAT):
                wrong = ["zz", "{}", "null", "[1]"]
            else:
                wrong = ["", "zz"]
            for text in wrong:
                yield asked.query[: token.start] + text + asked.query[token.end :], asked.variables[0]


def test_mistakes_that_are_made_up_tell_no_name() -> None:
    engine = engine_of("disabled", default_registry)
    # fields and an argument of the bookshop, which are words of messages, too
    secret = names_of(engine.schema.graphql) - ENGLISH - {"operation", "key"}
    found = 0
    for text, variables in list(made_up())[::MADE_UP_STEP]:
        errors = engine.execute(text, variables).errors
        written = set(NAME.findall(text + repr(variables)))
        for error in errors:
            if error.extensions["code"] == "GRAPHQL_PARSE_FAILED":
                # which no schema is asked for
                continue
            found += 1
            assert set(NAME.findall(error.message)) & secret <= written, error.message
    assert found > 200


@pytest.mark.parametrize("mistake", MISTAKES)
def test_errors_tell_names_to_those_who_may_introspect(mistake: str) -> None:
    text, variables = MISTAKES[mistake]

    assert bool(told(OPEN, text, variables)) is (mistake not in SILENT)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_only_messages_differ(mistake: str) -> None:
    text, variables = MISTAKES[mistake]

    def without_messages(engine: GraphQLEngine) -> tuple[int, Any]:
        response = engine.execute(text, variables)
        return response.status, [{**error, "message": ""} for error in response.json()["errors"]]

    assert without_messages(SHUT) == without_messages(OPEN)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("unknown field", "Cannot query field 'titel' on type '…'."),
        ("unknown root field", "Cannot query field 'bookz' on type 'Query'."),
        ("unknown type of a fragment", "Unknown type 'Boo'."),
        ("unknown argument", "Unknown argument 'limitt' on field 'Query.books'."),
        ("unknown enum value", "Value 'DSC' does not exist in '…' enum."),
        ("unknown directive", "Unknown directive '@skipp'."),
        ("no selection", "Field 'books' of type '[…!]!' must have a selection of subfields."),
        ("text that is no number", "… cannot represent 'much'; write it like \"12.50\"."),
        ("null for a condition", "where.title is null, which is no condition; leave it out."),
        ("null for an operand", "where.title.gt is null; it takes one value."),
        ("null for a direction", "orderBy[0].title is null."),
        ("null for an input field with a default", "….weight may be left out, but not null"),
        ("refused type", "Sign in to use this."),
        ("refused type in a condition", "Sign in to use this."),
    ],
)
def test_what_is_left_of_messages_says_what_is_wrong(mistake: str, message: str) -> None:
    (error,) = SHUT.execute(*MISTAKES[mistake]).errors

    assert error.message == message


@pytest.mark.parametrize(
    "value",
    ["it's", '"', "'", "[", "Did you mean", " Did you mean '?", "'" * 99, " Did you mean " * 99, "\\'", "…"],
)
def test_names_are_hidden_whatever_the_client_writes_around_them(value: str) -> None:
    text = "query ($x: [BookOrderBy!]) { books(orderBy: $x) { id } }"
    # no document may hold the names that are looked for
    assert told(SHUT, text, {"x": {"title": value}}) == set()
    assert told(SHUT, text, {"x": {value: "x"}}) == set()
    literal = value.replace("\\", "\\\\").replace('"', '\\"')
    assert told(SHUT, f'{{ books(orderBy: {{title: "{literal}"}}) {{ id }} }}', {}) == set()


def test_messages_that_are_long_take_no_long_time_to_be_made_discreet() -> None:
    values = ", ".join(['" Did you mean a "'] * 2_000)
    text = f"{{ books(where: {{price: {{gt: [{values}]}}}}) {{ titel }} }}"
    engine = engine_of("disabled")

    with calls():
        response = engine.execute(text)

    assert response.errors


def test_names_of_directives_are_names_of_the_schema() -> None:
    schema = GraphQLSchema(directives=[GraphQLDirective("own", [], {"argument": GraphQLArgument(GraphQLString)})])

    assert names_of(schema) == {"own", "argument"}


@pytest.mark.parametrize("how", ["user", "graphql", "permission"])
def test_what_the_project_itself_says_is_left_alone(how: str) -> None:
    (error,) = SHUT.execute(f'mutation {{ reveal(how: "{how}") }}').errors

    assert error.message == "Did you mean 'Parcel'?"


def test_a_limit_is_told_as_it_is() -> None:
    settings = replace(get_settings(), introspection="disabled", limits=replace(get_settings().limits, max_rows=5))
    engine = GraphQLEngine(settings=settings, registry=REGISTRY, cache=None)

    (error,) = engine.execute("{ books(limit: 6) { id } }").errors
    assert error.message == "The operation has 6 rows asked for in a list; the limit is 5."


def test_ways_to_one_object_are_not_listed_for_those_who_may_not_introspect() -> None:
    text = 'mutation { createBook(input: {title: "x", publisher: {}}) { ... on MutationError { errors { message } } } }'

    def message(engine: GraphQLEngine) -> str:
        return str(engine.execute(text).json()["data"]["createBook"]["errors"][0]["message"])

    assert message(OPEN) == "Give exactly one of: connect, create."
    assert message(SHUT) == "Give exactly one field."
