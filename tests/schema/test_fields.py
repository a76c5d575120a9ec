"""What every field class of Django becomes: its GraphQL type, and its values as clients read them."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.postgres.fields import HStoreField
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.db import connection, models, transaction
from django.db.models import F
from django.test.utils import isolate_apps
from graphql import GraphQLEnumType, GraphQLObjectType

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import build_schema
from tests.support import data
from tests.zoo.data import CONTROLS
from tests.zoo.fields import PointField, TextPointField
from tests.zoo.models import Cage, Elsewhere, Leaf, Specimen, Twig
from tests.zoo.specimens import FILES

pytestmark = pytest.mark.django_db

TYPES = {
    "id": "ID!",
    "name": "String!",
    "boolean": "Boolean!",
    "booleanNull": "Boolean",
    "small": "Int",
    "positiveSmall": "Int",
    "integer": "Int",
    "integerSet": "Int!",
    "positive": "Int",
    "big": "BigInt",
    "positiveBig": "BigInt",
    "double": "Float",
    "decimal": "Decimal",
    "char": "String",
    "text": "String!",
    "slug": "String",
    "email": "String",
    "url": "String",
    "filePath": "String",
    "code": "String",
    "caseless": "String",
    "unlimited": "String",
    "uuid": "UUID",
    "date": "Date",
    "dateTime": "DateTime",
    "time": "Time",
    "duration": "Duration",
    "binary": "Base64",
    "ip": "IPAddress",
    "ipv4": "IPAddress",
    "json": "JSON",
    # JSON has a null of its own, which a column that is never null may hold
    "jsonSet": "JSON",
    "bits": "Int",
    "vector": "SearchVector",
    "odd": "SpecimenOdd",
    "plainChoice": "SpecimenPlainChoice!",
    "level": "SpecimenLevel",
    "bigChoice": "SpecimenBigChoice",
    "texts": "[String!]",
    "integers": "[Int]!",
    "decimals": "[Decimal!]",
    "bigs": "[BigInt!]",
    "doubles": "[Float]",
    "booleans": "[Boolean!]",
    "uuids": "[UUID!]",
    "dates": "[Date!]",
    "dateTimes": "[DateTime!]",
    "durations": "[Duration!]",
    "binaries": "[Base64!]",
    "ips": "[IPAddress!]",
    "jsons": "[JSON]",
    "levels": "[SpecimenLevel!]",
    "matrix": "[[Int!]!]",
    "words": "[[String]!]",
    "intRange": "IntRange",
    "bigRange": "BigIntRange",
    "decimalRange": "DecimalRange",
    "dateRange": "DateRange",
    "dateTimeRange": "DateTimeRange",
    "document": "File",
    "documentNull": "File",
    "picture": "Image",
    "pictureWidth": "Int",
    "pictureHeight": "Int",
    "barePicture": "Image",
    "shouted": "String",
    "doubled": "BigInt",
    "phone1": "String!",
    "type": "String!",
    # computed
    "initial": "String!",
    "half": "Decimal",
    "heavy": "Boolean!",
    "RENAMED_text": "String",
}

VALUES: dict[str, dict[str, Any]] = {
    "ordinary": {
        "id": "3",
        "boolean": True,
        "integer": 7,
        "big": "9007199254740993",
        "double": 0.1,
        "decimal": "10.50000000000000000000",
        "half": "5.25000000000000000000",
        "uuid": "123e4567-e89b-12d3-a456-426614174000",
        "date": "2024-02-29",
        "dateTime": "2024-05-31T11:45:00.0005+00:00",
        "time": "13:45:00.12",
        "duration": "P3DT04H05M06S",
        "ip": "192.0.2.1",
        "json": {"eq": 1, "in": [1, {"deep": None}], "ü": "ö", "AND": True, "price": 10.5},
        "jsonSet": {"a": None},
        "bits": 5,
        "vector": "'cat':3A,5 'fat':2 'it''s'",
        "odd": "E_BOOK",
        "level": "HIGH",
        "bigChoice": "MUCH",
        "texts": ["a", "b,c", 'd"e', "{f}", "NULL", "", "\\"],
        "integers": [1, None, 3],
        "decimals": ["1.5000", "-2.2500"],
        "bigs": ["4611686018427387904", "-4611686018427387904"],
        "doubles": [0.1, None, -2.5],
        "booleans": [True, False],
        "uuids": ["00000000-0000-1111-2222-333344445555", "00000000-0000-2222-4444-66668888aaaa"],
        "dates": ["2024-05-31", "2000-01-01"],
        "dateTimes": ["2024-05-31T13:45:00+00:00"],
        "durations": ["P0DT00H00M01S", "-P2DT00H00M00.000005S"],
        "binaries": ["aGVsbG8=", "AP8="],
        "ips": ["192.0.2.1", "::1"],
        "jsons": [{"a": 1}, [1, 2], "text", 3],
        "levels": ["HIGH", "LOW"],
        "matrix": [[1, 2], [3, 4]],
        "words": [["a", None], ["é", 'q"']],
        "shouted": "ORDINARY",
        "doubled": "14",
    },
    "largest": {
        "small": 32767,
        "integer": 2147483647,
        "big": "9223372036854775807",
        "positiveBig": "9223372036854775807",
        "double": 1e300,
        "decimal": "123456789012345678901234567890.12345678901234567890",
        "char": CONTROLS,
        "text": CONTROLS * 3,
        "date": "9999-12-31",
        "dateTime": "9999-12-31T23:59:59.999999+00:00",
        "time": "23:59:59.999999",
        "duration": "P99999DT23H59M59.999999S",
        "ip": "2001:db8::ff00:42:8329",
        "json": [10**300, 12345678901234567890, -0.5, "\u2028\U0001f98a"],
        "jsonSet": "just text",
        "odd": "IT_S_QUOTED",
    },
    "smallest": {
        "big": "-9223372036854775808",
        "double": -5e-324,
        "decimal": "-0.00000000000000000001",
        "date": "0001-01-01",
        "dateTime": "0001-01-01T00:00:00+00:00",
        "time": "00:00:00.000001",
        "duration": "-P0DT00H00M00.000001S",
        "ip": "::ffff:192.0.2.1",
        "json": False,
        "jsonSet": 0,
        "odd": "BRACES",
        "level": "LOW",
    },
    "zeros and blanks": {
        "boolean": False,
        "integer": 0,
        "double": 0,
        "char": "",
        "duration": "P0DT00H00M00S",
        "binary": "",
        "json": {},
        "jsonSet": [],
        "odd": "NOTHING",
        "plainChoice": "BLANK",
        "texts": [],
        "matrix": [],
        "level": "NONE_AT_ALL",
    },
    "loose": {"json": None, "jsonSet": {"a": None}, "odd": "LOOSE", "plainChoice": "Y"},
}

RANGES = {
    "ordinary": {
        "intRange": {"lower": 1, "upper": 5, "lowerInclusive": True, "upperInclusive": False, "isEmpty": False},
        "decimalRange": {"lower": "1.50", "upper": "2.50", "lowerInclusive": True, "upperInclusive": True, "isEmpty": False},
        "dateRange": {"lower": "2024-01-01", "upper": "2025-01-01", "lowerInclusive": True, "upperInclusive": False, "isEmpty": False},
        "dateTimeRange": {"lower": "2024-01-01T00:00:00+00:00", "upper": "2024-01-02T00:00:00.000005+00:00", "lowerInclusive": False, "upperInclusive": True, "isEmpty": False},
    },
    "largest": {
        "intRange": {"lower": None, "upper": 10, "lowerInclusive": False, "upperInclusive": False, "isEmpty": False},
        "bigRange": {"lower": "10", "upper": None, "lowerInclusive": True, "upperInclusive": False, "isEmpty": False},
        "decimalRange": {"lower": None, "upper": None, "lowerInclusive": False, "upperInclusive": False, "isEmpty": False},
    },
    "zeros and blanks": {
        "intRange": {"lower": None, "upper": None, "lowerInclusive": False, "upperInclusive": False, "isEmpty": True},
    },
    "nothing": {"intRange": None, "dateRange": None},
}  # fmt: skip


SPECIMEN = "query ($name: String!) {{ specimens(where: {{name: {{eq: $name}}}}) {{ {selection} }} }}"


def specimen(engine: GraphQLEngine, name: str, selection: str) -> Any:
    """Read some fields of a specimen."""
    (found,) = data(engine, SPECIMEN.format(selection=selection), {"name": name})["specimens"]
    return found


def invalid(engine: GraphQLEngine, name: str, selection: str) -> tuple[Any, list[list[Any]]]:
    """Read fields of a specimen whose values cannot all be answered; return the data, and the paths of the errors."""
    body = engine.execute(SPECIMEN.format(selection=selection), {"name": name}).json()
    assert {error["extensions"]["code"] for error in body["errors"]} == {"INVALID_VALUE"}
    return body["data"], [error["path"][2:] for error in body["errors"]]


def fields_of(engine: GraphQLEngine, name: str) -> dict[str, str]:
    """Return the fields of a type with their types."""
    found = engine.schema.graphql.get_type(name)
    assert isinstance(found, GraphQLObjectType)
    return {key: str(field.type) for key, field in found.fields.items()}


def engine_over(model: type[models.Model], **options: Any) -> GraphQLEngine:
    """Make an engine over one model with all its fields."""
    registry = Registry()
    fraiseql.type(model, fields="__all__", registry=registry, **options)(type(model.__name__, (), {}))
    return GraphQLEngine(registry=registry, cache=None)


# --- types and values -------------------------------------------------------------------------


def test_every_field_class_has_its_type(zoo: GraphQLEngine) -> None:
    assert fields_of(zoo, "Specimen") == TYPES


@pytest.mark.parametrize("name", VALUES)
def test_values_lose_nothing(zoo: GraphQLEngine, name: str) -> None:
    assert specimen(zoo, name, " ".join(VALUES[name])) == VALUES[name]


@pytest.mark.parametrize("name", RANGES)
def test_ranges_are_objects(zoo: GraphQLEngine, name: str) -> None:
    parts = "{ lower upper lowerInclusive upperInclusive isEmpty }"
    assert specimen(zoo, name, " ".join(f"{field} {parts}" for field in RANGES[name])) == RANGES[name]


def test_null_is_null_in_every_column_that_may_be(zoo: GraphQLEngine) -> None:
    names = [name for name, type_ in TYPES.items() if not type_.endswith("!") and name not in ("shouted", "doubled")]
    leaves = [name for name in names if not TYPES[name].endswith(("Range", "File", "Image"))]
    found = specimen(zoo, "nothing", " ".join(leaves))

    assert {name for name, value in found.items() if value is not None} == {"jsonSet", "RENAMED_text"}


def test_bytes_are_the_text_of_the_column(zoo: GraphQLEngine) -> None:
    response = zoo.execute('{ specimens(where: {name: {eq: "largest"}}) { decimal big double dateTime char } }')

    assert response.data is not None
    assert b'"decimal":"123456789012345678901234567890.12345678901234567890"' in response.data
    assert b'"double":1e+300' in response.data
    # compact, and what JSON need not escape is not escaped
    assert response.data.startswith(b'{"specimens":[{"decimal":"')
    assert "\U0001f98a é".encode() in response.data


# --- columns that hold what they should not ---------------------------------------------------


@pytest.fixture
def dirty(zoo: GraphQLEngine) -> Iterator[GraphQLEngine]:
    """Put values into the columns of one specimen that Django's forms would refuse."""
    with transaction.atomic():
        Specimen.objects.bulk_create([Specimen(name="dirty")])
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE zoo_specimen SET double = 'NaN', doubles = '{NaN,Infinity,-Infinity,1}', odd = 'unheard of', "
                "plain_choice = 'z', level = 99, levels = '{1,99}', document = '', duration = '1 mon 1 day' "
                "WHERE name = 'dirty'"
            )
        yield zoo
        transaction.set_rollback(True)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_errors(dirty: GraphQLEngine, value: str) -> None:
    Specimen.objects.filter(name="dirty").update(double=float(value))

    assert invalid(dirty, "dirty", "name double doubles") == (
        {"specimens": [{"name": "dirty", "double": None, "doubles": [None, None, None, 1]}]},
        [["double"], ["doubles", 0], ["doubles", 1], ["doubles", 2]],
    )


