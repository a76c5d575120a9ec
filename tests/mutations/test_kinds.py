"""Kinds of mutations: each registers how it is described and what runs it; and what a mutation runs with."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Info, Registry, nested
from fraiseql_django.declare.registry import MutationDeclaration
from fraiseql_django.mutations.context import MutationContext
from fraiseql_django.schema.arguments import Arguments, MutationDef, describe_mutation
from fraiseql_django.schema.sdl import sdl
from tests.library.models import Genre, Novel, Writer
from tests.library.support import Library, failing, make_engine, run
from tests.library.types import LIBRARY, GenreType, NovelType, WriterType
from tests.support import data

pytestmark = pytest.mark.django_db


def library_registry() -> Registry:
    return Registry(types=list(LIBRARY.types))


# --- kinds ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo(MutationDeclaration):
    """A kind of mutation that answers its own name."""


@describe_mutation.register(Echo)
def describe_echo(declaration: Echo, arguments: Arguments) -> MutationDef:
    def perform(context: MutationContext, given: Mapping[str, Any]) -> str:
        return context.info.field_name

    return MutationDef(
        name=str(declaration.name),
        description=None,
        deprecation=None,
        arguments={},
        converts={},
        output=arguments.outputs.read(str, __name__, "echo"),
        perform=perform,
        repeatable=lambda: True,
        permission=None,
        cost=declaration.cost,
    )


def test_kind_of_mutation_that_is_registered_elsewhere() -> None:
    registry = library_registry()
    registry.mutations.append(Echo(name="shout"))

    assert data(make_engine(registry), "mutation { shout }") == {"shout": "shout"}


def test_kind_of_mutation_that_nothing_describes() -> None:
    registry = library_registry()
    registry.mutations.append(MutationDeclaration(name="nothing"))

    with pytest.raises(DeclarationError, match=r"^a MutationDeclaration cannot be described: nothing is registered"):
        _ = make_engine(registry).schema


# --- Info ---


def test_members_of_info() -> None:
    public = {item.name for item in fields(Info) if not item.name.startswith("_")}
    methods = {name for name in vars(Info) if not name.startswith("_")} - public

    assert public == {"field_name", "response_key", "operation_name", "request", "context", "database"}
    assert methods == {"viewer", "user", "auser", "visible", "answer"}


def test_info_that_a_project_makes(library: Library) -> None:
    info = Info(field_name="x", response_key="x", operation_name=None, request=None, context={"a": 1})

    assert info.viewer.value("a") == 1
    assert info.user is None
    assert set(info.visible(Writer)) == {library.writer, library.other}
    with pytest.raises(fraiseql.FraiseQLError, match="only an Info that an engine made can answer"):
        info.answer(library.novel)


@pytest.fixture
def library() -> Library:
    return Library()


# --- inputs of mutations from models ---


def test_mutations_that_describe_the_same_input_share_its_type() -> None:
    registry = library_registry()
    fraiseql.create(GenreType, fields=["name", nested("novels", connect=True)], registry=registry)
    fraiseql.create(GenreType, fields=["name", nested("novels", connect=True)], bulk=True, registry=registry)
    schema = make_engine(registry).schema

    assert sdl(schema.graphql).count("input CreateGenreInput {") == 1
    one, several = (schema.mutations[name].arguments["input"].type for name in ("createGenre", "createGenres"))
    assert (str(one), str(several)) == ("CreateGenreInput!", "[CreateGenreInput!]!")


def test_different_inputs_of_one_name_are_refused() -> None:
    registry = library_registry()
    fraiseql.create(GenreType, fields=["name"], registry=registry)
    fraiseql.create(GenreType, fields=["name", "novels"], bulk=True, registry=registry)

    with pytest.raises(DeclarationError, match=r"^two types are called 'CreateGenreInput': an input"):
        _ = make_engine(registry).schema


def test_success_has_the_name_of_another_type() -> None:
    registry = library_registry()

    @fraiseql.success
    class CreateGenreSuccess:
        genre: GenreType

    @fraiseql.mutation(registry=registry)
    def other(info: Info) -> CreateGenreSuccess:
        raise NotImplementedError

    fraiseql.create(GenreType, fields=["name"], registry=registry)

    owners = r"CreateGenreSuccess in tests\.mutations\.test_kinds and a mutation's result"
    with pytest.raises(DeclarationError, match=rf"^two types are called 'CreateGenreSuccess': .*{owners}; give one"):
        _ = make_engine(registry).schema


def test_one_declaration_in_the_schemas_of_two_engines(library: Library) -> None:
    registry = library_registry()
    fraiseql.update(WriterType, fields=["name", "mentor"], registry=registry)
    first, second = make_engine(registry), make_engine(registry)
    call = f'updateWriter(id: "{library.writer.pk}", input: {{mentor: "{library.other.pk}"}})'

    assert sdl(first.schema.graphql) == sdl(second.schema.graphql)
    for engine in (first, second, first):
        assert run(engine, call, "writer { mentor { name } }") == {"writer": {"mentor": {"name": "Octavia"}}}


def test_absent_and_null_are_told_apart_in_nested_inputs(library: Library) -> None:
    registry = library_registry()
    fraiseql.update(
        NovelType,
        fields=["pages", nested("editor", connect=True, create=["name", "mentor"], disconnect=True)],
        registry=registry,
    )
    engine, novel = make_engine(registry), library.novel

    def change(written: str, variables: Any = None, declared: str = "") -> Any:
        call = f'updateNovel(id: "{novel.pk}", input: {written})'
        return run(engine, call, "novel { pages editor { name } }", variables, declared)["novel"]

    kept = {"pages": 250, "editor": {"name": "Ed"}}
    assert change('{editor: {create: {name: "Ed", mentor: null}}}') == kept
    assert change("{}") == kept
    assert change("{pages: $pages}", {}, "($pages: Int)") == kept
    assert change("{editor: {connect: $key, disconnect: null}}", {"key": library.other.pk}, "($key: ID)") == {
        "pages": 250,
        "editor": {"name": "Octavia"},
    }
    assert change("{pages: null, editor: null}") == {"pages": None, "editor": None}


# --- errors ---


@pytest.mark.parametrize("code", [7, fraiseql.UNSET])
def test_code_of_a_validation_error_that_is_no_text(library: Library, code: Any, monkeypatch: Any) -> None:
    def clean(self: Genre) -> None:
        raise ValidationError("No.", code=code)

    monkeypatch.setattr(Genre, "clean", clean)
    registry = library_registry()
    fraiseql.create(GenreType, fields=["name"], registry=registry)

    @fraiseql.mutation(registry=registry)
    def check(info: Info) -> GenreType | fraiseql.MutationError:
        raise ValidationError("No.", code=code)

    engine = make_engine(registry)
    identifier = str(code) if code else "invalid"

    assert failing(engine, 'createGenre(input: {name: "x"})') == [(None, identifier, 422, "No.")]
    assert data(engine, "mutation { check { ... on MutationError { errors { identifier } } } }") == {
        "check": {"errors": [{"identifier": identifier}]}
    }


def test_no_class_stands_for_the_success_of_a_mutation_from_a_model() -> None:
    registry = library_registry()
    fraiseql.create(NovelType, fields=["title", "isbn", "writer"], registry=registry)
    definition = make_engine(registry).schema.objects["CreateNovelSuccess"]

    assert (definition.cls, list(definition.fields)) == (None, ["novel"])


# --- PostgreSQL functions ---


def test_updated_fields_are_named_as_in_the_schema(library: Library) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fn_touch() RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object("
            "'status', 'updated', 'message', '', 'updated_fields', jsonb_build_array('on_loan')) $$"
        )
    registry = library_registry()

    @fraiseql.success
    class Touched:
        note: str | None = None

    @fraiseql.mutation(function="fn_touch", registry=registry)
    class Touch:
        success: Touched

    def engine(camel_case: bool) -> GraphQLEngine:
        settings = fraiseql.get_engine().settings
        return GraphQLEngine(settings=replace(settings, camel_case=camel_case), registry=registry, cache=None)

    assert data(engine(True), "mutation { touch { updatedFields } }") == {"touch": {"updatedFields": ["onLoan"]}}
    assert data(engine(False), "mutation { touch { updated_fields } }") == {"touch": {"updated_fields": ["on_loan"]}}
    assert Novel.objects.count() == 1
