"""What a viewer may not see has no influence on what they are answered.

Two states of the database differ only in rows that a rule or a policy hides, in the links between them and others, and
in columns that the viewer may not read. Random queries and mutations get the same bytes from both, by the same number
of statements. FRAISEQL_SEED draws others; the message of a failure names the seed.

What the documentation names is left alone: values of unique columns; how many statements Django sends to delete what
hidden rows refer to; and, under policies, whether it can be deleted, since PostgreSQL holds keys against hidden rows.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, nested
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.declare.rules import requires_permission
from fraiseql_django.invalidation import catalog
from fraiseql_django.schema.build import Schema
from tests.archive.models import Box, Guarded, Member, Note, Room, Seal, Tag
from tests.archive.policies import USER, add_policies, engine_of_role
from tests.archive.support import KINDS, MODELS, Archive, Kind, Person, declare, fill
from tests.generator import Drawn
from tests.values import pool

SEED = int(os.environ.get("FRAISEQL_SEED", "1"))
QUERIES, MUTATIONS = 18, 24
NO_LIMITS = LimitSettings(depth=None, aliases=None, fields=None, tokens=None, root_fields=None)
BY_NAME = {kind.name: kind for kind in KINDS}
CASES = [("id", "ann"), ("value", "bob"), ("to many", "ann"), ("or", "bob"), ("not", "ann")]
# rules that do not look at the tenant leave it free to be a column that nobody may read
BLIND = ("id", "to many")

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def archive(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Archive]:
    """Fill the archive once: nothing here writes for good."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield fill()
        transaction.set_rollback(True)


# --- schemas ---


def registry_with(rule: Any, *, blind: bool) -> Registry:
    """Declare types with a rule over all models, hidden columns, and mutations of every kind."""
    registry = Registry()
    hidden = requires_permission("archive.view_note")
    bodies: Any = {}
    if blind:
        bodies = {
            Note: {"__annotations__": {"tenant": "fraiseql.auto"}, "tenant": fraiseql.field(permission=hidden)},
            Seal: {
                "__annotations__": {"tenant": "fraiseql.auto"},
                "tenant": fraiseql.field(permission=hidden, mask=True),
            },
        }
    types = declare(registry, {model: {"rows": rule} if rule is not None else {} for model in MODELS}, bodies)
    lists: Any = {"connect": True, "disconnect": True, "set": True}
    box, own = types[Box], {"registry": registry}
    fields = [
        *("name", "tenant", "room"),
        nested("twin", connect=True, create=["name", "room"]),
        nested("tags", **lists),
        nested("notes", connect=True, disconnect=True, set=True),
        nested("seal", connect=True),
    ]
    fraiseql.update(box, fields=fields, **own)
    fraiseql.update(box, fields=["name", "room"], bulk=True, **own)
    fraiseql.update(box, fields=["name"], version="tenant", name="recountBox", **own)
    fraiseql.create(box, fields=["name", "tenant", "room", nested("tags", **lists)], **own)
    fraiseql.delete(box, **own)
    fraiseql.delete(box, bulk=True, **own)
    fraiseql.upsert(types[Seal], fields=["box", "name"], unique=["box"], **own)
    fraiseql.create(types[Note], fields=["name", "box"], **own)
    fraiseql.create(types[Room], fields=["name", "within", nested("boxes", create=["name", "tags"])], **own)
    fraiseql.update(types[Room], fields=["name", nested("doors", **lists), nested("rooms", **lists)], **own)
    fraiseql.delete(types[Tag], **own)

    @fraiseql.mutation(registry=registry)
    def rename(info: fraiseql.Info, id: fraiseql.ID, name: str) -> Box:
        """Change what the viewer sees."""
        found = info.visible(Box).select_for_update().get(pk=id)
        found.name = name
        found.save()
        return found

    return registry


# --- operations ---


