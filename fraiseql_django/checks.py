"""System checks of a project: settings, declarations, caches and .sql files. ``codes.CHECKS`` has their ids.

Only those with --database connect to a database, and only W032 to a cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from ._django import has_routers, ignores_errors, redis_memory
from .conf.factories import cache_problems, observer_problems, storage_problems
from .conf.reader import Problem
from .conf.settings import Settings, load, load_schema
from .declare.registry import Registry, default_registry
from .declare.scalars import scalars_of
from .declare.schemas import declared_schemas, registry_of
from .declare.secrets import shown_secrets
from .declare.unrestricted_reads import past_rules
from .documents.trusted import document_problems
from .errors import ConfigurationError, DeclarationError
from .execution.rate_limit import rate_problems
from .execution.session import schema_problems, session_problems
from .http.examples import example_problems
from .planner.column_types import fits
from .schema.annotations import PYTHON_SCALARS
from .schema.build import Schema, build_schema
from .schema.definition import Column, Embedded, TypeDef
from .schema.django_fields import SCALARS, mapped_classes
from .schema.operators import BUILT_IN
from .schema.routing import routing_problems
from .schema.scalars.declared import declared_scalars
from .schema.scalars.postgres import EXTENSIONS
from .sql.files import all_differences
from .sql.script import written_name
from .sql.triggers import states, tables_of

TAG = "fraiseql"
KNOWN_EXTENSIONS = frozenset(entry.extension for entry in BUILT_IN if entry.extension is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A schema of the project: its name in ``SCHEMAS``, its declarations, its settings and what is wrong with these."""

    name: str | None = None
    registry: Registry
    settings: Settings
    problems: list[Problem]

    def labelled(self, messages: Iterable[CheckMessage]) -> list[CheckMessage]:
        """Return messages that begin with the schema's name, where it has one."""
        found = list(messages)
        for message in found if self.name is not None else ():
            message.msg = f"schema {self.name!r}: {message.msg}"
        return found


def _schemas() -> list[_Checked]:
    raw = getattr(django_settings, "FRAISEQL", {})
    settings, problems = load(raw)
    # the settings of further schemas are read only where those that they share are right
    names = () if problems else tuple(settings.schemas)
    found = [_Checked(registry=default_registry, settings=settings, problems=problems)]
    for name in names:
        own, of_schema = load_schema(raw, name)
        found.append(_Checked(name=name, registry=registry_of(name), settings=own, problems=of_schema))
    return found


@register(TAG)
def check_project(**kwargs: Any) -> list[CheckMessage]:
    """Check the settings of each schema and, if they are valid, its declarations."""
    schemas = _schemas()
    found = [message for checked in schemas for message in checked.labelled(_check_schema(checked))]
    return [*found, *_unknown_schemas(schemas)]


def _check_schema(checked: _Checked) -> list[CheckMessage]:
    settings, problems, registry = checked.settings, list(checked.problems), checked.registry
    problems += storage_problems(settings)
    problems += cache_problems(settings)
    problems += rate_problems(settings, cached=settings.cache.alias is not None)
    problems += document_problems(settings.trusted_documents)
    problems += example_problems(settings.graphiql)
    problems += session_problems(settings.session)
    problems += observer_problems(settings)
    if settings.cache.alias is not None and not any(problem.id == "fraiseql.E006" for problem in problems):
        problems += schema_problems(settings.database, settings.session)
    problems += _scalar_problems(settings, registry)
    schema: Schema | None = None
    if not problems:
        schema, problems = _built(settings, registry)
    errors = [Error(item.message, hint=item.hint, id=item.id) for item in problems]
    return [
        *errors,
        *_silent_cache(settings),
        *_keys_by_schema(settings),
        *_nothing_declared(checked),
        *_unrestricted_reads(registry),
        *([] if problems else _unbounded(settings, registry)),
        *_shown_secrets(registry),
        *_left_out(schema, registry),
        *_unknown_extensions(schema, settings),
        *_unread_replicas(settings),
    ]


