"""Operation → plan: one SQL statement with bind parameters, and how the answer is put together around it.

    collect   AST and @include, @skip → the fields of each selection set
    build     fields → tree, within a budget, under the viewer's rules
    cost      tree → what the operation may cost
    kept_answers  what the tree reads → how long, and for whom, the answer may be kept
    compile   tree → ORM expressions
    statement expressions → SQL
    payload   tree of a mutation's answer → what Python writes, and the rows that one statement reads

Plans are kept by operation and by the shape of its variables (see language/variable_shapes.py); what else the variables
hold is bound at execution.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from sys import getsizeof
from typing import Any, Protocol, TypeAlias

from django.db import connections
from django.db.models import Model
from graphql import FieldNode, GraphQLField, OperationType

from .._django import Compiled, database_of, noting_place
from ..conf.settings import LimitSettings
from ..invalidation.catalog import generation, is_volatile, number_of_database, tables_read, unread
from ..invalidation.scan import CATALOGUE
from ..invalidation.volatility import clock_parameters
from ..language.coercion import OF_PLACE
from ..language.parser import Operation
from ..language.variable_shapes import ABSENT
from ..memory import LRU, size_of
from ..schema.arguments import CallDef, MutationDef
from ..schema.build import Schema
from ..schema.definition import TypeDef
from ..viewer import Viewer
from .answer_policy import NOT_KEPT, AnswerPolicy
from .arguments import Variables
from .build import OperationBuilder
from .chosen_rows import Chosen, ChosenBy
from .collect import Collector
from .compile import Compiler, Live
from .cost import Complexity, estimate
from .expressions import Bind
from .introspection import AnswerSize, introspect
from .kept_answers import KeptAnswers
from .kinds import kind_of
from .locations import ROW
from .marks import Mark
from .ordering import key_columns
from .payload import SLOT_END, Node, Payloads, Slot
from .planned_viewer import PlannedViewer, Question
from .questions import Active, Plans, RoutedHere
from .rules import Rules
from .stale import StaleTables
from .statement import Part, compile_keys_as_json, compile_pieces, joined, split, statement
from .tree import Constant, Member, RowSet, Selection

# The response around the data of a query (GraphQL specification, 7.1)
BEFORE_DATA, AFTER_DATA = b'{"data":', b"}"
# What a plan takes in bytes, measured: 3 to 5 for each byte of SQL where there are no parameters (of 1, if the
# characters are ASCII), 700 for a parameter with the functions that fetch it
_OF_PLAN = 4000
_OF_SQL = 5
_OF_BIND = 800
_OF_MARK = 400
_OF_STEP = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """One SQL statement and the answer around what it returns.

    ``digest`` names the statement among others, ``tables`` are what it reads, in a fixed order, ``versioned`` these and
    the catalogue, under whose versions an answer is kept, ``catalogue`` is the generation of the catalogue that it was
    made with. ``of_session`` says whether its answer may depend on the viewer's session values, ``volatile`` whether on
    the clock or on chance. ``stale`` is for how many seconds after a write to its tables the answer from before may be
    used (see ``stale``). ``segments`` are the answer's bytes in order: constants, or the number of a column of the
    statement's one row. Of a query they are the whole response, with ``envelope`` bytes around its data. ``parts`` say
    where each column stands in the statement. ``live`` finish parts of the answer in Python, ``marks`` are what may be
    wrong with its values (see ``marks``). ``models`` are what ``DATABASE_ROUTERS`` decide about, if there are any.
    ``sql`` is None where nothing need be read. ``policy`` says how the answer may be kept.
    """

    sql: str | None
    binds: tuple[Bind, ...]
    segments: tuple[bytes | int, ...]
    tables: tuple[str, ...]
    digest: str
    live: tuple[Live, ...]
    marks: tuple[Mark, ...]
    of_session: bool
    volatile: bool
    versioned: tuple[str, ...]
    parts: tuple[Part, ...]
    catalogue: int = 0
    envelope: int = 0
    models: tuple[type[Model], ...] = ()
    policy: AnswerPolicy = NOT_KEPT
    stale: int = 0

    def params(self, variables: Variables) -> list[str | None]:
        """Return the statement's parameters; raise InvalidInput for a value that cannot be one."""
        return [bind.fill(variables) for bind in self.binds]

    def kept_by(self, policy: AnswerPolicy) -> Read:
        """Return the same statement with a policy; an answer that is kept for a shorter time has its own entry."""
        digest = self.digest if policy.limit is None else f"{self.digest}{policy.limit}"
        # what a client has shortened it does not want from before a write
        stale = self.stale if policy.limit is None else 0
        return replace(self, policy=policy, digest=digest, stale=stale)

    def alone(self, root: ColumnRoot) -> Read:
        """Return the statement of one root field, whose answer is the field's text."""
        assert self.sql is not None
        part = self.parts[root.column]
        return replace(
            self,
            sql=f"SELECT {self.sql[part.text]}",
            binds=self.binds[part.binds],
            segments=joined(root.segments(0)),
            digest=f"{self.digest}{root.column}",
            parts=(),
            envelope=0,
        )

    @property
    def weight(self) -> int:
        """The bytes that it takes, as estimated."""
        constants = sum(getsizeof(segment) for segment in self.segments)
        literals = sum(getsizeof(bind.text) for bind in self.binds if bind.text is not None)
        return (
            _OF_SQL * len(self.sql or "")
            + _OF_BIND * len(self.binds)
            + _OF_MARK * len(self.marks)
            + constants
            + literals
        )


