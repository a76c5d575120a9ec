"""What the guide for those who come from strawberry-django says, proved over one bookshop."""

import json
from importlib.metadata import version
from random import Random
from typing import Any

import pytest

pytest.importorskip("strawberry_django", reason="strawberry-django is not installed (dependency group peers)")

from django.contrib.auth.models import Permission, User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from graphql import parse, print_ast
from strawberry.django.context import StrawberryDjangoContext

from example_project.bookshop.models import Author, Book, Category, Customer, Order, Publisher
from fraiseql_django import GraphQLEngine
from tests.peers.guides import HERE, Block, read
from tests.peers.served import Served, assert_same

GUIDE = read("strawberry-django")
# what their own code warns of is not this package's
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


@pytest.fixture(scope="module")
def served(populated: None) -> Served:
    """Serve the declarations of the guide with both packages, over a filled bookshop."""

    def run(schema: Any, query: str, variables: dict[str, Any], request: HttpRequest) -> Any:
        return schema.execute_sync(query, variables, context_value=StrawberryDjangoContext(request, HttpResponse()))

    return Served.of(GUIDE, run, lambda schema: schema._schema)


LISTS = {
    "lookups of texts": """{
        exact: books(filters: {title: {exact: "Blind Fever, Blind Map"}}) { id }
        iExact: books(filters: {title: {iExact: "blind FEVER, blind map"}}) { id }
        contains: books(filters: {title: {contains: "Map"}}) { id title }
        insensitive: books(filters: {title: {iContains: "mAP"}}) { id title }
        starts: books(filters: {title: {startsWith: "B"}}) { id }
        iStarts: books(filters: {title: {iStartsWith: "b"}}) { id }
        ends: books(filters: {title: {endsWith: "p"}}) { id }
        iEnds: books(filters: {title: {iEndsWith: "P"}}) { id }
        regex: books(filters: {title: {regex: "^B.*p$"}}) { id }
        iRegex: books(filters: {title: {iRegex: "^b.*P$"}}) { id }
        literal: books(filters: {title: {contains: "%"}}) { id }
    }""",
    "lookups of numbers and dates": """{
        gt: books(filters: {price: {gt: "20"}}) { id price }
        lt: books(filters: {price: {lt: "20.50"}}) { id price }
        range: books(filters: {pages: {range: {start: 100, end: 300}}}) { id pages }
        list: books(filters: {id: {inList: ["1", "2", "3"]}}) { id }
        none: books(filters: {pages: {isNull: true}}) { id pages }
        some: books(filters: {pages: {isNull: false}}) { id pages }
        dates: books(filters: {published: {gte: "1990-01-01", lt: "2010-01-01"}}) { id published }
        without: books(filters: {inPrint: false}) { id inPrint }
        year: books(filters: {published: {year: {gte: 2000}}}) { id published }
        month: books(filters: {published: {month: {inList: [6, 7, 8]}}}) { id published }
        quarter: books(filters: {published: {quarter: {exact: 1}, day: {lt: 20}}}) { id published }
        week: books(filters: {published: {week: {lte: 20}, isoYear: {gt: 1980}}}) { id published }
        weekday: books(filters: {published: {isoWeekDay: {inList: [1, 2]}}}) { id published }
    }""",
    "connectives": """{
        and: books(filters: {price: {gt: "20"}, AND: {pages: {gt: 200}}}) { id }
        orBeside: books(filters: {price: {lt: "10"}, OR: {pages: {gt: 400}}}) { id }
        orAlone: books(filters: {OR: {pages: {gt: 400}}}) { id }
        orOfOr: books(filters: {price: {lt: "10"}, OR: {pages: {gt: 400}, OR: {inPrint: false}}}) { id }
        not: books(filters: {NOT: {price: {gt: "20"}}}) { id }
        or: publishers(filters: {OR: [{name: {startsWith: "A"}}, {name: {iContains: "b"}}], founded: {gt: 1800}}) { id }
        notList: publishers(filters: {NOT: [{name: {startsWith: "Ad"}}, {name: {startsWith: "Al"}}]}) { id }
        notBeside: books(filters: {inPrint: true, NOT: {price: {gt: "20"}, OR: {title: {startsWith: "A"}}}}) { id }
    }""",
    "relations": """{
        toOne: books(filters: {publisher: {name: {iContains: "BOOKS"}}}) { id publisher { name } }
        toMany: books(filters: {reviews: {stars: {exact: 5}}, DISTINCT: true}) { id }
        toManyTwo: books(filters: {reviews: {stars: {exact: 1}, headline: {contains: "a"}}, DISTINCT: true}) { id }
        notToMany: books(filters: {NOT: {reviews: {stars: {exact: 5}}}, DISTINCT: true}) { id }
    }""",
    "orders": """{
        prices: books(ordering: [{price: DESC}, {title: ASC}]) { id price }
        names: books(ordering: [{publisher: {name: DESC}}, {title: ASC}]) { id publisher { name } }
        nulls: books(ordering: [{pages: DESC_NULLS_LAST}, {title: ASC}]) { id pages }
        first: books(ordering: [{pages: ASC_NULLS_FIRST}, {title: ASC}]) { id pages }
        default: publishers { name }
    }""",
    "pages": """{
        first: books(pagination: {limit: 7}) { id }
        second: books(pagination: {limit: 7, offset: 7}) { id }
        beyond: books(pagination: {limit: 7, offset: 700}) { id }
        none: books(pagination: {limit: 0}) { id }
        rest: books(pagination: {offset: 45}) { id }
    }""",
    "lists in lists": """{
        publishers(filters: {country: {isNull: false}}) {
            name
            books(filters: {price: {lt: "30"}}, ordering: [{price: ASC}, {title: ASC}], pagination: {limit: 3}) {
                title
                reviews(ordering: [{stars: ASC}, {id: DESC}], pagination: {limit: 2, offset: 1}) { id stars }
            }
        }
    }""",
    "totals": """{
        reviews(filters: {stars: {lte: 2}}, pagination: {limit: 3}) { totalCount results { id } }
        all: reviews(ordering: [{id: ASC}], pagination: {limit: 2}) { totalCount results { id book { title } } }
        alone: reviews { totalCount }
    }""",
    "connections": """
        query ($cursors: Boolean = false) {
            authors(first: 2) {
                edges { node { name born } cursor @include(if: $cursors) }
                pageInfo { hasNextPage hasPreviousPage }
            }
            all: authors { edges { node { ...Name } } pageInfo { hasNextPage } }
            last: authors(last: 2) { edges { node { name } } pageInfo { hasPreviousPage } }
        }
        fragment Name on Author { name }
    """,
    "resolvers": """{
        booksByAuthor(name: "a") { title label authors { name } }
        none: booksByAuthor(name: "nobody") { id }
        books(pagination: {limit: 2}) { label }
    }""",
    "values": """{
        books(ordering: [{title: ASC}]) {
            id title isbn price published pages inPrint tags reviewCount netPrice label
        }
        reviews(pagination: {limit: 20}) { results { createdAt stars } }
    }""",
    "fragments": """
        query { books(pagination: {limit: 4}) { ...Card ... on BookType { pages } ... { isbn } } }
        fragment Card on BookType { title publisher { ...House } reviews(pagination: {limit: 1}) { ...Stars } }
        fragment Stars on ReviewType { ... on ReviewType { stars } }
        fragment House on PublisherType { name books(pagination: {limit: 1}) { id } }
    """,
    "directives": """
        query ($yes: Boolean = true, $no: Boolean = false) {
            books(pagination: {limit: 2}) { id title @skip(if: $yes) price @include(if: $no) isbn @include(if: $yes) }
            publishers @include(if: $no) { id }
        }
    """,
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_lists_are_answered_alike(served: Served, name: str) -> None:
    assert_same(served, LISTS[name])


@pytest.mark.django_db
def test_lists_are_no_accident(served: Served) -> None:
    """Each of the operations above finds some rows, and those with conditions not all."""
    for name, query in LISTS.items():
        if name in ("lookups of numbers and dates", "connectives", "relations"):
            found = served.peers_answer(query).data
            assert all(0 < len(rows) < 50 for rows in found.values()), (name, {k: len(v) for k, v in found.items()})


VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ("query ($key: ID!) { book(pk: $key) { id title } }", {"key": "7"}),
    ("query ($n: Int!, $m: Int!) { books(pagination: {limit: $n, offset: $m}) { id } }", {"n": 3, "m": 4}),
    ("query ($low: Decimal!) { books(filters: {price: {gte: $low}}) { id } }", {"low": "30"}),
    (
        "query ($where: BookFilter, $by: [BookOrder!]!) { books(filters: $where, ordering: $by) { id } }",
        {
            "where": {
                "publisher": {"name": {"iContains": "b"}},
                "inPrint": True,
                "reviews": {"stars": {"exact": 5}},
                "DISTINCT": True,
            },
            "by": [{"price": "DESC"}, {"title": "ASC"}],
        },
    ),
    (
        "query ($by: Ordering!) { books(ordering: [{price: $by}, {title: ASC}]) { id } }",
        {"by": "DESC_NULLS_LAST"},
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("query", "variables"), VARIABLES)
def test_variables_are_answered_alike(served: Served, query: str, variables: dict[str, Any]) -> None:
    if "$key" in query:
        variables = {"key": str(Book.objects.first().pk)}
    assert_same(served, query, variables)


# of fields that are never null, since negations of null differ
LEAVES = [
    *(
        f"title: {{{lookup}: {json.dumps(text)}}}"
        for lookup in ("contains", "iContains", "regex")
        for text in ("a", "Th")
    ),
    *(f'title: {{{lookup}: "{letter}"}}' for lookup in ("startsWith", "iStartsWith", "iEndsWith") for letter in "TBs"),
    *(f'price: {{{lookup}: "{price}"}}' for lookup in ("gt", "gte", "lt", "lte") for price in ("9.99", "20", "31")),
    *('price: {range: {start: "10", end: "25"}}', 'price: {range: {start: "30", end: "50"}}'),
    *("inPrint: true", "inPrint: false", 'id: {inList: ["1", "2", "3", "5", "8", "13", "21"]}'),
    *('publisher: {name: {iContains: "o"}}', 'publisher: {country: {inList: ["Austria", "Spain", "Norway"]}}'),
    *('publisher: {NOT: [{name: {startsWith: "A"}}], name: {contains: "s"}}', "pages: {isNull: true}"),
]


def conditions(random: Random, depth: int) -> str:
    """Return a filter of strawberry-django."""
    members = dict(leaf.split(": ", 1) for leaf in random.sample(LEAVES, random.randint(1, 2)))
    for connective in ("AND", "OR", "NOT"):
        if depth and random.random() < 0.5:
            members[connective] = conditions(random, depth - 1)
    return f"{{{', '.join(f'{name}: {value}' for name, value in members.items())}}}"


@pytest.mark.django_db
def test_random_conditions_are_answered_alike(served: Served) -> None:
    random, found = Random(12), set()
    for _ in range(100):
        books = assert_same(served, f"{{ books(filters: {conditions(random, 3)}) {{ id }} }}")["books"]
        found.add(len(books))

    assert len(found) > 20


# --- what differs ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    "filters",
    [
        '{reviews: {stars: {exact: 5}}, AND: {reviews: {headline: {contains: "o"}}}, DISTINCT: true}',
        '{NOT: {reviews: {stars: {exact: 1}, headline: {contains: "a"}}}, DISTINCT: true}',
    ],
)
def test_conditions_on_a_list_in_several_places_are_about_one_row_there_or_here(served: Served, filters: str) -> None:
    query = f"{{ books(filters: {filters}) {{ id }} }}"
    theirs = served.peers_answer(query).data["books"]
    ours = served.our_answer(served.rewritten(query).query).data["books"]

    assert len(theirs) < len(ours)


