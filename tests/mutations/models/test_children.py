"""Objects of a relation that are updated, upserted, replaced and deleted with the object that has them."""

import random
import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, changes, nested
from fraiseql_django.conf.settings import get_settings
from tests.library.models import Bookmark, Chapter, Genre, Manuscript, Novel, Remark, Shop, Stock, Verse, Writer
from tests.library.support import Library, make_engine
from tests.library.support import failing as failing_in
from tests.library.support import run as run_in
from tests.library.types import LIBRARY, NovelType, WriterType

pytestmark = pytest.mark.django_db

REGISTRY = Registry(types=list(LIBRARY.types))
LINE = ["stars", "text"]
FIELDS = [
    "title",
    nested("writer", update=["name", nested("mentor", update=["name"])], version="version"),
    nested("editor", upsert=["name"], connect=True),
    nested("remarks", create=LINE, update=LINE, upsert=LINE, replace=LINE, delete=True),
    nested("bookmarks", update=["label"], delete=True, disconnect=True),
    nested("manuscript", update=["place"], upsert=["place"], delete=True),
    nested("chapters", update=["heading"], upsert=["number", "heading"], replace=["number", "heading"],
           unique="number", delete=True),
    nested("verses", update=["place", "text"], version="version", replace=["place", "text"]),
    nested("genres", update=["name"], upsert=["name"], unique="name", connect=True, delete=True),
]  # fmt: skip
fraiseql.update(NovelType, fields=FIELDS, registry=REGISTRY)
fraiseql.create(
    NovelType,
    fields=["title", "isbn", "writer", nested("genres", upsert=["name"], unique="name", connect=True),
            nested("chapters", upsert=["number", "heading"], unique=["number"])],
    registry=REGISTRY,
)  # fmt: skip
fraiseql.update(
    WriterType,
    fields=[
        nested("novels", update=["title", nested("remarks", update=["stars"], delete=True)]),
        nested("pupils", delete=True),
    ],
    registry=REGISTRY,
)
fraiseql.upsert(
    NovelType, fields=["isbn", "title", "writer", nested("remarks", update=LINE)], unique="isbn", registry=REGISTRY
)
fraiseql.update(NovelType, fields=[nested("remarks", update=LINE)], bulk=True, registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def other(library: Library) -> Novel:
    return Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)


CALL, DECLARED = "updateNovel(id: $id, input: $i)", "($id: ID!, $i: UpdateNovelInput!)"
SELECTED = "novel { title remarks { stars text } }"


def change(engine: GraphQLEngine, library: Library, **given: Any) -> Any:
    return run_in(engine, CALL, SELECTED, {"id": library.novel.pk, "i": given}, DECLARED)["novel"]


def failing(engine: GraphQLEngine, library: Library, **given: Any) -> list[tuple[Any, ...]]:
    found = failing_in(engine, CALL, {"id": library.novel.pk, "i": given}, DECLARED)
    return [error[:3] for error in found]


def fields(engine: GraphQLEngine, name: str) -> dict[str, str]:
    return {key: str(field.type) for key, field in engine.schema.graphql.type_map[name].fields.items()}  # type: ignore[attr-defined]


def texts(novel: Novel) -> dict[str, int]:
    return dict(novel.remarks.values_list("text", "stars"))


# --- inputs ---


