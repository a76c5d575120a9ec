"""``types``: an app or a project in one line, with names that do not collide and without secrets."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import IntegerRangeField
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import models
from django.test.utils import isolate_apps
from graphql import GraphQLScalarType, is_enum_type, specified_scalar_types
from knox.models import AuthToken

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry, checks, engine
from fraiseql_django.conf import get_settings
from fraiseql_django.declare import results
from fraiseql_django.declare.names import BUILT_IN
from fraiseql_django.schema.build import Schema, build_schema
from fraiseql_django.schema.filter_inputs import ORDER_DIRECTION
from fraiseql_django.schema.operators import extensions, search
from fraiseql_django.schema.scalars import graphql as leaves
from fraiseql_django.schema.scalars.composite import FILES, RANGES
from tests.support import data, make_shop
from tests.zoo.models import Tame


def built(registry: Registry) -> Schema:
    return build_schema(registry, get_settings())


def named(registry: Registry) -> dict[str, str]:
    """Return the names of the types of a registry by the labels of their models."""
    return {definition.model._meta.label: name for name, definition in built(registry).types.items()}


def model(name: str, app: str = "zoo", **members: Any) -> Any:
    """Make a model in an app, within isolate_apps."""
    meta = type("Meta", (), {"app_label": app})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **members})


def refused(*what: Any, **options: Any) -> str:
    with pytest.raises(DeclarationError) as raised:
        fraiseql.types(*what, registry=Registry(), **options)
    return str(raised.value)


@pytest.mark.django_db
def test_an_app_is_declared_in_one_line() -> None:
    registry = Registry()
    make_shop()

    shop = fraiseql.types("bookshop", registry=registry)

    made = GraphQLEngine(registry=registry, cache=None)
    query = "{ books(limit: 1) { title publisher { name } authors { name books { isbn } } } orderLines { lineNumber } }"
    assert set(shop) == set(apps.get_app_config("bookshop").get_models())
    assert data(made, query) == {
        "books": [
            {
                "title": "City",
                "publisher": {"name": "Ace"},
                "authors": [{"name": "Ursula", "books": [{"isbn": f"978000000000{digit}"} for digit in (2, 1, 0)]}],
            }
        ],
        "orderLines": [{"lineNumber": 1}],
    }
    # users are not of this app
    assert "userId" in made.schema.types["Customer"].fields


def test_what_is_declared() -> None:
    assert list(fraiseql.types("bookshop.Book", Author, registry=Registry())) == [Book, Author]
    everything = fraiseql.types("__all__", registry=Registry())
    assert {*everything, *everything.left_out} == set(apps.get_models())
    assert set(everything.left_out) == {Session, AuthToken}


def test_proxies_and_unmanaged_models_are_declared() -> None:
    found = fraiseql.types("zoo", registry=Registry())

    assert {*found, *found.left_out} == set(apps.get_app_config("zoo").get_models())
    assert Tame in found
    assert {model._meta.proxy for model in found} == {True, False}


def test_secrets_that_are_left_out_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    registry = Registry()
    fraiseql.types(User, registry=registry)
    monkeypatch.setitem(engine._engines, None, GraphQLEngine(registry=registry, cache=None))

    call_command("fraiseql_schema", "--left-out")

    said = "User.password looks like a secret; declare a type with it, or types(…, secrets=True)"
    assert said in capsys.readouterr().out.splitlines()
    # it was meant, so no check warns of it
    assert not any(item.column for item in built(registry).types["User"].left_out if item.name == "password")


def test_models_and_fields_are_excluded() -> None:
    registry = Registry()

    shop = fraiseql.types(
        "bookshop",
        exclude=["Review", "bookshop.Order"],
        exclude_fields={"Book": ["price", "authors"]},
        registry=registry,
    )
    books = fraiseql.types(Book, Author, exclude_fields=["title", "bio"], registry=Registry())

    assert shop.left_out[Review] == "it is excluded"
    fields = built(registry).types["Book"].fields
    assert "title" in fields
    assert not {"price", "authors", "reviews"} & set(fields)
    assert books["Book"].__fraiseql_type__.exclude.keys() == {"title"}  # type: ignore[attr-defined]
    assert books[Author].__fraiseql_type__.exclude.keys() == {"bio"}  # type: ignore[attr-defined]


def test_options_are_those_of_every_type() -> None:
    registry = Registry()
    fraiseql.types(
        "bookshop", queries=["plural"], permission="bookshop.view_book", mask=True, rows=lambda viewer: True,
        prefix="Shop", names={"Author": "Writer"}, registry=registry,
    )  # fmt: skip
    schema = built(registry)

    assert {definition.permission is None for definition in schema.types.values()} == {False}
    assert {definition.rows is None for definition in schema.types.values()} == {False}
    assert {definition.single for definition in schema.types.values()} == {None}
    assert schema.types["ShopBook"].plural == "shopBooks"
    assert schema.types["Writer"].plural == "writers"


def test_classes_are_like_those_of_type() -> None:
    registry = Registry()
    shop = fraiseql.types("bookshop", registry=registry)
    fraiseql.update(shop["Book"], fields=["title"], registry=registry)

    @fraiseql.mutation(registry=registry)
    def newest(info: fraiseql.Info) -> Book:
        raise NotImplementedError

    assert str(built(registry).graphql.mutation_type.fields["newest"].type) == "Book!"  # type: ignore[union-attr]
    assert shop[Book] is shop["Book"] is shop["bookshop.Book"]
    assert (shop[Book].__name__, shop[Book].__module__) == ("Book", __name__)
    assert "Nothing" not in shop
    assert repr(fraiseql.types(Book, registry=Registry())) == "<types over bookshop.Book>"


@pytest.mark.parametrize("first", [True, False])
def test_a_type_of_the_project_takes_the_place_of_the_apps(first: bool) -> None:
    registry = Registry()
    shop = fraiseql.types("bookshop", registry=registry) if first else None

    @fraiseql.type(Book, registry=registry)
    class Volume:
        title: fraiseql.auto

    if shop is None:
        shop = fraiseql.types("bookshop", registry=registry)
        assert shop.left_out == {Book: "it has a type already, Volume"}
    else:
        # what was made of the class is of the type over its model
        fraiseql.update(shop[Book], fields=["title"], registry=registry)
        assert "updateVolume" in built(registry).mutations
    assert named(registry)["bookshop.Book"] == "Volume"
    assert str(built(registry).graphql.type_map["Author"].fields["books"].type) == "[Volume!]!"  # type: ignore[attr-defined]


# --- names ------------------------------------------------------------------------------------


@isolate_apps("tests.zoo", "example_project.bookshop")
def test_names_that_are_taken_begin_with_the_app() -> None:
    taken = ["Query", "Mutation", "String", "Int", "ID", "Image", "File", "Date", "Error", "StringFilter", "GroupWhere"]
    registry = Registry()
    fraiseql.types(Group, registry=registry)

    made = [model(name) for name in (*taken, "Group", "Node", "Connection", "PageInfo", "Type")]
    fraiseql.types(*made, registry=registry)
    fraiseql.types(model("Group", "bookshop"), registry=registry)

    assert named(registry) == {
        "auth.Group": "Group",
        "bookshop.Group": "BookshopGroup",
        **{f"zoo.{name}": f"Zoo{name}" for name in taken},
        # ZooGroupWhere would be its filter
        "zoo.Group": "ZooGroup2",
        "zoo.Node": "Node",
        "zoo.Connection": "Connection",
        "zoo.PageInfo": "PageInfo",
        "zoo.Type": "Type",
    }


@isolate_apps("tests.zoo")
@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_the_project_gives_is_its_own(first: bool) -> None:
    registry = Registry()
    other = model("Group")
    if first:
        fraiseql.types(other, registry=registry)
    fraiseql.type(Group, fields=["id"], registry=registry)(type("GroupType", (), {}))
    if not first:
        fraiseql.types(other, registry=registry)

    assert named(registry) == {"auth.Group": "Group", "zoo.Group": "ZooGroup"}


@isolate_apps("tests.zoo", "example_project.bookshop")
def test_root_fields_do_not_collide() -> None:
    one, several, loud, quiet = model("Task"), model("Tasks"), model("URL"), model("Url", "bookshop")
    looped, bulk = Registry(), Registry()
    for cls in (one, several):
        fraiseql.type(cls, fields="__all__", registry=looped)(type(cls.__name__, (), {}))
    fraiseql.types(one, several, loud, quiet, registry=bulk)

    assert list(built(looped).query.fields)[:4] == ["task", "taskList", "tasks", "tasksList"]
    assert {name: definition.single for name, definition in built(bulk).types.items()} == {
        "Task": "task", "ZooTasks": "zooTasks", "URL": "url", "BookshopUrl": "bookshopUrl",
    }  # fmt: skip


@isolate_apps("tests.zoo")
def test_names_of_fields_do_not_collide() -> None:
    contact = model("Contact", phone_1=models.TextField(), phone1=models.TextField())
    registry = Registry()
    fraiseql.types(contact, registry=registry)

    assert list(built(registry).types["Contact"].fields) == ["id", "phone_1", "phone1"]


@isolate_apps("tests.zoo")
def test_models_whose_names_are_none_in_graphql_get_one() -> None:
    book = model("Книга")
    without, registry = fraiseql.types(book, Author, registry=Registry()), Registry()
    fraiseql.types(book, names={book: "Book"}, registry=registry)

    assert list(without) == [Author]
    assert without.left_out == {book: "GraphQL does not allow its name; give it another one with names={…}"}
    assert named(registry) == {"zoo.Книга": "Book"}


@isolate_apps("tests.zoo")
def test_enums_give_way_to_types() -> None:
    choices = [("A", "a")]
    book = model("Book", format=models.TextField(choices=choices), page_list=models.TextField(choices=[("B", "b")]))
    registry = Registry()
    fraiseql.types(book, model("BookFormat"), model("BookPage"), registry=registry)
    fields = built(registry).graphql.type_map["Book"].fields  # type: ignore[attr-defined]

    # BookPageListFilter is the filter of lists of BookPage
    assert {name: str(fields[name].type) for name in ("format", "pageList")} == {
        "format": "BookFormatChoice!",
        "pageList": "BookPageListChoice!",
    }


# --- secrets ----------------------------------------------------------------------------------


def test_secrets_are_left_out() -> None:
    registry, open_registry = Registry(), Registry()
    found = fraiseql.types(User, Session, registry=registry)
    fraiseql.types(User, Session, secrets=True, registry=open_registry)

    assert found.left_out == {Session: "its key looks like a secret"}
    assert {"username", "email"} <= set(built(registry).types["User"].fields)
    assert "password" not in built(registry).types["User"].fields
    assert "password" in built(open_registry).types["User"].fields
    assert "sessionData" in built(open_registry).types["Session"].fields


@isolate_apps("tests.zoo")
def test_models_whose_keys_clients_cannot_write_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    span = model("Span", range=IntegerRangeField(primary_key=True))
    stay = model("Stay", span=models.ForeignKey(span, models.CASCADE))
    registry = Registry()
    fraiseql.types(stay, span, registry=registry)
    monkeypatch.setattr(checks, "default_registry", registry)

    (left_out, column) = (message for message in run_checks(tags=["fraiseql"]) if message.id != "fraiseql.W009")
    assert (left_out.msg, left_out.id) == (
        "zoo.Span has no type: Span: the key range cannot be an argument.", "fraiseql.W021"
    )  # fmt: skip
    assert column.msg.startswith("zoo.Stay: Stay has all fields but 'span_id'")
    assert list(built(registry).types["Stay"].fields) == ["id"]


# --- mistakes ---------------------------------------------------------------------------------


def test_mistakes_are_told_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = ", ".join(sorted(config.label for config in apps.get_app_configs()))
    books = "bookshop.Author, bookshop.Book"

    assert refused("bookshp", "bookshop.Bok", int, models.Model).splitlines() == [
        f"types() is given 'bookshp', which is no app; give it a model, '__all__' or one of: {labels}",
        "types() is given 'bookshop.Bok', which is no model; write it like 'shop.Book'",
        "@type takes a Django model that has a table, not <class 'int'>",
        "@type takes a Django model that has a table, not <class 'django.db.models.base.Model'>",
    ]
    assert refused().startswith("types() is given '', which is no app")
    assert refused(Book, Author, exclude=["Bok"]) == (
        f"types(): exclude names 'Bok', which is none of the models; must be one of: {books}"
    )
    assert refused(Book, Author, exclude="Book") == "types(): exclude is 'Book', must be a list of models"
    assert refused(Book, Author, names={"Bok": "Volume"}) == (
        f"types(): names names 'Bok', which is none of the models; must be one of: {books}"
    )
    assert refused(Book, exclude_fields="title") == "types(): exclude_fields is 'title', must be a list of names"
    assert (
        refused(Book, exclude_fields=["titel"])
        == "types(): exclude_fields names 'titel', a field of no model; leave it out"
    )
    assert (
        refused(Book, queries="all")
        == "queries is 'all', must be a list of: 'single', 'plural', 'connection', 'aggregate', 'groups'"
    )
    registry = Registry()
    fraiseql.types(Book, exclude_fields={Book: ["titel"]}, registry=registry)
    with pytest.raises(DeclarationError, match=r"^bookshop.Book: Book.titel: Book has no field 'titel'; it has: "):
        built(registry)
    registry = Registry()
    fraiseql.types(Book, Author, names={Book: "Text", Author: "Text"}, registry=registry)
    with pytest.raises(DeclarationError, match=r"^two types are called 'Text': bookshop\.Book \(Book in tests"):
        built(registry)
    monkeypatch.setattr(apps, "models_ready", False)
    assert refused("bookshop") == (
        "types() is called before all models are loaded; call it in the app's graphql module"
    )


@isolate_apps("tests.zoo")
def test_an_ambiguous_name_is_refused() -> None:
    twin = model("Group")

    assert refused(Group, twin, exclude=["Group"]) == (
        "types(): exclude names 'Group', which are several; name one of: auth.Group, zoo.Group"
    )
    with pytest.raises(KeyError, match=r"Group: auth\.Group, zoo\.Group"):
        _ = fraiseql.types(Group, twin, registry=Registry())["Group"]


# --- names of the package's own types ---------------------------------------------------------


def test_built_in_names_are_those_of_built_in_types() -> None:
    own = {scalar.name for scalar in vars(leaves).values() if isinstance(scalar, GraphQLScalarType)}
    own |= {value.name for value in FILES.values()} | {ORDER_DIRECTION.name, *specified_scalar_types}
    own |= {name for value, written in RANGES.values() for name in (value.name, written.graphql.name)}
    own |= {found.name for module in (search, extensions) for found in vars(module).values() if is_enum_type(found)}
    own |= {cls.__name__ for cls in vars(results).values() if hasattr(cls, "__fraiseql_object__")}

    assert own == BUILT_IN
