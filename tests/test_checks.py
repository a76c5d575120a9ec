"""``manage.py check``: each problem whole, with its id and its hint, all of them at once."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Warning, run_checks
from django.core.management import call_command
from django.db import connection, connections, models
from django.db.models import F
from django.test.utils import isolate_apps

from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry, apps, checks
from fraiseql_django.conf import factories as backends
from fraiseql_django.declare import schemas
from fraiseql_django.declare.mutations import mutation
from fraiseql_django.declare.types import field, type_
from fraiseql_django.invalidation import catalog
from fraiseql_django.schema.django_fields import SCALARS

KNOWN = ", ".join(sorted(cls.__name__ for cls in SCALARS))
SCALARS_HINT = f"Write {{'path.of.TheirField': 'path.of.KnownField'}}; the latter is or extends one of: {KNOWN}."
REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://localhost"}


def found(*, deploy: bool = False) -> list[CheckMessage]:
    """Return what the package's checks say of the settings; that bookshop and schema are open to all is left out.

    So is the memory of the tests' Redis, which has no limit.
    """
    left_out = ("fraiseql.W006", "fraiseql.W008", "fraiseql.W009", "fraiseql.W032")
    messages = run_checks(tags=["fraiseql"], include_deployment_checks=deploy)
    return [message for message in messages if message.id not in left_out]


def test_right_settings_have_no_problem() -> None:
    assert found() == []


def test_every_problem_of_the_settings_is_reported_at_once(settings: Any) -> None:
    settings.FRAISEQL = {
        "DATABASE": "nowhere",
        "TTL": 60,
        "CACHE": {"ALIAS": "nowhere", "TTL": "long", "BACKEND": "no.Cache"},
        "LIMITS": {"DEPTH": 0, "MAX_ROWS": 10, "DEFAULT_ROWS": 20},
        "GRAPHIQL": None,
        "STORAGE": "no.Storage",
        "SCALARS": {"no.Field": "django.db.models.CharField"},
    }

    assert [message.id for message in found()] == [
        "fraiseql.E002",
        "fraiseql.E003",
        "fraiseql.E004",
        "fraiseql.E001",
        "fraiseql.E005",
        "fraiseql.E006",
        "fraiseql.E010",
        "fraiseql.E009",
        "fraiseql.E010",
        "fraiseql.E011",
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            ["default"],
            Error(
                "FRAISEQL is ['default'], not a dictionary.",
                hint="Write FRAISEQL as {'KEY': value}.",
                id="fraiseql.E001",
            ),
        ),
        (
            {"GRAPHIQL": {"URL": "x"}},
            Error(
                "FRAISEQL['GRAPHIQL'] has an unknown key 'URL'.",
                hint="Must be one of: ASSETS_URL, CDN, ENABLED, EXAMPLES, HEADERS, LINKS.",
                id="fraiseql.E002",
            ),
        ),
        (
            {"PREPARE_STATEMENTS": "off"},
            Error(
                "FRAISEQL['PREPARE_STATEMENTS'] is 'off', not True or False.",
                hint="Prepare statements in PostgreSQL; turn off behind a pooler in transaction mode.",
                id="fraiseql.E003",
            ),
        ),
        (
            {"LIMITS": {"DEPTH": 0}},
            Error(
                "FRAISEQL['LIMITS']['DEPTH'] is 0, less than 1.",
                hint="Levels of nested fields (introspection not counted).",
                id="fraiseql.E004",
            ),
        ),
        (
            {"LIMITS": {"MAX_ROWS": 10, "DEFAULT_ROWS": 20}},
            Error(
                "FRAISEQL['LIMITS']['DEFAULT_ROWS'] is 20, more than FRAISEQL['LIMITS']['MAX_ROWS'], which is 10.",
                hint="Make it MAX_ROWS at most; when it is None, MAX_ROWS takes its place.",
                id="fraiseql.E005",
            ),
        ),
        (
            {"DATABASE": "nowhere"},
            Error(
                "FRAISEQL['DATABASE'] is 'nowhere', which is not in DATABASES.",
                hint="Must be one of: 'default', 'second'.",
                id="fraiseql.E006",
            ),
        ),
        (
            {"CACHE": {"WATCH_DATABASE": "nowhere"}},
            Error(
                "FRAISEQL['CACHE']['WATCH_DATABASE'] is 'nowhere', which is not in DATABASES.",
                hint="Must be one of: 'default', 'second'. None means DATABASE.",
                id="fraiseql.E006",
            ),
        ),
        (
            {"CACHE": {"ALIAS": "nowhere"}},
            Error(
                "FRAISEQL['CACHE']['ALIAS'] is 'nowhere', which is not in CACHES.",
                hint="Must be one of: 'default', 'locmem', 'redis'. None caches no answers.",
                id="fraiseql.E009",
            ),
        ),
        (
            {"CACHE": {"TELLS": ["redis", "nowhere"]}},
            Error(
                "FRAISEQL['CACHE']['TELLS'] has 'nowhere', which is not in CACHES.",
                hint="Must be one of: 'default', 'locmem', 'redis'.",
                id="fraiseql.E009",
            ),
        ),
        (
            {"STORAGE": "fraiseql_django.storage.django.NoSuch"},
            Error(
                "FRAISEQL['STORAGE'] is 'fraiseql_django.storage.django.NoSuch', which cannot be imported: "
                'Module "fraiseql_django.storage.django" does not define a "NoSuch" attribute/class.',
                hint="Name a class with the methods of fraiseql_django.storage.base.Storage.",
                id="fraiseql.E010",
            ),
        ),
        (
            {"STORAGE": ".Storage"},
            Error(
                "FRAISEQL['STORAGE'] is '.Storage', which cannot be imported: Empty module name.",
                hint="Name a class with the methods of fraiseql_django.storage.base.Storage.",
                id="fraiseql.E010",
            ),
        ),
        (
            {"STORAGE": "os.path"},
            Error(
                "FRAISEQL['STORAGE'] is 'os.path', which is no class.",
                hint="Name a class with the methods of fraiseql_django.storage.base.Storage.",
                id="fraiseql.E010",
            ),
        ),
        (
            {"CACHE": {"BACKEND": "collections.OrderedDict"}},
            Error(
                "FRAISEQL['CACHE']['BACKEND'] is 'collections.OrderedDict', which lacks: "
                "get_many, set, add, add_many, mark_many, replace_many, increment, delete, delete_many, health_check.",
                hint="Name a class with the methods of fraiseql_django.cache.base.Cache.",
                id="fraiseql.E010",
            ),
        ),
        (
            {"SCALARS": {"no.such.Field": "django.db.models.CharField"}},
            Error(
                "FRAISEQL['SCALARS'] names 'no.such.Field', which cannot be imported: No module named 'no'.",
                hint=SCALARS_HINT,
                id="fraiseql.E011",
            ),
        ),
        (
            {"SCALARS": {"django.db.models.FileField": "datetime.date"}},
            Error(
                "FRAISEQL['SCALARS'] names 'datetime.date', which is no field class.",
                hint=SCALARS_HINT,
                id="fraiseql.E011",
            ),
        ),
        (
            {"SCALARS": {"django.db.models.FileField": "django.db.models.FileField"}},
            Error(
                "FRAISEQL['SCALARS']['django.db.models.FileField'] is 'django.db.models.FileField', "
                "which extends no field class that is known.",
                hint=SCALARS_HINT,
                id="fraiseql.E011",
            ),
        ),
    ],
)
def test_wrong_setting(settings: Any, raw: Any, expected: CheckMessage) -> None:
    settings.FRAISEQL = raw

    assert found() == [expected]


def test_aliases_that_an_engine_made_for_itself_are_not_offered(settings: Any) -> None:
    alias = GraphQLEngine({}).settings.cache.alias
    settings.FRAISEQL = {"CACHE": {"ALIAS": "nowhere"}}
    (message,) = found()

    assert alias in caches.settings
    assert message.hint == "Must be one of: 'default', 'locmem', 'redis'. None caches no answers."


def test_right_scalars_by_any_path_that_leads_to_the_class(settings: Any) -> None:
    settings.FRAISEQL = {"SCALARS": {"django.contrib.postgres.search.SearchQueryField": "django.db.models.EmailField"}}

    assert found() == []


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Have a database that is no PostgreSQL."""
    alias = "lite"
    settings = {"default": connections.settings["default"], alias: {"ENGINE": "django.db.backends.sqlite3"}}
    monkeypatch.setitem(connections.settings, alias, connections.configure_settings(settings)[alias])
    yield alias
    del connections[alias]