def test_only_what_is_declared_is_in_the_inputs(engine: GraphQLEngine) -> None:
    assert fields(engine, "UpdateNovelRemarksInput") == {
        "create": "[UpdateNovelRemarksCreateInput!]",
        "update": "[UpdateNovelRemarksUpdateInput!]",
        "upsert": "[UpdateNovelRemarksUpsertInput!]",
        "replace": "[UpdateNovelRemarksReplaceInput!]",
        "delete": "[ID!]",
    }
    assert fields(engine, "UpdateNovelRemarksUpdateInput") == {"id": "ID!", "stars": "Int", "text": "String"}
    assert fields(engine, "UpdateNovelRemarksUpsertInput") == {"id": "ID", "stars": "Int", "text": "String"}
    assert fields(engine, "UpdateNovelChaptersUpdateInput") == {"number": "Int!", "heading": "String"}
    assert fields(engine, "UpdateNovelChaptersUpsertInput") == {"number": "Int!", "heading": "String!"}
    assert fields(engine, "UpdateNovelChaptersDeleteInput") == {"number": "Int!"}
    assert fields(engine, "UpdateNovelVersesUpdateInput") == {
        "id": "ID!",
        "version": "Int!",
        "place": "Int",
        "text": "String",
    }
    assert fields(engine, "UpdateNovelManuscriptInput") == {
        "update": "UpdateNovelManuscriptUpdateInput",
        "upsert": "UpdateNovelManuscriptUpsertInput",
        "delete": "Boolean",
    }
    # nothing is there yet that could be updated
    assert fields(engine, "CreateNovelGenresInput") == {"connect": "[ID!]", "upsert": "[CreateNovelGenresUpsertInput!]"}


# --- lists of objects whose foreign key leads here ---


def test_all_ways_at_once(engine: GraphQLEngine, library: Library) -> None:
    a, b, c = (library.novel.remarks.create(stars=3, text=text) for text in "abc")

    change(
        engine,
        library,
        remarks={
            "delete": [a.pk],
            "update": [{"id": b.pk, "stars": 1}],
            "upsert": [{"stars": 4, "text": "new"}, {"id": c.pk, "text": "C"}],
            # the text of one that is deleted is free
            "create": [{"stars": 5, "text": "a"}],
        },
    )

    assert texts(library.novel) == {"b": 1, "new": 4, "C": 3, "a": 5}
    assert set(Remark.objects.values_list("pk", flat=True)) > {b.pk, c.pk}
    assert not Remark.objects.filter(pk=a.pk).exists()


def test_replaced_list_is_as_given(engine: GraphQLEngine, library: Library, other: Novel) -> None:
    a, b = (library.novel.remarks.create(stars=3, text=text) for text in "ab")
    theirs = other.remarks.create(stars=3, text="theirs")

    found = change(engine, library, remarks={"replace": [{"id": b.pk, "stars": 5}, {"stars": 1, "text": "a"}]})

    assert found["remarks"] == [{"stars": 5, "text": "b"}, {"stars": 1, "text": "a"}]
    assert not Remark.objects.filter(pk=a.pk).exists()
    theirs.refresh_from_db()
    assert change(engine, library, remarks={"replace": []})["remarks"] == []


@pytest.mark.parametrize("way", ["update", "upsert", "replace", "delete"])
@pytest.mark.parametrize("key", ["of another", "of none", "of no kind"])
def test_object_of_another_is_not_found(
    engine: GraphQLEngine, library: Library, other: Novel, way: str, key: str
) -> None:
    theirs = other.remarks.create(stars=3, text="theirs")
    wrong: Any = {"of another": theirs.pk, "of none": 999, "of no kind": "x"}[key]
    given = wrong if way == "delete" else {"id": wrong, "stars": 1}
    path = "remarks.delete.0" if way == "delete" else f"remarks.{way}.0.id"

    assert failing(engine, library, remarks={way: [given]}) == [(path, "not_found", 404)]


def test_errors_have_the_paths_of_their_objects(engine: GraphQLEngine, library: Library) -> None:
    a, b = (library.novel.remarks.create(stars=3, text=text) for text in "ab")

    assert failing(
        engine,
        library,
        title="x" * 30,
        remarks={
            "update": [{"id": a.pk, "stars": 9}, {"id": 404}, {"id": b.pk, "text": "a"}],
            "upsert": [{"id": b.pk, "stars": 0}, {"text": "new"}],
        },
    ) == [
        ("title", "max_length", 422),
        ("remarks.update.1.id", "not_found", 404),
        ("remarks.update.0.stars", "max_value", 422),
        ("remarks.update.2", "unique_together", 422),
        ("remarks.upsert.0.stars", "min_value", 422),
        ("remarks.upsert.1.stars", "required", 422),
    ]


