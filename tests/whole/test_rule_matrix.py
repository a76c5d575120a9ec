"""Every path that reads, crossed with every kind of rule: what a viewer may not see is as if it were not there.

The other way to the answer takes the hidden rows out of the tables and asks graphql-core's own executor over Django
objects (``naive.py``), which knows of no rules.
"""

import dataclasses
import json
import os
from collections.abc import Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.declare.rules import requires_permission
from fraiseql_django.invalidation import catalog
from fraiseql_django.schema.filter_inputs import DIRECTIONS, QUANTIFIERS, comparable
from fraiseql_django.schema.operators import Operator, Takes, Transform
from tests.archive.models import Box, Guarded, Note, Room, Seal
from tests.archive.support import KINDS, MODELS, Archive, Kind, Person, declare, engine_of, fill, hidden_from, remove
from tests.generator import operations
from tests.naive import Naive, assert_same_data, members
from tests.values import pool
from tests.zoo import models as zoo

pytestmark = pytest.mark.django_db

NO_LIMITS = LimitSettings(depth=None, aliases=None, fields=None, tokens=None, root_fields=None)
VIEWERS = ["nobody", "ann", "bob", "staff"]
# Which types have the rule: the target of most paths, its other ends, all
RULED: Mapping[str, Collection[type[Guarded]]] = {
    "target": [Box],
    "other ends": [Room, Seal, Note],
    "both ends": MODELS,
}
READS = {
    "list": "{ boxes { id name tenant ownerId roomId } }",
    "single": "{ " + " ".join(f"b{n}: box(id: {n}) {{ name room {{ name }} }}" for n in range(1, 12)) + " }",
    "to one": "{ notes { name boxId box { id name } } }",
    "to one that is never missing": "{ seals { id box { name } } }",
    "reverse to one": "{ boxes { id seal { name } } }",
    "reverse list": "{ rooms { id boxes { name } } }",
    "many to many": "{ boxes { id tags { name } } }",
    "many to many back": "{ tags { name boxes { id name } } }",
    "itself": "{ boxes { id twin { name twin { name } } twins { name } } }",
    "itself in a tree": "{ rooms { name within { name within { name } } rooms { name rooms { name } } } }",
    "itself many to many": "{ rooms { id doors { name doors { id } } } }",
    "three levels": "{ rooms { boxes { tags { boxes { name notes { name box { name room { name } } } } } } } }",
    "through one to many": "{ notes { box { room { boxes { name seal { name box { id } } } } } } }",
    "fragments": """{ boxes { ...A room { ... on Room { name } ...B } } }
        fragment A on Box { x: name other: seal { name } } fragment B on Room { all: boxes { name } }""",
    "directives": "{ notes { name box @include(if: true) { name } room: box { room @skip(if: false) { name } } } }",
    "aliases": "{ a: boxes(limit: 2) { name } b: boxes { name } c: rooms { d: boxes { e: name } f: boxes { g: id } } }",
    "page": "{ boxes(limit: 3, offset: 2) { name } }",
    "nested page": "{ rooms { boxes(limit: 1, offset: 1) { name } } tags { boxes(limit: 2) { id } } }",
    "connection": """{ boxesConnection(first: 3) { totalCount nodes { name } edges { node { room { name } } }
        pageInfo { hasNextPage } } }""",
    "nested connection": """{ rooms { boxesConnection(last: 2) { totalCount nodes { name } pageInfo { hasNextPage } } }
        tags { boxesConnection(first: 1) { edges { node { notesConnection { totalCount nodes { name } } } } } } }""",
    "connection under a where": "{ boxesConnection(where: {tenant: {gte: 1}}) { totalCount nodes { name } } }",
    "typename": "{ boxes { __typename room { __typename } seal { __typename } } }",
}
OWN = {
    "where": '{ boxes(where: {name: {startswith: "SECRET"}}) { name } }',
    "where NOT": '{ boxes(where: {NOT: {name: {eq: "SECRET-Box-1"}}}) { name } }',
    "where OR": "{ boxes(where: {OR: [{tenant: {eq: 1}}, {id: {in: [2, 3, 4]}}]}) { name } }",
    "order": "{ boxes(orderBy: [{tenant: DESC}, {name: DESC}], limit: 4) { name } }",
    "nested where": "{ rooms { boxes(where: {tenant: {gte: 1}}, orderBy: {name: DESC}, limit: 2) { name } } }",
}
SEARCHES = {
    "where to one": '{ notes(where: {box: {name: {gte: "SECRET"}}}) { name } }',
    "where to one by key": "{ notes(where: {box: {id: {in: [1, 2, 3, 4]}}}) { name } }",
    "where to one is null": "{ notes(where: {box: {id: {isnull: true}}}) { name } }",
    "where to one is not null": "{ seals(where: {box: {name: {isnull: false}}}) { name } }",
    "where under NOT": '{ notes(where: {NOT: {box: {name: {eq: "SECRET-Box-1"}}}}) { name } }',
    "where NOT is null": "{ notes(where: {NOT: {box: {tenant: {isnull: true}}}}) { name } }",
    "where two levels": "{ notes(where: {box: {room: {tenant: {gte: 0}}}}) { name } }",
    "where two levels is null": "{ notes(where: {box: {room: {name: {isnull: true}}}}) { name } }",
    "where reverse to one": "{ boxes(where: {seal: {box: {tenant: {gte: 0}}}}) { name } }",
    "where reverse is null": "{ boxes(where: {OR: [{seal: {box: {name: {isnull: true}}}}]}) { name } }",
    "some": "{ rooms(where: {boxes: {some: {}}}) { name } }",
    "some where": '{ rooms(where: {boxes: {some: {name: {contains: "-Box-1"}}}}) { name } }',
    "every": "{ rooms(where: {boxes: {every: {tenant: {gte: 1}}}}) { name } }",
    "none": "{ rooms(where: {boxes: {none: {}}}) { name } }",
    "none where": "{ tags(where: {boxes: {none: {tenant: {eq: 2}}}}) { name } }",
    "some under NOT": "{ tags(where: {NOT: {boxes: {some: {tenant: {eq: 2}}}}}) { name } }",
    "some in some": "{ rooms(where: {boxes: {some: {tags: {some: {boxes: {some: {tenant: {eq: 2}}}}}}}}) { name } }",
    "some of itself": "{ rooms(where: {rooms: {some: {doors: {every: {boxes: {some: {}}}}}}}) { name } }",
    "every of to one": "{ rooms(where: {boxes: {every: {seal: {box: {name: {isnull: true}}}}}}) { name } }",
    "nested where to one": "{ rooms { boxes(where: {twin: {name: {isnull: true}}}) { name } } notes { id } }",
    "order to one": "{ notes(orderBy: [{box: {name: DESC}}, {name: ASC}]) { name } }",
    "order nulls": "{ notes(orderBy: [{box: {tenant: ASC_NULLS_FIRST}}, {box: {id: DESC}}], limit: 5) { name } }",
    "order two levels": "{ notes(orderBy: {box: {room: {name: DESC}}}, limit: 6, offset: 1) { name } }",
    "order reverse to one": "{ boxes(orderBy: {seal: {box: {name: DESC_NULLS_LAST}}}) { name } }",
    "nested order": "{ rooms { boxes(orderBy: [{twin: {name: DESC}}, {room: {name: ASC}}], limit: 2) { name } } }",
}
AGGREGATES = {
    "aggregate": "{ boxesAggregate { count sum { tenant } array { name } min { room { name } } } }",
    "aggregate of a list": "{ rooms { name boxesAggregate { count join { name } } } tags { boxesAggregate { count }}}",
    "aggregate through to one": "{ notesAggregate { countDistinct { box { name } } array { box { room { name } } } } }",
    "groups": "{ boxesGroups { key { tenant room { name } } count array { name } } }",
    "groups by to one": "{ notesGroups { key { box { name seal { name } } } count } }",
    "groups of a list": "{ rooms { boxesGroups(orderBy: [{count: DESC}]) { key { tenant } count } } }",
    "having": '{ boxesGroups(having: {max: {name: {gte: "S"}}, count: {gt: 1}}) { key { tenant } count } }',
    "where count": "{ rooms(where: {boxesCount: {gte: 2}}) { name } }",
    "where count NOT": "{ rooms(where: {NOT: {boxesCount: {gt: 0}}}) { name } }",
    "where aggregate": '{ rooms(where: {boxesAggregate: {max: {name: {gte: "SECRET-Box-3"}}}}) { name } }',
    "where aggregate NOT": "{ rooms(where: {NOT: {boxesAggregate: {sum: {tenant: {gt: 2}}}}}) { name } }",
    "where aggregate where": "{ tags(where: {boxesAggregate: {where: {tenant: {eq: 2}}, count: {eq: 0}}}) { name } }",
    "where count through to one": "{ notes(where: {box: {tagsCount: {eq: 0}}}) { name } }",
    "where aggregate of to one": '{ rooms(where: {boxesAggregate: {min: {seal: {name: {gte: "S"}}}}}) { name } }',
    "order count": "{ rooms(orderBy: [{boxesCount: DESC}, {name: ASC}]) { name boxesCount } }",
    "order aggregate": "{ tags(orderBy: [{boxesAggregate: {max: {name: DESC}}}, {name: ASC}]) { name } }",
    "order through to one": "{ notes(orderBy: [{box: {room: {boxesCount: DESC}}}, {name: ASC}]) { name } }",
}
PATHS = {**READS, **OWN, **SEARCHES}
# More random operations: FRAISEQL_RANDOM_OPERATIONS=1000
WANTED = os.environ.get("FRAISEQL_RANDOM_OPERATIONS")


