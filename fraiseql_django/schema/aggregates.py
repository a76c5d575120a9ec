"""Descriptions of aggregates and of groups, derived from the type whose rows they are of.

    Aggregate   BookAggregate     ── count ──> Total
                                  ── sum … ──> Values    BookAggregateSum   ── price ──────> Aggregated
                                                                            ── publisher ──> AggregatedOne
    Groups      BookGroup         ── key ────> Keys      BookGroupKey       ── title ──────> GroupKey
                                  ── the same            ── published ──────> GroupKey, DatePartKey
                                                         ── publisher ──────> KeyOne

Each is derived where a field leads to it, once, by ``shapes`` of the field's kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard

from ..declare.names import pascal_case
from .definition import AbstractShape, DerivedShape, FieldDef, Reference, Related, Shape
from .functions import COUNTED, FUNCTIONS, Function, scalar_of
from .kinds import Derivation, kind_of
from .scalars import graphql as leaves
from .scalars.postgres import INT, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(FieldDef):
    """One object of aggregates over all rows of the list ``of``."""

    of: Related


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups(FieldDef):
    """The rows of the list ``of`` in groups, each with its aggregates.

    Of a selected field ``order`` has what the groups are sorted by: see ``kinds.groups``.
    """

    of: Related
    order: tuple[Any, ...] = ()
    having: Any = None
    page: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(FieldDef):
    """The number of rows."""

    scalar: Scalar = COUNTED
    dimensions: int = 0
    nullable: bool = False
    nullable_items: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(FieldDef):
    """What a function makes of each field that it takes: the shape ``target``."""

    function: Function
    target: str
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregated(FieldDef):
    """What a function makes of the values of the field ``of`` of the type ``owner``.

    ``order``, ``limit``, ``separator`` and ``distinct`` are the arguments of a selected field.
    """

    owner: str
    of: Any
    function: Function
    scalar: Scalar
    dimensions: int = 0
    nullable: bool = True
    nullable_items: bool = False
    order: tuple[Any, ...] = ()
    page: Any = None
    separator: Any = None
    distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatedOne(FieldDef):
    """What the same function makes of the fields behind a to-one field ``of`` of the type ``owner``.

    ``rows`` are those that it leads to, where it is selected; None where they are read with the row that has it.
    """

    owner: str
    of: Reference
    function: Function
    target: str
    rows: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(FieldDef):
    """What rows are grouped by: the fields that are selected of the shape ``target``."""

    of: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey(FieldDef):
    """The value of the field ``of`` of the type ``owner``, by which rows are grouped; ``given`` are its arguments."""

    owner: str
    of: Any
    scalar: Scalar
    dimensions: int = 0
    nullable: bool = True
    nullable_items: bool = False
    given: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatePartKey(GroupKey):
    """A part of a date or a moment, by which rows are grouped."""

    moment: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOne(FieldDef):
    """The fields behind a to-one field, by which rows are grouped; ``rows`` as in AggregatedOne."""

    owner: str
    of: Reference
    target: str
    rows: Any = None


def aggregate_name(target: str) -> str:
    """Return the name of the type of aggregates of a type's rows."""
    return f"{target}Aggregate"


def values_name(target: str, function: Function) -> str:
    """Return the name of the type of what a function makes of a type's fields."""
    return f"{target}Aggregate{pascal_case(function.name)}"


def group_name(target: str) -> str:
    """Return the name of the type of groups of a type's rows."""
    return f"{target}Group"


def keys_name(target: str) -> str:
    """Return the name of the type of what a type's rows are grouped by."""
    return f"{target}GroupKey"


def aggregate_shape(target: str, derive: Derivation) -> Shape:
    """Return the shape of aggregates of a type's rows."""
    name = aggregate_name(target)
    fields = {field.name: field for field in _values(target, derive)}
    return DerivedShape(name=name, description=f"What functions make of {target} rows.", fields=fields)


def group_shape(target: str, derive: Derivation) -> Shape:
    """Return the shape of groups of a type's rows."""
    keys = Keys(
        name="key",
        description="What all rows of the group have in common: rows are grouped by the fields selected here.",
        of=target,
        target=keys_name(target),
        cost=0,
    )
    fields: dict[str, FieldDef] = {"key": keys} if target in _reached(derive, _is_key) else {}
    fields |= {field.name: field for field in _values(target, derive)}
    return DerivedShape(name=group_name(target), description=f"{target} rows that have a key in common.", fields=fields)