class DrawnAtRandom(Drawn):
    """Draws operations from a generator of random numbers."""

    def __init__(self, schema: Schema, values: Any, random: Random, visible: Mapping[str, list[int]]) -> None:
        super().__init__(schema, values, lambda strategy: None)
        self.random = random
        self.visible = visible

    def chance(self, percent: int) -> bool:
        """Decide."""
        return self.random.randrange(100) < percent

    def number(self, least: int, most: int) -> int:
        """Draw a whole number."""
        return self.random.randint(least, most)

    def one_of(self, choices: Any) -> Any:
        """Draw one of these."""
        return self.random.choice(list(choices))

    def mutations(self) -> str:
        """Draw one or two mutations; what each answers is drawn as in a query."""
        calls = " ".join(f"m{index}: {self._mutation()}" for index in range(self.number(1, 2)))
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        parts = [f"mutation {f'({declared}) ' if declared else ''}{{ {calls} }}"]
        parts += [f"fragment {name} on {of} {body}" for name, (of, body) in self.fragments.items()]
        return "\n".join(parts)

    def row_key(self, type_name: str) -> str:
        """Draw a key: mostly one that the viewer sees, else one that some row has, or none."""
        seen = self.visible[type_name] if self.chance(70) else []
        return str(self.one_of(seen or [*self.pool[type_name, "id"], 999]))

    def keys(self, type_name: str) -> str:
        return json.dumps([self.row_key(type_name) for _ in range(self.number(0, 3))])

    def text(self) -> str:
        return json.dumps(self.one_of(["new", "SECRET-Box-1", "SECRET-Note-2", ""]))

    def _mutation(self) -> str:
        box, room, tag, seal = (
            lambda name=name: json.dumps(self.row_key(name)) for name in ("Box", "Room", "Tag", "Seal")
        )
        boxes, rooms, tags, notes = (lambda name=name: self.keys(name) for name in ("Box", "Room", "Tag", "Note"))
        way = lambda keys: f"{{{self.one_of(['connect', 'disconnect', 'set'])}: {keys()}}}"  # noqa: E731
        inputs = [
            lambda: f"name: {self.text()}",
            lambda: f"tenant: {self.one_of([0, 1, 2, 'null'])}",
            lambda: f"room: {room()}",
            lambda: f"twin: {{connect: {box()}}}",
            lambda: f"twin: {{create: {{name: {self.text()}, room: {room()}}}}}",
            lambda: f"tags: {way(tags)}",
            lambda: f"notes: {way(notes)}",
            lambda: f"seal: {{connect: {seal()}}}",
        ]
        chosen: dict[str, str] = {}
        for make in self.random.sample(inputs, self.number(1, 3)):
            text = make()
            chosen.setdefault(text.partition(":")[0], text)
        fields = ", ".join(chosen.values())
        calls = [
            (f"updateBox(id: {box()}, input: {{{fields}}})", "UpdateBox", "box", "Box"),
            (f"updateBox(id: {box()}, input: {{{fields}}})", "UpdateBox", "box", "Box"),
            (
                f"updateBoxes(input: [{{id: {box()}, name: {self.text()}}}, {{id: {box()}, room: {room()}}}])",
                "UpdateBoxes",
                "boxes",
                "Box",
            ),
            (
                f"recountBox(id: {box()}, input: {{name: {self.text()}, tenant: {self.number(0, 2)}}})",
                "RecountBox",
                "box",
                "Box",
            ),
            (
                f"createBox(input: {{name: {self.text()}, tenant: 1, room: {room()}, tags: {{connect: {tags()}}}}})",
                "CreateBox",
                "box",
                "Box",
            ),
            (f"deleteBox(id: {box()})", "DeleteBox", "box", "Box"),
            (f"deleteBoxes(ids: {boxes()})", "DeleteBoxes", "boxes", "Box"),
            (f"upsertSeal(input: {{box: {box()}, name: {self.text()}}})", "UpsertSeal", "seal", "Seal"),
            (f"createNote(input: {{name: {self.text()}, box: {box()}}})", "CreateNote", "note", "Note"),
            (
                f"createRoom(input: {{name: {self.text()}, within: {room()}, "
                f"boxes: {{create: [{{name: {self.text()}, tags: {tags()}}}]}}}})",
                "CreateRoom",
                "room",
                "Room",
            ),
            (f"updateRoom(id: {room()}, input: {{doors: {way(rooms)}}})", "UpdateRoom", "room", "Room"),
            (f"updateRoom(id: {room()}, input: {{rooms: {way(rooms)}}})", "UpdateRoom", "room", "Room"),
            (f"deleteTag(id: {tag()})", "DeleteTag", "tag", "Tag"),
            (f"rename(id: {box()}, name: {self.text()})", "", "", "Box"),
        ]
        call, stem, name, type_name = self.one_of(calls)
        selected = self.selection_set(type_name, 1)
        if not stem:
            return f"{call} {selected}"
        error = "... on MutationError { message code status errors { code identifier message field } }"
        return f"{call} {{ __typename ... on {stem}Success {{ {name} {selected} }} {error} }}"


