"""What the planner does with each kind of field: its part of building a tree, and of compiling one.

Two kinds of kinds have most in common: a ``ValueKind`` is compared and sorted by, a ``ReferenceKind`` leads to objects.
Adding a kind of field adds a module to ``fraiseql_django.kinds``; nothing here or in the other stages names one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

from graphql import FieldNode, GraphQLBoolean, GraphQLEnumType, GraphQLInputType

from ..conf.settings import LimitSettings
from ..errors import InvalidInput
from ..schema.definition import Reference, Shape, TypeDef
from ..schema.filter_inputs import ORDER_DIRECTION, QUANTIFIERS
from ..schema.kinds import InputTypes, SchemaKind, kind_of
from .arguments import InputObject, Variables
from .budget import CONDITION, FIELD, RELATION, Budget
from .expressions import Piece
from .json_values import Marker
from .locations import Location
from .planned_viewer import Question
from .rules import Rules
from .source_values import Compared
from .tree import (
    WHOLE,
    All,
    Condition,
    Constant,
    FieldOperand,
    IsNot,
    Member,
    OnOne,
    Operand,
    OrderKey,
    Page,
    Path,
    Quantified,
    RowSet,
    Selection,
    Source,
    Step,
    Through,
)
from .value_filters import Subject, filter_of, sorted_by

__all__ = [
    "ColumnUsage",
    "FieldKind",
    "ReferenceKind",
    "SelectedField",
    "Together",
    "TreeBuilder",
    "TreeCompiler",
    "ValueKind",
    "Wrong",
    "kind_of",
]

F = TypeVar("F")
R = TypeVar("R", bound=Reference)


class TreeBuilder(Protocol):
    """The pass that builds trees, as kinds use it (see ``build``)."""

    schema: Any
    variables: Variables
    limits: LimitSettings
    rules: Rules
    budget: Budget
    chosen: Mapping[str, Any] | None

    def type(self, name: str) -> Shape:
        """Return the description of a type of rows, or of objects in JSON."""
        ...

    def selection(self, definition: Any, nodes: Sequence[FieldNode]) -> Selection:
        """Build what fields of one response key select of the objects behind them."""
        ...

    def arguments(self, owner: Any, nodes: Sequence[FieldNode]) -> dict[str, Any]:
        """Resolve the arguments of a field, by GraphQL name."""
        ...

    def rows(
        self, type_: TypeDef, source: Source, *, where: Condition | None = None, ordered: bool = False, order: Any = (),
        page: Page = WHOLE, distinct: Sequence[str] = (),
    ) -> RowSet:  # fmt: skip
        """Return rows of a type that the viewer can see."""
        ...

    def where(
        self, definition: Shape, given: Any, label: str = "where", *, steps: int = 0, negated: bool = False
    ) -> Condition | None:
        """Build the conditions on rows or objects of a type; None where there are none."""
        ...

    def order(self, definition: Shape, given: Any, label: str = "orderBy") -> tuple[OrderKey, ...]:
        """Build the terms of an ``orderBy`` list, without those that decide at last."""
        ...

    def order_operand(
        self, definition: Shape, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        """Return what one sort key sorts by, and its direction."""
        ...

    def page(self, limit: Any, offset: Any) -> Page:
        """Return the page of a list with these arguments."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectedField:
    """A selected field whose arguments decide what is read: a member has it in the place of its definition."""

    field: Any
    stored_as: ClassVar[str | None] = None

    @property
    def name(self) -> str:
        """The GraphQL name."""
        return str(self.field.name)

    @property
    def cost(self) -> float:
        """What the field costs."""
        return float(self.field.cost)

    @property
    def cache(self) -> Any:
        """How answers with the field may be kept."""
        return self.field.cache

    @property
    def nullable(self) -> bool:
        """Whether the field may be null."""
        return bool(self.field.nullable)


class Wrong:
    """Stands for a value that is not of its field's type."""


