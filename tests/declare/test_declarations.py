"""What is declared wrongly is refused when the schema is built, in words that say what to do."""

import enum
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField, IntegerRangeField
from django.db import models
from django.db.models import Count, F
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Order, OrderLine, Publisher
from fraiseql_django import DeclarationError, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import Schema, build_schema
from tests.support import without_labels
from tests.zoo.models import Animal, Specimen, Tame

BOOK = (
    "attributes, category_id, condition, cover, created_at, format, id, in_print, isbn, pages, price, "
    "price_with_tax, published, publisher_id, reading_time, tags, tax_rate, title, updated_at, weight"
)


def declare(
    model: type[models.Model],
    /,
    name: str = "Thing",
    *,
    registry: Registry,
    annotations: dict[str, Any] | None = None,
    attributes: dict[str, Any] | None = None,
    **options: Any,
) -> type:
    """Declare a type over a model."""
    body = {"__annotations__": annotations or {}, "__module__": __name__, **(attributes or {})}
    return fraiseql.type(model, registry=registry, **options)(type(name, (), body))


def build(*declarations: tuple[type[models.Model], dict[str, Any]]) -> Schema:
    """Build a schema of these types."""
    registry = Registry()
    for model, options in declarations:
        declare(model, registry=registry, **options)
    return build_schema(registry, get_settings())


def refused(*declarations: tuple[type[models.Model], dict[str, Any]]) -> str:
    """Return why these types are refused, without the label of the model that begins each line."""
    with pytest.raises(DeclarationError) as raised:
        build(*declarations)
    return without_labels(str(raised.value))


