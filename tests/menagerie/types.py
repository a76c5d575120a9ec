"""Types over the menagerie."""

from django.db.models import Q

import fraiseql_django as fraiseql

from .models import Animal, Badge, Bike, Car, Cat, Crate, Dog, Keeper, Note, Place, Puppy, Remark, Vehicle, Visitor

MENAGERIE = fraiseql.Registry()


@fraiseql.interface(Animal, fields=["id", "name", "weight", "keeper", "remarks"], registry=MENAGERIE)
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


@fraiseql.type(Keeper, fields=["id", "name", "animals"], registry=MENAGERIE)
class KeeperType:
    pass


@fraiseql.type(Visitor, fields=["id", "name", "favourite"], registry=MENAGERIE)
class VisitorType:
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


@fraiseql.interface(plural="nameds", registry=MENAGERIE)
class Named:
    """What has a name."""

    name: str


Subject = fraiseql.union("Subject", ["Dog", "Cat", "Car", "Bike", "Remark"], plural="subjects", registry=MENAGERIE)


@fraiseql.type(Remark, fields=["id", "text", "remarks"], registry=MENAGERIE)
class RemarkType:
    thing: Subject | None  # type: ignore[valid-type]


@fraiseql.type(Note, fields=["id", "text", "content_object"], registry=MENAGERIE)
class NoteType:
    """Leads to all types."""


@fraiseql.type(Badge, fields=["id", "name", "notes"], implements=[Named], registry=MENAGERIE)
class BadgeType:
    pass


@fraiseql.type(Crate, fields=["code", "name", "notes"], implements=[Named], registry=MENAGERIE)
class CrateType:
    pass


@fraiseql.type(Place, fields=["id", "name", "within", "parts"], tree=True, implements=[Named], registry=MENAGERIE)
class PlaceType:
    pass
