"""Permissions and row rules in the descriptions of types, fields and mutations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import models
from django.db.models import Q

from ..declare.registry import RootDeclaration, TypeDeclaration
from ..declare.rules import Rule, as_rule, check_rows, requires_auth, requires_permission
from ..errors import DeclarationError
from .abstract_types import may_hide
from .conventions import Conventions
from .definition import FieldDef, Nested, Reference, Shape, TypeDef


def protected(definition: TypeDef, declaration: TypeDeclaration, conventions: Conventions) -> TypeDef:
    """Add a declaration's rules, and its costs, to its type and the type's fields.

    Raises DeclarationError where a permission or a row rule is none.
    """
    if problems := rule_problems(declaration):
        raise DeclarationError("\n".join(problems))
    name = definition.name
    own_permission = as_rule(declaration.permission, name)
    permission = own_permission or _default_permission(declaration, conventions)
    if declaration.mask and permission is None:
        raise DeclarationError(f"{name}: mask is for those whom a permission leaves out; give permission=… as well")
    fields: dict[str, FieldDef] = dict(definition.fields)
    for python_name, options in declaration.options.items():
        if options.invalid:
            continue
        rule = as_rule(options.permission, f"{name}.{python_name}")
        own = options.name or conventions.name(python_name)
        # null stands for a masked value
        changed: dict[str, Any] = {"nullable": True} if options.mask else {}
        fields[own] = replace(
            fields[own], permission=rule, mask=options.mask, cost=options.cost, directives=options.directives, **changed
        )
    return replace(
        definition,
        fields=fields,
        rows=declaration.rows,
        permission=permission,
        own_permission=own_permission,
        mask=declaration.mask,
        queries=tuple(declaration.queries),
        lists=tuple(declaration.lists),
        random=declaration.random,
        distinct_on=declaration.distinct_on,
        cache=declaration.cache,
        root_rules=_root_rules(declaration, name),
        row_cost=declaration.row_cost,
        when=declaration.when,
        directives=declaration.directives,
    )


def rule_problems(declaration: TypeDeclaration) -> list[str]:
    """Return a sentence for each permission, mask or row rule of a type that is none."""
    name, problems = declaration.name, []
    permissions = {name: declaration.permission}
    if isinstance(declaration.queries, Mapping):
        permissions |= {f"{name}, {query}": rule for query, rule in declaration.queries.items()}
    for python_name, options in declaration.options.items():
        where = f"{name}.{python_name}"
        permissions[where] = options.permission
        if options.mask and options.permission is None:
            problems.append(f"{where}: mask is for those whom a permission leaves out; give permission=… as well")
    checks: list[Callable[[], object]] = [partial(check_rows, declaration.rows, declaration.model, name)]
    checks.append(partial(check_when, declaration.when, declaration.model, name))
    checks += [partial(as_rule, permission, where) for where, permission in permissions.items()]
    for check in checks:
        try:
            check()
        except DeclarationError as error:
            problems.append(str(error))
    return problems


def check_when(when: Q | None, model: type[models.Model], name: str) -> None:
    """Raise DeclarationError where the condition on the rows of a type is none on the model; ``name`` is the type's."""
    if when is None:
        return
    try:
        models.QuerySet(model).filter(when)
    # fields and expressions, perhaps of the project's, look at what is compared with them
    except Exception as error:
        raise DeclarationError(f"{name}: when is {when!r}, no condition on {model.__name__}: {error}") from error


def _root_rules(declaration: TypeDeclaration, name: str) -> dict[str, Rule]:
    if not isinstance(declaration.queries, Mapping):
        return {}
    rules = {query: as_rule(rule, f"{name}, {query}") for query, rule in declaration.queries.items()}
    return {query: rule for query, rule in rules.items() if rule is not None}


def _default_permission(declaration: TypeDeclaration, conventions: Conventions) -> Rule | None:
    """Return the permission by ``DEFAULT_PERMISSION`` of a type that has none of its own."""
    default = conventions.settings.default_permission
    if default == "model" and declaration.source is None:
        meta = declaration.model._meta
        return requires_permission(f"{meta.app_label}.view_{meta.model_name}")
    return None if default == "open" else requires_auth


def call_permission(
    declaration: RootDeclaration, conventions: Conventions, where: str, model_permissions: Sequence[str] = ()
) -> Rule | None:
    """Return who may use a root field that runs something.

    ``model_permissions`` are needed where ``DEFAULT_PERMISSION`` is "model".
    """
    own = as_rule(declaration.permission, where)
    default = conventions.settings.default_permission
    if own is not None or default == "open":
        return own
    if default == "model" and model_permissions:
        return requires_permission(*model_permissions)
    return requires_auth


def with_missing_rows(types: Mapping[str, TypeDef], shapes: Mapping[str, Shape]) -> dict[str, TypeDef]:
    """Return the types with nullable relations to rows that not every viewer sees.

    Raises DeclarationError where an object in JSON is of a type with a row rule: its row cannot be looked up.
    """
    problems = [
        f"{owner.name}.{field.name} holds a {field.target} in JSON, where the row rule of {field.target} finds no "
        f"rows; say how they are found with fraiseql.relation(key, to=…)"
        for owner in (*types.values(), *shapes.values())
        for field in owner.fields.values()
        if isinstance(field, Nested) and field.target in types and types[field.target].rows is not None
    ]
    if problems:
        raise DeclarationError("\n".join(problems))
    problems = [
        f"{owner.name}.{field.name} holds a {field.target} in JSON, which is an interface: nothing tells its type"
        for owner in (*types.values(), *shapes.values())
        for field in owner.fields.values()
        if isinstance(field, Nested) and field.target in types and types[field.target].branches
    ]
    if problems:
        raise DeclarationError("\n".join(problems))
    hidden = {
        name
        for name, definition in types.items()
        if definition.rows is not None
        or definition.mask
        or definition.when is not None
        or (definition.branches and may_hide(definition, types))
    }

    def seen(field: FieldDef) -> FieldDef:
        if not isinstance(field, Reference) or field.target not in hidden:
            return field
        return field if field.many else replace(field, nullable=True)

    return {
        name: replace(definition, fields={key: seen(field) for key, field in definition.fields.items()})
        for name, definition in types.items()
    }
