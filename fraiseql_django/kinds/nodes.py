"""Rows by their global ids: ``node(id)`` and ``nodes(ids)``, and the ids themselves (see ``schema/global_ids.py``).

One statement reads rows of all types. For each id it has the query of the type that the id names; the others are not
evaluated:

    (SELECT CASE ids.type WHEN 'Book' THEN (SELECT (SELECT … WHERE id = keys.k0) FROM (SELECT ids.key::bigint AS k0) …)
                          WHEN 'Author' THEN … ELSE 'null' END
     FROM (SELECT $1::text AS type, $2::text AS key OFFSET 0) AS ids)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from graphql import FieldNode, GraphQLArgument, GraphQLID, GraphQLList, GraphQLNonNull, GraphQLOutputType

from ..errors import LimitExceeded, OperationError
from ..planner.arguments import Leaf, Variables
from ..planner.budget import RELATION
from ..planner.expressions import NULL, SQL, Bind, Param, Piece
from ..planner.json_values import null_problem
from ..planner.kinds import FieldKind, TreeBuilder, TreeCompiler, kind_of
from ..planner.locations import ROW, Local, Location
from ..planner.row_sets import KEYS_ALIAS
from ..planner.source_values import Compared
from ..planner.tree import Member, Selection, WithKeys
from ..schema.definition import Column, Shape, TypeDef
from ..schema.global_ids import (
    NODE,
    CompositeId,
    GlobalColumn,
    NodeRoot,
    encoded_key,
    from_global_id,
    node_types,
    plain,
    written,
)
from ..schema.kinds import OutputTypes, register
from ..schema.scalars.encoding import encode_array, template_literal
from .columns import ColumnKind, value_of

IDS = "fraiseql_ids"


class GlobalColumnKind(ColumnKind):
    """Columns that clients see as global ids."""

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: GlobalColumn = member.field
        value = here.value(lambda local: value_of(local, field))
        absent = f"'{NULL}'" if field.nullable else compiler.mark(null_problem(f"{member.owner.name}.{field.name}"))
        return [SQL(f"coalesce({written(field.of, '{0}::text')}, {absent})", value)]

    def comparable(self, field: Column) -> Any:
        assert isinstance(field, GlobalColumn)
        found = super().comparable(field)
        return None if found is None else field.read(found)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Column, location: Location) -> Compared:
        assert isinstance(field, GlobalColumn)
        found = super().operand(compiler, owner, field, location)
        return replace(found, scalar=field.read(found.scalar))


class CompositeIdKind(FieldKind[CompositeId]):
    """Global ids of rows with keys of several columns."""

    def output(self, field: CompositeId, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(GraphQLID)

    def member(self, build: TreeBuilder, owner: Any, field: CompositeId, nodes: Sequence[FieldNode]) -> Member:
        return Member(owner=owner, field=field)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: CompositeId = member.field
        values = [here.value(partial(_value, part)) for part in field.parts]
        texts = ", ".join(f"{{{index}}}::text" for index in range(len(values)))
        # as Python writes it, without blanks
        key = f"replace(json_build_array({texts})::text, '\", \"', '\",\"')"
        return [SQL(written(field.of, key), *values)]


def _value(field: Column, here: Local) -> Any:
    return value_of(here, field)


class NodeRootKind(FieldKind[NodeRoot]):
    """``node`` and ``nodes``."""

    def output(self, field: NodeRoot, types: OutputTypes) -> GraphQLOutputType:
        node: Any = types.interface(NODE)
        return GraphQLNonNull(GraphQLList(node)) if field.many else node

    def arguments(self, field: NodeRoot, types: OutputTypes) -> dict[str, GraphQLArgument]:
        one = GraphQLNonNull(GraphQLID)
        if field.many:
            return {"ids": GraphQLArgument(GraphQLNonNull(GraphQLList(one)), description="The ids, in any order.")}
        return {"id": GraphQLArgument(one, description="The id of the row.")}

    def planning(self, field: NodeRoot) -> int:
        return RELATION

    def member(self, build: TreeBuilder, owner: Any, field: NodeRoot, nodes: Sequence[FieldNode]) -> Member:
        (leaf,) = build.arguments(owner, nodes).values()
        types = build.schema.types
        found = (_selected(build, types[name], nodes) for name in node_types(types))
        selections = tuple(selection for selection in found if selection is not None)
        repeats: tuple[Leaf, ...] = ()
        if field.many:
            fetch = leaf.fetch
            repeats = (Leaf(leaf.node, lambda variables: len(fetch(variables)), len(leaf.value), leaf.constant),)
        return _NodeMember(
            owner=owner, field=field, selections=selections, repeats=repeats, ids=leaf, types=types,
            maximum=build.limits.max_rows,
        )  # fmt: skip

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        assert isinstance(member, _NodeMember)
        branches: dict[str, Any] = {}
        text = f"CASE {IDS}.type"
        with compiler.within([True]) if member.field.many else compiler.within(()):
            for index, selection in enumerate(member.selections):
                branches[f"b{index}"] = compiler.one(selection, ROW)
                keys = _keys(compiler, selection.definition)
                name = template_literal(selection.definition.name)
                text += f" WHEN {name} THEN (SELECT {{b{index}}} FROM (SELECT {keys}) AS {KEYS_ALIAS})"
        text = f"{text} ELSE '{NULL}' END" if branches else f"'{NULL}'"
        names, texts = (Param(member.bind(part), "text[]" if member.field.many else "text") for part in (0, 1))
        if not member.field.many:
            source = f"(SELECT {{names}} AS type, {{texts}} AS key OFFSET 0) AS {IDS}"
            # without OFFSET 0 the key would be cast for all types while the statement is planned
            return [SQL(f"(SELECT {text} FROM {source})", **branches, names=names, texts=texts)]
        source = f"unnest({{names}}, {{texts}}) WITH ORDINALITY AS {IDS}(type, key, place)"
        listed = f"(SELECT coalesce(string_agg({text}, ',' ORDER BY {IDS}.place), '') FROM {source})"
        return ["[", SQL(listed, **branches, names=names, texts=texts), "]"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _NodeMember(Member):
    """A selected ``node`` or ``nodes``: the ids that are given, and how many there may be."""

    ids: Leaf
    types: Any
    maximum: int | None

    def bind(self, part: int) -> Bind:
        """Return the parameter of the names of types (0), or of the keys (1) in the ids."""
        types, maximum = self.types, self.maximum
        fetch: Callable[[Variables], Any] = self.ids.fetch

        def one(given: Any) -> str:
            name, key = from_global_id(str(given))
            definition = types.get(name)
            if definition is None or not definition.is_node:
                # no row has such an id
                return ("", "")[part]
            return (name, encoded_key(definition, key))[part]

        def several(given: Sequence[Any]) -> str:
            if maximum is not None and len(given) > maximum:
                raise LimitExceeded("ids", limit=maximum, value=len(given), setting="LIMITS.MAX_ROWS")
            return encode_array([one(item) for item in given])

        many = self.field.many
        return Bind(fetch, several if many else one, "ids" if many else "id", node=self.ids.node)


def _selected(build: TreeBuilder, definition: TypeDef, nodes: Sequence[FieldNode]) -> Selection | None:
    """Return what is selected of rows of one type; None where the viewer may not read it, as if it had none."""
    try:
        if not build.rules.may_read(definition):
            return None
    except OperationError:
        return None
    build.budget.charge(RELATION)
    rows = build.rows(definition, WithKeys(listed=True))
    return replace(build.selection(definition, nodes), rows=rows)


def _keys(compiler: TreeCompiler, definition: TypeDef) -> str:
    """Return SQL for the columns that hold the parts of the key of an id."""
    parts = [
        kind_of(part).operand(compiler, definition, part, ROW).cast for part in map(plain, definition.key.values())
    ]
    if len(parts) == 1:
        return f"{IDS}.key::{parts[0]} AS k0"
    return ", ".join(f"({IDS}.key::json ->> {index})::{cast} AS k{index}" for index, cast in enumerate(parts))


register(GlobalColumn, GlobalColumnKind())
register(CompositeId, CompositeIdKind())
register(NodeRoot, NodeRootKind())
