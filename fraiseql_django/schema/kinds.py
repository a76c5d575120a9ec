"""Kinds of fields: for each class of FieldDef, what the schema shows of it.

A kind stands in one module of ``fraiseql_django.kinds``, which registers it here; what the planner does with its fields
is added there (``planner/kinds.py``). The schema and the planner ask the kind and know no class of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from graphql import GraphQLArgument, GraphQLInputObjectType, GraphQLInputType, GraphQLOutputType

from ..declare.cache_policy import CachePolicy
from ..declare.rules import Rule
from ..errors import DeclarationError
from .conventions import Conventions
from .definition import FieldDef, Related, Shape, TypeDef
from .operators import Comparable

F = TypeVar("F")
T = TypeVar("T")
S = TypeVar("S", bound=Shape)


class OutputTypes(Protocol):
    """The output types of a schema that is being built."""

    types: Mapping[str, TypeDef]

    def object(self, name: str) -> Any:
        """Return the object type of this name."""
        ...

    def value(self, value: Any) -> Any:
        """Return the object type of a ValueObject."""
        ...

    def interface(self, name: str) -> Any:
        """Return the interface of this name."""
        ...

    def output(self, output: Any) -> GraphQLOutputType:
        """Return the type of what a Python function returns, an Output."""
        ...

    @property
    def inputs(self) -> InputTypes:
        """The input types of the same schema."""
        ...


class InputTypes(Protocol):
    """The input types of a schema that is being built."""

    where: Mapping[str, GraphQLInputType]
    order_by: Mapping[str, GraphQLInputType]

    def where_on(self, definition: Shape, fields: Sequence[str], name: str) -> GraphQLInputObjectType:
        """Return the type ``name`` of conditions on these fields of a type."""
        ...

    def value_filter(self, scalar: Comparable, dimensions: int) -> GraphQLInputType:
        """Return the filter of values of a leaf type, in so many lists."""
        ...

    def value_order(self, scalar: Comparable, dimensions: int) -> GraphQLInputType | None:
        """Return the input of what is made of values of a leaf type to sort by; None where nothing is."""
        ...

    def distinct_fields(self, target: str) -> GraphQLInputType | None:
        """Return the enum of the fields of which a type's lists may have one row for each value; None for none."""
        ...

    def list_filter(self, target: str) -> GraphQLInputType:
        """Return the filter of a list of objects of a type."""
        ...

    def derived(self, made: GraphQLInputObjectType) -> GraphQLInputObjectType:
        """Return the input type of this name: the first one that was given."""
        ...


@dataclass(slots=True)
class Derivation:
    """What kinds derive shapes from: all declared types and shapes, and the settings of the schema."""

    types: Mapping[str, Shape]
    conventions: Conventions
    _known: dict[Hashable, Any] = dataclass_field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what a function makes, which is called once for a key."""
        if key not in self._known:
            self._known[key] = make()
        found: T = self._known[key]
        return found


class SchemaKind(Generic[F]):
    """What the schema shows of one kind of field."""

    def shapes(self, field: F, derive: Derivation) -> Iterable[Shape]:
        """Return shapes that the field leads to and that no declaration describes."""
        return ()

    def output(self, field: F, types: OutputTypes) -> GraphQLOutputType:
        """Return the GraphQL type of the field."""
        raise NotImplementedError

    def arguments(self, field: F, types: OutputTypes) -> dict[str, GraphQLArgument]:
        """Return the arguments of the field by name."""
        return {}

    def where_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        """Return the type of conditions on the field; None where there are none."""
        return None

    def order_by_value(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        """Return the type of what is written to sort by what is made of the field's value; None for nothing."""
        return None

    def order_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        """Return the type of what is written to sort by the field; None where rows cannot be sorted by it."""
        return None

    def comparable(self, field: F) -> Comparable | None:
        """Return the type that the field is compared as; None where it leads to objects."""
        return None

    def is_ordered(self, field: F) -> bool:
        """Whether rows can be sorted by the field's own value."""
        return False

    def distinct_column(self, field: F) -> str | None:
        """Return the model's column of which lists may have one row for each value; None where there is none."""
        return None

    def sorts_through(self, field: F) -> str | None:
        """Return the name of the type by whose fields rows can be sorted through this one."""
        return None


_kinds: dict[type, SchemaKind[Any]] = {}


