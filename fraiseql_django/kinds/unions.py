"""The rows of all types of a union, or of an interface over no model, in one list; and how many they are.

Each type has a query of its own, under its own row rule. They are joined by UNION ALL, and sorted and cut as one list:

    SELECT json FROM ((SELECT json, 0, price, key FROM book … ORDER BY price, key LIMIT 5)
                      UNION ALL (SELECT json, 1, price, key FROM magazine … LIMIT 5)) ORDER BY price, place, key LIMIT 5

An order is by fields that all of the types have; types in the order of their declaration and keys decide at last. No
query reads more rows than the page ends with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Func, JSONField, QuerySet, TextField
from django.db.models.expressions import OrderBy
from graphql import FieldNode, GraphQLArgument, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLOutputType

from .._django import free_name
from ..declare.sources import ANCHOR
from ..planner.budget import RELATION
from ..planner.expressions import SQL, Param, Piece, Rows
from ..planner.kinds import FieldKind, ReferenceKind, TreeBuilder, TreeCompiler, ValueKind, kind_of
from ..planner.locations import ROW, Location, RowText
from ..planner.ordering import key_columns, value_of
from ..planner.row_sets import page_params
from ..planner.source_values import WHOLE, Compared, object_of_row
from ..planner.tree import (
    NOTHING,
    AllRows,
    Condition,
    Constant,
    FieldOperand,
    Member,
    OrderKey,
    Repeat,
    RowSet,
    Selection,
)
from ..schema.definition import Branch, FieldDef, Shape, TypeDef, TypeOf, UnionCount, UnionRows
from ..schema.kinds import OutputTypes, register
from ..schema.operators import Comparable
from .branches import BranchKind
from .counts import RowCount
from .rows import LIMIT, OFFSET, ORDER_BY, WHERE, list_arguments, repeat, where_argument


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnType(TypeOf):
    """The type of rows that are all of the type ``type_name``."""

    type_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBranch(Branch):
    """A branch in a condition on rows that are all of one type: of the branch where ``fits``."""

    fits: bool


class OwnTypeKind(ValueKind[OwnType]):
    """The type of rows whose type is known."""

    def comparable(self, field: OwnType) -> Comparable | None:
        return field.scalar

    def operand(self, compiler: TreeCompiler, owner: Shape, field: OwnType, location: Location) -> Compared:
        return Compared(value=SQL(f"'{field.type_name}'::text"), scalar=field.scalar, cast="text")


class OwnBranchKind(BranchKind):
    """Branches of rows whose type is known."""

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Any, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        target = build.type(field.target)
        build.rules.check_type(target)
        found = self._inner(build, field, given, label, steps, negated)
        return found if field.fits else NOTHING


class UnionRowsKind(ReferenceKind[UnionRows]):
    """Lists of the rows of several types."""

    def output(self, field: UnionRows, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(GraphQLList(GraphQLNonNull(types.object(field.target))))

    def arguments(self, field: UnionRows, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return list_arguments(field.target, types)

    def member(self, build: TreeBuilder, owner: Any, field: UnionRows, nodes: Sequence[FieldNode]) -> Member | Constant:
        shape = build.type(field.target)
        if not build.rules.may_read(shape):
            return Constant(self.masked(field), field.cost)
        arguments = build.arguments(owner, nodes)
        page = build.page(arguments.get(LIMIT), arguments.get(OFFSET))
        found = build.selection(shape, nodes)
        branches = []
        for branch, selection in found.branches:
            rows = rows_of(build, shape, branch, arguments, ordered=True)
            branches.append((branch, replace(selection, rows=replace(rows, page=page))))
        selection = replace(found, branches=tuple(branches))
        repeats: list[Repeat] = [repeat(build, inner.rows) for _, inner in branches[:1] if inner.rows is not None]
        if page.limit is None:
            # so many rows of each type
            repeats.append(len(branches))
        return Member(owner=owner, field=field, repeats=tuple(repeats), selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,) = member.selections
        lists = [_Part.of(compiler, inner, place) for place, (_, inner) in enumerate(selection.branches)]
        lost = compiler.mark(f"a {member.field.target} cannot be written")
        return ["[", UnionList(lists, lost), "]"] if lists else ["[]"]


def rows_of(
    build: TreeBuilder, shape: Shape, branch: Branch, arguments: dict[str, Any], *, ordered: bool = False
) -> RowSet:
    """Build the rows of one of the types of an abstract type, under the list's ``where`` and in its ``orderBy``."""
    target = build.type(branch.target)
    assert isinstance(target, TypeDef)
    seen = _seen_as(shape, target)
    given, order = arguments.get(WHERE), arguments.get(ORDER_BY) or ()
    with build.budget.deeper():
        condition = None if given is None else build.where(seen, given)
        keys = build.order(seen, order) if ordered else ()
        return replace(build.rows(target, AllRows(), where=condition), order=keys)


