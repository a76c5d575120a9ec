"""Several schemas in a project: each has its declarations, its settings, its URL and its entries in the cache."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import path

from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import ConfigurationError, GraphQLEngine, Info, Registry, for_schema, get_engine
from fraiseql_django import type as declare
from fraiseql_django.conf.settings import get_settings, load, load_schema
from fraiseql_django.declare import schemas
from fraiseql_django.documents.trusted import digest
from fraiseql_django.health import check_project
from fraiseql_django.invalidation import versions
from fraiseql_django.schema.sdl import sdl
from fraiseql_django.views import GraphQLView
from tests.support import data

pytestmark = pytest.mark.django_db

urlpatterns: list[Any] = [path("graphql/", GraphQLView.as_view())]


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Declare two schemas beside the bookshop's; nothing of them is left after the test."""
    monkeypatch.setattr(schemas, "_registries", {None: schemas.default_registry})
    caches["locmem"].clear()
    settings.FRAISEQL = {
        "CACHE": {"ALIAS": "locmem", "TTL": 60},
        "LIMITS": {"DEPTH": 10, "MAX_ROWS": 50},
        "SCHEMAS": {
            "public": {"INTROSPECTION": "disabled", "LIMITS": {"DEPTH": 3}},
            "partners": {"CACHE": {"TTL": 5}, "CAMEL_CASE": False, "GRAPHIQL": {"ENABLED": True}},
        },
    }
    public, partners = for_schema("public"), for_schema("partners")

    @public.type(Book, name="Book", fields=["title"], rows=lambda viewer: True)
    class PublicBook: ...

    @partners.type(Book, fields=["title", "isbn", "created_at"])
    @public.type(Book, name="FullBook", fields=["isbn"], queries=(), primary=True)
    class PartnerBook: ...

    @partners.mutation
    def count_words(info: Info, some_text: str) -> int:
        """Count the words of a text."""
        return len(some_text.split())

    @public.mutation(name="ping", cost=2)
    def pong(info: Info) -> str:
        return "pong"

    settings.ROOT_URLCONF = __name__
    urlpatterns[1:] = [path(f"{name}/", GraphQLView.as_view(schema=name)) for name in ("public", "partners")]
    yield
    del urlpatterns[1:]


def book(title: str) -> Book:
    Author.objects.get_or_create(name="Ann")
    publisher = Publisher.objects.create(name="Press")
    made: Book = Book.objects.create(title=title, isbn=title, publisher=publisher, price=1)
    return made


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def post(client: Client, url: str, query: str, **body: Any) -> Any:
    return client.post(url, {"query": query, **body}, content_type="application/json").json()


# --- settings ---


def test_settings_of_a_schema_are_its_own_over_those_of_the_project() -> None:
    base, public, partners = get_settings(), get_settings("public"), get_settings("partners")

    assert (base.limits.depth, public.limits.depth, partners.limits.depth) == (10, 3, 10)
    assert (base.limits.max_rows, public.limits.max_rows) == (50, 50)
    assert (base.introspection, public.introspection) == ("public", "disabled")
    assert (base.cache.ttl, public.cache.ttl, partners.cache.ttl) == (60, 60, 5)
    assert (base.camel_case, partners.camel_case) == (True, False)


def test_each_schema_has_keys_of_its_own_in_the_cache() -> None:
    assert [get_settings(name).cache.key_prefix for name in (None, "public", "partners")] == [
        "fraiseql",
        "fraiseql:public",
        "fraiseql:partners",
    ]


def test_modules_and_documents_are_not_those_of_the_project() -> None:
    raw = {
        "DECLARATIONS_MODULE": "api",
        "TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": "documents"},
        "SCHEMAS": {"public": {}},
    }
    settings, problems = load_schema(raw, "public")

    assert problems == []
    assert (settings.declarations_module, settings.trusted_documents.mode) == (None, "required")
    assert settings.trusted_documents.path is None