# --- states ---


def disturb(archive: Archive, kind: Kind, who: Person, random: Random, *, blind: bool) -> None:
    """Change what the viewer may not see: hidden rows and their links, more hidden rows, hidden columns."""
    members = [*Member.objects.all(), None]
    hidden: dict[type[Guarded], set[int]] = {}
    for model in MODELS:
        hidden[model] = set()
        for row in model._default_manager.order_by("pk"):
            readers = archive.readers[model, row.pk]
            if kind.visible(row, readers, who, archive):
                continue
            hidden[model].add(row.pk)
            _change(model, row, readers, kind, who, archive, random, members)
    for model in MODELS:
        # of a seal the box is unique
        for number in range(0 if model is Seal else 3):
            row = model(pk=5_000 + number, name=random.choice(["new", "SECRET-Box-1"]), tenant=random.randrange(9))
            _hide(row, kind, who, archive, members)
            if model is Box:
                row.room_id = random.choice(archive.rows[Room]).pk
            row.save(force_insert=True)
            archive.readers[model, row.pk] = set()
            hidden[model].add(row.pk)
    _change_links(archive, hidden, random)
    if blind:
        for model in (Note, Seal):
            for row in model._default_manager.all():
                model._default_manager.filter(pk=row.pk).update(tenant=random.randrange(9))


def _hide(row: Any, kind: Kind, who: Person, archive: Archive, members: list[Any]) -> None:
    for owner in members:
        for tenant in (row.tenant, *range(9)):
            row.owner, row.tenant = owner, tenant
            if not kind.visible(row, set(), who, archive):
                return
    raise AssertionError("no row is hidden")


def _change(
    model: Any, row: Any, readers: set[int], kind: Kind, who: Person, archive: Archive, random: Random, members: Any
) -> None:
    """Give a hidden row other values, with which it is still hidden."""
    before = row.name, row.tenant, row.owner
    row.name = random.choice([row.name, "new", "", "SECRET-Box-1", "zzz"])
    row.tenant, row.owner = random.randrange(9), random.choice(members)
    if kind.visible(row, readers, who, archive):
        row.name, row.tenant, row.owner = before
    row.save()


def _change_links(archive: Archive, hidden: dict[type[Guarded], set[int]], random: Random) -> None:
    rooms, boxes = ([row.pk for row in archive.rows[model]] for model in (Room, Box))
    for key in hidden[Box]:
        Box.objects.filter(pk=key).update(room=random.choice(rooms), twin=random.choice([*boxes, None]))
    for key in hidden[Note]:
        Note.objects.filter(pk=key).update(box=random.choice([*boxes, None]))
    for key in hidden[Room]:
        # no circle
        Room.objects.filter(pk=key).update(within=random.choice([None, *(other for other in rooms if other < key)]))
    for box in Box.objects.all():
        for tag in Tag.objects.all():
            if box.pk in hidden[Box] or tag.pk in hidden[Tag]:
                (box.tags.add if random.random() < 0.5 else box.tags.remove)(tag)
    for room in Room.objects.all():
        for other in Room.objects.all():
            if room.pk in hidden[Room] or other.pk in hidden[Room]:
                (room.doors.add if random.random() < 0.5 else room.doors.remove)(other)


# --- what is seen ---


