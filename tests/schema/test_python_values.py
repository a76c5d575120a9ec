"""Fields whose values Python makes: clients see what an instance has, and filter as Django does or not at all."""

import base64
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.declare.names import camel_case
from tests.support import data

pytestmark = pytest.mark.django_db

_numbers = iter(range(1_000_000))


class Sealed(models.TextField):  # type: ignore[type-arg]
    """Text that is stored otherwise each time, as encryption does."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return None if value is None else f"{next(_numbers)}:{base64.b64encode(str(value).encode()).decode()}"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else base64.b64decode(value.partition(":")[2]).decode()


class SealedNumber(models.IntegerField):  # type: ignore[type-arg]
    """A number that is stored so."""

    def db_type(self, connection: Any) -> str:
        return "text"

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return None if value is None else f"{next(_numbers)}:{value}"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else int(value.partition(":")[2])


class Coded(models.IntegerField):  # type: ignore[type-arg]
    """A number that is shown as text, as hashed keys are."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else f"c{value}"

    def to_python(self, value: Any) -> Any:
        return int(value.removeprefix("c")) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(value)


class NullAsEmpty(models.TextField):  # type: ignore[type-arg]
    """Text that is null in Python where none is stored."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value or None

    def get_prep_value(self, value: Any) -> Any:
        return value or ""


class Kind(enum.Enum):
    """An enum of Python's own."""

    RED = "r"
    GREEN = "g"