def test_wrong_settings_of_a_schema_are_named_with_it() -> None:
    raw = {
        "SCHEMAS": {
            "public": {"TTL": 1, "LIMITS": {"DEPTH": 0, "MAX_ROWS": 5, "DEFAULT_ROWS": 6}, "SCHEMAS": {"x": {}}},
            "a b": {},
        }
    }

    assert [problem.message for problem in load(raw)[1]] == ["FRAISEQL['SCHEMAS'] has a schema 'a b'."]
    assert [problem.message for problem in load_schema(raw, "public")[1]] == [
        "FRAISEQL['SCHEMAS']['public'] has an unknown key 'TTL'.",
        "FRAISEQL['SCHEMAS']['public']['LIMITS']['DEPTH'] is 0, less than 1.",
        "FRAISEQL['SCHEMAS']['public'] has the key 'SCHEMAS'.",
        "FRAISEQL['SCHEMAS']['public']['LIMITS']['DEFAULT_ROWS'] is 6, more than "
        "FRAISEQL['SCHEMAS']['public']['LIMITS']['MAX_ROWS'], which is 5.",
    ]


@pytest.mark.parametrize("raw", [["public"], {"public": None}, {1: {}}])
def test_schemas_are_a_dictionary_of_dictionaries(raw: Any) -> None:
    (problem,) = load({"SCHEMAS": raw})[1]

    assert problem.message == f"FRAISEQL['SCHEMAS'] is {raw!r}, not a dictionary of dictionaries."


def test_a_wrong_shared_setting_is_an_error_of_every_schema(settings: Any) -> None:
    settings.FRAISEQL = {**settings.FRAISEQL, "JIT": "yes"}

    for name in (None, "public"):
        with pytest.raises(ConfigurationError, match=r"^FRAISEQL\['JIT'\] is 'yes', not True or False\."):
            get_settings(name)


# --- engines and declarations ---


def test_unknown_schemas_are_refused_with_those_that_are_known(settings: Any) -> None:
    message = r"there is no schema 'pubic'; must be one of: 'public', 'partners'"
    for use in (get_engine, get_settings, lambda name: GraphQLView.as_view(schema=name)):
        with pytest.raises(ConfigurationError, match=message):
            use("pubic")

    settings.FRAISEQL = {}
    with pytest.raises(ConfigurationError, match=r"there is no schema 'public'; FRAISEQL\['SCHEMAS'\] has none"):
        get_engine("public")


def test_each_schema_has_its_engine_with_its_types() -> None:
    public, partners = get_engine("public"), get_engine("partners")

    assert public is get_engine("public")
    assert list(public.schema.types) == ["Book", "FullBook"]
    assert list(partners.schema.types) == ["PartnerBook"]
    assert "Author" in get_engine().schema.types
    assert list(public.schema.mutations) == ["ping"]
    assert list(partners.schema.mutations) == ["count_words"]


def test_one_class_is_a_type_in_two_schemas() -> None:
    assert list(get_engine("public").schema.types["FullBook"].fields) == ["isbn"]
    assert list(get_engine("partners").schema.types["PartnerBook"].fields) == ["title", "isbn", "created_at"]


def test_types_of_other_schemas_are_refused_by_name() -> None:
    registry = Registry()

    @declare(Book, fields=["title"], registry=registry)
    class Elsewhere: ...

    @for_schema("partners").mutation
    def first(info: Info) -> Elsewhere | None:
        return None

    with pytest.raises(Exception, match="Elsewhere is declared in another registry"):
        _ = get_engine("partners").schema


def test_registry_alone_serves_an_engine() -> None:
    engine = GraphQLEngine(registry=for_schema("public").registry, cache=None)
    book("Bread")

    assert data(engine, "{ books { title } }") == {"books": [{"title": "Bread"}]}


# --- URLs ---


def test_each_schema_has_its_url(client: Client) -> None:
    book("Bread")

    assert post(client, "/public/", "{ books { title } }") == {"data": {"books": [{"title": "Bread"}]}}
    assert post(client, "/partners/", "{ partnerBooks { isbn } }") == {"data": {"partnerBooks": [{"isbn": "Bread"}]}}
    assert post(client, "/partners/", 'mutation { count_words(some_text: "a b") }') == {"data": {"count_words": 2}}
    assert "data" not in post(client, "/public/", "{ authors { name } }")
    assert post(client, "/graphql/", "{ authors { name } }") == {"data": {"authors": [{"name": "Ann"}]}}