# --- @type itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Book, {}, "Thing has no fields: annotate some (`title: fraiseql.auto`), or give @type fields=[…], fields='__all__' or exclude=[…]"),
        (Book, {"fields": "title"}, "fields is 'title', must be a list of names or '__all__'"),
        (Book, {"exclude": "title"}, "exclude is 'title', must be a list of names"),
        (Book, {"fields": ["title"], "exclude": ["isbn"]}, "exclude=['isbn'] goes with all fields, not with fields=['title']; give one"),
        (Book, {"fields": ["title"], "queries": "plural"}, "queries is 'plural', must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'"),
        (Book, {"fields": ["title"], "queries": ["many"]}, "queries is ['many'], must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'"),
        (Book, {"fields": ["title"], "lists": ["single"]}, "lists is ['single'], must be a list of: 'plural', 'connection', 'aggregate', 'groups'"),
        (Book, {"fields": 5}, "fields is 5, must be a list of names or '__all__'"),
        (Book, {"fields": [Author]}, "fields is [<class 'example_project.bookshop.models.Author'>], must be a list of names or '__all__'"),
        (Book, {"exclude": 5}, "exclude is 5, must be a list of names"),
        (Book, {"exclude": [5]}, "exclude is [5], must be a list of names"),
        (Book, {"fields": ["title"], "queries": None}, "queries is None, must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'"),
        (Book, {"fields": ["title"], "queries": [["single"]]}, "queries is [['single']], must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'"),
        (Book, {"fields": "title", "exclude": 5, "queries": 5, "single": 5, "plural": ""}, "fields is 'title', must be a list of names or '__all__'\nexclude is 5, must be a list of names\nqueries is 5, must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'\nsingle is 5, must be a name\nplural is '', must be a name"),
        ("Book", {"fields": ["title"]}, "@type takes a Django model that has a table, not 'Book'"),
        (models.Model, {"fields": "__all__"}, "@type takes a Django model that has a table, not <class 'django.db.models.base.Model'>"),
    ],
)  # fmt: skip
def test_arguments_of_type(model: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare(model, registry=Registry(), **options)
    assert str(raised.value) == message


def test_a_name_that_is_none() -> None:
    with pytest.raises(DeclarationError, match=r"^name is 5, must be a name$"):
        fraiseql.type(Book, fields=["title"], name=5, registry=Registry())  # type: ignore[call-overload]


@isolate_apps("tests.zoo")
def test_a_swapped_model_has_no_table() -> None:
    class Badge(models.Model):
        class Meta:
            app_label = "zoo"
            swappable = "AUTH_USER_MODEL"

    with pytest.raises(DeclarationError) as raised:
        declare(Badge, registry=Registry(), fields="__all__")
    assert str(raised.value) == "zoo.Badge is swapped for auth.User, and has no table; declare that one"


# --- fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": ["titel"]}, f"Thing.titel: Book has no field 'titel'; it has: {BOOK}"),
        ({"exclude": ["titel"]}, f"Thing.titel: Book has no field 'titel'; it has: {BOOK}"),
        ({"annotations": {"titel": fraiseql.auto}}, f"Thing.titel: Book has no field 'titel'; it has: {BOOK}"),
        ({"fields": ["publisher"]}, "Thing.publisher leads to Publisher, over which no type is declared"),
        ({"fields": ["reviews"]}, "Thing.reviews leads to Review, over which no type is declared"),
        ({"fields": ["title"], "name": "Int"}, "a type cannot be called 'Int', the name of a type of GraphQL's own; give it another name with name=…"),
        ({"annotations": {"title": int}}, "Thing.title is annotated int, but is String! in GraphQL; write `title: fraiseql.auto`"),
        ({"annotations": {"title": "int"}}, "Thing.title is annotated 'int', but is String! in GraphQL; write `title: fraiseql.auto`"),
        ({"annotations": {"title": list[str]}}, "Thing.title is annotated list[str], but is String! in GraphQL; write `title: fraiseql.auto`"),
        ({"annotations": {"pages": int}}, "Thing.pages is annotated int, but is Int in GraphQL; write `pages: fraiseql.auto`"),
        ({"annotations": {"id": int}}, "Thing.id is annotated int, but is ID! in GraphQL; write `id: fraiseql.auto`"),
        ({"annotations": {"tags": str}}, "Thing.tags is annotated str, but is [String!]! in GraphQL; write `tags: fraiseql.auto`"),
        ({"annotations": {"tags": list[str | None]}}, "Thing.tags is annotated list[str | None], but is [String!]! in GraphQL; write `tags: fraiseql.auto`"),
        ({"annotations": {"cover": str}}, "Thing.cover is annotated str, but is File in GraphQL; write `cover: fraiseql.auto`"),
        ({"annotations": {"format": str}}, "Thing.format is annotated str, but is BookFormat! in GraphQL; write `format: fraiseql.auto`"),
        ({"annotations": {"publisher": str}}, "Thing.publisher is annotated str, which is no declared type; declare it with @fraiseql.type, or write fraiseql.auto"),
        ({"annotations": {"publisher": "Nowhere"}}, "Thing.publisher is annotated Nowhere, which is no declared type; declare it with @fraiseql.type, or write fraiseql.auto"),
        ({"annotations": {"publisher": "Thing"}}, "Thing.publisher leads to Publisher, but is annotated Thing, a type over Book"),
        ({"annotations": {"title": str | int}}, "annotation str | int in tests.declare.test_declarations is a union; only 'X | None' can be read"),
        ({"annotations": {"title": "str |"}}, "annotation 'str |' in tests.declare.test_declarations cannot be read: invalid syntax (<string>, line 1)"),
        (
            {"annotations": {"count": int}, "attributes": {"count": fraiseql.field(Count("nothing"))}},
            "Thing.count: the expression does not fit Book: Cannot resolve keyword 'nothing' into field. Choices are: "
            "attributes, authors, category, category_id, condition, cover, created_at, format, id, in_print, isbn, order_lines, "
            "pages, price, price_with_tax, published, publisher, publisher_id, reading_time, reviews, tags, tax_rate, title, "
            "updated_at, weight",
        ),
        (
            {"annotations": {"kind": "Publisher"}, "attributes": {"kind": fraiseql.field(F("title"))}},
            "Thing.kind is annotated 'Publisher', which SQL cannot compute; annotate it with one of: str, int, float, bool, "
            "bytes, Decimal, UUID, date, datetime, time, timedelta, dict, Any, JSON, ID, BigInt, or a list of them",
        ),
        (
            {"annotations": {"title": fraiseql.auto, "isbn": fraiseql.auto}, "attributes": {"isbn": fraiseql.field(name="title")}},
            "Thing has two fields called 'title' ('isbn' is one): give one another name with fraiseql.field(name=…)",
        ),
        (
            {"annotations": {"title": fraiseql.auto}, "attributes": {"title": fraiseql.field(name="a-b")}},
            "the field Thing.title cannot be called 'a-b': Names must only contain [_a-zA-Z0-9] but 'a-b' does not; give it another name with fraiseql.field(name=…)",
        ),
        (
            {"annotations": {"title": fraiseql.auto}, "attributes": {"title": fraiseql.field(name="__title")}},
            "the field Thing.title cannot be called '__title': names that begin with '__' are GraphQL's own; give it another name with fraiseql.field(name=…)",
        ),
        (
            {"annotations": {"title": fraiseql.auto}, "attributes": {"title": fraiseql.field(name="AND")}},
            "Thing.AND has the name of a combination of filters; give it another name with fraiseql.field(name=…)",
        ),
        (
            {"annotations": {"title": fraiseql.auto}, "attributes": {"title": fraiseql.field(name="null")}},
            "Thing.null has the name of a literal; give it another name with fraiseql.field(name=…)",
        ),
    ],
)  # fmt: skip
def test_fields(options: dict[str, Any], message: str) -> None:
    assert refused((Book, options)) == message


