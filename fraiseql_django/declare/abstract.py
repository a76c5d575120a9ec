"""``interface`` and ``union``: types whose objects are of one of several types each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, TypeVar, overload

from django.db import models

from ..errors import DeclarationError
from .cache_policy import Cached, as_policy, wrong_policies
from .members import annotations_of, options_of
from .registry import AbstractDeclaration, Registry, TypeDeclaration, check_cost, default_registry
from .reporting import report
from .rules import Permitted, RowRule
from .types import (
    DEFAULT_LISTS,
    DEFAULT_QUERIES,
    Form,
    Queries,
    check_model,
    wrong_fields,
    wrong_names,
    wrong_queries,
    wrong_tree,
)

_C = TypeVar("_C", bound=type)


def interface(
    model: Any = None,
    *,
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] | None = None,
    queries: Queries = DEFAULT_QUERIES,
    lists: Collection[Form] = DEFAULT_LISTS,
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    rows: RowRule | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 0,
    tree: bool | str = False,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Any:
    """Declare an interface: over a model whose rows are of several types, or over types that have fields in common.

    Over a model, the arguments mean what those of ``type`` do. The types over this model, and over those that inherit
    it, proxies among them, implement it, unless their ``implements`` says otherwise, and have its fields. Each row is
    of the first type that fits it, of the models furthest from this one first; a row that fits none is not shown. What
    tells the types of one table apart is the ``when`` of each, or django-polymorphic's content type.

    Without a model, the interface has the fields that its class annotates, and types name it in ``implements``.
    ``plural`` names a root field with the rows of all of them.
    """
    if inspect.isclass(model) and not issubclass(model, models.Model):
        return _without_model(model, None, None, None, None, False, registry)
    if model is None:
        return lambda cls: _without_model(cls, name, description, plural, permission, mask, registry)
    try:
        check_model(model)
    except DeclarationError as error:
        report(error)
        return lambda cls: cls
    check_cost(cost)
    names = wrong_names(name=name, single=single, plural=plural)
    problems = [*wrong_fields(fields, exclude), *wrong_queries(queries, lists), *names, *wrong_tree(tree)]
    problems += wrong_policies(cache=cache)
    if problems:
        report(DeclarationError("\n".join(problems)))

    def declare(cls: _C) -> _C:
        registry.add(
            TypeDeclaration(
                cls=cls, model=model, name=name or _name_of(cls), description=description or _doc(cls), fields=fields,
                exclude=exclude, queries=() if problems else queries, lists=() if problems else lists, single=single,
                plural=plural, primary=primary, rows=rows, permission=permission, mask=mask, row_cost=cost,
                interface=True, tree=tree, cache=as_policy(cache), invalid=bool(problems),
            )
        )  # fmt: skip
        return cls

    return declare


def _without_model(
    cls: _C, name: str | None, description: str | None, plural: str | None, permission: Any, mask: bool,
    registry: Registry,
) -> _C:  # fmt: skip
    problems = list(wrong_names(name=name, plural=plural))
    if options_of(cls):
        problems.append(f"{cls.__name__} gives fields options, which those of the types that implement it have")
    fields = tuple(annotations_of(cls))
    if not fields:
        problems.append(f"{cls.__name__} has no fields; annotate those that its types have in common, `title: str`")
    if problems:
        report(DeclarationError("\n".join(problems)))
        return cls
    registry.add_abstract(
        AbstractDeclaration(
            cls=cls, name=name or _name_of(cls), description=description or _doc(cls), fields=fields, plural=plural,
            permission=permission, mask=mask,
        )
    )  # fmt: skip
    return cls


@overload
def union(
    name: str,
    types: Sequence[Any],
    *,
    description: str | None = None,
    plural: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    registry: Registry = default_registry,
) -> Any: ...
@overload
def union(
    *,
    types: Sequence[Any],
    description: str | None = None,
    plural: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]: ...
def union(
    name: str | None = None,
    types: Sequence[Any] = (),
    *,
    description: str | None = None,
    plural: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    registry: Registry = default_registry,
) -> Any:
    """Declare a union of types: a class that stands for it in annotations.

    Called with a name, it returns the class. Without a name it is a decorator: the class under it stands for the union,
    which has its name and docstring. Type checkers take only the latter in annotations.

    ``types`` are classes under ``type``, or their names. ``plural`` names a root field with the rows of all of them, in
    the order of the types. ``permission`` and ``mask`` are those of ``type``, for the union itself: besides it, each
    type has its own.
    """
    problems = list(wrong_names(name=name, plural=plural))
    if isinstance(types, str) or not isinstance(types, Sequence) or not types:
        problems.append(f"types is {types!r}, must be a list of declared types")

    def declare(cls: Any, made: str, described: str | None) -> Any:
        if problems:
            report(DeclarationError("\n".join(problems)))
            return cls
        registry.add_abstract(
            AbstractDeclaration(
                cls=cls, name=made, description=described, members=tuple(types), plural=plural, permission=permission,
                mask=mask,
            )
        )  # fmt: skip
        return cls

    if name is None:
        return lambda cls: declare(cls, _name_of(cls), description or _doc(cls))
    return declare(type(str(name), (), {"__doc__": description, "__module__": _caller()}), name, description)


def _caller() -> str:
    frame = inspect.currentframe()
    outer = frame and frame.f_back and frame.f_back.f_back
    return str(outer.f_globals.get("__name__", __name__)) if outer else __name__


def _name_of(cls: type) -> str:
    name = cls.__name__
    return name.removesuffix("Interface").removesuffix("Type") or name


def _doc(cls: type) -> str | None:
    return inspect.cleandoc(cls.__doc__) if cls.__doc__ else None
