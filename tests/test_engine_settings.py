"""An engine's own settings reach the schema and the mutations that it builds, and no other engine's."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connections, models
from django.test.utils import CaptureQueriesContext, isolate_apps

import fraiseql_django as fraiseql
from example_project.bookshop.models import OrderLine
from fraiseql_django import ConfigurationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.conf.settings import LimitSettings
from fraiseql_django.schema.definition import Column
from fraiseql_django.schema.sdl import sdl
from tests.library.models import Genre, Novel, Writer
from tests.library.support import Library
from tests.support import data

pytestmark = pytest.mark.django_db

REGISTRY = Registry()


@fraiseql.type(Writer, fields=["id", "name"], registry=REGISTRY)
class WriterType:
    pass


@fraiseql.type(Genre, fields=["id", "name"], registry=REGISTRY)
class GenreType:
    pass


@fraiseql.type(Novel, fields=["id", "title", "isbn", "on_loan", "published", "writer", "genres"], registry=REGISTRY)
class NovelType:
    pass


fraiseql.create(NovelType, fields=["title", "isbn", "writer", "on_loan", "published"], registry=REGISTRY)
fraiseql.update(
    NovelType, fields=["on_loan", fraiseql.nested("genres", create=["name"])], name="changeNovel", registry=REGISTRY
)


@fraiseql.mutation(registry=REGISTRY)
def lend_novel(info: fraiseql.Info, novel_id: fraiseql.ID) -> Novel | fraiseql.MutationError:
    raise ValidationError({"on_loan": "It is lent."})


@pytest.fixture
def library() -> Library:
    return Library()


def engine_with(registry: Registry = REGISTRY, **changed: Any) -> GraphQLEngine:
    return GraphQLEngine(settings=replace(get_settings(), **changed), registry=registry, cache=None)


def codes(engine: GraphQLEngine, query: str, **options: Any) -> list[str]:
    errors = engine.execute(query, **options).json().get("errors", [])
    return [error["extensions"]["code"] for error in errors]


# --- DEFAULT_PERMISSION ---


def test_default_permission_of_queries_and_mutations(library: Library) -> None:
    query = "{ novels { title } }"
    create = (
        f'mutation {{ createNovel(input: {{title: "A", isbn: "9", writer: {library.writer.pk}}}) {{ __typename }} }}'
    )
    strict = engine_with(default_permission="authenticated")

    assert data(engine_with(), query) == {"novels": [{"title": "Tehanu"}]}
    assert codes(strict, query) == ["UNAUTHENTICATED"]
    assert codes(strict, create) == ["UNAUTHENTICATED"]
    assert codes(strict, "mutation { lendNovel(novelId: 1) { __typename } }") == ["UNAUTHENTICATED"]
    assert data(engine_with(), create) == {"createNovel": {"__typename": "CreateNovelSuccess"}}


def test_default_permission_model_reaches_what_is_nested(library: Library, rf: Any, django_user_model: Any) -> None:
    request = rf.post("/")
    request.user = django_user_model.objects.create(username="ann")
    change = (
        f'mutation {{ changeNovel(id: "{library.novel.pk}", input: {{genres: {{create: [{{name: "New"}}]}}}}) '
        "{ __typename } }"
    )
    strict = engine_with(default_permission="model")

    assert strict.schema.mutations["changeNovel"].permission.name == "requires_permission('library.change_novel')"
    assert codes(strict, change, request=request) == ["FORBIDDEN"]
    permission = models.Q(codename="change_novel")
    request.user.user_permissions.set(_permissions(permission))
    request.user = django_user_model.objects.get()
    (error,) = strict.execute(change, request=request).json()["errors"]
    assert "changeNovel(genres.create:)" in error["message"]
    request.user.user_permissions.set(_permissions(permission | models.Q(codename="add_genre")))
    request.user = django_user_model.objects.get()
    assert codes(strict, change.replace("__typename", "... on MutationError { code }"), request=request) == []


def _permissions(condition: models.Q) -> Any:
    return Permission.objects.filter(condition)


# --- CAMEL_CASE ---


def test_names_of_the_schema() -> None:
    snake, camel = (sdl(engine_with(camel_case=value).schema.graphql) for value in (False, True))

    assert "  on_loan: DateRange\n" in snake
    assert "onLoan" not in snake
    assert "create_novel(input: CreateNovelInput!): CreateNovelResult!" in snake
    assert "lend_novel(novel_id: ID!): LendNovelResult!" in snake
    assert "  onLoan: DateRange\n" in camel
    assert "createNovel(input: CreateNovelInput!): CreateNovelResult!" in camel
    assert "lendNovel(novelId: ID!): LendNovelResult!" in camel


def test_names_in_a_query(library: Library) -> None:
    query = "{ novels(where: {on_loan: {isnull: true}}) { title on_loan { lower } } }"

    assert data(engine_with(camel_case=False), query) == {"novels": [{"title": "Tehanu", "on_loan": None}]}
    assert codes(engine_with(), query) == ["GRAPHQL_VALIDATION_FAILED"] * 2


@pytest.mark.parametrize(
    ("camel_case", "name", "field"), [(True, "createNovel", "onLoan"), (False, "create_novel", "on_loan")]
)
def test_names_in_errors_of_a_mutation_from_a_model(library: Library, camel_case: bool, name: str, field: str) -> None:
    query = f"""mutation {{
        {name}(input: {{
            title: "A", isbn: "9", writer: {library.writer.pk}, {field}: {{lower: "2020-01-01", bounds: "[["}}
        }}) {{
            ... on MutationError {{ errors {{ field }} }}
        }}
    }}"""
    # two engines in one process
    engine_with(camel_case=not camel_case).execute(query)

    assert data(engine_with(camel_case=camel_case), query) == {name: {"errors": [{"field": field}]}}


@pytest.mark.parametrize(
    ("camel_case", "name", "field"), [(True, "lendNovel", "onLoan"), (False, "lend_novel", "on_loan")]
)
def test_names_in_errors_of_a_mutation_in_python(camel_case: bool, name: str, field: str) -> None:
    argument = "novelId" if camel_case else "novel_id"
    query = f"mutation {{ {name}({argument}: 1) {{ ... on MutationError {{ errors {{ field message }} }} }} }}"

    assert data(engine_with(camel_case=camel_case), query) == {
        name: {"errors": [{"field": field, "message": "It is lent."}]}
    }


def test_names_of_violated_columns() -> None:
    registry = Registry()
    fraiseql.type(OrderLine, fields=["quantity"], registry=registry)(type("LineType", (), {}))

    @fraiseql.mutation(registry=registry)
    def add_line(info: fraiseql.Info) -> OrderLine | fraiseql.MutationError:
        return OrderLine.objects.create(order_id=1, line_number=1, book_id=1, unit_price=None)

    snake, camel = (engine_with(registry, camel_case=value) for value in (False, True))
    selection = "{ ... on MutationError { errors { field identifier } } }"

    assert data(snake, f"mutation {{ add_line {selection} }}") == {
        "add_line": {"errors": [{"field": "unit_price", "identifier": "null"}]}
    }
    assert data(camel, f"mutation {{ addLine {selection} }}") == {
        "addLine": {"errors": [{"field": "unitPrice", "identifier": "null"}]}
    }


# --- SCALARS ---


def test_scalars_of_one_engine(library: Library) -> None:
    as_text = engine_with(scalars={"django.db.models.DateField": "django.db.models.CharField"})
    usual = engine_with()
    create = f"""mutation {{
        createNovel(input: {{title: "A", isbn: "9", writer: {library.writer.pk}, published: "2020-01-01"}}) {{
            ... on CreateNovelSuccess {{ novel {{ published }} }}
        }}
    }}"""
    query = '{ novels(where: {published: {eq: "2020-01-01"}}) { title } }'

    assert "  published: String\n" in sdl(as_text.schema.graphql)
    assert "  published: Date\n" in sdl(usual.schema.graphql)
    assert data(as_text, create) == {"createNovel": {"novel": {"published": "2020-01-01"}}}
    assert data(as_text, query) == {"novels": [{"title": "A"}]}
    assert data(usual, query) == {"novels": [{"title": "A"}]}
    assert codes(usual, query.replace("eq", "istartswith")) == ["GRAPHQL_VALIDATION_FAILED"]


def test_scalars_that_name_no_field_class() -> None:
    engine = engine_with(scalars={"no.such.Field": "django.db.models.CharField"})

    with pytest.raises(ConfigurationError, match=r"names 'no\.such\.Field', which cannot be imported"):
        _ = engine.schema
    assert not engine.is_ready()


# --- DATABASE ---


@isolate_apps("tests.library")
def test_database_decides_the_types_of_columns() -> None:
    class Special(models.CharField):
        def db_type(self, connection: Any) -> str:
            return "citext" if connection.alias == "second" else "varchar(20)"

    class Thing(models.Model):
        name = Special(max_length=20)

        class Meta:
            app_label = "library"

    registry = Registry()
    fraiseql.type(Thing, fields=["id", "name"], registry=registry)(type("ThingType", (), {}))

    def cast(engine: GraphQLEngine) -> str:
        column = engine.schema.types["Thing"].fields["name"]
        assert isinstance(column, Column)
        return column.cast

    assert cast(engine_with(registry)) == "text"
    assert cast(engine_with(registry, database="second")) == "citext"


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_database_of_mutations_from_models(library: Library) -> None:
    create = (
        f'mutation {{ createNovel(input: {{title: "A", isbn: "9", writer: {library.writer.pk}}}) {{ __typename }} }}'
    )
    engine = engine_with(database="second")

    with CaptureQueriesContext(connections["second"]) as captured:
        assert data(engine, create) == {"createNovel": {"__typename": "CreateNovelSuccess"}}
    assert any(query["sql"].startswith('INSERT INTO "library_novel"') for query in captured.captured_queries)


# --- LIMITS ---


def test_limits_of_one_engine(library: Library) -> None:
    query = "{ novels { writer { name } } }"

    assert codes(engine_with(limits=LimitSettings(depth=2)), query) == ["LIMIT_EXCEEDED"]
    assert data(engine_with(), query)
    create = 'mutation { changeNovel(id: 1, input: {genres: {create: [{name: "A"}, {name: "B"}]}}) { __typename } }'
    assert codes(engine_with(limits=LimitSettings(objects=2)), create) == ["LIMIT_EXCEEDED"]
    assert codes(engine_with(), create) == []
