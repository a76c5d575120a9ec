"""Trees, tags and polymorphic rows of packages: what the packages' own methods return, in one statement."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from tests.menagerie.data import populate
from tests.menagerie.models import Place
from tests.menagerie.types import MENAGERIE
from tests.support import data, statements

pytestmark = pytest.mark.django_db
needs_packages = pytest.mark.skipif("tests.forest" not in settings.INSTALLED_APPS, reason="a package is not installed")

if "tests.forest" in settings.INSTALLED_APPS:
    from tests.forest import models as forest
    from tests.forest.types import FOREST

TREES = ["Unit", "Section", "Task", "Region"]


def names(rows: Any) -> list[str]:
    return [row.name for row in rows]


def of_package(row: Any, method: str) -> Any:
    """Call a package's method for a row."""
    owner = row if hasattr(row, "_mptt_meta") else type(row).objects
    return getattr(owner, method)(*([] if owner is row else [row]))


def grow(model: Any) -> list[Any]:
    """Make a tree: a root with two children, of which one has a child with a child; and another root."""

    def add(name: str, parent: Any = None) -> Any:
        extra = {"sib_order": 1} if model.__name__ == "Task" else {}
        if model.__name__ == "Region":
            return model.objects.create(name=name, parent=parent and model.objects.get(pk=parent.pk))
        values = {"name": name, **extra}
        if parent is None:
            return model.objects.add_root(values)
        return model.objects.add_child(model.objects.get(pk=parent.pk), values)

    root = add("root")
    left = add("left", root)
    add("right", root)
    add("leaf", add("twig", left))
    add("other")
    return list(model.objects.all())


@needs_packages
@pytest.mark.parametrize("name", TREES)
def test_ancestors_and_descendants_are_those_of_the_package(name: str) -> None:
    model: Any = getattr(forest, name)
    rows = {row.name: row for row in grow(model)}
    engine = GraphQLEngine(registry=FOREST, cache=None)
    plural = f"{name.lower()}s"

    query = f"{{ {plural} {{ name ancestors {{ name }} descendants {{ name }} descendantsCount }} }}"
    with statements(1):
        answer = data(engine, query)[plural]

    for found in answer:
        row = rows[found["name"]]
        expected = names(of_package(row, "get_ancestors"))
        assert [item["name"] for item in found["ancestors"]] == expected
        below = names(of_package(row, "get_descendants"))
        assert sorted(item["name"] for item in found["descendants"]) == sorted(below)
        assert found["descendantsCount"] == len(below)


@needs_packages
@pytest.mark.parametrize("name", TREES)
def test_levels_conditions_and_pages_of_trees(name: str) -> None:
    grow(getattr(forest, name))
    engine = GraphQLEngine(registry=FOREST, cache=None)
    plural = f"{name.lower()}s"
    query = f"""query ($depth: Int) {{ {plural}(where: {{name: {{in: ["root", "leaf"]}}}}, orderBy: {{name: DESC}}) {{
      below: descendants(depth: $depth, orderBy: {{name: ASC}}) {{ name }}
      above: ancestors(depth: $depth) {{ name }}
      some: descendants(where: {{name: {{neq: "left"}}}}, orderBy: {{name: ASC}}, limit: 2, offset: 1) {{ name }}
    }} }}"""

    def answer(depth: int | None) -> Any:
        return [
            {key: [row["name"] for row in rows] for key, rows in found.items()}
            for found in data(engine, query, {"depth": depth})[plural]
        ]

    root, leaf = answer(1)
    assert root == {"below": ["left", "right"], "above": [], "some": ["right", "twig"]}
    assert leaf == {"below": [], "above": ["twig"], "some": []}
    root, leaf = answer(2)
    assert root["below"] == ["left", "right", "twig"]
    assert leaf["above"] == ["left", "twig"]
    assert answer(0)[0]["below"] == []
    assert answer(None)[1]["above"] == ["root", "left", "twig"]
    response = engine.execute(query, {"depth": -1}).json()
    assert response["errors"][0]["message"] == "depth: -1 is less than 0."


@needs_packages
@pytest.mark.parametrize("name", ["Unit", "Section"])
def test_children_and_parents_without_a_foreign_key(name: str) -> None:
    rows = {row.name: row for row in grow(getattr(forest, name))}
    engine = GraphQLEngine(registry=FOREST, cache=None)
    plural = f"{name.lower()}s"

    for found in data(engine, f"{{ {plural} {{ name children {{ name }} parent {{ name }} }} }}")[plural]:
        row = rows[found["name"]]
        parent = of_package(row, "get_parent")
        assert [item["name"] for item in found["children"]] == names(of_package(row, "get_children"))
        assert found["parent"] == (parent and {"name": parent.name})