def test_choices_that_are_not_declared_are_errors(dirty: GraphQLEngine) -> None:
    assert invalid(dirty, "dirty", "odd level levels") == (
        {"specimens": [{"odd": None, "level": None, "levels": None}]},
        [["odd"], ["level"], ["levels", 1]],
    )
    # it may not be null
    assert invalid(dirty, "dirty", "name plainChoice") == (None, [["plainChoice"]])


def test_months_of_an_interval_are_thirty_days(dirty: GraphQLEngine) -> None:
    assert specimen(dirty, "dirty", "duration") == {"duration": "P31DT00H00M00S"}


def test_key_that_no_constraint_guards_may_lead_nowhere(zoo: GraphQLEngine) -> None:
    leaf = Leaf.objects.get()
    with transaction.atomic():
        Twig.objects.all().delete()
        Twig.objects.create(leaf=leaf, other=leaf)
        Twig.objects.create(leaf_id=-1, other_id=-1)
        found = data(zoo, "{ twigs { leaf { label twigs { __typename } } other { label } } }")["twigs"]
        transaction.set_rollback(True)

    assert found == [
        {"leaf": {"label": "green", "twigs": [{"__typename": "Twig"}]}, "other": {"label": "green"}},
        {"leaf": None, "other": None},
    ]
    assert fields_of(zoo, "Twig")["leaf"] == "Leaf"


