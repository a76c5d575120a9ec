"""``fields="__all__"`` over any model: what nobody has named and cannot be a field is left out, keys are in it."""

from typing import Any

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField, IntegerRangeField
from django.core.management import call_command
from django.db import connection, models
from django.db.models.fields.related import ForeignObject
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry, engine
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import Schema, build_schema
from tests.support import data
from tests.zoo.fields import PointField


def everything(*given: type[models.Model], **options: Any) -> Registry:
    """Declare types with all fields over these models."""
    registry = Registry()
    for model in given:
        fraiseql.type(model, fields="__all__", registry=registry, **options)(type(model.__name__, (), {}))
    return registry


def built(*given: type[models.Model], **options: Any) -> Schema:
    """Build the schema of types with all fields over these models."""
    return build_schema(everything(*given, **options), get_settings())


def fields(schema: Schema, name: str) -> list[str]:
    """List the fields of a type without the counts of its lists."""
    return [name for name in schema.types[name].fields if not name.endswith("Count")]


def left_out(schema: Schema, name: str) -> dict[str, bool]:
    """Return the fields that a type has not, and whether each is a column that it could have."""
    return {item.name: item.column for item in schema.types[name].left_out}


@isolate_apps("django.contrib.contenttypes", "tests.zoo")
def test_relations_that_joins_cannot_follow_are_left_out() -> None:
    class Remark(models.Model):
        content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
        object_id = models.PositiveIntegerField()
        target = GenericForeignKey()

        class Meta:
            app_label = "zoo"

    class Ticket(models.Model):
        year = models.IntegerField()
        number = models.IntegerField()
        remarks = GenericRelation(Remark, related_query_name="tickets")

        class Meta:
            app_label = "zoo"

    class Stub(models.Model):
        ticket_year = models.IntegerField()
        ticket_number = models.IntegerField()
        ticket = ForeignObject(
            Ticket, models.CASCADE, ["ticket_year", "ticket_number"], ["year", "number"], related_name="stubs"
        )

        class Meta:
            app_label = "zoo"

    schema = built(Remark, Ticket, Stub)

    # a generic relation is followed, but not backwards
    assert fields(schema, "Remark") == ["id", "contentTypeId", "objectId", "target"]
    assert fields(schema, "Ticket") == ["id", "year", "number", "remarks"]
    assert fields(schema, "Stub") == ["id", "ticketYear", "ticketNumber"]
    assert left_out(schema, "Remark") == {"tickets": False}
    assert left_out(schema, "Ticket") == {"stubs": False}
    assert left_out(schema, "Stub") == {"ticket": False}


@isolate_apps("tests.zoo")
def test_columns_that_cannot_be_described_are_left_out() -> None:
    class Plot(models.Model):
        spans = ArrayField(IntegerRangeField(), default=list)
        grid = ArrayField(ArrayField(models.DurationField()), default=list)
        files = ArrayField(models.FileField(), default=list)
        point = PointField()
        größe = models.IntegerField(default=0)

        class Meta:
            app_label = "zoo"

    schema = built(Plot)

    assert fields(schema, "Plot") == ["id"]
    assert left_out(schema, "Plot") == dict.fromkeys(["spans", "grid", "files", "point", "größe"], True)
    # they have been named here
    registry = Registry()
    fraiseql.type(Plot, fields=["spans", "files", "größe"], registry=registry)(type("Plot", (), {}))
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value).splitlines() == [
        "zoo.Plot: Plot.spans is an array of IntegerRangeField, which cannot be written; leave it out",
        "zoo.Plot: Plot.files is an array of FileField, which cannot be written; leave it out",
        "zoo.Plot: the field Plot.größe cannot be called 'größe': Names must only contain [_a-zA-Z0-9] but 'größe' "
        "does not; give it another name with fraiseql.field(name=…)",
    ]


