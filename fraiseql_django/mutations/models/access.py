"""Permissions for what an input does beyond its own object, checked before any row is looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from django.db import models

from ...declare.rules import Rule, requires_permission
from ...errors import OperationError
from ...planner.rules import refusal
from ...schema.definition import Column, Embedded, Relation, TypeDef
from ..context import MutationContext
from .fields import Fields, WrittenRelation

Path: TypeAlias = Sequence[str]

# the ways that show whether there is an object with a key
_SEARCHES = frozenset({"connect", "update", "upsert", "replace", "disconnect", "delete", "set"})
# the ways that write no foreign key, and no row of a table between
_IN_PLACE = frozenset({"update", "delete"})
# by way, what Django's permissions call it for rows of a table between that has a model of its own
_BETWEEN: Mapping[str, Collection[str]] = {
    "connect": ["add"],
    "create": ["add"],
    "update": [],
    "upsert": ["add"],
    "disconnect": ["delete"],
    "delete": ["delete"],
    "set": ["add", "delete"],
}


# by way, what Django's permissions call it for the objects themselves
_ACTIONS: Mapping[str, Sequence[str]] = {
    "create": ["add"],
    "update": ["change"],
    "upsert": ["add", "change"],
    "replace": ["add", "change", "delete"],
    "delete": ["delete"],
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

    def check(
        self, fields: Fields, types: Sequence[TypeDef], values: Mapping[str, Any], *, new: bool, path: Path = ()
    ) -> None:
        """Raise OperationError for an input, of a new object or not, that does what the viewer may not do.

        ``types`` are those by which the object may be written.
        """
        self.check_fields(types, {name: key for name, key in fields.keys.items() if name in values}, path)
        for name, relation in fields.relations.items():
            if name in values:
                self._check(relation, _ways(relation, values[name], new), (*path, relation.key))

    def check_fields(self, types: Sequence[TypeDef], given: Mapping[str, str], path: Path = ()) -> None:
        """Raise OperationError unless the viewer may write an object, and each of its fields, by one of the types.

        ``given`` are the names of the fields in the input, by the names of the model's fields. What is no field of any
        type is for everybody who may write the object.
        """
        allowed = [type_ for type_ in types if self._denied(type_.own_permission) is None]
        if types and not allowed:
            first = types[0].own_permission
            assert first is not None
            self._refuse(first, path)
        for name, key in given.items():
            rules = [rules for type_ in allowed if (rules := _rules_of(type_, name)) is not None]
            denied = [next(filter(None, map(self._denied, of_type)), None) for of_type in rules]
            refused = [rule for rule in denied if rule is not None]
            if refused and len(refused) == len(rules):
                self._refuse(refused[0], (*path, key))

    def _denied(self, rule: Rule | None) -> Rule | None:
        """Return a permission that the viewer does not have."""
        return None if rule is None or rule.allows(self.context.viewer) is True else rule

    def _check(self, relation: WrittenRelation, ways: Mapping[str, Any], path: Path) -> None:
        if any(way in _SEARCHES and wanted is not True for way, wanted in ways.items()):
            check_readable(self.context, relation.model)
        if ways and relation.foreign is not None:
            # a column of theirs
            written = {} if _IN_PLACE.issuperset(ways) else {relation.foreign.name: path[-1]}
            self.check_fields(self.context.types_over(relation.model), written, path[:-1])
        elif "delete" in ways:
            self.check_fields(self.context.types_over(relation.model), {}, path)
        if not _IN_PLACE.issuperset(ways) and (between := _model_between(relation)) is not None:
            self.check_fields(self.context.types_over(between), {}, path)
        if self.by_model:
            for way, wanted in ways.items():
                for model, action in _actions(relation, way, wanted):
                    self._check_model(model, action, path if relation.ways is None else (*path, way))
        types = self.context.types_over(relation.model)
        if "update" in ways and relation.version is not None:
            named = {relation.version: self.context.conventions.name(relation.version)}
            self.check_fields(types, named, (*path, "update"))
        for way, fields in relation.written.items():
            if way in ways:
                for item in ways[way] if relation.many else [ways[way]]:
                    self.check(fields, types, item, new=way == "create", path=(*path, way))

    def _check_model(self, model: type[models.Model], action: str, path: Path) -> None:
        rule = requires_permission(f"{model._meta.app_label}.{action}_{model._meta.model_name}")
        if rule.allows(self.context.viewer) is not True:
            self._refuse(rule, path)

    def _refuse(self, rule: Rule, path: Path) -> NoReturn:
        what = f"{self.context.info.field_name}({'.'.join(path)}:)"
        raise refusal(what, rule, self.context.viewer.is_authenticated)


def _rules_of(type_: TypeDef, name: str) -> list[Rule | None] | None:
    """Return the permissions of a type's fields that show the model's field ``name``; None where there are none.

    They show its column, or the rows that it leads to.
    """
    columns = {
        column for field in type_.model._meta.concrete_fields if field.name == name for column in (name, field.attname)
    }
    found = [
        field.permission
        for field in type_.fields.values()
        if (isinstance(field, Relation) and field.path == name)
        or (isinstance(field, (Column, Embedded)) and field.column in columns)
    ]
    return found or None


def _ways(relation: WrittenRelation, value: Any, new: bool) -> dict[str, Any]:
    """Return the ways that an input takes, and the value of each."""
    if value is None:
        return {"disconnect": True}
    if relation.ways is None:
        return {"set" if relation.many and not new else "connect": value}
    return {way: wanted for way, wanted in value.items() if wanted is not None and wanted is not False}


def _actions(relation: WrittenRelation, way: str, wanted: Any) -> Iterator[tuple[type[models.Model], str]]:
    """Yield the models whose rows a way writes, and what Django's permissions call that."""
    if way in _ACTIONS:
        yield from ((relation.model, action) for action in _actions_of_objects(relation, way, wanted))
    elif relation.foreign is not None:
        # the foreign key is a column of theirs
        yield relation.model, "change"
    if (between := _model_between(relation)) is not None:
        yield from ((between, action) for action in _BETWEEN[way])


def _actions_of_objects(relation: WrittenRelation, way: str, wanted: Any) -> Iterator[str]:
    """Yield what a way does with the objects; those that are found by their keys are changed, others created."""
    if relation.many and not relation.unique and way in ("upsert", "replace"):
        keyed = {all(item.get(part.name) is not None for part in relation.parts) for item in wanted}
        yield from (action for action, there in (("add", False), ("change", True)) if there in keyed)
        yield from _ACTIONS[way][2:]
    else:
        yield from _ACTIONS[way]


def _model_between(relation: WrittenRelation) -> type[models.Model] | None:
    """Return the model that a project has declared for the table between two; None where there is none."""
    field: Any = relation.relation
    if not field.many_to_many:
        return None
    between: Any = (field.remote_field if isinstance(field, models.ManyToManyField) else field).through
    return None if between._meta.auto_created else between
