"""Relations written as an input says: connected, created, disconnected, set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.utils.translation import gettext_lazy as _

from ..context import Info
from .fields import WAYS, Fields, Link, given
from .rows import lock
from .validation import Path
from .visibility import Written

# what is let go of comes first: what takes its place may be unique
_ORDER = ("set", "disconnect", "connect", "create")


class Writes(Protocol):
    """What writes the objects at the other end."""

    info: Info
    errors: list[Any]
    path: Path
    keys: Mapping[str, str]

    def refuse(self, error: ValidationError, path: Path, code: int = 422) -> None:
        """Note what is wrong at a path."""
        ...

    @property
    def written(self) -> Written:
        """The rows that were written."""
        ...

    def create(
        self, fields: Fields, given: Mapping[str, Any], path: Path, preset: Mapping[str, Any] = ...
    ) -> models.Model:
        """Make an object."""
        ...

    def write(
        self, instance: models.Model, fields: Fields, given: Mapping[str, Any], path: Path, preset: Mapping[str, Any]
    ) -> models.Model:
        """Change an object."""
        ...


def not_found(model: type[models.Model], key: Any) -> ValidationError:
    """Say that there is no such object, in the words that Django has for a key that leads nowhere."""
    meta: Any = model._meta
    params = {"model": meta.verbose_name, "pk": key, "field": meta.pk.name, "value": key}
    return ValidationError(models.ForeignKey.default_error_messages["invalid"], code="not_found", params=params)


def _null() -> ValidationError:
    return ValidationError(models.Field.default_error_messages["null"], code="null")


def write_one(writer: Writes, instance: models.Model, link: Link, value: Any, path: Path) -> bool:
    """Set the key of a relation to one object; return whether it could be set."""
    chosen = _chosen(writer, link, value, path)
    if chosen is None:
        return False
    way, wanted, path = chosen
    other: models.Model | None = None
    if way == "connect":
        found = _find(writer, link, [wanted], [path])
        if not found:
            return False
        other = found[0]
    elif way == "create" and link.create is not None:
        other = writer.create(link.create, given(wanted), path)
        if other._state.adding:
            return False
    setattr(instance, link.name, other)
    return True


def _chosen(writer: Writes, link: Link, value: Any, path: Path) -> tuple[str, Any, Path] | None:
    """Return the one way that the input of a relation to one object takes, its value, and where that stands."""
    if value is None:
        if link.nullable and (link.ways is None or "disconnect" in link.ways):
            return "disconnect", True, path
        writer.refuse(_null(), path)
        return None
    if link.ways is None:
        return "connect", value, path
    ways = [(way, wanted) for way, wanted in given(value).items() if wanted is not None and wanted is not False]
    if len(ways) == 1:
        way, wanted = ways[0]
        return way, wanted, (*path, way)
    allowed = ", ".join(way for way in WAYS if way in link.ways)
    message = _("Give exactly one of: %(allowed)s.") if writer.info.may_introspect() else _("Give exactly one field.")
    writer.refuse(ValidationError(message, code="invalid", params={"allowed": allowed}), path)
    return None


def _find(writer: Writes, link: Link, keys: Sequence[Any], paths: Sequence[Path]) -> list[models.Model]:
    """Return the objects with these keys that clients may know of; note those that there are not.

    Those whose own column is about to change are locked.
    """
    parsed = [link.target.parse(key) for key in keys]
    wanted = [key for key in dict.fromkeys(parsed) if key is not None]
    known: dict[Any, models.Model] = {}
    if link.foreign is not None:
        rows = lock(link.model, writer.info, [link.target.column], [(key,) for key in wanted])
        known = {key: row for (key,), row in rows.items()}
    elif wanted:
        relation: Any = link.relation
        shown = writer.info.visible(link.model).filter(pk__in=wanted)
        limit = {} if isinstance(relation, ForeignObjectRel) else relation.get_limit_choices_to()
        known = {row.pk: row for row in shown.complex_filter(limit)}
    for key, value, path in zip(keys, parsed, paths, strict=True):
        if value not in known:
            writer.refuse(not_found(link.model, key), path, 404)
    return [known[key] for key in wanted if key in known]


def write_list(writer: Writes, instance: models.Model, link: Link, value: Any, path: Path, *, created: bool) -> None:
    """Change what a relation leads to that is no column of the object, which is saved unless something was wrong."""
    if not link.many:
        _write_reverse_one(writer, instance, link, value, path)
        return
    if value is None:
        writer.refuse(_null(), path)
        return
    if link.ways is None:
        _STEPS["connect" if created else "set"](writer, instance, link, value, path)
        return
    steps = given(value)
    for way in _ORDER:
        if way in steps and steps[way] is None:
            writer.refuse(_null(), (*path, way))
        elif way in steps:
            _STEPS[way](writer, instance, link, steps[way], (*path, way))


def _write_reverse_one(writer: Writes, instance: models.Model, link: Link, value: Any, path: Path) -> None:
    chosen = _chosen(writer, link, value, path)
    if chosen is None:
        return
    way, wanted, path = chosen
    if way == "create":
        _create(writer, instance, link, [wanted], [path])
    elif way == "connect":
        _attach(writer, link, _find(writer, link, [wanted], [path]), instance, path)
    else:
        _attach(writer, link, _current(writer, instance, link), None, path)


def _connect(writer: Writes, instance: models.Model, link: Link, keys: Sequence[Any], path: Path) -> None:
    found = _find(writer, link, keys, [(*path, index) for index in range(len(keys))])
    if link.foreign is not None:
        _attach(writer, link, found, instance, path)
    elif _may_write(writer, path):
        _add(writer, instance, link, found)


def _disconnect(writer: Writes, instance: models.Model, link: Link, keys: Sequence[Any], path: Path) -> None:
    known = {row.pk: row for row in _current(writer, instance, link)}
    parsed = [link.target.parse(key) for key in keys]
    for index, (key, value) in enumerate(zip(keys, parsed, strict=True)):
        if value not in known:
            writer.refuse(not_found(link.model, key), (*path, index), 404)
    found = [known[value] for value in dict.fromkeys(parsed) if value in known]
    if link.foreign is not None:
        _attach(writer, link, found, None, path)
    elif _may_write(writer, path):
        _remove(writer, instance, link, found)


def _set(writer: Writes, instance: models.Model, link: Link, keys: Sequence[Any], path: Path) -> None:
    """Let the relation lead to these objects alone, of those that clients may know of: what is hidden stays."""
    found = _find(writer, link, keys, [(*path, index) for index in range(len(keys))])
    if link.foreign is None and not _may_write(writer, path):
        return
    current = _current(writer, instance, link)
    kept, there = {row.pk for row in found}, {row.pk for row in current}
    gone = [row for row in current if row.pk not in kept]
    new = [row for row in found if row.pk not in there]
    if link.foreign is not None:
        _attach(writer, link, gone, None, path)
        _attach(writer, link, new, instance, path)
    else:
        _remove(writer, instance, link, gone)
        _add(writer, instance, link, new)


def _create_all(writer: Writes, instance: models.Model, link: Link, items: Sequence[Any], path: Path) -> None:
    _create(writer, instance, link, items, [(*path, index) for index in range(len(items))])


_STEPS: Mapping[str, Callable[[Writes, models.Model, Link, Sequence[Any], Path], None]] = {
    "set": _set,
    "disconnect": _disconnect,
    "connect": _connect,
    "create": _create_all,
}


def _create(writer: Writes, instance: models.Model, link: Link, items: Sequence[Any], paths: Sequence[Path]) -> None:
    assert link.create is not None
    preset = {link.foreign.name: instance} if link.foreign else {}
    made = [writer.create(link.create, given(item), path, preset) for item, path in zip(items, paths, strict=True)]
    if link.foreign is None and _may_write(writer, paths[0][:-1] if paths else ()):
        _add(writer, instance, link, made)


def _add(writer: Writes, instance: models.Model, link: Link, rows: Sequence[models.Model]) -> None:
    """Let a relation through a table between lead to objects as well; rows of a model between are written, too."""
    relation = getattr(instance, link.name)
    between: QuerySet[Any] = relation.through._base_manager.using(writer.info.database)
    ruled = writer.info.has_rules(relation.through)
    here, there = relation.source_field_name, relation.target_field_name
    pairs = Q(**{here: instance, f"{there}__in": rows})
    if getattr(relation, "symmetrical", False):
        pairs |= Q(**{there: instance, f"{here}__in": rows})
    before = set(between.filter(pairs)) if ruled else set()
    relation.add(*rows)
    if ruled:
        writer.written.note(set(between.filter(pairs)) - before)
    writer.written.note(rows)


def _remove(writer: Writes, instance: models.Model, link: Link, rows: Sequence[models.Model]) -> None:
    getattr(instance, link.name).remove(*rows)
    writer.written.note(rows)


def _attach(
    writer: Writes, link: Link, rows: Sequence[models.Model], instance: models.Model | None, path: Path
) -> None:
    """Let rows refer to an object, or to none."""
    assert link.foreign is not None
    nothing = Fields(model=link.model, values={}, links={})
    for row in rows:
        writer.write(row, nothing, {}, path, {link.foreign.name: instance})


def _current(writer: Writes, instance: models.Model, link: Link) -> list[models.Model]:
    """Return what the relation leads to now, as far as clients may know of it; what may be changed is locked."""
    if instance._state.adding:
        return []
    shown = writer.info.visible(link.model)
    if link.foreign is None:
        return list(shown.filter(pk__in=getattr(instance, link.name).values("pk")))
    keys = shown.filter(**{link.foreign.name: instance}).values_list("pk", flat=True)
    return list(lock(link.model, writer.info, [link.target.column], [(key,) for key in keys]).values())


def _may_write(writer: Writes, path: Path) -> bool:
    writer.path, writer.keys = path, {}
    return not writer.errors
