"""A computed field has one value for a row, from wherever the row is read; other expressions are refused."""

from typing import Any

import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    FilteredRelation,
    FloatField,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Concat, Rank, RowNumber
from django.db.models.lookups import GreaterThan

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from tests.support import data
from tests.zoo.models import Album, Animal, Food, Keeper

pytestmark = pytest.mark.django_db


class Unnest(Func):
    """An array as rows."""

    function = "unnest"
    set_returning = True


class Numbered(Func):
    """A window function, in a template of the project's own."""

    template = "row_number() OVER (ORDER BY %(expressions)s)"


def animals() -> Any:
    return Animal.everything.filter(mother=OuterRef("pk"))


WINDOW = (
    "Animal.value is a window expression, whose value depends on the rows that are read with the row; compute it in a "
    "view, or count by a Subquery over all rows"
)
ROWS = "Animal.value returns rows, which would repeat the row; return an array instead, or aggregate in a Subquery"
MANY = (
    "Animal.value reads many rows of {}, which would repeat the row; aggregate them (Count, Max, ArrayAgg), or use a "
    "Subquery or Exists"
)
REFUSED: dict[str, tuple[Any, str]] = {
    "window": (Window(RowNumber(), order_by="weight"), WINDOW),
    "window over the whole": (Window(Rank(), partition_by="species"), WINDOW),
    "aggregate over a window": (Window(Sum("weight")), WINDOW),
    "window in a function": (Coalesce(Window(Sum("weight")), Value(0.0)), WINDOW),
    "window in an operation": (F("weight") - Window(Max("weight")), WINDOW),
    "window in a case": (Case(When(gone=False, then=Window(RowNumber())), default=Value(0)), WINDOW),
    "window in a template": (Numbered("weight", output_field=IntegerField()), WINDOW),
    "window in raw SQL": (RawSQL("sum(weight) over ()", (), output_field=FloatField()), WINDOW),
    "rows of a function": (Unnest(Value("{1}"), output_field=IntegerField()), ROWS),
    "rows of a function by its name": (Func(Value(1), Value(2), function="generate_series"), ROWS),
    "rows in a template": (Func(Value("{1}"), template="unnest(%(expressions)s)", output_field=TextField()), ROWS),
    "rows of raw SQL": (RawSQL("jsonb_array_elements('[1, 2]')", (), output_field=TextField()), ROWS),
    "rows in a function": (Concat(Func(F("name"), Value(" "), function="regexp_split_to_table"), Value("!")), ROWS),
    "many rows": (F("children__weight"), MANY.format("Animal")),
    "many rows further away": (F("mother__children__name"), MANY.format("Animal")),
    "many to many": (F("foods__name"), MANY.format("Food")),
    "behind many rows": (F("feedings__food__name"), MANY.format("Food")),
    "many rows in a case": (Case(When(children__weight=1, then=Value(1)), default=Value(0)), MANY.format("Animal")),
    "many rows in a condition": (Q(children__weight__gt=1), MANY.format("Animal")),
    "many rows beside an aggregate": (Count("foods") + F("children__weight"), MANY.format("Animal")),
    "relation": (
        FilteredRelation("children", condition=Q(children__gone=False)),
        "Animal.value is a FilteredRelation, which has no value; filter what is aggregated (Count(…, filter=Q(…))), or "
        "use a Subquery",
    ),
    "outer reference": (
        OuterRef("pk"),
        "Animal.value: the expression does not fit Animal: 'ResolvedOuterRef' object has no attribute 'output_field'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_expression_without_one_value_is_refused(name: str) -> None:
    expression, message = REFUSED[name]

    with pytest.raises(DeclarationError) as error:
        assert engine_with(expression, float).schema

    assert message in str(error.value)


def test_annotation_of_a_manager_is_no_field() -> None:
    """It is there in lists, and not behind relations."""
    registry = Registry()
    cls = type("Album", (), {"__annotations__": {"value": int}, "value": fraiseql.field(F("count") + 1)})
    fraiseql.type(Album, fields=["title"], registry=registry)(cls)
    with pytest.raises(DeclarationError, match="does not fit Album: Cannot resolve keyword 'count'"):
        assert GraphQLEngine(registry=registry, cache=None).schema


ONE_VALUE: dict[str, tuple[Any, Any]] = {
    "column": (F("weight"), float),
    "operation": (F("weight") * 2 + F("id"), float),
    "column behind a key": (F("mother__weight"), float),
    "function": (Coalesce("mother__name", "name"), str),
    "case": (Case(When(mother__weight__gt=20, then=Value("big")), default=Value("small")), str),
    "constant": (Value(7), int),
    "constant text": (Value("seven"), str),
    "aggregate": (Count("children"), int),
    "two aggregates": (Count("children", distinct=True) + Count("foods", distinct=True), int),
    "aggregate and column": (Count("children") + F("weight"), float),
    "filtered aggregate": (Count("children", filter=Q(children__weight__gt=30)), int),
    "array": (ArrayAgg("children__name", order_by="children__id", default=Value([])), list[str | None]),
    "subquery": (Subquery(animals().order_by("-id").values("name")[:1]), str),
    "array of a subquery": (ArraySubquery(animals().order_by("id").values("name")), list[str]),
    "window in a subquery": (Subquery(animals().annotate(n=Window(RowNumber())).order_by("id").values("n")[:1]), int),
    "rows in a subquery": (Subquery(Food.objects.filter(eaters=OuterRef("pk")).values("name")[:1]), str),
    "exists": (Exists(animals()), bool),
    "not exists": (~Exists(animals()), bool),
    "condition": (Q(weight__gt=20), bool),
    "condition behind a key": (Q(mother__weight__gt=20, gone=False), bool),
    "lookup": (GreaterThan(F("weight"), 20), bool),
    "wrapped condition": (ExpressionWrapper(Q(weight__gt=20) | Q(name="Rex"), output_field=BooleanField()), bool),
    "raw SQL": (RawSQL("weight * %s", (2,), output_field=FloatField()), float),
    "raw SQL of a name that other tables have": (RawSQL("name || '!'", (), output_field=TextField()), str),
    "raw SQL that names the table": (RawSQL('"zoo_animal"."weight" * 2', (), output_field=FloatField()), float),
    "raw SQL in a function": (Coalesce(RawSQL("zoo_animal.weight", (), output_field=FloatField()), Value(0.0)), float),
    "raw query": (
        RawSQL("(SELECT count(*) FROM zoo_animal c WHERE c.mother_id = zoo_animal.id)", (), IntegerField()),
        int,
    ),
    "raw query with a window": (
        RawSQL(
            "(SELECT r.n FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM zoo_animal) r"
            " WHERE r.id = zoo_animal.id)",
            (),
            output_field=IntegerField(),
        ),
        int,
    ),
}


def engine_with(expression: Any, annotation: Any) -> GraphQLEngine:
    """Make an engine over animals with a computed field."""
    registry = Registry()
    cls = type("Animal", (), {"__annotations__": {"value": annotation | None}, "value": fraiseql.field(expression)})
    fields = ["id", "name", "mother", "children", "keeper", "foods"]
    fraiseql.type(Animal, fields=fields, registry=registry)(cls)
    fraiseql.type(Keeper, fields=["name", "animals"], registry=registry)(type("Keeper", (), {}))
    fraiseql.type(Food, fields=["name", "eaters"], registry=registry)(type("Food", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


@pytest.mark.parametrize("name", ONE_VALUE)
def test_value_is_the_same_from_everywhere(populated: None, name: str) -> None:
    """Alone, beside joins, in pages, behind relations, in conditions and orders: as ``annotate`` gives it."""
    expression, annotation = ONE_VALUE[name]
    engine = engine_with(expression, annotation)
    values = {
        str(key): Animal.everything.filter(pk=key).annotate(value=expression).values_list("value", flat=True).get()
        for key in Animal.everything.values_list("pk", flat=True)
    }

    def check(query: str) -> int:
        found = list(objects(data(engine, query)))
        assert {item["id"]: item["value"] for item in found} == {item["id"]: values[item["id"]] for item in found}
        return len(found)

    own = "{ id value }"
    assert check(f"{{ animals {own} }}") == 8
    assert check(f"{{ animals(limit: 3, offset: 2, orderBy: {{name: ASC}}) {own} }}") == 3
    assert check('{ animals(where: {name: {eq: "Rex"}}) { id value keeper { name } mother { id value } } }') == 3
    assert check(f"{{ keepers {{ name animals(limit: 2) {own} }} }}") > 3
    assert check(f"{{ foods {{ eaters {own} }} animal(id: 2) {own} }}") > 3
    deep = f"{{ id value mother {{ id value mother {own} }} children {own} foods {{ eaters {own} }} }}"
    assert check(f"{{ animals {deep} }}") > 8
    assert check("{ animals(where: {OR: [{value: {isnull: true}}, {value: {isnull: false}}]}) { id value } }") == 8
    if not name.startswith("array"):
        where, order = "{mother: {value: {isnull: false}}}", "[{mother: {value: ASC}}, {value: ASC}]"
        behind = f"{{ animals(where: {where}, orderBy: {order}) {{ id value }} }}"
        assert check(behind) == sum(
            mother is not None and values[str(mother)] is not None
            for mother in Animal.objects.values_list("mother_id", flat=True)
        )


def objects(found: Any) -> Any:
    """Yield the objects of an answer that have a value."""
    if isinstance(found, list):
        for item in found:
            yield from objects(item)
    elif isinstance(found, dict):
        if "value" in found:
            yield found
        for item in found.values():
            yield from objects(item)
