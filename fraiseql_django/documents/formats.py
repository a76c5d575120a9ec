"""Documents → the files of a folder or a manifest, in the formats that ``trusted`` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse

from .bundle import TrustedOperation
from .trusted import APOLLO_FORMAT, PREFIX, SUFFIX, UnusableDocuments, is_hash, read

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
    if not is_hash(identifier):
        raise UnusableDocuments(f"contains a document with identifier {identifier!r}, which is not a hash")
    try:
        nodes = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
        (node,) = nodes
    except (GraphQLError, ValueError):
        raise UnusableDocuments(
            f"contains a document with identifier {identifier!r} that is not exactly one operation"
        ) from None
    return TrustedOperation(name=node.name.value if node.name else "", kind=node.operation.value, text=text)


def files(path: Path, operations: Iterable[TrustedOperation], format_: str) -> Mapping[Path, str]:
    """Return the files of a folder or a manifest with the operations, and their contents."""
    ordered = sorted(operations, key=lambda operation: (operation.name, operation.identifier))
    if format_ == "folder":
        return {path / f"{_id(operation)}{SUFFIX}": operation.text for operation in ordered}
    content: dict[str, Any] = {_id(operation): operation.text for operation in ordered}
    if format_ == "apollo":
        content = {"format": APOLLO_FORMAT, "version": 1, "operations": [_apollo(operation) for operation in ordered]}
    return {path: json.dumps(content, ensure_ascii=False, indent=2) + "\n"}


def existing_files(path: Path, format_: str) -> Mapping[Path, bytes]:
    """Return the existing files of a folder or a manifest; in a folder only those whose names are hashes."""
    if format_ != "folder":
        return {path: path.read_bytes()} if path.exists() else {}
    return {file: file.read_bytes() for file in sorted(path.glob(f"*{SUFFIX}")) if is_hash(file.stem)}


def _id(operation: TrustedOperation) -> str:
    return operation.identifier.removeprefix(PREFIX)


def _apollo(operation: TrustedOperation) -> dict[str, str]:
    return {"id": _id(operation), "name": operation.name, "type": operation.kind, "body": operation.text}
