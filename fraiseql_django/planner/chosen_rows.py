"""Rows that a project's function has chosen: of a QuerySet, or of instances, which are read again.

The function is called at every execution. The SQL of its QuerySet is a part of what a plan is kept by; the values in it
are bind parameters, so that one plan serves all of them. An example: a function returns

    Book.objects.filter(title__icontains=term).order_by("price")

The plan has the QuerySet's joins and condition, to which the viewer's row rule and the client's ``where`` are added,
and its order where the client gives none. The parameter of ``LIKE`` is fetched from what the function has returned at
this execution: ``variables[CHOSEN]["books"][0]``.

A QuerySet that nothing can be added to, since it is sliced, distinct, combined or aggregates, is read for its keys:

    FROM (SELECT b.*, k.fraiseql_place FROM bookshop_book b JOIN (<the QuerySet's SQL>) k ON …) bookshop_book

and so are the keys of instances.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeAlias

from django.db.models import F, Model, QuerySet

from .._django import (
    Compiled,
    compile_query,
    concrete_model,
    is_of_its_table,
    key_fields,
    overrides_building,
    own_database,
    rows_from,
    selects_values,
    sent_as,
    with_bound_where,
)
from ..declare.sources import quoted
from ..declare.translations import queryset_methods
from ..errors import FraiseQLError
from ..schema.definition import TypeDef
from ..schema.scalars.encoding import encode_array
from .arguments import Variables
from .column_types import type_of_column
from .expressions import Bind
from .locations import SiblingColumn
from .ordering import order_of
from .planned_viewer import PlannedViewer
from .questions import Raised
from .statement import statement
from .tree import ExpressionOperand, Given, OrderKey

# The name of a variable that no client can write: for each root field, by response key, the texts of its parameters
CHOSEN = "#chosen"
PLACE = "fraiseql_place"

Text: TypeAlias = str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """What a function has chosen: ``source`` for a row set, what a plan depends on of it, and the parameters' texts."""

    source: Given
    shape: Hashable
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ChosenBy:
    """Which rows the function of a root field has chosen, but for the values of parameters."""

    # whether it has looked at the viewer is known by its Info
    same_for_all: ClassVar[bool] = True
    key: str

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Return the SQL; None where there is no row."""
        chosen = (planned.chosen or {}).get(self.key)
        return None if chosen is None else chosen.shape


def choose(result: Any, definition: TypeDef, key: str, alias: str) -> Chosen:
    """Return the rows of a type that a function's result stands for: a QuerySet, or instances, or one instance.

    ``key`` is the response key of the root field. Raises FraiseQLError for what is no row of the type.
    """
    if isinstance(result, QuerySet):
        return _of_queryset(_checked(result, definition, alias), definition, key, alias)
    return _of_instances(result if isinstance(result, list) else [result], definition, key, alias)


# --- parameters ---


class _Binder:
    """Makes bind parameters of the parameters of SQL, and remembers the texts."""

    def __init__(self, key: str, alias: str) -> None:
        self.key = key
        self.alias = alias
        self.texts: list[Text] = []

    def bound(self, sql: str, params: list[Any]) -> Compiled:
        """Return SQL with casts to the types of its parameters, and Binds in their place."""
        self.texts.clear()
        remaining, found = iter(params), []
        parts = []
        for part in re.split(r"(%%|%s)", sql):
            if part == "%s":
                value = next(remaining)
                sent = None if isinstance(value, Bind) else sent_as(value, self.alias)
                if sent is None:
                    found.append(value)
                else:
                    found.append(self._bind(sent[0]))
                    part += f"::{sent[1]}" * bool(sent[1])
            parts.append(part)
        return "".join(parts), found

    def _bind(self, text: Text) -> Bind:
        self.texts.append(text)
        return parameter(self.key, len(self.texts) - 1)


def parameter(key: str, index: int) -> Bind:
    """Return the parameter that fetches a text of what the function of a root field has chosen."""

    def fetch(variables: Variables) -> Text:
        text: Text = variables[CHOSEN][key][index]
        return text

    return Bind(fetch, lambda text: text, f"{key}[{index}]")


# --- QuerySets ---


def _checked(rows: QuerySet[Any], definition: TypeDef, alias: str) -> QuerySet[Any]:
    if not issubclass(rows.model, concrete_model(definition.model)):
        raise FraiseQLError(f"a QuerySet of {rows.model.__name__} was returned, not of {definition.model.__name__}")
    if selects_values(rows):
        raise FraiseQLError("a QuerySet of values was returned, not of instances: leave out values() and values_list()")
    if own_database(rows) not in (None, alias):
        raise FraiseQLError(f"a QuerySet over the database {rows.db!r} was returned; queries read {alias!r}")
    return rows.using(alias)


def _of_queryset(rows: QuerySet[Any], definition: TypeDef, key: str, alias: str) -> Chosen:
    binder = _Binder(key, alias)
    if concrete_model(rows.model) is concrete_model(definition.model) and is_of_its_table(rows):
        bound = with_bound_where(rows, binder.bound)
        order = order_of(definition, rows, by_key=True)
        shape = _shape(compile_query(bound if bound.query.annotations else bound.values("pk"), alias), alias)
        if overrides_building(type(rows), queryset_methods(type(rows))):
            # it may filter whenever another condition is added
            shape = Raised()
        return Chosen(source=Given(lambda _: bound.all(), order), shape=shape, texts=tuple(binder.texts))
    compiled = compile_query(rows.values_list("pk"), alias)
    if compiled is None:
        return _nothing(definition)
    return _with_keys(binder.bound(*compiled), definition, key, alias, binder.texts)


def _nothing(definition: TypeDef) -> Chosen:
    return Chosen(source=Given(lambda alias: QuerySet(definition.model).using(alias).none()), shape=None, texts=())


def _shape(compiled: Compiled | None, alias: str) -> Hashable:
    """Return the SQL of a query, with what else a plan depends on; None where it finds no rows."""
    if compiled is None:
        return None
    sql, binds, _ = statement([compiled], alias)
    return sql, tuple(bind.label for bind in binds)


# --- keys ---


def _of_instances(instances: Iterable[Any], definition: TypeDef, key: str, alias: str) -> Chosen:
    fields = list(definition.key.values())
    texts: list[list[Text]] = [[] for _ in fields]
    types = [type_of_column(definition.model, field, alias) for field in fields]  # type: ignore[arg-type]
    for instance in instances:
        _check_instance(instance, definition)
        for found, field, known in zip(texts, fields, types, strict=True):
            found.append(known.scalar.encode(getattr(instance, str(field.stored_as))))
    names = ", ".join(f"k{index}" for index in range(len(fields)))
    arrays = ", ".join(f"%s::{known.cast}[]" for known in types)
    keys = f"SELECT {names} FROM unnest({arrays}) AS fraiseql_given({names})"
    binds = [parameter(key, index) for index in range(len(fields))]
    return _with_keys((keys, list(binds)), definition, key, alias, [encode_array(found) for found in texts])


def _check_instance(instance: Any, definition: TypeDef) -> None:
    if not isinstance(instance, concrete_model(definition.model)):
        raise FraiseQLError(f"{instance!r} was returned, not a {definition.name}")
    if isinstance(instance, Model) and instance.pk is None:
        raise FraiseQLError(f"{instance!r} was returned, which was not saved or was deleted")


def _with_keys(keys: Compiled, definition: TypeDef, key: str, alias: str, texts: Sequence[Text]) -> Chosen:
    """Return the rows whose keys are selected, in that order, each as often as it is there."""
    source = _selected(keys, definition)
    known = F(key_fields(definition.model)[0].attname)
    order = OrderKey(operand=ExpressionOperand(SiblingColumn(known, PLACE)))
    return Chosen(
        source=Given(partial(rows_from, definition.model, source), (order,)),
        shape=_shape(source, alias),
        texts=tuple(texts),
    )


def _selected(keys: Compiled, definition: TypeDef) -> Compiled:
    meta = definition.model._meta
    fields = key_fields(definition.model)
    names = ", ".join(f"k{index}" for index in range(len(fields)))
    table = meta.db_table if meta.db_table.startswith('"') else quoted(meta.db_table)
    joined = " AND ".join(f"t.{quoted(field.column)} = k.k{index}" for index, field in enumerate(fields))
    return (
        f"(SELECT t.*, k.{PLACE} FROM {table} t JOIN (SELECT {names}, row_number() OVER () AS {PLACE} "
        f"FROM ({keys[0]}) AS q({names})) k ON {joined})"
    ), keys[1]
