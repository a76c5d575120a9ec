"""``WatchTables`` and ``UnwatchTables``: triggers that migrations make and remove."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import NotSupportedError, connection
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter
from django.db.utils import ConnectionHandler, ProgrammingError

from fraiseql_django.operations import UnwatchTables, WatchTables
from fraiseql_django.sql.triggers import all_watched
from tests.sql.test_operations import migration, rows

pytestmark = pytest.mark.django_db


def run(operation: Operation, *, back: bool = False, app: str = "bookshop", using: Any = connection) -> list[str]:
    """Apply or undo an operation, and return what sqlmigrate shows, without the comments."""
    state = ProjectState.from_apps(apps)
    collected = []
    for collect in (True, False):
        with using.schema_editor(collect_sql=collect) as editor:
            made = migration(operation)
            made.app_label = app
            (made.unapply if back else made.apply)(state.clone(), editor, collect_sql=collect)
        collected += editor.collected_sql if collect else []
    return [line for line in collected if not line.startswith("--")]


def watched() -> list[str]:
    return [".".join(name) for name in all_watched("default")]


@pytest.fixture
def legacy() -> Iterator[None]:
    rows('CREATE SCHEMA legacy; CREATE TABLE legacy.orders (id int); CREATE TABLE "Odd" (id int)')
    yield
    rows('DROP SCHEMA legacy CASCADE; DROP TABLE "Odd"')


def test_tables(legacy: None) -> None:
    operation = WatchTables(["legacy.orders", "Odd"])

    shown = run(operation)

    assert watched() == ["legacy.orders", "public.Odd"]
    assert "CREATE OR REPLACE FUNCTION fraiseql_notify() RETURNS trigger" in shown[0]
    assert """SELECT '"legacy"."orders"'::regclass""" in shown[1]
    assert operation.describe() == "Watch legacy.orders, Odd"
    assert operation.migration_name_fragment == "watch_legacy_orders_odd"
    # what is shown is what is run
    run(operation, back=True)
    assert watched() == []
    rows("\n".join(shown))
    assert watched() == ["legacy.orders", "public.Odd"]


def test_models_with_their_many_to_many_tables() -> None:
    run(WatchTables(models=["Book", "Publisher"]))

    assert watched() == ["public.bookshop_book", "public.bookshop_book_authors", "public.bookshop_publisher"]
    assert rows("SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgname = 'fraiseql_watch'") == [("A",)]


def test_backwards_removes_triggers_and_in_the_end_their_function() -> None:
    one, other = WatchTables(models=["Publisher"]), WatchTables(models=["Category"])
    run(one)
    run(other)

    run(one, back=True)
    assert watched() == ["public.bookshop_category"]
    run(other, back=True)
    assert watched() == []
    assert rows("SELECT count(*) FROM pg_proc WHERE proname = 'fraiseql_notify'") == [(0,)]
    # again changes nothing
    run(other, back=True)


def test_unwatch() -> None:
    run(WatchTables(models=["Publisher", "Category"]))
    operation = UnwatchTables(models=["Publisher"])

    run(operation)
    assert watched() == ["public.bookshop_category"]
    assert operation.describe() == "Stop watching Publisher"

    run(operation, back=True)
    assert watched() == ["public.bookshop_category", "public.bookshop_publisher"]


def test_each_schema_of_tenants_has_its_own() -> None:
    rows("CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b")
    for tenant in ("tenant_a", "tenant_b"):
        rows(f"CREATE TABLE {tenant}.sale (id int)")
        rows(f"SET LOCAL search_path = {tenant}, public")
        run(WatchTables(["sale"]))
    rows("SET LOCAL search_path = public")

    assert watched() == ["tenant_a.sale", "tenant_b.sale"]
    # a tenant that goes takes nothing of the others
    rows("DROP SCHEMA tenant_a CASCADE")
    assert watched() == ["tenant_b.sale"]


def test_migrations_hold_it() -> None:
    text, imports = OperationWriter(WatchTables(["legacy.orders"], models=["Book"])).serialize()

    assert imports == {"import fraiseql_django.operations"}
    assert "".join(text.split()) == (
        "fraiseql_django.operations.WatchTables(tables=['legacy.orders'],models=['Book'],),"
    )


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="tables is 'legacy', must be a list of names"):
        WatchTables("legacy")
    with pytest.raises(ValueError, match="UnwatchTables needs tables or models"):
        UnwatchTables()
    with pytest.raises(ValueError, match=r"'a.b.c' is not a name"):
        WatchTables(["a.b.c"])
    with pytest.raises(ValueError, match=r"has \$fraiseql\$ in its name"):
        run(WatchTables(["$fraiseql$"]))


def test_what_is_no_table(legacy: None) -> None:
    with pytest.raises(ProgrammingError, match='relation "nowhere" does not exist'):
        run(WatchTables(["nowhere"]))


def test_view_is_refused() -> None:
    rows("CREATE VIEW shown AS SELECT 1")

    with pytest.raises(ProgrammingError, match='"shown" is not a table; watch the tables that it reads'):
        run(WatchTables(["shown"]))


def test_other_databases() -> None:
    sqlite: Any = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})[
        "default"
    ]

    with pytest.raises(NotSupportedError, match="the database 'default' is SQLite, must be PostgreSQL"):
        run(WatchTables(["sale"]), using=sqlite)
    sqlite.close()


class Nowhere:
    """Lets nothing migrate."""

    def allow_migrate(self, *args: Any, **hints: Any) -> bool:
        return False


def test_databases_that_routers_exclude(settings: Any) -> None:
    settings.DATABASE_ROUTERS = ["tests.sql.test_watch_operations.Nowhere"]

    assert run(WatchTables(models=["Publisher"])) == []
    assert watched() == []
