"""Operation → plan: one SQL statement with bind parameters, and how the answer is put together around it.

    collect   AST and @include, @skip → the fields of each selection set
    build     fields → tree, within a budget, under the viewer's rules
    cost      tree → what the operation may cost
    compile   tree → ORM expressions
    statement expressions → SQL
    payload   tree of a mutation's answer → what Python writes, and the rows that one statement reads

Plans are kept by operation and by the shape of its variables (see language/variable_shapes.py); what else the variables
hold is bound at execution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol, TypeAlias

from django.db import connections
from django.db.models import Model
from graphql import FieldNode, GraphQLField, OperationType

from .._django import Compiled, database_of
from ..cache.lru import LRU
from ..conf.settings import LimitSettings
from ..invalidation.catalog import generation, tables_read
from ..language.parser import Operation
from ..language.variable_shapes import ABSENT
from ..schema.arguments import MutationDef
from ..schema.build import Schema
from ..viewer import Viewer
from .arguments import Variables
from .build import OperationBuilder
from .collect import Collector
from .compile import Compiler, Live
from .cost import Complexity, estimate
from .expressions import Bind
from .introspection import introspect
from .kinds import kind_of
from .locations import ROW
from .payload import SLOT_END, Node, Payloads, Slot
from .planned_viewer import PlannedViewer
from .questions import Active, Plans
from .rules import Rules
from .statement import compile_pieces, joined, statement
from .tree import Constant, Member


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """One SQL statement and the answer around what it returns.

    ``digest`` names the statement among others, ``tables`` are what it reads, in a fixed order, and ``of_session``
    says whether its answer may depend on the viewer's session values. ``segments`` are the answer's bytes in order:
    constants, or the number of a column of the statement's one row. ``live`` finish marked parts in Python. ``sql`` is
    None where nothing need be read. ``certain`` is False where the catalogue could not be asked for the tables.
    """

    sql: str | None
    binds: tuple[Bind, ...]
    segments: tuple[bytes | int, ...]
    tables: tuple[str, ...]
    digest: str
    live: tuple[Live, ...]
    of_session: bool
    certain: bool = True

    def params(self, variables: Variables) -> list[str | None]:
        """Return the statement's parameters; raise InvalidInput for a value that cannot be one."""
        return [bind.fill(variables) for bind in self.binds]


@dataclass(frozen=True, slots=True, eq=False)
class ConstantRoot:
    """A root field whose JSON text is known: ``__typename``, introspection, or what stands for a masked field."""

    key: str
    text: bytes


