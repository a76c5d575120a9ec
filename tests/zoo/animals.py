"""
Every kind of relation.

    House ──< Cage (composite key)        Place <── Restaurant <── Pizzeria   (inheritance)
    Species ──< Animal >──< Food (through Feeding)
                Animal ── Passport (one-to-one, which is its key)
                Animal >── Animal (mother), >──< Animal (friends; prey and hunters)
"""

import uuid
from typing import Any

from django.db import models
from django.db.models import F


class Species(models.Model):
    """What animals refer to by its Latin name, not by its key."""

    latin = models.CharField(max_length=60, unique=True)
    common = models.CharField(max_length=60, null=True)
    rank = models.IntegerField(null=True)

    class Meta:
        ordering = (F("rank").desc(nulls_last=True), "-latin")
        verbose_name_plural = "species"


class Keeper(models.Model):
    """A key that is a UUID."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    deputy = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="deputises")


class House(models.Model):
    """A key that is text."""

    code = models.CharField(primary_key=True, max_length=10)
    title = models.CharField(max_length=60)
    keeper = models.ForeignKey(Keeper, on_delete=models.SET_NULL, null=True, related_name="houses")


class Cage(models.Model):
    """A key of two columns, one of which leads to another table."""

    pk = models.CompositePrimaryKey("house_id", "number")
    house = models.ForeignKey(House, on_delete=models.CASCADE, related_name="cages")
    number = models.IntegerField()
    width = models.DecimalField(max_digits=6, decimal_places=2, null=True)


class Food(models.Model):
    """What is eaten."""

    name = models.CharField(max_length=60)


class LivingManager(models.Manager[Any]):
    """Hides what is marked as gone, as soft deletion does."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(gone=False)


class Animal(models.Model):
    """Nearly every kind of relation; the default manager hides some."""

    name = models.CharField(max_length=60)
    weight = models.FloatField(null=True)
    gone = models.BooleanField(default=False)
    species = models.ForeignKey(Species, on_delete=models.CASCADE, to_field="latin", related_name="animals")
    keeper = models.ForeignKey(Keeper, on_delete=models.SET_NULL, null=True, related_name="animals")
    mother = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    friends = models.ManyToManyField("self", symmetrical=True)
    prey = models.ManyToManyField("self", symmetrical=False, related_name="hunters")
    foods = models.ManyToManyField(Food, through="Feeding", related_name="eaters")
    born_in = models.ForeignKey(House, on_delete=models.SET_NULL, null=True, related_name="+")
    seen_in = models.ManyToManyField(House, related_name="+")

    objects = LivingManager()
    everything: models.Manager[Any] = models.Manager()

    class Meta:
        ordering = (F("weight").asc(nulls_first=True), "species", "name")


class Tame(Animal):
    """A proxy with an order and a manager of its own."""

    class Meta:
        proxy = True
        ordering = ("-name",)


class EatenManager(models.Manager[Any]):
    """Joins a list, so that it needs DISTINCT, and turns its order around."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(feedings__grams__gt=50).distinct().order_by("name").reverse()


class Eaten(Food):
    """A proxy whose manager is one of those that surprise."""

    objects = EatenManager()

    class Meta:
        proxy = True


class Feeding(models.Model):
    """What one animal eats of one food."""

    animal = models.ForeignKey(Animal, on_delete=models.CASCADE, related_name="feedings")
    food = models.ForeignKey(Food, on_delete=models.CASCADE, related_name="feedings")
    grams = models.PositiveIntegerField()

    class Meta:
        ordering = ("animal__species__common", "-food__name")


class Passport(models.Model):
    """One-to-one, and the relation is the key."""

    animal = models.OneToOneField(Animal, on_delete=models.CASCADE, primary_key=True, related_name="passport")
    number = models.CharField(max_length=20, unique=True)
    chip = models.OneToOneField("Chip", on_delete=models.SET_NULL, null=True)


class Chip(models.Model):
    """One-to-one whose way back has the name that Django gives it; its query name is another."""

    code = models.BigIntegerField()
    reader = models.OneToOneField(
        Keeper, on_delete=models.CASCADE, null=True, related_name="chip", related_query_name="the_chip"
    )


class Place(models.Model):
    """A parent in multi-table inheritance."""

    name = models.CharField(max_length=60)
    address = models.CharField(max_length=60, unique=True)


class Restaurant(Place):
    """A child."""

    stars = models.IntegerField(null=True)
    suppliers = models.ManyToManyField(Place, related_name="supplied")


class Pizzeria(Restaurant):
    """A grandchild, whose link to its parent is named."""

    base = models.OneToOneField(Restaurant, on_delete=models.CASCADE, parent_link=True, related_name="pizzas")
    oven = models.CharField(max_length=60, default="wood")


class Guest(models.Model):
    """Someone who leads to the child of an inheritance."""

    name = models.CharField(max_length=60)
    haunt = models.ForeignKey(Restaurant, on_delete=models.CASCADE, related_name="guests")
    avoids = models.ForeignKey(Pizzeria, on_delete=models.SET_NULL, null=True, related_name="avoided_by")


class Odd(models.Model):
    """Names that must be quoted: what Django itself can do, it can do."""

    capital = models.TextField(db_column="Capital Letters", default="")
    keyword = models.IntegerField(db_column="select", null=True)
    braces = models.TextField(db_column="{0}", default="")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, db_column="Parent Of", related_name="kids")
    others = models.ManyToManyField("self", db_table="Odd Links", symmetrical=False, related_name="others_of")

    class Meta:
        db_table = "Odd Table {1}"
        ordering = ("keyword",)


class Elsewhere(models.Model):
    """A table of another schema, in the spelling that many projects use."""

    label = models.TextField(default="")

    class Meta:
        db_table = 'public"."zoo elsewhere'


class Sponsor(models.Model):
    """What is gone is hidden by the base manager, which to-one relations ask, and not by the default manager."""

    name = models.CharField(max_length=60)
    gone = models.BooleanField(default=False)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="branches")

    objects: models.Manager[Any] = models.Manager()
    living = LivingManager()

    class Meta:
        base_manager_name = "living"


class Contract(models.Model):
    """Leads to a sponsor who may be gone, and may be gone itself."""

    sponsor = models.OneToOneField(Sponsor, on_delete=models.CASCADE, null=True, related_name="contract")
    witness = models.ForeignKey(Sponsor, on_delete=models.CASCADE, null=True, related_name="witnessed")
    guests = models.ManyToManyField(Sponsor, related_name="invitations")
    amount = models.IntegerField(null=True)
    gone = models.BooleanField(default=False)

    objects: models.Manager[Any] = models.Manager()
    living = LivingManager()

    class Meta:
        base_manager_name = "living"


class Leaf(models.Model):
    """The end of a key that no constraint guards, so that it may lead nowhere."""

    label = models.TextField()


class Twig(models.Model):
    """Such a key, once where null is allowed and once where it is not."""

    leaf = models.ForeignKey(Leaf, on_delete=models.DO_NOTHING, db_constraint=False, related_name="twigs")
    other = models.ForeignKey(
        Leaf, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="other_twigs"
    )


class AnnotatedManager(models.Manager[Any]):
    """Counts, as managers do for the admin."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().annotate(count=models.Count("pages")).order_by("-count", "title")


class Album(models.Model):
    """A default manager that groups and sorts."""

    title = models.CharField(max_length=60)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="parts")

    objects = AnnotatedManager()


class Page(models.Model):
    """What the manager counts; its order is that of its album."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE, related_name="pages")
    place = models.IntegerField()

    class Meta:
        order_with_respect_to = "album"
