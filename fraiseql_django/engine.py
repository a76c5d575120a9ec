"""The conductor: a request's life on one screen.

    parser → planner → executor over cache and storage

built from ``FRAISEQL``, from the upstream's configuration, or from collaborators given one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, replace
from importlib.metadata import version
from threading import Lock
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest
from graphql import OperationType

from . import audit, invalidation
from . import kinds as kinds  # registered by being imported
from .audit import Asked
from .cache.answers import Answers
from .cache.base import Cache
from .conf.factories import make_cache, make_storage
from .conf.settings import Settings, get_settings, on_reload
from .conf.upstream import Configuration, give_back, settings_from
from .declare.registry import Registry, default_registry
from .documents.store import Documents
from .errors import FraiseQLError, InvalidInput, OperationError
from .execution.executor import Executor
from .execution.failures import failure
from .execution.measured import MeasuredStorage
from .execution.rate_limit import make_rate
from .execution.response import Explanation, Response, Statistics, failed
from .execution.session import Session
from .language.introspection import Introspection
from .language.parser import InvalidDocument, Parser
from .mutations.operation import Perform
from .planner.arguments import Variables
from .planner.plan import Planner, Read
from .schema.build import Schema, build_schema
from .storage.base import Health, Storage
from .viewer import VIEWER, Viewer

__version__ = version("fraiseql_django")
_FROM_SETTINGS: Any = object()


class GraphQLEngine:
    """Executes GraphQL operations against one database.

    ``config`` is the upstream's configuration, a dictionary or JSON text (see ``upstream``); without it the
    ``FRAISEQL`` setting is read. ``storage`` and ``cache`` (None: no cache) take the place of what the
    configuration names, ``registry`` that of what ``@type`` and ``@mutation`` declared.

    Raises ConfigurationError for a wrong configuration. The schema is built at first use, which raises
    DeclarationError for wrong declarations.
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
        self.answers = invalidation.watch(Answers(self.cache, self.settings.cache.ttl))
        self.session = Session(self.settings.session, self.settings.limits.statement_ms)
        self._measured = MeasuredStorage(self.storage)
        self.executor = Executor(self._measured, self.answers, self.session, self.settings.limits)
        self.rate = make_rate(self.settings, self.cache)
        self.documents = Documents(self.settings, self.cache)
        self.introspection = Introspection(self.settings.introspection, lambda: self.schema.graphql)
        self._built: tuple[Schema, Parser, Planner] | None = None
        self._lock = Lock()
        self._config = configuration.shown if configuration else asdict(self.settings)
        self._pooled = configuration is not None and configuration.pooled

    # --- what it is ---

    @property
    def version(self) -> str:
        """The version of fraiseql_django."""
        return __version__

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, passwords masked."""
        return deepcopy(self._config)

    @property
    def schema(self) -> Schema:
        """What may be asked."""
        return self._stages[0]

    @property
    def parser(self) -> Parser:
        """The first stage, with its cache of documents."""
        return self._stages[1]

    @property
    def planner(self) -> Planner:
        """The second stage, with its cache of plans."""
        return self._stages[2]

    # --- what it does ---

    def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        request: HttpRequest | None = None,
        context: Any = None,
        only: OperationType | None = None,
    ) -> Response:
        """Execute an operation of any kind, or ``only`` one kind, and answer; never raises for what a client sent."""
        viewer = Viewer(request, context)
        asked = Asked(text=query, operation_name=operation_name, viewer=viewer, alias=self.settings.database)
        try:
            response = self._execute(asked, variables or {}, only)
            audit.refused(asked, response.errors)
            errors = self.introspection.redacted(response.errors, viewer, query, variables or {})
            return response if errors is response.errors else replace(response, errors=errors)
        finally:
            self.release()

    def _execute(self, asked: Asked, variables: Mapping[str, Any], only: OperationType | None) -> Response:
        try:
            if self.rate is not None:
                # before anything that costs
                self.rate.count(asked.viewer)
            operation = self.parser.parse(asked.text).operation(asked.operation_name)
            asked.operation_name = operation.name
            operation.require(only)
            self.introspection.require(asked.viewer, operation.introspecting)
            values = self.parser.variables(operation, variables)
            # where the plan's holes find who asks
            values = {**values, VIEWER: asked.viewer}
            plan = self.planner.plan(operation, values, asked.viewer)
        except InvalidDocument as error:
            return failed(error.errors)
        except RecursionError:
            return failed([InvalidInput("The operation is nested too deeply.").as_graphql_error()])
        except Exception as error:
            return failed([failure(error, mask=self._mask)])
        if plan.read is not None:
            return self._answer(plan.read, values)
        return Perform(
            plan=plan,
            variables=values,
            asked=asked,
            storage=self._measured,
            executor=self.executor,
            schema=self.schema,
            settings=self.settings,
            mask=self._mask,
        ).response()

    def _answer(self, read: Read, values: Variables) -> Response:
        try:
            return Response(self.executor.read(read, values))
        except Exception as error:
            # refused for a value that no plan depends on, as a negative limit in a variable, execution has not begun
            data = None if isinstance(error, OperationError) else b"null"
            return failed([failure(error, mask=self._mask)], data)

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
        """Return the statement of a query, as whoever asks would run it, without running it.

        Raises OperationError (or its graphql-core sibling) for an operation that is refused, or is no query.
        """
        operation = self.parser.parse(query).operation(operation_name)
        values = self.parser.variables(operation, variables or {})
        try:
            viewer = Viewer(request, context)
            values = {**values, VIEWER: viewer}
            plan = self.planner.plan(operation, values, viewer)
        finally:
            self.release()
        read, complexity = plan.read, plan.complexity.of(values)
        if read is None or read.sql is None:
            raise OperationError("The operation reads nothing from the database in one statement.")
        return Explanation(sql=read.sql, params=read.params(values), tables=read.tables, complexity=complexity)

    # --- how it is ---

    def is_ready(self) -> bool:
        """Whether the schema builds and the database answers."""
        try:
            return bool(self.schema) and self.storage.health_check().healthy
        except FraiseQLError:
            return False
        finally:
            self.release()

    def health_check(self) -> dict[str, Health]:
        """Check database and cache; ``manage.py fraiseql_health`` checks more."""
        found = {"database": self.storage.health_check()}
        self.release()
        if self.cache is not None:
            found["cache"] = self.cache.health_check()
        return found

    def statistics(self) -> Statistics:
        """Return the figures of the caches and of the statements in this process."""
        return Statistics(
            documents=self.parser.cache.counts(),
            plans=self.planner.cache.counts(),
            result_hits=self.answers.hits,
            result_misses=self.answers.misses,
            statements=self._measured.statements,
            statement_ms=self._measured.total_ms,
        )

    def release(self) -> None:
        """Give the thread's connection back to the pool of a configuration with ``pool_size``.

        Every operation ends with it; who asks ``storage`` or for a check by himself ends with it, too.
        """
        if self._pooled:
            give_back(self.settings.database)

    def clear_plans(self) -> None:
        """Forget documents and plans, as a process that has just started."""
        self.parser.cache.clear()
        self.planner.cache.clear()

    # --- inside ---

    @property
    def _stages(self) -> tuple[Schema, Parser, Planner]:
        """What needs the schema, built when all of the project's declarations have been read."""
        if self._built is None:
            with self._lock:
                if self._built is None:
                    settings = self.settings
                    schema = build_schema(self.registry, settings)
                    parser = Parser(schema.graphql, settings.limits, settings.document_cache_size)
                    planner = Planner(
                        schema, settings.database, settings.limits, self.session, settings.plan_cache_size
                    )
                    self._built = schema, parser, planner
        return self._built

    @property
    def _mask(self) -> bool:
        mask = self.settings.mask_errors
        return not django_settings.DEBUG if mask is None else mask


_engine: GraphQLEngine | None = None
_lock = Lock()


def get_engine() -> GraphQLEngine:
    """Return the process's engine, built from ``FRAISEQL`` at first use."""
    global _engine
    if _engine is None:
        with _lock:
            if _engine is None:
                _engine = GraphQLEngine()
    return _engine


@on_reload
def _forget() -> None:
    global _engine
    _engine = None


# a process that only writes needs the cache, but no schema
invalidation.watch_default(lambda: get_engine().answers)
