"""The documentation site: it builds strictly, needs no other host to be read, and keeps a folder for each version."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from example_project.settings import BASE_DIR

BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "NO_MKDOCS_2_WARNING": "1",
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
}


def run(*command: str, cwd: Path = BASE_DIR) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it wrote, whether it succeeded or not."""
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site strictly, as `make docs` does, into a folder of the test's own."""
    made = tmp_path_factory.mktemp("site")
    done = run(str(BIN / "mkdocs"), "build", "--strict", "--quiet", "--site-dir", str(made))
    assert done.returncode == 0, done.stderr
    return made


class Loaded(HTMLParser):
    """The addresses that a browser loads when it shows a page, and the page's links to other hosts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the addresses of an element."""
        found = dict(attrs)
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag != "link" or set((found.get("rel") or "").split()) & {"stylesheet", "icon", "preload", "preconnect"}:
            self.loads += [value for name in ("src", "href", "srcset", "data") if (value := found.get(name))]


def elsewhere(address: str) -> bool:
    """Whether an address is one of another host; what is in the page itself is not."""
    return bool(re.match(r"(?:[a-z+]+:)?//", address)) and not address.startswith("data:")


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = {path: Loaded(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 40
    assert all(page.loads for page in pages.values())

    assert [(path.name, url) for path, page in pages.items() for url in page.loads if elsewhere(url)] == []
    sheets = [path for path in site.rglob("*.css") if path.stat().st_size]
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        urls = re.findall(r"url\(['\"]?([^'\")]+)|@import ['\"]([^'\"]+)", text)
        assert [url for pair in urls for url in pair if elsewhere(url)] == []


def test_no_page_has_what_the_theme_loads_more_for(site: Path) -> None:
    """The theme's script loads a library for diagrams, and asks a forge's API about the repository that it shows."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'class="mermaid"' not in text
        assert 'data-md-component="source"' not in text


def test_every_page_is_found_by_the_search(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"]}

    pages = {path.parent.relative_to(site).as_posix() for path in site.rglob("index.html")}
    assert {location.strip("/") or "." for location in found} == pages


def test_links_out_of_the_folder_lead_to_pages_of_the_site(site: Path) -> None:
    changelog = (site / "changelog" / "index.html").read_text(encoding="utf-8")

    assert 'href="../tutorial/' in changelog
    assert "CHANGELOG.md" not in (site / "index.html").read_text(encoding="utf-8")


WRONG = ("missing.md", "#missing", "other.md#missing", "../missing.py", "missing.png")


def test_links_that_lead_nowhere_and_pages_that_nothing_leads_to_are_refused(small: Path) -> None:
    links = " ".join(f"[a]({target})" for target in WRONG)
    (small / "docs" / "index.md").write_text(f"# Home\n\n{links}\n")
    (small / "docs" / "forgotten.md").write_text("# Forgotten\n")

    done = run(str(BIN / "mkdocs"), "build", "--strict", cwd=small)

    assert done.returncode == 1
    assert [target for target in (*WRONG, "forgotten.md") if target not in done.stderr] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site of two pages with the configuration of ours, in a git repository."""
    pages: dict[str, Any] = {
        "docs/index.md": "# Home\n",
        "docs/other.md": "# Other\n",
        "mkdocs.yml": f"INHERIT: {BASE_DIR / 'mkdocs.yml'}\nhooks: [{BASE_DIR / 'scripts/site_hooks.py'}]\n"
        "extra_css: []\nnav: [index.md, other.md, changelog.md, contributing.md, security.md]\n",
    }
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("config", "user.name", "A tester"),
        ("config", "user.email", "tester@example.com"),
        ("commit", "--quiet", "--allow-empty", "--message=Begin"),
    ):
        assert run("git", *command, cwd=tmp_path).returncode == 0
    return tmp_path


def test_each_version_has_a_folder_and_the_last_one_is_shown_first(small: Path) -> None:
    mike = str(BIN / "mike")
    for command in (
        ("deploy", "--update-aliases", "0.1", "latest"),
        ("deploy", "--update-aliases", "0.2", "latest"),
        ("set-default", "latest"),
    ):
        done = run(mike, *command, cwd=small)
        assert done.returncode == 0, done.stderr

    def published(path: str) -> str:
        return run("git", "show", f"gh-pages:{path}", cwd=small).stdout

    assert [(entry["version"], entry["aliases"]) for entry in json.loads(published("versions.json"))] == [
        ("0.2", ["latest"]),
        ("0.1", []),
    ]
    assert "latest/" in published("index.html")
    assert '"provider": "mike"' in published("0.1/index.html")
    assert published("latest/index.html").count("<title>fraiseql_django</title>") == 1
