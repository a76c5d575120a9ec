"""Clients that others have written, against the served demo: each runs what docs/clients.md shows of it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from psycopg import sql
from psycopg.conninfo import make_conninfo

from example_project.settings import BASE_DIR
from fraiseql_django.documents.trusted import read
from tests.npm import installed_by, locked, run
from tests.processes import run_manage
from tests.settings import OWNER, WORKER
from tests.support import do_without

HERE = Path(__file__).parent
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.clients.settings"}
# as browser.mjs has it
USER, PASSWORD = "reader1", "a password"


@dataclass
class Shop:
    """The demo, served by a process of its own over a database of its own."""

    url: str
    data: Path
    log: Path

    def environment(self, settings: str = "") -> dict[str, str]:
        """Return what clients are told: where the shop is, and under which settings it serves their page."""
        own = {"SHOP_URL": self.url, "GRAPHQL_URL": f"{self.url}graphql/", "SHOP_SETTINGS": settings}
        return {**os.environ, **own}


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Make an empty database on the tests' server; return its URL."""
    settings, name = connection.settings_dict, f"fraiseql_clients_{OWNER}{WORKER}"
    parts = {part: settings[part.upper()] for part in ("user", "password", "host", "port")}
    administered = make_conninfo(dbname=settings["NAME"], **{part: value for part, value in parts.items() if value})
    with psycopg.connect(administered, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            user, password = quote(parts.pop("user")), quote(parts.pop("password"))
            where = urlencode({part: value for part, value in parts.items() if value})
            yield f"postgresql://{user}:{password}@/{name}?{where}"
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Serve the demo; at the end, nothing in its log may be a fault of the server."""
    data = tmp_path_factory.mktemp("shop")
    log = data / "log"
    environment = {**os.environ, **SETTINGS, "DATABASE_URL": database, "EXAMPLE_DATA_DIR": str(data)}
    environment.pop("REDIS_URL", None)
    command = [sys.executable, str(BASE_DIR / "manage.py"), "demo", "--port", "0", "--scale", "0.01"]
    with log.open("w") as errors, subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            served = next((line for line in process.stdout if line.startswith("Serving on ")), None)
            assert served, log.read_text()
            with psycopg.connect(database) as writer:
                change = "UPDATE auth_user SET password = %s WHERE username = %s"
                assert writer.execute(change, [make_password(PASSWORD), USER]).rowcount == 1
            yield Shop(served.split()[2].removesuffix("graphql/"), data, log)
        finally:
            process.terminate()
            process.communicate()
    assert not re.findall(r"Traceback|Internal Server Error|Service Unavailable", log.read_text()), log.read_text()


def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the clients to where their tools may write."""
    folder = tmp_path_factory.mktemp("clients") / "work"
    return shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the clients in JavaScript, beside the packages that they import."""
    packages, folder = installed_by(HERE), copied(tmp_path_factory)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    return folder


def tool(work: Path, shop: Shop, *command: str, cwd: str = ".") -> None:
    """Run a program of node's, or of one of the packages, which must succeed."""
    program = work / "node_modules" / ".bin" / command[0]
    done = run(str(program) if program.exists() else command[0], *command[1:], cwd=work / cwd, env=shop.environment())
    assert done.returncode == 0, done.stdout + done.stderr


def check(work: Path, shop: Shop, test: str, *, settings: str = "", imports: tuple[str, ...] = ()) -> None:
    """Run a file of tests in node, with a page's globals."""
    loaded = [f"--import=./{name}" for name in (*imports, "browser.mjs")]
    # what the packages warn of while developing is among what is tested
    done = run("node", "--conditions=development", *loaded, test, cwd=work, env=shop.environment(settings))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^# skipped 0$", done.stdout, re.MULTILINE), done.stdout


def manage(shop: Shop, *command: str, **environment: str) -> None:
    """Run a command of the shop's project, which must succeed; those that are run here read nothing of the database."""
    done = run_manage(shop.data, *command, **SETTINGS, **environment)
    assert done.returncode == 0, done.stderr


def schema(shop: Shop, **environment: str) -> Path:
    """Write the schema for clients' tools, once for each environment."""
    path = shop.data / "-".join(environment) / "schema.graphql"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        manage(shop, "fraiseql_schema", "--out", str(path), **environment)
    return path


def trust(shop: Shop, manifest: Path, name: str, **environment: str) -> None:
    """Write the trusted documents of the shop from the manifest of a client's own tool: its texts and identifiers."""
    out = shop.data / name
    manage(shop, "fraiseql_trust", str(manifest), "--out", str(out), **environment)
    assert sorted(text for _, text in read(out)) == sorted(text for _, text in read(manifest))


def test_apollo(work: Path, shop: Shop) -> None:
    tool(work, shop, "node", "apollo/write-possible-types.mjs")
    tool(work, shop, "generate-persisted-query-manifest", cwd="apollo")
    trust(shop, work / "apollo" / "persisted-query-manifest.json", "apollo.json")
    operations, trusted = work / "apollo" / "operations.mjs", work / "apollo" / "fraiseql-trust.json"
    manage(shop, "fraiseql_trust", str(operations), "--out", str(trusted), "--format", "apollo", "--typename")
    shutil.copy(trusted, shop.data)

    check(work, shop, "apollo/test.mjs")


def test_urql(work: Path, shop: Shop) -> None:
    tool(work, shop, "node", "urql/write-schema.mjs")

    check(work, shop, "urql/test.mjs")


@pytest.mark.parametrize(
    ("configuration", "settings"), [("relay.config.json", "node"), ("relay.persisted.config.json", "relay")]
)
def test_relay(work: Path, shop: Shop, configuration: str, settings: str) -> None:
    shutil.copy(schema(shop, CLIENTS_NODE="1"), work / "relay" / "schema.graphql")
    # the compiler adds to it
    (work / "relay" / "persisted.json").write_text("{}")
    tool(work, shop, "relay-compiler", configuration, cwd="relay")
    if settings == "relay":
        trust(shop, work / "relay" / "persisted.json", "relay.json", CLIENTS_NODE="1")

    check(work, shop, "relay/src/test.jsx", settings=settings, imports=("relay/babel.mjs",))


def test_graphql_codegen(work: Path, shop: Shop) -> None:
    """What it writes compiles, and runs."""
    tool(work, shop, "node", "apollo/write-possible-types.mjs")
    tool(work, shop, "graphql-codegen", "--config", "codegen.ts", cwd="codegen")
    tool(work, shop, "tsc", "--project", ".", cwd="codegen")
    trust(shop, work / "codegen" / "src" / "gql" / "persisted-documents.json", "codegen.json")

    check(work, shop, "codegen/build/test.js", settings="codegen")


def test_graphql_js(work: Path, shop: Shop) -> None:
    shutil.copy(schema(shop), work)

    check(work, shop, "graphql/test.mjs")


# --- Python ---


def python_of(name: str) -> Path:
    """Return the Python of an environment with what a client needs: no two of them agree on a graphql-core."""
    requirements = (HERE / name / "requirements.txt").read_text()
    digest = hashlib.sha256(f"{sys.version} {requirements}".encode()).hexdigest()[:16]
    environment = BASE_DIR / ".local" / "python" / f"{name}-{digest}"
    python, done = environment / "bin" / "python", environment / "done"
    with locked(environment):
        if not done.exists():
            made = run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment))
            assert made.returncode == 0, made.stderr
            pip = (sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check")
            installation = run(*pip, "install", "--quiet", "--requirement", str(HERE / name / "requirements.txt"))
            if installation.returncode != 0:
                do_without(f"pip could not install {requirements}: {installation.stderr.strip()[-500:]}")
            done.touch()
    return python


def check_python(python: Path, folder: Path, shop: Shop) -> None:
    """Run a client's tests in its environment."""
    # without the options, and the settings of Django, of the tests that run this one
    alone = {name: value for name, value in shop.environment().items() if not name.startswith(("PYTEST", "DJANGO"))}
    command = (str(python), "-m", "pytest", "-q", "-W", "error", "--rootdir=.", "--config-file=/dev/null", "checks.py")
    done = run(*command, cwd=folder, env=alone)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_gql(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_python(python_of("gql"), copied(tmp_path_factory) / "gql", shop)


def test_ariadne_codegen(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What it writes has types that mypy accepts, and runs."""
    python, folder = python_of("ariadne"), copied(tmp_path_factory) / "ariadne"
    shutil.copy(schema(shop), folder)
    written = run(str(python.with_name("ariadne-codegen")), cwd=folder)
    assert written.returncode == 0, written.stdout + written.stderr

    check_python(python, folder, shop)
    mypy = run(
        sys.executable, "-m", "mypy", f"--python-executable={python}", f"--cache-dir={python.parents[1]}/mypy",
        "shop.py", cwd=folder,
    )  # fmt: skip
    assert mypy.returncode == 0, mypy.stdout
