"""
Every kind of relation, between models that any rule fits.

    Room ──< Room (within)      Room >──< Room (doors)
    Room ──< Box >──< Tag       Box ──< Note       Box ── Seal       Box ──< Box (twins)
    Room >──< Member (guests), through Visit
"""

from django.db import models


class Member(models.Model):
    """Who owns and reads: the user with the same key (no table of an app without migrations leads to one with them)."""

    username = models.CharField(max_length=60)


class Guarded(models.Model):
    """What rules ask of."""

    name = models.CharField(max_length=60, null=True)
    tenant = models.IntegerField(default=0)
    owner = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+")
    readers = models.ManyToManyField(Member, related_name="+")

    class Meta:
        abstract = True
        ordering = ("pk",)


class Room(Guarded):
    """Rooms within rooms, with doors between them."""

    within = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="rooms")
    doors = models.ManyToManyField("self")
    guests = models.ManyToManyField(Member, through="Visit", related_name="+")


class Visit(models.Model):
    """A table between with a model of its own."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    member = models.ForeignKey(Member, on_delete=models.CASCADE)
    noted = models.BooleanField(default=False)


class Tag(Guarded):
    """What boxes are marked with."""


class Box(Guarded):
    """What most rules are on; its room is never missing."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="boxes")
    tags = models.ManyToManyField(Tag, related_name="boxes")
    twin = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="twins")


class Seal(Guarded):
    """One on a box at most."""

    box = models.OneToOneField(Box, on_delete=models.CASCADE, related_name="seal")


class Note(Guarded):
    """What was written of a box, or of none."""

    box = models.ForeignKey(Box, on_delete=models.SET_NULL, null=True, related_name="notes")