def test_composite_key_is_no_field() -> None:
    assert refused((OrderLine, {"fields": ["pk"]})) == (
        "Thing.pk is a CompositePrimaryKey, which cannot be read; leave it out"
    )


def test_every_problem_is_told_at_once() -> None:
    message = refused(
        (Book, {"annotations": {"titel": fraiseql.auto, "publisher": fraiseql.auto}}),
        (Author, {"name": "Writer", "annotations": {"name": int}}),
        (Order, {"name": "Order", "fields": ["number"], "single": "thing"}),
    )

    assert message.splitlines() == [
        f"Thing.titel: Book has no field 'titel'; it has: {BOOK.replace('attributes', 'attributes, authors')}",
        "Thing.publisher leads to Publisher, over which no type is declared",
        "Writer.name is annotated int, but is String! in GraphQL; write `name: fraiseql.auto`",
        "two types have a root field 'thing': Thing over bookshop.Book (Thing in tests.declare.test_declarations) and "
        "Order over bookshop.Order (Order in tests.declare.test_declarations); name one with single=… or plural=…, "
        "or leave it out with queries=[…]",
        "two types have a root field 'things': Thing over bookshop.Book (Thing in tests.declare.test_declarations) and "
        "Order over bookshop.Order (Order in tests.declare.test_declarations); name one with single=… or plural=…, "
        "or leave it out with queries=[…]",
    ]


@isolate_apps("tests.zoo")
def test_relations_that_cannot_be_followed() -> None:
    class Label(models.Model):
        content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
        object_id = models.PositiveIntegerField()
        target = GenericForeignKey()

        class Meta:
            app_label = "zoo"

    class Pile(models.Model):
        year = models.IntegerField()
        number = models.IntegerField()
        labels = models.ForeignObject(
            Label, models.CASCADE, from_fields=["year"], to_fields=["object_id"], related_name="+"
        )

        class Meta:
            app_label = "zoo"

    assert refused((Pile, {"fields": ["labels"]}), (Label, {"name": "Label", "fields": ["id"]})) == (
        "Thing.labels is a ForeignObject, which cannot be followed; leave it out"
    )
    # a generic foreign key leads to all declared types
    fields = build((Label, {"fields": "__all__"})).types["Thing"].fields
    assert list(fields) == ["id", "contentTypeId", "objectId", "target"]


@isolate_apps("tests.zoo")
def test_columns_that_cannot_be_written() -> None:
    class Grid(models.Model):
        spans = ArrayField(ArrayField(models.DurationField()))
        größe = models.IntegerField(default=0)

        class Meta:
            app_label = "zoo"

    class Span(models.Model):
        range = IntegerRangeField(primary_key=True)

        class Meta:
            app_label = "zoo"

    assert refused((Grid, {"fields": ["spans"]})) == (
        "Grid.spans is an array of 2 dimensions of Duration, which cannot be written; leave it out"
    )
    assert refused((Grid, {"fields": ["größe"]})) == (
        "the field Thing.größe cannot be called 'größe': Names must only contain [_a-zA-Z0-9] but 'größe' does not; "
        "give it another name with fraiseql.field(name=…)"
    )
    assert refused((Span, {"fields": ["range"]})) == "Thing: the key range cannot be an argument"


