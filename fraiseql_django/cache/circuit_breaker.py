"""What a broken cache is spared: each request's wait for it, and a line in the log for each."""

from __future__ import annotations

import logging
import time

from .answers import LOG_EVERY_SECONDS, REST_SECONDS

logger = logging.getLogger("fraiseql_django.cache")


class Outage:
    """The outages of a cache, as one user of it sees them; ``effect`` says in the log what follows from one.

    A cache that failed is left alone for some seconds, and that is said once a minute.
    """

    def __init__(self, effect: str) -> None:
        self.effect = effect
        self._logged_at = self._ends_at = float("-inf")

    def lasts(self) -> bool:
        """Whether the cache is to be left alone."""
        return time.monotonic() < self._ends_at

    def begins(self, error: Exception) -> None:
        """Note that the cache has failed."""
        now = time.monotonic()
        self._ends_at = now + REST_SECONDS
        if now - self._logged_at >= LOG_EVERY_SECONDS:
            self._logged_at = now
            logger.warning(
                "the cache failed, %s (said once a minute): %s: %s", self.effect, type(error).__name__, error
            )