@pytest.fixture(scope="module")
def archive(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Archive]:
    """Fill the archive once: nothing here writes for good."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield fill()
        transaction.set_rollback(True)


def asked(engine: GraphQLEngine, query: str, who: Person) -> Any:
    """Ask as someone; return the whole answer's text."""
    return engine.execute(query, request=who.request)


class Oracle:
    """Answers as if the hidden rows were not there, because they are not; remembers what it has answered."""

    known: ClassVar[dict[Any, Any]] = {}

    def __init__(self, engine: GraphQLEngine, hidden: Mapping[type[Guarded], list[int]]) -> None:
        self.naive = Naive(engine.schema)
        self.hidden = hidden
        self.key = tuple(sorted((model.__name__, tuple(keys)) for model, keys in hidden.items() if keys))

    def answers(self, queries: Collection[str]) -> dict[str, Any]:
        """Return the data of each query."""
        missing = [query for query in queries if (self.key, query) not in self.known]
        if missing:
            with transaction.atomic():
                remove(self.hidden)
                for query in missing:
                    result = self.naive.execute(query)
                    assert not result.errors, result.errors
                    self.known[self.key, query] = result.data
                transaction.set_rollback(True)
        return {query: self.known[self.key, query] for query in queries}


def assert_hidden(archive: Archive, hidden: Mapping[type[Guarded], list[int]], text: str, cell: Any) -> None:
    """No name of a hidden row is in an answer."""
    for model, keys in hidden.items():
        for row in archive.rows[model]:
            assert row.pk not in keys or f'"{row.name}"' not in text, (cell, row.name)


