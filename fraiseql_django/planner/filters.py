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

from django.db.models import Exists, Q, Value

from ..schema.operators import Takes
from .aggregation import holds
from .expressions import SQL, Param, bind, condition
from .kinds import TreeCompiler, dimensions_of, kind_of
from .locations import Location
from .tree import All, AnyOf, Compare, Condition, IsNot, Not, OnAggregate, OnOne, Quantified, Step

NEVER = condition("({0} IS NULL)", Value(1))


def compile_condition(compiler: TreeCompiler, given: Condition, location: Location) -> Q:
    """Compile a condition on the row or object at a location."""
    match given:
        case Compare():
            return _compare(compiler, given, location)
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
    operator, leaf, column, shown = given.operator, given.operand, compared.value, None
    if not dimensions_of(given.field) and compared.scalar.shown is not None:
        shown = compared.scalar.shown.replace("{0}", "{column}")
        if leaf is None or operator.takes is Takes.FLAG or given.unknown_counts or not operator.strict:
            column, shown = SQL(f"CASE WHEN {shown} THEN {{column}} END", column=column), None
    if leaf is None:
        assert operator.null is not None
        return condition(f"({operator.null})", column=column)
    if operator.takes is Takes.FLAG:
        sql = operator.sql if leaf.value else operator.otherwise
        return condition(f"({sql})", column=column)
    binding = operator.binding(compared.scalar, compared.cast, dimensions_of(given.field))
    value = Param(bind(leaf, binding.encode, given.label), binding.cast)
    found = condition(f"({binding.sql})", column=column, value=value)
    # beside the comparison, so that it can use an index; what equals a value of the type is one
    return found if shown is None or operator.equates else found & condition(f"({shown})", column=column)
