"""What the functions take and return."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.db import models

Model: TypeAlias = type[models.Model]


# SQL with %s for each parameter and %% for a percent sign, and the parameters
Compiled: TypeAlias = tuple[str, list[Any]]
