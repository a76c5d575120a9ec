"""What an input does beside its own object, and whether the viewer may: asked before anything is looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from ...declare.rules import requires_permission
from ...errors import OperationError
from ...planner.rules import refusal
from ..context import Info
from .fields import Fields, Link, given

# the ways that tell whether there is an object with a key
_SEARCHES = frozenset({"connect", "disconnect", "set"})
# by way, what is done to rows of a table between that has a model of its own
_BETWEEN: Mapping[str, Collection[str]] = {
    "connect": ["add"],
    "create": ["add"],
    "disconnect": ["delete"],
    "set": ["add", "delete"],
}


def check_readable(info: Info, model: type[models.Model]) -> None:
    """Refuse to look for rows of a model, none of whose types the viewer may read.

    Raises OperationError, as a root field would.
    """
    refused: OperationError | None = None
    for type_ in info.types_over(model):
        if type_.permission is None or type_.permission.allows(info.viewer) is True:
            return
        refused = refused or refusal(type_.name, type_.permission, info.viewer.is_authenticated)
    if refused is not None:
        raise refused


@dataclass(frozen=True, slots=True)
class Access:
    """Asks what the viewer may; with ``by_model`` for Django's permissions to do what is nested as well."""

    info: Info
    by_model: bool

    def check(self, fields: Fields, written: Mapping[str, Any], *, new: bool, path: Sequence[str] = ()) -> None:
        """Raise OperationError for an input, of a new object or not, that does what the viewer may not."""
        for name, link in fields.links.items():
            if name in written:
                self._check(link, _ways(link, written[name], new), (*path, link.key))

    def _check(self, link: Link, ways: Mapping[str, Any], path: Sequence[str]) -> None:
        if any(way in _SEARCHES and wanted is not True for way, wanted in ways.items()):
            check_readable(self.info, link.model)
        if self.by_model:
            for way in ways:
                for model, action in _done(link, way):
                    self._check_model(model, action, path if link.ways is None else (*path, way))
        if link.create is not None and "create" in ways:
            created = ways["create"]
            for item in created if link.many else [created]:
                self.check(link.create, given(item), new=True, path=(*path, "create"))

    def _check_model(self, model: type[models.Model], action: str, path: Sequence[str]) -> None:
        rule = requires_permission(f"{model._meta.app_label}.{action}_{model._meta.model_name}")
        if rule.allows(self.info.viewer) is not True:
            what = f"{self.info.field_name}({'.'.join(path)}:)"
            raise refusal(what, rule, self.info.viewer.is_authenticated)


def _ways(link: Link, value: Any, new: bool) -> dict[str, Any]:
    """Return the ways that an input takes, with what it gives for each."""
    if value is None:
        return {"disconnect": True}
    if link.ways is None:
        return {"set" if link.many and not new else "connect": value}
    return {way: wanted for way, wanted in given(value).items() if wanted is not None and wanted is not False}


def _done(link: Link, way: str) -> Iterator[tuple[type[models.Model], str]]:
    """Yield what a way does to rows of other models, as Django's permissions call it."""
    if way == "create":
        yield link.model, "add"
    elif link.foreign is not None:
        # their column is what changes
        yield link.model, "change"
    relation: Any = link.relation
    if relation.many_to_many:
        between: Any = (relation.remote_field if isinstance(relation, models.ManyToManyField) else relation).through
        if not between._meta.auto_created:
            yield from ((between, action) for action in _BETWEEN[way])
