"""What an operation may cost: a fold over its tree, fields times the rows of the lists around them.

A field costs 1 unless it is declared otherwise, and each row what its type declares. Whatever is declared, each row or
object that is read costs at least 1, and so do a count of rows and a field with an alias: a client could otherwise read
any number of rows, or repeat any value, without a limit. The operators of a list's condition and order add what they
are declared to cost, each time that the list is read. What the document decides is computed once for a plan. What
variables decide, a ``limit``, is left open: the estimate is then a formula of a few steps, computed at each execution.
So is how many objects mutations from types write.

A tree shares what is selected in several places, and each part is estimated once. So a document whose fragments double
at each level costs no more to refuse than to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..conf.settings import LimitSettings
from ..language.limits import MAX_FIGURE, check_complexity, check_objects
from .arguments import Leaf, Variables
from .tree import (
    All,
    AnyOf,
    Applied,
    Between,
    Compare,
    Condition,
    Constant,
    FieldOperand,
    IsNot,
    Member,
    Not,
    OnAggregate,
    OnItems,
    OnOne,
    Quantified,
    Repeat,
    RowSet,
    Selection,
    Transforms,
)

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Open:
    """A figure that variables decide: the result of the step of this number."""

    step: int


Figure: TypeAlias = Number | Open
Factor: TypeAlias = int | Callable[[Variables], int]
Formula: TypeAlias = Callable[[Sequence[Number], Variables], Number]
Written: TypeAlias = Callable[[Variables], int]


@dataclass(frozen=True, slots=True)
class Complexity:
    """The estimate of one plan: a number, or steps of which each may build on those before it.

    ``written`` count the objects that its mutations write.
    """

    total: Figure
    steps: tuple[Formula, ...]
    written: tuple[Written, ...] = ()

    def check(self, variables: Variables, limits: LimitSettings) -> None:
        """Raise LimitExceeded for an execution with these variables that would write or cost too much."""
        if limits.objects is not None and self.written:
            check_objects(sum(count(variables) for count in self.written), limits.objects)
        if limits.complexity is not None:
            check_complexity(self.of(variables), limits.complexity)

    def of(self, variables: Variables) -> Number:
        """Return the estimate of an execution with these variables."""
        if not isinstance(self.total, Open):
            return self.total
        results: list[Number] = []
        for step in self.steps:
            results.append(min(step(results, variables), MAX_FIGURE))
        return results[self.total.step]


def estimate(selection: Selection) -> Complexity:
    """Return what an operation may cost, from the selection of its root type."""
    fold = _Fold()
    return Complexity(fold.selection(selection), tuple(fold.steps), tuple(fold.written))


@dataclass(slots=True)
class _Fold:
    steps: list[Formula] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    # the steps whose results are at least 1
    positive: set[int] = field(default_factory=set)
    # by identity: the tree keeps them alive
    known: dict[tuple[int, float], Figure] = field(default_factory=dict)

    def selection(self, selection: Selection) -> Figure:
        """Return the cost of an object."""
        key = id(selection.branches or selection.members), selection.row_cost
        if key not in self.known:
            members = [self.member(member) for _, member in selection]
            # of an abstract type, that of the type which costs most
            most = [self.most([self.branch(inner) for _, inner in selection.branches])] if selection.branches else []
            self.known[key] = self.sum([selection.row_cost, *members, *most])
        return self.known[key]

    def branch(self, selection: Selection) -> Figure:
        """Return the cost of an object of an abstract type as one of its types; a row costs at least 1."""
        return self.at_least_1(self.selection(selection))

    def member(self, member: Member | Constant) -> Figure:
        """Return the cost of a field with what is selected below it; of several types the one that costs most."""
        own: Figure = member.cost
        if isinstance(member, Constant):
            return own
        sets = (member.rows, *(selection.rows for selection in member.selections))
        if declared := sum(cost_of_rows(rows) for rows in sets if rows is not None):
            own = self.sum([own, declared])
        if member.written is not None:
            self.written.append(member.written)
            # rows that are chosen are read as well
            own = self.times(member.written, own if member.rows is None else self.at_least_1(own))
        if not member.selections:
            return own if member.rows is None else self.at_least_1(own)
        inner = self.most([self.selection(selection) for selection in member.selections])
        if not member.repeats:
            return self.at_least_1(self.sum([own, inner])) if member.written is None else self.sum([own, inner])
        inner = self.at_least_1(inner)
        for repeat in member.repeats:
            inner = self.times(_factor(repeat), inner)
        return self.sum([own, inner])

    def sum(self, figures: Iterable[Figure]) -> Figure:
        """Add figures."""
        known: Number = 0
        opened: list[int] = []
        for figure in figures:
            if isinstance(figure, Open):
                opened.append(figure.step)
            else:
                known += figure
        if not opened:
            return min(known, MAX_FIGURE)
        if not known and len(opened) == 1:
            return Open(opened[0])
        total = self.open(lambda results, variables: known + sum(results[step] for step in opened))
        if known >= 1 or not self.positive.isdisjoint(opened):
            self.positive.add(total.step)
        return total

    def times(self, factor: Factor, figure: Figure) -> Figure:
        """Multiply a figure."""
        if isinstance(factor, int):
            if not isinstance(figure, Open):
                return min(factor * figure, MAX_FIGURE)
            return self.open(lambda results, variables: factor * results[figure.step])
        if isinstance(figure, Open):
            return self.open(lambda results, variables: factor(variables) * results[figure.step])
        return self.open(lambda results, variables: factor(variables) * figure)

    def at_least_1(self, figure: Figure) -> Figure:
        """Return a figure, or 1 where it is less."""
        if not isinstance(figure, Open):
            return max(figure, 1)
        if figure.step in self.positive:
            return figure
        return self.open(lambda results, variables: max(results[figure.step], 1))

    def most(self, figures: Sequence[Figure]) -> Figure:
        """Return the largest of several figures."""
        known = max((figure for figure in figures if not isinstance(figure, Open)), default=0)
        opened = [figure.step for figure in figures if isinstance(figure, Open)]
        if not opened:
            return known
        if len(figures) == 1:
            return Open(opened[0])
        return self.open(lambda results, variables: max(known, *(results[step] for step in opened)))

    def open(self, step: Formula) -> Open:
        """Add a step to the formula."""
        self.steps.append(step)
        return Open(len(self.steps) - 1)


def cost_of_rows(rows: RowSet) -> Number:
    """Return what the operators and transforms of a list's condition and order are declared to cost."""
    keys = (key.operand for key in rows.order)
    order = sum(_cost_of(operand.transforms) for operand in keys if isinstance(operand, FieldOperand))
    return order + (0 if rows.where is None else _cost_of_condition(rows.where))


def _cost_of(transforms: Transforms) -> Number:
    return sum(step.transform.cost for step in transforms if isinstance(step, Applied))


def _cost_of_condition(condition: Condition) -> Number:
    match condition:
        case Compare():
            return condition.operator.cost + _cost_of(condition.transforms)
        case All() | AnyOf():
            return sum(map(_cost_of_condition, condition.parts))
        case Not() | IsNot():
            return _cost_of_condition(condition.part)
        case Between():
            return condition.operator.cost
        case OnAggregate():
            return cost_of_rows(condition.rows) + _cost_of_condition(condition.condition)
        case OnItems() | OnOne() | Quantified():
            inner = condition.condition
            return 0 if inner is None else _cost_of_condition(inner)


def _factor(repeat: Repeat) -> Factor:
    if not isinstance(repeat, Leaf):
        return repeat
    # a negative number is refused where it is bound; it must not make room for others until then
    return max(repeat.value, 0) if repeat.constant else lambda variables: max(repeat.fetch(variables), 0)
