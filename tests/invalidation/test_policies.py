"""What policies of row security read: a right that is revoked there is revoked for cached answers, too."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection, models

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Category, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import SessionSettings, get_settings
from fraiseql_django.invalidation import catalog
from fraiseql_django.viewer import Viewer
from tests.support import data, is_hit, role_name

pytestmark = pytest.mark.django_db(transaction=True)

ROLE = role_name("policies")
GRANT = f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}"
SECURE = "ALTER TABLE bookshop_author ENABLE ROW LEVEL SECURITY"
AUTHORS, CATEGORIES, NAMES = "{ authors { name } }", "{ categories { name } }", "{ permittedNames { name } }"
FUNCTION = """
CREATE FUNCTION is_permitted(permitted text) RETURNS boolean LANGUAGE {language} STABLE {security} AS $$
    {body} EXISTS (SELECT FROM bookshop_publisher WHERE name = permitted)
{end} $$"""
SQL = FUNCTION.format(language="sql", security="", body="SELECT", end="")
DEFINER = FUNCTION.format(language="plpgsql", security="SECURITY DEFINER", body="BEGIN RETURN", end="; END")
BY_FUNCTION = "CREATE POLICY seen ON bookshop_author USING (is_permitted(name))"
BY_ROW = "CREATE POLICY seen ON bookshop_author USING (name IN (SELECT name FROM {}))"


class PermittedName(models.Model):
    """A view over a table with row security, which reads as the viewer's role."""

    name = models.TextField()

    class Meta:
        managed = False
        app_label = "zoo"
        db_table = "permitted_name"


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def role_of(viewer: Viewer) -> str:
    """Return the role that policies are held against."""
    return ROLE


@pytest.fixture(autouse=True)
def role() -> Iterator[None]:
    """Make the role, and take away what the test has made."""
    run(f"CREATE ROLE {ROLE}", GRANT)
    try:
        yield
    finally:
        connection.close()
        run(
            "DROP POLICY IF EXISTS seen ON bookshop_author",
            "ALTER TABLE bookshop_author DISABLE ROW LEVEL SECURITY",
            "DROP VIEW IF EXISTS permitted, permitted_name",
            "DROP TABLE IF EXISTS permit CASCADE",
            "DROP OPERATOR IF EXISTS ?~? (text, text)",
            "DROP FUNCTION IF EXISTS is_permitted(text), matches(text, text)",
            f"DROP OWNED BY {ROLE}",
            f"DROP ROLE {ROLE}",
        )
        catalog.forget()


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    registry = Registry()
    fraiseql.type(Author, fields=["id", "name"], registry=registry)(type("Author", (), {}))
    fraiseql.type(Category, fields=["id", "name"], registry=registry)(type("Category", (), {}))
    fraiseql.type(PermittedName, fields=["id", "name"], registry=registry)(type("PermittedName", (), {}))
    settings = replace(get_settings(), session=SessionSettings(role=f"{__name__}.role_of"))
    return GraphQLEngine(settings=settings, registry=registry, cache=DjangoCache(cache_alias))


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([BY_ROW.format("bookshop_publisher")], id="a subquery"),
        pytest.param([SQL, BY_FUNCTION], id="a function"),
        pytest.param([DEFINER, BY_FUNCTION], id="a function with the rights of its owner"),
        pytest.param(
            ["CREATE VIEW permitted AS SELECT name FROM bookshop_publisher", BY_ROW.format("permitted")], id="a view"
        ),
        pytest.param(
            [
                SQL,
                "CREATE TABLE permit AS SELECT 'Ursula' AS name",
                "ALTER TABLE permit ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY seen ON permit USING (is_permitted(name))",
                BY_ROW.format("permit"),
            ],
            id="another policy",
        ),
        pytest.param(
            [
                SQL,
                """CREATE FUNCTION matches(text, text) RETURNS boolean LANGUAGE sql STABLE
                AS 'SELECT is_permitted($1) AND $1 = $2'""",
                "CREATE OPERATOR ?~? (LEFTARG = text, RIGHTARG = text, FUNCTION = matches)",
                "CREATE POLICY seen ON bookshop_author USING (name::text ?~? name::text)",
            ],
            id="an operator",
        ),
    ],
)
def test_right_that_the_orm_revokes_is_revoked(engine: GraphQLEngine, statements: list[str]) -> None:
    right = Publisher.objects.create(name="Ursula")
    Author.objects.create(name="Ursula")
    Author.objects.create(name="Octavia")
    run(SECURE, *statements, GRANT)
    assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}
    assert data(engine, CATEGORIES) == {"categories": []}
    assert is_hit(engine, AUTHORS)

    right.delete()

    assert data(engine, AUTHORS) == {"authors": []}
    assert is_hit(engine, CATEGORIES)