def test_nothing_is_written_where_something_is_wrong(engine: GraphQLEngine, library: Library) -> None:
    a, b = (library.novel.remarks.create(stars=3, text=text) for text in "ab")
    given = {"delete": [a.pk], "update": [{"id": b.pk, "stars": 9}], "create": [{"stars": 1}]}

    # ``failing`` compares the tables
    assert failing(engine, library, remarks=given) == [("remarks.update.0.stars", "max_value", 422)]
    assert failing(engine, library, remarks={"replace": [{"stars": 9}]}) == [
        ("remarks.replace.0.stars", "max_value", 422)
    ]


def test_null_is_no_list(engine: GraphQLEngine, library: Library) -> None:
    for way in ("update", "upsert", "replace", "delete"):
        assert failing(engine, library, remarks={way: None}) == [(f"remarks.{way}", "null", 422)]


def test_objects_with_a_composite_key(engine: GraphQLEngine, library: Library, other: Novel) -> None:
    for novel in (library.novel, other):
        for number in (1, 2):
            Chapter.objects.create(novel=novel, number=number, heading="old")

    def headings(novel: Novel = library.novel) -> dict[int, str]:
        return dict(novel.chapters.values_list("number", "heading"))

    change(engine, library, chapters={"update": [{"number": 1, "heading": "new"}], "delete": [{"number": 2}]})
    assert headings() == {1: "new"}
    change(engine, library, chapters={"upsert": [{"number": 1, "heading": "A"}, {"number": 3, "heading": "C"}]})
    assert headings() == {1: "A", 3: "C"}
    change(engine, library, chapters={"replace": [{"number": 3, "heading": "c"}, {"number": 4, "heading": "d"}]})
    assert headings() == {3: "c", 4: "d"}
    assert failing(engine, library, chapters={"delete": [{"number": 9}]}) == [
        ("chapters.delete.0.number", "not_found", 404)
    ]
    assert headings(other) == {1: "old", 2: "old"}


def test_lost_objects_are_not_deleted_again(engine: GraphQLEngine, library: Library) -> None:
    mark = Bookmark.objects.create(label="a", novel=library.novel)

    change(engine, library, bookmarks={"disconnect": [mark.pk]})
    change(engine, library, bookmarks={"disconnect": [mark.pk]})
    assert failing(engine, library, bookmarks={"delete": [mark.pk]}) == [("bookmarks.delete.0", "not_found", 404)]
    mark.refresh_from_db()
    assert mark.novel is None


def test_several_levels(engine: GraphQLEngine, library: Library) -> None:
    a, b = (library.novel.remarks.create(stars=3, text=text) for text in "ab")
    novel = {"id": library.novel.pk, "remarks": {"update": [{"id": a.pk, "stars": 1}], "delete": [b.pk]}}
    call, declared = f"updateWriter(id: {library.writer.pk}, input: $i)", "($i: UpdateWriterInput!)"

    run_in(engine, call, "writer { id }", {"i": {"novels": {"update": [novel]}}}, declared)
    assert texts(library.novel) == {"a": 1}

    novel["remarks"] = {"update": [{"id": a.pk, "stars": 7}]}
    found = failing_in(engine, call, {"i": {"novels": {"update": [novel]}}}, declared)
    assert [error[:2] for error in found] == [("novels.update.0.remarks.update.0.stars", "max_value")]


def test_protected_object_stays(engine: GraphQLEngine, library: Library, other: Novel) -> None:
    free, busy = (Writer.objects.create(name=name, mentor=library.other) for name in ("Free", "Busy"))
    Novel.objects.filter(pk=other.pk).update(writer=busy)
    call = f"updateWriter(id: {library.other.pk}, input: {{pupils: {{delete: {{}}}}}})"

    found = failing_in(engine, call.replace("{}", f"[{free.pk}, {busy.pk}]"))
    assert [error[:3] for error in found] == [("pupils.delete.1", "protected", 409)]
    run_in(engine, call.replace("{}", f"[{free.pk}]"), "writer { id }")
    assert not Writer.objects.filter(pk=free.pk).exists()


