"""``COMPLEXITY``: what operations are estimated to cost, and that nothing runs of one that may cost too much."""

from typing import Any

import pytest
from django.db.models import Count

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry, nested
from fraiseql_django.conf.settings import LimitSettings
from fraiseql_django.language.limits import MAX_FIGURE
from tests.library.types import LIBRARY, NovelType
from tests.support import calls, limited, put, refused

pytestmark = pytest.mark.django_db

# by default each field costs 1, and a list of which nothing is said has 100 rows
COSTS: list[tuple[str, dict[str, Any], float]] = [
    ("{ books { id title } }", {}, 1 + 100 * 2),
    ("{ books { __typename id } }", {}, 1 + 100 * 1),
    # a row costs at least 1, and so does what is in the answer under another name
    ("{ books { __typename } }", {}, 1 + 100 * 1),
    ("{ books { a: __typename b: __typename __typename } }", {}, 1 + 100 * 2),
    ("{ books(limit: 3) { authors(limit: 4) { books(limit: 5) { __typename } } } }", {}, 1 + 3 * (1 + 4 * (1 + 5 * 1))),
    ("{ books(limit: 3) { publisher { __typename } } }", {}, 1 + 3 * 1),
    ("{ books(limit: 3) { reviewsCount } booksCount }", {}, 1 + 3 * 1 + 1),
    ("{ bookCards(limit: 2) { authors { __typename } } }", {}, 1 + 2 * (1 + 100 * 1)),
    ("query($n: Int) { books(limit: $n) { __typename } }", {"n": 7}, 1 + 7),
    ("query($n: Int) { books(limit: 2) { reviews(limit: $n) { __typename } } }", {"n": 0}, 1 + 2 * 1),
    ("query($n: Int) { books(limit: 2) { r: reviews(limit: $n) { a: __typename } } }", {"n": 3}, 1 + 2 * (1 + 3)),
    ("{ books(limit: 3) { id reviews(limit: 2) { stars } publisher { name } } }", {}, 1 + 3 * (1 + (1 + 2) + (1 + 1))),
    ("{ books(limit: 1000) { id } }", {}, 1 + 1000),
    ("{ books(limit: 0) { id reviews { stars } } authors(limit: 1) { id } }", {}, 1 + (1 + 1)),
    ("{ book(id: 1) { id tags reviews(limit: 5) { id } } }", {}, 1 + 1 + 1 + (1 + 5)),
    # what is mentioned twice in one place is answered once
    ("{ books(limit: 3) { id } books(limit: 3) { id title ... { title } } }", {}, 1 + 3 * 2),
    ("{ a: books(limit: 3) { id } b: books(limit: 3) { id } }", {}, 2 * (1 + 3)),
    ("{ books(limit: 3) { ...F ...F } } fragment F on Book { id title }", {}, 1 + 3 * 2),
    ("query($v: Boolean!) { books(limit: 3) { id title @skip(if: $v) } }", {"v": True}, 1 + 3 * 1),
    ("query($v: Boolean!) { books(limit: 3) { id title @skip(if: $v) } }", {"v": False}, 1 + 3 * 2),
    # objects in JSON: one, and a list that has no limit
    ("{ bookCards(limit: 2) { id publisher { name } authors { name } } }", {}, 1 + 2 * (1 + (1 + 1) + (1 + 100))),
    # variables
    ("query($n: Int) { books(limit: $n) { id } }", {"n": 7}, 1 + 7),
    ("query($n: Int) { books(limit: $n) { id } }", {"n": None}, 1 + 100),
    ("query($n: Int) { books(limit: $n) { id } }", {}, 1 + 100),
    ("query($n: Int = 9) { books(limit: $n) { id } }", {}, 1 + 9),
    ("query($n: Int = 9) { books(limit: $n) { id } }", {"n": None}, 1 + 100),
    ("query($n: Int! = 9) { books(limit: $n) { id } }", {"n": 0}, 1),
    (
        "query($n: Int, $m: Int) { books(limit: $n) { id reviews(limit: $m) { id } authors(limit: 2) { id } } }",
        {"n": 7, "m": 5},
        1 + 7 * (1 + (1 + 5) + (1 + 2)),
    ),
    ("query($n: Int) { books(limit: 4) { reviews(limit: $n) { id } } }", {"n": 5}, 1 + 4 * (1 + 5)),
    ("query($n: Int) { books(limit: $n) { reviews(limit: 4) { id } } }", {"n": 5}, 1 + 5 * (1 + 4)),
]


