"""Mutations that a ModelForm does: its fields, its cleaning, its save()."""

import datetime as dt
from typing import Any, ClassVar

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

import fraiseql_django as fraiseql
from example_project.bookshop.models import Order
from fraiseql_django import GraphQLEngine, Registry
from tests.library.models import Genre, Novel, Room, Writer
from tests.library.support import Library, failing, make_engine, run
from tests.library.types import LIBRARY, NovelType, RoomType, WriterType
from tests.support import make_shop

pytestmark = pytest.mark.django_db

REGISTRY = Registry(types=list(LIBRARY.types))


class NovelForm(forms.ModelForm):  # type: ignore[type-arg]
    """With a field of its own, a rule of its own, and a way to save of its own."""

    subtitle = forms.CharField(max_length=10, required=False)

    class Meta:
        model = Novel
        fields = ("title", "isbn", "price", "state", "writer", "genres", "tags", "notes", "cover")

    def clean_isbn(self) -> str:
        return str(self.cleaned_data["isbn"]).replace("-", "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("title") == cleaned.get("isbn"):
            raise forms.ValidationError("A number is no title.", code="number")
        if cleaned.get("subtitle") == "bad":
            self.add_error("subtitle", forms.ValidationError("Bad.", code="bad"))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("subtitle"):
            self.instance.blurb = self.cleaned_data["subtitle"]
        return super().save(commit)


class EverythingForm(forms.ModelForm):  # type: ignore[type-arg]
    """A field of each class that is none of the model's."""

    text = forms.CharField()
    number = forms.IntegerField()
    exact = forms.DecimalField()
    approximate = forms.FloatField()
    flag = forms.BooleanField(required=False)
    maybe = forms.NullBooleanField()
    day = forms.DateField()
    moment = forms.DateTimeField()
    clock = forms.TimeField()
    span = forms.DurationField()
    address = forms.EmailField()
    site = forms.URLField(assume_scheme="https")
    unique = forms.UUIDField()
    choice = forms.ChoiceField(choices=[("a", "A")])
    number_choice = forms.TypedChoiceField(choices=[(1, "One")], coerce=int)
    choices = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")])
    genre = forms.ModelChoiceField(Genre.objects.all())
    genres = forms.ModelMultipleChoiceField(Genre.objects.all())
    document = forms.FileField()
    anything = forms.JSONField()
    ip = forms.GenericIPAddressField()
    fixed = forms.CharField(disabled=True, initial="x")

    cleaned: ClassVar[dict[str, Any]] = {}

    class Meta:
        model = Writer
        fields = ("name",)

    def clean(self) -> None:
        EverythingForm.cleaned = dict(self.cleaned_data)


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]
    """A field whose input is not known."""

    class Meta:
        model = Room
        fields = ("name", "open")


class VersionedForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Writer
        fields = ("name",)


