"""Names in Python and in the database → names in GraphQL (GraphQL specification, 2.1.9)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from graphql import GraphQLError, assert_name

from ..errors import DeclarationError

# The label of the choice that a blank field has beside those that its model declares
NO_CHOICE = "No choice made."


def camel_case(name: str) -> str:
    """Turn ``first_name`` into ``firstName``; leading underscores stay."""
    bare = name.lstrip("_")
    head, *tail = [part for part in bare.split("_") if part] or [""]
    return "_" * (len(name) - len(bare)) + head + "".join(part[:1].upper() + part[1:] for part in tail)


def pascal_case(name: str) -> str:
    """Turn ``first_name`` into ``FirstName``."""
    camel = camel_case(name)
    return camel[:1].upper() + camel[1:]


def snake_case(name: str) -> str:
    """Turn ``PlaceOrder`` into ``place_order``, ``HTTPCall`` into ``http_call``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def lower_first(name: str) -> str:
    """Turn ``OrderLine`` into ``orderLine`` and ``URLRecord`` into ``urlRecord``."""
    capitals = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+$|[A-Z]", name)
    return name if capitals is None else capitals.group().lower() + name[capitals.end() :]


def enum_name(value: object, label: str) -> str:
    """Return the name of a choice: made of its value where that gives a name, else of its label."""
    if value == "" and label == NO_CHOICE:
        return "BLANK"
    for text in (value if isinstance(value, str) else "", label, f"VALUE_{value}" if value != "" else "BLANK"):
        ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9]+", "_", ascii_text).strip("_").upper()
        if name and not name[0].isdigit() and name not in {"TRUE", "FALSE", "NULL"}:
            return name
        if name and text == label:
            return f"VALUE_{name}"
    return "VALUE"


# The root types (GraphQL specification, 3.3.1)
ROOTS = frozenset({"Query", "Mutation", "Subscription"})
# The scalars of the specification (3.5), and the scalars, objects and inputs that this package adds where they are used
BUILT_IN = frozenset((
    "Base64", "BigInt", "BigIntRange", "BigIntRangeInput", "Boolean", "Cascade", "CascadeDeletion",
    "CascadeInvalidation", "CascadeMetadata", "CascadeUpdate", "Date", "DateRange", "DateRangeInput", "DateTime",
    "DateTimeRange", "DateTimeRangeInput", "Decimal", "DecimalRange", "DecimalRangeInput", "Duration", "Error",
    "File", "Float", "HStore", "ID", "IPAddress", "Image", "Int", "IntRange", "IntRangeInput", "JSON", "LTree",
    "MutationError", "OrderDirection", "SearchKind", "SearchVector", "String", "Time", "UUID", "Upload", "Vector",
    "VectorMetric",
))  # fmt: skip
RESERVED = (
    ROOTS | BUILT_IN | frozenset(f"{name}{array}Filter" for name in BUILT_IN for array in ("", "Array", "ArrayArray"))
)


def type_names(name: str) -> frozenset[str]:
    """Return the names that a type's inputs have, and its own."""
    own = ("", "Where", "OrderBy", "ListFilter", "Has", "Compare", "OrderByValue")
    return frozenset(f"{name}{suffix}" for suffix in own)


def is_name(name: str) -> bool:
    """Whether GraphQL allows the name for what a project declares."""
    try:
        check_name(name, "it")
    except DeclarationError:
        return False
    return True


def is_list(value: Any, *classes: type) -> bool:
    """Whether a declaration's argument is a list, or another collection, of such items; a text is none."""
    return (
        isinstance(value, Collection)
        and not isinstance(value, (str, bytes, Mapping))
        and all(isinstance(item, classes) for item in value)
    )


# What stands beside the conditions on fields, and beside the fields to sort by
COMBINERS = ("AND", "OR", "NOT")
WHERE_KEYS = (*COMBINERS, "HAS", "COMPARE")
ORDER_KEYS = ("BY", "RANDOM")
# What a value of an enum cannot be called (GraphQL specification, 3.9), and fields are values of some
LITERALS = ("true", "false", "null")


def check_field_name(name: str, where: str) -> str:
    """Return the name if a field can have it; else raise DeclarationError; ``where`` is type and Python name."""
    if name in (*WHERE_KEYS, *ORDER_KEYS):
        what = "a combination of filters" if name in WHERE_KEYS else "a way to sort"
        raise DeclarationError(
            f"{where.rpartition('.')[0]}.{name} has the name of {what}; give it another name with "
            f"fraiseql.field(name=…)"
        )
    if name in LITERALS:
        raise DeclarationError(
            f"{where.rpartition('.')[0]}.{name} has the name of a literal; give it another name with "
            f"fraiseql.field(name=…)"
        )
    try:
        return check_name(name, f"the field {where}")
    except DeclarationError as error:
        raise DeclarationError(f"{str(error).rstrip('.')}; give it another name with fraiseql.field(name=…)") from None


def check_name(name: str, of: str) -> str:
    """Return the name if GraphQL allows it; else raise DeclarationError, in which ``of`` is what it names."""
    if not isinstance(name, str):
        raise DeclarationError(f"{of} is called {name!r}, must be a name")
    try:
        assert_name(name)
    except GraphQLError as error:
        raise DeclarationError(f"{of} cannot be called {name!r}: {error.message}") from None
    if name.startswith("__"):
        raise DeclarationError(f"{of} cannot be called {name!r}: names that begin with '__' are GraphQL's own")
    return name
