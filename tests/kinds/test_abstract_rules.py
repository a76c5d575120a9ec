"""Rules, limits and plans of interfaces, unions, generic relations, trees and tags."""

import dataclasses
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, Value
from django.db.models.functions import Upper

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.conf.settings import LimitSettings
from fraiseql_django.schema.build import build_schema
from tests.menagerie.data import populate
from tests.menagerie.models import (
    Animal,
    Badge,
    Bike,
    Car,
    Cat,
    Dog,
    Keeper,
    Place,
    Puppy,
    Remark,
    Vehicle,
    Visitor,
)
from tests.menagerie.types import MENAGERIE
from tests.support import data, is_hit, make_engine, statements

pytestmark = pytest.mark.django_db


def ruled(**options: Any) -> GraphQLEngine:
    """Make an engine over animals and remarks, with options for the type of dogs."""
    populate()
    registry = Registry()
    fraiseql.interface(Animal, fields=["id", "name"], registry=registry)(type("AnimalInterface", (), {}))
    fraiseql.type(Dog, fields=["breed"], registry=registry, **options)(type("DogType", (), {}))
    fraiseql.type(Cat, fields=["lives"], registry=registry)(type("CatType", (), {}))
    fraiseql.type(Animal, name="Beast", fields=["name"], registry=registry)(type("BeastType", (), {}))
    fraiseql.type(Keeper, fields=["name", "animals"], registry=registry)(type("KeeperType", (), {}))
    fraiseql.union("Thing", ["Dog", "Cat", "Beast"], plural="things", registry=registry)
    remark = type("RemarkType", (), {"__annotations__": {"thing": "Thing | None"}, "__module__": __name__})
    fraiseql.type(Remark, fields=["text"], registry=registry)(remark)
    return GraphQLEngine(registry=registry, cache=None)


