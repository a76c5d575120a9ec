"""Relations in inputs: created, connected, disconnected and set, each only where it was declared."""

import json
from typing import Any

import pytest
from django.db.models import signals

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, changes, nested
from tests.library.models import Bookmark, Chapter, Genre, Manuscript, Novel, Remark, Writer
from tests.library.support import Library, make_engine
from tests.library.support import failing as failing_in
from tests.library.support import run as run_in
from tests.library.types import LIBRARY, ManuscriptType, NovelType, RemarkType, WriterType

pytestmark = pytest.mark.django_db

REGISTRY = Registry(types=list(LIBRARY.types))
FIELDS = [
    "title",
    "isbn",
    nested("writer", connect=True, create=["name", nested("mentor", create=["name"], connect=True)]),
    nested("editor", connect=True, disconnect=True, create=["name"]),
    nested("genres", create=["name"], connect=True, disconnect=True, set=True),
    nested("remarks", create=["stars", "text"], connect=True),
    nested("bookmarks", create=["label"], connect=True, disconnect=True, set=True),
    nested("manuscript", create=["place"], connect=True, disconnect=True),
    nested("chapters", create=["number", "heading"]),
]
fraiseql.create(NovelType, fields=FIELDS, registry=REGISTRY)
fraiseql.update(NovelType, fields=FIELDS, registry=REGISTRY)
fraiseql.create(NovelType, fields=FIELDS, bulk=True, registry=REGISTRY)
fraiseql.upsert(NovelType, fields=FIELDS, unique=["isbn"], registry=REGISTRY)
fraiseql.update(WriterType, fields=["pupils", nested("novels", create=["title", "isbn"])], registry=REGISTRY)
fraiseql.create(WriterType, fields=["name", nested("mentor", connect=True)], registry=REGISTRY)
fraiseql.create(RemarkType, fields=["stars", nested("novel", create=["title", "isbn", "writer"])], registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library() -> Library:
    return Library()


SELECTED = """novel {
    title writer { name mentor { name } } editor { name } genres { name } remarks { stars text } bookmarks { label }
    manuscript { place }
}"""


def create(engine: GraphQLEngine, **given: Any) -> Any:
    given = {"title": "Tombs", "isbn": "2", **given}
    return run_in(engine, "createNovel(input: $i)", SELECTED, {"i": given}, "($i: CreateNovelInput!)")


def change(engine: GraphQLEngine, library: Library, **given: Any) -> Any:
    variables = {"id": library.novel.pk, "i": given}
    declared = "($id: ID!, $i: UpdateNovelInput!)"
    return run_in(engine, "updateNovel(id: $id, input: $i)", SELECTED, variables, declared)


def failing(engine: GraphQLEngine, library: Library | None = None, **given: Any) -> list[tuple[Any, ...]]:
    """Create a novel, or change the library's, and fail; return fields, identifiers and codes."""
    if library is None:
        given = {"title": "Tombs", "isbn": "2", **given}
        found = failing_in(engine, "createNovel(input: $i)", {"i": given}, "($i: CreateNovelInput!)")
    else:
        variables = {"id": library.novel.pk, "i": given}
        call, declared = "updateNovel(id: $id, input: $i)", "($id: ID!, $i: UpdateNovelInput!)"
        found = failing_in(engine, call, variables, declared)
    return [error[:3] for error in found]


# --- inputs ---


def fields(engine: GraphQLEngine, name: str) -> dict[str, str]:
    return {key: str(field.type) for key, field in engine.schema.graphql.type_map[name].fields.items()}  # type: ignore[attr-defined]


def test_only_what_is_declared_is_in_the_inputs(engine: GraphQLEngine) -> None:
    assert fields(engine, "CreateNovelInput") == {
        "title": "String!",
        "isbn": "String!",
        "writer": "CreateNovelWriterInput!",
        "editor": "CreateNovelEditorInput",
        "genres": "CreateNovelGenresInput",
        "remarks": "CreateNovelRemarksInput",
        "bookmarks": "CreateNovelBookmarksInput",
        "manuscript": "CreateNovelManuscriptInput",
        "chapters": "CreateNovelChaptersInput",
    }
    assert fields(engine, "CreateNovelWriterInput") == {"connect": "ID", "create": "CreateNovelWriterCreateInput"}
    assert fields(engine, "CreateNovelWriterCreateInput") == {
        "name": "String!",
        "mentor": "CreateNovelWriterCreateMentorInput",
    }
    # a new object has no objects to disconnect
    assert fields(engine, "CreateNovelGenresInput") == {"connect": "[ID!]", "create": "[CreateNovelGenresCreateInput!]"}
    assert fields(engine, "UpdateNovelGenresInput") == {
        "connect": "[ID!]",
        "create": "[UpdateNovelGenresCreateInput!]",
        "disconnect": "[ID!]",
        "set": "[ID!]",
    }
    assert fields(engine, "UpdateNovelEditorInput") == {
        "connect": "ID",
        "create": "UpdateNovelEditorCreateInput",
        "disconnect": "Boolean",
    }


# --- create ---


def test_everything_is_created_at_once(engine: GraphQLEngine, library: Library) -> None:
    mark = Bookmark.objects.create(label="old")
    answer = create(
        engine,
        writer={"create": {"name": "Le Guin", "mentor": {"create": {"name": "Kroeber"}}}},
        editor={"connect": library.other.pk},
        genres={"create": [{"name": "Utopia"}], "connect": [library.genres[0].pk]},
        remarks={"create": [{"stars": 5, "text": "a"}, {"stars": 4, "text": "b"}]},
        bookmarks={"create": [{"label": "new"}], "connect": [mark.pk]},
        manuscript={"create": {"place": "Oregon"}},
    )

    assert answer == {
        "novel": {
            "title": "Tombs",
            "writer": {"name": "Le Guin", "mentor": {"name": "Kroeber"}},
            "editor": {"name": "Octavia"},
            "genres": [{"name": "Fantasy"}, {"name": "Utopia"}],
            "remarks": [{"stars": 5, "text": "a"}, {"stars": 4, "text": "b"}],
            "bookmarks": [{"label": "old"}, {"label": "new"}],
            "manuscript": {"place": "Oregon"},
        }
    }


def test_all_errors_are_told_together_with_their_paths(engine: GraphQLEngine, library: Library) -> None:
    assert failing(
        engine,
        title="x" * 21,
        writer={"create": {"name": "Ursula", "mentor": {"connect": 404}}},
        editor={"create": {"name": ""}},
        genres={"create": [{"name": "Fresh"}, {"name": "Horror"}], "connect": [404]},
        remarks={"create": [{"stars": 6}, {"stars": 1, "text": "x" * 21}]},
        bookmarks={"connect": [404], "create": [{"label": ""}]},
        manuscript={"create": {"place": ""}},
    ) == [
        ("writer.create.mentor.connect", "not_found", 404),
        ("writer.create.name", "unique", 422),
        ("editor.create.name", "blank", 422),
        ("title", "max_length", 422),
        ("genres.connect.0", "not_found", 404),
        ("genres.create.1.name", "unique", 422),
        ("remarks.create.0.stars", "max_value", 422),
        ("remarks.create.1.text", "max_length", 422),
        ("bookmarks.connect.0", "not_found", 404),
        ("bookmarks.create.0.label", "blank", 422),
        ("manuscript.create.place", "blank", 422),
    ]


def test_siblings_are_checked_against_each_other(engine: GraphQLEngine, library: Library) -> None:
    writer = {"connect": library.writer.pk}
    twice = [{"stars": 1, "text": "a"}, {"stars": 2, "text": "a"}]

    assert failing(engine, writer=writer, remarks={"create": twice}) == [("remarks.create.1", "unique_together", 422)]


@pytest.mark.parametrize(
    ("writer", "error"),
    [
        ({}, ("writer", "invalid", 422)),
        ({"connect": None}, ("writer", "invalid", 422)),
        ({"connect": 1, "create": {"name": "x"}}, ("writer", "invalid", 422)),
        ({"connect": "404"}, ("writer.connect", "not_found", 404)),
        ({"connect": "x"}, ("writer.connect", "not_found", 404)),
    ],
)
def test_exactly_one_way_to_one_object(
    engine: GraphQLEngine, library: Library, writer: dict[str, Any], error: tuple[Any, ...]
) -> None:
    assert failing(engine, writer=writer) == [error]


def test_message_names_the_ways(engine: GraphQLEngine, library: Library) -> None:
    call = 'createNovel(input: {title: "x", isbn: "2", writer: {}})'
    assert failing_in(engine, call) == [("writer", "invalid", 422, "Give exactly one of: connect, create.")]


def test_hidden_object_is_not_connected(engine: GraphQLEngine, library: Library) -> None:
    assert failing(engine, writer={"connect": library.hidden.pk}) == [("writer.connect", "not_found", 404)]


def test_several_with_nested_objects(engine: GraphQLEngine, library: Library) -> None:
    def given(stars: int) -> dict[str, Any]:
        one = {"title": "A", "isbn": "2", "writer": {"connect": library.writer.pk}}
        return {"i": [one, {**one, "title": "B", "isbn": "3", "remarks": {"create": [{"stars": stars}]}}]}

    call, declared = "createNovels(input: $i)", "($i: [CreateNovelInput!]!)"
    found = failing_in(engine, call, given(9), declared)
    assert [error[:2] for error in found] == [("1.remarks.create.0.stars", "max_value")]
    assert run_in(engine, call, "novels { remarks { stars } }", given(2), declared) == {
        "novels": [{"remarks": []}, {"remarks": [{"stars": 2}]}]
    }


def test_way_up_from_a_remark(engine: GraphQLEngine, library: Library) -> None:
    call = 'createRemark(input: {{stars: 3, novel: {{create: {{title: "A", isbn: "{}", writer: {}}}}}}})'

    assert failing_in(engine, call.format(1, library.writer.pk))[0][:2] == ("novel.create.isbn", "unique")
    assert run_in(engine, call.format(2, library.writer.pk), "remark { novel { title } }") == {
        "remark": {"novel": {"title": "A"}}
    }


def test_objects_with_a_composite_key(engine: GraphQLEngine, library: Library) -> None:
    def given(*numbers: int) -> dict[str, Any]:
        return {"create": [{"number": number, "heading": "A"} for number in numbers]}

    writer = {"connect": library.writer.pk}
    assert failing(engine, writer=writer, chapters=given(1, 1)) == [("chapters.create.1", "unique_together", 422)]
    assert failing(engine, writer={"connect": 404}, chapters={"create": [{"number": 1, "heading": ""}]}) == [
        ("writer.connect", "not_found", 404),
        ("chapters.create.0.heading", "blank", 422),
    ]
    create(engine, writer=writer, chapters=given(1, 2))
    assert sorted(Chapter.objects.values_list("number", flat=True)) == [1, 2]


# --- update ---


def test_relations_to_one(engine: GraphQLEngine, library: Library) -> None:
    def editor(**given: Any) -> Any:
        return change(engine, library, editor=given)["novel"]["editor"]

    assert editor(create={"name": "Gardner"}) == {"name": "Gardner"}
    assert editor(connect=library.writer.pk) == {"name": "Ursula"}
    assert editor(disconnect=True) is None
    assert change(engine, library, editor=None)["novel"]["editor"] is None
    assert failing(engine, library, editor={"disconnect": False}) == [("editor", "invalid", 422)]
    assert failing(engine, library, writer=None) == [("writer", "null", 422)]
    assert Writer.objects.filter(name="Gardner").exists()


def test_way_back_of_one_to_one(engine: GraphQLEngine, library: Library) -> None:
    other = Manuscript.objects.create(place="Attic")

    assert change(engine, library, manuscript={"create": {"place": "Desk"}})["novel"]["manuscript"] == {"place": "Desk"}
    # the first one would have to go before
    assert failing(engine, library, manuscript={"connect": other.pk}) == [("manuscript.connect", "unique", 422)]
    assert failing(engine, library, manuscript={"create": {"place": "x"}}) == [("manuscript.create", "unique", 422)]
    assert change(engine, library, manuscript={"disconnect": True})["novel"]["manuscript"] is None
    assert change(engine, library, manuscript={"connect": other.pk})["novel"]["manuscript"] == {"place": "Attic"}
    assert Manuscript.objects.count() == 2


def names(answer: Any, relation: str, key: str = "name") -> list[str]:
    return [item[key] for item in answer["novel"][relation]]


def test_many_to_many(engine: GraphQLEngine, library: Library) -> None:
    fantasy, horror = (genre.pk for genre in library.genres)

    def genres(**given: Any) -> list[str]:
        return names(change(engine, library, genres=given), "genres")

    assert genres(connect=[horror, horror]) == ["Fantasy", "Horror"]
    assert genres(disconnect=[fantasy]) == ["Horror"]
    assert genres(set=[fantasy]) == ["Fantasy"]
    assert genres(set=[], create=[{"name": "Utopia"}], connect=[horror]) == ["Horror", "Utopia"]
    assert genres(set=[]) == []
    assert genres() == []
    # nothing is left to do, and nothing tells whether there is a genre of this key
    assert genres(disconnect=[fantasy, 404, "x"]) == []
    assert failing(engine, library, genres={"set": [horror, 404], "connect": ["x"]}) == [
        ("genres.set.1", "not_found", 404),
        ("genres.connect.0", "not_found", 404),
    ]
    assert failing(engine, library, genres={"set": None}) == [("genres.set", "null", 422)]
    assert failing(engine, library, genres=None) == [("genres", "null", 422)]
    assert failing(engine, library, genres={"create": [{"name": "A"}, {"name": "A"}]}) == [
        ("genres.create.1.name", "unique", 422)
    ]
    assert Genre.objects.count() == 3


def test_keys_of_others(engine: GraphQLEngine, library: Library) -> None:
    mine, free = Bookmark.objects.create(label="a", novel=library.novel), Bookmark.objects.create(label="b")
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)
    theirs = Bookmark.objects.create(label="c", novel=other)

    def marks(**given: Any) -> list[str]:
        return names(change(engine, library, bookmarks=given), "bookmarks", "label")

    assert marks(disconnect=[theirs.pk, 404]) == ["a"]
    theirs.refresh_from_db()
    assert theirs.novel == other
    assert marks(connect=[free.pk]) == ["a", "b"]
    assert marks(disconnect=[mine.pk]) == ["b"]
    assert marks(set=[mine.pk, theirs.pk]) == ["a", "c"]
    assert marks(set=[mine.pk], create=[{"label": "d"}]) == ["a", "d"]
    theirs.refresh_from_db()
    assert theirs.novel is None


