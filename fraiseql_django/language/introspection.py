"""Which viewers may query the schema, and removal of schema names from errors for all others.

The setting ``INTROSPECTION`` decides who may select ``__schema`` and ``__type``. For other viewers, errors of
graphql-core and of this package are redacted: suggestions are removed, and every schema name that the client did not
send itself is replaced by "…". Errors are cached complete and redacted for each response.
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
from graphql.pyutils import did_you_mean

from ..errors import LimitExceeded, OperationError, TryLater
from ..viewer import Viewer

logger = logging.getLogger("fraiseql_django.engine")

# By value of the setting: whether a viewer may introspect, and the error message if not
_POLICIES: Mapping[str, tuple[Callable[[Viewer], bool], str]] = {
    "public": (lambda viewer: True, ""),
    "authenticated": (lambda viewer: viewer.is_authenticated, "Introspection requires a user who is signed in."),
    "staff": (lambda viewer: viewer.is_staff, "Introspection requires a staff user."),
    "disabled": (lambda viewer: False, "Introspection is disabled."),
}


def may_introspect(policy: str, viewer: Viewer) -> bool:
    """Whether a viewer may query the schema; reads the viewer's user only if the policy depends on it."""
    allows, _ = _POLICIES[policy]
    return allows(viewer)


class Introspection:
    """The introspection policy of one engine; ``schema`` is called only when an error must be redacted."""

    def __init__(self, policy: str, schema: Callable[[], GraphQLSchema]) -> None:
        self.policy = policy
        self._schema = schema

    def allows(self, viewer: Viewer) -> bool:
        """Whether a viewer may query the schema."""
        return may_introspect(self.policy, viewer)

    def refusal(self, viewer: Viewer) -> str | None:
        """Return why a viewer may not query the schema; None: the viewer may."""
        allows, message = _POLICIES[self.policy]
        return None if allows(viewer) else message

    def require(self, viewer: Viewer, field: FieldNode) -> None:
        """Raise OperationError if the viewer may not query the schema, as ``field`` does."""
        message = self.refusal(viewer)
        if message is not None:
            raise OperationError(message, nodes=[field], code="INTROSPECTION_DISABLED")

    def redacted(
        self, errors: Sequence[GraphQLError], viewer: Viewer, text: str, variables: Mapping[str, Any]
    ) -> Sequence[GraphQLError]:
        """Return the errors without schema names, except those in the client's document and variables.

        Errors are returned unchanged to a viewer who may introspect.
        """
        if not any(map(_may_name_schema, errors)) or self._is_open_to(viewer):
            return errors
        secret = self._names - frozenset(_names_sent(text, variables))
        return [_redact(error, secret) if _may_name_schema(error) else error for error in errors]

    def _is_open_to(self, viewer: Viewer) -> bool:
        try:
            return self.allows(viewer)
        except Exception:
            # the response is complete, so this error has no other way to be reported
            logger.exception("The viewer's user could not be read.")
            return False

    @cached_property
    def _names(self) -> frozenset[str]:
        return names_of(self._schema())


# --- redaction of errors ---

# Codes of errors from graphql-core, and from this package for invalid values; errors of a project have other codes
_CODES = frozenset({"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "BAD_REQUEST"})
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
# What graphql-core appends to a message, in its own words. Bounded, because the message may contain text of the client
# that repeats the beginning many times.
_BEFORE_SUGGESTION, _, _AFTER_SUGGESTION = did_you_mean(["x"]).partition("'x'")
_SUGGESTION = re.compile(
    rf"{re.escape(_BEFORE_SUGGESTION)}[^{re.escape(_AFTER_SUGGESTION)}]{{0,500}}{re.escape(_AFTER_SUGGESTION)}"
)
# Names in messages: 'Book', '[Book!]!', 'Query.books(limit:)', '@skip'; "Decimal cannot represent …". The pattern does
# not match pairs of quotation marks, because text of the client may contain unpaired ones.
_NAME_IN_MESSAGE = re.compile(r"(?<=['\"\[.(@])[_A-Za-z][_0-9A-Za-z]*|\b[_A-Za-z][_0-9A-Za-z]*(?= cannot represent)")
_REDACTED = "…"


def names_of(schema: GraphQLSchema) -> frozenset[str]:
    """Return the schema's names without those of GraphQL itself and of the root types.

    The names of the root types are public: ``__typename`` returns them to everybody.
    """
    roots = {type_.name for type_ in (schema.query_type, schema.mutation_type) if type_ is not None}
    names: set[str] = set()
    for name, type_ in schema.type_map.items():
        if not (is_specified_scalar_type(type_) or is_introspection_type(type_)):
            names.add(name)
            names.update(_names_in(type_))
    for directive in schema.directives:
        if not is_specified_directive(directive):
            names.update((directive.name, *directive.args))
    return frozenset(names - roots)


def _names_in(type_: Any) -> Iterator[str]:
    if is_enum_type(type_):
        yield from type_.values
    elif is_input_object_type(type_):
        yield from type_.fields
    elif is_object_type(type_) or is_interface_type(type_):
        for name, field in type_.fields.items():
            yield name
            yield from field.args


def _may_name_schema(error: GraphQLError) -> bool:
    original = error.original_error
    if isinstance(original, OperationError):
        return not isinstance(original, (LimitExceeded, TryLater))
    # errors raised by a project's mutation have a path, and any code
    return error.path is None and (error.extensions or {}).get("code") in _CODES


def _redact(error: GraphQLError, secret: frozenset[str]) -> GraphQLError:
    def replacement(match: re.Match[str]) -> str:
        return _REDACTED if match[0] in secret else match[0]

    message, original = error.message, error.original_error
    if isinstance(original, OperationError):
        if original.hint:
            message = message.replace(f" {original.hint}", "")
        if original.what:
            what = _NAME.sub(replacement, original.what)
            # "Sign in to use ….": the location says what is refused
            unnamed = what == _REDACTED and original.rule is not None
            message = message.replace(original.what, "this" if unnamed else what)
    message = _NAME_IN_MESSAGE.sub(replacement, _SUGGESTION.sub("", message))
    return GraphQLError(
        message, error.nodes, error.source, error.positions, error.path, error.original_error, error.extensions
    )


def _names_sent(text: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield every name in a client's document and in its variables at any depth."""
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
