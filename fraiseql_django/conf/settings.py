"""The ``FRAISEQL`` setting: every key once, with its type, its default and a line of explanation.

``FRAISEQL = {"CACHE": {"TTL": 60}}`` becomes ``Settings(cache=CacheSettings(ttl=60, ...), ...)``:
nested dictionaries are nested dataclasses, keys are the fields' names in capitals.

``FRAISEQL["SCHEMAS"]`` has further schemas by name, each with the keys that it has otherwise than ``FRAISEQL``:
``{"INTROSPECTION": "disabled", "SCHEMAS": {"public": {"LIMITS": {"DEPTH": 5}}}}``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from ..errors import ConfigurationError
from .reader import Problem, read, refuse


def _option(default: Any, doc: str, *, minimum: int | None = None, choices: tuple[str, ...] = ()) -> Any:
    metadata = {"doc": doc, "minimum": minimum, "choices": choices}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """``FRAISEQL["CACHE"]``: where answers are kept."""

    alias: str | None = _option("default", "Alias in CACHES of the cache that keeps answers; None keeps no answers.")
    ttl: int = _option(3600, "Seconds for which an answer is kept when no write drops it.", minimum=1)
    volatile_ttl: int = _option(
        0, "Seconds for which an answer is kept that depends on the clock or on chance; 0 keeps none.", minimum=0
    )
    max_age: int = _option(
        0, "Seconds for which a browser may keep an answer by GET that no `CachePolicy` says more of.", minimum=0
    )
    client_control: bool = _option(
        True, "Let a query shorten by `@cacheControl` how long its answer is kept, where policies are declared."
    )
    answer_bytes: int | None = _option(
        5_000_000, "Bytes of the largest answer that is kept; None keeps answers of every size.", minimum=0
    )
    wait_ms: int = _option(
        5000,
        "Milliseconds that an operation waits for an answer that another operation is reading at the same time; with "
        "0 each reads its own.",
        minimum=0,
    )
    claim_ms: int | None = _option(
        50,
        "Milliseconds that a statement takes for which processes agree in the cache which one runs it for all; None: "
        "each process runs its own.",
        minimum=0,
    )
    compress_bytes: int | None = _option(
        4000,
        "Bytes of the smallest answer that is compressed for a cache that processes share; None compresses none.",
        minimum=0,
    )
    key_prefix: str = _option("fraiseql", "Prefix of the keys of this project's entries.")
    lease: int = _option(
        30,
        "Seconds for which answers bypass the cache if a process dies while it commits a write to their tables.",
        minimum=1,
    )
    tells: tuple[str, ...] = _option(
        (), "Aliases in CACHES of further caches of answers, which the writes of this process drop answers in."
    )
    shards: int = _option(
        1, "Parts over which answers are spread in a Redis Cluster, the same in all processes.", minimum=1
    )
    backend: str = _option(
        "fraiseql_django.cache.django.DjangoCache", "Dotted path of the cache class, which is called with the alias."
    )
    watch: bool = _option(
        False, "Hear writes of other programs to watched tables in a thread of each process that executes operations."
    )
    watch_database: str | None = _option(
        None, "Alias in DATABASES of the connection that hears them, if `DATABASE` goes through a pooler."
    )
    watch_seconds: int = _option(
        5, "Seconds between checks of this connection, and for each of them to succeed.", minimum=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """``FRAISEQL["LIMITS"]``: how large an operation may be; None lifts a limit."""

    depth: int | None = _option(15, "Levels of nested fields (introspection not counted).", minimum=1)
    aliases: int | None = _option(50, "Aliased fields in the operation.", minimum=0)
    alias_length: int | None = _option(
        100, "Characters in an alias, which is in the answer as often as its field.", minimum=1
    )
    fields: int | None = _option(1000, "Selected fields; those of a fragment count at each spread.", minimum=1)
    breadth: int | None = _option(200, "Fields in one selection set, including fragments spread into it.", minimum=1)
    repeats: int | None = _option(
        100, "Mentions of one field in one place of the answer, for instance by several fragments.", minimum=1
    )
    document_bytes: int | None = _option(100_000, "Bytes in the document, as UTF-8.", minimum=1)
    tokens: int | None = _option(5000, "Tokens in the document.", minimum=1)
    variables_bytes: int | None = _option(
        500_000, "Bytes in the variables, as compact JSON in UTF-8; a file counts as null.", minimum=1
    )
    conditions: int | None = _option(
        500, "Conditions and sort keys in the operation, including those in its variables.", minimum=1
    )
    condition_depth: int | None = _option(
        10, "Steps through relations and through AND, OR and NOT in one condition or sort key.", minimum=0
    )
    planning: int | None = _option(
        25_000, "Work of planning the operation: relations, conditions and fields, weighted by their level.", minimum=1
    )
    objects: int | None = _option(
        1000,
        "Objects that mutations from models write, including items of their lists of objects and of keys.",
        minimum=1,
    )
    introspection: int | None = _option(
        1_000_000,
        "Cost of introspection: fields, times 100 for a list of types around them, 5 to 20 for other lists.",
        minimum=1,
    )
    root_fields: int | None = _option(20, "Root fields of the operation.", minimum=1)
    body_bytes: int | None = _option(
        1_000_000, "Bytes in the body of an HTTP request, or in one field of a form with files.", minimum=1
    )
    upload_bytes: int | None = _option(10_000_000, "Bytes in the body of an HTTP request with files.", minimum=1)
    statement_ms: int | None = _option(None, "Milliseconds that each statement of an operation can take.", minimum=1)
    max_rows: int | None = _option(None, "Largest value of `limit` on any list.", minimum=1)
    default_rows: int | None = _option(None, "Rows in a list without `limit`; None means `MAX_ROWS`.", minimum=1)
    complexity: int | None = _option(
        None, "Cost of the operation: fields, times the rows of the lists around them.", minimum=1
    )
    assumed_rows: int = _option(
        100, "Rows that `COMPLEXITY` assumes for a list if neither `limit` nor another setting limits it.", minimum=1
    )
    response_bytes: int | None = _option(10_000_000, "Bytes of an answer's data, as JSON.", minimum=1)
    rate: str | None = _option(
        None, "Operations over HTTP for each viewer in a second, minute, hour or day, like '600/m'."
    )
    rate_key: str | None = _option(
        None,
        "Dotted path of a function that returns the key to count a viewer's operations by; None counts by user, "
        "and by `REMOTE_ADDR` for anonymous viewers.",
    )
    concurrent_statements: int | None = _option(
        None, "Statements that operations run at once in each process; a mutation counts as one.", minimum=1
    )
    wait_ms: int = _option(
        1000, "Milliseconds that an operation waits while `CONCURRENT_STATEMENTS` others are running.", minimum=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySettings:
    """``FRAISEQL["MEMORY"]``: how much is kept, in estimated bytes; an entry takes an eighth of a bound at most."""

    documents: int = _option(32_000_000, "Bytes of validated documents in each process.", minimum=0)
    plans: int = _option(64_000_000, "Bytes of plans in each process.", minimum=0)
    persisted_queries: int = _option(8_000_000, "Bytes of persisted queries in each process.", minimum=0)
    answers: int = _option(
        64_000_000, "Bytes of answers in each process, where they are kept in a `LocMemCache`.", minimum=0
    )
    prepared_statements: int = _option(
        64_000_000, "Bytes of prepared statements in PostgreSQL, for each connection.", minimum=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchingSettings:
    """``FRAISEQL["BATCHING"]``: several operations in one request."""

    max_operations: int = _option(
        0, "Operations in a batch (a JSON array as the body); 0 turns batches off.", minimum=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """``FRAISEQL["SESSION"]``: session variables and the role that hold while a viewer's statements run."""

    variables: dict[str, str] = _option(  # noqa: RUF009 - it makes a new dictionary each time
        {},
        "Session variables: maps a name such as 'app.user_id' to a name to look up ('user_id') or to the dotted "
        "path of a function of the viewer.",
    )
    role: str | None = _option(
        None,
        "Dotted path of a function of the viewer that returns the role to SET; if it returns None, the "
        "connection's role stays.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiQLSettings:
    """``FRAISEQL["GRAPHIQL"]``: the page that a browser is shown."""

    enabled: bool | None = _option(None, "Serve GraphiQL to browsers; None follows DEBUG.")
    assets_url: str | None = _option(
        None,
        "URL of a folder with the files of the extra `graphiql`, for instance 'https://static.example/graphiql/'; "
        "None: static files of Django, or files that the endpoint itself serves.",
    )
    cdn: bool = _option(True, "Load GraphiQL from esm.sh, a public CDN, if the extra `graphiql` is not installed.")
    examples: str | Path | None = _option(  # noqa: RUF009 - a path cannot be changed
        None, "Folder of example operations (`*.graphql`) that the page offers; None means none."
    )
    headers: dict[str, str] = _option(  # noqa: RUF009 - it makes a new dictionary each time
        {}, "Headers that the page's editor of headers begins with: maps names to values."
    )
    links: dict[str, str] = _option(  # noqa: RUF009 - it makes a new dictionary each time
        {}, "Links beside the examples, for instance to the project's documentation: maps titles to URLs."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocumentSettings:
    """``FRAISEQL["TRUSTED_DOCUMENTS"]``: the documents that clients were built with."""

    mode: str = _option(
        "off",
        "'optional' executes trusted documents by their identifiers, and also other documents; 'required' "
        "executes only trusted documents.",
        choices=("off", "optional", "required"),
    )
    path: str | Path | None = _option(  # noqa: RUF009 - a path cannot be changed
        None, "Folder or manifest of the trusted documents, as `fraiseql_trust` writes it."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistedQuerySettings:
    """``FRAISEQL["PERSISTED_QUERIES"]``: documents that clients send once, and name by their hashes afterwards."""

    enabled: bool = _option(False, "Keep documents that clients send with their hash (automatic persisted queries).")
    ttl: int = _option(86_400, "Seconds for which the cache keeps such a document.", minimum=1)
    document_bytes: int = _option(50_000, "Bytes of the largest document that is kept, as UTF-8.", minimum=1)
    max_documents: int | None = _option(
        1000, "New documents that are kept in a time of `PERSISTED_QUERIES.TTL`; None means no limit.", minimum=1
    )
    rate: str | None = _option(
        "100/h", "New documents that are kept for each viewer in a second, minute, hour or day; None means no limit."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """``FRAISEQL["METRICS"]``: what is counted of operations, and who gets to see it."""

    operations: int = _option(
        200, "Operations that each process counts by name; those used last are kept, all others are one.", minimum=1
    )
    slowest: int = _option(20, "Statements that are remembered as the slowest, with their SQL; 0: none.", minimum=0)
    slow_ms: int | None = _option(
        None, "Milliseconds of an operation from which on it is logged as slow; None logs none.", minimum=0
    )
    interval: int = _option(
        10, "Seconds between two reports of a process's figures to the shared cache; 0 reports none.", minimum=0
    )
    retain: int = _option(3600, "Seconds for which the figures of a process that has ended are shown.", minimum=1)
    observers: tuple[str, ...] = _option(
        (), "Dotted paths of classes that are called at the beginning and at the end of each operation."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``FRAISEQL``, read and checked."""

    database: str = _option("default", "Alias in DATABASES of the database that operations use.")
    replicas: tuple[str, ...] = _option(
        (), "Aliases in DATABASES of replicas of `DATABASE`, which queries read where `DATABASE_ROUTERS` say so."
    )
    declarations_module: str | None = _option(
        "graphql",
        "Name of the module with declarations that is imported in every installed app that has one; None imports none.",
    )
    storage: str = _option(
        "fraiseql_django.storage.django.DjangoStorage",
        "Dotted path of the storage class, which is called with the alias.",
    )
    prepare_statements: bool = _option(
        True, "Prepare statements in PostgreSQL; turn off behind a pooler in transaction mode."
    )
    jit: bool = _option(False, "Let PostgreSQL compile the statements of operations (its setting `jit`).")
    max_prepared: int = _option(500, "Statements that stay prepared on each connection.", minimum=1)
    memory: MemorySettings = dataclasses.field(default_factory=MemorySettings)
    cache: CacheSettings = dataclasses.field(default_factory=CacheSettings)
    limits: LimitSettings = dataclasses.field(default_factory=LimitSettings)
    batching: BatchingSettings = dataclasses.field(default_factory=BatchingSettings)
    session: SessionSettings = dataclasses.field(default_factory=SessionSettings)
    metrics: MetricsSettings = dataclasses.field(default_factory=MetricsSettings)
    graphiql: GraphiQLSettings = dataclasses.field(default_factory=GraphiQLSettings)
    trusted_documents: TrustedDocumentSettings = dataclasses.field(default_factory=TrustedDocumentSettings)
    persisted_queries: PersistedQuerySettings = dataclasses.field(default_factory=PersistedQuerySettings)
    atomic_mutations: bool = _option(
        True, "Run all mutations of an operation in one transaction; otherwise each in its own."
    )
    mutation_retries: int = _option(
        3,
        "How often mutations are repeated after a deadlock or a serialization failure, if they touched only the "
        "database.",
        minimum=0,
    )
    default_permission: str = _option(
        "open",
        "Permission for types and mutations without one: 'open' (everybody), 'authenticated', or 'model' "
        "(Django's permission to view the model, or to add, change or delete it).",
        choices=("open", "authenticated", "model"),
    )
    introspection: str = _option(
        "public",
        "Who can query the schema, and see its names in errors: 'public' (everybody), 'authenticated', 'staff', "
        "or 'disabled' (nobody).",
        choices=("public", "authenticated", "staff", "disabled"),
    )
    require_preflight: bool = _option(
        False,
        "Refuse a query by GET without a header that a page of another site cannot send, such as "
        "`GraphQL-Require-Preflight`.",
    )
    extensions: tuple[str, ...] = _option(
        (),
        "Extensions of PostgreSQL whose operators the schema offers: 'pg_trgm', 'unaccent', or an own operator's.",
    )
    counts: bool = _option(True, "Give every list of rows a field beside it that counts them: `booksCount`.")
    node: bool = _option(
        False,
        "Give every row a global id, and the schema Relay's `Node`, `node(id)` and `nodes(ids)`. Every ID of a row "
        "that clients see or send is then a global one.",
    )
    camel_case: bool = _option(True, "Convert `first_name` to `firstName` in the schema.")
    document_cache_size: int = _option(1000, "Validated documents kept in each process.", minimum=1)
    plan_cache_size: int = _option(1000, "Plans kept in each process.", minimum=1)
    mask_errors: bool | None = _option(
        None, "Replace messages of unexpected errors by an id that is also logged. None: mask unless DEBUG is on."
    )
    scalars: dict[str, str] = _option(  # noqa: RUF009 - it makes a new dictionary each time
        {},
        "Field classes of other packages: maps the dotted path of each to that of the Django field class to treat it "
        "as, or to the name of a declared scalar.",
    )
    schemas: dict[str, dict[str, Any]] = _option(  # noqa: RUF009 - it makes a new dictionary each time
        {},
        "Further schemas: maps the name of each to the settings that it has otherwise than the project.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A documented key of ``FRAISEQL``, its name dotted: ``CACHE.TTL``."""

    name: str
    type: Any
    default: Any
    minimum: int | None
    choices: tuple[str, ...]
    doc: str


def options(cls: type = Settings, prefix: str = "") -> Iterator[Option]:
    """List every key that ``FRAISEQL`` may have, in the order of declaration."""
    hints = get_type_hints(cls)
    defaults = cls()
    for item in dataclasses.fields(cls):
        name = prefix + item.name.upper()
        if dataclasses.is_dataclass(hints[item.name]):
            yield from options(hints[item.name], name + ".")
        else:
            yield Option(
                name=name,
                type=hints[item.name],
                default=getattr(defaults, item.name),
                minimum=item.metadata["minimum"],
                choices=item.metadata["choices"],
                doc=item.metadata["doc"],
            )


def load(raw: Any) -> tuple[Settings, list[Problem]]:
    """Read the value of ``FRAISEQL``; a key that is wrong keeps its default and is among the problems."""
    problems: list[Problem] = []
    settings: Settings = read(Settings, raw, "FRAISEQL", problems)
    problems += _wrong_names(settings.schemas)
    problems += _contradictions(settings, "FRAISEQL")
    return settings, problems


def load_schema(raw: Any, name: str) -> tuple[Settings, list[Problem]]:
    """Read the settings of a schema in ``FRAISEQL["SCHEMAS"]``: its own keys over those of ``FRAISEQL``.

    It has entries of its own in the cache, and its declarations and its trusted documents are its own as well. Only
    what is wrong with its own keys is among the problems.
    """
    own, where = raw["SCHEMAS"][name], f"FRAISEQL['SCHEMAS'][{name!r}]"
    problems: list[Problem] = []
    read(Settings, own, where, problems)
    if own.get("SCHEMAS"):
        message, hint = (
            f"{where} has the key 'SCHEMAS'.",
            "Schemas stand side by side: write it in FRAISEQL['SCHEMAS'].",
        )
        problems.append(Problem(id="fraiseql.E002", message=message, hint=hint))
    shared = {key: value for key, value in raw.items() if key not in ("SCHEMAS", "DECLARATIONS_MODULE")}
    if isinstance(documents := shared.get("TRUSTED_DOCUMENTS"), Mapping):
        shared["TRUSTED_DOCUMENTS"] = {key: value for key, value in documents.items() if key != "PATH"}
    merged = {"DECLARATIONS_MODULE": None, **_over(own, shared), "SCHEMAS": {}}
    settings: Settings = read(Settings, merged, where, [])
    kept = settings.cache
    settings = dataclasses.replace(settings, cache=dataclasses.replace(kept, key_prefix=f"{kept.key_prefix}:{name}"))
    return settings, [*problems, *_contradictions(settings, where)]


def _over(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings over others; of those in nested dictionaries each is one."""
    nested = {item.name.upper() for item in dataclasses.fields(Settings) if isinstance(item.default_factory, type)}
    merged = {**shared, **own}
    for key in nested & own.keys() & shared.keys():
        if isinstance(own[key], Mapping) and isinstance(shared[key], Mapping):
            merged[key] = {**shared[key], **own[key]}
    return merged


def _wrong_names(schemas: Mapping[str, Any]) -> Iterator[Problem]:
    for name in schemas:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            message = f"FRAISEQL['SCHEMAS'] has a schema {name!r}."
            hint = "A name has letters, digits, '-' and '_', and begins with a letter."
            yield Problem(id="fraiseql.E040", message=message, hint=hint)


def _contradictions(settings: Settings, where: str) -> Iterator[Problem]:
    limits = settings.limits
    if limits.default_rows is not None and limits.max_rows is not None and limits.default_rows > limits.max_rows:
        message = (
            f"{where}['LIMITS']['DEFAULT_ROWS'] is {limits.default_rows}, "
            f"more than {where}['LIMITS']['MAX_ROWS'], which is {limits.max_rows}."
        )
        hint = "Make it MAX_ROWS at most; when it is None, MAX_ROWS takes its place."
        yield Problem(id="fraiseql.E005", message=message, hint=hint)
    if settings.persisted_queries.enabled and settings.trusted_documents.mode == "required":
        message = (
            f"{where}['PERSISTED_QUERIES']['ENABLED'] is True though {where}['TRUSTED_DOCUMENTS']['MODE'] is "
            "'required'."
        )
        hint = "Anybody can have a query persisted; where only trusted documents are executed, set ENABLED to False."
        yield Problem(id="fraiseql.E015", message=message, hint=hint)


@cache
def schema_names() -> tuple[str, ...]:
    """Return the names of the schemas that ``FRAISEQL["SCHEMAS"]`` has beside the project's own."""
    return tuple(load(getattr(django_settings, "FRAISEQL", {}))[0].schemas)


@cache
def told_aliases() -> tuple[str, ...]:
    """Return the aliases of ``CACHE.TELLS``; never raises, as a write must not fail where settings are wrong."""
    return load(getattr(django_settings, "FRAISEQL", {}))[0].cache.tells


def cache_aliases() -> frozenset[str]:
    """Return the aliases of all caches that writes of every process drop answers in, the schemas' and others."""
    found = {get_settings(schema).cache.alias for schema in (None, *schema_names())}
    return frozenset(alias for alias in (*found, *told_aliases()) if alias is not None)


def check_schema_name(name: str | None) -> None:
    """Raise ConfigurationError for a name that is not in ``FRAISEQL["SCHEMAS"]``; None is the project's own schema."""
    names = schema_names()
    if name is not None and name not in names:
        known = f"must be one of: {', '.join(map(repr, names))}" if names else "FRAISEQL['SCHEMAS'] has none"
        raise ConfigurationError(f"there is no schema {name!r}; {known}")


@cache
def get_settings(schema: str | None = None) -> Settings:
    """Return the project's settings, or those of a schema in ``FRAISEQL["SCHEMAS"]``.

    Raises ConfigurationError that lists every problem; `manage.py check` shows the same list.
    """
    raw = getattr(django_settings, "FRAISEQL", {})
    settings, problems = load(raw)
    if schema is not None:
        check_schema_name(schema)
        own, of_schema = load_schema(raw, schema)
        settings, problems = own, [*problems, *of_schema]
    refuse(problems)
    return settings


# The settings that an engine, its schema or what it keeps of either is made from
RELOADS = frozenset({"FRAISEQL", "DATABASES", "CACHES", "DEBUG", "USE_TZ", "TIME_ZONE", "LANGUAGE_CODE"})
_listeners: list[Callable[[], None]] = []


def on_reload(listener: Callable[[], None]) -> Callable[[], None]:
    """Call ``listener`` whenever a test or a shell changes a setting that the engine is built from."""
    _listeners.append(listener)
    return listener


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting in RELOADS:
        for kept in (get_settings, schema_names, told_aliases):
            kept.cache_clear()
        for listener in _listeners:
            listener()


setting_changed.connect(_reload, dispatch_uid="fraiseql_django.conf")
