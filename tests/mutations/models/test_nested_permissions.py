"""What is nested in an input needs what it would need by itself, and what may not be read is not searched."""

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
from tests.archive.models import Box, Member, Note, Room, Seal, Tag
from tests.archive.support import FIELDS, MODELS

# what each does beside the change of the box or room; the input, and Django's permissions
NESTED = {
    "create a list": ('updateBox(id: 1, input: {notes: {create: [{name: "new"}]}})', ["add_note"]),
    "connect a list": ("updateBox(id: 1, input: {notes: {connect: [2]}})", ["change_note", "view_note"]),
    "disconnect": ("updateBox(id: 1, input: {notes: {disconnect: [1]}})", ["change_note", "view_note"]),
    "set": ("updateBox(id: 1, input: {notes: {set: []}})", ["change_note", "view_note"]),
    "update a list": ('updateBox(id: 1, input: {notes: {update: [{id: 1, name: "x"}]}})', ["change_note", "view_note"]),
    "delete of a list": ("updateBox(id: 1, input: {notes: {delete: [1]}})", ["delete_note", "view_note"]),
    "upsert what is there": (
        'updateBox(id: 1, input: {notes: {upsert: [{id: 1, name: "x"}]}})',
        ["change_note", "view_note"],
    ),
    "upsert what is not": ('updateBox(id: 1, input: {notes: {upsert: [{name: "new"}]}})', ["add_note", "view_note"]),
    "replace a list": (
        'updateBox(id: 1, input: {notes: {replace: [{id: 1, name: "x"}, {name: "new"}]}})',
        ["add_note", "change_note", "delete_note", "view_note"],
    ),
    "replace by nothing": ("updateBox(id: 1, input: {notes: {replace: []}})", ["delete_note", "view_note"]),
    "update one that leads here": (
        'updateBox(id: 1, input: {seal: {update: {name: "x"}}})',
        ["change_seal", "view_seal"],
    ),
    "upsert one that leads here": (
        'updateBox(id: 2, input: {seal: {upsert: {name: "new"}}})',
        ["add_seal", "change_seal", "view_seal"],
    ),
    "delete one that leads here": ("updateBox(id: 1, input: {seal: {delete: true}})", ["delete_seal"]),
    "update one": ('updateBox(id: 3, input: {twin: {update: {name: "x"}}})', ["view_box"]),
    "update many to many": (
        'updateBox(id: 1, input: {tags: {update: [{id: 1, name: "x"}]}})',
        ["change_tag", "view_tag"],
    ),
    "delete many to many": ("updateBox(id: 1, input: {tags: {delete: [1]}})", ["delete_tag", "view_tag"]),
    "update twice": (
        'updateRoom(id: 1, input: {boxes: {update: [{id: 1, notes: {update: [{id: 1, name: "x"}]}}]}})',
        ["change_note", "view_note", "view_box"],
    ),
    "create one that leads here": ('updateBox(id: 2, input: {seal: {create: {name: "new"}}})', ["add_seal"]),
    "connect one that leads here": ("updateBox(id: 2, input: {seal: {connect: 1}})", ["change_seal", "view_seal"]),
    "create one": ('updateBox(id: 1, input: {twin: {create: {name: "new", room: 1}}})', ["add_box", "view_room"]),
    "connect one": ("updateBox(id: 1, input: {twin: {connect: 2}})", ["view_box"]),
    "key": ("updateBox(id: 1, input: {room: 1})", ["view_room"]),
    "connect many to many": ("updateBox(id: 1, input: {tags: {connect: [1]}})", ["view_tag"]),
    "create many to many": ('updateBox(id: 1, input: {tags: {create: [{name: "new"}]}})', ["add_tag"]),
    "connect through a model": ("updateRoom(id: 1, input: {guests: {connect: [8001]}})", ["add_visit"]),
    "disconnect through a model": ("updateRoom(id: 1, input: {guests: {disconnect: []}})", ["delete_visit"]),
    "set through a model": ("updateRoom(id: 1, input: {guests: {set: []}})", ["add_visit", "delete_visit"]),
    "keys through a model": ("createRoom(input: {guests: [8001]})", ["add_visit"]),
    "nested twice": (
        'createRoom(input: {boxes: {create: [{name: "new", tags: {create: [{name: "new"}]}}]}})',
        ["add_box", "add_tag"],
    ),
    "nothing of it": ('updateBox(id: 1, input: {name: "new", twin: null})', []),
    "let go of one": ("updateBox(id: 1, input: {twin: {disconnect: true}})", []),
}


class TaggedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with choices among rows."""

    tags = forms.ModelMultipleChoiceField(Tag.objects.all(), required=False)

    class Meta:
        model = Box
        fields = ("name", "room", "tags")


def engine_with(permissions: Any = None, *, permission: Any = None, mask: bool = False) -> GraphQLEngine:
    """Make an engine over types with these permissions, and mutations, which have another one."""
    registry = Registry()
    own: Any = {"permission": permission, "registry": registry}
    types: dict[Any, Any] = {}
    for model in MODELS:
        cls = type(f"{model.__name__}Type", (), {"__module__": __name__})
        options = {"permission": (permissions or {}).get(model), "mask": mask and model in (permissions or {})}
        types[model] = fraiseql.type(model, fields=["id", "name", *FIELDS[model]], registry=registry, **options)(cls)
    every: Any = {"connect": True, "disconnect": True, "set": True}
    name = ["name"]
    box = [
        "name",
        "room",
        nested("twin", connect=True, create=["name", "room"], update=["name"], disconnect=True),
        nested("notes", create=name, update=name, upsert=name, replace=name, delete=True, **every),
        nested("seal", connect=True, create=name, update=name, upsert=name, delete=True),
        nested("tags", create=name, update=name, delete=True, **every),
    ]
    inner = nested("boxes", create=["name", nested("tags", create=["name"])])
    fraiseql.update(types[Box], fields=box, **own)
    fraiseql.update(types[Box], form=TaggedForm, name="correctBox", **own)
    within = nested("boxes", update=[nested("notes", update=name)])
    fraiseql.update(types[Room], fields=[nested("guests", **every), within], **own)
    fraiseql.create(types[Room], fields=["guests", inner], **own)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def ann(db: None) -> User:
    ann = User.objects.create(pk=8001, username="ann")
    Member.objects.create(pk=8001, username="ann")
    room = Room.objects.create(pk=1, name="old")
    for number in (1, 2):
        Box.objects.create(pk=number, name="old", room=room)
        Note.objects.create(pk=number, name="old", box_id=1 if number == 1 else None)
    Box.objects.create(pk=3, name="old", room=room, twin_id=1)
    Tag.objects.create(pk=1, name="old").boxes.add(1)
    Seal.objects.create(pk=1, name="old", box_id=1)
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 100)", [model._meta.db_table])
    return ann


def may(user: User, names: list[str]) -> User:
    """Let a user have these permissions and no others; return them as another request finds them."""
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="archive", codename__in=names))
    return User.objects.get(pk=user.pk)


def ask(engine: GraphQLEngine, user: User | None, call: str) -> Any:
    return engine.execute(
        f"mutation {{ x: {call} {{ __typename ... on MutationError {{ message }} }} }}",
        request=SimpleNamespace(user=user),  # type: ignore[arg-type]
    ).json()


def refused(body: Any) -> tuple[str, str]:
    (error,) = body["errors"]
    return error["extensions"]["code"], error["message"]


@pytest.mark.parametrize("name", NESTED)
def test_default_permission_goes_for_what_is_nested(settings: Any, ann: User, name: str) -> None:
    settings.FRAISEQL = {"DEFAULT_PERMISSION": "model"}
    engine = engine_with()
    call, needed = NESTED[name]
    outer = ["change_box", "change_room", "add_room"]

    for missing in needed:
        user = may(ann, [*outer, *(other for other in needed if other != missing)])
        assert refused(ask(engine, user, call))[0] == "FORBIDDEN", missing
    assert not Note.objects.filter(name="new").exists()
    body = ask(engine, may(ann, [*outer, *needed]), call)
    assert body["data"]["x"]["__typename"] != "MutationError", body


def test_what_is_refused_is_named_as_the_client_wrote_it(settings: Any, ann: User) -> None:
    settings.FRAISEQL = {"DEFAULT_PERMISSION": "model"}
    engine = engine_with()
    user = may(ann, ["change_box", "change_room"])

    assert [refused(ask(engine, user, NESTED[name][0]))[1] for name in ("create a list", "connect a list", "key")] == [
        "You are not allowed to use updateBox(notes.create:).",
        "You are not allowed to use Note.",
        "You are not allowed to use Room.",
    ]
    user = may(ann, ["add_room", "add_box"])
    assert refused(ask(engine, user, NESTED["nested twice"][0]))[1] == (
        "You are not allowed to use createRoom(boxes.create.tags.create:)."
    )


def test_permission_of_the_mutation_is_for_the_whole_of_it(settings: Any, ann: User) -> None:
    settings.FRAISEQL = {"DEFAULT_PERMISSION": "model"}
    engine = engine_with(permission=requires_auth)
    user = may(ann, ["view_note"])

    for name in ("create a list", "set", "set through a model", "nested twice"):
        assert "errors" not in ask(engine, user, NESTED[name][0]), name
    # but not for reading
    assert refused(ask(engine, user, NESTED["key"][0])) == ("FORBIDDEN", "You are not allowed to use Room.")


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("key", [1, 9])
def test_type_that_may_not_be_read_is_not_searched(ann: User, key: int, mask: bool) -> None:
    editors = requires_role("editors")
    engine = engine_with({Tag: editors, Seal: editors}, mask=mask)
    calls = {
        f"updateBox(id: 1, input: {{tags: {{connect: [{key}]}}}})": "Tag",
        f"updateBox(id: 1, input: {{tags: {{set: [{key}]}}}})": "Tag",
        f"updateBox(id: 1, input: {{tags: {{disconnect: [{key}]}}}})": "Tag",
        f"updateBox(id: 1, input: {{tags: {{update: [{{id: {key}}}]}}}})": "Tag",
        f"updateBox(id: 1, input: {{tags: {{delete: [{key}]}}}})": "Tag",
        f"correctBox(id: 1, input: {{tags: [{key}]}})": "Tag",
        f"updateBox(id: 2, input: {{seal: {{connect: {key}}}}})": "Seal",
    }

    for call, name in calls.items():
        assert refused(ask(engine, ann, call)) == ("FORBIDDEN", f"You are not allowed to use {name}.")
        assert refused(ask(engine, None, call)) == ("UNAUTHENTICATED", f"Sign in to use {name}.")
    created = 'updateBox(id: 1, input: {name: "new", tags: {create: [{name: "new"}]}})'
    assert refused(ask(engine, ann, created)) == ("FORBIDDEN", "You are not allowed to use updateBox(tags.create:).")
    ann.groups.create(name="editors")
    for call in (*calls, created):
        assert "errors" not in ask(engine, User.objects.get(pk=ann.pk), call), call


def test_one_type_that_may_be_read_is_enough(ann: User) -> None:
    registry = Registry()
    own: Any = {"registry": registry}
    fraiseql.type(Tag, fields=["id"], permission=requires_role("editors"), name="Label", **own)(type("A", (), {}))
    fraiseql.type(Tag, fields=["id"], primary=True, **own)(type("TagType", (), {}))
    box = fraiseql.type(Box, fields=["id"], **own)(type("BoxType", (), {}))
    fraiseql.update(box, fields=["tags"], **own)

    assert "errors" not in ask(
        GraphQLEngine(registry=registry, cache=None), ann, "updateBox(id: 1, input: {tags: [1]})"
    )


def test_nothing_is_asked_before_it_is_refused(ann: User) -> None:
    engine = engine_with({Tag: requires_auth})

    with CaptureQueriesContext(connection) as captured:
        body = ask(engine, None, 'updateBox(id: 1, input: {name: "new", tags: {connect: [1]}})')

    assert refused(body) == ("UNAUTHENTICATED", "Sign in to use Tag.")
    assert not [query["sql"] for query in captured if "archive_" in query["sql"]]
