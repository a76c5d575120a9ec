"""Query tree → ORM expressions that write its JSON.

To-one relations are joins, lists are correlated subqueries, so an object of any depth is one expression over one query.
Each kind of field writes itself (``planner/kinds.py``); this module joins what they write.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet, Subquery
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, is_list_type, is_non_null_type

from .._django import free_name, server_version
from ..errors import DeclarationError
from ..invalidation.catalog import functions, generation
from ..schema.definition import Shape
from .expressions import SQL, Concat, JSONList, LongJSONList, Piece, json_object
from .filters import compile_condition
from .kinds import Together, kind_of
from .locations import Location, SubqueryRow
from .marks import Mark, mark_sql
from .planned_viewer import Question
from .row_sets import MANY_ROWS, expected_rows, page_params, queryset_of
from .source_values import object_of_row
from .tree import Condition, Constant, Member, RowSet, Selection, Step, Through


@dataclass(frozen=True, slots=True)
class Live:
    """A function that finishes a part of the answer; the numbers of the marks where it returns None, and raises.

    Of parts that are finished ``together``, in one call, the function is None.
    """

    finish: Callable[[Any], Any] | None
    absent: int | None = None
    failed: int | None = None
    together: Together | None = None


# Around what Python finishes: JSON text never holds these characters unescaped (RFC 8259, 7)
LIVE_MARK = "chr(1) || '{index}' || chr(2) || {json} || chr(1)"


@dataclass(slots=True)
class Compiler:
    """Compiles the tree of one operation; ``types`` are all types of rows and shapes of JSON by name.

    ``asked`` gathers what Python decided, ``live`` the functions that finish parts of the answer in Python, and
    ``marks`` what may be wrong with values, both by the number in the answer's text. With ``careful`` the statement
    asks before each cast whether it can succeed; ``uncertain`` says that there was something to ask, and ``aggregates``
    that values are added up, whose sum may be out of range.
    ``expected`` is for how many rows the place is written that is being written, as far as that is known.
    """

    types: Mapping[str, Shape]
    alias: str
    asked: dict[Question, Hashable]
    graphql: GraphQLSchema
    careful: bool = False
    uncertain: bool = False
    aggregates: bool = False
    expected: int = 0
    # whether a function that the statement calls is volatile
    volatile: bool = False
    # the generation of the catalogue that the plan is made with
    catalogue: int = field(default_factory=generation)
    live: list[Live] = field(default_factory=list)
    marks: dict[Mark, int] = field(default_factory=dict)
    # what may be null on the way to the place that is being written
    _nullable: list[bool] = field(default_factory=list)

    # --- what is written ---

    def object(self, selection: Selection, here: Location) -> Concat:
        """Write the object at a location; where it may be missing the caller has asked first.

        One of an abstract type is null where it is of none of the types.
        """
        if is_abstract(selection.definition) and not selection.members:
            return Concat(self._of_branches(selection, here))
        return json_object((key, self.member(member, here)) for key, member in selection)

    def _of_branches(self, selection: Selection, here: Location) -> SQL:
        """Write the object of an abstract type as the first of its types that fits."""
        template, parts = "CASE", list[Any]()
        for branch, inner in selection.branches:
            template += f" WHEN {{{len(parts)}}} THEN {{{len(parts) + 1}}}"
            kind = kind_of(branch)
            parts += [kind.applies(self, branch, here), kind.object(self, selection.definition, branch, inner, here)]
        return SQL(f"{template} END" if parts else "NULL", *parts)

    def member(self, member: Member | Constant, here: Location) -> list[Piece]:
        """Write one field of the object at a location."""
        if isinstance(member, Constant):
            return [member.text]
        with self.within(self._nullabilities(member)):
            pieces: list[Piece] = kind_of(member.field).write(self, member, here)
        return pieces

    def may_be_null(self, member: Member) -> bool:
        """Whether the schema lets the field be null."""
        return self._nullabilities(member)[0]

    def _nullabilities(self, member: Member) -> tuple[bool, ...]:
        owner = self.graphql.get_type(member.owner.name)
        assert isinstance(owner, (GraphQLObjectType, GraphQLInterfaceType))
        # the name of a type is none of the fields
        field = owner.fields.get(member.field.name)
        return (False,) if field is None else nullabilities(field.type)

    @contextmanager
    def within(self, nullable: Sequence[bool]) -> Iterator[None]:
        """Write at a place further in: ``nullable`` has an item for each key or index on the way there."""
        self._nullable += nullable
        try:
            yield
        finally:
            del self._nullable[len(self._nullable) - len(nullable) :]

    @contextmanager
    def expecting(self, rows: int) -> Iterator[None]:
        """Write what is written for so many rows, as far as that is known; 0 where it is not."""
        around, self.expected = self.expected, rows
        try:
            yield
        finally:
            self.expected = around

    def mark(self, problem: str) -> str:
        """Return SQL for the mark of a field error at the place that is being written."""
        return mark_sql(self._number(problem))

    def _number(self, problem: str) -> int:
        return self.marks.setdefault(Mark(problem, tuple(self._nullable)), len(self.marks))

    def calls(self, function: str, *, volatile: bool = True) -> None:
        """Note that the statement calls a function; raise DeclarationError if it is volatile and must not be."""
        if any(info.volatility == "v" for info in functions(function, self.alias) or ()):
            if not volatile:
                raise DeclarationError(
                    f"the PostgreSQL function {function} is volatile; create it as STABLE, or declare it with "
                    f"volatile=True if a query may call it all the same"
                )
            self.volatile = True

    @property
    def server_version(self) -> int:
        """The version of PostgreSQL, as its driver writes it."""
        return server_version(connections[self.alias])

    def mark_live(
        self,
        finish: Callable[[Any], Any] | Together,
        json: str,
        *,
        absent: str | None = None,
        failed: str | None = None,
    ) -> str:
        """Mark what an SQL template of JSON text writes as to be finished in Python, by itself or with others.

        ``absent`` and ``failed`` are what is wrong where None is made of it, or where that is not possible.
        """
        missing, wrong = (None if problem is None else self._number(problem) for problem in (absent, failed))
        if isinstance(finish, Together):
            self.live.append(Live(None, missing, wrong, finish))
        else:
            self.live.append(Live(finish, missing, wrong))
        return LIVE_MARK.replace("{index}", str(len(self.live) - 1)).replace("{json}", json)

    # --- rows ---

    def list(self, selection: Selection, around: Location) -> JSONList:
        """Write the items of the JSON array of a selection's rows, which may be related to a location around them."""
        assert selection.rows is not None
        lost = self.mark(f"a {selection.definition.name} cannot be written")
        expected = expected_rows(selection.rows, self.expected, self.alias)
        # how these are spread over several lists is not known
        make = LongJSONList if expected >= MANY_ROWS and not self.expected else JSONList
        with self.expecting(expected):
            objects = self._objects(selection, around)
        return make(objects, lost, *page_params(selection.rows.page))

    def one(self, selection: Selection, around: Location, absent: str = "'null'") -> SQL:
        """Write the only row of a selection; ``absent`` is SQL for the text where there is none."""
        with self.expecting(0):
            return SQL(f"coalesce({{0}}, {absent})", Subquery(self._objects(selection, around)))

    def _objects(self, selection: Selection, around: Location) -> QuerySet[Any]:
        """Return a query that selects one column: the JSON text of each row."""
        assert selection.rows is not None
        queryset = self.queryset(selection.rows, around.outer())
        value = object_of_row(selection, self.alias, lambda here: self.object(selection, here))
        name = free_name(queryset.model, "fraiseql_json")
        selected: QuerySet[Any] = queryset.annotate(**{name: value}).values_list(name)
        return selected

    def queryset(self, rows: RowSet, location: Location) -> QuerySet[Any]:
        """Return the query of a row set; ``location`` is the one that its rows are related to, as the query sees it."""
        return queryset_of(self, rows, location)

    def existing(self, rows: RowSet, location: Location) -> QuerySet[Any]:
        """Return a query with one row for each row of a row set, whichever columns it has."""
        source = rows.source
        links = kind_of(source.field).links(self, rows, location) if isinstance(source, Through) else None
        return self.queryset(rows, location) if links is None else links

    # --- locations and conditions ---

    def follow(self, step: Step, location: Location) -> Location:
        """Return the location behind a to-one field."""
        rows = step.rows
        if rows is not None:
            return SubqueryRow(location, lambda seen: self.queryset(rows, seen))
        inner: Location = kind_of(step.field).inner(self, step.owner, step.field, location)
        return inner

    def condition(self, condition: Condition, location: Location) -> Q:
        """Return the ORM's form of a condition on the row or object at a location."""
        return compile_condition(self, condition, location)


def is_abstract(definition: Any) -> bool:
    """Whether objects of a type are of one of several types each."""
    return isinstance(definition, Shape) and bool(definition.branches)


def nullabilities(type_: Any) -> tuple[bool, ...]:
    """Return whether a value of a GraphQL type may be null, and the items of its lists, from the outside in."""
    bare = type_.of_type if is_non_null_type(type_) else type_
    inner = nullabilities(bare.of_type) if is_list_type(bare) else ()
    return (bare is type_, *inner)
