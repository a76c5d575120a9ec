"""An instance of some columns; values as Django's connections read and send them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import connections

from .._compat import Format, PyFormat, Transformer, get_adapters_template
from .types import Model


def sent_as(value: Any, alias: str) -> tuple[str | None, str] | None:
    """Return a parameter's text and the name of its type, "" where PostgreSQL finds that out; None for others.

    It is what a connection with ``server_side_binding`` sends. Relies on ``get_adapters_template()``.
    """
    if value is None:
        return None, ""
    adapters = get_adapters_template(settings.USE_TZ, connections[alias].timezone)
    try:
        dumper = Transformer(adapters).get_dumper(value, PyFormat.TEXT)
        data = dumper.dump(value)
    except Exception:
        # psycopg raises errors of its own, and those of the value's class
        return None
    if data is None:
        return None, ""
    known = adapters.types.get(dumper.oid)
    if dumper.oid and known is None:
        return None
    kind = "" if known is None else known.regtype + "[]" * (known.oid != dumper.oid)
    return bytes(data).decode(), kind


class _NoDatabase(str):
    """Stands for the database of an instance whose rows must not be read; a query names it as one that is not there."""


def instance_of(model: Model, values: Mapping[str, Any], refuse: Callable[..., Any]) -> Any:
    """Make an instance that has these values of columns, and other attributes; whatever else it reads is refused.

    ``refuse`` raises an error; it is called with the names of columns that the instance does not have. A query that
    starts from the instance, for a relation, ends in an error of Django's.

    Relies on ``from_db()`` taking the values of some concrete fields in the order of ``concrete_fields``, on deferred
    columns being read by ``refresh_from_db(fields=…)``, and on related managers using ``_state.db``.
    """
    names = [field.attname for field in model._meta.concrete_fields if field.attname in values]
    instance: Any = model.from_db(
        _NoDatabase("of rows that were read for a field of GraphQL: name what it reads in requires=[…]"),
        names,
        [values[name] for name in names],
    )
    instance.refresh_from_db = lambda using=None, fields=None, **options: refuse(*(fields or ()))
    for name in values.keys() - set(names):
        setattr(instance, name, values[name])
    return instance


# By the name of a type, what reads values that psycopg would read in a way of its own
_READ_AS_DJANGO: Mapping[str, Callable[[str], Any]] = {"bytea": lambda text: bytes.fromhex(text.removeprefix("\\x"))}


def text_loader(type_name: str, alias: str) -> Callable[[str], Any]:
    """Return what makes of the text of a value what Django's connections read for its type in PostgreSQL.

    A type that psycopg does not know stays a text. Relies on ``get_adapters_template()`` of the PostgreSQL backend, and
    on moments being read in ``connection.timezone`` if ``USE_TZ`` is on.
    """
    if type_name in _READ_AS_DJANGO:
        return _READ_AS_DJANGO[type_name]
    connection = connections[alias]
    if type_name == "timestamp with time zone":
        zone = connection.timezone if settings.USE_TZ else None
        return lambda text: _moment(text, zone)
    adapters = get_adapters_template(settings.USE_TZ, connection.timezone)
    try:
        oid = adapters.types.get_oid(type_name)
    except KeyError:
        return str
    loader = Transformer(adapters).get_loader(oid, Format.TEXT)
    return lambda text: loader.load(text.encode())


def _moment(text: str, zone: Any) -> Any:
    found = dt.datetime.fromisoformat(text)
    return found.astimezone(zone) if zone is not None else found.replace(tzinfo=None)
