"""Query tree → ORM expressions that write its JSON.

To-one relations are joins, lists are correlated subqueries, so an object of any depth is one expression over one query.
Each kind of field writes itself (``planner/kinds.py``); this module joins what they write.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet, Subquery

from .._django import free_name
from ..schema.definition import Shape
from .expressions import SQL, Concat, JSONList, Piece, json_object
from .filters import compile_condition
from .kinds import kind_of
from .locations import ROW, Location, SubqueryRow
from .planned_viewer import Question
from .row_sets import page_params, queryset_of
from .tree import Condition, Constant, Member, RowSet, Selection, Step

Live: TypeAlias = Callable[[Any], Any]
# Around what Python finishes: JSON text never holds these characters unescaped (RFC 8259, 7)
LIVE_MARK = "chr(1) || '{index}' || chr(2) || {json} || chr(1)"


@dataclass(slots=True)
class Compiler:
    """Compiles the tree of one operation; ``types`` are all types of rows and shapes of JSON by name.

    ``asked`` gathers what Python decided, and ``live`` the functions that finish parts of the answer in Python, by the
    number in their mark.
    """

    types: Mapping[str, Shape]
    alias: str
    asked: dict[Question, Hashable]
    live: list[Live] = field(default_factory=list)

    # --- what is written ---

    def object(self, selection: Selection, here: Location) -> Concat:
        """Write the object at a location; where it may be missing the caller has asked first."""
        return json_object((key, self.member(member, here)) for key, member in selection)

    def member(self, member: Member | Constant, here: Location) -> list[Piece]:
        """Write one field of the object at a location."""
        if isinstance(member, Constant):
            return [member.text]
        pieces: list[Piece] = kind_of(member.field).write(self, member, here)
        return pieces

    def mark_live(self, finish: Live, json: str) -> str:
        """Mark what an SQL template of JSON text writes as to be finished by a function in Python."""
        self.live.append(finish)
        return LIVE_MARK.replace("{index}", str(len(self.live) - 1)).replace("{json}", json)

    # --- rows ---

    def list(self, selection: Selection, around: Location) -> JSONList:
        """Write the JSON array of a selection's rows, which may be related to a location of the query around them."""
        assert selection.rows is not None
        return JSONList(self._objects(selection, around), *page_params(selection.rows.page))

    def one(self, selection: Selection, around: Location, absent: str = "'null'") -> SQL:
        """Write the only row of a selection; ``absent`` is SQL for the text where there is none."""
        return SQL(f"coalesce({{0}}, {absent})", Subquery(self._objects(selection, around)))

    def _objects(self, selection: Selection, around: Location) -> QuerySet[Any]:
        """Return a query that selects one column: the JSON text of each row."""
        assert selection.rows is not None
        queryset = self.queryset(selection.rows, around.outer())
        value = self.object(selection, ROW)
        name = free_name(queryset.model, "fraiseql_json")
        selected: QuerySet[Any] = queryset.annotate(**{name: value}).values_list(name)
        return selected

    def queryset(self, rows: RowSet, location: Location) -> QuerySet[Any]:
        """Return the query of a row set; ``location`` is the one that its rows are related to, as the query sees it."""
        return queryset_of(self, rows, location)

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
