"""Connections: pages of a list of rows with cursors, as Relay's specification has them.

``booksConnection(first: 10, after: …)`` stands beside ``books`` at the root, ``reviewsConnection`` beside ``reviews``
in a type; where a type's declaration names no plain list, they have the list's own name.

    Connection  edges ──> Edge    cursor                    from the values of the order's keys (``cursors``)
                                  node ──> Book
                nodes ──> Book
                pageInfo          hasNextPage …             from one row more than the page has
                totalCount                                  a count of its own

All rows of a page are read by one subquery, which has a column for the texts of the nodes under each of ``edges`` and
``nodes``, and one for the values of cursors, each only where it is selected:

    (SELECT '{"edges":[' || string_agg('{"node":' || page.n0 || '}', ',') FILTER (WHERE page.place <= $1) || …
     FROM (SELECT row_number() OVER () AS place, rows.* FROM (SELECT … ORDER BY … LIMIT $1 + 1) AS rows) AS page)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Exists
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLString,
)

from .._django import free_name
from ..errors import InvalidInput
from ..planner.arguments import Leaf
from ..planner.budget import FIELD, RELATION
from ..planner.cursors import MAX_VALUES
from ..planner.expressions import NULL, SQL, Concat, Piece, Rows, json_object
from ..planner.keysets import Keyset, is_random, keyset_of
from ..planner.kinds import FieldKind, TreeBuilder, TreeCompiler, kind_of
from ..planner.locations import Location
from ..planner.ordering import key_columns
from ..planner.row_sets import page_params, rows_shown
from ..planner.source_values import object_of_row
from ..planner.tree import WHOLE, Boundary, Condition, Constant, Member, Page, Repeat, RowSet, Selection
from ..schema.definition import DerivedShape, FieldDef, Related, Shape, TypeDef
from ..schema.kinds import Derivation, InputTypes, ListForm, OutputTypes, list_form, register
from .counts import RowCount
from .rows import ORDER_BY, list_arguments, where

FIRST, AFTER, LAST, BEFORE = "first", "after", "last", "before"
PAGE = "fraiseql_page"

# --- what a connection has ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(FieldDef):
    """The pages of the list ``of``; ``shape`` has its fields, and ``empty`` what they are where it is masked."""

    of: Related
    shape: Shape
    empty: Shape
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPart(FieldDef):
    """A field of a connection, of its edges or of its ``pageInfo``.

    ``shape`` has the fields of the objects that it leads to, ``target`` is the type of the rows that it leads to.
    """

    shape: Shape | None = None
    target: str | None = None
    many: bool = False
    graphql: GraphQLOutputType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty(FieldDef):
    """A field of a connection without rows: its JSON text, or the fields of its object."""

    text: str = ""
    shape: Shape | None = None
    cost: float = 0


def _shape(name: str, description: str, *parts: FieldDef) -> Shape:
    return DerivedShape(name=name, description=description, fields={part.name: part for part in parts})


_BOOLEAN, _TEXT = GraphQLNonNull(GraphQLBoolean), GraphQLString
PAGE_INFO = _shape(
    "PageInfo",
    "Where a page stands in its list.",
    ConnectionPart(name="hasNextPage", description="Whether rows follow the page.", graphql=_BOOLEAN),
    ConnectionPart(name="hasPreviousPage", description="Whether rows stand before the page.", graphql=_BOOLEAN),
    ConnectionPart(
        name="startCursor", description="The cursor of the first row; null on an empty page.", graphql=_TEXT
    ),
    ConnectionPart(name="endCursor", description="The cursor of the last row; null on an empty page.", graphql=_TEXT),
)
_NO_PAGE_INFO = _shape(
    "PageInfo",
    "",
    Empty(name="hasNextPage", text="false"),
    Empty(name="hasPreviousPage", text="false"),
    Empty(name="startCursor", text=NULL),
    Empty(name="endCursor", text=NULL),
)


def connection(of: Related, name: str) -> Connection:
    """Return the connection of a list."""
    target = of.target
    edge = _shape(
        f"{target}Edge",
        f"A {target} on a page.",
        ConnectionPart(
            name="cursor", description="Stands for the row: other pages begin or end there.",
            graphql=GraphQLNonNull(GraphQLString),
        ),
        ConnectionPart(name="node", description="The row.", target=target),
    )  # fmt: skip
    shape = _shape(
        f"{target}Connection",
        f"A page of {target} rows.",
        ConnectionPart(name="edges", description="The rows of the page, with cursors.", shape=edge, many=True),
        ConnectionPart(name="nodes", description="The rows of the page.", target=target, many=True),
        ConnectionPart(name="pageInfo", description="Where the page stands in the list.", shape=PAGE_INFO),
        ConnectionPart(
            name="totalCount", description="How many rows all pages have.", graphql=GraphQLNonNull(GraphQLInt)
        ),
    )
    empty = _shape(
        shape.name,
        "",
        Empty(name="edges", text="[]"),
        Empty(name="nodes", text="[]"),
        Empty(name="pageInfo", shape=_NO_PAGE_INFO),
        Empty(name="totalCount", text="0"),
    )
    return Connection(
        name=name,
        description=f"A page of {target} rows, with cursors.",
        deprecation=of.deprecation,
        permission=of.permission,
        mask=of.mask,
        cost=of.cost,
        of=of,
        shape=shape,
        empty=empty,
    )


# --- arguments ---


def connection_arguments(target: str, types: OutputTypes) -> dict[str, GraphQLArgument]:
    """Return the arguments of a connection of a type's rows."""
    arguments = {name: item for name, item in list_arguments(target, types).items() if name in ("where", ORDER_BY)}
    for name, graphql, description in (
        (FIRST, GraphQLInt, "How many rows at most, from the start of the list or from `after`."),
        (AFTER, GraphQLString, "A cursor: only rows that follow it."),
        (LAST, GraphQLInt, "How many rows at most, up to the end of the list or to `before`."),
        (BEFORE, GraphQLString, "A cursor: only rows that stand before it."),
    ):
        arguments[name] = GraphQLArgument(graphql, description=description)
    return arguments


