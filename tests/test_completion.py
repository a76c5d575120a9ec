"""What an editor offers while one writes declarations and mutations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.check_types import PYRIGHT, ROOT
from tests.language_server import LanguageServer
from tests.npm import installed

DOCUMENT = ROOT / "tests" / "typed" / "not_saved.py"
IMPORTS = """
from django.contrib.auth.models import User
import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from tests.typed.operations import NotReviewed, Reviewed, ReviewInput
"""

CASES = {
    "names of the package": ("fraiseql.|", {"type", "auto", "field", "mutation", "ID", "Info", "UNSET"}),
    "members of info": (
        "def rename(info: fraiseql.Info) -> None:\n    info.|",
        {"request", "viewer", "user", "context", "database", "field_name", "visible", "answer"},
    ),
    "the project's user": ("def rename(info: fraiseql.Info[User]) -> None:\n    info.user.|", {"username", "has_perm"}),
    "members of the viewer": (
        "def rename(info: fraiseql.Info) -> None:\n    info.viewer.|",
        {"id", "is_authenticated", "is_staff", "has_perm", "has_role", "value"},
    ),
    "visible rows": ("def rename(info: fraiseql.Info) -> None:\n    info.visible(Book).get(pk=1).|", {"title", "isbn"}),
    "the viewer of a rule": ("fraiseql.type(Book, rows=lambda viewer: viewer.|)", {"id", "is_staff", "has_perm"}),
    "arguments of field": (
        "fraiseql.field(|)",
        {"requires=", "function=", "arguments=", "description=", "permission=", "mask=", "cost=", "cache="},
    ),
    "arguments of type": ("fraiseql.type(Book, |)", {"fields=", "exclude=", "queries=", "rows=", "permission="}),
    "root fields of a type": ('fraiseql.type(Book, queries=["|"])', {'"single"', '"plural"', '"connection"'}),
    "fields of an input's constructor": ("ReviewInput(|)", {"book_id=", "stars=", "headline=", "text=", "tags="}),
    "fields of an error's constructor": ("NotReviewed(|)", {"message=", "code=", "status=", "errors=", "missing="}),
    "fields of an input": (
        "def add(info: fraiseql.Info, input: ReviewInput) -> None:\n    input.|",
        {"book_id", "stars", "headline", "text", "tags"},
    ),
    "fields of a success type": ("def note(done: Reviewed) -> None:\n    done.|", {"review", "points", "books"}),
    "columns of a model in a success type": ("def note(done: Reviewed) -> None:\n    done.review.|", {"headline"}),
    "fields of a type under a function": (
        "@fraiseql.type(Book)\nclass BookType:\n    title: str\n\n    @fraiseql.field(requires=['title'])\n"
        "    def shout(self) -> str:\n        return self.|",
        {"title"},
    ),
    "what a typed field has": (
        "@fraiseql.type(Book)\nclass BookType:\n    title: str\n\n    @fraiseql.field(requires=['title'])\n"
        "    def shout(self) -> str:\n        return self.title.|",
        {"upper"},
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    program = installed(PYRIGHT) / "node_modules" / "pyright" / "langserver.index.js"
    with LanguageServer(program, Path(ROOT)) as server:
        yield server


@pytest.mark.parametrize("case", CASES)
def test_completion_knows(server: LanguageServer, case: str) -> None:
    text, expected = CASES[case]

    offered = server.completions(DOCUMENT, f"{IMPORTS}\n{text}\n")

    assert expected - offered == set()