@dataclass(frozen=True, slots=True, eq=False)
class ConstantRoot:
    """A root field whose JSON text is known: ``__typename``, introspection, or what stands for a masked field."""

    key: str
    text: bytes


@dataclass(frozen=True, slots=True, eq=False)
class ColumnRoot:
    """A root field that a column of the operation's statement answers, with constants around it."""

    key: str
    column: int
    before: bytes
    after: bytes
    node: FieldNode
    nullable: bool

    def segments(self, column: int) -> tuple[bytes | int, ...]:
        """Return the bytes of the field, which has this column of a statement."""
        return tuple(part for part in (self.before, column, self.after) if part != b"")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutationCall:
    """A root field that Python or a PostgreSQL function answers: a mutation, called with its arguments.

    ``slots`` are the rows in its answer; ``read`` makes the statement of them from the slots' columns, and
    ``rows`` is the one whose keys are all parameters (None: no rows were selected). ``chosen`` reads the keys of the
    rows that the mutation writes, where a condition chooses them, as JSON. ``alias`` is the database.
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
    chosen: Read | None
    alias: str
    answered_for: Callable[[Viewer, Variables], MutationCall]

    @property
    def weight(self) -> int:
        """The bytes that it takes, as estimated."""
        # the slots hold the columns of the statement once more
        weight = _OF_PLAN + (0 if self.rows is None else 2 * self.rows.weight)
        return weight + (0 if self.chosen is None else self.chosen.weight)

    def check(self, variables: Variables) -> None:
        """Raise InvalidInput or LimitExceeded for what a client has given that no rows can be read with.

        It is asked before the mutation is run.
        """
        for slot in self.slots:
            slot.check(variables)
        for bind in self.chosen.binds if self.chosen is not None else ():
            if bind.node is not None:
                bind.fill(variables)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueryCall:
    """A root field of a query that a function of the project's answers: what it is called with.

    ``definition`` is a CallDef, and ``target`` the type of the rows that it chooses; None where Python writes what it
    returns.
    """

    key: str
    node: FieldNode
    definition: Any
    target: TypeDef | None
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenRoot:
    """A root field of a query that Python writes from what a function has returned, with rows of the statement."""

    key: str
    node: FieldNode
    definition: Any
    answer: Node
    nullable: bool
    alias: str


Root: TypeAlias = ConstantRoot | ColumnRoot | MutationCall | WrittenRoot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What executing an operation takes: its root fields in order, and the statement that answers those of a query.

    ``uncertain`` says that the statement ends in an error where a stored text cannot be cast to the type of its field,
    which the statement of a careful plan asks first. ``aggregates`` says that it adds up values, whose sum may be
    out of range. ``policy`` says how the answer of a query may be kept.

    Functions that answer root fields of a query are called before the statement is planned: the plan has what is
    ``asked`` and neither roots nor statement, and ``Planner.called`` makes the other. In that the answer of the
    statement is its columns, one for each ColumnRoot and after them one for each of the ``slots``, with SLOT_END
    between them. ``read_slots`` makes a statement of other columns in the place of the slots', with the ColumnRoots or
    alone.
    """

    complexity: Complexity
    roots: tuple[Root, ...]
    read: Read | None = None
    policy: AnswerPolicy = NOT_KEPT
    uncertain: bool = False
    aggregates: bool = False
    asked: tuple[QueryCall, ...] = ()
    slots: tuple[Slot, ...] = ()
    read_slots: Callable[[Sequence[Compiled], bool], Read] | None = None

    def kept_by(self, policy: AnswerPolicy) -> Plan:
        """Return the same plan with a policy."""
        read, slots = self.read, self.read_slots
        return replace(
            self,
            policy=policy,
            read=None if read is None else read.kept_by(policy),
            read_slots=None if slots is None else lambda columns, alone: slots(columns, alone).kept_by(policy),
        )

    @property
    def calls(self) -> tuple[MutationCall, ...]:
        """The mutations, in order."""
        return tuple(root for root in self.roots if isinstance(root, MutationCall))

    @property
    def weight(self) -> int:
        """The bytes that it takes, as estimated; those of the document are not counted."""
        weight = _OF_PLAN * (1 + len(self.asked)) + _OF_STEP * len(self.complexity.steps)
        if self.read is not None:
            weight += self.read.weight
        for root in self.roots:
            if isinstance(root, MutationCall):
                weight += root.weight
            elif isinstance(root, WrittenRoot):
                # the slots hold the columns of the statement once more
                weight += _OF_PLAN + (0 if self.read is None else self.read.weight)
            elif isinstance(root, ConstantRoot):
                weight += getsizeof(root.text)
        return weight


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
        self, schema: Schema, alias: str, limits: LimitSettings, session: SessionPolicy, cache: LRU[Plans[Plan]]
    ) -> None:
        self.schema = schema
        self.alias = alias
        self.session = session
        self.limits = limits
        self.cache = cache
        self._types = {**schema.types, **schema.shapes}
        self._kept_answers = KeptAnswers(schema, alias)
        self._stale = StaleTables(schema.types.values(), alias)

    def plan(
        self, operation: Operation, variables: Variables, viewer: Viewer | None = None, *, careful: bool = False
    ) -> Plan:
        """Return the plan for an operation with variables of this shape, by a viewer (None: by nobody).

        With ``careful``, and after ``careful_plan``, stored texts that cannot be cast are field errors.
        Raises InvalidInput or LimitExceeded for arguments that no plan can have, OperationError for what the viewer may
        not use.
        """
        plan = self._plan(operation, variables, self._planned(viewer or Viewer()), careful)
        if plan.read is None:
            for call in plan.calls:
                call.check(variables)
        return plan

    def called(
        self, operation: Operation, variables: Variables, viewer: Viewer, chosen: Mapping[str, Chosen | None]
    ) -> Plan:
        """Return the plan for a query whose functions have been called: ``chosen`` are the rows by response key.

        It is a careful one. Raises what ``plan`` raises.
        """
        return self._plan(operation, variables, self._planned(viewer, chosen), careful=True)

    def _plan(self, operation: Operation, variables: Variables, planned: PlannedViewer, careful: bool) -> Plan:
        key = _key(operation, variables, careful=careful, called=planned.chosen is not None)
        known = self.cache.get(key)
        plan = None if known is None else known.of(planned)
        if plan is None:
            before = unread()
            plan, asked = self._new(operation, variables, planned, careful=careful)
            # without the catalogue it is right, but slower than need be
            if unread() == before:
                self._keep(key, operation, known or Plans(), plan, asked, planned)
        else:
            plan.complexity.check(variables, self.limits)
        return _of_place(plan) if OF_PLACE in variables else plan

    def careful_plan(self, operation: Operation, variables: Variables, viewer: Viewer) -> Plan:
        """Return the careful plan for an operation whose statement has failed; from now on it is the one that is used.

        Raises what ``plan`` raises.
        """
        planned = self._planned(viewer)
        before = unread()
        plan, asked = self._new(operation, variables, planned, careful=True)
        if unread() == before:
            self._keep(_key(operation, variables, careful=False), operation, Plans(), plan, asked, planned)
        return _of_place(plan) if OF_PLACE in variables else plan

    def _keep(
        self, key: tuple[Hashable, ...], operation: Operation, known: Plans[Plan], plan: Plan,
        asked: dict[Question, Hashable], planned: PlannedViewer,
    ) -> None:  # fmt: skip
        if operation.kept:
            # the key keeps the document alive
            own = operation.weight + size_of(key[1])
            room = self.cache.share - own
            plans = known.adding(plan, plan.weight, asked, planned, room)
            self.cache.set(key, plans, own + plans.weight)

    def _new(
        self, operation: Operation, variables: Variables, planned: PlannedViewer, *, careful: bool
    ) -> tuple[Plan, dict[Question, Hashable]]:
        # what is asked while a plan is looked up is asked again
        planned = replace(planned, asked={})
        active = Active()
        planned.asked[active] = active.answer(planned)
        for key in planned.chosen or ():
            question = ChosenBy(key)
            planned.asked[question] = question.answer(planned)
        with noting_place() as place:
            plan = self._make(operation, variables, planned, careful)
        return (_of_place(plan) if place else plan), planned.asked

    # --- from the AST to the tree ---

    def _make(self, operation: Operation, variables: Variables, viewer: PlannedViewer, careful: bool) -> Plan:
        build = self._builder(operation, variables, viewer)
        root = self.schema.query if operation.kind is OperationType.QUERY else self.schema.mutation
        selection = build.operation(root, operation.node)
        complexity = estimate(selection)
        complexity.check(variables, self.limits)
        if operation.kind is OperationType.QUERY:
            asked = [] if viewer.chosen is not None else list(self._calls(build, selection))
            if asked:
                return Plan(complexity=complexity, roots=(), asked=tuple(asked))
            plan = self._query(build, selection.members, complexity, viewer, careful)
            assert plan.read is not None
            policy = self._kept_answers.policy(
                operation, variables, plan.read, build.rules.policies, selection.members, viewer.asked,
                # what is asked of it is known already
                lambda: self._compiler({}, careful=careful),
            )  # fmt: skip
            return plan.kept_by(policy)
        roots: list[Root] = []
        for key, member in selection:
            if isinstance(member, Constant):
                roots.append(ConstantRoot(key, member.text.encode()))
            else:
                roots.append(self._write(operation, key, build.root_nodes[key], member, viewer))
        return Plan(complexity=complexity, roots=tuple(roots))

    def _calls(self, build: OperationBuilder, selection: Selection) -> Iterator[QueryCall]:
        """Yield the calls of functions that answer root fields."""
        for key, member in selection:
            if isinstance(member, Member) and kind_of(member.field).is_called:
                definition = member.field
                rows = definition.rows
                yield QueryCall(
                    key=key,
                    node=build.root_nodes[key][0],
                    definition=definition,
                    target=None if rows is None else self.schema.types[rows.target],
                    nullable=definition.output.nullable,
                )

    def _builder(self, operation: Operation, variables: Variables, viewer: PlannedViewer) -> OperationBuilder:
        schema, size = self.schema, AnswerSize(self.limits.response_bytes)
        return OperationBuilder(
            schema=schema,
            collector=Collector(operation.fragments, variables, schema.unions),
            variables=variables,
            limits=self.limits,
            rules=Rules(
                viewer,
                self.alias,
                self._is_secured,
                (schema.query, schema.mutation),
                self._kept_answers.policies(),
            ),
            introspect=lambda key, nodes: introspect(schema.graphql, operation, key, list(nodes), variables, size),
            chosen=viewer.chosen,
        )

    def _planned(self, viewer: Viewer, chosen: Mapping[str, Chosen | None] | None = None) -> PlannedViewer:
        return PlannedViewer(viewer, self.schema.conventions.scalars, chosen=chosen)

    def _is_secured(self, model: type[Model]) -> bool:
        return self.session.may_hide(model, self.alias)

    # --- queries ---

    def _query(
        self,
        build: OperationBuilder,
        members: Sequence[tuple[str, Member | Constant]],
        complexity: Complexity,
        planned: PlannedViewer,
        careful: bool,
    ) -> Plan:
        compiler = self._compiler(planned.asked, careful=careful)
        payloads = Payloads(compiler)
        columns: list[Compiled] = []
        roots: list[ConstantRoot | ColumnRoot | WrittenRoot] = []
        for key, member in members:
            if isinstance(member, Constant):
                roots.append(ConstantRoot(key, member.text.encode()))
                continue
            node, nullable = build.root_nodes[key][0], compiler.may_be_null(member)
            if kind_of(member.field).is_written(member):
                roots.append(self._written(key, node, member, payloads, nullable))
                continue
            before, pieces, after = split(compiler.member(member, ROW))
            roots.append(ColumnRoot(key, len(columns), before.encode(), after.encode(), node, nullable))
            columns.append(compile_pieces(pieces, self.alias))
        about: dict[str, Any] = {
            "complexity": complexity, "roots": tuple(roots), "aggregates": compiler.aggregates,
        }  # fmt: skip
        if planned.chosen is not None:
            texts = [root for root in roots if isinstance(root, ColumnRoot)]

            def read_slots(slots: Sequence[Compiled], alone: bool) -> Read:
                own = ([], []) if alone else (columns, texts)
                return self._read_columns(*own, slots, compiler)

            found = read_slots([slot.column() for slot in payloads.slots], False)
            return Plan(read=found, slots=tuple(payloads.slots), read_slots=read_slots, **about)
        known = [root for root in roots if not isinstance(root, WrittenRoot)]
        segments = [BEFORE_DATA, *_segments(known), AFTER_DATA]
        read = self._read(columns, segments, compiler, envelope=len(BEFORE_DATA) + len(AFTER_DATA))
        return Plan(read=read, uncertain=compiler.uncertain and not careful, **about)

    def _compiler(self, asked: dict[Question, Hashable], *, careful: bool) -> Compiler:
        return Compiler(self._types, self.alias, asked, self.schema.graphql, careful=careful)

    def _written(self, key: str, node: FieldNode, member: Member, payloads: Payloads, nullable: bool) -> WrittenRoot:
        definition: CallDef = member.field
        with payloads.compiler.within([nullable]):
            answer = payloads.node(definition.output, member.selections)
        return WrittenRoot(
            key=key, node=node, definition=definition, answer=answer, nullable=nullable, alias=self.alias
        )

    def _read_columns(
        self, columns: Sequence[Compiled], roots: Sequence[ColumnRoot], slots: Sequence[Compiled], compiler: Compiler
    ) -> Read:
        """Return the statement of columns and slots, whose answer is all of them with SLOT_END between them."""
        segments: list[bytes | int] = []
        for root in roots:
            segments += [*root.segments(root.column), SLOT_END]
        for index in range(len(slots)):
            segments += [len(columns) + index, SLOT_END]
        return self._read([*columns, *slots], segments[:-1], compiler)

    def _read(
        self, columns: Sequence[Compiled], segments: Sequence[bytes | int], compiler: Compiler, *, envelope: int = 0
    ) -> Read:
        around = joined(segments)
        if not columns:
            return Read(
                sql=None,
                binds=(),
                segments=around,
                tables=(),
                digest="",
                live=(),
                marks=(),
                of_session=False,
                volatile=False,
                versioned=(),
                parts=(),
                envelope=envelope,
            )
        sql, binds, parts = statement(columns, self.alias)
        marks = tuple(compiler.marks)
        connection = connections[self.alias]
        # moments are written in the connection's time zone; the number is another one for a database that is made anew
        database = [*database_of(connection), number_of_database(self.alias), connection.timezone_name]
        tables = tables_read(sql, self.alias)
        of_session = self.session.may_show_in(sql, self.alias)
        return Read(
            sql=sql,
            binds=binds,
            segments=around,
            tables=tables,
            # neither the names of the answer's parts nor what marks mean is in the SQL; what a view reads may change
            digest=blake2b(repr((database, sql, around, marks, tables)).encode(), digest_size=16).hexdigest(),
            live=tuple(compiler.live),
            marks=marks,
            # which tables are read below, the catalogue tells; last, so that its version is the last one
            versioned=(*tables, CATALOGUE),
            parts=parts,
            catalogue=compiler.catalogue,
            of_session=of_session,
            volatile=(
                compiler.volatile
                or is_volatile(sql, self.alias)
                or clock_parameters(sql, [bind.text if bind.node is None else None for bind in binds])
            ),
            envelope=envelope,
            models=tuple(question.model for question in compiler.asked if isinstance(question, RoutedHere)),
            stale=0 if of_session else self._stale.seconds(tables, compiler.asked),
        )

    # --- mutations ---

    def _write(
        self, operation: Operation, key: str, nodes: Sequence[FieldNode], member: Member, planned: PlannedViewer
    ) -> MutationCall:
        definition: MutationDef = member.field
        # an error would end the transaction that the mutation has written in
        compiler = self._compiler(planned.asked, careful=True)
        payloads = Payloads(compiler)
        with compiler.within([definition.output.nullable]):
            answer = payloads.node(definition.output, member.selections)
        read = partial(self._read_slots, compiler=compiler)
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
            chosen=None if member.rows is None else self._keys(member.rows, planned),
            alias=self.alias,
            answered_for=answered_for,
        )

    def _keys(self, rows: RowSet, planned: PlannedViewer) -> Read:
        """Return the statement that reads the keys of rows, a page of them, as JSON."""
        compiler = self._compiler(planned.asked, careful=True)
        model, most = rows.type.model, rows.page.limit
        assert isinstance(most, int)
        found = compile_keys_as_json(compiler.queryset(rows, ROW), key_columns(model), most, self.alias)
        return self._read([] if found is None else [found], [b"[]"] if found is None else [0], compiler)

    def _read_slots(self, columns: Sequence[Compiled], compiler: Compiler) -> Read:
        segments = [part for index in range(len(columns)) for part in (index, SLOT_END)]
        return self._read(columns, segments[:-1], compiler)


