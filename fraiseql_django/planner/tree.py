"""The query tree: what an operation reads, as frozen values of which no query has been made yet.

    Selection ── members ──> Constant             JSON text that is the same for every row
                             Member               a selected field; ``selections`` are of the objects that it leads to
    Selection ── rows ─────> RowSet               the rows that are the objects
    RowSet    ── where ────> Condition            Compare | OnItems | Between | All | AnyOf | Not | IsNot | OnOne |
                                                  Quantified | OnAggregate
              ── order ────> OrderKey …           the last ones tell all rows apart
              ── page ─────> Page

For ``{ books(where: {price: {gte: 10}}, limit: 5) { title reviews { stars } } }`` the tree is

    Selection(Query)
      books: Member(Query.books)
        Selection(Book, rows=RowSet(Book, AllRows, where=Compare(price, gte, …), order=(title, id), page=(5, …)))
          title: Member(Book.title)
          reviews: Member(Book.reviews)
            Selection(Review, rows=RowSet(Review, Through(Book.reviews), order=(created_at descending, id)))
              stars: Member(Review.stars)

It is built from the AST (``build``), what it may cost is a fold over it (``cost``), and it is compiled to ORM
expressions (``compile``) that become one statement (``statement``). What is particular to a kind of field stands in the
kind's module (``fraiseql_django.kinds``). Trees share what is selected twice, so they are compared by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from django.db.models import Q

from ..schema.definition import Branch, Reference, Shape, TypeDef
from ..schema.operators import Operator, Result, Transform
from .arguments import Leaf

# --- orders and pages ---


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A to-one field and the type that has it.

    ``rows`` are those that the field leads to; None where they are read with the row that has it.
    """

    owner: Shape
    field: Reference
    rows: RowSet | None


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The to-one fields that are followed from the row that is sorted."""

    steps: tuple[Step, ...] = ()

    def then(self, step: Step) -> Path:
        """Return the path with one more step at its end."""
        return Path((*self.steps, step))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Applied:
    """A transform with its arguments, and the result that is taken of it; ``label`` names it in errors."""

    transform: Transform
    result: Result
    arguments: Mapping[str, Leaf]
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class OfItem:
    """The item of an array, whose conditions are looked at one by one; a transform that is none of the column."""


Transforms: TypeAlias = "tuple[Applied | OfItem, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class FieldOperand:
    """The value of a field at the end of a path, or what transforms make of it."""

    owner: Shape
    field: Any
    path: Path = field(default_factory=Path)
    transforms: Transforms = ()


@dataclass(frozen=True, slots=True, eq=False)
class ColumnOperand:
    """A column of the model, by the ORM's name; that of a relation stands for the order of the model behind it."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionOperand:
    """An ORM expression of the project's: of ``Meta.ordering``, or of a manager."""

    expression: Any


@dataclass(frozen=True, slots=True, eq=False)
class WholeRow:
    """All that a row of a source holds, where it has no key."""


@dataclass(frozen=True, slots=True, eq=False)
class AtRandom:
    """No value: rows in another order each time."""


Operand: TypeAlias = AtRandom | FieldOperand | ColumnOperand | ExpressionOperand | WholeRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderKey:
    """One term of an order; ``nulls_first`` is None where PostgreSQL's default holds (nulls are largest)."""

    operand: Operand
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boundary:
    """The row that a cursor was made for, by which a page is bounded; ``inclusive``: it is a part of the page itself.

    ``label`` names the argument in errors.
    """

    cursor: Leaf
    label: str
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """LIMIT and OFFSET: an argument, a number of the settings, or None for none; ``maximum`` is that of ``limit``.

    ``keyed`` says that it is a page of a connection, which the rows ``after`` and ``before`` bound. Then one row more
    than ``limit`` is read, which tells whether there are others; and with ``backward`` the rows come in the opposite
    order, so that they are the last ones. ``label`` names the argument of the limit in errors.
    """

    limit: Leaf | int | None = None
    offset: Leaf | None = None
    maximum: int | None = None
    label: str = "limit"
    keyed: bool = False
    after: Boundary | None = None
    before: Boundary | None = None
    backward: bool = False

    @property
    def is_part(self) -> bool:
        """Whether rows may be left out."""
        return self.limit is not None or self.offset is not None or self.keyed


WHOLE = Page()


# --- rows ---


@dataclass(frozen=True, slots=True, eq=False)
class AllRows:
    """All rows of the type, as its model's default manager selects them."""


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """The rows that a relation leads to from the row or object that has it."""

    owner: Shape
    field: Reference


