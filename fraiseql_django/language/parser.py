"""Text → validated operation: parse, check limits, validate. Documents are cached by their text.

The validation rules are graphql-core's implementation of the GraphQL specification, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from sys import getsizeof
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NoFragmentCyclesRule,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

from .._compat import STRICT_SYNTAX, coerce_variables
from ..conf.settings import LimitSettings
from ..errors import InvalidInput, OperationError
from ..memory import LRU
from .coercion import OF_PLACE, VariableCoercion, asks_for_place
from .limits import check_document_bytes, check_limits, check_variables_bytes, too_many, too_many_steps
from .scan import scan
from .selected import Subject, subject_of
from .variable_shapes import VariableShape, variable_shapes

# Validation errors in one response
MAX_ERRORS = 20
# What a validated document takes in bytes, measured: 10 kB for the least of operations, 340 to 460 for each token (a
# node of the AST, its location and its token; a variable has functions beside them), and the text in two copies
_OF_DOCUMENT = 12_000
_OF_TOKEN = 500


class InvalidDocument(OperationError):
    """The document or the variables are invalid; ``errors`` are all errors that were found."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message, code=code)
        for error in errors:
            error.extensions = {**(error.extensions or {}), "code": code}
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a validated document, ready to be planned.

    ``kept`` tells whether the parser caches the document, so that a later request gets the same object. ``weight`` is
    the number of bytes that the document takes, which a plan of the operation keeps alive. ``read_while_planning`` is
    the names of the variables whose values are part of a plan. ``introspecting`` is a field that queries the
    schema; None if there is none. ``subject`` names what it selects.
    """

    node: OperationDefinitionNode
    kept: bool
    weight: int
    document: DocumentNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: tuple[VariableShape, ...]
    read_while_planning: frozenset[str]
    coercion: VariableCoercion
    introspecting: FieldNode | None
    subject: Subject

    @property
    def name(self) -> str | None:
        """The operation's name; None for an anonymous operation."""
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        """Query or mutation; schemas have no subscriptions."""
        return self.node.operation

    def nodes_at(self, path: Sequence[str | int]) -> list[FieldNode]:
        """Return the nodes of the field at a path of the answer, whatever conditions they stand under."""
        sets, found = [self.node.selection_set], list[FieldNode]()
        for key in path:
            if isinstance(key, str):
                found = [node for selected in sets for node in self._named(key, selected, set())]
                sets = [node.selection_set for node in found if node.selection_set is not None]
        return found

    def _named(self, key: str, selected: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        for item in selected.selections:
            if isinstance(item, FieldNode):
                if (item.alias or item.name).value == key:
                    yield item
            elif isinstance(item, InlineFragmentNode):
                yield from self._named(key, item.selection_set, spread)
            elif isinstance(item, FragmentSpreadNode) and item.name.value not in spread:
                spread.add(item.name.value)
                yield from self._named(key, self.fragments[item.name.value].selection_set, spread)

    def require(self, kind: OperationType) -> None:
        """Raise OperationError if the operation is not of this kind."""
        if self.kind is not kind:
            raise OperationError(
                f"This is a {self.kind.value}; only a {kind.value} can be executed here.", code="OPERATION_NOT_ALLOWED"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A validated document: its operations by name; the key of an anonymous operation is None.

    ``weight`` is the number of bytes that it takes, as estimated.
    """

    operations: Mapping[str | None, Operation]
    weight: int

    def operation(self, name: str | None) -> Operation:
        """Return the operation to execute (GraphQL specification, 6.1 "GetOperation").

        Raises OperationError if the name is unknown, or missing though the document has several operations.
        """
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is not None and name in self.operations:
            return self.operations[name]
        names = ", ".join(filter(None, self.operations)) or "an operation without a name"
        if name is None:
            raise OperationError(
                f"operationName is missing; the document has several operations: {names}.",
                code="OPERATION_RESOLUTION_FAILED",
            )
        raise OperationError(
            f"The document has no operation {name[:80]!r}; it has: {names}.", code="OPERATION_RESOLUTION_FAILED"
        )


class Parser:
    """Parses documents and validates them against one schema; caches them by their text."""

    def __init__(self, schema: GraphQLSchema, limits: LimitSettings, cache: LRU[Document]) -> None:
        self.schema = schema
        self.limits = limits
        self.cache = cache

    def parse(self, text: str) -> Document:
        """Return the validated document of this text.

        Raises InvalidDocument with all errors, LimitExceeded, or OperationError for a text that is nested too deeply.
        """
        document = self.cache.get(text)
        if document is None:
            document = self._validated(text)
            self.cache.set(text, document, document.weight)
        return document

    def variables(
        self, operation: Operation, inputs: Mapping[str, Any], sent_bytes: int | None = None
    ) -> dict[str, Any]:
        """Coerce a request's variables (GraphQL specification, 6.1.2) and return them in a new dictionary.

        ``sent_bytes`` is how many bytes of JSON they came in at most, None where that is not known.
        Raises InvalidDocument with all errors, InvalidInput or LimitExceeded.
        """
        try:
            check_variables_bytes(inputs, self.limits.variables_bytes, sent_bytes)
            accepted = operation.coercion.accept(inputs)
            if accepted is not None:
                return accepted
            self._check_steps(operation, inputs)
            result = coerce_variables(self.schema, operation.node, inputs)
        except RecursionError:
            self._check_steps(operation, inputs)
            raise InvalidInput("The variables are nested too deeply.") from None
        except IndexError:
            # graphql-core's search for similar names fails, because U+0130 has two characters in lower case
            raise InvalidInput("A variable has an unknown field whose name contains the character U+0130.") from None
        if isinstance(result, list):
            raise InvalidDocument("BAD_USER_INPUT", result)
        if asks_for_place([partial(coerce_variables, self.schema, operation.node, inputs)]):
            result[OF_PLACE] = True
        return result

    def _check_steps(self, operation: Operation, inputs: Mapping[str, Any]) -> None:
        """Raise LimitExceeded for conditions that are nested too deeply to be coerced; planning measures all others."""
        steps = self.limits.condition_depth
        # a step has two levels, as in {reviews: {some: {…}}} and {OR: [{…}]}; 40 more for JSON values to compare with
        if steps is not None and operation.coercion.nests_conditions(inputs, 2 * steps + 40):
            raise too_many_steps(steps)

    def _validated(self, text: str) -> Document:
        check_document_bytes(text, self.limits.document_bytes)
        node = self._parsed(text)
        # first, because measuring fragments would not terminate in a cycle
        _raise_errors(validate(self.schema, node, [NoFragmentCyclesRule], max_errors=MAX_ERRORS))
        check_limits(node, self.limits)
        _raise_errors(validate(self.schema, node, max_errors=MAX_ERRORS) or self._without_root_type(node))
        fragments = {
            definition.name.value: definition
            for definition in node.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        weight = _weight(text, node)
        operations = [
            self._operation(definition, node, fragments, weight)
            for definition in node.definitions
            if isinstance(definition, OperationDefinitionNode)
        ]
        return Document(operations={item.name: item for item in operations}, weight=weight)

    def _without_root_type(self, document: DocumentNode) -> list[GraphQLError]:
        """Return an error for each operation whose kind the schema does not have.

        graphql-core applies this rule (GraphQL specification, "Operation Type Existence") only during execution.
        """
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
        weight: int,
    ) -> Operation:
        scanned = scan(node, fragments)
        return Operation(
            node=node,
            kept=self.cache.takes(weight),
            weight=weight,
            document=document,
            fragments=fragments,
            variables=variable_shapes(self.schema, node, scanned.by_value),
            read_while_planning=frozenset(scanned.by_value),
            coercion=VariableCoercion(self.schema, node),
            introspecting=scanned.introspecting,
            subject=subject_of(node, fragments, self.schema),
        )

    def _parsed(self, text: str) -> DocumentNode:
        limit = self.limits.tokens
        try:
            return parse(text, max_tokens=limit, **STRICT_SYNTAX)
        except GraphQLSyntaxError as error:
            if limit is not None and _exceeds_tokens(text, limit, error):
                raise too_many("tokens", limit, "TOKENS") from None
            raise InvalidDocument("GRAPHQL_PARSE_FAILED", [error]) from None
        except RecursionError:
            raise OperationError("The document is nested too deeply to be read.", code="GRAPHQL_PARSE_FAILED") from None


def _raise_errors(errors: list[GraphQLError]) -> None:
    if errors:
        raise InvalidDocument("GRAPHQL_VALIDATION_FAILED", errors)


def _exceeds_tokens(text: str, limit: int, error: GraphQLSyntaxError) -> bool:
    """Whether a syntax error comes from the limit of tokens, which graphql-core gives no type of its own.

    Only then is the outcome another one when one token more is allowed.
    """
    try:
        parse(text, max_tokens=limit + 1, **STRICT_SYNTAX)
    except GraphQLSyntaxError as other:
        return (other.message, other.positions) != (error.message, error.positions)
    except RecursionError:
        return True
    return True


def _weight(text: str, document: DocumentNode) -> int:
    """Return the bytes that a validated document takes, with the text that is its key."""
    tokens = 0
    # the nodes' locations keep all tokens alive, comments as well
    token = document.loc.start_token if document.loc is not None else None
    while token is not None:
        tokens, token = tokens + 1, token.next
    return _OF_DOCUMENT + _OF_TOKEN * tokens + 2 * getsizeof(text)
