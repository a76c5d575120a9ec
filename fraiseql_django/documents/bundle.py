"""GraphQL snippets → one document for each operation, with the fragments that it uses.

Fragments are found by their names, in all files. The text of a document is the output of graphql-core's ``print_ast``,
so it does not depend on the layout of the files. It may differ from the text in the client: clients send identifiers
from the manifest.
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
from .snippets import Mistake, Snippet, SourceLine
from .trusted import digest, normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedOperation:
    """A document with one operation; ``kind`` is ``query`` or ``mutation``.

    ``given`` is the identifier that another tool has given it; None: it is the hash of the text.
    """

    name: str
    kind: str
    text: str
    given: str | None = None

    @property
    def identifier(self) -> str:
        """The document's identifier."""
        return self.given or digest(self.text)


class UnusableOperations(Exception):
    """There are errors in the files; ``mistakes`` are all of them, sorted by file, line and message."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes), key=lambda mistake: (mistake.location, mistake.message))
        super().__init__(f"{len(self.mistakes)} mistakes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDocument:
    """A document in the manifest of another tool: its identifier, its text and the identifier's line."""

    identifier: str
    text: str
    location: SourceLine


def operations(
    extracted: Iterable[Snippet | Mistake],
    parser: Parser,
    *,
    typenames: bool,
    manifests: Iterable[ManifestDocument] = (),
) -> list[TrustedOperation]:
    """Return the operations in the snippets, sorted by name, each with the fragments that it uses, and those in
    manifests, as they are.

    ``typenames`` adds ``__typename`` to every object below the root, but not to documents in manifests, whose text
    belongs to their identifiers. Raises UnusableOperations with all errors: of syntax, validation and limits, and names
    that are missing or not unique.
    """
    bundler = _Bundler(typenames)
    for item in extracted:
        if isinstance(item, Mistake):
            bundler.mistakes.append(item)
        else:
            bundler.add(item)
    documents = [bundler.operation(node, parser) for _, node in sorted(bundler.operations.items())]
    documents += [bundler.document(document, parser) for document in manifests]
    if bundler.mistakes:
        raise UnusableOperations(bundler.mistakes)
    # several clients may have the same document
    return list({document.identifier: document for document in documents if document is not None}.values())


class _Bundler:
    """Collects definitions by their names, and errors."""

    def __init__(self, typenames: bool) -> None:
        self.typenames = typenames
        self.operations: dict[str, OperationDefinitionNode] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        self.mistakes: list[Mistake] = []

    def add(self, snippet: Snippet) -> None:
        """Add the definitions of a snippet; type definitions, which clients have for their tools, are ignored."""
        source = Source(snippet.text, str(snippet.location.file), SourceLocation(snippet.location.line, 1))
        try:
            document = parse(source)
        except GraphQLError as error:
            self._report(error.message, _line_of_error(error, snippet.location))
        except RecursionError:
            self._report("The document is nested too deeply to be read.", snippet.location)
        else:
            for node in visit(document, _Typenames()).definitions if self.typenames else document.definitions:
                self._define(node)

    def _define(self, node: DefinitionNode) -> None:
        if isinstance(node, FragmentDefinitionNode):
            first: Any = self.fragments.setdefault(node.name.value, node)
            # copies of a fragment are allowed if they are equal
            if first is not node and print_ast(first) != print_ast(node):
                self._report(f"The fragment {node.name.value} differs from that in {_line_of(first)}.", _line_of(node))
        elif isinstance(node, OperationDefinitionNode):
            if node.name is None:
                self._report("The operation has no name.", _line_of(node))
                return
            first = self.operations.setdefault(node.name.value, node)
            if first is not node:
                self._report(f"The operation {node.name.value} is in {_line_of(first)} as well.", _line_of(node))

    def operation(self, node: OperationDefinitionNode, parser: Parser) -> TrustedOperation | None:
        """Return the document of an operation; None if it has an error, which is reported."""
        document = DocumentNode(definitions=(node, *self._used(node)))
        errors = validate(parser.schema, document)
        for error in errors:
            self._report(error.message, _line_of_error(error, _line_of(node)))
        if errors:
            return None
        text = print_ast(document)
        try:
            parser.parse(text)
        except OperationError as error:
            # errors that validation does not find: limits, and kinds of operations that the schema does not have
            self._report(error.message, _line_of(node))
            return None
        assert node.name is not None
        return TrustedOperation(name=node.name.value, kind=node.operation.value, text=text)

    def document(self, document: ManifestDocument, parser: Parser) -> TrustedOperation | None:
        """Return the operation of a document in a manifest; None if it has an error, which is reported."""
        what = f"the document {document.identifier!r}"
        try:
            found = list(parser.parse(document.text).operations.values())
        except OperationError as error:
            self._report(f"{what}: {error.message}", document.location)
            return None
        if len(found) != 1:
            self._report(f"{what} has {len(found)} operations, must have one", document.location)
            return None
        return TrustedOperation(
            name=found[0].name or "",
            kind=found[0].kind.value,
            text=document.text,
            given=document.identifier if normalised(document.identifier) != digest(document.text) else None,
        )

    def _used(self, node: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
        """Return the fragments that an operation uses, directly or in other fragments, sorted by name."""
        used: dict[str, FragmentDefinitionNode] = {}
        waiting: list[ExecutableDefinitionNode] = [node]
        while waiting:
            for name in _spreads(waiting.pop()):
                if name in self.fragments and name not in used:
                    used[name] = self.fragments[name]
                    waiting.append(used[name])
        return [fragment for _, fragment in sorted(used.items())]

    def _report(self, message: str, location: SourceLine) -> None:
        self.mistakes.append(Mistake(location=location, message=message))


class _Typenames(Visitor):
    """Adds ``__typename`` where clients with a normalised cache, such as Apollo's and urql's, add it themselves."""

    def enter_selection_set(self, node: SelectionSetNode, key: Any, parent: Any, *_: Any) -> SelectionSetNode | None:
        named = [item.name.value for item in node.selections if isinstance(item, FieldNode)]
        if isinstance(parent, OperationDefinitionNode) or any(name.startswith("__") for name in named):
            return None
        field = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())
        return SelectionSetNode(selections=(*node.selections, field), loc=node.loc)


def _spreads(node: Any) -> Iterator[str]:
    """Yield the names of fragment spreads in a definition, a field or an inline fragment."""
    if isinstance(node, FragmentSpreadNode):
        yield node.name.value
    elif node.selection_set is not None:
        for selection in node.selection_set.selections:
            yield from _spreads(selection)


def _line_of(node: Any) -> SourceLine:
    source = node.loc.source
    return SourceLine(Path(source.name), node.loc.start_token.line + source.location_offset.line - 1)


def _line_of_error(error: GraphQLError, otherwise: SourceLine) -> SourceLine:
    """Return the line of an error, or ``otherwise`` for an added field, which has no line."""
    if error.source is None or not error.locations:
        return otherwise
    line = error.locations[0].line + error.source.location_offset.line - 1
    return SourceLine(Path(error.source.name), line)
