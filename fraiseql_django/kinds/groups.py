"""The rows of a list in groups: ``booksGroups { key { format } count avg { price } }``.

Rows are grouped by what is selected under ``key``, with the arguments that it has there: a date truncated to months is
a key of its own. What the viewer cannot see is not grouped by: hidden rows are in no group, a to-one field that leads
to a hidden row is null, and so is a masked field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
)

from ..errors import DeclarationError, InvalidInput
from ..planner.aggregation import Aggregation, Gathered, GroupTerm, groups
from ..planner.budget import CONDITION, RELATION
from ..planner.expressions import NULL, SQL, Name, Piece
from ..planner.json_values import Stored, leaf
from ..planner.kinds import FieldKind, TreeBuilder, TreeCompiler, ValueKind, kind_of
from ..planner.locations import JSONObject, Local, Location
from ..planner.ordering import compared_by, key_columns
from ..planner.row_sets import page_params
from ..planner.source_values import Compared
from ..planner.tree import Condition, Constant, FieldOperand, Member, Operand, Page, Path, Selection, Step
from ..schema.aggregates import (
    DatePartKey,
    GroupKey,
    Groups,
    KeyOne,
    Keys,
    aggregate_name,
    aggregate_shape,
    group_name,
    group_shape,
    keys_name,
    keys_shape,
)
from ..schema.definition import Related, Shape, TypeDef
from ..schema.filter_inputs import DIRECTIONS, ORDER_DIRECTION
from ..schema.kinds import Derivation, InputTypes, ListForm, OutputTypes, list_form, register
from ..schema.operators import Comparable
from .aggregates import bound_to_rows, operand_of, reading, rows_of, step_of, written_as
from .group_keys import bucketed, check_given, date_part, key_arguments, part_arguments
from .rows import LIMIT, OFFSET, ORDER_BY, where, where_argument

HAVING = "having"


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an order of groups: an aggregate, or the selected keys of these chains of members."""

    operand: FieldOperand | None
    chains: tuple[tuple[int, ...], ...]
    direction: str


class GroupsKind(FieldKind[Groups]):
    """Lists of groups."""

    def output(self, field: Groups, types: OutputTypes) -> GraphQLOutputType:
        group = types.object(group_name(field.of.target))
        return GraphQLNonNull(GraphQLList(GraphQLNonNull(group)))

    def shapes(self, field: Groups, derive: Derivation) -> Iterable[Shape]:
        shape = group_shape(field.of.target, derive)
        if "key" not in shape.fields:
            raise DeclarationError(
                f"{field.name}: {field.of.target} has no field that rows can be grouped by; leave out 'groups'"
            )
        # the conditions on groups are those on aggregates
        return [shape, aggregate_shape(field.of.target, derive)]

    def arguments(self, field: Groups, types: OutputTypes) -> dict[str, GraphQLArgument]:
        target, inputs = field.of.target, types.inputs
        return {
            **where_argument(target, types),
            HAVING: GraphQLArgument(
                inputs.where[aggregate_name(target)], description="Which groups, by their aggregates; all by default."
            ),
            ORDER_BY: GraphQLArgument(
                GraphQLList(GraphQLNonNull(inputs.order_by[group_name(target)])),
                description="What to sort groups by, most important first; the keys decide last, as they are selected.",
            ),
            LIMIT: GraphQLArgument(GraphQLInt, description="How many groups at most."),
            OFFSET: GraphQLArgument(GraphQLInt, description="How many groups to pass over first."),
        }

    def planning(self, field: Groups) -> int:
        return RELATION

    def masked(self, field: Groups) -> str:
        return "[]"

    def member(self, build: TreeBuilder, owner: Any, field: Groups, nodes: Sequence[FieldNode]) -> Member | Constant:
        target = build.type(field.of.target)
        assert isinstance(target, TypeDef)
        if not build.rules.may_read(target):
            return Constant(self.masked(field), field.cost)
        given = build.arguments(owner, nodes)
        rows = rows_of(build, owner, field.of, where(build, target, given))
        selection = build.selection(build.type(group_name(target.name)), nodes)
        if not _has_key(selection):
            raise InvalidInput(
                f"{field.name} selects no field of key to group by.",
                hint=f"Select some, or ask {field.of.target} rows for their aggregate.",
            )
        page = build.page(given.get(LIMIT), given.get(OFFSET))
        having = _having(build, target, given.get(HAVING))
        order = _order(build, target, given.get(ORDER_BY) or (), selection)
        bound = replace(field, order=order, having=having, page=page)
        repeats = (build.limits.assumed_rows if page.limit is None else page.limit,)
        read = reading(build, target)
        return Member(owner=owner, field=bound, rows=rows, repeats=repeats, selections=(selection,), reads=read)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,), field, aggregation = member.selections, member.field, Aggregation(grouped=True)
        assert member.rows is not None
        gathered: Any = Gathered(aggregation)
        lost = compiler.mark(f"a {selection.definition.name} cannot be written")
        text = compiler.object(selection, gathered)
        having = None if field.having is None else compiler.condition(field.having, gathered)
        order = [term for item in field.order for term in _compiled(compiler, item, gathered)]
        sorted_by = {aggregation.keys[chain] for term in field.order for chain in term.chains}
        keys = [
            GroupTerm(column=aggregation.column(name), direction="")
            for name in aggregation.keys.values()
            if name not in sorted_by
        ]
        source = aggregation.source(compiler, member.rows, here.outer())
        page = page_params(field.page)
        return ["[", groups(text, source, having=having, order=[*order, *keys], page=page, lost=lost), "]"]


