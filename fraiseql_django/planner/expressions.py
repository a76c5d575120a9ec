"""ORM expressions that write SQL text: JSON, conditions, and parameters that are bound at execution.

JSON is concatenated text, the fastest way that PostgreSQL has to write it (see docs/architecture.md): an object is
``'{"title":' || to_json(title)::text || '}'`` and a list ``'[' || array_to_string(ARRAY(…), ',') || ']'``.

A ``Param`` stands in an expression like a value; compiled, it is ``%s::type`` with a ``Bind`` among the parameters. At
execution each Bind is filled from the operation's variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import BooleanField, Expression, Func, Q, QuerySet, Subquery, TextField
from graphql import Node

from ..errors import InvalidInput, LimitExceeded
from ..schema.scalars.encoding import sql_literal
from ..viewer import VIEWER, Viewer
from .arguments import Leaf, Variables

# Text that stands as it is, or an expression whose value is text
Piece: TypeAlias = "str | Func | Subquery"

NULL = "null"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Bind:
    """One parameter of a plan: how its value is fetched, and how it is written as PostgreSQL reads it.

    ``label`` names it in errors, ``where.price.gte``, and ``node`` is where it stands in the document. ``fallible``
    says that PostgreSQL may refuse it while the statement runs: a regular expression.
    """

    __slots__ = ("encode", "fallible", "fetch", "label", "node", "text")

    def __init__(
        self,
        fetch: Callable[[Variables], Any],
        encode: Callable[[Any], str | None],
        label: str,
        *,
        constant: bool = False,
        node: Node | None = None,
        fallible: bool = False,
    ) -> None:
        self.fetch = fetch
        self.fallible = fallible
        self.encode = encode
        self.label = label
        self.node = node
        # a literal of the document is the same at every execution
        self.text: str | None = self.fill({}) if constant else None
        if constant:
            text = self.text
            self.fetch, self.encode = (lambda variables: text), (lambda value: value)

    def fill(self, variables: Variables) -> str | None:
        """Return the text of the parameter; raise InvalidInput that names it where its value cannot be written."""
        try:
            return self.encode(self.fetch(variables))
        except InvalidInput as error:
            raise InvalidInput(f"{self.label}: {error.message}.", nodes=self._nodes, code=error.code) from None
        except LimitExceeded as error:
            error.nodes = self._nodes
            raise

    @property
    def _nodes(self) -> list[Node]:
        return [] if self.node is None else [self.node]


class ViewerBind(Bind):
    """A parameter that is a value of the viewer: answers to others have another one."""

    __slots__ = ()

    def __init__(self, value: Callable[[Viewer], Any], encode: Callable[[Any], str | None], label: str) -> None:
        super().__init__(lambda variables: value(variables[VIEWER]), encode, label)


def bind(leaf: Leaf, encode: Callable[[Any], str | None], label: str, *, fallible: bool = False) -> Bind:
    """Return the parameter of a resolved argument."""
    return Bind(leaf.fetch, encode, label, constant=leaf.constant, node=leaf.node, fallible=fallible)


def constant(text: str | None, label: str) -> Bind:
    """Return a parameter that no client has written."""
    return Bind(lambda variables: text, lambda value: value, label, constant=True)


class Param(Expression):
    """A value that is bound at execution, as a part of an ORM expression."""

    def __init__(self, source: Bind, cast: str) -> None:
        super().__init__(output_field=TextField())
        self.source = source
        self.cast = cast

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return f"%s::{self.cast}", [self.source]


class SQL(Func):
    """SQL in which ``{0}``, ``{1}`` … stand for expressions, each as often as the text has it.

    Expressions that are given by keyword stand under their names. Parameters are bound in the order of the text.
    The value is text, unless ``output_field`` says otherwise.
    """

    def __init__(self, template: str, *expressions: Any, output_field: Any = None, **named: Any) -> None:
        super().__init__(*expressions, *named.values(), output_field=output_field or TextField())
        self.sql_template = template
        self.names = (*map(str, range(len(expressions))), *named)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = {
            name: _compiled(compiler, expression)
            for name, expression in zip(self.names, self.get_source_expressions(), strict=True)
        }
        params: list[Any] = []

        def put(found: re.Match[str]) -> str:
            if found.group(1) not in compiled:
                return found.group()
            sql, own = compiled[found.group(1)]
            params.extend(own)
            return str(sql)

        return _PLACEHOLDER.sub(put, self.sql_template), params


class Name(SQL):
    """A column of a query that is written as text, by its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)


def _compiled(compiler: Any, expression: Any) -> tuple[str, Any]:
    """Compile an expression where Django may know its value: a subquery without rows, a condition that is constant."""
    try:
        sql, params = compiler.compile(expression)
    except EmptyResultSet:
        # a subquery of Booleans is conditional as well, but without rows its value is null
        is_null = getattr(expression, "empty_result_set_value", NotImplemented) is None
        return ("FALSE" if getattr(expression, "conditional", False) and not is_null else "NULL"), []
    except FullResultSet:
        return "TRUE", []
    return sql, params