@pytest.mark.parametrize("ruled", RULED)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rows(archive: Archive, kind: Kind, ruled: str) -> None:
    registry = Registry()
    declare(registry, {model: {"rows": kind.rule} for model in RULED[ruled]})
    engine = engine_of(registry)
    for name in VIEWERS:
        who = archive.people[name]
        hidden = hidden_from(archive, kind, RULED[ruled], who)
        paths = {**PATHS, **AGGREGATES}
        expected = Oracle(engine, hidden).answers(paths.values())
        for path, query in paths.items():
            cell = (kind.name, ruled, name, path)
            response = asked(engine, query, who)
            assert not response.errors, (cell, response.errors)
            text = response.data.decode()
            assert members(text) == members(json.dumps(expected[query])), cell
            assert_hidden(archive, hidden, text, cell)


# --- views, payloads ---


VIEWS = [
    # a box as columns, and as JSON with its room and notes in it
    "CREATE VIEW v_box AS SELECT id, name, tenant, owner_id, room_id, twin_id, "
    "jsonb_build_object('id', id, 'name', name, 'tenant', tenant, 'room', (SELECT jsonb_build_object('name', r.name, "
    "'rank', r.tenant) FROM archive_room r WHERE r.id = room_id), 'notes', (SELECT jsonb_agg(jsonb_build_object("
    "'name', n.name) ORDER BY n.id) FROM archive_note n WHERE n.box_id = b.id)) AS data FROM archive_box b",
    "CREATE VIEW v_box_row AS SELECT id, name, tenant, owner_id, room_id FROM archive_box",
    "CREATE FUNCTION fn_box(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(b) FROM archive_box b "
    "WHERE id = (input->>'id')::int $$",
    "CREATE FUNCTION fn_boxes() RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT to_jsonb(b) FROM archive_box b "
    "ORDER BY id $$",
]
# a view's type can be ruled by its columns, declared or not
SOURCE_KINDS = [kind for kind in KINDS if kind.name in ("id", "value", "staff or own", "role", "or", "not", "none")]
SOURCE_RULES = {
    "id": lambda viewer: Q(owner_id=viewer.id),
    "staff or own": lambda viewer: viewer.is_staff or Q(owner_id=viewer.id),
    "role": lambda viewer: Q(tenant=1) if viewer.has_role("editors") else Q(owner_id=viewer.id),
    "or": lambda viewer: Q(owner_id=viewer.id) | Q(tenant=1, owner_id__isnull=True),
}
SOURCE_PATHS = {
    "list": "{ cards { id name room { name rank } notes { name } } rowOfBoxes { id name } }",
    "single": "{ a: card(id: 1) { name } b: card(id: 2) { name } c: rowOfBox(id: 3) { name } d: card(id: 4) { id } }",
    "link to one": "{ notes { name card { id name } row { name } } }",
    "link to a model": "{ cards { name box { name room { name } } } rowOfBoxes { box { id name } siblings { name } } }",
    "link list": "{ rooms { name cards { name } rows { id name } } }",
    "link and back": "{ boxes { name card { name box { name card { notes { name } } } } } }",
    "list arguments": "{ rooms { cards(where: {tenant: {gte: 1}}, orderBy: {name: DESC}, limit: 1) { name } } }",
    "where": '{ cards(where: {name: {startswith: "SECRET"}, tenant: {gte: 1}}, orderBy: {name: DESC}) { name } }',
    "where in JSON": '{ cards(where: {room: {name: {gte: "S"}}, notes: {none: {name: {eq: "x"}}}}) { name } }',
    "where link": '{ notes(where: {card: {name: {gte: "SECRET"}}}) { name } }',
    "where link is null": "{ notes(where: {card: {tenant: {isnull: true}}}) { name } }",
    "where link NOT": '{ notes(where: {NOT: {row: {name: {eq: "SECRET-Box-2"}}}}) { name } }',
    "where link to a model": "{ cards(where: {box: {tenant: {gte: 1}}}) { name } rowOfBoxes { id } }",
    "where link list": "{ a: rooms(where: {cards: {some: {}}}) { name } b: rooms(where: {rows: {none: {}}}) { name } }",
    "where link every": "{ rooms(where: {rows: {every: {tenant: {gte: 1}}}, cards: {every: {id: {gt: 2}}}}) { name } }",
    "order link": "{ notes(orderBy: [{card: {name: DESC_NULLS_LAST}}, {row: {tenant: ASC}}]) { name } }",
    "order link to a model": "{ cards(orderBy: [{box: {name: DESC}}, {id: ASC}], limit: 3) { name } }",
}


