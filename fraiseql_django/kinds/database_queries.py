"""Fields of Query that functions of PostgreSQL answer: rows, one row, values, objects in JSON.

The function is called in the operation's statement: ``SELECT … FROM search_books("term" => $1) bookshop_book``. Its
rows are rows of the type, under its rules, with the client's condition, order and page on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import F, Func, TextField
from graphql import FieldNode, GraphQLArgument, GraphQLOutputType, value_from_ast

from .._django import Compiled, key_fields, rows_from
from ..declare.sources import quoted
from ..invalidation.catalog import FunctionInfo, functions
from ..planner.arguments import Leaf
from ..planner.budget import RELATION
from ..planner.expressions import SQL, Bind, Piece, ViewerBind, bind, condition
from ..planner.json_values import TEXTUAL, Stored, leaf
from ..planner.kinds import FieldKind, SelectedField, TreeBuilder, TreeCompiler
from ..planner.locations import ONCE, ROW, JSONObject, Location, SiblingColumn, evaluated_once
from ..planner.tree import Constant, ExpressionOperand, Given, Member, OrderKey
from ..schema.definition import Extracted, Nested, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.queries import FunctionDef
from ..schema.row_functions import sql_name
from ..schema.sent_values import text_of
from ..schema.stand_ins import Argument
from ..viewer import Viewer, required_value
from .json_objects import objects_text
from .results import planning_of
from .rows import ORDER_BY, list_arguments, rows_of, write_rows


class Call(Func):
    """The value of a call, as a part of an expression."""

    def __init__(self, call: Compiled) -> None:
        super().__init__(output_field=TextField())
        self.call = call

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return self.call[0], list(self.call[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Called(SelectedField):
    """A selected field that a function answers; ``call`` is the SQL of the call."""

    field: FunctionDef
    call: Compiled


class FunctionKind(FieldKind[FunctionDef]):
    """Functions of PostgreSQL."""

    def output(self, field: FunctionDef, types: OutputTypes) -> GraphQLOutputType:
        return types.output(field.output)

    def arguments(self, field: FunctionDef, types: OutputTypes) -> dict[str, GraphQLArgument]:
        of_list = list_arguments(field.rows.target, types) if field.rows is not None and field.rows.many else {}
        return {**field.described.arguments, **of_list}

    def planning(self, field: FunctionDef) -> int:
        return RELATION if field.rows is not None else planning_of(field.output)

    def masked(self, field: FunctionDef) -> str:
        return "[]" if field.many and not field.nullable else "null"

    def member(
        self, build: TreeBuilder, owner: Any, field: FunctionDef, nodes: Sequence[FieldNode]
    ) -> Member | Constant:
        build.rules.check_given(owner, field, field.described.rules, nodes[0])
        given = build.arguments(owner, nodes)
        call = _call(field, nodes[0], given, build.rules.alias)
        selected = Called(field=field, call=call)
        if field.rows is not None:
            definition = build.type(field.rows.target)
            assert isinstance(definition, TypeDef)
            sorted_by_client = next(iter(given.get(ORDER_BY) or ()), None) is not None
            source = _source(definition, call, many=field.rows.many, sorted_by_client=sorted_by_client)
            found = rows_of(build, owner, selected, field.rows, source, nodes)
            return found or Constant(self.masked(field), field.cost)
        if field.shape is None:
            return Member(owner=owner, field=selected)
        shape = build.type(field.shape)
        if not build.rules.may_read(shape):
            return Constant(self.masked(field), field.cost)
        repeats = (build.limits.assumed_rows,) if field.many else ()
        return Member(owner=owner, field=selected, repeats=repeats, selections=(build.selection(shape, nodes),))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: FunctionDef = member.field.field
        compiler.calls(field.function, volatile=field.volatile)
        if field.rows is not None:
            return write_rows(compiler, member, here, many=field.rows.many, nullable=field.nullable)
        info = _info(field, compiler.alias)
        returns_set = info is not None and info.returns_set
        if field.shape is not None:
            return [_objects(compiler, member, field, returns_set=returns_set)]
        return _values(compiler, member, field, info, returns_set=returns_set)


# --- calls ---


def _info(field: FunctionDef, alias: str) -> FunctionInfo | None:
    """Return what is known of the function that has the field's arguments; None where that is not one function."""
    names = {argument.name for argument in field.arguments.values()} | set(field.context_params.values())
    fitting = [info for info in functions(field.function, alias) or () if names <= info.arguments.keys()]
    return fitting[0] if len(fitting) == 1 else None


