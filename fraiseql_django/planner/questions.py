"""What a plan depends on that Python decides at request time, and the plans by what Python decided.

A default manager may filter by the clock or by a context variable, a rule may read either, and Django itself knows an
active language and time zone. What they gave while a plan was made is in its SQL. So they are asked again at every
execution, and a plan serves those only for whom each gives the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from types import NoneType
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from .._django import all_rows, compile_query
from ..coroutines import together
from ..declare.rules import Rule, condition
from ..declare.translations import falls_back
from ..memory import size_of
from ..schema.definition import TypeDef
from ..schema.routing import require_here
from ..viewer import read_user
from .expressions import Param
from .expressions import condition as sql_condition
from .planned_viewer import DecidingViewer, PlannedViewer, Question, ruling
from .source_values import visible
from .statement import statement

T = TypeVar("T")
# The plans kept of one operation and shape; many tenants or time zones would otherwise fill the memory with one
MAX_PLANS = 64
# In bytes: the object, and its slot among others
_OF_QUESTION = 300


class Raised:
    """The answer of what raises: equal to no other."""


@dataclass(frozen=True, slots=True)
class Active:
    """Which language and time zone are active, and whether missing translations are looked for in other languages."""

    # what depends on them is found by making the plan again (``answer_policy``)
    same_for_all: ClassVar[bool] = True

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Return all three."""
        return get_language(), timezone.get_current_timezone(), falls_back()


@dataclass(frozen=True, slots=True)
class RowsOfManager:
    """Which rows a model's default or base manager starts from."""

    model: type[Model]
    default: bool
    alias: str

    def rows(self) -> QuerySet[Any]:
        """Ask the manager."""
        return (self.model._default_manager if self.default else self.model._base_manager).using(self.alias)

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Return the SQL of the rows."""
        return sql_of(self.rows())


@dataclass(frozen=True, slots=True)
class RoutedHere:
    """Whether DATABASE_ROUTERS, which may decide by the tenant of the request, let a model be read from here."""

    # there is no other answer
    same_for_all: ClassVar[bool] = True
    model: type[Model]
    alias: str

    def answer(self, planned: PlannedViewer | None = None) -> Hashable:
        """Return True; raise ConfigurationError where they send it to another database."""
        require_here(self.model, self.alias)
        return True


def _decided(answer: Any) -> Hashable:
    """Return what a permission decided; 1 is equal to True, but whoever returns it is told while a plan is made."""
    return answer if isinstance(answer, bool) else Raised()


@dataclass(frozen=True, slots=True)
class Permitted:
    """Whether a permission that a project wrote allows something."""

    rule: Rule

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Return what it returns."""
        return _decided(self.rule.allows(DecidingViewer(planned.viewer, planned.scalars, planned.asked)))

    def wait(self, planned: PlannedViewer) -> Awaitable[bool]:
        """Return the same of a coroutine function, to be awaited."""
        assert self.rule.waits is not None
        return self.rule.waits(DecidingViewer(planned.viewer, planned.scalars, planned.asked))


@dataclass(frozen=True, slots=True)
class RuledRows:
    """Which rows of a type a row rule shows."""

    name: str
    alias: str
    definition: TypeDef = field(compare=False)

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Return the rule's condition in a form that can be compared."""
        assert self.definition.rows is not None
        with ruling():
            found = condition(self.definition.rows, planned, self.name)
        return self.of(found)

    def of(self, found: Q | bool) -> Hashable:
        """Return a condition in a form that can be compared: as it stands where it is plain, else its SQL."""
        try:
            return _plain(found)
        except _NotPlain:
            return sql_of(visible(self.definition, all_rows(self.definition.model, self.alias), found))


@dataclass(frozen=True, slots=True)
class MadeByOperator:
    """What an operator of the project's makes of a column and operands.

    ``column`` and ``params`` are those that a plan was made with, ``column`` as a query over ``model`` reads it.
    """

    function: Callable[..., Any]
    owner: str
    label: str
    model: type[Model]
    alias: str
    column: Any = field(compare=False)
    params: Mapping[str, Any] = field(compare=False)

    def answer(self, planned: PlannedViewer | None = None) -> Hashable:
        """Return the SQL that it returns, or that of its expression."""
        made = self.function(self.column, **self.params)
        return (
            made
            if isinstance(made, str)
            else sql_of(all_rows(self.model, self.alias).filter(sql_condition("({0})", made)))
        )