@fraiseql.type
class RoomCard:
    """A room within JSON."""

    name: str
    rank: int


@fraiseql.type
class NoteCard:
    """A note within JSON."""

    name: str


@fraiseql.input
class BoxInput:
    id: int


def with_views(
    rules: Mapping[type[Guarded], Any], source_rule: Any, name_options: Mapping[str, Any] | None = None, **options: Any
) -> Registry:
    """Declare types over the models and over views of boxes, with relations between them.

    ``options`` are of both types over views, ``name_options`` of their field ``name``.
    """
    registry = Registry()

    bodies = {
        Room: {
            "__annotations__": {"cards": "list[Card]", "rows": "list[RowOfBox]"},
            "cards": fraiseql.relation("id", to="room_id"),
            "rows": fraiseql.relation("id", to="room_id"),
        },
        Note: {
            "__annotations__": {"card": "Card | None", "row": "RowOfBox | None"},
            "card": fraiseql.relation("box_id", to="id"),
            "row": fraiseql.relation("box_id", to="id"),
        },
        Box: {"__annotations__": {"card": "Card | None"}, "card": fraiseql.relation("id", to="id")},
    }
    declare(registry, {model: {"rows": rule} for model, rule in rules.items()}, bodies)

    @fraiseql.type(sql_source="v_box", jsonb_column="data", rows=source_rule, registry=registry, **options)
    class Card:
        id: int
        name: str = fraiseql.field(**(name_options or {}))
        tenant: int
        room: RoomCard
        notes: list[NoteCard] | None
        box: "BoxType | None" = fraiseql.relation("id", to="id")  # type: ignore[name-defined]  # noqa: F821

    @fraiseql.type(sql_source="v_box_row", plural="rowOfBoxes", rows=source_rule, registry=registry, **options)
    class RowOfBox:
        id: int
        name: str = fraiseql.field(**(name_options or {}))
        tenant: int
        box: "BoxType | None" = fraiseql.relation("id", to="id")  # type: ignore[name-defined]  # noqa: F821
        siblings: "list[BoxType]" = fraiseql.relation("room_id", to="room_id")  # type: ignore[name-defined]  # noqa: F821

    return registry


@pytest.fixture(scope="module")
def views(archive: Archive) -> Iterator[Archive]:
    """Make views and functions over the archive; the transaction of the archive takes them away."""
    catalog.forget()
    with connection.cursor() as cursor:
        for statement in VIEWS:
            cursor.execute(statement)
    yield archive
    catalog.forget()


@pytest.mark.parametrize("kind", SOURCE_KINDS, ids=lambda kind: kind.name)
def test_rows_of_views(views: Archive, kind: Kind) -> None:
    ruled = engine_of(with_views({Box: kind.rule}, SOURCE_RULES.get(kind.name, kind.rule)))
    # asked where the rows are gone; relations to a type with a rule are subqueries in both
    free = engine_of(with_views({Box: lambda viewer: True}, lambda viewer: True))
    for name in VIEWERS:
        who = views.people[name]
        hidden = hidden_from(views, kind, [Box], who)
        for path, query in SOURCE_PATHS.items():
            with transaction.atomic():
                remove(hidden)
                expected = asked(free, query, who)
                transaction.set_rollback(True)
            answer = asked(ruled, query, who)
            assert not answer.errors, (kind.name, name, path, answer.errors)
            assert not expected.errors, (path, expected.errors)
            assert answer.data == expected.data, (kind.name, name, path)
            assert_hidden(views, hidden, answer.data.decode(), (kind.name, name, path))


SELECTED = "id name room { name boxes { name seal { name } } } notes(where: {box: {tenant: {gte: 0}}}) { name }"


@fraiseql.success
class BoxFound:
    box: "BoxType | None" = None  # type: ignore[name-defined]  # noqa: F821


