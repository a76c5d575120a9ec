"""Documents → a folder or a manifest, as ``documents`` reads them."""

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
    """Return the format that a path is written in unless another one is asked for."""
    return "manifest" if path.suffix == ".json" and not path.is_dir() else "folder"


def kept(path: Path, operations: Iterable[TrustedOperation]) -> list[TrustedOperation]:
    """Return what a folder or a manifest holds besides the operations, for clients that are still about.

    Raises UnusableDocuments where it cannot be read, or holds a document that is no single operation.
    """
    if not path.exists():
        return []
    known = {operation.identifier for operation in operations}
    found = [_operation(identifier, text) for identifier, text in read(path)]
    return [operation for operation in found if operation.identifier not in known]


def _operation(identifier: str, text: str) -> TrustedOperation:
    if not is_hash(identifier):
        raise UnusableDocuments(f"holds a document as {identifier!r}, which is no hash")
    try:
        nodes = [node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode)]
        (node,) = nodes
    except (GraphQLError, ValueError):
        raise UnusableDocuments(f"holds what is not one operation as {identifier!r}") from None
    return TrustedOperation(name=node.name.value if node.name else "", kind=node.operation.value, text=text)


def files(path: Path, operations: Iterable[TrustedOperation], format_: str) -> Mapping[Path, str]:
    """Return the files that a folder or a manifest of the operations consists of."""
    ordered = sorted(operations, key=lambda operation: (operation.name, operation.identifier))
    if format_ == "folder":
        return {path / f"{_id(operation)}{SUFFIX}": operation.text for operation in ordered}
    content: dict[str, Any] = {_id(operation): operation.text for operation in ordered}
    if format_ == "apollo":
        content = {"format": APOLLO_FORMAT, "version": 1, "operations": [_apollo(operation) for operation in ordered]}
    return {path: json.dumps(content, ensure_ascii=False, indent=2) + "\n"}


def present(path: Path, format_: str) -> Mapping[Path, bytes]:
    """Return the files that are there; of a folder those alone whose names are hashes."""
    if format_ != "folder":
        return {path: path.read_bytes()} if path.exists() else {}
    return {file: file.read_bytes() for file in sorted(path.glob(f"*{SUFFIX}")) if is_hash(file.stem)}


def _id(operation: TrustedOperation) -> str:
    return operation.identifier.removeprefix(PREFIX)


def _apollo(operation: TrustedOperation) -> dict[str, str]:
    return {"id": _id(operation), "name": operation.name, "type": operation.kind, "body": operation.text}
