"""``type``, ``field`` and ``relation``: declarations of types."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, TypeVar, overload

from django.db import models

from ..errors import DeclarationError
from .registry import FieldOptions, Registry, TypeDeclaration, check_cost, declare_object, default_registry
from .rules import RowRule
from .sources import Source, make_source, source_model

_C = TypeVar("_C", bound=type)


def field(
    expression: Any = None,
    *,
    name: str | None = None,
    column: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    mask: bool = False,
    cost: float = 1,
) -> Any:
    """Declare more of a field than its annotation does.

    ``expression`` is an ORM expression over the type's model: the field's value is computed in SQL.
    ``name`` is the field's name in GraphQL, as it is; ``column`` is the view's column, or the key in its JSON,
    where that is not the attribute's name; ``deprecation`` is why clients should not use the field. ``permission``
    says who may see it, as for a type; others are refused, or see null with ``mask``. ``cost`` is what it counts for
    in ``LIMITS.COMPLEXITY``, a number of 0 or more.
    """
    return FieldOptions(
        expression=expression,
        name=name,
        column=column,
        description=description,
        deprecation=deprecation,
        permission=permission,
        mask=mask,
        cost=check_cost(cost),
    )


def relation(
    key: str,
    *,
    to: str,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    mask: bool = False,
    cost: float = 1,
) -> Any:
    """Lead to the rows of another declared type whose ``to`` equals ``key`` here.

    Both are Python names of fields, or columns of the view or table. The annotation names the type: ``BookType`` is
    one row, ``BookType | None`` one that may be missing, ``list[BookType]`` a list. ``permission``, ``mask`` and
    ``cost`` are those of ``field``.
    """
    if not (isinstance(key, str) and key and isinstance(to, str) and to):
        raise DeclarationError(f"relation({key!r}, to={to!r}) must name a field or column here, and one over there")
    return FieldOptions(
        name=name, description=description, deprecation=deprecation, key=key, to=to, permission=permission, mask=mask,
        cost=check_cost(cost),
    )  # fmt: skip


QUERIES = ("single", "plural")


@overload
def type_(  # type: ignore[overload-overlap]
    model: type[models.Model],
    *,
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] = (),
    queries: Collection[str] | Mapping[str, Any] = QUERIES,
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    rows: RowRule | None = None,
    permission: Any = None,
    mask: bool = False,
    cost: float = 0,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]: ...
@overload
def type_(
    *,
    sql_source: str,
    jsonb_column: str | None = None,
    key: str | Collection[str] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    description: str | None = None,
    queries: Collection[str] | Mapping[str, Any] = QUERIES,
    single: str | None = None,
    plural: str | None = None,
    rows: RowRule | None = None,
    permission: Any = None,
    mask: bool = False,
    cost: float = 0,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]: ...
@overload
def type_(*, name: str | None = None, description: str | None = None) -> Callable[[_C], _C]: ...
@overload
def type_(cls: _C, /) -> _C: ...
def type_(
    model: Any = None,
    *,
    sql_source: str | None = None,
    jsonb_column: str | None = None,
    key: str | Collection[str] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] = (),
    queries: Collection[str] | Mapping[str, Any] = QUERIES,
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    rows: RowRule | None = None,
    permission: Any = None,
    mask: bool = False,
    cost: float = 0,
    registry: Registry = default_registry,
) -> Any:
    """Declare a GraphQL type over a model, or over a view or table; without any, an object type of its own.

    Its fields are the annotations in the class, ``fields`` (names, or ``"__all__"``), or all but ``exclude``.
    ``name`` is the class's name without a trailing "Type" by default. ``queries`` are its root fields: "single" (one
    row by its key) and "plural" (a list); a dictionary has a permission for each, besides that of the type.
    ``single`` and ``plural`` name them. Of several types over one model, relations that name no type lead to the
    ``primary`` one.

    ``sql_source`` names a view, a materialised view or a table, with or without its schema. Its fields are
    annotations: of its columns, or of the values in its ``jsonb_column``. ``key`` names the fields that identify a
    row ("id" by default, where there is such a field). ``reads`` are tables below it that PostgreSQL's catalogue does
    not list: writes to them drop the answers.

    ``permission`` says who may read the type: a rule (``requires_auth``, ``requires_permission(…)``,
    ``requires_role(…)``), the name of a permission of Django's, or a function of the viewer. Others are refused,
    or with ``mask`` see null and empty lists. ``rows`` is a function of the viewer that returns a condition on the
    rows that they see. ``cost`` is what each row counts for in ``LIMITS.COMPLEXITY``, besides its fields.

    Raises DeclarationError where the arguments contradict each other.
    """
    if inspect.isclass(model) and not issubclass(model, models.Model) and model.__module__ != "builtins":
        # @type without arguments, over a class of the project
        return declare_object(model)
    if sql_source is not None:
        if model is not None or fields is not None or exclude or primary:
            raise DeclarationError(
                f"sql_source={sql_source!r} goes with annotated fields, not with a model, fields, exclude or primary"
            )
        source: Source | None = make_source(sql_source, jsonb_column, key, reads)
    elif jsonb_column is not None or key is not None or reads:
        raise DeclarationError("jsonb_column, key and reads say more of a source; name it with sql_source='…'")
    elif model is None:
        return lambda cls: declare_object(cls, name, description)
    else:
        source = None
        _check_model(model, fields, exclude)
    unknown = set(queries) - set(QUERIES)
    if isinstance(queries, str) or unknown:
        raise DeclarationError(f"queries is {queries!r}, must be a list of: {', '.join(map(repr, QUERIES))}")

    def declare(cls: _C) -> _C:
        declaration = TypeDeclaration(
            cls=cls,
            model=model if source is None else source_model(cls.__name__, source, _anchor(source, cls)),
            source=source,
            name=name or cls.__name__.removesuffix("Type") or cls.__name__,
            description=description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None),
            fields=fields,
            exclude=exclude,
            queries=queries,
            single=single,
            plural=plural,
            primary=primary,
            rows=rows,
            permission=permission,
            mask=mask,
            row_cost=check_cost(cost),
        )
        if source is None and fields is None and not exclude and not inspect.get_annotations(cls):
            raise DeclarationError(
                f"{cls.__name__} has no fields: annotate some (`title: fraiseql.auto`), "
                f"or give @type fields=[…], fields='__all__' or exclude=[…]"
            )
        registry.types.append(declaration)
        cls.__fraiseql_type__ = declaration  # type: ignore[attr-defined]
        return cls

    return declare


def _check_model(model: Any, fields: Any, exclude: Any) -> None:
    # Model itself has no _meta
    meta = getattr(model, "_meta", None) if inspect.isclass(model) else None
    if meta is None or meta.abstract:
        raise DeclarationError(f"@type takes a Django model that has a table, not {model!r}")
    if isinstance(fields, str) and fields != "__all__":
        raise DeclarationError(f"fields is {fields!r}, must be a list of names or '__all__'")
    if isinstance(exclude, str):
        raise DeclarationError(f"exclude is {exclude!r}, must be a list of names")
    if exclude and fields not in (None, "__all__"):
        raise DeclarationError(f"exclude={exclude!r} goes with all fields, not with fields={fields!r}; give one")


def _anchor(source: Source, cls: type) -> str:
    """Return a column that a source certainly has: that of the JSON, or that of the first field."""
    if source.json is not None:
        return source.json
    for name in inspect.get_annotations(cls):
        options = vars(cls).get(name)
        if not isinstance(options, FieldOptions):
            return name
        if options.to is None:
            return options.column or name
    raise DeclarationError(f"{cls.__name__} has no fields of its own: annotate some, `title: str`")
