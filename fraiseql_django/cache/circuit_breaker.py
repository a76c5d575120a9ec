"""Spares requests the wait for a cache that fails, and the log a line for each of them."""

from __future__ import annotations

import logging
import time
from threading import Lock

logger = logging.getLogger("fraiseql_django.cache")

# A cache that failed is not called for so long: where it times out, every request would wait for it
REST_SECONDS = 5
LOG_EVERY_SECONDS = 60
# A failure that took longer is one of a cache that hangs
SLOW_SECONDS = 0.2


class CircuitBreaker:
    """Stops calls to a cache for some seconds after a failure; then one caller tries it for all.

    ``effect`` is what the log says follows from a failure, once a minute.
    """

    def __init__(self, effect: str) -> None:
        self.effect = effect
        self._closed = True
        self._slow = False
        self._lock = Lock()
        self._rests_until = self._logged_at = float("-inf")

    def allows(self) -> bool:
        """Whether the cache may be called now; True makes the caller the one who tries it after a failure."""
        if self._closed:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + REST_SECONDS
            return True

    @property
    def hangs(self) -> bool:
        """Whether the last failure kept its caller waiting, and was a moment ago: nobody else should wait."""
        return not self._closed and self._slow and time.monotonic() < self._rests_until

    def succeeded(self) -> None:
        """Note that a call succeeded: everybody may call the cache."""
        self._closed = True

    def failed(self, error: Exception, seconds: float = 0.0) -> None:
        """Note that a call failed, after so many seconds, and log it."""
        with self._lock:
            self._rests_until = time.monotonic() + REST_SECONDS
            self._slow = seconds > SLOW_SECONDS
            self._closed = False
        self.log(error)

    def log(self, error: Exception) -> None:
        """Log a failure that is no reason to stop calls, such as a value that is too large."""
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_SECONDS:
            self._logged_at = now
            logger.warning(
                "the cache failed, %s (logged once a minute): %s: %s", self.effect, type(error).__name__, error
            )
