"""Valid requests to begin with: endpoint, document, variables; and the names that schemas know."""

from functools import cache
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from tests.injection.site import ENGINES
from tests.operations import SHOP, ZOO

_FRAGMENTS = """query A($yes: Boolean = true) { ...R @include(if: $yes) } query B { authors(limit: 1) { ...N } }
fragment R on Query { books(limit: 2) { id authors { ...N } } } fragment N on Author { name }"""
OTHERS: list[tuple[str, str, dict[str, Any]]] = [
    ("/graphql/", "{ __typename }", {}),
    ("/graphql/", "{ __schema { types { name fields { name args { name } } } } }", {}),
    ("/graphql/", "query ($n: String!) { __type(name: $n) { name } }", {"n": "Book"}),
    ("/graphql/", _FRAGMENTS, {"yes": True}),
    ("/graphql/", 'query { bookCards(where: {title: {icontains: "the"}}, limit: 2) { title authors { name } } }', {}),
    ("/graphql/", "mutation ($id: ID!, $t: String!) { renameBook(id: $id, title: $t) { title } }", {"id": 1, "t": "x"}),
    ("/graphql/", "mutation { moderateReview(id: 1, status: APPROVED) { __typename } }", {}),
    (
        "/graphql/",
        "mutation ($i: UpdateBookInput!, $at: DateTime!) { updateBook(id: 1, updatedAt: $at, input: $i) "
        "{ ... on UpdateBookSuccess { book { title } } ... on MutationError { message errors { field } } } }",
        {
            "i": {"title": "x", "price": "1.50", "tags": ["a"], "published": "2024-05-31", "authors": [1, 2]},
            "at": "2024-05-31T00:00:00Z",
        },
    ),
    (
        "/graphql/",
        "mutation ($i: CreateBookInput!) { createBook(input: $i) { __typename ... on MutationError { message } } }",
        {"i": {"title": "x", "isbn": "1", "price": 1, "publisher": 1, "category": 1, "authors": {"create": []}}},
    ),
    ("/graphql/", "mutation { deleteBook(id: 1) { __typename } }", {}),
    (
        "/graphql/",
        "mutation ($i: PlaceOrderInput!) { placeOrder(input: $i) { __typename ... on PlaceOrderError { message } } }",
        {"i": {"customerId": "1", "lines": [{"bookId": "1", "quantity": 1}]}},
    ),
    ("/inbox/", "mutation ($letter: Letter!) { send(letter: $letter) }", {"letter": {"text": "x", "file": None}}),
    ("/inbox/", "mutation ($letter: Letter!) { send(letter: $letter) }", {"letter": {"day": "2024-05-31", "big": "1"}}),
    ("/inbox/", "mutation ($letter: Letter!) { send(letter: $letter) }", {"letter": {"files": [None], "extra": {}}}),
    ("/inbox/", 'mutation { find(name: "a") { name } parrot(input: {text: "x", extra: [1]}) { __typename } }', {}),
    ("/inbox/", "mutation ($i: RetitleInput!) { retitle(input: $i) { __typename } }", {"i": {"id": 1, "title": "x"}}),
    (
        "/library/",
        "mutation ($i: [CreateNovelInput!]!) { createNovels(input: $i) "
        "{ __typename ... on MutationError { message } } }",
        {"i": [{"title": "x", "isbn": "1", "writer": 1, "tags": ["a"], "onLoan": {"lower": "2024-01-01"}}]},
    ),
    (
        "/library/",
        "mutation ($i: UpsertNovelInput!) { upsertNovel(input: $i) { __typename } }",
        {"i": {"isbn": "1", "title": "x", "writer": 1}},
    ),
    ("/library/", 'mutation { createRoom(input: {name: "x", place: 1, open: {lower: 1}}) { __typename } }', {}),
    ("/library/", "mutation { deleteWriters(ids: [1, 2]) { __typename } }", {}),
]
DOCUMENTS: list[tuple[str, str, dict[str, Any]]] = [
    *OTHERS,
    *(
        (url, asked.query, asked.variables[0])
        for url, all_ in (("/graphql/", SHOP), ("/zoo/", ZOO))
        for asked in all_.values()
    ),
]


@cache
def names() -> list[str]:
    """Return the names of all types, fields, arguments and values."""
    found: set[str] = set()
    for engine in ENGINES.values():
        for name, type_ in engine.schema.graphql.type_map.items():
            found.add(name)
            if isinstance(type_, GraphQLEnumType):
                found |= set(type_.values)
            elif isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
                found |= set(type_.fields)
                found |= {argument for field in type_.fields.values() for argument in field.args}
            elif isinstance(type_, GraphQLInputObjectType):
                found |= set(type_.fields)
    return sorted(found)
