"""The rows that a mutation has written: recorded as it runs, and checked at its end.

The viewer must see them afterwards, whatever the client selects of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from ...declare.rules import RowRule
from ...errors import OperationError
from ..context import MutationContext


class WrittenRows:
    """The rows that one mutation has written, by model.

    ``type_name`` is the type that the mutation is over: its own rows need fulfil the rule of that type only, all other
    rows those of all types over their models.
    """

    def __init__(self, context: MutationContext, type_name: str) -> None:
        self.context = context
        self.type_name = type_name
        self._keys: dict[type[models.Model], set[Any]] = {}
        self._own: set[tuple[type[models.Model], Any]] = set()

    def record(self, rows: Iterable[models.Model]) -> None:
        """Record rows that were created or changed."""
        for row in rows:
            self._keys.setdefault(type(row), set()).add(row.pk)

    def own(self, row: models.Model) -> None:
        """Record that a row, if it is written, is one of the mutation's own: of the type that it is over."""
        self._own.add((type(row), row.pk))

    def check(self) -> None:
        """Raise OperationError where the viewer does not see a row; tables of models without rules are not queried."""
        for model, keys in self._keys.items():
            rules = self.context.rules(model)
            own_rules = [(name, rule) for name, rule in rules if name == self.type_name]
            own = set() if own_rules == list(rules) else {key for key in keys if (model, key) in self._own}
            self._check(model, own_rules, own)
            self._check(model, rules, keys - own)

    def _check(self, model: type[models.Model], rules: Sequence[tuple[str, RowRule]], keys: set[Any]) -> None:
        if not rules or not keys:
            return
        shown = set(self.context.passing(model, rules).filter(pk__in=keys).values_list("pk", flat=True))
        hidden = keys - shown
        # the project's own code may have deleted some in the meantime
        if hidden and model._base_manager.using(self.context.database).filter(pk__in=hidden).exists():
            name = rules[0][0]
            raise OperationError(f"This {name} is not there for you.", code="FORBIDDEN", what=name)
