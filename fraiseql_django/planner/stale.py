"""For how long after a write the answer from before it may be used, by the types that allow it.

A statement may be answered so only if every table that it reads is one of a type that allows it, or lies below a view
of such a type. That includes the tables of its conditions and row rules. And the answer must be the same for
every viewer: whoever has lost a right must not see rows by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from django.db import connections
from django.db.models import Model

from .._django import all_parents
from ..invalidation.catalog import dependencies
from ..invalidation.names import declared_below, table_of
from ..schema.definition import TypeDef
from .planned_viewer import OfViewer, Question
from .questions import Permitted, RuledRows

_OF_VIEWERS = (OfViewer, Permitted, RuledRows)


class StaleTables:
    """The tables of a schema's types, with the seconds for which an answer read from them may be out of date."""

    def __init__(self, types: Iterable[TypeDef], alias: str) -> None:
        # those of an interface are of the types that it may be of
        self._types = [definition for definition in types if not definition.branches]
        self._alias = alias

    def seconds(self, tables: Collection[str], asked: Iterable[Question]) -> int:
        """Return the seconds for a statement that reads these tables, and for which Python decided what was asked."""
        if not any(self._of_types.values()) or any(isinstance(question, _OF_VIEWERS) for question in asked):
            return 0
        found = dict(self._of_types)
        for view in self._views.intersection(tables):
            for table in self._below(view):
                found.setdefault(table, found[view])
        return min((found.get(table, 0) for table in tables), default=0)

    @cached_property
    def _of_types(self) -> dict[str, int]:
        """The seconds by table: the fewest, where several types share one."""
        found: dict[str, int] = {}
        for definition in self._types:
            seconds = 0 if definition.cache is None else definition.cache.stale
            for table in _tables_of(definition.model):
                found[table] = min(seconds, found.get(table, seconds))
        for table, ends in self._links:
            found[table] = min(found.get(end, 0) for end in ends)
        return found

    @property
    def _links(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the tables that Django makes for many-to-many relations, with the two that they link."""
        for definition in self._types:
            for field in definition.model._meta.many_to_many:
                through = field.remote_field.through
                if through is not None and through._meta.auto_created:
                    yield table_of(through), (table_of(field.model), table_of(field.remote_field.model))

    @cached_property
    def _views(self) -> frozenset[str]:
        """The views and tables that types name as their sources."""
        return frozenset(table_of(definition.model) for definition in self._types if definition.source is not None)

    def _below(self, view: str) -> frozenset[str]:
        """Return the tables that a view reads, as its declaration and the catalogue have them."""
        catalog = dependencies(connections[self._alias])
        return declared_below(view) | (frozenset() if catalog is None else catalog.below([view]))


def _tables_of(model: type[Model]) -> Iterator[str]:
    for each in (model, *all_parents(model)):
        yield table_of(each)