@pytest.mark.parametrize(("query", "variables", "cost"), COSTS)
def test_operation_is_estimated_and_held_to_the_limit(query: str, variables: dict[str, Any], cost: float) -> None:
    engine = limited(complexity=int(cost))
    assert engine.explain(query, variables).complexity == cost
    assert "errors" not in engine.execute(query, variables).json()
    if cost == 1:
        return

    error = refused(limited(complexity=int(cost) - 1), query, variables)

    assert error["message"] == f"The operation has {cost} points of complexity; the limit is {cost - 1}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": cost - 1,
        "value": cost,
        "setting": "LIMITS.COMPLEXITY",
    }


def test_nothing_is_refused_by_default() -> None:
    assert LimitSettings().complexity is None
    engine = GraphQLEngine(cache=None)

    assert engine.explain("{ books { reviews { id } } }").complexity == 1 + 100 * (1 + 100)


@pytest.mark.parametrize(
    ("limits", "rows"),
    [
        ({}, 100),
        ({"assumed_rows": 30}, 30),
        ({"assumed_rows": 30, "max_rows": 50}, 50),
        ({"assumed_rows": 30, "max_rows": 50, "default_rows": 20}, 20),
        ({"assumed_rows": 30, "default_rows": 20}, 20),
    ],
)
def test_list_without_limit_has_as_many_rows_as_settings_say(limits: dict[str, int], rows: int) -> None:
    engine = limited(**limits)

    assert engine.explain("{ books { id } }").complexity == 1 + rows
    # what JSON holds, no setting bounds
    assumed = limits.get("assumed_rows", 100)
    assert engine.explain("{ bookCards(limit: 1) { authors { id } } }").complexity == 1 + 1 + assumed


def test_plan_made_for_a_small_limit_refuses_a_large_one() -> None:
    engine = limited(complexity=50)
    query = "query($n: Int, $m: Int) { books(limit: $n) { reviews(limit: $m) { id } } }"
    assert "errors" not in engine.execute(query, {"n": 5, "m": 5}).json()
    plans = engine.statistics().plans.size

    for variables, value in (
        ({"n": 50, "m": 5}, 301),
        ({"n": 5, "m": 50}, 256),
        ({"n": 2**31 - 1, "m": 2**31 - 1}, MAX_FIGURE),
    ):
        assert refused(engine, query, variables)["extensions"]["value"] == value
    assert "errors" not in engine.execute(query, {"n": 4, "m": 4}).json()

    assert engine.statistics().plans.size == plans


@pytest.mark.parametrize("value", [-1, -(2**31)])
def test_negative_limit_makes_no_room_for_other_fields(value: int) -> None:
    query = "query($n: Int) { books(limit: $n) { id title } authors(limit: 10) { id } }"

    assert refused(limited(complexity=5), query, {"n": value})["extensions"]["value"] == 1 + (1 + 10)
    assert "less than 0" in refused(limited(complexity=50), query, {"n": value})["message"]
    literal = query.replace("($n: Int)", "").replace("$n", str(value))
    assert refused(limited(complexity=5), literal)["extensions"]["value"] == 1 + (1 + 10)


def test_refused_operation_leaves_no_plan() -> None:
    engine = limited(complexity=5)

    refused(engine, "{ books { id } }")

    assert engine.statistics().plans.size == 0


def test_introspection_costs_nothing() -> None:
    engine = limited(complexity=1)

    assert "errors" not in engine.execute("{ __typename __schema { types { name fields { name } } } }").json()


# --- declared costs ---

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name"], cost=2, registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["id", "name", "books"], registry=REGISTRY)
class PublisherType:
    name: fraiseql.auto = fraiseql.field(cost=0)


@fraiseql.type(Book, fields=["id", "authors", "publisher"], registry=REGISTRY)
class BookType:
    title: fraiseql.auto = fraiseql.field(cost=0.5)
    review_count: int = fraiseql.field(Count("reviews"), cost=20)
    reviews: list["ReviewType"] = fraiseql.relation("id", to="book_id", cost=5)
    free: PublisherType = fraiseql.relation("publisher_id", to="id", cost=0)
    free_ones: list["ReviewType"] = fraiseql.relation("id", to="book_id", cost=0)


@fraiseql.type(Review, fields=["id", "stars"], cost=0.25, registry=REGISTRY)
class ReviewType:
    pass


@fraiseql.type
class Tally:
    slow: int = fraiseql.field(cost=7)
    books: list[BookType]
    pairs: list[list[BookType]]


@fraiseql.error
class Nothing:
    tally: Tally | None = None


