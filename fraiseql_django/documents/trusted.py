"""Identifiers of documents, and a folder or a manifest → trusted documents by identifier.

    folder     one file for each document, ``<identifier>.graphql``
    manifest   ``{"<identifier>": "<document>"}``, as Relay writes it, or Apollo's ``{"format":
               "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}]}``

An identifier in the form of a SHA-256 hash must be the hash of its document; any other identifier is a name (GraphQL
over HTTP, appendix A "Persisted Documents").
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..conf.reader import Problem, refuse
from ..conf.settings import TrustedDocumentSettings

PREFIX = "sha256:"
SUFFIX = ".graphql"
APOLLO_FORMAT = "apollo-persisted-query-manifest"

_HASH = re.compile("[0-9a-fA-F]{64}")
_HINT = "Write it with manage.py fraiseql_trust, or name the manifest that the clients' own tool wrote."


def digest(text: str) -> str:
    """Return a document's identifier: ``sha256:`` and the hash of its exact text in UTF-8."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def normalised(identifier: str) -> str:
    """Return an identifier; a hash, with or without prefix and in upper or lower case, in the form of ``digest``."""
    payload = identifier.removeprefix(PREFIX)
    return PREFIX + payload.lower() if _HASH.fullmatch(payload) else identifier


def is_hash(identifier: str) -> bool:
    """Whether an identifier, normalised or not, has the form of a hash."""
    return normalised(identifier).startswith(PREFIX)


def may_identify(identifier: str, text: str) -> bool:
    """Whether an identifier can be that of a text: every name can, and the hash of the text."""
    return not is_hash(identifier) or normalised(identifier) == digest(text)


class UnusableDocuments(Exception):
    """The folder or the manifest is invalid; the message completes a sentence about its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocuments:
    """The trusted documents of a project, each by its hash and also by its name, if it has one."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def get(self, identifier: str) -> str | None:
        """Return the document of an identifier; None if it is unknown."""
        return self.texts.get(normalised(identifier))

    def __contains__(self, text: str) -> bool:
        """Whether a text is exactly that of a trusted document."""
        return digest(text) in self.texts


def load(settings: TrustedDocumentSettings) -> TrustedDocuments:
    """Read the folder or the manifest of the settings; in the mode ``off``, return no documents.

    Raises ConfigurationError if it cannot be read or is invalid.
    """
    refuse(document_problems(settings))
    if settings.mode == "off" or settings.path is None:
        return TrustedDocuments()
    pairs = read(Path(settings.path))
    texts = {normalised(identifier): text for identifier, text in pairs}
    return TrustedDocuments(texts=texts | {digest(text): text for _, text in pairs})


def document_problems(settings: TrustedDocumentSettings) -> Iterator[Problem]:
    """Yield the problems of the folder or the manifest; none in the mode ``off``, which does not read it."""
    if settings.mode == "off":
        return
    where = "FRAISEQL['TRUSTED_DOCUMENTS']['PATH']"
    if settings.path is None:
        message = f"{where} is None though FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is {settings.mode!r}."
        yield Problem(id="fraiseql.E016", message=message, hint=_HINT)
        return
    try:
        if not read(Path(settings.path)):
            raise UnusableDocuments("contains no documents")
    except UnusableDocuments as error:
        message = f"{where} is {str(settings.path)!r}, which {error}."
        yield Problem(id="fraiseql.E016", message=message, hint=_HINT)


def read(path: Path) -> list[tuple[str, str]]:
    """Read a folder or a manifest; return pairs of an identifier, in its original form, and a document.

    Raises UnusableDocuments if it cannot be read, has two documents with one identifier, or a hash is not that of its
    document.
    """
    try:
        pairs = list(_folder(path) if path.is_dir() else _manifest(_text(path)))
    except FileNotFoundError:
        raise UnusableDocuments("does not exist") from None
    # ValueError: the path contains a null character
    except (OSError, ValueError) as error:
        raise UnusableDocuments(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    _check(pairs)
    return pairs


def _check(pairs: Iterable[tuple[str, str]]) -> None:
    documents: dict[str, str] = {}
    for identifier, text in pairs:
        if not may_identify(identifier, text):
            actual = digest(text).removeprefix(PREFIX)
            raise UnusableDocuments(f"contains a document with identifier {identifier!r} whose SHA-256 is {actual}")
        if documents.setdefault(normalised(identifier), text) != text:
            raise UnusableDocuments(f"contains two documents with identifier {identifier!r}")


def _folder(path: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(path.glob(f"*{SUFFIX}")):
        yield file.stem, _text(file)


def _text(file: Path) -> str:
    try:
        # not read_text(), which would change line ends, and with them the hash
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UnusableDocuments(f"contains a file that is not UTF-8: {file.name}, byte {error.start}") from None


def _manifest(text: str) -> list[tuple[str, str]]:
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise UnusableDocuments(f"is not JSON: {error}") from None
    if isinstance(value, _Pairs):
        pairs = _operations(dict(value)) if dict(value).get("format") == APOLLO_FORMAT else list(value)
        if all(isinstance(part, str) for pair in pairs for part in pair):
            return pairs
    raise UnusableDocuments(
        f'is not a manifest; must be {{"<identifier>": "<document>"}} or {{"format": "{APOLLO_FORMAT}", '
        f'"version": 1, "operations": […]}}'
    )


class _Pairs(list[tuple[str, Any]]):
    """The pairs of a JSON object, including those with duplicate keys."""


def _operations(manifest: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    if manifest.get("version") != 1:
        raise UnusableDocuments(f"is in version {manifest.get('version')!r} of Apollo's format, which must be 1")
    operations = manifest.get("operations")
    items = operations if isinstance(operations, list) else [None]
    objects = [dict(item) if isinstance(item, _Pairs) else {} for item in items]
    return [(item.get("id"), item.get("body")) for item in objects]