def test_object_that_an_upsert_creates_has_nothing_to_update(engine: GraphQLEngine, library: Library) -> None:
    theirs = library.novel.remarks.create(stars=1)
    given = {"isbn": "9", "title": "A", "writer": library.writer.pk, "remarks": {"update": [{"id": theirs.pk}]}}
    call, declared = "upsertNovel(input: $i)", "($i: UpsertNovelInput!)"

    found = failing_in(engine, call, {"i": given}, declared)
    assert [error[:2] for error in found] == [("remarks.update.0.id", "not_found")]
    given = {**given, "isbn": "1", "remarks": {"update": [{"id": theirs.pk, "stars": 4}]}}
    run_in(engine, call, "novel { id }", {"i": given}, declared)
    theirs.refresh_from_db()
    assert theirs.stars == 4


def test_several_objects_with_their_parts(engine: GraphQLEngine, library: Library, other: Novel) -> None:
    remarks = [novel.remarks.create(stars=1) for novel in (library.novel, other)]
    call, declared = "updateNovels(input: $i)", "($i: [UpdateNovelsInput!]!)"

    def given(*keys: int) -> Any:
        novels = zip((library.novel, other), keys, strict=True)
        return {"i": [{"id": novel.pk, "remarks": {"update": [{"id": key, "stars": 2}]}} for novel, key in novels]}

    found = failing_in(engine, call, given(remarks[0].pk, remarks[0].pk), declared)
    assert [error[:2] for error in found] == [("1.remarks.update.0.id", "not_found")]
    run_in(engine, call, "novels { id }", given(*(remark.pk for remark in remarks)), declared)
    assert set(Remark.objects.values_list("stars", flat=True)) == {2}


