"""The settings that a schema is built with, passed to everything that describes or runs a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..conf.settings import Settings
from ..declare.names import camel_case
from .scalars.postgres import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """How one engine names, types and protects what is declared: by its own settings, not by those of the process.

    ``scalars`` are the field classes that ``SCALARS`` names, by the field class that each is treated as, and those of
    declared scalars, by these; ``python_scalars`` are the declared scalars by annotation.
    """

    settings: Settings = field(default_factory=Settings)
    scalars: Mapping[type, type | Scalar] = field(default_factory=dict)
    python_scalars: Mapping[Any, Scalar] = field(default_factory=dict)

    def name(self, python_name: str) -> str:
        """Return the GraphQL name of a field, an argument or a mutation that has this name in Python."""
        return camel_case(python_name) if self.settings.camel_case else python_name
