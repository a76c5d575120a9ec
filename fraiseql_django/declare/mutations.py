"""``mutation`` and ``input``: declarations of mutations in Python and in PostgreSQL, and of their inputs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, dataclass_transform, overload

from ..errors import DeclarationError
from .arguments import ArgumentOptions, of_input_field
from .members import FieldOptions, check_bases, made_dataclass
from .names import snake_case
from .registry import InputDeclaration, PostgresMutation, PythonMutation, Registry, check_cost, default_registry
from .reporting import report
from .rules import Permitted
from .types import field

_C = TypeVar("_C", bound=type)
_D = TypeVar("_D", bound=Callable[..., Any])


@overload
def mutation(declared: _D, /) -> _D: ...
@overload
def mutation(
    *,
    function: str | None = None,
    schema: str | None = None,
    context_params: Mapping[str, str] | None = None,
    named_arguments: bool = False,
    enable_cascade: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    repeatable: bool = False,
    permission: Permitted = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> Callable[[_D], _D]: ...
def mutation(
    declared: Any = None,
    /,
    *,
    function: str | None = None,
    schema: str | None = None,
    context_params: Mapping[str, str] | None = None,
    named_arguments: bool = False,
    enable_cascade: bool = False,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    repeatable: bool = False,
    permission: Permitted = None,
    cost: float = 1,
    directives: Iterable[Any] = (),
    registry: Registry = default_registry,
) -> Any:
    """Declare a root field of Mutation that a Python function answers, or a PostgreSQL function.

    Over a Python function: its first parameter is an ``Info``; the others are the field's arguments, typed by their
    annotations. It returns a value of its return annotation: an instance of a declared type's model, or several
    (whose selection is read in one statement), an object of a class of annotations, or a plain value. ``repeatable``
    says that it has no effect outside the database, so that it may be called again after a deadlock.

    Over a class, annotated with ``input``, ``success`` and ``error``: the PostgreSQL function ``function`` in
    ``schema`` (the search path's where None; the class's name in snake_case where ``function`` is None) is
    called with the input as one jsonb value, or with each of its fields as an argument of that name
    (``named_arguments``). ``context_params`` come before it: the keys are names of values of the context, the request
    or its user, the values names of parameters. ``enable_cascade`` adds the field ``cascade`` to the success type.

    ``cost`` is what the mutation counts for in ``LIMITS.COMPLEXITY``, besides the selection of its answer.
    """

    def declare(declared: Any) -> Any:
        if inspect.isclass(declared):
            named = function or snake_case(declared.__name__)
            within, _, bare = named.rpartition(".") if schema is None else (schema, "", named)
            registry.mutations.append(
                PostgresMutation(
                    cls=declared,
                    function=bare,
                    schema=within or None,
                    context_params=dict(context_params or {}),
                    named_arguments=named_arguments,
                    enable_cascade=enable_cascade,
                    name=name,
                    description=description or (inspect.cleandoc(declared.__doc__) if declared.__doc__ else None),
                    deprecation=deprecation,
                    permission=permission,
                    cost=check_cost(cost),
                    directives=tuple(directives),
                )
            )
            return declared
        if function or schema or context_params or named_arguments or enable_cascade:
            report(
                DeclarationError(
                    f"{declared.__name__} is a Python function, but @mutation names a PostgreSQL function; "
                    f"write a class with input, success and error under it"
                )
            )
            return declared
        registry.mutations.append(
            PythonMutation(
                function=declared,
                name=name,
                description=description,
                deprecation=deprecation,
                repeatable=repeatable,
                permission=permission,
                cost=check_cost(cost),
                directives=tuple(directives),
            )
        )
        return declared

    return declare if declared is None else declare(declared)


@overload
def input_(cls: _C, /) -> _C: ...
@overload
def input_(
    *, name: str | None = None, description: str | None = None, one_of: bool = False, directives: Iterable[Any] = ()
) -> Callable[[_C], _C]: ...
@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, field))
def input_(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    one_of: bool = False,
    directives: Iterable[Any] = (),
) -> Any:
    """Declare an input type: a class of annotations, made a dataclass, instances of which mutations are called with.

    Clients may leave out a field that has a default; ``UNSET`` as the default distinguishes a field that was left out
    from null. ``fraiseql.field(…)`` as the value of a field, or ``fraiseql.argument(…)`` in its annotation, gives it a
    name, a description or a deprecation. ``one_of`` makes it one of which clients write exactly one field (``@oneOf``):
    each is annotated ``… | None`` and is None by default.
    """

    def declare(cls: Any) -> Any:
        try:
            check_bases(cls)
        except DeclarationError as error:
            report(error)
        described = description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None)
        options = _options_of_input(cls)
        declared: Any = made_dataclass(cls)
        declared.__fraiseql_input__ = InputDeclaration(
            name=name or cls.__name__, description=described, one_of=one_of, options=options,
            directives=tuple(directives),
        )  # fmt: skip
        return declared

    return declare if cls is None else declare(cls)


def _options_of_input(cls: type) -> dict[str, ArgumentOptions]:
    """Take the options of fields out of a class, where they would be default values, and return them by name."""
    found: dict[str, ArgumentOptions] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited = vars(base).get("__fraiseql_input__")
        found |= inherited.options if inherited is not None else {}
    for name, value in list(vars(cls).items()):
        if isinstance(value, FieldOptions):
            delattr(cls, name)
            try:
                found[name] = of_input_field(value, f"{cls.__name__}.{name}")
            except DeclarationError as error:
                report(error)
    return found
