"""The engine, which executes operations.

    parser → planner → executor over cache and storage

An engine is built from the ``FRAISEQL`` setting, from a configuration of the upstream project FraiseQL, or from
settings, a registry, a storage and a cache that are passed to it. ``GraphQLEngine._execute`` is the whole life of an
operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from time import perf_counter
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.db import close_old_connections, connections
from django.http import HttpRequest
from graphql import OperationType

from . import audit, invalidation
from . import kinds as kinds  # importing them registers them
from ._django import in_atomic_block, share_user
from .audit import OperationContext
from .cache.answers import Answers
from .cache.base import Cache
from .cache.django import DjangoCache
from .cache.outcomes import CONSTANT, HIT, Outcome
from .cache.table_versions import TableVersions, versions_in
from .conf.factories import make_cache, make_cache_of, make_observers, make_replicas, make_storage, refuse_untold
from .conf.settings import Settings, get_settings, on_reload, schema_names, told_aliases
from .conf.upstream import Configuration, give_back, settings_from
from .declare.registry import Registry, default_registry
from .declare.schemas import registry_of
from .documents.store import Documents
from .errors import FraiseQLError, InvalidInput, OperationError
from .execution.executor import Executor
from .execution.failures import failure
from .execution.measured import MeasuredStorage
from .execution.query import Query
from .execution.rate_limit import operation_rate
from .execution.replicas import Replicas
from .execution.response import Explanation, PlannedOperation, Response, Statistics, failed
from .execution.session import Session
from .invalidation import watcher as watching
from .language.introspection import Introspection
from .language.parser import Document, InvalidDocument, Operation, Parser
from .memory import LRU
from .metrics import Metrics
from .metrics.measurement import Measurement, current
from .metrics.sharing import Board, is_shared
from .mutations.operation import Perform
from .planner.arguments import Variables
from .planner.payload import KEYS
from .planner.plan import Plan, Planner
from .planner.questions import Plans
from .queries.operation import CalledQuery
from .schema.build import Schema, build_schema
from .storage.base import Health, Storage
from .viewer import VIEWER, Viewer

try:
    __version__ = version("fraiseql_django")
except PackageNotFoundError:
    # a copy of the package's folder that is not installed
    __version__ = "unknown"
_FROM_SETTINGS: Any = object()


class GraphQLEngine:
    """Executes GraphQL operations against one database.

    ``config`` is a configuration of the upstream project, a dictionary or JSON text (see ``conf.upstream``); by
    default, ``settings`` or the ``FRAISEQL`` setting is used. ``storage`` and ``cache`` replace those that the
    configuration names; without a cache (None) answers are not cached. ``registry`` has the declarations; by default,
    those of the project.

    Raises ConfigurationError for an invalid configuration. The schema is built at first use, which raises
    DeclarationError for invalid declarations.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | str | None = None,
        *,
        settings: Settings | None = None,
        registry: Registry = default_registry,
        storage: Storage | None = None,
        cache: Cache | None = _FROM_SETTINGS,
    ) -> None:
        configuration: Configuration | None = None
        if config is not None:
            configuration = settings_from(config)
            settings = configuration.settings
        self.settings = settings or get_settings()
        self.registry = registry
        self.storage: Storage = storage or make_storage(self.settings)
        self.cache: Cache | None = make_cache(self.settings) if cache is _FROM_SETTINGS else cache
        refuse_untold(self.cache)
        kept = self.settings.cache
        self.answers = invalidation.watch(
            Answers(
                self.cache,
                max_bytes=kept.answer_bytes,
                lease=kept.lease,
                compress_bytes=kept.compress_bytes,
            )
        )
        # what a thread of this process listens to
        self.watches = watched_database(self.settings) if kept.watch and self.cache is not None else None
        self.session = Session(self.settings.session, self.settings.limits.statement_ms, self.settings.database)
        self.metrics = Metrics(self.settings.metrics, self.settings.database, make_observers(self.settings))
        self._measured = MeasuredStorage(self.storage)
        self.replicas = self._make_replicas()
        self.executor = Executor(
            self._measured,
            self.answers,
            self.session,
            self.settings.limits,
            kept,
            self.replicas,
            refreshed=self.metrics.refreshed,
        )
        self.rate = operation_rate(self.settings, self.cache)
        self.documents = Documents(self.settings, self.cache)
        self.introspection = Introspection(self.settings.introspection, lambda: self.schema.graphql)
        self._built: tuple[Schema, Parser, Planner] | None = None
        self._lock = Lock()
        self._config = configuration.shown if configuration else asdict(self.settings)
        self._pooled = configuration is not None and configuration.pooled

    # --- version, configuration and stages ---

    @property
    def version(self) -> str:
        """The version of fraiseql_django."""
        return __version__

    @property
    def config(self) -> dict[str, Any]:
        """The configuration with masked passwords."""
        return deepcopy(self._config)

    @property
    def schema(self) -> Schema:
        """The types, fields and mutations."""
        return self._stages[0]

    @property
    def parser(self) -> Parser:
        """The stage that parses and validates documents, with its cache of documents."""
        return self._stages[1]

    @property
    def planner(self) -> Planner:
        """The stage that compiles operations to SQL, with its cache of plans."""
        return self._stages[2]

    # --- operations ---

    def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        request: HttpRequest | None = None,
        context: Any = None,
        only: OperationType | None = None,
        counted: bool = False,
        sent_bytes: int | None = None,
    ) -> Response:
        """Execute an operation and return the response; never raises for errors in the operation.

        ``only`` limits the kinds of operations. ``request`` and ``context`` are passed to rules and mutations.
        ``counted`` says that ``count`` has counted the operation already, ``sent_bytes`` how many bytes of JSON the
        variables came in at most; None where that is not known.
        """
        if self.watches is not None:
            # not before: servers fork after they have loaded the project
            watching.ensure_watching(*self.watches)
        viewer = Viewer(request, context)
        operation_context = OperationContext(
            text=query, operation_name=operation_name, viewer=viewer, alias=self.settings.database
        )
        measured = Measurement()
        outer, current.measurement = current.measurement, measured
        measured.started = perf_counter()
        if self.metrics.observers:
            self.metrics.begin(measured, viewer, query)
        try:
            response = self._execute(operation_context, variables or {}, only, counted, sent_bytes, measured)
            if measured.outcome is not HIT:
                measured.bytes = response.size
            if not response.errors:
                return response
            measured.failed = True
            audit.report_refusals(operation_context, response.errors)
            errors = self.introspection.redacted(response.errors, viewer, query, variables or {})
            return Response(response.data, errors, response.status)
        finally:
            current.measurement = outer
            self.metrics.end(measured, viewer)
            if self._pooled:
                self.release()

    async def aexecute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        request: HttpRequest | None = None,
        context: Any = None,
        only: OperationType | None = None,
        counted: bool = False,
        sent_bytes: int | None = None,
        thread_sensitive: bool = True,
    ) -> Response:
        """Execute an operation in a thread, without blocking the event loop; otherwise as ``execute``.

        By default that is the thread in which Django runs synchronous code: under ASGI one for each request, with the
        connection of the ORM's asynchronous methods, so that operations of one request run one after another. With
        ``thread_sensitive=False`` it is a thread of the event loop's own pool with a connection of its own, which is
        closed as ``CONN_MAX_AGE`` says; then operations run at the same time. What a coroutine function of such an
        operation executes so has a new thread, since those of the pool may all wait for coroutine functions.

        If the caller is cancelled, a statement that has begun runs to its end, and so does a mutation, unless it awaits
        something: a coroutine function is cancelled where it awaits, and its transaction is rolled back.
        """
        if request is not None:
            share_user(request)
        run = partial(
            self.execute, query, variables, operation_name, request=request, context=context, only=only,
            counted=counted, sent_bytes=sent_bytes,
        )  # fmt: skip
        if thread_sensitive:
            return await sync_to_async(run)()
        own = ThreadPoolExecutor(1, "fraiseql_django") if _in_pool.get() else None
        try:
            return await sync_to_async(_with_own_connection, thread_sensitive=False, executor=own)(run)
        finally:
            if own is not None:
                # the thread of a caller that was cancelled goes on to its end
                own.shutdown(wait=False)

    def count(self, request: HttpRequest) -> Response | None:
        """Count an operation before it is read; return the error where ``LIMITS.RATE`` is exceeded."""
        if self.rate is None:
            return None
        context = OperationContext(viewer=Viewer(request), alias=self.settings.database)
        try:
            self.rate.count(context.viewer)
        except Exception as error:
            response = failed([failure(error, mask=self._masks())])
            audit.report_refusals(context, response.errors)
            return response
        return None

    def _execute(
        self,
        context: OperationContext,
        variables: Mapping[str, Any],
        only: OperationType | None,
        counted: bool,
        sent_bytes: int | None,
        measured: Measurement,
    ) -> Response:
        viewer = context.viewer
        try:
            if self.rate is not None and not counted:
                # first, because all other steps take time
                self.rate.count(viewer)
            _, parser, planner = self._stages
            operation = parser.parse(context.text).operation(context.operation_name)
            context.operation_name = operation.name
            measured.subject = operation.subject
            if self.metrics.observers:
                self.metrics.parsed(measured)
            if only is not None:
                operation.require(only)
            if operation.introspecting is not None:
                self.introspection.require(viewer, operation.introspecting)
            values = parser.variables(operation, variables, sent_bytes)
            # bind parameters of the plan may be values of the viewer
            values[VIEWER] = viewer
            in_transaction = in_atomic_block(connections[self.settings.database])
            measured.parsed = perf_counter()
            plan = planner.plan(operation, values, viewer, careful=in_transaction)
            measured.planned = perf_counter()
            measured.outcome = CONSTANT if operation.subject.kind == "query" else Outcome.MUTATION
        except Exception as error:
            return self._refused(error)
        if plan.asked:
            return self._called(context, operation, plan, values, in_transaction).response()
        if plan.read is not None:
            return self._query(operation, plan, values, in_transaction).response()
        return self._mutation(context, operation, plan, values).response()

    def _refused(self, error: Exception) -> Response:
        if isinstance(error, InvalidDocument):
            return failed(error.errors)
        if isinstance(error, RecursionError):
            return failed([InvalidInput("The operation is nested too deeply.").as_graphql_error()])
        return failed([failure(error, mask=self._masks())])

    def _query(self, operation: Operation, plan: Plan, values: Variables, in_transaction: bool) -> Query:
        return Query(
            operation=operation,
            plan=plan,
            variables=values,
            executor=self.executor,
            careful=self.planner.careful_plan,
            masks=self._masks,
            # an error of a statement would end a transaction that others began
            in_transaction=in_transaction,
        )

    def _mutation(self, context: OperationContext, operation: Operation, plan: Plan, values: Variables) -> Perform:
        return Perform(
            operation=operation,
            plan=plan,
            variables=values,
            asked=context,
            storage=self._measured,
            executor=self.executor,
            schema=self.schema,
            settings=self.settings,
            mask=self._masks(),
        )

    def _called(
        self, context: OperationContext, operation: Operation, plan: Plan, values: Variables, in_transaction: bool
    ) -> CalledQuery:
        return CalledQuery(
            operation=operation,
            plan=plan,
            variables=values,
            asked=context,
            storage=self._measured,
            executor=self.executor,
            planner=self.planner,
            schema=self.schema,
            settings=self.settings,
            mask=self._masks(),
            in_transaction=in_transaction,
        )

    def execute_query(
        self, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None, **kwargs: Any
    ) -> Response:
        """Execute a query; a mutation is refused."""
        return self.execute(query, variables, operation_name, only=OperationType.QUERY, **kwargs)

    def execute_mutation(
        self, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None, **kwargs: Any
    ) -> Response:
        """Execute a mutation; a query is refused."""
        return self.execute(query, variables, operation_name, only=OperationType.MUTATION, **kwargs)

    def explain(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        request: HttpRequest | None = None,
        context: Any = None,
    ) -> Explanation:
        """Return the SQL statement, parameters, tables and complexity of a query, without running it.

        Raises OperationError for an operation that is refused, and for one that reads nothing by a statement.
        """
        planned = self.planned(query, variables, operation_name, request=request, context=context)
        read, values = planned.plan.read, planned.variables
        if read is None or read.sql is None:
            raise OperationError("The operation reads nothing from the database in one statement.")
        complexity = planned.plan.complexity.of(values)
        return Explanation(sql=read.sql, params=read.params(values), tables=read.tables, complexity=complexity)

    def planned(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        request: HttpRequest | None = None,
        context: Any = None,
    ) -> PlannedOperation:
        """Return what executing an operation would take, without running a statement of it.

        Functions that answer root fields of a query are called, as they choose the rows. Raises OperationError for an
        operation that is refused.
        """
        operation = self.parser.parse(query).operation(operation_name)
        values = self.parser.variables(operation, variables or {})
        try:
            viewer = Viewer(request, context)
            values = {**values, VIEWER: viewer}
            plan = self.planner.plan(operation, values, viewer)
            if plan.asked:
                context = OperationContext(
                    text=query, operation_name=operation_name, viewer=viewer, alias=self.settings.database
                )
                called = self._called(context, operation, plan, values, in_transaction=True)
                plan = called.planned()
                # no rows are read for what Python writes
                values = {**called.variables, KEYS: [[] for _ in plan.slots]}
        finally:
            self.release()
        return PlannedOperation(operation=operation, plan=plan, variables=values)

    # --- state ---

    def is_ready(self) -> bool:
        """Whether the schema can be built and the database responds."""
        try:
            return bool(self.schema) and self.storage.health_check().healthy
        except FraiseQLError:
            return False
        finally:
            self.release()

    def health_check(self) -> dict[str, Health]:
        """Check the database and the cache; ``manage.py fraiseql_health`` checks more."""
        result = {"database": self.storage.health_check()}
        self.release()
        if self.cache is not None:
            result["cache"] = self.cache.health_check()
        return result

    def statistics(self) -> Statistics:
        """Return the statistics of this process's caches of documents, plans and answers, and of its statements."""
        replicas = self.replicas
        measured = [self._measured, *([] if replicas is None else replicas.storages)]
        hits, misses = self.metrics.counters.looked_up()
        return Statistics(
            documents=self.parser.cache.counts(),
            plans=self.planner.cache.counts(),
            result_hits=hits,
            result_misses=misses,
            statements=sum(storage.statements for storage in measured),
            statement_ms=sum(storage.total_ms for storage in measured),
            replicas_answered=0 if replicas is None else replicas.answered,
            replicas_passed_on=0 if replicas is None else replicas.passed_on,
        )

    def cache_figures(self) -> Mapping[str, int]:
        """Return entries, bytes, their bound and evictions, as the cache's server has them; nothing without a server
        that has them, or if it cannot be reached.
        """
        try:
            return self.cache.figures() if isinstance(self.cache, DjangoCache) else {}
        except Exception:
            return {}

    def share_metrics(self, schema: str | None) -> None:
        """Report the figures of this process to others through the cache, if other processes can read it."""
        self.metrics.schema = schema
        if self.cache is not None and is_shared(self.cache):
            self.metrics.share(Board(self.cache, self.settings.metrics.retain))

    def release(self) -> None:
        """Return the thread's connection to the pool, if the configuration has a ``pool_size``.

        Called after every operation. Call it after direct use of ``storage``.
        """
        if self._pooled:
            give_back(self.settings.database)

    def clear_plans(self) -> None:
        """Clear the caches of documents and plans, as in a process that has just started."""
        self.parser.cache.clear()
        self.planner.cache.clear()

    # --- internals ---

    def _make_replicas(self) -> Replicas | None:
        made = make_replicas(self.settings) if self.settings.replicas else {}
        measured = {alias: MeasuredStorage(storage) for alias, storage in made.items()}
        return Replicas(self.settings.database, self._measured, measured, self.session) if measured else None

    @property
    def _stages(self) -> tuple[Schema, Parser, Planner]:
        """The schema and the stages that need it, built at first use, when all declarations are imported."""
        if self._built is None:
            with self._lock:
                if self._built is None:
                    settings = self.settings
                    schema = build_schema(self.registry, settings)
                    memory = settings.memory
                    documents: LRU[Document] = LRU(settings.document_cache_size, memory.documents)
                    parser = Parser(schema.graphql, settings.limits, documents)
                    plans: LRU[Plans[Plan]] = LRU(settings.plan_cache_size, memory.plans)
                    planner = Planner(schema, settings.database, settings.limits, self.session, plans)
                    self._built = schema, parser, planner
        return self._built

    def _masks(self) -> bool:
        """Whether messages of unexpected errors are replaced by an id."""
        mask = self.settings.mask_errors
        return not django_settings.DEBUG if mask is None else mask