def _seen_as(shape: Shape, target: TypeDef) -> TypeDef:
    """Return a type with the conditions of an abstract type, as they are for rows of the type."""
    conditions: dict[str, FieldDef] = {}
    for name, known in shape.conditions.items():
        if isinstance(known, TypeOf):
            conditions[name] = OwnType(
                name=name, of=shape.name, scalar=known.scalar, branches=known.branches, type_name=target.name
            )
        elif isinstance(known, Branch):
            fits = known.target == target.name
            conditions[name] = OwnBranch(name=name, target=known.target, of=shape.name, fits=fits)
    # a field of the type by the name of such a condition is no field of the abstract type
    fields = {name: field for name, field in target.fields.items() if name not in conditions}
    return replace(target, fields=fields, conditions=conditions)


@dataclass(frozen=True, slots=True)
class _Part:
    """The query of one type: JSON, place, what is sorted by, and the key; ``order`` is that of the list."""

    rows: QuerySet[Any]
    order: tuple[OrderKey, ...]
    limit: Param | None
    offset: Param | None

    @classmethod
    def of(cls, compiler: TreeCompiler, selection: Selection, place: int) -> _Part:
        rows = selection.rows
        assert rows is not None
        queryset = compiler.queryset(replace(rows, order=()), ROW)
        json = object_of_row(selection, compiler.alias, lambda here: compiler.object(selection, here))
        values = [json, SQL(str(place)), *(_sorted_by(compiler, key) for key in rows.order), _key(compiler, rows.type)]
        names = [free_name(queryset.model, f"fraiseql_{index}") for index in range(len(values))]
        for name, value in zip(names, values, strict=True):
            queryset = queryset.annotate(**{name: value})
        limit, offset = page_params(rows.page)
        found = queryset.values_list(*names)
        if limit is not None:
            terms = [_term(name, key) for name, key in zip(names[2:-1], rows.order, strict=True)]
            found = found.order_by(*terms, *(_whole_key(compiler, rows.type) or [names[-1]]))
        return cls(found, rows.order, limit, offset)

    @property
    def expression(self) -> Rows:
        """The query with as many rows as the page may end with."""
        both = self.offset is not None
        limit: Any = SQL("({0} + {1})", self.limit, self.offset) if both and self.limit is not None else self.limit
        return _Rows(self.rows, limit)


class _Rows(Rows):
    template = "(%(subquery)s%(page)s)"
    empty = ""


