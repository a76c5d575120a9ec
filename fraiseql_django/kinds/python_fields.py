"""A value that Python computes: a function of the type, or a property of the model.

The statement writes what the field requires of each row into the answer, as marked text. After the cache, the function
is called for all rows of the answer at once, however many lists they stand in. What is not selected costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, NoReturn

from django.db import connections
from graphql import FieldNode, GraphQLArgument, GraphQLOutputType, Node

from .._django import instance_of, text_loader
from ..coroutines import is_coroutine_function, synchronous, together
from ..errors import FraiseQLError, InvalidInput
from ..planner.arguments import Leaf, Variables
from ..planner.budget import CONDITION
from ..planner.column_types import column_info
from ..planner.expressions import SQL, Piece
from ..planner.json_values import null_problem
from ..planner.kinds import ColumnUsage, FieldKind, SelectedField, Together, TreeBuilder, TreeCompiler, Wrong, kind_of
from ..planner.locations import Location
from ..planner.tree import Member
from ..schema.function_fields import PythonField, Required
from ..schema.kinds import OutputTypes, register
from ..schema.output_values import Unfit, listed_text
from ..schema.python_values import converted
from .columns import column

# What a cast to text changes: it cuts the blanks off a character(n), and adds a mask to an address
_AS_IT_IS = "(to_json({0}) #>> '{}')"
_TEXTS = {"character": _AS_IT_IS, "bpchar": _AS_IT_IS, "inet": _AS_IT_IS}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selected(SelectedField):
    """A selected field, and what fetches the arguments that were given, by Python name.

    Where an argument stands in the document is kept for errors; its value is not.
    """

    field: PythonField
    given: tuple[tuple[str, Callable[[Variables], Any], tuple[Node, ...]], ...]


class PythonFieldKind(FieldKind[PythonField]):
    """Fields that Python computes."""

    def output(self, field: PythonField, types: OutputTypes) -> GraphQLOutputType:
        # null stands for a masked value
        return types.output(replace(field.output, nullable=field.nullable))

    def arguments(self, field: PythonField, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return dict(field.parameters.arguments)

    def planning(self, field: PythonField) -> int:
        return CONDITION

    def member(self, build: TreeBuilder, owner: Any, field: PythonField, nodes: Sequence[FieldNode]) -> Member:
        parameters = field.parameters
        build.rules.policies.computed_in_python(field)
        for required in field.requires:
            if required.field is not None:
                build.rules.policies.field(required.field)
        build.rules.check_given(owner, field, parameters.rules, nodes[0])
        given = build.arguments(owner, nodes)
        named = tuple((parameters.found[name].name, *_fetching(value)) for name, value in given.items())
        return Member(owner=owner, field=Selected(field=field, given=named))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        selected: Selected = member.field
        field = selected.field
        reads = [_read(compiler, member.owner, required, here) for required in field.requires]
        where = f"{member.owner.name}.{field.name}"
        computing = Computing(
            selected=selected,
            model=None if member.owner.source is not None else member.owner.model,
            alias=compiler.alias,
            loads=tuple(load for _, load in reads),
            where=where,
        )
        values = ", ".join(f"{{{index}}}" for index in range(len(reads)))
        json = compiler.mark_live(
            computing,
            f"json_build_array({values})::text",
            absent=None if field.nullable else null_problem(where),
            failed=f"{where} has a value that its type does not have",
        )
        return [SQL(json, *(value for value, _ in reads))]

    def note_columns(self, usage: ColumnUsage, owner: Any, field: PythonField) -> None:
        for required in field.requires:
            if required.column is not None:
                usage.column(owner.model, required.column.attname)
            else:
                kind_of(required.field).note_columns(usage, owner, required.field)


def _fetching(leaf: Leaf | None) -> tuple[Callable[[Variables], Any], tuple[Node, ...]]:
    return (lambda variables: None, ()) if leaf is None else (leaf.fetch, (leaf.node,))


def _read(
    compiler: TreeCompiler, owner: Any, required: Required, here: Location
) -> tuple[Any, Callable[[str | None], Any]]:
    """Return the value that is read for a requirement, and what makes Python's value of its text."""
    if required.column is None:
        compared = kind_of(required.field).operand(compiler, owner, required.field, here)
        return SQL(f"({{0}})::{compared.cast}::text", compared.value), _loader(compared.cast, None, compiler.alias)
    found: Any = required.column
    info = column_info(owner.model, found.attname, compiler.alias)
    base = info.base if info is not None else str(found.db_type(connections[compiler.alias])).partition("(")[0]
    value = here.value(lambda local: column(local, found.attname))
    return SQL(_TEXTS.get(base, "({0})::text"), value), _loader(base, found, compiler.alias)


