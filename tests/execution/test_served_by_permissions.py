"""No plan and no answer that was kept for one viewer is used for another to whom permissions in Python say otherwise.

Random viewers, each with permissions of their own, send the same operations to an engine that keeps plans and answers,
and to one that has no cache and forgets its plans before each.
"""

import json
import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import caches
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Left

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.declare.rules import as_rule
from tests.support import make_engine, make_shop

REGISTRY = Registry()
# what viewers may do, by their keys
GRANTED: dict[Any, frozenset[str]] = {}
NAMES: list[str] = []


def may(name: str) -> Any:
    """Return a permission that looks up a name among what the viewer may; some are coroutine functions."""
    NAMES.append(name)

    def by_id(viewer: fraiseql.AnyViewer) -> bool:
        return name in GRANTED[viewer.id]

    async def by_value(viewer: fraiseql.AnyViewer) -> bool:
        return name in GRANTED[viewer.value("user_id", int)]

    def by_flag(viewer: fraiseql.AnyViewer) -> bool:
        return name in GRANTED[viewer.id] and (viewer.is_authenticated or viewer.id is None)

    return [by_id, by_value, by_flag][len(NAMES) % 3]


PUBLIC = fraiseql.CachePolicy(max_age=60, scope="public")
ALL = ["single", "plural", "connection", "aggregate", "groups"]
LISTS = ["plural", "connection", "aggregate", "groups"]


@fraiseql.interface(plural="nameds", registry=REGISTRY, permission=may("Named"), mask=True)
class Named:
    name: str


@fraiseql.type(
    Author, fields=["id", "name", "books"], implements=[Named], permission=may("Author"), mask=True, cache=PUBLIC,
    queries=ALL, lists=LISTS, registry=REGISTRY,
)  # fmt: skip
class AuthorType:
    bio: fraiseql.auto = fraiseql.field(permission=may("Author.bio"), mask=True)
    born: fraiseql.auto = fraiseql.field(permission=may("Author.born"))

    @fraiseql.field(requires=["name", "bio"], permission=may("Author.both"), mask=True)
    def both(self) -> str:
        return f"{self.name} {self.bio}"

    @fraiseql.field
    @staticmethod
    def part(length: Annotated[int, as_rule(may("Author.part"), "")] = 3) -> fraiseql.Expression[str]:
        return Left("name", length)


@fraiseql.type(
    Publisher, fields=["id", "name", "books"], implements=[Named], permission=may("Publisher"), cache=PUBLIC,
    queries=ALL, lists=LISTS, registry=REGISTRY,
)  # fmt: skip
class PublisherType:
    founded: fraiseql.auto = fraiseql.field(permission=may("Publisher.founded"), mask=True)


@fraiseql.type(
    Book, fields=["id", "title", "reviews"], cache=PUBLIC, registry=REGISTRY, lists=LISTS,
    queries={
        "plural": may("books"),
        "single": None,
        "connection": may("booksConnection"),
        "aggregate": None,
        "groups": may("groups"),
    },
    rows=lambda viewer: viewer.is_staff or Q(price__gt=11),
)  # fmt: skip
class BookType:
    price: fraiseql.auto = fraiseql.field(permission=may("Book.price"), mask=True)
    pages: fraiseql.auto = fraiseql.field(permission=may("Book.pages"))
    publisher: fraiseql.auto = fraiseql.field(permission=may("Book.publisher"), mask=True)
    authors: fraiseql.auto = fraiseql.field(permission=may("Book.authors"), mask=True)
    how_many: int = fraiseql.field(Count("reviews"), permission=may("Book.howMany"), mask=True)


@fraiseql.type(Review, fields=["id", "stars", "book"], permission=may("Review"), mask=True, registry=REGISTRY)
class ReviewType:
    pass


Thing = fraiseql.union("Thing", [AuthorType, PublisherType, BookType], plural="things", registry=REGISTRY)


@fraiseql.query(registry=REGISTRY, permission=may("chosen"), cache=PUBLIC)
def chosen(info: fraiseql.Info) -> "QuerySet[Book]":
    return Book.objects.order_by("pk")


@fraiseql.mutation(registry=REGISTRY, permission=may("touch"))
def touch(info: fraiseql.Info, id: int, gift: Annotated[bool, as_rule(may("gift"), "")] = False) -> Book | None:
    return Book.objects.filter(pk=id).first()