class UnionList(Func):
    """The rows of several queries as the items of a JSON array, sorted and cut as one list."""

    def __init__(self, parts: Sequence[_Part], lost: str) -> None:
        first = parts[0]
        page = [value for value in (first.limit, first.offset) if value is not None]
        super().__init__(*(part.expression for part in parts), *page, output_field=TextField())
        self.words = [
            word for word, value in ((" LIMIT ", first.limit), (" OFFSET ", first.offset)) if value is not None
        ]
        self.order = first.order
        self.lost = lost

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        pages = compiled[len(compiled) - len(self.words) :]
        parts = [part for part in compiled[: len(compiled) - len(self.words)] if part[0]]
        if not parts:
            return "''", []
        sql = " UNION ALL ".join(part for part, _ in parts)
        keys = [f"o{index}" for index in range(len(self.order))]
        terms = [_written(name, key) for name, key in zip(keys, self.order, strict=True)]
        page = "".join(word + value for word, (value, _) in zip(self.words, pages, strict=True))
        rows = f"({sql}) AS fraiseql_union({', '.join(['json', 'place', *keys, 'key'])})"
        params = [param for _, own in (*parts, *pages) for param in own]
        ordered = f"SELECT json FROM {rows} ORDER BY {', '.join([*terms, 'place', 'key'])}{page}"
        return f"array_to_string(ARRAY({ordered}), ',', {self.lost})", params


def _term(name: str, key: OrderKey) -> OrderBy:
    # Django takes None for PostgreSQL's default, and refuses False
    first, last = key.nulls_first or None, key.nulls_first is False or None
    return OrderBy(F(name), descending=key.descending, nulls_first=first, nulls_last=last)


def _written(name: str, key: OrderKey) -> str:
    nulls = "" if key.nulls_first is None else f" NULLS {'FIRST' if key.nulls_first else 'LAST'}"
    return f"{name} {'DESC' if key.descending else 'ASC'}{nulls}"


def _sorted_by(compiler: TreeCompiler, key: OrderKey) -> Any:
    operand = key.operand
    assert isinstance(operand, FieldOperand)
    scalar = kind_of(operand.field).comparable(operand.field)
    # of one type whatever the columns are
    return SQL(f"({{0}})::{scalar.cast}", value_of(compiler, operand))


def _key(compiler: TreeCompiler, definition: TypeDef) -> Any:
    keys = [kind_of(field).operand(compiler, definition, field, ROW).value for field in definition.key.values()] or [
        RowText(ROW.column(ANCHOR))
    ]
    places = ", ".join(f"{{{index}}}" for index in range(len(keys)))
    # numbers in it are sorted as numbers
    return SQL(f"jsonb_build_array({places})", *keys, output_field=JSONField())


def _whole_key(compiler: TreeCompiler, definition: TypeDef) -> list[str]:
    """Return the columns of the key where they are sorted as in jsonb, so that an index serves: whole numbers."""
    kinds = [kind_of(field).operand(compiler, definition, field, ROW).cast for field in definition.key.values()]
    return key_columns(definition.model) if definition.source is None and WHOLE.issuperset(kinds) else []


class UnionCountKind(FieldKind[UnionCount]):
    """Counts of such lists."""

    def output(self, field: UnionCount, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(GraphQLInt)

    def arguments(self, field: UnionCount, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return where_argument(field.of_list.target, types)

    def planning(self, field: UnionCount) -> int:
        return RELATION

    def masked(self, field: UnionCount) -> str:
        return "0"

    def member(
        self, build: TreeBuilder, owner: Any, field: UnionCount, nodes: Sequence[FieldNode]
    ) -> Member | Constant:
        shape = build.type(field.of_list.target)
        if not build.rules.may_read(shape):
            return Constant(self.masked(field), field.cost)
        arguments = build.arguments(owner, nodes)
        selections = []
        for branch in shape.branches:
            target = build.type(branch.target)
            if build.rules.shows(target):
                build.budget.charge(RELATION)
                selections.append(Selection(target, (), rows=rows_of(build, shape, branch, arguments)))
        return Member(owner=owner, field=field, selections=tuple(selections))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        counts = []
        for selection in member.selections:
            assert selection.rows is not None
            queryset = compiler.queryset(selection.rows, here.outer())
            counts.append(RowCount(queryset.values(*key_columns(queryset.model))))
        places = " + ".join(f"({{{index}}})::bigint" for index in range(len(counts)))
        return [SQL(f"({places})::text", *counts)] if counts else ["0"]


register(OwnType, OwnTypeKind())
register(OwnBranch, OwnBranchKind())
register(UnionRows, UnionRowsKind())
register(UnionCount, UnionCountKind())
