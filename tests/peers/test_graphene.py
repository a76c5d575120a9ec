"""What the guide for those who come from graphene-django says, proved over one bookshop."""

import json
from dataclasses import replace
from importlib.metadata import version
from random import Random
from typing import Any

import pytest

pytest.importorskip("graphene_django", reason="graphene-django is not installed (dependency group peers)")
pytest.importorskip("django_filters", reason="django-filter is not installed (dependency group peers)")

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django.utils.dateparse import parse_duration
from graphql import parse, print_ast

from example_project.bookshop.models import Author, Book, BookCondition, Customer, Order, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from tests.peers.guides import Block, declaring, read
from tests.peers.served import Served, assert_same

GUIDE = read("graphene-django")
# what their own code warns of is not this package's
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


@pytest.fixture(scope="module")
def served(populated: None) -> Served:
    """Serve the declarations of the guide with both packages, over a filled bookshop."""

    def run(schema: Any, query: str, variables: dict[str, Any], request: HttpRequest) -> Any:
        return schema.execute(query, variables=variables, context=request)

    return Served.of(GUIDE, run, lambda schema: schema.graphql_schema)


NODES = "edges { node { title price } }"
LISTS = {
    "lookups": f"""{{
        exact: allBooks(title: "Blind Fever, Blind Map") {{ {NODES} }}
        iexact: allBooks(title_Iexact: "blind FEVER, blind map") {{ {NODES} }}
        icontains: allBooks(title_Icontains: "mAP") {{ {NODES} }}
        contains: allBooks(title_Contains: "Map") {{ {NODES} }}
        startswith: allBooks(isbn_Startswith: "9780018") {{ {NODES} }}
        istartswith: allBooks(isbn_Istartswith: "9780013") {{ {NODES} }}
        endswith: allBooks(isbn_Endswith: "9") {{ {NODES} }}
        iendswith: allBooks(isbn_Iendswith: "3") {{ {NODES} }}
        regex: allBooks(title_Regex: "^B.*p$") {{ {NODES} }}
        iregex: allBooks(title_Iregex: "^b.*P$") {{ {NODES} }}
        lte: allBooks(price_Lte: "12") {{ {NODES} }}
        gt: allBooks(price_Gt: "20") {{ {NODES} }}
        range: allBooks(price_Range: ["10", "20"]) {{ {NODES} }}
        isnull: allBooks(pages_Isnull: true) {{ {NODES} }}
    }}""",
    "more lookups": f"""{{
        boolean: allBooks(inPrint: false) {{ {NODES} }}
        enum: allBooks(format: E_BOOK) {{ {NODES} }}
        dates: allBooks(published_Gte: "1990-01-01", published_Lt: "2010-01-01") {{ {NODES} }}
        toOne: allBooks(publisher_Name_Icontains: "BOOKS") {{ {NODES} }}
        several: allBooks(publisher_Name_Icontains: "b", price_Gte: "10", price_Lt: "30") {{ {NODES} }}
    }}""",
    "orders": f"""{{
        titles: allBooks(orderBy: "-title") {{ {NODES} }}
        up: allBooks(orderBy: "price") {{ edges {{ node {{ price }} }} }}
        down: allBooks(orderBy: "-price", first: 50) {{ edges {{ node {{ price }} }} }}
        default: allBooks(first: 9) {{ {NODES} }}
        countries: allPublishers(country_In: ["Austria", "Spain"]) {{ edges {{ node {{ name }} }} }}
        publishers: allPublishers {{ edges {{ node {{ name country founded }} }} }}
    }}""",
    "pages": f"""{{
        first: allBooks(first: 7) {{ {NODES} pageInfo {{ hasNextPage }} }}
        last: allBooks(last: 7) {{ {NODES} pageInfo {{ hasPreviousPage }} }}
        whole: allBooks {{ {NODES} pageInfo {{ hasNextPage hasPreviousPage }} }}
        none: allBooks(title: "none") {{ {NODES} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}
    }}""",
    "nested": """{
        allPublishers(name_Icontains: "o") {
            edges { node {
                name
                books(price_Lt: "30", first: 3, orderBy: "title") {
                    edges { node { title authors { name } publisher { name } reviews(first: 1) {
                        edges { node { stars status headline createdAt book { title } } }
                    } } }
                    pageInfo { hasNextPage }
                }
            } }
        }
        authors { name }
    }""",
    "resolvers": """{
        cheapBooks(price: "12") { title price label authors { name } reviews(first: 1) { edges { node { stars } } } }
        none: cheapBooks(price: "0") { title }
    }""",
    "values": """{
        allBooks { edges { node {
            title isbn price published pages inPrint format reviewCount label
        } } }
    }""",
    "fragments": """
        query { allBooks(first: 4) { ...Page } }
        fragment Page on BookTypeConnection { edges { ...Edge } pageInfo { hasNextPage } }
        fragment Edge on BookTypeEdge { node { ...Card ... on BookType { pages } } }
        fragment Card on BookType { title publisher { ... on PublisherType { name } } }
    """,
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_lists_are_answered_alike(served: Served, name: str) -> None:
    assert_same(served, LISTS[name])


@pytest.mark.django_db
def test_conditions_find_some_rows_and_not_all(served: Served) -> None:
    answers = [served.peers_answer(LISTS[name]).data for name in ("lookups", "more lookups")]
    found = {name: len(rows["edges"]) for answer in answers for name, rows in answer.items()}
    assert {name: number for name, number in found.items() if not 0 < number < 50} == {}


VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ("query ($id: ID!) { book(id: $id) { title } }", {}),
    ("query ($low: Decimal) { allBooks(price_Gte: $low) { edges { node { price } } } }", {"low": "30"}),
    (
        "query ($format: BookshopBookFormatChoices!) { allBooks(format: $format) { edges { node { format } } } }",
        {"format": "AUDIO"},
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("query", "variables"), VARIABLES)
def test_variables_are_answered_alike(served: Served, query: str, variables: dict[str, Any]) -> None:
    assert_same(served, query, {"id": str(Book.objects.first().pk), **variables})


ARGUMENTS = [
    *('title_Icontains: "a"', 'title_Contains: "T"', 'title_Regex: "[aeiou]$"', 'isbn_Startswith: "97800"'),
    *('price_Gt: "9.99"', 'price_Lte: "31"', 'price_Range: ["8", "25"]', "pages_Isnull: false", "inPrint: true"),
    *("format: PAPERBACK", "format: HARDCOVER", 'published_Gte: "1980-01-01"', 'publisher_Name_Icontains: "o"'),
    *('orderBy: "title"', 'orderBy: "-title"', "first: 5", "first: 40"),
]


@pytest.mark.django_db
def test_random_arguments_are_answered_alike(served: Served) -> None:
    random, found = Random(5), set()
    for _ in range(60):
        arguments = {argument.split(":")[0]: argument for argument in random.sample(ARGUMENTS, random.randint(1, 5))}
        query = f"{{ allBooks({', '.join(arguments.values())}) {{ edges {{ node {{ title }} }} }} }}"
        found.add(len(assert_same(served, query)["allBooks"]["edges"]))

    assert len(found) > 10


@pytest.mark.django_db
def test_pages_follow_each_other_by_cursors(served: Served) -> None:
    query = """query ($after: String) {
        allBooks(first: 20, after: $after) { edges { node { title } cursor } pageInfo { hasNextPage endCursor } }
    }"""
    after = served.rewritten(query, {"after": ""}).query
    titles: dict[str, list[str]] = {}
    for name, answer in (
        ("allBooks", lambda cursor: served.peers_answer(query, {"after": cursor})),
        ("books", lambda cursor: served.our_answer(after, {"after": cursor})),
    ):
        titles[name], cursor, more = [], None, True
        while more:
            page = answer(cursor).data[name]
            titles[name] += [edge["node"]["title"] for edge in page["edges"]]
            cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            assert cursor == page["edges"][-1]["cursor"]

    assert titles["books"] == titles["allBooks"] == list(Book.objects.values_list("title", flat=True))


# --- mutations ---

ADD = """mutation ($input: CreateBookInput!) {
    createBook(input: $input) {
        book { title isbn price publisher { name } authors { name } }
        errors { field messages }
        clientMutationId
    }
}"""


def new_book(**values: Any) -> dict[str, Any]:
    """Return the input of a book."""
    publisher, author = Publisher.objects.first(), Author.objects.first()
    return {
        "title": "Tehanu",
        "isbn": "978-0-00-000000-1",
        "price": "12.50",
        "taxRate": "0.07",
        "publisher": str(publisher.pk),
        "authors": [str(author.pk)],
        **values,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{}, {"title": ""}, {"title": "x" * 201, "price": "-1"}, {"isbn": "taken"}, {"authors": []}]
)
def test_forms_and_their_errors_are_answered_alike(served: Served, values: dict[str, Any]) -> None:
    if values.get("isbn") == "taken":
        values = {"isbn": Book.objects.first().isbn}

    data = assert_same(served, ADD, {"input": new_book(**values)}, by_field)

    assert (data["createBook"]["book"] is None) == bool(values)


