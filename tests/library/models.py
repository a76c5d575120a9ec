"""
Every rule that an object may have of its own.

    Writer ──< Novel >──< Genre (and >──< Shop through Stock, which needs a count)
               Novel ──< Remark, ──< Bookmark (may be of none), ── Manuscript (one to one), ──< Chapter (composite key),
               ──< Verse (in places that may be exchanged)
"""

from decimal import Decimal
from typing import Any

from django.contrib.postgres import fields as postgres
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError
from django.core.files.storage import InMemoryStorage
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Deferrable, F, Q
from django.db.models.functions import Lower

FILES = InMemoryStorage(base_url="/files/")


class ShownManager(models.Manager[Any]):
    """Shows what is not withdrawn."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(withdrawn=False)


class Writer(models.Model):
    """Some are withdrawn, and nobody may know of them."""

    name = models.CharField(max_length=30, unique=True)
    withdrawn = models.BooleanField(default=False)
    mentor = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="pupils")
    version = models.PositiveIntegerField(default=1)

    objects = ShownManager()
    everyone: models.Manager[Any] = models.Manager()

    class Meta:
        ordering = ("name",)


class Genre(models.Model):
    """What a novel is of."""

    name = models.CharField(max_length=30, unique=True)

    class Meta:
        ordering = ("name",)


class Shop(models.Model):
    """Where a novel is sold."""

    name = models.CharField(max_length=30)


class Novel(models.Model):
    """With a rule of nearly every kind."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        OUT = "out", "Out in print"

    title = models.CharField(max_length=20)
    isbn = models.CharField("ISBN", max_length=13, unique=True, validators=[RegexValidator(r"^[0-9-]*$")])
    price = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal(10))
    discount = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal(0))
    state = models.CharField(max_length=5, choices=State.choices, default=State.DRAFT)
    writer = models.ForeignKey(Writer, on_delete=models.PROTECT, related_name="novels")
    editor = models.ForeignKey(Writer, on_delete=models.SET_NULL, null=True, related_name="edited")
    genres = models.ManyToManyField(Genre, related_name="novels")
    shops = models.ManyToManyField(Shop, through="Stock", related_name="novels")
    blurb = models.TextField(blank=True)
    published = models.DateField(null=True)
    tags = postgres.ArrayField(models.CharField(max_length=5), default=list, blank=True)
    notes = models.JSONField(default=dict, blank=True)
    on_loan = postgres.DateRangeField(null=True)
    cover = models.FileField(upload_to="covers/", storage=FILES, blank=True)
    pages = models.PositiveSmallIntegerField(null=True)
    title_length = models.GeneratedField(
        expression=models.functions.Length("title"), output_field=models.IntegerField(), db_persist=True
    )
    secret = models.CharField(max_length=10, default="", editable=False)
    version = models.IntegerField(default=1)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("title", "pk")
        constraints = (
            models.UniqueConstraint(fields=["writer", "title"], name="novel_of_writer"),
            models.CheckConstraint(
                condition=Q(price__gte=0), name="novel_price", violation_error_message="Not for that."
            ),
            models.CheckConstraint(
                condition=Q(discount__lte=F("price")),
                name="novel_discount",
                violation_error_message="More off than it costs.",
                violation_error_code="too_cheap",
            ),
        )

    def clean(self) -> None:
        if self.title == "Untitled":
            raise ValidationError({"title": ValidationError("A title, please.", code="dull")})
        if self.title == "Nothing":
            raise ValidationError("Nothing will come of nothing.")


class Stock(models.Model):
    """How many of a novel a shop has."""

    novel = models.ForeignKey(Novel, on_delete=models.CASCADE)
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    count = models.IntegerField()


class Remark(models.Model):
    """Of a novel, always."""

    novel = models.ForeignKey(Novel, on_delete=models.CASCADE, related_name="remarks")
    stars = models.IntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    text = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["novel", "text"], name="remark_once"),)

    def clean(self) -> None:
        # asks for what a remark must have
        if self.text == self.novel.title:
            raise ValidationError("That is the title.")


class Bookmark(models.Model):
    """In a novel, or lost."""

    novel = models.ForeignKey(Novel, on_delete=models.SET_NULL, null=True, blank=True, related_name="bookmarks")
    label = models.CharField(max_length=20)

    class Meta:
        ordering = ("pk",)


class Manuscript(models.Model):
    """At most one of a novel."""

    novel = models.OneToOneField(Novel, on_delete=models.CASCADE, null=True, related_name="manuscript")
    place = models.CharField(max_length=20)


