"""The document of a request, given by its text, by identifiers or by both, and whether it may be executed.

    text only               the text; in the mode ``required`` it must be that of a trusted document
    identifier only         the trusted document, or the query persisted under the hash
    text and identifier     the text, if the identifier belongs to it

Messages and the status 200 of errors about persisted queries are those that Apollo's clients expect:
https://www.apollographql.com/docs/apollo-server/performance/apq
"""

from __future__ import annotations

from http import HTTPStatus

from ..documents.store import Documents
from ..documents.trusted import digest, is_hash
from ..execution.response import Response
from ..viewer import Viewer
from .errors import Refused
from .parameters import Parameters


def text_of(parameters: Parameters, documents: Documents) -> str:
    """Return the text of the document to execute.

    Raises Refused for an unknown or untrusted document, and for an identifier that belongs to another document.
    """
    text = parameters.query if parameters.query is not None else _look_up(parameters.identifiers[0], documents)
    for identifier in parameters.identifiers:
        if not documents.agrees(identifier, text):
            raise Refused(
                f"{_shown(identifier)} does not identify the document that was sent.",
                code="DOCUMENT_MISMATCH",
            )
    if documents.restricted and text not in documents.trusted:
        raise _not_trusted("The document that was sent", f"document {digest(text)!r}")
    return text


def persist(parameters: Parameters, answer: Response, documents: Documents, viewer: Viewer) -> None:
    """Persist a document that was sent with its hash, if an operation of it was executed.

    Documents that are invalid or exceed a limit are not persisted, so that clients cannot fill the cache with them.
    """
    if parameters.query is not None and answer.data is not None and any(map(is_hash, parameters.identifiers)):
        documents.persist(parameters.query, viewer)


def _look_up(identifier: str, documents: Documents) -> str:
    text = documents.get(identifier)
    if text is not None:
        return text
    if documents.restricted:
        raise _not_trusted(_shown(identifier), f"document {_shown(identifier)}")
    if documents.searched:
        raise Refused("PersistedQueryNotFound", status=HTTPStatus.OK, code="PERSISTED_QUERY_NOT_FOUND")
    # after this error Apollo's clients send documents by text only
    raise Refused("PersistedQueryNotSupported", status=HTTPStatus.OK, code="PERSISTED_QUERY_NOT_SUPPORTED")


def _shown(identifier: str) -> str:
    return repr(identifier[:100])


def _not_trusted(shown: str, what: str) -> Refused:
    message = f"{shown} is not a trusted document; only trusted documents are executed here."
    return Refused(message, code="DOCUMENT_NOT_TRUSTED", what=what)
