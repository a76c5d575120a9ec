"""Keysets: the values of an order's keys, which say where a row stands among others whatever is written in between.

A page of a connection begins after the row of a cursor, which holds the values of its keys:

    orderBy: {title: ASC}                 ("title", "id") > ($1, $2)
    orderBy: {price: DESC}                "price" <= $1 AND ("price" < $1 OR ("price" = $1 AND "id" > $2))
    orderBy: {subtitle: ASC}, nullable    ("subtitle" > $1 OR ("subtitle" IS NULL AND $1 IS NOT NULL))
                                          OR (("subtitle" = $1 OR ("subtitle" IS NULL AND $1 IS NULL)) AND "id" > $2)

The first form is one range of an index over its columns, the second begins in one over the first column. A null is
asked for in SQL, so that a plan serves all cursors. Keys are compared as the order sorts them: the same expressions,
with the collation of the column. The text of a key is made after a cast to the type that a parameter has, so both are
the same value: ``real`` has fewer digits than ``double precision``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.models import F, Field, Model, Q
from django.db.models.functions import Random

from .._django import declared_order, key_fields, output_type, with_prefix
from ..errors import DeclarationError, InvalidInput
from ..invalidation.catalog import column_of
from ..schema.definition import Column, TypeDef
from .arguments import Variables
from .cursors import opened, sealed
from .expressions import SQL, Bind, Param, condition
from .kinds import TreeCompiler
from .ordering import compared_by, label_of, order_key, reversed_order
from .tree import AtRandom, Boundary, ColumnOperand, ExpressionOperand, FieldOperand, OrderKey, RowSet

# What to_json() writes in one way whatever the session's DateStyle is
_DATES = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
# of numeric(10,2) and varchar(20): a cast to them rounds or cuts
_SIZES = re.compile(r"\([^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an order: ``value`` is compared with parameters that are cast to ``cast``.

    ``present`` says that it is never null, ``nulls_first`` where nulls stand; ``plain`` that it is a column as it is,
    and ``label`` names it among all operands of the type.
    """

    value: Any
    cast: str
    present: bool
    descending: bool
    nulls_first: bool
    plain: bool
    label: str


@dataclass(frozen=True, slots=True)
class Keyset:
    """The keys of the order of a type's rows; ``digest`` tells it from all others."""

    keys: tuple[Key, ...]
    digest: bytes

    @property
    def may_fail(self) -> bool:
        """Whether comparing them may be an error for some rows."""
        return not all(key.plain for key in self.keys)

    def beyond(self, boundary: Boundary, *, after: bool) -> Q:
        """Return the condition that a row stands after, or else before, the row of a cursor."""
        named: dict[str, Any] = {}
        for index, key in enumerate(self.keys):
            named[f"v{index}"] = key.value
            named[f"p{index}"] = Param(self._bind(boundary, index), key.cast)
        return condition(f"({_beyond(self.keys, 0, after, boundary.inclusive)})", **named)

    def _bind(self, boundary: Boundary, index: int) -> Bind:
        leaf, digest = boundary.cursor, self.digest

        def value(variables: Variables) -> Any:
            return leaf.fetch(variables)

        # SECRET_KEY may change while a plan is kept, so a literal is read at each execution as well
        return Bind(value, lambda cursor: opened(cursor, digest)[index], boundary.label, node=leaf.node)

    def text(self) -> SQL:
        """Return the JSON list of a row's values, as text, of which ``cursor`` makes a cursor."""
        texts = (
            f"to_json(({{{index}}})::{key.cast}) #>> '{{}}'"
            if key.cast in _DATES
            else f"({{{index}}})::{key.cast}::text"
            for index, key in enumerate(self.keys)
        )
        return SQL(f"json_build_array({', '.join(texts)})::text", *(key.value for key in self.keys))

    def cursor(self) -> Callable[[Any], str]:
        """Return the function that makes a cursor of a row's values."""
        digest = self.digest
        return lambda values: sealed(values, digest)


def keyset_of(compiler: TreeCompiler, rows: RowSet) -> Keyset:
    """Return the keys of the order of a row set."""
    keys = tuple(_key(compiler, rows.type, key) for key in rows.order)
    told = [(key.label, key.cast, key.descending, key.nulls_first) for key in keys]
    digest = blake2b(repr((rows.type.name, told)).encode(), digest_size=16).digest()
    return Keyset(keys, digest)


