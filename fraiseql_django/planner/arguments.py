"""Arguments: the values of literals and variables, as far as a plan depends on them.

``resolve`` turns an argument's AST into None, InputObject, InputList or Leaf. A Leaf is a value that the SQL has a bind
parameter for: it is fetched from the variables at execution. The members of an InputObject and the items of an
InputList are resolved one by one when they are iterated over, so that whoever counts them can stop at a limit. (GraphQL
specification, 6.4.1)

An argument is left out where it is a variable without a value. Within an argument such a variable is refused: a
condition or a sort key that a client forgot to fill in must not disappear. What is not refused are keys that the value
of a variable does not have, and the bounds of a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    print_ast,
    value_from_ast,
)

from ..errors import InvalidInput, OperationError

Variables = Mapping[str, Any]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, an enum value or a list of them.

    ``value`` is its value in the operation that the plan is made for, ``fetch`` returns that of any execution, and
    ``node`` is where it stands in the document. ``constant`` says that it is the same at every execution.
    """

    node: ValueNode
    fetch: Callable[[Variables], Any]
    value: Any
    constant: bool


def constant_leaf(value: str) -> Leaf:
    """Return a text that no client has written, as an argument."""
    return Leaf(StringValueNode(value=value), lambda variables: value, value, True)


class InputObject:
    """An input object; iterating over it yields the names and values that are present."""

    __slots__ = ("_members",)

    def __init__(self, members: Callable[[], Iterator[tuple[str, Any]]]) -> None:
        self._members = members

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._members()


class InputList:
    """A list of input objects; iterating over it yields them."""

    __slots__ = ("_items",)

    def __init__(self, items: Callable[[], Iterator[Any]]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return self._items()


@contextmanager
def located(node: FieldNode) -> Iterator[None]:
    """Let errors in a field's arguments that have no location point at the field."""
    try:
        yield
    except OperationError as error:
        error.nodes = error.nodes or [node]
        raise


def arguments(node: FieldNode, field: GraphQLField, variables: Variables) -> dict[str, Any]:
    """Resolve a field's arguments, by GraphQL name; those that are absent are left out."""
    found = {}
    for argument in node.arguments or ():
        value = resolve(argument.value, field.args[argument.name.value].type, variables)
        if value is not ABSENT:
            found[argument.name.value] = value
    return found


def resolve(node: ValueNode, type_: GraphQLInputType, variables: Variables) -> Any:
    """Resolve one value: ABSENT, None, an InputObject, an InputList or a Leaf.

    Raises InvalidInput where a variable that may be null is, in a place that may not be.
    """
    if is_non_null_type(type_):
        value = resolve(node, type_.of_type, variables)
        if value is None or value is ABSENT:
            raise InvalidInput(f"{print_ast(node)} is null or absent where {type_} is required.", nodes=[node])
        return value
    if isinstance(node, VariableNode):
        name = node.name.value
        if name not in variables:
            return ABSENT
        return _of_variable(variables[name], type_, node, lambda values: values[name])
    if isinstance(node, NullValueNode):
        return None
    if _is_object(type_) and isinstance(node, ObjectValueNode):
        return InputObject(lambda: _members(node, type_, variables))
    if is_list_type(type_) and _is_object(_bare(type_.of_type)):
        nodes = node.values if isinstance(node, ListValueNode) else (node,)
        return InputList(lambda: (resolve(item, type_.of_type, variables) for item in nodes))
    return _literal(node, type_, variables)


def _members(node: ObjectValueNode, type_: Any, variables: Variables) -> Iterator[tuple[str, Any]]:
    for item in node.fields:
        name = item.name.value
        value = resolve(item.value, type_.fields[name].type, variables)
        if value is ABSENT:
            raise _no_value(item.value, name)
        yield name, value


def _no_value(variable: ValueNode, name: str) -> InvalidInput:
    written = print_ast(variable)
    return InvalidInput(
        f"{written} has no value where {name} needs one: without it, the condition or sort key would be left out.",
        hint=(
            f"Send a value for {written}, or give it a default; null asks for null. To leave it out, leave {name} out "
            f"of the operation, or make the whole argument a variable whose value has no such key."
        ),
        nodes=[variable],
    )


def _check_given(node: ValueNode, type_: GraphQLInputType, variables: Variables, name: str) -> None:
    """Raise InvalidInput for a variable without a value within a literal: in a list, or in JSON.

    Within an input object that is a leaf, a range, it stands for no bound, unless nothing of the range is given.
    """
    if _is_absent(node, variables):
        raise _no_value(node, name)
    if isinstance(node, ListValueNode):
        for item in node.values:
            _check_given(item, type_, variables, name)
    elif isinstance(node, ObjectValueNode) and not is_input_object_type(get_named_type(type_)):
        for field in node.fields:
            _check_given(field.value, type_, variables, field.name.value)
    elif isinstance(node, ObjectValueNode) and node.fields and all(_is_absent(f.value, variables) for f in node.fields):
        raise _no_value(node.fields[0].value, node.fields[0].name.value)


def _is_absent(node: ValueNode, variables: Variables) -> bool:
    return isinstance(node, VariableNode) and node.name.value not in variables


def _literal(node: ValueNode, type_: GraphQLInputType, variables: Variables) -> Leaf:
    _check_given(node, type_, variables, "a list")
    value = value_from_ast(node, type_, dict(variables))
    if value is Undefined:
        raise InvalidInput("A list holds a variable that is absent or null where no null may stand.", nodes=[node])
    if _has_variable(node):
        return Leaf(node, lambda values: value_from_ast(node, type_, dict(values)), value, constant=False)
    return Leaf(node, lambda values: value, value, constant=True)


def _of_variable(value: Any, type_: Any, node: ValueNode, fetch: Callable[[Variables], Any]) -> Any:
    """Resolve a coerced value as far as the SQL depends on it."""
    if value is None:
        return None
    if _is_object(type_):
        fields = type_.fields
        return InputObject(
            lambda: (
                (key, _of_variable(item, _bare(fields[key].type), node, _getter(fetch, key)))
                for key, item in value.items()
            )
        )
    if is_list_type(type_) and _is_object(item_type := _bare(type_.of_type)):
        return InputList(
            lambda: (_of_variable(item, item_type, node, _getter(fetch, index)) for index, item in enumerate(value))
        )
    return Leaf(node, fetch, value, constant=False)


def _getter(fetch: Callable[[Variables], Any], key: str | int) -> Callable[[Variables], Any]:
    return lambda values: fetch(values)[key]


def _bare(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def _is_object(type_: Any) -> bool:
    return is_input_object_type(type_) and not type_.extensions.get("leaf")


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    if isinstance(node, ListValueNode):
        return any(map(_has_variable, node.values))
    return isinstance(node, ObjectValueNode) and any(_has_variable(item.value) for item in node.fields)
