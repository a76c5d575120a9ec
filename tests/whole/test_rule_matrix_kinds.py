"""The matrix of rules, continued: rules that are not a type's own words, crossed with every path that reads or writes.

Rows that guardian grants, rows that a policy of PostgreSQL's shows, permissions of root fields, types and fields over
views, and mutations. The rows of the answers are those that Python finds by itself.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from graphql import parse
from guardian.conf import settings as guardian_settings
from guardian.shortcuts import assign_perm
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, nested
from fraiseql_django.contrib.guardian import can
from fraiseql_django.declare.types import QUERIES
from fraiseql_django.invalidation import catalog
from tests.archive.models import Box, Guarded, Room, Seal, Tag
from tests.archive.policies import USER, add_policies, engine_of_role
from tests.archive.support import KINDS, MODELS, Archive, Person, declare, engine_of, fill, remove
from tests.naive import members
from tests.whole.test_rule_matrix import (
    PATHS,
    SELECTED,
    SOURCE_PATHS,
    VIEWERS,
    VIEWS,
    BoxInput,
    Oracle,
    asked,
    assert_allowed_or_refused,
    assert_hidden,
    assert_payloads,
    naive_after,
    with_payloads,
    with_views,
)

pytestmark = pytest.mark.django_db

Hidden = Mapping[type[Guarded], list[int]]


@pytest.fixture(scope="module")
def archive(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Archive]:
    """Fill the archive, with views and functions over it, grants and policies: nothing here writes for good."""
    catalog.forget()
    with django_db_blocker.unblock(), transaction.atomic():
        found = fill()
        with connection.cursor() as cursor:
            for statement in VIEWS:
                cursor.execute(statement)
        _grant(found)
        yield found
        transaction.set_rollback(True)
    catalog.forget()


# --- kinds of rules on rows ---


@dataclass(frozen=True)
class Protection:
    """A kind of rule on the rows of all models: its declaration, and which rows it leaves, in words of Python."""

    name: str
    rule: Callable[[type[Guarded]], Any]
    visible: Callable[[Any, Person, Archive], bool]
    engine: Callable[[Registry], GraphQLEngine] = engine_of
    source_rule: Any = None

    def hidden(self, archive: Archive, who: Person, models: Collection[type[Guarded]] = MODELS) -> Hidden:
        """Return the keys of the rows that are hidden from someone."""
        return {
            model: [row.pk for row in archive.rows[model] if not self.visible(row, who, archive)] for model in models
        }


GRANTED: dict[tuple[type[Guarded], int], set[str]] = {}


def _grant(archive: Archive) -> None:
    """Let users and a group see some rows; "everybody" stands for those who are not signed in."""
    GRANTED.clear()
    editors = archive.people["staff"].user.groups.get()  # type: ignore[union-attr]
    holders: list[list[Any]] = [
        ["ann"],
        ["bob", "everybody"],
        [],
        ["editors", "ann"],
        ["everybody"],
        ["bob", "editors"],
    ]
    for place, model in enumerate(MODELS):
        for row in archive.rows[model]:
            names = holders[(row.pk + place) % len(holders)]
            # whoever is in the group has what it has
            GRANTED[model, row.pk] = {"staff" if name == "editors" else name for name in names}
            for name in names:
                to = editors if name == "editors" else archive.people[name].user
                assign_perm(f"archive.view_{model._meta.model_name}", to, row)


def _is_granted(row: Any, who: Person, archive: Archive) -> bool:
    name = "everybody" if who.user is None else who.name
    return name in GRANTED[type(row), row.pk] or (isinstance(row, Box) and who.permitted)


def _is_own(row: Any, who: Person, archive: Archive) -> bool:
    return row.owner_id is None or row.owner_id == who.id


def _is_shown(row: Any, who: Person, archive: Archive) -> bool:
    """Whether a policy shows a row: its owner's, and never without the row that it cannot be without."""
    if isinstance(row, Box):
        return row.tenant != 2 and _is_shown(row.room, who, archive)
    if isinstance(row, Seal):
        return _is_own(row, who, archive) and _is_shown(row.box, who, archive)
    return _is_own(row, who, archive)


