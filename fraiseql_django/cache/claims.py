"""Claims by which one of several processes runs a statement for all of them.

A claim is a key in the cache that only one process can add, for a few seconds. It is a courtesy: a process that did not
get it may run the statement at any time, so that a claim that is lost, kept too long or never released costs time and
never correctness.
"""

from __future__ import annotations

from hashlib import blake2b

from .base import Cache
from .circuit_breaker import CircuitBreaker

CLAIM = "claim:"


class Claims:
    """Claims in one cache, each for at most ``lease`` seconds."""

    def __init__(self, cache: Cache | None, lease: int) -> None:
        self.lease = lease
        self._cache = cache
        self._breaker = CircuitBreaker("processes may run the same statement at the same time")

    @property
    def are_possible(self) -> bool:
        """Whether there is a cache that other processes may share; otherwise nobody else could see a claim."""
        return self._cache is not None and not getattr(self._cache, "is_private", False)

    def take(self, key: str, versions: str) -> bool:
        """Claim an answer with these versions of its tables; False where another process has claimed it.

        True as well where the cache fails: this process then runs its own statement.
        """
        assert self._cache is not None
        try:
            return self._cache.add(_name(key, versions), 1, self.lease)
        except Exception as error:
            self._breaker.log(error)
            return True

    def release(self, key: str, versions: str) -> None:
        """Let others claim an answer that was read, whether it was kept or not."""
        assert self._cache is not None
        try:
            self._cache.delete(_name(key, versions))
        except Exception as error:
            # its lease ends
            self._breaker.log(error)


def _name(key: str, versions: str) -> str:
    # after a write the answer is another one, which the claim must not hold up
    return CLAIM + key + blake2b(versions.encode(), digest_size=8).hexdigest()
