"""The page with the figures of operations in Django's admin, for superusers.

The admin finds this module by itself. Its pages belong to models; this one belongs to a model outside of Django's
registry, so it has no table, no migration, no content type and no permissions.
"""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from psycopg import Error as DriverError

from .cache.outcomes import EXPLANATIONS, Outcome
from .conf.settings import schema_names
from .engine import GraphQLEngine, get_engine
from .errors import ConfigurationError
from .metrics import slowest
from .metrics.counters import Counts, quantile
from .metrics.plots import plots_of
from .metrics.report import Report

# Rows of each table
ROWS = 20


class Operations(models.Model):
    """The name of the page in the admin; there is no table."""

    class Meta:
        apps = Apps()
        app_label = "fraiseql_django"
        managed = False
        default_permissions = ()
        verbose_name = verbose_name_plural = "GraphQL operations"

    def __str__(self) -> str:
        """Return the name of the page."""
        return "GraphQL operations"


@admin.register(Operations)
class OperationsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The page; override ``has_view_permission`` in a subclass to let others than superusers see it."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the user may see the page: SQL and names of operations are not for everybody."""
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: there is nothing to add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: there is nothing to change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: there is nothing to delete."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the page is listed on the admin's first page."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """Return the address of the page, which the admin links to as the list of a model."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="fraiseql_django_operations_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Return the page of one schema; with ``plan`` it has PostgreSQL's plan of one of the slowest statements."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        names = ["", *schema_names()]
        chosen = request.GET.get("schema", "")
        chosen = chosen if chosen in names else ""
        context = {
            **self.admin_site.each_context(request),
            "title": "GraphQL operations",
            "opts": self.opts,
            "schemas": names if len(names) > 1 else [],
            "chosen": chosen,
            **_figures(chosen or None, request.GET.get("plan")),
        }
        return TemplateResponse(request, "admin/fraiseql_django/operations.html", context)


def _figures(schema: str | None, wanted: str | None) -> dict[str, Any]:
    """Return what the page shows."""
    try:
        engine = get_engine(schema)
    except ConfigurationError as error:
        return {"problem": str(error)}
    try:
        report, problem = engine.metrics.report(), ""
    except Exception as error:
        problem = (
            "The figures of other processes cannot be read, so these are those of this process: "
            f"{type(error).__name__}: {error}"
        )
        report = engine.metrics.own_report()
    silent = engine.metrics.silent_after
    return {
        "problem": problem,
        "alone": not engine.metrics.is_shared,
        "report": report,
        "plots": plots_of(report.minutes),
        "tables": [
            ("Root fields", [_row(counts) for counts in report.roots[:ROWS]], len(report.roots)),
            ("Types", [_row(counts) for counts in report.types[:ROWS]], len(report.types)),
            ("Operations", [_row(counts) for counts in report.operations[:ROWS]], len(report.operations)),
        ],
        "reasons": _reasons(report),
        "written": list(report.written.items())[:ROWS],
        "processes": [(process, process.is_silent(silent)) for process in report.processes][:ROWS],
        "statistics": engine.statistics(),
        "cache_figures": engine.cache_figures(),
        "quantiles": _quantiles(report.total),
        "plan": _plan(engine, report, wanted),
        "rows": ROWS,
    }


def _row(counts: Counts) -> dict[str, Any]:
    key = counts.key
    name = key if isinstance(key, str) else key[0] or f"({key[1]}: {', '.join(key[2]) or 'none'})"
    return {"name": name, "counts": counts, "rate": _percent(counts.hit_rate), **_quantiles(counts)}


def _quantiles(counts: Counts) -> dict[str, float | None]:
    found = {name: quantile(counts.by_time, share) for name, share in (("p50", 0.5), ("p95", 0.95))}
    return {name: None if value is None else value * 1000 for name, value in found.items()}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _reasons(report: Report) -> list[tuple[str, str, str, int]]:
    """Return the outcomes that occurred, by kind: kind, name, explanation, number."""
    return [
        (kind, outcome.reason.replace("_", " "), EXPLANATIONS[outcome], report.total.outcomes[outcome])
        for kind in ("hit", "miss", "bypass", "none")
        for outcome in Outcome
        if outcome.kind == kind and report.total.outcomes[outcome]
    ]


def _plan(engine: GraphQLEngine, report: Report, wanted: str | None) -> dict[str, str] | None:
    """Return PostgreSQL's plan of the statement that is asked for, or why there is none."""
    entry = next((entry for entry in report.slowest if entry.key == wanted), None)
    if entry is None or entry.sql is None:
        return None
    if entry.is_cut:
        return {"key": entry.key, "text": "The statement is too long to be remembered whole, so it has no plan here."}
    try:
        return {"key": entry.key, "text": slowest.plan_of(entry.sql, engine.settings.database)}
    except DriverError as error:
        return {"key": entry.key, "text": f"PostgreSQL gives no plan: {error}"}
