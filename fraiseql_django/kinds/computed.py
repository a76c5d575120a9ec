"""A value of an ORM expression over the type's model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast
from django.db.models.lookups import Lookup
from graphql import FieldNode, GraphQLArgument

from .._django import compile_query, free_name, output_type
from ..declare.translations import with_translations
from ..planner.arguments import Leaf
from ..planner.budget import RELATION
from ..planner.expressions import SQL, Bind, Piece, bind, condition
from ..planner.json_values import Stored, leaf
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler
from ..planner.locations import Local, Location, Row
from ..planner.ordering import key_columns
from ..planner.source_values import Compared
from ..planner.tree import Member
from ..schema.definition import Computed, Shape, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.one_value import names_tables
from ..schema.operators import Comparable
from ..schema.stand_ins import Argument, Making
from .columns import column
from .scalars import ScalarKind

# How Django's types of texts begin
_TEXTUAL = ("text", "varchar", "char", "citext")


class ComputedKind(ScalarKind[Computed]):
    """Computed fields."""

    computed = True

    def arguments(self, field: Computed, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return {} if field.making is None else dict(field.making.described.arguments)

    def comparable(self, field: Computed) -> Comparable | None:
        return field.scalar if field.compared else None

    def member(self, build: TreeBuilder, owner: Any, field: Computed, nodes: Sequence[FieldNode]) -> Member:
        if field.making is None:
            return Member(owner=owner, field=field)
        build.budget.charge(RELATION)
        making: Making = field.making
        build.rules.check_given(owner, field, making.described.rules, nodes[0])
        given = build.arguments(owner, nodes)
        stand_ins = {
            argument.name: argument.stand_in(_bound(given[name], argument, name) if name in given else argument.default)
            for name, argument in making.arguments.items()
            if name in given or argument.stands_in
        }
        return Member(owner=owner, field=replace(field, expression=making.call(stand_ins)))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: Computed = member.field
        if field.function is not None:
            compiler.calls(field.function)
        value = here.value(lambda local: _value(member.owner, field, local))
        type_ = output_type(member.owner.model, field.expression, compiler.alias)
        # a type is not known where the expression does not tell it
        textual = type_ is None or type_.startswith(_TEXTUAL)
        row = here.value(lambda local: column(local, key_columns(member.owner.model)[0]))
        stored = Stored(value=value, textual=textual, row=row)
        return leaf(compiler, f"{member.owner.name}.{field.name}", field, stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Computed, location: Location) -> Compared:
        scalar = field.scalar
        if field.function is not None:
            compiler.calls(field.function)
        value = location.value(lambda local: _value(owner, field, local))
        if field.dimensions:
            # what the expression is an array of only PostgreSQL knows, and it compares no varchar[] with a text[]
            cast = scalar.cast + "[]" * field.dimensions
            return Compared(value=SQL(f"{{0}}::{cast}", value), scalar=scalar, cast=cast)
        # an expression may have any type, as it is written
        template = scalar.column.replace("{0}", f"({{0}})::{scalar.cast}")
        return Compared(value=SQL(template, value), scalar=scalar, cast=scalar.cast)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Computed) -> None:
        usage.expression(owner.model, field.expression)


def _bound(value: Leaf | None, argument: Argument, label: str) -> Bind:
    if value is None:
        # a plan of its own
        return Bind(lambda variables: None, argument.text, label, constant=argument.text(None) is None)
    return bind(value, argument.text, label)


def _value(owner: Any, field: Computed, here: Local) -> Any:
    # JSON has no computed fields
    assert isinstance(owner, TypeDef)
    assert isinstance(here, Row)
    return computed_value(owner, field, here.prefix)


def computed_value(definition: TypeDef, field: Computed, prefix: str) -> Any:
    """Return the expression that stands for the field on rows reached through the to-one path ``prefix``.

    What aggregates, and what stands behind a path, is a subquery of its own: two counts in one query
    would inflate each other, and an expression's names mean its own model's columns.
    """
    expression = with_translations(definition.model, field.expression)
    if names_tables(expression):
        return OwnQuery(definition.model, expression, prefix)
    if isinstance(expression, Value) and isinstance(expression.value, str):
        # a literal of no type yet, for PostgreSQL
        expression = Cast(expression, TextField())
    elif isinstance(expression, (Q, Lookup, Exists, ExpressionWrapper)):
        # a cast binds more tightly than its operators
        expression = SQL("({0})", expression, output_field=BooleanField())
    if not prefix and not _aggregates(expression):
        return expression
    # no manager: the row is one that is read already
    rows: QuerySet[Any] = QuerySet(definition.model).filter(pk=OuterRef(f"{prefix}pk"))
    name = free_name(definition.model, "fraiseql_value")
    return Subquery(rows.annotate(**{name: expression}).values(name).order_by())


class OwnQuery(Func):
    """The value of an expression for one row, in a query in which no other table is, and none has another name.

    SQL of the project's own names columns, and perhaps their table, as in a query over the model alone. The keys of the
    row are compared from beside that query, so that its table does not hide one of the same name around it.
    """

    def __init__(self, model: Any, expression: Any, prefix: str) -> None:
        self.names = key_columns(model)
        self.value = free_name(model, "fraiseql_value")
        self.rows = QuerySet(model).annotate(**{self.value: expression})
        for index, name in enumerate(self.names):
            self.rows = self.rows.filter(condition("({0} = {1})", F(name), SQL(f'"fraiseql_row"."k{index}"')))
        output = self.rows.query.annotations[self.value].output_field
        super().__init__(*(F(prefix + name) for name in self.names), output_field=output)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        own = compile_query(self.rows.values(self.value).order_by(), connection.alias)
        if own is None:
            return "NULL", []
        keys, params = [], []
        for index, key in enumerate(self.get_source_expressions()):
            sql, bound = compiler.compile(key)
            keys.append(f'{sql} AS "k{index}"')
            params += bound
        return (
            f'(SELECT "fraiseql_own"."{self.value}" FROM (SELECT {", ".join(keys)}) AS "fraiseql_row", '
            f'LATERAL ({own[0]}) AS "fraiseql_own")'
        ), [*params, *own[1]]


def _aggregates(expression: Any) -> bool:
    if getattr(expression, "contains_aggregate", False):
        return True
    parts = expression.get_source_expressions() if hasattr(expression, "get_source_expressions") else ()
    return any(_aggregates(part) for part in parts if part is not None)


register(Computed, ComputedKind())
