"""Conditions → conditions of the ORM, with the meaning that docs/reference/operators.md gives them.

Conditions on a list are EXISTS subqueries: a join would give a row once for every related row that matches. So are
those on the row of a to-one relation that no join reads.

SQL's AND, OR and NOT have three truth values, EXISTS has two. A row matches where its condition is true, so a part of
it that is unknown counts as false, and in a NOT as true. EXISTS can therefore take the place of such a part if it looks
for rows for which the condition is true, and in a NOT for rows for which it is true or unknown:

    author: {name: {eq: "Ann"}}           EXISTS (SELECT … WHERE id = author_id AND name = 'Ann')
    NOT: {author: {name: {eq: "Ann"}}}    NOT EXISTS (SELECT … WHERE id = author_id AND (name = 'Ann') IS NOT FALSE)

The second is true where there is no author, and not true where the name is null, as with a join:

    NOT: {author: {name: {eq: "Ann"}}}    NOT (author.id IS NOT NULL AND author.name = 'Ann')
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, Q, Value

from ..schema.definition import TypeDef
from ..schema.operators import Operator, Takes
from .aggregation import holds
from .arguments import Leaf
from .expressions import SQL, Param, bind, condition
from .kinds import TreeCompiler, dimensions_of, kind_of
from .locations import Location, Row
from .questions import MadeByOperator, Raised
from .source_values import Compared
from .transforms import ITEM, bound, operand_of, transformed, with_nulls
from .tree import All, AnyOf, Between, Compare, Condition, IsNot, Not, OnAggregate, OnItems, OnOne, Quantified, Step

NEVER = condition("({0} IS NULL)", Value(1))


def compile_condition(compiler: TreeCompiler, given: Condition, location: Location) -> Q:
    """Compile a condition on the row or object at a location."""
    match given:
        case Compare():
            return _compare(compiler, given, location)
        case OnItems():
            return _on_items(compiler, given, location)
        case Between():
            return _between(compiler, given, location)
        case All():
            return reduce(and_, (compile_condition(compiler, part, location) for part in given.parts))
        case AnyOf():
            parts = [compile_condition(compiler, part, location) for part in given.parts]
            return reduce(or_, parts) if parts else NEVER
        case Not():
            # SQL's own NOT: ~Q would add conditions on nulls
            return condition("NOT ({0})", compile_condition(compiler, given.part, location))
        case IsNot():
            value = "TRUE" if given.value else "FALSE"
            return condition(f"({{0}}) IS NOT {value}", compile_condition(compiler, given.part, location))
        case OnOne():
            return _on_one(compiler, given, location)
        case Quantified():
            return _quantified(compiler, given, location)
        case OnAggregate():
            return holds(compiler, given, location)


def _on_one(compiler: TreeCompiler, given: OnOne, location: Location) -> Q:
    if given.rows is not None:
        return Q(Exists(compiler.queryset(given.rows, location.outer())))
    present: Q = kind_of(given.field).present(compiler, given.owner, given.field, location)
    if given.condition is None:
        return present
    there = compiler.follow(Step(given.owner, given.field, None), location)
    found = compile_condition(compiler, given.condition, there)
    # where it is true of no missing object, and unknown is like false, it need not be told that there is one
    return found if given.condition.strict and not given.unknown_counts else present & found


def _quantified(compiler: TreeCompiler, given: Quantified, location: Location) -> Q:
    if given.rows is None:
        found: Q = kind_of(given.field).quantified(compiler, given, location)
        return found
    rows = Exists(compiler.existing(given.rows, location.outer()))
    return Q(rows if given.exists else ~rows)


def _compare(compiler: TreeCompiler, given: Compare, location: Location) -> Q:
    compared = kind_of(given.field).operand(compiler, given.owner, given.field, location)
    compared, dimensions = transformed(compared, dimensions_of(given.field), given.transforms, compiler.alias)
    operator, leaf, column, shown = given.operator, given.operand, compared.value, None
    if not dimensions and compared.scalar.shown is not None:
        shown = compared.scalar.shown.replace("{0}", "{column}")
        if leaf is None or operator.takes is Takes.FLAG or given.unknown_counts or not operator.strict:
            column, shown = with_nulls(compared, dimensions).value, None
    if leaf is None:
        assert operator.null is not None
        return condition(f"({operator.null})", column=column)
    if operator.takes is Takes.FLAG:
        assert isinstance(leaf, Leaf)
        sql = operator.sql if leaf.value else operator.otherwise
        return condition(f"({sql})", column=column)
    sql, params = _operands(compiler, given, compared, dimensions)
    if not isinstance(sql, str):
        _ask(compiler, given, sql, params)
    if operator.bare and compared.bare is not None and not given.unknown_counts:
        # beside the comparison, so that it can use an index; JSON's null is none
        return _found(operator, sql, compared.bare, params) & condition("({0} IS NOT NULL)", column)
    found = _found(operator, sql, column, params)
    # the same; what equals a value of the type is one
    return found if shown is None or operator.equates else found & condition(f"({shown})", column=column)


def _operands(
    compiler: TreeCompiler, given: Compare, compared: Compared, dimensions: int
) -> tuple[Any, dict[str, Any]]:
    """Return the SQL of a comparison and its parameters by name."""
    operator, operand = given.operator, given.operand
    assert operand is not None
    if not isinstance(operand, Leaf):
        return bound(operator.named, operand, operator.sql, given.label, operator.is_fallible)
    binding = operator.binding(compared.scalar, compared.cast, dimensions)
    param = Param(bind(operand, binding.encode, given.label, fallible=operator.is_fallible), binding.cast)
    return binding.sql, {operator.parameter: operand_of(operator, param, given.transforms, compiler.alias)}


def _found(operator: Operator, sql: Any, column: Any, params: dict[str, Any]) -> Q:
    if isinstance(sql, str):
        return condition(f"({sql})", column=column, **params)
    # a function of the project
    made = sql(column, **params)
    if isinstance(made, str):
        return condition(f"({made})", column=column, **params)
    return condition("({0})", made)


def _ask(compiler: TreeCompiler, given: Compare, function: Any, params: dict[str, Any]) -> None:
    """Note that the plan depends on what a function of the project makes at this moment."""
    owner, column = given.owner, SQL("NULL")
    if isinstance(owner, TypeDef):
        model = owner.model
        compared = kind_of(given.field).operand(compiler, owner, given.field, Row())
        column = transformed(compared, dimensions_of(given.field), given.transforms, compiler.alias)[0].value
    else:
        # in JSON there is no model, and none is needed where the function names no columns
        model = next(shape.model for shape in compiler.types.values() if isinstance(shape, TypeDef))
    asked = MadeByOperator(function, owner.name, given.label, model, compiler.alias, column, params)
    try:
        answer = asked.answer()
    # what it makes cannot be compared: no plan is kept
    except Exception:
        answer = Raised()
    compiler.asked[asked] = answer if compiler.asked.get(asked, answer) == answer else Raised()


def _on_items(compiler: TreeCompiler, given: OnItems, location: Location) -> Q:
    compared = kind_of(given.field).operand(compiler, given.owner, given.field, location)
    column = transformed(compared, dimensions_of(given.field), given.transforms, compiler.alias)[0].value
    if given.condition is None:
        found = condition("TRUE")
    else:
        found = compile_condition(compiler, given.condition, location)
    if not given.exists:
        found = condition("({0}) IS NOT TRUE", found)
    items = f"EXISTS (SELECT FROM unnest({{column}}) AS {ITEM}(value) WHERE {{found}})"
    if not given.exists:
        items = f"NOT {items}"
    # unknown where there is no array
    return condition(f"(CASE WHEN {{column}} IS NOT NULL THEN {items} END)", column=column, found=found)


def _between(compiler: TreeCompiler, given: Between, location: Location) -> Q:
    left, right = (
        with_nulls(kind_of(field).operand(compiler, given.owner, field, location), 0)
        for field in (given.left, given.right)
    )
    return condition(f"({given.operator.sql})", column=_alike(left, right), value=_alike(right, left))


def _alike(compared: Compared, other: Compared) -> Any:
    """Return a value as it is compared with another column of the same leaf type, which may have another type."""
    textual = compared.scalar.cast == "text" or other.scalar.cast == "text"
    is_text = textual and compared.cast != other.cast
    return SQL("({0})::text", compared.value) if is_text else compared.value
