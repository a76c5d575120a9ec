"""Relations written by their input: connect, create, disconnect, set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.utils.translation import gettext_lazy as _

from ...declare.model_mutations import WAYS
from ..context import MutationContext
from .fields import Fields, WrittenRelation
from .rows import lock, same_keys
from .validation import Path
from .visibility import WrittenRows

# removals first: what takes their place may be unique
_ORDER = ("set", "disconnect", "connect", "create")


class Writes(Protocol):
    """What writes the objects that a relation leads to: an ObjectWriter."""

    context: MutationContext
    errors: list[Any]
    path: Path
    keys: Mapping[str, str]

    def refuse(self, error: ValidationError, path: Path, code: int = 422) -> None:
        """Record an error at a path."""
        ...

    @property
    def written(self) -> WrittenRows:
        """The rows that were written."""
        ...

    def create(
        self, fields: Fields, values: Mapping[str, Any], path: Path, preset: Mapping[str, Any] = ...
    ) -> models.Model:
        """Create an object."""
        ...

    def write(
        self, instance: models.Model, fields: Fields, values: Mapping[str, Any], path: Path, preset: Mapping[str, Any]
    ) -> models.Model:
        """Change an object."""
        ...


def not_found(model: type[models.Model], key: Any) -> ValidationError:
    """Return the error for an object that does not exist, with Django's message for a foreign key without its row."""
    meta: Any = model._meta
    params = {"model": meta.verbose_name, "pk": key, "field": meta.pk.name, "value": key}
    return ValidationError(models.ForeignKey.default_error_messages["invalid"], code="not_found", params=params)


def _null() -> ValidationError:
    return ValidationError(models.Field.default_error_messages["null"], code="null")


def write_one(writer: Writes, instance: models.Model, relation: WrittenRelation, value: Any, path: Path) -> bool:
    """Set the foreign key of a relation to one object; return whether it could be set."""
    chosen = _chosen(writer, relation, value, path)
    if chosen is None:
        return False
    way, wanted, path = chosen
    other: models.Model | None = None
    if way == "connect":
        found = _find(writer, relation, [wanted], [path])
        if not found:
            return False
        other = found[0]
    elif way == "create" and relation.create is not None:
        other = writer.create(relation.create, wanted, path)
        if other._state.adding:
            return False
    setattr(instance, relation.name, other)
    return True


def _chosen(writer: Writes, relation: WrittenRelation, value: Any, path: Path) -> tuple[str, Any, Path] | None:
    """Return the one way that the input of a relation to one object takes, its value, and the path of that."""
    if value is None:
        if relation.nullable and (relation.ways is None or "disconnect" in relation.ways):
            return "disconnect", True, path
        writer.refuse(_null(), path)
        return None
    if relation.ways is None:
        return "connect", value, path
    ways = [(way, wanted) for way, wanted in value.items() if wanted is not None and wanted is not False]
    if len(ways) == 1:
        way, wanted = ways[0]
        return way, wanted, (*path, way)
    allowed = ", ".join(way for way in WAYS if way in relation.ways)
    message = (
        _("Give exactly one of: %(allowed)s.") if writer.context.may_introspect() else _("Give exactly one field.")
    )
    writer.refuse(ValidationError(message, code="invalid", params={"allowed": allowed}), path)
    return None


def _find(writer: Writes, relation: WrittenRelation, keys: Sequence[Any], paths: Sequence[Path]) -> list[models.Model]:
    """Return the objects with these keys that the viewer sees; record an error for each of the others.

    Objects whose foreign key is about to change are locked.
    """
    parsed = [relation.target.parse(key) for key in keys]
    wanted = [key for key in dict.fromkeys(parsed) if key is not None]
    known: dict[Any, models.Model] = {}
    if relation.foreign is not None:
        rows = lock(relation.model, writer.context, [relation.target.column], [(key,) for key in wanted])
        known = {key: row for (key,), row in rows.items()}
    elif wanted:
        field: Any = relation.relation
        shown = writer.context.visible(relation.model).filter(pk__in=wanted)
        limit = {} if isinstance(field, ForeignObjectRel) else field.get_limit_choices_to()
        known = {row.pk: row for row in shown.complex_filter(limit)}
    parsed = _as_found(writer, relation, parsed, known)
    wanted = [key for key in dict.fromkeys(parsed) if key is not None]
    for key, value, path in zip(keys, parsed, paths, strict=True):
        if value not in known:
            writer.refuse(not_found(relation.model, key), path, 404)
    return [known[key] for key in wanted if key in known]


def _as_found(writer: Writes, relation: WrittenRelation, keys: Sequence[Any], found: Mapping[Any, Any]) -> list[Any]:
    """Return keys as the found rows have them."""
    asked = [None if key is None else (key,) for key in keys]
    same = same_keys(relation.model, writer.context, [relation.target.column], asked, [(key,) for key in found])
    return [key if key is None else same.get((key,), (key,))[0] for key in keys]


def write_list(
    writer: Writes, instance: models.Model, relation: WrittenRelation, value: Any, path: Path, *, created: bool
) -> None:
    """Write a relation whose foreign key is no column of the object, which is saved unless it has errors."""
    if not relation.many:
        _write_reverse_one(writer, instance, relation, value, path)
        return
    if value is None:
        writer.refuse(_null(), path)
        return
    if relation.ways is None:
        _STEPS["connect" if created else "set"](writer, instance, relation, value, path)
        return
    for way in _ORDER:
        if way in value and value[way] is None:
            writer.refuse(_null(), (*path, way))
        elif way in value:
            _STEPS[way](writer, instance, relation, value[way], (*path, way))