@isolate_apps("tests.zoo")
def test_relations_of_one_name_are_left_out_or_excluded() -> None:
    class Shelf(models.Model):
        stored = models.TextField()

        class Meta:
            app_label = "zoo"

    # Django's checks refuse both, and can be silenced
    class Jar(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="things")
        hidden = models.ForeignKey(Shelf, models.CASCADE, related_name="+")
        other = models.ForeignKey(Shelf, models.CASCADE, related_name="stored")

        class Meta:
            app_label = "zoo"

    class Tin(models.Model):
        shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="things")

        class Meta:
            app_label = "zoo"

    schema = built(Shelf, Jar, Tin)

    assert fields(schema, "Shelf") == ["id", "stored"]
    assert left_out(schema, "Shelf") == {"things": False, "stored": False}
    registry = everything(Jar, Tin)
    fraiseql.type(Shelf, exclude=["things", "+"], registry=registry)(type("Shelf", (), {}))
    schema = build_schema(registry, get_settings())
    assert fields(schema, "Shelf") == ["id", "stored"]
    assert left_out(schema, "Shelf") == {"stored": False}


@isolate_apps("tests.zoo")
def test_relation_to_one_of_several_types_is_its_key() -> None:
    class Owner(models.Model):
        class Meta:
            app_label = "zoo"

    class Pet(models.Model):
        owner = models.ForeignKey(Owner, models.CASCADE)

        class Meta:
            app_label = "zoo"

    registry = everything(Pet)
    for name in ("One", "Other"):
        fraiseql.type(Owner, fields=["id"], registry=registry)(type(name, (), {}))
    schema = build_schema(registry, get_settings())

    assert fields(schema, "Pet") == ["id", "ownerId"]
    assert left_out(schema, "Pet") == {"owner": True}


# --- keys -------------------------------------------------------------------------------------


@pytest.mark.django_db
@isolate_apps("tests.zoo")
def test_keys_that_are_relations_are_among_all_fields() -> None:
    class Country(models.Model):
        class Meta:
            app_label = "zoo"

    class Capital(models.Model):
        country = models.OneToOneField(Country, models.CASCADE, primary_key=True)

        class Meta:
            app_label = "zoo"

    class Border(models.Model):
        pk = models.CompositePrimaryKey("country", "number")
        country = models.ForeignKey(Country, models.CASCADE)
        number = models.IntegerField()

        class Meta:
            app_label = "zoo"

    class Island(Country):
        class Meta:
            app_label = "zoo"

    class Atoll(Island):
        class Meta:
            app_label = "zoo"

    together = (Country, Capital, Border, Island, Atoll)
    with connection.schema_editor() as editor:
        for model in together:
            editor.create_model(model)
    atoll = Atoll.objects.create()
    Capital.objects.create(country=atoll.island_ptr.country_ptr)
    Border.objects.create(country=atoll.island_ptr.country_ptr, number=3)
    made = GraphQLEngine(registry=everything(*together), cache=None)
    key = str(atoll.pk)

    assert fields(made.schema, "Capital") == ["countryId", "country"]
    assert fields(made.schema, "Border") == ["countryId", "country", "number"]
    assert fields(made.schema, "Country") == ["id", "capital", "borderSet", "island"]
    # a parent's key is the parent's field
    assert fields(made.schema, "Island") == ["id", "countryPtr", "capital", "borderSet", "atoll"]
    assert fields(made.schema, "Atoll") == ["id", "countryPtr", "islandPtr", "capital", "borderSet"]
    assert data(
        made,
        f'{{ capital(id: "{key}") {{ countryId country {{ id }} }} '
        f'border(countryId: "{key}", number: 3) {{ countryId number country {{ capital {{ countryId }} }} }} '
        f'atoll(id: "{key}") {{ id islandPtr {{ id countryPtr {{ id }} }} borderSet {{ number }} }} }}',
    ) == {
        "capital": {"countryId": key, "country": {"id": key}},
        "border": {"countryId": key, "number": 3, "country": {"capital": {"countryId": key}}},
        "atoll": {"id": key, "islandPtr": {"id": key, "countryPtr": {"id": key}}, "borderSet": [{"number": 3}]},
    }
    # alone, without types over what they lead to
    assert fields(built(Capital), "Capital") == ["countryId"]
    assert fields(built(Border), "Border") == ["countryId", "number"]
    assert fields(built(Atoll), "Atoll") == ["id", "countryPtrId", "islandPtrId"]


# --- arguments --------------------------------------------------------------------------------


