"""``FRAISEQL``, read: defaults, what is refused and how it is said, and what a change sets off."""

import re
from pathlib import Path
from typing import Any

import pytest

import fraiseql_django
from fraiseql_django import ConfigurationError, GraphQLEngine, get_engine
from fraiseql_django.conf.settings import CacheSettings, LimitSettings, Settings, get_settings, load, options

KEYS = (
    "ATOMIC_MUTATIONS, BATCHING, CACHE, CAMEL_CASE, COUNTS, DATABASE, DECLARATIONS_MODULE, DEFAULT_PERMISSION, "
    "DOCUMENT_CACHE_SIZE, EXTENSIONS, GRAPHIQL, INTROSPECTION, JIT, LIMITS, MASK_ERRORS, MAX_PREPARED, MEMORY, "
    "METRICS, MUTATION_RETRIES, NODE, PERSISTED_QUERIES, PLAN_CACHE_SIZE, PREPARE_STATEMENTS, REPLICAS, "
    "REQUIRE_PREFLIGHT, "
    "SCALARS, SCHEMAS, SESSION, STORAGE, TRUSTED_DOCUMENTS"
)


def said(raw: Any) -> list[tuple[str, str]]:
    return [(problem.id, problem.message) for problem in load(raw)[1]]


def test_defaults_are_those_of_the_classes() -> None:
    assert load({}) == (Settings(), [])


def test_nested_dictionaries_become_nested_settings() -> None:
    settings, problems = load({"DATABASE": "replica", "CACHE": {"TTL": 60}, "LIMITS": {"DEPTH": None}})

    assert problems == []
    assert settings == Settings(database="replica", cache=CacheSettings(ttl=60), limits=LimitSettings(depth=None))


@pytest.mark.parametrize("raw", [None, [], "default", 5])
def test_no_dictionary_is_refused(raw: Any) -> None:
    assert said(raw) == [("fraiseql.E001", f"FRAISEQL is {raw!r}, not a dictionary.")]
    assert said({"CACHE": raw}) == [("fraiseql.E001", f"FRAISEQL['CACHE'] is {raw!r}, not a dictionary.")]


def test_unknown_keys_are_refused_at_each_level_with_the_known_ones() -> None:
    _, (top, nested) = load({"cache": {}, "CACHE": {"ttl": 5}})

    assert (top.message, top.hint) == ("FRAISEQL has an unknown key 'cache'.", f"Must be one of: {KEYS}.")
    assert (nested.message, nested.hint) == (
        "FRAISEQL['CACHE'] has an unknown key 'ttl'.",
        "Must be one of: ALIAS, ANSWER_BYTES, BACKEND, CLAIM_MS, CLIENT_CONTROL, COMPRESS_BYTES, KEY_PREFIX, LEASE, "
        "MAX_AGE, SHARDS, TELLS, TTL, VOLATILE_TTL, WAIT_MS, WATCH, WATCH_DATABASE, WATCH_SECONDS.",
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"DATABASE": None}, "FRAISEQL['DATABASE'] is None, not a string."),
        ({"CAMEL_CASE": 1}, "FRAISEQL['CAMEL_CASE'] is 1, not True or False."),
        ({"MASK_ERRORS": "no"}, "FRAISEQL['MASK_ERRORS'] is 'no', not True, False or None."),
        ({"CACHE": {"TTL": True}}, "FRAISEQL['CACHE']['TTL'] is True, not an integer."),
        ({"CACHE": {"TTL": 1.5}}, "FRAISEQL['CACHE']['TTL'] is 1.5, not an integer."),
        ({"CACHE": {"ALIAS": 3}}, "FRAISEQL['CACHE']['ALIAS'] is 3, not a string or None."),
        ({"LIMITS": {"DEPTH": "15"}}, "FRAISEQL['LIMITS']['DEPTH'] is '15', not an integer or None."),
        ({"SCALARS": ["x"]}, "FRAISEQL['SCALARS'] is ['x'], not a dictionary of strings."),
        ({"SCALARS": {"x": str}}, "FRAISEQL['SCALARS'] is {'x': <class 'str'>}, not a dictionary of strings."),
    ],
)
def test_wrong_types_are_refused(raw: Any, message: str) -> None:
    assert said(raw) == [("fraiseql.E003", message)]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"CACHE": {"TTL": 0}}, "FRAISEQL['CACHE']['TTL'] is 0, less than 1."),
        ({"LIMITS": {"ALIASES": -1}}, "FRAISEQL['LIMITS']['ALIASES'] is -1, less than 0."),
        ({"PLAN_CACHE_SIZE": 0}, "FRAISEQL['PLAN_CACHE_SIZE'] is 0, less than 1."),
    ],
)
def test_values_below_their_minimum_are_refused(raw: Any, message: str) -> None:
    assert said(raw) == [("fraiseql.E004", message)]


def test_more_rows_by_default_than_at_most_are_refused() -> None:
    message = "FRAISEQL['LIMITS']['DEFAULT_ROWS'] is 101, more than FRAISEQL['LIMITS']['MAX_ROWS'], which is 100."

    assert said({"LIMITS": {"MAX_ROWS": 100, "DEFAULT_ROWS": 101}}) == [("fraiseql.E005", message)]
    assert said({"LIMITS": {"MAX_ROWS": 100, "DEFAULT_ROWS": 100}}) == []
    assert said({"LIMITS": {"MAX_ROWS": None, "DEFAULT_ROWS": 100}}) == []


