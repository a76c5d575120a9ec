"""How large an operation may be: each limit kept exactly, passed by one, and cheap to refuse."""

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Q
from graphql import get_introspection_query

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Publisher
from fraiseql_django import GraphQLEngine, Registry, get_engine
from fraiseql_django.conf.settings import LimitSettings, get_settings
from tests.support import calls, limited, put, refused

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return GraphQLEngine(cache=None)


FIELDS_OF_F = "fragment F on Book { a: id b: title }"
MERGED = "{ books { publisher { name } ...F } books { ...F publisher { a: name name } } }"
CONDITIONS = '{ books(where: {OR: [{title: {eq: "a"}}, {title: {eq: "b"}}]}, orderBy: [{title: ASC}, {id: ASC}]) {id} }'
WHAT = {
    "depth": "levels of fields",
    "aliases": "aliases",
    "fields": "fields",
    "root_fields": "root fields",
    "repeats": "mentions of one field in one place",
    "breadth": "fields in one selection set",
    "conditions": "conditions",
    "introspection": "points of introspection",
    "alias_length": "characters in one alias",
}
EXACT = [
    ("depth", 5, "{ books { authors { books { authors { id } } } } }"),
    ("depth", 3, "{ books { ...F } } fragment F on Book { publisher { id } }"),
    ("depth", 2, "{ books { ... { ... on Book { id } } } }"),
    ("aliases", 3, "{ a: books { b: id c: title id } }"),
    ("aliases", 4, "{ books { ...F publisher { books { ...F } } } } " + FIELDS_OF_F),
    ("fields", 6, "{ books { id title publisher { ... on Publisher @skip(if: true) { __typename } name } } }"),
    ("fields", 7, "{ books { ...F publisher { books { ...F } } } } " + FIELDS_OF_F),
    ("root_fields", 3, "{ books { id } authors { id } again: books { id } }"),
    ("root_fields", 2, "{ ...F } fragment F on Query { books { id } ... { authors { id } } }"),
    ("repeats", 3, "{ books { id id ... { id } title } }"),
    ("repeats", 4, MERGED + " fragment F on Book { publisher { name name } }"),
    ("breadth", 3, "{ books { id title isbn } authors { id } }"),
    ("breadth", 4, "{ books { id ...F ... { publisher { name } ...F } } } fragment F on Book { title }"),
    ("breadth", 4, "{ books { authors { ...F ...F } } } fragment F on Author { id ... on Author { name } }"),
    ("conditions", 5, CONDITIONS),
    ("alias_length", 7, "{ a: books { ...F } } fragment F on Book { b: id ... { seven77: title } publisher { name } }"),
    ("alias_length", 5, "{ __schema { types { inputFields { alias: name } } } }"),
    ("introspection", 2 + 100 * (1 + (1 + 10)), "{ books { id } __schema { types { name fields { name } } } }"),
    (
        "introspection",
        2 + 10 * (1 + 5),
        '{ __type(name: "Book") { ...F } } fragment F on __Type { fields { args { name } } }',
    ),
    (
        "introspection",
        2 * (2 + 20),
        '{ a: __type(name: "B") { inputFields { name } } b: __type(name: "C") { inputFields { name } } }',
    ),
]


@pytest.mark.parametrize(("name", "value", "query"), EXACT)
def test_limit_is_kept_exactly_and_passed_by_one(name: str, value: int, query: str) -> None:
    accepted = limited(**{name: value}).execute(query)
    assert "errors" not in accepted.json()

    error = refused(limited(**{name: value - 1}), query)

    assert error["message"] == f"The operation has {value} {WHAT[name]}; the limit is {value - 1}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": value - 1,
        "value": value,
        "setting": f"LIMITS.{name.upper()}",
    }


def test_tokens() -> None:
    query = "{ books { id } }"
    assert "errors" not in limited(tokens=6).execute(query).json()

    error = refused(limited(tokens=5), query)

    assert error["message"] == "The operation has more than 5 tokens; the limit is 5."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": 5,
        "value": "more than 5",
        "setting": "LIMITS.TOKENS",
    }


