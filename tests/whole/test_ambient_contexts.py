"""Nothing of one request is in the answer of another: clock, tenant, time zone, language, user, in every order.

An engine keeps its plans and, in half of the tests, its answers. What it answers in a context must be what the ORM
gives there, whichever other context asked just before or first.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise, permutations, product
from typing import Any

import pytest
from django.core.cache import caches
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import ExtractHour, TruncDate
from django.http import HttpRequest
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from example_project.bookshop.seed import seed
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.declare.registry import default_registry
from fraiseql_django.schema.definition import Column, Computed
from tests.ambient.models import Author, House, InLanguage, Note, Publication, Tag
from tests.ambient.state import DESK, TENANT
from tests.ambient.types import AMBIENT
from tests.library.types import LIBRARY
from tests.naive import Naive
from tests.zoo.data import populate
from tests.zoo.types import ZOO

NOON = dt.datetime(2025, 12, 31, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Clerk:
    """A user of a project's own class."""

    pk: int
    is_staff: bool = False
    is_authenticated: bool = True
    is_active: bool = True


@dataclass(frozen=True)
class Context:
    """What a request finds around it."""

    now: dt.datetime = NOON
    tenant: str = "one"
    zone: str = "UTC"
    language: str = "en"
    user: Clerk = Clerk(1)

    @contextmanager
    def active(self) -> Iterator[HttpRequest]:
        """Make it what the code of a project finds; yield the request."""
        request = HttpRequest()
        request.user = self.user  # type: ignore[assignment]
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(timezone, "now", lambda: self.now)
            patch.setattr(DESK, "name", f"desk {self.user.pk}")
            patch.setattr(DESK, "is_chief", self.user.is_staff)
            token = TENANT.set(self.tenant)
            stack.callback(TENANT.reset, token)
            stack.enter_context(timezone.override(self.zone))
            stack.enter_context(translation.override(self.language))
            yield request


HERE = Context()
OTHER: dict[str, Any] = {
    "now": NOON + dt.timedelta(days=1),
    "tenant": "two",
    "zone": "Asia/Tokyo",
    "language": "de",
    "user": Clerk(2, is_staff=True),
}
THERE = Context(**OTHER)
# for whatever is asked, two contexts that differ in nothing else
CONTEXTS = [
    *(HERE, THERE),
    *(replace(HERE, **{name: value}) for name, value in OTHER.items()),
    *(replace(THERE, **{name: getattr(HERE, name)}) for name in OTHER),
]
ALL = [
    Context(**{name: value for name, value, chosen in zip(OTHER, OTHER.values(), choice, strict=True) if chosen})
    for choice in product((False, True), repeat=len(OTHER))
]


def every_order(contexts: Sequence[Context]) -> list[Context]:
    """Return a walk in which each context comes just after each other one, once (Hierholzer's algorithm)."""
    left = {one: [other for other in contexts if other is not one] for one in contexts}
    stack, walk = [contexts[0]], []
    while stack:
        if left[stack[-1]]:
            stack.append(left[stack[-1]].pop())
        else:
            walk.append(stack.pop())
    assert set(pairwise(walk)) == set(permutations(contexts, 2))
    return walk


# --- rows, and what the ORM makes of them ---


@pytest.fixture(scope="module", autouse=True)
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill all apps once: nothing here writes."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed(1 / 800)
        populate()
        houses = [House.objects.create(name=name) for name in ("Ace", "Bee")]
        tags = [Tag(name=name) for name in ("old", "new")]
        Tag._base_manager.bulk_create(tags)
        everyone: models.QuerySet[Any] = models.QuerySet(Author)
        for number, tenant in enumerate(("one", "two", "one", "two")):
            author = Author(tenant=tenant, name=f"author {number}", house=houses[number % 2 if number < 3 else 1])
            everyone.bulk_create([author])
            for index in range(4):
                at = NOON + dt.timedelta(hours=8 * (index - 1), days=0 if index < 3 else 10)
                # one publication of each is of the other tenant
                owner = tenant if index else ("two" if tenant == "one" else "one")
                publication = Publication(
                    tenant=owner, title_en=f"{'az'[index % 2]}{number}{index}", title_de=f"{'za'[index % 2]}{number}",
                    publish_at=at, author=author,
                )  # fmt: skip
                models.QuerySet(Publication).bulk_create([publication])
                publication.tags.through._base_manager.bulk_create(
                    [publication.tags.through(publication=publication, tag=tag) for tag in tags[: 1 + index % 2]]
                )
                Note._base_manager.bulk_create(
                    Note(
                        publication=publication,
                        desk=f"desk {1 + part % 2}",
                        owner=1 + part // 2,
                        text=f"t{part}{at:%d}",
                    )
                    for part in range(4)
                )
        yield
        transaction.set_rollback(True)