def _call(field: FunctionDef, node: FieldNode, given: dict[str, Any], alias: str) -> Compiled:
    info = _info(field, alias)
    types = {} if info is None else info.arguments
    arguments: list[str] = []
    binds: list[Bind] = []
    for key, name in field.context_params.items():
        arguments.append(f"{quoted(name)} => %s{_cast(types.get(name))}")
        binds.append(ViewerBind(partial(_of_context, key), text_of, key))
    for name, argument in field.arguments.items():
        if name in given or argument.is_filled:
            arguments.append(f"{quoted(argument.name)} => %s{_cast(types.get(argument.name, argument.cast))}")
            binds.append(_bound(field, argument, name, node, given.get(name)))
    return f"{sql_name(field.function)}({', '.join(arguments)})", binds


def _cast(type_: str | None) -> str:
    # PostgreSQL finds out the type of what has none
    return "" if type_ is None or type_.startswith("any") else f"::{type_}"


def _of_context(key: str, viewer: Viewer) -> Any:
    return required_value(viewer, key)


def _bound(field: FunctionDef, argument: Argument, name: str, node: FieldNode, value: Any) -> Bind:
    if value is None:
        return Bind(lambda variables: None, argument.text, name, constant=argument.text(None) is None)
    if isinstance(value, Leaf):
        return bind(value, argument.text, name)
    # an input object
    written = next(item.value for item in node.arguments or () if item.name.value == name)
    type_ = field.described.arguments[name].type
    return Bind(lambda variables: value_from_ast(written, type_, dict(variables)), argument.text, name, node=written)


# --- answers ---


def _source(definition: TypeDef, call: Compiled, *, many: bool, sorted_by_client: bool) -> Given:
    """Return the rows of a call, in the order of the function where clients give none.

    Numbering them keeps PostgreSQL from putting the function's body into the statement.
    """
    known = F(key_fields(definition.model)[0].attname)
    if not many:
        # where a function returns no row, PostgreSQL reads one of nulls
        there = condition("({0} IS NOT NULL)", known)
        return Given(lambda alias: rows_from(definition.model, call, alias).filter(there))
    if sorted_by_client:
        return Given(partial(rows_from, definition.model, call))
    order = OrderKey(operand=ExpressionOperand(SiblingColumn(known, "ordinality")))
    return Given(partial(rows_from, definition.model, (f"{call[0]} WITH ORDINALITY", call[1])), (order,))


def _values(
    compiler: TreeCompiler, member: Member, field: FunctionDef, info: FunctionInfo | None, *, returns_set: bool
) -> list[Piece]:
    value = field.output if field.output.item is None else field.output.item
    assert value.scalar is not None
    described = Extracted(
        name=field.name, key=field.name, scalar=value.scalar, dimensions=int(field.many), nullable=field.nullable,
        nullable_items=value.nullable,
    )  # fmt: skip
    base = None if info is None else info.returns
    call = Call(member.field.call)
    if returns_set:
        base = base and f"{base}[]"
        called: Any = SQL("ARRAY(SELECT {0})", call)
    else:
        called = call
    textual = base is None or base.removesuffix("[]") in TEXTUAL
    return leaf(compiler, f"Query.{field.name}", described, Stored(value=called, base=base, textual=textual))


def _objects(compiler: TreeCompiler, member: Member, field: FunctionDef, *, returns_set: bool) -> SQL:
    template = "to_jsonb({0})"
    if returns_set:
        template = "(SELECT coalesce(jsonb_agg(to_jsonb(called)), '[]') FROM (SELECT {0} AS called) AS fraiseql_called)"
    json = SQL(template, Call(member.field.call))
    value = field.output if field.output.item is None else field.output.item
    nested = Nested(
        name=field.name, key="", target=str(field.shape), many=field.many, nullable=field.nullable,
        nullable_items=field.many and value.nullable,
    )  # fmt: skip
    once = SQL(ONCE)
    inside = JSONObject(ROW, lambda _: once)
    return evaluated_once(json, objects_text(compiler, member, nested, once, inside))


register(FunctionDef, FunctionKind())
register(Called, FunctionKind())
