"""What the guides for those who come from Hasura and PostGraphile say; neither of them is installed."""

import sys
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import isolate_apps
from graphql import build_schema, parse, print_ast

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import GraphQLEngine, Registry
from tests.peers.guides import HERE, Block, declared, declaring, read
from tests.peers.rewriting import rewrite
from tests.support import data, statements

GUIDES = {name: read(name) for name in ("hasura", "postgraphile")}
PAIRS = [(name, before, after) for name, guide in GUIDES.items() for before, after in guide.pairs(name)]
# the renames of these guides need no types of the peer
UNKNOWN = build_schema("type Query { a: Int } type Mutation { a: Int }")


@pytest.fixture(scope="module")
def engines(populated: None) -> dict[str, GraphQLEngine]:
    """Make an engine for each guide, over a filled bookshop."""
    return {name: declared(guide) for name, guide in GUIDES.items()}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "before", "after"), PAIRS, ids=[f"{name}-{number}" for number, (name, *_) in enumerate(PAIRS)]
)
def test_operations_are_what_the_renames_make_of_them(
    engines: dict[str, GraphQLEngine], name: str, before: Block, after: Block
) -> None:
    rewritten = rewrite(GUIDES[name], UNKNOWN, engines[name].schema.graphql, before.text)

    assert rewritten.query == print_ast(parse(after.text))


MORE = {
    "hasura": [
        """query ($where: books_bool_exp, $by: [books_order_by!], $direction: order_by) {
            a: books(where: $where, order_by: $by) { id }
            b: books(order_by: {title: $direction}) { id }
            c: books(where: {_or: [
                {title: {_like: "%a%"}}, {title: {_neq: "x"}}, {title: {_in: ["x"]}}, {title: {_nin: ["x"]}},
                {price: {_gt: "1"}}, {price: {_lt: "1"}}, {price: {_lte: "1"}},
                {title: {_regex: "^A"}}, {title: {_iregex: "^a"}},
                {title: {_nlike: "x"}}, {title: {_nilike: "x"}}, {title: {_nregex: "x"}}, {title: {_niregex: "x"}},
                {attributes: {_contains: {a: 1}}}, {attributes: {_contained_in: {a: 1}}},
                {attributes: {_has_key: "a"}}, {attributes: {_has_keys_any: ["a"]}},
                {attributes: {_has_keys_all: ["a"]}}
            ]}) { id }
            e: books(distinct_on: [title], order_by: {title: asc}) { id }
            f: books(
                where: {reviews_aggregate: {count: {predicate: {_gte: 3}, filter: {stars: {_gt: 1}}}}}
                order_by: {reviews_aggregate: {count: desc}}
            ) { id reviews_aggregate { nodes { stars } } }
            d: books(order_by: [
                {pages: asc_nulls_first}, {pages: asc_nulls_last}, {pages: desc_nulls_first}, {title: desc}
            ]) { id }
        }""",
        "mutation ($input: books_insert_input!) { insert_books_one(object: $input) { id } }",
        'mutation { update_books(where: {in_print: {_eq: true}}, _set: {price: "1"}) { affected_rows } }',
        "mutation { delete_reviews(where: {stars: {_eq: 1}}) { returning { id } } }",
        'mutation { update_books_by_pk(pk_columns: {id: 1}, _inc: {price: "1"}, _set: {title: "x"}) { id } }',
        'mutation { update_books_by_pk(pk_columns: {id: 1}, _set: {price: "1"}) { id } }',
        "mutation ($id: bigint!, $set: books_set_input!) {"
        " update_books_by_pk(pk_columns: {id: $id}, _set: $set) { id } }",
    ],
    "postgraphile": [
        """query ($filter: BookFilter, $condition: BookCondition, $at: Datetime) {
            a: books(filter: $filter, orderBy: NATURAL) { nodes { id } }
            b: books(condition: $condition, orderBy: PRIMARY_KEY_ASC) { totalCount nodes { id } }
            c: books(orderBy: PRIMARY_KEY_DESC, first: 2) { nodes { id reviewsByBookId { totalCount } } }
            d: books(filter: {or: [
                {title: {notEqualTo: "x"}}, {title: {notIn: ["x"]}}, {price: {lessThan: "1"}},
                {price: {lessThanOrEqualTo: "1"}}, {price: {greaterThan: "1"}}, {title: {includes: "a"}},
                {title: {startsWith: "a"}}, {title: {startsWithInsensitive: "a"}}, {title: {endsWith: "a"}},
                {title: {endsWithInsensitive: "a"}}, {title: {likeInsensitive: "%a%"}},
                {title: {equalToInsensitive: "a"}}, {title: {notIncludes: "a"}}, {title: {notIncludesInsensitive: "a"}},
                {title: {notStartsWith: "a"}}, {title: {notLike: "a"}}, {attributes: {containsKey: "a"}},
                {attributes: {containsAnyKeys: ["a"]}}, {attributes: {containsAllKeys: ["a"]}},
                {tags: {anyEqualTo: "a"}}, {tags: {overlaps: ["a"]}}, {createdAt: {equalTo: $at}},
                {and: [{title: {in: ["x"]}}, {pages: {isNull: true}}]}
            ]}) { nodes { id } }
            e: allBooks(orderBy: TITLE_DESC) { totalCount }
            f: allPublishers(first: 1) { nodes { id books { totalCount } } ...Page }
        }
        fragment Page on PublishersConnection { edges { ...Edge } }
        fragment Edge on PublishersEdge { cursor }""",
        "mutation ($input: BookInput!) { createBook(input: {book: $input}) { book { id } } }",
        "mutation ($id: BigInt!, $patch: BookPatch!) {"
        " updateBookById(input: {id: $id, bookPatch: $patch}) { book { id } } }",
        "mutation ($id: BigInt!) { deleteBook(input: {id: $id}) { book { id } } }",
    ],
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", MORE)
def test_every_rename_is_needed_and_makes_valid_operations(engines: dict[str, GraphQLEngine], name: str) -> None:
    engine, guide = engines[name], GUIDES[name]
    for query in MORE[name]:
        engine.parser.parse(rewrite(guide, UNKNOWN, engine.schema.graphql, query).query)
    for before, _ in guide.pairs(name):
        rewrite(guide, UNKNOWN, engine.schema.graphql, before.text)

    assert guide.not_applied() == []


VARIABLES: dict[str, Any] = {"name": "%o%", "low": "5", "title": "Tehanu", "isbn": "9780000000001", "after": None}
OURS = [(name, block) for name, guide in GUIDES.items() for block in guide.operations(HERE)]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "block"), OURS, ids=[f"{name}-{number}" for number, (name, _) in enumerate(OURS)])
def test_operations_of_the_guides_are_answered(engines: dict[str, GraphQLEngine], name: str, block: Block) -> None:
    book = Book.objects.create(title="Old", isbn="1", price=9, publisher=Book.objects.first().publisher)
    variables = {**VARIABLES, "id": str(book.pk), "publisher": str(book.publisher_id)}

    with transaction.atomic():
        answer = engines[name].execute(block.text, variables).json()
        transaction.set_rollback(True)

    assert "errors" not in answer
    assert answer["data"]
    assert "MutationError" not in str(answer["data"])