class Chapter(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("novel_id", "number")
    novel = models.ForeignKey(Novel, on_delete=models.CASCADE, related_name="chapters")
    number = models.IntegerField()
    heading = models.CharField(max_length=20)

    class Meta:
        ordering = ("novel", "number")


class Verse(models.Model):
    """Verses may change places, since that is checked at the end."""

    novel = models.ForeignKey(Novel, on_delete=models.CASCADE, related_name="verses")
    place = models.IntegerField()
    text = models.CharField(max_length=20)
    version = models.IntegerField(default=1)
    tags = postgres.ArrayField(models.CharField(max_length=5), null=True, blank=True)
    seen = models.DateTimeField(null=True, blank=True)
    lasts = models.DurationField(null=True, blank=True)
    weight = models.FloatField(null=True, blank=True)
    facts = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("place",)
        constraints = (
            models.UniqueConstraint(fields=["novel", "place"], name="verse_place", deferrable=Deferrable.DEFERRED),
        )


class Language(models.Model):
    """A key that clients give."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=30)


class Room(models.Model):
    """Rules that nobody checks before PostgreSQL does, or that it checks at the end."""

    name = models.CharField(max_length=30)
    place = models.IntegerField()
    open = postgres.IntegerRangeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["place"], name="room_place", deferrable=Deferrable.DEFERRED),
            models.UniqueConstraint(Lower("name"), name="room_name", violation_error_message="There is such a room."),
            ExclusionConstraint(name="room_open", expressions=[("open", "&&")], violation_error_message="Both open."),
        )


class Loan(models.Model):
    """Whose room cannot go before it, which only PostgreSQL knows."""

    room = models.ForeignKey(Room, on_delete=models.DO_NOTHING, related_name="loans")


class Card(models.Model):
    """With methods of its own."""

    title = models.CharField(max_length=20)
    slug = models.CharField(max_length=20, editable=False)
    saved = models.IntegerField(default=0, editable=False)
    facts = models.JSONField(default=dict)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.saved += 1
        if self.title == "refuse":
            raise ValidationError({"title": "Refused by save()."})
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        if self.title == "keep":
            raise ValidationError("Refused by delete().")
        return super().delete(*args, **kwargs)

    def clean(self) -> None:
        self.slug = self.title.lower()
        self.facts["cleaned"] = True


class Tidy(models.Model):
    """With a clean() of its own, and nothing else."""

    title = models.CharField(max_length=20)
    slug = models.CharField(max_length=20, default="")
    whatever = models.JSONField(default=None)
    changed = models.DateTimeField(auto_now=True)

    def clean(self) -> None:
        self.slug = self.title.lower()


class Shelf(models.Model):
    """A constraint of every kind, over fields that clients write."""

    slug = models.CharField(max_length=20, default="", blank=True)
    label = models.CharField(max_length=20, default="", blank=True)
    code = models.CharField(max_length=20, default="", blank=True)
    row = models.IntegerField(default=0)
    place = models.IntegerField(default=0)
    wide = models.IntegerField(default=0)
    tall = models.IntegerField(default=0)
    lamp = models.IntegerField(null=True, blank=True)
    span = postgres.IntegerRangeField(null=True, blank=True)
    gone = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "shelves"
        constraints = (
            models.UniqueConstraint(fields=["slug"], condition=~Q(slug="") & Q(gone=False), name="shelf_slug"),
            models.UniqueConstraint(
                fields=["label"],
                condition=~Q(label=""),
                name="shelf_label",
                violation_error_message="This label is taken.",
                violation_error_code="taken",
            ),
            models.UniqueConstraint(
                fields=["code"], condition=~Q(code=""), name="shelf_code", violation_error_code="unique"
            ),
            models.UniqueConstraint(fields=["row", "place"], condition=Q(place__gt=0), name="shelf_row_place"),
            models.UniqueConstraint(
                Lower("slug"), "label", condition=Q(gone=True), name="shelf_gone", violation_error_message="Gone, too."
            ),
            models.UniqueConstraint(fields=["wide"], include=["tall"], condition=Q(wide__gt=0), name="shelf_wide"),
            models.UniqueConstraint(
                fields=["lamp", "tall"], condition=Q(tall__gt=0), nulls_distinct=False, name="shelf_lamp"
            ),
            models.CheckConstraint(condition=Q(row__gte=0), name="shelf_row"),
            ExclusionConstraint(name="shelf_span", expressions=[("span", "&&")], condition=Q(gone=False)),
        )
