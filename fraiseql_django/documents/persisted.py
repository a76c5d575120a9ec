"""Automatic persisted queries: documents kept by their hash, so that clients need not send them again.

What is kept is the text and nothing else: it is the same for everybody, and is parsed, planned and executed
for each request as if it had been sent. Answers are kept elsewhere (``cache.answers``), under their SQL and its
parameters.
"""

from __future__ import annotations

from ..cache.base import Cache
from ..cache.circuit_breaker import CircuitBreaker
from ..cache.lru import LRU
from .trusted import digest

KEY = "document:"


class PersistedQueries:
    """The documents of one engine by their hashes (see ``digest``): in the cache, and the last ones in the process.

    A broken cache is logged once a minute, left alone for some seconds, and otherwise as if empty: clients
    then send the document, as they do the first time.
    """

    def __init__(self, cache: Cache | None, ttl: int, size: int) -> None:
        self.cache = cache
        self.ttl = ttl
        self._texts: LRU[str] = LRU(size)
        self._breaker = CircuitBreaker("persisted queries must be sent anew")

    def get(self, identifier: str) -> str | None:
        """Return the document of a hash, or None where it is not known."""
        text = self._texts.get(identifier)
        if text is None and (text := self._ask(identifier)) is not None:
            self._texts.set(identifier, text)
        return text

    def keep(self, text: str) -> None:
        """Keep a document; also one that this process knows, since others may have asked for it in vain."""
        identifier = digest(text)
        self._texts.set(identifier, text)
        cache = self._usable()
        if cache is not None:
            try:
                cache.set(KEY + identifier, text, self.ttl)
            except Exception as error:
                self._breaker.failed(error)
            else:
                self._breaker.succeeded()

    def _ask(self, identifier: str) -> str | None:
        cache = self._usable()
        if cache is None:
            return None
        try:
            found = cache.get(KEY + identifier)
        except Exception as error:
            self._breaker.failed(error)
            return None
        self._breaker.succeeded()
        # others may be able to write to the cache: under a hash only its own document counts
        return found if isinstance(found, str) and digest(found) == identifier else None

    def _usable(self) -> Cache | None:
        return self.cache if self.cache is not None and self._breaker.allows() else None