@register(TAG, deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Check for settings that are not suitable for production."""
    return [message for checked in _schemas() for message in checked.labelled(_check_deployment(checked))]


def _check_deployment(checked: _Checked) -> list[CheckMessage]:
    settings = checked.settings
    return [
        *_unshared_cache(settings),
        *_memory_of_redis(settings),
        *_open_graphiql(settings),
        *([] if checked.problems else _unprotected(settings, checked.registry)),
        *_introspection(settings),
    ]


def _unknown_schemas(schemas: Iterable[_Checked]) -> Iterator[CheckMessage]:
    names = [checked.name for checked in schemas if checked.name is not None]
    for name in declared_schemas():
        if name not in names:
            known = f"must be one of: {', '.join(map(repr, names))}" if names else "there are none"
            yield Error(
                f"for_schema({name!r}) declares types of a schema that FRAISEQL['SCHEMAS'] does not have; {known}.",
                hint=f"Add {{{name!r}: {{}}}} to FRAISEQL['SCHEMAS'], or correct the name.",
                id="fraiseql.E041",
            )


@register(TAG)
def check_sql_files(**kwargs: Any) -> list[CheckMessage]:
    """Check that the .sql files of apps and their migrations have the same text."""
    return [
        Warning(
            f"{item.app_label}/{item.file} {item.description}.",
            hint="Run manage.py fraiseql_makemigrations, which writes the migration or shows the error.",
            id="fraiseql.W005",
        )
        for item in all_differences()
    ]


def _schema_in(checked: _Checked, databases: Sequence[str]) -> Schema | None:
    """Return the schema to compare with its database; None if others are checked, or other checks report an error."""
    settings = checked.settings
    # migrate runs these checks alone, so a database that is not PostgreSQL reaches them
    if settings.database not in databases or checked.problems or any(storage_problems(settings)):
        return None
    try:
        return build_schema(checked.registry, settings)
    except (DeclarationError, ConfigurationError):
        return None


@register(Tags.database)
def check_columns(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the columns of types have the types that their fields' classes stand for."""
    return [message for checked in _schemas() for message in checked.labelled(_check_columns(checked, databases or ()))]


def _check_columns(checked: _Checked, databases: Sequence[str]) -> list[CheckMessage]:
    settings = checked.settings
    schema = _schema_in(checked, databases)
    if schema is None:
        return []
    return list(_misfits(schema.types.values(), settings.database))


@register(Tags.database)
def check_extensions(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the database has the extensions whose types and operators the schema offers."""
    return [
        message for checked in _schemas() for message in checked.labelled(_check_extensions(checked, databases or ()))
    ]


def _check_extensions(checked: _Checked, databases: Sequence[str]) -> list[CheckMessage]:
    settings = checked.settings
    schema = _schema_in(checked, databases)
    if schema is None:
        return []
    with connections[settings.database].cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        installed = {name for (name,) in cursor.fetchall()}
    # not errors, which would stop the migration that installs it
    return [
        Warning(
            f"The database {settings.database!r} has no extension {name!r}, which {what} need.",
            hint=(
                f"Install it by a migration: django.contrib.postgres.operations.CreateExtension({name!r}). "
                f"Operations that use it fail until then."
            ),
            id="fraiseql.W040",
        )
        for name, what in sorted(needed_extensions(schema).items())
        if name not in installed
    ]


@register(Tags.database)
def check_watched_tables(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the tables of types have the triggers that ``CACHE.WATCH`` listens to."""
    return [message for checked in _schemas() for message in checked.labelled(_check_watched(checked, databases or ()))]


def _check_watched(checked: _Checked, databases: Sequence[str]) -> list[CheckMessage]:
    settings = checked.settings
    schema = _schema_in(checked, databases) if settings.cache.watch else None
    if schema is None:
        return []
    found = states(tables_of(schema, settings.database), settings.database)
    missing = [written_name(name) for name, watched in found.items() if not watched]
    if not missing:
        return []
    return [
        Warning(
            f"FRAISEQL['CACHE']['WATCH'] is True, but these tables have no trigger that fires: {', '.join(missing)}.",
            hint=(
                "Writes of other programs to them are not noticed. Add the triggers by a migration "
                "(fraiseql_django.operations.WatchTables) or by manage.py fraiseql_watch --install. If nobody else "
                "writes them, silence this check."
            ),
            id="fraiseql.W060",
        )
    ]


def needed_extensions(schema: Schema) -> dict[str, str]:
    """Return the extensions that a schema needs, each with what needs it."""
    found = dict.fromkeys(schema.operators.extensions, "operators that FRAISEQL['EXTENSIONS'] asks for")
    for definition in schema.types.values():
        for field in definition.fields.values():
            name = EXTENSIONS.get(getattr(getattr(field, "scalar", None), "name", ""))
            if name is not None:
                found[name] = "fields of this type"
    return found


def _unknown_extensions(schema: Schema | None, settings: Settings) -> Iterator[CheckMessage]:
    for name in settings.extensions if schema is not None else ():
        if schema is not None and name not in schema.operators.extensions:
            yield Warning(
                f"FRAISEQL['EXTENSIONS'] names {name!r}, which no operator needs.",
                hint=(
                    f"Operators need: {', '.join(sorted(KNOWN_EXTENSIONS))}, and what operators of the project's own "
                    f"name. Types of extensions (hstore, ltree, vector) have theirs without it."
                ),
                id="fraiseql.W041",
            )


def _unread_replicas(settings: Settings) -> Iterator[CheckMessage]:
    """Warn of replicas that no query is ever sent to."""
    if not settings.replicas:
        return
    reason = "there are no DATABASE_ROUTERS" if not has_routers() else "FRAISEQL['CACHE']['ALIAS'] is None"
    if not has_routers() or settings.cache.alias is None:
        yield Warning(
            f"FRAISEQL['REPLICAS'] has {_listed(settings.replicas)}, but every query reads the primary: {reason}.",
            hint=(
                "Let db_for_read() of a router return the alias of a replica, and keep answers in a cache that all "
                "processes share, where the versions of tables say what a replica must have replayed."
            ),
            id="fraiseql.W050",
        )


def _misfits(types: Iterable[TypeDef], alias: str) -> Iterator[CheckMessage]:
    found = {}
    for definition in types:
        for field in definition.fields.values():
            if isinstance(field, (Column, Embedded)) and definition.source is None:
                info = fits(definition.model, field, alias)
                if info is not None:
                    found[definition.model._meta.get_field(field.column)] = info
    for column, info in found.items():
        model: Any = column.model
        yield Warning(
            f"{model._meta.label}.{column.name} is a {type(column).__name__}, but its column is of type {info.type}.",
            hint=(
                "Values are cast when they are read and compared: those that cannot be cast are errors, and no index "
                "is used. Declare a field class for this type, change the column's type, or leave the field out."
            ),
            id="fraiseql.W022",
        )


def _scalar_problems(settings: Settings, registry: Registry) -> Iterator[Problem]:
    try:
        declared = declared_scalars(scalars_of(registry), PYTHON_SCALARS)
    except DeclarationError:
        # reported with the other declarations
        return
    names = ", ".join(sorted(cls.__name__ for cls in SCALARS))
    for path, target in settings.scalars.items():
        try:
            mapped_classes(path, target, declared)
        except ConfigurationError as error:
            hint = f"Write {{'path.of.TheirField': 'path.of.KnownField'}}; the latter is or extends one of: {names}."
            yield Problem(id="fraiseql.E011", message=str(error), hint=hint)


def _nothing_declared(checked: _Checked) -> Iterator[CheckMessage]:
    settings = checked.settings
    # a project may have declared everything in its other schemas
    if not checked.registry.is_empty or (checked.name is None and declared_schemas()):
        return
    # not an error, which would prevent the first migrate of a new project
    decorators = (
        "@fraiseql.type or fraiseql.types" if checked.name is None else f"fraiseql.for_schema({checked.name!r})"
    )
    if settings.declarations_module:
        hint = (
            f"Declare types with {decorators} in the module {settings.declarations_module!r} of an app, next to its "
            f"models module."
        )
    elif checked.name is None:
        hint = "FRAISEQL['DECLARATIONS_MODULE'] is None: import the modules that declare types yourself."
    else:
        hint = f"Declare types with {decorators}, in a module that is imported when Django starts."
    yield Warning("No types or mutations are declared.", hint=hint, id="fraiseql.W004")


def _unrestricted_reads(registry: Registry) -> Iterator[CheckMessage]:
    for line in past_rules(registry):
        yield Warning(
            line,
            hint=(
                "The project's own expressions read all rows, so their values may depend on rows that a viewer may not "
                "see. Give the field a permission=… of its own, sort by columns of the model, or silence this check if "
                "everybody may know the values."
            ),
            id="fraiseql.W007",
        )


def _shown_secrets(registry: Registry) -> Iterator[CheckMessage]:
    for declaration in registry.types:
        if names := shown_secrets(declaration):
            yield Warning(
                f"{declaration.label}: {declaration.name} shows {_listed(names)}, as all fields are declared; "
                f"{'they look like secrets' if len(names) > 1 else 'it looks like a secret'}.",
                hint=(
                    f"Leave {'them' if len(names) > 1 else 'it'} out with exclude={names!r}. A field that clients may "
                    f"read all the same is named in the class: `{names[0]}: fraiseql.auto`, with "
                    f"`= fraiseql.field(permission=…)` for some of them."
                ),
                id="fraiseql.W020",
            )


def _left_out(schema: Schema | None, registry: Registry) -> Iterator[CheckMessage]:
    for label, reason in schema.left_out.items() if schema is not None else ():
        yield Warning(
            f"{label} has no type: {reason.partition('; ')[0]}.",
            hint="Exclude the model from fraiseql.types(…) to silence this check.",
            id="fraiseql.W021",
        )
    labels = {declaration.name: declaration.label for declaration in registry.types}
    for definition in schema.types.values() if schema is not None else ():
        for item in definition.left_out:
            if item.column:
                reason, _, remedy = item.reason.partition("; ")
                yield Warning(
                    f"{labels[definition.name]}: {definition.name} has all fields but {item.name!r}: {reason}.",
                    hint=_sentence(f"{remedy[:1].upper()}{remedy[1:]}; exclude=[{item.name!r}] silences this check"),
                    id="fraiseql.W021",
                )


def _listed(names: Sequence[str]) -> str:
    *others, last = map(repr, names)
    return f"{', '.join(others)} and {last}" if others else last


def _built(settings: Settings, registry: Registry) -> tuple[Schema | None, list[Problem]]:
    """Build the schema of all declarations, if there are any; return it, or what is wrong with them."""
    if registry.is_empty:
        return None, []
    try:
        schema = build_schema(registry, settings)
        return schema, list(routing_problems(schema, registry, settings.database))
    except DeclarationError as error:
        return None, [_declaration_problem(line) for line in str(error).splitlines()]


def _declaration_problem(line: str) -> Problem:
    # by convention, the solution follows a semicolon
    message, _, hint = line.partition("; ")
    hint = hint or "Correct the declaration in the app's graphql module"
    return Problem(id="fraiseql.E012", message=_sentence(message), hint=_sentence(hint[0].upper() + hint[1:]))


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."


def _cache(settings: Settings) -> Any:
    """Return the Django cache for answers; None if there is none, or if it cannot be created."""
    if settings.cache.alias is None or any(problem.id == "fraiseql.E009" for problem in cache_problems(settings)):
        return None
    return caches[settings.cache.alias]


def _silent_cache(settings: Settings) -> Iterator[CheckMessage]:
    cache, alias = _cache(settings), settings.cache.alias
    if cache is None or alias is None:
        return
    # options of django-redis and pymemcache; Django's other backends always raise
    if ignores_errors(cache, alias):
        yield Warning(
            f"CACHES[{alias!r}] ignores exceptions: writes during an outage of the cache leave stale answers in it.",
            hint=(
                f"They are used for up to {settings.cache.ttl} seconds. Let the cache raise exceptions, or use a "
                f"separate alias for answers: FraiseQL continues without a cache that raises."
            ),
            id="fraiseql.W003",
        )


def _keys_by_schema(settings: Settings) -> Iterator[CheckMessage]:
    cache, alias = _cache(settings), settings.cache.alias
    if cache is None or alias is None:
        return
    function = getattr(cache, "key_func", None)
    path = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
    # what these packages document for CACHES
    if path.startswith(("django_tenants.", "django_pgschemas.", "tenant_schemas.")):
        yield Warning(
            f"CACHES[{alias!r}]['KEY_FUNCTION'] is {path!r}: a write in one schema does not drop the answers that were "
            "read in another.",
            hint=(
                f"Answers read from tables that the schemas share stay stale for up to {settings.cache.ttl} seconds. "
                "Use a separate alias for answers, without KEY_FUNCTION: the schema is a part of their keys already."
            ),
            id="fraiseql.W031",
        )


def _unshared_cache(settings: Settings) -> Iterator[CheckMessage]:
    cache, alias = _cache(settings), settings.cache.alias
    if isinstance(cache, LocMemCache):
        if settings.cache.watch:
            # each process hears the writes of the others
            return
        yield Error(
            f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}, a cache in the memory of each process.",
            hint=(
                f"After a write in one process, the others use stale answers for up to {settings.cache.ttl} seconds. "
                f"Name a cache that all processes share (Redis, Memcached), or None; or watch the tables "
                f"(FRAISEQL['CACHE']['WATCH']). If there is only one process, and no command writes, silence this "
                f"check."
            ),
            id="fraiseql.E013",
        )
    elif isinstance(cache, DummyCache):
        yield Warning(
            f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}, a dummy cache, which stores nothing.",
            hint="Name a cache that all processes share, or None.",
            id="fraiseql.W002",
        )


