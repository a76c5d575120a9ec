"""From .sql files to migrations: what the command writes, what the check says, what migrate then does."""

import inspect
import re
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import Warning, run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

import fraiseql_django.operations
from fraiseql_django.sql.files import operations

BOOKS = "CREATE VIEW v_book AS\nSELECT id, title FROM bookshop_book;\n"
CARDS = "CREATE OR REPLACE VIEW v_author_card AS SELECT id, upper(title) AS title FROM v_book;\n"
TOTAL = """CREATE FUNCTION fn_total() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM v_book);  -- all; 100%
END
$$;
"""


class App:
    """An app in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.sql = folder / name / "sql"
        self.migrations = folder / name / "migrations"
        self.sql.mkdir(parents=True)
        (folder / name / "__init__.py").touch()

    def write(self, **files: str | None) -> None:
        """Write files, and remove those that are None."""
        for name, text in files.items():
            path = self.sql / f"{name}.sql"
            if text is None:
                path.unlink()
            else:
                path.write_text(text)

    def written(self) -> list[str]:
        return sorted(path.stem for path in self.migrations.glob("0*.py"))

    def forget(self) -> None:
        """Let Python import the migrations anew."""
        for name in [name for name in sys.modules if name.startswith(self.name)]:
            del sys.modules[name]


@pytest.fixture
def app(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Install an app without models, called sqlshop."""
    yield from install(tmp_path, settings, monkeypatch, "sqlshop")


