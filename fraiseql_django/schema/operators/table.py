"""The operators of one schema, by the types of values that have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .base import Comparable, Entry, Operator, Transform

# The key of a filter whose value is a filter that must not hold
NEGATION = "not"


class OperatorTable:
    """Operators, transforms and conditions on items; the last of several with one name for a type is the one.

    ``extensions`` are those of PostgreSQL's whose operators are offered.
    """

    def __init__(self, entries: Iterable[Entry], extensions: Collection[str] = ()) -> None:
        self.entries = tuple(entry for entry in entries if entry.extension is None or entry.extension in extensions)
        self._known: dict[tuple[str, int], Mapping[str, Entry]] = {}

    def of(self, scalar: Comparable, dimensions: int) -> Mapping[str, Entry]:
        """Return what values of a type have, in so many lists, by name."""
        # a type's flags follow from its name
        key = scalar.name, dimensions
        if key not in self._known:
            self._known[key] = {entry.name: entry for entry in self.entries if entry.for_(scalar, dimensions)}
        return self._known[key]

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions of PostgreSQL's that operators need."""
        return frozenset(entry.extension for entry in self.entries if entry.extension is not None)

    def operators(self, scalar: Comparable, dimensions: int) -> list[Operator]:
        """List the operators that values of a type have."""
        return [entry for entry in self.of(scalar, dimensions).values() if isinstance(entry, Operator)]

    def transforms(self, scalar: Comparable, dimensions: int) -> list[Transform]:
        """List the transforms of values of a type."""
        return [entry for entry in self.of(scalar, dimensions).values() if isinstance(entry, Transform)]
