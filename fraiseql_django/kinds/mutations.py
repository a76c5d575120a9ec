"""Fields of Mutation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLID,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    value_from_ast,
)

from .._django import concrete_model
from ..errors import InvalidInput
from ..planner.arguments import Variables
from ..planner.emptiness import is_empty
from ..planner.kinds import FieldKind, TreeBuilder
from ..planner.ordering import key_columns
from ..planner.tree import AllRows, ColumnOperand, Member, OrderKey, Page, RowSet
from ..schema.arguments import Chosen, MutationDef
from ..schema.definition import TypeDef
from ..schema.kinds import OutputTypes, register
from .results import planning_of, returned
from .rows import WHERE, where


class MutationKind(FieldKind[MutationDef]):
    """Mutations: what is called is not planned, what it returns is."""

    def output(self, field: MutationDef, types: OutputTypes) -> GraphQLOutputType:
        return types.output(field.output)

    def arguments(self, field: MutationDef, types: OutputTypes) -> dict[str, GraphQLArgument]:
        arguments = dict(field.arguments)
        if field.chosen is not None:
            target = types.types[field.chosen.target]
            conditions: Any = types.inputs.where[target.name]
            if field.chosen.fields is not None:
                conditions = types.inputs.where_on(target, field.chosen.fields, field.chosen.input)
            arguments = {WHERE: GraphQLArgument(GraphQLNonNull(conditions), description="Which rows."), **arguments}
        return arguments

    def planning(self, field: MutationDef) -> int:
        return planning_of(field.output)

    def member(self, build: TreeBuilder, owner: Any, field: MutationDef, nodes: Sequence[FieldNode]) -> Member:
        node = nodes[0]
        build.rules.check_arguments(field, [argument.name.value for argument in node.arguments or ()])
        if field.writes is not None:
            build.rules.check_written(build.type(field.writes))
        member = self.answer(build, owner, field, nodes)
        if field.chosen is not None:
            most = field.chosen.most
            rows = _chosen_rows(build, owner, field.chosen, node)
            return replace(member, rows=rows, written=lambda variables: most)
        if field.writes is None:
            return member
        root = build.schema.graphql.get_type(owner.name)
        assert isinstance(root, GraphQLObjectType)
        described = root.fields[node.name.value]
        return replace(member, written=lambda variables: max(1, objects_in(described, node, variables)))

    def answer(self, build: TreeBuilder, owner: Any, field: MutationDef, nodes: Sequence[FieldNode]) -> Member:
        """Build what is selected of the mutation's result."""
        return returned(build, owner, field, nodes)


def _chosen_rows(build: TreeBuilder, owner: Any, chosen: Chosen, node: FieldNode) -> RowSet:
    """Build the rows that a mutation writes: those that match its condition, one more than it may write at most.

    They are those that the viewer can see by the rules of all types over their model, and that the mutation's own rule
    is true of.
    """
    target = build.type(chosen.target)
    assert isinstance(target, TypeDef)
    build.rules.check_type(target)
    condition = where(build, target, build.arguments(owner, [node]))
    if is_empty(condition) and not chosen.all:
        raise InvalidInput(
            f"where is empty, so it would choose every {target.name}.",
            hint="Give it a condition that compares something.",
            nodes=[node],
        )
    rows = build.rows(target, AllRows(), where=condition, page=Page(limit=chosen.most + 1))
    model = concrete_model(target.model)
    others = [
        type_
        for type_ in build.schema.types.values()
        if type_ is not target and type_.source is None and concrete_model(type_.model) is model
    ]
    if chosen.rule is not None:
        others.append(replace(target, name=chosen.name, rows=chosen.rule))
    rule = rows.rule
    for other in others:
        rule = _both(rule, build.rules.row_rule(other))
    order = tuple(OrderKey(operand=ColumnOperand(name)) for name in key_columns(target.model))
    return replace(rows, rule=rule, order=order)


def _both(one: Q | bool, other: Q | bool) -> Q | bool:
    if isinstance(one, bool):
        return other if one else one
    return (one if other else other) if isinstance(other, bool) else one & other


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


register(MutationDef, MutationKind())
