"""Automatic persisted queries: documents stored by their hash, so that clients need not send them again.

Only the text is stored. It is the same for all viewers; each request parses, plans and executes it as if the client had
sent it. Answers are cached separately, by ``cache.answers``.
"""

from __future__ import annotations

from ..cache.base import Cache
from ..cache.circuit_breaker import CircuitBreaker
from ..cache.lru import LRU
from .trusted import digest

KEY = "document:"


class PersistedQueries:
    """The persisted documents of one engine by ``digest``: in the cache, and the latest in the process's memory.

    While the cache fails, it counts as empty, so that clients send the document. Failures are logged once a minute,
    and after each the cache is not used for some seconds.
    """

    def __init__(self, cache: Cache | None, ttl: int, size: int) -> None:
        self.cache = cache
        self.ttl = ttl
        self._texts: LRU[str] = LRU(size)
        self._breaker = CircuitBreaker("persisted queries must be sent anew")

    def get(self, identifier: str) -> str | None:
        """Return the document of a hash; None if it is unknown."""
        text = self._texts.get(identifier)
        if text is None and (text := self._from_cache(identifier)) is not None:
            self._texts.set(identifier, text)
        return text

    def set(self, text: str) -> None:
        """Store a document in the process and in the cache, even if the process has it: the cache may not."""
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
