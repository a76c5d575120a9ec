"""Whether a condition is empty: it may choose every row, because nothing in it is compared with anything.

    {}    {writer: {}}    {NOT: {NOT: {}}}    {remarks: {none: {NOT: {}}}}    {OR: [{writer: {}}, {title: {eq: "x"}}]}

One alternative that is empty makes all of them empty; NOT and ``none`` make alternatives of what they negate.
"""

from __future__ import annotations

from collections.abc import Sequence

from .tree import All, AnyOf, Between, Compare, Condition, Has, Implied, IsNot, Not, OnAggregate, OnItems, OnOne
from .tree import Quantified as OnList


def is_empty(condition: Condition | None, *, negated: bool = False) -> bool:
    """Whether no comparison in a condition restricts what it chooses; ``negated``: it is an odd number of NOTs deep."""
    match condition:
        case None | Implied():
            return True
        case Compare() | Between() | Has():
            return False
        case All():
            return _none(condition.parts, negated, alternatives=negated)
        case AnyOf():
            return _none(condition.parts, negated, alternatives=not negated)
        case Not():
            return is_empty(condition.part, negated=not negated)
        case IsNot():
            return is_empty(condition.part, negated=negated is not condition.value)
        case OnList():
            # ``none`` negates, ``every`` does so twice
            none = not condition.exists and not condition.failing
            return is_empty(condition.condition, negated=negated is not none)
        case OnItems() | OnOne() | OnAggregate():
            return is_empty(condition.condition, negated=negated)


def _none(parts: Sequence[Condition], negated: bool, *, alternatives: bool) -> bool:
    """Whether all of several conditions are empty, or one of several alternatives."""
    empty = [is_empty(part, negated=negated) for part in parts if not isinstance(part, Implied)]
    return not empty or (any(empty) if alternatives else all(empty))
