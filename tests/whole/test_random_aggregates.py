"""Aggregates and groups that nobody thought of have the answer that Python counts."""

import json
import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fraiseql_django import Registry
from fraiseql_django.declare.registry import default_registry
from fraiseql_django.schema.aggregates import Aggregate, Groups
from tests.generator import Drawn
from tests.naive import Naive, assert_same_answer
from tests.values import pool
from tests.whole.test_random_operations import engine, of_models
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db

# More of them, and other ones each time: FRAISEQL_RANDOM_OPERATIONS=5000
WANTED = os.environ.get("FRAISEQL_RANDOM_OPERATIONS")


class DrawnAggregates(Drawn):
    """Draws aggregates and groups at the root."""

    def root(self) -> str:
        """Draw one of them, or a list that is filtered or sorted by them."""
        fields = self.schema.query.fields.values()
        over = [field for field in fields if isinstance(field, (Aggregate, Groups))]
        return self.over_rows("Query", self.one_of(over)) if self.chance(80) else super().root()


@pytest.mark.parametrize(("registry", "examples"), [(ZOO, 60), (default_registry, 12)], ids=["zoo", "bookshop"])
def test_random_aggregates(populated: None, registry: Registry, examples: int) -> None:
    tried = engine(registry)
    schema = of_models(tried.schema)
    values = pool(schema)
    naive = Naive(tried.schema)
    naive.kept = {}

    @st.composite
    def drawn(draw: Any) -> tuple[str, dict[str, Any]]:
        query, variables = DrawnAggregates(schema, values, draw).operation()
        return query, json.loads(json.dumps(variables))

    @settings(
        max_examples=int(WANTED or examples),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn())
    def try_them(example: tuple[str, dict[str, Any]]) -> None:
        query, variables = example
        with transaction.atomic():
            answer = assert_same_answer(tried, query, variables, naive=naive)
            # once more: the plan is there by now
            assert tried.execute(query, variables).json() == {"data": answer}

    try_them()