# Redis may be unreachable from where the check runs
_REDIS_SECONDS = 5


def _memory_of_redis(settings: Settings) -> Iterator[CheckMessage]:
    cache, alias = _cache(settings), settings.cache.alias
    memory = None if cache is None else _asked_of_redis(cache)
    if memory is None:
        return
    most, policy = memory
    if most == 0:
        yield Warning(
            f"The Redis of CACHES[{alias!r}] has no limit of memory (maxmemory is 0).",
            hint=(
                "Clients decide how many answers there are. Set maxmemory to what answers may take, and "
                "maxmemory-policy to allkeys-lru, or to volatile-lru where keys that must stay are in the same Redis."
            ),
            id="fraiseql.W032",
        )
    elif policy == "noeviction":
        yield Warning(
            f"The Redis of CACHES[{alias!r}] removes nothing when its memory is full (maxmemory-policy is noeviction).",
            hint=(
                "It then refuses new answers, and whatever else is written to it. Set maxmemory-policy to allkeys-lru, "
                "or to volatile-lru where keys that must stay are in the same Redis."
            ),
            id="fraiseql.W032",
        )
    elif policy == "allkeys-random":
        yield Warning(
            f"The Redis of CACHES[{alias!r}] removes keys by the policy {policy!r} when its memory is full.",
            hint=(
                "It removes the version of a table as soon as an answer, which drops all answers that were read from "
                "the table. Set maxmemory-policy to allkeys-lru or volatile-lru."
            ),
            id="fraiseql.W032",
        )


