"""The archive's rows, the kinds of rules on them, and the schemas that are generated from these."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry

from .models import Box, Guarded, Member, Note, Room, Seal, Tag

MODELS: tuple[type[Guarded], ...] = (Room, Tag, Box, Seal, Note)
FIELDS: Mapping[type[Guarded], list[str]] = {
    Room: ["within", "rooms", "doors", "boxes"],
    Tag: ["boxes"],
    Box: ["room", "room_id", "tags", "twin", "twins", "seal", "notes"],
    Seal: ["box"],
    Note: ["box", "box_id"],
}
PERMISSION = "archive.view_box"


@dataclass(frozen=True)
class Person:
    """A viewer, as the tests' own evaluation of rules knows them: beside the request, what is said of them."""

    name: str
    user: User | None = None
    tenant: int | None = None
    staff: bool = False
    permitted: bool = False
    editor: bool = False

    @property
    def request(self) -> Any:
        """What the engine is given."""
        return SimpleNamespace(user=self.user, tenant=self.tenant)

    @property
    def id(self) -> int | None:
        """The user's key."""
        return None if self.user is None else self.user.pk


@dataclass
class Archive:
    """The rows' facts, and who may ask for them."""

    people: dict[str, Person]
    rows: dict[type[Guarded], list[Any]] = field(default_factory=dict)
    readers: dict[tuple[type[Guarded], int], set[int]] = field(default_factory=dict)


Visible = Callable[[Any, set[int], Person, Archive], bool]


@dataclass(frozen=True)
class Kind:
    """A kind of row rule: the rule, and which rows it leaves, in words of Python."""

    name: str
    rule: Callable[[Any], Any]
    visible: Visible


def _known(own: Any, theirs: Any) -> bool:
    # null equals nothing
    return own is not None and own == theirs


def _by_reader(row: Any, readers: set[int], who: Person, archive: Archive) -> bool:
    return who.id in readers or archive.people["everybody"].id in readers


KINDS = [
    Kind("id", lambda viewer: Q(owner=viewer.id), lambda row, readers, who, _: _known(row.owner_id, who.id)),
    Kind(
        "value",
        lambda viewer: Q(tenant=viewer.value("tenant", int)),
        lambda row, readers, who, _: _known(row.tenant, who.tenant),
    ),
    Kind(
        "staff or own",
        lambda viewer: viewer.is_staff or Q(owner=viewer.id),
        lambda row, readers, who, _: who.staff or _known(row.owner_id, who.id),
    ),
    Kind(
        "permission",
        lambda viewer: viewer.has_perm(PERMISSION) or Q(tenant=2),
        lambda row, readers, who, _: who.permitted or row.tenant == 2,
    ),
    Kind(
        "role",
        lambda viewer: Q(tenant=1) if viewer.has_role("editors") else Q(owner=viewer.id),
        lambda row, readers, who, _: row.tenant == 1 if who.editor else _known(row.owner_id, who.id),
    ),
    Kind(
        "several guards",
        lambda viewer: viewer.is_superuser or (viewer.is_authenticated and Q(owner=viewer.id)),
        lambda row, readers, who, _: who.user is not None and _known(row.owner_id, who.id),
    ),
    # a row that the viewer and everybody may read is found twice
    Kind("to many", lambda viewer: Q(readers=viewer.id) | Q(readers__username="everybody"), _by_reader),
    Kind(
        "to one",
        lambda viewer: Q(owner__id=viewer.id, owner__username__startswith="a"),
        lambda row, readers, who, _: _known(row.owner_id, who.id) and str(who.user).startswith("a"),
    ),
    Kind(
        "exists",
        lambda viewer: Q(Exists(Member.objects.filter(pk=OuterRef("owner"), username="ann"))),
        lambda row, readers, who, archive: _known(row.owner_id, archive.people["ann"].id),
    ),
    Kind(
        "query",
        lambda viewer: Q(owner__in=Member.objects.filter(pk=viewer.id, username__contains="n")),
        lambda row, readers, who, _: _known(row.owner_id, who.id) and "n" in str(who.user),
    ),
    Kind(
        "column of many",
        lambda viewer: Q(tenant__lt=F("readers__id") + 10),
        lambda row, readers, who, _: any(row.tenant < reader + 10 for reader in readers),
    ),
    Kind(
        "or",
        lambda viewer: Q(owner=viewer.id) | Q(tenant=1, owner__isnull=True),
        lambda row, readers, who, _: _known(row.owner_id, who.id) or (row.tenant == 1 and row.owner_id is None),
    ),
    Kind(
        "not",
        lambda viewer: ~Q(tenant=viewer.value("tenant", int)) & ~Q(name__endswith="3"),
        lambda row, readers, who, _: who.tenant is not None and row.tenant != who.tenant and not row.name.endswith("3"),
    ),
    Kind("all", lambda viewer: True, lambda row, readers, who, _: True),
    Kind("none", lambda viewer: False, lambda row, readers, who, _: False),
]