def test_a_wrong_key_keeps_its_default_and_right_ones_count() -> None:
    settings, problems = load({"CACHE": {"TTL": "long", "ALIAS": "redis"}})

    assert len(problems) == 1
    assert settings.cache == CacheSettings(alias="redis", ttl=3600)


def test_get_settings_says_every_problem(settings: Any) -> None:
    settings.FRAISEQL = {"DATABSE": "default", "CACHE": {"TTL": 0}}

    with pytest.raises(ConfigurationError) as caught:
        get_settings()

    assert str(caught.value) == (
        f"FRAISEQL has an unknown key 'DATABSE'. Must be one of: {KEYS}.\n"
        "FRAISEQL['CACHE']['TTL'] is 0, less than 1. "
        "Seconds for which an answer is kept when no write drops it."
    )


def test_a_project_without_the_setting_has_the_defaults(settings: Any) -> None:
    del settings.FRAISEQL

    assert get_settings() == Settings()


def test_a_changed_setting_makes_another_engine(settings: Any) -> None:
    before = get_engine()
    settings.FRAISEQL = {"CACHE": {"TTL": 7}}

    assert get_engine() is not before
    assert get_engine().settings.cache.ttl == 7


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            {"STORAGE": "no.such.Storage"},
            "FRAISEQL['STORAGE'] is 'no.such.Storage', which cannot be imported: No module named 'no'. "
            "Name a class with the methods of fraiseql_django.storage.base.Storage.",
        ),
        (
            {"CACHE": {"BACKEND": "datetime.date"}},
            "FRAISEQL['CACHE']['BACKEND'] is 'datetime.date', which lacks: "
            "get, get_many, set, add, add_many, mark_many, replace_many, increment, delete, delete_many, keys, clear, "
            "health_check. "
            "Name a class with the methods of fraiseql_django.cache.base.Cache.",
        ),
        (
            {"DATABASE": "nowhere"},
            "FRAISEQL['DATABASE'] is 'nowhere', which is not in DATABASES. Must be one of: 'default', 'second'.",
        ),
        (
            {"CACHE": {"ALIAS": "nowhere"}},
            "FRAISEQL['CACHE']['ALIAS'] is 'nowhere', which is not in CACHES. "
            "Must be one of: 'default', 'locmem', 'redis'. None caches no answers.",
        ),
        (
            {"STORAGE": "tests.conf.test_settings.Argumentative"},
            "FRAISEQL['STORAGE'] is 'tests.conf.test_settings.Argumentative', which does not take "
            "('default', prepare_statements=True): Argumentative() takes no arguments",
        ),
    ],
)
def test_an_engine_that_cannot_be_built_says_why(settings: Any, raw: Any, message: str) -> None:
    settings.FRAISEQL = raw

    with pytest.raises(ConfigurationError) as caught:
        get_engine()

    assert str(caught.value) == message


class Argumentative:
    """A class that hands everything on, but takes no alias."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def test_a_cache_that_cannot_be_made_is_refused(settings: Any) -> None:
    settings.CACHES = {**settings.CACHES, "broken": {"BACKEND": "no.such.Cache"}}
    settings.FRAISEQL = {"CACHE": {"ALIAS": "broken"}}

    with pytest.raises(ConfigurationError, match=r"^FRAISEQL\['CACHE'\]\['ALIAS'\] is 'broken', which cannot be made"):
        get_engine()


def test_storage_and_cache_classes_can_be_replaced_by_dotted_path(settings: Any) -> None:
    settings.FRAISEQL = {
        "STORAGE": "tests.conf.test_settings.OtherStorage",
        "CACHE": {"BACKEND": "tests.conf.test_settings.OtherCache", "KEY_PREFIX": "mine"},
        "PREPARE_STATEMENTS": False,
    }
    engine = get_engine()

    assert vars(engine.storage) == {"alias": "default", "options": {"prepare_statements": False}}
    assert vars(engine.cache) == {"alias": "default", "options": {"prefix": "mine"}}


class Other:
    """Takes what it is given, and has whatever is asked for."""

    def __init__(self, alias: str, **options: Any) -> None:
        self.alias = alias
        self.options = options

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class OtherStorage(Other):
    """A storage of a project's own."""


class OtherCache(Other):
    """A cache of a project's own."""


def test_config_of_the_engine_is_a_copy() -> None:
    engine = GraphQLEngine()
    engine.config["cache"]["ttl"] = 1

    assert engine.config["cache"]["ttl"] == 3600


@pytest.mark.parametrize("name", [option.name for option in options()])
def test_no_setting_goes_unread(name: str) -> None:
    attribute = name.rpartition(".")[2].lower()
    package = Path(fraiseql_django.__file__).parent
    sources = [path.read_text() for path in package.rglob("*.py") if path.name != "conf.py"]

    assert any(re.search(rf"\.{attribute}\b", source) for source in sources)
