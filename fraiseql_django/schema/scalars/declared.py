"""Scalars of a project's own: a declaration → the GraphQL scalar and how PostgreSQL writes and reads its values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from graphql import FloatValueNode, GraphQLScalarType, ValueNode, print_ast

from ..._compat import parse_input
from ...declare.scalars import ScalarDeclaration
from ...errors import DeclarationError, InvalidInput
from .graphql import BY_PLACE, JSON, shown
from .numbers import ExactFloat
from .postgres import Scalar, localized, prepared

logger = logging.getLogger("fraiseql_django.engine")

# 1e99999 would be written out
_EXPONENT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarTypes:
    """The scalars of a project's own in one schema: by annotation, by field class and by GraphQL name."""

    python: Mapping[Any, Scalar] = field(default_factory=dict)
    fields: Mapping[type, Scalar] = field(default_factory=dict)
    names: Mapping[str, Scalar] = field(default_factory=dict)


def declared_scalars(declarations: Iterable[ScalarDeclaration], known: Mapping[Any, Scalar]) -> ScalarTypes:
    """Make the declared scalars; ``known`` are those of Python types.

    Raises DeclarationError where two have one name, one field class or one annotation.
    """
    found = ScalarTypes(python={}, fields={}, names={})
    problems: list[str] = []
    for declared in declarations:
        where = f"scalar {declared.name!r}"
        like = _get(known, declared.like)
        if like is None:
            names = ", ".join(getattr(base, "__name__", "Any") for base in known)
            problems.append(f"{where}: like is {declared.like!r}, must be one of: {names}")
            continue
        made = make_scalar(declared, localized(like))
        entries: list[tuple[Any, Any, Any]] = [(found.names, declared.name, f"the name {declared.name!r}")]
        entries += [(found.fields, cls, f"the field class {cls.__qualname__}") for cls in declared.fields]
        entries += [(found.python, base, f"the annotation {_shown(base)}") for base in declared.python]
        for table, key, what in entries:
            if key in table:
                problems.append(f"{where} and scalar {table[key].name!r} both have {what}; leave it out of one of them")
            elif table is found.python and _get(known, key) is not None:
                problems.append(
                    f"{where}: python has {_shown(key)}, whose type is {known[key].name}; make a NewType of it"
                )
            table[key] = made
    if problems:
        raise DeclarationError("\n".join(dict.fromkeys(problems)))
    return found


def _get(known: Mapping[Any, Any], base: Any) -> Any:
    try:
        return known.get(base)
    except TypeError:
        return None


def _shown(base: Any) -> str:
    return getattr(base, "__qualname__", None) or repr(base)


def make_scalar(declared: ScalarDeclaration, like: Scalar) -> Scalar:
    """Return the leaf type of a declaration, with what it does not say taken from the type ``like``."""
    made = replace(stored_scalar(declared, like), graphql=_graphql(declared, like), declared=declared)
    if declared.bind is not None:
        made = _encoded(made, declared.bind)
    return made if declared.sql is None else _written(made, declared.sql)


def stored_scalar(declared: ScalarDeclaration, like: Scalar) -> Scalar:
    """Return the type of what a declared type's values are in PostgreSQL: it is ``like`` that of a Python type."""
    return replace(
        like,
        cast=declared.cast or like.cast,
        ordered=like.ordered and declared.ordered,
        textual=like.textual and declared.searchable and declared.cast is None,
        of_text=like.textual and declared.cast is None,
        comparable=declared.filters,
    )


def _encoded(scalar: Scalar, bind: Callable[[Any], Any]) -> Scalar:
    return replace(scalar, encode=prepared(scalar, bind).encode)


def _written(scalar: Scalar, sql: str) -> Scalar:
    """Return the type whose values are written by the project's SQL; where it gives null, there is no value."""
    # Django formats the statement's parameters into it by %
    own = sql.replace("%", "%%").replace("{0}", f"({{0}})::{scalar.cast}")
    # of a value in JSON only the text is known
    fits = None if scalar.fits is None else scalar.fits.replace("{0}", f"({{0}})::{scalar.cast}")
    # the project's SQL may make something of null
    given = f"({{0}} IS NOT NULL AND ({own}) IS NOT NULL)"
    return replace(
        scalar,
        json=f"to_json({own})::text",
        json_array=None,
        fits=given if fits is None else f"CASE WHEN {fits} THEN {given} ELSE false END",
        fits_sized=None,
        fitting=frozenset(),
    )


# --- what clients send ---


def reader(declared: ScalarDeclaration, like: Scalar) -> Callable[[Any], Any]:
    """Return the function that turns a JSON value into a Python value; it raises InvalidInput."""
    parse = declared.parse
    if parse is None:
        return lambda value: _guarded(declared.name, parse_input(like.graphql), value, value)
    own = parse
    return lambda value: _guarded(declared.name, lambda given: own(_exact(given)), value, value)


def _guarded(name: str, parse: Callable[[Any], Any], value: Any, written: Any) -> Any:
    """Return a parsed value; raise InvalidInput with the reason for one that is refused."""
    reason = ""
    try:
        found = parse(value)
    except InvalidInput as error:
        reason = error.message
    except ValidationError as error:
        reason = " ".join(error.messages)
    # a function of the project may raise anything
    except Exception:
        logger.debug("%s refused %s", name, shown(written), exc_info=True)
    else:
        if found is not None:
            return found
    raise InvalidInput(f"{name} cannot represent {shown(written)}{': ' + reason if reason else '.'}")


def _exact(value: Any) -> Any:
    """Return a JSON value without floats, which would lose digits; refuse files."""
    if isinstance(value, (dict, list)) or not isinstance(value, (str, int, float, Decimal, type(None))):
        return JSON.parse_value(value)
    if isinstance(value, float):
        value = Decimal(value.text if isinstance(value, ExactFloat) else str(value))
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value.adjusted()) <= _EXPONENT):
        raise InvalidInput("the number is too large or too small")
    return value


def _graphql(declared: ScalarDeclaration, like: Scalar) -> GraphQLScalarType:
    read, own, known = reader(declared, like), declared.parse, like.graphql

    def parse_value(value: Any) -> Any:
        try:
            return read(value)
        except InvalidInput as error:
            raise error.as_graphql_error() from None

    def parse_literal(node: ValueNode, variables: Any = None) -> Any:
        if own is None:
            try:
                return _guarded(declared.name, lambda given: known.parse_literal(given, variables), node, _text(node))
            except InvalidInput as error:
                raise error.as_graphql_error() from None
        if isinstance(node, FloatValueNode):
            return parse_value(Decimal(node.value))
        return parse_value(JSON.parse_literal(node, variables))

    return GraphQLScalarType(
        declared.name,
        serialize=declared.serialize or (known.serialize if own is None else str),
        parse_value=parse_value,
        parse_literal=parse_literal,
        specified_by_url=declared.specified_by,
        description=declared.description,
        extensions={"directives": declared.directives, BY_PLACE: lambda given: True},
    )


def _text(node: ValueNode) -> Any:
    """Return the value of a literal as messages show it."""
    return getattr(node, "value", None) or print_ast(node)
