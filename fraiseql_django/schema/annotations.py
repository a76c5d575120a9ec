"""Python annotations, read: ``list[BookType] | None``."""

from __future__ import annotations

import builtins
import collections.abc
import datetime as dt
import sys
import types
import typing
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ForwardRef, Union, get_args, get_origin

from django.db.models import QuerySet
from graphql import GraphQLID

from ..declare.registry import ID, JSON, BigInt, Registry
from ..errors import DeclarationError
from .scalars import graphql as leaves
from .scalars import postgres as scalars
from .scalars.encoding import encode_text
from .scalars.postgres import Scalar

PLAIN_ID = Scalar(graphql=GraphQLID, json=scalars.TEXT.json, cast="text", encode=encode_text)
# only for inputs: no column holds one, and a schema with one in an output is refused
UPLOAD = Scalar(graphql=leaves.UPLOAD, cast="text", encode=encode_text)

PYTHON_SCALARS: Mapping[Any, Scalar] = {
    str: scalars.TEXT,
    int: scalars.INT,
    float: scalars.FLOAT,
    bool: scalars.BOOLEAN,
    bytes: scalars.BYTES,
    Decimal: scalars.NUMERIC,
    uuid.UUID: scalars.UUID,
    dt.date: scalars.DATES,
    dt.datetime: scalars.DATETIME,
    dt.time: scalars.TIMES,
    dt.timedelta: scalars.INTERVAL,
    dict: scalars.JSONB,
    Any: scalars.JSONB,
    JSON: scalars.JSONB,
    ID: PLAIN_ID,
    BigInt: scalars.BIGINT,
    leaves.Upload: UPLOAD,
}


_NONE: Mapping[Any, Scalar] = {}

# their names, for messages on what SQL can compute
PYTHON_NAMES = [getattr(base, "__name__", "Any") for base, known in PYTHON_SCALARS.items() if known is not UPLOAD]


# the annotations that mean a list; a QuerySet is an Iterable, too
LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A type ``base``, a list of ``item``, or a union of ``members``; ``extras`` are the metadata of ``Annotated``."""

    base: Any = None
    item: Annotation | None = None
    nullable: bool = False
    members: tuple[Annotation, ...] = ()
    extras: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A name in an annotation that is not defined in its module: that of a type declared elsewhere."""

    name: str

    def __or__(self, other: Any) -> Any:
        return Union[ForwardRef(self.name), other]  # noqa: UP007

    __ror__ = __or__


class _Names(Mapping[str, Any]):
    """The names that an annotation may use: of its module, of Python, and of all declared types."""

    def __init__(self, module: str, registry: Registry) -> None:
        self.module = vars(sys.modules[module]) if module in sys.modules else {}
        self.registry = registry

    def __getitem__(self, name: str) -> Any:
        for names in (self.module, vars(builtins), vars(typing)):
            if name in names:
                # the class tells of its subscript only here: QuerySet[Book] is QuerySet
                return collections.abc.Iterable if names[name] is QuerySet else names[name]
        declared = self.registry.named(name)
        return declared.cls if declared else Named(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.module)

    def __len__(self) -> int:
        return len(self.module)


def read(annotation: Any, module: str, registry: Registry, *, unions: bool = False) -> Annotation:
    """Read an annotation of a class or function in ``module``.

    Raises DeclarationError for a union of more than one type, unless ``unions`` may stand there.
    """
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        try:
            evaluated = eval(annotation, {}, _Names(module, registry))
        except Exception as error:
            raise DeclarationError(f"annotation {annotation!r} in {module} cannot be read: {error}") from error
        return read(evaluated, module, registry, unions=unions)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        nullable = len(members) < len(get_args(annotation))
        if len(members) != 1 and unions:
            return Annotation(members=tuple(read(each, module, registry) for each in members), nullable=nullable)
        if len(members) != 1:
            raise DeclarationError(f"annotation {annotation} in {module} is a union; only 'X | None' can be read")
        inner = read(members[0], module, registry)
        return Annotation(inner.base, inner.item, nullable, extras=inner.extras)
    if origin is typing.Annotated:
        annotated, *extras = get_args(annotation)
        return replace(read(annotated, module, registry, unions=unions), extras=tuple(extras))
    if origin in LISTS:
        return Annotation(item=read(get_args(annotation)[0], module, registry, unions=unions))
    if origin is dict:
        return Annotation(dict)
    if annotation is QuerySet:
        raise DeclarationError(
            f"an annotation in {module} is a QuerySet, which does not tell Python of what; write list[…] with the "
            'type, or "QuerySet[…]" in quotes'
        )
    return Annotation(annotation, nullable=annotation is None or annotation is types.NoneType)


def innermost(annotation: Annotation) -> Annotation:
    """Return the item of the innermost list."""
    return annotation if annotation.item is None else innermost(annotation.item)


def extras_in(annotation: Annotation) -> list[Any]:
    """Return the metadata of an annotation and of what it consists of."""
    parts = [*annotation.members, *([] if annotation.item is None else [annotation.item])]
    return [*annotation.extras, *(extra for part in parts for extra in extras_in(part))]


def signature(annotation: Annotation, declared: Mapping[Any, Scalar]) -> str | None:
    """Return an annotation's type in GraphQL's notation; None where GraphQL has no type for it."""
    if annotation.item is not None:
        item = signature(annotation.item, declared)
        written = None if item is None else f"[{item}]"
    else:
        known = getattr(annotation.base, "__fraiseql_type__", None) or scalar(annotation.base, declared)
        written = None if known is None else str(known.name)
    return written if written is None or annotation.nullable else f"{written}!"


def scalar(base: Any, declared: Mapping[Any, Scalar] = _NONE) -> Scalar | None:
    """Return the leaf type of a Python type, or None; ``declared`` are the scalars of the project's own."""
    try:
        return declared.get(base) or ((known := PYTHON_SCALARS.get(base)) and scalars.localized(known))
    except TypeError:
        return None
