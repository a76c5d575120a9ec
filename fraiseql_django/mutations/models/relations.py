"""Relations written by their input: connect, create, update, upsert, replace, disconnect, delete, set.

Objects that are changed or deleted are those of this relation: one of another object's is not found, as if it did not
exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from ...declare.model_mutations import WAYS
from ...declare.registry import UNSET
from ..context import MutationContext
from .fields import Fields, WrittenRelation
from .finder import InputItem, RowFinder, bumped, forbidden_row, is_stale, not_found, same_values
from .rows import key_of, lock, lock_where, permitted, primary_key, same_keys
from .validation import Path
from .visibility import WrittenRows

# removals first: what takes their place may be unique
_ORDER = ("set", "disconnect", "delete", "update", "upsert", "replace", "connect", "create")


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

    def holding(self, rows: Iterable[models.Model]) -> AbstractContextManager[None]:
        """Keep rows that are about to be written from what is nested in their inputs."""
        ...

    def create(
        self, fields: Fields, values: Mapping[str, Any], path: Path, preset: Mapping[str, Any] = ...
    ) -> models.Model:
        """Create an object."""
        ...

    def write(
        self, instance: models.Model, fields: Fields, values: Mapping[str, Any], path: Path,
        preset: Mapping[str, Any] = ..., bumped: str | None = ...,
    ) -> models.Model:  # fmt: skip
        """Change an object."""
        ...

    def delete(self, instance: models.Model, path: Path) -> None:
        """Delete an object."""
        ...


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
    elif way in ("update", "upsert") and (current := _current_one(writer, instance, relation)) is not None:
        _change_one(writer, current, relation, way, wanted, path)
        return True
    elif way == "update":
        writer.refuse(_nothing_there(), path, 404)
        return False
    elif way in ("create", "upsert"):
        other = _new(writer, relation, way, wanted, path)
        if other is None:
            return False
    setattr(instance, relation.name, other)
    return True


def _current_one(writer: Writes, instance: models.Model, relation: WrittenRelation) -> models.Model | None:
    """Return the object that the foreign key refers to, locked; None where the viewer sees none."""
    field: Any = relation.relation
    key = getattr(instance, field.attname)
    if key is None:
        return None
    found = lock_where(relation.model, writer.context, [relation.target.column], Q(**{field.target_field.attname: key}))
    return next(iter(found.values()), None)


def _nothing_there() -> ValidationError:
    return ValidationError(_("There is nothing to change."), code="not_found")


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
    current = [] if way in ("create", "connect") else _current(writer, instance, relation)
    if way == "create" or (way == "upsert" and not current):
        _create(writer, instance, relation, way, [wanted], [path])
    elif way == "connect":
        _attach(writer, relation, _find(writer, relation, [wanted], [path]), instance, path)
    elif way == "disconnect":
        _attach(writer, relation, current, None, path)
    elif way == "delete":
        _delete_all(writer, relation, current, [path] * len(current))
    elif current:
        _change_one(writer, current[0], relation, way, wanted, path)
    else:
        writer.refuse(_nothing_there(), path, 404)


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
    """Remove objects from the relation; those that are not in it, or do not exist, are removed already."""
    known = {row.pk: row for row in _current(writer, instance, relation)}
    parsed = [relation.target.parse(key) for key in keys]
    parsed = _as_found(writer, relation, parsed, known)
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
    kept, most = {row.pk for row in found}, writer.context.conventions.settings.limits.objects
    current = _current(writer, instance, relation, None if most is None else most + len(kept) + 1)
    there = {row.pk for row in current}
    gone = [row for row in current if row.pk not in kept]
    if most is not None and len(gone) > most:
        writer.refuse(too_many(most), path)
        return
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
    _create(writer, instance, relation, "create", items, [(*path, index) for index in range(len(items))])


# --- objects of the relation that are changed or deleted ---


def _update(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Any], path: Path
) -> None:
    """Change objects of the relation, found by their keys."""
    found = _members(writer, instance, relation, items, path, relation.version)
    with writer.holding(row for row in found if row is not None):
        for index, (row, values) in enumerate(zip(found, items, strict=True)):
            if row is not None:
                _change(writer, row, relation, "update", values, (*path, index))


def _delete(writer: Writes, instance: models.Model, relation: WrittenRelation, keys: Sequence[Any], path: Path) -> None:
    """Delete objects of the relation, found by their keys."""
    name = relation.parts[0].name
    items = [key if isinstance(key, Mapping) else {name: key} for key in keys]
    found = _members(writer, instance, relation, items, path, only_key=relation.has_one_key)
    rows = {id(row): (row, (*path, index)) for index, row in enumerate(found) if row is not None}
    _delete_all(writer, relation, [row for row, _ in rows.values()], [path for _, path in rows.values()])


def _upsert(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Any], path: Path
) -> None:
    """Change the objects that items stand for, then create those that there are not."""
    _put(
        writer, instance, relation, "upsert", _matching(writer, instance, relation, "upsert", items, path), items, path
    )


def _replace(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Any], path: Path
) -> None:
    """Delete the visible objects that no item stands for, change the others, and create those that there are not."""
    matching = _matching(writer, instance, relation, "replace", items, path)
    most = writer.context.conventions.settings.limits.objects
    current = _current(writer, instance, relation, None if most is None else most + 1)
    if most is not None and len(current) > most:
        writer.refuse(too_many(most), path)
        return
    kept = {row.pk for row in matching if row is not None}
    gone = [row for row in current if row.pk not in kept]
    _delete_all(writer, relation, gone, [path] * len(gone))
    _put(writer, instance, relation, "replace", matching, items, path)


def too_many(most: int) -> ValidationError:
    """Return the error for more rows than may be written at once."""
    message = ngettext_lazy(
        "More than %(most)d row would be written.", "More than %(most)d rows would be written.", "most"
    )
    return ValidationError(message, code="too_many", params={"most": most})


def _matching(
    writer: Writes, instance: models.Model, relation: WrittenRelation, way: str, items: Sequence[Any], path: Path
) -> list[models.Model | None]:
    """Return for each item the object of the relation that it stands for, locked; None for one to be created."""
    if relation.unique:
        rows = [_with_values(writer, instance, relation, way, values) for values in items]
        # two items that stand for one row change one object
        known = {row.pk: row for row in rows if row is not None}
        return [row if row is None else known[row.pk] for row in rows]
    keyed = [index for index, values in enumerate(items) if _has_key(relation, values)]
    paths = [(*path, index) for index in keyed]
    members = _members(writer, instance, relation, [items[index] for index in keyed], path, paths=paths)
    found: list[models.Model | None] = [None] * len(items)
    for index, row in zip(keyed, members, strict=True):
        found[index] = row
    return found


def _has_key(relation: WrittenRelation, values: Mapping[str, Any]) -> bool:
    return not relation.unique and all(values.get(part.name) is not None for part in relation.parts)


def _with_values(
    writer: Writes, instance: models.Model, relation: WrittenRelation, way: str, values: Mapping[str, Any]
) -> models.Model | None:
    wanted = same_values(relation.written[way], relation.unique, values)
    among = _among(writer, instance, relation)
    if relation.foreign is None and "connect" in (relation.ways or ()):
        # what could be connected as well
        among = Q()
    if wanted is None or among is None:
        return None
    found = lock_where(relation.model, writer.context, primary_key(relation.model), wanted & among)
    return next(iter(found.values()), None)


def _put(
    writer: Writes, instance: models.Model, relation: WrittenRelation, way: str,
    matching: Sequence[models.Model | None], items: Sequence[Any], path: Path,
) -> None:  # fmt: skip
    """Change the objects that were found, and create the others."""
    paths = [(*path, index) for index in range(len(items))]
    there = [row for row in matching if row is not None]
    with writer.holding(there):
        for row, values, own in zip(matching, items, paths, strict=True):
            if row is not None:
                _change(writer, row, relation, way, values, own)
    # one that was named by its key and not found has an error
    new = [index for index, row in enumerate(matching) if row is None and not _has_key(relation, items[index])]
    _create(writer, instance, relation, way, [items[index] for index in new], [paths[index] for index in new])
    if there and relation.foreign is None and _may_write(writer, path):
        _add(writer, instance, relation, there)


def _members(
    writer: Writes, instance: models.Model, relation: WrittenRelation, items: Sequence[Mapping[str, Any]], path: Path,
    version: str | None = None, *, only_key: bool = False, paths: Sequence[Path] | None = None,
) -> list[models.Model | None]:  # fmt: skip
    """Lock the objects of the relation that items name by their keys; record an error for each that is not there."""
    finder = RowFinder(model=relation.model, key=relation.parts, type_name="", version=version, only_key=only_key)
    named = [
        InputItem(
            path=(*path, index) if paths is None else paths[index],
            key={part.name: values[part.name] for part in relation.parts},
            version=values.get(str(version), UNSET),
        )
        for index, values in enumerate(items)
    ]
    among = _among(writer, instance, relation)
    return finder.find(writer, named, Q(pk__in=[]) if among is None else among)


def _among(writer: Writes, instance: models.Model, relation: WrittenRelation) -> Q | None:
    """Return the condition of being in the relation; None where nothing is in it, since the object is new."""
    if instance._state.adding:
        return None
    if relation.foreign is not None:
        return Q(**{relation.foreign.name: instance})
    return Q(pk__in=getattr(instance, relation.name).using(writer.context.database).values("pk"))


def _change_one(
    writer: Writes, row: models.Model, relation: WrittenRelation, way: str, values: Mapping[str, Any], path: Path
) -> None:
    """Change the object that a relation to one leads to."""
    if way == "update" and is_stale(writer, row, relation.version, values.get(str(relation.version)), path):
        return
    _change(writer, row, relation, way, values, path)


def _change(
    writer: Writes, row: models.Model, relation: WrittenRelation, way: str, values: Mapping[str, Any], path: Path
) -> None:
    if _is_forbidden(writer, row, relation, path):
        return
    fields = relation.written[way]
    own = {name: value for name, value in values.items() if name in fields.keys}
    writer.write(row, fields, own, path, bumped=bumped(relation.model, relation.version))


def _delete_all(writer: Writes, relation: WrittenRelation, rows: Sequence[models.Model], paths: Sequence[Path]) -> None:
    for row, path in zip(rows, paths, strict=True):
        if not _is_forbidden(writer, row, relation, path) and _may_write(writer, path):
            writer.delete(row, path)


def _is_forbidden(writer: Writes, row: models.Model, relation: WrittenRelation, path: Path) -> bool:
    """Whether the viewer may not change or delete a locked object; then an error is recorded."""
    if relation.rows is None:
        return False
    key = key_of(row, primary_key(relation.model))
    if permitted(relation.model, writer.context, [key], relation.rows, relation.where):
        return False
    writer.refuse(forbidden_row(), path, 403)
    return True


_STEPS: Mapping[str, Callable[[Writes, models.Model, WrittenRelation, Sequence[Any], Path], None]] = {
    "set": _set,
    "disconnect": _disconnect,
    "delete": _delete,
    "update": _update,
    "upsert": _upsert,
    "replace": _replace,
    "connect": _connect,
    "create": _create_all,
}


def _create(
    writer: Writes, instance: models.Model, relation: WrittenRelation, way: str, items: Sequence[Any],
    paths: Sequence[Path],
) -> None:  # fmt: skip
    preset = {relation.foreign.name: instance} if relation.foreign else {}
    made = [_new(writer, relation, way, item, path, preset) for item, path in zip(items, paths, strict=True)]
    if made and relation.foreign is None and _may_write(writer, paths[0][:-1]):
        _add(writer, instance, relation, [row for row in made if row is not None])


def _new(
    writer: Writes, relation: WrittenRelation, way: str, values: Mapping[str, Any], path: Path,
    preset: Mapping[str, Any] | None = None,
) -> models.Model | None:  # fmt: skip
    """Create an object; None where it has errors."""
    fields = relation.written[way]
    missing = [name for name in fields.needed if name not in values]
    for name in missing:
        message = models.Field.default_error_messages["blank"]
        writer.refuse(ValidationError(message, code="required"), (*path, fields.keys[name]))
    own = {name: value for name, value in values.items() if name in fields.keys}
    if missing:
        return None
    made = writer.create(fields, own, path, preset or {})
    return None if made._state.adding else made


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
    key = None if instance is None else getattr(instance, relation.foreign.target_field.attname)
    for row in rows:
        if key is not None and getattr(row, relation.foreign.attname) == key:
            # it refers to the object already
            continue
        if _is_forbidden(writer, row, relation, path):
            continue
        writer.write(row, nothing, {}, path, {relation.foreign.name: instance})


def _current(
    writer: Writes, instance: models.Model, relation: WrittenRelation, most: int | None = None
) -> list[models.Model]:
    """Return the objects that the relation consists of now and that the viewer sees, locked where they may change.

    There are ``most`` of them, or fewer.
    """
    if instance._state.adding:
        return []
    if relation.foreign is None:
        shown = writer.context.visible(relation.model)
        return list(shown.filter(pk__in=getattr(instance, relation.name).values("pk"))[:most])
    own = Q(**{relation.foreign.name: instance})
    return list(lock_where(relation.model, writer.context, primary_key(relation.model), own, most).values())


def _may_write(writer: Writes, path: Path) -> bool:
    writer.path, writer.keys = path, {}
    return not writer.errors