CALLED: list[str] = []


@fraiseql.mutation(cost=10, registry=REGISTRY)
def count_books(info: fraiseql.Info) -> Tally | Nothing:
    CALLED.append("count_books")
    return Nothing(message="none")


@fraiseql.success
class Placed:
    order: int


@fraiseql.mutation(function="fn_that_is_not_there", cost=40, registry=REGISTRY)
class PlaceOrder:
    success: Placed


fraiseql.update(BookType, fields=["title"], cost=15, registry=REGISTRY)

DECLARED: list[tuple[str, float]] = [
    ("{ authors(limit: 3) { name } }", 1 + 3 * (2 + 1)),
    ("{ author(id: 1) { name } }", 1 + 2 + 1),
    ("{ books(limit: 3) { id title } }", 1 + 3 * 1.5),
    # a row costs at least 1, and what has an alias
    ("{ books(limit: 3) { title } }", 1 + 3 * 1),
    ("{ publishers(limit: 3) { name } }", 1 + 3 * 1),
    ("{ publishers(limit: 3) { id name } }", 1 + 3 * 1),
    ("{ publishers(limit: 3) { id name a: name b: name } }", 1 + 3 * 3),
    ("{ publishers(limit: 3) { id a: booksCount } }", 1 + 3 * 2),
    ("{ reviews(limit: 3) { __typename } }", 1 + 3 * 1),
    ("{ books(limit: 3) { free { id } } }", 1 + 3 * (0 + 1)),
    ("{ books(limit: 3) { free { __typename } freeOnes(limit: 4) { __typename } } }", 1 + 3 * (1 + 4)),
    ("{ books(limit: 3) { id freeOnesCount } }", 1 + 3 * (1 + 1)),
    ("{ books(limit: 3) { reviewCount } }", 1 + 3 * 20),
    ("{ books(limit: 3) { reviews(limit: 4) { id } } }", 1 + 3 * (5 + 4 * (0.25 + 1))),
    ("{ books(limit: 3) { publisher { name } } }", 1 + 3 * 1),
    ("mutation { countBooks { ... on Tally { slow } } }", 10 + 7),
    # of a union's members the one that may cost the most
    ("mutation { countBooks { __typename ... on Tally { slow } ... on Nothing { message code } } }", 10 + 7),
    ("mutation { countBooks { ... on Nothing { tally { slow } code } } }", 10 + (1 + 7) + 1),
    # lists of mutations have no limit
    ("mutation { countBooks { ... on Tally { books { title } } } }", 10 + 1 + 100 * 1),
    ("mutation { countBooks { ... on Tally { books { __typename } } } }", 10 + 1 + 100 * 1),
    ("mutation { countBooks { ... on Tally { pairs { title } } } }", 10 + 1 + 100 * 100 * 1),
    ("mutation { countBooks { ... on Tally { books { reviews(limit: 2) { id } } } } }", 10 + 1 + 100 * (5 + 2 * 1.25)),
    ("mutation { placeOrder { order } }", 40 + 1),
    ("mutation { a: placeOrder { order } b: placeOrder { order } }", 2 * (40 + 1)),
]


@pytest.mark.parametrize(("query", "cost"), DECLARED)
def test_declared_costs_are_counted(query: str, cost: float) -> None:
    CALLED.clear()
    engine = GraphQLEngine(settings=limited(complexity=1).settings, registry=REGISTRY, cache=None)

    error = refused(engine, query)

    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": 1,
        "value": cost,
        "setting": "LIMITS.COMPLEXITY",
    }
    assert CALLED == []


def test_mutation_from_a_model_costs_what_it_declares() -> None:
    engine = GraphQLEngine(settings=limited(complexity=1).settings, registry=REGISTRY, cache=None)
    query = 'mutation { updateBook(id: "1", input: {title: "x"}) { __typename } }'

    assert refused(engine, query)["extensions"]["value"] == 15


# --- objects that mutations from types write ---

LIBRARY_WITH_NESTED = Registry(types=list(LIBRARY.types))
NESTED = [
    "title",
    "isbn",
    "tags",
    "notes",
    nested("genres", create=["name"], connect=True, disconnect=True, set=True),
    nested("chapters", create=["number", "heading"]),
    nested("manuscript", create=["place"]),
]
for bulk in (False, True):
    fraiseql.create(NovelType, fields=NESTED, bulk=bulk, cost=3, registry=LIBRARY_WITH_NESTED)
    fraiseql.delete(NovelType, bulk=bulk, registry=LIBRARY_WITH_NESTED)
