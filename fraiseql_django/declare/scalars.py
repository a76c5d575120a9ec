"""``scalar``: a GraphQL scalar of the project's own, by one registration.

    fraiseql.scalar(
        "Money", python=Money, fields=[MoneyField], like=Decimal,
        sql="to_char({0}, 'FM999990.00') || ' EUR'", parse=Money.parse, bind=lambda money: money.amount,
        specified_by="https://example.com/money",
    )

What is declared without a registry is in all schemas; that of a schema's own registry comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from graphql import specified_scalar_types

from ..errors import DeclarationError
from .names import check_name
from .registry import Registry, default_registry
from .reporting import report

# the name of a type, with its schema, its sizes and the brackets of an array
_TYPE = re.compile(r'(?:[\w .]|"[^"{}%]+"|\([\w ,]+\)|\[\])+')


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScalarDeclaration:
    """The arguments of ``scalar``; ``python`` and ``fields`` are tuples."""

    name: str
    python: tuple[Any, ...]
    fields: tuple[type, ...]
    like: Any
    cast: str | None = None
    sql: str | None = None
    parse: Callable[[Any], Any] | None = None
    bind: Callable[[Any], Any] | None = None
    serialize: Callable[[Any], Any] | None = None
    filters: bool = True
    ordered: bool = True
    searchable: bool = True
    specified_by: str | None = None
    description: str | None = None
    directives: tuple[Any, ...] = ()


def scalar(
    name: str,
    *,
    python: Any = (),
    fields: Any = (),
    like: Any = str,
    cast: str | None = None,
    sql: str | None = None,
    parse: Callable[[Any], Any] | None = None,
    bind: Callable[[Any], Any] | None = None,
    serialize: Callable[[Any], Any] | None = None,
    filters: bool = True,
    ordered: bool = True,
    searchable: bool = True,
    specified_by: str | None = None,
    description: str | None = None,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> ScalarDeclaration:
    """Register a scalar: everything that has it, and how its values are written, read and compared.

    It is the type of fields of the model field classes ``fields`` and of what is annotated with ``python``, a class or
    a NewType; each may be several. ``like`` is the Python type whose scalar it resembles (``str``, ``Decimal``,
    ``datetime`` …): values are stored, written and compared as its values are, and clients have its operators.

    What differs is said by the rest. ``sql`` writes a value: SQL in which ``{0}`` is the column, whose result becomes
    a JSON value. ``parse`` turns what a client sends, a JSON value, into the Python value that mutations and models
    get; it raises ``InvalidInput`` or Django's ``ValidationError`` with the reason, or any exception, for a value that
    is none. ``bind`` turns the Python value into one of ``like``, which PostgreSQL compares with; without it, the field
    class's own preparation is used. ``serialize`` turns a Python value that a mutation returns into a JSON value.
    ``cast`` is the type of such columns in PostgreSQL, where it is not that of ``like``.

    ``filters``, ``ordered`` and ``searchable`` as False take operators away: all of them and sorting, those of an
    order and sorting, those that search in a text. ``specified_by`` is the URL of a specification (``@specifiedBy``);
    ``directives`` are those of the schema's text (see ``directive``).
    """
    problems: list[str] = []
    try:
        check_name(name, "a scalar")
    except DeclarationError as error:
        problems.append(str(error))
    classes: tuple[Any, ...] = _several(fields)
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, models.Field)):
            problems.append(f"scalar {name!r}: fields has {cls!r}, must be field classes of models")
    functions: dict[str, Any] = {"parse": parse, "bind": bind, "serialize": serialize}
    for argument, function in functions.items():
        if function is not None and not callable(function):
            problems.append(f"scalar {name!r}: {argument} is {function!r}, must be a function")
    if name in specified_scalar_types:
        problems.append(f"a scalar cannot be called {name!r}, the name of one of GraphQL's own")
    if cast is not None and not (isinstance(cast, str) and _TYPE.fullmatch(cast)):
        problems.append(f"scalar {name!r}: cast is {cast!r}, must be the name of a type in PostgreSQL")
    template: Any = sql
    if template is not None and not isinstance(template, str):
        problems.append(f"scalar {name!r}: sql is {sql!r}, must be SQL in which {{0}} stands for the column")
    elif sql is not None and "{0}" not in sql:
        problems.append(f"scalar {name!r}: sql is {sql!r}, in which {{0}} must stand for the column")
    elif sql is not None and set(re.findall(r"{(\w+)}", sql)) != {"0"}:
        problems.append(f"scalar {name!r}: sql is {sql!r}, in which no other word than 0 may stand in braces")
    if not classes and not _several(python):
        problems.append(f"scalar {name!r} has neither fields nor python; name what has this type")
    declared = ScalarDeclaration(
        name=name, python=_several(python), fields=classes, like=like, cast=cast, sql=sql, parse=parse, bind=bind,
        serialize=serialize, filters=filters, ordered=ordered, searchable=searchable, specified_by=specified_by,
        description=description, directives=tuple(directives),
    )  # fmt: skip
    if problems:
        report(DeclarationError("\n".join(problems)))
    else:
        registry.scalars.append(declared)
    return declared


def scalars_of(registry: Registry) -> list[ScalarDeclaration]:
    """Return the scalars of a schema: its own, then those of all schemas."""
    return list(dict.fromkeys([*registry.scalars, *default_registry.scalars]))


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Collection) and not isinstance(value, (str, type)) else (value,)
