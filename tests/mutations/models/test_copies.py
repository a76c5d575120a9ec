"""Objects that are created from rows that match a condition."""

from typing import Any

import pytest
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.declare.rules import requires_auth
from tests.library.models import Manuscript, Novel, Remark, Verse, Writer
from tests.library.support import Library, make_engine, run
from tests.library.support import failing as failing_in
from tests.library.types import LIBRARY, ManuscriptType, NovelType, RemarkType, VerseType, WriterType

pytestmark = pytest.mark.django_db

REGISTRY = Registry(types=list(LIBRARY.types))
fraiseql.create(RemarkType, fields=["stars"], source=NovelType, copied={"novel": "self", "text": "title"}, max_rows=3,
                registry=REGISTRY)  # fmt: skip
fraiseql.create(
    VerseType, fields=["novel"], source=VerseType, copied=["place", "text", "tags"], where=["novel"],
    name="copyVerses", registry=REGISTRY,
)  # fmt: skip
fraiseql.create(
    NovelType, fields=["isbn", "title"], source=NovelType, copied=["writer", "editor", "price", "notes"],
    name="copyNovel", registry=REGISTRY,
)  # fmt: skip
fraiseql.create(
    ManuscriptType, source=NovelType, copied={"novel": "self", "place": "title"}, allow_all=True, registry=REGISTRY
)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library() -> Library:
    library = Library()
    for number in range(2, 6):
        Novel.objects.create(title=f"N{number}", isbn=str(number), writer=library.other, pages=number)
    return library


def failing(engine: GraphQLEngine, call: str) -> list[tuple[Any, ...]]:
    return [error[:3] for error in failing_in(engine, call)]


def test_object_is_created_from_each_row(engine: GraphQLEngine, library: Library) -> None:
    # clean() of a remark refuses the title of its novel
    call = "createRemarks(where: {pages: {lt: 4}}, input: {stars: 3})"
    assert failing(engine, call) == [("input", "invalid", 422)]

    Novel.objects.filter(pages__lt=4).update(blurb="seen")
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.create(
        RemarkType, fields=["stars"], source=NovelType, copied={"novel": "self", "text": "blurb"}, registry=registry
    )
    assert run(make_engine(registry), call, "affected remarks { text stars novel { title } }") == {
        "affected": 2,
        "remarks": [
            {"text": "seen", "stars": 3, "novel": {"title": "N2"}},
            {"text": "seen", "stars": 3, "novel": {"title": "N3"}},
        ],
    }


def test_parts_are_copied_to_another_object(engine: GraphQLEngine, library: Library) -> None:
    one, two = Novel.objects.order_by("pk")[:2]
    for place in (1, 2):
        Verse.objects.create(novel=one, place=place, text=f"v{place}", tags=["a"])

    call = f"copyVerses(where: {{novel: {{id: {{eq: {one.pk}}}}}}}, input: {{novel: {two.pk}}})"
    assert run(engine, call, "affected") == {"affected": 2}
    assert list(two.verses.values_list("place", "text", "tags")) == [(1, "v1", ["a"]), (2, "v2", ["a"])]
    # they are validated like all new objects
    assert failing(engine, call) == [("input", "unique_together", 422)]


def test_foreign_keys_are_copied(engine: GraphQLEngine, library: Library) -> None:
    call = 'copyNovel(where: {isbn: {eq: "1"}}, input: {isbn: "9", title: "Copy"})'

    assert run(engine, call, "novels { title writer { name } editor { name } price }") == {
        "novels": [{"title": "Copy", "writer": {"name": "Ursula"}, "editor": None, "price": "10.00"}]
    }
    assert failing(engine, call) == [
        ("input.isbn", "unique", 422),
        ("input", "unique_together", 422),
    ]


def test_nothing_need_be_given(engine: GraphQLEngine, library: Library) -> None:
    assert run(engine, "createManuscripts(where: {})", "affected") == {"affected": 5}
    assert Manuscript.objects.filter(place="Tehanu", novel=library.novel).exists()


def test_bounds_and_empty_conditions(engine: GraphQLEngine, library: Library) -> None:
    assert failing(engine, "createRemarks(where: {pages: {gt: 0}}, input: {stars: 3})") == [("where", "too_many", 422)]
    (error,) = engine.execute("mutation { createRemarks(where: {}, input: {stars: 3}) { __typename } }").errors
    assert error.message.startswith("where is empty, so it would choose every Novel.")


