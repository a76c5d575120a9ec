"""``where`` → conditions of the ORM.

A condition is a Q, or None where everything matches. Conditions on a list are EXISTS subqueries: a join
would give a row once for every related row that matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, Q, Value

from ..errors import InvalidInput
from ..schema.definition import AnyField, Computed, Extracted, Nested, Related, Relation, Shape
from ..schema.operators import OPERATORS, Operator, Takes
from ..schema.scalars.encoding import encode_array, encode_nested_array, encode_text
from .arguments import Leaf
from .binds import Param, hole
from .conditions import Combined, Compare
from .locations import ROW, Item, Place, depth_of
from .operands import Values
from .source_values import Compared, json_of

Encode = Callable[[Any], "str | None"]


NOTHING = Q(Compare("{column} IS NULL", Value(1)))
ANYTHING = Q(Compare("{column} IS NOT NULL", Value(1)))


class Filters:
    """Builds the conditions of one operation's plan."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def where(
        self,
        definition: Shape,
        given: Mapping[str, Any],
        place: Place = ROW,
        label: str = "where",
        *,
        negated: bool = False,
    ) -> Q | None:
        """Return the condition of a ``where`` on a type at a place.

        ``negated`` says that a NOT is around it, which tells false from unknown.
        """
        conditions: list[Q] = []
        for key, value in given.items():
            where = f"{label}.{key}"
            if value is None:
                raise InvalidInput(
                    f"{where} is null, which is no condition; leave it out.",
                    hint="Ask for null with {isnull: true} on a field.",
                )
            condition = self._member(definition, key, value, place, where, negated)
            if condition is not None:
                conditions.append(condition)
        return reduce(and_, conditions) if conditions else None

    def of_rows(self, definition: Shape, given: Mapping[str, Any], label: str = "where") -> Q | None:
        """Return the condition of a ``where`` on the rows of a query that are there for the viewer."""
        return self._after_rule(definition, given, self.where(definition, given, ROW, label))

    def _after_rule(self, definition: Shape, given: Mapping[str, Any], condition: Q | None) -> Q | None:
        if condition is None or not _may_fail(definition, given, self.values.types):
            return condition
        return self.values.rules.first(definition, condition)

    def _member(self, definition: Shape, key: str, value: Any, place: Place, where: str, negated: bool) -> Q | None:
        if key in ("AND", "OR"):
            alternatives = [self.where(definition, item, place, where, negated=negated) for item in value]
            return _all(alternatives) if key == "AND" else _any(alternatives)
        if key == "NOT":
            return _not(self.where(definition, value, place, where, negated=True))
        field = definition.fields[key]
        self.values.rules.check(definition, field)
        if isinstance(field, (Related, Nested)):
            self.values.rules.check_type(self.values.types[field.target])
        if not isinstance(field, (Related, Nested)):
            return self._value(definition, field, value, place, where)
        if not field.many:
            return self._to_one(definition, field, value, place, where, negated)
        return _all(
            self._quantified(quantifier, definition, field, item, place, f"{where}.{quantifier}")
            for quantifier, item in value.items()
        )

    def _to_one(
        self, definition: Shape, field: Related | Nested, given: Any, place: Place, where: str, negated: bool
    ) -> Q | None:
        target = self.values.types[field.target]
        if isinstance(field, Relation) and self.values.joins(field):
            there: Place = place.join(field.path)
        elif isinstance(field, Nested):
            key = field.key
            there = place.within(lambda here: json_of(definition, key, here))
        elif negated or not _is_strict(target, given, self.values.types):
            there = self.values.found(field, definition, place)
        else:
            # true of no row that is missing, and nobody asks whether it is false: PostgreSQL may join for it
            condition = self.of_rows(target, given, where)
            rows = self.values.rows(field, definition, place.outer()).order_by()
            return None if condition is None else Q(Exists(rows.filter(condition)))
        return self.where(target, given, there, where, negated=negated)

    def _quantified(
        self, quantifier: str, definition: Shape, field: Related | Nested, given: Any, place: Place, where: str
    ) -> Q | None:
        if given is None:
            raise InvalidInput(f"{where} is null, which is no condition; leave it out.")
        item = Item(depth_of(place))
        there = item.place if isinstance(field, Nested) else ROW
        condition = self.where(self.values.types[field.target], given, there, where)
        if quantifier == "every" and condition is None:
            return None
        # every: none for which the condition fails, or is unknown
        sql = "({0}) IS NOT TRUE" if quantifier == "every" else "{0}"
        if isinstance(field, Nested):
            key = field.key
            elements = place.value(lambda here: json_of(definition, key, here))
            return Q(_exists_in_json(item, elements, sql, ANYTHING if condition is None else condition, quantifier))
        rows = self.values.rows(field, definition, place.outer()).order_by()
        if condition is not None:
            failing = condition if sql == "{0}" else Q(Combined(sql, condition))
            rows = rows.filter(self._after_rule(self.values.types[field.target], given, failing))
        return Q(Exists(rows) if quantifier == "some" else ~Exists(rows))

    def _value(self, definition: Shape, field: AnyField, given: Any, place: Place, where: str) -> Q | None:
        assert not isinstance(field, (Related, Nested))
        found = self.values.compared(definition, field, place)
        dimensions = getattr(field, "dimensions", 0)
        return _all(
            self._operation(OPERATORS[name], found, dimensions, value, f"{where}.{name}")
            for name, value in given.items()
        )

    def _operation(self, operator: Operator, compared: Compared, dimensions: int, given: Any, where: str) -> Q:
        column = compared.value
        if operator.takes is Takes.FLAG and isinstance(given, Leaf) and given.value is not None:
            return Q(Compare(operator.sql if given.value else "{column} IS NOT NULL", column))
        if given is None:
            if operator.null is None:
                takes = operator.takes.value
                raise InvalidInput(f"{where} is null; it takes {takes}.", hint="Ask for null with isnull.")
            return Q(Compare(operator.null, column))
        return Q(comparison(operator, compared, dimensions, given, where))


