"""Names in Python and in the database → names in GraphQL (GraphQL specification, 2.1.9)."""

from __future__ import annotations

import re
import unicodedata

from graphql import GraphQLError, assert_name

from ..errors import DeclarationError


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


def plural(name: str) -> str:
    """Form the English plural of a name: ``book`` → ``books``, ``category`` → ``categories``."""
    if re.search(r"[^aeiouAEIOU]y$", name):
        return name[:-1] + "ies"
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    return name + "s"


def enum_name(value: object, label: str) -> str:
    """Return the name of a choice: made of its value where that gives a name, else of its label."""
    for text in (value if isinstance(value, str) else "", label, f"VALUE_{value}" if value != "" else "BLANK"):
        ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Za-z0-9]+", "_", ascii_text).strip("_").upper()
        if name and not name[0].isdigit() and name not in {"TRUE", "FALSE", "NULL"}:
            return name
        if name and text == label:
            return f"VALUE_{name}"
    return "VALUE"


def check_name(name: str, of: str) -> str:
    """Return the name if GraphQL allows it; else raise DeclarationError, in which ``of`` is what it names."""
    try:
        assert_name(name)
    except GraphQLError as error:
        raise DeclarationError(f"{of} cannot be called {name!r}: {error.message}") from None
    if name.startswith("__"):
        raise DeclarationError(f"{of} cannot be called {name!r}: names that begin with '__' are GraphQL's own")
    return name