def test_document_is_measured_in_bytes() -> None:
    query = '{ books(where: {title: {eq: "Müller €"}}) { id } }'
    size = len(query.encode())
    assert "errors" not in limited(document_bytes=size).execute(query).json()

    error = refused(limited(document_bytes=size - 1), query)

    assert error["message"] == f"The operation has {size} bytes of text; the limit is {size - 1}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": size - 1,
        "value": size,
        "setting": "LIMITS.DOCUMENT_BYTES",
    }


def test_document_of_too_many_bytes_is_not_parsed_and_not_kept() -> None:
    engine = limited(document_bytes=10)

    # half a surrogate pair has no UTF-8
    for text in ("{ books {" + "(" * 10, "\ud800" * 4):
        assert refused(engine, text)["extensions"]["setting"] == "LIMITS.DOCUMENT_BYTES"

    assert engine.statistics().documents.size == 0


@pytest.mark.parametrize("query", ["{ books { id } }" * 3, "{ books { id } } ]", "# one\n# two\n" * 9 + "{ books }"])
def test_document_of_too_many_tokens_is_refused_before_what_follows_is_read(query: str) -> None:
    error = refused(limited(tokens=6), query)

    assert error["message"] == "The operation has more than 6 tokens; the limit is 6."


@pytest.mark.parametrize("tokens", [5, 6, 50])
@pytest.mark.parametrize(
    "query",
    [
        "{ books ] id } } }",
        "{ books { ? } }",
        '{ contains(more: "tokens',
        '{ } "Document contains more than 6 tokens"',
    ],
)
def test_mistake_within_the_limit_of_tokens_is_a_syntax_error(query: str, tokens: int) -> None:
    error = refused(limited(tokens=tokens), query)

    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


@pytest.mark.parametrize(
    "variables",
    [
        {"w": {"OR": [{"title": {"eq": "x"}}] * 10_000}},
        {"w": {"OR": [{}] * 10_000, "AND": [{"NOT": {"isbn": {"eq": str(number)}}} for number in range(400)]}},
        {"o": [{"title": "ASC"}] * 10_000},
    ],
)
def test_conditions_in_variables(engine: GraphQLEngine, variables: dict[str, Any]) -> None:
    query = "query($w: BookWhere, $o: [BookOrderBy!]) { books(where: $w, orderBy: $o) { id } }"

    with calls():
        error = refused(engine, query, variables)

    assert error["message"] == "The operation has 501 conditions; the limit is 500."
    assert error["locations"]


# --- what planning takes ---

DEEP = "query($w: BookWhere, $o: [BookOrderBy!]) { books(where: $w, orderBy: $o) { id } }"
STEPS: list[tuple[int, str, dict[str, Any]]] = [
    (0, DEEP, {"w": {"title": {"eq": "x"}}, "o": [{"title": "ASC"}]}),
    (1, DEEP, {"w": {"publisher": {"name": {"eq": "x"}}}}),
    (1, DEEP, {"w": {"reviews": {"some": {"stars": {"eq": 1}}, "none": {"stars": {"eq": 2}}}}}),
    (1, DEEP, {"o": [{"title": "ASC"}, {"publisher": {"name": "ASC"}}]}),
    (2, DEEP, {"o": [{"category": {"parent": {"name": "ASC"}}}]}),
    (4, DEEP, {"w": {"AND": [{"OR": [{"NOT": {"publisher": {}}}, {}]}]}}),
    (3, "{ books(where: {NOT: {OR: [{category: {name: {eq: null}}}]}}) { id } }", {}),
    (3, "query($w: PublisherWhere = {NOT: {AND: [{}]}}) { books(where: {publisher: $w}) { id } }", {}),
    (2, "{ authors { books(where: {NOT: {NOT: {}}}) { id } } }", {}),
]


@pytest.mark.parametrize(("steps", "query", "variables"), STEPS)
def test_steps_of_a_condition_are_counted_wherever_it_comes_from(
    steps: int, query: str, variables: dict[str, Any]
) -> None:
    accepted = limited(condition_depth=steps).execute(query, variables).json()
    assert "LIMIT_EXCEEDED" not in str(accepted)
    if steps == 0:
        return

    error = refused(limited(condition_depth=steps - 1), query, variables)

    limit = steps - 1
    assert error["message"] == f"The operation has more than {limit} steps in one condition; the limit is {limit}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": limit,
        "value": f"more than {limit}",
        "setting": "LIMITS.CONDITION_DEPTH",
    }
    assert error["locations"]