@dataclass(frozen=True, slots=True, eq=False)
class WithKeys:
    """The rows with keys that are known at execution: what a mutation has returned, or those with global ids.

    ``listed`` says that they are among those that lists have, which the default manager selects.
    """

    listed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """The rows that a query of the project's, or a function of PostgreSQL, has; ``order`` is their own.

    ``start`` makes the query that they are read by; None while it is not known yet.
    """

    start: Callable[[str], Any] | None
    order: tuple[OrderKey, ...] = ()


Source: TypeAlias = AllRows | Through | WithKeys | Given


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowSet:
    """Rows of a type, whatever is written of them: the only way to read rows.

    ``rule`` is the row rule's condition for the viewer: True for every row, False for none; ``shows_all`` says that
    neither a rule nor a policy of row security may hide rows. Of several rows that are equal in the columns
    ``distinct`` only the first is read; these columns are the first of the order. An order is total:
    its last keys tell all rows apart; it is empty where one row at most is read, none of the rows' values, or
    all rows in no order of anybody's. ``shown`` leaves of the rows of an interface those that are shown as one of its
    types; None for all.
    """

    type: TypeDef
    source: Source
    rule: Q | bool
    where: Condition | None = None
    order: tuple[OrderKey, ...] = ()
    page: Page = WHOLE
    shows_all: bool = False
    distinct: tuple[str, ...] = ()
    shown: Shown | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Which rows of an interface are shown, by the branch that a row is of: all, none, or those that are among others.

    These others are rows of the branch's type, of which there is one at most for each row of the interface.
    """

    owner: Shape
    branches: tuple[tuple[Branch, RowSet | bool], ...]


# --- conditions ---


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compare:
    """A value compared by an operator; ``operand`` is None for null, ``label`` names the condition in errors.

    What is compared is the field's value, or what ``transforms`` make of it, one after the other. The operand of an
    operator that takes an object has the arguments by name.

    ``unknown_counts`` says that the condition stands where one that is unknown counts as true, which is in a NOT.

    Every condition has ``strict``: whether it is true of no row all of whose values are null, ``may_fail``: whether
    evaluating it may be an error for some rows, by a cast, an expression or a regular expression, and ``certain``:
    whether it is always true or false.
    """

    owner: Shape
    field: Any
    operator: Operator
    operand: Leaf | Mapping[str, Leaf | None] | None
    label: str
    may_fail: bool
    unknown_counts: bool = False
    transforms: Transforms = ()

    @property
    def strict(self) -> bool:
        """Whether the condition is true of no row all of whose values are null."""
        return self.operator.is_strict(self.operand)

    @property
    def certain(self) -> bool:
        """Whether the operator tests for null."""
        return self.operator.is_certain(self.operand)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnItems:
    """Whether a condition is true of an item of an array (``exists``), or of all; unknown where there is no array."""

    owner: Shape
    field: Any
    exists: bool
    condition: Condition | None
    transforms: Transforms
    may_fail: bool
    strict: ClassVar[bool] = True
    certain: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Between:
    """Two fields of one row compared by an operator."""

    owner: Shape
    left: Any
    right: Any
    operator: Operator
    may_fail: bool
    strict: ClassVar[bool] = True
    certain: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class All:
    """All of several conditions."""

    parts: tuple[Condition, ...]

    @property
    def strict(self) -> bool:
        """Whether one of the conditions is."""
        return any(part.strict for part in self.parts)

    @property
    def certain(self) -> bool:
        """Whether all of the conditions are."""
        return all(part.certain for part in self.parts)

    @property
    def may_fail(self) -> bool:
        """Whether one of the conditions may fail."""
        return any(part.may_fail for part in self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class Has(All):
    """Whether relations lead to something, or to nothing, where the client asks just that."""


@dataclass(frozen=True, slots=True, eq=False)
class Implied(All):
    """What must hold beside the conditions of the client for these to be about the rows that they are written for."""


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    """At least one of several conditions; none is true of no row."""

    parts: tuple[Condition, ...]

    @property
    def strict(self) -> bool:
        """Whether all of the conditions are."""
        return all(part.strict for part in self.parts)

    @property
    def certain(self) -> bool:
        """Whether all of the conditions are."""
        return all(part.certain for part in self.parts)

    @property
    def may_fail(self) -> bool:
        """Whether one of the conditions may fail."""
        return any(part.may_fail for part in self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """Negation with SQL's three truth values."""

    part: Condition
    strict: ClassVar[bool] = False

    @property
    def certain(self) -> bool:
        """Whether the negated condition is."""
        return self.part.certain

    @property
    def may_fail(self) -> bool:
        """Whether the negated condition may fail."""
        return self.part.may_fail