def _values(target: str, derive: Derivation) -> Iterator[FieldDef]:
    yield Total(name="count", description="How many rows there are.")
    for function in FUNCTIONS.values():
        if target in _reached(derive, function.takes):
            yield Values(
                name=derive.conventions.name(function.name),
                description=function.description,
                function=function,
                target=values_name(target, function),
                of=target,
                cost=0,
            )


def values_shape(target: str, function: Function, derive: Derivation) -> Shape:
    """Return the shape of what a function makes of a type's fields, and of those behind its to-one fields."""
    reached = _reached(derive, function.takes)
    fields: dict[str, FieldDef] = {}
    for name, field in derive.types[target].fields.items():
        scalar = _scalar(field)
        if scalar is not None and function.takes(scalar):
            fields[name] = Aggregated(
                **_as(field),
                owner=target,
                of=field,
                function=function,
                scalar=function.result(scalar),
                dimensions=function.dimensions,
                nullable=field.mask or not function.counts,
            )
        elif _leads(field, reached):
            fields[name] = AggregatedOne(
                **_as(field), owner=target, of=field, function=function, target=values_name(field.target, function)
            )
    return DerivedShape(name=values_name(target, function), description=function.description, fields=fields)


def keys_shape(target: str, derive: Derivation) -> Shape:
    """Return the shape of what a type's rows are grouped by: its values, parts of dates, and to-one fields."""
    reached, own = _reached(derive, _is_key), derive.types[target].fields
    fields: dict[str, FieldDef] = {}
    parts: dict[str, FieldDef] = {}
    for name, field in own.items():
        scalar: Any = _scalar(field)
        if _leads(field, reached):
            fields[name] = KeyOne(**_as(field), owner=target, of=field, target=keys_name(field.target))
        elif scalar is not None:
            nullable = field.mask or getattr(field, "nullable", True)
            fields[name] = GroupKey(**_as(field), owner=target, of=field, scalar=scalar, nullable=nullable)
            part = derive.conventions.name(f"{name}_part") if name == name.lower() else f"{name}Part"
            if scalar.graphql in (leaves.DATE, leaves.DATE_TIME) and part not in own:
                parts[part] = DatePartKey(
                    **{**_as(field), "name": part, "description": f"A part of `{name}`."},
                    owner=target,
                    of=field,
                    scalar=INT,
                    nullable=nullable,
                    moment=scalar.graphql is leaves.DATE_TIME,
                )
    described = f"What {target} rows are grouped by."
    return DerivedShape(name=keys_name(target), description=described, fields={**fields, **parts})


def _as(field: FieldDef) -> dict[str, Any]:
    """Return what a derived field has in common with the field that it is of: above all who may see it."""
    return {
        "name": field.name,
        "description": field.description,
        "deprecation": field.deprecation,
        "permission": field.permission,
        "mask": field.mask,
        "cost": field.cost,
    }


def _scalar(field: FieldDef) -> Scalar | None:
    return scalar_of(field, kind_of(field).comparable(field))


def _is_key(scalar: Scalar) -> bool:
    return True


def _leads(field: FieldDef, reached: frozenset[str]) -> TypeGuard[Reference]:
    return isinstance(field, Reference) and not field.many and field.target in reached


def _reached(derive: Derivation, takes: Callable[[Scalar], bool]) -> frozenset[str]:
    """Return the names of the types that have something of a kind, if only behind to-one fields."""
    return derive.once(takes, partial(_reaching, derive, takes))


def _reaching(derive: Derivation, takes: Callable[[Scalar], bool]) -> frozenset[str]:
    found: set[str] = set()
    leading: dict[str, list[str]] = {}
    for name, definition in derive.types.items():
        if isinstance(definition, AbstractShape):
            # its objects are of several tables, of which none has the fields of all
            continue
        for field in definition.fields.values():
            scalar = _scalar(field)
            if scalar is not None and takes(scalar):
                found.add(name)
            elif isinstance(field, Reference) and not field.many:
                leading.setdefault(field.target, []).append(name)
    waiting = list(found)
    while waiting:
        for name in leading.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset(found)
