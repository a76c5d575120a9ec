"""Links of the guides lead to pages and headings that there are."""

import re

import pytest

from tests.peers.guides import FOLDER

LINKS = [
    (path.name, target)
    for path in sorted(FOLDER.glob("*.md"))
    for target in sorted(set(re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))))
    if not target.startswith("https://")
]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_links_lead_somewhere(page: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    linked = FOLDER / path if path else FOLDER / page

    assert linked.exists()
    assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8"))
