"""What declarations may say of rules, what is refused, and what is named because rules do not reach it."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import Warning
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry, checks
from fraiseql_django.declare.rules import requires_auth
from fraiseql_django.invalidation import catalog
from tests.archive.models import Box, Member, Note, Room, Seal, Tag
from tests.archive.support import declare
from tests.zoo.models import Animal, Feeding, Food, Species

NOBODY = SimpleNamespace(user=None)


def ask(engine: GraphQLEngine, query: str, request: Any = NOBODY) -> Any:
    return engine.execute(query, request=request).json()


# --- what reads past rules ---

HINT = (
    "The project's own expressions read all rows, so their values may depend on rows that a viewer may not see. Give "
    "the field a permission=… of its own, sort by columns of the model, or silence this check if everybody may know "
    "the values."
)
EXPRESSIONS = {
    "a list": (Count("boxes"), True),
    "a filter": (Count("id", filter=Q(boxes__tenant=1)), True),
    "what is compared with": (Count("id", filter=Q(tenant=F("boxes__tenant"))), True),
    "through another model": (Count("rooms__boxes"), True),
    "a subquery": (Subquery(Box.objects.filter(room=OuterRef("pk")).values("name")[:1]), True),
    "a subquery that joins": (Subquery(Note.objects.filter(box__room=OuterRef("pk")).values("name")[:1]), True),
    "whether there is one": (Exists(Box.objects.filter(room=OuterRef("pk"))), True),
    "its own columns": (F("tenant") + 1, False),
    "its own key": (F("within"), False),
    "its own key's column": (F("within_id"), False),
    "a free type": (F("within__name"), False),
}


@pytest.mark.parametrize("case", EXPRESSIONS)
def test_a_computed_field_that_reads_past_a_rule_is_named(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expression, reads_past = EXPRESSIONS[case]
    registry = Registry()
    body = {"computed": fraiseql.field(expression), "shut": fraiseql.field(Count("boxes"), permission=requires_auth)}
    declare(registry, {Box: {"rows": lambda viewer: Q(owner=viewer.id)}}, {Room: body})
    monkeypatch.setattr(checks, "default_registry", registry)

    said = [message for message in checks.check_project() if message.id == "fraiseql.W007"]

    message = "Room.computed is computed from all rows of Box, past the rules of Box."
    assert said == ([Warning(message, hint=HINT, id="fraiseql.W007")] if reads_past else [])


def test_an_order_that_reads_past_a_rule_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    fraiseql.type(Species, fields=["latin"], permission=requires_auth, registry=registry)(type("S", (), {}))
    fraiseql.type(Animal, fields=["name"], registry=registry)(type("A", (), {}))
    fraiseql.type(Feeding, fields=["grams"], registry=registry)(type("Feeding", (), {}))
    fraiseql.type(Food, fields=["name"], rows=lambda viewer: True, registry=registry)(type("Food", (), {}))
    monkeypatch.setattr(checks, "default_registry", registry)

    said = [message.msg for message in checks.check_project() if message.id == "fraiseql.W007"]

    assert said == [
        "A is sorted, if clients do not say how, by rows of S, past the rules of S.",
        "Feeding is sorted, if clients do not say how, by rows of S, past the rules of S.",
        "Feeding is sorted, if clients do not say how, by rows of Food, past the rules of Food.",
    ]


# --- views ---


@fraiseql.type
class Reading:
    """What only some may know, in JSON and in what mutations return."""

    name: str
    code: str = fraiseql.field(permission=lambda viewer: viewer.is_staff, mask=True)
    pin: str | None = fraiseql.field(permission=requires_auth)


@pytest.fixture
def view(db: None) -> Iterator[None]:
    catalog.forget()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE VIEW v_reading AS SELECT 1 AS id, 9 AS owner, jsonb_build_object('id', 1, 'inner', "
            "jsonb_build_object('id', 1, 'name', 'open', 'code', 'SECRET', 'pin', 'SECRET')) AS data"
        )
    yield
    catalog.forget()


def test_fields_of_objects_in_json_have_permissions(view: None) -> None:
    registry = Registry()

    @fraiseql.type(sql_source="v_reading", jsonb_column="data", registry=registry)
    class Outer:
        id: int
        inner: Reading

    engine = GraphQLEngine(registry=registry, cache=None)

    assert ask(engine, "{ outers { inner { name code } } }") == {
        "data": {"outers": [{"inner": {"name": "open", "code": None}}]}
    }
    for query in ("{ outers { inner { pin } } }", '{ outers(where: {inner: {code: {gt: "S"}}}) { id } }'):
        assert [error["extensions"]["code"] for error in ask(engine, query)["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("mask", [False, True])
def test_a_type_in_json_has_its_permission(view: None, mask: bool) -> None:
    registry = Registry()

    @fraiseql.type(
        sql_source="v_reading", jsonb_column="data", queries=[], permission=requires_auth, mask=mask, registry=registry
    )
    class Inner:
        name: str

    @fraiseql.type(sql_source="v_reading", jsonb_column="data", registry=registry)
    class Outer:
        id: int
        inner: Inner

    answer = ask(GraphQLEngine(registry=registry, cache=None), "{ outers { inner { name } } }")

    if mask:
        assert answer == {"data": {"outers": [{"inner": None}]}}
    else:
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


def test_a_type_with_a_row_rule_is_refused_in_json() -> None:
    registry = Registry()

    @fraiseql.type(sql_source="v_reading", jsonb_column="data", rows=lambda viewer: True, registry=registry)
    class Inner:
        name: str

    @fraiseql.type(sql_source="v_reading", jsonb_column="data", registry=registry)
    class Outer:
        inner: Inner

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == (
        "Outer.inner holds a Inner in JSON, where the row rule of Inner finds no rows; say how they are found with "
        "fraiseql.relation(key, to=…)"
    )


def test_a_rule_on_a_view_names_its_columns_and_fields(view: None) -> None:
    rules = [
        (lambda viewer: Q(owner=9), 1),
        (lambda viewer: Q(owner__in=[8, 9], id=1), 1),
        (lambda viewer: ~Q(owner__gte=viewer.value("limit", int)), 0),
        (lambda viewer: Q(Exists(Member.objects.filter(pk=OuterRef("id")))), 0),
    ]
    for rule, count in rules:
        registry = Registry()
        fraiseql.type(sql_source="v_reading", jsonb_column="data", rows=rule, registry=registry)(
            type("Outer", (), {"__annotations__": {"id": int}})
        )
        request = SimpleNamespace(user=None, limit=9)
        assert (
            len(ask(GraphQLEngine(registry=registry, cache=None), "{ outers { id } }", request)["data"]["outers"])
            == count
        )

    registry = Registry()
    fraiseql.type(sql_source="v_reading", jsonb_column="data", rows=lambda viewer: Q(ownr=9), registry=registry)(
        type("Outer", (), {"__annotations__": {"id": int}})
    )
    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).explain("{ outers { id } }")
    assert str(raised.value) == "the row rule of Outer asks for 'ownr', which Outer has not"


# --- what mutations return ---


@pytest.mark.django_db
def test_fields_of_what_mutations_return_have_permissions() -> None:
    registry = Registry()
    declare(registry, {})

    @fraiseql.mutation(registry=registry)
    def reading(info: fraiseql.Info) -> Reading:
        return Reading(name="open", code="SECRET", pin="SECRET")

    engine = GraphQLEngine(registry=registry, cache=None)
    staff = SimpleNamespace(user=User(is_staff=True))

    assert ask(engine, "mutation { reading { name code } }") == {"data": {"reading": {"name": "open", "code": None}}}
    assert ask(engine, "mutation { reading { code pin } }", staff) == {
        "data": {"reading": {"code": "SECRET", "pin": "SECRET"}}
    }
    refused = ask(engine, "mutation { reading { pin } }")
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["UNAUTHENTICATED"]


@fraiseql.input
class TagInput:
    id: int


@fraiseql.success
class TagGone:
    tag: "TagType"  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.django_db
def test_a_row_that_is_gone_shows_no_masked_field() -> None:
    registry = Registry()
    guarded = fraiseql.field(permission=lambda viewer: viewer.is_staff, mask=True)
    declare(registry, {}, {Tag: {"name": guarded}})

    @fraiseql.mutation(function="fn_end_tag", registry=registry)
    class EndTag:
        input: TagInput
        success: TagGone

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fn_end_tag(input jsonb) RETURNS jsonb LANGUAGE sql AS "
            "$$ DELETE FROM archive_tag t WHERE id = (input->>'id')::int RETURNING to_jsonb(t) $$"
        )
    engine = GraphQLEngine(registry=registry, cache=None)
    query = "mutation { endTag(input: {id: %d}) { ... on TagGone { tag { id name tenant } } } }"
    staff = SimpleNamespace(user=User(is_staff=True))
    ended = [Tag.objects.create(name="SECRET", tenant=4).pk for _ in range(2)]

    for key, request, name in zip(ended, (NOBODY, staff), (None, "SECRET"), strict=True):
        assert ask(engine, query % key, request) == {
            "data": {"endTag": {"tag": {"id": str(key), "name": name, "tenant": 4}}}
        }


@pytest.mark.django_db
def test_what_is_nobodys_is_not_visible_to_nobody() -> None:
    registry = Registry()
    rule = lambda viewer: Q(owner=viewer.id) | Q(tenant=viewer.value("tenant", int))  # noqa: E731
    declare(registry, {Tag: {"rows": rule}})

    @fraiseql.mutation(registry=registry)
    def visible(info: fraiseql.Info) -> int:
        return info.visible(Tag).count()

    engine = GraphQLEngine(registry=registry, cache=None)
    Tag.objects.create(name="nobody's")
    member = Member.objects.create(pk=1, username="ann")
    Tag.objects.create(name="ann's", owner=member)
    ann = SimpleNamespace(user=User(pk=1))

    assert ask(engine, "{ tags { name } }") == {"data": {"tags": []}}
    assert ask(engine, "mutation { visible }") == {"data": {"visible": 0}}
    assert ask(engine, "mutation { visible }", ann) == {"data": {"visible": 1}}


# --- rules that are none ---


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"rows": "owner"}, "Box: rows is 'owner', must be a function of the viewer"),
        (
            {"permission": 5},
            "Box: permission is 5, must be a rule, a name like 'shop.view_order', or a function of the viewer",
        ),
        ({"mask": True}, "Box: mask is for those whom a permission leaves out; give permission=… as well"),
        ({"permission": "view_box"}, "requires_permission takes names like 'shop.view_order', not ['view_box']"),
    ],
)
def test_what_is_no_rule_is_refused(said: Any, message: str) -> None:
    registry = Registry()
    declare(registry, {Box: said})

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == f"archive.Box: {message}"


def test_a_mask_without_a_permission_is_refused() -> None:
    registry = Registry()
    declare(registry, {}, {Box: {"name": fraiseql.field(mask=True)}})

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == (
        "archive.Box: Box.name: mask is for those whom a permission leaves out; give permission=… as well"
    )


@pytest.mark.django_db
def test_a_relation_by_keys_has_a_permission() -> None:
    def body(mask: bool) -> dict[str, Any]:
        guarded = fraiseql.relation("id", to="box_id", permission=requires_auth, mask=mask)
        return {"__annotations__": {"remarks": "list[NoteType]"}, "remarks": guarded}

    box = Box.objects.create(name="b", room=Room.objects.create())
    Note.objects.create(name="SECRET", box=box)
    engines = []
    for mask in (False, True):
        registry = Registry()
        declare(registry, {}, {Box: body(mask)})
        engines.append(GraphQLEngine(registry=registry, cache=None))
    refused, masked = engines
    query, search = "{ boxes { remarks { name } } }", "{ boxes(where: {remarks: {some: {}}}) { id } }"

    for engine, asked in ((refused, query), (refused, search), (masked, search)):
        assert [error["extensions"]["code"] for error in ask(engine, asked)["errors"]] == ["UNAUTHENTICATED"]
    assert ask(masked, query) == {"data": {"boxes": [{"remarks": []}]}}
    assert ask(masked, query, SimpleNamespace(user=User())) == {"data": {"boxes": [{"remarks": [{"name": "SECRET"}]}]}}


@pytest.mark.django_db
def test_a_row_rule_that_returns_no_condition_is_refused() -> None:
    registry = Registry()
    declare(registry, {Seal: {"rows": lambda viewer: Value(True)}})

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).explain("{ seals { id } }")
    assert str(raised.value) == "the row rule of Seal returned Value(True), must be a Q, True or False"


# --- root fields ---


def test_root_field_has_a_rule_of_its_own(transactional_db: None) -> None:
    registry = Registry()

    @fraiseql.type(Room, fields=["id", "boxes"], queries={"single": None, "plural": requires_auth}, registry=registry)
    class RoomType:
        pass

    @fraiseql.type(Box, fields=["id", "room"], queries={"plural": "archive.view_box"}, registry=registry)
    class BoxType:
        pass

    engine = GraphQLEngine(registry=registry, cache=None)
    signed_in = SimpleNamespace(user=User.objects.create(username="ann"))

    assert "box" not in engine.schema.graphql.query_type.fields  # type: ignore[union-attr]
    assert ask(engine, '{ room(id: "1") { boxes { room { id } } } }') == {"data": {"room": None}}
    assert ask(engine, "{ a: rooms { id } }")["errors"] == [
        {
            "message": "Sign in to use rooms.",
            "locations": [{"line": 1, "column": 3}],
            "extensions": {"code": "UNAUTHENTICATED"},
        }
    ]
    assert ask(engine, "{ rooms { boxes { id } } }", signed_in) == {"data": {"rooms": []}}
    (error,) = ask(engine, "{ boxes { id } }", signed_in)["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("You are not allowed to use boxes.", "FORBIDDEN")


def test_root_field_that_does_not_exist_has_no_rule(db: None) -> None:
    with pytest.raises(
        DeclarationError, match=r"queries is \{'list': None\}, must be a list of: 'single', 'plural', 'connection'"
    ):
        fraiseql.type(Room, fields=["id"], queries={"list": None}, registry=Registry())


def test_rule_of_a_root_field_must_be_one(db: None) -> None:
    registry = Registry()
    fraiseql.type(Room, fields=["id"], queries={"plural": 7}, registry=registry)(type("RoomType", (), {}))

    with pytest.raises(DeclarationError, match="Room, plural: permission is 7, must be a rule"):
        assert GraphQLEngine(registry=registry, cache=None).schema
