"""The audits of the GraphQL-over-HTTP specification, as the npm package graphql-http has them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.support import do_without

AUDIT = Path(__file__).with_name("audit.mjs")
# kept from one run to the next; git ignores it
FOLDER = AUDIT.parent.parent.parent / ".local" / "npm"
PACKAGES = ("graphql-http@1.23.1", "graphql@16.15.0")


@pytest.fixture(scope="module")
def graphql_http() -> Path:
    """Return a folder in which graphql-http is installed; without node, or without a way to get it, skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        do_without("node and npm are not installed")
    wanted = FOLDER / "_".join(PACKAGES)
    if not (wanted / "node_modules" / "graphql-http").is_dir():
        wanted.mkdir(parents=True, exist_ok=True)
        (wanted / "package.json").write_text("{}")
        installation = _run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(wanted), *PACKAGES)
        if installation.returncode != 0:
            do_without(f"npm could not install {' and '.join(PACKAGES)}: {installation.stderr.strip()[-500:]}")
    return wanted


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.usefixtures("transactional_db")
def test_all_audits_pass(graphql_http: Path, live_server: LiveServer) -> None:
    """Errors, warnings and notices alike: none is left."""
    audit = _run("node", str(AUDIT), str(graphql_http), f"{live_server.url}/graphql/")
    assert audit.returncode == 0, audit.stderr
    results = json.loads(audit.stdout)

    assert len(results) > 50
    assert [result for result in results if result["status"] != "ok"] == []
