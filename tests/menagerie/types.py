"""Types over the menagerie."""

from django.db.models import Q

import fraiseql_django as fraiseql

from .models import Animal, Bike, Car, Cat, Dog, Keeper, Puppy, Vehicle

MENAGERIE = fraiseql.Registry()


@fraiseql.interface(Animal, fields=["id", "name", "weight", "keeper"], registry=MENAGERIE)
class AnimalInterface:
    """Of any kind."""


@fraiseql.type(Dog, fields=["breed", "friends"], registry=MENAGERIE)
class DogType:
    pass


@fraiseql.type(Puppy, fields=["breed", "weeks"], registry=MENAGERIE)
class PuppyType:
    pass


@fraiseql.type(Cat, fields=["breed", "lives"], registry=MENAGERIE)
class CatType:
    pass


@fraiseql.type(Animal, name="Beast", fields=["name"], registry=MENAGERIE)
class BeastType:
    """An animal of no kind that has a type of its own."""


@fraiseql.type(Keeper, fields=["id", "name", "favourite", "animals"], registry=MENAGERIE)
class KeeperType:
    pass


@fraiseql.interface(Vehicle, fields=["id", "wheels"], registry=MENAGERIE)
class VehicleInterface:
    pass


@fraiseql.type(Car, fields=["kind"], when=Q(kind="car"), registry=MENAGERIE)
class CarType:
    pass


@fraiseql.type(Bike, fields=["kind"], when=Q(kind="bike"), registry=MENAGERIE)
class BikeType:
    pass
