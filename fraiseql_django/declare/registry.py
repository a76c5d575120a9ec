"""The declarations of types and mutations, kept until a schema is built from them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final, Literal, NewType, TypeAlias, TypeVar

from django.db import models
from django.db.models import Q

from ..errors import DeclarationError
from .arguments import ArgumentOptions
from .cache_policy import CachePolicy
from .members import FieldOptions, annotations_of, check_bases, dropped_members, made_dataclass, options_of
from .names import lower_first, type_names
from .plurals import plural_name
from .reporting import report
from .rules import RowRule
from .sources import Source

_C = TypeVar("_C", bound=type)

ID = NewType("ID", str)
"""Annotates an argument or a field that is a key."""
# For type checkers the values of these are plain ones: a type of its own would refuse `points: BigInt = 0`
if TYPE_CHECKING:
    BigInt: TypeAlias = int
else:
    BigInt = NewType("BigInt", int)
"""Annotates a whole number of up to 64 bits."""
if TYPE_CHECKING:
    JSON: TypeAlias = Any
else:
    JSON = NewType("JSON", object)
"""Annotates any JSON value."""


class Unset:
    """The type of ``UNSET``."""

    def __repr__(self) -> str:
        return "fraiseql_django.UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final[Any] = Unset()
"""The value of an input's field that the client did not write, which null is not."""