fraiseql.update(NovelType, fields=["title", "genres"], bulk=True, cost=0, registry=LIBRARY_WITH_NESTED)

NOVEL = {"title": "x", "isbn": "y"}
CREATE_ONE = "mutation($i: CreateNovelInput!) { createNovel(input: $i) { __typename } }"
CREATE_SEVERAL = "mutation($i: [CreateNovelInput!]!) { createNovels(input: $i) { __typename } }"
CHAPTERS = {"create": [{"number": 1, "heading": "a"}, {"number": 2, "heading": "b"}]}
# how many objects, and what they cost
WRITTEN: list[tuple[str, dict[str, Any], int, int]] = [
    (CREATE_ONE, {"i": NOVEL}, 1, 3),
    (CREATE_ONE, {"i": {**NOVEL, "chapters": CHAPTERS}}, 3, 9),
    (CREATE_ONE, {"i": {**NOVEL, "genres": {"connect": ["1", "2", "3"]}, "chapters": CHAPTERS}}, 6, 18),
    # what a column holds is part of its object, and so is what a relation to one leads to
    (CREATE_ONE, {"i": {**NOVEL, "tags": ["a", "b"], "notes": [1, 2, [3]]}}, 1, 3),
    (CREATE_ONE, {"i": {**NOVEL, "manuscript": {"create": {"place": "attic"}}}}, 1, 3),
    (CREATE_SEVERAL, {"i": [NOVEL] * 7}, 7, 21),
    (CREATE_SEVERAL, {"i": NOVEL}, 1, 3),
    (CREATE_SEVERAL, {"i": [{**NOVEL, "genres": {"create": [{"name": "a"}]}}, NOVEL]}, 3, 9),
    ("mutation { deleteNovel(id: 1) { __typename } }", {}, 1, 1),
    ("mutation { deleteNovels(ids: [1, 2, 3]) { __typename } }", {}, 3, 3),
    ("mutation($a: ID!) { deleteNovels(ids: [$a, $a]) { __typename } }", {"a": "1"}, 2, 2),
    ("mutation($a: [ID!]!) { a: deleteNovels(ids: $a) { __typename } b: deleteNovels(ids: $a) { __typename } }",
     {"a": ["1", "2"]}, 4, 4),
    ("mutation { updateNovels(input: [{id: 1, genres: [1, 2]}, {id: 2, title: null}]) { __typename } }", {}, 4, 0),
]  # fmt: skip


@pytest.mark.parametrize(("query", "variables", "objects", "cost"), WRITTEN)
def test_objects_to_write_are_counted_before_any_is_written(
    query: str, variables: dict[str, Any], objects: int, cost: int
) -> None:
    def engine(**limits: Any) -> GraphQLEngine:
        return GraphQLEngine(settings=limited(**limits).settings, registry=LIBRARY_WITH_NESTED, cache=None)

    accepted = engine(objects=objects, complexity=max(cost, 1))
    assert "LIMIT_EXCEEDED" not in str(accepted.execute(query, variables).json())

    if objects > 1:
        error = refused(engine(objects=objects - 1), query, variables)
        limit = objects - 1
        assert error["message"] == f"The operation has {objects} objects to write; the limit is {limit}."
        assert error["extensions"] == {
            "code": "LIMIT_EXCEEDED",
            "limit": limit,
            "value": objects,
            "setting": "LIMITS.OBJECTS",
        }
    if cost > 1:
        assert refused(engine(complexity=1), query, variables)["extensions"]["value"] == cost


def test_objects_are_counted_where_the_plan_is_known() -> None:
    engine = GraphQLEngine(settings=limited(objects=3).settings, registry=LIBRARY_WITH_NESTED, cache=None)
    query = "mutation($a: [ID!]!) { deleteNovels(ids: $a) { __typename } }"

    assert "errors" not in engine.execute(query, {"a": ["1"]}).json()
    assert refused(engine, query, {"a": ["1"] * 4})["extensions"]["value"] == 4
    assert "errors" not in engine.execute(query, {"a": ["1"] * 3}).json()
    assert engine.statistics().plans.size == 1


def test_mutations_in_python_bound_their_lists_themselves() -> None:
    registry = Registry()

    @fraiseql.mutation(cost=2, registry=registry)
    def add(info: fraiseql.Info, numbers: list[fraiseql.ID]) -> int:
        return len(numbers)

    fraiseql.type(Author, fields=["id"], registry=registry)(type("AuthorOfOne", (), {}))
    engine = GraphQLEngine(settings=limited(objects=1, complexity=2).settings, registry=registry, cache=None)

    assert engine.execute("mutation { add(numbers: [1, 2, 3]) }").json() == {"data": {"add": 3}}


