"""The GraphQL of all of a client's files → one document for each operation, with the fragments that it uses.

Fragments are found by their names, in whichever file they are. A document's text is what graphql-core's
``print_ast`` makes of it: the same whatever the layout of the files. Clients take identifiers from what is
written, so it need not be the text that they would have sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    SourceLocation,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

from ..errors import OperationError
from ..language.parser import Parser
from .extraction import Mistake, Place, Snippet
from .trusted import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedOperation:
    """An operation as a document of its own; ``kind`` is ``query`` or ``mutation``."""

    name: str
    kind: str
    text: str

    @property
    def identifier(self) -> str:
        """The document's identifier."""
        return digest(self.text)


class UnusableOperations(Exception):
    """The files cannot be used; ``mistakes`` are all that is wrong."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes), key=lambda mistake: (mistake.place.file, mistake.place.line))
        super().__init__(f"{len(self.mistakes)} mistakes")


def operations(found: Iterable[Snippet | Mistake], parser: Parser, *, typenames: bool) -> list[TrustedOperation]:
    """Return the operations in what was extracted, by name, each with the fragments that it uses.

    ``typenames`` adds ``__typename`` to every object below the top. Raises UnusableOperations with everything that
    is wrong: syntax, what does not fit the schema or passes a limit, names that are missing or twice.
    """
    reading = _Reading(typenames)
    for item in found:
        if isinstance(item, Mistake):
            reading.mistakes.append(item)
        else:
            reading.read(item)
    made = [reading.operation(node, parser) for _, node in sorted(reading.operations.items())]
    if reading.mistakes:
        raise UnusableOperations(reading.mistakes)
    return [operation for operation in made if operation is not None]


class _Reading:
    """What has been read so far: definitions by their names, and what is wrong."""

    def __init__(self, typenames: bool) -> None:
        self.typenames = typenames
        self.operations: dict[str, OperationDefinitionNode] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.mistakes: list[Mistake] = []

    def read(self, snippet: Snippet) -> None:
        """Take the definitions of a snippet; the schema's own, which clients keep for their tools, are passed over."""
        source = Source(snippet.text, str(snippet.place.file), SourceLocation(snippet.place.line, 1))
        try:
            document = parse(source)
        except GraphQLError as error:
            self._add(error.message, _place_of_error(error, snippet.place))
        except RecursionError:
            self._add("The document is nested too deeply to be read.", snippet.place)
        else:
            for node in visit(document, _Typenames()).definitions if self.typenames else document.definitions:
                self._define(node)

    def _define(self, node: DefinitionNode) -> None:
        if isinstance(node, FragmentDefinitionNode):
            known: Any = self.fragments.setdefault(node.name.value, node)
            # the same file may be reached twice; one that is copied may not be changed in one place
            if known is not node and print_ast(known) != print_ast(node):
                self._add(f"The fragment {node.name.value} is another one in {_place_of(known)}.", _place_of(node))
        elif isinstance(node, OperationDefinitionNode):
            if node.name is None:
                self._add("The operation has no name.", _place_of(node))
                return
            known = self.operations.setdefault(node.name.value, node)
            if known is not node:
                self._add(f"The operation {node.name.value} is in {_place_of(known)} as well.", _place_of(node))

    def operation(self, node: OperationDefinitionNode, parser: Parser) -> TrustedOperation | None:
        """Return an operation as a document; None where something is wrong with it."""
        document = DocumentNode(definitions=(node, *self._used(node)))
        errors = validate(parser.schema, document)
        for error in errors:
            self._add(error.message, _place_of_error(error, _place_of(node)))
        if errors:
            return None
        text = print_ast(document)
        try:
            parser.parse(text)
        except OperationError as error:
            # what validation does not know: limits, kinds of operations that the schema does not have
            self._add(error.message, _place_of(node))
            return None
        assert node.name is not None
        return TrustedOperation(name=node.name.value, kind=node.operation.value, text=text)

    def _used(self, node: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
        """Return the fragments that an operation uses, those of fragments too, by name."""
        used: dict[str, FragmentDefinitionNode] = {}
        waiting: list[ExecutableDefinitionNode] = [node]
        while waiting:
            for name in _spreads(waiting.pop()):
                if name in self.fragments and name not in used:
                    used[name] = self.fragments[name]
                    waiting.append(used[name])
        return [fragment for _, fragment in sorted(used.items())]

    def _add(self, message: str, place: Place) -> None:
        self.mistakes.append(Mistake(place=place, message=message))


class _Typenames(Visitor):
    """Adds ``__typename`` where clients with a normalised cache add it: Apollo's and urql's do by themselves."""

    def enter_selection_set(self, node: SelectionSetNode, key: Any, parent: Any, *_: Any) -> SelectionSetNode | None:
        named = [item.name.value for item in node.selections if isinstance(item, FieldNode)]
        if isinstance(parent, OperationDefinitionNode) or any(name.startswith("__") for name in named):
            return None
        field = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())
        return SelectionSetNode(selections=(*node.selections, field), loc=node.loc)


def _spreads(node: Any) -> Iterator[str]:
    """Yield the names of the fragments that are spread in a definition, a field or an inline fragment."""
    if isinstance(node, FragmentSpreadNode):
        yield node.name.value
    elif node.selection_set is not None:
        for selection in node.selection_set.selections:
            yield from _spreads(selection)


def _place_of(node: Any) -> Place:
    source = node.loc.source
    return Place(file=Path(source.name), line=node.loc.start_token.line + source.location_offset.line - 1)


def _place_of_error(error: GraphQLError, otherwise: Place) -> Place:
    """Return the place of an error; of a field that was added, none is known."""
    if error.source is None or not error.locations:
        return otherwise
    line = error.locations[0].line + error.source.location_offset.line - 1
    return Place(file=Path(error.source.name), line=line)
