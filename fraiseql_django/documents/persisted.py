"""Automatic persisted queries: documents stored by their hash, so that clients need not send them again.

Only the text is stored. It is the same for all viewers; each request parses, plans and executes it as if the client had
sent it. Answers are cached separately, by ``cache.answers``.

Any client can have documents stored, so what they take in the cache is limited: the size of a document, the number of
new ones in a time of TTL, and that of each viewer. A document expires a TTL after it was stored, however often it is
used. So there are at most twice ``MAX_DOCUMENTS`` documents of ``DOCUMENT_BYTES`` in the cache, those of one window of
time and of the window before it.
"""

from __future__ import annotations

from ..cache.base import Cache
from ..cache.circuit_breaker import CircuitBreaker
from ..conf.settings import Settings
from ..errors import TryLater
from ..execution.rate_limit import document_rates
from ..memory import LRU, size_of
from ..viewer import Viewer
from .trusted import digest

KEY = "document:"


class PersistedQueries:
    """The persisted documents of one engine by ``digest``: in the cache, and the latest in the process's memory.

    While the cache fails, it counts as empty, so that clients send the document. Failures are logged once a minute,
    and after each the cache is not used for some seconds.
    """

    def __init__(self, settings: Settings, cache: Cache | None) -> None:
        self.cache = cache
        self._settings = settings.persisted_queries
        self._rates = [] if cache is None else document_rates(settings, cache)
        self._texts: LRU[str] = LRU(settings.document_cache_size, settings.memory.persisted_queries)
        self._breaker = CircuitBreaker("persisted queries must be sent anew")

    def get(self, identifier: str) -> str | None:
        """Return the document of a hash; None if it is unknown."""
        text = self._texts.get(identifier)
        if text is None and (text := self._from_cache(identifier)) is not None:
            self._texts.set(identifier, text, size_of(text))
        return text

    def set(self, text: str, viewer: Viewer) -> None:
        """Store a document in the process and in the cache, even if the process has it: the cache may not.

        A document that is too large, or one too many, is not stored.
        """
        if len(text.encode("utf-8", "surrogatepass")) > self._settings.document_bytes:
            return
        identifier = digest(text)
        if self._from_cache(identifier) is None and not self._store(identifier, text, viewer):
            return
        self._texts.set(identifier, text, size_of(text))

    def _store(self, identifier: str, text: str, viewer: Viewer) -> bool:
        """Store a new document in the cache, if it can be used; return False for one too many."""
        cache = self._usable()
        if cache is None:
            return True
        try:
            for rate in self._rates:
                rate.count(viewer)
        except TryLater:
            return False
        try:
            cache.set(KEY + identifier, text, self._settings.ttl)
        except Exception as error:
            self._breaker.failed(error)
        else:
            self._breaker.succeeded()
        return True

    def _from_cache(self, identifier: str) -> str | None:
        cache = self._usable()
        if cache is None:
            return None
        try:
            text = cache.get(KEY + identifier)
        except Exception as error:
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        # others may be able to write to the cache, so a text counts only if it has this hash
        return text if isinstance(text, str) and digest(text) == identifier else None

    def _usable(self) -> Cache | None:
        return self.cache if self.cache is not None and self._breaker.allows() else None
