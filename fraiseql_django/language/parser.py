"""Text → validated operation: parsed, measured against the limits, validated; kept by text.

The rules are those of the GraphQL specification (section 5), as graphql-core has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from .._compat import STRICT_SYNTAX, coerce_variables
from ..cache.lru import LRU
from ..conf.settings import LimitSettings
from ..errors import InvalidInput, LimitExceeded, OperationError
from .coercion import VariableCoercion
from .limits import check_document_bytes, check_limits, check_variables_bytes, too_many_steps
from .scan import scan
from .variable_shapes import VariableShape, variable_shapes

# in one answer
MAX_ERRORS = 20
# longer texts, which must hold long literals, would fill the memory with what is not likely to be asked again
LONGEST_KEPT = 100_000
_TOO_MANY_TOKENS = re.compile(r"^Syntax Error: Document contains more tha[nt] \d+ tokens")


class InvalidDocument(OperationError):
    """The document cannot be parsed or does not fit the schema; ``errors`` are all that is wrong."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message, code=code)
        for error in errors:
            error.extensions = {**(error.extensions or {}), "code": code}
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a validated document, ready to be planned.

    ``kept`` says whether the same object is there when the document is asked again. ``introspecting`` is a field
    that asks for the schema, None where there is none.
    """

    node: OperationDefinitionNode
    kept: bool
    document: DocumentNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: tuple[VariableShape, ...]
    read_while_planning: frozenset[str]
    coercion: VariableCoercion
    introspecting: FieldNode | None

    @property
    def name(self) -> str | None:
        """The operation's name, None for an anonymous one."""
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        """Query or mutation; the schema has no subscriptions."""
        return self.node.operation

    def require(self, kind: OperationType | None) -> None:
        """Raise OperationError where another kind is executed, None standing for any."""
        if kind is not None and self.kind is not kind:
            raise OperationError(
                f"This is a {self.kind.value}; only a {kind.value} can be executed here.", code="OPERATION_NOT_ALLOWED"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A validated document: its operations by name, an anonymous one by None."""

    operations: Mapping[str | None, Operation]

    def operation(self, name: str | None) -> Operation:
        """Return the operation to execute (GraphQL specification, 6.1); raise OperationError if none is."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is not None and name in self.operations:
            return self.operations[name]
        names = ", ".join(str(known) for known in self.operations if known) or "none has a name"
        if name is None:
            raise OperationError(
                f"operationName is missing; the document has several operations: {names}.",
                code="OPERATION_RESOLUTION_FAILED",
            )
        raise OperationError(
            f"The document has no operation {name[:80]!r}; it has: {names}.", code="OPERATION_RESOLUTION_FAILED"
        )


class Parser:
    """Parses and validates documents against one schema, each text once."""

    def __init__(self, schema: GraphQLSchema, limits: LimitSettings, cache_size: int) -> None:
        self.schema = schema
        self.limits = limits
        self.cache: LRU[Document] = LRU(cache_size)

    def parse(self, text: str) -> Document:
        """Return the document of this text.

        Raises InvalidDocument with every error, or LimitExceeded.
        """
        document = self.cache.get(text)
        if document is None:
            document = self._read(text)
            if _is_kept(text):
                self.cache.set(text, document)
        return document

    def variables(self, operation: Operation, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Coerce a request's variables (GraphQL specification, 6.1.2).

        Raises InvalidDocument with every error, InvalidInput or LimitExceeded.
        """
        try:
            check_variables_bytes(inputs, self.limits.variables_bytes)
            accepted = operation.coercion.accept(inputs)
            if accepted is not None:
                return accepted
            self._check_steps(operation, inputs)
            result = coerce_variables(self.schema, operation.node, inputs)
        except RecursionError:
            self._check_steps(operation, inputs)
            raise InvalidInput("The variables are nested too deeply.") from None
        except IndexError:
            # from graphql-core's search for similar names: U+0130 is two letters in lower case
            raise InvalidInput("A variable has an unknown field, with the letter U+0130 in its name.") from None
        if isinstance(result, list):
            raise InvalidDocument("BAD_USER_INPUT", result)
        return result

    def _check_steps(self, operation: Operation, inputs: Mapping[str, Any]) -> None:
        """Refuse conditions that are too deep to be coerced; all others are measured when they are planned."""
        steps = self.limits.condition_depth
        # a step has two, as in {reviews: {some: {…}}} and {OR: [{…}]}; the others are left to JSON to compare with
        if steps is not None and operation.coercion.nests_conditions(inputs, 2 * steps + 40):
            raise too_many_steps(steps)

    def _read(self, text: str) -> Document:
        check_document_bytes(text, self.limits.document_bytes)
        node = self._syntax(text)
        # what walks through fragments would not come to an end in a cycle of them
        self._refuse(validate(self.schema, node, [NoFragmentCyclesRule], max_errors=MAX_ERRORS))
        check_limits(node, self.limits)
        self._refuse(validate(self.schema, node, max_errors=MAX_ERRORS) or self._without_root_type(node))
        fragments = {
            definition.name.value: definition
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        operations = [
            self._operation(definition, node, fragments, _is_kept(text))
            for definition in node.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        return Document(operations={item.name: item for item in operations})

    def _refuse(self, errors: list[GraphQLError]) -> None:
        if errors:
            raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)

    def _without_root_type(self, document: DocumentNode) -> list[GraphQLError]:
        """Apply a rule that graphql-core leaves to the executor (specification, "Operation Type Existence")."""
        return [
            GraphQLError(f"The schema has no {node.operation.value} operations.", [node])
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode) and self.schema.get_root_type(node.operation) is None
        ]

    def _operation(
        self,
        node: OperationDefinitionNode,
        document: DocumentNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        kept: bool,
    ) -> Operation:
        found = scan(node, fragments)
        return Operation(
            node=node,
            kept=kept,
            document=document,
            fragments=fragments,
            variables=variable_shapes(self.schema, node, found.by_value),
            read_while_planning=frozenset(found.by_value),
            coercion=VariableCoercion(self.schema, node),
            introspecting=found.introspecting,
        )

    def _syntax(self, text: str) -> DocumentNode:
        limit = self.limits.tokens
        try:
            return parse(text, max_tokens=limit, **STRICT_SYNTAX)
        except GraphQLSyntaxError as error:
            if limit is not None and _TOO_MANY_TOKENS.search(error.message):
                raise LimitExceeded(
                    "tokens", limit=limit, value=f"more than {limit}", setting="LIMITS.TOKENS"
                ) from None
            raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
        except RecursionError:
            raise OperationError("The document is nested too deeply to be read.", code="GRAPHQL_PARSE_FAILED") from None


def _is_kept(text: str) -> bool:
    return len(text) <= LONGEST_KEPT