def test_object_that_moves_is_validated(engine: GraphQLEngine, library: Library) -> None:
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)
    library.novel.remarks.create(stars=1, text="same")
    same, fine = other.remarks.create(stars=2, text="same"), other.remarks.create(stars=9, text="fine")

    assert failing(engine, library, remarks={"connect": [same.pk]}) == [("remarks.connect", "unique_together", 422)]
    # a value from before its rule does not keep it from moving
    assert len(change(engine, library, remarks={"connect": [fine.pk]})["novel"]["remarks"]) == 2


def test_nothing_is_left_of_what_was_written_before_an_error(engine: GraphQLEngine, library: Library) -> None:
    given = {"editor": {"create": {"name": "New"}}, "genres": {"set": []}, "remarks": {"create": [{"stars": 0}]}}

    assert failing(engine, library, **given) == [("remarks.create.0.stars", "min_value", 422)]
    assert not Writer.objects.filter(name="New").exists()


def test_upsert_with_nested_objects(engine: GraphQLEngine, library: Library) -> None:
    given = {"title": "A", "isbn": "2", "writer": {"connect": library.writer.pk}, "genres": {"set": []}}
    call, declared = "upsertNovel(input: $i)", "($i: UpsertNovelInput!)"
    with_genre = {**given, "genres": {"set": [library.genres[1].pk]}, "bookmarks": {"create": [{"label": "x"}]}}

    for created in (True, False):
        assert run_in(engine, call, "created novel { genres { name } }", {"i": with_genre}, declared) == {
            "created": created,
            "novel": {"genres": [{"name": "Horror"}]},
        }
    assert run_in(engine, call, "novel { genres { name } bookmarks { label } }", {"i": given}, declared) == {
        "novel": {"genres": [], "bookmarks": [{"label": "x"}, {"label": "x"}]}
    }


