"""A class of results, of inputs or of a directive gives a field that it inherits another default by a value alone."""

import sys
from types import ModuleType
from typing import Any

import pytest

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry

# its annotations are texts, whose names only this module has
BASES = """
from __future__ import annotations
from enum import Enum
import fraiseql_django as fraiseql

class Weight(Enum):
    LIGHT = "light"
    HEAVY = "heavy"

@fraiseql.success
class Done:
    took: int = 1
    weight: Weight = Weight.LIGHT

@fraiseql.error
class Failed(fraiseql.MutationError):
    status: Weight = Weight.LIGHT
    retry_after: int | None = None

@fraiseql.input
class Ask:
    limit: int = 10
    weight: Weight = Weight.LIGHT
"""


@pytest.fixture
def bases(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("bases_of_results")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(BASES, vars(module))
    return module


@pytest.mark.django_db
def test_defaults_of_results(bases: Any) -> None:
    heavy, registry = bases.Weight.HEAVY, Registry()

    @fraiseql.success
    class DoneLater(bases.Done):  # type: ignore[misc]
        took = 5
        weight = heavy

    @fraiseql.error
    class Missing(bases.Failed):  # type: ignore[misc]
        message = "Nothing is there."
        code = 404
        status = heavy
        retry_after = 30

    @fraiseql.error
    class Gone(Missing):
        code = 410

    def nothing(info: fraiseql.Info) -> int:
        return 0

    made = {"DoneLater": DoneLater, "Missing": Missing, "Gone": Gone}

    def perform(info: fraiseql.Info, kind: str) -> Any:
        return made[kind]()

    perform.__annotations__["return"] = DoneLater | Missing | Gone
    fraiseql.mutation(registry=registry)(perform)
    fraiseql.query(registry=registry)(nothing)
    engine = GraphQLEngine(registry=registry, cache=None)
    text = """mutation ($kind: String!) { perform(kind: $kind) {
        __typename ... on DoneLater { took weight }
        ... on Missing { message code status retryAfter } ... on Gone { message code status retryAfter }
    } }"""

    def answer(kind: str) -> Any:
        return engine.execute(text, {"kind": kind}).json()["data"]["perform"]

    missing = {"message": "Nothing is there.", "code": 404, "status": "HEAVY", "retryAfter": 30}
    assert answer("DoneLater") == {"__typename": "DoneLater", "took": 5, "weight": "HEAVY"}
    assert answer("Missing") == {"__typename": "Missing", **missing}
    assert answer("Gone") == {"__typename": "Gone", **missing, "code": 410}


@pytest.mark.django_db
def test_defaults_of_inputs(bases: Any) -> None:
    registry = Registry()

    @fraiseql.input
    class AskFew(bases.Ask):  # type: ignore[misc]
        limit = 3

    def asked(info: fraiseql.Info, ask: Any) -> str:
        return f"{ask.limit} {ask.weight.name}"

    asked.__annotations__["ask"] = AskFew
    fraiseql.query(registry=registry)(asked)
    engine = GraphQLEngine(registry=registry, cache=None)

    assert engine.execute("{ asked(ask: {}) }").json() == {"data": {"asked": "3 LIGHT"}}
    assert engine.execute("{ asked(ask: {weight: HEAVY}) }").json() == {"data": {"asked": "3 HEAVY"}}
