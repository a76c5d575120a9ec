"""What monitoring systems and projects get: the signal, the log, Prometheus, OpenTelemetry and Sentry."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import caches
from django.db import transaction
from django.test import RequestFactory
from opentelemetry import metrics as otel_metrics
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from sentry_sdk.transport import Transport

from example_project.bookshop.models import Book, Publisher
from fraiseql_django import ConfigurationError, GraphQLEngine
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.contrib.prometheus import FraiseQLCollector, MetricsView
from fraiseql_django.metrics import OperationEvent, operation_executed
from fraiseql_django.metrics.slowest import plan_of
from tests.support import Shop, data, make_engine, make_shop

SHELF = 'query Shelf($title: String = "") { books(where: {title: {eq: $title}}) { title authors { name } } }'
SECRET = {"title": "a value of a client"}
DASHBOARD = Path(__file__).parents[2] / "docs" / "monitoring" / "grafana-dashboard.json"


@pytest.fixture(autouse=True)
def _no_answers_of_other_tests() -> None:
    caches["locmem"].clear()


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@pytest.fixture
def engine(shop: Shop) -> GraphQLEngine:
    return make_engine("locmem", settings=with_metrics())


def with_metrics(**options: Any) -> Any:
    settings = get_settings()
    return replace(settings, metrics=replace(settings.metrics, **options))


# --- the signal ---


@pytest.fixture
def events() -> Iterator[list[OperationEvent]]:
    """Receive the signal."""
    received: list[OperationEvent] = []

    def receive(sender: Any, event: OperationEvent, **kwargs: Any) -> None:
        assert sender is OperationEvent
        received.append(event)

    operation_executed.connect(receive)
    yield received
    operation_executed.disconnect(receive)


def test_signal_for_every_operation(engine: GraphQLEngine, events: list[OperationEvent]) -> None:
    request = RequestFactory().post("/")
    engine.execute(SHELF, SECRET, request=request)
    engine.execute("{ nothing }")

    query, refused = events
    assert (query.operation, query.kind, query.roots, query.types) == ("Shelf", "query", ("books",), ("Author", "Book"))
    assert query.tables == ("bookshop_author", "bookshop_book", "bookshop_book_authors")
    # tests run in a transaction that has written
    assert (query.hit, query.cache, query.reason, query.failed) == (False, "bypass", "transaction", False)
    assert query.request is request
    assert query.statements == 1
    assert query.duration_ms >= query.storage_ms > 0
    assert query.bytes == len(b'{"data":{"books":[]}}')
    assert (refused.kind, refused.cache, refused.reason, refused.failed) == ("unknown", "none", "refused", True)
    assert SECRET["title"] not in repr(events)


@pytest.mark.django_db(transaction=True)
def test_signal_says_what_the_cache_did(events: list[OperationEvent]) -> None:
    make_shop()
    engine = make_engine("locmem")
    data(engine, SHELF)
    data(engine, SHELF)
    Publisher.objects.update(name="Orbit")
    Book.objects.update(title="Orbit")
    data(engine, SHELF)

    assert [(event.hit, event.reason, event.written) for event in events] == [
        (False, "absent", ()),
        (True, "hit", ()),
        (False, "written", ("bookshop_book",)),
    ]
    assert events[1].statements == 0


def test_receivers_never_break_an_operation(engine: GraphQLEngine, caplog: pytest.LogCaptureFixture) -> None:
    def raises(**kwargs: Any) -> None:
        raise ValueError("a receiver's mistake")

    def fails(**kwargs: Any) -> None:
        Book.objects.create(title="x" * 10_000)

    for receiver in (raises, fails):
        operation_executed.connect(receiver)
    try:
        with transaction.atomic():
            data(engine, SHELF)
            assert Book.objects.count() == 3
    finally:
        for receiver in (raises, fails):
            operation_executed.disconnect(receiver)
    assert "a receiver's mistake" in caplog.text


def test_nothing_is_sent_without_receivers(engine: GraphQLEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraiseql_django.metrics.metrics.event_of", None)

    data(engine, SHELF)


# --- the log ---


def test_slow_operations_are_logged_without_values(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    engine = make_engine("locmem", settings=with_metrics(slow_ms=0))
    with caplog.at_level(logging.WARNING, "fraiseql_django.slow"):
        data(engine, SHELF, SECRET)

    (record,) = [record for record in caplog.records if record.name == "fraiseql_django.slow"]
    line = record.getMessage()
    assert re.fullmatch(
        r"query Shelf took [\d.]+ ms \(parse [\d.]+, plan [\d.]+, cache 0.0, storage [\d.]+ in 1 statements\), "
        r"bypass: transaction, tables: bookshop_author, bookshop_book, bookshop_book_authors",
        line,
    )
    assert "\n" not in line
    assert SECRET["title"] not in str(vars(record))


@pytest.mark.parametrize("slow_ms", [None, 1_000_000])
def test_others_are_not(shop: Shop, slow_ms: int | None, caplog: pytest.LogCaptureFixture) -> None:
    engine = make_engine("locmem", settings=with_metrics(slow_ms=slow_ms))
    data(engine, SHELF)

    assert [record for record in caplog.records if record.name == "fraiseql_django.slow"] == []


# --- the slowest operations ---


def test_slowest_operations_have_sql_and_no_values(engine: GraphQLEngine) -> None:
    data(engine, SHELF, SECRET)
    data(engine, SHELF, {"title": "another"})
    data(engine, "{ publishers { name } }")

    found = {slow.operation: slow for slow in engine.metrics.report().slowest}

    assert found["Shelf"].count == 2
    assert found["Shelf"].sql is not None
    assert '"bookshop_book"."title" = %s::text' in found["Shelf"].sql
    assert SECRET["title"] not in json.dumps(engine.metrics.snapshot())
    assert found[None].roots == ("publishers",)


def test_only_the_slowest_are_remembered(shop: Shop) -> None:
    engine = make_engine("locmem", settings=with_metrics(slowest=2))
    for field in ("title", "isbn", "price", "id"):
        data(engine, f"{{ books {{ {field} }} }}")

    assert len(engine.metrics.slowest.entries()) == 2
    assert engine.metrics.slowest.floor == min(slow.duration_ms for slow in engine.metrics.slowest.entries()) / 1000


def test_plan_of_a_statement_runs_nothing(engine: GraphQLEngine) -> None:
    data(engine, SHELF, SECRET)
    (slow,) = engine.metrics.report().slowest
    assert slow.sql is not None
    with transaction.atomic():
        for _ in range(2):
            plan = plan_of(slow.sql, "default")
        # the transaction goes on, and no statement was left prepared
        assert Book.objects.count() == 3

    assert "bookshop_book" in plan
    assert "$1" in plan


def test_statement_that_cannot_be_planned(engine: GraphQLEngine) -> None:
    with pytest.raises(Exception, match="does not exist"):
        plan_of('SELECT * FROM "nowhere" WHERE a = %s::text', "default")

    assert Book.objects.count() == 3


# --- Prometheus ---


def metrics_of(engine: GraphQLEngine) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values by metric and values of labels, without the process."""
    view = MetricsView.as_view(engines=[engine], token="secret")
    response = view(RequestFactory().get("/metrics/", headers={"Authorization": "Bearer secret"}))
    assert response.status_code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            labels = tuple(value for name, value in sorted(sample.labels.items()) if name not in ("schema", "process"))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.mark.django_db(transaction=True)