@dataclass(frozen=True, slots=True, eq=False)
class ColumnRoot:
    """A root field that a column of the operation's statement answers."""

    key: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutationCall:
    """A root field that Python or a PostgreSQL function answers: a mutation, called with its arguments.

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
    answered_for: Callable[[Viewer, Variables], MutationCall]


Root: TypeAlias = ConstantRoot | ColumnRoot | MutationCall


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What executing an operation takes: its root fields in order, and the statement that answers those of a query."""

    complexity: Complexity
    roots: tuple[Root, ...]
    read: Read | None = None

    @property
    def calls(self) -> tuple[MutationCall, ...]:
        """The mutations, in order."""
        return tuple(root for root in self.roots if isinstance(root, MutationCall))

    @property
    def certain(self) -> bool:
        """Whether the catalogue could be asked for everything that the plan depends on."""
        return self.read is None or self.read.certain


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
        self._types = {**schema.types, **schema.shapes}
        self._generation = generation()

    def plan(self, operation: Operation, variables: Variables, viewer: Viewer | None = None) -> Plan:
        """Return the plan for an operation with variables of this shape, by a viewer (None: by nobody).

        Raises InvalidInput or LimitExceeded for arguments that no plan can have, OperationError for what the viewer may
        not use.
        """
        viewer = viewer or Viewer()
        current = generation()
        if self._generation != current:
            # a migration has run: what views, functions and policies read may be something else
            self.cache.clear()
            self._generation = current
        shape = tuple(
            variable.of(variables[variable.name]) if variable.name in variables else ABSENT
            for variable in operation.variables
        )
        key = (operation, shape)
        known = self.cache.get(key)
        plan = None if known is None else known.of(self._planned(viewer))
        if plan is None:
            planned = self._planned(viewer)
            active = Active()
            planned.asked[active] = active.answer(planned)
            plan = self._make(operation, variables, planned)
            if operation.kept and plan.certain and current == generation():
                self.cache.set(key, (known or Plans()).adding(plan, planned.asked, self._planned(viewer)))
        else:
            plan.complexity.check(variables, self.limits)
        for root in plan.roots:
            if isinstance(root, MutationCall):
                for slot in root.slots:
                    slot.check(variables)
        return plan

    # --- from the AST to the tree ---

    def _make(self, operation: Operation, variables: Variables, viewer: PlannedViewer) -> Plan:
        build = self._builder(operation, variables, viewer)
        root = self.schema.query if operation.kind is OperationType.QUERY else self.schema.mutation
        selection = build.operation(root, operation.node)
        complexity = estimate(selection)
        complexity.check(variables, self.limits)
        if operation.kind is OperationType.QUERY:
            return self._query(selection.members, complexity, viewer)
        roots: list[Root] = []
        for key, member in selection:
            if isinstance(member, Constant):
                roots.append(ConstantRoot(key, member.text.encode()))
            else:
                roots.append(self._write(operation, key, build.root_nodes[key], member, viewer))
        return Plan(complexity=complexity, roots=tuple(roots))

    def _builder(self, operation: Operation, variables: Variables, viewer: PlannedViewer) -> OperationBuilder:
        schema = self.schema
        return OperationBuilder(
            schema=schema,
            collector=Collector(operation.fragments, variables, schema.unions),
            variables=variables,
            limits=self.limits,
            rules=Rules(viewer, self.alias, self._is_secured, (schema.query, schema.mutation)),
            introspect=lambda key, nodes: introspect(schema.graphql, operation, key, list(nodes), variables),
        )

    def _planned(self, viewer: Viewer) -> PlannedViewer:
        return PlannedViewer(viewer, self.schema.conventions.scalars)

    def _is_secured(self, model: type[Model]) -> bool:
        return self.session.may_hide(model, self.alias)

    # --- queries ---

    def _query(
        self, members: Sequence[tuple[str, Member | Constant]], complexity: Complexity, planned: PlannedViewer
    ) -> Plan:
        compiler = Compiler(self._types, self.alias, planned.asked)
        columns: list[Compiled] = []
        roots: list[ConstantRoot | ColumnRoot] = []
        for key, member in members:
            if isinstance(member, Constant):
                roots.append(ConstantRoot(key, member.text.encode()))
            else:
                roots.append(ColumnRoot(key, len(columns)))
                columns.append(compile_pieces(compiler.member(member, ROW), self.alias))
        read = self._read(columns, list(_segments(roots)), compiler.live)
        return Plan(complexity=complexity, roots=tuple(roots), read=read)

    def _read(self, columns: Sequence[Compiled], segments: Sequence[bytes | int], live: Sequence[Live]) -> Read:
        parts = joined(segments)
        if not columns:
            return Read(sql=None, binds=(), segments=parts, tables=(), digest="", live=(), of_session=False)
        sql, binds = statement(columns, self.alias)
        database = list(database_of(connections[self.alias]))
        tables = tables_read(sql, self.alias)
        return Read(
            sql=sql,
            binds=binds,
            segments=parts,
            tables=tables.names,
            certain=tables.certain,
            # the names of the answer's parts are not in the SQL
            digest=blake2b(repr((database, sql, parts)).encode(), digest_size=16).hexdigest(),
            live=tuple(live),
            of_session=self.session.may_show_in(sql, self.alias),
        )

    # --- mutations ---

    def _write(
        self, operation: Operation, key: str, nodes: Sequence[FieldNode], member: Member, planned: PlannedViewer
    ) -> MutationCall:
        definition: MutationDef = member.field
        compiler = Compiler(self._types, self.alias, planned.asked)
        payloads = Payloads(compiler)
        answer = payloads.node(definition.output, member.selections)
        read = partial(self._read_slots, live=compiler.live)
        root: Any = self.schema.graphql.mutation_type

        def answered_for(viewer: Viewer, variables: Variables) -> MutationCall:
            # nothing of the viewer for whom this was planned is kept
            other = self._planned(viewer)
            build = self._builder(operation, variables, other)
            again = kind_of(definition).answer(build, self.schema.mutation, definition, nodes)
            return self._write(operation, key, nodes, again, other)

        return MutationCall(
            key=key,
            node=nodes[0],
            field=root.fields[nodes[0].name.value],
            definition=definition,
            answer=answer,
            slots=tuple(payloads.slots),
            read=read,
            rows=read([slot.column() for slot in payloads.slots]) if payloads.slots else None,
            alias=self.alias,
            answered_for=answered_for,
        )

    def _read_slots(self, columns: Sequence[Compiled], live: Sequence[Live]) -> Read:
        segments = [part for index in range(len(columns)) for part in (index, SLOT_END)]
        return self._read(columns, segments[:-1], live)


def _segments(roots: Sequence[ConstantRoot | ColumnRoot]) -> Iterator[bytes | int]:
    """Yield the bytes of a query's data in order: constants, and the numbers of the statement's columns."""
    for index, root in enumerate(roots):
        yield b'%b"%b":' % (b"," if index else b"{", root.key.encode())
        yield root.text if isinstance(root, ConstantRoot) else root.column
    yield b"}" if roots else b"{}"


def members_of(plan: Plan, answers: Mapping[str, bytes]) -> bytes:
    """Return the data of a mutation's operation, in the order of its root fields, from the answers by response key."""
    texts = (
        b'"%b":%b' % (root.key.encode(), root.text if isinstance(root, ConstantRoot) else answers[root.key])
        for root in plan.roots
    )
    return b"{%b}" % b",".join(texts)