def by_field(data: Any) -> Any:
    """Put the messages of errors for one field into one list."""
    errors = data["createBook"]["errors"]
    if not isinstance(errors, list):
        return data
    messages: dict[str, list[str]] = {}
    for error in errors:
        messages.setdefault(error["field"], []).append(error["messages"])
    together = [{"field": field, "messages": texts} for field, texts in messages.items()]
    return {"createBook": {**data["createBook"], "errors": together}}


@pytest.mark.django_db
def test_mutations_in_python_are_answered_alike(served: Served) -> None:
    query = """mutation ($id: ID!) {
        renameBook(id: $id, title: "Tehanu") { ok book { title reviews { edges { node { stars } } } } }
    }"""

    assert assert_same(served, query, {"id": str(Book.objects.first().pk)})["renameBook"]["ok"]


# --- what differs ---


@pytest.mark.django_db
def test_values_that_differ(served: Served) -> None:
    book = Book.objects.filter(reading_time__isnull=False).exclude(attributes={}).first()
    query = "query ($id: ID!) { book(id: $id) { attributes readingTime condition cover%s } }"

    answer = served.peers_answer(query % "", {"id": str(book.pk)})
    theirs = answer.data["book"]
    ours = served.our_answer(query % " { name url }", {"id": str(book.pk)}).data["book"]

    assert json.loads(theirs["attributes"]) == ours["attributes"] == book.attributes
    (error,) = answer.errors
    assert error.path == ["book", "readingTime"]
    assert parse_duration(ours["readingTime"]) == book.reading_time
    assert theirs["condition"] == f"A_{book.condition}"
    assert ours["condition"] == BookCondition(book.condition).name
    assert (theirs["cover"], ours["cover"]) == ("", None)


