"""The settings that a schema is built with, passed to everything that describes or runs a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..declare.names import camel_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How one engine names, types and protects what is declared.

    ``counts``              whether every list of rows has a count beside it
    ``camel_case``          whether ``first_name`` becomes ``firstName``
    ``database``            the alias in DATABASES that operations use
    ``default_permission``  who may use what has no permission of its own: "open", "authenticated" or "model"
    ``scalars``             field classes of other packages, by the field class that each is treated as
    """

    counts: bool = True
    camel_case: bool = True
    database: str = "default"
    default_permission: str = "open"
    scalars: Mapping[type, type] = field(default_factory=dict)

    def name(self, python_name: str) -> str:
        """Return the GraphQL name of a field, an argument or a mutation that has this name in Python."""
        return camel_case(python_name) if self.camel_case else python_name
