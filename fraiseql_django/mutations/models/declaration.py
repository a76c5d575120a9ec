"""What was declared of a mutation from a type, checked against the model when the schema is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal

from django.db import models
from django.db.models import signals

from ...declare.names import lower_first, pascal_case, plural, snake_case
from ...declare.registry import Registry, TypeDeclaration
from ...declare.rules import check_rows
from ...errors import DeclarationError
from ...schema.django_fields import ColumnDescriber
from .fields import Fields, FieldsDescriber, Link, Nested
from .run import Rows

Kind = Literal["create", "update", "delete", "upsert"]
_SIGNALS = (
    signals.pre_init, signals.post_init, signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete,
    signals.m2m_changed,
)  # fmt: skip
_HOOKS = (
    "save",
    "save_base",
    "delete",
    "clean",
    "full_clean",
    "clean_fields",
    "validate_unique",
    "validate_constraints",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMutation:
    """What ``create``, ``update``, ``delete`` or ``upsert`` was given.

    ``permission`` says who may run it. ``written`` becomes the models that it may write, when the schema is built.
    """

    kind: Kind
    over: Any
    registry: Registry
    fields: Any = None
    form: Any = None
    unique: Any = None
    version: str | None = None
    rows: Any = None
    bulk: bool = False
    name: str | None = None
    permission: Any = None
    written: set[type[models.Model]] = dataclass_field(default_factory=set)

    @property
    def where(self) -> str:
        """Name the declaration in errors."""
        return f"{self.kind}({getattr(self.over, '__name__', repr(self.over))})"

    @property
    def declaration(self) -> TypeDeclaration:
        """The type's declaration; DeclarationError where there is none."""
        declared: TypeDeclaration | None = getattr(self.over, "__fraiseql_type__", None)
        if declared is None or declared.source is not None or declared not in self.registry.types:
            raise DeclarationError(f"{self.where} takes a type declared with @fraiseql.type over a model")
        return declared

    @property
    def single(self) -> str:
        """The type's name for one."""
        return self.declaration.single or lower_first(self.declaration.name)

    @property
    def plural(self) -> str:
        """The type's name for several."""
        return self.declaration.plural or plural(self.single)

    @property
    def function_name(self) -> str:
        """The mutation's name in Python."""
        return f"{self.kind}_{snake_case(self.plural if self.bulk else self.single)}"

    @property
    def stem(self) -> str:
        """What the names of the mutation's types begin with."""
        return pascal_case(self.name or self.function_name)

    @property
    def input_name(self) -> str:
        """The name of the input; that of one new object is the same for many."""
        shared = self.bulk and self.name is None and self.kind != "update"
        stem = pascal_case(f"{self.kind}_{snake_case(self.single)}") if shared else self.stem
        return f"{stem}Input"

    def describe(self, columns: ColumnDescriber) -> tuple[Fields, Rows]:
        """Check what was declared; return what is written, and how rows are found.

        Raises DeclarationError for what does not fit the model.
        """
        model = self.declaration.model
        creates, updates = self.kind in ("create", "upsert"), self.kind in ("update", "upsert")
        describer = FieldsDescriber(self.where, columns, creates=creates, updates=updates, unique=self.unique_names())
        names = self._names()
        if self.version is not None:
            self._check_version(model, names)
        check_rows(self.rows, model, self.where)
        fields = describer.describe(model, names)
        self.written.update(_written(fields))
        if self.kind == "delete":
            self.written.update(_deleted_with(model, set()))
        key = describer.key(model)
        only_key = self.kind == "delete" and self.bulk and len(key) == 1 and self.version is None
        rows = Rows(
            model=model, key=key, type_name=self.declaration.name, version=self.version, only_key=only_key,
            rule=self.rows, name=self.where,
        )  # fmt: skip
        return fields, rows

    def _names(self) -> Sequence[str | Nested]:
        if self.form is not None and self.fields is not None:
            raise DeclarationError(f"{self.where} has fields and form; the form says which fields there are, give one")
        if self.kind == "delete" or self.form is not None:
            return ()
        if self.fields is None or isinstance(self.fields, str) or not self.fields:
            shown = "" if self.fields is None else f", not {self.fields!r}"
            raise DeclarationError(f"{self.where} needs fields: a list of the names that clients may write{shown}")
        if not all(isinstance(item, (str, Nested)) for item in self.fields):
            raise DeclarationError(f"{self.where}: fields is {self.fields!r}, must be a list of names or nested(…)")
        return tuple(self.fields)

    def _check_version(self, model: type[models.Model], names: Sequence[str | Nested]) -> None:
        fields = {field.name: field for field in model._meta.concrete_fields}
        field = fields.get(str(self.version))
        kinds = (models.IntegerField, models.DateTimeField)
        fits = {name for name, known in fields.items() if isinstance(known, kinds) and _may_be_version(known)}
        if field is None or field.name not in fits:
            known = ", ".join(sorted(fits)) or "none"
            raise DeclarationError(
                f"{self.where}: version is {self.version!r}, must be a field of whole numbers, or a DateTimeField "
                f"with auto_now; {model.__name__} has: {known}"
            )
        if self.version in names:
            raise DeclarationError(f"{self.where}: {self.version} is the version, which clients do not write")

    def unique_names(self) -> tuple[str, ...]:
        """Return the fields that tell an upsert's row; DeclarationError where they do not tell one."""
        if self.kind != "upsert":
            return ()
        model = self.declaration.model
        known = dict(_unique(model))
        names = known.get(self.unique) if isinstance(self.unique, str) else tuple(self.unique or ())
        if not names or set(names) not in map(set, known.values()):
            listed = ", ".join(sorted({str(list(value)) for value in known.values()}))
            named = ", ".join(sorted(repr(key) for key in known if isinstance(key, str)))
            constraints = f"; its constraints: {named}" if named else ""
            raise DeclarationError(
                f"{self.where}: unique is {self.unique!r}, must be fields that are unique together, or the name of a "
                f"UniqueConstraint over fields alone; {model.__name__} has: {listed or 'none'}{constraints}"
            )
        return names

    def unique_fields(self, fields: Fields) -> tuple[str, ...]:
        """Return the same, all of which clients must give; DeclarationError where one is not in ``fields``."""
        names = self.unique_names()
        for name in names:
            link = fields.links.get(name)
            if name not in fields.values and (link is None or link.ways is not None or not link.forward):
                raise DeclarationError(f"{self.where}: {name} is in unique; name it plainly in fields as well")
        return names


