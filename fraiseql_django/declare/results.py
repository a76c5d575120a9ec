"""Results of mutations: classes of success and of error, and the package's own.

The shapes of ``Error`` and ``Cascade`` are the upstream's, so that its clients and functions fit.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, TypeVar, dataclass_transform, overload

from .registry import ID, JSON, declare_object
from .types import field as described

_C = TypeVar("_C", bound=type)


@overload
def success(cls: _C, /) -> _C: ...
@overload
def success(
    *, name: str | None = None, description: str | None = None, directives: Iterable[Any] = ()
) -> Callable[[_C], _C]: ...
@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, described))
def success(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    directives: Iterable[Any] = (),
) -> Any:
    """Declare an object type that mutations return when they succeed: a class of annotations, made a dataclass.

    Its fields are plain values, lists, objects, or declared types, which hold instances of the model. A value without
    an annotation is the default of the field that it inherits. ``directives`` are those of the schema's text (see
    ``directive``).
    """
    if cls is None:
        return lambda cls: declare_object(cls, name, description, directives=directives)
    return declare_object(cls)


@overload
def error(cls: _C, /) -> _C: ...
@overload
def error(
    *, name: str | None = None, description: str | None = None, directives: Iterable[Any] = ()
) -> Callable[[_C], _C]: ...
@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, described))
def error(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    directives: Iterable[Any] = (),
) -> Any:
    """Declare an object type that mutations return when they have failed: what they wrote is undone.

    It has the fields of ``MutationError``, too, where it does not declare them itself; type checkers know them where
    it extends ``MutationError``. The arguments are those of ``success``.
    """
    if cls is None:
        return lambda cls: _error(cls, name, description, directives)
    return _error(cls)


def _error(cls: _C, name: str | None = None, description: str | None = None, directives: Iterable[Any] = ()) -> _C:
    own = inspect.get_annotations(cls)
    inherited = {item.name for base in cls.__mro__[1:] if dataclasses.is_dataclass(base) for item in fields(base)}
    known = own.keys() | inherited
    added = {attribute: annotation for attribute, (annotation, _) in _OF_ERRORS.items() if attribute not in known}
    for attribute in added:
        if attribute not in vars(cls) and (make_default := _OF_ERRORS[attribute][1]) is not None:
            setattr(cls, attribute, make_default())
    cls.__annotations__ = {**added, **own}
    return declare_object(cls, name, description, failed=True, directives=directives)


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
