"""A stored value that cannot stand in the answer is an error of its field (GraphQL specification, 6.4.4)."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import connection, models, transaction
from django.db.models import Avg, F, Q, Value
from django.db.models.functions import Cast, Random
from django.test.utils import isolate_apps
from graphql import (
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    graphql_sync,
)

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Category, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.execution.field_errors import FieldError, without_marks
from fraiseql_django.planner.marks import MARK, Mark
from tests.support import statements

pytestmark = pytest.mark.django_db


def engine_over(*declared: tuple[type[models.Model], Any, dict[str, Any]], **options: Any) -> GraphQLEngine:
    """Make an engine over models: each with its fields and its annotated fields."""
    registry = Registry()
    for model, fields, body in declared:
        annotations = {name: annotation for name, (annotation, _) in body.items()}
        values = {name: fraiseql.field(expression) for name, (_, expression) in body.items()}
        cls = type(model.__name__, (), {**values, "__annotations__": annotations, "__module__": __name__})
        fraiseql.type(model, name=model.__name__, fields=fields, registry=registry)(cls)
    return GraphQLEngine(registry=registry, cache=None, **options)


def outcome(engine: GraphQLEngine, query: str) -> tuple[Any, list[tuple[str, list[Any]]]]:
    """Return the data of an answer, and the message and path of each error."""
    body = engine.execute(query).json()
    errors = [(error["message"], error["path"]) for error in body.get("errors", ())]
    assert all(error["locations"] and error["extensions"]["code"] for error in body.get("errors", ()))
    return body["data"], errors


@pytest.fixture
def legacy() -> Iterator[tuple[type[models.Model], type[models.Model]]]:
    """Models over a table and a view that nothing holds to what the models say."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE legacy_owner (id int PRIMARY KEY, name text);
            CREATE TABLE legacy_pet (
                id int PRIMARY KEY, title text, color text, colors text[], names text[], weight float8, count int8,
                born date, seen timestamptz, price numeric, at_time time, owner_id int
            );
            CREATE VIEW legacy_pets AS SELECT * FROM legacy_pet;
            INSERT INTO legacy_owner VALUES (1, 'Ann'), (2, NULL);
            INSERT INTO legacy_pet VALUES
                (1, 'a', 'red', '{red}', '{x}', 1.5, 5, '2024-01-01', '2024-01-01 00:00Z', 1.5, '10:00', 1),
                (2, NULL, 'mauve', '{red,mauve}', '{x,NULL}', 'NaN', 5000000000, 'infinity', '-infinity', 'NaN', '24:00', 7),
                (3, 'c', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
            """  # noqa: E501
        )
    with isolate_apps("tests.zoo"):

        class Owner(models.Model):
            name = models.TextField()

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_owner"

        class Pet(models.Model):
            title = models.TextField()
            color = models.TextField(choices=[("red", "Red")])
            colors = ArrayField(models.TextField(choices=[("red", "Red")]))
            names = ArrayField(models.TextField())
            weight = models.FloatField()
            count = models.IntegerField()
            born = models.DateField()
            seen = models.DateTimeField()
            price = models.DecimalField(max_digits=9, decimal_places=2)
            at_time = models.TimeField()
            owner = models.ForeignKey(Owner, models.CASCADE)

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_pets"

        yield Pet, Owner


@pytest.fixture
def pets(legacy: tuple[type[models.Model], type[models.Model]]) -> GraphQLEngine:
    pet, owner = legacy
    return engine_over((pet, "__all__", {}), (owner, "__all__", {}))


# --- values that GraphQL's type has not -------------------------------------------------------


def test_rows_are_the_same_whatever_is_selected(pets: GraphQLEngine) -> None:
    assert outcome(pets, "{ pets { id } }") == ({"pets": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}, [])
    # nothing around it may be null
    assert outcome(pets, "{ pets { id title } }") == (
        None,
        [("Pet.title is null, and must not be.", ["pets", 1, "title"])],
    )


@pytest.mark.parametrize(
    ("field", "problem", "path"),
    [
        ("title", "Pet.title is null, and must not be", []),
        ("color", "Pet.color holds a value that PetColor cannot represent", []),
        ("colors", "Pet.colors holds a value that PetColor cannot represent", [1]),
        ("names", "an item of Pet.names is null, and must not be", [1]),
        ("weight", "Pet.weight holds a value that Float cannot represent", []),
        ("count", "Pet.count holds a value that Int cannot represent", []),
        ("born", "Pet.born holds a value that Date cannot represent", []),
        ("seen", "Pet.seen holds a value that DateTime cannot represent", []),
        ("price", "Pet.price holds a value that Decimal cannot represent", []),
        ("atTime", "Pet.atTime holds a value that Time cannot represent", []),
        ("owner { id }", "Pet.owner leads to no Owner that can be read", []),
    ],
)
def test_value_that_cannot_stand_is_an_error_at_its_path(
    pets: GraphQLEngine, field: str, problem: str, path: list[int]
) -> None:
    name = field.split()[0]
    # the root field may be null, so the object is lost, and no more
    assert outcome(pets, f"{{ pet(id: 2) {{ id {field} }} other: pet(id: 1) {{ id }} }}") == (
        {"pet": None, "other": {"id": "1"}},
        [(f"{problem}.", ["pet", name, *path])],
    )
    assert outcome(pets, f"{{ pet(id: 1) {{ {field} }} }}")[1] == []


@pytest.mark.parametrize(
    "name", ["color", "colors", "names", "weight", "count", "born", "seen", "price", "atTime", "owner { id }"]
)
def test_null_that_must_not_be_is_an_error(pets: GraphQLEngine, name: str) -> None:
    data, errors = outcome(pets, f"{{ pet(id: 3) {{ {name} }} }}")

    assert data == {"pet": None}
    assert [path for _, path in errors] == [["pet", name.split()[0]]]


def test_sorting_by_a_relation_that_leads_nowhere_keeps_the_row(pets: GraphQLEngine) -> None:
    data, errors = outcome(pets, "{ pets(orderBy: [{owner: {name: ASC_NULLS_LAST}}]) { id } }")

    assert (data, errors) == ({"pets": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}, [])


def test_alternative_to_a_condition_on_a_missing_row_holds(pets: GraphQLEngine) -> None:
    where = '{OR: [{owner: {name: {eq: "Ann"}}}, {id: {gte: 2}}]}'.replace("{id: {gte: 2}}", '{id: {in: ["2", "3"]}}')

    assert outcome(pets, f"{{ pets(where: {where}) {{ id }} }}")[0] == {"pets": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}


def test_relation_that_is_declared_with_none_is_null(legacy: tuple[Any, Any]) -> None:
    pet, owner = legacy
    registry = Registry()
    owner_type = fraiseql.type(owner, name="Owner", fields=["id"], registry=registry)(type("Owner", (), {}))
    body = {"__annotations__": {"owner": owner_type | None}, "__module__": __name__}
    fraiseql.type(pet, name="Pet", fields=["id"], registry=registry)(type("Pet", (), body))
    engine = GraphQLEngine(registry=registry, cache=None)

    assert outcome(engine, "{ pets { owner { id } } }") == (
        {"pets": [{"owner": {"id": "1"}}, {"owner": None}, {"owner": None}]},
        [],
    )


def test_value_that_is_no_choice_is_null_for_filters_as_for_clients(pets: GraphQLEngine) -> None:
    assert outcome(pets, "{ pets(where: {color: {isnull: true}}) { id } }")[0] == {"pets": [{"id": "2"}, {"id": "3"}]}
    assert outcome(pets, "{ pets(where: {color: {neq: RED}}) { id } }")[0] == {"pets": []}


def test_relation_without_a_constraint_keeps_the_row() -> None:
    with isolate_apps("tests.zoo"), connection.schema_editor() as editor:

        class House(models.Model):
            class Meta:
                app_label = "zoo"
                db_table = "legacy_house"

        class Room(models.Model):
            house = models.ForeignKey(House, models.DO_NOTHING, db_constraint=False)

            class Meta:
                app_label = "zoo"
                db_table = "legacy_room"

        editor.create_model(House)
        editor.create_model(Room)
        Room.objects.create(id=1, house_id=9)
        engine = engine_over((House, "__all__", {}), (Room, "__all__", {}))

        assert outcome(engine, "{ rooms(orderBy: [{house: {id: ASC}}]) { id house { id } } }") == (
            {"rooms": [{"id": "1", "house": None}]},
            [],
        )


@pytest.mark.parametrize("condition", ["{n: {gt: 1}}", "{NOT: {n: {eq: 1}}}", "{n: {isnull: false}}"])
def test_hidden_value_that_cannot_be_cast_is_not_told_by_a_condition(condition: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE legacy_text (id int PRIMARY KEY, n text, owner text)")
        cursor.execute("INSERT INTO legacy_text VALUES (1, '5', 'Ann'), (2, 'secret', 'Bob')")
    Author.objects.create(name="Ann")
    with isolate_apps("tests.zoo"):

        class Note(models.Model):
            n = models.IntegerField()
            owner = models.TextField()

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_text"

    # PostgreSQL joins after it has filtered
    registry, authors = Registry(), Author.objects.values("name")
    declare = fraiseql.type(Note, fields=["id", "n"], rows=lambda viewer: Q(owner__in=authors), registry=registry)
    declare(type("Note", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    assert outcome(engine, f"{{ notes(where: {condition}) {{ id n }} }}") == ({"notes": [{"id": "1", "n": 5}]}, [])


# --- computed values --------------------------------------------------------------------------


def test_computed_null_in_a_type_without_null_is_an_error() -> None:
    Publisher.objects.create(name="Empty")
    body = {
        "average": (float, Avg("books__price")),
        "titles": (list[str], ArrayAgg("books__title")),
        "maybe": (float | None, Avg("books__price")),
    }
    engine = engine_over((Publisher, ["name"], body))

    assert outcome(engine, "{ publishers { maybe } }") == ({"publishers": [{"maybe": None}]}, [])
    assert outcome(engine, "{ publishers { average } }") == (
        None,
        [("Publisher.average is null, and must not be.", ["publishers", 0, "average"])],
    )
    assert outcome(engine, "{ publishers { titles } }") == (
        None,
        [("an item of Publisher.titles is null, and must not be.", ["publishers", 0, "titles", 0])],
    )


def test_computed_integer_of_more_than_32_bits_is_an_error() -> None:
    Author.objects.create(name="a")
    body = {"large": (int | None, Value(5_000_000_000)), "small": (int, Value(-(2**31)))}
    engine = engine_over((Author, [], body))

    assert outcome(engine, "{ authors { large small } }") == (
        {"authors": [{"large": None, "small": -(2**31)}]},
        [("Author.large holds a value that Int cannot represent.", ["authors", 0, "large"])],
    )


@pytest.mark.parametrize(
    ("type_", "good", "shown"),
    [
        (Decimal, "12.50", "12.50"),
        (int, " -7 ", -7),
        (float, "1e10", 1e10),
        (bool, "yes", True),
    ],
)
def test_text_that_cannot_be_cast_is_an_error_of_its_field(type_: Any, good: str, shown: Any) -> None:
    Author.objects.bulk_create([Author(id=1, name=good), Author(id=2, name='1,"admin":true'), Author(id=3, name="")])
    engine = engine_over((Author, ["id"], {"cast": (type_ | None, F("name"))}))

    data, errors = outcome(engine, "{ authors { id cast } }")

    assert sorted(data["authors"], key=lambda row: row["id"]) == [
        {"id": "1", "cast": shown},
        {"id": "2", "cast": None},
        {"id": "3", "cast": None},
    ]
    assert {message for message, _ in errors} == {
        f"Author.cast holds a value that {engine.schema.graphql.get_type('Author').fields['cast'].type} "  # type: ignore[union-attr]
        "cannot represent."
    }
    assert len(errors) == 2


@pytest.mark.django_db(transaction=True)
def test_statement_that_has_failed_is_careful_from_then_on() -> None:
    Author.objects.create(name="no number")
    engine = engine_over((Author, ["id"], {"cast": (Decimal | None, F("name"))}))
    query = "{ authors { cast } }"

    with statements(2):
        expected = outcome(engine, query)
    with statements(1):
        again = outcome(engine, query)

    assert expected == again
    assert expected[0] == {"authors": [{"cast": None}]}


@pytest.mark.django_db(transaction=True)
def test_what_no_statement_can_ask_is_an_error_of_its_root_field() -> None:
    Author.objects.create(name="a")
    body = {"broken": (int | None, Value(1) / Cast(Value(0), models.IntegerField()))}
    engine = engine_over((Author, ["name"], body), (Category, ["name"], {}))

    data, errors = outcome(engine, "{ bad: authors { broken } categories { name } author(id: 1) { name } }")

    # a list is never null
    assert data is None
    assert [path for _, path in errors] == [["bad"]]

    data, errors = outcome(engine, f"{{ authors {{ name }} author(id: {Author.objects.get().pk}) {{ broken }} }}")

    assert data == {"authors": [{"name": "a"}], "author": None}
    assert [path for _, path in errors] == [["author"]]


def test_errors_of_values_are_logged_and_answered_with_500_where_no_data_is_left(
    pets: GraphQLEngine, caplog: pytest.LogCaptureFixture
) -> None:
    nothing_left = pets.execute("{ pets { title } }")
    some_left = pets.execute("{ pet(id: 2) { title } }")

    assert (nothing_left.status, some_left.status) == (500, 200)
    assert "Pet.title is null, and must not be, at ['pets', 1, 'title']" in caplog.text
    assert nothing_left.json()["errors"][0]["extensions"] == {"code": "INVALID_VALUE"}


# --- cached answers and mutations -------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_cached_answer_has_the_same_errors() -> None:
    Publisher.objects.create(name="Empty")
    registry = Registry()
    body = {"average": fraiseql.field(Avg("books__price")), "__annotations__": {"average": float}}
    fraiseql.type(Publisher, name="Publisher", fields=["id"], registry=registry)(type("Publisher", (), body))
    engine = GraphQLEngine(registry=registry)
    query = f"{{ publisher(id: {Publisher.objects.get().pk}) {{ average }} }}"

    first = engine.execute(query)

    with statements(0):
        assert engine.execute(query).body == first.body
    assert first.json()["data"] == {"publisher": None}


def test_mutation_is_done_whatever_is_selected_of_it(pets: GraphQLEngine, legacy: Any) -> None:
    pet, owner = legacy
    registry = Registry()
    pet_type = fraiseql.type(pet, name="Pet", fields="__all__", registry=registry)(type("Pet", (), {}))
    fraiseql.type(owner, name="Owner", fields="__all__", registry=registry)(type("Owner", (), {}))

    def rename(info: fraiseql.Info, id: int, title: str) -> pet_type:  # type: ignore[valid-type]
        pet.objects.filter(id=id).update(title=title)  # type: ignore[attr-defined]
        return pet(id=id)

    rename.__annotations__["return"] = pet_type
    fraiseql.mutation(registry=registry)(rename)
    engine = GraphQLEngine(registry=registry, cache=None, settings=replace(get_settings(), mask_errors=True))

    data, errors = outcome(engine, 'mutation { rename(id: 2, title: "New") { title owner { id } } }')

    assert data is None
    assert errors == [("Pet.owner leads to no Owner that can be read.", ["rename", "owner"])]
    assert pet.objects.values_list("title", flat=True).get(id=2) == "New"


# --- nulls are propagated as graphql-core does it ---------------------------------------------

_DEPTH = 4


def random_type(chance: random.Random, depth: int = 0) -> Any:
    """Return a random type of nested objects and lists, each of which may be null or not."""
    kind = chance.choice(["leaf", "list", "object"]) if depth < _DEPTH else "leaf"
    if kind == "list":
        found: Any = GraphQLList(random_type(chance, depth + 1))
    elif kind == "object":
        fields = {
            name: GraphQLField(random_type(chance, depth + 1), resolve=lambda source, info: source[info.field_name])
            for name in chance.sample(["a", "b", "quo", "long"], 2)
        }
        found = GraphQLObjectType(f"T{chance.getrandbits(60)}", fields)
    else:
        found = GraphQLInt
    return GraphQLNonNull(found) if chance.random() < 0.5 else found


class Wrong(Exception):
    """A value that cannot stand where it would."""


def random_value(chance: random.Random, type_: Any, nullable: tuple[bool, ...], marks: dict[Mark, int]) -> Any:
    """Return a random value of a type: what resolvers return, and the text of the statement."""
    bare, own = (type_.of_type, False) if isinstance(type_, GraphQLNonNull) else (type_, True)
    nullable = (*nullable, own)
    if chance.random() < 0.12:
        number = marks.setdefault(Mark("wrong", nullable), len(marks))
        return Wrong("wrong"), MARK.decode() + str(number)
    if isinstance(bare, GraphQLList):
        items = [random_value(chance, bare.of_type, nullable, marks) for _ in range(chance.randrange(4))]
        return [item for item, _ in items], "[" + ",".join(text for _, text in items) + "]"
    if isinstance(bare, GraphQLObjectType):
        members = {name: random_value(chance, field.type, nullable, marks) for name, field in bare.fields.items()}
        text = ",".join(f'"{name}":{text}' for name, (_, text) in members.items())
        return {name: value for name, (value, _) in members.items()}, "{" + text + "}"
    number = chance.randrange(100)
    return number, str(number)


def selection(type_: Any) -> str:
    """Return the selection of everything."""
    while not isinstance(type_, GraphQLObjectType):
        if type_ is GraphQLInt:
            return ""
        type_ = type_.of_type
    return "{" + " ".join(f"{name} {selection(field.type)}" for name, field in type_.fields.items()) + "}"


@pytest.mark.parametrize("seed", range(300))
def test_nulls_are_propagated_as_the_reference_does(seed: int) -> None:
    chance = random.Random(seed)
    fields = {
        name: GraphQLField(random_type(chance), resolve=lambda source, info: source[info.field_name]) for name in "xy"
    }
    query = GraphQLObjectType("Query", fields)
    marks: dict[Mark, int] = {}
    values = {name: random_value(chance, field.type, (), marks) for name, field in query.fields.items()}
    text = "{" + ",".join(f'"{name}":{text}' for name, (_, text) in values.items()) + "}"

    found, errors = without_marks(text.encode(), list(marks))
    expected = graphql_sync(
        GraphQLSchema(query), selection(query), {name: value for name, (value, _) in values.items()}
    )

    assert (None if found is None else json.loads(found)) == expected.data
    # graphql-core 3.2 tells of errors in another order than 3.3
    assert _in_order([error.path for error in errors]) == _in_order(
        [error.path or [] for error in expected.errors or ()]
    )


def _in_order(paths: list[Any]) -> list[tuple[str | int, ...]]:
    return sorted((tuple(path) for path in paths), key=str)


def test_marks_keep_every_other_byte() -> None:
    text = '{"a":[1.50,{"b\\"{":"x,]}","n":12345678901234567890123}],"c":\x030,"d":"é\\u0003"}'.encode()

    found, errors = without_marks(text, [Mark("wrong", (True,))])

    assert found == text.replace(b"\x030", b"null")
    assert errors == [FieldError("wrong", ("c",))]


# --- what a constraint does and does not say --------------------------------------------------


def test_constraint_to_another_table_does_not_make_a_row_of_a_view_exist() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE legacy_customer (id int PRIMARY KEY, active bool NOT NULL);
            CREATE VIEW legacy_active AS SELECT id FROM legacy_customer WHERE active;
            CREATE TABLE legacy_order (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES legacy_customer);
            INSERT INTO legacy_customer VALUES (1, true), (2, false);
            INSERT INTO legacy_order VALUES (1, 1), (2, 2)
            """
        )
    with isolate_apps("tests.zoo"):

        class Active(models.Model):
            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_active"

        class Purchase(models.Model):
            customer = models.ForeignKey(Active, models.DO_NOTHING)

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_order"

    engine = engine_over((Active, ["id"], {}), (Purchase, ["id", "customer"], {}))

    assert outcome(engine, "{ purchases { customer { id } } }")[1] == [
        ("Purchase.customer leads to no Active that can be read.", ["purchases", 1, "customer"])
    ]
    assert outcome(engine, "{ purchases(orderBy: [{customer: {id: ASC}}]) { id } purchasesCount }")[0] == {
        "purchases": [{"id": "1"}, {"id": "2"}],
        "purchasesCount": 2,
    }
    assert outcome(engine, "{ purchases(where: {customer: {}}) { id } }")[0] == {"purchases": [{"id": "1"}]}


