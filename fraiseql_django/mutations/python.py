"""Mutations that Python functions answer: called in order in one transaction, their selections read by SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from graphql import GraphQLError, Undefined, VariableNode, value_from_ast

from ..errors import FraiseQLError, InvalidInput
from ..executor import Executor
from ..planner.plan import KEYS, Write
from ..planner.values import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a mutation knows of the operation that it is a part of.

    ``request`` is the HTTP request, None where the engine is used without one. ``context`` is what the
    caller of ``engine.execute`` gave.
    """

    field_name: str
    response_key: str
    operation_name: str | None
    request: HttpRequest | None
    context: Any

    @property
    def user(self) -> Any:
        """The user of the request as Django's authentication set it, or None."""
        return getattr(self.request, "user", None)


class WrongResult(FraiseQLError):
    """A mutation returned something else than its annotation says."""


def run(write: Write, info: Info, variables: Variables, executor: Executor) -> bytes:
    """Call a mutation's function and return the JSON text of its selection.

    Whatever the function raises is raised; WrongResult when it returns what its annotation does not say.
    """
    definition = write.definition
    arguments = _arguments(write, variables)
    function = async_to_sync(definition.function) if iscoroutinefunction(definition.function) else definition.function
    result = function(info, **arguments)
    if result is None:
        if not definition.nullable:
            raise WrongResult(f"mutation {definition.name} returned None, which its annotation does not allow")
        return b"null"
    if write.payload is None:
        return _plain(write, result)
    instances = _items(write, result) if definition.many else [result]
    answer = executor.read(write.payload, {**variables, KEYS: [_key(write, item) for item in instances]}, cached=False)
    if definition.many:
        return answer
    if answer == b"[]":
        raise WrongResult(f"mutation {definition.name} returned {result!r}, whose row is not in the database")
    return answer[1:-1]


def _arguments(write: Write, variables: Variables) -> dict[str, Any]:
    """Coerce the arguments that are given, by Python name (GraphQL specification, 6.4.1)."""
    found: dict[str, Any] = {}
    for node in write.node.arguments or ():
        argument = write.field.args[node.name.value]
        if isinstance(node.value, VariableNode) and node.value.name.value not in variables:
            continue
        value = value_from_ast(node.value, argument.type, dict(variables))
        if value is Undefined:
            raise InvalidInput(f"argument {node.name.value!r} must not be null", nodes=[node])
        name = argument.out_name or node.name.value
        found[name] = write.definition.converts[name](value)
    return found


def _items(write: Write, result: Any) -> list[Any]:
    if not isinstance(result, Iterable) or isinstance(result, (str, bytes, Mapping)):
        raise WrongResult(f"mutation {write.definition.name} returned {result!r}, which is no list")
    return list(result)


def _key(write: Write, instance: Any) -> tuple[Any, ...]:
    if write.model is None or not isinstance(instance, write.model):
        raise WrongResult(f"mutation {write.definition.name} returned {instance!r}, not a {write.definition.target}")
    key = tuple(getattr(instance, column) for column in write.key_columns)
    if None in key:
        raise WrongResult(f"mutation {write.definition.name} returned {instance!r}, which was not saved or was deleted")
    return key


def _plain(write: Write, result: Any) -> bytes:
    leaf: Any = write.definition.plain

    def written(value: Any) -> Any:
        if value is None:
            if write.definition.nullable_items:
                return None
            raise TypeError("an item is None")
        return leaf.serialize(value.value if isinstance(value, Enum) else value)

    values = _items(write, result) if write.definition.many else [result]
    try:
        serialized = [written(value) for value in values]
        found = serialized if write.definition.many else serialized[0]
        # JSON has no NaN
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (GraphQLError, TypeError, ValueError) as error:
        raise WrongResult(f"mutation {write.definition.name} returned {result!r}: {error}") from error