def connection_page(build: TreeBuilder, arguments: dict[str, Any]) -> Page:
    """Return the page of a connection with these arguments; raise InvalidInput where they contradict each other."""
    first, last = arguments.get(FIRST), arguments.get(LAST)
    if first is not None and last is not None:
        raise InvalidInput("A page has either first or last, not both.", nodes=[first.node, last.node])
    backward = last is not None
    return replace(
        build.page(last if backward else first, None),
        label=LAST if backward else FIRST,
        keyed=True,
        after=_boundary(arguments, AFTER),
        before=_boundary(arguments, BEFORE),
        backward=backward,
    )


def _boundary(arguments: dict[str, Any], name: str) -> Boundary | None:
    cursor = arguments.get(name)
    return None if cursor is None else Boundary(cursor=cursor, label=name)


def repeat(build: TreeBuilder, page: Page) -> Repeat:
    """Return how many rows a page is taken to read: one more than it shows."""
    limit = page.limit
    if limit is None:
        return build.limits.assumed_rows
    if not isinstance(limit, Leaf):
        return limit + 1
    fetch = limit.fetch
    return Leaf(limit.node, lambda variables: max(fetch(variables), 0) + 1, max(limit.value, 0) + 1, limit.constant)


# --- the kinds ---


class ConnectionKind(FieldKind[Connection]):
    """Connections; under the name of a list they take its place in conditions as well."""

    def shapes(self, field: Connection, derive: Derivation) -> Iterable[Shape]:
        return [field.shape]

    def output(self, field: Connection, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(types.object(field.shape.name))

    def arguments(self, field: Connection, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return connection_arguments(field.of.target, types)

    def where_input(self, field: Connection, inputs: InputTypes) -> GraphQLInputType | None:
        found: GraphQLInputType | None = None
        if field.name == field.of.name:
            found = kind_of(field.of).where_input(field.of, inputs)
        return found

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Connection, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        found: Condition | None = kind_of(field.of).condition(
            build, owner, field.of, given, label, steps=steps, negated=negated
        )
        return found

    def planning(self, field: Connection) -> int:
        return RELATION

    def hidden(self, build: TreeBuilder, owner: Any, field: Connection, nodes: Sequence[FieldNode]) -> Constant:
        return Constant(_text(build.selection(field.empty, nodes)), field.cost)

    def member(
        self, build: TreeBuilder, owner: Any, field: Connection, nodes: Sequence[FieldNode]
    ) -> Member | Constant:
        target = build.type(field.of.target)
        assert isinstance(target, TypeDef)
        if not build.rules.may_read(target):
            return self.hidden(build, owner, field, nodes)
        arguments = build.arguments(owner, nodes)
        before = build.budget.mark()
        condition = where(build, target, arguments)
        page = connection_page(build, arguments)
        with build.budget.deeper():
            rows = build.rows(
                target, kind_of(field.of).source(owner, field.of), where=condition, ordered=True,
                order=arguments.get(ORDER_BY) or (), page=page,
            )  # fmt: skip
        for boundary in (page.after, page.before):
            if boundary is not None:
                # each key is compared up to three times
                build.budget.charge(RELATION)
        charged = build.budget.since(before)
        selection = build.selection(field.shape, nodes)
        for _ in range(_further_queries(selection, page)):
            build.budget.charge_again(charged)
        members = _for_rows(selection, target, repeat(build, page))
        return Member(owner=owner, field=field, rows=rows, selections=(Selection(selection.definition, members),))

    def note_columns(self, usage: Any, owner: Any, field: Connection) -> None:
        kind_of(field.of).note_columns(usage, owner, field.of)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        return _Writer(compiler, member, here).write()


def _further_queries(selection: Selection, page: Page) -> int:
    """Return how many queries a connection has beside that of its page, each with the condition once more."""
    found = 0
    for _, member in selection:
        if isinstance(member, Constant):
            continue
        found += member.field.name == "totalCount"
        if member.field.name == "pageInfo":
            (inner,) = member.selections
            names = [part.field.name for _, part in inner if isinstance(part, Member)]
            found += (page.before is not None) * names.count("hasNextPage")
            found += (page.after is not None) * names.count("hasPreviousPage")
    return found


def _for_rows(selection: Selection, target: TypeDef, rows: Repeat) -> tuple[tuple[str, Member | Constant], ...]:
    """Return the members of a connection, of which ``edges`` and ``nodes`` cost as much for each row of the page.

    A ``pageInfo`` without them reads the rows itself.
    """
    shows_rows = any(isinstance(part, Member) and part.field.many for _, part in selection)

    def repeated(member: Member | Constant) -> Member | Constant:
        if isinstance(member, Constant) or not member.selections or (shows_rows and not member.field.many):
            return member
        (inner,) = member.selections
        if member.field.target is None and not any(isinstance(part, Member) and part.selections for _, part in inner):
            # the row is read all the same
            inner = replace(inner, row_cost=target.row_cost)
        return replace(member, repeats=(rows,), selections=(inner,))

    return tuple((key, repeated(member)) for key, member in selection)


class ConnectionPartKind(FieldKind[ConnectionPart]):
    """Fields within connections, which the connection writes."""

    def shapes(self, field: ConnectionPart, derive: Derivation) -> Iterable[Shape]:
        return [] if field.shape is None else [field.shape]

    def output(self, field: ConnectionPart, types: OutputTypes) -> GraphQLOutputType:
        if field.graphql is not None:
            return field.graphql
        found: Any = types.object(field.shape.name if field.shape else field.target or "")
        return GraphQLNonNull(GraphQLList(GraphQLNonNull(found)) if field.many else found)

    def planning(self, field: ConnectionPart) -> int:
        return RELATION if field.target or field.name in ("totalCount", "hasNextPage", "hasPreviousPage") else FIELD

    def member(self, build: TreeBuilder, owner: Any, field: ConnectionPart, nodes: Sequence[FieldNode]) -> Member:
        definition = field.shape or (build.type(field.target) if field.target else None)
        selections = () if definition is None else (build.selection(definition, nodes),)
        return Member(owner=owner, field=field, selections=selections)


class EmptyKind(FieldKind[Empty]):
    """Fields of masked connections."""

    def member(self, build: TreeBuilder, owner: Any, field: Empty, nodes: Sequence[FieldNode]) -> Constant:
        return Constant(field.text if field.shape is None else _text(build.selection(field.shape, nodes)))


def _text(selection: Selection) -> str:
    """Return the JSON text of an object of constants."""
    members = (f'"{key}":{member.text}' for key, member in selection if isinstance(member, Constant))
    return f"{{{','.join(members)}}}"


# --- writing ---


class _PageRows(Rows):
    """The rows of a page, with a column for each text that is made of them."""

    template = "(%(subquery)s%(page)s)"

    def __init__(self, columns: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.empty = f"(SELECT {', '.join(['NULL::text'] * columns)} WHERE FALSE)"
        self.no_limit = " LIMIT ALL"


# between the objects that a connection has and what may be null there
_EDGE, _NODES, _PAGE_INFO = (False, False), (False, False), (False,)


@dataclass(slots=True)
class _Writer:
    """Writes one connection; ``columns`` are the texts that are made of each row, by name."""

    compiler: TreeCompiler
    member: Member
    here: Location
    rows: RowSet = field(init=False)
    columns: dict[str, Any] = field(default_factory=dict)
    is_read: bool = False
    _keyset: Keyset | None = None

    def __post_init__(self) -> None:
        assert self.member.rows is not None
        self.rows = self.member.rows

    def write(self) -> list[Piece]:
        """Return the text of the connection."""
        (selection,) = self.member.selections
        text = json_object((key, self._part(member)) for key, member in selection)
        if not self.is_read:
            return text.pieces()
        return [SQL("(SELECT {text} FROM {rows})", text=text, rows=self._page())]

    def _part(self, member: Member | Constant) -> list[Piece]:
        if isinstance(member, Constant):
            return [member.text]
        match member.field.name:
            case "edges":
                return self._list(self._edge(member))
            case "nodes":
                return self._list(self._node(member, _NODES))
            case "pageInfo":
                (selection,) = member.selections
                return [json_object((key, self._of_page(part)) for key, part in selection)]
            case _:
                return [self._total()]

    # --- rows ---

    def _page(self) -> SQL:
        """Return what stands behind FROM: the rows of the page and one more, with their places."""
        compiler, rows = self.compiler, self.rows
        queryset = compiler.queryset(rows, self.here.outer())
        columns = self.columns or {"nothing": SQL("''")}
        names = {name: free_name(queryset.model, f"fraiseql_{name}") for name in columns}
        values = {names[name]: value for name, value in columns.items()}
        found = queryset.annotate(**values).values_list(*values)
        inner = _PageRows(len(columns), found, *page_params(rows.page))
        return SQL(
            f"(SELECT row_number() OVER () AS place, fraiseql_rows.* FROM {{rows}} "
            f"AS fraiseql_rows({', '.join(columns)})) AS {PAGE}",
            rows=inner,
        )

    def _list(self, item: Any) -> list[Piece]:
        self.is_read = True
        parts: dict[str, Any] = {"item": item}
        return ["[", SQL(f"coalesce(string_agg({{item}}, ','{self._order}){self._shown(parts)}, '')", **parts), "]"]

    @property
    def _order(self) -> str:
        """The order of all aggregates: rows come as the page has them, unless they are read backwards.

        PostgreSQL sorts for one aggregate what it gives to all: an order of one's own would be the others'.
        """
        return f" ORDER BY {PAGE}.place DESC" if self.rows.page.backward else ""

    def _shown(self, parts: dict[str, Any]) -> str:
        """Return what leaves the extra row out of an aggregate."""
        shown = rows_shown(self.rows.page)
        if shown is None:
            return ""
        parts["shown"] = shown
        return f" FILTER (WHERE {PAGE}.place <= {{shown}})"

    def _edge(self, member: Member) -> Concat:
        (selection,) = member.selections
        return json_object((key, self._of_edge(part)) for key, part in selection)

    def _of_edge(self, part: Member | Constant) -> list[Piece]:
        if isinstance(part, Constant):
            return [part.text]
        if part.field.name == "node":
            return [self._node(part, (*_EDGE, False))]
        with self.compiler.within((*_EDGE, False)):
            return [SQL(self._cursor_of(f"{PAGE}.{self._values()}"))]

    def _node(self, member: Member, nullable: Sequence[bool]) -> SQL:
        """Add a column for the texts of nodes, and return the text of one."""
        compiler, (selection,) = self.compiler, member.selections
        name = f"n{len(self.columns)}"
        with compiler.within(nullable), compiler.expecting(0):
            lost = compiler.mark(f"a {selection.definition.name} cannot be written")
            self.columns[name] = object_of_row(selection, compiler.alias, lambda row: compiler.object(selection, row))
        return SQL(f"coalesce({PAGE}.{name}, {lost})")

    # --- cursors ---

    def _values(self) -> str:
        """Return the column that has the values of cursors, which is added once."""
        self.is_read = True
        self.columns.setdefault("keys", self.keyset.text())
        return "keys"

    @property
    def keyset(self) -> Keyset:
        """The keys of the rows' order."""
        if self._keyset is None:
            self._keyset = keyset_of(self.compiler, self.rows)
        return self._keyset

    def _cursor_of(self, values: str) -> str:
        """Return SQL for the text that Python makes a cursor of; values that are too long are a field error."""
        too_long = self.compiler.mark(
            f"the values by which {self.rows.type.name} is sorted are longer than {MAX_VALUES} bytes, too long for a "
            f"cursor"
        )
        cursor = self.compiler.mark_live(self.keyset.cursor(), values)
        return f"CASE WHEN octet_length({values}) > {MAX_VALUES} THEN {too_long} ELSE {cursor} END"

    # --- pageInfo ---

    def _of_page(self, part: Member | Constant) -> list[Piece]:
        if isinstance(part, Constant):
            return [part.text]
        match part.field.name:
            case "hasNextPage":
                return [self._others(after=True)]
            case "hasPreviousPage":
                return [self._others(after=False)]
            case name:
                with self.compiler.within((*_PAGE_INFO, True)):
                    return [self._end(first=name == "startCursor")]

    def _end(self, *, first: bool) -> SQL:
        """Return the cursor of the first or last row of the page."""
        column = f"{PAGE}.{self._values()}"
        parts: dict[str, Any] = {}
        values = f"array_agg({column}{self._order}){self._shown(parts)}"
        end = "value[1]" if first else "value[cardinality(value)]"
        text = f"(SELECT CASE WHEN value IS NULL THEN '{NULL}' ELSE {self._cursor_of(end)} END FROM "
        return SQL(f"{text}(SELECT {values} AS value OFFSET 0) AS fraiseql_end)", **parts)

    def _others(self, *, after: bool) -> Piece:
        """Return whether rows follow the page, or stand before it: the extra row tells, or the row of a cursor."""
        page = self.rows.page
        conditions: list[str] = []
        parts: dict[str, Any] = {}
        shown = rows_shown(page)
        if shown is not None and after is not page.backward:
            self.is_read = True
            parts["shown"] = shown
            conditions.append("count(*) > {shown}")
        boundary = page.before if after else page.after
        if boundary is not None:
            beyond = replace(boundary, inclusive=True)
            outside = Page(keyed=True, after=beyond) if after else Page(keyed=True, before=beyond)
            rows = replace(self.rows, page=outside)
            parts["beyond"] = Exists(self.compiler.queryset(rows, self.here.outer()))
            conditions.append("{beyond}")
        return SQL(f"({' OR '.join(conditions)})::text", **parts) if conditions else "false"

    def _total(self) -> RowCount:
        rows = replace(self.rows, page=WHOLE, order=())
        queryset = self.compiler.existing(rows, self.here.outer())
        return RowCount(queryset.values(*key_columns(queryset.model)))


def _problem(definition: TypeDef) -> str | None:
    """Return what keeps the rows of a type from having connections."""
    if not definition.key:
        return "a connection needs what tells rows apart: name the fields of the key with key=…"
    if is_random(definition):
        return "its order is random, so that a cursor has no place in it: give the model another order for connections"
    return None


register(Connection, ConnectionKind())
register(ConnectionPart, ConnectionPartKind())
register(Empty, EmptyKind())
list_form("connection", ListForm(suffix="Connection", make=connection, stands_alone=True, problem=_problem))