def test_each_url_has_its_settings(client: Client) -> None:
    schema = "{ __schema { queryType { name } } }"

    assert post(client, "/public/", schema)["errors"][0]["extensions"]["code"] == "INTROSPECTION_DISABLED"
    assert "data" in post(client, "/partners/", schema)
    html = {"HTTP_ACCEPT": "text/html"}
    assert client.get("/partners/", **html)["Content-Type"].startswith("text/html")
    assert not client.get("/public/", **html)["Content-Type"].startswith("text/html")


def test_schema_of_a_subclass_of_the_view(client: Client) -> None:
    class PublicView(GraphQLView):
        schema = "public"

    urlpatterns.append(path("own/", PublicView.as_view()))

    assert post(client, "/own/", "mutation { ping }") == {"data": {"ping": "pong"}}


# --- cache ---


QUERY = "{ books { title } }"


@pytest.mark.django_db(transaction=True)
def test_answers_of_schemas_are_not_mixed_up_and_a_write_drops_all() -> None:
    """The three operations have one text, and two of them one statement."""
    one = book("Bread")
    engines = [get_engine(name) for name in (None, "public")]
    partner = get_engine("partners")

    def hits() -> list[int]:
        return [engine.statistics().result_hits for engine in (*engines, partner)]

    for _ in range(2):
        assert [data(engine, QUERY) for engine in engines] == [{"books": [{"title": "Bread"}]}] * 2
        assert data(partner, "{ partnerBooks { title } }") == {"partnerBooks": [{"title": "Bread"}]}
    assert hits() == [1, 1, 1]

    one.title = "Cakes"
    one.save()
    assert [data(engine, QUERY) for engine in engines] == [{"books": [{"title": "Cakes"}]}] * 2
    assert data(partner, "{ partnerBooks { title } }") == {"partnerBooks": [{"title": "Cakes"}]}
    assert hits() == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_only_writes_drops_the_answers_of_every_schema() -> None:
    """Other processes, here other engines on the same caches, have read; this one has built none."""
    one = book("Bread")
    readers = {
        name: GraphQLEngine(settings=get_settings(name), registry=schemas.registry_of(name))
        for name in (None, "public")
    }
    for engine in readers.values():
        data(engine, QUERY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "_watched_answers", type(versions._watched_answers)())
        one.title = "Cakes"
        one.save()

    for engine in readers.values():
        assert data(engine, QUERY) == {"books": [{"title": "Cakes"}]}


