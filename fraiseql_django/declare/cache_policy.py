"""``CachePolicy``: how long, and for whom, answers may be kept that read a type, a field or a root field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from ..errors import DeclarationError
from .reporting import report

PUBLIC: Final = "public"
PRIVATE: Final = "private"
SCOPES = (PUBLIC, PRIVATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How answers may be kept that read what has this policy.

    ``max_age`` is for how many seconds browsers, and with the ``scope`` "public" also shared caches such as a CDN, may
    keep an answer; they do not hear of writes. ``ttl`` is for how many seconds the project's own cache keeps it unless
    a write drops it before. With a ``max_age`` of 0 and no ``ttl``, answers are kept nowhere. ``volatile_ttl`` takes
    the place of ``CACHE.VOLATILE_TTL`` for what depends on the clock or on chance. With ``inherit`` it is kept as long
    as what leads to it. What is not given has the value of the settings.

    The scope "public" is a promise that the answer is the same for everybody. It is not public all the same if
    something in it depended on the viewer.

    ``stale`` is for how many seconds after a write the answer from before it may be used while the new one is read in
    the background. It takes all types that an operation reads, and an answer that is the same for every viewer.

    Raises DeclarationError that names each value that cannot be.
    """

    max_age: int | None = None
    scope: Literal["public", "private"] | None = None
    ttl: int | None = None
    volatile_ttl: int | None = None
    inherit: bool = False
    stale: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if problems := list(self._problems()):
            report(DeclarationError("\n".join(problems)))

    def _problems(self) -> Iterator[str]:
        seconds = {"max_age": self.max_age, "ttl": self.ttl, "volatile_ttl": self.volatile_ttl, "stale": self.stale}
        for name, value in seconds.items():
            may_be_none = name != "stale" and value is None
            if not may_be_none and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                yield f"CachePolicy: {name} is {value!r}, must be a number of seconds, 0 or more"
        if self.scope is not None and self.scope not in SCOPES:
            yield f"CachePolicy: scope is {self.scope!r}, must be one of: {', '.join(map(repr, SCOPES))}"
        if self.inherit not in (True, False):
            yield f"CachePolicy: inherit is {self.inherit!r}, must be True or False"
        elif self.inherit and (self.max_age is not None or self.ttl is not None):
            yield "CachePolicy: inherit=True takes the seconds of what leads here; leave max_age and ttl out"

    @property
    def kept(self) -> int | None:
        """The seconds for which the project's own cache keeps an answer; None where the policy does not tell."""
        return 0 if self.ttl is None and self.max_age == 0 else self.ttl

    def over(self, other: CachePolicy | None) -> CachePolicy:
        """Return this policy with what it does not tell as another one has it."""
        if other is None:
            return self
        return CachePolicy(
            max_age=other.max_age if self.max_age is None else self.max_age,
            scope=other.scope if self.scope is None else self.scope,
            ttl=other.kept if self.kept is None else self.kept,
            volatile_ttl=other.volatile_ttl if self.volatile_ttl is None else self.volatile_ttl,
            stale=self.stale,
        )


NOTHING = CachePolicy()
NEVER = CachePolicy(max_age=0)
# What the argument ``cache`` of declarations takes; False is NEVER
Cached: TypeAlias = "CachePolicy | Literal[False] | None"


def as_policy(given: Any) -> CachePolicy | None:
    """Return what an argument ``cache`` means; None for nothing, and for what ``wrong_policies`` has reported."""
    return NEVER if given is False else given if isinstance(given, CachePolicy) else None


def wrong_policies(**policies: Any) -> Iterator[str]:
    """Yield what is wrong with arguments that take a policy."""
    for argument, given in policies.items():
        if given is not None and given is not False and not isinstance(given, CachePolicy):
            yield f"{argument} is {given!r}, must be a CachePolicy, or False for answers that are never kept"


def split_query(given: Any) -> tuple[Any, Any]:
    """Return the permission and the policy in a value of the dictionary ``queries``, each None where it is not given.

    It is one of them, or a tuple of both.
    """
    if isinstance(given, tuple) and len(given) == 2:
        return given
    return (None, given) if given is False or isinstance(given, CachePolicy) else (given, None)
