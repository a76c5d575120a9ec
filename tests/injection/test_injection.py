"""Published payloads, wherever a client may write something: nothing is executed, shown or lost."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test import Client
from graphql import GraphQLInputObjectType, GraphQLString
from pytest_django import DjangoDbBlocker

from example_project.bookshop.models import Book
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import Aggregate, Groups
from fraiseql_django.schema.definition import Relation
from fraiseql_django.schema.operators import BUILT_IN, Operator
from tests.injection import site
from tests.injection.expected import check_body
from tests.injection.leaks import leaks
from tests.injection.malformed import BOUNDARY, FORM
from tests.injection.payloads import PAYLOADS, is_text, storable

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.injection.site")]

CANARY = """
CREATE TABLE injection_canary (word text);
INSERT INTO injection_canary VALUES ('sings');
"""
# found before PostgreSQL's own: it counts instead, and no rollback takes back what a sequence has counted
PG_SLEEP = """
CREATE SCHEMA injection_trap;
CREATE SEQUENCE injection_trap.sleeps;
CREATE FUNCTION injection_trap.pg_sleep(double precision) RETURNS text LANGUAGE sql AS
$$ SELECT nextval('injection_trap.sleeps')::text $$;
SET LOCAL search_path = injection_trap, pg_catalog, public;
"""
TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
)
OTHERS = "SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


def contents() -> dict[str, Any]:
    """Return a digest of each table, and what functions there are."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        found: dict[str, Any] = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            found[table] = cursor.fetchone()
        cursor.execute(OTHERS)
        return found | {name: None for (name,) in cursor.fetchall()}


