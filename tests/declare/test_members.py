"""Members of classes of types: those of bases count, and what would not be in the schema is refused."""

import functools
from typing import Any, ClassVar

import pytest
from django.db.models import Count

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import DeclarationError, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import build_schema

METHOD = (
    "bookshop.Book: Book.shout is a method, which no field calls; write @fraiseql.field(requires=[…]) over it with the "
    "columns that it reads, compute it in SQL with `shout: str = fraiseql.field(<expression>)`, or call it _shout to "
    "keep it for Python"
)
PROPERTY = (
    "bookshop.Book: Book.shout is a property, which no field reads; make it a function, write "
    "@fraiseql.field(requires=[…]) over it with the columns that it reads, compute it in SQL with "
    "`shout: str = fraiseql.field(<expression>)`, or call it _shout to keep it for Python"
)


def shout(self: Any) -> str:
    return str(self.title).upper()


class Meta:
    """Settings as other libraries have them."""

    model = Book


@pytest.mark.parametrize(
    ("name", "member", "message"),
    [
        ("shout", shout, METHOD),
        ("shout", staticmethod(shout), METHOD),
        ("shout", classmethod(shout), METHOD),
        ("shout", functools.partialmethod(shout), METHOD),
        ("shout", property(shout), PROPERTY),
        ("shout", functools.cached_property(shout), PROPERTY),
        ("isbn", fraiseql.auto, "bookshop.Book: Book.isbn is assigned fraiseql.auto, which is an annotation; write `isbn: fraiseql.auto`"),
        ("Meta", Meta, "bookshop.Book: Book.Meta is a class, which has no meaning in a type; give its settings to the decorator, or call it _Meta to keep it for Python"),
        ("title", "none", "bookshop.Book: Book.title has the value 'none', but values come from the database; write `title: fraiseql.auto` or `title: … = fraiseql.field(…)`"),
        (
            "price", 5,
            "bookshop.Book: Book.price is a value without an annotation, which is no field; write `price: fraiseql.auto`, "
            "compute it in SQL with `price: str = fraiseql.field(<expression>)`, or call it _price to keep it for Python",
        ),
    ],
)  # fmt: skip
def test_members_that_would_be_dropped(name: str, member: Any, message: str) -> None:
    registry = Registry()
    body = {"__annotations__": {"title": fraiseql.auto}, "_own": shout, name: member}
    fraiseql.type(Book, registry=registry)(type("BookType", (), body))

    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value) == message


def test_members_of_types_over_views_and_of_objects() -> None:
    registry = Registry()

    @fraiseql.type(sql_source="v_book", registry=registry)
    class BookView:
        id: int

        def shout(self) -> str:
            return ""

    @fraiseql.success
    class Answer:
        title: str

        @property
        def loud(self) -> str:
            return self.title.upper()

        def louder(self) -> str:
            return self.title.upper()

        # made by mutations
        @classmethod
        def of(cls, title: str) -> "Answer":
            return cls(title=title)

        def matches(self, other: str) -> bool:
            return self.title == other

    @fraiseql.mutation(registry=registry)
    def answer(info: fraiseql.Info) -> Answer:
        return Answer.of("x")

    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    view, loud, louder = str(raised.value).splitlines()
    assert view.startswith("v_book: BookView.shout is a method, which no field calls; write @fraiseql.field(")
    assert loud == (
        "Answer.loud is a property, which no field reads; annotate `loud: …` and give it a value where the object is "
        "made, or call it _loud to keep it for Python"
    )
    assert louder.startswith("Answer.louder is a method, which no field calls; annotate `louder: …`")


@pytest.mark.parametrize("declare", [fraiseql.field, fraiseql.field(description="Loud.")])
def test_a_method_must_say_what_it_reads(declare: Any) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare(shout)
    assert str(raised.value) == (
        "shout is a method under @fraiseql.field that does not say which columns it reads; write "
        "`@fraiseql.field(requires=[…])` with their names, or compute it in SQL: "
        "`shout: str = fraiseql.field(<expression>)`"
    )


def test_objects_of_classes_compute_nothing() -> None:
    registry = Registry()

    @fraiseql.success
    class Loud:
        title: str
        shout: str = fraiseql.field(requires=["title"])

    def louder(info: fraiseql.Info) -> Loud:
        return Loud(title="", shout="")

    fraiseql.query(registry=registry)(louder)

    with pytest.raises(DeclarationError, match=r"Loud\.shout is computed, which only fields of types over models are"):
        build_schema(registry, get_settings())


def test_inputs_and_objects_lose_no_field() -> None:
    registry = Registry()

    @fraiseql.input
    class Inner:
        place: object

    @fraiseql.input
    class Given:
        a_b: int
        aB: int  # noqa: N815
        inner: Inner
        thing: object
        limit = 5

        @property
        def total(self) -> int:
            return self.a_b

    @fraiseql.success
    class Answer:
        a_b: int
        aB: int  # noqa: N815

    @fraiseql.mutation(registry=registry)
    def answer(info: fraiseql.Info, given: Given) -> str:
        return ""

    @fraiseql.mutation(registry=registry)
    def other(info: fraiseql.Info) -> Answer:
        return Answer(a_b=1, aB=2)

    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value).splitlines() == [
        "Answer has two fields called 'aB' ('aB' is one): give one another name with fraiseql.field(name=…)",
        "Given.limit is a value without an annotation, which is no field; annotate it, or call it _limit to keep it for Python",
        "Given has two fields called 'aB' ('aB' is one); rename one of them",
        "Given.thing: <class 'object'> is neither a declared type, nor an Enum, nor a Python type that has a scalar",
        "Inner.place: <class 'object'> is neither a declared type, nor an Enum, nor a Python type that has a scalar",
    ]


class Named:
    """What authors and others have in common."""

    limit: ClassVar[int] = 5
    name: fraiseql.auto


class Counted(Named):
    """What is counted."""

    book_count: int = fraiseql.field(Count("books"))


def test_members_of_bases_count() -> None:
    registry = Registry()

    @fraiseql.type(Author, registry=registry)
    class AuthorType(Counted):
        id: fraiseql.auto
        kinds: "ClassVar[tuple[str, ...]]" = ()

    @fraiseql.type(Author, name="AuthorDetail", registry=registry)
    class Detail(AuthorType):
        born: fraiseql.auto
        name: fraiseql.auto = fraiseql.field(name="fullName")

    schema = build_schema(registry, get_settings())

    assert list(schema.types["Author"].fields) == ["name", "bookCount", "id"]
    assert list(schema.types["AuthorDetail"].fields) == ["fullName", "bookCount", "id", "born"]


def test_a_value_without_an_annotation_is_the_default_of_an_error() -> None:
    @fraiseql.error
    class NotThere:
        code = 404

        # for Python alone
        @staticmethod
        def of(what: str) -> "NotThere":
            return NotThere(message=f"There is no {what}.")

    assert (NotThere.of("x").code, NotThere.of("x").status) == (404, "failed")


def test_annotations_of_a_base_that_is_no_dataclass_are_not_dropped() -> None:
    class Plain:
        points: int

    for decorator in (fraiseql.success, fraiseql.type, fraiseql.input):
        with pytest.raises(DeclarationError) as raised:
            decorator(type("Given", (Plain,), {"__annotations__": {"title": str}}))
        assert str(raised.value) == (
            "Given extends Plain, whose annotations would not be fields: points; declare Plain with the same decorator"
        )