REPEATED = "{ allBooks(reviews_Stars: 5, first: 100) { edges { node { title } } } }"


@pytest.mark.django_db
def test_cursors_are_numbers_there_and_places_here(served: Served) -> None:
    query = """query ($after: String) { allBooks(first: 5, after: $after) {
        edges { node { title } } pageInfo { endCursor }
    } }"""
    after = served.rewritten(query, {"after": ""}).query
    second = {}
    theirs = served.peers_answer(query).data["allBooks"]
    ours = served.our_answer(after).data["books"]
    assert theirs["edges"] == ours["edges"]

    book = Book.objects.first()
    book.title = "Zzz"
    book.save()

    cursors = {"after": theirs["pageInfo"]["endCursor"]}, {"after": ours["pageInfo"]["endCursor"]}
    second = served.peers_answer(query, cursors[0]).data["allBooks"]["edges"]
    assert second == served.our_answer(after, cursors[1]).data["books"]["edges"][1:] + second[-1:]
    assert served.our_answer(after, cursors[0]).errors


@pytest.mark.django_db
def test_rows_are_repeated_there_and_not_here(served: Served) -> None:
    query = REPEATED
    theirs = [edge["node"]["title"] for edge in served.peers_answer(query).data["allBooks"]["edges"]]
    after = served.rewritten(query).query
    ours = [edge["node"]["title"] for edge in served.our_answer(after).data["books"]["edges"]]

    assert len(theirs) > len(set(theirs))
    assert ours == list(dict.fromkeys(theirs))


