"""What a mutation from a model creates or changes must be visible afterwards, whatever the client selects of it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, nested
from tests.archive.models import Box, Member, Note, Room, Seal, Tag, Visit
from tests.archive.support import FIELDS, MODELS

OWN = dict.fromkeys(MODELS, lambda viewer: Q(owner=viewer.id))


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with an owner."""

    class Meta:
        model = Room
        fields = ("name", "owner")


class BoxForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a list."""

    tags = forms.ModelMultipleChoiceField(Tag.objects.all(), required=False)

    class Meta:
        model = Box
        fields = ("name", "tags")


class NewBoxForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a list of its own, which begins with something in it."""

    labels = forms.ModelMultipleChoiceField(Tag.objects.all(), required=False, initial=[2])

    class Meta:
        model = Box
        fields = ("name", "room")

    def save(self, commit: bool = True) -> Any:
        box = super().save(commit)
        box.tags.set(self.cleaned_data["labels"])
        return box


class GuestForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form with a list that has a model between."""

    class Meta:
        model = Room
        fields = ("guests",)


def engine_with(rules: Mapping[Any, Any]) -> GraphQLEngine:
    """Make an engine over types with these row rules, and mutations that write every kind of relation."""
    registry = Registry()
    own: Any = {"registry": registry}
    types: dict[Any, Any] = {}
    for model in (*MODELS, Visit, Box.tags.through):
        cls = type(f"{model.__name__}Type", (), {"__module__": __name__})
        named = ["id", "name", *FIELDS[model]] if model in FIELDS else ["id"]
        types[model] = fraiseql.type(model, fields=named, rows=rules.get(model), **own)(cls)
    every: Any = {"connect": True, "disconnect": True, "set": True}
    new = ["name", "owner"]
    box = [
        *new,
        "readers",
        nested("room", connect=True, create=new),
        nested("twin", connect=True, create=[*new, "room"], disconnect=True),
        nested("notes", create=new, **every),
        nested("seal", connect=True, create=new),
        nested("tags", create=new, **every),
    ]
    room = [
        *new,
        nested("boxes", create=[*new, nested("tags", create=new)]),
        nested("guests", create=["username"], **every),
    ]
    fraiseql.create(types[Room], fields=room, **own)
    fraiseql.create(types[Room], fields=room, bulk=True, **own)
    fraiseql.update(types[Room], fields=room, **own)
    fraiseql.update(types[Room], fields=new, bulk=True, **own)
    fraiseql.create(types[Room], form=RoomForm, name="enterRoom", **own)
    fraiseql.update(types[Room], form=RoomForm, name="correctRoom", **own)
    fraiseql.update(types[Room], form=GuestForm, name="inviteRoom", **own)
    fraiseql.update(types[Box], fields=box, **own)
    fraiseql.update(types[Box], form=BoxForm, name="correctBox", **own)
    fraiseql.create(types[Box], form=NewBoxForm, name="enterBox", **own)
    fraiseql.upsert(types[Seal], fields=["box", *new], unique=["box"], **own)
    fraiseql.upsert(types[Seal], fields=["box", *new], unique=["box"], bulk=True, **own)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def ann(db: None) -> User:
    """Make rooms 1 and 2 with boxes 1 and 2, of ann and of bob, and things in ann's; ann may read all but bob's."""
    users = [User.objects.create(pk=number, username=name) for number, name in ((8001, "ann"), (8002, "bob"))]
    members = [Member.objects.create(pk=user.pk, username=user.username) for user in users]
    for number, owner in enumerate(members, 1):
        room = Room.objects.create(pk=number, name="old", owner=owner)
        room.readers.add(owner)
        box = Box.objects.create(pk=number, name="old", owner=owner, room=room)
        box.readers.add(owner)
        box.tags.add(Tag.objects.create(pk=number, name="old", owner=owner))
        Note.objects.create(pk=number, name="old", owner=owner, box=box)
    Box.objects.create(pk=3, name="third", owner=members[0], room_id=1).readers.add(members[0])
    Seal.objects.create(pk=1, name="old", owner=members[0], box_id=1)
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 100)", [model._meta.db_table])
    return users[0]


def tables() -> dict[str, list[Any]]:
    models = apps.get_app_config("archive").get_models(include_auto_created=True)
    return {model.__name__: sorted(map(repr, model._base_manager.values_list())) for model in models}


def ask(
    engine: GraphQLEngine, user: User | None, call: str, selection: str = "{ __typename }", **variables: Any
) -> Any:
    declared = "($no: Boolean = false)" if "$no" in selection else ""
    query = f"mutation {declared} {{ x: {call} {selection} }}"
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def assert_refused(body: Any, name: str) -> None:
    assert body.get("data", body) is None
    (error,) = body["errors"]
    assert (error["message"], error["path"], error["extensions"]) == (
        f"This {name} is not there for you.",
        ["x"],
        {"code": "FORBIDDEN"},
    )


def assert_done(body: Any) -> None:
    assert "errors" not in body, body
    assert body["data"]["x"]["__typename"].endswith("Success"), body


# --- rows that are created or given away ---

# the owner is @: bob's are not there for ann
WRITES = {
    "create": ("Room", 'createRoom(input: {name: "new", owner: @})'),
    "creates": ("Room", 'createRooms(input: [{name: "new", owner: 8001}, {name: "new", owner: @}])'),
    "update": ("Room", 'updateRoom(id: 1, input: {name: "new", owner: @})'),
    "updates": ("Room", 'updateRooms(input: [{id: 1, name: "new"}, {id: 1, owner: @}])'),
    "form that creates": ("Room", 'enterRoom(input: {name: "new", owner: @})'),
    "form that updates": ("Room", 'correctRoom(id: 1, input: {name: "new", owner: @})'),
    "upsert that creates": ("Seal", 'upsertSeal(input: {box: 3, name: "new", owner: @})'),
    "upsert that updates": ("Seal", 'upsertSeal(input: {box: 1, name: "new", owner: @})'),
    "upserts": ("Seal", 'upsertSeals(input: [{box: 3, name: "new", owner: 8001}, {box: 1, owner: @}])'),
    "one that is created": ("Room", 'updateBox(id: 1, input: {room: {create: {name: "new", owner: @}}})'),
    "one of the same kind": ("Box", 'updateBox(id: 1, input: {twin: {create: {name: "new", owner: @, room: 1}}})'),
    "one that leads here": ("Seal", 'updateBox(id: 3, input: {seal: {create: {name: "new", owner: @}}})'),
    "list": ("Note", 'updateBox(id: 1, input: {notes: {create: [{name: "new", owner: @}]}})'),
    "many to many": ("Tag", 'updateBox(id: 1, input: {tags: {create: [{name: "new", owner: @}]}})'),
    "nested twice": (
        "Tag",
        'createRoom(input: {name: "new", owner: 8001, boxes: {create: [{name: "new", owner: 8001, '
        'tags: {create: [{name: "new", owner: @}]}}]}})',
    ),
}
SELECTIONS = [
    "{ __typename }",
    "{ ... @include(if: $no) { __typename } }",
    "{ ... on MutationError { code } }",
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_is_written_must_be_visible(ann: User, write: str, selection: str) -> None:
    engine = engine_with(OWN)
    name, call = WRITES[write]
    before = tables()

    assert_refused(ask(engine, ann, call.replace("@", "8002"), selection), name)
    assert tables() == before
    assert "errors" not in ask(engine, ann, call.replace("@", "8001"), selection)
    assert tables() != before


def test_nobody_creates_what_nobody_sees(ann: User) -> None:
    assert_refused(ask(engine_with(OWN), None, 'createRoom(input: {name: "new"})'), "Room")


# --- rows that change with what they are connected to ---

BY_BOX = lambda viewer: Q(box__owner=viewer.id)  # noqa: E731
BY_BOXES = lambda viewer: Q(boxes__owner=viewer.id)  # noqa: E731
BY_READER = lambda viewer: Q(readers=viewer.id)  # noqa: E731
LINKS = {
    "disconnect": (Note, BY_BOX, "updateBox(id: 1, input: {notes: {disconnect: [1]}})"),
    "set": (Note, BY_BOX, "updateBox(id: 1, input: {notes: {set: []}})"),
    "connect": (Note, BY_BOX, "updateBox(id: 2, input: {notes: {connect: [1]}})"),
    "create": (Note, BY_BOX, 'updateBox(id: 2, input: {notes: {create: [{name: "new"}]}})'),
    "connect one": (Seal, BY_BOX, "updateBox(id: 2, input: {seal: {connect: 1}})"),
    "disconnect many to many": (Tag, BY_BOXES, "updateBox(id: 1, input: {tags: {disconnect: [1]}})"),
    "set many to many": (Tag, BY_BOXES, "updateBox(id: 1, input: {tags: {set: []}})"),
    "form's list": (Tag, BY_BOXES, "correctBox(id: 1, input: {tags: []})"),
    "create many to many": (Tag, BY_BOXES, 'updateBox(id: 2, input: {tags: {create: [{name: "new"}]}})'),
    "the row's own list": (Box, BY_READER, "updateBox(id: 1, input: {readers: [8002]})"),
}
KEPT = {
    "disconnect": (Note, BY_BOX, "updateBox(id: 1, input: {notes: {disconnect: []}})"),
    "connect": (Note, BY_BOX, "updateBox(id: 3, input: {notes: {connect: [1]}})"),
    "connect one": (Seal, BY_BOX, "updateBox(id: 3, input: {seal: {connect: 1}})"),
    "connect many to many": (Tag, BY_BOXES, "updateBox(id: 2, input: {tags: {connect: [1]}})"),
    "set many to many": (Tag, BY_BOXES, "updateBox(id: 3, input: {tags: {set: [1]}})"),
    "the row's own list": (Box, BY_READER, "updateBox(id: 1, input: {readers: [8001, 8002]})"),
}


@pytest.mark.parametrize("link", LINKS)
def test_what_is_let_go_of_must_be_visible_afterwards(ann: User, link: str) -> None:
    model, rule, call = LINKS[link]
    before = tables()

    assert_refused(ask(engine_with({model: rule}), ann, call), model.__name__)
    assert tables() == before
    assert_done(ask(engine_with({}), ann, call))
    assert tables() != before


@pytest.mark.parametrize("link", KEPT)
def test_what_stays_visible_may_be_connected(ann: User, link: str) -> None:
    model, rule, call = KEPT[link]

    assert_done(ask(engine_with({model: rule}), ann, call))


@pytest.mark.parametrize(
    "call",
    [
        "updateRoom(id: 1, input: {guests: {connect: [8001, 8002]}})",
        "updateRoom(id: 1, input: {guests: {set: [8002]}})",
        "inviteRoom(id: 1, input: {guests: [8002]})",
    ],
)
def test_row_of_a_table_between_is_written_too(ann: User, call: str) -> None:
    ruled = engine_with({Visit: lambda viewer: Q(member=viewer.id) | Q(noted=True)})

    assert_refused(ask(ruled, ann, call), "Visit")
    assert not Visit.objects.exists()
    assert_done(ask(ruled, ann, call.replace("8002", "8001")))
    # what was there before is not written by this, hidden or not
    Visit.objects.create(room_id=1, member_id=8002, noted=False)
    assert_done(ask(ruled, ann, "updateRoom(id: 1, input: {guests: {connect: [8002]}})"))
    assert_done(ask(engine_with({}), ann, call))


def test_row_of_a_table_between_without_a_model_of_its_own(ann: User) -> None:
    call = "updateBox(id: 1, input: {tags: {connect: [2]}})"

    assert_refused(ask(engine_with({Box.tags.through: lambda viewer: Q(tag=1)}), ann, call), "Box_tags")
    assert_done(ask(engine_with({Box.tags.through: lambda viewer: Q(box=1)}), ann, call))


# --- what is not asked ---


def test_rule_of_another_type_over_the_model_is_not_the_mutations(ann: User) -> None:
    registry = Registry()

    @fraiseql.type(Room, fields=["id"], rows=lambda viewer: Q(owner=viewer.id), registry=registry)
    class RoomType:
        pass

    @fraiseql.type(Room, fields=["id"], rows=lambda viewer: viewer.is_staff, name="Vault", registry=registry)
    class VaultType:
        pass

    fraiseql.create(RoomType, fields=["name", "owner"], registry=registry)
    fraiseql.create(VaultType, fields=["name", "owner"], registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)

    assert_done(ask(engine, ann, 'createRoom(input: {name: "new", owner: 8001})'))
    assert_refused(ask(engine, ann, 'createRoom(input: {name: "new", owner: 8002})'), "Room")
    assert_refused(ask(engine, ann, 'createVault(input: {name: "new", owner: 8001})'), "Vault")


def test_row_that_the_projects_own_code_deletes_is_not_asked_for(ann: User) -> None:
    def drop(instance: Room, **kwargs: Any) -> None:
        Room.objects.filter(pk=instance.pk).delete()

    engine = engine_with(OWN)
    post_save.connect(drop, sender=Room)
    try:
        assert_done(ask(engine, ann, 'createRoom(input: {name: "new", owner: 8001})'))
    finally:
        post_save.disconnect(drop, sender=Room)


def test_one_statement_more_for_each_model_with_a_rule(ann: User) -> None:
    def statements(rules: Mapping[Any, Any], call: str) -> int:
        engine = engine_with(rules)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert_done(ask(engine, ann, call))
        return len(captured)

    tags = ", ".join(f'{{name: "{number}", owner: 8001}}' for number in range(5))
    boxes = f'{{name: "new", owner: 8001, tags: {{create: [{tags}]}}}}'
    call = f'createRoom(input: {{name: "new", owner: 8001, boxes: {{create: [{boxes}]}}}})'
    plain = statements({}, call)

    assert statements({Note: OWN[Note], Seal: OWN[Seal]}, call) == plain
    assert statements({Room: OWN[Room]}, call) == plain + 1
    assert statements({Room: OWN[Room], Tag: OWN[Tag]}, call) == plain + 2
    assert statements(OWN, call) == plain + 3


# --- lists of forms ---


def test_form_keeps_what_is_hidden_in_a_list(ann: User) -> None:
    engine = engine_with(OWN)
    box = Box.objects.get(pk=1)
    box.tags.add(2)
    third = Tag.objects.create(pk=3, name="third", owner_id=ann.pk)

    for chosen, kept in (("[3]", {2, 3}), ("[]", {2}), ("[1, 3]", {1, 2, 3})):
        assert_done(ask(engine, ann, f"correctBox(id: 1, input: {{tags: {chosen}}})"))
        assert set(box.tags.values_list("pk", flat=True)) == kept
    # that it is there already does not make it known
    hidden, missing = (ask(engine, ann, f"correctBox(id: 1, input: {{tags: [{key}]}})") for key in (2, 9))
    assert hidden == missing == {"data": {"x": {"__typename": "MutationError"}}}
    assert third in box.tags.all()


@pytest.mark.parametrize(("given", "chosen"), [("", {2}), (", labels: [1]", {1}), (", labels: []", set())])
def test_what_a_form_begins_with_is_not_kept(ann: User, given: str, chosen: set[int]) -> None:
    engine = engine_with({Tag: OWN[Tag]})

    assert_done(ask(engine, ann, f'enterBox(input: {{name: "new", room: 1{given}}})'))
    assert set(Box.objects.get(name="new").tags.values_list("pk", flat=True)) == chosen
