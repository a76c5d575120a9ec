"""The zoo's rows; the same every time, keys included."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management.color import no_style
from django.db import connection
from django.db.backends.postgresql.psycopg_any import (
    DateRange,
    DateTimeTZRange,
    NumericRange,
)
from django.db.models import Model

from . import models
from .specimens import FILES

UTC = dt.UTC
IDS = [uuid.UUID(int=n * 0x1111_2222_3333_4444_5555) for n in range(1, 6)]
CONTROLS = "".join(map(chr, range(1, 32))) + "\"\\/\x7f\u2028\u2029 %s %% %(x)s {0} {} ' '' $1 \U0001f98a é"

SPECIMENS: list[dict[str, Any]] = [
    {"name": "nothing"},
    {
        "name": "zeros and blanks",
        "boolean_null": False,
        "small": 0,
        "positive_small": 0,
        "integer": 0,
        "positive": 0,
        "big": 0,
        "positive_big": 0,
        "double": 0.0,
        "decimal": Decimal(0),
        "char": "",
        "slug": "",
        "email": "",
        "url": "",
        "file_path": "",
        "code": "",
        "caseless": "",
        "unlimited": "",
        "uuid": uuid.UUID(int=0),
        "date": dt.date(1970, 1, 1),
        "date_time": dt.datetime(1970, 1, 1, tzinfo=UTC),
        "time": dt.time(0),
        "duration": dt.timedelta(0),
        "binary": b"",
        "json": {},
        "json_set": [],
        "bits": 0,
        "odd": "",
        "level": 0,
        "texts": [],
        "decimals": [],
        "bigs": [],
        "doubles": [],
        "booleans": [],
        "uuids": [],
        "dates": [],
        "date_times": [],
        "durations": [],
        "binaries": [],
        "ips": [],
        "jsons": [],
        "levels": [],
        "matrix": [],
        "words": [],
        "int_range": NumericRange(empty=True),
        "big_range": NumericRange(empty=True),
        "decimal_range": NumericRange(empty=True),
        "date_range": DateRange(empty=True),
        "date_time_range": DateTimeTZRange(empty=True),
        "document_null": "",
    },
    {
        "name": "ordinary",
        "boolean": True,
        "boolean_null": True,
        "small": 7,
        "positive_small": 7,
        "integer": 7,
        "integer_set": 7,
        "positive": 7,
        "big": 9007199254740993,
        "positive_big": 9007199254740993,
        "double": 0.1,
        "decimal": Decimal("10.50"),
        "char": "Le Petit",
        "text": "Some plain text",
        "slug": "some-slug",
        "email": "ada@example.org",
        "url": "https://example.org/?a=1&b=2",
        "file_path": "/etc/hosts",
        "code": "AB12",
        "caseless": "Ada",
        "unlimited": "x" * 300,
        "uuid": uuid.UUID("123e4567-e89b-12d3-a456-426614174000"),
        "date": dt.date(2024, 2, 29),
        "date_time": dt.datetime(2024, 5, 31, 13, 45, 0, 500, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "time": dt.time(13, 45, 0, 120000),
        "duration": dt.timedelta(days=3, hours=4, minutes=5, seconds=6),
        "binary": bytes(range(256)),
        "ip": "192.0.2.1",
        "ipv4": "10.0.0.1",
        "json": {"eq": 1, "in": [1, {"deep": None}], "price": 10.5, "ü": "ö", "AND": True},
        "json_set": {"a": None},
        "bits": 5,
        "odd": "e-book",
        "plain_choice": "x",
        "level": 1,
        "big_choice": 2**40,
        "texts": ["a", "b,c", 'd"e', "{f}", "NULL", "", "\\"],
        "integers": [1, None, 3],
        "decimals": [Decimal("1.5000"), Decimal("-2.2500")],
        "bigs": [2**62, -(2**62)],
        "doubles": [0.1, None, -2.5],
        "booleans": [True, False],
        "uuids": [IDS[0], IDS[1]],
        "dates": [dt.date(2024, 5, 31), dt.date(2000, 1, 1)],
        "date_times": [dt.datetime(2024, 5, 31, 13, 45, tzinfo=UTC)],
        "durations": [dt.timedelta(seconds=1), -dt.timedelta(days=2, microseconds=5)],
        "binaries": [b"hello", b"\x00\xff"],
        "ips": ["192.0.2.1", "::1"],
        "jsons": [{"a": 1}, [1, 2], "text", 3],
        "levels": [1, -1],
        "matrix": [[1, 2], [3, 4]],
        "words": [["a", None], ["é", 'q"']],
        "int_range": NumericRange(1, 5),
        "big_range": NumericRange(2**40, 2**41),
        "decimal_range": NumericRange(Decimal("1.50"), Decimal("2.50"), "[]"),
        "date_range": DateRange(dt.date(2024, 1, 1), dt.date(2024, 12, 31), "[]"),
        "date_time_range": DateTimeTZRange(
            dt.datetime(2024, 1, 1, tzinfo=UTC), dt.datetime(2024, 1, 2, 0, 0, 0, 5, tzinfo=UTC), "(]"
        ),
        "document": "documents/hello.txt",
        "document_null": "documents/gone.txt",
        "picture": "pictures/fox.png",
        "picture_width": 40,
        "picture_height": 30,
        "bare_picture": "bare.png",
        "phone_1": "+49 30 1",
        "type": "typical",
    },
    {
        "name": "largest",
        "small": 32767,
        "positive_small": 32767,
        "integer": 2147483647,
        "integer_set": 1073741823,
        "positive": 2147483647,
        "big": 2**63 - 1,
        "positive_big": 2**63 - 1,
        "double": 1e300,
        "decimal": Decimal("123456789012345678901234567890.12345678901234567890"),
        "char": CONTROLS,
        "text": CONTROLS * 3,
        "date": dt.date.max,
        "date_time": dt.datetime.max.replace(tzinfo=UTC),
        "time": dt.time.max,
        "duration": dt.timedelta(days=100_000, microseconds=-1),
        "ip": "2001:db8::ff00:42:8329",
        "json": [1e300, 12345678901234567890, -0.5, "\u2028\U0001f98a"],
        "json_set": "just text",
        "odd": 'it\'s \\ "quoted"',
        "int_range": NumericRange(None, 10),
        "big_range": NumericRange(10, None),
        "decimal_range": NumericRange(None, None),
        "date_range": DateRange(None, dt.date(2024, 1, 1)),
        "date_time_range": DateTimeTZRange(dt.datetime(2024, 1, 1, tzinfo=UTC), None),
    },
    {
        "name": "smallest",
        "small": -32768,
        "integer": -2147483648,
        "integer_set": -1073741824,
        "big": -(2**63),
        "double": -5e-324,
        "decimal": Decimal("-0.00000000000000000001"),
        "char": "Ärger é Ünder_score 100%",
        "text": "SOME PLAIN TEXT",
        "date": dt.date.min,
        "date_time": dt.datetime.min.replace(tzinfo=UTC),
        "time": dt.time(0, 0, 0, 1),
        "duration": dt.timedelta(microseconds=-1),
        "ip": "::ffff:192.0.2.1",
        "json": False,
        "json_set": 0,
        "odd": "{0}",
        "level": -1,
        "big_choice": 5,
    },
    {
        "name": "others",
        "double": -0.0,
        "decimal": Decimal("10.5"),
        "small": 7,
        "integer": 8,
        "char": "le petit",
        "duration": -dt.timedelta(days=1, hours=1, minutes=2, seconds=3, microseconds=40),
        "date_time": dt.datetime(2024, 5, 31, 11, 45, 0, 500, tzinfo=UTC),
        "json": None,
        "odd": "100%",
        "texts": ["a"],
        "int_range": NumericRange(1, 4, "[]"),
    },
    {"name": "1st", "odd": "1st", "integer": 9, "char": "Le Grand", "date": dt.date(2024, 3, 1)},
    {"name": "true", "odd": "true", "integer": 7, "char": "100%", "boolean_null": False},
    {"name": "loose", "odd": "loose", "plain_choice": "y", "slug": "some-slug"},
]


def _create(model: type[Model], **values: Any) -> Any:
    return model._base_manager.create(**values)


def _specimens() -> None:
    for name in ("documents/hello.txt", "pictures/fox.png"):
        if not FILES.exists(name):
            FILES.save(name, ContentFile(b"hello"))
    for values in SPECIMENS:
        # a row's own columns only: saving an image would look into its file
        models.Specimen.objects.bulk_create([models.Specimen(name=values["name"])])
        models.Specimen.objects.filter(name=values["name"]).update(**values)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE zoo_specimen SET vector = 'fat:2 cat:3A,5 ''it''''s''' WHERE name = 'ordinary'; "
            # JSON's null, which is not SQL's
            "UPDATE zoo_specimen SET json = 'null', json_set = '{\"a\": null}' WHERE name = 'loose'"
        )


def _houses() -> None:
    ada, bob, cleo, dan, eve = [
        _create(models.Keeper, id=key, name=name)
        for key, name in zip(IDS, ["Ada", "Bob", "Cleo", "Dan", "Ada"], strict=True)
    ]
    for keeper, deputy in ((bob, ada), (cleo, ada), (dan, bob), (ada, ada)):
        keeper.deputy = deputy
        keeper.save()
    houses = (("APE", "Apes", ada), ("b/1", "Birds", bob), ("é", "Éléphants", None), ("", "No code", eve))
    for code, title, keeper in houses:
        _create(models.House, code=code, title=title, keeper=keeper)
    for house, number, width in (("APE", 1, "2.50"), ("APE", 2, None), ("b/1", 1, "0.75"), ("b/1", -7, "12.00")):
        _create(models.Cage, house_id=house, number=number, width=width and Decimal(width))


# name, weight, gone, species, keeper, mother, born in
ANIMALS: list[tuple[str, float | None, bool, str, int | None, int | None, str | None]] = [
    ("Koko", 80.5, False, "Gorilla", 0, None, "APE"),
    ("Kiki", 40.0, False, "Gorilla", 0, 1, "APE"),
    ("Rex", None, False, "Canis lupus", 1, None, None),
    ("Ghost", 12.0, True, "Canis lupus", 1, 3, "b/1"),
    ("Tweety", 0.02, False, "Serinus", None, None, "b/1"),
    ("tweety", 0.02, False, "Serinus", 4, 5, ""),
    ("Zoë", 40.0, False, "Gorilla", 2, 2, "é"),
    ("Rex", 30.0, False, "Canis lupus", 1, 4, None),
    ("%_\\", 1.5, False, "Unica", None, None, None),
    ("Ghost", None, True, "Unica", None, 8, None),
]


def _animals() -> None:
    for latin, common, rank in (
        ("Gorilla", "Gorilla", 1),
        ("Canis lupus", "Wolf", None),
        ("Serinus", None, 1),
        ("Unica", "One", 3),
        ("Nulla", "None", None),
    ):
        _create(models.Species, latin=latin, common=common, rank=rank)
    keys = list(models.Keeper.objects.order_by("id").values_list("id", flat=True))
    for name, weight, gone, species, keeper, mother, house in ANIMALS:
        _create(
            models.Animal, name=name, weight=weight, gone=gone, species_id=species,
            keeper_id=None if keeper is None else keys[keeper], mother_id=mother, born_in_id=house,
        )  # fmt: skip
    animals = {animal.pk: animal for animal in models.Animal.everything.all()}
    for one, friends, prey, houses in (
        (1, (2, 3), (), ("APE", "é")), (2, (4,), (5, 6), ("APE",)), (3, (), (3, 5), ()), (8, (8,), (1,), ("b/1", "")),
    ):  # fmt: skip
        animals[one].friends.add(*(animals[other] for other in friends))
        animals[one].prey.add(*(animals[other] for other in prey))
        animals[one].seen_in.add(*models.House.objects.filter(code__in=houses))
    foods = [_create(models.Food, name=name) for name in ("Banana", "Bone", "Seeds", "Nothing")]
    for animal, food, grams in ((1, 0, 900), (1, 0, 100), (2, 0, 300), (3, 1, 200), (4, 1, 50), (5, 2, 5), (6, 2, 101)):
        _create(models.Feeding, animal=animals[animal], food=foods[food], grams=grams)
    for number, keeper in ((2**53 + 1, keys[0]), (2**53 + 1, None), (7, keys[1])):
        _create(models.Chip, code=number, reader_id=keeper)
    chips = list(models.Chip.objects.order_by("id"))
    for animal, number, chip in ((1, "P-1", chips[0]), (3, "P-3", None), (4, "P-4", chips[2])):
        _create(models.Passport, animal=animals[animal], number=number, chip=chip)


def _places() -> None:
    park = _create(models.Place, name="Park", address="Here 1")
    grill = _create(models.Restaurant, name="Grill", address="There 2", stars=3)
    oven = _create(models.Pizzeria, name="Oven", address="There 3", stars=None)
    grill.suppliers.add(park, oven.place_ptr)
    oven.suppliers.add(park)
    _create(models.Guest, name="Gus", haunt=grill, avoids=oven)
    _create(models.Guest, name="Gil", haunt=oven.base, avoids=None)
    _create(models.Guest, name="Gus", haunt=grill, avoids=None)


def _oddities() -> None:
    shorts = [_create(models.ShortKey, label=label) for label in ("one", "two", "two")]
    for label, own in (("first", shorts), ("second", shorts[:1]), ("third", [])):
        _create(models.PlainKey, label=label).shorts.set(own)
    root = _create(models.Odd, capital='Root "1"', keyword=1, braces="{0}")
    kids = [_create(models.Odd, capital=f"Kid {n}", keyword=n, parent=root) for n in (2, None, 3)]
    root.others.set(kids)
    _create(models.Elsewhere, label="far away")
    here, gone, late = (
        models.Sponsor.objects.create(name=name, gone=gone)
        for name, gone in (("Here", False), ("Gone", True), ("", False))
    )
    models.Sponsor.objects.filter(pk=late.pk).update(parent=gone)
    models.Sponsor.objects.filter(pk=gone.pk).update(parent=here)
    for sponsor, witness, amount, hidden in (
        (here, gone, 1, False), (gone, here, None, False), (late, None, 3, True), (None, late, 4, False),
    ):  # fmt: skip
        contract = models.Contract(sponsor=sponsor, witness=witness, amount=amount, gone=hidden)
        contract.save(force_insert=True)
        contract.guests.set([here, gone])
    leaf = _create(models.Leaf, label="green")
    _create(models.Twig, leaf=leaf, other=leaf)
    _create(models.Twig, leaf=leaf, other=None)
    album = _create(models.Album, title="Animals")
    other = _create(models.Album, title="Birds", parent=album)
    _create(models.Album, title="Cats", parent=album)
    pages = [_create(models.Page, album=owner, place=n) for n, owner in enumerate((album, other, other, album, other))]
    other.set_page_order([pages[4].pk, pages[1].pk, pages[2].pk])


def populate() -> None:
    """Fill the zoo's tables, which are empty."""
    with connection.cursor() as cursor:
        for model in apps.get_app_config("zoo").get_models(include_auto_created=True):
            if not model.__module__.startswith("tests.zoo."):
                # a test has made it, perhaps over a table of the bookshop
                continue
            for sequence in connection.introspection.get_sequences(cursor, model._meta.db_table):
                for statement in connection.ops.sequence_reset_by_name_sql(no_style(), [sequence]):
                    cursor.execute(statement)
    _specimens()
    _houses()
    _animals()
    _places()
    _oddities()
