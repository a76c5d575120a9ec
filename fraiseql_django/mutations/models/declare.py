"""Mutations from types, as a project declares them: ``create``, ``update``, ``delete``, ``upsert``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...declare.registry import MutationDeclaration, Registry, check_cost, default_registry
from ...declare.rules import RowRule
from .declaration import ModelMutation, touches_only_database
from .fields import Nested
from .function import make

FieldNames = Sequence[str | Nested]


def create(
    type_: type,
    *,
    fields: FieldNames | None = None,
    form: Any = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    cost: float = 1,
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that creates an object of a type, or several (``bulk``).

    ``permission`` says who may run it, as for a type; ``cost`` is what it counts for in ``LIMITS.COMPLEXITY``.

    Clients may give the named ``fields``, of which some may be ``nested(…)``; or those of a ModelForm, which
    then cleans and saves. What is wrong with the declaration is said when the schema is built.
    """
    mutation = ModelMutation(
        kind="create",
        over=type_,
        fields=fields,
        form=form,
        bulk=bulk,
        name=name,
        permission=permission,
        registry=registry,
    )
    return _declare(mutation, description, deprecation, cost)


def update(
    type_: type,
    *,
    fields: FieldNames | None = None,
    form: Any = None,
    version: str | None = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes an object of a type, or several (``bulk``).

    ``version`` is a field that tells whether the object is still as the client read it: a whole number, which
    each update counts up, or a moment with ``auto_now``. ``rows`` is a row rule, as a type's: of the objects that
    the viewer may see, those may be changed of which it is true as well.
    """
    mutation = ModelMutation(
        kind="update",
        over=type_,
        fields=fields,
        form=form,
        version=version,
        rows=rows,
        bulk=bulk,
        name=name,
        permission=permission,
        registry=registry,
    )
    return _declare(mutation, description, deprecation, cost)


def delete(
    type_: type,
    *,
    version: str | None = None,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that deletes an object of a type, or several (``bulk``), and answers what was there.

    ``rows`` is as for ``update``.
    """
    mutation = ModelMutation(
        kind="delete",
        over=type_,
        version=version,
        rows=rows,
        bulk=bulk,
        name=name,
        permission=permission,
        registry=registry,
    )
    return _declare(mutation, description, deprecation, cost)


def upsert(
    type_: type,
    *,
    fields: FieldNames,
    unique: Sequence[str] | str,
    bulk: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Any = None,
    rows: RowRule | None = None,
    cost: float = 1,
    registry: Registry = default_registry,
) -> ModelMutation:
    """Declare a mutation that changes the object with the same ``unique`` values, or creates it.

    ``unique`` are fields that are unique together, or the name of a UniqueConstraint over fields. ``rows`` is as for
    ``update``; what is created is not held to it.
    """
    mutation = ModelMutation(
        kind="upsert",
        over=type_,
        fields=fields,
        unique=unique,
        rows=rows,
        bulk=bulk,
        name=name,
        permission=permission,
        registry=registry,
    )
    return _declare(mutation, description, deprecation, cost)


def _declare(mutation: ModelMutation, description: str | None, deprecation: str | None, cost: float) -> ModelMutation:
    mutation.registry.mutations.append(
        MutationDeclaration(
            make=lambda columns: make(mutation, columns),
            name=mutation.name,
            description=description,
            deprecation=deprecation,
            repeatable=lambda: touches_only_database(mutation),
            permission=mutation.permission,
            cost=check_cost(cost),
            model_permissions=_permissions(mutation),
        )
    )
    return mutation


def _permissions(mutation: ModelMutation) -> tuple[str, ...]:
    """Name Django's permissions to do what a mutation does; none for what is no type over a model."""
    declared = getattr(mutation.over, "__fraiseql_type__", None)
    if declared is None:
        return ()
    meta = declared.model._meta
    actions = {"create": ["add"], "update": ["change"], "delete": ["delete"], "upsert": ["add", "change"]}
    return tuple(f"{meta.app_label}.{action}_{meta.model_name}" for action in actions[mutation.kind])