def test_another_database_is_refused_without_connecting(settings: Any, sqlite: str) -> None:
    settings.FRAISEQL = {"DATABASE": sqlite}

    assert found() == [
        Error(
            "FRAISEQL['DATABASE'] is 'lite', whose ENGINE is 'django.db.backends.sqlite3'.",
            hint="It must be PostgreSQL: 'django.db.backends.postgresql', or a backend that extends it.",
            id="fraiseql.E007",
        )
    ]
    assert connections[sqlite].connection is None


@pytest.mark.parametrize("check", ["check_columns", "check_extensions", "check_watched_tables"])
def test_another_database_is_not_compared_with_the_schema(settings: Any, sqlite: str, check: str) -> None:
    """``migrate`` runs these checks alone, before anything has reported the ENGINE."""
    settings.FRAISEQL = {"DATABASE": sqlite, "CACHE": {"WATCH": True}}

    assert getattr(checks, check)(databases=[sqlite]) == []
    assert connections[sqlite].connection is None


def test_watched_database_that_is_another_is_refused_without_connecting(settings: Any, sqlite: str) -> None:
    settings.FRAISEQL = {"CACHE": {"WATCH_DATABASE": sqlite}}

    assert found() == [
        Error(
            "FRAISEQL['CACHE']['WATCH_DATABASE'] is 'lite', whose ENGINE is 'django.db.backends.sqlite3'.",
            hint="Name an alias that leads to the database of DATABASE.",
            id="fraiseql.E007",
        )
    ]
    assert connections[sqlite].connection is None