def test_only_visible_rows_and_fields_are_copied(library: Library) -> None:
    registry = Registry()

    @fraiseql.type(Novel, fields=["id"], rows=lambda viewer: Q(isbn__lt="3"), registry=registry)
    class NovelType:
        isbn: str
        title: str | None = fraiseql.field(permission=requires_auth, mask=True)

    @fraiseql.type(Manuscript, fields=["id", "place"], rows=lambda viewer: ~Q(place="2"), registry=registry)
    class ManuscriptType:
        pass

    for name, column in (("copyIsbns", "isbn"), ("copyTitles", "title")):
        fraiseql.create(ManuscriptType, source=NovelType, copied={"place": column}, name=name, registry=registry)
    engine = make_engine(registry)

    assert run(engine, 'copyIsbns(where: {isbn: {in: ["1", "5"]}})', "manuscripts { place }") == {
        "manuscripts": [{"place": "1"}]
    }
    for call, code in (
        ('copyTitles(where: {isbn: {eq: "1"}})', "UNAUTHENTICATED"),
        # it would not be visible
        ('copyIsbns(where: {isbn: {eq: "2"}})', "FORBIDDEN"),
    ):
        (error,) = engine.execute(f"mutation {{ {call} {{ __typename }} }}").errors
        assert error.extensions["code"] == code
    assert Manuscript.objects.count() == 1


def test_foreign_keys_of_hidden_rows_are_not_copied(library: Library) -> None:
    hidden: Any = lambda viewer: ~Q(name="hidden")  # noqa: E731

    def engine_with(**writer: Any) -> GraphQLEngine:
        registry = Registry()
        fraiseql.type(Writer, fields=["id", "name"], name="Writer", registry=registry, **writer)(type("W", (), {}))
        novel = fraiseql.type(Novel, fields=["id", "isbn", "writer", "editor"], name="Novel", registry=registry)(
            type("N", (), {})
        )
        fraiseql.create(
            novel, fields=["isbn", "title"], source=novel, copied={"writer": "writer", "editor": "editor"},
            name="copyNovel", registry=registry,
        )  # fmt: skip
        fraiseql.create(
            novel, fields=["isbn", "title"], source=novel, copied={"writer": "editor"}, name="promote",
            registry=registry,
        )  # fmt: skip
        return make_engine(registry)

    call = 'copyNovel(where: {isbn: {in: ["1", "2"]}}, input: {isbn: "9", title: "Copy"})'
    secret = Writer.objects.create(name="hidden")
    Novel.objects.filter(isbn="2").update(editor=secret)
    engine = engine_with(rows=hidden)
    one = call.replace(', "2"', "")
    assert run(engine, one, "novels { writer { name } }") == {"novels": [{"writer": {"name": "Ursula"}}]}
    # the key of a hidden row is in no message
    assert failing_in(engine, call.replace('"1", ', "").replace('"9"', '"8"')) == [
        ("input", "not_found", 404, "Select a valid choice. That choice is not one of the available choices.")
    ]
    promote = 'promote(where: {isbn: {eq: "2"}}, input: {isbn: "8", title: "Copy"})'
    assert failing(engine, promote) == [("input", "not_found", 404)]
    assert not Novel.objects.filter(isbn="8").exists()
    (error,) = engine_with(permission=requires_auth).execute(f"mutation {{ {promote} {{ __typename }} }}").errors
    assert error.extensions["code"] == "UNAUTHENTICATED"


def test_hidden_rows_of_a_manager_are_not_copied(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.create(ManuscriptType, source=WriterType, copied={"place": "name"}, registry=registry)

    assert run(make_engine(registry), 'createManuscripts(where: {name: {eq: "James"}})', "affected") == {"affected": 0}
    assert Writer.everyone.filter(name="James").exists()
    assert not Remark.objects.exists()


DECLARED_WRONGLY: list[tuple[dict[str, Any], str]] = [
    ({"fields": ["text"], "copied": ["stars"]}, "create(RemarkType): copied is for source; leave it out"),
    ({"fields": ["text"], "source": Novel, "copied": {"novel": "self"}}, "create(RemarkType): source is <class 'tests.library.models.Novel'>, must be a type declared"),
    ({"fields": ["text"], "source": NovelType}, "create(RemarkType) has a source, of which nothing is copied; give it copied={…}"),
    ({"fields": ["text"], "source": NovelType, "copied": {"text": "title"}}, "create(RemarkType): text is in copied; leave it out of fields"),
    ({"fields": ["text"], "source": NovelType, "copied": {"novel": "writer"}}, "create(RemarkType): copied has 'writer' for novel, must be self, or a foreign key to the same model; Novel has: id, title"),
    ({"fields": ["text"], "source": NovelType, "copied": {"stars": "self"}}, "create(RemarkType): copied has 'self' for stars, must be a column; Novel has: id, title"),
    ({"fields": ["text"], "source": NovelType, "copied": {"x": "title"}}, "create(RemarkType): Remark has no field 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), DECLARED_WRONGLY)
def test_wrong_declaration(given: dict[str, Any], message: str) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.create(RemarkType, **given, registry=registry)

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value)[: len(message)] == message