@pytest.mark.django_db
def test_pages_are_bounded_there_and_here_where_a_limit_is_set(served: Served, settings: Any) -> None:
    query = "{ allBooks(first: 101) { edges { node { title } } } }"
    after = served.rewritten(query).query
    settings.FRAISEQL = {"LIMITS": {"MAX_ROWS": 100}}
    limited = GraphQLEngine(registry=served.engine.registry, cache=None)

    assert served.peers_answer(query).errors
    assert served.our_answer(after).errors == []
    (error,) = limited.execute(after).json()["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.django_db
def test_first_with_last_is_refused_here(served: Served) -> None:
    query = "{ allBooks(first: 5, last: 2) { edges { node { title } } } }"

    assert served.peers_answer(query).errors == []
    (error,) = served.our_answer(served.rewritten(query).query).errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.django_db
def test_null_is_no_condition_there_and_refused_here(served: Served) -> None:
    query = "{ allBooks(price_Gte: null) { edges { node { title } } } }"

    assert len(served.peers_answer(query).data["allBooks"]["edges"]) == 50
    (error,) = served.our_answer(served.rewritten(query).query).errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.django_db
def test_global_ids_are_the_same_where_the_types_have_the_same_names(served: Served) -> None:
    registry, names = Registry(), {"Book": Book}
    with declaring(registry):
        (block,) = [block for block in GUIDE.blocks if block.package == "nodes"]
        exec(f"import fraiseql_django as fraiseql\n{block.text}", names)
    engine = GraphQLEngine(registry=registry, cache=None, settings=replace(get_settings(), node=True))
    theirs = served.peers_answer("{ allBooks(first: 3) { edges { node { id title } } } }").data["allBooks"]["edges"]

    ours = engine.execute("{ books(limit: 3) { id title } }").json()["data"]["books"]

    assert ours == [edge["node"] for edge in theirs]
    query = "query ($id: ID!) { node(id: $id) { id ... on BookType { title } } }"
    for node in ours:
        assert engine.execute(query, {"id": node["id"]}).json()["data"] == {"node": node}
        assert served.peers_answer(query, {"id": node["id"]}).data == {"node": node}


# --- permissions ---


@pytest.mark.django_db
def test_who_sees_what_is_answered_alike(served: Served) -> None:
    customers = Customer.objects.filter(orders__isnull=False).distinct()
    owner, other = customers[0].user, customers[1].user
    staff = User.objects.create(username="clerk", is_staff=True)

    seen = {
        user: assert_same(served, "{ orders { number placedAt } }", user=user)["orders"]
        for user in (None, owner, other, staff)
    }

    assert seen[None] == []
    assert len(seen[owner]) == Order.objects.filter(customer__user=owner).count()
    assert seen[owner] != seen[other]
    assert len(seen[staff]) == Order.objects.count()


# --- the guide ---


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), GUIDE.pairs("graphene-django"), ids=lambda block: block.package)
def test_operations_of_the_guide_are_what_the_renames_make_of_them(served: Served, before: Block, after: Block) -> None:
    variables: dict[str, Any] = {"name": "o", "first": 5, "input": new_book()}

    rewritten = served.rewritten(before.text, variables)

    assert rewritten.query == print_ast(parse(after.text))
    assert_same(served, before.text, variables)


@pytest.mark.django_db
def test_guide_says_how_many_statements_its_first_operation_takes(served: Served) -> None:
    if version("graphene-django") != "3.2.3":
        pytest.skip("the guide has the numbers of graphene-django 3.2.3")
    (before, _), *_ = GUIDE.pairs("graphene-django")

    taken = served.peers_answer(before.text, {"name": "o", "first": 5}).statements

    assert f"takes {taken} statements with graphene-django 3.2.3" in GUIDE.text


@pytest.mark.django_db
def test_both_are_served_in_one_project(served: Served, client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = served.urls()

    for path in ("/graphql/", "/graphql/next/"):
        answer = client.post(path, {"query": "{ __typename }"}, content_type="application/json").json()
        assert answer["data"] == {"__typename": "Query"}


@pytest.mark.django_db
def test_every_rename_of_the_guide_is_needed(served: Served) -> None:
    for query, variables in [
        *((query, {}) for query in LISTS.values()),
        (ADD, {"input": new_book()}),
        *VARIABLES,
        (REPEATED, {}),
        ('{ allBooks(last: 2, before: "…") { edges { cursor } } a: allBooks(after: "…") { edges { cursor } } }', {}),
    ]:
        served.rewritten(query, variables)

    assert GUIDE.not_applied() == []
