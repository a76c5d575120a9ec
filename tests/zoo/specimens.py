"""One model with every field class of Django and django.contrib.postgres."""

from django.contrib.postgres import fields as postgres
from django.contrib.postgres.search import SearchVectorField
from django.core.files.storage import InMemoryStorage
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Concat, Upper

from .fields import BitField, CaselessField, CodeField

FILES = InMemoryStorage(base_url="/files/")


class Level(models.IntegerChoices):
    """Whole numbers, of which one is negative."""

    LOW = -1, "Low"
    NONE = 0, "None at all"
    HIGH = 1, "High"


ODD_CHOICES = [
    ("", "Nothing"),
    ("e-book", "Electronic"),
    ("e_book", "The same name once sanitised"),
    ("1st", "First"),
    ("true", "Truth"),
    ("null", "Nought"),
    ("été", "Summer"),
    ("日本", "Japan"),
    ("{0}", "Braces"),
    ("100%", "Percent"),
    ('it\'s \\ "quoted"', "Quotes"),
    ("A", "Capital"),
    ("a", "Small"),
    (None, "Nobody knows"),
    ("Group", [("in", "In a group"), ("out", "Out of it")]),
    (None, [("loose", "In a group without a name")]),
]


class Specimen(models.Model):
    """Every field class; most columns may be null, so that every value is also tried as null."""

    name = models.CharField(max_length=60, unique=True)

    boolean = models.BooleanField(default=False)
    boolean_null = models.BooleanField(null=True)
    small = models.SmallIntegerField(null=True)
    positive_small = models.PositiveSmallIntegerField(null=True)
    integer = models.IntegerField(null=True)
    integer_set = models.IntegerField(default=0)
    positive = models.PositiveIntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive_big = models.PositiveBigIntegerField(null=True)
    double = models.FloatField(null=True)
    decimal = models.DecimalField(max_digits=50, decimal_places=20, null=True)

    char = models.CharField(max_length=100, null=True)
    text = models.TextField(default="")
    slug = models.SlugField(null=True)
    email = models.EmailField(null=True)
    url = models.URLField(null=True)
    file_path = models.FilePathField(path="/", null=True)
    code = CodeField(max_length=20, null=True)
    caseless = CaselessField(null=True)
    unlimited = models.CharField(null=True)

    uuid = models.UUIDField(null=True)
    date = models.DateField(null=True)
    date_time = models.DateTimeField(null=True)
    time = models.TimeField(null=True)
    duration = models.DurationField(null=True)
    binary = models.BinaryField(null=True)
    ip = models.GenericIPAddressField(null=True)
    ipv4 = models.GenericIPAddressField(protocol="IPv4", null=True)
    json = models.JSONField(null=True)
    json_set = models.JSONField(default=dict)
    bits = BitField(null=True)
    vector = SearchVectorField(null=True)

    odd = models.CharField(max_length=30, choices=ODD_CHOICES, null=True, blank=True)
    plain_choice = models.CharField(max_length=5, choices=[("x", "X"), ("y", "Y")], blank=True, default="")
    level = models.SmallIntegerField(choices=Level, null=True)
    big_choice = models.BigIntegerField(choices=[(2**40, "Much"), (5, "Little")], null=True)

    texts = postgres.ArrayField(models.CharField(max_length=20), null=True)
    integers = postgres.ArrayField(models.IntegerField(null=True), default=list)
    decimals = postgres.ArrayField(models.DecimalField(max_digits=12, decimal_places=4), null=True)
    bigs = postgres.ArrayField(models.BigIntegerField(), null=True)
    doubles = postgres.ArrayField(models.FloatField(null=True), null=True)
    booleans = postgres.ArrayField(models.BooleanField(), null=True, size=3)
    uuids = postgres.ArrayField(models.UUIDField(), null=True)
    dates = postgres.ArrayField(models.DateField(), null=True)
    date_times = postgres.ArrayField(models.DateTimeField(), null=True)
    durations = postgres.ArrayField(models.DurationField(), null=True)
    binaries = postgres.ArrayField(models.BinaryField(), null=True)
    ips = postgres.ArrayField(models.GenericIPAddressField(), null=True)
    jsons = postgres.ArrayField(models.JSONField(null=True), null=True)
    levels = postgres.ArrayField(models.SmallIntegerField(choices=Level), null=True)
    matrix = postgres.ArrayField(postgres.ArrayField(models.IntegerField()), null=True)
    words = postgres.ArrayField(postgres.ArrayField(models.TextField(null=True), size=2), null=True)

    int_range = postgres.IntegerRangeField(null=True)
    big_range = postgres.BigIntegerRangeField(null=True)
    decimal_range = postgres.DecimalRangeField(null=True)
    date_range = postgres.DateRangeField(null=True)
    date_time_range = postgres.DateTimeRangeField(null=True)

    document = models.FileField(upload_to="documents/", storage=FILES, blank=True)
    document_null = models.FileField(upload_to="documents/", storage=FILES, null=True, blank=True)
    picture = models.ImageField(
        upload_to="pictures/",
        storage=FILES,
        width_field="picture_width",
        height_field="picture_height",
        blank=True,
    )
    picture_width = models.IntegerField(null=True, editable=False)
    picture_height = models.IntegerField(null=True, editable=False)
    bare_picture = models.ImageField(storage=FILES, blank=True)

    shouted = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=60), db_persist=True
    )
    doubled = models.GeneratedField(
        expression=F("integer_set") * 2, output_field=models.BigIntegerField(), db_persist=True
    )
    phone_1 = models.CharField("telephone", max_length=20, default="")
    type = models.CharField(max_length=20, default="", help_text="A word that GraphQL uses.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ShortKey(models.Model):
    """SmallAutoField as its key."""

    id = models.SmallAutoField(primary_key=True)
    label = models.TextField(default="")


class PlainKey(models.Model):
    """AutoField as its key, which has a name of its own and a column of another."""

    number = models.AutoField(primary_key=True, db_column="No.")
    label = models.TextField(default="")
    shorts = models.ManyToManyField(ShortKey, related_name="plains")
    marked = models.GeneratedField(
        expression=Concat(Value("<"), F("label"), Value(">"), output_field=models.TextField()),
        output_field=models.TextField(),
        db_persist=True,
    )
