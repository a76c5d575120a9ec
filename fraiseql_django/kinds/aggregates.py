"""Aggregates of the rows of a list: a field beside the list, conditions on lists by them, and orders by them.

``booksAggregate(where: …) { count avg { price } }`` reads the rows that the list would have without a page, under the
same row rule, permission and mask, by one subquery in the same statement. Where rows are filtered or sorted by
aggregates of their own lists, each condition or order is a subquery as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db.models import Q
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLString,
)

from ..errors import InvalidInput
from ..planner.aggregation import ROWS, Gathered, one_object, one_value
from ..planner.arguments import Leaf
from ..planner.budget import CONDITION, RELATION
from ..planner.expressions import SQL, Name, Param, Piece, bind, condition
from ..planner.json_values import Stored, leaf
from ..planner.kinds import FieldKind, ReferenceKind, TreeBuilder, TreeCompiler, ValueKind, kind_of
from ..planner.locations import JSONObject, Local, Location, SubqueryRow
from ..planner.ordering import compared_by, key_columns, label_of, value_of
from ..planner.row_sets import page_params
from ..planner.source_values import Compared
from ..planner.tree import (
    Condition,
    Constant,
    FieldOperand,
    IsNot,
    Member,
    OnAggregate,
    OnOne,
    Operand,
    Path,
    RowSet,
    Selection,
    Step,
)
from ..schema.aggregates import (
    Aggregate,
    Aggregated,
    AggregatedOne,
    Total,
    Values,
    aggregate_name,
    aggregate_shape,
    values_shape,
)
from ..schema.definition import FieldDef, Related, Shape, TypeDef
from ..schema.kinds import Derivation, InputTypes, ListForm, OutputTypes, list_form, register
from ..schema.operators import Comparable
from ..schema.scalars.encoding import encode_text
from ..schema.scalars.postgres import Scalar
from .rows import LIMIT, ORDER_BY, WHERE, where, where_argument

F = TypeVar("F", bound=FieldDef)
DISTINCT, SEPARATOR = "distinct", "separator"
# what stands for one of the values that a function lists
_ONE_VALUE = Selection(None, (), 1)


# --- rows of a list, counted or aggregated -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRow(FieldDef):
    """One aggregate of the rows of a list, as a value of the row that has the list: what rows are sorted by."""

    rows: RowSet
    operand: FieldOperand


def rows_of(build: TreeBuilder, owner: Any, of: Related, condition: Condition | None = None) -> RowSet:
    """Return the rows of a list, of which none is written."""
    target = build.type(of.target)
    assert isinstance(target, TypeDef)
    return build.rows(target, kind_of(of).source(owner, of), where=condition)


def reading(build: TreeBuilder, target: Any) -> float:
    """Return what it costs to read rows of a type of which none is written: as much as an assumed list of them."""
    return build.limits.assumed_rows * max(1, float(target.row_cost))


def condition_on(
    build: TreeBuilder, owner: Shape, of: Related, make: Callable[[], Condition | None], *, narrowing: Any = None,
    label: str, steps: int, negated: bool,
) -> Condition | None:  # fmt: skip
    """Build a condition on aggregates of a list's rows, which ``make`` makes; ``narrowing`` is one on the rows."""
    target = build.type(of.target)
    build.rules.check_type(target)
    build.budget.charge(RELATION)
    with build.budget.deeper():
        inner = None if narrowing is None else build.where(target, narrowing, label, steps=steps + 1)
        found = make()
    rows = rows_of(build, owner, of, inner)
    if found is None:
        return None
    # EXISTS is never unknown: it must be true of what counts as true
    return OnAggregate(rows=rows, condition=IsNot(False, found) if negated and not found.certain else found)


def operand_on(
    build: TreeBuilder, owner: Shape, field: Any, make: Callable[[], tuple[Operand, Any]], path: Path
) -> tuple[Operand, Any]:
    """Return what rows are sorted by that are sorted by an aggregate of a list, and the direction, as ``make`` does."""
    build.rules.check_type(build.type(field.of.target))
    build.budget.charge(RELATION)
    with build.budget.deeper():
        operand, direction = make()
        rows = rows_of(build, owner, field.of)
    assert isinstance(operand, FieldOperand)
    return FieldOperand(owner, OfRow(name=field.name, rows=rows, operand=operand), path), direction