class Together(ABC):
    """Finishes parts of an answer in one call."""

    @abstractmethod
    def group(self, variables: Variables) -> Hashable:
        """Return what is equal for parts that can be finished in one call."""

    @abstractmethod
    def finish_all(self, values: Sequence[Any], variables: Variables) -> Sequence[Any]:
        """Return for each decoded JSON value what is written in its place: JSON text, None, an Exception, or Wrong."""


class TreeCompiler(Marker, Protocol):
    """The pass that compiles trees, as kinds use it (see ``compile``)."""

    types: Mapping[str, Shape]
    alias: str
    asked: dict[Question, Hashable]
    expected: int
    aggregates: bool

    def object(self, selection: Selection, here: Location) -> Any:
        """Write the object at a location."""
        ...

    def list(self, selection: Selection, around: Location) -> Any:
        """Write the items of the JSON array of a selection's rows, which may be related to a location around them."""
        ...

    def one(self, selection: Selection, around: Location, absent: str = "'null'") -> Any:
        """Write the only row of a selection; ``absent`` is SQL for the text where there is none."""
        ...

    def queryset(self, rows: RowSet, location: Location) -> Any:
        """Return the query of a row set; ``location`` is the one that its rows are related to, as the query sees it."""
        ...

    def existing(self, rows: RowSet, location: Location) -> Any:
        """Return a query with one row for each row of a row set, whichever columns it has."""
        ...

    def follow(self, step: Step, location: Location) -> Location:
        """Return the location behind a to-one field."""
        ...

    def condition(self, condition: Condition, location: Location) -> Any:
        """Return the ORM's form of a condition on the row or object at a location."""
        ...

    def expecting(self, rows: int) -> AbstractContextManager[None]:
        """Write what is written for so many rows, as far as that is known; 0 where it is not."""
        ...

    def within(self, nullable: Sequence[bool]) -> AbstractContextManager[None]:
        """Write at a place further in: ``nullable`` has an item for each key or index on the way there."""
        ...

    def calls(self, function: str, *, volatile: bool = True) -> None:
        """Note that the statement calls a function of the project's; whether it may be ``volatile``."""
        ...

    def mark_live(
        self,
        finish: Callable[[Any], Any] | Together,
        json: str,
        *,
        absent: str | None = None,
        failed: str | None = None,
    ) -> str:
        """Mark what an SQL template of JSON text writes as to be finished in Python, by itself or with others."""
        ...


class ColumnUsage(Protocol):
    """Which columns the schema reads, as kinds note it (see ``column_usage``)."""

    types: Mapping[str, TypeDef]

    def column(self, model: Any, name: str) -> None:
        """Note a column of a model's table, by the ORM's name."""
        ...

    def expression(self, model: Any, expression: Any) -> None:
        """Note what an ORM expression over a model reads."""
        ...

    def of_source(self, owner: TypeDef, name: str) -> None:
        """Note a column of a source."""
        ...

    def table(self, table: str, columns: Iterable[str]) -> None:
        """Note columns of a table by their names in the database."""
        ...


