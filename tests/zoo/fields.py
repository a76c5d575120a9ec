"""Field classes as other packages have them."""

from typing import Any

from django.db import models


class BitField(models.IntegerField):
    """Flags in a whole number, as a package would extend Django's class."""


class CodeField(models.CharField):
    """Text that is kept in capitals, so a value must be prepared before it is compared."""

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return prepared.upper() if isinstance(prepared, str) else prepared


class CaselessField(models.TextField):
    """Text in a column type of its own."""

    def db_type(self, connection: Any) -> str:
        return "name"


class PointField(models.Field):
    """A field class that extends none of Django's own."""

    def db_type(self, connection: Any) -> str:
        return "point"


class TextPointField(models.Field):
    """Another; the tests say in SCALARS that it is text."""

    def db_type(self, connection: Any) -> str:
        return "text"