OWN = f"(owner_id IS NULL OR owner_id = {USER})"
POLICIES = {
    **dict.fromkeys(MODELS, OWN),
    Box: "tenant <> 2 AND room_id IN (SELECT id FROM archive_room)",
    Seal: f"{OWN} AND box_id IN (SELECT id FROM archive_box)",
}
_COLUMN = KINDS[0]
COLUMN = Protection(
    "column",
    lambda model: _COLUMN.rule,
    lambda row, who, archive: _COLUMN.visible(row, set(), who, archive),
    source_rule=lambda viewer: Q(owner_id=viewer.id),
)
GUARDIAN = Protection(
    "guardian",
    lambda model: can(f"archive.view_{model._meta.model_name}"),
    _is_granted,
    source_rule=lambda viewer: Q(id__in=Box.objects.filter(can("archive.view_box")(viewer))),
)
POLICY = Protection("policy", lambda model: None, _is_shown, engine_of_role)
PROTECTIONS = [GUARDIAN, POLICY, COLUMN]


@pytest.fixture
def protection(request: Any, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Protection]:
    """Let a kind of rule hold for one test."""
    found: Protection = request.param
    monkeypatch.setattr(guardian_settings, "ANONYMOUS_USER_NAME", "everybody")
    with transaction.atomic():
        if found is POLICY:
            add_policies(POLICIES)
            with connection.cursor() as cursor:
                for view in ("v_box", "v_box_row"):
                    cursor.execute(f"ALTER VIEW {view} SET (security_invoker = true)")
        yield found
        transaction.set_rollback(True)
    catalog.forget()


def over(*protections: Protection) -> Any:
    """Run a test under each of these kinds of rules."""
    return pytest.mark.parametrize("protection", protections, indirect=True, ids=lambda item: item.name)


# --- reading ---


@over(GUARDIAN, POLICY)
def test_rows(archive: Archive, protection: Protection) -> None:
    registry = Registry()
    declare(registry, {model: {"rows": protection.rule(model)} for model in MODELS})
    engine = protection.engine(registry)
    for name in VIEWERS:
        who = archive.people[name]
        hidden = protection.hidden(archive, who)
        assert any(hidden.values()), name
        expected = Oracle(engine, hidden).answers(PATHS.values())
        for path, query in PATHS.items():
            cell = (protection.name, name, path)
            response = asked(engine, query, who)
            assert not response.errors, (cell, response.errors)
            text = response.data.decode()
            assert members(text) == members(json.dumps(expected[query])), cell
            assert_hidden(archive, hidden, text, cell)


@over(GUARDIAN, POLICY)
def test_rows_of_views(archive: Archive, protection: Protection) -> None:
    by_policy = protection is POLICY
    rules = {} if by_policy else {Box: protection.rule(Box)}
    ruled = protection.engine(with_views(rules, protection.source_rule))
    # asked where the rows are gone; relations to a type with a rule are subqueries in both
    free = engine_of(with_views({Box: lambda viewer: True}, lambda viewer: True))
    for name in VIEWERS:
        who = archive.people[name]
        hidden = protection.hidden(archive, who, MODELS if by_policy else [Box])
        with transaction.atomic():
            remove(hidden)
            expected = {path: asked(free, query, who) for path, query in SOURCE_PATHS.items()}
            transaction.set_rollback(True)
        for path, query in SOURCE_PATHS.items():
            answer = asked(ruled, query, who)
            cell = (protection.name, name, path)
            assert not answer.errors, (cell, answer.errors)
            assert answer.data == expected[path].data, cell
            assert_hidden(archive, hidden, answer.data.decode(), cell)


@over(GUARDIAN)
def test_rows_of_payloads(archive: Archive, protection: Protection) -> None:
    engine = protection.engine(with_payloads({model: protection.rule(model) for model in (Box, Room)}))
    for name in VIEWERS:
        assert_payloads(engine, archive.people[name], protection.hidden(archive, archive.people[name], [Box, Room]))


@over(POLICY)
def test_policies_hold_for_what_mutations_read_and_return(archive: Archive, protection: Protection) -> None:
    engine = protection.engine(with_payloads({}))
    for name in VIEWERS:
        who = archive.people[name]
        hidden = protection.hidden(archive, who)
        single = {n: f"{{ box(id: {n}) {{ {SELECTED} }} }}" for n in range(1, 11)}
        rows = Oracle(engine, hidden).answers(single.values())
        for n, query in single.items():
            box = rows[query]["box"]
            # what a function does not find it does not return
            of_function = f"mutation {{ x: row(input: {{id: {n}}}) {{ {SELECTED} }} }}"
            assert asked(engine, of_function, who).json() == {"data": {"x": box}}, (name, n)
            answer = asked(engine, f"mutation {{ x: oneOrNone(id: {n}) {{ {SELECTED} }} }}", who).json()
            assert answer["data"] == {"x": box}, (name, n)
            assert ["NOT_FOUND"] * (box is None) == [e["extensions"]["code"] for e in answer.get("errors", ())]
        seen = [rows[query]["box"] for query in reversed(single.values()) if rows[query]["box"]]
        for field in ("instances", "queryset"):
            assert asked(engine, f"mutation {{ {field} {{ {SELECTED} }} }}", who).json() == {"data": {field: seen}}


