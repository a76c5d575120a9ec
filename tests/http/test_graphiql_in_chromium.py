"""GraphiQL as people use it: the demo's site in Chromium, with the files of the wheel and no other host.

The site has django-debug-toolbar and a strict Content Security Policy.
"""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_project.settings import BASE_DIR
from tests.npm import installed, run
from tests.processes import end, start_manage
from tests.support import do_without

SOURCE = BASE_DIR / "graphiql"
SCRIPT = Path(__file__).with_name("graphiql.mjs")
PLAYWRIGHT = "playwright-core@1.65.1"


@pytest.fixture(scope="module")
def files() -> Path:
    """Return a folder with the package of GraphiQL's files, from its wheel; it is built once for each source."""
    if not (shutil.which("node") and shutil.which("npm")):
        do_without("node and npm are not installed")
    names = [
        *("build.mjs", "hatch_build.py", "package-lock.json", "package.json", "pyproject.toml"),
        *(
            str(path.relative_to(SOURCE))
            for folder in ("fraiseql_django_graphiql", "src")
            for path in (SOURCE / folder).glob("*.*")
        ),
    ]
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in sorted(names))).hexdigest()[:16]
    folder = BASE_DIR / ".local" / "graphiql" / digest
    if not (folder / "fraiseql_django_graphiql").is_dir():
        wheels = folder / "wheel"
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(SOURCE)]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            do_without(f"the wheel of GraphiQL's files could not be built: {done.stderr.strip()[-1000:]}")
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def site(files: Path) -> Iterator[str]:
    """Serve the demo's site, and return its URL."""
    # not in pytest's folders, which the account of the database server may not enter
    data = Path(tempfile.mkdtemp(prefix="demo-"))
    environment = {"DJANGO_SETTINGS_MODULE": "tests.http.toolbar_site", "PYTHONPATH": f"{files}:{BASE_DIR}"}
    process = start_manage(data, "demo", "--port", "0", "--scale", "0.01", **environment)
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("Serving on ")), None)
        assert line is not None, process.communicate()
        yield line.split()[2].removesuffix("/graphql/")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        end(process)
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def seen(site: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what is seen in the pages."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        do_without("chromium is not installed")
    folder = installed(PLAYWRIGHT)
    screenshots = tmp_path_factory.mktemp("screenshots")
    done = run("node", str(SCRIPT), str(folder), program, site, str(screenshots))
    assert done.returncode == 0, f"{done.stderr}\n{screenshots}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_request_leaves_the_site(seen: dict[str, Any], site: str) -> None:
    assert {name: page["hosts"] for name, page in seen.items()} == {name: [site] for name in seen}


def test_console_has_no_errors_but_those_of_refused_requests(seen: dict[str, Any]) -> None:
    failed = "Failed to load resource: the server responded with a status of"

    assert {name: page["errors"] for name, page in seen.items()} == {
        "first": [f"{failed} 400 (Bad Request)"],
        "link": [],
        "missing": ["Failed to load resource: net::ERR_FAILED"],
        "refused": [f"{failed} 403 (Forbidden)"],
        "start": [],
    }


def test_page_opens_with_the_first_example_and_its_variables(seen: dict[str, Any]) -> None:
    first = seen["first"]

    assert first["query"].startswith("# Books of a category, with authors and reviews\nquery Shelf(")
    assert json.loads(first["variables"]) == {"shelf": "fiction-crime", "books": 3}
    assert json.loads(first["headers"]) == {"X-Team": "books"}
    assert "One book, by a unique key" in first["examples"]
    assert first["links"][0] == ["What to try", seen["first"]["hosts"][0] + "/"]


def test_operation_is_run_and_its_answer_shown(seen: dict[str, Any]) -> None:
    assert '"books": [' in seen["first"]["answer"]
    assert '"errors"' not in seen["first"]["answer"]


def test_example_opens_in_a_tab(seen: dict[str, Any]) -> None:
    assert seen["first"]["tabs"] == ["Shelf", "<untitled>"]
    assert '"booksCount": 200' in seen["first"]["counts"]


def test_completion_knows_the_schema(seen: dict[str, Any]) -> None:
    assert {"book", "books", "booksConnection", "booksCount"} <= set(seen["first"]["completions"])


def test_error_is_shown(seen: dict[str, Any]) -> None:
    assert "GRAPHQL_VALIDATION_FAILED" in seen["first"]["error"]


def test_documentation_and_explorer_show_the_schema(seen: dict[str, Any]) -> None:
    assert "authors(" in seen["first"]["documentation"]
    assert "booksGroups" in seen["first"]["explorer"]


def test_debug_toolbar_shows_the_request_and_its_one_statement(seen: dict[str, Any]) -> None:
    assert "POST" in seen["first"]["history"].split("\n/graphql/")[0]
    assert "SQL\n1 query in " in seen["first"]["toolbar"]


def test_phone_has_room_for_the_editor_and_the_answer_below_it(seen: dict[str, Any]) -> None:
    assert seen["first"]["examplesOnPhone"] == 0
    assert seen["first"]["answerIsBelow"]


def test_url_opens_an_operation_with_its_variables_in_a_further_tab(seen: dict[str, Any]) -> None:
    assert seen["link"]["tabs"] == ["Shelf", "<untitled>", "Named"]
    assert seen["link"]["answer"].count("isbn") == 1
    # also in a browser that has been here, as it keeps no headers
    assert json.loads(seen["link"]["headers"]) == {"X-Team": "books"}


def test_refused_user_signs_in_and_gets_the_operations_of_the_other_schema(seen: dict[str, Any]) -> None:
    assert "Introspection requires a user who is signed in." in seen["refused"]["text"]
    # not those that the browser keeps of /graphql/
    assert seen["refused"]["tabs"] == ["MyOrders"]
    assert '"errors"' not in seen["refused"]["answer"]


def test_page_whose_files_cannot_be_loaded_says_what_to_do(seen: dict[str, Any]) -> None:
    text = seen["missing"]["text"]

    assert "The browser says: Failed to fetch dynamically imported module: http" in text
    assert "pip install --force-reinstall --no-deps fraiseql_django_graphiql" in text


def test_page_to_begin_at_refuses_a_price_and_takes_a_cover(seen: dict[str, Any]) -> None:
    assert '"code": "FORBIDDEN"' in seen["start"]["refused"]
    # the width of the picture, as the browser has read it from MEDIA_URL
    assert seen["start"]["cover"] == 1