# each thing weighs by its level + 2, which is 2 at the top: a relation 20 times, a condition 2 times
WEIGHTS: list[tuple[int, str, dict[str, Any]]] = [
    (2 * 20 + 3, "{ books { id } }", {}),
    (2 * 20 + 3 * 20 + 4 + 3, "{ books { publisher { name } title __typename } }", {}),
    (2 * (2 * 20 + 3), "{ ...F } fragment F on Query { a: books { id } b: books { id } }", {}),
    # a condition on a value; each object of conditions counts as a field, since it is walked through
    (2 * 20 + 3 + 3 + 2 * 3 * 2, DEEP, {"w": {"title": {"eq": "x", "neq": "y"}}}),
    (2 * 20 + 3 + 3 + 50 * 3, DEEP, {"w": {"OR": [{}] * 50}}),
    (2 * 20 + 3 + 3 + 3 * 20 + 4 + 4 * 2, DEEP, {"w": {"reviews": {"some": {"stars": {"eq": 1}}}}}),
    (2 * 20 + 3 + 3 + 3 * 20, DEEP, {"w": {"reviewCount": {"eq": 1}}}),
    (2 * 20 + 3 + 3 * 2 + 3 * 20 + 4 * 2, DEEP, {"o": [{"title": "ASC"}, {"publisher": {"name": "ASC"}}]}),
]


@pytest.mark.parametrize(("points", "query", "variables"), WEIGHTS)
def test_planning_is_weighed_and_held_to_the_limit(points: int, query: str, variables: dict[str, Any]) -> None:
    assert "errors" not in limited(planning=points).execute(query, variables).json()

    error = refused(limited(planning=points - 1), query, variables)

    assert (
        error["message"] == f"The operation has more than {points - 1} points of planning; the limit is {points - 1}."
    )
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": points - 1,
        "value": f"more than {points - 1}",
        "setting": "LIMITS.PLANNING",
    }


RULED = Registry()


@fraiseql.type(Publisher, fields=["id", "name"], rows=lambda viewer: Q(name="x"), registry=RULED)
class PublisherType:
    pass


@fraiseql.type(Book, fields=["id", "title", "publisher"], registry=RULED)
class BookType:
    pass


@pytest.mark.parametrize(("operator", "points"), [("eq", 43 + 3 + 60 + 4 + 8), ("matches", 43 + 3 + 2 * 60 + 4 + 8)])
def test_relation_weighs_twice_where_its_rule_is_written_twice(operator: str, points: int) -> None:
    query = put('{ books(where: {publisher: {name: {@: "x"}}}) { id } }', operator)

    def engine(planning: int) -> GraphQLEngine:
        return GraphQLEngine(settings=limited(planning=planning).settings, registry=RULED, cache=None)

    assert "errors" not in engine(points).execute(query).json()
    assert refused(engine(points - 1), query)["extensions"]["setting"] == "LIMITS.PLANNING"


def test_refused_operation_is_refused_whatever_comes_after_it() -> None:
    engine = limited(planning=100)

    assert refused(engine, DEEP, {"w": {"OR": [{}] * 50}})["extensions"]["setting"] == "LIMITS.PLANNING"
    assert "errors" not in engine.execute(DEEP, {"w": {"OR": [{}]}}).json()
    assert refused(engine, DEEP, {"w": {"OR": [{}] * 50}})["extensions"]["setting"] == "LIMITS.PLANNING"