class OfRowKind(FieldKind[OfRow]):
    """Aggregates that rows are sorted by."""

    def order_label(self, field: OfRow) -> str:
        return f"{field.name}.{label_of(field.operand)}"

    def operand(self, compiler: TreeCompiler, owner: Shape, field: OfRow, location: Location) -> Compared:
        known: list[Compared] = []

        def value(here: Local) -> Any:
            def found(gathered: Any) -> Any:
                known.append(compared_by(compiler, field.operand, gathered))
                return known[-1].value

            made = one_value(compiler, field.rows, found, here)
            there = _is_there(owner, here)
            return made if there is None else SQL("CASE WHEN {0} THEN {1} END", there, made)

        made = location.value(value)
        return Compared(value=made, scalar=known[0].scalar, cast=known[0].cast)


def _is_there(owner: Shape, here: Local) -> Any:
    """Return the condition that there is a row or object; None where it is a row of the query itself.

    No rows lead from a missing one, but of those the count would be 0, and not null.
    """
    if isinstance(here, JSONObject):
        return SQL("(jsonb_typeof({0}) = 'object')", here.json())
    if not here.prefix:
        return None
    assert isinstance(owner, TypeDef)
    return SQL("({0} IS NOT NULL)", here.column(key_columns(owner.model)[0]))


# --- the object of aggregates ------------------------------------------------------------------


