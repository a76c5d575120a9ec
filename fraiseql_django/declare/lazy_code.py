"""Which functions of a project cannot decide anything at request time, by their code.

Row rules and managers are asked again at every execution, since they may read the clock, a context variable or the
database. Most do not: ``lambda viewer: Q(owner=viewer.id)``, or ``super().get_queryset().filter(gone=False)``. Such a
function names nothing but its arguments, models, and what Django makes queries of; what it returns is always the same.
Whatever is not recognised here is asked again, which is right as well, and slower.
"""

from __future__ import annotations

import dis
import inspect
from types import CodeType, FunctionType, ModuleType
from typing import Any

from django.db import models
from django.db.models import functions

from .._django import filters_nothing, managers_of, overrides_of
from .rules import AnyViewer

# Methods of QuerySets that send no statement
_QUERYSET = {"all", "alias", "annotate", "difference", "distinct", "exclude", "filter", "intersection", "none", "only",
             "order_by", "reverse", "select_related", "union", "using", "values", "values_list"}  # fmt: skip
_VIEWER = {name for name in vars(AnyViewer) if not name.startswith("_")}
_TYPES = {"bool", "int", "str", "float"}
_QUERIES = (
    _QUERYSET
    | {name for module in (models, functions) for name in vars(module) if name[0].isupper()}
    | {"objects", "super", "get_queryset", "asc", "desc", "functions"}
)
# The instructions, by how their names begin, that may ask a QuerySet for its rows: its truth, items, membership
_ASKING = ("POP_JUMP", "JUMP_IF", "TO_BOOL", "UNARY_NOT", "COMPARE", "CONTAINS", "GET_ITER", "UNPACK", "BINARY_S",
           "LIST_EXTEND", "SET_UPDATE", "DICT_", "CALL_FUNCTION_EX", "FORMAT", "BUILD_STRING")  # fmt: skip


def decides_nothing(rule: Any) -> bool:
    """Whether a row rule certainly returns the same for all viewers who answer its questions alike."""
    return bool(getattr(rule, "of_viewer", False)) or _is_lazy(rule, with_models=True)


def manager_decides_nothing(manager: Any, *, with_models: bool = True) -> bool:
    """Whether a manager certainly starts from the same rows at every call; without models, if it names none."""
    own = overrides_of(manager)
    if own is None or not _QUERIES.isdisjoint(own.keys() - {"get_queryset"}):
        return False
    return all(
        _is_lazy(cls.__dict__["get_queryset"], with_models=with_models)
        for cls in type(manager).__mro__
        if cls not in models.Manager.__mro__ and "get_queryset" in cls.__dict__
    )


def manager_has_all_rows(manager: Any, alias: str) -> bool:
    """Whether a manager certainly starts from all rows of its model, whoever asks."""
    return manager_decides_nothing(manager) and filters_nothing(manager.using(alias))


def _is_lazy(function: Any, *, with_models: bool) -> bool:
    if not isinstance(function, FunctionType) or function.__defaults__ or function.__kwdefaults__:
        return False
    code = function.__code__
    if any(isinstance(constant, CodeType) for constant in code.co_consts):
        return False
    try:
        found = inspect.getclosurevars(function)
    except ValueError:
        # an empty cell
        return False
    # __class__ is the manager's own class, to which super() without arguments refers
    named = [value for name, value in {**found.globals, **found.nonlocals}.items() if name != "__class__"]
    of_models = any(_is_model(value) for value in named)
    of_queries = of_models or "get_queryset" in code.co_names
    names = _QUERIES if "get_queryset" in code.co_names else _QUERIES | _VIEWER
    known = names if of_queries else names | _TYPES
    if not (found.unbound | set(found.builtins) <= known and all(map(_is_vocabulary, named))):
        return False
    return not of_queries or ((with_models or not of_models) and not any(map(_may_ask, dis.get_instructions(code))))


def _may_ask(step: dis.Instruction) -> bool:
    """Whether an instruction may ask a QuerySet for its rows; & and | join conditions."""
    if step.opname == "BINARY_OP":
        return step.argrepr not in ("&", "|")
    return step.opname.startswith(_ASKING)


def _is_vocabulary(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return value in (models, functions)
    if _is_model(value):
        fields = {field.attname for field in value._meta.concrete_fields}
        own = {name for cls in value.__mro__ if cls is not models.Model for name in vars(cls)} - fields
        # a manager may name the model in its turn: not followed further
        return own.isdisjoint(_QUERYSET | _VIEWER) and all(
            manager_decides_nothing(manager, with_models=False) and _VIEWER.isdisjoint(overrides_of(manager) or ())
            for manager in managers_of(value)
        )
    return isinstance(value, type) and value.__module__.startswith("django.db.models")


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, models.Model)
