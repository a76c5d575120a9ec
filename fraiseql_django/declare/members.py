"""The members of a class under a declaration: the fields that it annotates, their options, and what is neither.

Members of base classes count like the class's own, so fields that several types have in common can stand in a class
that all of them extend.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar, get_origin

from ..errors import DeclarationError
from .cache_policy import CachePolicy
from .reporting import report


class Auto:
    """The type of ``auto``."""

    def __repr__(self) -> str:
        return "fraiseql_django.auto"


if TYPE_CHECKING:
    # a type checker cannot know the model's field: reading one from ``self`` is not checked
    auto: TypeAlias = Any
else:
    auto = Auto()
"""Annotates a field whose type is that of the model's field."""

if TYPE_CHECKING:
    _T_co = TypeVar("_T_co", covariant=True)

    class Expression(Protocol[_T_co]):
        """Annotates a function that returns an ORM expression, with the type of its value: ``Expression[Decimal]``."""

        def resolve_expression(self, *arguments: Any, **options: Any) -> Any:
            """Resolve it in a query, as every expression of the ORM does."""
else:

    class Expression:
        """Annotates a function that returns an ORM expression, with the type of its value: ``Expression[Decimal]``."""

        def __class_getitem__(cls, item: Any) -> Any:
            """Return the type of the value, which is the field's."""
            return item


_PROPERTIES = (property, functools.cached_property)
_METHODS = (types.FunctionType, functools.partial, functools.partialmethod, classmethod, staticmethod)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """The arguments of ``field(…)`` or ``relation(…)``.

    ``resolver`` is a function of the project's: with ``requires`` it is called for rows of an answer, else while an
    operation is planned, for an expression. ``function`` is one of PostgreSQL's. ``arguments`` are the annotations of
    the arguments of either, where their own annotations do not tell.
    """

    expression: Any = None
    resolver: Callable[..., Any] | None = None
    requires: tuple[str, ...] | None = None
    function: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    name: str | None = None
    column: str | None = None
    description: str | None = None
    deprecation: str | None = None
    # of relation(…)
    key: str | None = None
    to: str | None = None
    permission: Any = None
    mask: bool = False
    cost: float = 1
    directives: tuple[Any, ...] = ()
    cache: CachePolicy | None = None
    # its arguments were wrong, which has been reported
    invalid: bool = False

    @property
    def is_computed(self) -> bool:
        """Whether the value is that of an expression or a function."""
        computed = (self.expression, self.resolver, self.requires, self.function)
        return any(value is not None for value in computed)

    def __call__(self, function: Any) -> FieldOptions:
        """Take the function under ``@field(…)``."""
        if self.invalid:
            return self
        function = plain_function(function)
        problem = _not_under_field(self, function)
        if problem is not None:
            report(DeclarationError(problem))
            return FieldOptions(invalid=True)
        return replace(self, resolver=function, description=self.description or inspect.getdoc(function))


def plain_function(function: Any) -> Any:
    """Return the function within a staticmethod; other objects as they are."""
    return function.__func__ if isinstance(function, staticmethod) else function


def _not_under_field(options: FieldOptions, function: Any) -> str | None:
    """Return why ``@field`` cannot be over a function; None where it can."""
    if isinstance(function, _PROPERTIES):
        return (
            "a property is under @fraiseql.field; write a function of self under it: "
            "`@fraiseql.field(requires=[…])`, with the names of the columns that it reads"
        )
    name = getattr(function, "__name__", repr(function))
    if not isinstance(function, types.FunctionType):
        return f"{name} is a {type(function).__name__} under @fraiseql.field, must be a function"
    if options.expression is not None or options.function is not None or options.column is not None:
        return (
            f"{name} is under @fraiseql.field, which has another value already: an expression, a function or a column"
        )
    if options.requires is None and next(iter(inspect.signature(function).parameters), None) == "self":
        return (
            f"{name} is a method under @fraiseql.field that does not say which columns it reads; write "
            f"`@fraiseql.field(requires=[…])` with their names, or compute it in SQL: "
            f"`{name}: str = fraiseql.field(<expression>)`"
        )
    return None


def annotations_of(cls: type) -> dict[str, tuple[Any, str]]:
    """Return a class's annotations by name, each with the module in which it stands; those of class variables are none.

    Those of its bases come first, as in a dataclass.
    """
    return {
        name: (annotation, base.__module__)
        for base in _classes(cls)
        for name, annotation in inspect.get_annotations(base).items()
        if not _of_class_variable(annotation)
    }


def module_of(cls: type, name: str) -> str:
    """Return the module in which the annotation of a dataclass's field stands, which a base may be from."""
    return annotations_of(cls).get(name, (None, cls.__module__))[1]


def options_of(cls: type) -> dict[str, FieldOptions]:
    """Return the options of a class's fields, and of those of its bases, by name."""
    return {name: value for name, value in _values(cls).items() if isinstance(value, FieldOptions)}


def dropped_members(cls: type, where: str) -> list[str]:
    """Return a sentence for each member of a type over rows that looks like a field, but would not be in the schema.

    ``where`` is the type's name. Names that begin with an underscore are the project's own.
    """
    annotated = annotations_of(cls)
    found = ((name, _dropped(name, value, annotated=name in annotated)) for name, value in _public(cls))
    return [f"{where}.{name} {what}" for name, what in found if what is not None]