@pytest.mark.parametrize("variable", [7, 3])
def test_limit_in_a_mutation_s_payload_is_checked_before_it_runs(variable: int) -> None:
    CALLED.clear()
    engine = GraphQLEngine(settings=limited(complexity=620).settings, registry=REGISTRY, cache=None)
    query = "mutation($n: Int) { countBooks { ... on Tally { books { reviews(limit: $n) { id } } } } }"
    cost = 10 + 1 + 100 * (5 + variable * 1.25)

    if cost > 620:
        assert refused(engine, query, {"n": variable})["extensions"]["value"] == cost
    else:
        assert "errors" not in engine.execute(query, {"n": variable}).json()

    assert len(CALLED) == (0 if cost > 620 else 1)


@pytest.mark.parametrize("cost", [-1, float("inf"), float("nan"), True, "5", None])
def test_cost_that_is_no_number_of_zero_or_more_is_refused(cost: Any) -> None:
    message = f"cost is {cost!r}, must be a number of 0 or more"
    registry = Registry()
    for declare in (
        lambda: fraiseql.field(cost=cost),
        lambda: fraiseql.relation("id", to="id", cost=cost),
        lambda: fraiseql.type(Author, fields=["id"], cost=cost, registry=registry)(type("A", (), {})),
        lambda: fraiseql.mutation(cost=cost, registry=registry)(count_books),
        lambda: fraiseql.mutation(function="f", cost=cost, registry=registry)(type("F", (), {})),
        lambda: fraiseql.delete(BookType, cost=cost, registry=registry),
    ):
        with pytest.raises(DeclarationError) as caught:
            declare()
        assert str(caught.value) == message
    assert (registry.types, registry.mutations) == ([], [])


# --- what is made to be slow ---


def chain(number: int, body: str) -> str:
    """Return fragments F0, F1 … of which each spreads the NEXT one."""
    links = [put("fragment @ on Book { @ }", f"F{n}", body.replace("NEXT", f"F{n + 1}")) for n in range(number)]
    return " ".join(["{ books { ...F0 } }", *links, put("fragment @ on Book { id }", f"F{number}")])


@pytest.mark.parametrize(
    "query",
    [
        chain(60, "publisher { books { ...NEXT } } category { books { ...NEXT } }"),
        chain(60, "a: publisher { books(limit: 1) { ...NEXT } } b: publisher { books(limit: 1) { ...NEXT } }"),
        chain(60, "publisher { books { ...NEXT ...NEXT } books { ...NEXT } }"),
    ],
)
def test_fragments_that_double_are_refused_at_once_by_complexity_alone(query: str) -> None:
    # the limit on repeats walks through the merged selection as well
    engine = limited(complexity=1_000_000, repeats=100)

    with calls():
        error = refused(engine, query)

    assert error["extensions"]["setting"] == "LIMITS.COMPLEXITY"
    assert error["extensions"]["value"] == MAX_FIGURE


def test_fragments_that_double_around_a_variable_are_refused_at_once() -> None:
    engine = limited(complexity=1_000_000)
    body = "publisher { books(limit: $n) { ...NEXT } } category { books(limit: $n) { ...NEXT } }"
    query = "query($n: Int) " + chain(60, body)

    with calls():
        error = refused(engine, query, {"n": 1})

    assert error["extensions"]["value"] == MAX_FIGURE


def test_fragment_that_is_spread_thousands_of_times_is_answered_at_once() -> None:
    engine = limited(complexity=1 + 100)
    query = put("{ books { @ } } fragment F on Book { id }", "...F " * 10_000)

    with calls():
        response = engine.execute(query)

    assert "errors" not in response.json()


def test_known_plan_is_checked_without_a_walk_over_the_document() -> None:
    """The formula has steps for lists whose limit is a variable, and for nothing else."""
    engine = limited()

    def steps(selection: str) -> int:
        text = put("query($n: Int) { books(limit: $n) { @ } }", selection)
        plan = engine.planner.plan(engine.parser.parse(text).operation(None), {"n": 3})
        assert plan.complexity.of({"n": 3}) == engine.explain(text, {"n": 3}).complexity
        return len(plan.complexity.steps)

    assert steps("id") == 2
    assert steps("id title isbn publisher { name } reviews(limit: 4) { id customer { name } }") == 2
    assert steps("id title reviews(limit: $n) { id }") == 5