def _beyond(keys: Sequence[Key], index: int, after: bool, inclusive: bool) -> str:
    """Return the condition on the keys from an index on, in which v0, p0 … are values and parameters."""
    rest = keys[index:]
    key, value, param = rest[0], f"{{v{index}}}", f"{{p{index}}}"
    sign = ">" if key.descending is not after else "<"
    if all(other.present and other.descending is key.descending for other in rest):
        values, params = ("".join(f", {{{letter}{i}}}" for i in range(index, len(keys)))[2:] for letter in "vp")
        compared = f"{sign}=" if inclusive else sign
        return f"{value} {compared} {param}" if len(rest) == 1 else f"({values}) {compared} ({params})"
    nulls_passed = key.nulls_first is after
    if key.present:
        further, same, bound = f"{value} {sign} {param}", f"{value} = {param}", f"{value} {sign}= {param}"
    elif nulls_passed:
        further = f"({value} {sign} {param} OR ({param} IS NULL AND {value} IS NOT NULL))"
        same = f"({value} = {param} OR ({value} IS NULL AND {param} IS NULL))"
        bound = f"({param} IS NULL OR {value} {sign}= {param})"
    else:
        further = f"({value} {sign} {param} OR ({value} IS NULL AND {param} IS NOT NULL))"
        same, bound = f"({value} = {param} OR ({value} IS NULL AND {param} IS NULL))", ""
    if len(rest) == 1:
        return f"({further} OR {same})" if inclusive else further
    found = f"({further} OR ({same} AND {_beyond(keys, index + 1, after, inclusive)}))"
    return f"{bound} AND {found}" if bound else found


# --- the keys of an order ---


def _key(compiler: TreeCompiler, definition: TypeDef, key: OrderKey) -> Key:
    operand, alias = key.operand, compiler.alias
    present, value = False, None
    if isinstance(operand, FieldOperand):
        compared = compared_by(compiler, operand)
        value, cast, label = compared.value, compared.cast, f"field {label_of(operand)}"
        if isinstance(value, F) and not operand.path.steps and isinstance(operand.field, Column):
            present = _is_present(definition, operand.field.column, alias)
    elif isinstance(operand, ColumnOperand):
        value, cast = F(operand.name), _type_of_name(definition, operand.name, alias)
        label, present = f"column {operand.name}", _is_present(definition, operand.name, alias)
    else:
        assert isinstance(operand, ExpressionOperand)
        value, cast = operand.expression, _type_of(definition, operand.expression, alias)
        label = f"expression {_ADDRESS.sub('', repr(operand.expression))}"
    plain = isinstance(value, F)
    nulls_first = key.descending if key.nulls_first is None else key.nulls_first
    return Key(
        value=value, cast=cast, present=present, descending=key.descending, nulls_first=nulls_first, plain=plain,
        label=label,
    )  # fmt: skip


def _is_present(definition: TypeDef, name: str, alias: str) -> bool:
    """Whether PostgreSQL sees to it that a column of the type's own row is never null."""
    try:
        found: Any = definition.model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    # a row of a parent is joined
    known = column_of(found, alias) if isinstance(found, Field) else None
    return known is not None and known.not_null


def _type_of_name(definition: TypeDef, name: str, alias: str) -> str:
    """Return the type that the values of a column are compared as, by the ORM's name."""
    found = _field_at(definition.model, name)
    known = None if found is None else column_of(found, alias)
    return _type_of(definition, F(name), alias) if known is None else known.base


def _field_at(model: type[Model], name: str) -> Field[Any, Any] | None:
    """Return the field at the end of a path of the ORM's; None where the last part is none."""
    found: Any = None
    for part in name.split("__"):
        try:
            found = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except FieldDoesNotExist:
            return None
        model = getattr(found, "related_model", None) or model
    return found if isinstance(found, Field) else None