fraiseql.create(NovelType, form=NovelForm, registry=REGISTRY)
fraiseql.create(NovelType, form=NovelForm, bulk=True, registry=REGISTRY)
fraiseql.update(NovelType, form=NovelForm, registry=REGISTRY)
fraiseql.create(WriterType, form=EverythingForm, registry=REGISTRY)
fraiseql.update(WriterType, form=VersionedForm, version="version", registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library() -> Library:
    return Library()


CREATE = ("createNovel(input: $i)", "($i: CreateNovelInput!)")


def create(engine: GraphQLEngine, success: str, **given: Any) -> Any:
    call, declared = CREATE
    return run(engine, call, success, {"i": given}, declared)


def refused(engine: GraphQLEngine, **given: Any) -> list[tuple[Any, ...]]:
    call, declared = CREATE
    return failing(engine, call, {"i": given}, declared)


def test_input_has_the_fields_of_the_form(engine: GraphQLEngine) -> None:
    types = engine.schema.graphql.type_map

    assert {name: str(field.type) for name, field in types["CreateNovelInput"].fields.items()} == {  # type: ignore[attr-defined]
        "title": "String!", "isbn": "String!", "price": "Decimal", "state": "NovelState", "writer": "ID!",
        "genres": "[ID!]!", "tags": "[String!]", "notes": "JSON", "cover": "Upload", "subtitle": "String",
    }  # fmt: skip
    assert {name: str(field.type) for name, field in types["CreateWriterInput"].fields.items()} == {  # type: ignore[attr-defined]
        "name": "String!", "text": "String!", "number": "Int!", "exact": "Decimal!", "approximate": "Float!",
        "flag": "Boolean", "maybe": "Boolean", "day": "Date!", "moment": "DateTime!", "clock": "Time!",
        "span": "Duration!", "address": "String!", "site": "String!", "unique": "UUID!", "choice": "String!",
        "numberChoice": "String!", "choices": "[String!]!", "genre": "ID!", "genres": "[ID!]!", "document": "Upload!",
        "anything": "JSON!", "ip": "String!",
    }  # fmt: skip
    assert not [name for name, field in types["UpdateNovelInput"].fields.items() if str(field.type).endswith("!")]  # type: ignore[attr-defined]


def test_form_saves_a_new_object(engine: GraphQLEngine, library: Library) -> None:
    genres = [genre.pk for genre in library.genres]
    cover = SimpleUploadedFile("cover.txt", b"x")
    success = "novel { title isbn blurb price state tags notes genres { name } cover { size } }"
    given = {"title": "A", "isbn": "1-2", "writer": library.writer.pk, "genres": genres, "subtitle": "Part 1"}

    assert create(engine, success, **given, cover=cover, tags=["a"], notes={"a": []}, state="OUT") == {
        "novel": {
            "title": "A", "isbn": "12", "blurb": "Part 1", "price": "10.00", "state": "OUT", "tags": ["a"],
            "notes": {"a": []}, "genres": [{"name": "Fantasy"}, {"name": "Horror"}], "cover": {"size": "1"},
        }
    }  # fmt: skip
    # what is absent takes the model's default
    given = {**given, "title": "B", "isbn": "13"}
    assert create(engine, "novel { price state tags notes cover { size } }", **given) == {
        "novel": {"price": "10.00", "state": "DRAFT", "tags": [], "notes": {}, "cover": None}
    }


def test_errors_of_the_form_are_data(engine: GraphQLEngine, library: Library) -> None:
    given = {"title": "A", "isbn": "2", "writer": library.writer.pk, "genres": [library.genres[0].pk]}
    choice = "Select a valid choice. That choice is not one of the available choices."

    assert refused(engine, **{**given, "title": "x" * 21, "writer": 404, "genres": ["x"], "subtitle": "bad"}) == [
        ("title", "max_length", 422, "Ensure this value has at most 20 characters (it has 21)."),
        ("writer", "invalid_choice", 422, choice),
        ("genres", "invalid_pk_value", 422, "“x” is not a valid value."),
        ("subtitle", "bad", 422, "Bad."),
    ]
    assert refused(engine, **{**given, "title": "2"}) == [(None, "number", 422, "A number is no title.")]
    assert refused(engine, **{**given, "isbn": "1-"}) == [
        ("isbn", "unique", 422, "Novel with this ISBN already exists.")
    ]
    assert refused(engine, **{**given, "title": ""}) == [("title", "required", 422, "This field is required.")]
    assert refused(engine, **{**given, "genres": []}) == [("genres", "required", 422, "This field is required.")]
    assert refused(engine, **{**given, "writer": library.hidden.pk}) == [("writer", "invalid_choice", 422, choice)]
    assert refused(engine, **{**given, "title": "\0"})[0][:2] == ("title", "null_characters_not_allowed")
    assert refused(engine, **{**given, "price": None}) == [("price", "required", 422, "This field is required.")]
    assert refused(engine, **{**given, "cover": SimpleUploadedFile("x", b"")})[0][:2] == ("cover", "empty")
    assert refused(engine, **{**given, "price": "-1"})[0][:2] == (None, "check")


def test_update_leaves_alone_what_is_absent(engine: GraphQLEngine, library: Library) -> None:
    library.novel.cover.save("cover.txt", SimpleUploadedFile("cover.txt", b"x"))
    library.novel.tags, library.novel.notes = ["a"], {"a": 1}
    library.novel.save()
    call = f"updateNovel(id: {library.novel.pk}, input: $i)"

    def change(success: str, **given: Any) -> Any:
        return run(engine, call, success, {"i": given}, "($i: UpdateNovelInput!)")

    everything = "novel { title isbn price writer { name } genres { name } tags notes cover { size } pages }"
    assert change(everything, title="B") == {
        "novel": {
            "title": "B", "isbn": "1", "price": "10.00", "writer": {"name": "Ursula"}, "genres": [{"name": "Fantasy"}],
            "tags": ["a"], "notes": {"a": 1}, "cover": {"size": "1"}, "pages": 250,
        }
    }  # fmt: skip
    assert change(
        "novel { genres { name } cover { size } tags }", cover=None, genres=[library.genres[1].pk], tags=[]
    ) == {"novel": {"genres": [{"name": "Horror"}], "cover": None, "tags": []}}
    before = Novel.objects.get().changed
    assert change("novel { title }") == {"novel": {"title": "B"}}
    assert Novel.objects.get().changed == before
    assert failing(engine, call, {"i": {"title": ""}}, "($i: UpdateNovelInput!)") == [
        ("title", "required", 422, "This field is required.")
    ]
    assert failing(engine, "updateNovel(id: 404, input: {})")[0][:3] == ("id", "not_found", 404)


class OrderForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Order
        fields = ("note", "placed_at", "shipped_at", "status")


def test_moment_that_is_absent_keeps_its_microseconds() -> None:
    registry = Registry()
    order_type = fraiseql.type(Order, fields=["id", "note"], registry=registry)(type("OrderType", (), {}))
    fraiseql.update(order_type, form=OrderForm, registry=registry)
    order = make_shop().order
    # in the hour that comes twice in Berlin
    placed = dt.datetime(2024, 10, 27, 0, 30, 1, 123456, tzinfo=dt.UTC)
    Order.objects.update(placed_at=placed)

    with timezone.override("Europe/Berlin"):
        run(make_engine(registry), f'updateOrder(id: {order.pk}, input: {{note: "x"}})', "order { note }")
    order.refresh_from_db()
    assert (order.note, order.placed_at) == ("x", placed)


def test_form_with_a_version(engine: GraphQLEngine, library: Library) -> None:
    call = f'updateWriter(id: {library.writer.pk}, version: 1, input: {{name: "A"}})'

    assert run(engine, call, "writer { name version }") == {"writer": {"name": "A", "version": 2}}
    assert failing(engine, call)[0][:3] == ("version", "stale", 409)


def test_several_forms(engine: GraphQLEngine, library: Library) -> None:
    one = {"title": "A", "isbn": "2", "writer": library.writer.pk, "genres": [library.genres[0].pk]}
    call, declared = "createNovels(input: $i)", "($i: [CreateNovelInput!]!)"

    found = failing(engine, call, {"i": [one, {**one, "title": "B"}]}, declared)
    assert [error[:2] for error in found] == [("1.isbn", "unique")]
    given = {"i": [one, {**one, "title": "B", "isbn": "3"}]}
    assert run(engine, call, "novels { title }", given, declared) == {"novels": [{"title": "A"}, {"title": "B"}]}


EVERYTHING = {
    "name": "A", "text": "t", "number": 1, "exact": "1.50", "approximate": 0.5, "flag": True, "maybe": None,
    "day": "2024-05-31", "moment": "2024-05-31T12:00:00Z", "clock": "12:30:00", "span": "P1D",
    "address": "a@example.org", "site": "https://example.org", "unique": "123e4567-e89b-12d3-a456-426614174000",
    "choice": "a", "numberChoice": "1", "choices": ["a", "b"], "anything": "x", "ip": "192.0.2.1",
}  # fmt: skip


def test_every_class_of_form_field(engine: GraphQLEngine, library: Library) -> None:
    genre = library.genres[0].pk
    given = {**EVERYTHING, "genre": genre, "genres": [genre], "document": SimpleUploadedFile("x", b"x")}
    run(engine, "createWriter(input: $i)", variables={"i": given}, declared="($i: CreateWriterInput!)")

    cleaned = {name: str(value) for name, value in EverythingForm.cleaned.items()}
    assert cleaned.pop("document") == "x"
    assert list(EverythingForm.cleaned["genres"]) == [library.genres[0]]
    assert EverythingForm.cleaned["moment"].tzinfo is not None
    assert EverythingForm.cleaned["moment"].astimezone(timezone.get_fixed_timezone(0)).hour == 12
    del cleaned["genres"], cleaned["moment"]
    assert cleaned == {
        "name": "A", "text": "t", "number": "1", "exact": "1.50", "approximate": "0.5", "flag": "True", "maybe": "None",
        "day": "2024-05-31", "clock": "12:30:00", "span": "1 day, 0:00:00", "address": "a@example.org",
        "site": "https://example.org", "unique": "123e4567-e89b-12d3-a456-426614174000", "choice": "a",
        "number_choice": "1", "choices": "['a', 'b']", "genre": str(library.genres[0]), "anything": "x",
        "ip": "192.0.2.1", "fixed": "x",
    }  # fmt: skip


KNOWN = (
    "ModelMultipleChoiceField, ModelChoiceField, MultipleChoiceField, FileField, JSONField, BooleanField, "
    "NullBooleanField, FloatField, DecimalField, IntegerField, DateTimeField, DateField, TimeField, DurationField, "
    "UUIDField, ChoiceField, CharField"
)
DECLARED_WRONGLY: list[tuple[Any, str]] = [
    (lambda r: fraiseql.create(NovelType, form=forms.Form, registry=r), "create(NovelType): form is <class 'django.forms.forms.Form'>, must be a ModelForm"),
    (lambda r: fraiseql.create(WriterType, form=NovelForm, registry=r), "create(WriterType): NovelForm is a form of Novel, not of Writer"),
    (lambda r: fraiseql.create(NovelType, form=NovelForm, fields=["title"], registry=r), "create(NovelType) has fields and form; the form says which fields there are, give one"),
    (lambda r: fraiseql.create(RoomType, form=RoomForm, registry=r), f"create(RoomType): RoomForm.open is a IntegerRangeField, whose input is not known; it may be one of: {KNOWN}"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "message"), DECLARED_WRONGLY)
def test_wrong_declaration(declare: Any, message: str) -> None:
    registry = Registry(types=list(LIBRARY.types))
    declare(registry)

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value) == message
