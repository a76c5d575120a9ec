"""Trusted documents, read: a folder or a manifest → documents by identifier.

    folder     one file for each document, ``<identifier>.graphql``
    manifest   ``{"<identifier>": "<document>"}``, as Relay writes it, or Apollo's ``{"format":
               "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}]}``

An identifier that is the SHA-256 of a text must be that of its document; others are names. (GraphQL over
HTTP, appendix A "Persisted Documents")
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
    """Return a document's identifier: ``sha256:`` and the hash of its text in UTF-8, to the last blank."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


def normalised(identifier: str) -> str:
    """Return an identifier as ``digest`` writes it, if it is a hash; with the prefix or without, in either case."""
    payload = identifier.removeprefix(PREFIX)
    return PREFIX + payload.lower() if _HASH.fullmatch(payload) else identifier


def is_hash(identifier: str) -> bool:
    """Whether an identifier, normalised or not, says of itself that it is a hash."""
    return normalised(identifier).startswith(PREFIX)


def named(identifier: str, text: str) -> bool:
    """Whether an identifier may be that of a text: a name may, a hash if it is the text's."""
    return not is_hash(identifier) or normalised(identifier) == digest(text)


class UnusableDocuments(Exception):
    """The folder or the manifest cannot be used; the message is a sentence without its subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedDocuments:
    """The documents of a project, each by its hash and by its name, if it has one."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def get(self, identifier: str) -> str | None:
        """Return the document, or None where there is none."""
        return self.texts.get(normalised(identifier))

    def __contains__(self, text: str) -> bool:
        """Whether a text is that of a trusted document, to the last blank."""
        return digest(text) in self.texts


def load(settings: TrustedDocumentSettings) -> TrustedDocuments:
    """Read the documents that the settings name; none at all in the mode ``off``.

    Raises ConfigurationError where they cannot be read, or a hash is not that of its document.
    """
    refuse(document_problems(settings))
    if settings.mode == "off" or settings.path is None:
        return TrustedDocuments()
    pairs = read(Path(settings.path))
    texts = {normalised(identifier): text for identifier, text in pairs}
    return TrustedDocuments(texts=texts | {digest(text): text for _, text in pairs})


def document_problems(settings: TrustedDocumentSettings) -> Iterator[Problem]:
    """Find what is wrong with the folder or the manifest; nothing in the mode ``off``, where it is not read."""
    if settings.mode == "off":
        return
    where = "FRAISEQL['TRUSTED_DOCUMENTS']['PATH']"
    if settings.path is None:
        message = f"{where} is None though FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is {settings.mode!r}."
        yield Problem(id="fraiseql.E016", message=message, hint=_HINT)
        return
    try:
        if not read(Path(settings.path)):
            raise UnusableDocuments("holds no documents")
    except UnusableDocuments as error:
        message = f"{where} is {str(settings.path)!r}, which {error}."
        yield Problem(id="fraiseql.E016", message=message, hint=_HINT)


def read(path: Path) -> list[tuple[str, str]]:
    """Read a folder or a manifest: identifiers as they are written there, and their documents.

    Raises UnusableDocuments where it cannot be read, an identifier is there for two documents, or a hash is not
    that of its document.
    """
    try:
        pairs = list(_folder(path) if path.is_dir() else _manifest(_text(path)))
    except FileNotFoundError:
        raise UnusableDocuments("does not exist") from None
    # a ValueError is a path that no file can have
    except (OSError, ValueError) as error:
        raise UnusableDocuments(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    _check(pairs)
    return pairs


def _check(pairs: Iterable[tuple[str, str]]) -> None:
    known: dict[str, str] = {}
    for identifier, text in pairs:
        if not named(identifier, text):
            found = digest(text).removeprefix(PREFIX)
            raise UnusableDocuments(f"holds a document as {identifier!r}, whose SHA-256 is {found}")
        if known.setdefault(normalised(identifier), text) != text:
            raise UnusableDocuments(f"holds two documents as {identifier!r}")


def _folder(path: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(path.glob(f"*{SUFFIX}")):
        yield file.stem, _text(file)


def _text(file: Path) -> str:
    try:
        # not read_text(), which would change line ends, and so the hash
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UnusableDocuments(f"holds what is not UTF-8: {file.name}, byte {error.start}") from None


def _manifest(text: str) -> list[tuple[str, str]]:
    try:
        given = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise UnusableDocuments(f"is not JSON: {error}") from None
    if isinstance(given, _Pairs):
        pairs = _operations(dict(given)) if dict(given).get("format") == APOLLO_FORMAT else list(given)
        if all(isinstance(part, str) for pair in pairs for part in pair):
            return pairs
    raise UnusableDocuments(
        f'is no manifest: neither {{"<identifier>": "<document>"}} nor {{"format": "{APOLLO_FORMAT}", '
        f'"version": 1, "operations": […]}}'
    )


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with every key that it has, twice or not."""


def _operations(given: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    if given.get("version") != 1:
        raise UnusableDocuments(f"is in version {given.get('version')!r} of Apollo's format, which must be 1")
    operations = given.get("operations")
    items = operations if isinstance(operations, list) else [None]
    found = [dict(item) if isinstance(item, _Pairs) else {} for item in items]
    return [(item.get("id"), item.get("body")) for item in found]