class FieldKind(SchemaKind[F]):
    """What the planner does with one kind of field.

    ``is_called`` says that a function in Python answers the field, before the statement is planned.
    """

    is_called = False

    def is_written(self, member: Member) -> bool:
        """Whether Python writes what such a function has returned."""
        return False

    # --- building ---

    def planning(self, field: F) -> int:
        """Return what planning a selection of the field is charged: a relation where it leads to objects."""
        return FIELD

    def member(self, build: TreeBuilder, owner: Any, field: F, nodes: Sequence[FieldNode]) -> Member | Constant:
        """Return what is read for the field, selected by these nodes; that the viewer may see it has been checked."""
        raise NotImplementedError

    def masked(self, field: F) -> str:
        """Return the JSON text that takes the place of the field for those who may not see it."""
        return "null"

    def hidden(self, build: TreeBuilder, owner: Any, field: F, nodes: Sequence[FieldNode]) -> Member | Constant:
        """Return what takes the place of the field, selected by these nodes, for those who may not see it."""
        return Constant(self.masked(field), field.cost)  # type: ignore[attr-defined]

    def condition(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        """Return a condition on the field; None where it holds for every row.

        ``steps`` counts the relations and combinations around it; ``negated`` says that an odd number of NOTs is among
        them, so that a condition that is unknown counts as true.
        """
        raise NotImplementedError

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        """Return what is sorted by, and the direction as it was given."""
        raise NotImplementedError

    def order_label(self, field: F) -> str:
        """Return what tells the field, where rows are sorted by it, from all others of its object."""
        return field.name  # type: ignore[attr-defined, no-any-return]

    def order_by_transform(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, path: Path, label: str
    ) -> tuple[Operand, Any]:
        """Return what a transform makes of the field's value to sort by, and the direction as it was given."""
        raise NotImplementedError

    # --- compiling ---

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        """Write the JSON text of the field, read from a location."""
        raise NotImplementedError

    def is_of_row(self, member: Member) -> bool:
        """Whether what is written follows from columns alone: those of the row, and of rows that to-one keys lead to.

        Then it can be written once for many rows that lead to the same one.
        """
        return False

    # --- what the schema reads ---

    def note_columns(self, usage: ColumnUsage, owner: Any, field: F) -> None:
        """Note which columns the field may read."""


class ValueKind(FieldKind[F]):
    """Fields that are compared, and perhaps sorted by.

    ``computed`` says that what is compared may be a query of its own, or fail for some rows.
    """

    computed = False

    def where_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        scalar = self.comparable(field)
        return None if scalar is None else inputs.value_filter(scalar, dimensions_of(field))

    def order_by_value(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        scalar = self.comparable(field)
        return None if scalar is None else inputs.value_order(scalar, dimensions_of(field))

    def order_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        return ORDER_DIRECTION if self.is_ordered(field) else None

    def is_ordered(self, field: F) -> bool:
        scalar = self.comparable(field)
        if scalar is None or dimensions_of(field):
            return False
        # booleans and choices are sorted, though they are not compared
        return scalar.ordered or isinstance(scalar.graphql, GraphQLEnumType) or scalar.graphql is GraphQLBoolean

    def member(self, build: TreeBuilder, owner: Any, field: F, nodes: Sequence[FieldNode]) -> Member:
        return Member(owner=owner, field=field)

    def condition(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        return filter_of(build, self.subject(build, owner, field), given, label, steps=steps, negated=negated)

    def subject(self, build: TreeBuilder, owner: Shape, field: F) -> Subject:
        """Return what filters and orders of the field are about."""
        scalar = self.comparable(field)
        assert scalar is not None
        return Subject(
            owner=owner, field=field, scalar=scalar, dimensions=dimensions_of(field),
            may_fail=self.may_fail(build, owner, field), costly=self.computed,
        )  # fmt: skip

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        build.budget.charge(RELATION if self.computed else CONDITION)
        return FieldOperand(owner, field, path), given.value

    def order_by_transform(
        self, build: TreeBuilder, owner: Shape, field: F, given: Any, path: Path, label: str
    ) -> tuple[Operand, Any]:
        return sorted_by(build, self.subject(build, owner, field), given, path, label)

    def may_fail(self, build: TreeBuilder, owner: Shape, field: F) -> bool:
        """Whether reading what is compared may be an error for some rows."""
        return self.computed

    def operand(self, compiler: TreeCompiler, owner: Shape, field: F, location: Location) -> Compared:
        """Return what conditions and orders compare: the value that clients see, so that null is null."""
        raise NotImplementedError


class ReferenceKind(FieldKind[R]):
    """Fields that lead to an object or to a list of objects."""

    def planning(self, field: R) -> int:
        return RELATION

    def masked(self, field: R) -> str:
        return "[]" if field.many else "null"

    def where_input(self, field: R, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.list_filter(field.target) if field.many else inputs.where[field.target]

    def order_input(self, field: R, inputs: InputTypes) -> GraphQLInputType | None:
        return None if field.many else inputs.order_by.get(field.target)

    def sorts_through(self, field: R) -> str | None:
        return None if field.many else field.target

    def condition(
        self, build: TreeBuilder, owner: Shape, field: R, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        target = build.type(field.target)
        build.rules.check_type(target)
        if not field.many:
            return self._on_one(build, owner, field, given, label, steps, negated)
        parts = [self._quantified(build, owner, field, name, item, f"{label}.{name}", steps) for name, item in given]
        found = tuple(part for part in parts if part is not None)
        return All(found) if found else None

    def _on_one(
        self, build: TreeBuilder, owner: Shape, field: R, given: Any, label: str, steps: int, negated: bool
    ) -> Condition | None:
        condition = self._inner(build, field, given, label, steps, negated)
        rows = self.rows(build, owner, field)
        if rows is not None:
            # EXISTS is never unknown: it must be true of what counts as true
            possible = IsNot(False, condition) if negated and condition and not condition.certain else condition
            rows = replace(rows, where=possible)
        return OnOne(owner=owner, field=field, condition=condition, rows=rows, unknown_counts=negated)

    def _quantified(
        self, build: TreeBuilder, owner: Shape, field: R, name: str, given: Any, label: str, steps: int
    ) -> Condition | None:
        if given is None:
            raise InvalidInput(f"{label} is null, which is no condition; leave it out.")
        quantifier = QUANTIFIERS[name]
        condition = self._inner(build, field, given, label, steps, negated=False)
        rows = self.rows(build, owner, field)
        if rows is not None:
            if quantifier.failing and condition is None:
                return None
            wanted = IsNot(True, condition) if quantifier.failing and condition else condition
            rows = replace(rows, where=wanted)
        exists, failing = quantifier.exists, quantifier.failing
        return Quantified(owner=owner, field=field, exists=exists, failing=failing, condition=condition, rows=rows)

    def _inner(
        self, build: TreeBuilder, field: R, given: InputObject, label: str, steps: int, negated: bool
    ) -> Condition | None:
        target = build.type(field.target)
        build.budget.charge(RELATION)
        with build.budget.deeper():
            condition = build.where(target, given, label, steps=steps + 1, negated=negated)
        if condition is not None and condition.may_fail and target.rows is not None:
            # the row rule stands before the condition once more
            build.budget.charge(RELATION)
        return condition

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: R, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        target = build.type(field.target)
        build.rules.check_type(target)
        build.budget.charge(RELATION)
        with build.budget.deeper():
            step = Step(owner, field, self.rows(build, owner, field))
            return build.order_operand(target, given, path.then(step), label, steps=steps + 1)

    def rows(self, build: TreeBuilder, owner: Shape, field: R) -> RowSet | None:
        """Return the rows that conditions and orders look behind the field.

        None where what is there is read with the row that has the field: from its JSON, or by a join.
        """
        raise NotImplementedError

    def inner(self, compiler: TreeCompiler, owner: Shape, field: R, location: Location) -> Location:
        """Return the location of the object behind a to-one field that is read with the row that has it."""
        raise NotImplementedError

    def present(self, compiler: TreeCompiler, owner: Shape, field: R, location: Location) -> Any:
        """Return the condition that there is such an object, which is true or false."""
        raise NotImplementedError

    def links(self, compiler: TreeCompiler, rows: RowSet, location: Location) -> Any:
        """Return a query with one row for each of the rows behind the field that does not read them; None for none."""
        return None

    def relate(self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location) -> Any:
        """Filter a queryset of the target's rows by the field, from a location as this queryset sees it."""
        raise NotImplementedError

    def quantified(self, compiler: TreeCompiler, condition: Quantified, location: Location) -> Any:
        """Compile a condition on the objects of a list in JSON."""
        raise NotImplementedError


def dimensions_of(field: Any) -> int:
    """Return how many lists are around a field's values."""
    return int(getattr(field, "dimensions", 0))
