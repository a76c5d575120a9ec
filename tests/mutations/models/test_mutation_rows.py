"""Row rules of mutations from models: what may be seen, but not be changed."""

from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db.models import Q

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry, audit
from tests.cabinet.models import Label

FORBIDDEN = {
    "message": "You are not allowed to do this with this object.",
    "code": 403,
    "status": "failed:forbidden",
    "errors": [{"field": None, "identifier": "forbidden"}],
}
NOT_FOUND = {
    "code": 404,
    "status": "failed:not_found",
    "errors": [{"field": "id", "identifier": "not_found"}],
}


class LabelForm(forms.ModelForm):
    """A form with one field."""

    class Meta:
        model = Label
        fields = ("name",)


def own(viewer: Any) -> Q | bool:
    """Leave every row to staff, to others those that are named after them."""
    return viewer.is_staff or Q(name=viewer.value("name"))


def make(rows: Any = own) -> GraphQLEngine:
    """Make an engine over labels, of which one is hidden from all, with a mutation of every kind."""
    registry = Registry()

    @fraiseql.type(Label, fields=["code", "name"], rows=lambda viewer: ~Q(name="hidden"), registry=registry)
    class LabelType:
        pass

    fraiseql.update(LabelType, fields=["name"], rows=rows, registry=registry)
    fraiseql.update(LabelType, fields=["name"], rows=rows, bulk=True, registry=registry)
    fraiseql.update(LabelType, form=LabelForm, rows=rows, name="correctLabel", registry=registry)
    fraiseql.delete(LabelType, rows=rows, registry=registry)
    fraiseql.delete(LabelType, rows=rows, bulk=True, registry=registry)
    fraiseql.upsert(LabelType, fields=["code", "name"], unique=["code"], rows=rows, registry=registry)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def engine(db: None) -> GraphQLEngine:
    for code, name in (("m", "ann"), ("t", "bob"), ("h", "hidden")):
        Label.objects.create(code=code, name=name)
    return make()


CALLS = {
    "update": 'updateLabel(id: "{}", input: {{name: "new"}})',
    "update by a form": 'correctLabel(id: "{}", input: {{name: "new"}})',
    "upsert": 'upsertLabel(input: {{code: "{}", name: "new"}})',
    "delete": 'deleteLabel(id: "{}")',
}


def run(engine: GraphQLEngine, call: str, name: str = "ann", *, staff: bool = False) -> Any:
    """Run one mutation for who has this name; return what went wrong, None where nothing did."""
    request: Any = SimpleNamespace(user=User(pk=1, username=name, is_staff=staff), name=name)
    query = f"mutation {{ {call} {{ ... on MutationError {{ message code status errors {{ field identifier }} }} }} }}"
    body = engine.execute(query, request=request).json()
    assert "errors" not in body, body
    (found,) = body["data"].values()
    return found or None


def labels() -> dict[str, str]:
    """Return the names by their codes."""
    return dict(Label.objects.values_list("code", "name"))


BEFORE = {"m": "ann", "t": "bob", "h": "hidden"}


@pytest.mark.parametrize("kind", CALLS)
def test_rows_of_which_the_rule_is_true_are_written(engine: GraphQLEngine, kind: str) -> None:
    assert run(engine, CALLS[kind].format("m")) is None
    assert labels() == {"t": "bob", "h": "hidden", **({} if kind == "delete" else {"m": "new"})}


@pytest.mark.parametrize("kind", CALLS)
def test_visible_rows_of_which_it_is_not_are_forbidden(engine: GraphQLEngine, kind: str) -> None:
    assert run(engine, CALLS[kind].format("t")) == FORBIDDEN
    assert labels() == BEFORE
    # what is true of staff is decided in Python
    assert run(engine, CALLS[kind].format("t"), staff=True) is None
    assert labels() != BEFORE


@pytest.mark.parametrize("kind", ["update", "update by a form", "delete"])
def test_rows_that_are_not_visible_are_not_found(engine: GraphQLEngine, kind: str) -> None:
    said = run(engine, CALLS[kind].format("h"), "hidden")

    # the message is Django's, and not the same in all versions
    assert {name: value for name, value in said.items() if name != "message"} == NOT_FOUND
    assert labels() == BEFORE


def test_of_several_rows_none_is_written_where_one_is_forbidden(engine: GraphQLEngine) -> None:
    update = 'updateLabels(input: [{id: "m", name: "new"}, {id: "t", name: "new"}])'
    delete = 'deleteLabels(ids: ["m", "t"])'
    expected = {**FORBIDDEN, "errors": [{"field": "1", "identifier": "forbidden"}]}

    assert run(engine, update) == expected
    assert run(engine, delete) == expected
    assert labels() == BEFORE
    assert run(engine, update, staff=True) is None
    assert run(engine, delete, staff=True) is None
    assert labels() == {"h": "hidden"}


def test_what_an_upsert_creates_is_not_held_to_the_rule(engine: GraphQLEngine) -> None:
    assert run(engine, CALLS["upsert"].format("n")) is None
    assert labels() == {**BEFORE, "n": "new"}


def test_a_rule_may_be_true_of_no_row(db: None) -> None:
    Label.objects.create(code="m", name="ann")

    assert run(make(lambda viewer: False), CALLS["update"].format("m")) == FORBIDDEN


def test_what_is_forbidden_is_audited(engine: GraphQLEngine) -> None:
    events: list[Any] = []

    def note(sender: Any, event: Any, **kwargs: Any) -> None:
        events.append(event)

    audit.operation_refused.connect(note)
    try:
        run(engine, CALLS["update"].format("t"))
    finally:
        audit.operation_refused.disconnect(note)
    assert [(event.code, event.what) for event in events] == [("FORBIDDEN", "updateLabel")]


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(DeclarationError) as raised:
        make("library.change_label").schema  # noqa: B018
    assert str(raised.value).splitlines()[0] == (
        "update(LabelType): rows is 'library.change_label', must be a function of the viewer"
    )