def test_prometheus() -> None:
    make_shop()
    engine = make_engine("locmem")
    for _ in range(4):
        data(engine, SHELF)
    data(engine, "{ publishers { name } }")

    found = metrics_of(engine)

    assert found["fraiseql_operations_total"][("hit", "hit")] == 3
    assert found["fraiseql_operations_total"][("miss", "absent")] == 2
    assert found["fraiseql_root_field_operations_total"][("hit", "books")] == 3
    assert found["fraiseql_type_operations_total"][("miss", "Author")] == 1
    assert found["fraiseql_statements_total"] == {(): 2}
    assert found["fraiseql_operation_duration_seconds_count"] == {("true",): 3, ("false",): 2}
    assert found["fraiseql_operation_duration_seconds_bucket"][("false", "+Inf")] == 2
    assert found["fraiseql_stage_seconds_total"][("storage",)] > 0
    assert found["fraiseql_cache_figures"][("evicted",)] == 0
    assert found["fraiseql_saved_seconds"][()] > 0
    # chosen by clients
    assert "Shelf" not in str(found)


def test_every_metric_of_the_dashboard_exists(engine: GraphQLEngine) -> None:
    data(engine, SHELF)
    text = DASHBOARD.read_text()
    dashboard = json.loads(text)
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    asked = set(re.findall(r"fraiseql_\w+", " ".join(queries)))
    found = metrics_of(engine)

    assert len(asked) >= 14
    assert asked - set(found) == set()
    labels = {label for query in queries for label in re.findall(r"\(?(\w+)=~?\"", query)}
    assert labels <= {"schema", "cache", "figure", "hit", "reason"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_endpoint_is_closed_by_default(engine: GraphQLEngine) -> None:
    view = MetricsView.as_view(engines=[engine])
    request = RequestFactory().get("/metrics/")
    codes = []
    for user in (AnonymousUser(), User(is_staff=True), User(is_superuser=True)):
        request.user = user
        codes.append(view(request).status_code)

    assert codes == [403, 403, 200]


@pytest.mark.parametrize("sent", ["", "Bearer wrong", "Bearer ", "Basic secret", "secret"])
def test_endpoint_wants_the_token(engine: GraphQLEngine, sent: str) -> None:
    view = MetricsView.as_view(engines=[engine], token="secret")
    response = view(RequestFactory().get("/metrics/", headers={"Authorization": sent}))

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert b"fraiseql_" not in response.content


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "bearer  "])
def test_empty_token_opens_nothing(engine: GraphQLEngine, sent: str) -> None:
    view = MetricsView.as_view(engines=[engine], token="")
    request = RequestFactory().get("/metrics/", headers={"Authorization": sent})
    request.user = AnonymousUser()

    assert view(request).status_code == 401