def test_key_of_others_named_plainly_is_set(engine: GraphQLEngine, library: Library) -> None:
    pupil = Writer.objects.create(name="Pupil", mentor=library.other)
    call = f"updateWriter(id: {library.other.pk}, input: {{pupils: [{library.writer.pk}]}})"

    assert run_in(engine, call, "writer { pupils { name } }") == {"writer": {"pupils": [{"name": "Ursula"}]}}
    pupil.refresh_from_db()
    assert pupil.mentor is None


def test_signals_of_nested_objects(engine: GraphQLEngine, library: Library) -> None:
    seen: list[str] = []

    def receiver(sender: Any, instance: Any, **given: Any) -> None:
        seen.append(f"{instance.stars} of {instance.novel.title}")

    signals.post_save.connect(receiver, sender=Remark)
    try:
        change(engine, library, remarks={"create": [{"stars": 2}]})
    finally:
        signals.post_save.disconnect(receiver, sender=Remark)
    assert seen == ["2 of Tehanu"]


# --- what may not be declared ---

DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda: nested("writer"), "nested('writer') allows nothing: give it connect, create, update, upsert, replace, disconnect, delete or set"),
    (lambda: nested("writer", create="name"), "nested('writer'): create is 'name', must be a list of names or nested(…)"),
    (lambda: nested("title", connect=True), "update(NovelType): title is no relation, so nothing can be nested in it"),
    (lambda: nested("x", connect=True), "update(NovelType): Novel has no field 'x'; it has: blurb"),
    (lambda: nested("writer", set=True), "update(NovelType): writer leads to one object, which connect sets; set is for lists"),
    (lambda: nested("writer", disconnect=True), "update(NovelType): writer: disconnect would leave Novel.writer null, which it must not be"),
    (lambda: nested("remarks", set=True), "update(NovelType): remarks: set would leave Remark.novel null, which it must not be"),
    (lambda: nested("remarks", disconnect=True), "update(NovelType): remarks: disconnect would leave Remark.novel null, which it must not be"),
    (lambda: nested("remarks", create=["stars", "novel"]), "update(NovelType): remarks.novel leads back to the outer object and is set automatically; leave it out"),
    (lambda: nested("remarks", create=["x", "id"]), "update(NovelType): Remark has no field 'remarks.x'; it has: novel, stars, text\nupdate(NovelType): remarks.id is the primary key, which PostgreSQL generates"),
    (lambda: nested("chapters", connect=True), "update(NovelType): chapters: Chapter has a key of several columns, so it can be created here, not connected"),
    (lambda: nested("shops", connect=True), "update(NovelType): shops goes through Stock, which needs more: count; write the mutation over Stock"),
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