@isolate_apps("tests.zoo")
def test_names_that_are_one_in_camel_case() -> None:
    class Contact(models.Model):
        phone_1 = models.TextField()
        phone1 = models.TextField()

        class Meta:
            app_label = "zoo"

    assert refused((Contact, {"fields": "__all__"})) == (
        "Thing has two fields called 'phone1' ('phone1' is one): give one another name with fraiseql.field(name=…)"
    )
    options = {"fields": "__all__", "attributes": {"phone1": fraiseql.field(name="phone")}}
    assert list(build((Contact, options)).types["Thing"].fields) == ["phone", "id", "phone1"]


# --- names of types and root fields -----------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            {"name": "Same"},
            {"name": "Same"},
            "two types are called 'Same': bookshop.Book (Same in tests.declare.test_declarations) and bookshop.Author "
            "(Same in tests.declare.test_declarations); give one of them another name with name=…",
        ),
        (
            {"name": "Book"},
            {"name": "Author", "single": "books"},
            "two types have a root field 'books': Book over bookshop.Book (Book in tests.declare.test_declarations) and "
            "Author over bookshop.Author (Author in tests.declare.test_declarations); name one with single=… or plural=…, "
            "or leave it out with queries=[…]",
        ),
        (
            {"name": "Book", "single": "sheep", "plural": "sheep"},
            {"name": "Author"},
            "Book: single and plural are both 'sheep'; name one of them",
        ),
        (
            {"name": "Query"},
            {"name": "Author"},
            "a type cannot be called 'Query', the name of a type of GraphQL's own; give it another name with name=…",
        ),
        (
            {"name": "AuthorWhere"},
            {"name": "Author"},
            "two types are called 'AuthorWhere': bookshop.Book (AuthorWhere in tests.declare.test_declarations) and the filter "
            "of bookshop.Author (Author in tests.declare.test_declarations); give one of them another name with name=…",
        ),
        ({"name": "Book"}, {"name": "Author", "plural": "all authors"}, "a root field cannot be called 'all authors': Names must only contain [_a-zA-Z0-9] but 'all authors' does not."),
    ],
)  # fmt: skip
def test_names(first: dict[str, Any], second: dict[str, Any], message: str) -> None:
    assert refused((Book, {"fields": ["id"], **first}), (Author, {"fields": ["id"], **second})) == message


def test_names_that_collide_are_told_with_models_and_modules() -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["cover"], name="Group", registry=registry)(
        type("A", (), {"__module__": "shop.graphql"})
    )
    fraiseql.type(Author, fields=["name"], registry=registry)(type("GroupType", (), {"__module__": "forum.graphql"}))
    fraiseql.type(Publisher, fields=["name"], name="File", registry=registry)(type("B", (), {"__module__": "x"}))
    fraiseql.type(Order, fields=["nmber"], name="String", registry=registry)(type("C", (), {"__module__": "x"}))

    @fraiseql.success
    class File:
        name: str

    @fraiseql.mutation(registry=registry)
    def sent(info: fraiseql.Info) -> File:
        raise NotImplementedError

    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value).splitlines()[1:] == [
        "bookshop.Order: a type cannot be called 'String', the name of a type of GraphQL's own; give it another name with "
        "name=…",
        "two types are called 'Group': bookshop.Book (A in shop.graphql) and bookshop.Author (GroupType in forum.graphql); "
        "give one of them another name with name=…",
        "several types are called 'File': bookshop.Publisher (B in x), the class "
        "test_names_that_collide_are_told_with_models_and_modules.<locals>.File in tests.declare.test_declarations and "
        "a built-in type, of a field's value; give one of them another name with name=…",
    ]
    assert str(raised.value).startswith("bookshop.Order: String.nmber: Order has no field 'nmber'; it has: ")


@isolate_apps("tests.zoo")
def test_a_class_with_the_name_of_its_model_keeps_it() -> None:
    class CircuitType(models.Model):
        class Meta:
            app_label = "zoo"

    assert list(build((CircuitType, {"name": "CircuitType", "fields": ["id"]})).types) == ["CircuitType"]
    registry = Registry()
    fraiseql.type(CircuitType, fields=["id"], registry=registry)(type("CircuitType", (), {}))
    fraiseql.type(Book, fields=["id"], registry=registry)(type("CircuitTypeType", (), {}))
    assert [declaration.name for declaration in registry.types] == ["CircuitType", "CircuitType"]