def _exists_in_json(item: Item, elements: Any, sql: str, condition: Q, quantifier: str) -> Combined:
    # what is no list has no elements
    source = item.elements("CASE jsonb_typeof({1}) WHEN 'array' THEN {1} END")
    negation = "" if quantifier == "some" else "NOT "
    return Combined(f"{negation}EXISTS (SELECT FROM {source} WHERE {sql})", condition, elements)


def comparison(operator: Operator, compared: Compared, dimensions: int, leaf: Leaf, where: str) -> Compare:
    """Compare a value with one that is bound at execution."""
    pattern, scalar, cast, column = operator.pattern, compared.scalar, compared.cast, compared.value
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


def _is_strict(definition: Shape, given: Mapping[str, Any], types: Mapping[str, Shape]) -> bool:
    """Whether a ``where`` is true of no row all of whose values are null: whether any of its conditions is so."""
    return any(_is_strict_member(definition, key, value, types) for key, value in given.items())


def _is_strict_member(definition: Shape, key: str, value: Any, types: Mapping[str, Shape]) -> bool:
    if value is None or key == "NOT":
        return False
    if key in ("AND", "OR"):
        found = [_is_strict(definition, item, types) for item in value]
        return any(found) if key == "AND" else all(found)
    field = definition.fields[key]
    if isinstance(field, (Related, Nested)):
        return "some" in value if field.many else _is_strict(types[field.target], value, types)
    return any(_is_strict_operation(name, operand) for name, operand in value.items())


def _is_strict_operation(name: str, operand: Any) -> bool:
    if name == "isnull":
        return isinstance(operand, Leaf) and operand.value is False
    # "nin" is true of null where the list is empty
    return name == "neq" if operand is None else name != "nin"


def _may_fail(definition: Shape, given: Mapping[str, Any], types: Mapping[str, Shape]) -> bool:
    """Whether a ``where`` may be an error for some rows: by a cast, an expression, or a regular expression."""
    for key, value in given.items():
        if key in ("AND", "OR"):
            if any(_may_fail(definition, item, types) for item in value):
                return True
            continue
        if key == "NOT":
            inner, target = [value], definition
        else:
            field = definition.fields[key]
            if not isinstance(field, (Related, Nested)):
                if isinstance(field, (Computed, Extracted)) or not {"matches", "imatches"}.isdisjoint(value):
                    return True
                continue
            inner, target = list(value.values()) if field.many else [value], types[field.target]
        if any(_may_fail(target, item, types) for item in inner):
            return True
    return False


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