# --- choices ----------------------------------------------------------------------------------


def enum_values(engine: GraphQLEngine, name: str) -> dict[str, Any]:
    """Return the names of an enum with the values that they stand for."""
    found = engine.schema.graphql.get_type(name)
    assert isinstance(found, GraphQLEnumType)
    return {key: item.value for key, item in found.values.items()}


def test_choices_are_names_whatever_their_values(zoo: GraphQLEngine) -> None:
    assert enum_values(zoo, "SpecimenOdd") == {
        "NOTHING": "",
        "E_BOOK": "e-book",
        "E_BOOK_2": "e_book",
        "FIRST": "1st",
        "TRUTH": "true",
        "NOUGHT": "null",
        "ETE": "été",
        "JAPAN": "日本",
        "BRACES": "{0}",
        "PERCENT": "100%",
        "IT_S_QUOTED": 'it\'s \\ "quoted"',
        "A": "A",
        "A_2": "a",
        "IN": "in",
        "OUT": "out",
        "LOOSE": "loose",
    }


def test_whole_numbers_as_choices_are_named_by_their_labels(zoo: GraphQLEngine) -> None:
    assert enum_values(zoo, "SpecimenLevel") == {"LOW": -1, "NONE_AT_ALL": 0, "HIGH": 1}
    assert enum_values(zoo, "SpecimenBigChoice") == {"MUCH": 2**40, "LITTLE": 5}


