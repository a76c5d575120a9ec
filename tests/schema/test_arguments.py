"""What clients read of arguments and inputs; and inputs of which they write one field of several."""

import re
from typing import Annotated, Any

import pytest

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import DeclarationError, GraphQLEngine, Info, Registry
from fraiseql_django.schema.sdl import sdl
from tests.support import data

pytestmark = pytest.mark.django_db

OLD = "Use `name`."


@fraiseql.input
class Person:
    """Somebody."""

    name: str = fraiseql.field(description="In full.")
    title: str | None = fraiseql.field(deprecation=OLD)
    born_in: Annotated[int, fraiseql.argument(name="year", deprecation="Nobody asks.")] = 0


@fraiseql.input(name="Ref", description="One way to find a book.", one_of=True)
class BookBy:
    by_id: fraiseql.ID | None = None
    isbn: str | None = fraiseql.field(name="code", description="Digits.")
    person: Person | None = None


def engine_of(*mutations: Any) -> GraphQLEngine:
    registry = Registry()

    @fraiseql.type(Book, registry=registry, fields=["id", "title", "isbn"])
    class BookType:
        pages: fraiseql.auto = fraiseql.field(deprecation="Count them.")

    for mutation in mutations:
        fraiseql.mutation(registry=registry)(mutation)
    return GraphQLEngine(registry=registry, cache=None)


def greet(
    info: Info,
    person: Person,
    greeting: Annotated[str, fraiseql.argument(description="The first word.", deprecation=OLD)] = "Hello",
    loud_and_clear: Annotated[bool | None, fraiseql.argument(name="loud")] = None,
) -> str:
    return f"{greeting} {person.title or ''}{person.name}{'!' if loud_and_clear else ''} {person.born_in}"


def find(info: Info, by: BookBy, others: list[BookBy] | None = None) -> str:
    return f"{by.by_id} {by.isbn} {by.person and by.person.name} {len(others or [])}"


def refused(mutation: Any) -> str:
    with pytest.raises(DeclarationError) as caught:
        _ = engine_of(mutation).schema
    return str(caught.value)


# --- names, descriptions and deprecations ---


def test_sdl_has_them() -> None:
    text = sdl(engine_of(greet).schema.graphql)

    assert f'"""The first word."""\n    greeting: String @deprecated(reason: "{OLD}")' in text
    assert "loud: Boolean" in text
    assert '''input Person {
  """In full."""
  name: String!
  title: String @deprecated(reason: "Use `name`.")
  year: Int @deprecated(reason: "Nobody asks.")
}''' in text  # fmt: skip


def test_introspection_lists_deprecated_ones_where_it_is_asked_for() -> None:
    query = """query($all: Boolean!) {
      __schema { mutationType { fields { args(includeDeprecated: $all) { name deprecationReason isDeprecated } } } }
      __type(name: "Person") { inputFields(includeDeprecated: $all) { name } }
    }"""
    engine = engine_of(greet)

    found = data(engine, query, {"all": True})
    (arguments,) = [field["args"] for field in found["__schema"]["mutationType"]["fields"]]
    assert {item["name"]: item["deprecationReason"] for item in arguments} == {
        "person": None, "greeting": OLD, "loud": None
    }  # fmt: skip
    assert [item["name"] for item in found["__type"]["inputFields"]] == ["name", "title", "year"]
    found = data(engine, query, {"all": False})
    assert [item["name"] for item in found["__type"]["inputFields"]] == ["name"]


def test_values_are_passed_under_their_python_names() -> None:
    engine = engine_of(greet)

    mutation = 'mutation { greet(person: {name: "Ann", year: 5}, loud: true) }'
    assert data(engine, mutation) == {"greet": "Hello Ann! 5"}
    mutation = "mutation($p: Person!) { greet(person: $p) }"
    assert data(engine, mutation, {"p": {"name": "Bo", "title": "Dr. "}}) == {"greet": "Hello Dr. Bo 0"}


def test_conditions_and_orders_of_a_deprecated_field_are_deprecated() -> None:
    text = sdl(engine_of().schema.graphql)

    for name in ("Where", "OrderBy"):
        found = re.search(rf"^input Book{name} {{(.*?)^}}", text, re.DOTALL | re.MULTILINE)
        assert found is not None
        assert re.findall(r"^  (\w+): .* @deprecated\(reason: \"Count them.\"\)$", found[1], re.MULTILINE) == ["pages"]


def test_inputs_of_mutations_from_models_have_the_models_texts() -> None:
    registry = Registry()

    @fraiseql.type(Book, registry=registry, fields=["id", "title"])
    class BookType: ...

    fraiseql.create(BookType, fields=["title", "isbn", "price"], registry=registry)
    text = sdl(GraphQLEngine(registry=registry, cache=None).schema.graphql)

    assert '  """ISBN-13, digits only."""\n  isbn: String!' in text
    assert '  """In euros, without tax."""\n  price: Decimal!' in text


def test_rules_of_arguments_that_may_be_null_hold() -> None:
    """The annotation is the same, wherever `| None` stands."""

    def shout(info: Info, text: Annotated[str, fraiseql.requires_auth] | None = None) -> str:
        return str(text)

    answer = engine_of(shout).execute('mutation { shout(text: "a") }').json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


