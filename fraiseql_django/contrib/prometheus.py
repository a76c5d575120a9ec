"""Metrics for Prometheus: a collector over the figures of all processes, and a view (extra ``prometheus``).

    path("metrics/", MetricsView.as_view(token=os.environ["METRICS_TOKEN"]))

The figures are those that processes report to the cache every ``METRICS.INTERVAL`` seconds, so one request has those of
all processes on all machines: let Prometheus read one address, not that of each process or machine. Each process has
its own series (label ``process``), because a counter must not go back when a process ends. With a cache in the memory
of the process, the figures are those of the process that answers.

Names of operations are no labels: clients choose them, and Prometheus keeps every name that it has ever read.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from ..cache.outcomes import Outcome
from ..conf.settings import schema_names
from ..engine import GraphQLEngine, get_engine
from ..metrics.counters import BOUNDS, Counts
from ..metrics.report import ProcessFigures
from ..viewer import Viewer

logger = logging.getLogger("fraiseql_django.metrics")

_LABELS = ("schema", "process")
_CLASSES = (*map(str, BOUNDS), "+Inf")


class FraiseQLCollector(Collector):
    """Yields the metrics of some engines, by default those of the project's schemas.

    ``REGISTRY.register(FraiseQLCollector())`` adds them to the metrics of a project that serves its own.
    """

    def __init__(self, engines: Sequence[GraphQLEngine] | None = None) -> None:
        self._engines = engines

    def describe(self) -> Iterable[Metric]:
        """Return nothing: metrics are not collected when the collector is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        families = _Families()
        reachable = GaugeMetricFamily(
            "fraiseql_figures_reachable", "Whether the figures of other processes can be read.", labels=["schema"]
        )
        engines = self._engines
        for engine in [get_engine(name) for name in (None, *schema_names())] if engines is None else engines:
            schema = engine.metrics.schema or ""
            try:
                report = engine.metrics.report()
                reachable.add_metric([schema], 1)
            except Exception as error:
                logger.warning("the cache of figures cannot be read: %s: %s", type(error).__name__, error)
                reachable.add_metric([schema], 0)
                continue
            for process in report.processes:
                if process.sums.total.operations:
                    families.add(schema, process)
            families.add_caches(schema, engine)
        yield reachable
        yield from families.all()