def test_names_as_in_python(settings: Any, library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    items = nested("chapters", update=["heading"], delete=True)
    fraiseql.update(NovelType, fields=[changes("notes", remove_keys=True), items], registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None, settings=replace(get_settings(), camel_case=False))
    Chapter.objects.create(novel=library.novel, number=1, heading="a")

    given = 'notes: {remove_keys: ["a"]}, chapters: {update: [{number: 1, heading: "b"}]}'
    answer = engine.execute(f"mutation {{ update_novel(id: {library.novel.pk}, input: {{{given}}}) {{ __typename }} }}")
    assert answer.json() == {"data": {"update_novel": {"__typename": "UpdateNovelSuccess"}}}
    assert Chapter.objects.get().heading == "b"


@pytest.mark.parametrize("seed", range(5))
def test_random_inputs_leave_what_a_dictionary_has(
    engine: GraphQLEngine, library: Library, other: Novel, seed: int
) -> None:
    """The list is at last what the same steps make of a dictionary, and another object's list is as it was."""
    draw = random.Random(seed)
    expected: dict[str, int] = {}
    theirs = [other.remarks.create(stars=3, text=f"t{number}") for number in range(3)]
    for step in range(12):
        keys = dict(library.novel.remarks.values_list("text", "pk"))
        names = draw.sample(sorted(keys), len(keys))
        gone, updated, put = (names[part::3] for part in range(3))
        fresh = [f"{step}.{number}" for number in range(draw.randint(0, 3))]
        if draw.random() < 0.3:
            kept = [*updated, *put, *fresh]
            values = {name: draw.randint(1, 5) for name in kept}
            expected = values
            given: Any = {"replace": [_item(name, values, keys) for name in draw.sample(kept, len(kept))]}
        else:
            values = {name: draw.randint(1, 5) for name in (*updated, *put, *fresh)}
            expected = {name: stars for name, stars in {**expected, **values}.items() if name not in gone}
            created = fresh[: len(fresh) // 2]
            given = {
                "delete": [keys[name] for name in gone],
                "update": [_item(name, values, keys) for name in updated],
                "upsert": [_item(name, values, keys) for name in (*put, *fresh[len(created) :])],
                "create": [_item(name, values, {}) for name in created],
            }
        change(engine, library, remarks=given)
        assert texts(library.novel) == expected
    assert set(other.remarks.values_list("pk", flat=True)) == {remark.pk for remark in theirs}


def _item(name: str, stars: dict[str, int], keys: dict[str, int]) -> dict[str, Any]:
    return {"text": name, "stars": stars[name]} | ({"id": keys[name]} if name in keys else {})


@pytest.mark.django_db(transaction=True)
def test_lists_that_are_replaced_at_the_same_time_are_not_mixed(engine: GraphQLEngine) -> None:
    library = Library()
    lists = [[{"text": f"{name}{number}", "stars": 1} for number in range(3)] for name in "ab"]
    _ = engine.schema
    answers: list[Any] = []

    def run(given: list[dict[str, Any]]) -> None:
        try:
            for _ in range(5):
                answers.append(change(engine, library, remarks={"replace": given}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(given,)) for given in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 10
    assert sorted(texts(library.novel)) in ([item["text"] for item in given] for given in lists)


# --- versions and places ---


def test_versions_of_objects_are_checked(engine: GraphQLEngine, library: Library) -> None:
    verse = Verse.objects.create(novel=library.novel, place=1, text="a")
    given = {"update": [{"id": verse.pk, "version": 1, "text": "b"}]}

    change(engine, library, verses=given)
    verse.refresh_from_db()
    assert (verse.text, verse.version) == ("b", 2)
    assert failing(engine, library, verses=given) == [("verses.update.0.version", "stale", 409)]
    # whichever way it is changed
    change(engine, library, verses={"replace": [{"id": verse.pk, "text": "c"}]})
    verse.refresh_from_db()
    assert (verse.text, verse.version) == ("c", 3)


def test_places_are_exchanged(engine: GraphQLEngine, library: Library) -> None:
    a, b = (Verse.objects.create(novel=library.novel, place=place, text=text) for place, text in enumerate("ab"))

    change(engine, library, verses={"replace": [{"id": a.pk, "place": 1}, {"id": b.pk, "place": 0}]})
    assert list(library.novel.verses.values_list("text", flat=True)) == ["b", "a"]
    assert failing(engine, library, verses={"replace": [{"id": a.pk, "place": 0}, {"id": b.pk}]}) == [
        ("verses.replace.0", "unique_together", 422)
    ]


# --- one object ---


def test_object_that_the_key_refers_to(engine: GraphQLEngine, library: Library) -> None:
    change(engine, library, writer={"update": {"version": 1, "name": "Le Guin"}})
    library.writer.refresh_from_db()
    assert (library.writer.name, library.writer.version) == ("Le Guin", 2)
    assert failing(engine, library, writer={"update": {"version": 1, "name": "x"}}) == [
        ("writer.update.version", "stale", 409)
    ]
    given = {"version": 2, "mentor": {"update": {"name": "x"}}}
    assert failing(engine, library, writer={"update": given}) == [("writer.update.mentor.update", "not_found", 404)]
    assert failing(engine, library, writer={"update": {"version": 2, "name": "Octavia"}}) == [
        ("writer.update.name", "unique", 422)
    ]


def test_object_is_created_where_there_is_none(engine: GraphQLEngine, library: Library) -> None:
    change(engine, library, editor={"upsert": {"name": "Gardner"}})
    library.novel.refresh_from_db()
    editor = library.novel.editor
    change(engine, library, editor={"upsert": {"name": "Jean Gardner"}})
    library.novel.refresh_from_db()
    assert library.novel.editor == editor
    assert editor is not None
    editor.refresh_from_db()
    assert editor.name == "Jean Gardner"


def test_hidden_object_is_not_updated(engine: GraphQLEngine, library: Library) -> None:
    library.novel.editor = library.hidden
    library.novel.save()
    Writer.everyone.filter(pk=library.writer.pk).update(withdrawn=True)

    assert failing(engine, library, writer={"update": {"version": 1, "name": "x"}}) == [
        ("writer.update", "not_found", 404)
    ]


def test_object_whose_key_leads_here(engine: GraphQLEngine, library: Library) -> None:
    assert failing(engine, library, manuscript={"update": {"place": "x"}}) == [("manuscript.update", "not_found", 404)]
    change(engine, library, manuscript={"upsert": {"place": "Desk"}})
    change(engine, library, manuscript={"upsert": {"place": "Attic"}})
    assert list(Manuscript.objects.values_list("place", "novel")) == [("Attic", library.novel.pk)]
    change(engine, library, manuscript={"update": {"place": "Cellar"}})
    assert Manuscript.objects.get().place == "Cellar"
    for _ in range(2):
        change(engine, library, manuscript={"delete": True})
    assert not Manuscript.objects.exists()


# --- many to many ---


def test_objects_of_a_many_to_many_relation(engine: GraphQLEngine, library: Library) -> None:
    fantasy, horror = library.genres

    change(engine, library, genres={"update": [{"id": fantasy.pk, "name": "Fable"}]})
    fantasy.refresh_from_db()
    assert fantasy.name == "Fable"
    assert failing(engine, library, genres={"update": [{"id": horror.pk, "name": "x"}]}) == [
        ("genres.update.0.id", "not_found", 404)
    ]
    # one that could be connected is, and none is made of its name again
    change(engine, library, genres={"upsert": [{"name": "Horror"}, {"name": "Utopia"}]})
    assert list(library.novel.genres.values_list("name", flat=True)) == ["Fable", "Horror", "Utopia"]
    change(engine, library, genres={"delete": [fantasy.pk]})
    assert list(Genre.objects.values_list("name", flat=True)) == ["Horror", "Utopia"]


def test_new_object_is_connected_with_what_has_the_values(engine: GraphQLEngine, library: Library) -> None:
    given = {
        "title": "A",
        "isbn": "3",
        "writer": library.writer.pk,
        "genres": {"upsert": [{"name": "Horror"}, {"name": "Utopia"}]},
        "chapters": {"upsert": [{"number": 1, "heading": "One"}]},
    }

    run_in(engine, "createNovel(input: $i)", "novel { id }", {"i": given}, "($i: CreateNovelInput!)")
    assert Genre.objects.count() == 3
    assert Chapter.objects.get().novel.title == "A"


def test_rows_of_a_table_between(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    stock = nested("stock_set", create=["shop", "count"], update=[changes("count", inc=True)], delete=True)
    fraiseql.update(NovelType, fields=[stock], registry=registry)
    engine = make_engine(registry)
    here, there = (Shop.objects.create(name=name) for name in ("here", "there"))

    def change_stock(**given: Any) -> None:
        run_in(engine, CALL, "novel { id }", {"id": library.novel.pk, "i": {"stockSet": given}}, DECLARED)

    change_stock(create=[{"shop": here.pk, "count": 1}, {"shop": there.pk, "count": 2}])
    first, second = Stock.objects.order_by("pk")
    change_stock(update=[{"id": first.pk, "count": {"inc": 5}}], delete=[second.pk])
    assert list(library.novel.stock_set.values_list("shop", "count")) == [(here.pk, 6)]


# --- the rule of the declaration ---


def test_rule_says_which_objects_may_be_changed_or_deleted(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    rows: Any = lambda viewer: Q(stars__lt=3)  # noqa: E731
    names = ["stars", "text"]
    remarks = nested("remarks", create=names, update=names, upsert=names, replace=names, delete=True, rows=rows)
    by_text = nested("remarks", upsert=names, unique="text", rows=rows)
    manuscript = nested("manuscript", update=["place"], upsert=["place"], delete=True, rows=lambda viewer: False)
    fraiseql.update(NovelType, fields=[remarks, manuscript], registry=registry)
    fraiseql.update(NovelType, fields=[by_text], name="put", registry=registry)
    engine = make_engine(registry)
    low, high = (library.novel.remarks.create(stars=stars, text=str(stars)) for stars in (1, 5))
    Manuscript.objects.create(novel=library.novel, place="a")

    for given, path in (
        ({"remarks": {"update": [{"id": low.pk, "stars": 2}, {"id": high.pk, "stars": 2}]}}, "remarks.update.1"),
        ({"remarks": {"upsert": [{"id": high.pk, "stars": 2}]}}, "remarks.upsert.0"),
        ({"remarks": {"replace": [{"id": high.pk}]}}, "remarks.replace.0"),
        ({"remarks": {"replace": [{"id": low.pk}]}}, "remarks.replace"),
        ({"remarks": {"delete": [low.pk, high.pk]}}, "remarks.delete.1"),
        ({"manuscript": {"update": {"place": "b"}}}, "manuscript.update"),
        ({"manuscript": {"upsert": {"place": "b"}}}, "manuscript.upsert"),
        ({"manuscript": {"delete": True}}, "manuscript.delete"),
    ):
        assert failing(engine, library, **given) == [(path, "forbidden", 403)]
    call = f'put(id: {library.novel.pk}, input: {{remarks: {{upsert: [{{text: "5", stars: 1}}]}}}})'
    assert [error[:2] for error in failing_in(engine, call)] == [("remarks.upsert.0", "forbidden")]
    change(engine, library, remarks={"delete": [low.pk], "create": [{"stars": 5, "text": "new"}]})
    assert texts(library.novel) == {"5": 5, "new": 5}


def test_rule_says_which_objects_may_be_connected_and_disconnected(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    every: Any = {"connect": True, "disconnect": True, "set": True}
    bookmarks = nested("bookmarks", **every, rows=lambda viewer: ~Q(label__startswith="fixed"))
    manuscript = nested("manuscript", connect=True, disconnect=True, rows=lambda viewer: Q(place="free"))
    genres = nested("genres", **every, update=["name"], rows=lambda viewer: False)
    fraiseql.update(NovelType, fields=[bookmarks, manuscript, genres], registry=registry)
    engine = make_engine(registry)
    fixed, free = (library.novel.bookmarks.create(label=label) for label in ("fixed", "free"))
    lost, found = (Bookmark.objects.create(label=label) for label in ("fixed, lost", "free, lost"))
    held = Manuscript.objects.create(place="held")

    for given, path in (
        ({"bookmarks": {"disconnect": [free.pk, fixed.pk]}}, "bookmarks.disconnect"),
        ({"bookmarks": {"connect": [found.pk, lost.pk]}}, "bookmarks.connect"),
        ({"bookmarks": {"set": [fixed.pk, lost.pk]}}, "bookmarks.set"),
        ({"bookmarks": {"set": []}}, "bookmarks.set"),
        ({"manuscript": {"connect": held.pk}}, "manuscript.connect"),
    ):
        assert failing(engine, library, **given) == [(path, "forbidden", 403)]
    assert list(library.novel.bookmarks.all()) == [fixed, free]
    Manuscript.objects.update(novel=library.novel)
    assert failing(engine, library, manuscript={"disconnect": True}) == [("manuscript.disconnect", "forbidden", 403)]
    # what stays as it is, and what is connected by a table between, is not changed
    change(engine, library, bookmarks={"set": [fixed.pk, found.pk], "connect": [fixed.pk]}, genres={"set": []})
    assert list(library.novel.bookmarks.all()) == [fixed, found]


# --- limits ---


def test_objects_of_all_ways_count(library: Library) -> None:
    engine = make_engine_with(objects=3)
    given = [{"remarks": {"delete": [1, 2, 3]}}, {"remarks": {"update": [{"id": 1}] * 3}}]
    given += [{"remarks": {"upsert": [{"stars": 1}] * 3}}, {"remarks": {"replace": [{"stars": 1}] * 3}}]
    for item in given:
        answer = engine.execute(
            f"mutation {DECLARED} {{ {CALL} {{ __typename }} }}", {"id": library.novel.pk, "i": item}
        )
        assert [error.extensions["code"] for error in answer.errors] == ["LIMIT_EXCEEDED"]


def test_longer_lists_are_not_replaced(library: Library) -> None:
    engine = make_engine_with(objects=3)
    for text in "abcd":
        library.novel.remarks.create(stars=1, text=text)

    assert failing(engine, library, remarks={"replace": []}) == [("remarks.replace", "too_many", 422)]
    Remark.objects.filter(text="d").delete()
    assert change(engine, library, remarks={"replace": []})["remarks"] == []


@pytest.mark.parametrize("name", ["genres", "bookmarks"])
@pytest.mark.parametrize("plain", [True, False])
def test_set_removes_no_more_objects_than_may_be_written(library: Library, name: str, plain: bool) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.update(NovelType, fields=[name if plain else nested(name, set=True)], registry=registry)
    engine = make_engine_with(registry, objects=3)
    there = getattr(library.novel, name)
    there.all().delete()
    keys = [there.create(**{"name" if name == "genres" else "label": text}).pk for text in "abcde"]
    path = name if plain else f"{name}.set"

    def given(kept: list[int]) -> Any:
        return {name: kept if plain else {"set": kept}}

    assert failing(engine, library, **given([])) == [(path, "too_many", 422)]
    assert failing(engine, library, **given([keys[4]])) == [(path, "too_many", 422)]
    assert there.count() == 5
    change(engine, library, **given(keys[3:]))
    assert list(there.values_list("pk", flat=True)) == keys[3:]
    change(engine, library, **given([]))
    assert not there.exists()


def make_engine_with(registry: Registry = REGISTRY, **limits: Any) -> GraphQLEngine:
    settings = get_settings()
    settings = replace(settings, limits=replace(settings.limits, **limits))
    return GraphQLEngine(registry=registry, cache=None, settings=settings)


# --- what may not be declared ---

DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda: nested("writer", delete=True), "update(NovelType): writer leads to an object that others may refer to; delete is for those that refer to this one"),
    (lambda: nested("writer", replace=["name"]), "update(NovelType): writer: replace is for lists of objects whose foreign key leads here"),
    (lambda: nested("genres", replace=["name"]), "update(NovelType): genres: replace is for lists of objects whose foreign key leads here"),
    (lambda: nested("writer", upsert=["name"], unique="name"), "update(NovelType): writer leads to one object, which need not be found; leave unique out"),
    (lambda: nested("remarks", upsert=["stars"], unique="stars"), "update(NovelType): remarks: unique is ['stars'], must be fields that are unique together, or are with novel"),
    (lambda: nested("genres", upsert=["name"], unique="id"), "update(NovelType): genres: unique is ['id'], must be fields that are unique together"),
    (lambda: nested("remarks", upsert=["stars"], unique="text"), "update(NovelType): remarks.text is in unique; name it plainly in upsert as well"),
    (lambda: nested("remarks", upsert=[changes("text", set=True)], unique="text"), "update(NovelType): remarks.text is in unique; name it plainly in upsert as well"),
    (lambda: nested("chapters", upsert=["heading"]), "update(NovelType): chapters: Chapter has a key of several columns, so upsert needs unique"),
    (lambda: nested("chapters", update=["number"]), "update(NovelType): chapters.number is part of the primary key, which does not change"),
    (lambda: nested("remarks", update=["novel"]), "update(NovelType): remarks.novel leads back to the outer object and is set automatically; leave it out"),
    (lambda: nested("remarks", update="stars"), "nested('remarks'): update is 'stars', must be a list of names or nested(…)"),
    (lambda: nested("remarks", update=["stars"], unique="text"), "nested('remarks'): unique is for upsert and replace; leave it out"),
    (lambda: nested("verses", create=["text"], rows=lambda viewer: True), "nested('verses'): rows is for objects that exist, not for create; leave it out"),
    (lambda: nested("genres", connect=True, rows=lambda viewer: True), "update(NovelType): genres: no object of this relation is changed, but its keys elsewhere; leave rows out"),
    (lambda: nested("verses", update=["text"], rows=True), "update(NovelType): verses: rows is True, must be a function"),
    (lambda: nested("verses", create=["text"], version="version"), "nested('verses'): version is for update; leave it out"),
    (lambda: nested("verses", update=["text"], version="text"), "update(NovelType): verses: version is 'text', must be a field of whole numbers, or a DateTimeField with auto_now; Verse has: place, version"),
    (lambda: nested("verses", update=["version"], version="version"), "update(NovelType): verses: version is the version, which clients do not write"),
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


def test_new_object_has_nothing_to_update() -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.create(NovelType, fields=[nested("remarks", update=LINE, delete=True)], registry=registry)

    with pytest.raises(fraiseql.DeclarationError, match="remarks allows nothing"):
        _ = GraphQLEngine(registry=registry, cache=None).schema
