"""The zoo's types, in a registry of their own: what other tests see of the bookshop's schema stays as it is."""

from decimal import Decimal
from typing import Any

from django.db.models import Avg, Case, CharField, Count, F, Q, Sum, Value, When
from django.db.models.functions import Concat

import fraiseql_django as fraiseql

from . import models

ZOO = fraiseql.Registry()
PAGED = ("single", "plural", "connection")
# every form of a list
FORMS: Any = {
    "queries": ["single", "plural", "connection", "aggregate", "groups"],
    "lists": ["plural", "connection", "aggregate", "groups"],
}


@fraiseql.type(models.Specimen, fields="__all__", distinct_on=True, registry=ZOO, **FORMS)
class SpecimenType:
    """Every field class."""

    initial: str = fraiseql.field(Concat("slug", Value("!")), description="Computed.")
    half: Decimal | None = fraiseql.field(F("decimal") / 2)
    heavy: bool = fraiseql.field(Case(When(integer__gt=5, then=Value(True)), default=Value(False)))
    renamed: fraiseql.auto = fraiseql.field(F("text"), name="RENAMED_text", deprecation="Use `text`.")


@fraiseql.type(models.ShortKey, fields="__all__", queries=PAGED, registry=ZOO)
class ShortKeyType:
    pass


@fraiseql.type(models.PlainKey, fields="__all__", queries=PAGED, registry=ZOO)
class PlainKeyType:
    short_count: int = fraiseql.field(Count("shorts"))


@fraiseql.type(models.Species, fields="__all__", plural="speciesList", queries=PAGED, registry=ZOO)
class SpeciesType:
    average_weight: float | None = fraiseql.field(Avg("animals__weight"))


@fraiseql.type(models.Keeper, fields="__all__", registry=ZOO, **FORMS)
class KeeperType:
    pass


@fraiseql.type(models.House, fields="__all__", queries=PAGED, registry=ZOO)
class HouseType:
    cage_width: Decimal | None = fraiseql.field(Sum("cages__width"))


@fraiseql.type(models.Cage, fields="__all__", distinct_on=True, registry=ZOO, **FORMS)
class CageType:
    label: str = fraiseql.field(Concat("house__title", Value(" "), "number", output_field=CharField()))
    siblings: int = fraiseql.field(Count("house__cages"))


@fraiseql.type(models.Food, fields="__all__", registry=ZOO, **FORMS)
class FoodType:
    pass


@fraiseql.type(models.Eaten, fields=["name", "feedings"], plural="eatenFoods", queries=PAGED, registry=ZOO)
class EatenType:
    pass


@fraiseql.type(models.Animal, fields="__all__", primary=True, registry=ZOO, **FORMS)
class AnimalType:
    """Nearly every relation."""

    seen_in: list["HouseType"]
    card_of_mother: fraiseql.auto = fraiseql.field(F("mother__name"))
    food_count: int = fraiseql.field(Count("foods"))
    heavy_foods: int = fraiseql.field(Count("feedings", filter=Q(feedings__grams__gt=100)))
    child_count: int = fraiseql.field(Count("children"))


@fraiseql.type(models.Animal, name="AnimalCard", queries=PAGED, registry=ZOO)
class AnimalCard:
    """Another type over the same model, which relations lead to where they say so."""

    name: fraiseql.auto
    keeper_id: fraiseql.auto
    species_id: fraiseql.auto
    mother: "AnimalCard | None"
    friends: list["AnimalCard"]


@fraiseql.type(models.Tame, fields=["name", "keeper", "children"], plural="tamed", queries=PAGED, registry=ZOO)
class Tame:
    """A proxy."""


@fraiseql.type(models.Feeding, fields="__all__", registry=ZOO, **FORMS)
class FeedingType:
    pass


@fraiseql.type(models.Passport, fields="__all__", queries=PAGED, registry=ZOO)
class PassportType:
    pass


@fraiseql.type(models.Chip, fields="__all__", queries=PAGED, lists=PAGED[1:], registry=ZOO)
class ChipType:
    pass


@fraiseql.type(models.Place, fields="__all__", queries=PAGED, registry=ZOO)
class PlaceType:
    pass


@fraiseql.type(models.Restaurant, fields="__all__", queries=PAGED, registry=ZOO)
class RestaurantType:
    pass


@fraiseql.type(models.Pizzeria, fields="__all__", queries=PAGED, registry=ZOO)
class PizzeriaType:
    pass


@fraiseql.type(models.Guest, fields="__all__", queries=PAGED, lists=PAGED[1:], registry=ZOO)
class GuestType:
    pass


@fraiseql.type(models.Odd, fields="__all__", registry=ZOO, **FORMS)
class OddType:
    kid_count: int = fraiseql.field(Count("kids"))


@fraiseql.type(models.Elsewhere, fields="__all__", plural="elsewheres", queries=PAGED, registry=ZOO)
class ElsewhereType:
    pass


@fraiseql.type(models.Sponsor, fields="__all__", queries=PAGED, registry=ZOO)
class SponsorType:
    pass


@fraiseql.type(models.Contract, fields="__all__", queries=PAGED, registry=ZOO)
class ContractType:
    pass


@fraiseql.type(models.Leaf, fields="__all__", queries=PAGED, registry=ZOO)
class LeafType:
    pass


@fraiseql.type(models.Twig, fields="__all__", queries=PAGED, registry=ZOO)
class TwigType:
    pass


@fraiseql.type(models.Album, fields="__all__", queries=PAGED, registry=ZOO)
class AlbumType:
    pass


@fraiseql.type(models.Page, fields="__all__", registry=ZOO, **FORMS)
class PageType:
    pass