def test_large_ordinary_operation_takes_a_fifth_of_what_planning_may_take() -> None:
    """Some 200 fields in 5 levels, with 30 conditions and sort keys."""
    where = (
        "where: {OR: [{title: {icontains: $t}}, {publisher: {name: {eq: $t}}}, {reviews: {some: {stars: {gte: 3}}}}]}"
    )
    book = "id title isbn format condition price taxRate priceWithTax published inPrint pages weight attributes tags"
    reviews = "reviews(where: {stars: {gte: 3}}, limit: 5) { id stars headline text customer { id name uuid } }"
    more = f"publisher {{ id name country founded }} category {{ id name slug }} {reviews}"
    books = f"books({where}, orderBy: [{{price: DESC}}]) {{ {book} {more} authors {{ id name bio }} }}"
    query = put("query($t: String!) { @ authors { name @ } publishers { name @ } categories { @ } }", *[books] * 4)
    settings = get_settings()
    engine = GraphQLEngine(
        settings=replace(settings, limits=replace(settings.limits, planning=(settings.limits.planning or 0) // 5)),
        cache=None,
    )

    assert "errors" not in engine.execute(query, {"t": "x"}).json()


def test_long_list_of_values_is_one_condition(engine: GraphQLEngine) -> None:
    query = "query($t: [String!]) { books(where: {title: {in: $t}}) { id } }"

    assert engine.execute(query, {"t": [str(number) for number in range(50_000)]}).json() == {"data": {"books": []}}


# --- variables ---

SIZES: list[tuple[Any, int]] = [
    ({}, 0),
    ({"a": 1}, 7),
    ({"a": "€"}, 11),
    ({"a": "\ud800"}, 11),
    ({"a": [1.5, True, None, {"b": "x"}]}, 31),
    ({"a": (1, 2)}, 11),
    (MappingProxyType({"a": MappingProxyType({"b": 1})}), 13),
    ({"a": Decimal("1.50")}, 12),
    ({"file": SimpleUploadedFile("a.txt", b"x" * 1000)}, 13),
]


@pytest.mark.parametrize(("variables", "size"), SIZES)
def test_variables_are_measured_as_compact_json(variables: Any, size: int) -> None:
    limited(variables_bytes=max(size, 1)).execute("{ books { id } }", variables)
    if size == 0:
        return

    error = refused(limited(variables_bytes=size - 1), "{ books { id } }", variables)

    assert error["message"] == f"The operation has {size} bytes of variables; the limit is {size - 1}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": size - 1,
        "value": size,
        "setting": "LIMITS.VARIABLES_BYTES",
    }


def test_variables_are_measured_alike_however_they_come(client: Any, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"VARIABLES_BYTES": 9}}
    query = "query($n: Int) { books(limit: $n) { id } }"

    for body in ('"variables": {"n":10}', '"variables": {  "n" :   10  }', '"variables": {"n":\t\n1000}'):
        response = client.post("/graphql/", f'{{"query": "{query}", {body}}}', content_type="application/json")
        refusal = "errors" in response.json()
        assert refusal == ("1000" in body)

    assert get_engine().execute(query, {"n": 1000}).json()["errors"][0]["extensions"]["value"] == 10


def test_variables_that_nothing_declares_are_measured() -> None:
    error = refused(limited(variables_bytes=100), "{ books { id } }", {"other": "x" * 100})

    assert error["extensions"]["setting"] == "LIMITS.VARIABLES_BYTES"


@pytest.mark.parametrize("value", [{(1, 2): 3}, 10**5000], ids=["key", "number"])
def test_variables_that_json_cannot_hold_are_refused(engine: GraphQLEngine, value: Any) -> None:
    error = refused(engine, "query($v: Int) { books(limit: $v) { id } }", {"v": value})

    assert error["message"] == "The variables contain a key that is not a string, or a number that is too long."
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


def test_variables_that_go_round_in_circles_are_refused(engine: GraphQLEngine) -> None:
    circle: dict[str, Any] = {}
    circle["NOT"] = circle

    error = refused(engine, "query($w: BookWhere) { books(where: $w) { id } }", {"w": circle})

    assert error["message"] == "The operation has more than 10 steps in one condition; the limit is 10."
    assert error["extensions"]["setting"] == "LIMITS.CONDITION_DEPTH"
    without = refused(limited(variables_bytes=100), "query($w: BookWhere) { books(where: $w) { id } }", {"w": circle})
    assert without["message"] == "The variables are nested too deeply."