def titles(rows: Any) -> list[Any]:
    return [{"title": title} for title in rows.annotate(title=InLanguage("title")).values_list("title", flat=True)]


def notes(rows: Any, context: Context) -> list[Any]:
    """Return the texts of notes that the row rule shows."""
    rule = Q(owner=context.user.pk)
    if context.user.is_staff:
        rule |= Q(publication__publish_at__lte=context.now)
    return [{"text": text} for text in rows.filter(rule).values_list("text", flat=True)]


def author_of(row: Any) -> Any:
    try:
        return row.author and {"name": row.author.name}
    # Django's own message for a row that the base manager hides
    except Author.DoesNotExist:
        return None


def houses(context: Context) -> Any:
    return House.objects.filter(pk__in=Author.objects.values("house")).order_by("pk")


def label(row: Any, context: Context) -> str:
    words = {"en": ("Monday", "Sunday"), "de": ("Montag", "Sonntag")}[context.language]
    return words[0] if row.title_en < "m" else words[1]


def moments(context: Context) -> list[Any]:
    rows = Publication.objects.annotate(day=TruncDate("publish_at"), hour=ExtractHour("publish_at"))
    return [{"day": row.day.isoformat(), "hour": row.hour, "label": label(row, context)} for row in rows]


# together they ask all that is asked
MOST = ("clock, tenant and order of a manager", "thread-local and row rule", "time zone and lazy texts", "permission")
Expected = Callable[[Context], Any]
QUERIES: dict[str, tuple[str, Expected]] = {
    "clock, tenant and order of a manager": ("publications { title }", lambda context: titles(Publication.objects)),
    "count": ("publicationsCount", lambda context: Publication.objects.count()),
    "page": ("publications(limit: 2, offset: 1) { title }", lambda context: titles(Publication.objects)[1:3]),
    "no rows without asking": (
        "tags { name publications { title } publicationsCount }",
        lambda context: [
            {
                "name": tag.name,
                "publications": titles(tag.publications),
                "publicationsCount": tag.publications.count(),
            }
            for tag in Tag.objects.all()
        ],
    ),
    "nested": (
        "authors { name publications { title tags { name } } publicationsCount }",
        lambda context: [
            {
                "name": author.name,
                "publications": [
                    {**title, "tags": [{"name": tag.name} for tag in row.tags.all()]}
                    for title, row in zip(titles(author.publications), author.publications.all(), strict=True)
                ],
                "publicationsCount": author.publications.count(),
            }
            for author in Author.objects.all()
        ],
    ),
    "base manager": (
        "publications { author { name } }",
        lambda context: [{"author": author_of(row)} for row in Publication.objects.all()],
    ),
    "thread-local and row rule": (
        "publications { notes { text } notesCount }",
        lambda context: [
            {"notes": found, "notesCount": len(found)}
            for row in Publication.objects.all()
            for found in [notes(row.notes, context)]
        ],
    ),
    "row rule at the root": ("notes { text }", lambda context: notes(Note.objects, context)),
    "row rule over a query alone": (
        "houses { name }",
        lambda context: [{"name": house.name} for house in houses(context)],
    ),
    "row rule over a query": (
        "houses { name authors { name } authorsCount }",
        lambda context: [
            {
                "name": house.name,
                "authors": [{"name": author.name} for author in house.authors.all()],
                "authorsCount": house.authors.count(),
            }
            for house in houses(context)
        ],
    ),
    "some": (
        'authors(where: {publications: {some: {notes: {some: {text: {startswith: "t0"}}}}}}) { name }',
        lambda context: [
            {"name": author.name}
            for author in Author.objects.all()
            if any(
                note["text"].startswith("t0") for row in author.publications.all() for note in notes(row.notes, context)
            )
        ],
    ),
    "every and none": (
        'housesCount(where: {authors: {every: {publications: {none: {title: {startswith: "z"}}}}}})',
        lambda context: sum(
            all(
                not title["title"].startswith("z")
                for author in house.authors.all()
                for title in titles(author.publications)
            )
            for house in houses(context)
        ),
    ),
    "time zone and lazy texts": ("publications { day hour label }", moments),
    "language alone": (
        'authors(where: {greeting: {startswith: "Mo"}}) { greeting }',
        lambda context: [
            {"greeting": "Montag" if context.language == "de" else "Monday"} for _ in Author.objects.all()
        ],
    ),
    "conditions on computed": (
        'publicationsCount(where: {hour: {gte: 12}, label: {in: ["Monday", "Montag"]}})',
        lambda context: sum(row["hour"] >= 12 and row["label"].startswith("Mon") for row in moments(context)),
    ),
    "orders by computed": (
        "publications(orderBy: [{title: DESC}]) { title }",
        lambda context: sorted(titles(Publication.objects), key=lambda row: row["title"], reverse=True),
    ),
    "permission": (
        "authors { tenant }",
        lambda context: [
            {"tenant": author.tenant if context.user.is_staff else None} for author in Author.objects.all()
        ],
    ),
}