# --- permissions ---


def root_fields(query: str) -> set[str]:
    """Name the root fields of an operation."""
    (operation, *_) = parse(query).definitions
    return {selected.name.value for selected in operation.selection_set.selections}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("form", "field"), [("single", "box"), ("plural", "boxes")])
def test_root_fields(archive: Archive, form: str, field: str) -> None:
    """A permission of one root field leaves every other way to the rows open."""
    registry = Registry()
    queries = {**dict.fromkeys(QUERIES), form: lambda viewer: viewer.is_staff}
    declare(registry, {Box: {"queries": queries}})
    engine = engine_of(registry)
    everything = naive_after(engine, "SELECT")
    refused = {path for path, query in PATHS.items() if field in root_fields(query)}
    assert 0 < len(refused) < len(PATHS)

    for name in ("nobody", "ann"):
        assert_allowed_or_refused(engine, archive.people[name], everything, refused)
    assert_allowed_or_refused(engine, archive.people["staff"], everything, set())


THROUGH_VIEWS = {path for path in SOURCE_PATHS if path.startswith(("where link", "order link"))}
THROUGH_VIEWS -= {"where link to a model", "order link to a model"}
BY_NAME_OF_VIEWS = {"list arguments", "where", "where link", "where link NOT", "order link"}


def assert_of_views(
    engine: GraphQLEngine, who: Person, expected: Mapping[str, Any], refused: Collection[str], cell: str
) -> None:
    """Paths over views are answered as expected, or refused."""
    code = "FORBIDDEN" if who.user else "UNAUTHENTICATED"
    for path, query in SOURCE_PATHS.items():
        answer = asked(engine, query, who).json()
        if path in refused:
            assert [error["extensions"]["code"] for error in answer.get("errors", ())] == [code], (cell, who.name, path)
            assert "data" not in answer, (cell, who.name, path)
        else:
            assert answer == expected[path], (cell, who.name, path)