def test_fields_that_may_be_null_may_be_left_out() -> None:
    @fraiseql.input
    class Pair:
        one: int | None
        two: int | None = 5

    def add(info: Info, pair: Pair) -> str:
        return f"{pair.one} {pair.two}"

    assert data(engine_of(add), "mutation { add(pair: {}) }") == {"add": "None 5"}


# --- one of several ---


def test_schema_says_that_one_field_is_written() -> None:
    engine = engine_of(find)
    text = sdl(engine.schema.graphql)

    assert '"""One way to find a book."""\ninput Ref @oneOf {' in text
    assert '"""Digits."""\n  code: String' in text
    if hasattr(engine.schema.graphql.type_map["Ref"], "is_one_of"):
        assert data(engine, '{ __type(name: "Ref") { isOneOf } }') == {"__type": {"isOneOf": True}}


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ('{byId: "7"}', "7 None None 0"),
        ('{code: "x"}', "None x None 0"),
        ('{person: {name: "Ann"}}', "None None Ann 0"),
    ],
)
def test_one_field_is_taken(by: str, found: str) -> None:
    assert data(engine_of(find), f"mutation {{ find(by: {by}) }}") == {"find": found}


@pytest.mark.parametrize("value", [{"byId": "7"}, {"code": "x"}])
def test_one_field_of_a_variable_is_taken(value: Any) -> None:
    mutation = "mutation($by: Ref!) { find(by: $by, others: [$by]) }"

    assert data(engine_of(find), mutation, {"by": value})["find"].endswith("1")


@pytest.mark.parametrize(
    "value", ["{}", '{byId: "7", code: "x"}', "{byId: null}", '{byId: "7", code: null}', "{person: null}"]
)
def test_no_field_several_or_null_are_refused(value: str) -> None:
    engine = engine_of(find)
    for mutation in (f"mutation {{ find(by: {value}) }}", f'mutation {{ find(by: {{code: "a"}}, others: [{value}]) }}'):
        answer = engine.execute(mutation).json()
        assert answer.get("data") in (None, {"find": None}), answer
        assert len(answer["errors"]) >= 1
        assert "INTERNAL" not in str(answer)


@pytest.mark.parametrize(
    "value", [{}, {"byId": "7", "code": "x"}, {"byId": None}, {"byId": "7", "code": None}, {"wrong": 1}]
)
def test_the_same_in_variables_is_refused(value: Any) -> None:
    engine = engine_of(find)
    for mutation, given in (
        ("mutation($by: Ref!) { find(by: $by) }", {"by": value}),
        ('mutation($all: [Ref!]!) { find(by: {code: "a"}, others: $all) }', {"all": [{"code": "b"}, value]}),
    ):
        answer = engine.execute(mutation, given).json()
        assert answer.get("data") in (None, {"find": None}), answer
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("variables", [{}, {"isbn": None}])
def test_a_variable_that_may_be_null_is_no_field(variables: dict[str, Any]) -> None:
    answer = engine_of(find).execute("mutation($isbn: String) { find(by: {code: $isbn}) }", variables).json()

    assert "errors" in answer
    assert answer.get("data") in (None, {"find": None})


# --- declarations ---


def test_what_must_be_written_cannot_be_deprecated() -> None:
    @fraiseql.input
    class Wrong:
        name: str = fraiseql.field(deprecation=OLD)

    def first(info: Info, text: Annotated[str, fraiseql.argument(deprecation=OLD)]) -> str:
        return text

    def second(info: Info, wrong: Wrong) -> str:
        return wrong.name

    remedy = "is deprecated, but clients must write it; give it a default, or let it be None"
    assert refused(first) == f"mutation first: argument 'text' {remedy}"
    assert refused(second) == f"Wrong.name {remedy}"


def test_members_of_an_input_with_one_of_are_null_by_default() -> None:
    @fraiseql.input(one_of=True)
    class Wrong:
        a: str
        b: str = "x"
        c: str | None = "x"
        d: str | None = None

    def third(info: Info, wrong: Wrong) -> str:
        return ""

    remedy = "must be annotated `… | None = None`: of an input with one_of, clients write one field only"
    assert refused(third).splitlines() == [f"Wrong.{name} {remedy}" for name in "abc"]


@pytest.mark.parametrize(
    ("options", "name"), [({"column": "x"}, "column"), ({"permission": "a.b"}, "permission"), ({"cost": 3}, "cost")]
)
def test_options_that_mean_nothing_for_an_input(options: Any, name: str) -> None:
    with pytest.raises(DeclarationError) as caught:

        @fraiseql.input
        class Wrong:
            a: str = fraiseql.field(**options)

    assert str(caught.value) == (
        f"Wrong.a is the field of an input, for which field({name}=…) means nothing; it takes name, description, "
        f"deprecation, directives"
    )


def test_wrong_names_are_refused() -> None:
    def fourth(info: Info, text: Annotated[str, fraiseql.argument(name="my text")]) -> str:
        return text

    assert refused(fourth).startswith("an argument of mutation fourth cannot be called 'my text'")


def test_options_of_a_base_are_inherited() -> None:
    @fraiseql.input
    class Longer(Person):
        name: str
        more: str = ""

    def fifth(info: Info, longer: Longer) -> str:
        return longer.more

    assert 'title: String @deprecated(reason: "Use `name`.")' in sdl(engine_of(fifth).schema.graphql)