@pytest.mark.django_db
def test_a_negation_finds_rows_with_null_here_only_if_it_asks_for_them(served: Served) -> None:
    theirs = served.peers_answer("{ books(filters: {NOT: {pages: {gt: 300}}}) { id pages } }").data["books"]
    ours = served.our_answer("{ books(where: {NOT: {pages: {gt: 300}}}) { id pages } }").data["books"]
    (by_hand,) = [block.text for block in GUIDE.operations(HERE) if block.section == "What differs"]

    assert None in [row["pages"] for row in theirs]
    assert ours == [row for row in theirs if row["pages"] is not None]
    assert served.our_answer(by_hand).data["books"] == theirs


@pytest.mark.django_db
def test_rows_are_repeated_there_and_not_here(served: Served) -> None:
    query = "{ books(filters: {reviews: {stars: {exact: 5}}}) { id } }"
    theirs = [row["id"] for row in served.peers_answer(query).data["books"]]
    ours = [row["id"] for row in served.our_answer(served.rewritten(query).query).data["books"]]

    assert len(theirs) > len(set(theirs))
    assert ours == list(dict.fromkeys(theirs))


@pytest.mark.django_db
def test_a_page_without_a_limit_is_cut_there_and_here_where_a_limit_is_set(served: Served, settings: Any) -> None:
    query = "{ reviews { results { id } } }"
    theirs = served.peers_answer(query).data
    after = served.rewritten(query)

    assert len(theirs["reviews"]["results"]) == 100 < len(served.our_answer(after.query).data["reviews"])

    settings.FRAISEQL = {"LIMITS": {"DEFAULT_ROWS": 100}}
    limited = GraphQLEngine(registry=served.engine.registry, cache=None)
    assert after.folded(limited.execute(after.query).json()["data"]) == theirs


