"""Columns whose type is not that of their field's class: as Django's filter finds them, and what was read sent back."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.postgres import fields as postgres
from django.db import connection, models, transaction
from django.test import Client
from django.test.utils import isolate_apps
from graphql import GraphQLFloat

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.http.parameters import from_text, read_json
from fraiseql_django.invalidation import catalog
from fraiseql_django.schema.scalars.graphql import DECIMAL, JSON
from tests.support import data, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def isolated() -> Iterator[None]:
    """Forget the tables of a test, and its models."""
    catalog.forget()
    with isolate_apps("tests.zoo"):
        yield
    catalog.forget()


def over(columns: dict[str, tuple[str, Any]], *rows: tuple[Any, ...]) -> tuple[Any, Any]:
    """Make a table of columns with their types and fields, and return its model, and an engine over it."""
    with connection.cursor() as cursor:
        declared = ", ".join(f"{name} {type_}" for name, (type_, _) in columns.items())
        cursor.execute(f"CREATE TABLE thing (id int PRIMARY KEY, {declared})")
        for number, row in enumerate(rows, start=1):
            cursor.execute(f"INSERT INTO thing VALUES ({', '.join(['%s'] * (len(row) + 1))})", [number, *row])
    body: dict[str, Any] = {name: field for name, (_, field) in columns.items()}
    body["Meta"] = type("Meta", (), {"app_label": "zoo", "db_table": "thing", "managed": False})
    model = type(
        "Thing", (models.Model,), {**body, "id": models.IntegerField(primary_key=True), "__module__": __name__}
    )
    return model, engine_over(model, ["id", *columns])


def engine_over(model: Any, fields: list[str], computed: dict[str, Any] | None = None) -> GraphQLEngine:
    registry = Registry()
    computed = computed or {}
    body: dict[str, Any] = {name: fraiseql.field(expression) for name, (_, expression) in computed.items()}
    body["__annotations__"] = {name: annotation for name, (annotation, _) in computed.items()}
    fraiseql.type(model, name="Thing", fields=fields, registry=registry)(type("Thing", (), body))
    return GraphQLEngine(registry=registry, cache=None)


def ids(engine: GraphQLEngine, where: str, **variables: Any) -> list[int]:
    named = ", ".join(f"${name}: {type_}" for name, (type_, _) in variables.items())
    query = f"query{f' ({named})' if named else ''} {{ things(where: {where}, orderBy: {{id: ASC}}) {{ id }} }}"
    values = {name: value for name, (_, value) in variables.items()}
    return [int(row["id"]) for row in data(engine, query, values)["things"]]


# --- text -------------------------------------------------------------------------------------


@pytest.mark.extension("citext")
def test_citext_is_compared_without_case() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS citext")
    model, engine = over({"email": ("citext", models.TextField())}, ("Ann@x.org",), ("bob@x.org",), ("ann@X.org",))

    for condition, lookup in (
        ('{email: {eq: "ann@x.org"}}', {"email": "ann@x.org"}),
        ('{email: {in: ["ANN@x.org", "?"]}}', {"email__in": ["ANN@x.org", "?"]}),
        ('{email: {gt: "ANN@x.org"}}', {"email__gt": "ANN@x.org"}),
        ('{email: {contains: "Ann"}}', {"email__contains": "Ann"}),
        ('{email: {icontains: "ANN"}}', {"email__icontains": "ANN"}),
    ):
        assert ids(engine, condition) == sorted(model.objects.filter(**lookup).values_list("pk", flat=True))
    assert ids(engine, '{email: {eq: "ann@x.org"}}') == [1, 3]


def test_enum_has_its_own_order() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE size AS ENUM ('small', 'medium', 'large')")
    _, engine = over({"size": ("size", models.TextField())}, ("large",), ("small",), ("medium",))

    assert ids(engine, '{size: {gt: "small"}}') == [1, 3]
    assert [row["size"] for row in data(engine, "{ things(orderBy: {size: ASC}) { size } }")["things"]] == [
        "small", "medium", "large",
    ]  # fmt: skip


@pytest.mark.parametrize("operator", ["eq", "in"])
def test_value_of_no_enum_is_the_clients_mistake(operator: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE size AS ENUM ('small', 'large')")
    _, engine = over({"size": ("size", models.TextField())}, ("large",))

    answer = engine.execute(f'{{ things(where: {{size: {{{operator}: "huge"}}}}) {{ id }} }}').json()

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    ("type_", "wrong"), [("uuid", "a"), ("int", "3000000000"), ("smallint", "x"), ("tsquery", "&")]
)
def test_malformed_value_is_the_clients_mistake(type_: str, wrong: str) -> None:
    _, engine = over({"value": (type_, models.TextField(null=True))}, (None,))

    answer = engine.execute("query ($v: String) { things(where: {value: {eq: $v}}) { id } }", {"v": wrong}).json()

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


def test_fixed_length_is_not_cut_off() -> None:
    _, engine = over(
        {"code": ("char(4)", models.TextField()), "flags": ("bit(4)", models.TextField())},
        ("ab", "1010"),
        ("a", "1000"),
    )

    assert data(engine, "{ thing(id: 1) { code flags } }") == {"thing": {"code": "ab  ", "flags": "1010"}}
    assert ids(engine, '{code: {eq: "ab"}}') == [1]
    assert ids(engine, '{flags: {eq: "1010"}}') == [1]
    assert ids(engine, '{flags: {in: ["1000", "10"]}}') == [2]


# --- other types ------------------------------------------------------------------------------


def test_moment_without_zone_is_of_the_connections_zone() -> None:
    model, engine = over(
        {
            "at": ("timestamp", models.DateTimeField()),
            "many": ("timestamp[]", postgres.ArrayField(models.DateTimeField())),
            "span": ("tsrange", postgres.DateTimeRangeField()),
        },
        ("2024-05-31 13:45", "{2024-05-31 13:45}", "[2024-05-31 13:45,)"),
    )

    (row,) = data(engine, "{ things { at many span { lower } } }")["things"]

    moment = "2024-05-31T13:45:00+00:00"
    assert row == {"at": moment, "many": [moment], "span": {"lower": moment}}
    for spelling in (moment, "2024-05-31T15:45:00+02:00", "2024-05-31T13:45:00Z"):
        assert ids(engine, "{at: {eq: $v}}", v=("DateTime", spelling)) == [1]
    assert ids(engine, "{many: {eq: $v}}", v=("[DateTime]", [moment])) == [1]
    assert ids(engine, "{span: {eq: {lower: $v}}}", v=("DateTime", moment)) == [1]
    assert model.objects.filter(at=dt.datetime.fromisoformat(moment)).count() == 1


def test_number_of_32_bits_is_what_it_is_written_as() -> None:
    _, engine = over({"value": ("real", models.FloatField())}, (0.1,), (1e20,))

    assert data(engine, "{ things { value } }") == {"things": [{"value": 0.1}, {"value": 1e20}]}
    assert ids(engine, "{value: {eq: 0.1}}") == [1]
    assert ids(engine, "{value: {lte: 0.1}}") == [1]
    assert ids(engine, "{value: {lt: 1e300}}") == [1, 2]
    assert ids(engine, "{value: {eq: 1e-60}}") == []


@pytest.mark.parametrize(
    ("type_", "field", "stored", "shown", "graphql"),
    [
        ("text", models.DateField(), "2024-05-31", "2024-05-31", "Date"),
        ("varchar(20)", models.TimeField(), "13:45", "13:45:00", "Time"),
        ("text", models.DateTimeField(), "2024-05-31 13:45Z", "2024-05-31T13:45:00+00:00", "DateTime"),
        ("text", models.IntegerField(), "7", 7, "Int"),
        ("text", models.DecimalField(max_digits=5, decimal_places=2), "7.50", "7.50", "Decimal"),
        ("text", models.BooleanField(), "yes", True, "Boolean"),
        ("varchar", models.UUIDField(), "1" * 32, "11111111-1111-1111-1111-111111111111", "UUID"),
        ("text", models.GenericIPAddressField(), "192.0.2.1", "192.0.2.1", "IPAddress"),
        ("text", models.DurationField(), "1 day", "P1DT00H00M00S", "Duration"),
        ("text[]", postgres.ArrayField(models.IntegerField()), "{7,8}", [7, 8], "[Int]"),
        ("text", postgres.ArrayField(models.IntegerField()), "{7,8}", [7, 8], "[Int]"),
        ("smallint", models.BooleanField(), "1", True, "Boolean"),
        ("boolean", models.IntegerField(), "true", 1, "Int"),
        ("money", models.DecimalField(max_digits=9, decimal_places=2), "$1.50", "1.50", "Decimal"),
        ("timestamp", models.DateField(), "2024-05-31 13:45", "2024-05-31", "Date"),
        ("date", models.DateTimeField(), "2024-05-31", "2024-05-31T00:00:00+00:00", "DateTime"),
        ("double precision", models.DecimalField(max_digits=9, decimal_places=2), "0.1", "0.1", "Decimal"),
    ],
)
def test_value_is_cast_to_the_class_of_the_field(type_: str, field: Any, stored: str, shown: Any, graphql: str) -> None:
    _, engine = over({"value": (type_, field.clone())}, (stored,))

    assert data(engine, "{ things { value } }") == {"things": [{"value": shown}]}
    assert ids(engine, "{value: {eq: $v}}", v=(graphql, shown)) == [1]
    item = graphql.strip("[]")
    listed = f"[{item}!]" if item == graphql else "[[Int]!]"
    assert ids(engine, "{value: {in: $v}}", v=(listed, [shown])) == [1]


def test_date_range_over_text() -> None:
    _, engine = over({"span": ("text", postgres.DateRangeField())}, ("[2024-01-01,2024-02-01)",))

    assert data(engine, "{ things { span { lower upper } } }") == {
        "things": [{"span": {"lower": "2024-01-01", "upper": "2024-02-01"}}]
    }
    assert ids(engine, '{span: {eq: {lower: "2024-01-01", upper: "2024-02-01"}}}') == [1]


@pytest.mark.parametrize("type_", ["text", "varchar(40)"])
@pytest.mark.parametrize(
    "field", [models.DateField(), models.TimeField(), models.DateTimeField(), models.DurationField()]
)
def test_text_that_is_no_value_of_the_class_never_stands_in_the_answer(type_: str, field: Any) -> None:
    _, engine = over({"value": (type_, field.clone())}, ('7","role":"admin',))

    with transaction.atomic():
        answer = engine.execute("{ things { value } }")
        transaction.set_rollback(True)

    assert "admin" not in answer.body.decode()
    assert answer.json()["errors"]


def test_network_of_an_address_is_shown() -> None:
    _, engine = over({"ip": ("inet", models.GenericIPAddressField())}, ("10.1.2.3/16",), ("10.1.2.3",))

    assert data(engine, "{ things { ip } }") == {"things": [{"ip": "10.1.2.3/16"}, {"ip": "10.1.2.3"}]}
    assert ids(engine, '{ip: {eq: "10.1.2.3/16"}}') == [1]
    assert ids(engine, '{ip: {eq: "10.1.2.3"}}') == [2]


def test_computed_field_is_compared_as_its_annotation() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE size AS ENUM ('small', 'large')")
    model, _ = over({"size": ("size", models.TextField()), "amount": ("text", models.TextField())}, ("large", "7.50"))
    engine = engine_over(model, ["id"], {"big": (str, models.F("size")), "exact": (Decimal, models.F("amount"))})

    assert ids(engine, '{big: {eq: "large"}, exact: {eq: "7.5"}}') == [1]
    assert ids(engine, '{big: {contains: "arg"}, exact: {in: ["7.5"]}}') == [1]


def test_source_compares_an_enum_in_its_order() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE size AS ENUM ('small', 'medium', 'large')")
        cursor.execute("CREATE VIEW v_size AS SELECT n AS id, s AS size FROM unnest(enum_range(NULL::size)) "
                       "WITH ORDINALITY AS x(s, n)")  # fmt: skip
    registry = Registry()
    fraiseql.type(sql_source="v_size", registry=registry)(
        type("Thing", (), {"__annotations__": {"id": int, "size": str}, "__module__": __name__})
    )
    engine = GraphQLEngine(registry=registry, cache=None)

    assert ids(engine, '{size: {gt: "small"}}') == [2, 3]
    assert ids(engine, '{size: {eq: "large"}}') == [3]


def test_link_to_a_key_of_another_type() -> None:
    model, _ = over({"key": ("uuid", models.CharField(max_length=40))}, ("1" * 32,))
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW v_note AS SELECT 1 AS id, '11111111-1111-1111-1111-111111111111'::text AS thing")
    registry = Registry()
    thing = fraiseql.type(model, name="Thing", fields=["id"], registry=registry)(type("Thing", (), {}))
    body = {"__annotations__": {"id": int, "thing": str, "found": thing}, "__module__": __name__}
    fraiseql.type(sql_source="v_note", registry=registry)(
        type("Note", (), {**body, "found": fraiseql.relation("thing", to="key")})
    )

    found = data(GraphQLEngine(registry=registry, cache=None), "{ notes { found { id } } }")

    assert found == {"notes": [{"found": {"id": "1"}}]}


# --- numbers in variables ---------------------------------------------------------------------

QUERY = "query ($v: Decimal) { books(where: {price: {eq: $v}}) { title } }"


# a float would be 12
@pytest.mark.parametrize(
    ("number", "titles"), [("12.00", ["City"]), ("12.0000000000000000001", []), ("1.2e1", ["City"])]
)
def test_number_of_a_variable_is_exact(client: Client, number: str, titles: list[str]) -> None:
    make_shop()
    variables = f'{{"v": {number}}}'
    body = f'{{"query": {json.dumps(QUERY)}, "variables": {variables}}}'
    found = {"data": {"books": [{"title": title} for title in titles]}}

    assert client.post("/graphql/", body, content_type="application/json").json() == found
    url = f"/graphql/?{urlencode({'query': QUERY, 'variables': variables})}"
    assert client.get(url, headers={"Accept": "application/graphql-response+json"}).json() == found
    form = client.post("/graphql/", {"operations": body, "map": "{}"}, headers={"GraphQL-Require-Preflight": "1"})
    assert form.json() == found


def test_every_digit_of_a_variable_reaches_postgresql() -> None:
    digits = "123456789012345678.123456789012345678"
    parameters = from_text(f'{{"query": {json.dumps(QUERY)}, "variables": {{"v": {digits}}}}}', "The body")

    assert GraphQLEngine(cache=None).explain(QUERY, parameters.variables).params == [digits]


@pytest.mark.parametrize("text", ["0.30000000000000004", "1.50", "1e2", "-0.1", "12345678901234567890.5"])
def test_other_scalars_see_a_float(text: str) -> None:
    (number,) = read_json(f"[{text}]", "The text")

    assert (number, repr(number), json.dumps([number])) == (float(text), repr(float(text)), json.dumps([float(text)]))
    assert (GraphQLFloat.parse_value(number), type(GraphQLFloat.parse_value(number))) == (float(text), float)
    assert JSON.parse_value({"a": [number]}) == {"a": [float(text)]}
    assert {type(item) for item in JSON.parse_value({"a": [number, 1.5]})["a"]} == {float}
    assert DECIMAL.parse_value(number) == Decimal(text)
