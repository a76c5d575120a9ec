"""
One behaviour a folder: a query, its variables, the SQL that it becomes and the answer.

FRAISEQL_WRITE_CASES=1 writes expected.sql and expected.json anew: read the difference before you keep it.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from fraiseql_django.sql.readable import readable
from tests.naive import assert_same_answer

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).parent / "cases"
WRITE = bool(os.environ.get("FRAISEQL_WRITE_CASES"))


def without_quoted_aliases(sql: str) -> str:
    """Write U0 for "U0": Django quotes its aliases since 6.0."""
    return re.sub(r'"([T-Z][0-9]+)"', r"\1", sql)


@pytest.mark.parametrize("case", sorted(FOLDER.iterdir()), ids=lambda case: case.name)
def test_case(books: GraphQLEngine, case: Path) -> None:
    query = (case / "query.graphql").read_text()
    file = case / "variables.json"
    variables: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    sql = readable(books.explain(query, variables).sql) + "\n"

    answer = json.dumps(assert_same_answer(books, query, variables), indent=2, ensure_ascii=False) + "\n"

    if WRITE:
        (case / "expected.sql").write_text(sql)
        (case / "expected.json").write_text(answer)
    assert without_quoted_aliases(sql) == without_quoted_aliases((case / "expected.sql").read_text())
    assert answer == (case / "expected.json").read_text()


def test_every_case_says_what_it_shows() -> None:
    for case in FOLDER.iterdir():
        assert (case / "query.graphql").read_text().startswith("# "), case.name