@pytest.fixture(params=["not cached", "cached"])
def engine(request: pytest.FixtureRequest, filled: None, db: None) -> Iterator[GraphQLEngine]:
    """Make an engine over the types that ask state."""
    caches["locmem"].clear()
    yield GraphQLEngine(registry=AMBIENT, cache=DjangoCache("locmem") if request.param == "cached" else None)
    caches["locmem"].clear()


def answer(engine: GraphQLEngine, query: str, context: Context) -> Any:
    with context.active() as request:
        found = engine.execute(query, request=request).json()
    assert "errors" not in found, found["errors"]
    return found["data"]


def expected_by(expected: Expected, contexts: Sequence[Context]) -> dict[Context, Any]:
    found = {}
    for context in contexts:
        with context.active():
            found[context] = expected(context)
    return found


@pytest.mark.parametrize(("query", "expected"), QUERIES.values(), ids=QUERIES)
def test_every_context_has_its_answer_after_every_other(query: str, expected: Expected, engine: GraphQLEngine) -> None:
    right = expected_by(expected, CONTEXTS)
    assert len({str(found) for found in right.values()}) > 1
    name = query.partition("(")[0].partition(" ")[0]

    for context in every_order(CONTEXTS):
        assert answer(engine, f"{{ {query} }}", context) == {name: right[context]}
    # each is the first of all as well: its plan asks less than others, where it sees nothing
    firsts = [replace(HERE, **{name: value}) for name, value in OTHER.items()] if engine.cache is None else []
    for pair in [pair for other in firsts for pair in ((HERE, other), (other, HERE))]:
        engine.planner.cache.clear()
        for context in pair:
            assert answer(engine, f"{{ {query} }}", context) == {name: right[context]}


def test_all_at_once_in_all_contexts(engine: GraphQLEngine) -> None:
    chosen = [QUERIES[name] for name in MOST]
    fields = [f"f{index}: {query}" for index, (query, _) in enumerate(chosen)]
    contexts = ALL if engine.cache is None else CONTEXTS
    right = expected_by(lambda context: {f"f{i}": of(context) for i, (_, of) in enumerate(chosen)}, contexts)
    assert len({str(found) for found in right.values()}) == len(contexts)

    for context in every_order(contexts):
        assert answer(engine, f"{{ {' '.join(fields)} }}", context) == right[context]


# --- the declarations of the other apps ---

SHOP_RULED = Registry()


@fraiseql.type(Book, fields=["title"], registry=SHOP_RULED)
class BookWithMoment:
    """What the time zone decides."""

    day: dt.date = fraiseql.field(TruncDate("created_at"))
    hour: int = fraiseql.field(ExtractHour("created_at"))


REGISTRIES = {"bookshop": default_registry, "zoo": ZOO, "library": LIBRARY, "moments": SHOP_RULED}
ZONES = [
    Context(**{name: value for name, value in OTHER.items() if name in chosen})
    for chosen in ((), ("zone",), ("language",), ("now", "user"), tuple(OTHER))
]


@pytest.mark.django_db
@pytest.mark.parametrize("cached", [False, True], ids=["not cached", "cached"])
@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_every_declaration_is_answered_as_without_others(registry: Registry, cached: bool) -> None:
    caches["locmem"].clear()
    engine = GraphQLEngine(registry=registry, cache=DjangoCache("locmem") if cached else None)
    naive = Naive(engine.schema)
    for definition in engine.schema.types.values():
        if definition.plural is None or definition.source is not None:
            continue
        leaves = [name for name, field in definition.fields.items() if isinstance(field, (Column, Computed))]
        query = f"{{ {definition.plural}(limit: 5) {{ {' '.join(leaves)} __typename }} }}"
        right = {}
        for context in ZONES:
            with context.active():
                found = naive.execute(query)
            assert found.errors is None
            right[context] = found.data

        for context in every_order(ZONES):
            assert answer(engine, query, context) == right[context]