def register(definition: type, kind: SchemaKind[Any]) -> None:
    """Let the fields of a class, and of its subclasses, be of a kind."""
    _kinds[definition] = kind


def kind_of(field: Any) -> Any:
    """Return the kind of a field."""
    for cls in type(field).__mro__:
        if cls in _kinds:
            return _kinds[cls]
    raise LookupError(f"no kind is registered for {type(field).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListForm:
    """A form that a list of rows takes, beside the plain list: ``make`` describes the field from the list and its name.

    The field is called as the list is, with ``suffix``. It has the list's own name where ``stands_alone`` and the plain
    list is not among the forms. One that ``gives_way`` is left out where another field has its name. ``problem``
    returns what keeps the rows of a type from having the form.
    """

    suffix: str
    make: Callable[[Related, str], FieldDef]
    stands_alone: bool = False
    gives_way: bool = False
    problem: Callable[[TypeDef], str | None] = lambda definition: None


# Who may use a form of a list, and how answers with it may be kept
Form: TypeAlias = tuple[Rule | None, CachePolicy | None]
# The form of a plain list
PLAIN = "plural"
_forms: dict[str, ListForm] = {}


def list_form(name: str, form: ListForm) -> None:
    """Let lists of rows take this form where ``queries`` or ``lists`` of the rows' type name it."""
    _forms[name] = form


def problems_of_forms(definition: TypeDef) -> Iterator[str]:
    """Yield what keeps the rows of a type from having the forms that its declaration names."""
    for form in dict.fromkeys((*definition.queries, *definition.lists)):
        problem = _forms[form].problem(definition) if form in _forms else None
        if problem is not None:
            yield f"{definition.name} cannot have the form {form!r}: {problem}"


def derived_shapes(
    types: Mapping[str, Shape], root: Shape, conventions: Conventions, *, taken: Collection[str] = ()
) -> dict[str, Shape]:
    """Return the shapes that kinds derive for the fields of all types and of the root, and for those of these shapes.

    Raises DeclarationError where one has the name of a declared type, which ``taken`` has as well.
    """
    derive = Derivation(types, conventions)
    found: dict[str, Shape] = {}
    waiting: list[Shape] = [*types.values(), root]
    while waiting:
        definition = waiting.pop()
        for item in definition.fields.values():
            for shape in kind_of(item).shapes(item, derive):
                if shape.name in types or shape.name in taken:
                    raise DeclarationError(
                        f"{definition.name}.{item.name} needs a type called {shape.name!r}, which is declared; "
                        f"give the declared one another name with name=…"
                    )
                if shape.name not in found:
                    found[shape.name] = shape
                    waiting.append(shape)
    return found


def with_list_forms(definition: S, forms_of: Callable[[Related], Mapping[str, Form]], conventions: Conventions) -> S:
    """Return a type whose lists of rows have all of their forms.

    ``forms_of`` returns the forms of a list, each with its permission and policy. Raises DeclarationError where a form
    has the name of another field, unless it gives way to that.
    """
    fields: dict[str, FieldDef] = {}
    added: dict[str, FieldDef] = {}
    for name, field in definition.fields.items():
        if not (isinstance(field, Related) and field.many):
            fields[name] = field
            continue
        forms = forms_of(field)
        if PLAIN in forms:
            fields[name] = field
        for form, (permission, policy) in forms.items():
            if form == PLAIN:
                continue
            known = _forms[form]
            alone = known.stands_alone and PLAIN not in forms
            own = name if alone else name + _cased(known.suffix, name, conventions)
            if own in added or (not known.gives_way and own in definition.fields and own != name):
                raise DeclarationError(
                    f"{definition.name} has two fields called {own!r}, one of which is the {form} of {name}; "
                    f"give the other one another name"
                )
            made = known.make(replace(field, permission=permission), own)
            (fields if alone else added)[own] = replace(made, cache=policy)
    return replace(
        definition, fields={**fields, **{name: field for name, field in added.items() if name not in fields}}
    )


def _cased(suffix: str, name: str, conventions: Conventions) -> str:
    # names of root fields have capital letters whatever CAMEL_CASE says, since they are made of names of types
    camel = conventions.settings.camel_case or name != name.lower()
    return suffix if camel else f"_{suffix[0].lower()}{suffix[1:]}"