def test_psycopg_2_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "PSYCOPG_3", False)

    assert found() == [
        Error(
            "psycopg 3 cannot be imported.",
            hint="FraiseQL needs it, psycopg 2 will not do: pip install 'psycopg[binary]>=3.2,<3.4'",
            id="fraiseql.E008",
        )
    ]


def test_every_problem_of_the_declarations_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    monkeypatch.setattr(checks, "default_registry", registry)

    class WriterType:
        pages: int = field(F("nothing"))

    type_(Author, name="Writer", fields=["name", "nmae"], registry=registry)(WriterType)

    @mutation(registry=registry)
    def publish(info: Any, book) -> Any: ...  # type: ignore[no-untyped-def]

    registry.problems.append("shop.graphql, line 3: fields is 'x', must be a list of names or '__all__'")
    messages = found()

    assert {message.id for message in messages} == {"fraiseql.E012"}
    assert [message.msg for message in messages] == [
        "shop.graphql, line 3: fields is 'x', must be a list of names or '__all__'.",
        "bookshop.Author: Writer.pages: the expression does not fit Author: Cannot resolve keyword 'nothing' into "
        "field. Choices are: bio, books, born, email, id, name, website.",
        "bookshop.Author: Writer.nmae: Author has no field 'nmae'.",
        "mutation publish: parameter 'book' has no annotation.",
    ]
    assert [message.hint for message in messages][2:] == [
        "It has: bio, born, email, id, name, website.",
        "Correct the declaration in the app's graphql module.",
    ]


def test_declarations_wait_until_settings_are_right(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    registry = Registry(problems=["shop.graphql: wrong"])
    monkeypatch.setattr(checks, "default_registry", registry)
    settings.FRAISEQL = {"DATABASE": "nowhere"}

    assert [message.id for message in found()] == ["fraiseql.E006"]


def test_nothing_declared_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "default_registry", Registry())

    assert found() == [
        Warning(
            "No types or mutations are declared.",
            hint=(
                "Declare types with @fraiseql.type or fraiseql.types in the module 'graphql' of an app, next to its "
                "models module."
            ),
            id="fraiseql.W004",
        )
    ]


# --- the cache ---


@pytest.mark.parametrize(
    "cache",
    [
        {**REDIS, "OPTIONS": {"IGNORE_EXCEPTIONS": True}},
        {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"ignore_exc": True}},
    ],
)
def test_a_cache_that_swallows_its_exceptions_is_a_warning(settings: Any, cache: Any) -> None:
    settings.CACHES = {"default": cache}

    assert found() == [
        Warning(
            "CACHES['default'] ignores exceptions: writes during an outage of the cache leave stale answers in it.",
            hint=(
                "They are used for up to 3600 seconds. Let the cache raise exceptions, or use a separate alias for "
                "answers: FraiseQL continues without a cache that raises."
            ),
            id="fraiseql.W003",
        )
    ]


