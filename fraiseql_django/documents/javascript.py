"""JavaScript and TypeScript, also in files of Vue and Svelte → GraphQL snippets, by tree-sitter's parser.

    gql`…`   gql<Type>`…`   gql(`…`)   gql("…")   /* GraphQL */ `…`   and graphql in the place of gql,
    or another name that an import gives it: import { gql as query }

Code is not executed, so expressions in templates have no value. Allowed are names between definitions,
``${BookFragment}``, by which Apollo's clients add fragments: here fragments are found by their names.

The parser is the extra ``javascript``. It reads on after what it does not understand, which is reported as skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from graphql import GraphQLError, Lexer, Source, TokenKind

from .snippets import Mistake, Skipped, Snippet, SourceLine

try:
    import tree_sitter
    import tree_sitter_typescript
except ImportError:
    HAS_PARSER = False
else:
    HAS_PARSER = True

_TAGS = frozenset({"gql", "graphql"})
_MARK = re.compile(r"/\*\s*GraphQL\s*\*/")
_REFERENCE = re.compile(r"\s*[\w$.]+\s*")
_TYPED = re.compile(r"\b(?:gql|graphql)\s*<")
_STRINGS = ("string", "template_string")
# What TypeScript's cast <Type>value is not; in all other files the same is an element of JSX
_WITH_CASTS = frozenset({".ts", ".mts", ".cts"})
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r?\n)|(.))", re.DOTALL)
_ESCAPED: Mapping[str, str] = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def read_javascript(text: str, file: Path) -> Iterator[Snippet | Mistake | Skipped]:
    """Yield the GraphQL in a file of JavaScript or TypeScript, and what could not be read."""
    yield from _parsed(text, file, with_casts=file.suffix in _WITH_CASTS)


def read_component(text: str, file: Path) -> Iterator[Snippet | Mistake | Skipped]:
    """Yield the GraphQL in the scripts of a file of Vue or Svelte."""
    scripts = _Scripts()
    scripts.feed(text)
    scripts.close()
    for first_line, pieces in scripts.found:
        yield from _parsed("".join(pieces), file, with_casts=True, first_line=first_line)


def _parsed(text: str, file: Path, *, with_casts: bool, first_line: int = 1) -> Iterator[Snippet | Mistake | Skipped]:
    reader = _Reader(file, first_line)
    root = _parser(with_casts).parse(_without_types(text).encode()).root_node
    broken = None
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if broken is None and (node.type == "ERROR" or node.is_missing):
            broken = node
        yield from reader.read(node)
        waiting += reversed(node.children)
    if broken is not None:
        yield Skipped(location=reader.line(broken), message="the parser does not understand the code here")


def _without_types(text: str) -> str:
    """Put spaces in the place of a tag's type arguments, as in gql<Array<Book>>`…`.

    tree-sitter's grammar takes them for comparisons, and for an error where there are several.
    """
    for match in _TYPED.finditer(text):
        start, level = match.end() - 1, 0
        for end in range(start, len(text)):
            character = text[end]
            level += (character == "<") - (character == ">" and text[end - 1] != "=")
            if character in "`;" or not level:
                break
        else:
            break
        if not level and text[end + 1 :].lstrip()[:1] in ("`", "("):
            inside = text[start : end + 1]
            text = text[:start] + re.sub(r"[^\n]", " ", inside) + text[end + 1 :]
    return text


@cache
def _parser(with_casts: bool) -> Any:
    language = tree_sitter_typescript.language_typescript if with_casts else tree_sitter_typescript.language_tsx
    return tree_sitter.Parser(tree_sitter.Language(language()))


class _Reader:
    """Reads the nodes of one syntax tree."""

    def __init__(self, file: Path, first_line: int) -> None:
        self.file, self.first_line = file, first_line
        # the tags, and what imports have renamed them to
        self.tags = set(_TAGS)

    def line(self, node: Any) -> SourceLine:
        """Return the line of a node."""
        return SourceLine(self.file, self.first_line + node.start_point[0])

    def read(self, node: Any) -> Iterator[Snippet | Mistake | Skipped]:
        """Yield the GraphQL of a node, if it is a string that is tagged as such; and calls with anything else."""
        if node.type in _STRINGS:
            if _tag(node) in self.tags or _is_marked(node):
                yield self._content(node)
        elif node.type == "import_specifier" and (alias := node.child_by_field_name("alias")) is not None:
            if _name(node.child_by_field_name("name")) in _TAGS:
                self.tags.add(_text(alias))
        elif node.type == "call_expression" and (tag := _name(node.child_by_field_name("function"))) in self.tags:
            argument = _first_argument(node)
            if argument is not None and argument.type not in _STRINGS:
                message = f"{tag}({_shortened(_text(argument))}) is not a string"
                yield Skipped(location=self.line(node), message=message)

    def _content(self, node: Any) -> Snippet | Mistake:
        content = ""
        for part in node.children:
            if part.type == "string_fragment":
                content += _text(part)
            elif part.type == "escape_sequence":
                content += _ESCAPE.sub(_unescaped, _text(part))
            elif part.type == "template_substitution":
                if not _REFERENCE.fullmatch(_text(part)[2:-1]):
                    message = "an expression in a template must be the name of a fragment"
                    return Mistake(location=self.line(part), message=message)
                if not _is_between_definitions(content):
                    message = "an expression in a template must be a fragment between definitions"
                    return Mistake(location=self.line(part), message=message)
        return Snippet(text=content, location=self.line(node))


def _is_between_definitions(text: str) -> bool:
    """Whether a new definition may begin after a text: it is empty, or ends with a definition's last bracket."""
    lexer, level, last = Lexer(Source(text)), 0, TokenKind.SOF
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            level += (token.kind is TokenKind.BRACE_L) - (token.kind is TokenKind.BRACE_R)
            last = token.kind
    except GraphQLError:
        return False
    return level == 0 and last in (TokenKind.SOF, TokenKind.BRACE_R)


def _tag(node: Any) -> str | None:
    """Return the name of the function that a string is given to, as a tag or as its first argument."""
    parent = node.parent
    if parent is not None and parent.type == "arguments" and _first_argument(parent.parent) == node:
        parent = parent.parent
    if parent is None or parent.type != "call_expression":
        return None
    return _name(parent.child_by_field_name("function"))


def _first_argument(call: Any) -> Any:
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if arguments is None or arguments.type != "arguments":
        return arguments
    return next((child for child in arguments.named_children if child.type != "comment"), None)


def _name(node: Any) -> str | None:
    if node is None:
        return None
    if node.type == "member_expression":
        node = node.child_by_field_name("property")
    return _text(node) if node.type in ("identifier", "property_identifier") else None


def _is_marked(node: Any) -> bool:
    before = node.prev_sibling
    return before is not None and before.type == "comment" and bool(_MARK.fullmatch(_text(before)))


def _text(node: Any) -> str:
    text: str = node.text.decode()
    return text


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:39]}…"


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is not None:
        return chr(int(code, 16))
    # a line that ends with a backslash goes on
    return "" if match[4] is not None else _ESCAPED.get(match[5], match[5])


class _Scripts(HTMLParser):
    """Collects the contents of script elements with the lines where they begin."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[tuple[int, list[str]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the beginning of a script."""
        self._inside = tag == "script"
        if self._inside:
            line, _ = self.getpos()
            # the tag itself may have several lines
            self.found.append((line + (self.get_starttag_text() or "").count("\n"), []))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Keep a piece of a script."""
        if self._inside:
            self.found[-1][1].append(data)
