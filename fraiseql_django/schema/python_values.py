"""Fields whose values Python makes: what an instance has is not what PostgreSQL stores.

A field class of another package may convert a value when Django reads it (``from_db_value``) and when Django writes or
compares it (``get_prep_value``, ``get_db_prep_value``, ``get_db_prep_save``): encrypted text, obfuscated keys, phone
numbers. What it does with a sample tells what clients may be offered:

* a value that is none of the class that the field extends (an ``IntegerField`` that shows ``"OwLxW8D"``) is an ID;
* what is stored otherwise each time, or otherwise than it is looked up (encrypted text), is not compared or sorted;
* a field with choices that holds several values is a list of them.

What a client reads is made in Python of the stored text, after the cache (``mark_live`` in ``planner/compile.py``).
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connections
from graphql import GraphQLEnumType, GraphQLID, GraphQLString

from ..errors import InvalidInput
from .scalars.encoding import encode_text
from .scalars.postgres import Scalar

_ANY: Any = object
# Where field classes are that show what is stored, however they read it: vectors as lists of numbers
AS_STORED = ("django.", "fraiseql_django.", "pgvector.django")
# By the type that a field class is stored as: two values of it, and the class of its values in Python
_SAMPLES: Mapping[str, tuple[tuple[Any, Any], Any]] = {
    "bigint": ((1, 7), int),
    "numeric": ((Decimal("1.50"), Decimal(7)), (Decimal, int)),
    "double precision": ((1.5, 7.0), (float, int)),
    "boolean": ((True, False), bool),
    "date": ((dt.date(2024, 5, 31), dt.date(2024, 1, 1)), dt.date),
    "timestamp with time zone": (
        (dt.datetime(2024, 5, 31, 13, 45, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        dt.datetime,
    ),
    "time without time zone": ((dt.time(13, 45), dt.time(9)), dt.time),
    "interval": ((dt.timedelta(1), dt.timedelta(0)), dt.timedelta),
    "uuid": ((uuid.UUID(int=1), uuid.UUID(int=7)), uuid.UUID),
    "bytea": ((b"a", b"b"), (bytes, memoryview)),
    "jsonb": (({"a": 1}, [1]), _ANY),
    "text": (("a", "+12125552368"), _ANY),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """How Python makes what clients see of what is stored; ``names`` are those of an enum's values, by their texts."""

    field: Any
    alias: str
    scalar: Scalar
    names: Mapping[str, str] | None = None

    def shown(self, stored: Any) -> Any:
        """Return the JSON value that clients see of a stored value as the database driver returns it."""
        if stored is None and self.names is not None:
            return None
        value = converted(self.field, stored, self.alias)
        if self.names is not None:
            several = self.field.to_python(value) if isinstance(value, str) else value
            return [self._name(item) for item in several or ()]
        if value is None:
            return None
        graphql = self.scalar.graphql
        return str(value) if graphql in (GraphQLString, GraphQLID) else graphql.serialize(value)

    def _name(self, item: Any) -> str:
        assert self.names is not None
        if str(item) not in self.names:
            raise ValueError(f"{self.field} holds {str(item)[:80]!r}, which is none of its choices")
        return self.names[str(item)]


def converts(field: Any) -> bool:
    """Whether a field's class converts what Django reads, by code that is not Django's."""
    return _overrides(field, "from_db_value")


def converted(field: Any, stored: Any, alias: str) -> Any:
    """Return the value that Django reads of a stored one."""
    read = getattr(field, "from_db_value", None)
    return stored if read is None else read(stored, None, connections[alias])


