"""Scalars of a project's own: one registration, and they are written, read, compared, sorted and described."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NewType

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.test.utils import isolate_apps
from graphql import GraphQLScalarType

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Info, InvalidInput, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.declare import schemas
from fraiseql_django.schema.scalars import graphql as leaves
from fraiseql_django.schema.sdl import sdl
from tests.support import data, forget_definitions, statements

pytestmark = pytest.mark.django_db

URL = "https://example.com/money"


@dataclass(frozen=True)
class Money:
    """An amount of money, an object in Python."""

    amount: Decimal
    currency: str = "EUR"

    @classmethod
    def parse(cls, value: Any) -> "Money":
        if not isinstance(value, str) or not (found := re.fullmatch(r"([0-9]+\.[0-9]{2}) EUR", value)):
            raise InvalidInput("write it like '12.50 EUR'")
        return cls(Decimal(found[1]))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class MoneyField(models.DecimalField):  # type: ignore[type-arg]
    """Money in a numeric column."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 9, "decimal_places": 2, **kwargs})

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else Money(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Money) else Money(Decimal(value))

    def get_prep_value(self, value: Any) -> Any:
        return value.amount if isinstance(value, Money) else value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return self.get_prep_value(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return self.get_prep_value(value)

    def run_validators(self, value: Any) -> None:
        """Money has no digits of its own."""


class Code(models.CharField):  # type: ignore[type-arg]
    """A text that Python shows in capitals."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value and value.upper()

    def get_prep_value(self, value: Any) -> Any:
        return value and value.lower()


class Plain(models.IntegerField):  # type: ignore[type-arg]
    """A number that only SCALARS names."""


Percent = NewType("Percent", Decimal)
CODE = re.compile("[A-Z]{2}[0-9]")


def parse_code(value: Any) -> str:
    if not isinstance(value, str) or not CODE.fullmatch(value):
        raise ValidationError("Two capitals and a digit.")
    return value


def declare(registry: Registry) -> None:
    fraiseql.scalar(
        "Money", python=Money, fields=MoneyField, like=Decimal, sql="to_char({0}, 'FM999999990.00') || ' EUR'",
        parse=Money.parse, bind=lambda money: money.amount, specified_by=URL, description="Euros.", registry=registry,
    )  # fmt: skip
    fraiseql.scalar("Code", fields=[Code], parse=parse_code, registry=registry)
    fraiseql.scalar("Percent", python=Percent, like=Decimal, sql="round({0} * 100) || '%'", registry=registry,
                    parse=lambda value: Decimal(str(value).removesuffix("%")) / 100)  # fmt: skip


@pytest.fixture
def engine() -> Iterator[GraphQLEngine]:
    """Make an engine over two models whose columns and keys have declared scalars."""
    with isolate_apps("tests.zoo"):

        class Account(models.Model):
            code = Code(max_length=9, primary_key=True)

            class Meta:
                app_label = "zoo"
                ordering = ("code",)

        class Entry(models.Model):
            price = MoneyField()
            tip = MoneyField(null=True)
            prices = ArrayField(MoneyField(), default=list)
            code = Code(max_length=9, default="ab1")
            rate = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.25"))
            plain = Plain(default=3)
            account = models.ForeignKey(Account, models.CASCADE, null=True, related_name="entries")

            class Meta:
                app_label = "zoo"
                ordering = ("id",)

        with connection.schema_editor() as editor:
            editor.create_model(Account)
            editor.create_model(Entry)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO zoo_account VALUES ('ab1'), ('cd2')")
            cursor.execute(
                "INSERT INTO zoo_entry (price, tip, prices, code, rate, plain, account_id) VALUES "
                "(12.5, NULL, '{1.00,2.50}', 'ab1', 0.25, 3, 'ab1'), (3, 0.5, '{}', 'cd2', 0.5, 4, 'cd2')"
            )
        registry = Registry()
        declare(registry)

        @fraiseql.type(Account, fields=["code", "entries"], registry=registry)
        class AccountType: ...

        @fraiseql.type(Entry, fields="__all__", registry=registry)
        class EntryType:
            price: Money
            discount: Percent = fraiseql.field(F("rate"))
            twice: Money = fraiseql.field(F("price") * 2)

        @fraiseql.type(sql_source="zoo_entry", key="id", registry=registry)
        class Row:
            id: fraiseql.ID
            price: Money
            tip: Money | None
            prices: list[Money]
            rate: Percent

        @fraiseql.input
        class Prices:
            first: Money
            others: list[Money] = fraiseql.UNSET

        @fraiseql.success
        class Total:
            total: Money
            rate: Percent | None = None

        @fraiseql.mutation(registry=registry)
        def add(info: Info, prices: Prices, rate: Percent | None = None) -> Total:
            given = [prices.first, *(prices.others or [])]
            return Total(total=Money(sum((money.amount for money in given), Decimal(0))), rate=rate)

        fraiseql.create(EntryType, fields=["price", "tip", "prices", "code"], registry=registry)
        fraiseql.update(AccountType, fields=["entries"], registry=registry)
        settings = replace(get_settings(), scalars={f"{__name__}.Plain": "Percent"})
        yield GraphQLEngine(registry=registry, cache=None, settings=settings)


def entries(engine: GraphQLEngine, arguments: str) -> list[str]:
    return [row["price"] for row in data(engine, f"{{ entries{arguments} {{ price }} }}")["entries"]]


# --- in answers ---


def test_values_are_written_by_the_sql_of_their_scalar(engine: GraphQLEngine) -> None:
    with statements(1):
        found = data(engine, "{ entries { price tip prices code discount twice plain } }")["entries"]

    assert found == [
        {"price": "12.50 EUR", "tip": None, "prices": ["1.00 EUR", "2.50 EUR"], "code": "AB1", "discount": "25%",
         "twice": "25.00 EUR", "plain": "300%"},
        {"price": "3.00 EUR", "tip": "0.50 EUR", "prices": [], "code": "CD2", "discount": "50%", "twice": "6.00 EUR",
         "plain": "400%"},
    ]  # fmt: skip


def test_values_of_views_are_written_and_compared_in_the_same_way(engine: GraphQLEngine) -> None:
    query = '{ rows(where: {price: {gte: "12.50 EUR"}}, orderBy: {price: ASC}) { price tip prices rate } }'

    assert data(engine, query) == {
        "rows": [{"price": "12.50 EUR", "tip": None, "prices": ["1.00 EUR", "2.50 EUR"], "rate": "25%"}]
    }


@pytest.mark.parametrize("kind", ["varchar", "char(9)", "name"])
def test_sql_of_a_text_writes_columns_of_every_type(kind: str) -> None:
    registry = Registry()
    fraiseql.scalar("Shout", fields=[Code], sql="upper({0}) || '!'", registry=registry)
    with isolate_apps("tests.zoo"):

        class Word(models.Model):
            word = Code(max_length=9)

            class Meta:
                app_label = "zoo"

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE zoo_word (id int PRIMARY KEY, word {kind})")
        cursor.execute("INSERT INTO zoo_word VALUES (1, 'a')")

    @fraiseql.type(Word, fields="__all__", registry=registry)
    class WordType: ...

    engine = GraphQLEngine(registry=registry, cache=None)
    assert data(engine, '{ words(where: {word: {eq: "a"}}) { word } }') == {"words": [{"word": "A!"}]}


def test_sql_that_gives_null_is_a_field_error(engine: GraphQLEngine) -> None:
    registry = Registry()
    fraiseql.scalar("Odd", fields=MoneyField, like=Decimal, sql="NULLIF({0}, 3)", registry=registry)

    @fraiseql.type(engine.schema.types["Entry"].model, fields=["id", "price", "tip"], registry=registry)
    class EntryType: ...

    answer = GraphQLEngine(registry=registry, cache=None).execute("{ entries { id price tip } }").json()
    assert answer["data"] is None
    assert answer["errors"][0]["message"] == "Entry.price holds a value that Odd cannot represent."
    answer = GraphQLEngine(registry=registry, cache=None).execute("{ entries { tip } }").json()
    assert answer["data"] == {"entries": [{"tip": None}, {"tip": 0.5}]}


# --- in conditions and orders ---


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('(where: {price: {eq: "12.50 EUR"}})', ["12.50 EUR"]),
        ('(where: {price: {in: ["3.00 EUR", "4.00 EUR"]}})', ["3.00 EUR"]),
        ('(where: {price: {gt: "9.00 EUR"}})', ["12.50 EUR"]),
        ('(where: {twice: {lt: "9.00 EUR"}})', ["3.00 EUR"]),
        ("(where: {tip: {isnull: true}})", ["12.50 EUR"]),
        ('(where: {code: {eq: "CD2"}})', ["3.00 EUR"]),
        ('(where: {discount: {lte: "25%"}})', ["12.50 EUR"]),
        ('(where: {discount: {eq: 50}})', ["3.00 EUR"]),
        ('(where: {prices: {eq: ["1.00 EUR", "2.50 EUR"]}})', ["12.50 EUR"]),
        ("(orderBy: {price: ASC})", ["3.00 EUR", "12.50 EUR"]),
        ('(where: {account: {code: {eq: "CD2"}}})', ["3.00 EUR"]),
    ],
)  # fmt: skip
def test_filters_and_orders(engine: GraphQLEngine, where: str, found: list[str]) -> None:
    assert entries(engine, where) == found


def test_variables_of_one_shape_share_a_plan(engine: GraphQLEngine) -> None:
    forget_definitions()
    query = "query($m: Money!) { entries(where: {price: {eq: $m}}) { price } }"
    for given in ("12.50 EUR", "3.00 EUR"):
        assert data(engine, query, {"m": given}) == {"entries": [{"price": given}]}

    assert (engine.statistics().plans.hits, engine.statistics().plans.misses) == (1, 1)


def test_key_is_an_id_of_what_the_field_has(engine: GraphQLEngine) -> None:
    assert data(engine, '{ account(id: "CD2") { code entries { price } } }') == {
        "account": {"code": "CD2", "entries": [{"price": "3.00 EUR"}]}
    }
    assert data(engine, '{ account(id: "XX9") { code } }') == {"account": None}


def test_keys_are_what_is_stored_in_queries_and_in_mutations() -> None:
    """Not as the scalar writes and reads values: the row that a mutation writes is the one that a query finds."""
    with isolate_apps("tests.zoo"):

        class Key(models.CharField):
            pass

        class Account(models.Model):
            code = Key(max_length=9, primary_key=True)
            name = models.CharField(max_length=9)

            class Meta:
                app_label = "zoo"

        class Entry(models.Model):
            account = models.ForeignKey(Account, models.CASCADE, related_name="entries")

            class Meta:
                app_label = "zoo"

    with connection.schema_editor() as editor:
        editor.create_model(Account)
        editor.create_model(Entry)
    registry = Registry()
    fraiseql.scalar(
        "Key", fields=Key, sql="upper({0})", parse=str.lower, bind=str.swapcase, serialize=str.title, registry=registry
    )

    @fraiseql.type(Account, fields="__all__", registry=registry)
    class AccountType: ...

    @fraiseql.type(Entry, fields="__all__", registry=registry)
    class EntryType: ...

    fraiseql.create(AccountType, fields=["code", "name"], registry=registry)
    fraiseql.update(AccountType, fields=["name"], registry=registry)
    fraiseql.create(EntryType, fields=["account"], registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    Account.objects.create(code="ab", name="lower")
    Account.objects.create(code="AB", name="upper")

    assert data(engine, '{ account(id: "AB") { code name } accounts(where: {code: {eq: "ab"}}) { code name } }') == {
        "account": {"code": "AB", "name": "upper"}, "accounts": [{"code": "ab", "name": "lower"}]
    }  # fmt: skip
    mutation = """mutation {
      updateAccount(id: "AB", input: {name: "written"}) { ... on UpdateAccountSuccess { account { code name } } }
      createAccount(input: {code: "cD", name: "new"}) { ... on CreateAccountSuccess { account { code } } }
      createEntry(input: {account: "cD"}) { ... on CreateEntrySuccess { entry { account { code } } } }
    }"""
    assert data(engine, mutation) == {
        "updateAccount": {"account": {"code": "AB", "name": "written"}},
        "createAccount": {"account": {"code": "cD"}},
        "createEntry": {"entry": {"account": {"code": "cD"}}},
    }
    assert set(Account.objects.values_list("code", "name")) == {("ab", "lower"), ("AB", "written"), ("cD", "new")}
    assert Entry.objects.get().account_id == "cD"


@pytest.mark.parametrize(
    ("like", "sql", "value", "shown"),
    [
        (int, "{0} * 10", "5", 50),
        (float, "{0} * 10", "0.5", 5),
        (Decimal, "to_char({0}, 'FM0.00') || ' EUR'", "5.5::numeric", "5.50 EUR"),
        (dt.date, "to_char({0}, 'DD.MM.YYYY')", "date '2020-01-02'", "02.01.2020"),
        (bool, "NOT {0}", "true", False),
    ],
)
def test_values_in_json_are_cast_before_sql_writes_them(like: Any, sql: str, value: str, shown: Any) -> None:
    registry = Registry()
    Made = NewType("Made", like)
    fraiseql.scalar("Made", python=Made, like=like, sql=sql, registry=registry)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIEW zoo_json AS SELECT jsonb_build_object('w', {value}, 'ws', ARRAY[{value}]) AS data")

    @fraiseql.type(sql_source="zoo_json", jsonb_column="data", registry=registry)
    class Held:
        w: Made
        ws: list[Made]

    engine = GraphQLEngine(registry=registry, cache=None)
    assert data(engine, "{ helds { w ws } }") == {"helds": [{"w": shown, "ws": [shown]}]}


def test_rules_and_masks_hold(engine: GraphQLEngine) -> None:
    registry = Registry()
    declare(registry)

    @fraiseql.type(
        engine.schema.types["Entry"].model, fields=["code"], rows=lambda viewer: Q(price__gt=5), registry=registry
    )
    class EntryType:
        price: Money | None = fraiseql.field(permission=fraiseql.requires_auth, mask=True)
        tip: fraiseql.auto = fraiseql.field(permission=fraiseql.requires_auth)

    masked = GraphQLEngine(registry=registry, cache=None)
    assert data(masked, "{ entries { code price } entriesCount }") == {
        "entries": [{"code": "AB1", "price": None}], "entriesCount": 1
    }  # fmt: skip
    for query in (
        '{ entries(where: {price: {eq: "12.50 EUR"}}) { code } }',
        "{ entries(orderBy: {price: ASC}) { code } }",
        "{ entries { tip } }",
    ):
        (error,) = masked.execute(query).json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"


# --- what clients send ---


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('"12.5"', "Money cannot represent '12.5': write it like '12.50 EUR'"),
        ("12", "Money cannot represent 12: write it like '12.50 EUR'"),
        ("1.5", "Money cannot represent Decimal('1.5'): write it like '12.50 EUR'"),
        ("{a: 1}", "Money cannot represent {'a': 1}: write it like '12.50 EUR'"),
    ],
)
def test_wrong_values_are_refused_with_the_reason(engine: GraphQLEngine, given: str, message: str) -> None:
    answer = engine.execute(f"{{ entries(where: {{price: {{eq: {given}}}}}) {{ id }} }}").json()

    assert [error["message"] for error in answer["errors"]] == [message]


def test_wrong_variables_and_other_exceptions_are_refused_without_internals(engine: GraphQLEngine) -> None:
    query = "query($p: Percent!) { entries(where: {discount: {eq: $p}}) { id } }"

    (error,) = engine.execute(query, {"p": "much"}).json()["errors"]
    assert error["message"].endswith("Percent cannot represent 'much'.")
    (error,) = engine.execute('{ entries(where: {code: {eq: "x"}}) { id } }').json()["errors"]
    assert error["message"] == "Code cannot represent 'x': Two capitals and a digit."
    (error,) = engine.execute("{ entries(where: {discount: {eq: 1e999999999}}) { id } }").json()["errors"]
    assert error["message"].endswith("the number is too large or too small")


def test_arguments_inputs_and_results_of_mutations(engine: GraphQLEngine) -> None:
    mutation = """mutation($first: Money!) {
      add(prices: {first: $first, others: ["2.00 EUR", "3.00 EUR"]}, rate: 5) { total rate }
    }"""

    assert data(engine, mutation, {"first": "1.00 EUR"}) == {"add": {"total": "6.00 EUR", "rate": "0.05"}}


def test_mutations_from_models_write_the_values(engine: GraphQLEngine) -> None:
    mutation = """mutation {
      createEntry(input: {price: "7.00 EUR", prices: ["1.00 EUR"], code: "EF3"}) {
        ... on CreateEntrySuccess { entry { price tip prices code } }
      }
    }"""

    found = engine.execute(mutation).json()
    assert found.get("errors") is None, found
    assert found["data"]["createEntry"]["entry"] == {
        "price": "7.00 EUR", "tip": None, "prices": ["1.00 EUR"], "code": "EF3"
    }  # fmt: skip


def test_value_of_which_a_scalar_makes_null_is_a_field_error() -> None:
    registry = Registry()
    Odd = NewType("Odd", str)
    fraiseql.scalar("Odd", python=Odd, serialize=lambda value: value or None, registry=registry)

    @fraiseql.success
    class Found:
        one: Odd | None

    @fraiseql.mutation(registry=registry)
    def one(info: Info, text: str) -> Odd:
        return Odd(text)

    @fraiseql.mutation(registry=registry)
    def several(info: Info, text: str) -> list[Odd]:
        return [Odd(text)]

    @fraiseql.mutation(registry=registry)
    def found(info: Info, text: str) -> Found:
        return Found(one=Odd(text))

    @fraiseql.query(registry=registry)
    def shown(info: Info, text: str) -> Odd:
        return Odd(text)

    engine = GraphQLEngine(registry=registry, cache=None)
    for field in ("one", "several", "found", "shown"):
        word, selected = "query" if field == "shown" else "mutation", "{ one }" if field == "found" else ""
        assert data(engine, f'{word} {{ {field}(text: "a") {selected} }}')[field]
        answer = engine.execute(f'{word} {{ {field}(text: "") {selected} }}').json()
        assert answer.get("errors"), answer
        assert not (answer["data"] or {}).get(field)


# --- in the schema ---


def test_introspection_and_sdl_have_the_specification(engine: GraphQLEngine) -> None:
    assert data(engine, '{ __type(name: "Money") { kind description specifiedByURL } }') == {
        "__type": {"kind": "SCALAR", "description": "Euros.", "specifiedByURL": URL}
    }
    assert f'"""Euros."""\nscalar Money @specifiedBy(url: "{URL}")' in sdl(engine.schema.graphql)


def test_operators_are_those_of_the_type_that_it_is_like(engine: GraphQLEngine) -> None:
    text = sdl(engine.schema.graphql)
    money, code = (re.search(rf"input {name}Filter {{(.*?)\n}}", text, re.DOTALL) for name in ("Money", "Code"))
    assert money is not None
    assert code is not None

    assert "gte: Money" in money[1]
    assert "contains" not in money[1]
    assert "contains: Code" in code[1]


def test_operators_can_be_taken_away() -> None:
    registry = Registry()
    Shape = NewType("Shape", str)
    Note = NewType("Note", str)
    fraiseql.scalar("Shape", python=Shape, filters=False, registry=registry)
    fraiseql.scalar("Note", python=Note, ordered=False, searchable=False, registry=registry)

    @fraiseql.type(sql_source="zoo_shape", registry=registry)
    class Piece:
        shape: Shape
        note: Note

    text = sdl(GraphQLEngine(registry=registry, cache=None).schema.graphql)
    assert "ShapeFilter" not in text
    assert "PieceOrderBy" not in text
    note = re.search(r"input NoteFilter {(.*?)\n}", text, re.DOTALL)
    assert note is not None
    assert re.findall(r"^  (\w+):", note[1], re.MULTILINE) == ["eq", "neq", "in", "nin", "isnull", "not"]


def test_type_of_postgresql_that_is_like_none() -> None:
    """A point has no order and no equality."""
    registry = Registry()
    Point = NewType("Point", str)
    fraiseql.scalar(
        "Point", python=Point, cast="point", sql="ARRAY[({0})[0], ({0})[1]]", filters=False, registry=registry
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE zoo_point (id int PRIMARY KEY, at point)")
        cursor.execute("INSERT INTO zoo_point VALUES (1, '(1.5,2)'), (2, NULL)")

    @fraiseql.type(sql_source="zoo_point", registry=registry)
    class Place:
        id: fraiseql.ID
        at: Point | None

    engine = GraphQLEngine(registry=registry, cache=None)
    assert data(engine, "{ places(orderBy: {id: ASC}) { at } }") == {"places": [{"at": [1.5, 2]}, {"at": None}]}


# --- what is refused ---


def refused(**options: Any) -> str:
    registry = Registry()

    @fraiseql.type(sql_source="zoo_entry", registry=registry)
    class Row:
        id: fraiseql.ID

    def build() -> None:
        fraiseql.scalar(**{"name": "Money", "python": Money, **options}, registry=registry)
        _ = GraphQLEngine(registry=registry, cache=None).schema

    with pytest.raises(DeclarationError) as caught:
        build()
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "my money"},
         "a scalar cannot be called 'my money': Names must only contain [_a-zA-Z0-9] but 'my money' does not."),
        ({"fields": [Money]}, f"scalar 'Money': fields has {Money!r}, must be field classes of models"),
        ({"parse": "x"}, "scalar 'Money': parse is 'x', must be a function"),
        ({"sql": "upper(x)"}, "scalar 'Money': sql is 'upper(x)', in which {0} must stand for the column"),
        ({"sql": "{0} = ANY('{1}')"},
         "scalar 'Money': sql is \"{0} = ANY('{1}')\", in which no other word than 0 may stand in braces"),
        ({"python": ()}, "scalar 'Money' has neither fields nor python; name what has this type"),
        ({"python": str}, "scalar 'Money': python has str, whose type is String; make a NewType of it"),
    ],
)  # fmt: skip
def test_wrong_declarations(options: dict[str, Any], message: str) -> None:
    assert refused(**options) == message


def test_like_must_be_a_type_that_has_a_scalar() -> None:
    message = refused(like=Money)
    assert message.startswith(f"scalar 'Money': like is {Money!r}, must be one of: str, int, float, bool")


def test_two_scalars_of_one_name_or_class_are_refused() -> None:
    registry = Registry()
    for _ in range(2):
        fraiseql.scalar("Money", python=Money, fields=MoneyField, registry=registry)

    with pytest.raises(DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value).splitlines() == [
        "scalar 'Money' and scalar 'Money' both have the name 'Money'; leave it out of one of them",
        "scalar 'Money' and scalar 'Money' both have the field class MoneyField; leave it out of one of them",
        "scalar 'Money' and scalar 'Money' both have the annotation Money; leave it out of one of them",
    ]


def test_name_of_another_type_is_refused(engine: GraphQLEngine) -> None:
    registry = Registry()
    fraiseql.scalar("Decimal", fields=MoneyField, like=Decimal, registry=registry)

    @fraiseql.type(engine.schema.types["Entry"].model, fields=["price", "rate"], registry=registry)
    class EntryType: ...

    with pytest.raises(DeclarationError, match=r"^two types are called 'Decimal': "):
        _ = GraphQLEngine(registry=registry, cache=None).schema


def test_setting_that_names_no_scalar_is_an_error(settings: Any) -> None:
    settings.FRAISEQL = {"SCALARS": {f"{__name__}.Plain": "Mony"}}

    (message,) = [message for message in run_checks(tags=["fraiseql"]) if message.id == "fraiseql.E011"]
    assert message.msg == (
        f"FRAISEQL['SCALARS']['{__name__}.Plain'] is 'Mony', which is no declared scalar; declared are: EAN."
    )


# --- in several schemas ---


def test_scalars_without_a_registry_are_in_all_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    default = Registry()
    monkeypatch.setattr("fraiseql_django.declare.scalars.default_registry", default)
    monkeypatch.setattr(schemas, "_registries", {None: default})
    declare(default)
    partners = schemas.for_schema("partners")
    Own = NewType("Own", str)
    partners.scalar("Own", python=Own)

    @partners.type(sql_source="zoo_entry")
    class Row:
        price: Money
        own: Own

    names = GraphQLEngine(registry=partners.registry, cache=None).schema.graphql.type_map
    assert {"Money", "Own"} <= names.keys()
    assert [declared.name for declared in default.scalars] == ["Money", "Code", "Percent"]


# --- the package's own ---


def test_scalars_of_the_package_name_their_specifications() -> None:
    found = {
        scalar.name: scalar.specified_by_url
        for scalar in vars(leaves).values()
        if isinstance(scalar, GraphQLScalarType) and scalar.specified_by_url
    }

    iso = "https://www.iso.org/iso-8601-date-and-time-format.html"
    assert found == {
        "Base64": "https://www.rfc-editor.org/rfc/rfc4648",
        **dict.fromkeys(("Date", "DateTime", "Duration", "Time"), iso),
        "HStore": "https://www.postgresql.org/docs/current/hstore.html",
        "JSON": "https://www.rfc-editor.org/rfc/rfc8259",
        "SearchVector": "https://www.postgresql.org/docs/current/datatype-textsearch.html",
        "UUID": "https://www.rfc-editor.org/rfc/rfc9562",
        "Upload": "https://github.com/jaydenseric/graphql-multipart-request-spec",
    }
