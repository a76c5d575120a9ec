"""The rows that are written and read. ``tables.sql`` makes the tables, with what Django's models do not have."""

from django.db import models


class Numbered(models.Model):
    """A row that holds the number of its last write."""

    id = models.IntegerField(primary_key=True)
    value = models.BigIntegerField()

    class Meta:
        abstract = True
        managed = False
        ordering = ("id",)


class Label(models.Model):
    """One of a few; which one a counter has tells how often that was changed."""

    id = models.IntegerField(primary_key=True)

    class Meta:
        managed = False
        ordering = ("id",)


class Counter(Numbered):
    """Written in every way that there is."""

    shelf = models.IntegerField()
    labels = models.ManyToManyField(Label, db_table="checker_counter_labels", related_name="counters")

    class Meta(Numbered.Meta):
        db_table = "checker_counter"


class Item(Numbered):
    """Deleted and made anew in turn."""

    counter = models.ForeignKey(Counter, on_delete=models.CASCADE, related_name="items")

    class Meta(Numbered.Meta):
        db_table = "checker_item"


class Parent(models.Model):
    """Takes its child with it, by a cascade of the database."""

    id = models.IntegerField(primary_key=True)

    class Meta:
        managed = False


class Child(Numbered):
    """There while its parent is."""

    parent = models.ForeignKey(Parent, on_delete=models.DO_NOTHING, related_name="children")

    class Meta(Numbered.Meta):
        db_table = "checker_child"


class Source(Numbered):
    """A trigger copies it."""

    class Meta(Numbered.Meta):
        db_table = "checker_source"


class Copy(Numbered):
    """Written by the trigger alone."""

    class Meta(Numbered.Meta):
        db_table = "checker_copy"


class Part(Numbered):
    """A partitioned table."""

    class Meta(Numbered.Meta):
        db_table = "checker_part"


class Scratch(Numbered):
    """Truncated and filled in turn."""

    class Meta(Numbered.Meta):
        db_table = "checker_scratch"


class Origin(Numbered):
    """What the materialized view is made of."""

    class Meta(Numbered.Meta):
        db_table = "checker_origin"


class Snapshot(Numbered):
    """The materialized view."""

    class Meta(Numbered.Meta):
        db_table = "checker_snapshot"


class Seen(Numbered):
    """A view over a view over counters."""

    class Meta(Numbered.Meta):
        db_table = "checker_seen"


class Total(models.Model):
    """A view: the sum of the counters of a shelf."""

    shelf = models.IntegerField(primary_key=True)
    total = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "checker_total"
        ordering = ("shelf",)
