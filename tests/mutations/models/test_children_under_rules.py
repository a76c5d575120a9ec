"""Nested objects that a row rule hides are neither changed nor deleted, and nothing tells of them."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, nested
from tests.archive.models import Box, Member, Note, Room, Seal, Tag
from tests.archive.support import FIELDS, MODELS

OWN: Any = lambda viewer: Q(owner=viewer.id)  # noqa: E731
NEW = ["name", "owner"]
EVERY: Any = {"create": NEW, "update": NEW, "upsert": NEW, "delete": True}


def engine_with(*ruled: Any) -> GraphQLEngine:
    registry = Registry()
    types: dict[Any, Any] = {}
    for model in MODELS:
        cls = type(f"{model.__name__}Type", (), {"__module__": __name__})
        rows = OWN if model in ruled else None
        types[model] = fraiseql.type(model, fields=["id", "name", *FIELDS[model]], rows=rows, registry=registry)(cls)
    fields = [
        "name",
        nested("notes", replace=NEW, **EVERY),
        nested("seal", **EVERY),
        nested("tags", **EVERY),
        nested("twin", update=NEW),
    ]
    fraiseql.update(types[Box], fields=fields, registry=registry)
    fraiseql.update(types[Room], fields=[nested("boxes", update=[nested("notes", update=NEW)])], registry=registry)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def ann(db: None) -> User:
    """Make ann's box 1, in which everything is twice, of ann (1) and of bob (2)."""
    users = [User.objects.create(pk=number, username=name) for number, name in ((8001, "ann"), (8002, "bob"))]
    members = [Member.objects.create(pk=user.pk, username=user.username) for user in users]
    room = Room.objects.create(pk=1, name="old", owner=members[0])
    twin = Box.objects.create(pk=2, name="old", owner=members[1], room=room)
    box = Box.objects.create(pk=1, name="old", owner=members[0], room=room, twin=twin)
    for number, owner in enumerate(members, 1):
        box.tags.add(Tag.objects.create(pk=number, name="old", owner=owner))
        Note.objects.create(pk=number, name="old", owner=owner, box=box)
    Seal.objects.create(pk=2, name="old", owner=members[1], box=box)
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 100)", [model._meta.db_table])
    return users[0]


def ask(engine: GraphQLEngine, user: User, call: str) -> Any:
    query = f"mutation {{ x: {call} {{ __typename ... on MutationError {{ errors {{ field identifier }} }} }} }}"
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def names(model: Any) -> dict[int, str]:
    return dict(model.objects.values_list("pk", "name"))


WAYS = {
    "update": '{update: [{id: KEY, name: "x"}]}',
    "upsert": '{upsert: [{id: KEY, name: "x"}]}',
    "delete": "{delete: [KEY]}",
}


@pytest.mark.parametrize("relation", ["notes", "tags"])
@pytest.mark.parametrize("way", WAYS)
def test_hidden_object_of_a_list_is_not_found(ann: User, relation: str, way: str) -> None:
    engine = engine_with(Note, Tag)
    model = Note if relation == "notes" else Tag

    bodies = [
        ask(engine, ann, f"updateBox(id: 1, input: {{{relation}: {WAYS[way].replace('KEY', key)}}})")
        for key in ("2", "99")
    ]
    path = f"{relation}.{way}.0" + (".id" if way != "delete" else "")
    found = {"__typename": "MutationError", "errors": [{"field": path, "identifier": "not_found"}]}
    assert [body["data"]["x"] for body in bodies] == [found] * 2
    assert names(model) == {1: "old", 2: "old"}
    # and one that is seen is
    assert ask(engine, ann, f"updateBox(id: 1, input: {{{relation}: {WAYS[way].replace('KEY', '1')}}})") == {
        "data": {"x": {"__typename": "UpdateBoxSuccess"}}
    }
    assert names(model)[2] == "old"


def test_hidden_objects_are_not_replaced(ann: User) -> None:
    body = ask(engine_with(Note), ann, 'updateBox(id: 1, input: {notes: {replace: [{name: "new", owner: 8001}]}})')

    assert body == {"data": {"x": {"__typename": "UpdateBoxSuccess"}}}
    assert sorted(names(Note).values()) == ["new", "old"]
    assert Note.objects.filter(pk=2, box=1).exists()


@pytest.mark.parametrize("call", ['{seal: {update: {name: "x"}}}', '{twin: {update: {name: "x"}}}'])
def test_hidden_one_is_not_found(ann: User, call: str) -> None:
    body = ask(engine_with(Seal, Box), ann, f"updateBox(id: 1, input: {call})")

    assert [error["identifier"] for error in body["data"]["x"]["errors"]] == ["not_found"]
    assert ask(engine_with(), ann, f"updateBox(id: 1, input: {call})")["data"]["x"]["__typename"] == "UpdateBoxSuccess"


def test_hidden_one_is_not_deleted(ann: User) -> None:
    assert ask(engine_with(Seal), ann, "updateBox(id: 1, input: {seal: {delete: true}})") == {
        "data": {"x": {"__typename": "UpdateBoxSuccess"}}
    }
    assert names(Seal) == {2: "old"}


def test_objects_below_a_hidden_one_are_not_found(ann: User) -> None:
    Note.objects.filter(pk=1).update(box=2)
    call = 'updateRoom(id: 1, input: {boxes: {update: [{id: 2, notes: {update: [{id: 1, name: "x"}]}}]}})'

    body = ask(engine_with(Box), ann, call)
    assert body["data"]["x"]["errors"] == [{"field": "boxes.update.0.id", "identifier": "not_found"}]
    assert names(Note) == {1: "old", 2: "old"}


@pytest.mark.parametrize(
    "given",
    [
        "notes: {update: [{id: 1, owner: 8002}]}",
        "notes: {upsert: [{id: 1, owner: 8002}]}",
        'notes: {upsert: [{name: "new", owner: 8002}]}',
        "notes: {replace: [{id: 1, owner: 8002}]}",
        "tags: {update: [{id: 1, owner: 8002}]}",
    ],
)
def test_what_is_written_is_visible_afterwards(ann: User, given: str) -> None:
    body = ask(engine_with(Note, Tag), ann, f"updateBox(id: 1, input: {{{given}}})")

    assert [error["extensions"]["code"] for error in body["errors"]] == ["FORBIDDEN"]
    assert Note.objects.get(pk=1).owner_id == 8001
    assert Note.objects.count() == 2
