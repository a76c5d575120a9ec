"""Field classes of models for types of extensions that Django has none for: ltree and vector (pgvector)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from ._compat import PLACEHOLDER_SQL


class LTreeField(models.TextField):  # type: ignore[type-arg]
    """A path of labels in a tree: ``top.science.astronomy``. The extension ltree must be in the database."""

    def db_type(self, connection: Any) -> str:
        return "ltree"

    def cast_db_type(self, connection: Any) -> str:
        return "ltree"


class VectorField(models.Field):  # type: ignore[type-arg]
    """A vector of numbers, such as an embedding: a list in Python. The extension vector must be in the database.

    ``dimensions`` is how many numbers each has; None lets them differ.
    """

    description = "Vector"
    empty_strings_allowed = False

    def __init__(self, *args: Any, dimensions: int | None = None, **kwargs: Any) -> None:
        self.dimensions = dimensions
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.dimensions is not None:
            kwargs["dimensions"] = self.dimensions
        return name, path, args, kwargs

    def db_type(self, connection: Any) -> str:
        return "vector" if self.dimensions is None else f"vector({self.dimensions})"

    def to_python(self, value: Any) -> list[float] | None:
        """Return the list of numbers; PostgreSQL and forms have it as text, ``[1,2,3]``."""
        if isinstance(value, str):
            return [float(item) for item in value.strip("[]").split(",") if item]
        return None if value is None else list(map(float, value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[float] | None:
        """Return the list of numbers that the database driver has as text."""
        return self.to_python(value)

    def get_prep_value(self, value: Sequence[float] | None) -> str | None:
        """Return the text that PostgreSQL reads."""
        found = self.to_python(value)
        return None if found is None else "[" + ",".join(map(repr, found)) + "]"

    # PostgreSQL would take the parameter for text
    if PLACEHOLDER_SQL:

        def get_placeholder_sql(self, value: Any, compiler: Any, connection: Any) -> tuple[str, Sequence[Any]]:
            """Return the cast of a value to SQL, and its parameters."""
            if hasattr(value, "as_sql"):
                sql, params = compiler.compile(value)
                return f"{sql}::vector", params
            return "%s::vector", (value,)

    else:

        def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
            """Return the cast of a parameter."""
            return "%s::vector"