def test_permissions_are_checked_beside_other_mistakes() -> None:
    message = refused(
        (Book, {"fields": ["titel"], "permission": 5, "rows": 5, "queries": {"plural": 5}, "exclude": None}),
        (Author, {"name": "Author", "fields": ["nmae"]}),
    )

    assert [line.partition("; it has")[0] for line in message.splitlines()] == [
        "Thing.titel: Book has no field 'titel'",
        "Thing: rows is 5, must be a function of the viewer",
        "Thing: permission is 5, must be a rule, a name like 'shop.view_order', or a function of the viewer",
        "Thing, plural: permission is 5, must be a rule, a name like 'shop.view_order', or a function of the viewer",
        "Author.nmae: Author has no field 'nmae'",
    ]


def test_schema_without_anything_to_query() -> None:
    assert refused((Book, {"fields": ["title"], "queries": []})) == (
        "the schema has nothing to query: declare a type with @fraiseql.type"
    )


# --- several types over one model -------------------------------------------------------------


def test_relation_to_one_of_several_types_must_say_which() -> None:
    message = refused(
        (Book, {"name": "Book", "fields": ["publisher"]}),
        (Publisher, {"name": "Publisher", "fields": ["name"]}),
        (Publisher, {"name": "PublisherCard", "fields": ["name"]}),
    )

    assert message == (
        "Book.publisher leads to Publisher, over which several types are declared (Publisher, PublisherCard): "
        "annotate the field with one of them, or declare one with primary=True"
    )


def test_relation_to_one_of_several_types_may_name_it() -> None:
    schema = build(
        (Book, {"name": "Volume", "annotations": {"publisher": "PublisherCard"}}),
        (Publisher, {"name": "Publisher", "fields": ["name", "books"]}),
        (Publisher, {"name": "PublisherCard", "annotations": {"name": fraiseql.auto, "books": "list[Volume] | None"}}),
    )

    assert str(schema.graphql.type_map["Volume"].fields["publisher"].type) == "PublisherCard!"  # type: ignore[attr-defined]
    assert str(schema.graphql.type_map["PublisherCard"].fields["books"].type) == "[Volume!]!"  # type: ignore[attr-defined]


def test_relation_leads_to_the_primary_type() -> None:
    schema = build(
        (Book, {"name": "Book", "fields": ["publisher"]}),
        (Publisher, {"name": "PublisherCard", "fields": ["name"]}),
        (Publisher, {"name": "Publisher", "fields": ["name"], "primary": True}),
    )

    assert str(schema.graphql.type_map["Book"].fields["publisher"].type) == "Publisher!"  # type: ignore[attr-defined]


def test_two_primary_types_are_ambiguous() -> None:
    message = refused(
        (Book, {"name": "Book", "fields": ["publisher"]}),
        *((Publisher, {"name": name, "fields": ["name"], "primary": True}) for name in ("One", "Two")),
    )

    assert message.startswith("Book.publisher leads to Publisher, over which several types are declared (One, Two)")


def test_relation_prefers_the_type_over_its_own_model_to_one_over_a_proxy() -> None:
    schema = build(
        (Tame, {"name": "Tame", "fields": ["name", "mother"]}), (Animal, {"name": "Animal", "fields": ["mother"]})
    )

    assert str(schema.graphql.type_map["Tame"].fields["mother"].type) == "Animal"  # type: ignore[attr-defined]


# --- what is right ----------------------------------------------------------------------------


def test_annotations_that_fit() -> None:
    schema = build(
        (
            Specimen,
            {
                "annotations": {
                    "id": fraiseql.ID,
                    "name": str,
                    "text": "str | None",
                    "small": "int | None",
                    "big": fraiseql.BigInt | None,
                    "integers": list[int | None],
                    "matrix": "list[list[int]] | None",
                    "json_set": fraiseql.JSON | None,
                    "uuid": fraiseql.auto,
                }
            },
        )
    )

    assert {name: str(field.type) for name, field in schema.graphql.type_map["Thing"].fields.items()} == {  # type: ignore[attr-defined]
        "id": "ID!",
        "name": "String!",
        # more may be null than the column says, never less
        "text": "String",
        "small": "Int",
        "big": "BigInt",
        "integers": "[Int]!",
        "matrix": "[[Int!]!]",
        "jsonSet": "JSON",
        "uuid": "UUID",
    }