def test_persisted_queries_are_those_of_one_schema(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {**settings.FRAISEQL, "PERSISTED_QUERIES": {"ENABLED": True}}
    text = "{ __typename }"
    sent = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest(text).removeprefix("sha256:")}}}
    assert "data" in post(client, "/public/", text, **sent)

    def by_hash(url: str) -> Any:
        return client.post(url, sent, content_type="application/json").json()

    assert by_hash("/public/") == {"data": {"__typename": "Query"}}
    assert by_hash("/partners/")["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


# --- commands ---


def test_sdl_of_a_schema(tmp_path: Path) -> None:
    text = run("fraiseql_schema", "--schema", "public")
    assert text.rstrip() == sdl(get_engine("public").schema.graphql).rstrip()
    assert "count_words" not in text

    file = tmp_path / "schema.graphql"
    file.write_text("")
    with pytest.raises(CommandError, match=f"write it again: manage.py fraiseql_schema --schema public --out {file}"):
        run("fraiseql_schema", "--schema", "public", "--check", str(file))


@pytest.mark.parametrize("command", ["fraiseql_schema", "fraiseql_health", "fraiseql_clear_cache"])
def test_commands_refuse_unknown_schemas(command: str) -> None:
    with pytest.raises(CommandError, match=r"^there is no schema 'x'; must be one of: 'public', 'partners'$"):
        run(command, "--schema", "x")


def test_trust_writes_the_documents_of_a_schema(tmp_path: Path, settings: Any) -> None:
    source, out = tmp_path / "operations.graphql", tmp_path / "out"
    source.write_text("query Titles { books { title } }\n")
    trust = ("fraiseql_trust", str(source), "--schema")
    with pytest.raises(CommandError, match=r"set FRAISEQL\['SCHEMAS'\]\['public'\]\['TRUSTED_DOCUMENTS'\]\['PATH'\]"):
        run(*trust, "public")

    schemas_ = {**settings.FRAISEQL["SCHEMAS"], "public": {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": str(out)}}}
    settings.FRAISEQL = {**settings.FRAISEQL, "SCHEMAS": schemas_}
    run(*trust, "public")
    assert len(list(out.iterdir())) == 1
    with pytest.raises(CommandError, match=r"1 mistake; nothing is written"):
        run(*trust, "partners", "--out", str(out))
    with pytest.raises(CommandError, match=r"there is no schema 'x'"):
        run(*trust, "x")


def test_inspect_writes_declarations_for_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW v_title AS SELECT id, title FROM bookshop_book")
    text = run("fraiseql_inspect", "v_title", "--for", "public")

    assert 'import fraiseql_django as fraiseql\n\npublic = fraiseql.for_schema("public")\n' in text
    assert '@public.type(sql_source="v_title")\nclass Title:' in text
    module = ModuleType("public_declarations")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(text, vars(module))
    assert "Title" in get_engine("public").schema.types
    with pytest.raises(CommandError, match="there is no schema 'x'"):
        run("fraiseql_inspect", "v_title", "--for", "x")


def test_health_of_all_schemas_and_of_one() -> None:
    assert [check.name for check in check_project()] == [
        *("database", "cache", "schema"),
        *("public: database", "public: cache", "public: schema"),
        *("partners: database", "partners: cache", "partners: schema"),
    ]
    lines = run("fraiseql_health", "--schema", "public").splitlines()
    assert [line.split()[1:3] for line in lines] == [["public:", word] for word in ("database", "cache", "schema")]


@pytest.mark.django_db(transaction=True)
def test_clear_cache_clears_all_schemas_or_one() -> None:
    book("Bread")
    engines = {name: get_engine(name) for name in (None, "public")}
    for engine in engines.values():
        data(engine, QUERY)

    said = run("fraiseql_clear_cache", "--schema", "public", "--type", "FullBook").splitlines()
    assert said[0] == "answers read from bookshop_book: 1 entry removed."
    data(engines["public"], QUERY)
    said = run("fraiseql_clear_cache").splitlines()
    assert [line for line in said if "all answers" in line] == [
        "the project: all answers: 1 entry removed.",
        "public: all answers: 1 entry removed.",
        "partners: all answers: 0 entries removed.",
    ]


# --- checks ---


def messages() -> list[str]:
    left_out = ("fraiseql.W006", "fraiseql.W008", "fraiseql.W009")
    return [message.msg for message in run_checks(tags=["fraiseql"]) if message.id not in left_out]


def test_checks_name_the_schema(settings: Any) -> None:
    assert messages() == []

    @for_schema("public").type(Book, fields=["titel"])
    class Wrong: ...

    settings.FRAISEQL = {
        **settings.FRAISEQL,
        "SCHEMAS": {**settings.FRAISEQL["SCHEMAS"], "partners": {"DATABASE": "nowhere", "TTL": 1}, "empty": {}},
    }
    unknown_field, *others = messages()
    assert unknown_field.startswith("schema 'public': bookshop.Book: Wrong.titel: Book has no field 'titel'")
    assert others == [
        "schema 'partners': FRAISEQL['SCHEMAS']['partners'] has an unknown key 'TTL'.",
        "schema 'partners': FRAISEQL['DATABASE'] is 'nowhere', which is not in DATABASES.",
        "schema 'empty': No types or mutations are declared.",
    ]


def test_declarations_in_a_schema_that_no_setting_has_are_an_error() -> None:
    for_schema("unused")

    @for_schema("pubic").mutation
    def ping(info: Info) -> str:
        return ""

    assert messages() == [
        "for_schema('pubic') declares types of a schema that FRAISEQL['SCHEMAS'] does not have; must be one of: "
        "'public', 'partners'."
    ]
