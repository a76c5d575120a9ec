"""What the documentation says is what the code does."""

import re
from pathlib import Path

import pytest

from example_project.bookshop.readable import readable
from fraiseql_django import get_engine
from fraiseql_django.schema.django_fields import SCALARS
from fraiseql_django.schema.operators import OPERATORS
from fraiseql_django.schema.scalars.composite import RANGES

DOCS = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.django_db
def test_architecture_shows_the_statement_of_its_operation():
    (operation,), (sql,) = blocks("architecture.md", "graphql"), blocks("architecture.md", "sql")
    compiled = readable(get_engine().explain(operation, {"name": "Baking", "limit": 3}).sql)
    # Django 5.2 does not quote the names that it makes up for tables
    assert sql.strip().replace('"', "") == compiled.strip().replace('"', "")


@pytest.mark.django_db
def test_limits_shows_the_complexity_of_its_operation():
    (operation,) = blocks("limits.md", "graphql")
    complexity = get_engine().explain(operation, {"n": 5}).complexity
    assert complexity == 5221
    assert f'explain(SHELF, {{"n": 5}}).complexity  # {complexity}' in (DOCS / "limits.md").read_text()


@pytest.mark.parametrize("page", ["reference/operators.md", "tutorial.md", "architecture.md", "limits.md"])
def test_operations_in_the_documentation_are_valid(page):
    for block in blocks(page, "graphql"):
        if block.lstrip().startswith(("{", "query", "mutation")):
            get_engine().parser.parse(block)


def test_every_operator_is_documented():
    page = (DOCS / "reference" / "operators.md").read_text()
    assert [name for name in OPERATORS if f"`{name}`" not in page] == []


def test_every_field_class_is_documented():
    page = (DOCS / "reference" / "types.md").read_text()
    classes = [cls.__name__ for cls in (*SCALARS, *RANGES)]
    assert [name for name in classes if f"`{name}`" not in page] == []


def test_threat_model_names_tests_that_exist():
    page = (DOCS / "threat-model.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (DOCS.parent / name).exists()] == []
