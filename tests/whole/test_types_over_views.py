"""Types over views, tables and JSON answer as the types over the models below them do."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from fraiseql_django import GraphQLEngine
from tests.naive import assert_same_answer
from tests.sources import sql
from tests.sources.types import VIEWS
from tests.support import data

pytestmark = pytest.mark.django_db

ROOTS = ["bookCards", "bookBares", "bookRows", "bookStoreds", "bookTables", "bookQualifieds", "bookQuoteds"]

SELECTIONS = [
    "id isbn title price published pages weight inPrint tags readingTime createdAt format categoryId publisherId",
    "attributes",
    "publisher { id name country founded }",
    "reviews { id stars headline createdAt customer { id name } }",
    "a: title b: title ... on Book { price } reviews { n: stars customer { name ...Who } }",
]
CONDITIONS = [
    '{price: {gt: "9.5"}}',
    "{price: {lte: 20}}",
    "{price: {in: [10, 6.9]}}",
    '{price: {nin: ["6.90"]}}',
    "{pages: {lt: 300}}",
    "{pages: {isnull: true}}",
    "{pages: {eq: null}}",
    "{pages: {neq: null}}",
    "{pages: {in: []}}",
    "{pages: {nin: []}}",
    '{published: {gte: "2005-01-01", lt: "2015-06-01"}}',
    "{weight: {gt: 250.5}}",
    "{inPrint: {eq: true}}",
    "{inPrint: {neq: true}}",
    '{title: {icontains: "THE"}}',
    '{title: {startswith: "The "}}',
    '{title: {like: "%o_"}}',
    '{title: {matches: "^.{3} "}}',
    '{isbn: {gt: "9780"}}',
    "{id: {eq: 7}}",
    '{id: {in: ["1", "2", 49]}}',
    '{createdAt: {gt: "2022-01-01T00:00:00+01:00"}}',
    '{readingTime: {gt: "PT5H"}}',
    "{format: {eq: HARDCOVER}}",
    "{format: {in: [AUDIO, E_BOOK]}}",
    "{format: {isnull: false}}",
    '{attributes: {eq: {language: "en"}}}',
    '{tags: {eq: ["gift"]}}',
    "{tags: {neq: []}}",
    "{categoryId: {isnull: true}}",
    '{categoryId: {in: ["1", "2", "3", "29", "46"]}}',
    '{publisher: {name: {startswith: "A"}}}',
    "{publisher: {founded: {lt: 1950}}}",
    '{NOT: {publisher: {name: {contains: "e"}}}}',
    "{NOT: {pages: {gt: 100}}}",
    '{OR: [{id: {eq: 1}}, {publisher: {country: {eq: "US"}}}]}',
    "{OR: []}",
    "{AND: []}",
    "{AND: [{pages: {gt: 100}}, {pages: {lt: 500}}]}",
    "{reviews: {some: {stars: {eq: 5}}}}",
    "{reviews: {some: {}}}",
    "{reviews: {none: {}}}",
    "{reviews: {every: {}}}",
    "{reviews: {every: {stars: {gte: 3}}}}",
    "{reviews: {none: {stars: {lt: 3}}}}",
    "{reviews: {some: {customer: {name: {isnull: true}}}}}",
    '{reviews: {every: {customer: {name: {neq: "x"}}}}}',
    '{reviews: {some: {NOT: {customer: {name: {icontains: "a"}}}}, none: {stars: {eq: 1}}}}',
    "{NOT: {attributes: {eq: null}}}",
]
# through relations by keys, and what the models have for them
RELATED = {
    '{book: {title: {startswith: "The"}}}': '{title: {startswith: "The"}}',
    "{book: {pages: {isnull: true}}}": "{pages: {isnull: true}}",
    "{NOT: {book: {pages: {gt: 200}}}}": "{NOT: {pages: {gt: 200}}}",
    '{isbnBook: {publisher: {name: {startswith: "A"}}}}': '{publisher: {name: {startswith: "A"}}}',
    "{siblings: {some: {price: {gt: 40}}}}": "{publisher: {books: {some: {price: {gt: 40}}}}}",
    "{siblings: {every: {price: {gt: 6}}}}": "{publisher: {books: {every: {price: {gt: 6}}}}}",
    "{siblings: {none: {price: {gt: 48}}}}": "{publisher: {books: {none: {price: {gt: 48}}}}}",
    '{house: {country: {neq: "US"}}}': '{publisher: {country: {neq: "US"}}}',
    '{NOT: {house: {country: {eq: "US"}}}}': '{NOT: {publisher: {country: {eq: "US"}}}}',
    "{book: {reviews: {some: {stars: {eq: 5}}}}}": "{reviews: {some: {stars: {eq: 5}}}}",
    "{NOT: {book: {reviews: {some: {stars: {eq: 5}}}}}}": "{NOT: {reviews: {some: {stars: {eq: 5}}}}}",
    '{house: {books: {some: {authors: {some: {name: {contains: "a"}}}}}}}': (
        '{publisher: {books: {some: {authors: {some: {name: {contains: "a"}}}}}}}'
    ),
    '{house: {cards: {some: {reviews: {some: {stars: {eq: 1}}}, publisher: {name: {startswith: "A"}}}}}}': (
        '{publisher: {books: {some: {reviews: {some: {stars: {eq: 1}}}, publisher: {name: {startswith: "A"}}}}}}'
    ),
    "{NOT: {house: {cards: {some: {reviews: {every: {stars: {gt: 2}}}}}}}}": (
        "{NOT: {publisher: {books: {some: {reviews: {every: {stars: {gt: 2}}}}}}}}"
    ),
    # of a book that is not there nothing is true
    "{ghost: {}}": "{OR: []}",
    "{NOT: {ghost: {}}}": "{}",
    '{ghost: {title: {startswith: "T"}}}': "{OR: []}",
    '{NOT: {ghost: {title: {startswith: "T"}}}}': "{}",
    "{ghost: {title: {isnull: true}}}": "{OR: []}",
    "{NOT: {ghost: {title: {isnull: true}}}}": "{}",
    "{NOT: {ghost: {title: {isnull: false}}}}": "{}",
    "{ghost: {OR: [{title: {isnull: true}}, {price: {gt: 1}}]}}": "{OR: []}",
    "{ghost: {pages: {nin: []}}}": "{OR: []}",
    "{ghost: {reviews: {none: {}}}}": "{OR: []}",
    "{ghost: {reviews: {some: {}}}}": "{OR: []}",
    "{NOT: {ghost: {NOT: {reviews: {some: {}}}}}}": "{}",
}
ORDERS = [
    "{price: DESC}", "{pages: ASC}", "{pages: DESC_NULLS_LAST}", "{published: ASC_NULLS_FIRST}", "{title: ASC}",
    "{inPrint: DESC}",    "{format: ASC}", "{readingTime: ASC}", "{createdAt: DESC}", "{weight: ASC}", "{isbn: DESC}",
    "{publisher: {name: DESC}}", "{publisher: {founded: ASC}}, {price: DESC}",
]  # fmt: skip
RELATED_ORDERS = {
    "{book: {price: ASC}}": "{price: ASC}",
    "{house: {name: DESC}}, {isbnBook: {title: ASC}}": "{publisher: {name: DESC}}, {title: ASC}",
    "{book: {publisher: {country: ASC}}}": "{publisher: {country: ASC}}",
    "{ghost: {publisher: {country: ASC}}}, {title: DESC}": "{title: DESC}",
}


@pytest.fixture(scope="module")
def views(populated: None, django_db_blocker: DjangoDbBlocker) -> Iterator[GraphQLEngine]:
    """Make an engine over views of the bookshop, which keeps no answers."""
    with django_db_blocker.unblock(), transaction.atomic():
        sql.create()
        yield GraphQLEngine(registry=VIEWS, cache=None)
        transaction.set_rollback(True)
    sql.forget()


@cache
def of_the_model(engine: GraphQLEngine, arguments: str, selection: str) -> Any:
    """Ask the model; the answer is that of graphql-core's executor."""
    fragment = " fragment Who on Customer { id }" if "...Who" in selection else ""
    return assert_same_answer(engine, f"{{ books({arguments}) {{ {selection} }} }}{fragment}")["books"]