def test_labels_describe_choices(zoo: GraphQLEngine) -> None:
    found = zoo.schema.graphql.get_type("SpecimenOdd")
    assert isinstance(found, GraphQLEnumType)

    assert found.values["IN"].description == "In a group"


def test_blank_is_a_choice_of_a_field_that_may_be_blank(zoo: GraphQLEngine) -> None:
    assert enum_values(zoo, "SpecimenPlainChoice") == {"X": "x", "Y": "y", "BLANK": ""}


@isolate_apps("tests.zoo")
def test_choices_without_a_word_in_them_are_numbered() -> None:
    class Sign(models.Model):
        sign = models.CharField(max_length=3, choices=[("", "---"), ("+", "+"), ("-", "-"), ("7", "7"), ("?", "日")])
        mark = models.IntegerField(choices=[(1, "+"), (-1, "-"), (10, "10")])

        class Meta:
            app_label = "zoo"

    engine = engine_over(Sign)

    assert enum_values(engine, "SignSign") == {
        "BLANK": "",
        "VALUE": "+",
        "VALUE_2": "-",
        "VALUE_7": "7",
        "VALUE_3": "?",
    }
    assert enum_values(engine, "SignMark") == {"VALUE_1": 1, "VALUE_1_2": -1, "VALUE_10": 10}


