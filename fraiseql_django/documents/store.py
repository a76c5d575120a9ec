"""The documents of an engine by identifier: trusted documents and persisted queries."""

from __future__ import annotations

from functools import cached_property

from ..cache.base import Cache
from ..conf.settings import Settings
from ..viewer import Viewer
from .persisted import PersistedQueries
from .trusted import TrustedDocuments, is_hash, load, may_identify


class Documents:
    """The documents of one engine.

    Identifiers are in the form of ``trusted.normalised``. ``restricted`` is True if only trusted documents may be
    executed. ``searched`` is True if documents can be found by an identifier at all.
    """

    def __init__(self, settings: Settings, cache: Cache | None) -> None:
        self._settings = settings.trusted_documents
        self.restricted = self._settings.mode == "required"
        self.searched = self._settings.mode != "off" or settings.persisted_queries.enabled
        self._persisted = PersistedQueries(settings, cache) if settings.persisted_queries.enabled else None

    @cached_property
    def trusted(self) -> TrustedDocuments:
        """The trusted documents, read at first use; raises ConfigurationError if they cannot be read."""
        return load(self._settings)

    def get(self, identifier: str) -> str | None:
        """Return the document of an identifier; None if it is unknown."""
        text = self.trusted.get(identifier)
        if text is None and self._persisted is not None and is_hash(identifier):
            text = self._persisted.get(identifier)
        return text

    def agrees(self, identifier: str, text: str) -> bool:
        """Whether an identifier can be that of a text: its hash, its name, or an unknown name."""
        trusted = self.trusted.get(identifier)
        return may_identify(identifier, text) and trusted in (None, text)

    def persist(self, text: str, viewer: Viewer) -> None:
        """Persist a document of a viewer, if persisted queries are enabled and their limits allow it."""
        if self._persisted is not None:
            self._persisted.set(text, viewer)
