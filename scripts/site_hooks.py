"""What MkDocs is told of the documentation site beside mkdocs.yml.

The pages are written for the repository, where links lead to files: to pages, to the README, to sources. On the site

- the changelog, and the other pages of the repository's root, are pages of the site (``ROOT_PAGES``);
- a link to the README leads to the site's first page;
- a link to any other file outside docs/ leads to the repository, whose address is in pyproject.toml;
- ``*`` in the navigation stands for the pages of a folder.

A link to a file that does not exist stays as it is, so that the strict build refuses it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
# files of the repository's root that are pages of the site, each with its path there
ROOT_PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
ROOT_LINKS = {**ROOT_PAGES, "README.md": "index.md", "docs": "index.md"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]*)(?=[)#\s])")
_FENCED = re.compile(r"^( *)(```+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)


def repository() -> str | None:
    """Return the address of the repository, as pyproject.toml has it; None if it names none."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    return next((urls[name].rstrip("/") for name in ("Source", "Repository", "Homepage") if name in urls), None)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of folders into the navigation."""
    config.nav = _expanded(config.nav, Path(config.docs_dir))
    if (url := repository()) is not None:
        # not as `repo_url`, for which the theme asks a forge's API in the reader's browser
        config.extra["social"] = [{"icon": "fontawesome/brands/git-alt", "link": url, "name": "Source code"}]
    return config


def _expanded(nav: Any, docs: Path) -> Any:
    if isinstance(nav, str):
        if "*" in nav:
            return [path.relative_to(docs).as_posix() for path in sorted(docs.glob(nav))]
        return [] if nav in _missing_root_pages() else [nav]
    if isinstance(nav, dict):
        ((title, items),) = nav.items()
        entries = _expanded(items, docs)
        return [{title: entries}] if entries else []
    return [entry for item in nav for entry in _expanded(item, docs)]


def _missing_root_pages() -> list[str]:
    return [path for name, path in ROOT_PAGES.items() if not (ROOT / name).exists()]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository's root."""
    for name, path in ROOT_PAGES.items():
        if (ROOT / name).exists():
            # pages that say what there is are found before those that say what has changed
            text = "---\nsearch:\n  boost: 0.3\n---\n\n" + (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links of a page that lead out of docs/ lead somewhere on the site, or to the repository."""
    # where the page is in the repository
    inverse = {path: name for name, path in ROOT_PAGES.items()}
    source = inverse.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    folder = source.rpartition("/")[0]

    def target(match: re.Match[str]) -> str:
        linked = normpath(f"{folder}/{match[1]}" if folder else match[1])
        path = ROOT_LINKS.get(linked, linked.removeprefix("docs/") if linked.startswith("docs/") else None)
        if path is not None:
            return relpath(path, page.file.src_uri.rpartition("/")[0] or ".")
        url = repository()
        if url is None or linked.startswith("..") or not (ROOT / linked).exists():
            return match[1]
        return f"{url}/blob/main/{linked}"

    return _outside_of_code(markdown, lambda text: _LINK.sub(target, text))


def _outside_of_code(markdown: str, change: Any) -> str:
    """Change the parts of a page that are not fenced blocks."""
    parts, end = [], 0
    for block in _FENCED.finditer(markdown):
        parts += [change(markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, change(markdown[end:])])
