"""
Rows of several types.

    Animal <── Dog <── Puppy        inheritance over several tables
           <── Cat
    Keeper ──< Animal ──< Visitor
    Vehicle: Car, Bike              proxies, which ``kind`` tells apart
    Remark ──> anything             a generic relation by a number, with remarks on remarks
    Note ──> anything               a generic relation by a text: keys that are numbers, UUIDs or texts
    Badge (UUID), Crate (text)      what notes are about
    Place                           a tree by a foreign key, in which there may be cycles
"""

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Keeper(models.Model):
    """Keeps animals."""

    name = models.CharField(max_length=30)


class Animal(models.Model):
    """An animal, perhaps one of the kinds below."""

    name = models.CharField(max_length=30)
    weight = models.IntegerField(default=1)
    keeper = models.ForeignKey(Keeper, models.CASCADE, null=True, related_name="animals")
    remarks = GenericRelation("menagerie.Remark", object_id_field="thing_id", content_type_field="thing_type")


class Dog(Animal):
    """With a breed."""

    breed = models.CharField(max_length=30)
    friends = models.ManyToManyField("self")


class Puppy(Dog):
    """A dog that is also something more."""

    weeks = models.IntegerField()


class Cat(Animal):
    """With lives."""

    breed = models.IntegerField(null=True)
    lives = models.IntegerField(default=9)


class Visitor(models.Model):
    """Has a favourite animal."""

    name = models.CharField(max_length=30)
    favourite = models.ForeignKey(Animal, models.SET_NULL, null=True, related_name="+")


class Vehicle(models.Model):
    """One table for all of them."""

    kind = models.CharField(max_length=10)
    wheels = models.IntegerField(null=True)


class Car(Vehicle):
    """The rows of the kind "car"."""

    class Meta:
        proxy = True


class Bike(Vehicle):
    """The rows of the kind "bike"."""

    class Meta:
        proxy = True


class Remark(models.Model):
    """On anything that has a number as key."""

    text = models.CharField(max_length=30)
    thing_type = models.ForeignKey(ContentType, models.CASCADE, null=True)
    thing_id = models.IntegerField(null=True)
    thing = GenericForeignKey("thing_type", "thing_id")
    remarks = GenericRelation("self", object_id_field="thing_id", content_type_field="thing_type")


class Note(models.Model):
    """On anything."""

    text = models.CharField(max_length=30)
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=50)
    content_object = GenericForeignKey()


class Badge(models.Model):
    """A UUID as key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=30)
    notes = GenericRelation(Note)


class Crate(models.Model):
    """A text as key."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=30)
    notes = GenericRelation(Note)


class Place(models.Model):
    """Within another."""

    name = models.CharField(max_length=30)
    within = models.ForeignKey("self", models.CASCADE, null=True, related_name="parts")