@pytest.fixture
def other(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """Install another one, called asales, which comes before sqlshop."""
    yield from install(tmp_path, settings, monkeypatch, "asales")


def install(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[App]:
    made = App(tmp_path, name)
    if str(tmp_path) not in sys.path:
        monkeypatch.syspath_prepend(tmp_path)
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, name]
    yield made
    made.forget()


def run(app: App, *arguments: str, command: str = "fraiseql_makemigrations") -> str:
    """Run a command as a new process would and return what it says."""
    app.forget()
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def migrate(app: App, target: str | None) -> None:
    app.forget()
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes(app.name) if target is None else [(app.name, target)]
    executor.migrate([(app.name, None)] if target == "zero" else targets)


def latest(app_label: str) -> str:
    ((_, name),) = MigrationLoader(None).graph.leaf_nodes(app_label)
    return name


def definition(view: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_viewdef(to_regclass(%s))", [f"public.{view}"])
        (found,) = cursor.fetchone()
    # before version 16 PostgreSQL writes the table before each column
    return " ".join(re.sub(r"\b\w+\.", "", found).split()) if found else None


def shown(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Return what the operations between two states of the files do."""
    return [
        f"{item.describe()}{' again' if getattr(item, 'sql', None) in old.values() else ''}"
        for item in operations(old, new)
    ]


# --- the command ---

FIRST = """\
import fraiseql_django.operations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('bookshop', '{latest}'),
    ]

    operations = [
        fraiseql_django.operations.CreateView(
            name='v_book',
            sql=(
                'CREATE VIEW v_book AS\\n'
                'SELECT id, title FROM bookshop_book;\\n'
            ),
            file='sql/v_book.sql',
        ),
    ]
"""


@pytest.mark.usefixtures("empty_schema")
def test_file_to_migration_to_change_to_reverse(app: App) -> None:
    app.write(v_book=BOOKS)
    assert run(app).splitlines()[-1] == "    + Create view v_book from sql/v_book.sql"
    assert app.written() == ["0001_initial"]
    header, _, text = (app.migrations / "0001_initial.py").read_text().partition("\n\n")
    assert header.startswith("# Generated by Django")
    assert text == FIRST.replace("{latest}", latest("bookshop"))
    migrate(app, None)
    assert definition("v_book") == "SELECT id, title FROM bookshop_book;"

    app.write(v_book=BOOKS.replace("title", "isbn"))
    assert run(app).splitlines()[-1] == "    ~ Replace view v_book from sql/v_book.sql"
    assert app.written() == ["0001_initial", "0002_replace_v_book"]
    migrate(app, None)
    assert definition("v_book") == "SELECT id, isbn FROM bookshop_book;"

    app.write(v_book=None)
    assert run(app).splitlines()[-1] == "    - Drop view v_book"
    migrate(app, None)
    assert definition("v_book") is None

    for target, found in [
        ("0002_replace_v_book", "SELECT id, isbn FROM bookshop_book;"),
        ("0001_initial", "SELECT id, title FROM bookshop_book;"),
        ("zero", None),
    ]:
        migrate(app, target)
        assert definition("v_book") == found


@pytest.mark.usefixtures("empty_schema")
def test_views_that_depend_on_each_other_change_together(app: App) -> None:
    app.write(v_book=BOOKS, a_card=CARDS, fn_total=TOTAL)
    assert run(app).splitlines()[2:] == [
        "    + Create view v_book from sql/v_book.sql",
        "    + Create view v_author_card from sql/a_card.sql",
        "    + Create function fn_total from sql/fn_total.sql",
    ]
    migrate(app, None)

    app.write(v_book=BOOKS.replace("id,", "id, isbn,"))
    assert run(app, "--name", "isbn").splitlines()[2:] == [
        "    - Drop view v_author_card",
        "    ~ Replace view v_book from sql/v_book.sql",
        "    + Create view v_author_card from sql/a_card.sql",
    ]
    assert app.written() == ["0001_initial", "0002_isbn"]
    for target, found in [
        (None, "SELECT id, isbn, title FROM bookshop_book;"),
        ("0001_initial", "SELECT id, title FROM bookshop_book;"),
        (None, "SELECT id, isbn, title FROM bookshop_book;"),
    ]:
        migrate(app, target)
        assert definition("v_book") == found
        assert definition("v_author_card") == "SELECT id, upper((title)::text) AS title FROM v_book;"


@pytest.mark.usefixtures("empty_schema")
def test_migrated_files_are_not_written_again(app: App) -> None:
    app.write(v_book=BOOKS)
    run(app)

    assert run(app) == "No .sql file changed.\n"
    app.write(v_book="-- what is on sale\n" + BOOKS.replace("\n", "\r\n  "))
    assert run(app, "--check") == "No .sql file changed.\n"


def test_check_fails_and_writes_nothing(app: App) -> None:
    app.write(v_book=BOOKS)

    with pytest.raises(CommandError) as caught:
        run(app, "--check")

    assert str(caught.value) == "migrations are missing; write them: manage.py fraiseql_makemigrations"
    assert caught.value.returncode == 1
    assert app.written() == []


def test_dry_run_writes_nothing(app: App) -> None:
    app.write(v_book=BOOKS)

    assert run(app, "--dry-run", "sqlshop").splitlines()[-1] == "    + Create view v_book from sql/v_book.sql"
    assert not app.migrations.exists()


def test_only_named_apps_are_looked_at(app: App) -> None:
    app.write(v_book=BOOKS)

    assert run(app, "bookshop") == "No .sql file changed.\n"


def test_installed_packages_are_left_to_their_own_migrations(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for app in install(tmp_path / "site-packages", settings, monkeypatch, "sqlpackage"):
        app.write(v_book=BOOKS)

        assert run(app) == "No .sql file changed.\n"
        assert check() == []


def test_migration_depends_on_what_its_text_mentions(app: App, other: App) -> None:
    app.write(v_book=BOOKS)
    other.write(v_sales="CREATE VIEW v_sales AS SELECT v_book.id FROM v_book, auth_user")

    run(app)

    dependencies = (other.migrations / "0001_initial.py").read_text().split("dependencies = [")[1].split("]")[0]
    assert dependencies.split() == ["('auth',", f"'{latest('auth')}'),", "('sqlshop',", "'0001_initial'),"]


@pytest.mark.usefixtures("empty_schema")
def test_makemigrations_of_django_sees_no_change(app: App) -> None:
    app.write(v_book=BOOKS)
    run(app)

    assert run(app, "--check", "sqlshop", command="makemigrations") == "No changes detected in app 'sqlshop'\n"


@pytest.mark.usefixtures("empty_schema")
def test_squashed_migrations_are_read(app: App) -> None:
    app.write(v_book=BOOKS)
    run(app)
    app.write(v_book=BOOKS.replace("title", "isbn"))
    run(app)

    run(app, "sqlshop", "0002", "--no-input", command="squashmigrations")
    for name in ("0001_initial", "0002_replace_v_book"):
        (app.migrations / f"{name}.py").unlink()

    assert run(app, "--check") == "No .sql file changed.\n"
    migrate(app, None)
    assert definition("v_book") == "SELECT id, isbn FROM bookshop_book;"


# --- what it refuses ---


def refused(app: App, *arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(app, *arguments)
    return str(caught.value)


def test_files_that_cannot_be_used_are_all_named(app: App) -> None:
    app.write(a="CREATE VIEW v_a AS SELECT 'x", b="DELETE FROM bookshop_book", c=BOOKS, d=BOOKS)
    (app.sql / "e.sql").write_bytes(b"\xff")

    said = refused(app).splitlines()

    assert said[0] == "sqlshop/sql/a.sql: the quote ' in line 1 is not closed"
    assert said[1].startswith("sqlshop/sql/b.sql: the statement 'DELETE FROM bookshop_book …' is not allowed; must")
    assert said[2] == "sqlshop/sql/d.sql: sql/c.sql creates v_book as well"
    assert said[3].startswith("sqlshop/sql/e.sql: 'utf-8' codec can't decode byte 0xff")


def test_app_whose_migrations_are_switched_off(app: App, settings: Any) -> None:
    app.write(v_book=BOOKS)
    settings.MIGRATION_MODULES = {"sqlshop": None}

    assert refused(app) == "sqlshop has .sql files, but MIGRATION_MODULES disables its migrations"


def test_app_with_models_and_no_migrations(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    app.write(v_book=BOOKS)
    monkeypatch.setattr(apps.get_app_config("zoo"), "path", str(app.sql.parent))

    said = refused(app, "zoo")

    assert said == "zoo has models but no migrations; create those first: manage.py makemigrations zoo"


def test_several_latest_migrations(app: App) -> None:
    app.write(v_book=BOOKS)
    run(app)
    for name in ("0002_one", "0002_two"):
        text = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        (app.migrations / f"{name}.py").write_text(f"{text}    dependencies = [('sqlshop', '0001_initial')]\n")
    app.write(v_book=None)

    assert refused(app) == (
        "sqlshop has several latest migrations (0002_one, 0002_two); merge them: manage.py makemigrations --merge"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "a-b"], "the name 'a-b' is not a valid Python identifier"),
        (["nothing"], "there is no app 'nothing'; must be one of: ambient, archive, auth, bookshop, cabinet, "),
    ],
)
def test_wrong_arguments(app: App, arguments: list[str], said: str) -> None:
    assert refused(app, *arguments).startswith(said)


# --- the documentation ---

PAGE = Path(__file__).resolve().parents[2] / "docs" / "views-in-migrations.md"
TABLES = """
    CREATE SCHEMA reports;
    CREATE TABLE shop_book (id int PRIMARY KEY, title text, price numeric);
    CREATE TABLE shop_order (placed_at timestamptz)
"""


@pytest.mark.usefixtures("empty_schema")
def test_files_in_the_documentation_become_migrations(app: App) -> None:
    for name, text in re.findall(r"```sql\n-- shop/sql/(\w+)\.sql\n(.*?)```", PAGE.read_text(), re.DOTALL):
        app.write(**{name: text})
    with connection.cursor() as cursor:
        cursor.execute(TABLES)

    assert run(app).splitlines()[2:] == [
        "    + Create materialized view mv_sales from sql/mv_sales.sql",
        "    + Create view v_book_card from sql/v_book_card.sql",
    ]
    migrate(app, None)
    migrate(app, "zero")


@pytest.mark.usefixtures("empty_schema")
def test_operations_in_the_documentation_run() -> None:
    (text,) = re.findall(r"```python\n(from django.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(text, names)
    migration = names["Migration"]("0002_sales", "shop")
    with connection.cursor() as cursor:
        cursor.execute(TABLES)

    for run_it in (migration.apply, migration.unapply, migration.apply):
        with connection.schema_editor() as editor:
            run_it(ProjectState(), editor)


def test_documented_arguments_are_those_of_the_operations() -> None:
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)

    assert [name for name, _, _ in rows] == ["CreateView", "DropView", "CreateFunction", "DropFunction"]
    for name, positional, keywords in rows:
        documented = [*positional.split(", "), *re.findall(r"`(\w+)`", keywords)]
        assert sorted(documented) == sorted(inspect.signature(getattr(fraiseql_django.operations, name)).parameters)


# --- the order of operations ---

A = "CREATE VIEW v_a AS SELECT 1 AS x"
B = "CREATE VIEW v_b AS SELECT x FROM v_a"
C = "CREATE VIEW v_c AS SELECT x FROM v_b"
F = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT x FROM v_b'"
G = "CREATE VIEW v_g AS SELECT f() AS x"


def test_files_come_after_those_that_they_mention() -> None:
    assert shown({}, {"1": C, "2": F, "3": B, "4": A}) == [
        "Create view v_a from 4",
        "Create view v_b from 3",
        "Create view v_c from 1",
        "Create function f from 2",
    ]


def test_files_that_mention_each_other_come_by_name() -> None:
    odd = "CREATE FUNCTION even() RETURNS int AS 'SELECT odd()'", "CREATE FUNCTION odd() RETURNS int AS 'SELECT even()'"

    assert shown({}, {"1": odd[0], "2": odd[1]}) == ["Create function odd from 2", "Create function even from 1"]


def test_what_depends_on_a_changed_view_is_made_again_but_not_what_names_it_in_a_body() -> None:
    old = {"a": A, "b": B, "c": C, "f": F, "g": G}

    assert shown(old, {**old, "a": A.replace("1", "2")}) == [
        "Drop view v_c",
        "Drop view v_b",
        "Replace view v_a from a",
        "Create view v_b from b again",
        "Create view v_c from c again",
    ]


def test_new_body_of_a_function_leaves_its_dependents() -> None:
    old = {"f": F, "g": G}

    assert shown(old, {**old, "f": F.replace("x", "x + 1")}) == ["Replace function f from f"]
    assert shown(old, {**old, "f": F.replace("S int", "S bigint")}) == [
        "Drop view v_g",
        "Replace function f from f",
        "Create view v_g from g again",
    ]


def test_removed_view_goes_after_what_no_longer_needs_it() -> None:
    assert shown({"a": A, "b": B}, {"b": B.replace("v_a", "(SELECT 1 AS x) s")}) == [
        "Drop view v_b",
        "Drop view v_a",
        "Create view v_b from b",
    ]


def test_renamed_file() -> None:
    assert shown({"a": A}, {"z": A}) == ["Drop view v_a", "Create view v_a from z again"]


# --- the system check ---


def check() -> list[Any]:
    return [message for message in run_checks(tags=["fraiseql"]) if message.id != "fraiseql.W009"]


def warning(said: str) -> Warning:
    return Warning(
        said,
        hint="Run manage.py fraiseql_makemigrations, which writes the migration or shows the error.",
        id="fraiseql.W005",
    )


def test_check_says_which_file_changed_since_which_migration(app: App) -> None:
    app.write(v_book=BOOKS, a_card=CARDS, fn_total=TOTAL)
    run(app)
    app.write(v_book=BOOKS.replace("title", "isbn"), a_card=None, v_new="CREATE VIEW v_new AS SELECT 1")
    app.forget()

    assert check() == [
        warning("sqlshop/sql/a_card.sql was removed after migration 0001_initial."),
        warning("sqlshop/sql/v_book.sql changed after migration 0001_initial."),
        warning("sqlshop/sql/v_new.sql is in no migration."),
    ]


def test_check_says_what_cannot_be_used(app: App) -> None:
    app.write(a="CREATE VIEW v_a AS SELECT 'x")

    assert check() == [warning("sqlshop/sql/a.sql is invalid: the quote ' in line 1 is not closed.")]


def test_check_leaves_broken_migrations_to_django(app: App) -> None:
    app.write(v_book=BOOKS)
    run(app)
    (app.migrations / "0002_odd.py").write_text("")
    app.forget()

    assert check() == []