def _type_of(definition: TypeDef, expression: Any, alias: str) -> str:
    model = definition.model
    try:
        found = output_type(model, expression, alias, model._default_manager.all())
    except FieldError:
        found = None
    if found is None:
        raise DeclarationError(
            f"{definition.name} is sorted by {expression!r}, of which the type is not known, so that cursors cannot "
            f"hold its value: give it an output_field"
        )
    return _SIZES.sub("", found)


def keyed_order(definition: TypeDef, keys: Sequence[OrderKey], alias: str) -> tuple[OrderKey, ...]:
    """Return a total order whose keys are values: without relations, which stand for the order of what they lead to.

    It ends in the type's key, unless PostgreSQL sees to it that no two rows are equal in one of the others. Raises
    InvalidInput for an order that is another one each time.
    """
    if any(isinstance(key.operand, AtRandom) for key in keys):
        raise InvalidInput(
            "orderBy: RANDOM is no order for a connection, whose cursors need the same order again.",
            hint="Sort by fields, or select the plain list.",
        )
    if definition.source is not None:
        return tuple(keys)
    model = definition.model
    found = [part for key in keys for part in _expanded(model, key, ())]
    decided = {key.operand.name for key in found if isinstance(key.operand, ColumnOperand)}
    own = [field.attname for field in key_fields(model)]
    if decided.issuperset(own) or any(_is_unique(definition, key, alias) for key in found):
        return tuple(found)
    return (*found, *(OrderKey(operand=ColumnOperand(name)) for name in own if name not in decided))


def _expanded(model: type[Model], key: OrderKey, seen: tuple[str, ...]) -> Iterator[OrderKey]:
    """Yield what a relation or the composite key of a model is sorted by, as Django does."""
    operand = key.operand
    if not isinstance(operand, ColumnOperand):
        yield key
        return
    *path, last = operand.name.split("__")
    owner, prefix = _model_at(model, path), "".join(f"{part}__" for part in path)
    if owner is not None and last == "pk":
        for field in key_fields(owner):
            yield replace(key, operand=ColumnOperand(prefix + field.attname))
        return
    found: Any = None if owner is None else _own_field(owner, last)
    if found is None or not found.is_relation or last == getattr(found, "attname", None):
        yield key
        return
    related: Any = found.related_model
    terms = [order_key(term) for term in related._meta.ordering] or [OrderKey(operand=ColumnOperand("pk"))]
    if operand.name in seen:
        raise DeclarationError(f"the order of {model._meta.label} leads back to itself by {operand.name!r}")
    for term in reversed_order(terms) if key.descending else terms:
        yield from _expanded(model, _prefixed(term, f"{operand.name}__"), (*seen, operand.name))


def _prefixed(key: OrderKey, prefix: str) -> OrderKey:
    operand = key.operand
    if isinstance(operand, ColumnOperand):
        return replace(key, operand=ColumnOperand(prefix + operand.name))
    assert isinstance(operand, ExpressionOperand)
    return replace(key, operand=ExpressionOperand(with_prefix(operand.expression, prefix)))


def _model_at(model: type[Model], path: Sequence[str]) -> Any:
    for part in path:
        found = _own_field(model, part)
        if found is None or found.related_model is None:
            return None
        model = found.related_model
    return model


def _own_field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _is_unique(definition: TypeDef, key: OrderKey, alias: str) -> bool:
    """Whether no two rows are equal in a key, by a constraint in the database."""
    operand = key.operand
    if isinstance(operand, FieldOperand):
        plain = not operand.path.steps and isinstance(operand.field, Column) and operand.field.translation is None
        name = operand.field.column if plain else ""
    else:
        name = operand.name if isinstance(operand, ColumnOperand) else ""
    found = _own_field(definition.model, name) if name else None
    known = column_of(found, alias) if isinstance(found, Field) else None
    return known is not None and known.unique and known.not_null


def is_random(definition: TypeDef) -> bool:
    """Whether a type's own order is another one each time."""
    expressions = [
        key.operand.expression
        for key in map(order_key, declared_order(definition.model._default_manager.all()))
        if isinstance(key.operand, ExpressionOperand)
    ]
    return any(isinstance(part, Random) for found in expressions for part in _parts(found))


def _parts(expression: Any) -> Iterator[Any]:
    return iter(expression.flatten()) if hasattr(expression, "flatten") else iter((expression,))
