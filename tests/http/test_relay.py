"""Relay's own compiler takes the schema, and the operations that it makes of fragments page and refetch."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.npm import installed, run
from tests.support import make_shop

PACKAGES = ("relay-compiler@18.2.0",)
APP = """
import {graphql} from 'relay-runtime';

graphql`query AppQuery { ...App_books }`;
graphql`
  fragment App_books on Query
  @argumentDefinitions(count: {type: "Int", defaultValue: 2}, cursor: {type: "String"})
  @refetchable(queryName: "AppBooksQuery") {
    booksConnection(first: $count, after: $cursor, orderBy: {price: DESC}) @connection(key: "App_booksConnection") {
      totalCount
      edges { node { title ...App_book ...App_reviews } }
    }
  }
`;
graphql`fragment App_book on Book @refetchable(queryName: "AppBookQuery") { title price }`;
graphql`
  fragment App_reviews on Book
  @argumentDefinitions(count: {type: "Int", defaultValue: 1}, cursor: {type: "String"})
  @refetchable(queryName: "AppReviewsQuery") {
    reviewsConnection(last: $count, before: $cursor) @connection(key: "App_reviewsConnection") {
      edges { node { stars } }
    }
  }
`;
"""


@pytest.fixture(scope="module")
def compiler() -> Path:
    """Return a folder in which Relay's compiler is installed."""
    return installed(*PACKAGES)


def compiled(folder: Path, compiler: Path) -> dict[str, str]:
    """Return the texts of the operations that Relay makes of the fragments, by name."""
    (folder / "src").mkdir()
    (folder / "src" / "App.js").write_text(APP)
    call_command("fraiseql_schema", out=str(folder / "schema.graphql"), verbosity=0)
    settings = {"src": "./src", "schema": "./schema.graphql", "language": "javascript"}
    (folder / "relay.config.json").write_text(json.dumps(settings))
    done = run(str(compiler / "node_modules" / ".bin" / "relay-compiler"), "relay.config.json", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = {}
    for file in (folder / "src" / "__generated__").glob("*.graphql.js"):
        text = re.search(r'^ *"text": (".*")$', file.read_text(), re.MULTILINE)
        if text is not None:
            found[file.name.removesuffix(".graphql.js")] = json.loads(text.group(1))
    return found


@pytest.mark.django_db
def test_relay_pages_and_refetches(tmp_path: Path, compiler: Path, settings: Any, client: Client) -> None:
    make_shop()
    settings.FRAISEQL = {**settings.FRAISEQL, "NODE": True}
    operations = compiled(tmp_path, compiler)
    assert set(operations) == {"AppQuery", "AppBooksQuery", "AppBookQuery", "AppReviewsQuery"}

    def send(name: str, **variables: Any) -> Any:
        body = json.dumps({"query": operations[name], "variables": variables})
        answer = client.post("/graphql/", body, content_type="application/json").json()
        assert "errors" not in answer, answer
        return answer["data"]

    first = send("AppQuery")["booksConnection"]
    titles = [edge["node"]["title"] for edge in first["edges"]]
    second = send("AppBooksQuery", count=2, cursor=first["pageInfo"]["endCursor"])["booksConnection"]
    assert titles + [edge["node"]["title"] for edge in second["edges"]] == ["City", "Planet", "Rocannon"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)

    (edge,) = second["edges"]
    book = edge["node"]
    assert send("AppBookQuery", id=book["id"])["node"]["title"] == "Rocannon"
    reviews = book["reviewsConnection"]
    assert reviews["pageInfo"]["hasPreviousPage"] is True
    before = send("AppReviewsQuery", id=book["id"], count=1, cursor=reviews["pageInfo"]["startCursor"])["node"]
    stars = [edge["node"]["stars"] for edge in (*before["reviewsConnection"]["edges"], *reviews["edges"])]
    assert sorted(stars) == [3, 5]
    assert before["reviewsConnection"]["pageInfo"]["hasPreviousPage"] is False
