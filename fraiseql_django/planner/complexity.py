"""What an operation may cost, before anything runs: fields, times the rows of the lists around them.

A field costs 1 unless it is declared otherwise, and each row what its type declares. What the document decides is
worked out while a plan is made. What the variables decide, a ``limit``, is left open: the estimate is then a
formula, of a few steps, and is worked out at each execution. So is how many objects mutations from types write.

A selection that stands in several places is estimated once. So a document whose fragments double at each level costs
no more to refuse than to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLID,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLUnionType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    value_from_ast,
)

from ..conf.settings import LimitSettings
from ..language.limits import MOST, check_complexity, check_objects
from ..schema.arguments import MutationDef
from ..schema.build import DEFINITION, Root
from ..schema.definition import Related
from .arguments import ABSENT, Variables, resolve
from .fields import Collected, Collector

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Open:
    """A figure that variables decide: what the step of this number comes to."""

    step: int


Figure: TypeAlias = Number | Open
Rows: TypeAlias = int | Callable[[Variables], int]
Step: TypeAlias = Callable[[Sequence[Number], Variables], Number]
Written: TypeAlias = Callable[[Variables], int]


@dataclass(frozen=True, slots=True)
class Complexity:
    """The estimate of one plan: a number, or steps of which each may build on those before it.

    ``written`` count the objects that its mutations write.
    """

    total: Figure
    steps: tuple[Step, ...]
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
        found: list[Number] = []
        for step in self.steps:
            found.append(min(step(found, variables), MOST))
        return found[self.total.step]


@dataclass(slots=True)
class Estimate:
    """Estimates one operation for one set of ``@include`` and ``@skip`` conditions."""

    collector: Collector
    variables: Variables
    limits: LimitSettings
    steps: list[Step] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    # by the type and the places of its selection sets in the document
    known: dict[tuple[str, tuple[int, ...]], Figure] = field(default_factory=dict)

    def of(self, type_: GraphQLObjectType, collected: Collected) -> Complexity:
        """Return what an operation's root fields come to."""
        return Complexity(self._fields(type_, collected), tuple(self.steps), tuple(self.written))

    # --- the selection ---

    def _fields(self, type_: GraphQLObjectType, collected: Collected) -> Figure:
        return self._sum(self._field(type_.fields.get(nodes[0].name.value), nodes) for nodes in collected.values())

    def _field(self, described: GraphQLField | None, nodes: Sequence[FieldNode]) -> Figure:
        if described is None:
            # __typename is a constant; what introspection may cost is limited by validation
            return 0
        definition = described.extensions.get(DEFINITION)
        own: Figure = getattr(definition, "cost", 1)
        if isinstance(definition, MutationDef) and definition.of_model:
            own = self._written(described, nodes[0], own)
        type_ = get_named_type(described.type)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        if not sets:
            return own
        inner = self._object(type_, sets)
        for rows in self._lists(described, definition, nodes[0]):
            inner = self._times(rows, inner)
        return self._sum([own, inner])

    def _written(self, described: GraphQLField, node: FieldNode, cost: Figure) -> Figure:
        """Return what a mutation costs that costs this for each object that it writes."""

        def count(variables: Variables) -> int:
            return max(1, objects_in(described, node, variables))

        self.written.append(count)
        return self._times(count, cost)

    def _object(self, type_: Any, sets: Sequence[SelectionSetNode]) -> Figure:
        """Return what an object comes to; of a union's, the one that may cost the most."""
        if isinstance(type_, GraphQLUnionType):
            return self._most([self._object(member, sets) for member in type_.types])
        key = (type_.name, tuple(map(id, sets)))
        if key not in self.known:
            row: Number = getattr(type_.extensions.get(DEFINITION), "row_cost", 0)
            self.known[key] = self._sum([row, self._fields(type_, self.collector.collect(type_.name, sets))])
        return self.known[key]

    def _lists(self, described: GraphQLField, definition: Any, node: FieldNode) -> list[Rows]:
        """Return how many rows each list around a field's objects may have."""
        levels = 0
        type_: Any = described.type
        while is_list_type(type_) or is_non_null_type(type_):
            levels += is_list_type(type_)
            type_ = type_.of_type
        if levels and isinstance(definition, (Root, Related)):
            return [self._limit(described, node)]
        # what a mutation returns, or JSON holds, has no limit
        return [self.limits.assumed_rows] * levels

    def _limit(self, described: GraphQLField, node: FieldNode) -> Rows:
        given: Any = ABSENT
        for argument in node.arguments or ():
            if argument.name.value == "limit":
                given = resolve(argument.value, described.args["limit"].type, self.variables)
        if given is None or given is ABSENT:
            return self.limits.default_rows or self.limits.max_rows or self.limits.assumed_rows
        # a negative number is refused where it is bound; it must not make room for others until then
        return max(given.value, 0) if given.constant else lambda variables: max(given.fetch(variables), 0)

    # --- figures ---

    def _sum(self, figures: Iterable[Figure]) -> Figure:
        known: Number = 0
        opened: list[int] = []
        for figure in figures:
            if isinstance(figure, Open):
                opened.append(figure.step)
            else:
                known += figure
        if not opened:
            return min(known, MOST)
        if not known and len(opened) == 1:
            return Open(opened[0])
        return self._open(lambda found, variables: known + sum(found[step] for step in opened))

    def _times(self, rows: Rows, figure: Figure) -> Figure:
        if isinstance(rows, int):
            if not isinstance(figure, Open):
                return min(rows * figure, MOST)
            return self._open(lambda found, variables: rows * found[figure.step])
        if isinstance(figure, Open):
            return self._open(lambda found, variables: rows(variables) * found[figure.step])
        return self._open(lambda found, variables: rows(variables) * figure)

    def _most(self, figures: Sequence[Figure]) -> Figure:
        known = max((figure for figure in figures if not isinstance(figure, Open)), default=0)
        opened = [figure.step for figure in figures if isinstance(figure, Open)]
        if not opened:
            return known
        return self._open(lambda found, variables: max(known, *(found[step] for step in opened)))

    def _open(self, step: Step) -> Open:
        self.steps.append(step)
        return Open(len(self.steps) - 1)


# --- objects to write ---


def objects_in(described: GraphQLField, node: FieldNode, variables: Variables) -> int:
    """Count the objects that a mutation from a type writes: one or those of a list, and those of lists in them.

    These are of input objects or of keys; what a column holds, an array or JSON, is part of its object.
    """
    found = 0
    for given in node.arguments or ():
        type_ = described.args[given.name.value].type
        # one that does not fit is refused when the mutation is called
        value = value_from_ast(given.value, type_, dict(variables))
        if isinstance(value, list) and not _holds_objects(type_):
            # of keys, whatever their type
            found += len(value)
        else:
            found += _objects(value, type_)
    several = any(is_list_type(get_nullable_type(argument.type)) for argument in described.args.values())
    return found if several else found + 1


def _objects(value: Any, type_: Any) -> int:
    bare = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(bare) and isinstance(value, list):
        own = len(value) if _holds_objects(bare) or get_named_type(bare) is GraphQLID else 0
        return own + sum(_objects(item, bare.of_type) for item in value)
    if isinstance(value, dict) and _holds_objects(bare):
        # by the names of Python, as they are coerced
        fields = ((field.out_name or name, field.type) for name, field in bare.fields.items())
        return sum(_objects(value[name], inner) for name, inner in fields if name in value)
    return 0


def _holds_objects(type_: GraphQLInputType) -> bool:
    named = get_named_type(type_)
    return is_input_object_type(named) and not named.extensions.get("leaf")
