"""Every example of the documentation is executed: here, by a test that ``ELSEWHERE`` names, or the page says why not.

A block that cannot be executed has its reason in front of it, which readers of the source see:

    <!-- not executed: the package is not a dependency of the tests -->

A reason that is not needed any more fails.
"""

import fnmatch
import gc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.dispatch import Signal

from example_project.bookshop.models import Book
from example_project.settings import BASE_DIR
from tests.docs.blocks import PAGES, Block, NotExecutable, Project, blocks, name_of, project, undone
from tests.menagerie import models as menagerie

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("populated")]

# by the pattern of a page, and languages (None: all): the file that reads the page for a test that executes its blocks
ELSEWHERE: tuple[tuple[str, set[str] | None, str], ...] = (
    ("abstract-types.md", {"graphql"}, "tests/test_docs.py"),
    ("architecture.md", {"sql"}, "tests/test_docs.py"),
    ("async.md", {"python"}, "tests/execution/test_async.py"),
    ("audit.md", {"python"}, "tests/test_audit.py"),
    ("authentication.md", {"console"}, "tests/http/test_authentication.py"),
    ("bookshop.md", {"sql"}, "tests/example_project/test_bookshop.py"),
    ("clients.md", None, "tests/clients/test_page.py"),
    ("coming-from/*.md", None, "tests/peers/guides.py"),
    ("connections.md", {"graphql"}, "tests/test_docs.py"),
    ("deployment.md", {"console", "yaml"}, "tests/deployment/test_files.py"),
    ("growing.md", {"ini"}, "tests/servers.py"),
    ("model-mutations.md", {"graphql"}, "tests/mutations/models/test_model_mutations.py"),
    ("reference/http.md", {"http", "console"}, "tests/http/test_http_reference.py"),
    ("schema.md", {"graphql"}, "tests/test_docs.py"),
    ("schemas.md", {"python"}, "tests/test_docs.py"),
    ("how-to/*.md", None, "tests/docs/test_guides.py"),
    ("testing.md", {"python"}, "tests/test_tests_of_projects.py"),
    ("tutorial.md", None, "scripts/tutorial.py"),
)
# what is shown, not run
SHOWN = {"text", ""}
# names that a page takes for granted besides those of ``names_of_a_project``
NAMES: dict[str, dict[str, Any]] = {
    "abstract-types.md": {name: value for name, value in vars(menagerie).items() if isinstance(value, type)},
    "cache-policy.md": {"Offer": Book},
    "caching.md": {"load_books_by_another_program": lambda: None},
    "caching-under-load.md": {"Product": Book},
    "permissions.md": {"Document": Book},
}


def elsewhere(block: Block) -> bool:
    """Whether a test of its own executes a block."""
    return any(
        fnmatch.fnmatch(block.page, pattern) and (languages is None or block.language in languages)
        for pattern, languages, _ in ELSEWHERE
    )


@pytest.fixture(autouse=True)
def receivers_of_tests() -> Iterator[None]:
    """Disconnect the receivers that a page connects."""
    signals = {item: list(item.receivers) for item in gc.get_objects() if issubclass(type(item), Signal)}
    yield
    for signal, receivers in signals.items():
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def execute(block: Block, of: Project) -> None:
    """Execute a block; raise an error that names it if it fails, or if nothing can execute it."""
    run = {
        "python": of.python,
        "graphql": of.graphql,
        "json": of.json,
        "sql": of.sql,
        "console": of.console,
        "shell": of.console,
    }.get(block.language)
    if run is None:
        raise NotExecutable(f"nothing executes {block.language!r}")
    with undone():
        run(block.text)


def wrong_blocks(page: Path) -> list[str]:
    """Execute the blocks of a page; list those that fail, with the reasons."""
    wrong = []
    with ExitStack() as stack:
        of: Project | None = None
        for block in blocks(page):
            if block.language in SHOWN or elsewhere(block):
                continue
            of = of or stack.enter_context(project(NAMES.get(block.page, {})))
            try:
                execute(block, of)
            except Exception as error:
                if block.reason is None:
                    wrong.append(f"{block}: {type(error).__name__}: {error}")
            else:
                if block.reason is not None:
                    wrong.append(f"{block}: it is executed, though it is marked: {block.reason}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_of_a_page_are_executed(page: Path) -> None:
    wrong = wrong_blocks(page)

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("```python\nBook.objects.frist()\n```", "has no attribute 'frist'"),
        ('```python\nFRAISEQL = {"LIMIT": {}}\n```', "unknown key 'LIMIT'"),
        ("```graphql\n{ books { titel } }\n```", "Cannot query field 'titel'"),
        ("```graphql\ntype Book {\n```", "Syntax Error"),
        ('```json\n{"data": …}\n```', "JSONDecodeError"),
        ("```sql\nSELECT titel FROM shop_book\n```", 'column "titel" does not exist'),
        ("```console\n$ python manage.py fraiseql_wtach\n```", "there is no command fraiseql_wtach"),
        ("```console\n$ python manage.py fraiseql_health --jsno\n```", "unrecognized arguments: --jsno"),
        ("```console\nmake demmo\n```", "the Makefile has no demmo"),
        ("```console\npip install 'fraiseql_django[redsi]'\n```", "the package has no extras redsi"),
        ("```console\nrm -rf shop\n```", "nothing executes 'rm'"),
        ("```rust\nfn main() {}\n```", "nothing executes 'rust'"),
        ("<!-- not executed: no reason any more -->\n```json\n{}\n```", "it is executed, though it is marked"),
    ],
)
def test_block_that_is_wrong_or_that_nothing_executes_fails(tmp_path: Path, block: str, reason: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{block}\n", encoding="utf-8")

    (wrong,) = wrong_blocks(page)

    assert wrong.startswith("page.md:")
    assert reason in wrong


def test_block_with_a_reason_is_left_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not executed: a program of others -->\n```console\nterraform apply\n```\n")

    assert wrong_blocks(page) == []


@pytest.mark.parametrize(("pattern", "languages", "test"), ELSEWHERE)
def test_blocks_that_are_executed_elsewhere_are_read_there(pattern: str, languages: set[str] | None, test: str) -> None:
    matching = [page for page in PAGES if fnmatch.fnmatch(name_of(page), pattern)]
    found = {block.language for page in matching for block in blocks(page)}

    assert found >= (languages or set())
    assert found
    # the name of the page, or of the folder of all
    name = Path(pattern).parent.name if "*" in pattern else Path(pattern).name
    assert name in (BASE_DIR / test).read_text(encoding="utf-8")
