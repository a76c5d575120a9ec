"""``where`` → conditions of the ORM.

A condition is a Q, or None where everything matches. Conditions on a list are EXISTS subqueries: a join
would give a row once for every related row that matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import BooleanField, Exists, Func, OuterRef, Q, Value

from ..errors import InvalidInput
from ..limits import Tally
from ..schema.definition import AnyField, Column, Relation, TypeDef
from ..schema.encoding import encode_array, encode_nested_array, encode_text
from ..schema.inputs import comparable
from ..schema.operators import OPERATORS, Comparable, Operator, Takes
from .computed import compared_value
from .params import Param, hole
from .values import Leaf

Encode = Callable[[Any], "str | None"]


class Compare(Func):
    """A comparison of the table of operators, as a condition of the ORM."""

    conditional = True

    def __init__(self, sql: str, *expressions: Any) -> None:
        super().__init__(*expressions, output_field=BooleanField())
        self.sql = sql

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        names = ("column", "value")
        sql = self.sql.format(**{name: sql for name, (sql, _) in zip(names, compiled, strict=False)})
        return f"({sql})", [param for _, own in compiled for param in own]


class Combined(Func):
    """A condition inside SQL: ``NOT (…)`` as SQL has it, where ~Q would add conditions on nulls."""

    conditional = True

    def __init__(self, sql: str, condition: Q) -> None:
        super().__init__(condition, output_field=BooleanField())
        self.sql = sql

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        try:
            sql, params = compiler.compile(self.get_source_expressions()[0])
        except EmptyResultSet:
            sql, params = "FALSE", []
        except FullResultSet:
            sql, params = "TRUE", []
        return self.sql.replace("{0}", sql), list(params)


NOTHING = Q(Compare("{column} IS NULL", Value(1)))


class Filters:
    """Builds the conditions of one operation's plan."""

    def __init__(self, types: Mapping[str, TypeDef], tally: Tally) -> None:
        self.types = types
        self.tally = tally

    def where(self, definition: TypeDef, given: Mapping[str, Any], prefix: str = "", label: str = "where") -> Q | None:
        """Return the condition of a ``where`` on a type that is reached through the to-one path ``prefix``."""
        conditions: list[Q] = []
        for key, value in given.items():
            self.tally.add()
            where = f"{label}.{key}"
            if value is None:
                raise InvalidInput(
                    f"{where} is null, which is no condition; leave it out, or ask for null with "
                    f"{{isnull: true}} on a field."
                )
            condition = self._member(definition, key, value, prefix, where)
            if condition is not None:
                conditions.append(condition)
        return reduce(and_, conditions) if conditions else None

    def _member(self, definition: TypeDef, key: str, value: Any, prefix: str, where: str) -> Q | None:
        if key in ("AND", "OR"):
            alternatives = [self.where(definition, item, prefix, where) for item in value]
            return _all(alternatives) if key == "AND" else _any(alternatives)
        if key == "NOT":
            return _not(self.where(definition, value, prefix, where))
        field = definition.fields[key]
        if not isinstance(field, Relation):
            return self._value(definition, field, value, prefix, where)
        target = self.types[field.target]
        if not field.many:
            return self.where(target, value, f"{prefix}{field.path}__", where)
        return _all(
            self._quantified(quantifier, field, target, item, prefix, f"{where}.{quantifier}")
            for quantifier, item in value.items()
        )

    def _quantified(
        self, quantifier: str, field: Relation, target: TypeDef, given: Any, prefix: str, where: str
    ) -> Q | None:
        if given is None:
            raise InvalidInput(f"{where} is null, which is no condition; leave it out.")
        related = target.model._default_manager.filter(**{field.inverse: OuterRef(prefix + field.key)}).order_by()
        condition = self.where(target, given, "", where)
        if quantifier == "every":
            # none for which the condition fails, or is unknown
            return None if condition is None else Q(~Exists(related.filter(Combined("({0}) IS NOT TRUE", condition))))
        exists = Exists(related if condition is None else related.filter(condition))
        return Q(exists) if quantifier == "some" else Q(~exists)

    def _value(self, definition: TypeDef, field: AnyField, given: Any, prefix: str, where: str) -> Q | None:
        scalar = comparable(field)
        assert scalar is not None
        assert not isinstance(field, Relation)
        column = compared_value(definition, field, prefix)
        dimensions = getattr(field, "dimensions", 0)
        cast = field.cast if isinstance(field, Column) else scalar.cast + "[]" * dimensions
        return _all(
            self._operation(OPERATORS[name], scalar, dimensions, cast, column, value, f"{where}.{name}")
            for name, value in given.items()
        )

    def _operation(
        self, operator: Operator, scalar: Comparable, dimensions: int, cast: str, column: Any, given: Any, where: str
    ) -> Q:
        if operator.takes is Takes.FLAG and isinstance(given, Leaf) and given.value is not None:
            return Q(Compare(operator.sql if given.value else "{column} IS NOT NULL", column))
        if given is None:
            if operator.null is None:
                raise InvalidInput(f"{where} is null; it takes {operator.takes.value}. Ask for null with isnull.")
            return Q(Compare(operator.null, column))
        return Q(comparison(operator, scalar, dimensions, cast, column, given, where))


def comparison(
    operator: Operator, scalar: Comparable, dimensions: int, cast: str, column: Any, leaf: Leaf, where: str
) -> Compare:
    """Compare a column with a value that is bound at execution."""
    pattern = operator.pattern
    encode: Encode = scalar.encode if pattern is None else lambda value: encode_text(pattern(value))
    if dimensions:
        encode = _array(scalar.encode, dimensions)
    if operator.takes is Takes.ONE:
        return Compare(operator.sql, column, Param(hole(leaf, encode, where), cast))
    if dimensions or not scalar.equatable:
        assert operator.each is not None
        sql = operator.each.replace("{cast}", cast)
        return Compare(sql, column, Param(hole(leaf, _array(encode, 1), where), "text[]"))
    return Compare(operator.sql, column, Param(hole(leaf, _array(encode, 1), where), f"{cast}[]"))


def _array(encode: Encode, dimensions: int) -> Encode:
    if dimensions == 1:
        return lambda items: encode_array([None if item is None else encode(item) for item in items])
    return lambda items: encode_nested_array(items, encode, dimensions)  # type: ignore[arg-type]


def _all(conditions: Iterable[Q | None]) -> Q | None:
    found = [condition for condition in conditions if condition is not None]
    return reduce(and_, found) if found else None


def _any(conditions: Iterable[Q | None]) -> Q | None:
    alternatives: list[Q] = []
    for condition in conditions:
        if condition is None:
            return None
        alternatives.append(condition)
    return reduce(or_, alternatives) if alternatives else NOTHING


def _not(condition: Q | None) -> Q:
    return NOTHING if condition is None else Q(Combined("NOT ({0})", condition))