UNSHARED = Error(
    "FRAISEQL['CACHE']['ALIAS'] is 'default', a cache in the memory of each process.",
    hint=(
        "After a write in one process, the others use stale answers for up to 3600 seconds. Name a cache that all "
        "processes share (Redis, Memcached), or None; or watch the tables (FRAISEQL['CACHE']['WATCH']). If there is "
        "only one process, and no command writes, silence this check."
    ),
    id="fraiseql.E013",
)


class OwnMemory(LocMemCache):
    """A project's own cache in memory."""


@pytest.mark.parametrize("backend", ["django.core.cache.backends.locmem.LocMemCache", "tests.test_checks.OwnMemory"])
def test_a_cache_per_process_is_an_error_in_production(settings: Any, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": backend}}

    assert found() == []
    assert found(deploy=True) == [UNSHARED]


def test_a_cache_per_process_is_right_in_production_where_each_hears_the_others(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.FRAISEQL = {"CACHE": {"WATCH": True}}

    assert found(deploy=True) == []


def test_a_dummy_cache_is_a_warning_in_production(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    assert found() == []
    assert found(deploy=True) == [
        Warning(
            "FRAISEQL['CACHE']['ALIAS'] is 'default', a dummy cache, which stores nothing.",
            hint="Name a cache that all processes share, or None.",
            id="fraiseql.W002",
        )
    ]


@pytest.mark.parametrize("raw", [{"CACHE": {"ALIAS": None}}, {"CACHE": {"ALIAS": "redis"}}])
def test_no_cache_and_a_shared_one_are_right_in_production(settings: Any, raw: Any) -> None:
    settings.FRAISEQL = raw

    assert found(deploy=True) == []


def test_graphiql_in_production_is_a_warning(settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}, "GRAPHIQL": {"ENABLED": True}}
    settings.DEBUG = False

    assert found() == []
    assert found(deploy=True) == [
        Warning(
            "FRAISEQL['GRAPHIQL']['ENABLED'] is True though DEBUG is False.",
            hint="GraphiQL is shown to everybody. Set it to None, which follows DEBUG, or silence this check.",
            id="fraiseql.W001",
        )
    ]


@pytest.mark.parametrize("policy", [None, "public", "authenticated", "staff", "disabled"])
def test_introspection_by_everybody_is_a_warning_in_production(settings: Any, policy: str | None) -> None:
    settings.FRAISEQL = {} if policy is None else {"INTROSPECTION": policy}
    public = Warning(
        "FRAISEQL['INTROSPECTION'] is 'public': everybody may read the whole schema.",
        hint=(
            "Set it to 'authenticated', 'staff' or 'disabled', which also removes names of the schema from errors. If "
            "everybody may know the schema, silence this check."
        ),
        id="fraiseql.W008",
    )

    def messages(deploy: bool) -> list[CheckMessage]:
        found = run_checks(tags=["fraiseql"], include_deployment_checks=deploy)
        return [message for message in found if message.id == "fraiseql.W008"]

    assert messages(deploy=True) == ([public] if policy in (None, "public") else [])
    assert messages(deploy=False) == []


SET = {"MAX_ROWS": 10, "COMPLEXITY": 10, "STATEMENT_MS": 10, "RATE": "10/s"}
RATE_IS_OPEN = Warning(
    "FRAISEQL['LIMITS'] does not limit how many operations a client may send: RATE is not set.",
    hint="Set it to a rate such as '600/m'. If a proxy limits the requests of a client, silence this check.",
    id="fraiseql.W009",
)


def open_limits(names: str) -> Warning:
    return Warning(
        f"FRAISEQL['LIMITS'] does not limit what one operation may cost: {names} set.",
        hint=(
            "docs/limits.md has values to begin with. A client could otherwise read a whole table, or all "
            "combinations of the rows of several, by a few bytes. If all clients are trusted, silence this check."
        ),
        id="fraiseql.W009",
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [open_limits("MAX_ROWS, COMPLEXITY, STATEMENT_MS are not"), RATE_IS_OPEN]),
        ({"LIMITS": {**SET, "MAX_ROWS": None}}, [open_limits("MAX_ROWS is not")]),
        ({"LIMITS": {**SET, "COMPLEXITY": None, "DEFAULT_ROWS": 5}}, [open_limits("COMPLEXITY is not")]),
        ({"LIMITS": {**SET, "STATEMENT_MS": None}}, [open_limits("STATEMENT_MS is not")]),
        ({"LIMITS": {**SET, "RESPONSE_BYTES": None}}, [open_limits("RESPONSE_BYTES is not")]),
        ({"LIMITS": {**SET, "RATE": None}}, [RATE_IS_OPEN]),
        ({"LIMITS": SET}, []),
        ({"LIMITS": SET, "NONSENSE": 1}, []),
        (
            {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": "trusted"}, "LIMITS": {"RATE": "1/s"}},
            [open_limits("STATEMENT_MS is not")],
        ),
    ],
)
def test_limits_that_are_open_are_a_warning_of_every_check(
    settings: Any, tmp_path: Path, changed: Any, expected: list[CheckMessage]
) -> None:
    if "TRUSTED_DOCUMENTS" in changed:
        (tmp_path / "a.graphql").write_text("{ __typename }")
        changed = {**changed, "TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": tmp_path}}
    settings.FRAISEQL = changed

    for deploy in (False, True):
        messages = run_checks(tags=["fraiseql"], include_deployment_checks=deploy)
        assert [message for message in messages if message.id == "fraiseql.W009"] == expected


