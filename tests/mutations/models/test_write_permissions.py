"""The permission of a type and those of its fields hold for writing as they do for reading."""

from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, nested
from fraiseql_django.declare.rules import requires_auth, requires_role
from tests.archive.models import Box, Member, Note, Room, Visit

pytestmark = pytest.mark.django_db

CALLS = {
    "create": 'createRoom(input: {name: "new"})',
    "update": 'updateRoom(id: 1, input: {name: "new"})',
    "update a missing one": 'updateRoom(id: 404, input: {name: "new"})',
    "delete": "deleteRoom(id: 1)",
    "delete a missing one": "deleteRoom(id: 404)",
    "delete several": "deleteRooms(ids: [1, 404])",
    "form": 'correctRoom(id: 1, input: {name: "new"})',
}


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form over a room's name."""

    class Meta:
        model = Room
        fields = ("name",)


def engine_with(*, room: Any = None, name: Any = None, mask: bool = False, permission: Any = None) -> GraphQLEngine:
    """Make an engine with permissions for rooms and for their names, and mutations with another one."""
    registry = Registry()
    named = type("RoomType", (), {"__annotations__": {"name": fraiseql.auto}, "name": fraiseql.field(permission=name)})
    room_type = fraiseql.type(
        Room, name="Room", fields=["id", "name"], permission=room, mask=mask, registry=registry
    )(named)  # fmt: skip
    box_type = fraiseql.type(Box, name="Box", fields=["id", "name"], registry=registry)(type("BoxType", (), {}))
    own: Any = {"registry": registry, "permission": permission}
    fraiseql.create(room_type, fields=["name"], **own)
    fraiseql.update(room_type, fields=["name"], **own)
    fraiseql.update(room_type, form=RoomForm, name="correctRoom", **own)
    fraiseql.delete(room_type, **own)
    fraiseql.delete(room_type, bulk=True, **own)
    fraiseql.create(box_type, fields=["name", nested("room", create=["name"])], **own)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def ann(db: None) -> User:
    room = Room.objects.create(pk=1, name="old")
    Note.objects.create(name="old", box=Box.objects.create(name="old", room=room))
    Room.objects.create(pk=2, name="empty")
    return User.objects.create(username="ann")


