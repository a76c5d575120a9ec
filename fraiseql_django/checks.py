"""System checks of a project: settings, declarations, caches and .sql files.

    E001–E005  FRAISEQL itself           E012        the declarations
    E006–E008  the database              E013        a cache that processes do not share (--deploy)
    E009       the cache                 W001        GraphiQL in production (--deploy)
    E010–E011  classes by dotted path    W002, W003  the cache
    E014       FRAISEQL itself, choices  W004        no declarations
    E015–E016  trusted documents         W005        .sql files without their migration
    E017       session variables
    E018–E019  LIMITS.RATE and RATE_KEY
    E030       models that DATABASE_ROUTERS send to another database
    E031       backends that set the search path
    W006       types and mutations without a permission or row rule (--deploy)
    W007       computed fields and orders that read rows without row rules
    W008       introspection for everybody (--deploy)
    W009       no limit on the rows that an operation reads (--deploy)
    W031       a cache whose keys contain the schema of a tenant

The checks do not connect to a database or cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, Warning, register

from ._django import ignores_errors
from .conf.factories import cache_problems, storage_problems
from .conf.reader import Problem
from .conf.settings import Settings, load
from .declare.registry import default_registry
from .declare.unrestricted_reads import past_rules
from .documents.trusted import document_problems
from .errors import ConfigurationError, DeclarationError
from .execution.rate_limit import rate_problems
from .execution.session import schema_problems, session_problems
from .schema.build import build_schema
from .schema.django_fields import SCALARS, mapped_classes
from .schema.routing import routing_problems
from .sql.files import all_differences

TAG = "fraiseql"


@register(TAG)
def check_project(**kwargs: Any) -> list[CheckMessage]:
    """Check the settings and, if they are valid, the declarations."""
    settings, problems = load(getattr(django_settings, "FRAISEQL", {}))
    problems += storage_problems(settings)
    problems += cache_problems(settings)
    problems += rate_problems(settings, cached=settings.cache.alias is not None)
    problems += document_problems(settings.trusted_documents)
    problems += session_problems(settings.session)
    if settings.cache.alias is not None and not any(problem.id == "fraiseql.E006" for problem in problems):
        problems += schema_problems(settings.database, settings.session)
    problems += _scalar_problems(settings)
    if not problems:
        problems += _declaration_problems(settings)
    errors = [Error(item.message, hint=item.hint, id=item.id) for item in problems]
    return [*errors, *_silent_cache(settings), *_keys_by_schema(settings), *_nothing_declared(), *_unrestricted_reads()]


@register(TAG, deploy=True)
def check_deployment(**kwargs: Any) -> list[CheckMessage]:
    """Check for settings that are not suitable for production."""
    settings, problems = load(getattr(django_settings, "FRAISEQL", {}))
    return [
        *_unshared_cache(settings),
        *_open_graphiql(settings),
        *([] if problems else _unprotected(settings)),
        *_introspection(settings),
        *_unbounded(settings),
    ]


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


def _scalar_problems(settings: Settings) -> Iterator[Problem]:
    names = ", ".join(sorted(cls.__name__ for cls in SCALARS))
    for path, target in settings.scalars.items():
        try:
            mapped_classes(path, target)
        except ConfigurationError as error:
            hint = f"Write {{'path.of.TheirField': 'path.of.KnownField'}}; the latter is or extends one of: {names}."
            yield Problem(id="fraiseql.E011", message=str(error), hint=hint)


def _nothing_declared() -> Iterator[CheckMessage]:
    # not an error, which would prevent the first migrate of a new project
    if not (default_registry.types or default_registry.mutations or default_registry.problems):
        yield Warning(
            "No types or mutations are declared.",
            hint="Declare a type with @fraiseql.type in the graphql module of an app, next to its models module.",
            id="fraiseql.W004",
        )


def _unrestricted_reads() -> Iterator[CheckMessage]:
    for line in past_rules(default_registry):
        yield Warning(
            line,
            hint=(
                "The project's own expressions read all rows, so their values may depend on rows that a viewer may not "
                "see. Give the field a permission=… of its own, sort by columns of the model, or silence this check if "
                "everybody may know the values."
            ),
            id="fraiseql.W007",
        )


def _declaration_problems(settings: Settings) -> Iterator[Problem]:
    try:
        if default_registry.types or default_registry.mutations or default_registry.problems:
            schema = build_schema(default_registry, settings)
            yield from routing_problems(schema, default_registry, settings.database)
    except DeclarationError as error:
        for line in str(error).splitlines():
            # by convention, the solution follows a semicolon
            message, _, hint = line.partition("; ")
            hint = hint or "Correct the declaration in the app's graphql module"
            yield Problem(id="fraiseql.E012", message=_sentence(message), hint=_sentence(hint[0].upper() + hint[1:]))


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
        yield Error(
            f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}, a cache in the memory of each process.",
            hint=(
                f"After a write in one process, the others use stale answers for up to {settings.cache.ttl} seconds. "
                f"Name a cache that all processes share (Redis, Memcached), or None. If there is only one process, and "
                f"no command writes, silence this check."
            ),
            id="fraiseql.E013",
        )
    elif isinstance(cache, DummyCache):
        yield Warning(
            f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}, a dummy cache, which stores nothing.",
            hint="Name a cache that all processes share, or None.",
            id="fraiseql.W002",
        )


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


def _unbounded(settings: Settings) -> Iterator[CheckMessage]:
    limits = settings.limits
    if limits.max_rows is None and limits.complexity is None and settings.trusted_documents.mode != "required":
        yield Warning(
            "There is no limit on the rows that an operation reads: neither FRAISEQL['LIMITS']['MAX_ROWS'] nor "
            "FRAISEQL['LIMITS']['COMPLEXITY'] is set.",
            hint=(
                "Set both, and DEFAULT_ROWS for lists without the argument limit; or execute trusted documents only. "
                "If all tables are small, silence this check."
            ),
            id="fraiseql.W009",
        )


def _unprotected(settings: Settings) -> Iterator[CheckMessage]:
    try:
        schema = build_schema(default_registry, settings)
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