DATABASE = """
CREATE TABLE shop_author (id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE shop_article (
    id bigserial PRIMARY KEY, title text NOT NULL, price numeric(8, 2), author_id bigint NOT NULL REFERENCES shop_author
);
CREATE VIEW v_author_card AS
    SELECT id, jsonb_build_object('id', id, 'name', name) AS data FROM shop_author;
CREATE FUNCTION fn_rename_author(author_id bigint, name text) RETURNS jsonb LANGUAGE sql AS $$
    UPDATE shop_author SET name = $2 WHERE id = $1 RETURNING jsonb_build_object('status', 'updated', 'message', name)
$$;
INSERT INTO shop_author (name) VALUES ('Ann'), ('Bob');
INSERT INTO shop_article (title, price, author_id) VALUES ('First', 2.50, 1), ('Second', NULL, 2), ('Third', 3, 1);
"""


def printed(*command: str) -> str:
    """Return what a command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@isolate_apps("tests.library")
def test_a_database_becomes_a_schema_by_the_commands_of_the_guides(empty_schema: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(DATABASE, None)
    registry = Registry()
    models = ModuleType("tests.library.inspected")
    graphql = ModuleType("tests.library.printed")

    exec(printed("inspectdb", "shop_author", "shop_article"), vars(models))
    fraiseql.types(models.ShopAuthor, models.ShopArticle, registry=registry)
    with declaring(registry), pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, graphql.__name__, graphql)
        exec(printed("fraiseql_inspect", "v_author_card", "fn_rename_author"), vars(graphql))
        engine = GraphQLEngine(registry=registry, cache=None)
        query = """{
            shopArticles(where: {author: {name: {eq: "Ann"}}}, orderBy: {id: DESC}) { title price author { name } }
            shopAuthors(orderBy: {id: ASC}) { name shoparticleSet { title } }
            authorCards(orderBy: {id: ASC}) { name }
        }"""
        with statements(1):
            answer = data(engine, query)
        rename = """mutation {
            renameAuthor(input: {authorId: "2", name: "Eve"}) { ... on RenameAuthorSuccess { message } }
        }"""
        renamed = data(engine, rename)

    assert answer["shopArticles"] == [
        {"title": "Third", "price": "3.00", "author": {"name": "Ann"}},
        {"title": "First", "price": "2.50", "author": {"name": "Ann"}},
    ]
    assert answer["shopAuthors"][1] == {"name": "Bob", "shoparticleSet": [{"title": "Second"}]}
    assert answer["authorCards"] == [{"name": "Ann"}, {"name": "Bob"}]
    assert renamed == {"renameAuthor": {"message": "Eve"}}