# --- operations and mutations ---


def test_limits_hold_for_each_operation_of_a_document(engine: GraphQLEngine) -> None:
    query = put("query Small { books { id } } query Large { @ }", " ".join(f"a{n}: books {{ id }}" for n in range(21)))

    assert engine.execute(query, operation_name="Small").json()["errors"][0]["extensions"]["limit"] == 20


def test_limits_hold_for_mutations(engine: GraphQLEngine) -> None:
    query = put("mutation { @ }", " ".join(f'a{n}: renameBook(id: 1, title: "") {{ id }}' for n in range(21)))

    assert refused(engine, query)["extensions"]["setting"] == "LIMITS.ROOT_FIELDS"


def test_limits_can_be_lifted() -> None:
    engine = limited()
    query = put("{ @ }", " ".join(f"a{n}: books {{ id }}" for n in range(200)))

    assert len(engine.execute(query).json()["data"]) == 200


# --- introspection ---


def test_introspection_is_not_measured_by_depth() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), limits=LimitSettings(depth=2)), cache=None)
    query = get_introspection_query(descriptions=True, specified_by_url=True, directive_is_repeatable=True)

    assert "errors" not in engine.execute(query).json()


@pytest.mark.parametrize(
    ("selection", "setting"),
    [
        (put("types { @ }", " ".join(f"a{number}: name" for number in range(51))), "ALIASES"),
        (put("types { @ }", "name " * 101), "REPEATS"),
        (put("types { @ }", put("fields { @ } ", "name " * 60) * 20), "FIELDS"),
    ],
)
def test_introspection_is_measured_by_all_else(engine: GraphQLEngine, selection: str, setting: str) -> None:
    error = refused(engine, f"{{ __schema {{ {selection} }} }}")

    assert error["extensions"]["setting"] == f"LIMITS.{setting}"


def test_introspection_that_goes_round_in_circles_is_refused(engine: GraphQLEngine) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"

    assert "introspection depth" in refused(engine, query)["message"]


def test_long_texts_are_not_kept() -> None:
    engine = limited()
    # an eighth of MEMORY.DOCUMENTS, of which the text is held twice
    long = put('{ books(where: {title: {eq: "@"}}) { id } }', "x" * (engine.settings.memory.documents // 16))

    for _ in range(2):
        assert engine.execute(long).json() == {"data": {"books": []}}

    assert (engine.statistics().documents.size, engine.statistics().plans.size) == (0, 0)


# --- the bytes of answers about the schema ---


def test_answer_about_the_schema_is_not_made_if_it_is_too_large() -> None:
    engine = limited(response_bytes=5_000)
    query = "{ __schema { types { a: name b: name fields { name } } } a: __schema { types { name } } }"
    data = limited().execute(query).data
    assert data is not None
    assert len(data) > 10_000
    written: list[Any] = []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "fraiseql_django.planner.introspection.json",
            SimpleNamespace(dumps=lambda data, **options: written.append(data)),
        )
        error = refused(engine, query)

    assert written == []
    assert error["message"] == "The operation has more than 5000 bytes in its answer; the limit is 5000."
    assert error["extensions"]["setting"] == "LIMITS.RESPONSE_BYTES"
    assert (engine.statistics().documents.size, engine.statistics().plans.size) == (1, 0)


def test_answer_about_the_schema_of_the_largest_size_is_made() -> None:
    query = get_introspection_query()
    data = limited().execute(query).data
    assert data is not None

    assert limited(response_bytes=len(data)).execute(query).data == data
    assert refused(limited(response_bytes=len(data) - 1), query)["extensions"]["setting"] == "LIMITS.RESPONSE_BYTES"


def test_several_answers_about_the_schema_count_together() -> None:
    one = limited().execute("{ a: __schema { types { name fields { name } } } }").data
    assert one is not None
    fields = " ".join(f"{letter}: __schema {{ types {{ name fields {{ name }} }} }}" for letter in "abcde")

    error = refused(limited(response_bytes=3 * len(one)), f"{{ {fields} }}")

    assert error["extensions"]["setting"] == "LIMITS.RESPONSE_BYTES"
