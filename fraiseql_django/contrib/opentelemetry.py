"""Spans and metrics for OpenTelemetry (extra ``opentelemetry``).

    FRAISEQL = {"METRICS": {"OBSERVERS": ["fraiseql_django.contrib.opentelemetry.OpenTelemetry"]}}

An operation is a span named by its kind and name, with children for parsing, planning, calls of the cache and
statements. The attributes are those of the semantic conventions for GraphQL and for databases. The span is the current
one while the operation runs, so spans of other instruments (Django, psycopg, Redis) stand where they belong. Only the
API is needed; without an SDK that the project sets up, nothing is recorded.
"""

from __future__ import annotations

import time
from time import perf_counter
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from ..metrics.measurement import Measurement
from ..viewer import Viewer

_NAME = "fraiseql_django"


class OpenTelemetry:
    """An observer that records each operation; ``with_document`` adds the text of the document to the span.

    Documents may have values of clients in them, so they are added by ``OpenTelemetryWithDocuments`` only.
    """

    with_document = False

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_NAME)
        meter = metrics.get_meter(_NAME)
        self._duration = meter.create_histogram(
            "fraiseql.operation.duration", unit="s", description="Duration of operations."
        )
        self._bytes = meter.create_counter("fraiseql.answer.size", unit="By", description="Bytes of answers.")
        self._statements = meter.create_counter(
            "fraiseql.statements", unit="{statement}", description="Statements of operations."
        )

    def begin(self, measured: Measurement, viewer: Viewer, text: str) -> None:
        """Start the span."""
        span = self._tracer.start_span("GraphQL Operation", kind=SpanKind.INTERNAL)
        if self.with_document and span.is_recording():
            span.set_attribute("graphql.document", text)
        if span.is_recording() and measured.steps is None:
            measured.steps = []
        token = context.attach(trace.set_span_in_context(span))
        notes = measured.notes = measured.notes or {}
        notes[self] = span, token

    def parsed(self, measured: Measurement) -> None:
        """Do nothing: the span gets its name at the end."""

    def end(self, measured: Measurement, viewer: Viewer) -> None:
        """End the span and record the metrics."""
        notes = measured.notes or {}
        if self not in notes:
            return
        span, token = notes.pop(self)
        context.detach(token)
        if span.is_recording():
            self._describe(span, measured)
        span.end()
        attributes: dict[str, str | bool] = {
            "graphql.operation.type": measured.subject.kind,
            "fraiseql.cache": measured.outcome.kind,
            "fraiseql.failed": measured.failed,
        }
        self._duration.record(measured.duration, attributes)
        self._bytes.add(measured.bytes, attributes)
        self._statements.add(measured.statements, attributes)

    def _describe(self, span: Span, measured: Measurement) -> None:
        subject, outcome = measured.subject, measured.outcome
        if subject.kind != "unknown":
            span.update_name(f"{subject.kind} {subject.name}" if subject.name else subject.kind)
            span.set_attribute("graphql.operation.type", subject.kind)
        if subject.name is not None:
            span.set_attribute("graphql.operation.name", subject.name)
        span.set_attributes(
            {
                "fraiseql.cache": outcome.kind,
                "fraiseql.cache.reason": outcome.reason,
                "fraiseql.root_fields": subject.roots,
                "fraiseql.tables": measured.tables,
                "fraiseql.bytes": measured.bytes,
            }
        )
        if measured.failed:
            span.set_status(Status(StatusCode.ERROR))
        self._children(span, measured)

    def _children(self, span: Span, measured: Measurement) -> None:
        """Add the stages, whose times are known by now."""
        parent = trace.set_span_in_context(span)
        # from the clock of the measurement to that of spans
        offset = time.time_ns() - int(perf_counter() * 1e9)

        def child(name: str, started: float, ended: float, **attributes: Any) -> None:
            kind = SpanKind.CLIENT if attributes else SpanKind.INTERNAL
            begun = int(started * 1e9) + offset
            made = self._tracer.start_span(name, context=parent, kind=kind, start_time=begun, attributes=attributes)
            made.end(int(ended * 1e9) + offset)

        parsed = measured.parsed or measured.ended
        child("parse", measured.started, parsed)
        if measured.parsed:
            child("plan", parsed, measured.planned or measured.ended)
        for step in measured.steps or ():
            if step.sql is None:
                child(step.name, step.started, step.ended)
            else:
                attributes = {
                    "db.system.name": "postgresql",
                    "db.query.text": step.sql,
                    "db.response.returned_rows": step.rows,
                }
                child("storage", step.started, step.ended, **attributes)


class OpenTelemetryWithDocuments(OpenTelemetry):
    """An observer whose spans have the text of the document (``graphql.document``)."""

    with_document = True
