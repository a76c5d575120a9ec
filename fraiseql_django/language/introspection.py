"""Who may ask for the schema, and what errors tell those who may not.

``INTROSPECTION`` says who may ask for ``__schema`` and ``__type``. Everybody else is not told names of the schema by
errors either: suggestions are left out, and of what graphql-core and this package say every name that the client has
not written. An error is kept and cached whole, and made discreet for a viewer on its way out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from ..errors import LimitExceeded, OperationError, TryLater
from ..viewer import Viewer

logger = logging.getLogger("fraiseql_django.engine")

# By setting: whom it lets introspect, and what others are told
_POLICIES: Mapping[str, tuple[Callable[[Viewer], bool], str]] = {
    "public": (lambda viewer: True, ""),
    "authenticated": (lambda viewer: viewer.is_authenticated, "Introspection is for those who are signed in."),
    "staff": (lambda viewer: viewer.is_staff, "Introspection is for staff."),
    "disabled": (lambda viewer: False, "Introspection is disabled."),
}


def may_introspect(policy: str, viewer: Viewer) -> bool:
    """Whether a viewer may ask for the schema; the viewer's user is read only where the policy asks for it."""
    allows, _ = _POLICIES[policy]
    return allows(viewer)


class Introspection:
    """The policy of one engine; its ``schema`` is asked for only where names have to be known."""

    def __init__(self, policy: str, schema: Callable[[], GraphQLSchema]) -> None:
        self.policy = policy
        self._schema = schema

    def allows(self, viewer: Viewer) -> bool:
        """Whether a viewer may ask for the schema."""
        return may_introspect(self.policy, viewer)

    def require(self, viewer: Viewer, field: FieldNode | None) -> None:
        """Raise OperationError for a viewer who may not introspect, where an operation has a field that does."""
        if field is not None and not self.allows(viewer):
            _, message = _POLICIES[self.policy]
            raise OperationError(message, nodes=[field], code="INTROSPECTION_DISABLED")

    def told(
        self, errors: Sequence[GraphQLError], viewer: Viewer, text: str, variables: Mapping[str, Any]
    ) -> Sequence[GraphQLError]:
        """Return errors as a viewer is told them who has written this document and these variables."""
        if not any(map(_tells_of_schema, errors)) or self._is_open_to(viewer):
            return errors
        secret = self._names - frozenset(_written(text, variables))
        return [_without(error, secret) if _tells_of_schema(error) else error for error in errors]

    def _is_open_to(self, viewer: Viewer) -> bool:
        try:
            return self.allows(viewer)
        except Exception:
            # the operation has been answered; what goes wrong with the session or its user is told by nothing else
            logger.exception("The viewer's user could not be read.")
            return False

    @cached_property
    def _names(self) -> frozenset[str]:
        return names_of(self._schema())


# --- what errors tell ---

# Of graphql-core, and of this package where a value does not fit; what a project's own code says has other codes
_CODES = frozenset({"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "BAD_REQUEST"})
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
# bounded, since a client's text may be in the message, and hold this many times over
_SUGGESTION = re.compile(r" Did you mean [^?]{0,500}\?")
# Where messages have names: 'Book', '[Book!]!', 'Query.books(limit:)', '@skip'; "Decimal cannot represent …". Not
# found by pairs of quotation marks, which a client's text could upset.
_TOLD = re.compile(r"(?<=['\"\[.(@])[_A-Za-z][_0-9A-Za-z]*|\b[_A-Za-z][_0-9A-Za-z]*(?= cannot represent)")
_HIDDEN = "…"


def names_of(schema: GraphQLSchema) -> frozenset[str]:
    """Return the names that only this schema has: not GraphQL's own, nor those of the root types.

    These two are what ``__typename`` answers to everybody.
    """
    roots = {type_.name for type_ in (schema.query_type, schema.mutation_type) if type_ is not None}
    found: set[str] = set()
    for name, type_ in schema.type_map.items():
        if not (is_specified_scalar_type(type_) or is_introspection_type(type_)):
            found.add(name)
            found.update(_names_in(type_))
    for directive in schema.directives:
        if not is_specified_directive(directive):
            found.update((directive.name, *directive.args))
    return frozenset(found - roots)


def _names_in(type_: Any) -> Iterator[str]:
    if is_enum_type(type_):
        yield from type_.values
    elif is_input_object_type(type_):
        yield from type_.fields
    elif is_object_type(type_) or is_interface_type(type_):
        for name, field in type_.fields.items():
            yield name
            yield from field.args


def _tells_of_schema(error: GraphQLError) -> bool:
    original = error.original_error
    if isinstance(original, OperationError):
        return not isinstance(original, (LimitExceeded, TryLater))
    # what a mutation raises has a path, whatever code it chooses
    return error.path is None and (error.extensions or {}).get("code") in _CODES


def _without(error: GraphQLError, secret: frozenset[str]) -> GraphQLError:
    def hide(match: re.Match[str]) -> str:
        return _HIDDEN if match[0] in secret else match[0]

    message, known = error.message, error.original_error
    if isinstance(known, OperationError):
        if known.hint:
            message = message.replace(f" {known.hint}", "")
        if known.what:
            message = message.replace(known.what, _NAME.sub(hide, known.what))
    message = _TOLD.sub(hide, _SUGGESTION.sub("", message))
    return GraphQLError(
        message, error.nodes, error.source, error.positions, error.path, error.original_error, error.extensions
    )


def _written(text: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that a client has written, in the document or in variables of any depth."""
    waiting: list[Any] = [text, variables]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield from _NAME.findall(item)
        elif isinstance(item, Mapping):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