class EnumField(models.CharField):  # type: ignore[type-arg]
    """Choices that are members of an enum."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"choices": [(item, item.name) for item in Kind], "max_length": 1, **kwargs})

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Kind) else Kind(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return self.to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        return value.value if isinstance(value, Kind) else value

    def validate(self, value: Any, model_instance: Any) -> None:
        """Any member is valid."""

    def run_validators(self, value: Any) -> None:
        """A member has no length."""


class Several(models.CharField):  # type: ignore[type-arg]
    """Several choices in one text."""

    def to_python(self, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return value.split(",") if value else []

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else ",".join(value)

    def validate(self, value: Any, model_instance: Any) -> None:
        """Any list is valid."""


class Broken(models.CharField):  # type: ignore[type-arg]
    """A class that does not work with this version of Django."""

    @property
    def flatchoices(self) -> Any:
        raise AttributeError("no such thing")

    def get_prep_value(self, value: Any) -> Any:
        raise TypeError("not in this version")


@dataclass(frozen=True)
class Case:
    """A field, and what clients see of it; ``where`` is the type of the filter, None for none."""

    make: Callable[[], Any]
    type: str
    value: Any
    where: str | None
    scalars: tuple[tuple[str, str], ...] = ()


CHOICES = [("a", "A"), ("b", "B")]
OWN = {
    "sealed": Case(Sealed, "String!", "secret", None),
    "sealedNumber": Case(SealedNumber, "Int!", 7, None),
    "coded": Case(Coded, "ID!", "c7", "IDFilter"),
    "nullAsEmpty": Case(NullAsEmpty, "String", "x", "StringFilter"),
    "member": Case(EnumField, "PieceMember!", "R", "PieceMemberFilter"),
    "several": Case(lambda: Several(choices=CHOICES, max_length=9), "[PieceSeveral!]!", ["A", "B"], None),
}


def _package(module: str, name: str) -> Any:
    return getattr(pytest.importorskip(module), name)


PUBLISHED = {
    "encryptedText": Case(
        lambda: _package("encrypted_model_fields.fields", "EncryptedCharField")(max_length=9), "String!", "secret", None
    ),
    "encryptedDate": Case(
        lambda: _package("encrypted_model_fields.fields", "EncryptedDateField")(), "Date!", "2024-05-31", None
    ),
    "fernetText": Case(lambda: _package("encrypted_fields.fields", "EncryptedTextField")(), "String!", "secret", None),
    "fernetNumber": Case(lambda: _package("encrypted_fields.fields", "EncryptedIntegerField")(), "Int!", 7, None),
    "hashid": Case(lambda: _package("hashid_field", "HashidField")(), "ID!", "dWmq23G", "IDFilter"),
    "enumMember": Case(
        lambda: _package("enumfields", "EnumField")(Kind, max_length=1), "PieceEnumMember!", "R",
        "PieceEnumMemberFilter",
    ),
    "enumChoice": Case(
        lambda: _package("django_enum_choices.fields", "EnumChoiceField")(Kind), "PieceEnumChoice!", "R",
        "PieceEnumChoiceFilter",
    ),
    "money": Case(
        lambda: _package("djmoney.models.fields", "MoneyField")(max_digits=9, decimal_places=2, default_currency="EUR"),
        "Decimal!", "12.50", "DecimalFilter",
    ),
    "country": Case(
        lambda: _package("django_countries.fields", "CountryField")(), "PieceCountry!", "NZ", "PieceCountryFilter"
    ),
    "countries": Case(
        lambda: _package("django_countries.fields", "CountryField")(multiple=True), "[PieceCountries!]!",
        ["AU", "NZ"], None,
    ),
    "phone": Case(
        lambda: _package("phonenumber_field.modelfields", "PhoneNumberField")(), "String!", "+12125552368",
        "StringFilter",
    ),
    "multiple": Case(
        lambda: _package("multiselectfield", "MultiSelectField")(choices=CHOICES, max_length=9), "[PieceMultiple!]!",
        ["A", "B"], None,
    ),
    "zone": Case(
        lambda: _package("timezone_field", "TimeZoneField")(), "PieceZone!", "EUROPE_BERLIN", "PieceZoneFilter",
        (("timezone_field.TimeZoneField", "django.db.models.CharField"),),
    ),
    "color": Case(lambda: _package("colorfield.fields", "ColorField")(), "String!", "#FFFFFF", "StringFilter"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def isolated(settings: Any) -> Iterator[None]:
    """Give the packages their settings, and forget the models of a test."""
    settings.FIELD_ENCRYPTION_KEY = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
    settings.SALT_KEY = "salt for tests, which is nobody's secret"
    settings.HASHID_FIELD_SALT = "salt"
    with isolate_apps("tests.zoo"):
        yield


def piece(name: str, field: Any, scalars: Any = ()) -> tuple[Any, GraphQLEngine]:
    """Make a model with a field, its table, and an engine over it."""
    meta = type("Meta", (), {"app_label": "zoo"})
    column = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    model = type("Piece", (models.Model,), {column: field, "Meta": meta, "__module__": "tests.zoo.models"})
    with connection.schema_editor() as editor:
        editor.create_model(model)
    registry = Registry()
    over = fraiseql.type(model, fields=["id", column], registry=registry)(type("Piece", (), {}))
    fraiseql.create(over, fields=[column], registry=registry)
    settings = replace(get_settings(), scalars=dict(scalars))
    assert camel_case(column) == name
    return model, GraphQLEngine(registry=registry, cache=None, settings=settings)


@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_clients_see_what_an_instance_has(name: str) -> None:
    case = {**OWN, **PUBLISHED}[name]
    model, engine = piece(name, case.make(), case.scalars)
    schema: Any = engine.schema.graphql
    fields, where = schema.get_type("Piece").fields, schema.get_type("PieceWhere").fields
    order, given = schema.get_type("PieceOrderBy").fields, schema.get_type("CreatePieceInput").fields

    assert str(fields[name].type) == case.type
    assert (str(where[name].type) if name in where else None) == case.where
    assert (name in order) == (case.where is not None)

    document = f"""mutation ($value: {given[name].type}) {{
        createPiece(input: {{{name}: $value}}) {{
            ... on CreatePieceSuccess {{ piece {{ {name} }} }} ... on MutationError {{ errors {{ message }} }}
        }}
    }}"""
    assert data(engine, document, {"value": case.value}) == {"createPiece": {"piece": {name: case.value}}}
    assert data(engine, f"{{ pieces {{ {name} }} }}") == {"pieces": [{name: case.value}]}
    assert model.objects.count() == 1
    if case.where is not None:
        for operator, value, found in (("eq", case.value, 1), ("neq", case.value, 0), ("in", [case.value], 1)):
            type_ = schema.get_type(case.where).fields[operator].type
            query = f"query ($value: {type_}) {{ count: piecesCount(where: {{{name}: {{{operator}: $value}}}}) }}"
            assert data(engine, query, {"value": value}) == {"count": found}


def test_array_of_values_that_python_makes() -> None:
    model, engine = piece("codes", ArrayField(Coded(null=True)))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO zoo_piece (codes) VALUES ('{7,NULL,8}')")

    assert data(engine, "{ pieces { codes } }") == {"pieces": [{"codes": ["c7", None, "c8"]}]}
    assert model.objects.get().codes == ["c7", None, "c8"]


def test_null_where_nothing_is_stored() -> None:
    model, engine = piece("word", NullAsEmpty())
    model.objects.create(word="")

    assert data(engine, "{ pieces { word } }") == {"pieces": [{"word": None}]}
    assert model.objects.get().word is None


def test_key_that_is_shown_as_text() -> None:
    class Key(Coded):
        pass

    with isolate_apps("tests.zoo"):
        model = type(
            "Piece", (models.Model,),
            {"id": Key(primary_key=True), "Meta": type("Meta", (), {"app_label": "zoo"}), "__module__": __name__},
        )  # fmt: skip
        with connection.schema_editor() as editor:
            editor.create_model(model)
    model.objects.bulk_create([model(id=7), model(id=12)])
    registry = Registry()
    fraiseql.type(model, fields=["id"], registry=registry)(type("Piece", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    assert data(engine, "{ pieces(orderBy: {id: ASC}) { id } }") == {"pieces": [{"id": "c7"}, {"id": "c12"}]}
    assert data(engine, '{ piece(id: "c12") { id } }') == {"piece": {"id": "c12"}}


def test_class_that_raises_is_refused_by_name() -> None:
    with pytest.raises(DeclarationError) as raised:
        piece("word", Broken(choices=[(object(), "x")], max_length=9))[1].schema  # noqa: B018

    assert str(raised.value) == (
        "zoo.Piece: Piece.word is a tests.schema.test_python_values.Broken, which raised TypeError: not in this "
        "version; leave the field out, or name the Django class to treat it as in FRAISEQL['SCALARS']"
    )
