"""Models of apps → Python source of declarations, with every field spelled out.

What is declared is what ``fraiseql.types`` declares: the same fields, without what looks like a secret. What it leaves
out is in comments, with the reason.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from ..conf.settings import Settings
from ..declare.bulk import types
from ..declare.registry import Registry
from ..declare.secrets import secret_fields
from ..declare.types import name_of
from ..errors import DeclarationError
from ..schema.build import build_schema
from ..schema.conventions import Conventions
from ..schema.definition import TypeDef
from .source import LINE_LENGTH, attribute, comment, literal, unique

_HEADER = '"""Declarations over the models of {}: read them before they are used."""'
Model = type[models.Model]


def model_declarations(labels: Sequence[str], settings: Settings, schema: str | None = None) -> str:
    """Return the source of a module with a type over each model of the apps with these labels.

    It belongs into the package of the first app. The types are declared in ``schema``, one in ``FRAISEQL["SCHEMAS"]``,
    or in the project's own. Raises DeclarationError for models that no schema can be built with.
    """
    registry = Registry()
    declared = types(*labels, registry=registry)
    if not declared:
        reasons = "; ".join(f"{model._meta.label}: {reason}" for model, reason in declared.left_out.items())
        raise DeclarationError(f"no model of {', '.join(labels)} can be declared: {reasons}")
    built = build_schema(registry, settings)
    definitions = {definition.model: definition for definition in built.types.values()}
    left_out = {model._meta.label: reason for model, reason in declared.left_out.items()} | dict(built.left_out)
    declare = "fraiseql" if schema is None else attribute(schema)
    taken = {"fraiseql", "apps", declare, *(model.__name__ for model in definitions)}
    found = [model for model in declared if model in definitions]
    classes = [_class(model, definitions[model], built.conventions, declare, taken) for model in found]
    head = [
        _HEADER.format(", ".join(labels)),
        "",
        "from __future__ import annotations",
        "",
        "import fraiseql_django as fraiseql",
        *_imports(found, labels[0]),
    ]
    if lookups := [_lookup(model) for model in found if not _is_global(model)]:
        head += ["", *lookups]
    if schema is not None:
        head += ["", f"{declare} = fraiseql.for_schema({literal(schema)})"]
    parts = ["\n".join(lines).rstrip() for lines in (head, *classes)]
    rest = [comment(f"{label} is left out: {reason}").strip() for label, reason in left_out.items()]
    return "\n\n\n".join([*parts, *(["\n".join(rest)] if rest else [])]) + "\n"


def _class(model: Model, definition: TypeDef, conventions: Conventions, declare: str, taken: set[str]) -> list[str]:
    name = unique(f"{model.__name__}Type", taken)
    arguments = [model.__name__]
    if name_of(type(name, (), {}), model) != definition.name:
        arguments.append(f"name={literal(definition.name)}")
    python_names = list(_python_names(model))
    # fields that would have one name in GraphQL have those of Python
    names = {conventions.name(own): own for own in python_names} | {own: own for own in python_names}
    fields = [_field(names[field], field, conventions) for field in definition.fields if field in names]
    hidden = secret_fields(model)
    secrets = [comment(f"{secret} is left out: it looks like a secret") for secret in hidden]
    others = [
        comment(f"{item.name} is left out: {item.reason}") for item in definition.left_out if item.name not in hidden
    ]
    return [f"@{declare}.type({', '.join(arguments)})", f"class {name}:", *fields, *secrets, *others]


def _field(own: str, name: str, conventions: Conventions) -> str:
    options = "" if conventions.name(own) == name else f" = fraiseql.field(name={literal(name)})"
    return f"    {own}: fraiseql.auto{options}"


def _python_names(model: Model) -> Iterable[str]:
    """Yield the names that annotations have for the fields of a model."""
    found: Any
    for found in model._meta.get_fields():
        if isinstance(found, ForeignObjectRel):
            yield found.get_accessor_name() or found.name
        else:
            # the column of a foreign key has a name of its own
            yield from dict.fromkeys([getattr(found, "attname", None) or found.name, found.name])


def _imports(declared: Sequence[Model], label: str) -> list[str]:
    """Return the imports of models: those of the app itself relatively, as a module of its package has them."""
    package = apps.get_app_config(label).name
    modules: dict[str, list[str]] = {}
    for model in declared:
        if _is_global(model):
            modules.setdefault(model.__module__, []).append(model.__name__)
        else:
            modules["django.apps"] = ["apps"]
    others = {module: names for module, names in modules.items() if not module.startswith(f"{package}.")}
    own = {module.removeprefix(package): names for module, names in modules.items() if module not in others}
    lines = [line for module, names in sorted(others.items()) for line in _import(module, names)]
    return [
        *lines,
        *([""] if own else []),
        *(line for module, names in sorted(own.items()) for line in _import(module, names)),
    ]


def _is_global(model: Model) -> bool:
    """Whether a module has the model by its name: not one that a function or a class body has made."""
    return getattr(sys.modules.get(model.__module__), model.__name__, None) is model


def _lookup(model: Model) -> str:
    meta = model._meta
    return f"{model.__name__} = apps.get_model({literal(meta.app_label)}, {literal(meta.object_name or '')})"


def _import(module: str, names: Sequence[str]) -> list[str]:
    ordered = sorted(names)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= LINE_LENGTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]