@pytest.mark.django_db
def test_null_is_no_condition_there_and_a_condition_here(served: Served) -> None:
    query = "{ books(filters: {pages: {exact: null}}) { id pages } }"

    assert len(served.peers_answer(query).data["books"]) == 50
    ours = served.our_answer(served.rewritten(query).query).data["books"]
    assert {row["pages"] for row in ours} == {None}


@pytest.mark.django_db
def test_a_missing_row_is_an_error_there_and_null_here(served: Served) -> None:
    query = '{ book(pk: "0") { id } }'

    assert served.peers_answer(query).errors
    assert served.our_answer(served.rewritten(query).query).data == {"book": None}


@pytest.mark.django_db
def test_ranges_with_one_bound_find_nothing_there_and_are_refused_here(served: Served) -> None:
    query = '{ books(filters: {price: {range: {end: "20"}}}) { id } }'

    assert served.peers_answer(query).data == {"books": []}
    (error,) = served.our_answer(served.rewritten(query).query).errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.django_db
def test_negative_limits_are_refused_here(served: Served) -> None:
    query = "{ books(pagination: {limit: -1}) { id } }"

    assert not served.peers_answer(query).errors
    (error,) = served.our_answer(served.rewritten(query).query).errors
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# --- the guide ---


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), GUIDE.pairs("strawberry-django"), ids=lambda block: block.package)
def test_operations_of_the_guide_are_what_the_renames_make_of_them(served: Served, before: Block, after: Block) -> None:
    variables: dict[str, Any] = {"name": "o", "limit": 5, "input": new_book()}

    rewritten = served.rewritten(before.text, variables)

    assert rewritten.query == print_ast(parse(after.text))
    assert_same(served, before.text, variables)