def test_view_that_reads_as_the_viewer_is_held_to_policies(engine: GraphQLEngine) -> None:
    if connection.pg_version < 150000:  # type: ignore[attr-defined]
        pytest.skip("security_invoker came with PostgreSQL 15")
    right = Publisher.objects.create(name="Ursula")
    Author.objects.create(name="Ursula")
    run(
        SECURE,
        BY_ROW.format("bookshop_publisher"),
        "CREATE VIEW permitted_name WITH (security_invoker, security_barrier) AS SELECT id, name FROM bookshop_author",
        GRANT,
    )
    assert data(engine, NAMES) == {"permittedNames": [{"name": "Ursula"}]}
    assert is_hit(engine, NAMES)

    right.delete()

    assert data(engine, NAMES) == {"permittedNames": []}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(BY_ROW.format("bookshop_publisher"), id="CREATE POLICY"),
        pytest.param("DROP POLICY seen ON bookshop_author", id="DROP POLICY"),
        pytest.param("ALTER POLICY seen ON bookshop_author USING (false)", id="ALTER POLICY"),
        pytest.param("ALTER TABLE bookshop_author DISABLE ROW LEVEL SECURITY", id="ALTER TABLE"),
        pytest.param(f"REVOKE SELECT ON bookshop_author FROM {ROLE}", id="REVOKE"),
    ],
)
def test_change_of_a_policy_drops_the_answers(engine: GraphQLEngine, change: str) -> None:
    Author.objects.create(name="Ursula")
    run(SECURE)
    if not change.startswith("CREATE"):
        run("CREATE POLICY seen ON bookshop_author USING (name = 'Ursula')")
    assert len(data(engine, AUTHORS)["authors"]) == (not change.startswith("CREATE"))
    assert data(engine, CATEGORIES) == {"categories": []}

    run(change)

    answer = engine.execute(AUTHORS).json()
    if "REVOKE" in change:
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    else:
        assert answer == {"data": {"authors": [{"name": name} for name in seen_by_role()]}}


def seen_by_role() -> list[str]:
    """Return the names that PostgreSQL shows the role now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
        cursor.execute("SELECT name FROM bookshop_author ORDER BY name")
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute("RESET ROLE")
    return names


def test_policy_that_this_process_adds_is_heeded_by_kept_plans(engine: GraphQLEngine) -> None:
    right = Publisher.objects.create(name="Ursula")
    Author.objects.create(name="Ursula")
    data(engine, AUTHORS)
    run(SECURE, BY_ROW.format("bookshop_publisher"))
    assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}

    right.delete()

    assert data(engine, AUTHORS) == {"authors": []}


def test_plan_that_the_catalogue_could_not_be_asked_for_is_not_kept(
    engine: GraphQLEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SECURE, BY_ROW.format("bookshop_publisher"))
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "_DEPENDENCIES", "SELECT 1 / 0")
        catalog.forget()
        data(engine, AUTHORS)
        # everything counts as read
        assert "bookshop_category" in engine.explain(AUTHORS).tables
    monkeypatch.setattr(catalog, "RETRY_SECONDS", 0)

    assert engine.explain(AUTHORS).tables == ("bookshop_author", "bookshop_publisher")
