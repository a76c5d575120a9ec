"""Fields of the objects that Python functions and JSON answer: what a mutation returns, before rows are read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphql import FieldNode, GraphQLOutputType

from ..planner.budget import FIELD, RELATION
from ..planner.kinds import FieldKind, TreeBuilder
from ..planner.tree import Member, Repeat, Selection, WithKeys
from ..schema.definition import TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.object_types import ObjectField, Output


class ObjectFieldKind(FieldKind[ObjectField]):
    """Fields of object types of classes."""

    def output(self, field: ObjectField, types: OutputTypes) -> GraphQLOutputType:
        return types.output(field.output)

    def planning(self, field: ObjectField) -> int:
        return planning_of(field.output)

    def member(self, build: TreeBuilder, owner: Any, field: ObjectField, nodes: Sequence[FieldNode]) -> Member:
        return returned(build, owner, field, nodes)


def planning_of(output: Output) -> int:
    """Return what planning a selection of a returned value is charged."""
    return RELATION if innermost(output).types else FIELD


def innermost(output: Output) -> Output:
    """Return what is within all lists."""
    return output if output.item is None else innermost(output.item)


def returned(build: TreeBuilder, owner: Any, field: Any, nodes: Sequence[FieldNode]) -> Member:
    """Build what is selected of a value of ``field.output``: for each type that its objects may have."""
    repeats: list[Repeat] = []
    output: Output = field.output
    while output.item is not None:
        # no limit tells how many they are, unless the mutation is bounded
        repeats.append(build.limits.assumed_rows if output.most is None else output.most)
        output = output.item
    selections = tuple(_selection(build, name, nodes) for name in output.types)
    return Member(owner=owner, field=field, repeats=tuple(repeats), selections=selections)


def _selection(build: TreeBuilder, name: str, nodes: Sequence[FieldNode]) -> Selection:
    definition = build.schema.types.get(name)
    if definition is None:
        return build.selection(build.schema.objects[name], nodes)
    assert isinstance(definition, TypeDef)
    rows = build.rows(definition, WithKeys())
    if not build.rules.may_read(definition):
        rows = replace(rows, rule=False)
    return replace(build.selection(definition, nodes), rows=rows)


register(ObjectField, ObjectFieldKind())