def _loader(type_name: str, field: Any, alias: str) -> Callable[[str | None], Any]:
    load = text_loader(type_name, alias)

    def loaded(text: str | None) -> Any:
        value = None if text is None else load(text)
        return value if field is None else converted(field, value, alias)

    return loaded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Computing(Together):
    """Computes a selected field for rows of an answer; ``loads`` make Python's values of the texts of what it requires.

    Rows of a ``model`` are instances that have these values only; others are objects with these attributes.
    """

    selected: Selected
    model: Any
    alias: str
    loads: tuple[Callable[[str | None], Any], ...]
    where: str

    def group(self, variables: Variables) -> Hashable:
        """Return the field and its arguments: it may be selected in several places of an operation."""
        given = [(name, fetch(variables)) for name, fetch, _ in self.selected.given]
        # repr tells 1 from True
        return id(self.selected.field), repr(sorted(given))

    def finish_all(self, values: Sequence[Any], variables: Variables) -> Sequence[Any]:
        """Call the function; what it raises for all rows stands in the place of each."""
        try:
            found = self._call([self._row(texts) for texts in values], self._arguments(variables))
        except Exception as error:
            return [error] * len(values)
        return [self._checked(value) for value in found]

    def _checked(self, value: Any) -> Any:
        if value is None or isinstance(value, Exception):
            return value
        try:
            return listed_text(self.selected.field.output, value)
        except Unfit:
            return Wrong()
        except Exception as error:
            # of a generator
            return error

    def _call(self, rows: list[Any], arguments: dict[str, Any]) -> list[Any]:
        field = self.selected.field
        resolver = field.resolver
        if resolver is None:
            return [_attempt(partial(_attribute, row, field.attribute)) for row in rows]
        if field.of_all:
            values = synchronous(resolver)(rows, **arguments)
            if not isinstance(values, (list, tuple)):
                raise FraiseQLError(f"{self.where} returned a {type(values).__name__}, must be a list or a tuple")
            if len(values) != len(rows):
                raise FraiseQLError(f"{self.where} returned {len(values)} values for {len(rows)} rows")
            return list(values)
        if is_coroutine_function(resolver):
            return together([partial(resolver, row, **arguments) for row in rows])
        return [_attempt(partial(resolver, row, **arguments)) for row in rows]

    def _arguments(self, variables: Variables) -> dict[str, Any]:
        converts = self.selected.field.parameters.converts
        found: dict[str, Any] = {}
        for name, fetch, nodes in self.selected.given:
            try:
                found[name] = converts[name](fetch(variables))
            except InvalidInput as error:
                error.nodes = error.nodes or nodes
                raise
        return found

    def _row(self, texts: Sequence[str | None]) -> Any:
        values = {
            required.name: load(text)
            for required, load, text in zip(self.selected.field.requires, self.loads, texts, strict=True)
        }
        if self.model is None:
            return SimpleNamespace(**values)
        return instance_of(self.model, values, self._refuse)

    def _refuse(self, *names: str) -> NoReturn:
        read = f" {', '.join(map(repr, names))}" if names else ""
        raise FraiseQLError(f"{self.where} reads{read} what it does not require; name it in requires=[…]")


def _attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def _attribute(row: Any, name: str) -> Any:
    found = getattr(row, name)
    return found() if callable(found) else found


register(PythonField, PythonFieldKind())
register(Selected, PythonFieldKind())