@pytest.mark.django_db
def test_guide_says_how_many_statements_the_operations_take(served: Served) -> None:
    if version("strawberry-graphql-django") != "0.91.0":
        pytest.skip("the guide has the numbers of strawberry-django 0.91.0")
    variables: dict[str, Any] = {"name": "o", "limit": 5}
    lists = [before.text for before, _ in GUIDE.pairs("strawberry-django")][:2]

    taken = [served.peers_answer(text, variables).statements for text in lists]

    assert f"take {taken[0]} and {taken[1]} statements with strawberry-django 0.91.0" in GUIDE.text


def test_both_are_served_in_one_project(served: Served, client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = served.urls()

    for path in ("/graphql/", "/graphql/next/"):
        answer = client.post(path, {"query": "{ __typename }"}, content_type="application/json").json()
        assert answer["data"] == {"__typename": "Query"}


# --- mutations ---

ADD = """mutation ($input: BookInput!) {
    createBook(data: $input) {
        ... on BookType { title price publisher { id } authors { id } }
        ... on OperationInfo { messages { kind field code message } }
    }
}"""


def new_book(**values: Any) -> dict[str, Any]:
    publisher, author = Publisher.objects.first(), Author.objects.first()
    return {
        "title": "Tehanu",
        "isbn": "9780000000001",
        "price": "12.50",
        "publisher": {"set": str(publisher.pk)},
        "authors": {"set": [str(author.pk)]},
        **values,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"published": "1990-02-01", "authors": {"set": []}},
        {"title": ""},
        {"title": "x" * 201, "price": "-1"},
        {"isbn": "taken"},
        {"price": "1.234"},
    ],
)
def test_creation_and_its_errors_are_answered_alike(served: Served, values: dict[str, Any]) -> None:
    if values.get("isbn") == "taken":
        values = {"isbn": Book.objects.first().isbn}

    data = assert_same(served, ADD, {"input": new_book(**values)})

    assert ("messages" in data["createBook"]) == (not {"published"} >= {*values} - {"authors"})