def test_collector_in_a_registry_of_the_project(engine: GraphQLEngine) -> None:
    data(engine, SHELF)

    assert {family.name for family in FraiseQLCollector([engine]).collect()} >= {"fraiseql_operations"}
    assert list(FraiseQLCollector([engine]).describe()) == []


# --- OpenTelemetry ---


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Record spans in memory."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def observed(name: str) -> GraphQLEngine:
    return make_engine("locmem", settings=with_metrics(observers=(f"fraiseql_django.contrib.{name}",)))


@pytest.mark.django_db(transaction=True)
def test_spans(spans: InMemorySpanExporter) -> None:
    make_shop()
    engine = observed("opentelemetry.OpenTelemetry")
    data(engine, SHELF, SECRET)

    *children, operation = spans.get_finished_spans()
    attributes = dict(operation.attributes or {})
    assert operation.name == "query Shelf"
    assert attributes["graphql.operation.name"] == "Shelf"
    assert attributes["graphql.operation.type"] == "query"
    assert (attributes["fraiseql.cache"], attributes["fraiseql.cache.reason"]) == ("miss", "absent")
    assert attributes["fraiseql.tables"] == ("bookshop_author", "bookshop_book", "bookshop_book_authors")
    assert [child.name for child in children] == ["parse", "plan", "cache lookup", "storage", "cache keep"]
    for child in children:
        assert child.parent is not None
        assert child.parent.span_id == operation.context.span_id
        assert operation.start_time - 1_000_000 <= child.start_time <= child.end_time <= operation.end_time + 1_000_000
    (statement,) = [child for child in children if child.name == "storage"]
    assert dict(statement.attributes or {})["db.system.name"] == "postgresql"
    assert "%s::text" in str(dict(statement.attributes or {})["db.query.text"])
    assert SECRET["title"] not in "".join(span.to_json() for span in spans.get_finished_spans())
    assert "graphql.document" not in attributes

    spans.clear()
    data(engine, SHELF, SECRET)
    assert [span.name for span in spans.get_finished_spans()] == ["parse", "plan", "cache lookup", "query Shelf"]