@dataclass(frozen=True, slots=True, eq=False)
class IsNot:
    """Whether a condition has not this truth value: is false or unknown, or is true or unknown."""

    value: bool
    part: Condition
    strict: ClassVar[bool] = False
    certain: ClassVar[bool] = True

    @property
    def may_fail(self) -> bool:
        """Whether the condition may fail."""
        return self.part.may_fail


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnOne:
    """Whether there is a row or object that a to-one field leads to, for which a condition holds; None for any.

    ``rows`` are those that the field leads to, which have the condition: one must exist. It is None where what is there
    is read with the row that has the field. ``unknown_counts`` says that the condition stands where one that is unknown
    counts as true, which is in a NOT; where nothing is there, it is false all the same.
    """

    owner: Shape
    field: Reference
    condition: Condition | None
    rows: RowSet | None
    unknown_counts: bool
    strict: ClassVar[bool] = True

    @property
    def certain(self) -> bool:
        """Whether rows must exist, or the condition is certain."""
        return self.rows is not None or self.condition is None or self.condition.certain

    @property
    def may_fail(self) -> bool:
        """Whether the condition behind the field may fail."""
        return self.condition is not None and self.condition.may_fail


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantified:
    """Whether there is (``exists``) or is no item of a list for which a condition holds, or does not (``failing``).

    ``condition`` is None where it holds for every object. The items are ``rows``, which have the condition as it is
    looked for, or those of a list in JSON where that is None: for one that is no object, no condition holds.
    """

    owner: Shape
    field: Reference
    exists: bool
    failing: bool
    condition: Condition | None
    rows: RowSet | None
    certain: ClassVar[bool] = True

    @property
    def strict(self) -> bool:
        """Whether an item must exist."""
        return self.exists

    @property
    def may_fail(self) -> bool:
        """Whether the condition on the items may fail."""
        return self.condition is not None and self.condition.may_fail


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnAggregate:
    """Whether a condition holds for aggregates of ``rows``, which may be none: of no rows the count is 0.

    It is true or false: ``condition`` is such that it may be taken for false where it is unknown.
    """

    rows: RowSet
    condition: Condition
    strict: ClassVar[bool] = False
    certain: ClassVar[bool] = True

    @property
    def may_fail(self) -> bool:
        """Whether the aggregates may fail, or the condition on the rows."""
        return self.condition.may_fail or (self.rows.where is not None and self.rows.where.may_fail)


Condition: TypeAlias = Compare | OnItems | Between | All | AnyOf | Not | IsNot | OnOne | Quantified | OnAggregate
NOTHING = AnyOf(())


# --- selections ---

# How often what a field leads to is repeated: a number, or a ``limit`` that variables may decide
Repeat: TypeAlias = int | Leaf


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """JSON text that does not depend on the database: ``__typename``, or what stands for a masked field."""

    text: str
    cost: float = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """A selected field.

    ``selections`` are what is selected of the objects that it leads to: one for each type that they may have. ``rows``
    are read for the field's own value, or are those that a mutation writes. Each of ``repeats`` multiplies what the
    objects cost. ``written`` counts the objects that a mutation writes, each of which costs as much as the field.
    ``aliased`` says that the client has named it. ``reads`` is what rows cost that are read for the field and not
    written.
    """

    owner: Any
    field: Any
    rows: RowSet | None = None
    repeats: tuple[Repeat, ...] = ()
    selections: tuple[Selection, ...] = ()
    written: Callable[[Mapping[str, Any]], int] | None = None
    aliased: bool = False
    reads: float = 0

    @property
    def cost(self) -> float:
        """What the field itself costs, with what it reads; a field with an alias costs at least 1."""
        cost: float = self.field.cost
        return (max(cost, 1) if self.aliased else cost) + self.reads


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is selected of objects of one type, by response key in the order of the answer.

    ``definition`` is a TypeDef, a Shape or a class of objects; ``rows`` are the objects, None where they are read from
    what is around them. ``row_cost`` is what each object costs beside its fields. Of an abstract type, there is a
    selection for each type that an object may have instead of members, with the branch that leads to it.
    """

    definition: Any
    members: tuple[tuple[str, Member | Constant], ...]
    row_cost: float = 0
    rows: RowSet | None = None
    branches: tuple[tuple[Branch, Selection], ...] = ()

    def __iter__(self) -> Iterator[tuple[str, Member | Constant]]:
        return iter(self.members)
