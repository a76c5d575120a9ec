"""The tutorial is followed from an empty folder, word by word; and a page that is wrong is found out."""

import os
import re
import shutil
from pathlib import Path

import psycopg
import pytest

from scripts import tutorial
from scripts.pages import PageError, added, agrees, matches
from tests.settings import DATABASES, POSTGRES, REDIS_URL
from tests.support import do_without


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages use the tests' servers, and a database of Redis that no worker has."""
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            do_without(f"the tutorial needs {program}")
    if DATABASES["default"]["HOST"] == str(POSTGRES.socket_folder):
        monkeypatch.setenv("DATABASE_URL", POSTGRES.url)
    monkeypatch.setenv("REDIS_URL", re.sub(r"(/|db=)\d+$", r"\g<1>15", REDIS_URL))


def test_tutorial_is_what_happens(tmp_path: Path) -> None:
    tutorial.follow(tutorial.PAGE, tmp_path)


PAGE = """
# shop

```console
$ export WORD=two && mkdir sub && cd sub
$ printf 'one\\n%s\\n3 ms\\n' $WORD \\
    && echo four
one
two
… ms
four
```

```python
# made.py
import sys

print("made with", *sys.argv[1:])
```

```console
$ python3 made.py "two
words"
made with two
words
$ createdb fraiseql_page
```

```sql
CREATE TABLE made AS SELECT 1 + 1 AS two;
```

```console
$ psql -tAc 'SELECT two FROM made' fraiseql_page
2
```
"""


def follow(folder: Path, text: str) -> None:
    page = folder / "page.md"
    page.write_text(text)
    (folder / "empty").mkdir()
    tutorial.follow(page, folder / "empty")


def test_page_that_is_right(tmp_path: Path) -> None:
    follow(tmp_path, PAGE)

    assert (tmp_path / "empty" / "sub" / "made.py").exists()
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = 'fraiseql_page'")
        assert found.rowcount == 0


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("\ntwo\n…", "\ntoo\n…", "page.md, line 6: `printf .*prints\none\ntwo\n3 ms\nfour"),
        ("\nfour\n", "\n", "line 6"),
        ("made with two", "made of two", "page.md, line 22: "),
        ("cd sub", "cd where", "page.md, line 5: .*No such file"),
        ("1 + 1", "1 + ", "page.md, line 29: .*syntax error"),
    ],
)
def test_page_that_is_wrong(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in PAGE
    with pytest.raises(PageError, match=re.compile(message, re.DOTALL)):
        follow(tmp_path, PAGE.replace(right, wrong))


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n…\nd\n", "a\nb\n", False),
        ("took … ms, …", "took 3 ms, (all) of it", True),
        ("took … ms", "took 3\n ms", False),
        ("a.c", "abc", False),
        ("a", "a   \n\n", True),
        ("", "a", False),
    ],
)
def test_what_is_printed_matches(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) is same


@pytest.mark.parametrize(
    ("expected", "answer", "same"),
    [
        ({"a": [1, "…"]}, {"a": [1, {"b": 2}]}, True),
        ({"a": "x … z"}, {"a": "x y z"}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
        ({"a": None}, {"a": None}, True),
    ],
)
def test_answers_agree(expected: object, answer: object, same: bool) -> None:
    assert agrees(expected, answer) is same


def test_what_a_page_adds_to_a_module() -> None:
    source = "import os\n\nfrom .models import Book\n\nA = 1\n\n\n@mark\nclass Old:\n    pass\n\n\nB = A\n"
    addition = (
        "from .models import Author\nimport re\n\n# why\nNEW = 2\n\n\n@mark\nclass Old:\n    new = NEW\n\n\nB += 1\n"
    )

    assert added(source, addition) == (
        "import os\n\nfrom .models import Author, Book\nimport re\n\nA = 1\n\n\n"
        "# why\nNEW = 2\n\n\n@mark\nclass Old:\n    new = NEW\n\n\nB = A\n\n\nB += 1\n"
    )


def test_files_of_the_project_are_written(tmp_path: Path) -> None:
    tutorial.write_project(tutorial.PAGE, tmp_path / "shop")

    written = (tmp_path / "shop" / "shop" / "graphql.py").read_text()
    assert written.count("class BookType") == 1
    assert (tmp_path / "shop" / "config" / "wsgi.py").exists()
    settings = (tmp_path / "shop" / "config" / "settings.py").read_text()
    assert settings.count("DATABASES = ") == 1
    assert "sqlite" not in settings