def test_one_to_one_that_is_not_unique_repeats_no_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE legacy_person (id int PRIMARY KEY);
            CREATE TABLE legacy_profile (id int PRIMARY KEY, person_id int NOT NULL REFERENCES legacy_person, bio text);
            INSERT INTO legacy_person VALUES (1), (2);
            INSERT INTO legacy_profile VALUES (1, 1, 'x'), (2, 1, 'y')
            """
        )
    with isolate_apps("tests.zoo"):

        class Person(models.Model):
            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_person"

        class Profile(models.Model):
            person = models.OneToOneField(Person, models.DO_NOTHING)
            bio = models.TextField()

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_profile"

    engine = engine_over((Person, ["id", "profile"], {}), (Profile, ["bio"], {}))

    where = '{profile: {bio: {in: ["x", "y"]}}}'
    assert outcome(engine, f"{{ people(where: {where}) {{ id }} }}")[0] == {"people": [{"id": "1"}]}
    assert outcome(engine, "{ peopleCount(where: {profile: {}}) }")[0] == {"peopleCount": 1}


@pytest.mark.parametrize("expression", [Random(), Cast(Random() * 1_000_000, models.IntegerField())])
def test_value_of_chance_is_another_one_for_each_row(expression: Any) -> None:
    Author.objects.bulk_create([Author(name=str(number)) for number in range(5)])
    engine = engine_over((Author, [], {"value": (float, expression)}))

    data, _ = outcome(engine, "{ authors { value } }")

    assert len({row["value"] for row in data["authors"]}) > 1


def test_failure_within_a_transaction_is_an_error_of_the_server() -> None:
    Author.objects.create(name="a")
    body = {"broken": (int | None, Value(1) / Cast(Value(0), models.IntegerField()))}
    engine = engine_over((Author, ["name"], body), (Category, ["name"], {}))
    with transaction.atomic():
        answer = engine.execute("{ authors { broken } categories { name } }")
        transaction.set_rollback(True)

    assert answer.status == 500
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_error_of_a_part_names_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE legacy_span (id int PRIMARY KEY, days daterange NOT NULL)")
        cursor.execute("INSERT INTO legacy_span VALUES (1, '[2024-01-01,infinity)')")
    with isolate_apps("tests.zoo"):

        class Span(models.Model):
            days = DateRangeField()

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_span"

    engine = engine_over((Span, "__all__", {}))

    assert outcome(engine, "{ spans { days { lower upper } } }") == (
        {"spans": [{"days": {"lower": "2024-01-01", "upper": None}}]},
        [("Span.days.upper holds a value that Date cannot represent.", ["spans", 0, "days", "upper"])],
    )


@pytest.mark.parametrize(
    ("type_", "values"), [("numeric(6,2)", ["NaN"]), ("numeric", ["NaN", "Infinity", "-Infinity"])]
)
def test_number_that_is_none_is_an_error(type_: str, values: list[str]) -> None:
    """A column with a size holds no infinity, and is not asked for one."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE legacy_price (id int PRIMARY KEY, amount {type_}, past {type_}[])")
        for key, value in enumerate(["1.50", *values]):
            cursor.execute("INSERT INTO legacy_price VALUES (%s, %s, ARRAY[%s]::numeric[])", [key, value, value])
    with isolate_apps("tests.zoo"):

        class Price(models.Model):
            amount = models.DecimalField(max_digits=6, decimal_places=2, null=True)
            past = ArrayField(models.DecimalField(max_digits=6, decimal_places=2), null=True)

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "legacy_price"

    engine = engine_over((Price, "__all__", {}))
    query = "{ prices { amount past } }"

    data, errors = outcome(engine, query)
    assert ("Infinity" in engine.explain(query).sql) == (type_ == "numeric")
    assert data["prices"][0] == {"amount": "1.50", "past": ["1.50"]}
    assert data["prices"][1:] == [{"amount": None, "past": None}] * len(values)
    assert [path[1:3] for _, path in errors] == [
        [key + 1, name] for key in range(len(values)) for name in ("amount", "past")
    ]
