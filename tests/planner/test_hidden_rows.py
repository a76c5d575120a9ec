"""A row that a rule hides is like one that does not exist: in what is answered, and in what PostgreSQL is asked."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q
from django.test import RequestFactory
from guardian.shortcuts import assign_perm

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, audit, nested
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.contrib.guardian import can
from fraiseql_django.invalidation import catalog
from fraiseql_django.views import GraphQLView
from tests.archive.models import Box, Member, Note, Room, Seal, Tag
from tests.archive.policies import USER, add_policies, engine_of_role
from tests.archive.support import FIELDS, MODELS
from tests.support import traced

# of the same length, as they are sent; two that do not exist, of which one is asked first
SEEN, HIDDEN, MISSING, ANOTHER = 770001, 770002, 770003, 770004
RULES: dict[str, Any] = {
    "column": lambda model: lambda viewer: Q(owner=viewer.id),
    "join": lambda model: lambda viewer: Q(owner__username="ann"),
    "list": lambda model: lambda viewer: Q(readers=viewer.id),
    "granted": lambda model: can(f"archive.view_{model._meta.model_name}"),
    "policy": lambda model: None,
}
QUERIES = {
    "root field": '{ box(id: "@") { id name room { name } } }',
    "two root fields": '{ a: box(id: "@") { name } b: boxes { name } }',
    "view": "{ card(id: @) { name } }",
    "view with a link": "{ card(id: @) { name box { name } } }",
    "filter": '{ boxes(where: {id: {eq: "@"}}) { name } }',
    "filter of several": '{ boxes(where: {id: {in: ["@", "1"]}}) { name } }',
    "filter under NOT": '{ boxes(where: {NOT: {id: {eq: "@"}}}) { name } }',
    "filter of a list": '{ rooms { boxes(where: {id: {eq: "@"}}) { name } } }',
    "filter to one": '{ notes(where: {box: {id: {eq: "@"}}}) { name } }',
    "filter by a list": '{ rooms(where: {boxes: {some: {id: {eq: "@"}}}}) { name } }',
    "filter by all of a list": '{ rooms(where: {boxes: {every: {id: {eq: "@"}}}}) { name } }',
    "filter many to many": '{ tags(where: {boxes: {none: {id: {eq: "@"}}}}) { name } }',
    "filter of a view": "{ cards(where: {id: {gte: @}}, limit: 1, offset: 0) { name } }",
}
_UPDATE = 'updateBox(id: "770001", input: {{{}}})'.format
MUTATIONS = {
    "update": 'updateBox(id: "@", input: {name: "new"})',
    "update of nothing": 'updateBox(id: "@", input: {})',
    "update of a wrong value": 'updateBox(id: "@", input: {tenant: null, name: "new"})',
    "updates": 'updateBoxes(input: [{id: "770001", name: "new"}, {id: "@", name: "new"}])',
    "versioned update": 'recountBox(id: "@", tenant: 0, input: {name: "new"})',
    "ruled update": 'renameBox(id: "@", input: {name: "new"})',
    "form": 'correctBox(id: "@", input: {name: "new"})',
    "form's choice": 'correctBox(id: "770001", input: {room: "@"})',
    "form's choices": 'correctBox(id: "770001", input: {tags: ["@"]})',
    "delete": 'deleteBox(id: "@")',
    "deletes": 'deleteBoxes(ids: ["770001", "@"])',
    "ruled delete": 'dropBox(id: "@")',
    "upsert": 'upsertSeal(input: {box: "@", name: "new"})',
    "create with a key": 'createNote(input: {name: "new", box: "@"})',
    "key": _UPDATE('room: "@"'),
    "connect to one": _UPDATE('twin: {connect: "@"}'),
    "connect to one that leads here": _UPDATE('seal: {connect: "@"}'),
    "connect": _UPDATE('tags: {connect: ["@"]}'),
    "connect several": _UPDATE('tags: {connect: ["770001", "@"]}'),
    "disconnect": _UPDATE('tags: {disconnect: ["@"]}'),
    "set": _UPDATE('tags: {set: ["770001", "@"]}'),
    "connect what leads here": _UPDATE('notes: {connect: ["@"]}'),
    "disconnect what leads here": _UPDATE('notes: {disconnect: ["@"]}'),
    "set what leads here": _UPDATE('notes: {set: ["@"]}'),
    "nested": 'createRoom(input: {name: "new", boxes: {create: [{name: "new", tags: ["@"]}]}})',
    "nested twice": _UPDATE('twin: {create: {name: "new", room: "@"}}'),
    "own": 'rename(id: "@") { name }',
}


# To take away what is not there succeeds as well
IDEMPOTENT = {"disconnect", "disconnect what leads here"}


def _mutation(call: str) -> str:
    selected = "" if call.endswith("}") and ") {" in call else " { __typename ... on MutationError { code message } }"
    return f"mutation {{ x: {call}{selected} }}"


CALLS = {**QUERIES, **{name: _mutation(call) for name, call in MUTATIONS.items()}}


class BoxForm(forms.ModelForm):
    """A form with relations of both kinds."""

    class Meta:
        model = Box
        fields = ("name", "room", "tags")


def declare(rule: Any, source_rule: Any) -> Registry:
    """Declare types with a rule over all models and a view, and a mutation of every kind."""
    registry = Registry()
    types: dict[Any, Any] = {}
    for model in MODELS:
        cls = type(f"{model.__name__}Type", (), {"__module__": __name__})
        named = ["id", "name", "tenant", *FIELDS[model]]
        types[model] = fraiseql.type(model, fields=named, rows=rule(model), registry=registry)(cls)

    @fraiseql.type(sql_source="v_hidden_box", rows=source_rule, registry=registry)
    class Card:
        id: int
        name: str
        box: "BoxType | None" = fraiseql.relation("id", to="id")  # type: ignore[name-defined]  # noqa: F821

    @fraiseql.mutation(registry=registry)
    def rename(info: fraiseql.Info, id: fraiseql.ID) -> Box:
        box = info.visible(Box).select_for_update().get(pk=id)
        box.name = "new"
        box.save()
        return box

    lists: Any = {"connect": True, "disconnect": True, "set": True}
    written = [
        *("name", "tenant", "room"),
        nested("twin", connect=True, create=["name", "room"]),
        nested("tags", **lists),
        nested("notes", connect=True, disconnect=True, set=True),
        nested("seal", connect=True),
    ]
    box, own = types[Box], {"registry": registry}
    fraiseql.update(box, fields=written, **own)
    fraiseql.update(box, fields=["name"], bulk=True, **own)
    fraiseql.update(box, fields=["name"], version="tenant", name="recountBox", **own)
    fraiseql.update(box, fields=["name"], rows=lambda viewer: Q(tenant=0), name="renameBox", **own)
    fraiseql.update(box, form=BoxForm, name="correctBox", **own)
    fraiseql.delete(box, **own)
    fraiseql.delete(box, bulk=True, **own)
    fraiseql.delete(box, rows=lambda viewer: Q(tenant=0), name="dropBox", **own)
    fraiseql.upsert(types[Seal], fields=["box", "name"], unique=["box"], **own)
    fraiseql.create(types[Note], fields=["name", "box"], **own)
    fraiseql.create(types[Room], fields=["name", nested("boxes", create=["name", "tags"])], **own)
    return registry


def fill() -> User:
    """Make two rows of each model that lead to each other, of which ann sees one, and return ann."""
    ann, bob = (User.objects.create(username=name) for name in ("ann", "bob"))
    for key, user in ((SEEN, ann), (HIDDEN, bob)):
        owner = Member.objects.create(pk=user.pk, username=user.username)
        same: Any = {"pk": key, "name": f"of {user.username}", "owner": owner}
        room = Room.objects.create(**same)
        box = Box.objects.create(**same, room=room)
        rows = [room, box, Tag.objects.create(**same), Note.objects.create(**same, box=box)]
        rows.append(Seal.objects.create(**same, box=box))
        box.tags.add(rows[2])
        for row in rows:
            row.readers.add(owner)
            assign_perm(f"archive.view_{type(row)._meta.model_name}", user, row)
    # what is hidden hangs on what is seen
    seen = Box.objects.get(pk=SEEN)
    seen.tags.add(HIDDEN)
    Box.objects.filter(pk=HIDDEN).update(room=SEEN, twin=SEEN)
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW v_hidden_box AS SELECT id, name, owner_id FROM archive_box")
    catalog.forget()
    return ann


def engine_with(kind: str, **options: Any) -> GraphQLEngine:
    """Make an engine over types with a kind of rule."""
    if kind == "policy":
        add_policies(dict.fromkeys(MODELS, f"owner_id = {USER} OR owner_id IS NULL"))
        with connection.cursor() as cursor:
            cursor.execute("ALTER VIEW v_hidden_box SET (security_invoker = true)")
        return engine_of_role(declare(RULES[kind], None), **options)
    return GraphQLEngine(
        registry=declare(RULES[kind], lambda viewer: Q(id__in=Box.objects.filter(owner=viewer.id))), **options
    )


@pytest.fixture
def ann(db: None) -> Iterator[User]:
    yield fill()
    with connection.cursor() as cursor:
        cursor.execute("DROP VIEW v_hidden_box")
    catalog.forget()


def sent(engine: GraphQLEngine, user: User, query: str) -> tuple[int, dict[str, str], bytes]:
    """Send an operation to the endpoint; return status, headers and body."""
    # what is known of rights is read anew, as for another request
    user = User.objects.get(pk=user.pk)
    request = RequestFactory().post("/graphql/", json.dumps({"query": query}), content_type="application/json")
    request.user = user
    response = GraphQLView.as_view(engine=engine)(request)
    return response.status_code, dict(response.items()), response.content  # type: ignore[attr-defined]


@contextmanager
def conversation() -> Iterator[list[str]]:
    """Write down all that the connection and PostgreSQL tell each other, without times and names of savepoints."""
    said: list[str] = []
    with traced() as lines:
        yield said
    text = re.sub(r'"s\d+_x\d+"', '"savepoint"', "".join(lines))
    said += re.split(r"^[\d-]+ [\d:.]+\t(?=[BF]\t)|(?<=[BF])\t\d+\t", text, flags=re.MULTILINE)


@contextmanager
def told() -> Iterator[list[dict[str, Any]]]:
    """Write down what the audit is told, without times."""
    events: list[dict[str, Any]] = []

    def note(sender: Any, event: Any, **kwargs: Any) -> None:
        found = event.as_dict()
        events.append({name: found[name] for name in found if name not in ("time", "duration_ms", "document")})

    signals = (audit.mutation_run, audit.operation_refused)
    for signal in signals:
        signal.connect(note)
    try:
        yield events
    finally:
        for signal in signals:
            signal.disconnect(note)


def observed(engine: GraphQLEngine, user: User, query: str, key: int) -> Any:
    """Return everything that can be seen of an operation about a row, whose key is left out."""
    with connection.cursor() as cursor:
        for table in ("archive_room", "archive_box"):
            # each has the same keys for what it creates
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [table])
    with told() as events, conversation() as said:
        answer = sent(engine, user, query.replace("@", str(key)))
    seen = json.dumps([answer[0], answer[1], answer[2].decode(), events, said])
    shown = json.loads(re.sub(f"{HIDDEN}|{MISSING}|{ANOTHER}", "@", seen))
    return dict(zip(("status", "headers", "body", "events", "said"), shown, strict=True))


@pytest.mark.parametrize("kind", RULES)
def test_hidden_row_is_like_a_missing_one(ann: User, kind: str) -> None:
    """The same bytes and headers, the same events, and word for word the same conversation with PostgreSQL."""
    engine = engine_with(kind, cache=None)
    for name, call in CALLS.items():
        # plans are made, statements prepared, the catalogue read
        for _ in range(2):
            observed(engine, ann, call, ANOTHER)
        hidden, missing = observed(engine, ann, call, HIDDEN), observed(engine, ann, call, MISSING)
        for part in missing:
            assert hidden[part] == missing[part], (kind, name, part)
        assert "of bob" not in hidden["body"], (kind, name)
        assert any("SELECT" in line or "Execute" in line for line in hidden["said"]), (kind, name)
        if name in IDEMPOTENT:
            continue
        # one that is seen is another matter, so the call asks for what it is meant to
        with transaction.atomic():
            assert observed(engine, ann, call, SEEN)["body"] != hidden["body"], (kind, name)
            transaction.set_rollback(True)


# --- what is kept, what is waited for, what counts ---


@pytest.mark.django_db(transaction=True)
def test_answers_about_either_are_kept_and_dropped_alike(ann: User, cache_alias: str) -> None:
    engine = engine_with("join", cache=DjangoCache(cache_alias))

    def hits() -> list[list[bool]]:
        """Ask about both, each time by another text; return which answers were in the cache."""
        found = []
        for key in (HIDDEN, MISSING):
            before = engine.statistics().result_hits
            found.append([])
            for query in QUERIES.values():
                sent(engine, ann, query.replace("@", str(key)))
                found[-1].append(engine.statistics().result_hits > before)
                before = engine.statistics().result_hits
        assert found[0] == found[1]
        return found[0]

    assert not any(hits())
    assert all(hits())
    Box.objects.filter(pk=HIDDEN).update(tenant=1)
    assert not any(hits())


@pytest.mark.django_db(transaction=True)
def test_hidden_row_is_not_locked_and_its_lock_not_waited_for(ann: User) -> None:
    engine = engine_with("column", cache=None)
    calls = {name: _mutation(MUTATIONS[name]) for name in ("update", "delete", "form", "ruled update", "own")}
    for call in calls.values():
        sent(engine, ann, call.replace("@", str(HIDDEN)))
    with connection.cursor() as cursor:
        # whoever locks a row leaves their number on it, be it that they are undone (documentation, 5.6, xmax)
        cursor.execute("SELECT xmax::text FROM archive_box WHERE id = %s", [HIDDEN])
        assert cursor.fetchone() == ("0",)
        cursor.execute("SET lock_timeout = '1s'")

    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT * FROM archive_box FOR UPDATE")
        for name, call in calls.items():
            hidden, missing = (sent(engine, ann, call.replace("@", str(key))) for key in (HIDDEN, MISSING))
            assert hidden[2].replace(b"770002", b"770003") == missing[2], name
        # what is seen is waited for
        assert b"LOCK_NOT_AVAILABLE" in sent(engine, ann, calls["update"].replace("@", str(SEEN)))[2]
    finally:
        other.close()
        connection.close()


def test_hidden_rows_do_not_count_for_limits(ann: User) -> None:
    limits = LimitSettings(response_bytes=200)
    engine = engine_with("list", cache=None, settings=replace(get_settings(), limits=limits))
    box = Box.objects.get(pk=HIDDEN)
    for _ in range(30):
        box.pk = None
        box.save()

    for query in ("{ boxes { name } }", "{ rooms { boxes { name } } }", "{ boxes(offset: 1) { name } }"):
        status, _, body = sent(engine, ann, query)
        assert (status, b"errors" in body) == (200, False), body


# --- what is written beside them ---


def ask(engine: GraphQLEngine, user: User, call: str) -> Any:
    """Run a mutation that succeeds."""
    body = engine.execute(_mutation(call), request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]
    assert "MutationError" not in json.dumps(body), body
    assert "errors" not in body, body


def test_set_leaves_what_is_hidden_where_it_is(ann: User) -> None:
    engine = engine_with("column", cache=None)
    third = Tag.objects.create(name="third", owner_id=ann.pk)
    Note.objects.filter(pk=HIDDEN).update(box=SEEN)

    ask(engine, ann, _UPDATE(f'tags: {{set: ["{third.pk}"]}}, notes: {{set: []}}'))

    box = Box.objects.get(pk=SEEN)
    assert set(box.tags.values_list("pk", flat=True)) == {HIDDEN, third.pk}
    assert set(box.notes.values_list("pk", flat=True)) == {HIDDEN}


def test_form_keeps_a_choice_that_is_hidden(ann: User) -> None:
    """It is not the client who chooses it, and what another field is given does not depend on it."""
    engine = engine_with("column", cache=None)
    Box.objects.filter(pk=SEEN).update(room=HIDDEN)

    ask(engine, ann, f'correctBox(id: "{SEEN}", input: {{name: "new"}})')

    box = Box.objects.get(pk=SEEN)
    assert (box.name, box.room_id) == ("new", HIDDEN)
    assert set(box.tags.values_list("pk", flat=True)) == {SEEN, HIDDEN}