def condition(template: str, *expressions: Any, **named: Any) -> Q:
    """Make a condition of the ORM from SQL, as ``SQL`` does; ``NOT ({0})`` is SQL's, without ~Q's own on nulls."""
    return Q(SQL(template, *expressions, output_field=BooleanField(), **named))


# PostgreSQL copies what is left of each ``||``. So at most so many texts are joined at once, and the joined ones again
_GROUP = 10


class Concat(Func):
    """Pieces of text one after the other; neighbouring constants become one, and texts in texts are one text."""

    def __init__(self, *pieces: Piece) -> None:
        flat: list[Piece] = []
        for piece in pieces:
            flat += piece.pieces() if isinstance(piece, Concat) else [piece]
        super().__init__(*(piece for piece in flat if not isinstance(piece, str)), output_field=TextField())
        # where the expressions stand among the constants
        self.layout = tuple(piece if isinstance(piece, str) else None for piece in flat)

    def pieces(self) -> list[Piece]:
        """Return the texts that are joined."""
        expressions = iter(self.get_source_expressions())
        return [next(expressions) if text is None else text for text in self.layout]

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        expressions = iter(self.get_source_expressions())
        parts: list[str] = []
        lists: list[int] = []
        params: list[Any] = []
        constant = ""
        for text in self.layout:
            if text is not None:
                constant += text
                continue
            if constant:
                parts.append(sql_literal(constant))
                constant = ""
            expression = next(expressions)
            if _has_list(expression):
                lists.append(len(parts))
            sql, own = compiler.compile(expression)
            parts.append(sql)
            params.extend(own)
        if constant or not parts:
            parts.append(sql_literal(constant))
        return f"({_joined(_around(parts, lists))})", params


def _has_list(expression: Any) -> bool:
    return any(isinstance(part, JSONList) for part in expression.flatten())


def _around(parts: Sequence[str], lists: Iterable[int]) -> list[str]:
    """Join the parts between lists: a list's text may be long, and is copied as seldom as can be."""
    found: list[str] = []
    start = 0
    for place in lists:
        found += [_group(parts[start:place]) if found else _joined(parts[start:place])] if start < place else []
        found.append(parts[place])
        start = place + 1
    return [*found, _group(parts[start:])] if found and start < len(parts) else found or list(parts)


def _joined(parts: Sequence[str]) -> str:
    """Join texts in SQL."""
    while len(parts) > _GROUP:
        parts = [_group(parts[start : start + _GROUP]) for start in range(0, len(parts), _GROUP)]
    return " || ".join(parts)


def _group(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({_joined(parts)})"


class Rows(Subquery):
    """The rows of a query, of which ``template`` makes one value; ``%(page)s`` in it is LIMIT and OFFSET.

    A sliced QuerySet cannot have LIMIT and OFFSET as parameters. ``empty`` is the SQL where Django knows that nothing
    matches.
    """

    empty: str
    no_limit = ""

    def __init__(self, queryset: QuerySet[Any], limit: Param | None = None, offset: Param | None = None) -> None:
        super().__init__(queryset, output_field=TextField())
        self.limit = limit
        self.offset = offset

    def as_sql(self, compiler: Any, connection: Any, template: Any = None, **extra: Any) -> tuple[str, Any]:
        page, page_params = self.no_limit if self.limit is None else "", []
        for word, value in ((" LIMIT ", self.limit), (" OFFSET ", self.offset)):
            if value is not None:
                value_sql, own = compiler.compile(value)
                page += word + value_sql
                page_params += own
        try:
            sql, params = super().as_sql(compiler, connection, template, page=page, **extra)
        except EmptyResultSet:
            return self.empty, []
        return sql, [*params, *page_params]


class JSONList(Rows):
    """The rows of a query as the items of a JSON array; the query selects one column, the JSON text of a row.

    ``lost`` is SQL for a row whose text is null: without it the row would vanish.

    Without LIMIT, PostgreSQL writes the texts of all rows, with those of their own lists, and sorts these. LIMIT ALL
    makes it sort first, as it does for a page (``make_sort_input_target`` in its source, ``planner.c``).
    """

    template = "array_to_string(ARRAY(%(subquery)s%(page)s), ',', %(lost)s)"
    empty = "''"

    def __init__(self, queryset: QuerySet[Any], lost: str, *page: Param | None) -> None:
        super().__init__(queryset, *page)
        self.lost = lost
        self.no_limit = " LIMIT ALL" if queryset.query.order_by else ""

    def as_sql(self, compiler: Any, connection: Any, template: Any = None, **extra: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template, lost=self.lost, **extra)


class LongJSONList(JSONList):
    """The same for many rows, where an aggregate is faster; it takes longer to begin."""

    template = (
        "(SELECT coalesce(string_agg(coalesce(fraiseql_rows.json, %(lost)s), ','), '') "
        "FROM (%(subquery)s%(page)s) AS fraiseql_rows(json))"
    )


def json_object(members: Iterable[tuple[str, list[Piece]]]) -> Concat:
    """Make a JSON object of names and the pieces of their values."""
    pieces: list[Piece] = []
    for name, value in members:
        # names are GraphQL names: nothing in them needs escaping
        pieces += [f'{"," if pieces else "{"}"{name}":', *value]
    return Concat(*pieces, "}") if pieces else Concat("{}")
