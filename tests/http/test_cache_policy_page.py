"""What docs/cache-policy.md shows is what the endpoint answers."""

import inspect
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory

import fraiseql_django as fraiseql
from fraiseql_django import CachePolicy, GraphQLEngine, Registry
from fraiseql_django.views import GraphQLView
from tests.http.requests import JSON, URL
from tests.support import make_shop

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cache-policy.md").read_text()
ROWS = re.findall(r"^\| `([^`]*)` \| `([^`]*)` \|$", PAGE, re.MULTILINE)


@pytest.fixture
def engine() -> GraphQLEngine:
    """Declare what the page declares first."""
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    assert "from shop.models import" in code
    registry = Registry()
    own = {name: partial(getattr(fraiseql, name), registry=registry) for name in ("type", "query")}
    names: dict[str, Any] = {"fraiseql": SimpleNamespace(**{**vars(fraiseql), **own}), "__name__": __name__}
    lines = code.replace("from shop.models", "from example_project.bookshop.models").splitlines()
    imports = [
        "from django.db.models import Count",
        *(line for line in lines if line != "import fraiseql_django as fraiseql"),
    ]
    exec("\n".join(imports), names)
    return GraphQLEngine(registry=registry)


@pytest.mark.parametrize(("operation", "expected"), ROWS, ids=[operation for operation, _ in ROWS])
def test_operations_are_answered_with_these_headers(engine: GraphQLEngine, operation: str, expected: str) -> None:
    make_shop()
    request = RequestFactory().get(URL, {"query": operation}, headers={"Accept": JSON})
    response: Any = GraphQLView.as_view(engine=engine)(request)

    assert b'"errors"' not in response.content
    assert response["Cache-Control"] == expected


def test_page_has_a_table_of_operations() -> None:
    assert len(ROWS) == 10


def test_every_argument_of_a_policy_is_explained() -> None:
    for name in inspect.signature(CachePolicy).parameters:
        assert f"| `{name}` |" in PAGE
