"""What an engine knows by identifier: trusted documents, and queries that clients had it persist."""

from __future__ import annotations

from functools import cached_property

from ..cache.base import Cache
from ..conf.settings import Settings
from ..language.parser import MAX_CACHED_LENGTH
from .persisted import PersistedQueries
from .trusted import TrustedDocuments, is_hash, load, named


class Documents:
    """The documents of one engine.

    Identifiers are as ``trusted.documents.normalised`` writes them. ``restricted`` says that trusted documents
    alone are to be executed, ``searched`` that there is any use in asking for an identifier.
    """

    def __init__(self, settings: Settings, cache: Cache | None) -> None:
        self._settings = settings.trusted_documents
        self.restricted = self._settings.mode == "required"
        self.searched = self._settings.mode != "off" or settings.persisted_queries.enabled
        self._persisted = (
            PersistedQueries(cache, settings.persisted_queries.ttl, settings.document_cache_size)
            if settings.persisted_queries.enabled
            else None
        )

    @cached_property
    def trusted(self) -> TrustedDocuments:
        """The trusted documents, read at first need; raises ConfigurationError where they cannot be used."""
        return load(self._settings)

    def get(self, identifier: str) -> str | None:
        """Return the document of an identifier, or None where it is not known."""
        text = self.trusted.get(identifier)
        if text is None and self._persisted is not None and is_hash(identifier):
            text = self._persisted.get(identifier)
        return text

    def agrees(self, identifier: str, text: str) -> bool:
        """Whether an identifier is that of a text: its hash, its name, or a name of which nothing is known."""
        known = self.trusted.get(identifier)
        return named(identifier, text) and known in (None, text)

    def keep(self, text: str) -> None:
        """Persist a document that was sent with its hash, and is valid; not one that the parser would not keep."""
        if self._persisted is not None and len(text) <= MAX_CACHED_LENGTH:
            self._persisted.keep(text)
