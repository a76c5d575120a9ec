"""Mutations from a type: what they write, what they refuse, and that a refusal leaves the database as it was."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models, transaction
from django.db.models import signals
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from psycopg.types.range import DateRange

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Category, Customer, Order, OrderLine, Publisher, Review
from fraiseql_django import GraphQLEngine
from tests.library.models import Card, Chapter, Genre, Language, Novel, Remark, Room, Tidy
from tests.library.support import Library, failing, make_engine, run, tables
from tests.library.types import LIBRARY, BookmarkType, CardType, GenreType, LanguageType, NovelType, WriterType
from tests.support import data, in_thread, make_shop
from tests.zoo.models import Album, Place, Restaurant, Specimen

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine()


@pytest.fixture
def library() -> Library:
    return Library()


def new(**given: Any) -> dict[str, Any]:
    return {"title": "Tombs", "isbn": "2", **given}


def create(engine: GraphQLEngine, given: dict[str, Any], success: str = "novel { id }") -> Any:
    return run(engine, "createNovel(input: $i)", success, {"i": given}, "($i: CreateNovelInput!)")


def refused(engine: GraphQLEngine, given: dict[str, Any]) -> list[tuple[Any, ...]]:
    return failing(engine, "createNovel(input: $i)", {"i": given}, "($i: CreateNovelInput!)")


# --- create ---


def test_create_answers_the_selection_of_the_new_object(engine: GraphQLEngine, library: Library) -> None:
    given = new(writer=library.writer.pk, genres=[genre.pk for genre in library.genres])
    success = "__typename novel { title writer { name } genres { name } state version }"

    assert create(engine, given, success) == {
        "__typename": "CreateNovelSuccess",
        "novel": {
            "title": "Tombs",
            "writer": {"name": "Ursula"},
            "genres": [{"name": "Fantasy"}, {"name": "Horror"}],
            "state": "DRAFT",
            "version": 1,
        },
    }
    assert Novel.objects.count() == 2


def test_create_takes_every_kind_of_value(engine: GraphQLEngine, library: Library) -> None:
    given = new(
        writer=library.writer.pk, editor=library.other.pk, price="12.50", discount=2, state="OUT", blurb="…",
        published="2024-05-31", tags=["a", "b"], notes={"a": [1, None]}, pages=7,
        onLoan={"lower": "2024-01-01", "upper": "2024-02-01"},
        cover=SimpleUploadedFile("cover.txt", b"cover"),
    )  # fmt: skip
    key = create(engine, given)["novel"]["id"]

    novel = Novel.objects.get(pk=key)
    assert (novel.price, novel.discount, novel.state, novel.blurb) == (Decimal("12.50"), Decimal(2), "out", "…")
    assert (novel.published, novel.tags, novel.notes) == (dt.date(2024, 5, 31), ["a", "b"], {"a": [1, None]})
    assert (novel.pages, novel.editor_id) == (7, library.other.pk)
    assert novel.on_loan == DateRange(dt.date(2024, 1, 1), dt.date(2024, 2, 1))
    assert novel.cover.read() == b"cover"


def test_what_is_absent_takes_the_default_and_null_is_null(engine: GraphQLEngine, library: Library) -> None:
    key = create(engine, new(writer=library.writer.pk, pages=None, editor=None, published=None))["novel"]["id"]

    novel = Novel.objects.get(pk=key)
    assert (novel.price, novel.tags, novel.notes, novel.state) == (Decimal(10), [], {}, "draft")
    assert (novel.pages, novel.editor, novel.published) == (None, None, None)


def test_arguments_are_required_where_the_model_has_nothing_to_put_there(engine: GraphQLEngine) -> None:
    fields = engine.schema.graphql.type_map["CreateNovelInput"].fields  # type: ignore[attr-defined]

    assert {name: str(field.type) for name, field in fields.items()} == {
        "title": "String!", "isbn": "String!", "price": "Decimal", "discount": "Decimal", "state": "NovelState",
        "writer": "ID!", "editor": "ID", "genres": "[ID!]", "blurb": "String", "published": "Date",
        "tags": "[String!]", "notes": "JSON", "onLoan": "DateRangeInput", "cover": "Upload", "pages": "Int",
    }  # fmt: skip
    fields = engine.schema.graphql.type_map["UpdateNovelInput"].fields  # type: ignore[attr-defined]
    assert not [name for name, field in fields.items() if str(field.type).endswith("!")]


@pytest.mark.parametrize(
    "query",
    [
        'mutation { createNovel(input: {title: "x", isbn: "2"}) { __typename } }',
        'mutation { createNovel(input: {title: null, isbn: "2", writer: 1}) { __typename } }',
        'mutation { createNovel(input: {title: 7, isbn: "2", writer: 1}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, state: "OUT"}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, pages: 3000000000}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, cover: "x"}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, published: "x"}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, secret: "x"}) { __typename } }',
        'mutation { createNovel(input: {title: "x", isbn: "2", writer: 1, titleLength: 1}) { __typename } }',
        "mutation { createNovel { __typename } }",
        'mutation { updateNovel(input: {title: "x"}) { __typename } }',
        "mutation { updateNovel(id: null, input: {}) { __typename } }",
        "mutation { reviseNovel(id: 1, input: {}) { __typename } }",
        "mutation { deleteNovels(ids: [null]) { __typename } }",
        'mutation { upsertNovel(input: {title: "x", writer: 1}) { __typename } }',
    ],
)
def test_wrong_types_and_missing_keys_are_errors_of_graphql(
    engine: GraphQLEngine, library: Library, query: str
) -> None:
    before = tables()
    response = engine.execute(query).json()

    assert "data" not in response
    assert {error["extensions"]["code"] for error in response["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert tables() == before


TOO_LONG = "Ensure this value has at most 20 characters (it has 21)."


def not_found(model: str, key: str, field: str = "id") -> str:
    """What Django says of a key that leads nowhere."""
    return models.ForeignKey.default_error_messages["invalid"] % {"model": model, "field": field, "value": key}


WRONG: list[tuple[dict[str, Any], list[tuple[Any, ...]]]] = [
    ({"title": "x" * 21}, [("title", "max_length", 422, TOO_LONG)]),
    ({"title": ""}, [("title", "blank", 422, "This field cannot be blank.")]),
    ({"isbn": "a"}, [("isbn", "invalid", 422, "Enter a valid value.")]),
    ({"isbn": "1"}, [("isbn", "unique", 422, "Novel with this ISBN already exists.")]),
    ({"price": None}, [("price", "null", 422, "This field cannot be null.")]),
    ({"state": None}, [("state", "null", 422, "This field cannot be null.")]),
    ({"genres": None}, [("genres", "null", 422, "This field cannot be null.")]),
    ({"tags": ["long enough"]}, [("tags", "item_invalid", 422, "Item 1 in the array did not validate: Ensure this value has at most 5 characters (it has 11).")]),
    ({"price": "12345"}, [("price", "max_whole_digits", 422, "Ensure that there are no more than 4 digits before the decimal point.")]),
    ({"price": "-1"}, [(None, "check", 422, "Not for that."), (None, "too_cheap", 422, "More off than it costs.")]),
    ({"discount": "11"}, [(None, "too_cheap", 422, "More off than it costs.")]),
    ({"title": "Tehanu"}, [(None, "unique_together", 422, "Novel with this Writer and Title already exists.")]),
    ({"title": "Untitled"}, [("title", "dull", 422, "A title, please.")]),
    ({"title": "Nothing"}, [(None, "invalid", 422, "Nothing will come of nothing.")]),
    ({"blurb": "\0"}, [("blurb", "null_characters_not_allowed", 422, "Null characters are not allowed.")]),
    ({"blurb": "\ud800"}, [("blurb", "invalid", 422, "Enter a valid value.")]),
    ({"notes": {"a": "\0"}}, [("notes", "null_characters_not_allowed", 422, "Null characters are not allowed.")]),
    ({"onLoan": {"lower": "2024-02-01", "upper": "2024-01-01"}}, [("onLoan", "invalid", 422, "Enter a valid value.")]),
    ({"onLoan": {"bounds": "<>"}}, [("onLoan", "invalid", 422, "Enter a valid value.")]),
    ({"pages": -1}, [("pages", "min_value", 422, "Ensure this value is greater than or equal to 0.")]),
    ({"pages": 40000}, [("pages", "max_value", 422, "Ensure this value is less than or equal to 32767.")]),
    ({"cover": SimpleUploadedFile("x.txt", b"")}, [("cover", "empty", 422, "The submitted file is empty.")]),
    ({"writer": "404"}, [("writer", "not_found", 404, not_found("writer", "404"))]),
    ({"writer": "x"}, [("writer", "not_found", 404, not_found("writer", "x"))]),
    ({"editor": str(2**70)}, [("editor", "not_found", 404, not_found("writer", str(2**70)))]),
    ({"genres": ["404", "x"]}, [
        ("genres.0", "not_found", 404, not_found("genre", "404")),
        ("genres.1", "not_found", 404, not_found("genre", "x")),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "errors"), WRONG)
def test_bad_input_is_told_as_data(
    engine: GraphQLEngine, library: Library, given: dict[str, Any], errors: list[tuple[Any, ...]]
) -> None:
    assert refused(engine, new(**{"writer": library.writer.pk, **given})) == errors


def test_all_errors_are_told_together(engine: GraphQLEngine, library: Library) -> None:
    answer = create(engine, {"title": "x" * 21, "isbn": "1", "writer": 404, "pages": -1, "genres": [404]})

    assert answer["code"] == 422
    assert answer["status"] == "failed:validation"
    assert [(error["field"], error["identifier"]) for error in answer["errors"]] == [
        ("writer", "not_found"),
        ("title", "max_length"),
        ("pages", "min_value"),
        ("isbn", "unique"),
        ("genres.0", "not_found"),
    ]


def test_object_that_clients_may_not_know_of_is_not_there(engine: GraphQLEngine, library: Library) -> None:
    hidden, nobody = library.hidden.pk, library.hidden.pk + 1000

    assert [
        (field, code, message.replace(str(nobody), str(hidden)))
        for field, _, code, message in refused(engine, new(writer=nobody))
    ] == [(field, code, message) for field, _, code, message in refused(engine, new(writer=hidden))]
    assert failing(engine, f'updateWriter(id: {hidden}, input: {{name: "x"}})') == [
        ("id", "not_found", 404, not_found("writer", str(hidden)))
    ]
    assert failing(engine, f"deleteWriter(id: {hidden})")[0][:3] == ("id", "not_found", 404)
    assert failing(engine, f"deleteWriter(id: {nobody})")[0][:3] == ("id", "not_found", 404)
    # nor can it be written over, though its name is taken
    assert failing(engine, 'createWriter(input: {name: "James"})') == [
        ("name", "unique", 422, "Writer with this Name already exists.")
    ]


def test_clean_is_not_asked_about_half_an_object(engine: GraphQLEngine, library: Library) -> None:
    call = 'createRemark(input: {{novel: {}, stars: 9, text: "Tehanu"}})'

    assert [error[:2] for error in failing(engine, call.format(404))] == [
        ("novel", "not_found"),
        ("stars", "max_value"),
    ]
    assert [error[:2] for error in failing(engine, call.format(library.novel.pk))] == [
        ("stars", "max_value"),
        (None, "invalid"),
    ]


def test_messages_are_those_of_the_active_language(engine: GraphQLEngine, library: Library) -> None:
    with translation.override("de"):
        assert refused(engine, new(writer=library.writer.pk, title="")) == [
            ("title", "blank", 422, "Dieses Feld darf nicht leer sein.")
        ]


def test_key_that_clients_give(engine: GraphQLEngine) -> None:
    call = 'createLanguage(input: {code: "eo", name: "Esperanto"})'

    assert run(engine, call, "language { code name }") == {"language": {"code": "eo", "name": "Esperanto"}}
    assert failing(engine, call) == [("code", "unique", 422, "Language with this Code already exists.")]


def test_composite_key(engine: GraphQLEngine, library: Library) -> None:
    novel = library.novel.pk
    new_chapter = f'createChapter(input: {{novel: {novel}, number: 1, heading: "A"}})'

    assert run(engine, new_chapter, "chapter { number novel { title } }") == {
        "chapter": {"number": 1, "novel": {"title": "Tehanu"}}
    }
    assert failing(engine, new_chapter) == [
        (None, "unique_together", 422, "Chapter with this Novel and Number already exists.")
    ]
    assert run(
        engine, f'updateChapter(novelId: {novel}, number: 1, input: {{heading: "B"}})', "chapter { heading }"
    ) == {"chapter": {"heading": "B"}}
    assert failing(engine, f'updateChapter(novelId: {novel}, number: 2, input: {{heading: "B"}})') == [
        (None, "not_found", 404, not_found("chapter", f"{novel}, 2", "pk"))
    ]
    many = f'updateChapters(input: [{{novelId: {novel}, number: 1, heading: "C"}}])'
    assert run(engine, many, "chapters { heading }") == {"chapters": [{"heading": "C"}]}
    one = f"deleteChapter(novelId: {novel}, number: 1)"
    assert run(engine, one, "chapter { heading }") == {"chapter": {"heading": "C"}}
    Chapter.objects.create(novel=library.novel, number=3, heading="D")
    all_of_them = f"deleteChapters(input: [{{novelId: {novel}, number: 3}}])"
    assert run(engine, all_of_them, "chapters { heading }") == {"chapters": [{"heading": "D"}]}
    assert not Chapter.objects.exists()


# --- update ---


def change(engine: GraphQLEngine, key: Any, given: dict[str, Any], success: str = "novel { id }") -> Any:
    variables = {"id": key, "i": given}
    return run(engine, "updateNovel(id: $id, input: $i)", success, variables, "($id: ID!, $i: UpdateNovelInput!)")


def test_update_leaves_alone_what_is_absent(engine: GraphQLEngine, library: Library) -> None:
    key = library.novel.pk

    assert change(engine, key, {"title": "T"}, "novel { title isbn pages }") == {
        "novel": {"title": "T", "isbn": "1", "pages": 250}
    }
    change(engine, key, {"pages": None, "notes": {"a": 1}})
    library.novel.refresh_from_db()
    assert (library.novel.title, library.novel.pages, library.novel.notes) == ("T", None, {"a": 1})
    assert [genre.name for genre in library.novel.genres.all()] == ["Fantasy"]


def test_update_with_nothing_given_changes_nothing(engine: GraphQLEngine, library: Library) -> None:
    before = tables()

    assert change(engine, library.novel.pk, {}, "novel { title }") == {"novel": {"title": "Tehanu"}}
    assert tables() == before


def test_update_sets_relations(engine: GraphQLEngine, library: Library) -> None:
    horror = library.genres[1]
    given = {"genres": [horror.pk], "editor": library.other.pk, "writer": library.other.pk}

    assert change(engine, library.novel.pk, given, "novel { genres { name } editor { name } writer { name } }") == {
        "novel": {"genres": [{"name": "Horror"}], "editor": {"name": "Octavia"}, "writer": {"name": "Octavia"}}
    }
    assert change(
        engine, library.novel.pk, {"genres": [], "editor": None}, "novel { genres { name } editor { id } }"
    ) == {"novel": {"genres": [], "editor": None}}


def test_update_is_validated(engine: GraphQLEngine, library: Library) -> None:
    key, call = library.novel.pk, "updateNovel(id: $id, input: $i)"
    declared = "($id: ID!, $i: UpdateNovelInput!)"
    Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)

    def errors(**given: Any) -> list[tuple[Any, ...]]:
        return [error[:3] for error in failing(engine, call, {"id": key, "i": given}, declared)]

    assert errors(isbn="2") == [("isbn", "unique", 422)]
    assert errors(isbn=None, writer=None) == [("writer", "null", 422), ("isbn", "null", 422)]
    assert errors(title="Tombs") == [(None, "unique_together", 422)]
    assert errors(discount="11") == [(None, "too_cheap", 422)]
    assert errors(writer=library.hidden.pk, genres=[404]) == [
        ("writer", "not_found", 404),
        ("genres.0", "not_found", 404),
    ]


def test_value_from_before_a_rule_does_not_block_other_changes(engine: GraphQLEngine, library: Library) -> None:
    Novel.objects.update(isbn="not digits", state="gone")

    assert change(engine, library.novel.pk, {"pages": 1}) == {"novel": {"id": str(library.novel.pk)}}
    library.novel.refresh_from_db()
    assert (library.novel.pages, library.novel.isbn, library.novel.state) == (1, "not digits", "gone")


def test_file_that_is_given_null_is_taken_away(engine: GraphQLEngine, library: Library) -> None:
    change(engine, library.novel.pk, {"cover": SimpleUploadedFile("cover.txt", b"x")})
    library.novel.refresh_from_db()
    assert library.novel.cover

    change(engine, library.novel.pk, {"cover": None})
    library.novel.refresh_from_db()
    assert not library.novel.cover


def test_what_clean_changes_is_saved_and_what_was_only_read_is_not(engine: GraphQLEngine) -> None:
    with connection.cursor() as cursor:
        # a null of JSON's own, which Django reads as None, and would write as one of SQL
        cursor.execute(
            "INSERT INTO library_tidy (title, slug, whatever, changed) VALUES ('A', 'a', 'null', now() - interval '1h')"
        )
    tidy = Tidy.objects.get()

    assert run(engine, f'updateTidy(id: {tidy.pk}, input: {{title: "B"}})', "tidy { title slug }") == {
        "tidy": {"title": "B", "slug": "b"}
    }
    assert Tidy.objects.get().changed > tidy.changed


# --- delete ---


def test_delete_answers_the_object_as_it_was(engine: GraphQLEngine, library: Library) -> None:
    library.novel.remarks.create(stars=3)
    answer = run(engine, f"deleteNovel(id: {library.novel.pk})", "novel { title remarks { stars } genres { name } }")

    assert answer == {"novel": {"title": "Tehanu", "remarks": [{"stars": 3}], "genres": [{"name": "Fantasy"}]}}
    assert not Novel.objects.exists()
    assert not Remark.objects.exists()


def test_what_others_refer_to_is_not_deleted(engine: GraphQLEngine, library: Library) -> None:
    Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)

    assert failing(engine, f"deleteWriter(id: {library.writer.pk})") == [
        (None, "protected", 409, "This cannot be deleted, since it is still referred to by: 2 novels.")
    ]
    answer = run(engine, f"deleteWriter(id: {library.writer.pk})")
    assert (answer["code"], answer["status"]) == (409, "conflict:protected")


def test_what_only_postgresql_knows_to_be_referred_to_is_not_deleted(engine: GraphQLEngine) -> None:
    room = Room.objects.create(name="A", place=1)
    room.loans.create()
    # as at the commit of what wrote it
    connection.check_constraints()

    assert failing(engine, f"deleteRoom(id: {room.pk})") == [
        (None, "protected", 409, "This cannot be deleted, since it is still referred to by: loans.")
    ]


def test_table_that_extends_another(engine: GraphQLEngine) -> None:
    registry = fraiseql.Registry()
    place = fraiseql.type(Place, fields=["id", "name"], registry=registry)(type("PlaceType", (), {}))
    over = fraiseql.type(Restaurant, fields=["id", "name", "address", "stars", "suppliers"], registry=registry)
    restaurant = over(type("RestaurantType", (), {}))
    fields = ["name", "address", "stars", "suppliers"]
    fraiseql.create(restaurant, fields=fields, registry=registry)
    fraiseql.update(restaurant, fields=fields, registry=registry)
    fraiseql.upsert(restaurant, fields=fields, unique=["address"], registry=registry)
    fraiseql.delete(restaurant, registry=registry)
    fraiseql.delete(place, registry=registry)
    engine = make_engine(registry)
    selected = "restaurant { id name stars suppliers { name } }"
    farm = Place.objects.create(name="Farm", address="2")

    made = run(engine, f'createRestaurant(input: {{name: "A", address: "1", suppliers: [{farm.pk}]}})', selected)
    key = made["restaurant"]["id"]
    assert made == {"restaurant": {"id": key, "name": "A", "stars": None, "suppliers": [{"name": "Farm"}]}}
    answer = run(engine, f'updateRestaurant(id: {key}, input: {{name: "B", stars: 3, suppliers: []}})', selected)
    assert answer == {"restaurant": {"id": key, "name": "B", "stars": 3, "suppliers": []}}
    answer = run(engine, 'upsertRestaurant(input: {name: "C", address: "1"})', f"created {selected}")
    assert answer == {"created": False, "restaurant": {"id": key, "name": "C", "stars": 3, "suppliers": []}}
    found = run(engine, 'createRestaurant(input: {name: "D", address: "2"})')
    assert [(error["field"], error["identifier"]) for error in found["errors"]] == [("address", "unique")]
    assert run(engine, f"deleteRestaurant(id: {key})", "restaurant { name }") == {"restaurant": {"name": "C"}}
    assert list(Place.objects.values_list("name", flat=True)) == ["Farm"]


def test_every_class_of_field() -> None:
    registry = fraiseql.Registry()
    names = [
        field.name
        for field in Specimen._meta.concrete_fields
        if field.editable and not (field.generated or field.primary_key)
    ]
    over = fraiseql.type(Specimen, fields=["id", *names], registry=registry)
    specimen = over(type("SpecimenType", (), {}))
    fraiseql.create(specimen, fields=names, registry=registry)
    fraiseql.update(specimen, fields=names, registry=registry)
    engine = make_engine(registry)
    given: dict[str, Any] = {
        "name": "A", "boolean": True, "booleanNull": False, "small": 1, "big": "5", "double": 0.5, "decimal": "1.5",
        "char": "x", "slug": "a-b", "email": "a@example.org", "url": "https://example.org", "code": "abc",
        "caseless": "x", "uuid": "123e4567-e89b-12d3-a456-426614174000", "date": "2024-05-31",
        "dateTime": "2024-05-31T12:00:00.123456+00:00", "time": "12:30:00", "duration": "P1DT00H00M00S",
        "ip": "2001:db8::1", "ipv4": "192.0.2.1", "json": [1, None], "jsonSet": {"a": 1},
        "bits": 3, "vector": "'a':1", "odd": "E_BOOK", "level": "HIGH", "bigChoice": "MUCH",
        "texts": ["a"], "integers": [1, 2], "decimals": ["1.5000"], "bigs": ["7"], "doubles": [0.5],
        "booleans": [True], "uuids": ["123e4567-e89b-12d3-a456-426614174000"], "dates": ["2024-05-31"],
        "dateTimes": ["2024-05-31T12:00:00+00:00"], "durations": ["P1DT00H00M00S"], "binaries": ["aGVsbG8="],
        "ips": ["192.0.2.1"], "jsons": [{"a": 1}], "matrix": [[1, 2], [3, 4]], "words": [["a", "b"]],
    }  # fmt: skip
    success = f"specimen {{ id {' '.join(given)} }}"
    call, declared = "createSpecimen(input: $i)", "($i: CreateSpecimenInput!)"
    made = run(engine, call, "specimen { id }", {"i": given}, declared)
    assert "errors" not in made, made
    key = made["specimen"]["id"]

    # read again: what PostgreSQL has normalised counts
    read = data(engine, f"{{ {success.replace('specimen', f'specimen(id: {key})')} }}")["specimen"]
    expected = {**given, "id": key, "decimal": "1.50000000000000000000", "code": "ABC"}
    assert {name: value for name, value in read.items() if value != expected[name]} == {}
    ragged = failing(
        engine, f"updateSpecimen(id: {key}, input: {{matrix: [[1], [2, 3]], booleans: [true, true, true, true]}})"
    )
    assert [error[:2] for error in ragged] == [("matrix", "invalid"), ("booleans", "max_length")]
    null = {name: None for name in given if name not in ("name", "boolean", "jsonSet", "integers")}
    call, declared = f"updateSpecimen(id: {key}, input: $i)", "($i: UpdateSpecimenInput!)"
    found = run(engine, call, success, {"i": null}, declared)
    assert {name for name, value in found["specimen"].items() if value is not None} == {
        "id", "name", "boolean", "jsonSet", "integers"
    }  # fmt: skip


def test_default_manager_that_groups(engine: GraphQLEngine) -> None:
    registry = fraiseql.Registry()
    album = fraiseql.type(Album, fields=["id", "title"], registry=registry)(type("AlbumType", (), {}))
    fraiseql.update(album, fields=["title", "parent"], registry=registry)
    first, second = Album.objects.create(title="A"), Album.objects.create(title="B")
    call = f'updateAlbum(id: {first.pk}, input: {{title: "C", parent: {second.pk}}})'

    assert run(make_engine(registry), call, "album { title }") == {"album": {"title": "C"}}
    first.refresh_from_db()
    assert first.parent == second


# --- several ---


def test_several_are_created_in_order(engine: GraphQLEngine, library: Library) -> None:
    given = [new(isbn=str(number), title=f"T{number}", writer=library.writer.pk) for number in (5, 4, 3)]
    call, declared = "createNovels(input: $i)", "($i: [CreateNovelInput!]!)"

    assert run(engine, call, "novels { isbn }", {"i": given}, declared) == {
        "novels": [{"isbn": "5"}, {"isbn": "4"}, {"isbn": "3"}]
    }
    assert run(engine, call, "novels { isbn }", {"i": []}, declared) == {"novels": []}


def test_of_several_all_are_created_or_none(engine: GraphQLEngine, library: Library) -> None:
    writer = library.writer.pk
    given = [
        new(writer=writer), new(writer=writer, title="x" * 21, isbn="3"), new(writer=404, isbn="4"),
        new(writer=writer, isbn="1", title="Other"),
    ]  # fmt: skip
    found = failing(engine, "createNovels(input: $i)", {"i": given}, "($i: [CreateNovelInput!]!)")

    assert [error[:2] for error in found] == [
        ("1.title", "max_length"),
        ("2.writer", "not_found"),
        ("3.isbn", "unique"),
    ]
    twice = [new(writer=writer), new(writer=writer, title="Other")]
    found = failing(engine, "createNovels(input: $i)", {"i": twice}, "($i: [CreateNovelInput!]!)")
    assert [error[:2] for error in found] == [("1.isbn", "unique")]


def test_several_are_updated(engine: GraphQLEngine, library: Library) -> None:
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)
    given = [{"id": other.pk, "title": "B"}, {"id": library.novel.pk, "title": "A", "price": 1}]
    call, declared = "updateNovels(input: $i)", "($i: [UpdateNovelsInput!]!)"

    assert run(engine, call, "novels { title price }", {"i": given}, declared) == {
        "novels": [{"title": "B", "price": "10.00"}, {"title": "A", "price": "1.00"}]
    }
    given = [{"id": other.pk, "title": "C"}, {"id": 404, "title": "D"}, {"id": library.novel.pk, "title": None}]
    assert [error[:3] for error in failing(engine, call, {"i": given}, declared)] == [
        ("1.id", "not_found", 404),
        ("2.title", "null", 422),
    ]


def test_several_are_deleted(engine: GraphQLEngine, library: Library) -> None:
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer)
    keys = f"{other.pk}, {library.novel.pk}"

    assert [error[:3] for error in failing(engine, f"deleteNovels(ids: [{keys}, 404])")] == [("2", "not_found", 404)]
    assert run(engine, f"deleteNovels(ids: [{keys}, {other.pk}])", "novels { title }") == {
        "novels": [{"title": "Tombs"}, {"title": "Tehanu"}, {"title": "Tombs"}]
    }
    assert not Novel.objects.exists()


def test_of_several_none_is_deleted_where_one_is_protected(engine: GraphQLEngine, library: Library) -> None:
    found = failing(engine, f"deleteWriters(ids: [{library.other.pk}, {library.writer.pk}])")

    assert [error[:3] for error in found] == [("1", "protected", 409)]


# --- upsert ---


def test_upsert_creates_what_is_not_there_and_changes_what_is(engine: GraphQLEngine, library: Library) -> None:
    call = 'upsertNovel(input: {{isbn: "2", title: "{title}", writer: {writer}{more}}})'
    success = "created novel { title pages }"

    assert run(engine, call.format(title="A", writer=library.writer.pk, more=", pages: 5"), success) == {
        "created": True,
        "novel": {"title": "A", "pages": 5},
    }
    # what is absent stays as it is
    assert run(engine, call.format(title="B", writer=library.writer.pk, more=""), success) == {
        "created": False,
        "novel": {"title": "B", "pages": 5},
    }
    assert Novel.objects.count() == 2


def test_upsert_by_a_constraint_over_several_fields(engine: GraphQLEngine, library: Library) -> None:
    call = 'putNovelOfWriter(input: {{isbn: "9", title: "Tehanu", writer: {}}})'

    assert run(engine, call.format(library.writer.pk), "created novel { isbn }") == {
        "created": False,
        "novel": {"isbn": "9"},
    }
    assert failing(engine, call.format(library.other.pk)) == [
        ("isbn", "unique", 422, "Novel with this ISBN already exists.")
    ]
    assert failing(engine, call.format(0))[0][:3] == ("writer", "not_found", 404)


def test_upsert_is_validated(engine: GraphQLEngine, library: Library) -> None:
    call = 'upsertNovel(input: {{isbn: "{isbn}", title: "{title}", writer: {writer}}})'

    found = failing(engine, call.format(isbn="1", title="x" * 21, writer=library.hidden.pk))
    assert [error[:2] for error in found] == [("writer", "not_found"), ("title", "max_length")]
    found = failing(engine, call.format(isbn="\\u0000", title="x", writer=library.writer.pk))
    assert [error[:2] for error in found] == [("isbn", "null_characters_not_allowed")]


def test_upsert_of_several(engine: GraphQLEngine, library: Library) -> None:
    writer = library.writer.pk
    given = [new(writer=writer), new(writer=writer, isbn="1", title="Same"), new(writer=writer, title="Again")]
    call, declared = "upsertNovels(input: $i)", "($i: [UpsertNovelInput!]!)"

    assert run(engine, call, "created novels { isbn title }", {"i": given}, declared) == {
        "created": [True, False, False],
        "novels": [
            {"isbn": "2", "title": "Again"},
            {"isbn": "1", "title": "Same"},
            {"isbn": "2", "title": "Again"},
        ],
    }


def test_upsert_by_a_key_that_clients_give(engine: GraphQLEngine) -> None:
    call = 'upsertLanguage(input: {{code: "eo", name: "{}"}})'

    assert run(engine, call.format("A"), "created") == {"created": True}
    assert run(engine, call.format("B"), "created") == {"created": False}
    assert list(Language.objects.values_list("code", "name")) == [("eo", "B")]


def waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_upsert_changes_what_another_transaction_has_created_meanwhile(engine: GraphQLEngine) -> None:
    library = Library()
    call = f'upsertNovel(input: {{isbn: "2", title: "Mine", writer: {library.writer.pk}}})'
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Novel.objects.create(title="Theirs", isbn="2", writer=library.writer)
            answer = pool.submit(in_thread, lambda: run(engine, call, "created novel { title }"))
            while not in_thread(waits):
                assert not answer.done(), answer.result()
        assert answer.result(60) == {"created": False, "novel": {"title": "Mine"}}


# --- versions ---


def test_version_is_compared_and_counts(engine: GraphQLEngine, library: Library) -> None:
    call = 'reviseNovel(id: {id}, version: {version}, input: {{title: "{title}"}})'
    key = library.novel.pk

    assert run(engine, call.format(id=key, version=1, title="A"), "novel { title version }") == {
        "novel": {"title": "A", "version": 2}
    }
    assert failing(engine, call.format(id=key, version=1, title="B")) == [
        ("version", "stale", 409, "This object has been changed since you read it.")
    ]
    assert run(engine, call.format(id=key, version=1, title="B"))["status"] == "conflict:stale"
    genres = f"reviseNovel(id: {key}, version: 2, input: {{genres: []}})"
    assert run(engine, genres, "novel { version }") == {"novel": {"version": 3}}
    assert run(engine, f"reviseNovel(id: {key}, version: 3, input: {{}})", "novel { version }") == {
        "novel": {"version": 3}
    }


def test_versions_of_several(engine: GraphQLEngine, library: Library) -> None:
    other = Novel.objects.create(title="Tombs", isbn="2", writer=library.writer, version=7)
    call, declared = "reviseNovels(input: $i)", "($i: [ReviseNovelsInput!]!)"

    def given(version: int) -> dict[str, Any]:
        key = library.novel.pk
        return {"i": [{"id": key, "version": 1, "title": "A"}, {"id": other.pk, "version": version, "title": "B"}]}

    assert failing(engine, call, given(8), declared)[0][:3] == ("1.version", "stale", 409)
    assert run(engine, call, "novels { title version }", given(7), declared) == {
        "novels": [{"title": "A", "version": 2}, {"title": "B", "version": 8}]
    }


def test_moment_as_version(engine: GraphQLEngine, library: Library) -> None:
    read = f"{{ novel(id: {library.novel.pk}) {{ changed }} }}"
    changed = data(engine, read)["novel"]["changed"]
    call = f'retitleNovel(id: {library.novel.pk}, changed: "{changed}", input: {{title: "A"}})'

    assert run(engine, call, "novel { title }") == {"novel": {"title": "A"}}
    assert data(engine, read)["novel"]["changed"] != changed
    assert failing(engine, call)[0][:3] == ("changed", "stale", 409)


def test_version_of_what_is_deleted(engine: GraphQLEngine, library: Library) -> None:
    key = library.novel.pk

    assert failing(engine, f"dropNovel(id: {key}, version: 2)")[0][:3] == ("version", "stale", 409)
    found = failing(engine, f"dropNovels(input: [{{id: {key}, version: 1}}, {{id: 404, version: 1}}])")
    assert found[0][:3] == ("1.id", "not_found", 404)
    assert run(engine, f"dropNovels(input: [{{id: {key}, version: 1}}])", "novels { title }") == {
        "novels": [{"title": "Tehanu"}]
    }


@pytest.mark.django_db(transaction=True)
def test_of_two_updates_at_once_the_second_sees_the_first(engine: GraphQLEngine) -> None:
    library = Library()
    call = f'reviseNovel(id: {library.novel.pk}, version: 1, input: {{title: "Mine"}})'
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Novel.objects.update(version=2, pages=7)
            answer = pool.submit(in_thread, lambda: run(engine, call))
            while not in_thread(waits):
                assert not answer.done(), answer.result()
        assert answer.result(60)["status"] == "conflict:stale"


# --- the model's own methods, and signals ---


def test_methods_of_the_model_are_called(engine: GraphQLEngine) -> None:
    answer = run(engine, 'createCard(input: {title: "A"})', "card { id slug saved facts }")["card"]
    key = answer.pop("id")

    assert answer == {"slug": "a", "saved": 1, "facts": {"cleaned": True}}
    Card.objects.update(facts={})
    assert run(engine, f'updateCard(id: {key}, input: {{title: "B"}})', "card { slug saved facts }") == {
        "card": {"slug": "b", "saved": 2, "facts": {"cleaned": True}}
    }
    assert failing(engine, f'updateCard(id: {key}, input: {{title: "refuse"}})') == [
        ("title", "invalid", 422, "Refused by save().")
    ]
    run(engine, f'updateCard(id: {key}, input: {{title: "keep"}})')
    assert failing(engine, f"deleteCard(id: {key})") == [(None, "invalid", 422, "Refused by delete().")]


SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete")


def test_signals_are_sent(engine: GraphQLEngine, library: Library) -> None:
    seen: list[Any] = []

    def saw(name: str) -> Any:
        return lambda sender, **given: seen.append((name, sender.__name__, given.get("action") or given.get("created")))

    receivers = {name: saw(name) for name in (*SIGNALS, "m2m_changed")}
    for name in SIGNALS:
        getattr(signals, name).connect(receivers[name], sender=Novel)
    signals.m2m_changed.connect(receivers["m2m_changed"], sender=Novel.genres.through)
    try:
        key = create(engine, new(writer=library.writer.pk, genres=[library.genres[0].pk]))["novel"]["id"]
        created, seen[:] = list(seen), []
        change(engine, key, {"title": "x"})
        changed, seen[:] = list(seen), []
        run(engine, f"deleteNovel(id: {key})")
    finally:
        for name in SIGNALS:
            getattr(signals, name).disconnect(receivers[name], sender=Novel)
        signals.m2m_changed.disconnect(receivers["m2m_changed"], sender=Novel.genres.through)

    assert created == [
        ("pre_save", "Novel", None),
        ("post_save", "Novel", True),
        ("m2m_changed", "Novel_genres", "pre_add"),
        ("m2m_changed", "Novel_genres", "post_add"),
    ]
    assert changed == [("pre_save", "Novel", None), ("post_save", "Novel", False)]
    assert seen == [("pre_delete", "Novel", None), ("post_delete", "Novel", None)]


def test_receiver_may_change_what_is_saved(engine: GraphQLEngine, library: Library) -> None:
    def price(sender: Any, instance: Any, **given: Any) -> None:
        instance.blurb = "by a receiver"

    signals.pre_save.connect(price, sender=Novel)
    try:
        assert change(engine, library.novel.pk, {"title": "A"}, "novel { blurb }") == {
            "novel": {"blurb": "by a receiver"}
        }
    finally:
        signals.pre_save.disconnect(price, sender=Novel)


def test_what_may_be_repeated_after_a_deadlock() -> None:
    registry = fraiseql.Registry(types=list(LIBRARY.types))

    def repeatable(made: Any) -> bool:
        registry.mutations[:] = [made]
        (definition,) = GraphQLEngine(registry=registry, cache=None).schema.mutations.values()
        return definition.repeatable()

    genre = fraiseql.create(GenreType, fields=["name"], registry=registry)
    assert repeatable(genre)
    assert repeatable(fraiseql.create(BookmarkType, fields=["novel", "label"], registry=registry))
    # a file, and methods of the model's own
    assert not repeatable(fraiseql.create(NovelType, fields=["title", "isbn", "writer"], registry=registry))
    assert not repeatable(fraiseql.create(CardType, fields=["title"], registry=registry))
    # what is deleted with it counts
    assert repeatable(fraiseql.delete(LanguageType, registry=registry))
    assert repeatable(fraiseql.delete(GenreType, registry=registry))
    assert not repeatable(fraiseql.delete(WriterType, registry=registry))

    def receiver(**given: Any) -> None:
        pass

    signals.post_save.connect(receiver, sender=Genre)
    try:
        assert not repeatable(genre)
    finally:
        signals.post_save.disconnect(receiver, sender=Genre)


# --- statements ---


def test_statements_of_an_update(engine: GraphQLEngine, library: Library) -> None:
    with CaptureQueriesContext(connection) as captured:
        change(engine, library.novel.pk, {"pages": 3})

    said = [query["sql"].split()[0] for query in captured.captured_queries]
    assert said == ["SAVEPOINT", "SAVEPOINT", "SELECT", "UPDATE", "SET", "SET", "RELEASE", "SELECT", "RELEASE"]


# --- what may not be declared ---

NOVEL = (
    "blurb, bookmarks, chapters, cover, discount, editor, genres, isbn, manuscript, notes, on_loan, pages, price, "
    "published, remarks, shops, state, stock_set, tags, title, verses, version, writer"
)
UNIQUE = "must be fields that are unique together, or the name of a UniqueConstraint over fields alone"
DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda r: fraiseql.create(Novel, fields=["title"], registry=r), "create(Novel) takes a type declared with @fraiseql.type over a model"),
    (lambda r: fraiseql.delete(fraiseql.type(sql_source="a_view", registry=r)(type("Seen", (), {"__annotations__": {"id": int}})), registry=r), "delete(Seen) takes a type declared with @fraiseql.type over a model"),
    (lambda r: fraiseql.create(NovelType, registry=r), "create(NovelType) needs fields: a list of the names that clients may write"),
    (lambda r: fraiseql.update(NovelType, fields="__all__", registry=r), "update(NovelType) needs fields: a list of the names that clients may write, not '__all__'"),
    (lambda r: fraiseql.create(NovelType, fields=[], registry=r), "create(NovelType) needs fields: a list of the names that clients may write, not []"),
    (lambda r: fraiseql.create(NovelType, fields=[7], registry=r), "create(NovelType): fields is [7], must be a list of names or nested(…)"),
    (lambda r: fraiseql.create(NovelType, fields=["x"], registry=r), f"create(NovelType): Novel has no field 'x'; it has: {NOVEL}"),
    (lambda r: fraiseql.create(NovelType, fields=["title", "title"], registry=r), "create(NovelType): title is named twice"),
    (lambda r: fraiseql.create(NovelType, fields=["id"], registry=r), "create(NovelType): id is the primary key, which PostgreSQL generates"),
    (lambda r: fraiseql.create(NovelType, fields=["title_length"], registry=r), "create(NovelType): title_length is computed by PostgreSQL, so it cannot be written"),
    (lambda r: fraiseql.update(NovelType, fields=["secret", "changed"], registry=r), "update(NovelType): secret is not editable, so it cannot be written\nupdate(NovelType): changed is not editable, so it cannot be written"),
    (lambda r: fraiseql.update(LanguageType, fields=["code"], registry=r), "update(LanguageType): code is part of the primary key, which does not change"),
    (lambda r: fraiseql.create(NovelType, fields=["shops"], registry=r), "create(NovelType): shops goes through Stock, which needs more: count; write the mutation over Stock"),
    (lambda r: fraiseql.update(NovelType, fields=["remarks"], registry=r), "update(NovelType): remarks: naming it in an update would leave Remark.novel null, which it must not be"),
    (lambda r: fraiseql.update(NovelType, fields=["title"], version="x", registry=r), "update(NovelType): version is 'x', must be a field of whole numbers, or a DateTimeField with auto_now; Novel has: changed, version"),
    (lambda r: fraiseql.delete(NovelType, version="title", registry=r), "delete(NovelType): version is 'title', must be a field of whole numbers, or a DateTimeField with auto_now; Novel has: changed, version"),
    (lambda r: fraiseql.update(NovelType, fields=["version"], version="version", registry=r), "update(NovelType): version is the version, which clients do not write"),
    (lambda r: fraiseql.upsert(NovelType, fields=["title"], unique=["title"], registry=r), f"upsert(NovelType): unique is ['title'], {UNIQUE}; Novel has: ['isbn'], ['writer', 'title']; its constraints: 'novel_of_writer'"),
    (lambda r: fraiseql.upsert(NovelType, fields=["title"], unique="nothing", registry=r), f"upsert(NovelType): unique is 'nothing', {UNIQUE}; Novel has: ['isbn'], ['writer', 'title']; its constraints: 'novel_of_writer'"),
    (lambda r: fraiseql.upsert(NovelType, fields=["title"], unique=["isbn"], registry=r), "upsert(NovelType): isbn is in unique; name it plainly in fields as well"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "message"), DECLARED_WRONGLY)
def test_wrong_declaration_is_said_when_the_schema_is_built(declare: Any, message: str) -> None:
    registry = fraiseql.Registry(types=list(LIBRARY.types))
    declare(registry)

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value) == message


def test_names_and_descriptions() -> None:
    registry = fraiseql.Registry(types=list(LIBRARY.types))
    fraiseql.create(GenreType, fields=["name"], registry=registry)
    fraiseql.create(
        GenreType, fields=["name"], name="addGenre", description="Add one.", deprecation="Why?", registry=registry
    )
    mutation = GraphQLEngine(registry=registry, cache=None).schema.graphql.mutation_type
    assert mutation is not None

    assert {
        name: (str(field.type), field.description, field.deprecation_reason) for name, field in mutation.fields.items()
    } == {
        "createGenre": ("CreateGenreResult!", "Create one Genre.", None),
        "addGenre": ("AddGenreResult!", "Add one.", "Why?"),
    }


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_another_database_than_the_default(settings: Any) -> None:
    settings.FRAISEQL = {"DATABASE": "second"}
    library = Library()
    engine = make_engine()
    given = new(writer=library.writer.pk, genres=[library.genres[0].pk])

    assert create(engine, given, "novel { title genres { name } }") == {
        "novel": {"title": "Tombs", "genres": [{"name": "Fantasy"}]}
    }
    assert refused(engine, {**given, "title": "Other", "price": "-1"})[0][:2] == (None, "check")
    assert refused(engine, {**given, "title": "Other"}) == [
        ("isbn", "unique", 422, "Novel with this ISBN already exists.")
    ]
    assert change(engine, library.novel.pk, {"title": "T"}, "novel { title }") == {"novel": {"title": "T"}}
    assert run(engine, f"deleteNovel(id: {library.novel.pk})", "novel { title }") == {"novel": {"title": "T"}}


def test_names_as_python_has_them(settings: Any, library: Library) -> None:
    settings.FRAISEQL = {"CAMEL_CASE": False}
    registry = fraiseql.Registry(types=list(LIBRARY.types))
    fraiseql.update(NovelType, fields=["on_loan"], version="version", registry=registry)
    call = f'update_novel(id: {library.novel.pk}, version: 1, input: {{on_loan: {{bounds: "?"}}}})'
    query = f"mutation {{ {call} {{ ... on MutationError {{ errors {{ field }} }} }} }}"

    assert data(make_engine(registry), query) == {"update_novel": {"errors": [{"field": "on_loan"}]}}


# --- the documentation ---


def blocks(language: str) -> list[str]:
    page = Path(__file__).resolve().parents[3] / "docs" / "model-mutations.md"
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_documentation_declares_and_asks_what_there_is(db: None) -> None:
    registry = fraiseql.Registry()
    names: dict[str, Any] = {"forms": forms, "Book": Book}
    for model in (Author, Book, Category, Customer, Order, OrderLine, Publisher, Review):
        declare = fraiseql.type(model, fields="__all__", registry=registry)
        names[f"{model.__name__}Type"] = declare(type(f"{model.__name__}Type", (), {}))
    four = {
        name: partial(getattr(fraiseql, name), registry=registry) for name in ("create", "update", "delete", "upsert")
    }
    names["fraiseql"] = SimpleNamespace(**four)
    for declarations in blocks("python"):
        exec(declarations.replace("import fraiseql_django as fraiseql\n", ""), names)

    engine = GraphQLEngine(registry=registry, cache=None)
    shop = make_shop()
    keys = {"Move": shop.category.pk, "Retitle": shop.books[0].pk, "Change": shop.order.pk}
    for operation in blocks("graphql"):
        variables = {
            "id": keys.get(operation.split("(")[0].removeprefix("mutation ")),
            "input": {"title": "Tehanu", "isbn": "9780000000009", "price": "9.90", "publisher": shop.publisher.pk,
                      "authors": [shop.authors[0].pk]},
            "uuid": str(shop.customer.uuid),
            "publisher": shop.publisher.pk,
            "book": shop.books[0].pk,
            "order": shop.order.pk,
            "read": shop.books[0].updated_at.isoformat(),
        }  # fmt: skip
        response = engine.execute(operation, variables)
        assert response.errors == (), operation
