"""Each row of the page on freshness names tests that hold it, in comments that readers do not see."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "freshness.md").read_text(encoding="utf-8")
COMMENT = re.compile(r"<!-- ((?:tests/\S+\.py::\S+ )+)--> \|$")


def rows() -> list[str]:
    """Return the rows of all tables, without the heads and the lines below them."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()[2:]]


ROWS = rows()


@lru_cache
def names_in(module: str) -> frozenset[str]:
    """Return the functions of a module, methods as ``Class::method``."""
    found = set()
    for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + part.name for part in inner if isinstance(part, ast.FunctionDef)}
    return frozenset(found)


def test_there_are_four_tables() -> None:
    assert len(re.findall(r"^\|---", PAGE, re.MULTILINE)) == 4
    assert len(ROWS) > 50


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:50])
def test_row_names_tests_that_exist(row: str) -> None:
    comment = COMMENT.search(row)
    assert comment, "no test is named at the end of the row"
    for name in comment[1].split():
        module, _, test = name.partition("::")
        assert test.rpartition("::")[2].startswith("test_"), name
        assert test in names_in(module), name


def test_comments_are_in_rows_alone() -> None:
    assert PAGE.count("<!--") == len(ROWS)