def unread_members(cls: type, where: str) -> list[str]:
    """Return the same of a class whose objects Python makes: methods with arguments besides ``self`` are allowed."""
    annotated = {item.name for item in fields(cls)} if is_dataclass(cls) else set()
    found = ((name, _unread(name, value)) for name, value in _public(cls) if name not in annotated)
    return [f"{where}.{name} {what}" for name, what in found if what is not None]


def unannotated_values(cls: type, where: str) -> list[str]:
    """Return the same of an input, for values alone: its objects are Python's, which may call what it has."""
    annotated = {item.name for item in fields(cls)} if is_dataclass(cls) else set()
    return [
        f"{where}.{name} is a value without an annotation, which is no field; annotate it, or call it _{name} to keep "
        f"it for Python"
        for name, value in _public(cls)
        if name not in annotated
        and not callable(value)
        and not isinstance(value, (*_PROPERTIES, classmethod, staticmethod, functools.partialmethod))
    ]


def check_bases(cls: type) -> None:
    """Raise DeclarationError where annotations of a base would be no fields of the dataclass that a class becomes."""
    for base in _classes(cls):
        if base is not cls and not is_dataclass(base) and (names := list(inspect.get_annotations(base))):
            raise DeclarationError(
                f"{cls.__name__} extends {base.__name__}, whose annotations would not be fields: {', '.join(names)}; "
                f"declare {base.__name__} with the same decorator"
            )


def made_dataclass(cls: Any, *, frozen: bool = False) -> Any:
    """Make a class a dataclass whose arguments have names, and return it.

    A value without an annotation is the default of the field that it inherits, which a dataclass alone would ignore.
    """
    own = inspect.get_annotations(cls)
    inherited = {
        item.name: item.type for base in reversed(cls.__mro__[1:]) if is_dataclass(base) for item in fields(base)
    }
    # methods and properties are no values
    given = {name for name, value in vars(cls).items() if name in inherited and not hasattr(type(value), "__get__")}
    cls.__annotations__ = {**{name: inherited[name] for name in given}, **own}
    try:
        return dataclass(kw_only=True, frozen=frozen)(cls)
    finally:
        # an annotation is evaluated in the module of the class that wrote it
        cls.__annotations__ = own


def _public(cls: type) -> Iterator[tuple[str, Any]]:
    for name, value in _values(cls).items():
        if not (name.startswith("_") or isinstance(value, FieldOptions) or _declared_class_variable(cls, name)):
            yield name, value


def _dropped(name: str, value: Any, *, annotated: bool) -> str | None:
    instead = (
        f"compute it in SQL with `{name}: str = fraiseql.field(<expression>)`, or call it _{name} to keep it for Python"
    )
    called = f"write @fraiseql.field(requires=[…]) over it with the columns that it reads, {instead}"
    if isinstance(value, Auto):
        return f"is assigned fraiseql.auto, which is an annotation; write `{name}: fraiseql.auto`"
    if isinstance(value, _PROPERTIES):
        return f"is a property, which no field reads; make it a function, {called}"
    if isinstance(value, _METHODS):
        return f"is a method, which no field calls; {called}"
    if inspect.isclass(value):
        return (
            f"is a class, which has no meaning in a type; give its settings to the decorator, or call it _{name} to "
            f"keep it for Python"
        )
    if annotated:
        return (
            f"has the value {value!r}, but values come from the database; write `{name}: fraiseql.auto` or "
            f"`{name}: … = fraiseql.field(…)`"
        )
    return f"is a value without an annotation, which is no field; write `{name}: fraiseql.auto`, {instead}"


def _unread(name: str, value: Any) -> str | None:
    instead = (
        f"annotate `{name}: …` and give it a value where the object is made, or call it _{name} to keep it for Python"
    )
    if isinstance(value, _PROPERTIES):
        return f"is a property, which no field reads; {instead}"
    if isinstance(value, types.FunctionType) and _is_resolver(value):
        return f"is a method, which no field calls; {instead}"
    if isinstance(value, Auto):
        return f"is assigned fraiseql.auto, which needs a model; annotate its type: `{name}: str`"
    if callable(value) or isinstance(value, (classmethod, staticmethod, functools.partialmethod)):
        return None
    return f"is a value without an annotation, which is no field; {instead}"


def _is_resolver(value: types.FunctionType) -> bool:
    """Whether it is a function of the object alone: what other libraries call to get the value of a field."""
    return len(inspect.signature(value).parameters) == 1


def _classes(cls: type) -> Iterator[type]:
    for base in reversed(cls.__mro__):
        # object, Generic, Protocol, ABC
        if base.__module__ not in ("builtins", "typing", "abc"):
            yield base


def _values(cls: type) -> dict[str, Any]:
    return {name: value for base in _classes(cls) for name, value in vars(base).items()}


def _declared_class_variable(cls: type, name: str) -> bool:
    found = (inspect.get_annotations(base).get(name) for base in _classes(cls))
    return any(_of_class_variable(annotation) for annotation in found)


def _of_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        # not evaluated: the names in it may not be defined yet
        return annotation.partition("[")[0].rpartition(".")[2].strip() == "ClassVar"
    return annotation is ClassVar or get_origin(annotation) is ClassVar
