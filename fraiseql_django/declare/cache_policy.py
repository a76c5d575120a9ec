"""How the answers that are read from a type may be kept."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DeclarationError


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How answers with rows of a type may be kept.

    ``stale`` is for how many seconds after a write the answer from before it may be used while the new one is read in
    the background. It takes all types that an operation reads, and an answer that is the same for every viewer.

    Raises DeclarationError for a number of seconds that is none.
    """

    stale: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.stale, bool) or not isinstance(self.stale, int) or self.stale < 0:
            raise DeclarationError(f"stale is {self.stale!r}, must be a number of seconds, 0 or more")