@isolate_apps("tests.zoo")
def test_the_same_choices_are_one_enum() -> None:
    choices = [("a", "A"), ("b", "B")]

    class Pair(models.Model):
        first = models.CharField(max_length=1, choices=choices)
        second = models.TextField(choices=choices, null=True)
        third = models.CharField(max_length=1, choices=choices[:1])

        class Meta:
            app_label = "zoo"

    assert fields_of(engine_over(Pair), "Pair") == {
        "id": "ID!",
        "first": "PairFirst!",
        "second": "PairFirst",
        "third": "PairThird!",
    }


# --- files ------------------------------------------------------------------------------------


def test_file_has_name_url_and_size(zoo: GraphQLEngine) -> None:
    assert specimen(zoo, "ordinary", "document { name url size } documentNull { name url size }") == {
        "document": {"name": "documents/hello.txt", "url": "/files/documents/hello.txt", "size": "5"},
        "documentNull": {"name": "documents/gone.txt", "url": "/files/documents/gone.txt", "size": None},
    }


def test_image_has_its_dimensions_where_the_model_stores_them(zoo: GraphQLEngine) -> None:
    assert specimen(zoo, "ordinary", "picture { width height name } barePicture { width height name }") == {
        "picture": {"width": 40, "height": 30, "name": "pictures/fox.png"},
        "barePicture": {"width": None, "height": None, "name": "bare.png"},
    }


def test_no_file_is_null(zoo: GraphQLEngine) -> None:
    asked = "document { name } documentNull { name } picture { name } barePicture { url }"

    nothing = {"document": None, "documentNull": None, "picture": None, "barePicture": None}
    assert specimen(zoo, "nothing", asked) == nothing
    assert specimen(zoo, "zeros and blanks", asked) == nothing


def test_file_names_may_hold_anything(zoo: GraphQLEngine) -> None:
    name = 'a "b"\\\x01\x02 é%s.txt'
    with transaction.atomic():
        Specimen.objects.filter(name="loose").update(document=name)
        found = specimen(zoo, "loose", "document { name url }")
        transaction.set_rollback(True)

    assert found == {"document": {"name": name, "url": FILES.url(name)}}


@isolate_apps("tests.zoo")
def test_storage_without_urls_or_sizes_answers_null(zoo: GraphQLEngine) -> None:
    class Mute(InMemoryStorage):
        def url(self, name: str | None) -> str:
            raise NotImplementedError

        def size(self, name: str) -> int:
            raise FileNotFoundError(name)

    class Silent(models.Model):
        label = models.FileField(storage=Mute(), db_column="label")
        far = models.FileField(storage=FileSystemStorage(base_url="https://cdn.example/"), db_column="label")

        class Meta:
            app_label = "zoo"
            db_table = Elsewhere._meta.db_table

    FILES.save("far away", ContentFile(b""))
    found = data(engine_over(Silent), "{ silents { label { name url size } far { url size } } }")

    assert found == {
        "silents": [
            {
                "label": {"name": "far away", "url": None, "size": None},
                "far": {"url": "https://cdn.example/far%20away", "size": None},
            }
        ]
    }


# --- hstore -----------------------------------------------------------------------------------


