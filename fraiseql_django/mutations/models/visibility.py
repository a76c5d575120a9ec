"""Rows that a mutation has written: noted as it goes, and asked for before it is done.

What is written must be there for the viewer afterwards, whatever the client selects of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from ...declare.rules import RowRule
from ...errors import OperationError
from ..context import Info, passing


class Written:
    """The rows that one mutation has written, by model.

    ``type_name`` is the type that the mutation is about: its rule alone is asked of the mutation's own rows, and
    those of all types over a model of the others.
    """

    def __init__(self, info: Info, type_name: str) -> None:
        self.info = info
        self.type_name = type_name
        self._keys: dict[type[models.Model], set[Any]] = {}
        self._own: set[tuple[type[models.Model], Any]] = set()

    def note(self, rows: Iterable[models.Model]) -> None:
        """Note rows that were created or changed."""
        for row in rows:
            self._keys.setdefault(type(row), set()).add(row.pk)

    def own(self, row: models.Model) -> None:
        """Note that a row, if it is written, is one that the mutation is about."""
        self._own.add((type(row), row.pk))

    def check(self) -> None:
        """Raise OperationError where a row is not there for the viewer; a model without rules is not asked for."""
        for model, keys in self._keys.items():
            rules = self.info.rules(model)
            own_rules = [(name, rule) for name, rule in rules if name == self.type_name]
            own = set() if own_rules == list(rules) else {key for key in keys if (model, key) in self._own}
            self._ask(model, own_rules, own)
            self._ask(model, rules, keys - own)

    def _ask(self, model: type[models.Model], rules: Sequence[tuple[str, RowRule]], keys: set[Any]) -> None:
        if not rules or not keys:
            return
        shown = set(passing(model, rules, self.info).filter(pk__in=keys).values_list("pk", flat=True))
        hidden = keys - shown
        # what the project's own code has deleted in the meantime is nobody's
        if hidden and model._base_manager.using(self.info.database).filter(pk__in=hidden).exists():
            name = rules[0][0]
            raise OperationError(f"This {name} is not there for you.", code="FORBIDDEN", what=name)
