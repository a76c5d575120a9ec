"""Rows that are updated and deleted by another key than the primary one, and upserts by keys with a condition."""

from typing import Any

import pytest
from django import forms
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.declare.rules import requires_auth
from tests.library.models import Novel, Shelf, Verse, Writer
from tests.library.support import Library, make_engine, run
from tests.library.support import failing as failing_in
from tests.library.types import LIBRARY, NovelType, VerseType, WriterType

pytestmark = pytest.mark.django_db

REGISTRY = Registry(types=list(LIBRARY.types))


@fraiseql.type(Shelf, fields="__all__", plural="shelves", registry=REGISTRY)
class ShelfType:
    pass


class NovelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with the key."""

    class Meta:
        model = Novel
        fields = ("isbn", "pages")


fraiseql.update(NovelType, fields=["title", "isbn", "pages"], by="isbn", version="version", registry=REGISTRY)
fraiseql.update(NovelType, fields=["title", "pages"], by=["isbn"], bulk=True, registry=REGISTRY)
fraiseql.update(
    NovelType,
    fields=["pages"],
    by="novel_of_writer",
    rows=lambda viewer: Q(price__lt=50),
    name="repage",
    registry=REGISTRY,
)
fraiseql.delete(NovelType, by="isbn", registry=REGISTRY)
fraiseql.delete(NovelType, by=["writer", "title"], bulk=True, registry=REGISTRY)
fraiseql.update(WriterType, fields=["mentor"], by="name", registry=REGISTRY)
fraiseql.update(VerseType, fields=["text"], by="verse_place", registry=REGISTRY)
fraiseql.update(ShelfType, fields=["row", "gone"], by="shelf_slug", registry=REGISTRY)
fraiseql.upsert(ShelfType, fields=["slug", "row", "gone"], unique="shelf_slug", registry=REGISTRY)
fraiseql.upsert(ShelfType, fields=["row", "place"], unique="shelf_row_place", name="putShelf", registry=REGISTRY)
fraiseql.update(NovelType, form=NovelForm, by="isbn", name="correct", registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library() -> Library:
    return Library()


def failing(engine: GraphQLEngine, call: str) -> list[tuple[Any, ...]]:
    return [error[:3] for error in failing_in(engine, call)]


def arguments(engine: GraphQLEngine, name: str) -> dict[str, str]:
    assert engine.schema.graphql.mutation_type is not None
    return {key: str(arg.type) for key, arg in engine.schema.graphql.mutation_type.fields[name].args.items()}


def test_arguments_are_the_fields_of_the_key(engine: GraphQLEngine) -> None:
    assert arguments(engine, "updateNovel") == {
        "isbn": "String!",
        "version": "Int!",
        "input": "UpdateNovelInput!",
    }
    assert arguments(engine, "repage") == {"writerId": "ID!", "title": "String!", "input": "RepageInput!"}
    assert arguments(engine, "deleteNovel") == {"isbn": "String!"}
    assert arguments(engine, "deleteNovels") == {"input": "[DeleteNovelInput!]!"}
    items = engine.schema.graphql.type_map["UpdateNovelsInput"].fields  # type: ignore[attr-defined]
    assert {key: str(item.type) for key, item in items.items()} == {
        "isbn": "String!",
        "title": "String",
        "pages": "Int",
    }


def test_row_is_found_and_its_key_can_change(engine: GraphQLEngine, library: Library) -> None:
    call = 'updateNovel(isbn: "1", version: 1, input: {isbn: "2", pages: 3})'

    assert run(engine, call, "novel { isbn pages version }") == {"novel": {"isbn": "2", "pages": 3, "version": 2}}
    assert failing(engine, call) == [("isbn", "not_found", 404)]
    assert failing(engine, call.replace('"1"', '"2"')) == [("version", "stale", 409)]


def test_message_names_the_key(engine: GraphQLEngine, library: Library) -> None:
    assert failing_in(engine, 'deleteNovel(isbn: "x")')[0][3].startswith("novel instance with isbn 'x' ")


def test_form_of_a_row_by_its_key(engine: GraphQLEngine, library: Library) -> None:
    call = 'correct(isbn: "1", input: {isbn: "3", pages: 7})'

    assert run(engine, call, "novel { isbn pages }") == {"novel": {"isbn": "3", "pages": 7}}
    assert failing(engine, call) == [("isbn", "not_found", 404)]


def test_row_is_deleted(engine: GraphQLEngine, library: Library) -> None:
    assert run(engine, 'deleteNovel(isbn: "1")', "novel { title }") == {"novel": {"title": "Tehanu"}}
    assert not Novel.objects.exists()


def test_several(engine: GraphQLEngine, library: Library) -> None:
    Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)
    call = 'updateNovels(input: [{isbn: "2", pages: 2}, {isbn: "1", pages: 1}])'

    assert run(engine, call, "novels { isbn pages }") == {
        "novels": [{"isbn": "2", "pages": 2}, {"isbn": "1", "pages": 1}]
    }
    assert failing(engine, call.replace('"1"', '"3"')) == [("1.isbn", "not_found", 404)]
    key = f'{{writerId: {library.writer.pk}, title: "Tombs"}}'
    assert failing(engine, f"deleteNovels(input: [{key}, {key.replace('Tombs', 'x')}])") == [("1", "not_found", 404)]
    assert run(engine, f"deleteNovels(input: [{key}])", "novels { isbn }") == {"novels": [{"isbn": "2"}]}


def test_key_with_a_foreign_key(engine: GraphQLEngine, library: Library) -> None:
    call = 'repage(writerId: {}, title: "Tehanu", input: {{pages: 9}})'

    assert run(engine, call.format(library.writer.pk), "novel { pages }") == {"novel": {"pages": 9}}
    assert failing(engine, call.format(library.other.pk)) == [(None, "not_found", 404)]
    assert failing(engine, call.format('"x"')) == [(None, "not_found", 404)]
    Verse.objects.create(novel=library.novel, place=1, text="a")
    call = f'updateVerse(novelId: {library.novel.pk}, place: 1, input: {{text: "b"}})'
    assert run(engine, call, "verse { text }") == {"verse": {"text": "b"}}


def test_rule_of_the_mutation_holds(engine: GraphQLEngine, library: Library) -> None:
    Novel.objects.update(price=60)
    call = f'repage(writerId: {library.writer.pk}, title: "Tehanu", input: {{pages: 9}})'

    assert failing(engine, call) == [(None, "forbidden", 403)]


@pytest.mark.parametrize("mask", [False, True])
def test_row_is_not_found_by_what_may_not_be_seen(library: Library, mask: bool) -> None:
    registry = Registry()

    @fraiseql.type(Novel, fields=["id", "pages"], registry=registry)
    class NovelType:
        isbn: str | None = fraiseql.field(permission=requires_auth, mask=mask)

    fraiseql.update(NovelType, fields=["pages"], by="isbn", registry=registry)
    fraiseql.delete(NovelType, by="isbn", registry=registry)
    engine = make_engine(registry)
    for call in ('updateNovel(isbn: "1", input: {pages: 1})', 'deleteNovel(isbn: "9")'):
        (error,) = engine.execute(f"mutation {{ {call} {{ __typename }} }}").errors
        assert error.extensions["code"] == "UNAUTHENTICATED"
    assert Novel.objects.get().pages == 250


def test_hidden_row_is_not_found(engine: GraphQLEngine, library: Library) -> None:
    found = [failing(engine, f'updateWriter(name: "{name}", input: {{mentor: null}})') for name in ("James", "Nobody")]

    assert found == [[("name", "not_found", 404)]] * 2
    assert Writer.everyone.filter(name="James").exists()


def test_condition_of_the_key_decides(engine: GraphQLEngine) -> None:
    gone, here = (Shelf.objects.create(slug="a", gone=gone) for gone in (True, False))

    assert run(engine, 'updateShelf(slug: "a", input: {row: 1})', "shelf { id }") == {"shelf": {"id": str(here.pk)}}
    here.delete()
    assert failing(engine, 'updateShelf(slug: "a", input: {row: 1})') == [("slug", "not_found", 404)]
    Shelf.objects.create(slug="")
    assert failing(engine, 'updateShelf(slug: "", input: {row: 1})') == [("slug", "not_found", 404)]
    gone.refresh_from_db()
    assert gone.row == 0


def test_upsert_by_a_key_with_a_condition(engine: GraphQLEngine) -> None:
    Shelf.objects.create(slug="a", gone=True)

    for created in (True, False):
        assert run(engine, 'upsertShelf(input: {slug: "a", row: 1})', "created") == {"created": created}
    assert Shelf.objects.filter(slug="a").count() == 2
    # of what the condition is not true, there may be several
    for _ in range(2):
        assert run(engine, "putShelf(input: {row: 1, place: 0})", "created") == {"created": True}


DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda options: fraiseql.update(NovelType, fields=["pages"], by="title", **options), "update(NovelType): by is 'title', must be fields that are unique together, or the name of a UniqueConstraint over fields alone; Novel has: ['isbn'], ['writer', 'title']; its constraints: 'novel_of_writer'"),
    (lambda options: fraiseql.update(NovelType, fields=["isbn"], by="isbn", bulk=True, **options), "update(NovelType): isbn finds the object; leave it out of fields"),
    (lambda options: fraiseql.delete(NovelType, by=["isbn", "isbn"], **options), "delete(NovelType): by is ['isbn', 'isbn'], must be fields that are unique together"),
    (lambda options: fraiseql.update(ShelfType, fields=["row"], by="slug", **options), "update(ShelfType): by is 'slug', must be fields that are unique together"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "message"), DECLARED_WRONGLY)
def test_wrong_declaration(declare: Any, message: str) -> None:
    registry = Registry(types=list(REGISTRY.types))
    declare({"registry": registry})

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value)[: len(message)] == message