# Whether an operation that runs, whose coroutine functions have its context, takes a thread of a pool
_in_pool: ContextVar[bool] = ContextVar("in_pool", default=False)


def _with_own_connection(run: Callable[[], Response]) -> Response:
    """Run an operation in a thread that no request of Django's begins or ends in."""
    close_old_connections()
    token = _in_pool.set(True)
    try:
        return run()
    finally:
        _in_pool.reset(token)
        close_old_connections()


_engines: dict[str | None, GraphQLEngine] = {}
# the versions in the caches of CACHE.TELLS, by alias
_told: dict[str, TableVersions] = {}
_lock = Lock()


def watched_database(settings: Settings) -> tuple[str, int]:
    """Return the database that a watcher of these settings listens to, and its WATCH_SECONDS."""
    return settings.cache.watch_database or settings.database, settings.cache.watch_seconds


def get_engine(schema: str | None = None) -> GraphQLEngine:
    """Return the engine of the project's schema, or of one in ``FRAISEQL["SCHEMAS"]``; it is built at first use.

    Raises ConfigurationError for a schema that the setting does not have.
    """
    engine = _engines.get(schema)
    if engine is None:
        with _lock:
            engine = _engines.get(schema)
            if engine is None:
                settings = get_settings(schema)
                engine = _engines[schema] = GraphQLEngine(settings=settings, registry=registry_of(schema))
                engine.share_metrics(schema)
    return engine


@on_reload
def _forget() -> None:
    _engines.clear()
    _told.clear()
    watching.stop_watching()


def _versions_of(schema: str | None) -> TableVersions | None:
    return get_engine(schema).answers.versions


def _versions_in(alias: str) -> TableVersions:
    """Return the versions in another cache that the settings name."""
    found = _told.get(alias)
    if found is None:
        kept = get_settings().cache
        found = _told[alias] = versions_in(make_cache_of(alias, get_settings()), kept.lease)
    return found


def _told_versions() -> Iterator[Callable[[], TableVersions | None]]:
    """Return what returns the versions in each cache that writes of this process have to reach."""
    # a process that only writes uses the engines' caches, but never builds their schemas
    yield from (partial(_versions_of, schema) for schema in (None, *schema_names()))
    # by load(), since settings that are wrong must not undo a write
    yield from (partial(_versions_in, alias) for alias in told_aliases())


invalidation.watch_default(_told_versions)