def _key(operation: Operation, variables: Variables, *, careful: bool, called: bool = False) -> tuple[Hashable, ...]:
    """Return what plans are kept by: the operation and the shape of its variables, and the state of the catalogue.

    ``called`` says that functions that answer root fields have been called.
    """
    shape = tuple(
        [
            variable.of(variables[variable.name]) if variable.name in variables else ABSENT
            for variable in operation.variables
        ]
    )
    return operation, shape, generation(), careful, called


def _of_place(plan: Plan) -> Plan:
    """Return a plan whose answer is not public: each request may have another language or time zone."""
    return plan.kept_by(replace(plan.policy, public=False, by_language=True)) if plan.policy.public else plan


def _segments(roots: Sequence[ConstantRoot | ColumnRoot]) -> Iterator[bytes | int]:
    """Yield the bytes of a query's data in order: constants, and the numbers of the statement's columns."""
    for index, root in enumerate(roots):
        yield b'%b"%b":' % (b"," if index else b"{", root.key.encode())
        yield from (root.text,) if isinstance(root, ConstantRoot) else root.segments(root.column)
    yield b"}" if roots else b"{}"


def members_of(plan: Plan, answers: Mapping[str, bytes]) -> bytes:
    """Return the data of an operation, in the order of its root fields, from the answers by response key."""
    texts = (
        b'"%b":%b' % (root.key.encode(), root.text if isinstance(root, ConstantRoot) else answers[root.key])
        for root in plan.roots
    )
    return b"{%b}" % b",".join(texts)
