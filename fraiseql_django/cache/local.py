"""Django's cache in the memory of a process, bounded in bytes: for engines from the upstream's configuration."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends import locmem
from django.core.cache.backends.base import DEFAULT_TIMEOUT

from .._django import shrink_local_cache
from ..memory import SHARE


class LocMemCache(locmem.LocMemCache):
    """Keeps the values that were used last, of ``OPTIONS["MAX_BYTES"]`` bytes in total as pickled."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        options = dict(params.get("OPTIONS", {}))
        self.max_bytes: int = options.pop("MAX_BYTES")
        super().__init__(name, {**params, "OPTIONS": options})

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value; it goes again at once where it is larger than a share of the bound."""
        super().set(key, value, timeout, version)
        shrink_local_cache(self, self.max_bytes, self.max_bytes // SHARE)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value unless there is one."""
        added = super().add(key, value, timeout, version)
        shrink_local_cache(self, self.max_bytes, self.max_bytes // SHARE)
        return added
