"""Permissions and row rules, asked while a tree is built: viewers who may not see something are refused, or see null.

Every way of reading asks here: ``row_rule`` for the rows of a type, ``may_read`` for the type and ``may_see`` for a
field. What a viewer may not see cannot be sorted or searched by either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q
from graphql import FieldNode

from ..declare.lazy_code import decides_nothing
from ..declare.rules import Rule, condition
from ..errors import DeclarationError, OperationError
from ..schema.arguments import CallDef
from ..schema.definition import Shape, TypeDef
from .answer_policy import Policies
from .planned_viewer import DecidingViewer, PlannedViewer, ruling
from .questions import Permitted, Raised, RuledRows


@dataclass(slots=True)
class Rules:
    """Applies the rules of one schema for the viewers of one plan; ``secured`` tells models with row security.

    ``roots`` are the types whose fields are named by themselves in errors: Query and Mutation. ``policies`` gathers how
    answers may be kept that have what is asked for here.
    """

    viewer: PlannedViewer
    alias: str
    secured: Callable[[type[Model]], bool] = lambda model: False
    roots: tuple[Any, ...] = ()
    policies: Policies = field(default_factory=Policies)
    _conditions: dict[str, Q | bool] = field(default_factory=dict)

    def row_rule(self, definition: TypeDef) -> Q | bool:
        """Return the condition on the rows of a type that the viewer can see: True for all, False for none."""
        self.policies.type(definition)
        if definition.rows is None:
            return True
        if definition.name not in self._conditions:
            with ruling():
                found = condition(definition.rows, self.viewer, definition.name)
            self._conditions[definition.name] = found
            if not decides_nothing(definition.rows):
                question = RuledRows(definition.name, self.alias, definition)
                self.viewer.asked[question] = question.of(found)
        return self._conditions[definition.name]

    def may_join(self, definition: TypeDef) -> bool:
        """Whether a join may read the row that a to-one relation leads to: not past a row rule.

        Nor where a policy of row security may hide the row: the row that has the relation is not hidden with it. Nor
        where rows of the table may be of another type.
        """
        own = definition.rows is None and definition.when is None and not definition.branches
        return own and not self.secured(definition.model)

    def may_read(self, definition: Shape) -> bool:
        """Whether the viewer may read rows of a type; False where it is masked.

        Raises OperationError where they are refused.
        """
        self.policies.type(definition)
        return self._may(definition.permission, definition.mask, definition.name)

    def shows(self, definition: Shape) -> bool:
        """Whether the viewer may read rows of a type; False where they are refused as well as where it is masked.

        Objects of abstract types are left out where they are of types that the viewer may not read.
        """
        self.policies.type(definition)
        return self._allows(definition.permission, definition.name)

    def may_see(self, owner: Any, field: Any) -> bool:
        """Whether the viewer may see a field; False where it is masked.

        Raises OperationError where they are refused.
        """
        self.policies.field(field)
        return field.permission is None or self._may(field.permission, field.mask, self._name(owner, field))

    def check(self, owner: Any, field: Any) -> None:
        """Refuse to search or sort by what the viewer may not see, masked or not: that would tell its value."""
        self.policies.field(field)
        self._may(field.permission, False, self._name(owner, field))

    def check_type(self, definition: Shape) -> None:
        """Refuse to search or sort by rows that the viewer may not read, masked or not."""
        self.policies.type(definition)
        self._may(definition.permission, False, definition.name)

    def check_written(self, definition: Shape) -> None:
        """Refuse to write rows of a type by the permission that was declared for it, masked or not."""
        self._may(definition.own_permission, False, definition.name)

    def check_arguments(self, definition: CallDef, arguments: Iterable[str]) -> None:
        """Refuse arguments that the viewer may not give."""
        self._check_arguments(definition.name, definition.argument_rules, arguments)

    def check_given(self, owner: Any, field: Any, rules: Mapping[str, Sequence[Rule]], node: FieldNode) -> None:
        """Refuse arguments of a field of a type that the viewer may not give; ``rules`` are by GraphQL name."""
        if any(rules.values()):
            given = [argument.name.value for argument in node.arguments or ()]
            self._check_arguments(self._name(owner, field), rules, given)

    def _check_arguments(self, what: str, rules: Mapping[str, Sequence[Rule]], arguments: Iterable[str]) -> None:
        for name in arguments:
            for rule in rules.get(name, ()):
                self._may(rule, False, f"{what}({name}:)")

    def _name(self, owner: Any, field: Any) -> str:
        return str(field.name) if owner in self.roots else f"{owner.name}.{field.name}"

    def _may(self, rule: Rule | None, mask: bool, what: str) -> bool:
        if self._allows(rule, what):
            return True
        if mask:
            return False
        assert rule is not None
        raise refusal(what, rule, self.viewer.is_authenticated)

    def _allows(self, rule: Rule | None, what: str) -> bool:
        if rule is None:
            return True
        self.policies.of_viewer = True
        allowed = rule.allows(DecidingViewer(self.viewer.viewer, self.viewer.scalars, self.viewer.asked))
        if not isinstance(allowed, bool):
            raise DeclarationError(f"the permission of {what} returned {allowed!r}, must be True or False")
        if not rule.of_viewer:
            question = Permitted(rule)
            self.viewer.asked[question] = allowed if self.viewer.asked.get(question, allowed) == allowed else Raised()
        return allowed


def refusal(what: str, rule: Rule, signed_in: bool) -> OperationError:
    """Return the error for a viewer who may not use something."""
    if signed_in:
        return OperationError(f"You are not allowed to use {what}.", code="FORBIDDEN", what=what, rule=rule.name)
    return OperationError(f"Sign in to use {what}.", code="UNAUTHENTICATED", what=what, rule=rule.name)
