"""What the project sets in a session itself, past ``SESSION``: answers that depend on it are not mixed up."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Warning
from django.db import connection, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import TextField
from django.db.models.expressions import RawSQL

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry, checks
from fraiseql_django._django import in_place
from fraiseql_django.conf.settings import SessionSettings, Settings
from fraiseql_django.invalidation import catalog
from fraiseql_django.invalidation.session_state import key_of, settings_in
from fraiseql_django.viewer import Viewer
from tests.support import data, is_hit, make_engine

pytestmark = pytest.mark.django_db(transaction=True)

TENANTS = ("acme", "globex")
AUTHORS, TOLD = "{ authors { name } }", "{ authors { told } }"
OF = {name: {"authors": [{"name": f"of {name}"}]} for name in TENANTS}
NOBODYS = {"authors": [{"name": "of nobody"}]}


def run(*statements: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, params)


@pytest.fixture(autouse=True)
def schemas() -> Iterator[None]:
    """Give each tenant a schema with a table of its own, and the public one a row."""
    Author.objects.create(name="of nobody")
    for tenant in TENANTS:
        run(
            f"CREATE SCHEMA {tenant}",
            f"CREATE TABLE {tenant}.bookshop_author (LIKE public.bookshop_author INCLUDING ALL)",
            f"INSERT INTO {tenant}.bookshop_author (name, bio, website, email) VALUES ('of {tenant}', '', '', '')",
        )
    run(
        """CREATE FUNCTION enter(tenant text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN PERFORM set_config('search_path', tenant || ', public', false); END $$""",
        """CREATE FUNCTION enter_locally(tenant text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN PERFORM set_config('search_path', tenant || ', public', true); END $$""",
    )
    catalog.forget()
    try:
        yield
    finally:
        connection.close()
        run("DROP SCHEMA acme, globex CASCADE", "DROP FUNCTION enter, enter_locally")
        catalog.forget()


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    registry = Registry()

    @fraiseql.type(Author, fields=["id", "name"], registry=registry)
    class AuthorType:
        told: str | None = fraiseql.field(RawSQL("current_setting('app.tenant', true)", [], output_field=TextField()))

    return make_engine(cache_alias, registry=registry)


# --- statements of the project ---

WAYS: dict[str, Callable[[str], None]] = {
    "SET": lambda tenant: run(f"SET search_path TO {tenant}, public"),
    "SET SESSION =": lambda tenant: run(f"  set session search_path = {tenant},public;"),
    "comment": lambda tenant: run(f"/* tenant */ SET search_path TO {tenant}, public -- of the request"),
    "SET with a parameter": lambda tenant: run("SET search_path TO %s, public", params=[tenant]),
    "set_config": lambda tenant: run(f"SELECT set_config('search_path', '{tenant}, public', false)"),
    "set_config with parameters": lambda tenant: run(
        "SELECT set_config(%s, %s, %s)", params=["search_path", f"{tenant}, public", False]
    ),
    "set_config with one": lambda tenant: run("SELECT set_config('search_path', %s, false)", params=[tenant]),
    "function": lambda tenant: run(f"SELECT enter('{tenant}')"),
    "DO": lambda tenant: run(f"DO $$ BEGIN PERFORM set_config('search_path', '{tenant}, public', false); END $$"),
    "several with DO": lambda tenant: run(
        f"SELECT 1; DO $$ BEGIN PERFORM set_config('search_path', '{tenant}, public', false); END $$"
    ),
    "several": lambda tenant: run(f"SELECT 1; SET search_path TO {tenant}, public"),
}


@pytest.mark.parametrize("way", WAYS)
def test_search_path_that_a_middleware_sets(engine: GraphQLEngine, way: str) -> None:
    assert data(engine, AUTHORS) == NOBODYS
    for _ in range(2):
        for tenant in TENANTS:
            WAYS[way](tenant)

            assert data(engine, AUTHORS) == OF[tenant]
            connection.close()

    assert data(engine, AUTHORS) == NOBODYS


@pytest.mark.parametrize("way", [name for name in WAYS if name not in ("function", "DO", "several", "several with DO")])
def test_answers_of_a_path_are_kept(engine: GraphQLEngine, way: str) -> None:
    for tenant in TENANTS:
        WAYS[way](tenant)
        data(engine, AUTHORS)
        connection.close()

    for tenant in TENANTS:
        WAYS[way](tenant)
        assert is_hit(engine, AUTHORS)


def test_setting_that_a_policy_could_read(engine: GraphQLEngine) -> None:
    for _ in range(2):
        for tenant in TENANTS:
            run("SELECT set_config('app.tenant', %s, false)", params=[tenant])
            assert data(engine, TOLD) == {"authors": [{"told": tenant}]}
            run("SET app.tenant = 'x'", "RESET app.tenant")
            assert data(engine, TOLD)["authors"][0]["told"] in (None, "")


LOCAL: dict[str, Callable[[str], None]] = {
    "SET LOCAL": lambda tenant: run(f"SET LOCAL search_path TO {tenant}, public"),
    "set_config": lambda tenant: run(f"SELECT set_config('search_path', '{tenant}, public', true)"),
    "function": lambda tenant: run(f"SELECT enter_locally('{tenant}')"),
    "DO": lambda tenant: run(f"DO $$ BEGIN PERFORM set_config('search_path', '{tenant}, public', true); END $$"),
}


HIDING = {
    "CREATE TEMP": ("CREATE TEMP TABLE bookshop_author (LIKE public.bookshop_author INCLUDING ALL)",),
    "in the schema": ('CREATE TABLE "pg_temp".bookshop_author (LIKE public.bookshop_author INCLUDING ALL)',),
    "AS": ("CREATE TEMPORARY TABLE IF NOT EXISTS bookshop_author AS SELECT * FROM public.bookshop_author LIMIT 0",),
    "INTO": ("SELECT * INTO LOCAL TEMP TABLE bookshop_author FROM public.bookshop_author LIMIT 0",),
    "view": ("CREATE OR REPLACE TEMP VIEW bookshop_author AS SELECT * FROM public.bookshop_author LIMIT 0",),
    "several": ("SELECT 1; CREATE TEMP TABLE bookshop_author AS SELECT * FROM public.bookshop_author LIMIT 0",),
    "DO": ("DO $$ BEGIN CREATE TEMP VIEW bookshop_author AS SELECT * FROM public.bookshop_author LIMIT 0; END $$",),
    "function": (
        """CREATE FUNCTION acme.hide() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN EXECUTE 'CREATE TEMP VIEW bookshop_author AS TABLE acme.bookshop_author LIMIT 0'; END $$""",
        "SELECT acme.hide()",
    ),
}


@pytest.mark.parametrize("way", HIDING)
@pytest.mark.parametrize("atomic", [True, False])
def test_temporary_table_that_hides_another(engine: GraphQLEngine, way: str, atomic: bool) -> None:
    if atomic:
        with transaction.atomic():
            run(*HIDING[way])
            assert data(engine, AUTHORS) == {"authors": []}
            transaction.set_rollback(True)
    else:
        run(*HIDING[way])
        assert data(engine, AUTHORS) == {"authors": []}
        connection.close()

    assert data(engine, AUTHORS) == NOBODYS
    assert is_hit(engine, AUTHORS)


def test_functions_of_the_session_hide_nothing(engine: GraphQLEngine) -> None:
    """As the seed of the bookshop makes them."""
    run("CREATE FUNCTION pg_temp.dice() RETURNS int LANGUAGE sql AS $$ SELECT 4 $$")
    run("CREATE FUNCTION pg_temp.a() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT pg_temp.dice(), pg_temp.a()")
    data(engine, AUTHORS)

    assert is_hit(engine, AUTHORS)


def test_temporary_table_of_another_name(engine: GraphQLEngine) -> None:
    run("CREATE TEMP TABLE totals AS SELECT count(*) AS n FROM bookshop_author", "DROP TABLE totals")
    data(engine, AUTHORS)

    assert is_hit(engine, AUTHORS)


@pytest.mark.parametrize("way", LOCAL)
def test_path_of_a_transaction(engine: GraphQLEngine, way: str) -> None:
    for _ in range(2):
        for tenant in TENANTS:
            with transaction.atomic():
                assert data(engine, AUTHORS) == NOBODYS
                LOCAL[way](tenant)
                assert data(engine, AUTHORS) == OF[tenant]
            assert data(engine, AUTHORS) == NOBODYS


def test_path_of_a_transaction_that_is_rolled_back(engine: GraphQLEngine) -> None:
    for _ in range(2):
        with transaction.atomic():
            run("SET search_path TO acme, public")
            assert data(engine, AUTHORS) == OF["acme"]
            with transaction.atomic():
                run("SET search_path TO globex, public")
                assert data(engine, AUTHORS) == OF["globex"]
                transaction.set_rollback(True)
            assert data(engine, AUTHORS) == OF["acme"]
            transaction.set_rollback(True)
        assert data(engine, AUTHORS) == NOBODYS
    with transaction.atomic():
        run("SET search_path TO acme, public")
    assert data(engine, AUTHORS) == OF["acme"]
    run("BEGIN", "SET search_path TO globex, public", "ROLLBACK")
    assert data(engine, AUTHORS) == OF["acme"]
    run("BEGIN", "SET search_path TO globex, public", "COMMIT")
    assert data(engine, AUTHORS) == OF["globex"]


def test_statement_that_fails_sets_nothing(engine: GraphQLEngine) -> None:
    run("SET search_path TO acme, public")
    assert data(engine, AUTHORS) == OF["acme"]

    with pytest.raises(Exception, match="invalid value"):
        run("SET search_path TO acme, public; SET lock_timeout TO nonsense")
    with pytest.raises(Exception, match="unrecognized"):
        run("SET app TO nonsense")

    assert data(engine, AUTHORS) == OF["acme"]


@pytest.mark.parametrize(
    ("text", "params", "found"),
    [
        ("SET statement_timeout = 100", None, []),
        ("SET LOCAL jit TO off", None, []),
        ("SET CONSTRAINTS ALL IMMEDIATE", None, []),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", None, []),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", None, []),
        ("SET ROLE shop", None, [("role", "shop", False)]),
        ("SET SESSION AUTHORIZATION shop", None, [("session authorization", "shop", False)]),
        ("SET TIME ZONE 'UTC'", None, [("timezone", "'UTC'", False)]),
        ('SET "app"."tenant" = 7', None, [("app.tenant", "7", False)]),
        ("SET app.tenant = %s", [7], [("app.tenant", "%s [7]", False)]),
        ("SET search_path TO DEFAULT", None, [("search_path", None, False)]),
        ("RESET ALL", None, [("*", None, False)]),
        ("DISCARD ALL", None, [("**", None, False)]),
        ("SELECT set_config(%(a)s, 'b', false)", {"a": "x"}, [("", None, False)]),
        ("SELECT set_config('x.y', name, false) FROM bookshop_author", None, [("", None, False)]),
        ("SELECT name FROM bookshop_author", None, []),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS 'SELECT 1'", None, []),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET LOCAL a.b = 1; END $$", None, []),
        ("UPDATE bookshop_author SET name = 'search_path'", None, []),
    ],
)
def test_settings_in_a_statement(text: str, params: Any, found: list[Any]) -> None:
    assert [tuple(setting) for setting in settings_in(text, params)] == found


# --- backends for many tenants ---


class TenantWrapper(DatabaseWrapper):
    """A backend that says its schema, and sets the search path with each cursor, as django-tenants does."""

    schema_name = "public"
    include_public_schema = True

    def _cursor(self, name: Any = None) -> Any:
        cursor = super()._cursor(name)
        cursor.execute(f"SET search_path = {self.schema_name}, public")
        return cursor


class SecretiveWrapper(DatabaseWrapper):
    """A backend that keeps the schema to itself."""

    tenant = "public"

    def _cursor(self, name: Any = None) -> Any:
        cursor = super()._cursor(name)
        with self.connection.cursor() as own:
            own.execute(f"SET search_path = {self.tenant}, public")
        return cursor


@pytest.fixture
def backend() -> Iterator[Callable[[type[DatabaseWrapper]], Any]]:
    """Return what puts a connection of another backend in the place of the usual one."""
    placed: list[Any] = []

    def place(backend: type[DatabaseWrapper]) -> Any:
        made = backend({**connection.settings_dict}, "default")
        context = in_place({"default": made})
        context.__enter__()
        placed.append((context, made))
        return made

    yield place
    for context, made in reversed(placed):
        context.__exit__(None, None, None)
        made.close()


def test_schema_of_a_backend_is_a_part_of_the_key(engine: GraphQLEngine, backend: Any) -> None:
    made = backend(TenantWrapper)

    for _ in range(2):
        for tenant in TENANTS:
            made.schema_name = tenant
            assert data(engine, AUTHORS) == OF[tenant]
    made.schema_name = "public"
    assert data(engine, AUTHORS) == NOBODYS

    # a hit, also on a connection that is not open yet
    made.schema_name = "acme"
    made.close()
    assert data(engine, AUTHORS) == OF["acme"]
    assert made.connection is None


def test_backend_that_keeps_its_schema_to_itself_is_not_cached(engine: GraphQLEngine, backend: Any) -> None:
    made = backend(SecretiveWrapper)

    for _ in range(2):
        for tenant in TENANTS:
            made.tenant = tenant
            assert data(engine, AUTHORS) == OF[tenant]
    assert engine.statistics().result_misses == 0


def path_of(viewer: Viewer) -> str:
    """Return the search path of a viewer."""
    return f"{viewer.value('tenant')}, public"


def test_backend_that_keeps_its_schema_to_itself_is_cached_with_a_search_path(
    engine: GraphQLEngine, backend: Any, cache_alias: str
) -> None:
    made = backend(SecretiveWrapper)
    session = SessionSettings(variables={"search_path": f"{__name__}.path_of"})
    used = make_engine(cache_alias, registry=engine.registry, settings=Settings(session=session))

    for _ in range(2):
        for tenant in TENANTS:
            made.tenant = tenant
            assert used.execute(AUTHORS, context={"tenant": tenant}).json()["data"] == OF[tenant]
    assert used.statistics().result_hits == 2


def problems() -> list[CheckMessage]:
    return [message for message in checks.check_project() if message.id == "fraiseql.E031"]


def test_check_of_a_backend_that_keeps_its_schema_to_itself(backend: Any, settings: Any) -> None:
    assert problems() == []
    backend(TenantWrapper)
    assert problems() == []
    backend(SecretiveWrapper)

    assert problems() == [
        Error(
            "The backend of DATABASES['default'], tests.invalidation.test_session_state.SecretiveWrapper, seems to set "
            "the search path, but FRAISEQL['SESSION']['VARIABLES'] has no search_path: the cache cannot tell the "
            "schemas apart.",
            hint=(
                "Let a function of the viewer give the search path: {'search_path': 'shop.tenants.search_path_of'}; or "
                "give the connection an attribute schema_name, which is then a part of the key. Until then no answers "
                "are cached."
            ),
            id="fraiseql.E031",
        )
    ]
    settings.FRAISEQL = {"SESSION": {"VARIABLES": {"search_path": f"{__name__}.path_of"}}}
    assert problems() == []
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}}
    assert problems() == []


def make_key(key: str, key_prefix: str, version: int) -> str:
    """Make the key of a cache, as packages for many tenants do it."""
    return f"acme:{key_prefix}:{version}:{key}"


def test_check_of_a_cache_whose_keys_depend_on_the_tenant(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_key, "__module__", "django_tenants.cache")
    settings.CACHES = {"default": {**settings.CACHES["locmem"], "KEY_FUNCTION": make_key}}
    settings.FRAISEQL = {"CACHE": {"TTL": 60}}

    assert [message for message in checks.check_project() if message.id == "fraiseql.W031"] == [
        Warning(
            "CACHES['default']['KEY_FUNCTION'] is 'django_tenants.cache.make_key': a write in one schema does not drop "
            "the answers that were read in another.",
            hint=(
                "Answers read from tables that the schemas share stay stale for up to 60 seconds. Use a separate alias "
                "for answers, without KEY_FUNCTION: the schema is a part of their keys already."
            ),
            id="fraiseql.W031",
        )
    ]


def test_session_without_settings_has_no_part_in_the_key() -> None:
    run("SELECT 1", "SET statement_timeout = 0")

    assert key_of(connections["default"]) == ()
    connection.close()
    assert key_of(connections["default"]) == ()