def staff_only(viewer: Any) -> bool:
    """Permit staff."""
    return bool(viewer.is_staff)


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_types_over_views(archive: Archive, mask: bool) -> None:
    """A masked type has no rows, and is not searched by."""
    staff = archive.people["staff"]
    engine = engine_of(with_views({}, None, permission=staff_only, mask=mask))
    gone = engine_of(with_views({}, lambda viewer: False))
    without = {path: asked(gone, query, staff).json() for path, query in SOURCE_PATHS.items()}
    whole = engine_of(with_views({}, None))
    everything = {path: asked(whole, query, staff).json() for path, query in SOURCE_PATHS.items()}

    for name in ("nobody", "ann"):
        refused = THROUGH_VIEWS if mask else set(SOURCE_PATHS)
        assert_of_views(engine, archive.people[name], without, refused, "type")
    assert_of_views(engine, staff, everything, (), "type")


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_fields_over_views(archive: Archive, mask: bool) -> None:
    """A masked value is null, and neither searched nor sorted by."""
    staff = archive.people["staff"]
    engine = engine_of(with_views({}, None, {"permission": staff_only, "mask": mask}))
    everything = {path: asked(engine, query, staff).json() for path, query in SOURCE_PATHS.items()}
    selected = {
        *("list", "single", "link to one", "link to a model", "link list", "link and back", "list arguments", "where"),
        *("where in JSON", "where link to a model", "order link to a model"),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in VIEWS[:2]:
            emptied = statement.replace("SELECT id, name,", "SELECT id, NULL::varchar(60) AS name,", 1)
            cursor.execute(emptied.replace("CREATE", "CREATE OR REPLACE", 1).replace("'name', name", "'name', NULL"))
        without = {path: asked(engine, query, staff).json() for path, query in SOURCE_PATHS.items()} if mask else {}
        transaction.set_rollback(True)

    refused = BY_NAME_OF_VIEWS if mask else selected | BY_NAME_OF_VIEWS
    for name in ("nobody", "ann"):
        assert_of_views(engine, archive.people[name], without or everything, refused, "field")
    assert_of_views(engine, staff, everything, (), "field")


# --- writing ---


def with_mutations(
    rule: Callable[[type[Guarded]], Any],
    calls: list[str] | None = None,
    bodies: Mapping[type[Guarded], Mapping[str, Any]] | None = None,
    **options: Any,
) -> Registry:
    """Declare mutations of every kind over boxes, whose type has further options; ``bodies`` are of types."""
    registry = Registry()
    rules: dict[Any, Any] = {model: {"rows": rule(model)} for model in MODELS}
    rules[Box] |= options
    box = declare(registry, rules, bodies)[Box]
    own: Any = {"registry": registry}
    tags = nested("tags", connect=True, disconnect=True, set=True)
    fraiseql.update(box, fields=["name", "twin", "room", tags], **own)
    fraiseql.update(box, fields=["name"], bulk=True, **own)
    fraiseql.update(box, fields=["name"], rows=lambda viewer: Q(tenant=1), name="renameBox", **own)
    fraiseql.update(box, fields=["name"], permission=staff_only, name="manageBox", **own)
    fraiseql.delete(box, **own)
    fraiseql.delete(box, permission=staff_only, name="dropBox", **own)

    @fraiseql.mutation(permission=staff_only, **own)
    def own_words(info: fraiseql.Info, id: int) -> str:
        (calls if calls is not None else []).append("own_words")
        return "done"

    @fraiseql.mutation(**own)
    def own_argument(
        info: fraiseql.Info, id: int, secret: Annotated[int, fraiseql.requires_role("editors")] = 0
    ) -> str:
        (calls if calls is not None else []).append("own_argument")
        return "done"

    @fraiseql.mutation(**own)
    def found(info: fraiseql.Info, id: int) -> Box:
        return Box.objects.get(pk=id)

    @fraiseql.mutation(function="fn_box", permission=staff_only, **own)
    class OfFunction:
        input: BoxInput
        success: Box | None

    return registry


FAILED = "{ __typename ... on MutationError { code errors { field identifier } } }"


def state() -> dict[str, Any]:
    """Return what mutations may change of boxes."""
    return {
        "boxes": {row[0]: row[1:] for row in Box.objects.values_list("id", "name", "twin", "room")},
        "tags": sorted(Box.tags.through.objects.values_list("box", "tag")),
    }


def changed(engine: GraphQLEngine, who: Person, call: str) -> tuple[Any, dict[str, Any]]:
    """Run a mutation; return what it answers, and what has become of the boxes, which are then as before."""
    with transaction.atomic():
        answer = asked(engine, f"mutation {{ x: {call} }}", who).json()
        after = state()
        transaction.set_rollback(True)
    return answer if "errors" in answer else answer["data"], after


@over(COLUMN, GUARDIAN, POLICY)
def test_rows_that_mutations_from_models_write(archive: Archive, protection: Protection) -> None:
    """What is hidden is not found, whichever way it is named; what ``rows=`` leaves out is forbidden."""
    engine, before = protection.engine(with_mutations(protection.rule)), state()

    def not_found(field: str) -> Any:
        errors = [{"field": field, "identifier": "not_found"}]
        return {"x": {"__typename": "MutationError", "code": 404, "errors": errors}}

    def expect(who: Person, call: str, failure: Any, boxes: Any = None, tags: Any = None) -> None:
        """Hold a mutation to what it answers, and to the change of one box, or the tags of one."""
        answer, after = changed(engine, who, call)
        cell = (protection.name, who.name, call)
        if failure is not None:
            assert answer == failure, cell
            assert after == before, cell
            return
        assert "errors" not in answer, (cell, answer)
        assert answer["x"]["__typename"].endswith("Success"), cell
        assert after["boxes"] == {**before["boxes"], **(boxes or {})}, cell
        assert after["tags"] == (before["tags"] if tags is None else sorted(tags)), cell

    for name in VIEWERS:
        who = archive.people[name]
        hidden = protection.hidden(archive, who)
        seen = [box for box in archive.rows[Box] if box.pk not in hidden[Box]]
        seen_tags = [tag.pk for tag in archive.rows[Tag] if tag.pk not in hidden[Tag]]
        for box in archive.rows[Box]:
            _, twin, room = before["boxes"][box.pk]
            missing = box.pk in hidden[Box]
            failure, changes = (not_found("id") if missing else None), {box.pk: ("new", twin, room)}
            expect(who, f'updateBox(id: {box.pk}, input: {{name: "new"}}) {FAILED}', failure, changes)
            bulk = f'updateBoxes(input: [{{id: {box.pk}, name: "new"}}]) {FAILED}'
            expect(who, bulk, not_found("0.id") if missing else None, changes)
            if not missing and box.tenant != 1:
                errors = [{"field": None, "identifier": "forbidden"}]
                failure = {"x": {"__typename": "MutationError", "code": 403, "errors": errors}}
            expect(who, f'renameBox(id: {box.pk}, input: {{name: "new"}}) {FAILED}', failure, changes)
            if seen:
                one = seen[0].pk
                _, _, room = before["boxes"][one]
                twins = {one: (before["boxes"][one][0], box.pk, room)}
                connected = f'updateBox(id: {one}, input: {{twin: "{box.pk}"}}) {FAILED}'
                expect(who, connected, not_found("twin") if missing else None, twins)
            if missing:
                expect(who, f"deleteBox(id: {box.pk}) {FAILED}", not_found("id"))
            elif protection is not POLICY:
                # with a policy rows that hang on it may be hidden from Django, too
                answer, after = changed(engine, who, f"deleteBox(id: {box.pk}) {FAILED}")
                assert answer == {"x": {"__typename": "DeleteBoxSuccess"}}, (protection.name, name, box.pk)
                assert after["boxes"].keys() == before["boxes"].keys() - {box.pk}
        for box in seen[:2]:
            others = [pair for pair in before["tags"] if pair[0] != box.pk]
            kept = [pair for pair in before["tags"] if pair[0] == box.pk and pair[1] in hidden[Tag]]
            # what is hidden is neither taken away nor put there
            for tag in archive.rows[Tag]:
                after_set = {*others, *kept, (box.pk, tag.pk)}
                failure = None if tag.pk in seen_tags else not_found("tags.set.0")
                call = f'updateBox(id: {box.pk}, input: {{tags: {{set: ["{tag.pk}"]}}}}) {FAILED}'
                expect(who, call, failure, tags=after_set)


def test_permissions_of_mutations_and_arguments(archive: Archive) -> None:
    """Who may not is refused before anything is run, also where others of the operation are allowed."""
    calls: list[str] = []
    engine, before = engine_of(with_mutations(lambda model: None, calls)), state()
    refused = {
        f'manageBox(id: 1, input: {{name: "new"}}) {FAILED}': "manageBox",
        f"dropBox(id: 1) {FAILED}": "dropBox",
        "ownWords(id: 1)": "ownWords",
        "ofFunction(input: {id: 1}) { name }": "ofFunction",
        "ownArgument(id: 1, secret: 1)": "ownArgument(secret:)",
    }
    for name in ("nobody", "ann", "staff"):
        who = archive.people[name]
        assert changed(engine, who, "ownArgument(id: 1)") == ({"x": "done"}, before)
        calls.clear()
        for call, what in refused.items():
            answer, after = changed(engine, who, call)
            if who.staff:
                assert "errors" not in answer, (name, call, answer)
                continue
            said = f"You are not allowed to use {what}." if who.user else f"Sign in to use {what}."
            assert [error["message"] for error in answer["errors"]] == [said], (name, call)
            assert (after, calls) == (before, []), (name, call)
            answer, after = changed(engine, who, f'updateBox(id: 1, input: {{name: "new"}}) {FAILED} y: {call}')
            assert "errors" in answer, (name, call)
            assert (after, calls) == (before, []), (name, call)


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_types_in_answers_of_mutations_from_models(archive: Archive, mask: bool) -> None:
    """Who may not read a type may not write it, masked or not."""
    engine = engine_of(with_mutations(lambda model: None, permission=staff_only, mask=mask))
    before, call = state(), 'updateBox(id: 1, input: {name: "new"}) { ... on UpdateBoxSuccess { box { name } } }'

    answer, after = changed(engine, archive.people["ann"], call)

    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [
        ("You are not allowed to use Box.", "FORBIDDEN")
    ]
    assert after == before
    assert changed(engine, archive.people["staff"], call)[0] == {"x": {"box": {"name": "new"}}}


@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_fields_in_answers_of_mutations(archive: Archive, mask: bool) -> None:
    """A refused field refuses the mutation; a masked one is null in the answer of what is done, and not written."""
    guarded = fraiseql.field(permission=staff_only, mask=mask)
    engine, before = engine_of(with_mutations(lambda model: None, bodies={Box: {"name": guarded}})), state()
    calls = {
        "found(id: 1) { name }": {"x": {"name": None}},
        'updateBox(id: 1, input: {name: "new"}) { ... on UpdateBoxSuccess { box { name } } }': {
            "x": {"box": {"name": None}}
        },
        "deleteBox(id: 1) { ... on DeleteBoxSuccess { box { id name } } }": {"x": {"box": {"id": "1", "name": None}}},
    }
    for call, masked in calls.items():
        answer, after = changed(engine, archive.people["ann"], call)
        if mask and "input" not in call:
            assert answer == masked, call
        else:
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"], call
            assert after == before, call
        assert "SECRET" not in json.dumps(answer), call
        answer, _ = changed(engine, archive.people["staff"], call)
        assert answer != masked, call
        assert "errors" not in answer, call