def with_conversion(scalar: Scalar, field: Any, alias: str) -> tuple[Scalar, bool]:
    """Return the leaf type of a field that converts, and whether its values can be compared."""
    (values, kind), shown = _SAMPLES.get(scalar.cast, _SAMPLES["text"]), []
    compared = True
    for value in values:
        try:
            stored = field.get_db_prep_save(value, connections[alias])
            shown.append(converted(field, stored, alias))
            compared = compared and stored == field.get_db_prep_save(value, connections[alias])
            compared = compared and stored == looked_up(field, value, alias)
        # a field's class may raise anything
        except Exception:
            continue
    compared = compared and bool(shown)
    odd = kind is not _ANY and any(value is not None and not isinstance(value, kind) for value in shown)
    if odd or (compared and scalar.textual and _is_coded(field, alias)):
        # no operator of texts searches in what is stored
        scalar = replace(scalar, graphql=GraphQLID, textual=False)
    if not compared:
        return replace(scalar, of_text=True), False

    def encode(value: Any) -> str:
        try:
            ready = looked_up(field, field.to_python(value) if scalar.graphql is GraphQLID else value, alias)
            if ready is not None:
                return encode_text(ready) if isinstance(ready, str) else scalar.encode(ready)
        except Exception:  # a field's class may raise anything: the client sees one error for all
            pass
        raise InvalidInput(f"{str(value)[:80]!r} is not a value of this kind")

    # what is prepared is of the column's type, whatever that is
    return replace(scalar, encode=encode, of_text=True), True


def _is_coded(field: Any, alias: str) -> bool:
    """Whether a text is stored as another one."""
    for value in _SAMPLES["text"][0]:
        try:
            if looked_up(field, value, alias) != value:
                return True
        except Exception:  # a field's class may raise anything
            continue
    return False


def shows_null(field: Any, alias: str) -> bool:
    """Whether a field's class shows null where an empty text is stored."""
    try:
        return converted(field, "", alias) is None
    except Exception:  # a field's class may raise anything
        return False


def looked_up(field: Any, value: Any, alias: str) -> Any:
    """Return what Django's lookups compare a field with."""
    return field.get_db_prep_value(field.get_prep_value(value), connections[alias], prepared=True)


def stored_choice(field: Any, value: Any) -> Any:
    """Return the stored form of a declared choice: of a member of an enum, what the field's class makes of it."""
    if isinstance(value, enum.Enum) or not isinstance(value, (str, int)):
        return field.get_prep_value(value)
    return value


def flat_choices(field: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the declared choices of a field, those in groups as well."""
    for value, label in field.choices:
        if isinstance(label, (list, tuple)):
            yield from label
        else:
            yield value, label


def holds_several(field: Any) -> bool:
    """Whether a field with choices holds a list of them."""
    value = next((stored_choice(field, value) for value, _ in flat_choices(field) if value not in (None, "")), None)
    try:
        return value is not None and isinstance(field.to_python(str(value)), (list, tuple, set, frozenset))
    except Exception:  # a field's class may raise anything
        return False


def names_of(graphql: GraphQLEnumType) -> Mapping[str, str]:
    """Return the names of an enum's values by the texts that are stored."""
    return {str(item.value): name for name, item in graphql.values.items()}


def _overrides(field: Any, name: str) -> bool:
    owner = next((cls for cls in type(field).__mro__ if name in vars(cls)), None)
    return owner is not None and not owner.__module__.startswith(AS_STORED)


_LOADERS: Mapping[str, Callable[[str], Any]] = {
    "smallint": int,
    "integer": int,
    "bigint": int,
    "oid": int,
    "numeric": Decimal,
    "real": float,
    "double precision": float,
    "boolean": lambda text: text == "true",
    "uuid": uuid.UUID,
    "date": dt.date.fromisoformat,
    "timestamp without time zone": dt.datetime.fromisoformat,
    "timestamp with time zone": dt.datetime.fromisoformat,
    "time without time zone": dt.time.fromisoformat,
    "bytea": lambda text: bytes.fromhex(text.removeprefix("\\x")),
}


def finisher(conversion: Conversion, base: str) -> Callable[[Any], Any]:
    """Return the function that makes what clients see of a column's text, or of the list of an array's texts.

    ``base`` is the column's type, which tells what the database driver would return.
    """
    load = _LOADERS.get(base, str)

    def finish(text: Any) -> Any:
        if isinstance(text, list):
            return [finish(item) for item in text]
        return conversion.shown(None if text is None else load(text))

    return finish
