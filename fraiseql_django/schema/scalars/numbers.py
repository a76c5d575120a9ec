"""Numbers of JSON whose digits a float would lose."""

from __future__ import annotations

import math


class ExactFloat(float):
    """A number as JSON writes it: a float for all that wants one, with its text for what keeps every digit."""

    __slots__ = ("text",)

    text: str


def parse_number(text: str) -> float:
    """Return a number with a fraction or an exponent; raise ValueError for one that no float comes near.

    Its text is kept only where it is not the float's own.
    """
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is out of range")
    if repr(number) == text:
        return number
    exact = ExactFloat(number)
    exact.text = text
    return exact
