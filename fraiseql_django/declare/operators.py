"""``operator``: the project's own operators of values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ..errors import DeclarationError
from .names import camel_case, check_name
from .registry import OperatorDeclaration, Registry, check_cost, default_registry
from .reporting import report

_F = TypeVar("_F", bound=Callable[..., Any])


def operator(
    *,
    name: str | None = None,
    for_: str | Collection[str] = (),
    description: str | None = None,
    strict: bool = False,
    may_fail: bool = True,
    extension: str | None = None,
    cost: float = 0,
    registry: Registry = default_registry,
) -> Callable[[_F], _F]:
    """Declare an operator: a function of the column and of the operands that returns the SQL of the comparison.

    The annotation of its first parameter says which fields have the operator (``str``, ``list[int]``), unless ``for_``
    names GraphQL types (``"SearchVector"``, ``"[String]"``). The annotations of the others say what clients write: one
    value, a list, or of several parameters an object. The function is called with ORM expressions, and returns one, or
    SQL in which ``{column}`` and the names of the parameters stand in braces. Values are bound, never written into it.

    ``strict`` says that it is true of no null, and ``may_fail`` whether it may be an error for some values: then row
    rules are evaluated first, which costs the use of an index. It is offered where ``EXTENSIONS`` names the
    ``extension`` that it needs. ``cost`` is what it adds to ``LIMITS.COMPLEXITY`` each time that a list is filtered.
    """

    def declare(function: _F) -> _F:
        made = name or camel_case(getattr(function, "__name__", ""))
        try:
            check_name(made, f"the operator {made}")
            if not callable(function) or inspect.isclass(function):
                raise DeclarationError(f"@operator goes over a function, not over {function!r}")
            _check_options(made, for_, strict=strict, may_fail=may_fail)
        except DeclarationError as error:
            report(error)
            return function
        check_cost(cost)
        registry.operators.append(
            OperatorDeclaration(
                function=function,
                name=made,
                for_=(for_,) if isinstance(for_, str) else tuple(for_),
                description=description or inspect.getdoc(function),
                strict=strict,
                may_fail=may_fail,
                extension=extension,
                cost=cost,
            )
        )
        return function

    return declare


def _check_options(name: str, for_: Any, **flags: Any) -> None:
    wrong = [f"{flag} is {value!r}, must be True or False" for flag, value in flags.items() if type(value) is not bool]
    names = (for_,) if isinstance(for_, str) else for_
    if not isinstance(names, Collection) or not all(isinstance(item, str) and item for item in names):
        wrong.append(f"for_ is {for_!r}, must be the name of a GraphQL type, or a list of names")
    if wrong:
        raise DeclarationError("\n".join(f"the operator {name}: {line}" for line in wrong))