def ask(engine: GraphQLEngine, user: User | None, call: str) -> tuple[Any, list[str]]:
    """Call a mutation of which nothing is selected; return the answer, and the statements over rooms and boxes."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        body = engine.execute(
            f"mutation {{ x: {call} {{ __typename }} }}", request=SimpleNamespace(user=user)  # type: ignore[arg-type]
        ).json()  # fmt: skip
    return body, [query["sql"] for query in captured if "archive_" in query["sql"]]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("permission", [None, lambda viewer: True])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_who_may_not_read_a_type_may_not_write_it(ann: User, call: str, permission: Any, mask: bool) -> None:
    engine = engine_with(room=requires_auth, permission=permission, mask=mask)

    body, statements = ask(engine, None, call)

    (error,) = body["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert statements == []
    assert Room.objects.get(pk=1).name == "old"
    assert "errors" not in ask(engine, ann, call)[0]


@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if "delete" not in name])
def test_who_may_not_read_a_field_may_not_write_it(ann: User, call: str) -> None:
    engine = engine_with(name=requires_role("keepers"))

    body, statements = ask(engine, ann, call)

    (error,) = body["errors"]
    assert (error["extensions"]["code"], "name:" in error["message"]) == ("FORBIDDEN", True)
    assert statements == []
    assert Room.objects.get(pk=1).name == "old"


def test_fields_that_are_not_given_need_no_permission(ann: User) -> None:
    engine = engine_with(name=requires_role("keepers"))

    assert ask(engine, ann, "updateRoom(id: 1, input: {})")[0] == {"data": {"x": {"__typename": "UpdateRoomSuccess"}}}


def test_relations_need_the_permission_of_the_column_or_table_that_they_write(ann: User) -> None:
    registry = Registry()
    options: Any = {"registry": registry}
    keyed = type("NoteType", (), {"__annotations__": {"box": fraiseql.auto}, "box": fraiseql.field(permission="a.b")})
    box = fraiseql.type(Box, name="Box", fields=["id"], **options)(type("BoxType", (), {}))
    room = fraiseql.type(Room, name="Room", fields=["id"], **options)(type("RoomType", (), {}))
    fraiseql.type(Note, name="Note", fields=["id", "box"], **options)(keyed)
    fraiseql.type(Member, name="Member", fields=["id"], **options)(type("MemberType", (), {}))
    fraiseql.type(Visit, name="Visit", fields=["id"], permission="a.b", **options)(type("VisitType", (), {}))
    every: Any = {"connect": True, "disconnect": True, "set": True}
    fraiseql.update(box, fields=[nested("notes", create=["name"], **every)], **options)
    fraiseql.update(box, fields=["notes"], name="plainBox", **options)
    fraiseql.update(room, fields=[nested("guests", **every)], **options)
    engine = GraphQLEngine(registry=registry, cache=None)

    for call in (
        "updateBox(id: 1, input: {notes: {connect: [1]}})",
        "updateBox(id: 1, input: {notes: {disconnect: [1]}})",
        "updateBox(id: 1, input: {notes: {set: []}})",
        'updateBox(id: 1, input: {notes: {create: [{name: "new"}]}})',
        "plainBox(id: 1, input: {notes: [1]})",
        "updateRoom(id: 1, input: {guests: {connect: [1]}})",
        "updateRoom(id: 1, input: {guests: {disconnect: [1]}})",
        "updateRoom(id: 1, input: {guests: {set: []}})",
    ):
        body, statements = ask(engine, ann, call)
        assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"], call
        assert statements == [], call


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("version", [5, 6])
def test_versions_that_may_not_be_read_are_not_compared(ann: User, version: int, mask: bool) -> None:
    Room.objects.update(tenant=5)
    key = Box.objects.get().pk
    registry = Registry()
    options: Any = {"registry": registry}
    named = {"tenant": int | None}
    rule = fraiseql.field(permission=requires_role("keepers"), mask=mask)
    box, room = (
        fraiseql.type(model, name=model.__name__, fields=["id", "name"], **options)(
            type(f"{model.__name__}Type", (), {"__annotations__": named, "tenant": rule, "__module__": __name__})
        )
        for model in (Box, Room)
    )
    versioned: Any = {"fields": ["name"], "version": "tenant", **options}
    fraiseql.update(room, **versioned)
    fraiseql.update(room, bulk=True, **versioned)
    fraiseql.update(room, form=RoomForm, version="tenant", name="correctRoom", **options)
    fraiseql.delete(room, version="tenant", **options)
    fraiseql.update(room, fields=[nested("boxes", update=["name"], version="tenant")], name="inside", **options)
    fraiseql.update(box, fields=[nested("room", update=["name"], version="tenant")], **options)
    engine = GraphQLEngine(registry=registry, cache=None)

    for call in (
        f'updateRoom(id: 1, tenant: {version}, input: {{name: "new"}})',
        f'updateRooms(input: [{{id: 1, tenant: {version}, name: "new"}}])',
        f'correctRoom(id: 1, tenant: {version}, input: {{name: "new"}})',
        f"deleteRoom(id: 2, tenant: {version})",
        f'inside(id: 1, input: {{boxes: {{update: [{{id: 1, tenant: {version}, name: "new"}}]}}}})',
        f'updateBox(id: {key}, input: {{room: {{update: {{tenant: {version}, name: "new"}}}}}})',
    ):
        body, statements = ask(engine, ann, call)
        (error,) = body["errors"]
        assert (error["extensions"]["code"], "tenant:" in error["message"]) == ("FORBIDDEN", True), call
        assert statements == [], call
    ann.groups.create(name="keepers")
    answer = "UpdateBoxSuccess" if version == 5 else "MutationError"
    assert ask(engine, User.objects.get(pk=ann.pk), call)[0] == {"data": {"x": {"__typename": answer}}}


@pytest.mark.parametrize("permissions", [{"room": requires_auth}, {"name": requires_auth}])
def test_nested_objects_need_the_permissions_of_their_type(ann: User, permissions: Any) -> None:
    engine = engine_with(**permissions)
    call = 'createBox(input: {name: "new", room: {create: {name: "new"}}})'

    body, statements = ask(engine, None, call)

    (error,) = body["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert "createBox(room.create" in error["message"]
    assert statements == []
    assert "errors" not in ask(engine, ann, call)[0]


def test_default_permission_by_model_asks_for_adding_only(ann: User, settings: Any) -> None:
    settings.FRAISEQL = {**settings.FRAISEQL, "DEFAULT_PERMISSION": "model"}
    ann.user_permissions.add(Permission.objects.get(codename="add_room", content_type__app_label="archive"))

    assert "errors" not in ask(engine_with(), User.objects.get(pk=ann.pk), CALLS["create"])[0]