def _write_reverse_one(
    writer: Writes, instance: models.Model, relation: WrittenRelation, value: Any, path: Path
) -> None:
    chosen = _chosen(writer, relation, value, path)
    if chosen is None:
        return
    way, wanted, path = chosen
    if way == "create":
        _create(writer, instance, relation, [wanted], [path])
    elif way == "connect":
        _attach(writer, relation, _find(writer, relation, [wanted], [path]), instance, path)
    else:
        _attach(writer, relation, _current(writer, instance, relation), None, path)


def _connect(
    writer: Writes, instance: models.Model, relation: WrittenRelation, keys: Sequence[Any], path: Path
) -> None:
    found = _find(writer, relation, keys, [(*path, index) for index in range(len(keys))])
    if relation.foreign is not None:
        _attach(writer, relation, found, instance, path)
    elif _may_write(writer, path):
        _add(writer, instance, relation, found)


def _disconnect(
    writer: Writes, instance: models.Model, relation: WrittenRelation, keys: Sequence[Any], path: Path
) -> None:
    known = {row.pk: row for row in _current(writer, instance, relation)}
    parsed = [relation.target.parse(key) for key in keys]
    parsed = _as_found(writer, relation, parsed, known)
    for index, (key, value) in enumerate(zip(keys, parsed, strict=True)):
        if value not in known:
            writer.refuse(not_found(relation.model, key), (*path, index), 404)
    found = [known[value] for value in dict.fromkeys(parsed) if value in known]
    if relation.foreign is not None:
        _attach(writer, relation, found, None, path)
    elif _may_write(writer, path):
        _remove(writer, instance, relation, found)


def _set(writer: Writes, instance: models.Model, relation: WrittenRelation, keys: Sequence[Any], path: Path) -> None:
    """Let the relation consist of these objects, and of the hidden ones that it consists of now."""
    found = _find(writer, relation, keys, [(*path, index) for index in range(len(keys))])
    if relation.foreign is None and not _may_write(writer, path):
        return
    current = _current(writer, instance, relation)
    kept, there = {row.pk for row in found}, {row.pk for row in current}
    gone = [row for row in current if row.pk not in kept]
    new = [row for row in found if row.pk not in there]
    if relation.foreign is not None:
        _attach(writer, relation, gone, None, path)
        _attach(writer, relation, new, instance, path)
    else:
        _remove(writer, instance, relation, gone)
        _add(writer, instance, relation, new)


def _create_all(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Any], path: Path
) -> None:
    _create(writer, instance, relation, items, [(*path, index) for index in range(len(items))])


_STEPS: Mapping[str, Callable[[Writes, models.Model, WrittenRelation, Sequence[Any], Path], None]] = {
    "set": _set,
    "disconnect": _disconnect,
    "connect": _connect,
    "create": _create_all,
}


def _create(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Any], paths: Sequence[Path]
) -> None:
    assert relation.create is not None
    preset = {relation.foreign.name: instance} if relation.foreign else {}
    made = [writer.create(relation.create, item, path, preset) for item, path in zip(items, paths, strict=True)]
    if relation.foreign is None and _may_write(writer, paths[0][:-1] if paths else ()):
        _add(writer, instance, relation, made)


def _add(writer: Writes, instance: models.Model, relation: WrittenRelation, rows: Sequence[models.Model]) -> None:
    """Add objects to a many-to-many relation; rows of a table between that is a model with rules are recorded."""
    manager = getattr(instance, relation.name)
    between: QuerySet[Any] = manager.through._base_manager.using(writer.context.database)
    ruled = bool(writer.context.rules(manager.through))
    here, there = manager.source_field_name, manager.target_field_name
    pairs = Q(**{here: instance, f"{there}__in": rows})
    if getattr(manager, "symmetrical", False):
        pairs |= Q(**{there: instance, f"{here}__in": rows})
    before = set(between.filter(pairs)) if ruled else set()
    manager.add(*rows)
    if ruled:
        writer.written.record(set(between.filter(pairs)) - before)
    writer.written.record(rows)


def _remove(writer: Writes, instance: models.Model, relation: WrittenRelation, rows: Sequence[models.Model]) -> None:
    getattr(instance, relation.name).remove(*rows)
    writer.written.record(rows)


def _attach(
    writer: Writes, relation: WrittenRelation, rows: Sequence[models.Model], instance: models.Model | None, path: Path
) -> None:
    """Set the foreign key of rows to an object, or to null."""
    assert relation.foreign is not None
    nothing = Fields(model=relation.model, columns={}, relations={})
    for row in rows:
        writer.write(row, nothing, {}, path, {relation.foreign.name: instance})


def _current(writer: Writes, instance: models.Model, relation: WrittenRelation) -> list[models.Model]:
    """Return the objects that the relation consists of now and that the viewer sees, locked where they may change."""
    if instance._state.adding:
        return []
    shown = writer.context.visible(relation.model)
    if relation.foreign is None:
        return list(shown.filter(pk__in=getattr(instance, relation.name).values("pk")))
    keys = shown.filter(**{relation.foreign.name: instance}).values_list("pk", flat=True)
    return list(lock(relation.model, writer.context, [relation.target.column], [(key,) for key in keys]).values())


def _may_write(writer: Writes, path: Path) -> bool:
    writer.path, writer.keys = path, {}
    return not writer.errors