def test_span_is_current_while_the_operation_runs(
    shop: Shop, spans: InMemorySpanExporter, events: list[OperationEvent]
) -> None:
    inner = trace.get_tracer("inner")

    def receive(**kwargs: Any) -> None:
        inner.start_span("of the project").end()

    operation_executed.connect(receive)
    try:
        data(observed("opentelemetry.OpenTelemetry"), SHELF)
    finally:
        operation_executed.disconnect(receive)

    by_name = {span.name: span for span in spans.get_finished_spans()}
    parent = by_name["of the project"].parent
    assert parent is not None
    assert parent.span_id == by_name["query Shelf"].context.span_id
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_documents_only_on_request(shop: Shop, spans: InMemorySpanExporter) -> None:
    data(observed("opentelemetry.OpenTelemetryWithDocuments"), SHELF)

    assert dict(spans.get_finished_spans()[-1].attributes or {})["graphql.document"] == SHELF


def test_span_of_a_refused_operation(shop: Shop, spans: InMemorySpanExporter) -> None:
    assert observed("opentelemetry.OpenTelemetry").execute("{ nothing }").errors

    *_, operation = spans.get_finished_spans()
    assert (operation.name, operation.status.is_ok) == ("GraphQL Operation", False)


def test_otel_metrics(shop: Shop, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(otel_metrics, "get_meter", provider.get_meter)
    data(observed("opentelemetry.OpenTelemetry"), SHELF)

    found = reader.get_metrics_data()
    assert found is not None
    (resource,) = found.resource_metrics
    points = {metric.name: next(iter(metric.data.data_points)) for metric in resource.scope_metrics[0].metrics}
    assert points["fraiseql.operation.duration"].count == 1
    assert points["fraiseql.statements"].value == 1
    assert dict(points["fraiseql.statements"].attributes or {})["fraiseql.cache"] == "bypass"
    provider.shutdown()


# --- Sentry ---


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.sent: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        """Keep the events of an envelope."""
        self.sent += [item.payload.json for item in envelope.items]


def test_sentry_transactions_have_names_of_operations(shop: Shop) -> None:
    transport = Kept()
    # its integrations would replace methods of Django's for all tests
    alone: Any = {"default_integrations": False, "auto_enabling_integrations": False}
    sentry_sdk.init("https://key@example.org/1", transport=transport, traces_sample_rate=1.0, **alone)
    try:
        engine = observed("sentry.Sentry")
        with sentry_sdk.isolation_scope(), sentry_sdk.start_transaction(name="/graphql/"):
            data(engine, SHELF)
            sentry_sdk.capture_message("here")
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.init(**alone)

    message, transaction_ = transport.sent
    assert message["transaction"] == "query Shelf"
    assert transaction_["transaction"] == "query Shelf"
    assert transaction_["tags"]["graphql.operation.name"] == "Shelf"


# --- observers ---


def test_observer_that_cannot_be_imported() -> None:
    with pytest.raises(ConfigurationError, match=r"FRAISEQL\['METRICS'\]\['OBSERVERS'\] is 'nowhere.Thing'"):
        make_engine("locmem", settings=with_metrics(observers=("nowhere.Thing",)))


def test_observer_without_methods() -> None:
    with pytest.raises(ConfigurationError, match=r"has 'decimal.Decimal', which has no methods begin\(\), parsed\(\)"):
        make_engine("locmem", settings=with_metrics(observers=("decimal.Decimal",)))


def test_observers_that_fail_break_nothing(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    engine = make_engine("locmem", settings=with_metrics(observers=(f"{__name__}.Failing", f"{__name__}.Unmade")))
    data(engine, SHELF)

    assert caplog.text.count("an observer of operations failed") == 3
    assert caplog.text.count("the observer tests.metrics.test_observers.Unmade of FRAISEQL") == 1


class Failing:
    """An observer that always fails."""

    def begin(self, *arguments: Any) -> None:
        raise ValueError

    parsed = end = begin


class Unmade(Failing):
    """An observer that cannot be made."""

    def __init__(self) -> None:
        raise ValueError
