"""Operators of ranges, by Django's names, and of network addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..definition import InputScalar
from ..scalars import postgres as scalars
from .base import VALUE, Comparable, Entry, Operator, Result, Transform, named, one


def _is_range(scalar: Comparable, dimensions: int) -> bool:
    return not dimensions and isinstance(scalar, InputScalar) and scalar.bound is not None


def _bound(scalar: Comparable) -> scalars.Scalar:
    assert isinstance(scalar, InputScalar)
    assert scalar.bound is not None
    return scalars.localized(scalar.bound)


def _of_bound(function: str) -> Callable[[Comparable], Mapping[str, Result]]:
    def results(of: Comparable) -> Mapping[str, Result]:
        return {VALUE: Result(sql=f"{function}({{column}})", scalar=_bound(of), description="The bound.")}

    return results


_SIGNS = (
    ("contains", "@>", "Contains this range."),
    ("containedBy", "<@", "Is within this range."),
    ("overlaps", "&&", "Has values in common with this range."),
    ("fullyLt", "<<", "Ends before this range begins."),
    ("fullyGt", ">>", "Begins after this range ends."),
    ("notLt", "&>", "Does not begin before this range does."),
    ("notGt", "&<", "Does not end after this range does."),
    ("adjacentTo", "-|-", "Ends where this range begins, or begins where it ends."),
)
_FLAGS = (
    ("isEmpty", "isempty", "Whether nothing is in it."),
    ("lowerInc", "lower_inc", "Whether it holds its lower bound."),
    ("upperInc", "upper_inc", "Whether it holds its upper bound."),
    ("lowerInf", "lower_inf", "Whether it has no lower bound."),
    ("upperInf", "upper_inf", "Whether it has no upper bound."),
)

RANGES: tuple[Entry, ...] = (
    *(
        Operator(name=name, sql=f"{{column}} {sign} {{value}}", for_=_is_range, description=text)
        for name, sign, text in _SIGNS
    ),
    Operator(
        name="containsValue",
        sql="{column} @> {value}",
        operand=_bound,
        whole=lambda value: {"lower": value, "upper": value, "bounds": "[]"},
        for_=_is_range,
        description="Contains this value.",
    ),
    *(
        Transform(name=name, description=text, for_=_is_range, results=_of_bound(name))
        for name, text in (("lower", "Where it begins."), ("upper", "Where it ends."))
    ),
    *(
        Transform(name=name, description=text, for_=_is_range, results=one(f"{function}({{column}})", scalars.BOOLEAN))
        for name, function, text in _FLAGS
    ),
)

_is_address = named("IPAddress")

NETWORK: tuple[Entry, ...] = (
    *(
        Operator(name=name, sql=f"{{column}} {sign} {{value}}", for_=_is_address, description=text)
        for name, sign, text in (
            ("inSubnet", "<<=", "Is in this network, or is it: 10.0.0.0/8."),
            ("containedBy", "<<", "Is in this network, and smaller."),
            ("contains", ">>", "Is a network that this is in, and larger."),
            ("containsOrEquals", ">>=", "Is a network that this is in, or this."),
            ("overlaps", "&&", "Has addresses in common with this network."),
        )
    ),
    Transform(name="family", description="4 or 6.", for_=_is_address, results=one("family({column})", scalars.INT)),
    Transform(
        name="masklen",
        description="The length of its mask.",
        for_=_is_address,
        results=one("masklen({column})", scalars.INT),
    ),
)
