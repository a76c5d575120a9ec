"""Filters of values → conditions: operators, transforms, and conditions on the items of arrays.

For ``{tags: {any: {length: {gt: 3}}}}`` the condition is

    OnItems(Book.tags, exists=True)
      Compare(Book.tags, transforms=(OfItem, length), gt, 3)

A ``Subject`` is what a filter is about: a field, and what has been made of its value so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from graphql import Undefined

from ..errors import InvalidInput
from ..schema.definition import Shape
from ..schema.operators import NEGATION, VALUE, Comparable, Items, Operator, OperatorTable, Takes, Transform
from .arguments import InputObject, Leaf
from .budget import RELATION, Budget
from .tree import (
    NOTHING,
    All,
    Applied,
    Compare,
    Condition,
    FieldOperand,
    Not,
    OfItem,
    OnItems,
    Path,
    Transforms,
)


class Builder(Protocol):
    """What is used of the pass that builds trees."""

    schema: Any
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A value that is compared or sorted by; ``costly`` says that it may be a query of its own."""

    owner: Shape
    field: Any
    scalar: Comparable
    dimensions: int
    may_fail: bool
    costly: bool
    transforms: Transforms = ()

    def charge(self, build: Builder, planning: int) -> None:
        """Charge for one more use of the value."""
        build.budget.charge(RELATION if self.costly else planning)


def all_of(parts: list[Condition]) -> Condition | None:
    """Return the condition that all of these hold; None for none."""
    return All(tuple(parts)) if parts else None


def filter_of(
    build: Builder, subject: Subject, given: InputObject, label: str, *, steps: int, negated: bool
) -> Condition | None:
    """Return the condition of a filter; None where it holds for every value."""
    table: OperatorTable = build.schema.operators
    known = table.of(subject.scalar, subject.dimensions)
    parts: list[Condition] = []
    for name, operand in given:
        where = f"{label}.{name}"
        if name == NEGATION:
            inner = filter_of(
                build, subject, _nested(build, operand, where, steps), where, steps=steps + 1, negated=not negated
            )
            parts.append(NOTHING if inner is None else Not(inner))
            continue
        entry = known[name]
        if isinstance(entry, Operator):
            parts.append(_compare(build, subject, entry, operand, where, negated))
        elif isinstance(entry, Items):
            parts.append(_on_items(build, subject, entry, _nested(build, operand, where, steps), where, steps))
        else:
            object_ = _nested(build, operand, where, steps)
            for made, inner_given, there in _made(build, subject, entry, object_, where):
                condition = filter_of(build, made, inner_given, there, steps=steps + 1, negated=negated)
                parts += [] if condition is None else [condition]
    return all_of(parts)


def _nested(build: Builder, operand: Any, label: str, steps: int) -> InputObject:
    """Return a filter within a filter; refuse null, and what is nested too deeply."""
    build.budget.charge_condition()
    build.budget.check_steps(steps + 1)
    if operand is None:
        raise InvalidInput(f"{label} is null, which is no condition; leave it out.")
    assert isinstance(operand, InputObject)
    return operand


def _compare(build: Builder, subject: Subject, operator: Operator, operand: Any, label: str, negated: bool) -> Compare:
    subject.charge(build, operator.planning)
    if operand is None and operator.null is None:
        takes = operator.takes.value
        raise InvalidInput(f"{label} is null; it takes {takes}.", hint="Ask for null with isnull.")
    if operator.takes is Takes.NAMED:
        known = operator.named
        operand = {name: leaf for name, leaf in operand if leaf is not None or known[name].filled is not Undefined}
    return Compare(
        owner=subject.owner, field=subject.field, operator=operator, operand=operand, label=label,
        may_fail=operator.may_fail or subject.may_fail, unknown_counts=negated, transforms=subject.transforms,
    )  # fmt: skip


def _on_items(build: Builder, subject: Subject, entry: Items, given: InputObject, label: str, steps: int) -> OnItems:
    subject.charge(build, entry.planning)
    item = replace(subject, dimensions=0, transforms=(*subject.transforms, OfItem()))
    condition = filter_of(build, item, given, label, steps=steps + 1, negated=False)
    return OnItems(
        owner=subject.owner, field=subject.field, exists=entry.exists, condition=condition,
        transforms=subject.transforms,
        may_fail=subject.may_fail or (condition is not None and condition.may_fail),
    )  # fmt: skip


def _made(
    build: Builder, subject: Subject, transform: Transform, given: InputObject, label: str
) -> list[tuple[Subject, Any, str]]:
    """Return what a transform makes of a value: the results that are asked for, each with what is asked of it."""
    subject.charge(build, transform.planning)
    results = transform.results(subject.scalar)
    if not transform.named:
        return [(_result(subject, transform, VALUE, {}, label), given, label)]
    arguments: dict[str, Leaf] = {}
    asked: dict[str, Any] = {}
    for name, value in given:
        if name in results:
            if value is None:
                raise InvalidInput(f"{label}.{name} is null, which is no condition; leave it out.")
            asked[name] = value
        elif value is not None:
            arguments[name] = value
    if not asked:
        raise InvalidInput(f"{label} asks for nothing.", hint=f"It takes one of: {', '.join(results)}.")
    return [
        (_result(subject, transform, name, arguments, label), value, f"{label}.{name}") for name, value in asked.items()
    ]


def _result(subject: Subject, transform: Transform, name: str, arguments: dict[str, Leaf], label: str) -> Subject:
    result = transform.results(subject.scalar)[name]
    applied = Applied(transform=transform, result=result, arguments=arguments, label=label)
    return replace(
        subject, scalar=result.scalar, dimensions=result.dimensions,
        may_fail=subject.may_fail or transform.may_fail or result.may_fail, transforms=(*subject.transforms, applied),
    )  # fmt: skip


def sorted_by(build: Builder, subject: Subject, given: InputObject, path: Path, label: str) -> tuple[FieldOperand, Any]:
    """Return what a transform makes to sort by, and the direction as it was given."""
    members = list(given)
    if len(members) != 1:
        raise InvalidInput(f"{label} must have one key: write several as a list, the most important first.")
    ((name, operand),) = members
    label = f"{label}.{name}"
    transform = build.schema.operators.of(subject.scalar, subject.dimensions)[name]
    if operand is None:
        raise InvalidInput(f"{label} is null.", hint="It takes a direction.")
    if not transform.named:
        subject.charge(build, transform.planning)
        made, direction = _result(subject, transform, VALUE, {}, label), operand
    else:
        build.budget.charge_condition()
        found = _made(build, subject, transform, operand, label)
        if len(found) != 1:
            raise InvalidInput(f"{label} must have one result: write several as a list, the most important first.")
        ((made, direction, _),) = found
    return FieldOperand(subject.owner, subject.field, path, made.transforms), direction.value