class AggregateKind(FieldKind[Aggregate]):
    """Aggregates of lists."""

    def output(self, field: Aggregate, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(types.object(aggregate_name(field.of.target)))

    def shapes(self, field: Aggregate, derive: Derivation) -> Iterable[Shape]:
        return [aggregate_shape(field.of.target, derive)]

    def arguments(self, field: Aggregate, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return where_argument(field.of.target, types)

    def where_input(self, field: Aggregate, inputs: InputTypes) -> GraphQLInputType:
        target = field.of.target
        shape = inputs.where[aggregate_name(target)]

        def fields() -> dict[str, GraphQLInputField]:
            narrowing = GraphQLInputField(inputs.where[target], description="Of which rows; of all by default.")
            return {WHERE: narrowing, **shape.fields}  # type: ignore[union-attr]

        return inputs.derived(
            GraphQLInputObjectType(
                f"{target}AggregateFilter",
                fields,
                description=f"Conditions on aggregates of a list of {target}; all must hold.",
                extensions={"conditions": True},
            )
        )

    def order_input(self, field: Aggregate, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.order_by.get(aggregate_name(field.of.target))

    def sorts_through(self, field: Aggregate) -> str | None:
        return aggregate_name(field.of.target)

    def planning(self, field: Aggregate) -> int:
        return RELATION

    def member(self, build: TreeBuilder, owner: Any, field: Aggregate, nodes: Sequence[FieldNode]) -> Member:
        target = build.type(field.of.target)
        if not build.rules.may_read(target):
            return self.hidden(build, owner, field, nodes)
        found = where(build, target, build.arguments(owner, nodes))  # type: ignore[arg-type]
        return self._member(build, owner, field, nodes, rows_of(build, owner, field.of, found))

    def hidden(self, build: TreeBuilder, owner: Any, field: Aggregate, nodes: Sequence[FieldNode]) -> Member:
        # what there is of the masked list, which has no rows
        target = build.type(field.of.target)
        assert isinstance(target, TypeDef)
        rows = RowSet(type=target, source=kind_of(field.of).source(owner, field.of), rule=False)
        return self._member(build, owner, field, nodes, rows)

    def _member(
        self, build: TreeBuilder, owner: Any, field: Aggregate, nodes: Sequence[FieldNode], rows: RowSet
    ) -> Member:
        selection = build.selection(build.type(aggregate_name(field.of.target)), nodes)
        read = reading(build, rows.type)
        return Member(owner=owner, field=field, rows=rows, selections=(selection,), reads=read)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,) = member.selections
        assert member.rows is not None
        made: list[Any] = []

        def text(gathered: Any) -> Any:
            made.append(compiler.object(selection, gathered))
            return made[-1]

        found = one_object(compiler, member.rows, text, here)
        return list(made) if found is None else [found]

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Aggregate, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        shape, members = build.type(aggregate_name(field.of.target)), list(given)
        narrowing = [value for name, value in members if name == WHERE]
        if None in narrowing:
            raise InvalidInput(f"{label}.{WHERE} is null, which is no condition; leave it out.")
        others = [item for item in members if item[0] != WHERE]
        return condition_on(
            build, owner, field.of,
            lambda: build.where(shape, others, label, steps=steps + 1, negated=negated),
            narrowing=narrowing[0] if narrowing else None, label=f"{label}.{WHERE}", steps=steps, negated=negated,
        )  # fmt: skip

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: Aggregate, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        shape = build.type(aggregate_name(field.of.target))
        return operand_on(
            build, owner, field, lambda: build.order_operand(shape, given, Path(), label, steps=steps + 1), path
        )


# --- what is in it -----------------------------------------------------------------------------


class TotalKind(ValueKind[Total]):
    """Numbers of rows."""

    def output(self, field: Total, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(field.scalar.graphql)

    def comparable(self, field: Total) -> Comparable:
        return field.scalar

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        stored = Stored(value=here.aggregation.value(SQL("count(*)")), base="bigint", present=True)
        return leaf(compiler, f"{member.owner.name}.{member.field.name}", member.field, stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Total, location: Any) -> Compared:
        value = location.aggregation.value(SQL("count(*)"))
        return Compared(value=value, scalar=field.scalar, cast=field.scalar.cast)


class ValuesKind(FieldKind[Values]):
    """Objects with what one function makes of each field."""

    def output(self, field: Values, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(types.object(field.target))

    def shapes(self, field: Values, derive: Derivation) -> Iterable[Shape]:
        return [values_shape(field.of, field.function, derive)]

    def where_input(self, field: Values, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.where[field.target] if field.function.compared else None

    def order_input(self, field: Values, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.order_by.get(field.target) if field.function.compared else None

    def sorts_through(self, field: Values) -> str | None:
        return field.target if field.function.compared else None

    def member(self, build: TreeBuilder, owner: Any, field: Values, nodes: Sequence[FieldNode]) -> Member:
        selection = build.selection(build.type(field.target), nodes)
        return Member(owner=owner, field=field, selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        (selection,) = member.selections
        return [compiler.object(selection, here)]

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Values, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        return build.where(build.type(field.target), given, label, steps=steps + 1, negated=negated)

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: Values, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        return build.order_operand(build.type(field.target), given, path, label, steps=steps + 1)


class AggregatedOneKind(FieldKind[AggregatedOne]):
    """What a function makes of fields behind a to-one field."""

    def output(self, field: AggregatedOne, types: OutputTypes) -> GraphQLOutputType:
        # null for those who may not read the other type
        return types.object(field.target)  # type: ignore[no-any-return]

    def shapes(self, field: AggregatedOne, derive: Derivation) -> Iterable[Shape]:
        return [values_shape(field.of.target, field.function, derive)]

    def where_input(self, field: AggregatedOne, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.where[field.target]

    def order_input(self, field: AggregatedOne, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.order_by.get(field.target)

    def sorts_through(self, field: AggregatedOne) -> str | None:
        return field.target

    def planning(self, field: AggregatedOne) -> int:
        return RELATION

    def member(
        self, build: TreeBuilder, owner: Any, field: AggregatedOne, nodes: Sequence[FieldNode]
    ) -> Member | Constant:
        if not build.rules.may_read(build.type(field.of.target)):
            return Constant(self.masked(field), field.cost)
        selection = build.selection(build.type(field.target), nodes)
        return Member(owner=owner, field=bound_to_rows(build, field), selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        (selection,) = member.selections
        there: Any = self.inner(compiler, member.owner, member.field, here)
        return [compiler.object(selection, there)]

    def condition(
        self, build: TreeBuilder, owner: Shape, field: AggregatedOne, given: Any, label: str, *,
        steps: int, negated: bool,
    ) -> Condition | None:  # fmt: skip
        build.rules.check_type(build.type(field.of.target))
        build.budget.charge(RELATION)
        with build.budget.deeper():
            inner = build.where(build.type(field.target), given, label, steps=steps + 1, negated=negated)
        bound: Any = bound_to_rows(build, field)
        if inner is None:
            return None
        return OnOne(owner=owner, field=bound, condition=inner, rows=None, unknown_counts=negated)

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: AggregatedOne, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        build.rules.check_type(build.type(field.of.target))
        build.budget.charge(RELATION)
        with build.budget.deeper():
            bound: Any = bound_to_rows(build, field)
            step = Step(owner, bound, None)
            return build.order_operand(build.type(field.target), given, path.then(step), label, steps=steps + 1)

    def inner(self, compiler: TreeCompiler, owner: Shape, field: AggregatedOne, location: Any) -> Any:
        """Return the location of what is behind the field, for each of the rows."""
        return location.behind(compiler, step_of(compiler, field))

    def present(self, compiler: TreeCompiler, owner: Shape, field: AggregatedOne, location: Any) -> Q:
        """Return the condition that there are aggregates, which there always are."""
        return condition("TRUE")


def bound_to_rows(build: TreeBuilder, field: Any) -> Any:
    """Return a to-one field with the rows that it leads to."""
    kind: ReferenceKind[Any] = kind_of(field.of)
    return replace(field, rows=kind.rows(build, build.type(field.owner), field.of))


def step_of(compiler: TreeCompiler, field: Any) -> Step:
    """Return the step that a to-one field with its rows is."""
    return Step(compiler.types[field.owner], field.of, field.rows)


class AggregatedKind(ValueKind[Aggregated]):
    """What a function makes of the values of one field."""

    def output(self, field: Aggregated, types: OutputTypes) -> GraphQLOutputType:
        graphql: Any = field.scalar.graphql
        if field.dimensions:
            graphql = GraphQLList(GraphQLNonNull(graphql))
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def arguments(self, field: Aggregated, types: OutputTypes) -> dict[str, GraphQLArgument]:
        if not field.function.lists:
            return {}
        found: dict[str, GraphQLArgument] = {}
        if field.owner in types.inputs.order_by:
            found[ORDER_BY] = GraphQLArgument(
                GraphQLList(GraphQLNonNull(types.inputs.order_by[field.owner])),
                description="What to sort the values by, most important first; the value itself decides last.",
            )
        found[DISTINCT] = GraphQLArgument(
            GraphQLBoolean, default_value=False, description="Each value once, sorted by itself."
        )
        found[LIMIT] = GraphQLArgument(GraphQLInt, description="How many values at most.")
        if not field.dimensions:
            found[SEPARATOR] = GraphQLArgument(
                GraphQLString, default_value=", ", description="What stands between two texts."
            )
        return found

    def order_label(self, field: Aggregated) -> str:
        return f"{field.function.name}({field.name})"

    def comparable(self, field: Aggregated) -> Comparable | None:
        return field.scalar if field.function.compared else None

    def member(self, build: TreeBuilder, owner: Any, field: Aggregated, nodes: Sequence[FieldNode]) -> Member:
        build.budget.charge(RELATION if getattr(kind_of(field.of), "computed", False) else CONDITION)
        if not field.function.lists:
            return Member(owner=owner, field=field)
        given = build.arguments(owner, nodes)
        page = build.page(given.get(LIMIT), None)
        distinct, terms = given.get(DISTINCT), given.get(ORDER_BY)
        is_distinct = distinct is not None and bool(distinct.value)
        if is_distinct and terms is not None:
            raise InvalidInput(
                f"{field.name} has {DISTINCT} and {ORDER_BY}, but different values are sorted by themselves; "
                f"leave one of them out."
            )
        with build.budget.deeper():
            order = () if terms is None else build.order(build.type(field.owner), terms)
        bound = replace(field, order=order, page=page, separator=given.get(SEPARATOR), distinct=is_distinct)
        limit = page.limit
        values = build.limits.assumed_rows if limit is None else limit
        # each value costs as much as in a list
        return Member(owner=owner, field=bound, repeats=(values,), selections=(_ONE_VALUE,))

    def may_fail(self, build: TreeBuilder, owner: Shape, field: Aggregated) -> bool:
        # sums may be out of range
        return not field.function.counts

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        field: Aggregated = member.field
        value, scalar = self._value(compiler, field, here)
        stored = Stored(value=value, present=field.function.counts)
        return leaf(compiler, f"{member.owner.name}.{field.name}", replace(field, scalar=scalar), stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Aggregated, location: Any) -> Compared:
        value, scalar = self._value(compiler, field, location)
        return Compared(value=value, scalar=scalar, cast=scalar.cast)

    def _value(self, compiler: TreeCompiler, field: Aggregated, here: Gathered) -> tuple[Name, Scalar]:
        compiler.aggregates = True
        compared = operand_of(compiler, field, here)
        name = here.aggregation.operand(compared.value, compared.cast, (id(field.of), here.inner))
        column, scalar = f"{ROWS}.{name}", field.scalar
        if field.function.keeps and not field.function.lists:
            scalar = written_as(field.of, compared)
        sql = field.function.sql_for(scalar, compared.cast).replace("{0}", column)
        if not field.function.lists:
            return here.aggregation.value(SQL(sql)), scalar
        return here.aggregation.value(_listed(compiler, field, here, column, sql)), scalar


def operand_of(compiler: TreeCompiler, field: Any, here: Gathered) -> Compared:
    """Return the value of the field that an aggregated field or a key is of, for each of the rows."""
    found: Compared = kind_of(field.of).operand(compiler, compiler.types[field.owner], field.of, here.inner)
    if not isinstance(here.inner, SubqueryRow):
        return found
    # where the viewer can see no row at all, what is behind a to-one field is a null of no type
    return replace(found, value=SQL(f"({{0}})::{found.cast}", found.value))


def written_as(field: Any, compared: Compared) -> Scalar:
    """Return how a value is written that is compared as it is stored, or as the field's type."""
    scalar: Scalar = field.scalar
    is_stored = isinstance(compared.scalar, Scalar) and compared.scalar.column == scalar.column
    return compared.scalar if is_stored else scalar  # type: ignore[return-value]


def _listed(compiler: TreeCompiler, field: Aggregated, here: Gathered, column: str, sql: str) -> SQL:
    """Return the aggregate expression of the values of a field in an order, with a limit."""
    terms = []
    for key in field.order:
        name = here.aggregation.operand(value_of(compiler, key.operand, here.inner), "text")
        nulls = "" if key.nulls_first is None else f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
        terms.append(f"{ROWS}.{name}{' DESC' if key.descending else ''}{nulls}")
    order = ", ".join([*terms, column])
    distinct = "DISTINCT " if field.distinct else ""
    values = f"(array_agg({distinct}{column} ORDER BY {order}) FILTER (WHERE {column} IS NOT NULL))"
    named: dict[str, Any] = {}
    limit, _ = page_params(field.page)
    if limit is not None:
        values += "[1:{limit}::integer]"
        named["limit"] = limit
    if not field.dimensions:
        named["separator"] = _separator(field.separator)
    return SQL(sql.replace("{values}", values), **named)


def _separator(given: Leaf | None) -> Any:
    return SQL("', '") if given is None else Param(bind(given, encode_text, SEPARATOR), "text")


register(OfRow, OfRowKind())
register(Aggregate, AggregateKind())
register(Total, TotalKind())
register(Values, ValuesKind())
register(AggregatedOne, AggregatedOneKind())
register(Aggregated, AggregatedKind())


def aggregated(field: Related, name: str) -> Aggregate:
    """Return the aggregates of a list."""
    return Aggregate(
        name=name,
        description=f"What functions make of all {field.target} rows; with `where`, of those that match.",
        deprecation=field.deprecation,
        permission=field.permission,
        mask=field.mask,
        cost=field.cost,
        of=field,
    )


list_form("aggregate", ListForm(suffix="Aggregate", make=aggregated))
