"""The page on watched tables: its migration runs, and what it names exists."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations import Migration

from fraiseql_django.operations import WatchTables

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "watching.md").read_text(encoding="utf-8")


def test_migration_of_the_page() -> None:
    (text,) = re.findall(r"```python\n(from django.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(text, names)

    made: Migration = names["Migration"]("0008_watch", "shop")

    assert [(list(item.models), list(item.tables)) for item in made.operations if isinstance(item, WatchTables)] == [
        (["Book", "Stock"], []),
        ([], ["legacy.orders"]),
    ]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", PAGE))
def test_links_lead_somewhere(target: str) -> None:
    page, _, anchor = target.partition("#")
    text = (DOCS / page).read_text(encoding="utf-8") if page else PAGE
    anchors = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }
    assert not anchor or anchor in anchors