def _having(build: TreeBuilder, target: TypeDef, given: Any) -> Condition | None:
    if given is None:
        return None
    with build.budget.deeper():
        return build.where(build.type(aggregate_name(target.name)), given, HAVING)


def _order(build: TreeBuilder, target: TypeDef, given: Any, selection: Selection) -> tuple[Term, ...]:
    shape, found = build.type(group_name(target.name)), []
    with build.budget.deeper():
        for index, item in enumerate(given):
            label = f"{ORDER_BY}[{index}]"
            operand, written = build.order_operand(shape, item, Path(), label, steps=0)
            assert isinstance(operand, FieldOperand)
            direction = DIRECTIONS[written]
            nulls = "" if direction.nulls_first is None else f" NULLS {'FIRST' if direction.nulls_first else 'LAST'}"
            words = f"{' DESC' if direction.descending else ''}{nulls}"
            if not isinstance(operand.field, GroupKey):
                found.append(Term(operand, (), words))
                continue
            names = (*(step.field.name for step in operand.path.steps), operand.field.name)
            chains = tuple(chain for path, chain in _keys_in(selection) if path == names)
            if not chains:
                raise InvalidInput(
                    f"{label}.key.{'.'.join(names)} is no key of these groups.", hint="Select it under key as well."
                )
            found.append(Term(None, chains, words))
    return tuple(found)