def names(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    request: Any = SimpleNamespace(user=user) if user else None
    response = engine.execute(query, request=request).json()
    assert "errors" not in response, response
    (rows,) = response["data"].values()
    return [row["name"] for row in rows]


# --- row rules ---


def test_rows_that_the_rule_of_their_type_hides_are_absent_everywhere() -> None:
    engine = ruled(rows=lambda viewer: ~Q(name="Rex"))

    assert names(engine, "{ animals { name } }") == ["Tom", "Bit", "Emu", "Kit", "Fox"]
    assert data(engine, "{ animalsCount thingsCount }") == {"animalsCount": 5, "thingsCount": 11}
    # nor as the cat that it is as well
    assert names(engine, "{ animals(where: {onCat: {}}) { name } }") == ["Tom", "Kit"]
    assert names(engine, "{ animals(limit: 1) { name } }") == ["Tom"]
    assert data(engine, "{ animal(id: 1) { name } }") == {"animal": None}
    answer = data(engine, "{ keepers { name animals { name } animalsCount } }")["keepers"][0]
    assert answer == {"name": "Ann", "animals": [{"name": "Tom"}, {"name": "Bit"}], "animalsCount": 2}
    query = '{ keepers(where: {animals: {some: {name: {eq: "Rex"}}}}) { name } }'
    assert data(engine, query) == {"keepers": []}
    query = "{ remarks(where: {thing: {}}) { thing { ... on Dog { breed } ... on Cat { lives } __typename } } }"
    found = [row["thing"]["__typename"] for row in data(engine, query)["remarks"]]
    assert found == ["Cat", "Beast"]
    assert data(engine, "{ remarks(where: {thing: {ofType: {eq: Dog}}}) { text } }") == {"remarks": []}


def test_row_rule_of_an_interface_holds_beside_those_of_its_types() -> None:
    populate()
    registry = Registry()
    fraiseql.interface(Animal, fields=["name"], rows=lambda viewer: Q(weight__gt=1), registry=registry)(
        type("AnimalInterface", (), {})
    )
    fraiseql.type(Dog, fields=["breed"], rows=lambda viewer: Q(breed="pug"), registry=registry)(type("Dog", (), {}))
    fraiseql.type(Cat, fields=["lives"], registry=registry)(type("Cat", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    # no type is declared for puppies, which are dogs, nor for the others
    assert names(engine, "{ animals { name } }") == ["Rex", "Tom", "Bit"]


# --- permissions ---


def test_rows_of_a_type_that_is_refused_are_absent_unless_the_type_is_named() -> None:
    engine = ruled(permission=fraiseql.requires_auth)

    assert names(engine, "{ animals { name } }") == ["Tom", "Emu", "Kit"]
    assert data(engine, "{ thingsCount }")["thingsCount"] == 9
    for query in (
        "{ animals { ... on Dog { breed } } }",
        "{ animals { ...F } } fragment F on Animal { ... on Dog { name } }",
        "{ things { ... on Dog { breed } } }",
        "{ remarks { thing { ... on Dog { breed } } } }",
        "{ animals(where: {onDog: {}}) { name } }",
        "{ things(where: {NOT: {onDog: {}}}) { __typename } }",
        "{ remarks(where: {thing: {onDog: {}}}) { text } }",
    ):
        (error,) = engine.execute(query).json()["errors"]
        assert error["message"] == "Sign in to use Dog."
    assert data(engine, "{ remarks(where: {thing: {ofType: {eq: Dog}}}) { text } }") == {"remarks": []}
    user = User.objects.create(username="ann")
    assert len(names(engine, "{ animals { name ... on Dog { breed } } }", user)) == 6


def test_rows_of_a_masked_type_are_absent() -> None:
    engine = ruled(permission=fraiseql.requires_auth, mask=True)

    assert names(engine, "{ animals { name ... on Dog { breed } } }") == ["Tom", "Emu", "Kit"]
    query = "{ remarks { thing { __typename ... on Dog { breed } } } }"
    found = [row["thing"] and row["thing"]["__typename"] for row in data(engine, query)["remarks"]]
    assert found[:3] == [None, "Cat", "Beast"]


def test_permission_of_a_union() -> None:
    populate()
    registry = Registry()
    fraiseql.type(Badge, fields=["name"], registry=registry)(type("Badge", (), {}))
    fraiseql.union("Thing", ["Badge"], plural="things", permission=fraiseql.requires_auth, registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)

    for query in ("{ things { __typename } }", "{ thingsCount }"):
        assert engine.execute(query).json()["errors"][0]["message"] == "Sign in to use Thing."


# --- one statement, one plan ---


def test_one_statement_and_one_plan_for_all_values(menagerie: GraphQLEngine) -> None:
    query = """query ($name: String!, $limit: Int, $type: [AnimalTypename!], $depth: Int) {
      animals(where: {name: {gte: $name}, ofType: {in: $type}}, limit: $limit) {
        name ... on Dog { friends { name } } ... on Animal { remarks { text thing { ... on Dog { breed } } } }
      }
      things: subjects(where: {OR: [{onDog: {name: {eq: $name}}}, {onRemark: {}}]}, limit: $limit) { __typename }
      places { descendants(depth: $depth) { name } }
    }"""
    first = {"name": "A", "limit": 2, "type": ["Dog"], "depth": 1}
    second = {"name": "B", "limit": 3, "type": ["Cat", "Dog"], "depth": 5}

    assert menagerie.explain(query, first).sql == menagerie.explain(query, second).sql
    data(menagerie, query, first)
    with statements(1):
        data(menagerie, query, second)


@pytest.fixture
def menagerie() -> GraphQLEngine:
    populate()
    return GraphQLEngine(registry=MENAGERIE, cache=None)


def test_answers_are_dropped_when_any_table_is_written(cache_alias: str) -> None:
    populate()
    engine = make_engine(cache_alias, registry=MENAGERIE)
    query = "{ animals { name ... on Cat { lives } } remarks { thing { ... on Car { wheels } } } }"

    for write in (
        lambda: Cat.objects.filter(name="Tom").update(lives=1),
        lambda: Puppy.objects.create(name="Pip", breed="pug", weeks=1),
        lambda: Vehicle.objects.update(wheels=7),
        lambda: ContentType.objects.create(app_label="x", model="y"),
    ):
        data(engine, query)
        write()
        assert not is_hit(engine, query)


# --- limits ---


def limited(**limits: Any) -> GraphQLEngine:
    """Make an engine over the menagerie with these limits and no others."""
    none = {item.name: None for item in dataclasses.fields(LimitSettings) if "None" in str(item.type)}
    settings = dataclasses.replace(get_settings(), limits=LimitSettings(**{**none, **limits}))
    return GraphQLEngine(registry=MENAGERIE, settings=settings, cache=None)


def test_lists_of_several_types_hold_no_more_rows_than_allowed(menagerie: GraphQLEngine) -> None:
    engine = limited(max_rows=3)

    for field in ("animals { name }", "subjects { __typename }", "nameds { name }"):
        (rows,) = data(engine, f"{{ {field} }}").values()
        assert len(rows) == 3
    for field in ("animals(limit: 4) { name }", "subjects(limit: 4) { __typename }"):
        (error,) = engine.execute(f"{{ {field} }}").json()["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    place = data(engine, '{ places(where: {name: {eq: "Top"}}) { descendants { name } } }')["places"][0]
    assert len(place["descendants"]) == 3


def test_cost_is_that_of_the_type_that_costs_most(menagerie: GraphQLEngine) -> None:
    def cost(query: str) -> float:
        return menagerie.explain(query).complexity

    cheap = cost("{ animals(limit: 10) { ... on Cat { lives } } }")
    both = cost("{ animals(limit: 10) { ... on Cat { lives } ... on Dog { breed name id } } }")
    assert (cheap, both) == (11, 31)
    assert cost("{ animals(limit: 10) { __typename } }") == 11
    assert cost("{ subjects(limit: 5) { ... on Dog { breed } } }") == 6


def test_deep_interfaces_are_refused_at_once(menagerie: GraphQLEngine) -> None:
    engine = limited(planning=20_000)
    query = "name"
    for _ in range(30):
        query = f"keeper {{ animals {{ {query} }} }}"

    (error,) = engine.execute(f"{{ animals {{ {query} }} }}").json()["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


# --- bad input ---


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ animals { breed } }", "Cannot query field 'breed' on type 'Animal'."),
        ("{ animals { ... on Keeper { name } } }", "can never be of type 'Keeper'"),
        ("{ animals { ... on Dog { breed } ... on Cat { breed } } }", "they return conflicting types"),
        ("{ animals(where: {ofType: {eq: Remark}}) { name } }", "does not exist in 'AnimalTypename' enum"),
        ("{ animals(where: {onDog: null}) { name } }", "where.onDog is null, which is no condition; leave it out."),
        ("{ subjects { text } }", "Cannot query field 'text' on type 'Subject'."),
        ("{ subjects(offset: -1) { __typename } }", "offset: -1 is less than 0."),
        ("{ subjects(orderBy: []) { __typename } }", "Unknown argument 'orderBy'"),
    ],
)
def test_bad_input_is_refused(menagerie: GraphQLEngine, query: str, message: str) -> None:
    (error,) = menagerie.execute(query).json()["errors"]
    assert message in error["message"]


# --- introspection ---


def test_introspection_shows_possible_types_and_interfaces(menagerie: GraphQLEngine) -> None:
    query = '{ %s __type(name: "Badge") { interfaces { name } } }'
    types = " ".join(
        f'{name}: __type(name: "{name}") {{ kind possibleTypes {{ name }} }}' for name in ("Animal", "Subject", "Named")
    )
    answer = data(menagerie, query % types)

    def possible(name: str) -> Any:
        return answer[name]["kind"], sorted(item["name"] for item in answer[name]["possibleTypes"])

    assert possible("Animal") == ("INTERFACE", ["Beast", "Cat", "Dog", "Puppy"])
    assert possible("Subject") == ("UNION", ["Bike", "Car", "Cat", "Dog", "Remark"])
    assert possible("Named") == ("INTERFACE", ["Badge", "Crate", "Place"])
    assert answer["__type"] == {"interfaces": [{"name": "Named"}]}


# --- declarations ---


def problems(*declare: Any) -> list[str]:
    registry = Registry()

    def build() -> None:
        for step in declare:
            step(registry)
        build_schema(registry, get_settings())

    with pytest.raises(DeclarationError) as raised:
        build()
    return str(raised.value).splitlines()


def over(model: Any, name: str, **options: Any) -> Any:
    return lambda registry: fraiseql.type(model, name=name, registry=registry, **{"fields": ["id"], **options})(
        type(name, (), {})
    )


def secret_cats(registry: Any) -> None:
    """Declare a type with a field that not everybody may see."""

    @fraiseql.type(Cat, registry=registry)
    class CatType:
        name: str = fraiseql.field(permission=fraiseql.requires_auth)


def over_name(field: Any) -> Any:
    """Declare a type whose field ``name`` is this one."""
    return lambda registry: fraiseql.type(Dog, name="Dog", registry=registry)(
        type("Dog", (), {"__annotations__": {"name": str}, "name": field})
    )


def interface(model: Any, name: str, **options: Any) -> Any:
    return lambda registry: fraiseql.interface(model, name=name, registry=registry, **{"fields": ["id"], **options})(
        type(name, (), {})
    )


@pytest.mark.parametrize(
    ("declarations", "expected"),
    [
        (
            [interface(Animal, "Animal")],
            "Animal: no type implements the interface; declare one over menagerie.Animal, or over a model that "
            "inherits it",
        ),
        (
            [interface(Vehicle, "Vehicle"), over(Car, "Car"), over(Bike, "Bike", when=Q(kind="bike"))],
            "Vehicle: nothing tells which rows of menagerie.Vehicle are of Car; declare it with when=Q(…)",
        ),
        (
            [interface(Animal, "Animal"), over(Animal, "A"), over(Animal, "B", single="b", plural="bs")],
            "Animal: A and B have the same rows; tell which are of which type with when=Q(…), or leave the interface "
            "out of the implements=[…] of one",
        ),
        (
            [
                interface(Animal, "Animal", fields=["id", "cat"]),
                over(Animal, "Beast"),
                over(Cat, "Cat"),
            ],
            "Animal: Cat cannot have the field 'cat'; leave it out of the interface",
        ),
        (
            [interface(Animal, "Animal", fields=["name"]), secret_cats],
            "Animal: Cat.name has a permission; give the interface's field one as well",
        ),
        (
            [interface(Animal, "Animal", fields=["name"]), over_name(fraiseql.field(Value("hidden")))],
            "Animal: Dog.name has another value than Animal.name; give it another name",
        ),
        (
            [
                interface(Animal, "Animal", fields=["name"]),
                over_name(fraiseql.field(lambda dog: "x", requires=["name"])),
            ],
            "Animal: Dog.name has another value than Animal.name; give it another name",
        ),
        ([over(Car, "Car", when="car")], "when is 'car', must be a Q"),
        (
            [over(Car, "Car", when=Q(nope=1))],
            "menagerie.Car: Car: when is <Q: (AND: ('nope', 1))>, no condition on Car: "
            "Cannot resolve keyword 'nope' into field. Choices are: id, kind, wheels",
        ),
        (
            [over(Car, "Car", when=Q(wheels="x"))],
            "menagerie.Car: Car: when is <Q: (AND: ('wheels', 'x'))>, no condition on Car: "
            "Field 'wheels' expected a number but got 'x'.",
        ),
        ([over(Car, "Car", random="x")], "random is 'x', must be True or False"),
        ([over(Car, "Car", distinct_on=["kind"])], "distinct_on is ['kind'], must be True or False"),
        (
            [over(Car, "Car", implements=[Car])],
            f"implements is [{Car!r}], must be a list of classes under @fraiseql.interface",
        ),
        (
            [over(Car, "Car", tree=True)],
            "menagerie.Car: tree=True: Car has no foreign key to itself; name the one to its parent, tree='parent'",
        ),
        (
            [over(Place, "Place", tree="name")],
            "menagerie.Place: tree='name': Place has no foreign key 'name' to itself",
        ),
        ([over(Car, "Car", tree=3)], "tree is 3, must be True or the name of a foreign key"),
        (
            [over(Car, "Car"), lambda registry: fraiseql.union("U", ["Car", "Boat"], registry=registry)],
            "U: 'Boat' is no declared type; a union has types under @fraiseql.type",
        ),
        (
            [over(Car, "Car"), lambda registry: fraiseql.union("U", ["Car", "Car"], registry=registry)],
            "U: a type is named twice among the types of the union",
        ),
        (
            [lambda registry: fraiseql.union("U", [], registry=registry)],
            "types is [], must be a list of declared types",
        ),
        (
            [over(Car, "Car"), lambda registry: fraiseql.union("U", ["Car"], plural="cars", registry=registry)],
            "U and another type have a root field 'cars'; give one another name with plural=…",
        ),
    ],
)
def test_wrong_declarations_are_refused(declarations: Any, expected: str) -> None:
    assert problems(*declarations) == [expected]


def test_types_may_describe_or_repeat_the_fields_of_their_interface() -> None:
    populate()
    registry = Registry()
    shared = fraiseql.field(Upper("name"))

    class Common:
        loud: str = shared

    fraiseql.interface(Animal, fields=["id", "name"], name="Animal", registry=registry)(type("A", (Common,), {}))

    @fraiseql.type(Dog, fields=["breed"], registry=registry)
    class DogType(Common):
        name: fraiseql.auto = fraiseql.field(description="What it answers to.")

    engine = GraphQLEngine(registry=registry, cache=None)

    assert engine.schema.types["Dog"].fields["name"].description == "What it answers to."
    rows = data(engine, '{ animals(where: {loud: {eq: "REX"}}) { name loud ... on Dog { breed } } }')["animals"]
    assert [row["loud"] for row in rows] == ["REX"]


def test_interface_with_all_fields() -> None:
    populate()
    registry = Registry()
    interface(Animal, "Animal", fields="__all__")(registry)
    for model in (Dog, Cat, Animal, Keeper, Remark):
        over(model, "Beast" if model is Animal else model.__name__, fields="__all__")(registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    fields = engine.schema.types["Animal"].fields

    assert list(fields) == ["id", "name", "weight", "keeper", "remarks", "remarksCount"]
    assert fields.keys() <= engine.schema.types["Cat"].fields.keys()
    query = (
        "{ animals { name keeper { name } remarks { text thing { __typename } } ... on Cat { animalPtr { name } } } }"
    )
    with statements(1):
        assert len(data(engine, query)["animals"]) == 6


# --- mutations ---


def test_mutations_return_rows_of_interfaces_and_link_to_visible_ones_only() -> None:
    populate()
    registry = Registry()

    @fraiseql.interface(Animal, fields=["id", "name"], registry=registry)
    class AnimalInterface:
        pass

    fraiseql.type(Dog, fields=["breed"], rows=lambda viewer: Q(breed="pug"), registry=registry)(type("Dog", (), {}))
    fraiseql.type(Animal, name="Beast", fields=["name"], registry=registry)(type("Beast", (), {}))
    visitor = fraiseql.type(Visitor, fields=["name", "favourite"], registry=registry)(type("Visitor", (), {}))
    fraiseql.create(visitor, fields=["name", fraiseql.nested("favourite", connect=True)], registry=registry)

    @fraiseql.mutation(registry=registry)
    def rename(info: fraiseql.Info, id: fraiseql.ID, name: str) -> AnimalInterface | None:
        Animal.objects.filter(pk=id).update(name=name)
        return Animal.objects.get(pk=id)  # type: ignore[return-value]

    engine = GraphQLEngine(registry=registry, cache=None)
    rex, emu, fox = (Animal.objects.get(name=name).pk for name in ("Rex", "Emu", "Fox"))
    call = 'mutation { rename(id: %d, name: "X") { __typename name ... on Dog { breed } } }'

    assert data(engine, call % rex) == {"rename": {"__typename": "Dog", "name": "X", "breed": "pug"}}
    assert data(engine, call % emu) == {"rename": {"__typename": "Beast", "name": "X"}}
    # hidden by the rule of its type
    assert data(engine, call % fox) == {"rename": None}
    link = """mutation { createVisitor(input: {name: "V", favourite: {connect: %d}}) {
      ... on CreateVisitorSuccess { visitor { favourite { name } } } ... on MutationError { code } } }"""
    assert data(engine, link % rex) == {"createVisitor": {"visitor": {"favourite": {"name": "X"}}}}
    assert data(engine, link % fox)["createVisitor"]["code"] == 404


@pytest.mark.parametrize("declare", [fraiseql.create, fraiseql.update, fraiseql.delete])
def test_mutations_from_models_are_over_types_with_all_rows(declare: Any) -> None:
    def steps(registry: Any) -> None:
        interface(Animal, "Animal")(registry)
        over(Animal, "Beast")(registry)
        declare(
            registry.types[0].cls, **({} if declare is fraiseql.delete else {"fields": ["name"]}), registry=registry
        )

    (problem,) = problems(steps)
    assert problem.endswith("takes a type; Animal is an interface")


# --- types over views ---


def test_interface_over_a_view_and_a_model(bookshop: object) -> None:
    registry = Registry()

    @fraiseql.interface(plural="titleds", registry=registry)
    class Titled:
        title: str

    @fraiseql.type(sql_source="v_book_card", jsonb_column="data", implements=[Titled], registry=registry)
    class Card:
        id: fraiseql.ID
        title: str
        price: Decimal

    fraiseql.type(Book, name="Volume", fields=["title"], implements=[Titled], registry=registry)(type("V", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)
    titles = sorted(Book.objects.values_list("title", flat=True).order_by())
    query = """query ($after: String!, $limit: Int) {
      titleds(where: {title: {gt: $after}}, orderBy: [{title: DESC}], limit: $limit, offset: 1) {
        __typename title ... on Card { price }
      }
      titledsCount
    }"""

    with statements(1):
        answer = data(engine, query, {"after": "", "limit": 5})

    assert answer["titledsCount"] == 2 * len(titles)
    # of equal titles the cards come first
    expected = [(title, name) for title in reversed(ranked(titles)) for name in ("Card", "Volume")][1:6]
    assert [(row["title"], row["__typename"]) for row in answer["titleds"]] == expected


def ranked(titles: list[str]) -> list[str]:
    """Sort titles as PostgreSQL does."""
    return list(Book.objects.filter(title__in=titles).order_by("title").values_list("title", flat=True))