CHANGES = {
    "values": 'data: {id: $id, title: "Tehanu", price: "3.50"}',
    "one value": 'data: {id: $id, title: "Tehanu"}',
    "relation": "data: {id: $id, publisher: {set: $other}}",
    "added": "data: {id: $id, authors: {add: [$other]}}",
    "removed": "data: {id: $id, authors: {remove: [$other]}}",
    "set": "data: {id: $id, authors: {set: [$other]}}",
    "refused": 'data: {id: $id, title: "", price: "-2"}',
}


def change(name: str, other: str) -> str:
    """Return a mutation that changes a book."""
    arguments = CHANGES[name].replace("$other", f'"{other}"')
    return f"""mutation ($id: ID!) {{
        updateBook({arguments}) {{
            ... on BookType {{ id title price publisher {{ id }} authors {{ id }} }}
            ... on OperationInfo {{ messages {{ field code message }} }}
        }}
    }}"""


@pytest.mark.django_db
@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_answered_alike(served: Served, name: str) -> None:
    book = Book.objects.first()
    other = {"relation": Publisher.objects.last(), "removed": book.authors.first()}.get(name, Author.objects.last())

    assert_same(served, change(name, str(other.pk)), {"id": str(book.pk)})


MANY = """mutation ($name: String!) {
    updatePublishers(filters: {name: {startsWith: $name}}, data: {country: "Utopia"}) { name country }
}"""


@pytest.mark.django_db
def test_changes_by_a_condition_are_answered_alike(served: Served) -> None:
    data = assert_same(served, MANY, {"name": "A"})

    assert {row["country"] for row in data["updatePublishers"]} == {"Utopia"}


BY_KEY = """mutation ($isbn: String!) {
    retitleBook(data: {isbn: $isbn, title: "Tehanu"}) { ... on BookType { id isbn title } }
}"""


@pytest.mark.django_db
def test_changes_by_another_key_are_answered_alike(served: Served) -> None:
    data = assert_same(served, BY_KEY, {"isbn": Book.objects.first().isbn})

    assert data["retitleBook"]["title"] == "Tehanu"


DELETE = "mutation ($id: ID!) { deleteBook(data: {id: $id}) { ... on BookType { id title publisher { name } } } }"


@pytest.mark.django_db
def test_deletion_is_answered_alike(served: Served) -> None:
    book = Book.objects.create(
        title="Gone", isbn="1", price=1, publisher=Publisher.objects.first(), category=Category.objects.first()
    )

    assert assert_same(served, DELETE, {"id": str(book.pk)})["deleteBook"]["title"] == "Gone"


RENAME = """mutation ($id: ID!, $title: String!) {
    renameBook(id: $id, title: $title) {
        ... on BookType { id title reviews(pagination: {limit: 1}) { id } }
        ... on OperationInfo { messages { field code message } }
    }
}"""


@pytest.mark.django_db
@pytest.mark.parametrize("title", ["Tehanu", "", "x" * 201])
def test_mutations_in_python_are_answered_alike(served: Served, title: str) -> None:
    assert_same(served, RENAME, {"id": str(Book.objects.first().pk), "title": title})


# --- permissions ---

ORDERS = "{ orders { id number note } }"


@pytest.mark.django_db
def test_who_sees_what_is_answered_alike(served: Served) -> None:
    customers = Customer.objects.filter(orders__isnull=False).distinct()
    owner, other = customers[0].user, customers[1].user
    staff = User.objects.create(username="clerk", is_staff=True)
    editor = User.objects.create(username="editor", is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="change_order"))

    seen = {user: assert_same(served, ORDERS, user=user)["orders"] for user in (None, owner, other, staff, editor)}

    assert seen[None] == []
    own = Order.objects.filter(customer__user=owner).values_list("pk", flat=True)
    assert {row["id"] for row in seen[owner]} == {str(key) for key in own}
    assert seen[owner] != seen[other]
    assert len(seen[staff]) == Order.objects.count()
    assert {row["note"] for row in seen[staff]} == {None}
    assert {row["note"] for row in seen[editor]} != {None}


@pytest.mark.django_db
def test_every_rename_of_the_guide_is_needed(served: Served) -> None:
    operations = [*LISTS.values(), ADD, MANY, BY_KEY, DELETE, RENAME, ORDERS, *(change(name, "1") for name in CHANGES)]
    for query, variables in [*((query, {"input": new_book()}) for query in operations), *VARIABLES]:
        served.rewritten(query, variables)

    assert GUIDE.not_applied() == []