def with_payloads(rules: Mapping[type[Guarded], Any]) -> Registry:
    """Declare every way in which a mutation returns rows."""
    registry = Registry()
    declare(registry, {model: {"rows": rule} for model, rule in rules.items()})

    @fraiseql.type
    class Several:
        kept: list[Box]
        first: Box | None
        any: list[Box | None]

    @fraiseql.mutation(registry=registry)
    def one(info: fraiseql.Info, id: int) -> Box:
        return Box.objects.get(pk=id)

    @fraiseql.mutation(registry=registry)
    def one_or_none(info: fraiseql.Info, id: int) -> Box | None:
        return Box.objects.get(pk=id)

    @fraiseql.mutation(registry=registry)
    def instances(info: fraiseql.Info) -> list[Box | None]:
        return list(Box.objects.order_by("-pk"))

    @fraiseql.mutation(registry=registry)
    def queryset(info: fraiseql.Info) -> list[Box]:
        return Box.objects.order_by("-pk")  # type: ignore[return-value]

    @fraiseql.mutation(registry=registry)
    def mixed(info: fraiseql.Info, id: int) -> Several:
        found = Box.objects.get(pk=id)
        return Several(kept=Box.objects.filter(pk__lt=5), first=found, any=[found, found])  # type: ignore[arg-type]

    @fraiseql.mutation(function="fn_box", registry=registry)
    class Entity:
        input: BoxInput
        success: BoxFound

    @fraiseql.mutation(function="fn_box", registry=registry)
    class Row:
        input: BoxInput
        success: Box | None

    return registry


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[2], KINDS[6], KINDS[-1]], ids=lambda kind: kind.name)
def test_rows_of_payloads(views: Archive, kind: Kind) -> None:
    engine = engine_of(with_payloads({Box: kind.rule, Room: kind.rule}))
    for name in VIEWERS:
        who = views.people[name]
        assert_payloads(engine, who, hidden_from(views, kind, [Box, Room], who))