def has_slept() -> bool:
    """Whether ``pg_sleep`` has been called."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_called FROM injection_trap.sleeps")
        return bool(cursor.fetchone()[0])


@pytest.fixture(scope="module")
def attacked(populated: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Add functions that mutations call, and a table that payloads would drop, to the module's transaction."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(site.FUNCTIONS + CANARY + PG_SLEEP)


@pytest.fixture
def untouched(attacked: None) -> Iterator[None]:
    """Hold a test to changing nothing."""
    before = contents()
    yield
    assert contents() == before
    assert before["injection_canary"][0] == 1
    assert not has_slept()


@pytest.mark.usefixtures("attacked")
def test_a_call_of_pg_sleep_would_be_seen() -> None:
    assert not has_slept()

    for payload in ("SELECT pg_sleep(20)", "DO $$ BEGIN PERFORM pg_sleep(20); END $$"):
        with connection.cursor() as cursor, transaction.atomic():
            cursor.execute(payload)
            transaction.set_rollback(True)
        assert has_slept()
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('injection_trap.sleeps', 1, false)")


def asked(url: str, query: str, variables: dict[str, Any] | None = None) -> Any:
    """Execute an operation, hold the answer to the documentation, and return it."""
    # what PostgreSQL refuses would spoil the transaction around the test
    with transaction.atomic():
        body = json.loads(site.ENGINES[url].execute(query, variables).body)
    sent = query + json.dumps(variables, ensure_ascii=False)
    check_body(body, sent)
    found = leaks(json.dumps(body, ensure_ascii=False), sent)
    assert not found, (found, query[:200], repr(variables)[:200])
    return body


def codes(body: Any) -> set[str]:
    return {error["extensions"]["code"] for error in body.get("errors", ())}


def test_corpus_is_large_and_says_where_it_is_from() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200
    assert not all(map(is_text, PAYLOADS))


# --- in documents ---

# where <> stands, each payload is put as it is: out of strings, or out of what surrounds it
PLACES = [
    "<>",
    "query <> { books(limit: 1) { id } }",
    "{ <>: books(limit: 1) { id } }",
    "{ <> }",
    "{ books(limit: 1) { <> } }",
    "{ books(<>: 1) { id } }",
    "{ books(limit: <>) { id } }",
    "{ books(offset: <>, limit: 1) { id } }",
    "{ book(id: <>) { id } }",
    "{ books(where: {<>: {eq: 1}}, limit: 1) { id } }",
    "{ books(where: {title: {<>: 1}}, limit: 1) { id } }",
    "{ books(where: {format: {eq: <>}}, limit: 1) { id } }",
    '{ books(where: {format: {eq: "<>"}}, limit: 1) { id } }',
    "{ books(orderBy: {<>: ASC}, limit: 1) { id } }",
    "{ books(orderBy: {title: <>}, limit: 1) { id } }",
    "query ($v: <>) { books(limit: 1) { id } }",
    "query ($<>: Int) { books(limit: 1) { id } }",
    "query ($v: Int = <>) { books(limit: $v) { id } }",
    "{ books(limit: 1) { id @<>(if: true) } }",
    "{ books(limit: 1) { id @skip(<>: true) } }",
    "{ books(limit: 1) { id @skip(if: <>) } }",
    "{ ...<> } fragment F on Query { __typename }",
    "{ ... on <> { __typename } }",
    "{ __typename } fragment <> on Query { __typename }",
    '{ books(where: {title: {eq: "<>"}}, limit: 1) { id } }',
    '{ books(where: {title: {eq: """<>"""}}, limit: 1) { id } }',
    '{ books(where: {attributes: {eq: {<>: "<>"}}}, limit: 1) { id } }',
    'mutation { <>(id: "1") { __typename } }',
    'mutation { renameBook(id: 0, title: "x") { <> } }',
]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("place", PLACES)
def test_in_the_document(place: str) -> None:
    for payload in PAYLOADS:
        asked("/graphql/", place.replace("<>", payload))


@pytest.mark.usefixtures("untouched")
def test_in_literals() -> None:
    """A string that is written as GraphQL has it is a value, whatever it holds."""
    texts = [payload for payload in storable() if len(payload) < 400]
    for start in range(0, len(texts), 100):
        given = [json.dumps(text) for text in texts[start : start + 100]]
        for operator in ("eq", "neq", "contains", "istartswith", "endswith", "gt"):
            alternatives = ", ".join(f"{{title: {{{operator}: {text}}}}}" for text in given)
            body = asked("/graphql/", f"{{ books(where: {{OR: [{alternatives}]}}, limit: 1) {{ id }} }}")
            assert "errors" not in body


# --- in variables ---


def operands(url: str, type_name: str) -> Iterator[tuple[str, str, Any]]:
    """Yield field, operator and the operand's type for every condition on a type's own fields."""
    schema = site.ENGINES[url].schema
    where = schema.graphql.type_map[f"{type_name}Where"]
    assert isinstance(where, GraphQLInputObjectType)
    for name, field in schema.types[type_name].fields.items():
        # some fields are only shown, or computed with arguments
        shown = isinstance(field, (Relation, Count, Aggregate, Groups)) or name not in where.fields
        operators = None if shown else where.fields[name].type
        if isinstance(operators, GraphQLInputObjectType):
            for operator in dict.fromkeys(entry.name for entry in BUILT_IN if isinstance(entry, Operator)):
                if operator in operators.fields:
                    yield name, operator, operators.fields[operator].type


TYPES = [("/zoo/", "Specimen"), ("/zoo/", "Keeper"), ("/graphql/", "Book"), ("/graphql/", "BookCard")]
# of a column, and of a member of JSON: on these every operator is given every payload, on others each a part
WHOLE = {"char", "title"}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("url", "type_name"), TYPES)
def test_texts_in_conditions(url: str, type_name: str) -> None:
    """Texts are compared with many payloads at once."""
    plural = site.ENGINES[url].schema.types[type_name].plural
    query = f"query ($where: {type_name}Where) {{ {plural}(where: $where, limit: 1) {{ __typename }} }}"
    texts = [text for text in storable() if not text.endswith("\\")]
    for number, (name, operator, type_) in enumerate(operands(url, type_name)):
        if type_ is GraphQLString and "matches" not in operator and "path" not in operator:
            given = texts if name in WHOLE else texts[number % 20 :: 20]
            body = asked(url, query, {"where": {"OR": [{name: {operator: text}} for text in given]}})
            assert codes(body) <= {"BAD_USER_INPUT"}, (name, operator, body)


@pytest.mark.usefixtures("untouched")
def test_values_of_every_scalar_in_conditions() -> None:
    """Each payload for itself, as each type of operand once: alone, in lists, in objects."""
    seen = set()
    for url, type_name in TYPES:
        plural = site.ENGINES[url].schema.types[type_name].plural
        for name, operator, type_ in operands(url, type_name):
            # a regular expression is what PostgreSQL reads, not the schema
            matches = operator in ("matches", "imatches", "pathExists", "pathMatch", "search")
            kind = operator if matches else str(type_).rstrip("!").strip("[!]")
            if kind in seen:
                continue
            seen.add(kind)
            query = (
                f"query ($v: {type_}) {{ {plural}(where: {{{name}: {{{operator}: $v}}}}, limit: 1) {{ __typename }} }}"
            )
            for number, payload in enumerate(PAYLOADS):
                ways = [payload, [payload], {payload: payload}, {"lower": payload}]
                given = {"query": payload, "config": payload} if operator == "search" else payload
                body = asked(url, query, {"v": given if matches else ways[number % 4]})
                # a regular expression may take the time that it is given
                assert codes(body) <= ({"BAD_USER_INPUT", "TIMEOUT"} if matches else {"BAD_USER_INPUT"}), (
                    kind,
                    payload,
                )
    assert seen >= {
        "String",
        "ID",
        "Int",
        "BigInt",
        "Float",
        "Decimal",
        "Boolean",
        "Date",
        "DateTime",
        "Time",
        "matches",
    }
    assert seen >= {"Duration", "UUID", "JSON", "IPAddress", "Base64", "SpecimenOdd", "imatches"}


VARIABLES = [
    ("query ($v: ID!) { book(id: $v) { id } }", lambda p: {"v": p}),
    ("query ($v: Int) { books(limit: $v) { id } }", lambda p: {"v": p}),
    ("query ($v: Int) { books(limit: 1, offset: $v) { id } }", lambda p: {"v": p}),
    ("query ($v: [BookOrderBy!]) { books(limit: 1, orderBy: $v) { id } }", lambda p: {"v": [{"title": p}]}),
    ("query ($v: [BookOrderBy!]) { books(limit: 1, orderBy: $v) { id } }", lambda p: {"v": [{p: "ASC"}]}),
    ("query ($v: [BookOrderBy!]) { books(limit: 1, orderBy: $v) { id } }", lambda p: {"v": [{"publisher": {p: p}}]}),
    ("query ($v: OrderDirection!) { books(limit: 1, orderBy: {title: $v}) { id } }", lambda p: {"v": p}),
    ("query ($v: BookWhere) { books(limit: 1, where: $v) { id } }", lambda p: {"v": {p: {"eq": p}}}),
    ("query ($v: BookWhere) { books(limit: 1, where: $v) { id } }", lambda p: {"v": {"title": {p: p}}}),
    ("query ($v: BookWhere) { books(limit: 1, where: $v) { id } }", lambda p: {"v": {"AND": [{p: p}]}}),
    ("query ($v: BookWhere) { books(limit: 1, where: $v) { id } }", lambda p: {"v": {"authors": {p: {}}}}),
    ("query ($v: Boolean!) { books(limit: 1) { id title @skip(if: $v) } }", lambda p: {"v": p}),
    ("query ($v: String!) { __type(name: $v) { name } }", lambda p: {"v": p}),
    ("query ($v: Int) { books(limit: $v) { id } }", lambda p: {"v": 1, p: p}),
]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("query", "variables"), VARIABLES)
def test_in_variables(query: str, variables: Any) -> None:
    for payload in PAYLOADS:
        assert codes(asked("/graphql/", query, variables(payload))) <= {"BAD_USER_INPUT"}


@pytest.mark.usefixtures("untouched")
def test_letter_that_is_two_in_lower_case() -> None:
    """graphql-core does not survive its search for similar names."""
    query = "query ($w: BookWhere) { books(where: $w) { id } }"

    assert asked("/graphql/", query, {"w": {"t\u0130tle": {}}})["errors"] == [
        {
            "message": "A variable has an unknown field whose name contains the character U+0130.",
            "extensions": {"code": "BAD_USER_INPUT"},
        }
    ]


# --- by HTTP ---


def sent(payload: str, **request: Any) -> Any:
    """Send a request that holds a payload and hold the answer, its headers too, to the documentation."""
    given = {"method": "POST", "url": "/graphql/", "body": b"", "type": "application/json", "headers": {}, **request}
    client = Client()
    with transaction.atomic():
        response = client.generic(
            given["method"], given["url"], given["body"], content_type=given["type"], headers=given["headers"]
        )
    assert response.status_code < 500, (payload, response.content)
    assert "injected" not in str(response.headers).lower() or "injected" not in payload.lower()
    assert not {character for _, value in response.items() for character in value} & set("\r\n\0")
    if "Host" in given["headers"] and response["Content-Type"].startswith("text/html"):
        # Django has refused a host that it does not know
        assert response.status_code == 400
        return None
    body = json.loads(response.content)
    check_body(body, f"{payload} {given}")
    return body


def in_json(**members: Any) -> bytes:
    return json.dumps({"query": "{ __typename }", **members}).encode()


@pytest.mark.usefixtures("untouched")
def test_in_the_parameters_of_a_body() -> None:
    for payload in PAYLOADS:
        for body in (
            in_json(query=payload),
            in_json(operationName=payload),
            in_json(documentId=payload),
            in_json(variables=payload),
            in_json(extensions=payload),
            in_json(extensions={"persistedQuery": payload}),
            in_json(extensions={"persistedQuery": {"version": payload, "sha256Hash": payload}}),
            in_json(extensions={"persistedQuery": {"version": 1, "sha256Hash": payload}}),
            in_json(**{payload: payload}),
            json.dumps([{"query": payload}, {"query": "{ __typename }", "operationName": payload}]).encode(),
            payload.encode("utf-8", "surrogatepass"),
        ):
            sent(payload, body=body)


@pytest.mark.usefixtures("untouched")
def test_in_a_url() -> None:
    for payload in PAYLOADS:
        quoted = quote(payload.encode("utf-8", "surrogatepass"))
        for name in ("query", "variables", "operationName", "documentId", "extensions"):
            sent(payload, method="GET", url=f"/graphql/?{name}={quoted}")
        raw = payload.encode("utf-8", "replace").decode("latin-1")
        sent(payload, method="GET", url=f"/graphql/?query={{__typename}}&{quoted}={quoted}&{raw}")


HEADERS = ["Accept", "Origin", "X-CSRFToken", "X-Forwarded-For", "Host", "Cookie", "Authorization", "Accept-Language"]


@pytest.mark.usefixtures("untouched")
def test_in_headers() -> None:
    for payload in PAYLOADS:
        # a NUL in a header comes through no server (RFC 9110, section 5.5)
        value = payload.replace("\0", "").encode("utf-8", "replace").decode("latin-1")
        for name in HEADERS:
            sent(payload, body=in_json(), headers={name: value})
        sent(payload, body=in_json(), type=value)
        sent(payload, body=in_json(), type=f"application/json; charset={value}")
        sent(payload, body=b"--x--", type=f"multipart/form-data; boundary={value}")


def form(operations: Any, mapped: Any, *files: tuple[str, str, str]) -> bytes:
    """Write a form with files: their names in the form, their own, and their content types."""
    lines = []
    for name, value in (("operations", operations), ("map", mapped)):
        lines += [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n', json.dumps(value)]
    for name, file, type_ in files:
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="{file}"'
        lines += [f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {type_}\r\n", "content"]
    return "\r\n".join([*lines, f"--{BOUNDARY}--", ""]).encode("utf-8", "surrogatepass")


@pytest.mark.usefixtures("untouched")
def test_in_forms_with_files() -> None:
    letter = {"query": "mutation ($l: Letter!) { send(letter: $l) }", "variables": {"l": {"file": None}}}
    mapped = {"0": ["variables.l.file"]}
    for payload in PAYLOADS:
        for body in (
            form(letter, mapped, ("0", payload, "text/plain")),
            form(letter, mapped, ("0", "a.txt", payload)),
            form(letter, mapped, (payload, "a.txt", "text/plain")),
            form(letter, {"0": [payload]}, ("0", "a.txt", "text/plain")),
            form(letter, {"0": [f"variables.l.{payload}"]}, ("0", "a.txt", "text/plain")),
            form(letter, {payload: ["variables.l.file"]}, ("0", "a.txt", "text/plain")),
            form(letter, payload, ("0", "a.txt", "text/plain")),
        ):
            found = sent(payload, url="/inbox/", body=body, type=FORM, headers={"GraphQL-Require-Preflight": "1"})
            for file in ((found.get("data") or {}).get("send") or {}).get("files", ()):
                # Django makes names of files harmless
                assert "/" not in file["name"]
                assert "\\" not in file["name"]


# --- in mutations: what may be stored is stored as it is ---


def aliased(call: str, type_: str, values: list[Any]) -> tuple[str, dict[str, Any]]:
    """Write one mutation with a call for each value."""
    calls = " ".join(f"a{number}: {call.replace('$v', f'$v{number}')}" for number in range(len(values)))
    declared = ", ".join(f"$v{number}: {type_}" for number in range(len(values)))
    return f"mutation ({declared}) {{ {calls} }}", {f"v{number}": value for number, value in enumerate(values)}


def told(url: str, call: str, type_: str, values: list[Any]) -> list[Any]:
    """Return what calls with each of the values answer, twenty in a request."""
    found: list[Any] = []
    for start in range(0, len(values), 20):
        query, variables = aliased(call, type_, values[start : start + 20])
        with transaction.atomic():
            body = json.loads(site.ENGINES[url].execute(query, variables).body)
        assert "errors" not in body, body
        found += body["data"].values()
    return found


@pytest.mark.usefixtures("untouched")
def test_what_mutations_are_given_comes_back_as_it_was() -> None:
    texts = storable()
    letters = [{"text": text, "texts": [text, text], "extra": {text: [text]}} for text in texts]
    assert told("/inbox/", "send(letter: $v)", "Letter!", letters) == [{**letter, "files": []} for letter in letters]

    spoken = [{"text": text, "extra": {text: text}} for text in texts]
    call = "parrot(input: $v) { ... on ParrotSuccess { given } }"
    assert told("/inbox/", call, "ParrotInput!", spoken) == [{"given": given} for given in spoken]


STORED = [
    ("/graphql/", "renameBook(id: ID, title: $v) { title }", "String!", lambda text: text, "title"),
    (
        "/inbox/",
        "updateBook(id: ID, input: $v) { ... on UpdateBookSuccess { book { title } } }",
        "UpdateBookInput!",
        lambda text: {"title": text, "tags": [text[:30]]},
        "book",
    ),
    (
        "/inbox/",
        "retitle(input: $v) { ... on RetitleSuccess { title } }",
        "RetitleInput!",
        lambda text: {"id": "ID", "title": text},
        "title",
    ),
]


@pytest.mark.usefixtures("attacked")
@pytest.mark.parametrize(("url", "call", "type_", "given", "key"), STORED)
def test_what_is_stored_is_what_was_sent(url: str, call: str, type_: str, given: Any, key: str) -> None:
    book = Book.objects.order_by("pk")[0]
    before = contents()
    read = f'query ($w: BookWhere) {{ book(id: "{book.pk}") {{ title }} books(where: $w) {{ id }} }}'
    texts = [text for text in storable(length=200) if text]
    for text in texts:
        value = json.loads(json.dumps(given(text)).replace('"ID"', f'"{book.pk}"'))
        (answer,) = told(url, call.replace("ID", str(book.pk)), type_, [value])

        assert answer[key] in (text, {"title": text})
        assert Book.objects.get(pk=book.pk).title == text
        # compared as it was stored, too
        body = asked("/graphql/", read, {"w": {"AND": [{"title": {"eq": text}}, {"title": {"contains": text}}]}})
        assert body["data"] == {"book": {"title": text}, "books": [{"id": str(book.pk)}]}
    after = contents()
    assert {name for name in before if before[name] != after.get(name)} <= {"bookshop_book"}
    assert set(after) == set(before)
    assert after["bookshop_book"][0] == before["bookshop_book"][0]


REFUSED = [
    ("/graphql/", "mutation ($v: ID!) { renameBook(id: $v, title: null) { title } }"),
    ("/graphql/", "mutation ($v: ID!) { deleteBook(id: $v) { __typename } }"),
    ("/graphql/", "mutation ($v: ID!) { moderateReview(id: $v, status: APPROVED) { __typename } }"),
    ("/graphql/", "mutation ($v: ReviewStatus!) { moderateReview(id: 0, status: $v) { __typename } }"),
    ("/graphql/", "mutation ($v: ID!) { placeOrder(input: {customerId: $v, lines: []}) { __typename } }"),
    ("/graphql/", "mutation ($v: UpdateBookInput!) { updateBook(id: 1, input: $v) { __typename } }"),
    ("/graphql/", "mutation ($v: Decimal) { updateBook(id: 1, input: {price: $v}) { __typename } }"),
    ("/graphql/", "mutation ($v: [ID!]) { updateBook(id: 1, input: {authors: $v}) { __typename } }"),
    ("/library/", "mutation ($v: [ID!]!) { deleteWriters(ids: $v) { __typename } }"),
    ("/inbox/", "mutation ($v: Letter!) { send(letter: $v) }"),
]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("url", "query"), REFUSED)
def test_payloads_where_mutations_take_something_else(url: str, query: str) -> None:
    # what is a number may name a row
    harmful = [payload for payload in PAYLOADS if not payload.strip().isdecimal()]
    for number, payload in enumerate(harmful):
        asked(url, query, {"v": [payload, {payload: payload}, [payload]][number % 3]})


# graphql-core 3.3 takes empty selections
QUERIES = {"{}", "{__schema{types{name}}}"}


@pytest.mark.usefixtures("untouched")
def test_text_is_kept_under_its_hash_alone() -> None:
    for payload in filter(is_text, PAYLOADS):
        digest = hashlib.sha256(payload.encode()).hexdigest()
        named = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
        sent(payload, body=in_json(query=payload, extensions=named))
        body = sent(payload, body=json.dumps({"extensions": named}).encode())
        # what is no query was not kept
        assert codes(body) == {"PERSISTED_QUERY_NOT_FOUND"} or payload in QUERIES