def touches_only_database(mutation: ModelMutation) -> bool:
    """Whether a mutation may be done once more after a deadlock, since nothing but the database has noticed it.

    It has none of the project's own code in it: no form, no hook of a model, no receiver of a signal; and no file.
    """
    return mutation.form is None and not any(map(_is_noticed, mutation.written))


def _is_noticed(model: type[models.Model]) -> bool:
    if any(signal.has_listeners(model) for signal in _SIGNALS):
        return True
    if any(isinstance(field, models.FileField) for field in model._meta.concrete_fields):
        return True
    return any(getattr(model, hook) is not getattr(models.Model, hook) for hook in _HOOKS)


def _written(fields: Fields) -> Iterator[type[models.Model]]:
    yield from (fields.model, *fields.model._meta.all_parents)
    for link in fields.links.values():
        if link.create is not None:
            yield from _written(link.create)
        yield from _touched(link)


def _touched(link: Link) -> Iterator[type[models.Model]]:
    relation: Any = link.relation
    if relation.many_to_many:
        through: Any = relation.remote_field if isinstance(relation, models.ManyToManyField) else relation
        yield through.through
    if link.foreign is not None:
        yield link.model


def _deleted_with(model: type[models.Model], seen: set[Any]) -> set[Any]:
    """Return the models whose rows a deletion may reach."""
    if model not in seen:
        seen.add(model)
        for relation in model._meta.get_fields(include_hidden=True):
            # a table between counts as well, but not what is beyond it
            foreign = relation.auto_created and not relation.concrete and not relation.many_to_many
            generic = hasattr(relation, "bulk_related_objects")
            if (foreign or generic) and isinstance(relation.related_model, type):
                _deleted_with(relation.related_model, seen)
        for parent in model._meta.all_parents:
            _deleted_with(parent, seen)
    return seen


def _may_be_version(field: Any) -> bool:
    if isinstance(field, models.DateTimeField):
        return bool(field.auto_now)
    return not (field.primary_key or field.null or field.choices)


def _unique(model: type[models.Model]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the sets of fields that tell a row, by the constraint's name where there is one."""
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        names = tuple(field.name for field in model._meta.pk_fields)
        yield names, names
    for owner in (model, *model._meta.all_parents):
        for field in owner._meta.local_concrete_fields:
            if field.unique and not isinstance(field, (models.AutoField, models.CompositePrimaryKey)):
                yield (field.name,), (field.name,)
        for together in owner._meta.unique_together:
            yield tuple(together), tuple(together)
        for constraint in owner._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields and not constraint.condition:
                yield constraint.name, tuple(constraint.fields)