def test_nothing_is_left_to_create(engine: GraphQLEngine) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.create(ManuscriptType, fields=[nested("novel", disconnect=True)], registry=registry)

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert (
        str(caught.value) == "create(ManuscriptType): novel allows nothing: a new object has no objects to disconnect"
    )


# --- rows that are read already ---


MIXED = Registry(types=list(LIBRARY.types))
COUNTED = [changes("pages", inc=True)]
fraiseql.update(
    NovelType,
    fields=[
        "title",
        changes("pages", inc=True),
        nested("writer", update=["name", nested("novels", update=["isbn", *COUNTED], delete=True)]),
        nested("genres", update=["name", nested("novels", update=COUNTED)]),
    ],
    bulk=True,
    version="version",
    registry=MIXED,
)
fraiseql.update(
    WriterType,
    fields=[
        "name",
        nested("mentor", update=["name", nested("pupils", update=["name"], create=["name"])]),
        nested("pupils", update=["name"], delete=True),
    ],
    registry=MIXED,
)
HELD = "This object is already being written by this mutation."


@pytest.fixture(scope="module")
def mixed() -> GraphQLEngine:
    return make_engine(MIXED)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"writer": {"update": {"novels": {"update": [{"id": "N", "pages": {"inc": 1}}]}}}},
         "0.writer.update.novels.update.0"),
        ({"title": "Dogs", "writer": {"update": {"novels": {"update": [{"id": "N", "isbn": "7"}]}}}},
         "0.writer.update.novels.update.0"),
        ({"title": "Dogs", "writer": {"update": {"novels": {"delete": ["N"]}}}}, "0.writer.update.novels.delete.0"),
        ({"genres": {"update": [{"id": "G", "novels": {"update": [{"id": "N", "pages": {"inc": 1}}]}}]}},
         "0.genres.update.0.novels.update.0"),
        # another object of the same list, which is written later
        ({"writer": {"update": {"novels": {"update": [{"id": "O", "pages": {"inc": 1}}]}}}},
         "0.writer.update.novels.update.0"),
    ],
)  # fmt: skip
def test_object_that_is_being_written_is_not_written_by_what_is_nested_in_it(
    mixed: GraphQLEngine, library: Library, values: Any, path: str
) -> None:
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer, pages=1)
    keys = {'"N"': library.novel.pk, '"O"': other.pk, '"G"': library.genres[0].pk}
    text = json.dumps(values)
    for name, key in keys.items():
        text = text.replace(name, f'"{key}"')
    items = [
        {"id": library.novel.pk, "version": 1, **json.loads(text)},
        {"id": other.pk, "version": 1, "pages": {"inc": 1}},
    ]

    call, declared = "updateNovels(input: $i)", "($i: [UpdateNovelsInput!]!)"
    assert failing_in(mixed, call, {"i": items}, declared) == [(path, "invalid", 422, HELD)]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"mentor": {"update": {"name": "Ada"}}}, "mentor.update"),
        ({"pupils": {"update": [{"id": "W", "name": "Ada"}]}}, "pupils.update.0"),
        ({"name": "Ada", "pupils": {"delete": ["W"]}}, "pupils.delete.0"),
    ],
)
def test_object_that_refers_to_itself_is_written_once(
    mixed: GraphQLEngine, library: Library, values: Any, path: str
) -> None:
    key = library.writer.pk
    Writer.objects.filter(pk=key).update(mentor=key)
    given = json.loads(json.dumps(values).replace('"W"', f'"{key}"'))

    call, declared = f"updateWriter(id: {key}, input: $i)", "($i: UpdateWriterInput!)"
    assert failing_in(mixed, call, {"i": given}, declared) == [(path, "invalid", 422, HELD)]


def test_others_are_written_beside_an_object_that_is_being_written(mixed: GraphQLEngine, library: Library) -> None:
    key, pupil = library.writer.pk, library.other.pk
    Writer.objects.filter(pk=key).update(mentor=pupil)
    Writer.objects.filter(pk=pupil).update(mentor=library.hidden)
    given = {"name": "Ada", "mentor": {"update": {"name": "Bea", "pupils": {"create": [{"name": "Cleo"}]}}}}

    run_in(mixed, f"updateWriter(id: {key}, input: $i)", "writer { name }", {"i": given}, "($i: UpdateWriterInput!)")
    assert set(Writer.everyone.values_list("name", flat=True)) == {"Ada", "Bea", "Cleo", "James"}
