"""Which document a request means, and whether it may be executed: trusted documents, persisted queries.

    text only               itself; in the mode ``required`` the text of a trusted document
    identifier only         the trusted document, or what was persisted under the hash
    text and identifier     the text, if the identifier is its own

The names of errors that Apollo's clients look for are Apollo's, and so is the status 200 of those that ask a
client to send the text: https://www.apollographql.com/docs/apollo-server/performance/apq
"""

from __future__ import annotations

from http import HTTPStatus

from ..documents.store import Documents
from ..documents.trusted import digest, is_hash
from ..execution.response import Response
from .errors import Refused
from .parameters import Parameters


def text_of(given: Parameters, documents: Documents) -> str:
    """Return the text of the document to execute.

    Raises Refused for a document that is not known or not trusted, and for an identifier of another document.
    """
    text = given.query if given.query is not None else _known(given.identifiers[0], documents)
    for identifier in given.identifiers:
        if not documents.agrees(identifier, text):
            raise Refused(
                f"{_shown(identifier)} is not the document that was sent, but another one.",
                code="DOCUMENT_MISMATCH",
            )
    if documents.restricted and text not in documents.trusted:
        raise _not_trusted("The document that was sent", f"document {digest(text)!r}")
    return text


def keep(given: Parameters, answer: Response, documents: Documents) -> None:
    """Persist a document that was sent with its hash, once an operation of it was executed.

    So what cannot be parsed, does not fit the schema or passes a limit is not kept: nobody fills the cache with
    what is no query.
    """
    if given.query is not None and answer.data is not None and any(map(is_hash, given.identifiers)):
        documents.keep(given.query)


def _known(identifier: str, documents: Documents) -> str:
    text = documents.get(identifier)
    if text is not None:
        return text
    if documents.restricted:
        raise _not_trusted(_shown(identifier), f"document {_shown(identifier)}")
    if documents.searched:
        raise Refused("PersistedQueryNotFound", status=HTTPStatus.OK, code="PERSISTED_QUERY_NOT_FOUND")
    # after this one Apollo's clients send texts alone
    raise Refused("PersistedQueryNotSupported", status=HTTPStatus.OK, code="PERSISTED_QUERY_NOT_SUPPORTED")


def _shown(identifier: str) -> str:
    return repr(identifier[:100])


def _not_trusted(shown: str, what: str) -> Refused:
    message = f"{shown} is not a trusted document; no other is executed here."
    return Refused(message, code="DOCUMENT_NOT_TRUSTED", what=what)
