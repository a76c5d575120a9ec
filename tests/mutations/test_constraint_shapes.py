"""A violated constraint is one error, whether Django's validation finds it or PostgreSQL does, in a race."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.db.models.signals import pre_save
from django.utils import translation

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, MutationError, Registry
from tests.library.models import Shelf

pytestmark = pytest.mark.django_db

REGISTRY = Registry()
FIELDS = ["slug", "label", "code", "row", "place", "wide", "tall", "lamp", "span", "gone"]
COLUMNS = ", ".join(f'"{name}"' for name in FIELDS)


class ShelfForm(forms.ModelForm):  # type: ignore[type-arg]
    """Validates as ModelForms do."""

    class Meta:
        model = Shelf
        # a range's form field has several values
        fields = tuple(name for name in FIELDS if name != "span")


@fraiseql.type(Shelf, fields=["id", *FIELDS], plural="shelves", registry=REGISTRY)
class ShelfType:
    pass


fraiseql.create(ShelfType, fields=FIELDS, registry=REGISTRY)
fraiseql.create(ShelfType, fields=FIELDS, bulk=True, registry=REGISTRY)
fraiseql.update(ShelfType, fields=FIELDS, registry=REGISTRY)
fraiseql.create(ShelfType, form=ShelfForm, name="createShelfByForm", registry=REGISTRY)


@fraiseql.mutation(registry=REGISTRY)
def put_shelf(info: fraiseql.Info, values: fraiseql.JSON) -> Shelf | MutationError:
    """Make a shelf in Python."""
    given: Any = values
    shelf = Shelf(**given)
    shelf.full_clean()
    shelf.save()
    return shelf


@fraiseql.mutation(registry=REGISTRY)
def put_shelf_plainly(info: fraiseql.Info, values: fraiseql.JSON) -> Shelf:
    """Make a shelf in Python, without a class of errors."""
    given: Any = values
    shelf = Shelf(**given)
    shelf.save()
    return shelf


# the values of a shelf that is there, and of one that must not be beside it; and what is said of that one
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str | None, str, str]]] = {
    "one field with a condition": (
        {"slug": "a"},
        {"slug": "a"},
        ("slug", "unique", "Constraint “shelf_slug” is violated."),
    ),
    "with a message and a code": ({"label": "a"}, {"label": "a"}, ("label", "taken", "This label is taken.")),
    "with the code unique": ({"code": "a"}, {"code": "a"}, ("code", "unique", "Constraint “shelf_code” is violated.")),
    "several fields with a condition": (
        {"row": 1, "place": 1},
        {"row": 1, "place": 1},
        (None, "unique", "Constraint “shelf_row_place” is violated."),
    ),
    "expressions": (
        {"slug": "a", "gone": True},
        {"slug": "A", "gone": True},
        (None, "unique", "Gone, too."),
    ),
    "included columns": ({"wide": 1}, {"wide": 1}, ("wide", "unique", "Constraint “shelf_wide” is violated.")),
    "nulls that are not distinct": (
        {"tall": 1},
        {"tall": 1},
        (None, "unique", "Constraint “shelf_lamp” is violated."),
    ),
    "exclusion": (
        {"span": [1, 5]},
        {"span": [4, 9]},
        (None, "exclusion", "Constraint “shelf_span” is violated."),
    ),
}
BY_KIND = pytest.mark.parametrize("kind", ["create", "bulk", "update", "form", "python"])


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(registry=REGISTRY, cache=None)


@pytest.fixture
def race() -> Iterator[list[dict[str, Any]]]:
    """Insert what is in the list when a shelf has been validated and is about to be saved."""
    rows: list[dict[str, Any]] = []

    def insert(sender: Any, instance: Any, **kwargs: Any) -> None:
        while rows:
            insert_row(rows.pop())

    pre_save.connect(insert, sender=Shelf)
    yield rows
    pre_save.disconnect(insert, sender=Shelf)


def insert_row(values: dict[str, Any]) -> None:
    """Insert a shelf past the ORM."""
    row = {name: Shelf._meta.get_field(name).get_default() for name in FIELDS} | values
    if row["span"] is not None:
        row["span"] = f"[{row['span'][0]},{row['span'][1]})"
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(FIELDS))
        cursor.execute(f"INSERT INTO library_shelf ({COLUMNS}) VALUES ({places})", [row[name] for name in FIELDS])


def errors(engine: GraphQLEngine, kind: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Run a mutation that fails, and return what is said, with fields as if the input were one object."""
    error = "... on MutationError { errors { field identifier code message } }"
    graphql = dict(values)
    if "span" in graphql:
        graphql["span"] = {"lower": values["span"][0], "upper": values["span"][1]}
    made = "$v: CreateShelfInput!"
    queries = {
        "create": f"mutation ({made}) {{ createShelf(input: $v) {{ {error} }} }}",
        "bulk": f"mutation ({made}) {{ createShelves(input: [$v]) {{ {error} }} }}",
        "form": f"mutation ($v: CreateShelfByFormInput!) {{ createShelfByForm(input: $v) {{ {error} }} }}",
        "python": f"mutation ($v: JSON!) {{ putShelf(values: $v) {{ {error} }} }}",
        "update": f"mutation ($v: UpdateShelfInput!, $id: ID!) {{ updateShelf(id: $id, input: $v) {{ {error} }} }}",
    }
    variables: dict[str, Any] = {"v": values if kind == "python" else graphql}
    if kind == "update":
        insert_row({})
        variables["id"] = str(Shelf.objects.latest("pk").pk)
    body = engine.execute(queries[kind], variables).json()
    assert "errors" not in body, body
    (answer,) = body["data"].values()
    return [
        (
            (item["field"] or "").removeprefix("0").removeprefix(".") or None,
            item["identifier"],
            item["code"],
            item["message"],
        )
        for item in answer["errors"]
    ]


@BY_KIND
@pytest.mark.parametrize("name", CASES)
def test_validation_and_a_race_give_one_error(engine: GraphQLEngine, race: list[Any], kind: str, name: str) -> None:
    if kind == "form" and name == "exclusion":
        pytest.skip("the form has no range")
    there, other, (field, identifier, message) = CASES[name]
    expected = [(field, identifier, 422, message)]

    race.append(there)
    assert errors(engine, kind, other) == expected
    assert not race

    insert_row(there)
    assert errors(engine, kind, other) == expected


@BY_KIND
def test_check_is_one_error(engine: GraphQLEngine, kind: str) -> None:
    expected = [(None, "check", 422, "Constraint “shelf_row” is violated.")]

    assert errors(engine, kind, {"row": -1}) == expected

    # what PostgreSQL says where nothing was validated
    (error,) = engine.execute("mutation ($v: JSON!) { putShelfPlainly(values: $v) { id } }", {"v": {"row": -1}}).json()[
        "errors"
    ]
    assert error["message"] == expected[0][3]
    assert [(item["field"], item["identifier"]) for item in error["extensions"]["errors"]] == [(None, "check")]


def test_other_language(engine: GraphQLEngine, race: list[Any]) -> None:
    with translation.override("de"):
        race.append({"slug": "a"})
        in_race = errors(engine, "create", {"slug": "a"})
        insert_row({"slug": "a"})

        assert errors(engine, "create", {"slug": "a"}) == in_race == [("slug", "unique", 422, in_race[0][3])]
        assert "shelf_slug" in in_race[0][3]
        assert "violated" not in in_race[0][3]
