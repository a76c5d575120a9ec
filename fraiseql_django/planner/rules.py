"""Rules of types and fields, applied while a plan is made: who may not see is refused, or shown nothing.

Every way of reading goes through here: ``rows`` for the rows of a type, ``may_read`` for the type and ``may_see``
for a field. What a viewer may not see is not sorted or searched by either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q, QuerySet

from ..declare.rules import Rule, condition, once, restrict
from ..errors import DeclarationError, OperationError
from ..schema.arguments import MutationDef
from ..schema.definition import FieldDef, Shape, TypeDef
from ..schema.object_types import ObjectDef
from .conditions import Combined
from .planned_viewer import DecidingViewer, PlannedViewer, ruling
from .source_values import named


@dataclass(slots=True)
class Rules:
    """Applies the rules of one schema for the viewers of one plan; ``secured`` tells models with row security."""

    viewer: PlannedViewer
    secured: Callable[[type[Model]], bool] = lambda model: False
    _conditions: dict[str, Q | bool] = field(default_factory=dict)

    def rows(self, definition: TypeDef, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave of a query of a type's rows those that are there for the viewer."""
        found = self._condition(definition)
        if definition.source is None or isinstance(found, bool):
            return restrict(queryset, found)
        rows: QuerySet[Any] = queryset.alias(**named(definition, found, queryset.db)).filter(found)
        return rows

    def first(self, definition: Shape, asked: Q) -> Q:
        """Let a condition on a type's rows be evaluated for those only that are there for the viewer.

        PostgreSQL evaluates conditions in an order of its own, and one that fails for a hidden row would tell of it;
        CASE keeps to the order (PostgreSQL documentation, 4.2.14). It costs the use of an index.
        """
        rule = self._condition(definition) if isinstance(definition, TypeDef) else True
        if isinstance(rule, bool):
            return asked
        assert isinstance(definition, TypeDef)
        seen = rule if definition.source is not None else once(definition.model, rule)
        return Q(Combined("CASE WHEN {1} THEN {0} ELSE FALSE END", asked, seen))

    def _condition(self, definition: TypeDef) -> Q | bool:
        if definition.rows is None:
            return True
        if definition.name not in self._conditions:
            with ruling():
                self._conditions[definition.name] = condition(definition.rows, self.viewer, definition.name)
        return self._conditions[definition.name]

    def may_read(self, definition: Shape) -> bool:
        """Whether the viewer may read rows of a type; False where a mask takes their place.

        Raises OperationError where they are refused.
        """
        if not isinstance(definition, TypeDef):
            return True
        return self._may(definition.permission, definition.mask, definition.name)

    def may_see(self, definition: Shape | ObjectDef, field: FieldDef) -> bool:
        """Whether the viewer may see a field; False where null takes its place. Raises OperationError where refused."""
        return self._may(field.permission, field.mask, f"{definition.name}.{field.name}")

    def check_root(self, permission: Rule | None, name: str) -> None:
        """Refuse a root field that the viewer may not use."""
        self._may(permission, False, name)

    def check(self, definition: Shape, field: FieldDef) -> None:
        """Refuse to search or sort by what the viewer may not see, masked or not: that would tell what it is."""
        self._may(field.permission, False, f"{definition.name}.{field.name}")

    def check_type(self, definition: Shape) -> None:
        """Refuse to search or sort by rows that the viewer may not read, masked or not."""
        if isinstance(definition, TypeDef):
            self._may(definition.permission, False, definition.name)

    def check_mutation(self, definition: MutationDef, arguments: Iterable[str]) -> None:
        """Refuse a mutation that the viewer may not run, or with arguments that they may not give."""
        self._may(definition.permission, False, definition.name)
        for name in arguments:
            for rule in definition.argument_rules.get(name, ()):
                self._may(rule, False, f"{definition.name}({name}:)")

    def _may(self, rule: Rule | None, mask: bool, what: str) -> bool:
        if rule is None:
            return True
        allowed = rule.allows(DecidingViewer(self.viewer.viewer, self.viewer.asked))
        if not isinstance(allowed, bool):
            raise DeclarationError(f"the permission of {what} returned {allowed!r}, must be True or False")
        if allowed:
            return True
        if mask:
            return False
        raise refusal(what, rule, self.viewer.is_authenticated)


def refusal(what: str, rule: Rule, signed_in: bool) -> OperationError:
    """Return the error that tells a viewer that something is not for them."""
    if signed_in:
        return OperationError(f"You are not allowed to use {what}.", code="FORBIDDEN", what=what, rule=rule.name)
    return OperationError(f"Sign in to use {what}.", code="UNAUTHENTICATED", what=what, rule=rule.name)