def test_all_fields_are_the_models_own_and_then_what_leads_to_it() -> None:
    schema = build((Author, {"name": "Author", "fields": "__all__"}), (Book, {"name": "Book", "fields": "__all__"}))

    assert list(schema.types["Author"].fields) == [
        "id",
        "name",
        "born",
        "bio",
        "website",
        "email",
        "books",
        "booksCount",
    ]
    # keys to models without a type are ids
    assert [name for name in schema.types["Book"].fields if name.startswith(("publisher", "category", "authors"))] == [
        "publisherId",
        "categoryId",
        "authors",
        "authorsCount",
    ]


@pytest.mark.parametrize("exclude", [["publisher"], ["publisher_id"]])
def test_excluded_key_is_excluded_under_both_of_its_names(exclude: list[str]) -> None:
    alone = build((Book, {"exclude": exclude}))
    beside = build((Book, {"exclude": exclude}), (Publisher, {"name": "Publisher", "fields": ["name"]}))

    assert not {"publisher", "publisherId"} & {*alone.types["Thing"].fields, *beside.types["Thing"].fields}


@pytest.mark.parametrize(
    ("class_name", "options", "expected"),
    [
        ("BookType", {}, ("Book", "book", "books")),
        ("Category", {}, ("Category", "category", "categories")),
        ("URLRecord", {}, ("URLRecord", "urlRecord", "urlRecords")),
        ("Box", {}, ("Box", "box", "boxes")),
        ("Type", {}, ("Type", "type", "types")),
        ("BookType", {"name": "Volume"}, ("Volume", "volume", "volumes")),
        ("BookType", {"single": "volume"}, ("Book", "volume", "volumes")),
        ("BookType", {"plural": "library"}, ("Book", "book", "library")),
        ("BookType", {"queries": ["plural"]}, ("Book", None, "books")),
        ("BookType", {"queries": ["single"]}, ("Book", "book", None)),
    ],
)
def test_names_of_types_and_root_fields(
    class_name: str, options: dict[str, Any], expected: tuple[str, str | None, str | None]
) -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["id"], registry=registry, **options)(type(class_name, (), {}))
    (definition,) = build_schema(registry, get_settings()).types.values()

    assert (definition.name, definition.single, definition.plural) == expected


# --- mutations --------------------------------------------------------------------------------


class Empty(enum.Enum):
    """An enum that nothing is in."""


def mutation_without_parameters() -> str:
    return ""


def mutation_without_annotation(info: fraiseql.Info, title) -> str:  # type: ignore[no-untyped-def]
    return str(title)


def mutation_of_anything(info: fraiseql.Info, *titles: str) -> str:
    return ""


def mutation_without_result(info: fraiseql.Info):  # type: ignore[no-untyped-def]
    return ""


def mutation_of_a_model(info: fraiseql.Info, book: Book) -> str:
    return ""


def mutation_of_an_empty_enum(info: fraiseql.Info, kind: Empty) -> str:
    return ""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (mutation_without_parameters, "mutation mutation_without_parameters takes no parameter; its first one must be the Info"),
        (mutation_without_annotation, "mutation mutation_without_annotation: parameter 'title' has no annotation"),
        (mutation_of_anything, "mutation mutation_of_anything: parameter *titles: str cannot be an argument"),
        (mutation_without_result, "mutation mutation_without_result has no return annotation"),
        (
            mutation_of_a_model,
            "mutation mutation_of_a_model: <class 'example_project.bookshop.models.Book'> is neither a declared type, "
            "nor an Enum, nor a Python type that has a scalar",
        ),
        (mutation_of_an_empty_enum, "the choices of Empty are empty"),
    ],
)  # fmt: skip
def test_mutations(function: Callable[..., Any], message: str) -> None:
    registry = Registry()
    declare(Book, registry=registry, fields=["title"])
    fraiseql.mutation(registry=registry)(function)

    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value) == message


def test_mutations_of_one_name() -> None:
    registry = Registry()
    book = declare(Book, "BookType", registry=registry, fields=["title"])

    @fraiseql.mutation(registry=registry)
    def update_book(info: fraiseql.Info) -> str:
        return ""

    fraiseql.update(book, fields=["title"], registry=registry)
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value) == (
        "two mutations are called 'updateBook': test_mutations_of_one_name.<locals>.update_book in "
        "tests.declare.test_declarations and update(BookType) in tests.declare.test_declarations; "
        "give one of them another name with name=…"
    )