def sql_of(rows: QuerySet[Any]) -> Hashable:
    """Return the SQL of a query with the labels of what is bound at execution; None where it finds no rows."""
    # what is selected tells rows apart only where something computed is among it
    query = rows if rows.query.annotations else rows.values("pk")
    compiled = compile_query(query, rows.db)
    if compiled is None:
        return None
    sql, binds, _ = statement([compiled], rows.db)
    return sql, tuple(bind.label for bind in binds)


class _NotPlain(Exception):
    pass


_CONSTANTS = {
    *(str, bytes, bool, int, float, Decimal, NoneType, UUID),
    *(dt.date, dt.datetime, dt.time, dt.timedelta),
}


def _plain(value: Any) -> Hashable:
    """Return a part of a condition as a value that is equal to that of an equal part; raise _NotPlain for others."""
    if isinstance(value, Q):
        return value.connector, value.negated, tuple(map(_plain, value.children))
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(_plain, value))
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(_plain, value))
    if isinstance(value, Param):
        return Param, value.source.label, value.cast
    if type(value) is F:
        column: Any = value
        return F, column.name
    if isinstance(value, Model) and value.pk is not None:
        return type(value), _plain(value.pk)
    # an object of another class may be written otherwise each time
    if type(value) not in _CONSTANTS:
        raise _NotPlain
    # 1, 1.0 and True are equal, but not the same parameter
    return type(value), value


@dataclass(frozen=True, slots=True)
class Plans(Generic[T]):
    """The plans of one operation and shape, by the answers to the questions that the plans depend on.

    ``weights`` has the bytes that each takes with its answers, as estimated. ``waiting`` are the permissions among the
    questions that are coroutine functions, which are asked at the same time.
    """

    questions: tuple[Question, ...] = ()
    by_answers: Mapping[tuple[Hashable, ...], T] = field(default_factory=dict)
    weights: Mapping[tuple[Hashable, ...], int] = field(default_factory=dict)
    waiting: tuple[Permitted, ...] = ()

    @property
    def weight(self) -> int:
        """The bytes of all plans."""
        return _OF_QUESTION * len(self.questions) + sum(self.weights.values())

    def of(self, asking: PlannedViewer) -> T | None:
        """Return the plan for a viewer, at this moment; None where there is none yet."""
        if self.waiting:
            return self.by_answers.get(_answers(self.questions, self.waiting, asking))
        return self.by_answers.get(tuple([_answer(question, asking) for question in self.questions]))

    def adding(
        self, plan: T, weight: int, asked: Mapping[Question, Hashable], asking: PlannedViewer, room: int
    ) -> Plans[T]:
        """Return these plans with one more; only the new one, where more questions were asked for it.

        ``asked`` has the answers that the plan was made with, ``weight`` its bytes. The oldest plans go where all
        together have more bytes than there is ``room`` for.
        """
        questions = tuple(dict.fromkeys([*self.questions, *asked]))
        answers = tuple(asked[question] if question in asked else _answer(question, asking) for question in questions)
        if any(isinstance(answer, Raised) for answer in answers):
            return self
        same = len(questions) == len(self.questions)
        kept = {**(self.by_answers if same else {}), answers: plan}
        weights = {**(self.weights if same else {}), answers: weight + size_of(answers)}
        total = _OF_QUESTION * len(questions) + sum(weights.values())
        while len(kept) > MAX_PLANS or (len(kept) > 1 and total > room):
            oldest = next(iter(kept))
            del kept[oldest]
            total -= weights.pop(oldest)
        waiting = tuple(each for each in questions if isinstance(each, Permitted) and each.rule.waits is not None)
        return Plans(questions, kept, weights, waiting)


def _answer(question: Question, asking: PlannedViewer) -> Hashable:
    try:
        return question.answer(asking)
    except Exception:
        # whom it concerns will see the error while the plan is made
        return Raised()


def _answers(
    questions: tuple[Question, ...], waiting: tuple[Permitted, ...], asking: PlannedViewer
) -> tuple[Hashable, ...]:
    """Return the answers to all questions, of which some are awaited at the same time."""
    read_user(asking)
    found = together([partial(question.wait, asking) for question in waiting])
    awaited: dict[Question, Hashable] = {
        question: _decided(answer) for question, answer in zip(waiting, found, strict=True)
    }
    return tuple([awaited[question] if question in awaited else _answer(question, asking) for question in questions])