@pytest.mark.parametrize("conditions", ["", "(depth: 100000)"])
def test_cycles_end(conditions: str) -> None:
    populate()
    engine = GraphQLEngine(registry=MENAGERIE, cache=None)

    query = f"{{ places {{ name ancestors{conditions} {{ name }} descendants{conditions} {{ name }} }} }}"
    places = {place["name"]: place for place in data(engine, query)["places"]}

    def around(name: str, field: str) -> list[str]:
        return [row["name"] for row in places[name][field]]

    assert around("Leaf", "ancestors") == ["Top", "Left", "Twig"]
    assert around("Own", "ancestors") == around("Own", "descendants") == []
    assert around("First", "ancestors") == ["Second", "Third"]
    assert sorted(around("First", "descendants")) == ["Second", "Third"]
    assert sorted(around("Top", "descendants")) == ["Leaf", "Left", "Other", "Right", "Twig"]


def test_row_rules_hide_rows_of_trees_without_cutting_the_way() -> None:
    populate()
    registry = Registry()

    @fraiseql.type(Place, fields=["name"], tree=True, rows=lambda viewer: ~Q(name="Left"), registry=registry)
    class PlaceType:
        pass

    engine = GraphQLEngine(registry=registry, cache=None)
    query = (
        '{ places(where: {name: {in: ["Top", "Leaf"]}}) { ancestors { name } descendants { name } descendantsCount } }'
    )
    top, leaf = data(engine, query)["places"]

    assert [row["name"] for row in leaf["ancestors"]] == ["Top", "Twig"]
    assert sorted(row["name"] for row in top["descendants"]) == ["Leaf", "Other", "Right", "Twig"]
    assert top["descendantsCount"] == 4


@needs_packages
def test_tags() -> None:
    first, second = (forest.Article.objects.create(title=title) for title in ("One", "Two"))
    first.tags.add("red", "blue")
    recipe = forest.Recipe.objects.create(title="Soup")
    recipe.spices.add("salt", "pepper")
    # content types of the same key
    forest.Recipe.objects.create(pk=second.pk + 1, title="Tea")
    engine = GraphQLEngine(registry=FOREST, cache=None)

    with statements(1):
        answer = data(engine, "{ articles { tags } recipes { title spices(orderBy: {name: ASC}) { name } } }")

    assert answer == {
        "articles": [{"tags": ["blue", "red"]}, {"tags": []}],
        "recipes": [
            {"title": "Soup", "spices": [{"name": "pepper"}, {"name": "salt"}]},
            {"title": "Tea", "spices": []},
        ],
    }
    query = '{ recipes(where: {spices: {some: {name: {eq: "salt"}}}}) { title spicesCount } }'
    assert data(engine, query) == {"recipes": [{"title": "Soup", "spicesCount": 2}]}


@needs_packages
def test_polymorphic_rows() -> None:
    made: list[Callable[[], Any]] = [
        lambda: forest.Circle.objects.create(name="c", radius=2),
        lambda: forest.Square.objects.create(name="s", side=3),
        lambda: forest.Disc.objects.create(name="d", radius=5, thickness=1),
        lambda: forest.Drawing.objects.create(name="w"),
        # of no type
        lambda: forest.Figure.objects.create(name="f"),
    ]
    for make in made:
        make()
    engine = GraphQLEngine(registry=FOREST, cache=None)
    query = "{ figures { __typename name ... on Circle { radius } ... on Square { side } } figuresCount }"

    with statements(1):
        answer = data(engine, query)

    assert answer == {
        "figures": [
            {"__typename": "Circle", "name": "c", "radius": 2},
            {"__typename": "Square", "name": "s", "side": 3},
            {"__typename": "Circle", "name": "d", "radius": 5},
            {"__typename": "Drawing", "name": "w"},
        ],
        "figuresCount": 4,
    }
    found = data(engine, "{ figures(where: {OR: [{onCircle: {radius: {gt: 3}}}, {ofType: {eq: Square}}]}) { name } }")
    assert found == {"figures": [{"name": "s"}, {"name": "d"}]}


@needs_packages
@pytest.mark.parametrize("field", ["figures", "circles", "units", "regions", "tasks", "articles", "recipes"])
def test_plans_over_managers_of_packages_are_kept(field: str) -> None:
    engine = GraphQLEngine(registry=FOREST, cache=None)
    operation = engine.parser.parse(f"{{ {field} {{ id __typename }} }}").operation(None)

    plan = engine.planner.plan(operation, {})

    assert engine.planner.plan(operation, {}) is plan
