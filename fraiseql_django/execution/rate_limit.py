"""Limits how many operations a viewer may run in a time, counted in the cache that all processes share.

Time is divided into fixed windows, and each viewer has a counter in each: an operation takes one atomic step in the
cache, and processes keep nothing. A viewer may use the whole of one window at its end and the whole of the next at its
beginning, at most twice the rate; a sliding window would take a second round trip for each operation.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from django.utils.module_loading import import_string

from ..cache.base import Cache
from ..cache.circuit_breaker import CircuitBreaker
from ..conf.reader import Problem, function_problems, refuse
from ..conf.settings import Settings
from ..errors import TryLater
from ..viewer import Viewer, asking

KEY = "rate:"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_FORM = re.compile("([1-9][0-9]*)/([smhd])")


def by_user_or_address(viewer: Viewer) -> Any:
    """Return the user's key; for a request without a user, the address that it came from.

    Headers such as X-Forwarded-For are not used, since a client can change them with each request.
    """
    if viewer.is_authenticated:
        return "user", str(viewer.id)
    return "address", _network("" if viewer.request is None else viewer.request.META.get("REMOTE_ADDR", ""))


def _network(address: str) -> str:
    """Return an address; for IPv6 its network of 64 bits, since one subscriber has all of it (RFC 6177)."""
    try:
        known = IPv6Address(address)
    except ValueError:
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(IPv6Network((known, 64), strict=False))


@dataclass(slots=True, kw_only=True)
class Rate:
    """Counts operations: at most ``operations`` of one key in each window of so many ``seconds``.

    ``kind`` tells these counters from those of other limits.
    """

    kind: str
    text: str
    operations: int
    seconds: int
    key_of: Callable[[Viewer], Any]
    cache: Cache
    breaker: CircuitBreaker

    def count(self, viewer: Viewer) -> None:
        """Count an operation; raise TryLater where it exceeds the rate.

        Nothing is counted without a request, nor under a key that is None. While the cache fails, nothing is limited.
        """
        if viewer.request is None or (key := self.key_of(viewer)) is None or not self.breaker.allows():
            return
        digest = blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
        # windows of different keys begin at different moments, so that refused clients do not all return at once
        now = time.time() + int(digest[:8], 16) % self.seconds
        window = int(now // self.seconds)
        try:
            counted = self._counted(f"{KEY}{self.kind}{self.seconds}:{digest}:{window}")
        except Exception as error:
            self.breaker.failed(error)
            return
        self.breaker.succeeded()
        if counted > self.operations:
            raise TryLater(
                f"There were too many operations; {self.text} may be executed.",
                code="RATE_LIMITED",
                retry_after=math.ceil((window + 1) * self.seconds - now),
            )

    def _counted(self, key: str) -> int:
        found = self.cache.increment(key)
        if found is not None:
            return found
        # servers' clocks differ by less than a window, so that nothing is counted in an older one
        if self.cache.add(key, 1, 2 * self.seconds):
            return 1
        # another process has added it
        return self.cache.increment(key) or 1


def operation_rate(settings: Settings, cache: Cache | None) -> Rate | None:
    """Return the limit ``LIMITS.RATE``, None where there is none; raise ConfigurationError where it is wrong."""
    limits = settings.limits
    if limits.rate is None:
        return None
    refuse(rate_problems(settings, cached=cache is not None))
    assert cache is not None
    key_of = by_user_or_address if limits.rate_key is None else asking(import_string(limits.rate_key))
    return _rate(limits.rate, "", key_of, cache, CircuitBreaker("operations are not counted against LIMITS.RATE"))


def document_rates(settings: Settings, cache: Cache) -> list[Rate]:
    """Return the limits on new persisted queries: those of each viewer, and those of all together.

    Raises ConfigurationError where a rate is wrong.
    """
    persisted = settings.persisted_queries
    refuse(rate_problems(settings, cached=True))
    breaker = CircuitBreaker("persisted queries are not counted")
    rates = []
    if persisted.rate is not None:
        rates.append(_rate(persisted.rate, "document:", by_user_or_address, cache, breaker))
    if persisted.max_documents is not None:
        rates.append(
            Rate(
                kind="documents:",
                text=f"{persisted.max_documents} in {persisted.ttl} seconds",
                operations=persisted.max_documents,
                # an entry of one window has expired when the window after the next begins
                seconds=persisted.ttl,
                key_of=lambda viewer: "all",
                cache=cache,
                breaker=breaker,
            )
        )
    return rates


def _rate(text: str, kind: str, key_of: Callable[[Viewer], Any], cache: Cache, breaker: CircuitBreaker) -> Rate:
    form = _FORM.fullmatch(text)
    assert form is not None
    return Rate(
        kind=kind,
        text=text,
        operations=int(form[1]),
        seconds=SECONDS[form[2]],
        key_of=key_of,
        cache=cache,
        breaker=breaker,
    )


def rate_problems(settings: Settings, *, cached: bool) -> Iterator[Problem]:
    """Return what is wrong with rates and their key; ``cached`` says whether there is a cache to count in."""
    limits = settings.limits
    for name, rate in (("['LIMITS']", limits.rate), ("['PERSISTED_QUERIES']", settings.persisted_queries.rate)):
        if rate is not None and not _FORM.fullmatch(rate):
            message = f"FRAISEQL{name}['RATE'] is {rate!r}, which is no rate."
            hint = "Write a number of operations, a slash and s, m, h or d (second, minute, hour, day): '600/m'."
            yield Problem(id="fraiseql.E018", message=message, hint=hint)
    if limits.rate is not None:
        where = f"FRAISEQL['LIMITS']['RATE'] is {limits.rate!r}"
        if not cached:
            hint = "Name one that all processes share in FRAISEQL['CACHE']['ALIAS']."
            yield Problem(id="fraiseql.E018", message=f"{where}, but there is no cache to count in.", hint=hint)
    if limits.rate_key is not None:
        where = "FRAISEQL['LIMITS']['RATE_KEY']"
        hint = "Name a function that is given the viewer and returns what to count by, or None for who is not counted."
        yield from function_problems(where, limits.rate_key, id="fraiseql.E019", hint=hint)