def assert_payloads(engine: GraphQLEngine, who: Person, hidden: Mapping[type[Guarded], list[int]]) -> None:
    """What mutations return is what a query finds where the hidden rows are gone."""
    single = {n: f"{{ box(id: {n}) {{ {SELECTED} }} }}" for n in range(1, 11)}
    rows = Oracle(engine, hidden).answers(single.values())
    seen = {n: rows[query]["box"] for n, query in single.items()}
    for n, box in seen.items():
        expected = {
            f"mutation {{ x: oneOrNone(id: {n}) {{ {SELECTED} }} }}": box,
            f"mutation {{ x: entity(input: {{id: {n}}}) {{ ... on BoxFound {{ box {{ {SELECTED} }} }} }} }}": {
                "box": box
            },
            f"mutation {{ x: row(input: {{id: {n}}}) {{ {SELECTED} }} }}": box,
            f"mutation {{ x: mixed(id: {n}) {{ kept {{ {SELECTED} }} first {{ name }} any {{ id }} }} }}": {
                "kept": [seen[key] for key in range(1, 5) if seen[key]],
                "first": box and {"name": box["name"]},
                "any": [box and {"id": box["id"]}] * 2,
            },
        }
        for query, data in expected.items():
            assert asked(engine, query, who).json() == {"data": {"x": data}}, (who.name, query)
        answer = asked(engine, f"mutation {{ x: one(id: {n}) {{ {SELECTED} }} }}", who).json()
        assert answer.get("data") == ({"x": box} if box else None)
        assert box or [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    backwards = [seen[n] for n in reversed(seen)]
    for field, listed in (("instances", backwards), ("queryset", [box for box in backwards if box])):
        answer = asked(engine, f"mutation {{ {field} {{ {SELECTED} }} }}", who).json()
        assert answer == {"data": {field: listed}}, (who.name, field)


# --- rows that are written, and not selected ---

CHANGES: tuple[dict[str, Any], ...] = ({"tenant": 2}, {"tenant": 1, "owner": None}, {"owner": "ann"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rows_that_are_changed(archive: Archive, kind: Kind) -> None:
    """What is changed must be visible before, to be found, and afterwards, whether or not it is read."""
    registry = Registry()
    types = declare(registry, {Box: {"rows": kind.rule}})
    fraiseql.update(types[Box], fields=["tenant", "owner"], registry=registry)
    engine = engine_of(registry)
    query = "mutation ($id: ID!, $to: UpdateBoxInput!) { x: updateBox(id: $id, input: $to) { __typename } }"
    keys = {None: None, "ann": archive.people["ann"].id}
    for who in (archive.people[name] for name in VIEWERS):
        for n, box in enumerate(archive.rows[Box]):
            change = dict(CHANGES[n % len(CHANGES)])
            if "owner" in change:
                change["owner"] = keys[change["owner"]]
            after = SimpleNamespace(name=box.name, tenant=box.tenant, owner_id=box.owner_id)
            after.__dict__.update({"owner_id" if name == "owner" else name: value for name, value in change.items()})
            readers = archive.readers[Box, box.pk]
            before, then = (kind.visible(row, readers, who, archive) for row in (box, after))
            with transaction.atomic():
                answer = engine.execute(query, {"id": box.pk, "to": change}, request=who.request).json()
                changed = Box.objects.values_list("tenant", "owner_id").get(pk=box.pk)
                transaction.set_rollback(True)
            cell = (kind.name, who.name, box.pk)
            done = before and then
            assert changed == ((after.tenant, after.owner_id) if done else (box.tenant, box.owner_id)), cell
            if before and not then:
                assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"], cell
            else:
                named = "UpdateBoxSuccess" if before else "MutationError"
                assert answer == {"data": {"x": {"__typename": named}}}, cell


CONDITIONS = (
    "{id: {isnull: false}}",
    "{tenant: {gte: 1}}",
    "{HAS: {notes: true}}",
    "{NOT: {notes: {some: {name: {isnull: false}}}}}",
    "{room: {name: {isnull: false}}}",
    "{OR: [{HAS: {seal: true}}, {twin: {tenant: {eq: 1}}}]}",
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rows_that_a_condition_chooses(archive: Archive, kind: Kind) -> None:
    """A mutation chooses the rows that a list has, and writes no others."""
    registry = Registry()
    types = declare(registry, {model: {"rows": kind.rule} for model in MODELS})
    fraiseql.update(types[Box], fields=["name"], where=True, registry=registry)
    fraiseql.delete(types[Box], where=True, registry=registry)
    engine = engine_of(registry)
    boxes = {str(box.pk) for box in archive.rows[Box]}
    for who in (archive.people[name] for name in VIEWERS):
        hidden = {str(key) for key in hidden_from(archive, kind, [Box], who)[Box]}
        for where in CONDITIONS:
            cell = (kind.name, who.name, where)
            listed = asked(engine, f"{{ boxes(where: {where}) {{ id }} }}", who).json()["data"]["boxes"]
            success = "... on UpdateBoxesSuccess { boxes { id } }"
            query = f"mutation {{ x: updateBoxes(where: {where}, set: {{}}) {{ {success} }} }}"
            chosen = asked(engine, query, who).json()["data"]["x"]["boxes"]
            assert {box["id"] for box in chosen} == {box["id"] for box in listed}, cell
            assert hidden.isdisjoint(box["id"] for box in chosen), cell
        with transaction.atomic():
            query = "mutation { deleteBoxes(where: {id: {isnull: false}}) { ... on DeleteBoxesSuccess { affected } } }"
            affected = asked(engine, query, who).json()["data"]["deleteBoxes"]["affected"]
            left = {str(key) for key in Box.objects.values_list("pk", flat=True)}
            transaction.set_rollback(True)
        assert (affected, left) == (len(boxes - hidden), hidden), (kind.name, who.name)


# --- permissions ---

# searched through the type, by the field
BY_TYPE = {path for path, query in SEARCHES.items() if "boxes(" not in query}
BY_NAME = {
    *("where", "where NOT", "order", "nested where", "where to one", "where to one is not null", "where under NOT"),
    *("where reverse is null", "some where", "every of to one", "nested where to one", "order to one"),
    *("order reverse to one", "nested order"),
}


def naive_after(engine: GraphQLEngine, statement: str) -> dict[str, Any]:
    """Return the data of each path after a statement, which is undone."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)
        naive = Naive(engine.schema)
        found = {path: naive.execute(query).data for path, query in PATHS.items()}
        transaction.set_rollback(True)
    return found


def assert_allowed_or_refused(
    engine: GraphQLEngine, who: Person, expected: Mapping[str, Any], refused: set[str]
) -> None:
    code = "FORBIDDEN" if who.user else "UNAUTHENTICATED"
    for path, query in PATHS.items():
        answer = asked(engine, query, who).json()
        if path in refused:
            assert "data" not in answer, (who.name, path)
            assert {error["extensions"]["code"] for error in answer["errors"]} == {code}, (who.name, path)
        else:
            assert answer == {"data": expected[path]}, (who.name, path)


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_types(archive: Archive, mask: bool) -> None:
    registry = Registry()
    declare(registry, {Box: {"permission": lambda viewer: viewer.is_staff, "mask": mask}})
    engine = engine_of(registry)
    without = naive_after(engine, "DELETE FROM archive_box")
    touched = {path for path, query in PATHS.items() if "box" in query}

    for name in ("nobody", "ann"):
        assert_allowed_or_refused(engine, archive.people[name], without, BY_TYPE if mask else touched)
    assert_allowed_or_refused(engine, archive.people["staff"], naive_after(engine, "SELECT"), set())


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_types_in_payloads(archive: Archive, mask: bool) -> None:
    registry, run = Registry(), []
    declare(registry, {Box: {"permission": lambda viewer: viewer.is_staff, "mask": mask}})

    @fraiseql.mutation(registry=registry)
    def found(info: fraiseql.Info) -> Box | None:
        run.append("found")
        return Box.objects.get(pk=1)

    @fraiseql.mutation(registry=registry)
    def all_of_them(info: fraiseql.Info) -> list[Box]:
        run.append("all")
        return Box.objects.all()  # type: ignore[return-value]

    engine = engine_of(registry)
    answers = {query: asked(engine, query, archive.people["ann"]).json() for query in (
        "mutation { found { name } }", "mutation { allOfThem { name } }", "mutation { found { room { name } } }",
    )}  # fmt: skip

    if mask:
        assert list(answers.values()) == [
            {"data": {"found": None}},
            {"data": {"allOfThem": []}},
            {"data": {"found": None}},
        ]
    else:
        assert [answer["errors"][0]["extensions"]["code"] for answer in answers.values()] == ["FORBIDDEN"] * 3
        # before anything was done
        assert run == []
    assert asked(engine, "mutation { found { id } }", archive.people["staff"]).json() == {
        "data": {"found": {"id": "1"}}
    }


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_fields(archive: Archive, mask: bool) -> None:
    registry = Registry()
    guarded = fraiseql.field(permission=requires_permission("archive.view_box"), mask=mask)
    declare(registry, {}, {Box: {"name": guarded}})
    engine = engine_of(registry)
    everything = naive_after(engine, "SELECT")
    without = naive_after(engine, "UPDATE archive_box SET name = NULL")
    selected = {path for path, data in everything.items() if '"SECRET-Box-' in json.dumps(data)}

    for name in ("nobody", "ann"):
        assert_allowed_or_refused(engine, archive.people[name], without, BY_NAME if mask else BY_NAME | selected)
    assert_allowed_or_refused(engine, archive.people["staff"], everything, set())


# --- no oracle ---


def operands(entry: Any, value: str) -> list[str]:
    """Return what is written behind an operator, or a transform, to search for a value."""
    if isinstance(entry, Transform):
        return [f"{{query: {value}, value: {{gt: 0}}}}" if entry.named else "{gt: 1}"]
    assert isinstance(entry, Operator)
    taken = {
        Takes.ONE: [value, "null"] if entry.null else [value],
        Takes.LIST: [f"[{value}]"],
        Takes.PAIR: [f"[{value}, {value}]"],
        Takes.FLAG: ["true", "false"],
        Takes.NAMED: [f"{{query: {value}}}"],
    }
    return [*taken[entry.takes]]


def searches(engine: GraphQLEngine) -> Iterator[str]:
    """Yield every operator and every order on every path to a box, with values that only hidden boxes have."""
    values = {"name": '"SECRET-Box-2"', "tenant": "2", "id": "2", "roomId": '"2"'}
    fields = engine.schema.types["Box"].fields
    for name, value in values.items():
        scalar = comparable(fields[name])
        assert scalar is not None
        for operator in engine.schema.operators.of(scalar, 0).values():
            for operand in operands(operator, value):
                where = f"{{{name}: {{{operator.name}: {operand}}}}}"
                yield f"{{ boxes(where: {where}) {{ id }} rooms {{ boxes(where: {where}) {{ id }} }} }}"
                yield f"{{ notes(where: {{box: {where}}}) {{ id }} seals(where: {{NOT: {{box: {where}}}}}) {{ id }} }}"
                yield f"{{ boxes(where: {{{name}: {{not: {{{operator.name}: {operand}}}}}}}) {{ id }} }}"
                quantified = (f"{q}: tags(where: {{boxes: {{{q}: {where}}}}}) {{ id }}" for q in QUANTIFIERS)
                yield f"{{ {' '.join(quantified)} }}"
        yield "{ notes(where: {HAS: {box: true}}) { id } seals(where: {NOT: {HAS: {box: true}}}) { id } }"
        yield "{ tags(where: {HAS: {boxes: false}}) { id } }"
        for direction in DIRECTIONS:
            if name == "name":
                by = f"{{BY: {{name: {{length: {direction}}}}}}}"
                yield f"{{ boxes(orderBy: {by}) {{ id }} notes(orderBy: {{box: {by}}}) {{ id }} }}"
            order = f"{{{name}: {direction}}}"
            yield f"{{ boxes(orderBy: {order}) {{ id }} notes(orderBy: {{box: {order}}}) {{ id }} }}"


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[6]], ids=lambda kind: kind.name)
def test_hidden_values_change_nothing(archive: Archive, kind: Kind) -> None:
    registry = Registry()
    declare(registry, {Box: {"rows": kind.rule}})
    engine = engine_of(registry)
    ann = archive.people["ann"]
    hidden = hidden_from(archive, kind, [Box], ann)[Box]
    queries = list(searches(engine))
    before = [asked(engine, query, ann).data for query in queries]
    assert [query for query, answer in zip(queries, before, strict=True) if answer is None] == []

    with transaction.atomic():
        Box.objects.filter(pk__in=hidden).update(name="another", tenant=F("tenant") + 50, twin=None)
        after = [asked(engine, query, ann).data for query in queries]
        seen = [asked(engine, query, archive.people["bob"]).data for query in queries]
        transaction.set_rollback(True)

    assert after == before
    # whom they are there for sees a difference
    assert seen != [asked(engine, query, archive.people["bob"]).data for query in queries]


FAILING = [
    "{ boxes(where: {share: {gt: 0}}) { id } }",
    "{ boxes(where: {NOT: {share: {gt: 100}}}) { id } }",
    "{ boxes(where: {OR: [{share: {gt: 0}}, {id: {eq: 1}}]}) { id } }",
    "{ boxes(orderBy: {share: DESC}) { id share } }",
    "{ rooms { boxes(where: {share: {gt: 0}}) { id } } }",
    "{ rooms(where: {boxes: {some: {share: {gt: 0}}}}) { id } }",
    "{ rooms(where: {boxes: {every: {share: {gt: 0}}}}) { id } }",
    "{ rooms(where: {boxes: {none: {share: {gt: 100}}}}) { id } }",
    "{ notes(where: {box: {share: {gt: 0}}}) { id } }",
    "{ notes(where: {NOT: {box: {share: {gt: 0}}}}) { id } }",
    "{ notes(orderBy: {box: {share: DESC}}) { id } }",
    "{ tags(where: {boxes: {some: {twin: {share: {isnull: true}}}}}) { id } }",
    '{ boxes(where: {name: {startswith: "SECRET-Box"}, AND: [{name: {matches: "("}}]}) { id } }',
    '{ notes(where: {box: {name: {startswith: "SECRET-Box", imatches: "("}}}) { id } }',
]


@pytest.mark.parametrize("query", FAILING)
def test_conditions_do_not_fail_for_hidden_rows(archive: Archive, query: str) -> None:
    """An error would say that there is a row with such a value."""
    registry = Registry()
    share = fraiseql.field(10 / F("tenant"))
    # a rule that PostgreSQL leaves for the end, as it costs more than comparing
    rule = Q(readers__username="ann", tenant__gt=0) if "share" in query else Q(readers__username="none of them")
    declare(
        registry,
        {Box: {"rows": lambda viewer: rule}},
        {Box: {"__annotations__": {"share": "int | None"}, "share": share}},
    )
    engine = engine_of(registry)
    who = archive.people["ann"]
    assert Box.objects.filter(tenant=0).exists()
    with transaction.atomic(), connection.cursor() as cursor:
        # with a plan for all patterns PostgreSQL does not look at this one before there is a row
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        answer = asked(engine, query, who)
        transaction.set_rollback(True)
    assert not answer.errors, answer.errors


# --- operations that nobody thought of ---


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[6], KINDS[11]], ids=lambda kind: kind.name)
def test_random_operations(archive: Archive, kind: Kind) -> None:
    registry = Registry()
    declare(registry, {model: {"rows": kind.rule} for model in MODELS})
    settings_ = dataclasses.replace(get_settings(), limits=NO_LIMITS)
    engine = GraphQLEngine(settings=settings_, registry=registry, cache=None)
    strategy = operations(engine.schema, pool(engine.schema))
    people = [archive.people[name] for name in VIEWERS]
    hidden = {who.name: hidden_from(archive, kind, MODELS, who) for who in people}

    @settings(max_examples=int(WANTED or 16), derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        query, variables = data.draw(strategy)
        for who in people:
            with transaction.atomic():
                answer = engine.execute(query, variables, request=who.request)
                assert not answer.errors, (answer.errors, query)
                remove(hidden[who.name])
                naive = Naive(engine.schema)
                expected = naive.execute(query, variables)
                transaction.set_rollback(True)
            assert not expected.errors, expected.errors
            assert_same_data(answer.json()["data"], expected.data, naive, (who.name, query, variables))

    try_them()


ZOO_RULES = {
    "column": lambda model, keys: lambda viewer: Q(pk__in=keys),
    "exists": lambda model, keys: lambda viewer: Q(Exists(model._base_manager.filter(pk=OuterRef("pk"), pk__in=keys))),
}


@pytest.mark.parametrize("rule", ZOO_RULES)
def test_random_operations_on_odd_keys(populated: None, rule: str) -> None:
    """Keys that are UUIDs, texts, relations or several columns; keys that lead nowhere; managers that hide."""
    registry, hidden = Registry(), []
    models_ = [
        zoo.Keeper,
        zoo.House,
        zoo.Cage,
        zoo.Food,
        zoo.Animal,
        zoo.Passport,
        zoo.Chip,
        zoo.Odd,
        zoo.Leaf,
        zoo.Twig,
    ]
    fraiseql.type(zoo.Species, fields="__all__", plural="speciesList", registry=registry)(type("Species", (), {}))
    for model in models_:
        keys = sorted(model._base_manager.values_list("pk", flat=True), key=str)
        hidden.append((model, keys[::3]))
        rows = ZOO_RULES[rule](model, [key for key in keys if key not in keys[::3]])
        fraiseql.type(model, fields="__all__", rows=rows, registry=registry)(type(model.__name__, (), {}))
    tried = GraphQLEngine(settings=dataclasses.replace(get_settings(), limits=NO_LIMITS), registry=registry, cache=None)
    strategy = operations(tried.schema, pool(tried.schema))

    @settings(max_examples=int(WANTED or 30), derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        query, variables = data.draw(strategy)
        with transaction.atomic():
            answer = tried.execute(query, variables)
            assert not answer.errors, (answer.errors, query)
            for model, keys in hidden:
                rows = model._base_manager.filter(pk__in=keys)
                rows._raw_delete(rows.db)
            naive = Naive(tried.schema)
            expected = naive.execute(query, variables)
            transaction.set_rollback(True)
        assert not expected.errors, (expected.errors, query)
        assert_same_data(answer.json()["data"], expected.data, naive, (query, variables))

    try_them()