def _asked_of_redis(cache: Any) -> tuple[int, str] | None:
    """Return the limit of a Redis and its policy; None for other caches, and where it does not answer in time."""
    answers: list[tuple[int, str] | None] = []

    def ask() -> None:
        # many hosts of Redis forbid CONFIG; what cannot be known is not reported
        with suppress(Exception):
            answers.append(redis_memory(cache))

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_REDIS_SECONDS)
    return answers[0] if answers else None


def _open_graphiql(settings: Settings) -> Iterator[CheckMessage]:
    if settings.graphiql.enabled and not django_settings.DEBUG:
        yield Warning(
            "FRAISEQL['GRAPHIQL']['ENABLED'] is True though DEBUG is False.",
            hint="GraphiQL is shown to everybody. Set it to None, which follows DEBUG, or silence this check.",
            id="fraiseql.W001",
        )


def _introspection(settings: Settings) -> Iterator[CheckMessage]:
    if settings.introspection == "public":
        yield Warning(
            "FRAISEQL['INTROSPECTION'] is 'public': everybody may read the whole schema.",
            hint=(
                "Set it to 'authenticated', 'staff' or 'disabled', which also removes names of the schema from errors. "
                "If everybody may know the schema, silence this check."
            ),
            id="fraiseql.W008",
        )