def same(engine: GraphQLEngine, root: str, arguments: str, selection: str, of_model: str | None = None) -> Any:
    """Ask a view and the model, whose arguments are ``of_model`` where they differ; return the one answer."""
    expected = of_the_model(engine, of_model or arguments, selection)
    type_name = root[0].upper() + root[1:-1]
    of_view = re.sub(r"\.\.\. on Book\b", f"... on {type_name}", selection)
    fragment = " fragment Who on Reviewer { id }" if "...Who" in selection else ""
    query = f"{{ {root}({arguments}) {{ {of_view} }} }}{fragment}"
    actual = data(engine, query)[root]
    assert actual == expected, query
    return actual


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_selections(views: GraphQLEngine, root: str, selection: str) -> None:
    assert same(views, root, "orderBy: {isbn: ASC}", selection)


@pytest.mark.parametrize("root", ["bookCards", "bookBares", "bookRows"])
@pytest.mark.parametrize("where", CONDITIONS)
def test_conditions(views: GraphQLEngine, root: str, where: str) -> None:
    same(views, root, f"orderBy: {{isbn: ASC}}, where: {where}", "id")


@pytest.mark.parametrize("root", ["bookCards", "bookBares", "bookRows"])
@pytest.mark.parametrize("where", RELATED)
def test_conditions_on_relations(views: GraphQLEngine, root: str, where: str) -> None:
    order = "orderBy: {isbn: ASC}, where: "
    same(views, root, order + where, "id", order + RELATED[where])


@pytest.mark.parametrize("root", ["bookCards", "bookBares", "bookRows"])
@pytest.mark.parametrize("order", ORDERS)
def test_orders(views: GraphQLEngine, root: str, order: str) -> None:
    assert len(same(views, root, f"orderBy: [{order}, {{isbn: ASC}}], limit: 30, offset: 2", "id")) == 30


@pytest.mark.parametrize("root", ["bookCards", "bookBares", "bookRows"])
@pytest.mark.parametrize("order", RELATED_ORDERS)
def test_orders_by_relations(views: GraphQLEngine, root: str, order: str) -> None:
    ours, theirs = (f"orderBy: [{terms}, {{isbn: ASC}}]" for terms in (order, RELATED_ORDERS[order]))
    same(views, root, ours, "id", theirs)
