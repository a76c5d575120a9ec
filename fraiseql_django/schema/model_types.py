"""Types over models: a declaration → its TypeDef."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import formatannotation
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from ..declare.names import check_name, lower_first
from ..declare.names import plural as plural_of
from ..declare.registry import Auto, FieldOptions, TypeDeclaration
from ..errors import DeclarationError, FraiseQLError
from .annotations import PYTHON_NAMES, Annotation, read, scalar, signature
from .definition import Column, Computed, FieldDef, TypeDef
from .django_fields import ColumnDescriber, concrete
from .one_value import check_one_value
from .relations import AnyModelField, Targets, describe_link, describe_relation


class TypeDescriber:
    """Describes one declaration; all of its problems are reported together."""

    def __init__(self, declaration: TypeDeclaration, targets: Targets, columns: ColumnDescriber) -> None:
        self.declaration = declaration
        self.model = declaration.model
        self.targets = targets
        self.columns = columns
        self.conventions = columns.conventions
        self.module = declaration.cls.__module__
        self.annotations: Mapping[str, Any] = inspect.get_annotations(declaration.cls)
        self.problems: list[str] = []

    def describe(self) -> TypeDef:
        """Return the description; raise DeclarationError with one line for each problem."""
        declared = self.declaration
        fields: dict[str, FieldDef] = {}
        for python_name in self._names():
            described = self._attempt(self._field, python_name)
            if described is None:
                continue
            if described.name in fields:
                self.problems.append(
                    f"{declared.name} has two fields called {described.name!r} ({python_name!r} is one): "
                    f"give one another name with fraiseql.field(name=…)"
                )
            fields[described.name] = described
        key = self._attempt(self._key)
        if not fields and not self.problems:
            self.problems.append(f"{declared.name} has no fields")
        if self.problems or key is None:
            raise DeclarationError("\n".join(self.problems))
        single = declared.single or lower_first(declared.name)
        return TypeDef(
            name=check_name(declared.name, "a type"),
            model=self.model,
            description=declared.description or self._model_description(),
            fields=fields,
            key=key,
            single=check_name(single, "a root field") if "single" in declared.queries else None,
            plural=(
                check_name(declared.plural or plural_of(single), "a root field")
                if "plural" in declared.queries
                else None
            ),
        )

    def _attempt(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except FraiseQLError as error:
            self.problems.append(str(error))
            return None

    def _model_description(self) -> str | None:
        # Django gives every model without a docstring one that lists its fields
        doc = self.model.__doc__ or ""
        return None if doc.startswith(f"{self.model.__name__}(") or not doc else inspect.cleandoc(doc)

    # --- which fields ---

    def _names(self) -> list[str]:
        declared = self.declaration
        options = declared.options
        names = [*self.annotations, *(name for name in options if name not in self.annotations)]
        excluded = [self._model_field(name) for name in declared.exclude]
        self.problems += [
            self._unknown(name) for name, field in zip(declared.exclude, excluded, strict=True) if field is None
        ]
        if declared.fields == "__all__" or (declared.fields is None and declared.exclude):
            names += [name for name, field in self._everything() if field not in excluded]
        elif declared.fields is not None:
            names += list(declared.fields)
        return list(dict.fromkeys(names))

    def _everything(self) -> Iterator[tuple[str, AnyModelField]]:
        """Yield the fields of ``"__all__"``: the model's own, then the reverse relations to declared types."""
        found: Any
        for found in sorted(self.model._meta.get_fields(), key=lambda field: isinstance(field, ForeignObjectRel)):
            if isinstance(found, models.CompositePrimaryKey):
                continue
            if isinstance(found, ForeignObjectRel):
                if self._related(found) is not None and not found.hidden:
                    yield found.get_accessor_name() or found.name, found
            elif isinstance(found, models.ManyToManyField):
                if self._related(found) is not None:
                    yield found.name, found
            elif isinstance(found, models.ForeignKey) and self._related(found) is None:
                yield found.attname, found
            elif found.concrete:
                yield found.name, found

    def _related(self, field: AnyModelField) -> type[models.Model] | None:
        model = field.related_model
        return model if isinstance(model, type) and self.targets.exist(model) else None

    def _model_field(self, name: str) -> AnyModelField | None:
        """Find a field by its name, a key's column name, or a reverse accessor."""
        meta = self.model._meta
        for found in meta.get_fields():
            accessor = found.get_accessor_name() if isinstance(found, ForeignObjectRel) else found.name
            if name in (accessor, getattr(found, "attname", None)):
                return found
        if name == "pk" and not isinstance(meta.pk, models.CompositePrimaryKey):
            return meta.pk
        try:
            return meta.get_field(name)
        except FieldDoesNotExist:
            return None

    def _unknown(self, name: str) -> str:
        known = ", ".join(sorted({name for name, _ in self._everything()}))
        return f"{self.declaration.name}.{name}: {self.model.__name__} has no field {name!r}; it has: {known}"

    # --- one field ---

    def _field(self, python_name: str) -> FieldDef:
        options = self.declaration.options.get(python_name, FieldOptions())
        where = f"{self.declaration.name}.{python_name}"
        name = check_name(options.name or self.conventions.name(python_name), f"the field {where}")
        annotation = self._annotation(python_name)
        if options.to is not None:
            described: FieldDef = describe_link(options, name, annotation, where, self.targets)
        elif options.column is not None:
            raise DeclarationError(f"{where} names a column, which is for types over a source; name the model's field")
        elif options.expression is not None:
            described = self._computed(name, options, annotation, where)
        else:
            found = self._model_field(python_name)
            if found is None:
                raise DeclarationError(self._unknown(python_name))
            key_column = isinstance(found, models.ForeignKey) and python_name == found.attname
            if found.is_relation and not key_column:
                described = self._relation(found, python_name, name, annotation, where)
            else:
                described = self._column(found, python_name, name, annotation, where)
        return _with_options(described, options)

    def key_of(self, python_name: str, where: str) -> Column:
        """Return the column that ``relation(…)`` compares; a foreign key has its column's name (``author_id``)."""
        found = self._model_field(python_name)
        if found is None:
            raise DeclarationError(f"{where} compares {self._unknown(python_name)}")
        described = None
        if isinstance(found, models.Field) and found.concrete and not isinstance(found, models.CompositePrimaryKey):
            described = self.columns.describe(found, python_name, self.model.__name__)
        if not isinstance(described, Column) or described.dimensions or not described.scalar.equatable:
            raise DeclarationError(f"{where} compares {self.declaration.name}.{python_name}, which is no single value")
        return described

    def _annotation(self, python_name: str) -> Annotation | None:
        raw = self.annotations.get(python_name)
        if raw is None:
            return None
        annotation = read(raw, self.module, self.targets.registry)
        return None if isinstance(annotation.base, Auto) else annotation

    def _column(
        self, found: AnyModelField, python_name: str, name: str, annotation: Annotation | None, where: str
    ) -> FieldDef:
        if not isinstance(found, models.Field) or isinstance(found, models.CompositePrimaryKey):
            raise DeclarationError(f"{where} is a {type(found).__name__}, which cannot be read; leave it out")
        described = self.columns.describe(found, name, self.model.__name__)
        return described if annotation is None else self._checked(described, annotation, python_name, where)

    def _relation(
        self, found: AnyModelField, python_name: str, name: str, annotation: Annotation | None, where: str
    ) -> FieldDef:
        model = found.related_model
        if not isinstance(model, type):
            raise DeclarationError(f"{where} is generic: it leads to no one model; leave it out")
        chosen = None if annotation is None else self.targets.named(annotation, model, where)
        described = describe_relation(found, name, chosen or self.targets.of(model, where), where)
        return described if annotation is None else self._checked(described, annotation, python_name, where)

    def _checked(self, described: Any, annotation: Annotation, python_name: str, where: str) -> FieldDef:
        """Return the description, nullable if the annotation is; raise DeclarationError where they contradict."""
        actual, written = described.signature, signature(annotation)
        if written not in (actual, actual.removesuffix("!")):
            raise DeclarationError(
                f"{where} is annotated {formatannotation(self.annotations[python_name])}, but is {actual} in GraphQL; "
                f"write `{python_name}: fraiseql.auto`"
            )
        result: FieldDef = described if written == actual else replace(described, nullable=True)
        return result

    def _computed(self, name: str, options: FieldOptions, annotation: Annotation | None, where: str) -> Computed:
        output = check_one_value(self.model, options.expression, where)
        if annotation is None:
            known = self.columns.scalar(concrete(output), where, self.model.__name__)
            return Computed(name=name, expression=options.expression, scalar=known, nullable=True)
        item, dimensions = annotation, 0
        while item.item is not None:
            item, dimensions = item.item, dimensions + 1
        found = scalar(item.base)
        if found is None or (dimensions > 1 and found.json_array is None):
            raise DeclarationError(
                f"{where} is annotated {formatannotation(self.annotations[where.rpartition('.')[2]])}, "
                f"which SQL cannot compute; annotate it with one of: {', '.join(PYTHON_NAMES)}, or a list of them"
            )
        return Computed(
            name=name,
            expression=options.expression,
            scalar=found,
            nullable=annotation.nullable,
            dimensions=dimensions,
            nullable_items=bool(dimensions) and item.nullable,
        )

    def _key(self) -> dict[str, Column]:
        pk = self.model._meta.pk
        parts: list[Any] = list(pk.fields) if isinstance(pk, models.CompositePrimaryKey) else [pk]
        key: dict[str, Column] = {}
        for part in parts:
            alone = len(parts) == 1
            python_name = "id" if alone else part.attname
            name = self.conventions.name(python_name)
            described = self.columns.describe(part, name, self.model.__name__)
            if not isinstance(described, Column) or described.dimensions:
                raise DeclarationError(f"{self.declaration.name}: the key {part.name} cannot be an argument")
            key[name] = described
        return key


def _with_options(described: FieldDef, options: FieldOptions) -> FieldDef:
    if options.description is None and options.deprecation is None:
        return described
    values = {name: getattr(described, name) for name in described.__dataclass_fields__}
    values["description"] = options.description or described.description
    values["deprecation"] = options.deprecation
    return type(described)(**values)
