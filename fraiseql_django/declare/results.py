"""Results of mutations: classes of success and of error, and the package's own.

The shapes of ``Error`` and ``Cascade`` are the upstream's, so that its clients and functions fit.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

from .registry import ID, JSON, declare_object
from .types import field as described

_C = TypeVar("_C", bound=type)


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def success(cls: _C) -> _C:
    """Declare an object type that mutations return when they succeed: a class of annotations, made a dataclass.

    Its fields are plain values, lists, objects, or declared types, which hold instances of the model.
    """
    return declare_object(cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def error(cls: _C) -> _C:
    """Declare an object type that mutations return when they have failed: what they wrote is undone.

    It has the fields of ``MutationError``, too, where it does not declare them itself.
    """
    own = inspect.get_annotations(cls)
    added = {name: annotation for name, (annotation, _) in _OF_ERRORS.items() if name not in own}
    for name in added:
        # a value without an annotation is the class's own default
        if name not in vars(cls) and (make_default := _OF_ERRORS[name][1]) is not None:
            setattr(cls, name, make_default())
    cls.__annotations__ = {**added, **own}
    return declare_object(cls, failed=True)


@success
class Error:
    """One thing that is wrong with what a mutation was given, or that kept it from being done."""

    code: int
    identifier: str
    message: str
    field: str | None = None
    details: JSON | None = None


# the fields of every error: annotation, and a function that returns the default
_OF_ERRORS: dict[str, tuple[Any, Callable[[], Any] | None]] = {
    "message": (str, None),
    "code": (int, lambda: 422),
    "status": (str, lambda: "failed"),
    "errors": (list[Error], lambda: dataclasses.field(default_factory=list)),
}


@error
class MutationError:
    """Why nothing was written."""

    message: str
    code: int = 422
    status: str = "failed"
    errors: list[Error] = dataclasses.field(default_factory=list)


@success
class CascadeUpdate:
    """An object that a mutation created or changed beside its own."""

    typename: str = described(column="__typename", description="The object's GraphQL type.")
    id: ID
    operation: str
    entity: JSON | None = None


@success
class CascadeDeletion:
    """An object that a mutation deleted beside its own."""

    typename: str = described(column="__typename", description="The object's GraphQL type.")
    id: ID
    deleted_at: str | None = None


@success
class CascadeInvalidation:
    """Queries whose answers a client should ask for anew."""

    query_name: str
    strategy: str
    scope: str | None = None


@success
class CascadeMetadata:
    """When a mutation was done, and how many objects it concerned."""

    timestamp: str | None = None
    affected_count: int | None = None


@success
class Cascade:
    """What else a mutation changed, for clients that keep a cache."""

    updated: list[CascadeUpdate]
    deleted: list[CascadeDeletion]
    invalidations: list[CascadeInvalidation]
    metadata: CascadeMetadata | None = None
