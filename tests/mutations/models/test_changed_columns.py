"""Columns that change starting from the value that they have: increments, and the like."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, changes, nested
from tests.library.models import Novel, Verse, Writer
from tests.library.support import Library, make_engine
from tests.library.support import failing as failing_in
from tests.library.support import run as run_in
from tests.library.types import LIBRARY, NovelType, VerseType

REGISTRY = Registry(types=list(LIBRARY.types))
NUMBER: Any = {"set": True, "inc": True, "mul": True}
FIELDS = [
    changes("title", append=True, prepend=True),
    changes("pages", **NUMBER),
    changes("price", **NUMBER),
    "discount",
    changes("tags", set=True, append=True, prepend=True, remove=True),
    changes("notes", merge=True, remove_keys=True),
    nested("verses", update=[changes("place", inc=True)], create=["place", "text"]),
]
fraiseql.update(NovelType, fields=FIELDS, registry=REGISTRY)
fraiseql.upsert(
    NovelType, fields=["isbn", "title", "writer", changes("version", inc=True)], unique="isbn", registry=REGISTRY
)
fraiseql.update(
    VerseType,
    fields=[
        changes("seen", now=True, inc=True, set=True),
        changes("lasts", inc=True),
        changes("weight", inc=True, mul=True),
        changes("tags", append=True, remove=True),
        changes("facts", merge=True, remove_keys=True, set=True),
        changes("text", append=True),
    ],
    registry=REGISTRY,
)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library(db: None) -> Library:
    return Library()


CALL, DECLARED = "updateNovel(id: $id, input: $i)", "($id: ID!, $i: UpdateNovelInput!)"


def change(engine: GraphQLEngine, library: Library, **given: Any) -> Novel:
    run_in(engine, CALL, "novel { id }", {"id": library.novel.pk, "i": given}, DECLARED)
    library.novel.refresh_from_db()
    return library.novel


def failing(engine: GraphQLEngine, library: Library, **given: Any) -> list[tuple[Any, ...]]:
    found = failing_in(engine, CALL, {"id": library.novel.pk, "i": given}, DECLARED)
    return [error[:3] for error in found]


def change_verse(engine: GraphQLEngine, verse: Verse, **given: Any) -> Verse:
    call, declared = "updateVerse(id: $id, input: $i)", "($id: ID!, $i: UpdateVerseInput!)"
    run_in(engine, call, "verse { id }", {"id": verse.pk, "i": given}, declared)
    verse.refresh_from_db()
    return verse


def failing_verse(engine: GraphQLEngine, verse: Verse, **given: Any) -> list[tuple[Any, ...]]:
    call, declared = "updateVerse(id: $id, input: $i)", "($id: ID!, $i: UpdateVerseInput!)"
    return [error[:3] for error in failing_in(engine, call, {"id": verse.pk, "i": given}, declared)]


def fields(engine: GraphQLEngine, name: str) -> dict[str, str]:
    return {key: str(field.type) for key, field in engine.schema.graphql.type_map[name].fields.items()}  # type: ignore[attr-defined]


def test_only_what_is_declared_is_in_the_inputs(engine: GraphQLEngine) -> None:
    assert fields(engine, "UpdateNovelPagesInput") == {"set": "Int", "inc": "Int", "mul": "Int"}
    assert fields(engine, "UpdateNovelPriceInput") == {"set": "Decimal", "inc": "Decimal", "mul": "Decimal"}
    assert fields(engine, "UpdateNovelTagsInput") == {
        "set": "[String!]",
        "append": "[String!]",
        "prepend": "[String!]",
        "remove": "[String!]",
    }
    assert fields(engine, "UpdateNovelNotesInput") == {"merge": "JSON", "removeKeys": "[String!]"}
    assert fields(engine, "UpdateVerseSeenInput") == {"set": "DateTime", "inc": "Duration", "now": "Boolean"}


# --- what they come to ---


def test_numbers(engine: GraphQLEngine, library: Library) -> None:
    assert change(engine, library, pages={"inc": -50}).pages == 200
    assert change(engine, library, pages={"mul": 2}).pages == 400
    assert change(engine, library, pages={"set": 7}).pages == 7
    assert change(engine, library, price={"inc": "0.01"}).price == Decimal("10.01")
    # 10.01 * 1.5 is 15.015, which PostgreSQL rounds like this
    assert change(engine, library, price={"mul": "1.5"}).price == Decimal("15.02")


def test_texts_arrays_and_objects(engine: GraphQLEngine, library: Library) -> None:
    assert change(engine, library, title={"append": "!"}).title == "Tehanu!"
    assert change(engine, library, title={"prepend": "¡"}).title == "¡Tehanu!"
    assert change(engine, library, tags={"append": ["a", "b"]}).tags == ["a", "b"]
    assert change(engine, library, tags={"prepend": ["b"]}).tags == ["b", "a", "b"]
    assert change(engine, library, tags={"remove": ["b", "c"]}).tags == ["a"]
    assert change(engine, library, notes={"merge": {"a": 1, "b": {"c": 2}}}).notes == {"a": 1, "b": {"c": 2}}
    # as PostgreSQL's || merges
    assert change(engine, library, notes={"merge": {"b": {"d": 3}}}).notes == {"a": 1, "b": {"d": 3}}
    assert change(engine, library, notes={"removeKeys": ["a", "x"]}).notes == {"b": {"d": 3}}


def test_moments_and_durations(engine: GraphQLEngine, library: Library) -> None:
    verse = Verse.objects.create(novel=library.novel, place=1, text="a", lasts=timedelta(hours=1), weight=0.5)
    before = timezone.now()

    seen = change_verse(engine, verse, seen={"now": True}).seen
    assert seen is not None
    assert before <= seen <= timezone.now()
    assert change_verse(engine, verse, seen={"inc": "P1D"}).seen == seen + timedelta(days=1)
    assert change_verse(engine, verse, lasts={"inc": "PT30M"}).lasts == timedelta(minutes=90)
    assert change_verse(engine, verse, weight={"mul": 3}).weight == 1.5


def test_null_has_nothing_to_add_to(engine: GraphQLEngine, library: Library) -> None:
    verse = Verse.objects.create(novel=library.novel, place=1, text="a")

    assert failing_verse(engine, verse, weight={"inc": 1}) == [("weight", "null", 422)]
    assert failing_verse(engine, verse, lasts={"inc": "PT1S"}) == [("lasts", "null", 422)]
    assert failing_verse(engine, verse, seen={"inc": "PT1S"}) == [("seen", "null", 422)]
    # an array and an object begin empty, and there is nothing to take from them
    assert change_verse(engine, verse, tags={"remove": ["a"]}).tags is None
    assert change_verse(engine, verse, tags={"append": ["a"]}).tags == ["a"]
    assert change_verse(engine, verse, facts={"removeKeys": ["a"]}).facts is None
    assert change_verse(engine, verse, facts={"merge": {"a": 1}}).facts == {"a": 1}
    assert change_verse(engine, verse, seen={"set": None}).seen is None


def test_changes_in_nested_objects(engine: GraphQLEngine, library: Library) -> None:
    verse = Verse.objects.create(novel=library.novel, place=1, text="a")

    change(engine, library, verses={"update": [{"id": verse.pk, "place": {"inc": 2}}]})
    verse.refresh_from_db()
    assert verse.place == 3


def test_new_object_starts_from_the_default(engine: GraphQLEngine, library: Library) -> None:
    call, declared = "upsertNovel(input: $i)", "($i: UpsertNovelInput!)"
    given = {"isbn": "2", "title": "A", "writer": library.writer.pk, "version": {"inc": 5}}

    for version in (6, 11):
        assert run_in(engine, call, "novel { version }", {"i": given}, declared) == {"novel": {"version": version}}


# --- what is wrong with them ---


def test_what_it_comes_to_is_validated(engine: GraphQLEngine, library: Library) -> None:
    for given, error in [
        ({"pages": {"inc": -251}}, ("pages", "min_value", 422)),
        ({"pages": {"inc": 32767}}, ("pages", "max_value", 422)),
        ({"pages": {"mul": 2147483647}}, ("pages", "max_value", 422)),
        ({"price": {"inc": "0.001"}}, ("price", "max_decimal_places", 422)),
        ({"price": {"mul": "1000000"}}, ("price", "max_digits", 422)),
        ({"title": {"append": "x" * 20}}, ("title", "max_length", 422)),
        ({"tags": {"append": ["too long"]}}, ("tags", "item_invalid", 422)),
        ({"tags": {"append": ["\0"]}}, ("tags", "null_characters_not_allowed", 422)),
        ({"notes": {"merge": [1]}}, ("notes", "invalid", 422)),
        ({"price": {"set": None}}, ("price", "null", 422)),
        ({"title": None}, ("title", "null", 422)),
        ({"pages": {}}, ("pages", "invalid", 422)),
        ({"pages": {"inc": 1, "mul": 2}}, ("pages", "invalid", 422)),
        ({"pages": {"inc": None}}, ("pages", "invalid", 422)),
    ]:
        assert failing(engine, library, **given) == [error], given


def test_constraints_hold(engine: GraphQLEngine, library: Library) -> None:
    assert failing(engine, library, price={"inc": "-1"}, discount="9.50") == [(None, "too_cheap", 422)]
    assert [error[0] for error in failing(engine, library, price={"inc": "-11"})] == [None, None]
    assert change(engine, library, price={"inc": "-0.50"}, discount="9.50").price == Decimal("9.50")


def test_more_than_the_type_holds(engine: GraphQLEngine, library: Library) -> None:
    verse = Verse.objects.create(
        novel=library.novel, place=2**31 - 1, text="a", weight=1e308, lasts=timedelta.max, facts=[1],
        seen=datetime(9999, 12, 31, tzinfo=UTC),
    )  # fmt: skip

    assert failing(engine, library, verses={"update": [{"id": verse.pk, "place": {"inc": 1}}]}) == [
        ("verses.update.0.place", "max_value", 422)
    ]
    assert failing_verse(engine, verse, weight={"mul": 10}) == [("weight", "invalid", 422)]
    assert failing_verse(engine, verse, seen={"inc": "P99D"}) == [("seen", "invalid", 422)]
    assert failing_verse(engine, verse, facts={"merge": {"a": 1}}) == [("facts", "invalid", 422)]


DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda: changes("pages"), "changes('pages') allows nothing: give it one of set, inc, mul, append"),
    (lambda: changes("pages", append=True), "update(NovelType): changes('pages') has append, which a PositiveSmallIntegerField has not; it has: set, inc, mul"),
    (lambda: changes("state", append=True), "update(NovelType): changes('state') has append, which a CharField has not; it has: set"),
    (lambda: changes("published", inc=True), "update(NovelType): changes('published') has inc, which a DateField has not; it has: set"),
    (lambda: changes("writer", set=True), "update(NovelType): writer is a relation, which changes() is not for; use nested()"),
    (lambda: changes("cover", set=True), "update(NovelType): changes('cover') has set, which a FileField has not; it has: none"),
    (lambda: changes("x", set=True), "update(NovelType): Novel has no field 'x'"),
    (lambda: nested("verses", create=[changes("place", inc=True)]), "update(NovelType): verses.place of a new object has no value to change; name it plainly"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), DECLARED_WRONGLY)
def test_wrong_declaration(make: Any, message: str) -> None:
    registry = Registry(types=list(LIBRARY.types))

    def declare() -> Any:
        fraiseql.update(NovelType, fields=[make()], registry=registry)
        return GraphQLEngine(registry=registry, cache=None).schema

    with pytest.raises(fraiseql.DeclarationError) as caught:
        declare()
    assert str(caught.value)[: len(message)] == message


# --- at the same time ---


@pytest.mark.django_db(transaction=True)
def test_no_increment_is_lost() -> None:
    engine = make_engine(REGISTRY)
    novel = Novel.objects.create(title="A", isbn="1", writer=Writer.objects.create(name="a"), pages=0)
    _ = engine.schema
    threads, times = 4, 10

    def run() -> None:
        try:
            for _ in range(times):
                answer = engine.execute(
                    f"mutation {{ updateNovel(id: {novel.pk}, input: {{pages: {{inc: 1}}}}) {{ __typename }} }}"
                )
                assert answer.json() == {"data": {"updateNovel": {"__typename": "UpdateNovelSuccess"}}}
        finally:
            connections.close_all()

    together(*[run] * threads)
    novel.refresh_from_db()
    assert novel.pages == threads * times


@pytest.mark.django_db(transaction=True)
def test_increment_waits_for_one_that_is_not_committed_and_is_validated_with_it() -> None:
    engine = make_engine(REGISTRY)
    novel = Novel.objects.create(title="A", isbn="1", writer=Writer.objects.create(name="a"), pages=1)
    _ = engine.schema
    answers: list[Any] = []
    begun = threading.Event()

    def run() -> None:
        try:
            begun.set()
            call = f"updateNovel(id: {novel.pk}, input: {{pages: {{inc: -1}}}})"
            answers.append(run_in(engine, call, "novel { pages }"))
        finally:
            connections.close_all()

    with transaction.atomic():
        Novel.objects.filter(pk=novel.pk).update(pages=0)
        thread = threading.Thread(target=run)
        thread.start()
        assert begun.wait(10)
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(30)

    # one that had read the old value would have written -1, or 0
    assert [error["identifier"] for error in answers[0]["errors"]] == ["min_value"]


def together(*functions: Any) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
