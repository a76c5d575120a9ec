from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gql import Client, FileVar, GraphQLRequest, gql
from gql.transport.requests import RequestsHTTPTransport

BOOKS = gql("""
    query Books($after: String) {
      booksConnection(first: 50, after: $after, orderBy: {title: ASC}) {
        nodes { id title }
        pageInfo { hasNextPage endCursor }
      }
    }
""")
SET_COVER = gql("""
    mutation SetCover($id: ID!, $file: Upload!) {
      setCover(id: $id, file: $file) { cover { name size } }
    }
""")


def connect(url: str, token: str | None = None) -> Client:
    # for forms with files
    headers = {"GraphQL-Require-Preflight": "1"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    transport = RequestsHTTPTransport(url, headers=headers)
    # the client validates operations by the schema before it sends them
    return Client(transport=transport, fetch_schema_from_transport=True)


def all_books(client: Client) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = client.execute(GraphQLRequest(BOOKS, variable_values={"after": after}))["booksConnection"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def set_cover(client: Client, book: str, path: Path) -> dict[str, Any]:
    request = GraphQLRequest(SET_COVER, variable_values={"id": book, "file": FileVar(str(path))})
    return client.execute(request, upload_files=True)["setCover"]["cover"]