def hstore_model() -> type[models.Model]:
    """Make a model with an HStoreField; its table is made by whoever can."""

    class Labelled(models.Model):
        labels = HStoreField(null=True)

        class Meta:
            app_label = "zoo"

    return Labelled


@isolate_apps("tests.zoo")
def test_hstore_is_written_and_compared_as_such() -> None:
    engine = engine_over(hstore_model())
    explained = engine.explain('{ labelleds(where: {labels: {in: [{a: "1", b: null}, {c: "\\"x\\""}]}}) { labels } }')

    assert fields_of(engine, "Labelled") == {"id": "ID!", "labels": "HStore"}
    assert 'coalesce(to_json("zoo_labelled"."labels")::text, \'null\')' in explained.sql
    assert '"zoo_labelled"."labels" IN (SELECT item::hstore FROM unnest(%s::text[]) AS item)' in explained.sql
    assert explained.params == [r'{"\"a\"=>\"1\", \"b\"=>NULL","\"c\"=>\"\\\"x\\\"\""}']


@pytest.mark.extension("hstore")
@isolate_apps("tests.zoo")
def test_hstore_round_trip(populated: None) -> None:
    model = hstore_model()
    values: list[Any] = [None, {}, {"a": "1", "b": None, 'c"d': "\\ é"}]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS hstore")
        with connection.schema_editor() as editor:
            editor.create_model(model)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO zoo_labelled (labels) VALUES (NULL), (''), (%s)", [r'a=>1, b=>NULL, "c\"d"=>"\\ é"']
            )
        engine = engine_over(model)
        found = data(engine, "{ labelleds { labels } }")["labelleds"]
        asked = "query ($v: HStore) { labelleds(where: {labels: {eq: $v}}) { labels } }"
        same = [data(engine, asked, {"v": value})["labelleds"] for value in values]
        transaction.set_rollback(True)

    assert found == [{"labels": value} for value in values]
    assert same == [[{"labels": value}] for value in values]


# --- field classes of others ------------------------------------------------------------------


@isolate_apps("tests.zoo")
def test_field_class_that_extends_none_is_refused() -> None:
    class Place(models.Model):
        point = PointField()

        class Meta:
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Place, fields=["id", "point"], registry=registry)(type("Place", (), {}))
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value) == (
        "zoo.Place: Place.point is a tests.zoo.fields.PointField, which extends no field class that is known; "
        "name the Django class to treat it as in FRAISEQL['SCALARS'], or leave it out"
    )


@isolate_apps("tests.zoo")
def test_field_class_is_what_the_settings_say(settings: Any) -> None:
    settings.FRAISEQL = {
        "SCALARS": {
            "tests.zoo.fields.TextPointField": "django.db.models.TextField",
            "tests.zoo.fields.PointField": "django.db.models.JSONField",
        }
    }

    class Place(models.Model):
        text = TextPointField()
        point = PointField(null=True)

        class Meta:
            app_label = "zoo"

    assert fields_of(engine_over(Place), "Place") == {"id": "ID!", "text": "String!", "point": "JSON"}


def test_field_class_of_others_compares_in_its_own_way(zoo: GraphQLEngine) -> None:
    def names(condition: str) -> list[str]:
        return [row["name"] for row in data(zoo, f"{{ specimens(where: {condition}) {{ name }} }}")["specimens"]]

    # CodeField prepares values by making them capitals; patterns are no values
    assert names('{code: {eq: "ab12"}}') == ["ordinary"]
    assert names('{code: {in: ["ab12"]}}') == ["ordinary"]
    assert names('{code: {startswith: "ab"}}') == []
    # name is compared with text: a parameter of type name would be cut off
    assert '"caseless" = %s::text' in zoo.explain('{ specimens(where: {caseless: {eq: "x"}}) { name } }').sql


# --- names and descriptions -------------------------------------------------------------------