# All of them ask at least one permission. %(…)s are keys.
OPERATIONS = [
    "{ authors { name bio both books { title price } } }",
    "{ authors { name born } }",
    "{ a: author(id: %(author)s) { bio both } b: book(id: %(book)s) { title pages } }",
    "{ books { title price howMany publisher { name founded } authors { name bio } reviews { stars } } }",
    "{ books(where: {price: {gt: 10}}) { title } }",
    "{ books(orderBy: {publisher: {founded: ASC}}) { title } }",
    "{ books(orderBy: {howMany: DESC}) { title } }",
    '{ authors(where: {bio: {eq: "b"}}) { name } }',
    "{ authors(where: {books: {some: {price: {gt: 10}}}}) { name } }",
    '{ publishers(where: {books: {some: {authors: {some: {bio: {eq: "b"}}}}}}) { name } }',
    "{ booksConnection(first: 2) { totalCount edges { node { title price authors { both } } } } }",
    "{ authorsConnection(first: 1) { edges { node { bio both } } } }",
    "{ booksAggregate { count max { price pages howMany } } }",
    "{ authorsAggregate { count max { born bio } } }",
    "{ booksGroups { key { price publisher { name } } count } }",
    "{ booksCount authorsCount reviewsCount publishersCount }",
    "{ nameds { __typename name ... on Author { bio both } ... on Publisher { founded } } namedsCount }",
    "{ things { __typename ... on Author { bio } ... on Publisher { founded } ... on Book { title price } } }",
    "{ thingsCount }",
    "{ chosen { title price authors { both } } }",
    "{ chosen { title } authors { both } __typename }",
    "{ authors { part } }",
    "query ($length: Int) { authors { part(length: $length) } }",
    "{ node(id: %(author)s) { __typename ... on Author { bio both } } }",
    "{ nodes(ids: [%(book)s, %(publisher)s]) { __typename ... on Book { price } ... on Publisher { founded } } }",
    "mutation { touch(id: 0) { title price authors { name bio both } } }",
    "mutation { touch(id: %(key)s) { title price authors { name bio both } } }",
    "mutation { touch(id: %(key)s, gift: true) { title pages } }",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("alias", ["locmem", "redis"])
def test_answers_are_those_of_an_engine_that_keeps_nothing(alias: str) -> None:
    shop = make_shop()
    caches[alias].clear()
    settings = replace(get_settings(), node=True)
    keeping = make_engine(alias, registry=REGISTRY, settings=settings)
    forgetting = GraphQLEngine(registry=REGISTRY, cache=None, settings=settings)
    users = [AnonymousUser(), *(User.objects.create(username=str(n), is_staff=n == 0) for n in range(3))]
    GRANTED.update({user.pk: frozenset(NAMES) for user in users})

    def id_of(rows: str) -> str:
        return json.dumps(
            forgetting.execute(f"{{ {rows} {{ id }} }}", request=by(users[1])).json()["data"][rows][0]["id"]
        )

    ids = {"author": id_of("authors"), "book": id_of("books"), "publisher": id_of("publishers")}
    operations = [text % {**ids, "key": shop.books[2].pk} for text in OPERATIONS]
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    both = 0

    for step in range(300):
        if step % 30 == 0:
            for user in users:
                GRANTED[user.pk] = frozenset(name for name in NAMES if chance.random() < 0.9)
        if step % 50 == 49:
            Author.objects.update(bio=str(step))
        text, user = chance.choice(operations), chance.choice(users)
        variables = {"length": 2} if "$length" in text and chance.random() < 0.7 else {}
        forgetting.clear_plans()
        expected = forgetting.execute(text, variables, request=by(user))
        found = keeping.execute(text, variables, request=by(user))
        where = (seed, step, text, user, sorted(set(NAMES) - GRANTED[user.pk]))
        assert found.json() == expected.json(), where
        assert not found.policy.public, where
        both |= 1 << bool(found.errors)

    assert both == 3
    assert keeping.statistics().result_hits > 30


def by(user: Any) -> Any:
    return SimpleNamespace(user=user)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [1, 0, None, [], "yes"])
@pytest.mark.parametrize("waits", [False, True])
def test_permission_that_returns_no_bool_is_wrong_with_a_kept_plan_as_well(waits: bool, wrong: Any) -> None:
    registry, answers = Registry(), [True, False]

    def decide(viewer: fraiseql.AnyViewer) -> bool:
        return answers[0]

    async def decide_later(viewer: fraiseql.AnyViewer) -> bool:
        return answers[0]

    @fraiseql.type(Author, name="Author", fields=["name"], registry=registry)
    class Shown:
        bio: fraiseql.auto = fraiseql.field(permission=decide_later if waits else decide, mask=True)

    engine = GraphQLEngine(registry=registry, cache=None, settings=replace(get_settings(), mask_errors=False))

    def answer() -> Any:
        return engine.execute("{ authors { bio } }").json()

    for _ in range(2):
        assert answer() == {"data": {"authors": []}}
        answers.reverse()
    answers[0] = wrong
    assert f"the permission of Author.bio returned {wrong!r}, must be True or False" in str(answer())
