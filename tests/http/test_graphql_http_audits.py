"""The audits of the GraphQL-over-HTTP specification, as the npm package graphql-http has them."""

import json
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.npm import installed, run

AUDIT = Path(__file__).with_name("audit.mjs")
PACKAGES = ("graphql-http@1.23.1", "graphql@16.15.0")


@pytest.fixture(scope="module")
def graphql_http() -> Path:
    """Return a folder in which graphql-http is installed."""
    return installed(*PACKAGES)


@pytest.mark.usefixtures("transactional_db")
def test_all_audits_pass(graphql_http: Path, live_server: LiveServer) -> None:
    """Errors, warnings and notices alike: none is left."""
    audit = run("node", str(AUDIT), str(graphql_http), f"{live_server.url}/graphql/")
    assert audit.returncode == 0, audit.stderr
    results = json.loads(audit.stdout)

    assert len(results) > 50
    assert [result for result in results if result["status"] != "ok"] == []