def check_cost(cost: float) -> float:
    """Return the declared cost of a field, a row or a mutation; report one that is no number of 0 or more."""
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not 0 <= cost < math.inf:
        report(DeclarationError(f"cost is {cost!r}, must be a number of 0 or more"))
    return cost


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDeclaration:
    """The arguments of ``@type`` and the class under it; over a source, the model is one that stands for it."""

    cls: type
    model: type[models.Model]
    source: Source | None = None
    name: str
    description: str | None
    fields: Collection[str] | Literal["__all__"] | None
    exclude: Collection[str] | None
    queries: Collection[str] | Mapping[str, Any]
    lists: Collection[str] = ("plural",)
    unique: Sequence[Sequence[str]] = ()
    single: str | None
    plural: str | None
    primary: bool
    rows: RowRule | None = None
    permission: Any = None
    mask: bool = False
    row_cost: float = 0
    # it is an interface over the model, which has no rows of its own type
    interface: bool = False
    # which rows of the model are of the type, where that does not follow from the model
    when: Q | None = None
    # the interfaces that it implements; None: those over its model, and over the models that this inherits
    implements: Collection[type] | None = None
    # its rows are a tree, by a foreign key of this name, or as packages make them
    tree: bool | str = False
    directives: tuple[Any, ...] = ()
    random: bool = False
    distinct_on: bool = False
    cache: CachePolicy | None = None
    # the names to choose from, where ``types`` declares the type: it gives way to one of the project's own
    automatic: tuple[str, ...] = ()
    # columns that ``types`` has excluded, since they look like secrets
    secrets: tuple[str, ...] = ()
    # its arguments were wrong, which has been reported
    invalid: bool = False

    @property
    def options(self) -> Mapping[str, FieldOptions]:
        """The options of fields, by Python name."""
        return options_of(self.cls)

    @property
    def annotations(self) -> Mapping[str, tuple[Any, str]]:
        """The annotations of fields by Python name, each with the module in which it stands."""
        return annotations_of(self.cls)

    @property
    def dropped(self) -> list[str]:
        """What stands in the class, but has no meaning for the schema: a sentence for each."""
        return dropped_members(self.cls, self.name)

    @property
    def everything(self) -> bool:
        """Whether fields that nobody has named are among the type's."""
        return self.fields == "__all__" or (self.fields is None and self.exclude is not None)

    @property
    def single_name(self) -> str:
        """The name of the root field for one row."""
        return self.single or lower_first(self.name)

    @property
    def plural_name(self) -> str:
        """The name of the root field for a list."""
        return self.plural or plural_name(self.single_name, self.model if self.source is None else None)

    @property
    def names(self) -> frozenset[str]:
        """The names of the type, of its inputs and of its root fields: no other type can have one of them."""
        return type_names(self.name) | set(self.root_names.values())

    @property
    def root_names(self) -> Mapping[str, str]:
        """The names of its root fields by "single" and "plural"; all forms of lists are named after the plural."""
        names = {"single": self.single_name} if "single" in self.queries else {}
        return {**names, "plural": self.plural_name} if set(self.queries) - {"single"} else names

    @property
    def label(self) -> str:
        """What it is declared over, as errors name it: ``shop.Book``, or the view."""
        return self.model._meta.label if self.source is None else self.source.table

    @property
    def location(self) -> str:
        """The class and its module, as errors name them."""
        return f"{self.cls.__qualname__} in {self.cls.__module__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AbstractDeclaration:
    """A union, or an interface over no model: the types of its objects have nothing in common but its fields.

    ``members`` are the types of a union; those of an interface name it in ``implements``. ``fields`` are the Python
    names of an interface's fields. ``plural`` is the root field with the rows of all of the types.
    """

    cls: type
    name: str
    description: str | None
    members: tuple[Any, ...] | None = None
    fields: tuple[str, ...] = ()
    plural: str | None = None
    permission: Any = None
    mask: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names of the type, of its inputs and of its root field: no other type can have one of them."""
        return type_names(self.name) | ({self.plural} if self.plural else frozenset())

    @property
    def location(self) -> str:
        """The class and its module, as errors name them."""
        return f"{self.cls.__qualname__} in {self.cls.__module__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDeclaration:
    """A class of annotations that is an object type of its own, over no table.

    Its values are objects of the class in Python, or JSON objects. ``options`` are those of its fields, by Python
    name; ``failed`` says that a mutation that returns one has failed.
    """

    cls: type
    name: str
    description: str | None
    options: Mapping[str, FieldOptions]
    failed: bool = False
    directives: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RootDeclaration:
    """What all declared root fields have: name and description in GraphQL, who may use it, and what it costs."""

    name: str | None = None
    description: str | None = None
    deprecation: str | None = None
    permission: Any = None
    cost: float = 1
    directives: tuple[Any, ...] = ()

    @property
    def location(self) -> str:
        """What it is, and where, as errors name it."""
        return type(self).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationDeclaration(RootDeclaration):
    """A mutation: each kind is a subclass, for which ``schema.arguments.describe_mutation`` is registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDeclaration(RootDeclaration):
    """``@query`` over a function in Python, or over the signature of the PostgreSQL function ``database_function``.

    ``context_params`` are arguments of that by names of values of the context, ``reads`` tables that it reads, and
    ``volatile`` says that it may be volatile.
    """

    function: Callable[..., Any]
    database_function: str | None = None
    context_params: Mapping[str, str] = dataclass_field(default_factory=dict)
    reads: tuple[str, ...] = ()
    volatile: bool = False
    cache: CachePolicy | None = None

    @property
    def location(self) -> str:
        """The function and its module."""
        return f"{self.function.__qualname__} in {self.function.__module__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonMutation(MutationDeclaration):
    """``@mutation`` over a Python function; where it is ``repeatable``, it may be called again after a deadlock."""

    function: Callable[..., Any]
    repeatable: bool = False

    @property
    def location(self) -> str:
        """The function and its module."""
        return f"{self.function.__qualname__} in {self.function.__module__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMutation(MutationDeclaration):
    """``@mutation(function=…)`` over a class: a PostgreSQL function, called with the class's input."""

    cls: type
    function: str
    schema: str | None
    context_params: Mapping[str, str]
    named_arguments: bool
    enable_cascade: bool

    @property
    def location(self) -> str:
        """The class and its module."""
        return f"{self.cls.__qualname__} in {self.cls.__module__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDeclaration:
    """The name and the description of an input; dataclass replaces a missing docstring by one of its own.

    ``options`` are those of its fields, by Python name; with ``one_of`` clients write exactly one of them.
    """

    name: str
    description: str | None
    one_of: bool = False
    options: Mapping[str, ArgumentOptions] = dataclass_field(default_factory=dict)
    directives: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorDeclaration:
    """``@operator`` over a function that makes the SQL of a comparison; ``for_`` names leaf types of GraphQL's."""

    function: Callable[..., Any]
    name: str
    for_: tuple[str, ...]
    description: str | None
    strict: bool
    may_fail: bool
    extension: str | None
    cost: float

    @property
    def location(self) -> str:
        """The function and its module."""
        return f"{self.function.__qualname__} in {self.function.__module__}"