# --- rows ---


def fill() -> Archive:
    """Make rows of which every kind of rule hides some and leaves some; names are marked as secret."""
    users = {name: User.objects.create(username=name) for name in ("ann", "bob", "everybody")}
    users["staff"] = User.objects.create(username="staff", is_staff=True)
    box = ContentType.objects.get_for_model(Box)
    users["staff"].user_permissions.add(Permission.objects.get(content_type=box, codename="view_box"))
    users["staff"].groups.add(Group.objects.create(name="editors"))
    archive = Archive(
        {
            "nobody": Person("nobody"),
            "ann": Person("ann", users["ann"], 1),
            "bob": Person("bob", users["bob"], 2),
            "staff": Person("staff", users["staff"], 3, staff=True, permitted=True, editor=True),
            "everybody": Person("everybody", users["everybody"]),
        }
    )
    member = {name: Member.objects.create(pk=user.pk, username=name) for name, user in users.items()}
    made: dict[type[Guarded], list[Any]] = {}
    own = [member["ann"], member["bob"], None, member["ann"], member["bob"]]
    for model, number in ((Room, 4), (Tag, 5), (Box, 10), (Seal, 7), (Note, 12)):
        made[model] = [
            model(id=n, name=f"SECRET-{model.__name__}-{n}", tenant=n * 7 % 3, owner=own[(n + number) % 5])
            for n in range(1, number + 1)
        ]
    rooms, boxes = made[Room], made[Box]
    for n, room in enumerate(rooms[1:]):
        room.within = rooms[n // 2]
    for n, box in enumerate(boxes):
        box.room, box.twin = rooms[n % 4], boxes[n * 3 % 10] if n % 4 else None
    for n, seal in enumerate(made[Seal]):
        seal.box = boxes[(n * 3 + 1) % 10]
    for n, note in enumerate(made[Note]):
        note.box = boxes[n % 7] if n % 5 else None
    for model in MODELS:
        model._default_manager.bulk_create(made[model])
    for n, box in enumerate(boxes):
        box.tags.set(made[Tag][n % 3 : n % 3 + 3])
    for n, room in enumerate(rooms):
        room.doors.set(rooms[n % 2 :: 2])
    _let_read(archive, made)
    return archive


def _let_read(archive: Archive, made: Mapping[type[Guarded], list[Any]]) -> None:
    ann, bob, everybody = (Member.objects.get(username=name) for name in ("ann", "bob", "everybody"))
    several: list[list[Any]] = [[ann, everybody], [bob], [], [ann, bob], [everybody], [ann]]
    for model, rows in made.items():
        archive.rows[model] = rows
        for n, row in enumerate(rows):
            row.readers.set(several[n % 6])
            archive.readers[model, row.pk] = {user.pk for user in several[n % 6]}


def hidden_from(archive: Archive, kind: Kind, models: Collection[type[Guarded]], who: Person) -> dict[Any, list[int]]:
    """Return the keys of the rows that a rule hides from someone, as Python evaluates it."""
    return {
        model: [
            row.pk for row in archive.rows[model] if not kind.visible(row, archive.readers[model, row.pk], who, archive)
        ]
        for model in models
    }


def remove(hidden: Mapping[type[Guarded], list[int]]) -> None:
    """Take rows out of their tables, and nothing else: the keys that lead to them stay."""
    with connection.cursor() as cursor:
        for model, keys in hidden.items():
            cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [keys])


# --- schemas ---


FORMS: Mapping[str, Any] = {
    "queries": ["single", "plural", "connection", "aggregate", "groups"],
    "lists": ["plural", "connection", "aggregate", "groups"],
}


def declare(
    registry: Registry,
    rules: Mapping[type[Guarded], Mapping[str, Any]],
    bodies: Mapping[type[Guarded], Mapping[str, Any]] | None = None,
) -> dict[type[Guarded], type]:
    """Declare a type over each model, with what is said of it (``rows``, ``permission``, ``mask``)."""
    declared = {}
    for model in MODELS:
        body = {"__module__": __name__, **(bodies or {}).get(model, {})}
        cls = type(f"{model.__name__}Type", (), body)
        declared[model] = fraiseql.type(
            model,
            fields=["id", "name", "tenant", "owner_id", *FIELDS[model]],
            registry=registry,
            **{**FORMS, **rules.get(model, {})},
        )(cls)
    return declared


def engine_of(registry: Registry) -> GraphQLEngine:
    """Make an engine over a schema, which keeps no answers."""
    return GraphQLEngine(registry=registry, cache=None)