def _unbounded(settings: Settings, registry: Registry) -> Iterator[CheckMessage]:
    if not (registry.types or registry.mutations):
        return
    missing = list(_open_limits(settings))
    if missing:
        names = ", ".join(missing)
        yield Warning(
            f"FRAISEQL['LIMITS'] does not limit what one operation may cost: {names} {_is_not(missing)} set.",
            hint=(
                "docs/limits.md has values to begin with. A client could otherwise read a whole table, or all "
                "combinations of the rows of several, by a few bytes. If all clients are trusted, silence this check."
            ),
            id="fraiseql.W009",
        )
    if settings.limits.rate is None:
        yield Warning(
            "FRAISEQL['LIMITS'] does not limit how many operations a client may send: RATE is not set.",
            hint="Set it to a rate such as '600/m'. If a proxy limits the requests of a client, silence this check.",
            id="fraiseql.W009",
        )


def _open_limits(settings: Settings) -> Iterator[str]:
    limits = settings.limits
    if settings.trusted_documents.mode != "required":
        if limits.max_rows is None:
            yield "MAX_ROWS"
        if limits.complexity is None:
            yield "COMPLEXITY"
    if limits.statement_ms is None and not _limits_statements(settings.database):
        yield "STATEMENT_MS"
    if limits.response_bytes is None:
        yield "RESPONSE_BYTES"


def _limits_statements(alias: str) -> bool:
    """Whether DATABASES sets PostgreSQL's own limit for the time of statements."""
    options = connections.settings.get(alias, {}).get("OPTIONS", {})
    return "statement_timeout" in str(options.get("options", ""))


def _is_not(names: list[str]) -> str:
    return "is not" if len(names) == 1 else "are not"


def _unprotected(settings: Settings, registry: Registry) -> Iterator[CheckMessage]:
    try:
        schema = build_schema(registry, settings)
    except (DeclarationError, ConfigurationError):
        # reported by the other checks, or nothing is declared yet
        return
    types = [name for name, item in schema.types.items() if item.permission is None and item.rows is None]
    mutations = [name for name, item in schema.mutations.items() if item.permission is None]
    for names, what in ((types, "may be read"), (mutations, "may be run")):
        if names:
            yield Warning(
                f"Nothing protects {', '.join(names)}: {'they' if len(names) > 1 else 'it'} {what} by everybody.",
                hint=(
                    "Give each a permission, or a type a row rule; or set FRAISEQL['DEFAULT_PERMISSION'] to "
                    "'authenticated' or 'model'. If everybody may use them, silence this check."
                ),
                id="fraiseql.W006",
            )
