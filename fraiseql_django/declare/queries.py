"""``query``: declarations of root fields that functions answer, in Python and in PostgreSQL."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, overload

from django.utils.functional import Promise

from ..errors import DeclarationError
from .cache_policy import Cached, as_policy, wrong_policies
from .members import plain_function
from .registry import QueryDeclaration, Registry, check_cost, default_registry
from .reporting import report
from .rules import Permitted

_F = TypeVar("_F", bound=Callable[..., Any])


@overload
def query(declared: _F, /) -> _F: ...
@overload
def query(
    *,
    function: str | None = None,
    context_params: Mapping[str, str] | None = None,
    reads: Collection[str] = (),
    volatile: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    cost: float = 1,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Callable[[_F], _F]: ...
def query(
    declared: Any = None,
    /,
    *,
    function: str | None = None,
    context_params: Mapping[str, str] | None = None,
    reads: Collection[str] = (),
    volatile: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    cost: float = 1,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Any:
    """Declare a root field of Query that a Python function answers, or a PostgreSQL function.

    The function's first parameter is an ``Info``; the others are the field's arguments, typed by their annotations. It
    returns a value of its return annotation. A list of a declared type's rows takes ``where``, ``orderBy``, ``limit``
    and ``offset`` as well: of a QuerySet that the function returns, or of instances.

    ``function`` names a PostgreSQL function that is called instead: the Python function is never called, and its
    signature, without ``Info``, is that of the other, whose arguments are called by these names. ``context_params`` are
    further ones: the keys are names of values of the context, the request or its user, the values names of arguments.
    ``reads`` are tables that the function reads, where PostgreSQL's catalogue does not tell. A function that is
    volatile in PostgreSQL is refused unless it is declared as ``volatile``; its answers are not kept.

    ``cache`` says how answers of the field may be kept (see ``CachePolicy``); False: not at all. What a Python function
    answers is public only if the policy says so, and if the function has not asked its ``Info`` who the viewer is.
    """

    def declare(declared: Any) -> Any:
        called = plain_function(declared)
        if not inspect.isfunction(called):
            report(DeclarationError(f"{declared!r} is under @fraiseql.query, which takes a function"))
            return declared
        wrong = next(wrong_policies(cache=cache), "")
        if problem := _problem(function, context_params, reads, name, description, deprecation) or wrong:
            report(DeclarationError(f"{called.__name__} is under @fraiseql.query: {problem}"))
            return declared
        if function is None and (context_params or reads or volatile):
            report(
                DeclarationError(
                    f"{called.__name__} is a Python function, but @query says more of a PostgreSQL function; name it "
                    f"with function='…'"
                )
            )
            return declared
        registry.queries.append(
            QueryDeclaration(
                function=called,
                database_function=function,
                context_params=dict(context_params or {}),
                reads=tuple(reads),
                volatile=volatile,
                name=name,
                description=description,
                deprecation=deprecation,
                permission=permission,
                cost=check_cost(cost),
                cache=as_policy(cache),
            )
        )
        return declared

    return declare if declared is None else declare(declared)


def _problem(function: Any, context_params: Any, reads: Any, name: Any, description: Any, deprecation: Any) -> str:
    """Return which option has a value that it cannot have; nothing where none has."""
    if function is not None and not _is_sql_name(function):
        return f"function={function!r} must be the name of a PostgreSQL function"
    if isinstance(reads, str) or not isinstance(reads, Collection) or not all(map(_is_sql_name, reads)):
        return f"reads={reads!r} must be a list of tables"
    if context_params is not None and not (
        isinstance(context_params, Mapping)
        and all(isinstance(text, str) for text in (*context_params.keys(), *context_params.values()))
    ):
        return f"context_params={context_params!r} must be names of values of the context with names of arguments"
    for option, value in (("name", name), ("description", description), ("deprecation", deprecation)):
        # texts may be translated later
        if value is not None and not isinstance(value, (str, Promise)):
            return f"{option}={value!r} must be a text"
    return ""


def _is_sql_name(value: Any) -> bool:
    return isinstance(value, str) and all(part.strip() for part in value.split("."))
