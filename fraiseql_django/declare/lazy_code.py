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
from django.db.models import QuerySet, functions

from .._django import MANAGER_INTERNALS, managers_of, overrides_of
from .rules import AnyViewer

# Methods of QuerySets that send no statement
_QUERYSET = {"all", "alias", "annotate", "difference", "distinct", "exclude", "filter", "intersection", "none", "only",
             "order_by", "reverse", "select_related", "union", "using", "values", "values_list"}  # fmt: skip
_NAMES = (
    _QUERYSET
    | {name for name in vars(AnyViewer) if not name.startswith("_")}
    | {name for module in (models, functions) for name in vars(module) if name[0].isupper()}
    | {"objects", "super", "get_queryset", "asc", "desc", "functions", "bool", "int", "str", "float"}
    | MANAGER_INTERNALS
)
# The instructions, by how their names begin, that may ask a QuerySet for its rows: its truth, items, membership
_ASKING = ("POP_JUMP", "JUMP_IF", "TO_BOOL", "UNARY_NOT", "COMPARE", "CONTAINS", "GET_ITER", "UNPACK", "BINARY_S",
           "LIST_EXTEND", "SET_UPDATE", "DICT_", "CALL_FUNCTION_EX", "FORMAT", "BUILD_STRING")  # fmt: skip


def decides_nothing(rule: Any) -> bool:
    """Whether a row rule certainly returns the same for all viewers who answer its questions alike."""
    return bool(getattr(rule, "of_viewer", False)) or _is_lazy(rule, with_models=True)


def manager_decides_nothing(manager: Any, *, with_models: bool = True) -> bool:
    """Whether a manager certainly starts from the same rows at every call; without models, if it names none."""
    overrides = overrides_of(manager)
    if overrides and any(getattr(manager._queryset_class, name) is not getattr(QuerySet, name) for name in _QUERYSET):
        return False
    return overrides is not None and all(_is_lazy(override, with_models=with_models) for override in overrides)


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
    if not (found.unbound | set(found.builtins) <= _NAMES and all(map(_is_vocabulary, named))):
        return False
    of_models = any(_is_model(value) for value in named)
    if of_models and not with_models:
        return False
    queries = of_models or "get_queryset" in code.co_names
    return not queries or not any(step.opname.startswith(_ASKING) for step in dis.get_instructions(code))


def _is_vocabulary(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return value in (models, functions)
    if _is_model(value):
        # they may name the model in their turn: not followed further
        return all(manager_decides_nothing(manager, with_models=False) for manager in managers_of(value))
    return isinstance(value, type) and value.__module__.startswith("django.db.models")


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, models.Model)