@isolate_apps("tests.zoo")
def test_nothing_excluded_is_all_fields() -> None:
    class Door(models.Model):
        width = models.IntegerField()

        class Meta:
            app_label = "zoo"

    def declared(**options: Any) -> list[str]:
        registry = Registry()
        fraiseql.type(Door, registry=registry, **options)(type("Door", (), {}))
        return fields(build_schema(registry, get_settings()), "Door")

    assert (
        declared(exclude=[])
        == declared(exclude=(), fields=None)
        == declared(fields="__all__", exclude=[])
        == ["id", "width"]
    )


# --- names that the planner uses --------------------------------------------------------------


@pytest.mark.django_db
@isolate_apps("tests.zoo")
def test_columns_may_have_the_names_that_statements_use() -> None:
    class Parcel(models.Model):
        fraiseql_json = models.TextField(default="json")
        fraiseql_value = models.TextField(default="value")
        fraiseql_order_0 = models.TextField(default="order")
        fraiseql_keys = models.TextField(default="keys")
        fraiseql_counted = models.TextField(default="counted")
        fraiseql_key = models.TextField(default="key")
        k0 = models.IntegerField(default=1)
        place = models.IntegerField(default=2)
        item = ArrayField(models.DurationField(), default=list)
        value = models.IntegerField(default=3)
        anchor = models.IntegerField(default=4)
        parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="fraiseql_children")

        class Meta:
            app_label = "zoo"

    with connection.schema_editor() as editor:
        editor.create_model(Parcel)
    registry = Registry()

    @fraiseql.type(Parcel, fields="__all__", rows=lambda viewer: models.Q(k0=1), registry=registry)
    class ParcelType:
        doubled: int = fraiseql.field(models.F("value") * 2)
        children: int = fraiseql.field(models.Count("fraiseql_children"))

    @fraiseql.mutation(registry=registry)
    def first(info: fraiseql.Info) -> Parcel:
        return Parcel.objects.order_by("pk")[0]

    outer = Parcel.objects.create()
    Parcel.objects.create(parent=outer)
    made = GraphQLEngine(registry=registry, cache=None)
    names = (
        "fraiseqlJson fraiseqlValue fraiseqlOrder0 fraiseqlKeys fraiseqlCounted fraiseqlKey k0 place item value anchor"
    )
    row = {
        "fraiseqlJson": "json", "fraiseqlValue": "value", "fraiseqlOrder0": "order", "fraiseqlKeys": "keys",
        "fraiseqlCounted": "counted", "fraiseqlKey": "key", "k0": 1, "place": 2, "item": [], "value": 3, "anchor": 4,
    }  # fmt: skip

    found = data(
        made,
        f"{{ parcels(orderBy: {{doubled: DESC}}) {{ {names} doubled children }} parcelsCount "
        f"inner: parcels(where: {{parent: {{children: {{gt: 0}}}}}}) "
        f"{{ parent {{ {names} doubled fraiseqlChildren {{ {names} }} }} }} "
        f"sorted: parcels(orderBy: {{parent: {{children: ASC_NULLS_FIRST}}}}) {{ doubled }} }}",
    )
    assert found == {
        "parcels": [{**row, "doubled": 6, "children": 1}, {**row, "doubled": 6, "children": 0}],
        "parcelsCount": 2,
        "inner": [{"parent": {**row, "doubled": 6, "fraiseqlChildren": [row]}}],
        "sorted": [{"doubled": 6}, {"doubled": 6}],
    }
    assert data(made, f"mutation {{ first {{ {names} doubled }} }}") == {"first": {**row, "doubled": 6}}


# --- where it is said -------------------------------------------------------------------------


@isolate_apps("tests.zoo")
def test_what_is_left_out_is_listed_by_a_command(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    class Post(models.Model):
        point = PointField()

        class Meta:
            app_label = "zoo"

    made = GraphQLEngine(registry=everything(Post), cache=None)
    monkeypatch.setitem(engine._engines, None, made)

    call_command("fraiseql_schema", "--left-out")

    assert capsys.readouterr().out == (
        "Post.point is a tests.zoo.fields.PointField, which extends no field class that is known; name the Django "
        "class to treat it as in FRAISEQL['SCALARS'], or leave it out\n"
    )
