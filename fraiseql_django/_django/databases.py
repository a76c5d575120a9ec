"""What is known of a database by its alias; routers and managers."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db import connections, models, router
from django.utils import timezone

from .models import free_name
from .types import Model


def active_zone(alias: str) -> str:
    """Return the name of the active time zone as PostgreSQL reads it: of offsets, POSIX has the opposite sign."""
    operations: Any = connections[alias].ops
    return str(operations._prepare_tzname_delta(timezone.get_current_timezone_name()))


def output_type(model: Model, expression: Any, alias: str, rows: models.QuerySet[Any, Any] | None = None) -> str | None:
    """Return the column type that an expression over a model has by its ``output_field``; None where it has none.

    ``rows`` are a query of the model whose annotations the expression may name. Relies on ``Query.annotations`` holding
    the resolved expression.
    """
    name = free_name(model, "fraiseql_value")
    queryset = models.QuerySet(model, using=alias) if rows is None else rows.using(alias)
    resolved = queryset.annotate(**{name: expression}).query.annotations[name]
    try:
        found: str | None = resolved.output_field.db_type(connections[alias])
    except FieldError:
        return None
    return found


def database_of(connection: Any) -> tuple[Any, ...]:
    """Return what tells a database from others: the alias is not enough, tests use a database of their own under it.

    Relies on ``settings_dict`` and on tests changing its ``NAME``.
    """
    return (connection.alias, *(connection.settings_dict[key] for key in ("HOST", "PORT", "NAME")))


def has_routers() -> bool:
    """Whether ``DATABASE_ROUTERS`` has any. Relies on ``router.routers``."""
    return bool(router.routers)


def database_of_routers(model: Model, action: str) -> str | None:
    """Return the database that routers give a model for ``db_for_read`` or ``db_for_write``; None for no opinion.

    Unlike the methods of ``router``, which give the default database then. Relies on ``router.routers``.
    """
    for item in router.routers:
        chosen: str | None = getattr(item, action)(model) if hasattr(item, action) else None
        if chosen:
            return chosen
    return None


def database_of_manager(model: Model) -> str | None:
    """Return the database that a model's default manager is bound to; None for none, and where it cannot be asked.

    Relies on ``_db`` of QuerySets.
    """
    try:
        rows: Any = model._default_manager.get_queryset()
    except Exception:
        return None
    found: str | None = rows._db
    return found


def is_same_database(alias: str, other: str) -> bool:
    """Whether two aliases lead to the same rows: they are one, have one address, or one mirrors the other in tests.

    Relies on ``connections.settings`` having all defaults. An alias that is not in DATABASES is only like itself.
    """
    if alias == other or alias not in connections or other not in connections:
        return alias == other
    one, two = connections.settings[alias], connections.settings[other]
    mirrors = {one["TEST"]["MIRROR"], two["TEST"]["MIRROR"]}
    # libpq's options may set another search path
    options = one["OPTIONS"].get("options") == two["OPTIONS"].get("options")
    same = options and all(one[key] == two[key] for key in ("HOST", "PORT", "NAME"))
    return same or not mirrors.isdisjoint((alias, other))


def own_database(rows: models.QuerySet[Any, Any]) -> str | None:
    """Return the database that ``using()`` has given a query, None for none. Relies on ``_db``."""
    found: str | None = getattr(rows, "_db", None)
    return found