def observed(engine: GraphQLEngine, who: Person, query: str, variables: Any) -> tuple[str, int]:
    """Execute an operation, and undo it; return the answer's text and the number of its statements."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in MODELS:
            # what is created has the same keys
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 100000)", [model._meta.db_table])
        with CaptureQueriesContext(connection) as captured:
            body = engine.execute(query, variables, request=who.request).body.decode()
        transaction.set_rollback(True)
    return re.sub(r"\(error \w+\)|\"id\":\"[0-9a-f]{12}\"", "", body), len(captured)


def assert_no_influence(
    engine: GraphQLEngine,
    archive: Archive,
    kind: Kind,
    who: Person,
    random: Random,
    *,
    blind: bool,
    deletions: bool = True,
) -> None:
    """Ask a lot in one state and in another."""
    values = pool(engine.schema)
    visible = {
        model.__name__: [
            row.pk for row in archive.rows[model] if kind.visible(row, archive.readers[model, row.pk], who, archive)
        ]
        for model in MODELS
    }
    operations: list[tuple[str, Any]] = []
    for _ in range(QUERIES):
        operations.append(DrawnAtRandom(engine.schema, values, random, visible).operation())
    while len(operations) < QUERIES + MUTATIONS:
        drawn = DrawnAtRandom(engine.schema, values, random, visible)
        mutation = drawn.mutations()
        if deletions or "delete" not in mutation:
            operations.append((mutation, drawn.variables))
    if who.user is not None:
        # Django keeps them
        who.user.get_all_permissions()
    before = [observed(engine, who, *operation) for operation in operations]
    readers = dict(archive.readers)
    try:
        with transaction.atomic():
            disturb(archive, kind, who, random, blind=blind)
            after = [observed(engine, who, *operation) for operation in operations]
            transaction.set_rollback(True)
    finally:
        archive.readers.clear()
        archive.readers.update(readers)
    for operation, (text, count), (other_text, other_count) in zip(operations, before, after, strict=True):
        shown = f"FRAISEQL_SEED={SEED} {kind.name} {who.name}\n{operation[0]}\n{json.dumps(operation[1])}"
        assert text == other_text, shown
        # a payload with a relation that is never null to a row that a policy hides is one
        assert deletions is False or "INTERNAL_SERVER_ERROR" not in text, f"{shown}\n{text}"
        if "delete" not in operation[0]:
            assert count == other_count, f"{shown}\n{text}"
    # the operations are not all refused, though many select what one may not see, and mutations succeed and fail
    texts = [text for text, _ in before]
    assert sum('"errors":[{"message"' not in text for text in texts) > len(texts) / 5
    assert any("Success" in text for text in texts[QUERIES:])
    assert any("MutationError" in text for text in texts[QUERIES:])


@pytest.mark.parametrize(("kind", "viewer"), CASES)
def test_hidden_rows_and_columns_have_no_influence(archive: Archive, kind: str, viewer: str) -> None:
    blind = kind in BLIND
    registry = registry_with(BY_NAME[kind].rule, blind=blind)
    settings = replace(get_settings(), limits=NO_LIMITS)
    engine = GraphQLEngine(settings=settings, registry=registry, cache=None)

    random = Random(f"{SEED} {kind} {viewer}")
    assert_no_influence(engine, archive, BY_NAME[kind], archive.people[viewer], random, blind=blind)


def test_rows_that_policies_hide_have_no_influence(archive: Archive) -> None:
    with transaction.atomic():
        add_policies(dict.fromkeys(MODELS, f"owner_id = {USER}"))
        engine = engine_of_role(registry_with(None, blind=True), cache=None)

        random = Random(f"{SEED} policies")
        assert_no_influence(engine, archive, BY_NAME["id"], archive.people["ann"], random, blind=True, deletions=False)
        transaction.set_rollback(True)
    catalog.forget()


def test_deletion_that_a_row_hidden_by_a_policy_prevents_names_nothing(archive: Archive) -> None:
    """PostgreSQL holds keys against all rows, so the outcome tells of the row, but not which table it is in."""
    with transaction.atomic():
        own = next(row for row in archive.rows[Box] if row.owner_id == archive.people["ann"].id)
        Note.objects.filter(owner__username="bob").update(box=own)
        add_policies(dict.fromkeys(MODELS, f"owner_id = {USER}"))
        engine = engine_of_role(registry_with(None, blind=True), cache=None)

        query = f"mutation {{ deleteBox(id: {own.pk}) {{ ... on MutationError {{ message }} }} }}"
        answer = engine.execute(query, request=archive.people["ann"].request).json()["data"]

        assert answer == {"deleteBox": {"message": "This cannot be deleted, since it is still referred to."}}
        transaction.set_rollback(True)
    catalog.forget()
