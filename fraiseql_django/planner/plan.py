"""Operation → plan: one SQL statement with holes, and how the answer is put together around it.

Plans are kept by operation and by the shape of its variables (see schema/variables.py); what else the
variables hold fills the holes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from django.db import connections
from django.db.models import Model, Q
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    OperationType,
)

from ..cache.lru import LRU
from ..conf.settings import LimitSettings
from ..invalidation.catalog import tables_read
from ..language.parser import Operation
from ..language.variable_shapes import ABSENT
from ..schema.arguments import MutationDef
from ..schema.build import DEFINITION, Root, Schema
from ..schema.operators import OPERATORS
from ..viewer import Viewer
from .arguments import Variables, arguments, located
from .binds import Hole
from .complexity import Complexity, Estimate
from .fields import Collector
from .filters import comparison
from .introspection import introspect
from .json_text import NULL
from .locations import ROW
from .payload import SLOT_END, Node, Payloads, Slot
from .planned_viewer import PlannedViewer, Plans
from .rules import Rules
from .selection import Live, Selection
from .statement import Compiled, compile_list, compile_one, joined, statement
from .weight import Weighing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """One SQL statement and what it answers.

    ``digest`` names the statement among others, ``tables`` are what it reads, in a fixed order, and ``of_session``
    says whether its answer may depend on what PostgreSQL is told of the viewer. ``segments`` are the answer's bytes
    in order: constants, or the number of a column of the statement's one row. ``live`` finish marked parts in Python.
    ``sql`` is None where nothing need be read.
    """

    sql: str | None
    holes: tuple[Hole, ...]
    segments: tuple[bytes | int, ...]
    tables: tuple[str, ...]
    digest: str
    live: tuple[Live, ...]
    of_session: bool

    def params(self, variables: Variables) -> list[str | None]:
        """Return the statement's parameters; raise InvalidInput for a value that cannot be one."""
        return [hole.fill(variables) for hole in self.holes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Write:
    """One mutation: what to call with which arguments, and how its result is answered.

    ``slots`` are the rows in its answer; ``read`` makes the statement of them from the slots' columns, and
    ``rows`` is the one whose keys are all parameters (None: no rows were selected). ``alias`` is the database.
    ``answered_for`` plans the answer for another viewer, with these variables: a mutation may log in or out.
    """

    key: str
    node: FieldNode
    field: GraphQLField
    definition: MutationDef
    answer: Node
    slots: tuple[Slot, ...]
    read: Callable[[Sequence[Compiled]], Read]
    rows: Read | None
    alias: str
    answered_for: Callable[[Viewer, Variables], Write]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What executing an operation takes: a Read for a query, Writes in order for a mutation.

    The mutation type's ``__typename`` is a constant in ``constants``, by response key.
    """

    kind: OperationType
    complexity: Complexity
    read: Read | None = None
    writes: tuple[Write, ...] = ()
    constants: Mapping[str, bytes] | None = None
    keys: tuple[str, ...] = ()


class SessionPolicy(Protocol):
    """What the planner asks of the session values that hold while a viewer's statements run."""

    def may_show_in(self, sql: str, alias: str) -> bool:
        """Whether the answer of a statement may depend on them."""
        ...

    def may_hide(self, model: type[Model], alias: str) -> bool:
        """Whether policies may hide rows of a model from some viewers."""
        ...


class Planner:
    """Plans the operations of one schema against one database."""

    def __init__(
        self, schema: Schema, alias: str, limits: LimitSettings, session: SessionPolicy, cache_size: int
    ) -> None:
        self.schema = schema
        self.alias = alias
        self.session = session
        self.limits = limits
        self.cache: LRU[Plans[Plan]] = LRU(cache_size)

    def plan(self, operation: Operation, variables: Variables, viewer: Viewer | None = None) -> Plan:
        """Return the plan for an operation with variables of this shape, by a viewer (None: by nobody).

        Raises InvalidInput or LimitExceeded for arguments that no plan can have, OperationError for what is not
        for this viewer.
        """
        viewer = viewer or Viewer()
        shape = tuple(
            variable.of(variables[variable.name]) if variable.name in variables else ABSENT
            for variable in operation.variables
        )
        key = (operation, shape)
        known = self.cache.get(key)
        plan = None if known is None else known.of(viewer)
        if plan is None:
            planned = PlannedViewer(viewer)
            plan = self._make(operation, variables, Rules(planned, self._is_secured))
            if operation.kept:
                self.cache.set(key, (known or Plans()).adding(plan, planned.asked, viewer))
        else:
            plan.complexity.check(variables, self.limits)
        for slot in (slot for write in plan.writes for slot in write.slots):
            slot.check(variables)
        return plan

    def _is_secured(self, model: type[Model]) -> bool:
        return self.session.may_hide(model, self.alias)

    def _make(self, operation: Operation, variables: Variables, rules: Rules) -> Plan:
        collector = Collector(operation.fragments, variables, self.schema.unions)
        root = self.schema.graphql.get_root_type(operation.kind)
        assert root is not None
        collected = collector.collect(root.name, [operation.node.selection_set])
        complexity = Estimate(collector, variables, self.limits).of(root, collected)
        complexity.check(variables, self.limits)
        Weighing({**self.schema.types, **self.schema.shapes}, collector, variables, self.limits).check(root, collected)
        if operation.kind is OperationType.QUERY:
            selection = Selection(self.schema, collector, variables, self.limits, self.alias, rules)
            read = self._query(operation, selection, root, collected)
            return Plan(kind=operation.kind, complexity=complexity, read=read)
        return self._mutation(operation, collector, variables, root, collected, rules, complexity)

    # --- queries ---

    def _query(
        self,
        operation: Operation,
        selection: Selection,
        root: GraphQLObjectType,
        collected: Mapping[str, list[FieldNode]],
    ) -> Read:
        columns: list[Compiled] = []
        segments: list[bytes | int] = []
        for key, nodes in collected.items():
            segments.append(f'{"," if segments else "{"}"{key}":'.encode())
            name = nodes[0].name.value
            if name == "__typename":
                segments.append(f'"{root.name}"'.encode())
            elif name in ("__schema", "__type"):
                segments.append(introspect(self.schema.graphql, operation, key, nodes, selection.variables))
            else:
                segments.append(len(columns))
                with located(nodes[0]):
                    columns.append(self._root(selection, root.fields[name], nodes))
        segments.append(b"}" if segments else b"{}")
        return self._read(columns, segments, selection.live)

    def _read(self, columns: Sequence[Compiled], segments: Sequence[bytes | int], live: Sequence[Live]) -> Read:
        if not columns:
            return Read(sql=None, holes=(), segments=joined(segments), tables=(), digest="", live=(), of_session=False)
        sql, holes = statement(columns, self.alias)
        parts = joined(segments)
        # not the alias alone: the tests' database has that of the real one, and may share its cache
        settings = connections[self.alias].settings_dict
        database = [self.alias, *(settings[key] for key in ("HOST", "PORT", "NAME"))]
        return Read(
            sql=sql,
            holes=holes,
            segments=parts,
            tables=tables_read(sql, self.alias),
            # the names of the answer's parts are not in the SQL
            digest=blake2b(repr((database, sql, parts)).encode(), digest_size=16).hexdigest(),
            live=tuple(live),
            of_session=self.session.may_show_in(sql, self.alias),
        )

    def _root(self, selection: Selection, field: GraphQLField, nodes: list[FieldNode]) -> Compiled:
        root: Root = field.extensions[DEFINITION]
        selection.rules.check_root(root.permission, nodes[0].name.value)
        definition = self.schema.types[root.target]
        if not selection.rules.may_read(definition):
            return ("'[]'" if root.many else f"'{NULL}'"), []
        queryset = selection.rules.rows(definition, definition.model._default_manager.using(self.alias))
        given = arguments(nodes[0], field, selection.variables)
        if root.many:
            return compile_list(selection.list_rows(definition, queryset, nodes, given), self.alias)
        for name, column in definition.key.items():
            compared = selection.values.compared(definition, column, ROW)
            queryset = queryset.filter(Q(comparison(OPERATORS["eq"], compared, 0, given[name], name)))
        return compile_one(selection.rows(definition, queryset.order_by(), nodes), self.alias)

    # --- mutations ---

    def _mutation(
        self,
        operation: Operation,
        collector: Collector,
        variables: Variables,
        root: GraphQLObjectType,
        collected: Mapping[str, list[FieldNode]],
        rules: Rules,
        complexity: Complexity,
    ) -> Plan:
        writes: list[Write] = []
        constants: dict[str, bytes] = {}
        for key, nodes in collected.items():
            name = nodes[0].name.value
            if name == "__typename":
                constants[key] = f'"{root.name}"'.encode()
            else:
                given = [argument.name.value for argument in nodes[0].arguments or ()]
                with located(nodes[0]):
                    rules.check_mutation(root.fields[name].extensions[DEFINITION], given)
                writes.append(self._write(key, root.fields[name], nodes, collector, variables, rules))
        return Plan(
            kind=operation.kind, complexity=complexity, writes=tuple(writes), constants=constants, keys=tuple(collected)
        )

    def _write(
        self,
        key: str,
        field: GraphQLField,
        nodes: list[FieldNode],
        collector: Collector,
        variables: Variables,
        rules: Rules,
    ) -> Write:
        definition: MutationDef = field.extensions[DEFINITION]
        selection = Selection(self.schema, collector, variables, self.limits, self.alias, rules)
        payloads = Payloads(self.schema, selection, self.alias)
        answer = payloads.node(definition.output, nodes)
        # what is kept with the plan must not keep whom it was made for
        live, fragments = selection.live, collector.fragments

        def read(columns: Sequence[Compiled]) -> Read:
            segments = [part for index in range(len(columns)) for part in (index, SLOT_END)]
            return self._read(columns, segments[:-1], live)

        def answered_for(viewer: Viewer, variables: Variables) -> Write:
            others = Collector(fragments, variables, self.schema.unions)
            return self._write(key, field, nodes, others, variables, Rules(PlannedViewer(viewer), self._is_secured))

        return Write(
            key=key,
            node=nodes[0],
            field=field,
            definition=definition,
            answer=answer,
            slots=tuple(payloads.slots),
            read=read,
            rows=read([slot.column() for slot in payloads.slots]) if payloads.slots else None,
            alias=self.alias,
            answered_for=answered_for,
        )