def test_descriptions_come_from_docstring_help_text_and_verbose_name(zoo: GraphQLEngine) -> None:
    types = zoo.schema.graphql.type_map
    specimen_type, odd = types["Specimen"], types["Odd"]
    assert isinstance(specimen_type, GraphQLObjectType)

    assert specimen_type.description == "Every field class."
    assert odd.description == "Names that must be quoted: what Django itself can do, it can do."
    assert specimen_type.fields["phone1"].description == "Telephone"
    assert specimen_type.fields["type"].description == "A word that GraphQL uses."
    assert specimen_type.fields["name"].description is None
    assert specimen_type.fields["initial"].description == "Computed."
    assert specimen_type.fields["RENAMED_text"].deprecation_reason == "Use `text`."


def test_names_are_camel_case(zoo: GraphQLEngine) -> None:
    where = zoo.schema.graphql.type_map["SpecimenWhere"]

    assert {"dateTimeRange", "phone1", "RENAMED_text", "ipv4"} <= set(fields_of(zoo, "Specimen")) & set(where.fields)  # type: ignore[attr-defined]
    assert specimen(zoo, "ordinary", "phone1 RENAMED_text") == {
        "phone1": "+49 30 1",
        "RENAMED_text": "Some plain text",
    }


def test_camel_case_can_be_turned_off(populated: None, settings: Any) -> None:
    settings.FRAISEQL = {"CAMEL_CASE": False}
    engine = engine_over(Cage)

    assert list(fields_of(engine, "Cage")) == ["house_id", "number", "width"]
    found = data(engine, '{ cage(house_id: "APE", number: 1) { house_id width } }')
    assert found == {"cage": {"house_id": "APE", "width": "2.50"}}


# --- numbers in JSON and out of it ------------------------------------------------------------


def test_decimals_and_big_integers_are_compared_as_numbers(zoo: GraphQLEngine) -> None:
    def count(condition: str, **variables: Any) -> int:
        declared = "($v: Decimal)" if "$v" in condition else ""
        return len(data(zoo, f"query {declared} {{ specimens(where: {condition}) {{ id }} }}", variables)["specimens"])

    # 10.50 is 10.5, and 9 is not greater than 10
    assert count('{decimal: {eq: "10.5"}}') == count("{decimal: {eq: 10.50}}") == count("{decimal: {eq: 1.05e1}}") == 2
    assert count("{decimal: {eq: $v}}", v="10.500") == count("{decimal: {eq: $v}}", v=10.5) == 2
    assert count("{decimal: {gt: 9}}") == 3
    assert count('{big: {eq: "9007199254740993"}}') == count("{big: {eq: 9007199254740993}}") == 1
    assert count("{big: {eq: 9007199254740992}}") == 0


def test_one_moment_has_many_spellings(zoo: GraphQLEngine) -> None:
    query = "query ($at: DateTime) { specimens(where: {dateTime: {eq: $at}}) { name } }"

    for spelling in (
        "2024-05-31T11:45:00.0005Z",
        "2024-05-31T13:45:00.000500+02:00",
        "2024-05-31 11:45:00.000500+00:00",
    ):
        assert [row["name"] for row in data(zoo, query, {"at": spelling})["specimens"]] == ["ordinary", "others"]


@isolate_apps("tests.zoo")
def test_generated_column_has_the_type_of_what_it_computes() -> None:
    class Price(models.Model):
        net = models.DecimalField(max_digits=8, decimal_places=2)
        gross = models.GeneratedField(
            expression=F("net") * Decimal("1.07"),
            output_field=models.DecimalField(max_digits=10, decimal_places=2),
            db_persist=True,
        )

        class Meta:
            app_label = "zoo"

    assert fields_of(engine_over(Price), "Price") == {"id": "ID!", "net": "Decimal!", "gross": "Decimal"}


def test_answer_is_json_whatever_is_in_it(zoo: GraphQLEngine) -> None:
    body = zoo.execute("{ specimens { char text name } }").body

    assert CONTROLS in {row["char"] for row in json.loads(body)["data"]["specimens"]}