def test_time_limit_of_the_database_will_do(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FRAISEQL = {"LIMITS": {**SET, "STATEMENT_MS": None}}
    monkeypatch.setitem(
        connections.settings["default"], "OPTIONS", {"options": "-c search_path=a -c statement_timeout=5000"}
    )

    assert [message for message in run_checks(tags=["fraiseql"]) if message.id == "fraiseql.W009"] == []


def test_nothing_is_open_where_nothing_is_declared(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "default_registry", Registry())

    assert [message.id for message in run_checks(tags=["fraiseql"])] == ["fraiseql.W004"]


def test_deployment_checks_of_wrong_settings_do_not_fail(settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": "nowhere"}, "GRAPHIQL": 5}

    assert {message.id for message in found(deploy=True)} == {"fraiseql.E001", "fraiseql.E009"}


def test_what_nothing_protects_is_listed_in_production(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    type_(Book, fields=["id"], name="Open", registry=registry)(type("Open", (), {}))
    type_(Book, fields=["id"], name="Ruled", rows=lambda viewer: True, queries=[], registry=registry)(type("R", (), {}))
    type_(Book, fields=["id"], name="Closed", permission="bookshop.view_book", queries=[], registry=registry)(
        type("Closed", (), {})
    )

    def shut(info: Any) -> int:
        return 1

    mutation(registry=registry)(shut)
    mutation(registry=registry, name="guarded", permission=lambda viewer: viewer.is_staff)(shut)
    monkeypatch.setattr(checks, "default_registry", registry)
    hint = (
        "Give each a permission, or a type a row rule; or set FRAISEQL['DEFAULT_PERMISSION'] to 'authenticated' or "
        "'model'. If everybody may use them, silence this check."
    )

    def unprotected() -> list[CheckMessage]:
        messages = run_checks(tags=["fraiseql"], include_deployment_checks=True)
        return [message for message in messages if message.id == "fraiseql.W006"]

    assert unprotected() == [
        Warning("Nothing protects Open: it may be read by everybody.", hint=hint, id="fraiseql.W006"),
        Warning("Nothing protects shut: it may be run by everybody.", hint=hint, id="fraiseql.W006"),
    ]
    settings.FRAISEQL = {"DEFAULT_PERMISSION": "authenticated"}
    assert unprotected() == []


# --- in a process of its own ---


def test_what_a_module_of_declarations_raises_is_kept_for_the_checks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "declared").mkdir()
    (tmp_path / "declared" / "__init__.py").touch()
    (tmp_path / "declared" / "wrongly.py").write_text(
        "import fraiseql_django as fraiseql\n\nfraiseql.type(str)\nfraiseql.field(cost=-1)\nfraiseql.requires_role()\n"
        "raise ImportError('no such\\nthing')\n"
    )
    registry = Registry()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(schemas._registries, None, registry)

    apps._discover(import_module("declared"), "nothing", registry)
    assert registry.problems == []
    apps._discover(import_module("declared"), "wrongly", registry)

    assert registry.problems == [
        "declared.wrongly, line 3: @type takes a Django model that has a table, not <class 'str'>",
        "declared.wrongly, line 4: cost is -1, must be a number of 0 or more",
        "declared.wrongly, line 5: requires_role takes names of groups, not ()",
        "declared.wrongly, line 6, the module with declarations of the app 'declared', cannot be imported: "
        "ImportError: no such thing; correct it, or if it has nothing to do with fraiseql_django, set "
        "FRAISEQL['DECLARATIONS_MODULE'] to the name that your own modules have",
    ]


def check(tmp_path: Path, settings: str, declarations: str = "") -> tuple[int, str]:
    """Run `manage.py check` in a project of its own."""
    (tmp_path / "shop").mkdir(exist_ok=True)
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "graphql.py").write_text(declarations)
    (tmp_path / "shop_settings.py").write_text(
        textwrap.dedent("""
            SECRET_KEY = "secret"
            INSTALLED_APPS = ["fraiseql_django", "shop"]
            DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none", "PORT": "1"}}
        """)
        + settings
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parent.parent)])
    result = subprocess.run(
        [sys.executable, "-m", "django", "check"],
        env={**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "shop_settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def test_a_project_with_wrong_settings_can_be_checked(tmp_path: Path) -> None:
    # the module asks for the engine while the app registry is being filled, which fails for the settings
    status, said = check(tmp_path, "FRAISEQL = {'X': 1}", "import fraiseql_django\nfraiseql_django.get_engine()\n")

    assert status == 1
    assert "Traceback" not in said
    assert "(fraiseql.E002) FRAISEQL has an unknown key 'X'." in said


def test_a_project_with_wrong_declarations_can_be_checked(tmp_path: Path) -> None:
    status, said = check(tmp_path, "", "import fraiseql_django\n\nfraiseql_django.type(str)\n")

    assert status == 1
    assert "Traceback" not in said
    assert "(fraiseql.E012) shop.graphql, line 3: @type takes a Django model that has a table" in said


def test_a_project_that_has_only_been_installed_can_migrate(tmp_path: Path) -> None:
    status, said = check(tmp_path, "")

    assert status == 0
    assert "(fraiseql.W004)" in said


def test_a_module_that_has_nothing_to_do_with_this_package_stops_no_command(tmp_path: Path) -> None:
    declarations = "import json\n\njson.loads('{')\n"
    status, said = check(tmp_path, "", declarations)

    assert status == 1
    assert "Traceback" not in said
    assert (
        "?: (fraiseql.E012) shop.graphql, line 3, the module with declarations of the app 'shop', cannot be imported: "
        "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) ("
    ) in said
    assert (
        "HINT: Correct it, or if it has nothing to do with fraiseql_django, set FRAISEQL['DECLARATIONS_MODULE'] to the "
        "name that your own modules have."
    ) in said


@pytest.mark.parametrize("name", ["'api.types'", "None", "'nothing.of.that'"])
def test_the_modules_name_is_a_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "shop" / "api").mkdir(parents=True)
    (tmp_path / "shop" / "api" / "__init__.py").touch()
    (tmp_path / "shop" / "api" / "types.py").write_text("import fraiseql_django\n\nfraiseql_django.type(str)\n")
    status, said = check(tmp_path, f"FRAISEQL = {{'DECLARATIONS_MODULE': {name}}}", "raise ImportError\n")

    if name == "'api.types'":
        assert status == 1
        assert "(fraiseql.E012) shop.api.types, line 3: @type takes a Django model that has a table" in said
    else:
        assert status == 0
        where = "DECLARATIONS_MODULE'] is None" if name == "None" else "in the module 'nothing.of.that' of an app"
        assert "(fraiseql.W004)" in said
        assert where in said


def test_every_mistake_of_a_module_is_said_at_once(tmp_path: Path) -> None:
    declarations = """
        import fraiseql_django as fraiseql
        from django.contrib.auth.models import Group, User

        fraiseql.types("shop", "shp")

        @fraiseql.type(User, fields="username", exclude=5)
        class UserType:
            price: int = fraiseql.field(cost=-1)

        @fraiseql.type(Group, fields=["name", "user_set", "nme"])
        class GroupType:
            def shout(self): ...

        @fraiseql.mutation(function="fn")
        def write(info): ...

        fraiseql.update(GroupType, fields=[fraiseql.nested("name")])
    """
    status, said = check(
        tmp_path,
        "INSTALLED_APPS += ['django.contrib.auth', 'django.contrib.contenttypes']\n",
        textwrap.dedent(declarations),
    )

    assert status == 1
    # Django sorts them
    assert sorted(line.split("E012) ")[1] for line in said.splitlines() if "E012) " in line) == [
        "auth.Group: Group.nme: Group has no field 'nme'.",
        "auth.Group: Group.shout is a method, which no field calls.",
        "shop.graphql, line 15: write is a Python function, but @mutation names a PostgreSQL function.",
        "shop.graphql, line 18: nested('name') allows nothing: give it connect, create, update, upsert, replace, "
        "disconnect, delete or set.",
        "shop.graphql, line 5: types() is given 'shp', which is no app.",
        "shop.graphql, line 7: exclude is 5, must be a list of names.",
        "shop.graphql, line 7: fields is 'username', must be a list of names or '__all__'.",
        "shop.graphql, line 9: cost is -1, must be a number of 0 or more.",
        "update(GroupType): name is no relation, so nothing can be nested in it.",
    ]


# --- columns whose type does not fit ---


@pytest.mark.django_db
@isolate_apps("tests.zoo")
def test_columns_whose_type_does_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Misfit(models.Model):
        number = models.IntegerField()
        words = ArrayField(models.TextField())
        opens = models.TimeField(db_column="from")
        code = models.CharField(max_length=40)
        exact = models.DecimalField(max_digits=5, decimal_places=2)

        class Meta:
            app_label = "zoo"
            db_table = "misfit"
            managed = False

    with connection.cursor() as cursor:
        cursor.execute(
            'CREATE TABLE misfit (id bigint, number varchar(9), words text, "from" timetz, code uuid, exact money)'
        )
    catalog.forget()
    registry = Registry()
    type_(Misfit, fields="__all__", registry=registry)(type("Misfit", (), {}))
    monkeypatch.setattr(checks, "default_registry", registry)

    hint = (
        "Values are cast when they are read and compared: those that cannot be cast are errors, and no index is used. "
        "Declare a field class for this type, change the column's type, or leave the field out."
    )
    assert checks.check_columns(databases=["default"]) == [
        Warning(f"zoo.Misfit.{name} is a {cls}, but its column is of type {sql}.", hint=hint, id="fraiseql.W022")
        for name, cls, sql in (
            ("number", "IntegerField", "character varying(9)"),
            ("words", "ArrayField", "text"),
            ("opens", "TimeField", "time with time zone"),
        )
    ]
    # the database is asked only where manage.py check --database names it
    assert checks.check_columns(databases=None) == []
    assert "fraiseql.W022" not in [message.id for message in run_checks()]
    catalog.forget()


@pytest.mark.django_db
def test_tables_without_a_trigger_are_a_warning_where_they_are_to_be_watched(settings: Any) -> None:
    def messages() -> list[CheckMessage]:
        return checks.check_watched_tables(databases=["default"])

    assert messages() == []

    settings.FRAISEQL = {"CACHE": {"WATCH": True}}
    call_command("fraiseql_watch", "--install", stdout=StringIO())
    assert messages() == []
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER fraiseql_watch ON bookshop_author")
        cursor.execute("ALTER TABLE bookshop_book DISABLE TRIGGER fraiseql_watch")

    assert messages() == [
        Warning(
            "FRAISEQL['CACHE']['WATCH'] is True, but these tables have no trigger that fires: bookshop_author, "
            "bookshop_book.",
            hint=(
                "Writes of other programs to them are not noticed. Add the triggers by a migration "
                "(fraiseql_django.operations.WatchTables) or by manage.py fraiseql_watch --install. If nobody else "
                "writes them, silence this check."
            ),
            id="fraiseql.W060",
        )
    ]
    # the database is asked only where manage.py check --database names it
    assert checks.check_watched_tables(databases=None) == []
