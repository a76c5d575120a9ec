"""A small menagerie, with what is wrong in real ones: dangling keys, rows of no type, cycles."""

from django.contrib.contenttypes.models import ContentType

from .models import Animal, Badge, Cat, Crate, Dog, Keeper, Note, Place, Puppy, Remark, Vehicle, Visitor


def populate() -> None:
    """Fill the tables."""
    ann = Keeper.objects.create(name="Ann")
    rex = Dog.objects.create(name="Rex", breed="pug", weight=9, keeper=ann)
    tom = Cat.objects.create(name="Tom", breed=7, weight=5, keeper=ann)
    Puppy.objects.create(name="Bit", breed="pug", weeks=3, weight=2, keeper=ann)
    emu = Animal.objects.create(name="Emu", weight=40)
    Cat.objects.create(name="Kit", weight=1)
    rex.friends.add(Dog.objects.create(name="Fox", breed="fox"))
    # a row in two tables: of the first type that fits
    Cat(animal_ptr=rex.animal_ptr, lives=2, name=rex.name, weight=rex.weight, keeper=ann).save()
    Keeper.objects.create(name="Don")
    for name, favourite in (("Bob", tom), ("Cid", emu), ("Eve", None)):
        Visitor.objects.create(name=name, favourite=favourite)
    car, bike, boat, _ = (
        Vehicle.objects.create(kind=kind, wheels=wheels)
        for kind, wheels in (("car", 4), ("bike", 2), ("boat", None), ("car", 3))
    )
    things = [rex, tom, emu, car, bike, boat]
    remarks = [Remark.objects.create(text=f"on {thing.pk}", thing=thing) for thing in things]
    Remark.objects.create(text="on a remark", thing=remarks[0])
    Remark.objects.create(text="on that", thing=Remark.objects.get(text="on a remark"))
    Remark.objects.create(text="on nothing")
    Remark.objects.create(text="gone", thing_type=ContentType.objects.get_for_model(Dog), thing_id=9999)
    Remark.objects.create(text="half", thing_type=ContentType.objects.get_for_model(Dog))
    badge, crate = Badge.objects.create(name="Star"), Crate.objects.create(code="7", name="Box")
    for thing in (badge, crate, rex, Crate.objects.create(code="x", name="Small box"), ann):
        Note.objects.create(text=f"on {thing.name}", content_object=thing)
    for content_type, key in ((Dog, "no number"), (Badge, "no uuid"), (Dog, "9" * 30), (ContentType, "1")):
        Note.objects.create(text="wrong", content_type=ContentType.objects.get_for_model(content_type), object_id=key)
    top = Place.objects.create(name="Top")
    left, right = (Place.objects.create(name=name, within=top) for name in ("Left", "Right"))
    Place.objects.create(name="Leaf", within=Place.objects.create(name="Twig", within=left))
    Place.objects.create(name="Other", within=right)
    first = Place.objects.create(name="First")
    first.within = Place.objects.create(name="Third", within=Place.objects.create(name="Second", within=first))
    first.save()
    own = Place.objects.create(name="Own")
    own.within = own
    own.save()