@dataclass(slots=True)
class Registry:
    """All declarations of a schema, in order, and the errors of modules whose declarations could not be imported.

    ``name`` is that of a schema in ``FRAISEQL["SCHEMAS"]``; None for the project's own, and for those of engines that
    are built from a registry.
    """

    types: list[TypeDeclaration] = dataclass_field(default_factory=list)
    abstracts: list[AbstractDeclaration] = dataclass_field(default_factory=list)
    mutations: list[MutationDeclaration] = dataclass_field(default_factory=list)
    scalars: list[Any] = dataclass_field(default_factory=list)
    operators: list[OperatorDeclaration] = dataclass_field(default_factory=list)
    queries: list[QueryDeclaration] = dataclass_field(default_factory=list)
    problems: list[str] = dataclass_field(default_factory=list)
    name: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is declared, not even in vain."""
        return not (self.types or self.mutations or self.queries or self.problems)

    def add(self, declaration: TypeDeclaration) -> None:
        """Add a type.

        One that ``types`` has declared gives way to one of the project's own: it disappears where that is over the
        same model, and takes its other name where that has its name. A list whose name nobody has chosen gives way to
        a single row whose name it has: ``taskList`` of Task beside ``tasks`` of Tasks. So the order of declarations
        does not matter.
        """
        if not declaration.automatic:
            for other in [item for item in self.types if item.automatic]:
                if other.model is declaration.model and not declaration.interface:
                    self.types.remove(other)
                    # what refers to the class means the model's type
                    other.cls.__fraiseql_type__ = declaration  # type: ignore[attr-defined]
                elif other.names & declaration.names:
                    self._replace(other, with_free_name(other, declaration.names | self.taken(without=other)))
        self.types.append(declaration)
        declaration.cls.__fraiseql_type__ = declaration  # type: ignore[attr-defined]
        for index in range(len(self.types) - 1):
            other, added = self.types[index], self.types[-1]
            for one, single in ((other, added), (added, other)):
                if _list_is_named_as(one, single):
                    self._replace(one, replace(one, plural=f"{one.single_name}List"))

    def taken(self, without: TypeDeclaration | None = None) -> frozenset[str]:
        """Return the names of all types, and of what belongs to them."""
        types = (item.names for item in self.types if item is not without)
        return frozenset[str]().union(*types, *(item.names for item in self.abstracts))

    def declaration_of(self, cls: Any) -> TypeDeclaration | None:
        """Return the declaration of a type by its class; that of another registry where this one has none."""
        declared: TypeDeclaration | None = getattr(cls, "__fraiseql_type__", None)
        if declared is None or declared in self.types:
            return declared
        # the class is declared in several schemas, and the attribute is that of the last
        return next((item for item in self.types if item.cls is cls), declared)

    def _replace(self, old: TypeDeclaration, new: TypeDeclaration) -> None:
        self.types[self.types.index(old)] = new
        new.cls.__fraiseql_type__ = new  # type: ignore[attr-defined]

    def add_abstract(self, declaration: AbstractDeclaration) -> None:
        """Add a union, or an interface over no model."""
        for other in [item for item in self.types if item.automatic]:
            if other.names & declaration.names:
                self._replace(other, with_free_name(other, declaration.names | self.taken(without=other)))
        self.abstracts.append(declaration)
        declaration.cls.__fraiseql_abstract__ = declaration  # type: ignore[attr-defined]

    def named(self, name: str) -> TypeDeclaration | AbstractDeclaration | None:
        """Return the type with this name, its own or its class's."""
        declarations: list[TypeDeclaration | AbstractDeclaration] = [*self.types, *self.abstracts]
        for declaration in declarations:
            if name in (declaration.name, declaration.cls.__name__):
                return declaration
        return None


def _list_is_named_as(one: TypeDeclaration, other: TypeDeclaration) -> bool:
    chosen = one.single or one.plural or other.single
    return not chosen and one.plural_name == other.single_name


def with_free_name(declaration: TypeDeclaration, taken: frozenset[str]) -> TypeDeclaration:
    """Return an automatic declaration under the first of its names that is free, with everything that belongs to it.

    A single name was chosen by the project, and stays: where it is taken, the schema is refused.
    """
    if len(declaration.automatic) == 1:
        return declaration
    *_, last = declaration.automatic
    numbered = (f"{last}{number}" for number in count(2))
    candidates = (replace(declaration, name=name) for name in chain(declaration.automatic, numbered))
    return next(candidate for candidate in candidates if not candidate.names & taken)


default_registry = Registry()


def declare_object(
    cls: _C,
    name: str | None = None,
    description: str | None = None,
    *,
    failed: bool = False,
    directives: Iterable[Any] = (),
) -> _C:
    """Make a class of annotations a dataclass with keyword arguments, and declare it as an object type."""
    try:
        check_bases(cls)
    except DeclarationError as error:
        report(error)
    described = description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None)
    own = {key: value for key, value in vars(cls).items() if isinstance(value, FieldOptions)}
    for key in own:
        # the options of a field are not its default value
        delattr(cls, key)
    options: dict[str, FieldOptions] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited: ObjectDeclaration | None = vars(base).get("__fraiseql_object__")
        options |= {} if inherited is None else inherited.options
    options |= own
    made = made_dataclass(cls)
    made.__fraiseql_object__ = ObjectDeclaration(
        cls=made, name=name or cls.__name__, description=described, options=options, failed=failed,
        directives=tuple(directives),
    )  # fmt: skip
    return cls
