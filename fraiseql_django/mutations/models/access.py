"""Permissions for what an input does beyond its own object, checked before any row is looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from ...declare.rules import requires_permission
from ...errors import OperationError
from ...planner.rules import refusal
from ..context import MutationContext
from .fields import Fields, WrittenRelation

# the ways that show whether there is an object with a key
_SEARCHES = frozenset({"connect", "disconnect", "set"})
# by way, what Django's permissions call it for rows of a table between that has a model of its own
_BETWEEN: Mapping[str, Collection[str]] = {
    "connect": ["add"],
    "create": ["add"],
    "disconnect": ["delete"],
    "set": ["add", "delete"],
}


def check_readable(context: MutationContext, model: type[models.Model]) -> None:
    """Raise OperationError, as a root field would, where the viewer may read no type over a model."""
    first: OperationError | None = None
    for type_ in context.types_over(model):
        if type_.permission is None or type_.permission.allows(context.viewer) is True:
            return
        first = first or refusal(type_.name, type_.permission, context.viewer.is_authenticated)
    if first is not None:
        raise first


@dataclass(frozen=True, slots=True)
class Access:
    """Checks the viewer's permissions; with ``by_model`` Django's permissions for nested writes as well."""

    context: MutationContext
    by_model: bool

    def check(self, fields: Fields, values: Mapping[str, Any], *, new: bool, path: Sequence[str] = ()) -> None:
        """Raise OperationError for an input, of a new object or not, that does what the viewer may not do."""
        for name, relation in fields.relations.items():
            if name in values:
                self._check(relation, _ways(relation, values[name], new), (*path, relation.key))

    def _check(self, relation: WrittenRelation, ways: Mapping[str, Any], path: Sequence[str]) -> None:
        if any(way in _SEARCHES and wanted is not True for way, wanted in ways.items()):
            check_readable(self.context, relation.model)
        if self.by_model:
            for way in ways:
                for model, action in _actions(relation, way):
                    self._check_model(model, action, path if relation.ways is None else (*path, way))
        if relation.create is not None and "create" in ways:
            created = ways["create"]
            for item in created if relation.many else [created]:
                self.check(relation.create, item, new=True, path=(*path, "create"))

    def _check_model(self, model: type[models.Model], action: str, path: Sequence[str]) -> None:
        rule = requires_permission(f"{model._meta.app_label}.{action}_{model._meta.model_name}")
        if rule.allows(self.context.viewer) is not True:
            what = f"{self.context.info.field_name}({'.'.join(path)}:)"
            raise refusal(what, rule, self.context.viewer.is_authenticated)


def _ways(relation: WrittenRelation, value: Any, new: bool) -> dict[str, Any]:
    """Return the ways that an input takes, and the value of each."""
    if value is None:
        return {"disconnect": True}
    if relation.ways is None:
        return {"set" if relation.many and not new else "connect": value}
    return {way: wanted for way, wanted in value.items() if wanted is not None and wanted is not False}


def _actions(relation: WrittenRelation, way: str) -> Iterator[tuple[type[models.Model], str]]:
    """Yield the models whose rows a way writes, and what Django's permissions call that."""
    if way == "create":
        yield relation.model, "add"
    elif relation.foreign is not None:
        # the foreign key is a column of theirs
        yield relation.model, "change"
    field: Any = relation.relation
    if field.many_to_many:
        between: Any = (field.remote_field if isinstance(field, models.ManyToManyField) else field).through
        if not between._meta.auto_created:
            yield from ((between, action) for action in _BETWEEN[way])
