"""Documents → the files of a folder or a manifest, in the formats that ``trusted`` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse

from .bundle import ManifestDocument, TrustedOperation
from .snippets import SourceLine
from .trusted import APOLLO_FORMAT, PREFIX, SUFFIX, UnusableDocuments, is_hash, read

_FILE_NAME = re.compile(r"\w[\w.-]*")
FORMATS = ("folder", "manifest", "apollo")


def format_of(path: Path) -> str:
    """Return the default format for a path."""
    return "manifest" if path.suffix == ".json" and not path.is_dir() else "folder"


def other_operations(path: Path, operations: Iterable[TrustedOperation]) -> list[TrustedOperation]:
    """Return the documents in a folder or a manifest other than those of the operations.

    Older versions of clients may still send them. Raises UnusableDocuments if the path cannot be read, or contains a
    document that is not exactly one operation.
    """
    if not path.exists():
        return []
    identifiers = {operation.identifier for operation in operations}
    present = [_operation(identifier, text) for identifier, text in read(path)]
    return [operation for operation in present if operation.identifier not in identifiers]


def _operation(identifier: str, text: str) -> TrustedOperation:
    try:
        nodes = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
        (node,) = nodes
    except (GraphQLError, ValueError):
        raise UnusableDocuments(
            f"contains a document with identifier {identifier!r} that is not exactly one operation"
        ) from None
    return TrustedOperation(
        name=node.name.value if node.name else "",
        kind=node.operation.value,
        text=text,
        given=None if is_hash(identifier) else identifier,
    )


def manifest_documents(path: Path) -> list[ManifestDocument]:
    """Return the documents in a manifest of another tool; raise UnusableDocuments if it cannot be read."""
    pairs = read(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    # a manifest of one line has one place
    found = {identifier: next((n for n, line in enumerate(lines, 1) if f'"{identifier}"' in line), 1)
             for identifier, _ in pairs}  # fmt: skip
    return [
        ManifestDocument(identifier=identifier, text=text, location=SourceLine(path, found[identifier]))
        for identifier, text in pairs
    ]


def files(path: Path, operations: Iterable[TrustedOperation], format_: str) -> Mapping[Path, str]:
    """Return the files of a folder or a manifest with the operations, and their contents.

    Raises UnusableDocuments for an identifier that cannot be the name of a file.
    """
    ordered = sorted(operations, key=lambda operation: (operation.name, operation.identifier))
    if format_ == "folder":
        for operation in ordered:
            if not _FILE_NAME.fullmatch(_id(operation)):
                raise UnusableDocuments(
                    f"cannot have a file for {_id(operation)!r}; write a manifest: --format manifest"
                )
        return {path / f"{_id(operation)}{SUFFIX}": operation.text for operation in ordered}
    content: dict[str, Any] = {_id(operation): operation.text for operation in ordered}
    if format_ == "apollo":
        content = {"format": APOLLO_FORMAT, "version": 1, "operations": [_apollo(operation) for operation in ordered]}
    return {path: json.dumps(content, ensure_ascii=False, indent=2) + "\n"}


def existing_files(path: Path, format_: str, wanted: Iterable[Path]) -> Mapping[Path, bytes]:
    """Return the existing files of a folder or a manifest.

    In a folder these are the ``wanted`` ones and those whose names are hashes: others may be somebody else's.
    """
    if format_ != "folder":
        return {path: path.read_bytes()} if path.exists() else {}
    own = (file for file in path.glob(f"*{SUFFIX}") if is_hash(file.stem))
    return {file: file.read_bytes() for file in sorted({*own, *wanted}) if file.exists()}


def _id(operation: TrustedOperation) -> str:
    return operation.identifier.removeprefix(PREFIX)


def _apollo(operation: TrustedOperation) -> dict[str, str]:
    return {"id": _id(operation), "name": operation.name, "type": operation.kind, "body": operation.text}
