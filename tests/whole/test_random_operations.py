"""Operations that nobody thought of have the same answer both ways, too."""

import dataclasses
import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.declare.registry import default_registry
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import Link
from fraiseql_django.schema.scalars.postgres import JSONB
from fraiseql_django.viewer import VIEWER, Viewer
from tests.generator import operations
from tests.menagerie.types import MENAGERIE
from tests.naive import assert_same_answer
from tests.values import pool
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db

# More of them, and other ones each time: FRAISEQL_RANDOM_OPERATIONS=5000
WANTED = os.environ.get("FRAISEQL_RANDOM_OPERATIONS")
# no list of the tests' data has more rows than are assumed
NO_LIMITS = LimitSettings(
    depth=None,
    aliases=None,
    fields=None,
    breadth=None,
    document_bytes=None,
    tokens=None,
    variables_bytes=None,
    root_fields=None,
    assumed_rows=1000,
)


def engine(registry: Registry) -> GraphQLEngine:
    """Make an engine that takes operations of any size."""
    return GraphQLEngine(settings=dataclasses.replace(get_settings(), limits=NO_LIMITS), registry=registry, cache=None)


def of_models(schema: Schema) -> Schema:
    """Leave out what is over views, which the other way does not know."""
    types = {}
    for name, known in schema.types.items():
        if known.source is None:
            fields = {key: field for key, field in known.fields.items() if not isinstance(field, Link)}
            types[name] = dataclasses.replace(known, fields=fields)
    return dataclasses.replace(schema, types=types)


def without_json(schema: Schema) -> Schema:
    """Leave out values that look like objects with fields."""
    types = {
        name: dataclasses.replace(
            known,
            fields={key: field for key, field in known.fields.items() if getattr(field, "scalar", None) is not JSONB},
        )
        for name, known in schema.types.items()
    }
    return dataclasses.replace(schema, types=types)


@pytest.mark.parametrize(
    ("registry", "examples"),
    [(ZOO, 150), (default_registry, 40), (MENAGERIE, 25)],
    ids=["zoo", "bookshop", "menagerie"],
)
def test_random_operations(populated: None, registry: Registry, examples: int) -> None:
    tried = engine(registry)

    @settings(
        max_examples=int(WANTED or examples),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        query, variables = data.draw(strategy)
        # a block of its own: an error of PostgreSQL's fails no operation but the one that it came from
        with transaction.atomic():
            answer = assert_same_answer(tried, query, variables)
            # once more: the plan is there by now
            assert tried.execute(query, variables).json() == {"data": answer}

    schema = of_models(tried.schema)
    strategy = operations(schema, pool(schema))
    try_them()


def members(answer: Any) -> int:
    """Count what costs 1 each by default: the fields of all objects, of lists the lists themselves."""
    if isinstance(answer, list):
        return sum(map(members, answer))
    if isinstance(answer, dict):
        return sum(1 + members(value) for key, value in answer.items() if key != "__typename")
    return 0


def test_estimate_is_never_less_than_what_the_answer_has(populated: None) -> None:
    tried = engine(default_registry)

    @settings(
        max_examples=int(WANTED or 60),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        query, variables = data.draw(strategy)
        with transaction.atomic():
            response = tried.execute(query, variables).json()
            if "errors" not in response:
                operation = tried.parser.parse(query).operation(None)
                values = {**tried.parser.variables(operation, variables), VIEWER: Viewer()}
                assert members(response["data"]) <= tried.planner.plan(operation, values).complexity.of(values)

    schema = without_json(of_models(tried.schema))
    strategy = operations(schema, pool(schema))
    try_them()