def _keys_in(selection: Selection) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Yield for each key that is selected the names of the fields that lead to it, and the identities of the members.

    Members of a selection that several others share are told apart by those that lead to them.
    """
    for _, member in selection:
        if isinstance(member, Constant):
            continue
        if isinstance(member.field, GroupKey):
            yield (member.field.name,), (id(member),)
        elif isinstance(member.field, (Keys, KeyOne)):
            own = () if isinstance(member.field, Keys) else (member.field.name,)
            for inner in member.selections:
                for names, chain in _keys_in(inner):
                    yield (*own, *names), (id(member), *chain)


def _has_key(selection: Selection) -> bool:
    """Whether a key is selected, which may be masked."""
    for _, member in selection:
        if isinstance(member, Constant):
            continue
        if isinstance(member.field, GroupKey):
            return True
        if isinstance(member.field, (Keys, KeyOne)) and any(map(_has_key_or_mask, member.selections)):
            return True
    return False


def _has_key_or_mask(selection: Selection) -> bool:
    masked = (isinstance(member, Constant) and member.text == NULL for _, member in selection)
    return any(masked) or _has_key(selection)


def _compiled(compiler: TreeCompiler, term: Term, gathered: Gathered) -> Iterator[GroupTerm]:
    if term.operand is not None:
        yield GroupTerm(column=compared_by(compiler, term.operand, gathered).value, direction=term.direction)
    for chain in term.chains:
        aggregation = gathered.aggregation
        yield GroupTerm(column=aggregation.column(aggregation.keys[chain]), direction=term.direction)


# --- keys --------------------------------------------------------------------------------------


class KeysKind(FieldKind[Keys]):
    """Objects with the keys of a group."""

    def output(self, field: Keys, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(types.object(field.target))

    def shapes(self, field: Keys, derive: Derivation) -> Iterable[Shape]:
        return [keys_shape(field.of, derive)]

    def order_input(self, field: Keys, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.order_by.get(field.target)

    def sorts_through(self, field: Keys) -> str | None:
        return field.target

    def member(self, build: TreeBuilder, owner: Any, field: Keys, nodes: Sequence[FieldNode]) -> Member:
        selection = build.selection(build.type(field.target), nodes)
        return Member(owner=owner, field=field, selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        (selection,) = member.selections
        return [compiler.object(selection, here.within(member))]

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: Keys, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        return build.order_operand(build.type(field.target), given, path, label, steps=steps + 1)


class KeyOneKind(FieldKind[KeyOne]):
    """Keys behind a to-one field."""

    def output(self, field: KeyOne, types: OutputTypes) -> GraphQLOutputType:
        # null where it leads to nothing
        return types.object(field.target)  # type: ignore[no-any-return]

    def shapes(self, field: KeyOne, derive: Derivation) -> Iterable[Shape]:
        return [keys_shape(field.of.target, derive)]

    def order_input(self, field: KeyOne, inputs: InputTypes) -> GraphQLInputType | None:
        return inputs.order_by.get(field.target)

    def sorts_through(self, field: KeyOne) -> str | None:
        return field.target

    def planning(self, field: KeyOne) -> int:
        return RELATION

    def member(self, build: TreeBuilder, owner: Any, field: KeyOne, nodes: Sequence[FieldNode]) -> Member | Constant:
        if not build.rules.may_read(build.type(field.of.target)):
            return Constant(self.masked(field), field.cost)
        selection = build.selection(build.type(keys_name(field.of.target)), nodes)
        return Member(owner=owner, field=bound_to_rows(build, field), selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        (selection,), field = member.selections, member.field
        target = compiler.types[field.of.target]
        there = here.behind(compiler, step_of(compiler, field)).within(member)
        # one that leads nowhere is another key than one that leads to a row with null
        is_there = there.inner.value(lambda local: _is_there(target, local))
        column = here.aggregation.key(SQL("({0})::boolean", is_there), "boolean", there.chain)
        text = compiler.object(selection, there)
        return [SQL(f"CASE WHEN {{0}} THEN {{1}} ELSE '{NULL}' END", column, text)]

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: KeyOne, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        build.rules.check_type(build.type(field.of.target))
        step: Any = Step(owner, field, None)  # type: ignore[arg-type]
        return build.order_operand(build.type(field.target), given, path.then(step), label, steps=steps + 1)


def _is_there(target: Shape, here: Local) -> Any:
    """Return an expression that is true of a row or object behind a to-one field, and null where there is none."""
    if isinstance(here, JSONObject):
        return SQL("CASE WHEN jsonb_typeof({0}) = 'object' THEN TRUE END", here.json())
    if not here.prefix or not isinstance(target, TypeDef):
        # of a row that a subquery finds
        return SQL("TRUE")
    return SQL("CASE WHEN {0} IS NOT NULL THEN TRUE END", here.column(key_columns(target.model)[0]))


class GroupKeyKind(ValueKind[GroupKey]):
    """Values that rows are grouped by."""

    def output(self, field: GroupKey, types: OutputTypes) -> GraphQLOutputType:
        graphql: Any = field.scalar.graphql
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def arguments(self, field: GroupKey, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return key_arguments(field)

    def comparable(self, field: GroupKey) -> Comparable | None:
        return field.scalar

    def order_input(self, field: GroupKey, inputs: InputTypes) -> GraphQLInputType | None:
        return ORDER_DIRECTION

    def is_ordered(self, field: GroupKey) -> bool:
        return True

    def member(self, build: TreeBuilder, owner: Any, field: GroupKey, nodes: Sequence[FieldNode]) -> Member:
        build.budget.charge(RELATION if getattr(kind_of(field.of), "computed", False) else CONDITION)
        given = build.arguments(owner, nodes)
        self.check(field, given)
        return Member(owner=owner, field=replace(field, given=given))

    def check(self, field: GroupKey, given: dict[str, Any]) -> None:
        """Raise InvalidInput for arguments that do not go together."""
        check_given(field.name, given)

    def write(self, compiler: TreeCompiler, member: Member, here: Any) -> list[Piece]:
        field: GroupKey = member.field
        made = self.made(field, operand_of(compiler, field, here))
        column: Name = here.aggregation.key(made.value, made.cast, here.within(member).chain)
        where = f"{member.owner.name}.{field.name}"
        scalar: Any = made.scalar
        written = replace(field, scalar=scalar)
        return leaf(compiler, where, written, Stored(value=column, textual=False))

    def made(self, field: GroupKey, compared: Compared) -> Compared:
        """Return what rows are grouped by: the value of the field, or what its arguments make of it."""
        made = bucketed(field, compared)
        if made is not None:
            return made
        return replace(compared, scalar=written_as(field.of, compared))


class DatePartKeyKind(GroupKeyKind):
    """Parts of dates and moments that rows are grouped by."""

    def arguments(self, field: Any, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return part_arguments(field)

    def check(self, field: Any, given: dict[str, Any]) -> None:
        pass

    def made(self, field: Any, compared: Compared) -> Compared:
        return date_part(field, compared)


register(Groups, GroupsKind())
register(Keys, KeysKind())
register(KeyOne, KeyOneKind())
register(GroupKey, GroupKeyKind())
register(DatePartKey, DatePartKeyKind())


def grouped(field: Related, name: str) -> Groups:
    """Return the groups of a list."""
    return Groups(
        name=name,
        description=f"{field.target} rows in groups that have a key in common.",
        deprecation=field.deprecation,
        permission=field.permission,
        mask=field.mask,
        cost=field.cost,
        of=field,
        page=Page(),
    )


list_form("groups", ListForm(suffix="Groups", make=grouped))
