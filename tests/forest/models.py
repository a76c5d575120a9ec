"""
Models of packages.

    Unit        django-treebeard, materialized path       Article ──< tags    django-taggit
    Section     django-treebeard, nested sets             Recipe  ──< tags    of a table of its own
    Task        django-treebeard, adjacency list          Figure <── Circle <── Disc, Square   django-polymorphic
    Region      django-mptt                               Drawing: a proxy of Figure, with a class of its own
"""

from django.db import models
from mptt.models import MPTTModel, TreeForeignKey
from polymorphic.models import PolymorphicModel
from taggit.managers import TaggableManager
from taggit.models import TagBase, TaggedItemBase
from treebeard.al_tree import AL_Node
from treebeard.mp_tree import MP_Node
from treebeard.ns_tree import NS_Node


class Unit(MP_Node):
    """A materialized path."""

    name = models.CharField(max_length=30)


class Section(NS_Node):
    """Nested sets."""

    name = models.CharField(max_length=30)


class Task(AL_Node):
    """An adjacency list."""

    name = models.CharField(max_length=30)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children_set", db_index=True)
    sib_order = models.PositiveIntegerField()


class Region(MPTTModel):
    """Nested sets, with a foreign key."""

    name = models.CharField(max_length=30)
    parent = TreeForeignKey("self", models.CASCADE, null=True, related_name="children")


class Article(models.Model):
    """With tags."""

    title = models.CharField(max_length=30)
    tags = TaggableManager()


class Spice(TagBase):
    """A tag of a table of its own."""


class SpiceOfRecipe(TaggedItemBase):
    """Leads to recipes alone."""

    content_object = models.ForeignKey("Recipe", models.CASCADE)
    tag = models.ForeignKey(Spice, models.CASCADE, related_name="items")


class Recipe(models.Model):
    """With tags of its own table."""

    title = models.CharField(max_length=30)
    spices = TaggableManager(through=SpiceOfRecipe)


class Figure(PolymorphicModel):
    """Rows know their class."""

    name = models.CharField(max_length=30)


class Circle(Figure):
    """With a radius."""

    radius = models.IntegerField()


class Disc(Circle):
    """A circle that no type is declared for."""

    thickness = models.IntegerField()


class Square(Figure):
    """With a side."""

    side = models.IntegerField()


class Drawing(Figure):
    """A class without a table."""

    class Meta:
        proxy = True