class _Families:
    """The metrics, by the names that they have in Prometheus."""

    def __init__(self) -> None:
        counter, gauge = CounterMetricFamily, GaugeMetricFamily
        self.operations = counter(
            "fraiseql_operations", "Operations by their outcome at the cache.", labels=[*_LABELS, "cache", "reason"]
        )
        self.failed = counter("fraiseql_operations_failed", "Operations with errors in the response.", labels=_LABELS)
        self.roots = counter(
            "fraiseql_root_field_operations", "Operations by root field.", labels=[*_LABELS, "root_field", "cache"]
        )
        self.types = counter(
            "fraiseql_type_operations", "Operations by selected type.", labels=[*_LABELS, "type", "cache"]
        )
        self.root_seconds = counter(
            "fraiseql_root_field_seconds", "Time of operations by root field.", labels=[*_LABELS, "root_field"]
        )
        self.duration = HistogramMetricFamily(
            "fraiseql_operation_duration_seconds", "Duration of operations.", labels=[*_LABELS, "hit"]
        )
        self.stages = counter(
            "fraiseql_stage_seconds", "Time in parse, plan, cache and storage.", labels=[*_LABELS, "stage"]
        )
        self.statements = counter("fraiseql_statements", "Statements of operations.", labels=_LABELS)
        self.refreshes = counter("fraiseql_refreshes", "Stale answers that were read anew.", labels=_LABELS)
        self.bytes = counter("fraiseql_answer_bytes", "Bytes of answers.", labels=_LABELS)
        self.kept = counter("fraiseql_kept_bytes", "Bytes of answers put into the cache.", labels=_LABELS)
        self.unkept = counter("fraiseql_answers_not_kept", "Answers that the cache did not take.", labels=_LABELS)
        self.saved = gauge("fraiseql_saved_seconds", "Estimated time that hits have saved.", labels=_LABELS)
        self.reported = gauge("fraiseql_reported_timestamp_seconds", "When a process last reported.", labels=_LABELS)
        self.cache = gauge(
            "fraiseql_cache_figures", "What the cache's server tells of its memory.", labels=["schema", "figure"]
        )

    def add(self, schema: str, process: ProcessFigures) -> None:
        """Add the figures of one process."""
        labels, total = [schema, process.name], process.sums.total
        for outcome in Outcome:
            self.operations.add_metric([*labels, outcome.kind, outcome.reason], total.outcomes[outcome])
        for family, every in ((self.roots, process.sums.roots), (self.types, process.sums.types)):
            for name, counts in every.items():
                for kind, number in _by_kind(counts):
                    family.add_metric([*labels, name, kind], number)
        for name, counts in process.sums.roots.items():
            self.root_seconds.add_metric([*labels, name], counts.seconds)
        for hit, by_time, seconds in (
            ("true", total.hits_by_time, total.hit_seconds),
            ("false", total.others_by_time, total.other_seconds),
        ):
            self.duration.add_metric([*labels, hit], _cumulated(by_time), seconds)
        for stage in ("parse", "plan", "cache", "storage"):
            self.stages.add_metric([*labels, stage], getattr(total, stage))
        plain: list[tuple[CounterMetricFamily | GaugeMetricFamily, float]] = [
            (self.failed, total.failed),
            (self.statements, total.statements),
            (self.refreshes, total.refreshes),
            (self.bytes, total.bytes),
            (self.kept, total.kept),
            (self.unkept, total.unkept),
            (self.saved, total.saved),
            (self.reported, process.at),
        ]
        for single, figure in plain:
            single.add_metric(labels, figure)

    def add_caches(self, schema: str, engine: GraphQLEngine) -> None:
        """Add what the cache's server tells, which is about all processes."""
        for figure, number in engine.cache_figures().items():
            self.cache.add_metric([schema, figure], number)

    def all(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from vars(self).values()


class MetricsView(View):
    """The metrics in the format of Prometheus, for superusers and for whoever sends the ``token``.

    A request has the token as ``Authorization: Bearer …``. Without a token in the URLconf there are only superusers.
    """

    http_method_names = ["get", "head"]  # noqa: RUF012 - Django's name and type
    token: str | None = None
    engines: Sequence[GraphQLEngine] | None = None

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the metrics; 401 or 403 for others."""
        if not self._allows(request):
            if self.token is None:
                return HttpResponse(
                    "Only superusers may read the metrics.\n", status=HTTPStatus.FORBIDDEN, content_type="text/plain"
                )
            response = HttpResponse("The token is missing or wrong.\n", status=HTTPStatus.UNAUTHORIZED)
            response["WWW-Authenticate"] = "Bearer"
            return response
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the metrics in the format that the client accepts."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(FraiseQLCollector(self.engines))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(registry), content_type=content_type)

    def _allows(self, request: HttpRequest) -> bool:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        if self.token is not None and scheme.lower() == "bearer":
            # a setting that is empty by mistake opens nothing
            return bool(self.token) and hmac.compare_digest(sent.strip().encode(), self.token.encode())
        return Viewer(request).is_superuser


def _by_kind(counts: Counts) -> Iterator[tuple[str, int]]:
    yield "hit", counts.hits
    yield "miss", counts.misses
    yield "bypass", counts.bypasses
    yield "none", counts.operations - counts.hits - counts.misses - counts.bypasses


def _cumulated(by_time: Sequence[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, number in zip(_CLASSES, by_time, strict=True):
        total += number
        found.append((bound, float(total)))
    return found
