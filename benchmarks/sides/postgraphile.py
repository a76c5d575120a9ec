"""PostGraphile 4 and 5, each its own server: simple lists in place of connections, names and filters by its plugins.

Installed by npm under .local/bench at first use; version 5 runs on Node 22, which npm's package `node` brings.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.sides import NotHere, Query

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parent.parent / ".local" / "bench"
PACKAGES = {
    "postgraphile4": (
        "postgraphile@4",
        "@graphile-contrib/pg-simplify-inflector@6",
        "postgraphile-plugin-connection-filter@2",
    ),
    "postgraphile5": (
        "node@22",
        "postgraphile@5",
        "@graphile/simplify-inflection@9",
        "postgraphile-plugin-connection-filter@4",
    ),
}


def install(name: str) -> Path:
    """Return the folder with the server, installed by npm unless it is there; raise NotHere where that fails."""
    folder = INSTALLED / name
    if not (folder / "installed").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise NotHere("node is not here: install Node 20 or newer with npm")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES[name]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotHere(f"npm could not install it: {done.stderr.strip().splitlines()[-1]}")
        (folder / "installed").touch()
    return folder


def version(name: str) -> str:
    """Return the version that is installed."""
    found: str = json.loads((INSTALLED / name / "node_modules" / "postgraphile" / "package.json").read_text())[
        "version"
    ]
    return found


def node(name: str) -> str:
    """Return the Node that the server runs on: the one that npm has installed for it, or the machine's."""
    own = INSTALLED / name / "node_modules" / "node" / "bin" / "node"
    found = str(own) if own.exists() else shutil.which("node")
    if found is None:
        raise NotHere("node is not here: install Node 20 or newer")
    return found


def command(name: str, port: int, database_url: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of the server."""
    folder = install(name)
    script = folder / "server.cjs"
    shutil.copy(HERE / f"{name}.cjs", script)
    environment = {**os.environ, "NODE_ENV": "production", "GRAPHILE_ENV": "production", "GRAPHILE_TURBO": "1"}
    return [node(name), str(script), str(port), database_url], environment


def renamed(item: dict[str, Any], **changes: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return the object with some of its values made anew from it."""
    return {key: changes[key](item) if key in changes else value for key, value in item.items()}


def _authors(book: dict[str, Any]) -> list[Any]:
    return [written["author"] for written in book["authors"]]


def _filtered(data: Any) -> Any:
    return {"books": [renamed(book, authors=_authors) for book in data["books"]]}


def _card(row: dict[str, Any]) -> dict[str, Any]:
    card = row["data"]
    return {
        "id": str(card["id"]),
        "title": card["title"],
        "price": row["price"],
        "authors": [{"id": str(author["id"]), "name": author["name"]} for author in card["authors"]],
        "publisher": {"name": card["publisher"]["name"]},
        "category": card["category"],
        "stars": card["stars"],
        "reviewCount": card["review_count"],
    }


def _cards(data: Any) -> Any:
    return {"bookCards": [_card(row) for row in data["bookCards"]]}


def _renamed_book(data: Any) -> Any:
    return {"renameBook": renamed(data["renameBook"]["book"], authors=_authors)}


# Names of fields as the simplifying plugins make them; %(key)s is the primary key. The table between books and authors
# is a level of its own, as it is in PostGraphile without further plugins.
TEMPLATES = {
    "row": Query(
        """query($id: BigInt!) {
          book: bookshopBook(%(key)s: $id) { id: %(key)s title price publisher { name } }
        }"""
    ),
    "flat": Query(
        """query($n: Int!) {
          books: bookshopBooksList(first: $n, orderBy: [%(KEY)s_ASC]) { id: %(key)s title price inPrint }
        }"""
    ),
    "tree": Query(
        """query($n: Int!) {
          publishers: bookshopPublishersList(first: $n, orderBy: [%(KEY)s_DESC]) {
            id: %(key)s name
            books: bookshopBooksByPublisherIdList(orderBy: [%(KEY)s_ASC]) {
              id: %(key)s title
              reviews: bookshopReviewsByBookIdList(orderBy: [%(KEY)s_ASC]) { stars headline }
            }
          }
        }"""
    ),
    "filtered": Query(
        """query($price: BigFloat!, $category: String!, $n: Int!) {
          books: bookshopBooksList(
            filter: {price: {greaterThanOrEqualTo: $price}, category: {name: {equalTo: $category}}}
            orderBy: [%(KEY)s_ASC] first: $n
          ) {
            id: %(key)s title publisher { name }
            authors: bookshopBookAuthorsByBookIdList(orderBy: [AUTHOR_ID_ASC]) { author { name } }
          }
        }""",
        common=_filtered,
    ),
    "view": Query(
        """query($n: Int!) { bookCards: vBookCardsList(first: $n, orderBy: [%(KEY)s_DESC]) { price data } }""",
        common=_cards,
    ),
    "mutation": Query(
        """mutation($id: BigInt!, $title: String!) {
          renameBook: updateBookshopBook(input: {%(key)s: $id, patch: {title: $title}}) {
            book: bookshopBook {
              id: %(key)s title price publisher { name }
              authors: bookshopBookAuthorsByBookIdList(orderBy: [AUTHOR_ID_ASC]) { author { name } }
            }
          }
        }""",
        common=_renamed_book,
    ),
}


def queries(name: str) -> dict[str, Query]:
    """Return the queries: a primary key is called `id` in version 4, and `rowId` in version 5."""
    names = {"key": "id", "KEY": "ID"} if name == "postgraphile4" else {"key": "rowId", "KEY": "ROW_ID"}
    return {shape: replace(query, text=query.text % names) for shape, query in TEMPLATES.items()}
