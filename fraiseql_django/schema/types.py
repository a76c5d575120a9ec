"""Declarations → TypeDefs: which fields a type has, and where its relations lead."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel
from graphql import GraphQLEnumType

from ..conf import get_settings
from ..errors import DeclarationError, FraiseQLError
from .annotations import Annotation, read, scalar
from .definition import AnyField, Column, Computed, EnumFactory, Relation, TypeDef
from .models import concrete, describe_column, field_description, scalar_of
from .naming import camel_case, check_name, lower_first
from .naming import plural as plural_of
from .registry import Auto, FieldOptions, Registry, TypeDeclaration
from .scalars import Scalar

AnyModelField: TypeAlias = "models.Field[Any, Any] | ForeignObjectRel"


class Targets:
    """Which declared type a relation leads to."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._by_model: dict[Any, list[TypeDeclaration]] = {}
        for declaration in registry.types:
            self._by_model.setdefault(declaration.model._meta.concrete_model, []).append(declaration)

    def exist(self, model: type[models.Model]) -> bool:
        """Whether any type is declared over the model."""
        return model._meta.concrete_model in self._by_model

    def of(self, model: type[models.Model], where: str) -> str:
        """Return the name of the type that stands for the model where none is named.

        Raises DeclarationError when there is none, or several of which none is primary.
        """
        found = self._by_model.get(model._meta.concrete_model, [])
        exact = [declaration for declaration in found if declaration.model is model] or found
        candidates = [declaration for declaration in exact if declaration.primary] or exact
        if len(candidates) == 1:
            return candidates[0].name
        if not found:
            raise DeclarationError(f"{where} leads to {model.__name__}, over which no type is declared")
        names = ", ".join(declaration.name for declaration in candidates)
        raise DeclarationError(
            f"{where} leads to {model.__name__}, over which several types are declared ({names}): "
            f"annotate the field with one of them, or declare one with primary=True"
        )


class TypeDescriber:
    """Turns one declaration into a TypeDef, gathering every problem before it gives up."""

    def __init__(self, declaration: TypeDeclaration, targets: Targets, enum: EnumFactory) -> None:
        self.declaration = declaration
        self.model = declaration.model
        self.targets = targets
        self.enum = enum
        self.module = declaration.cls.__module__
        self.annotations: Mapping[str, Any] = inspect.get_annotations(declaration.cls)
        self.problems: list[str] = []

    def describe(self) -> TypeDef:
        """Return the description; raise DeclarationError with one line for each problem."""
        declared = self.declaration
        fields: dict[str, AnyField] = {}
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
        # Model gives every class without a docstring one that lists its fields
        doc = self.model.__doc__ or ""
        return None if doc.startswith(f"{self.model.__name__}(") or not doc else inspect.cleandoc(doc)

    # --- which fields ---

    def _names(self) -> list[str]:
        declared = self.declaration
        options = declared.options
        names = [*self.annotations, *(name for name in options if name not in self.annotations)]
        if declared.fields == "__all__" or (declared.fields is None and declared.exclude):
            names += [name for name in self._everything() if name not in declared.exclude]
        elif declared.fields is not None:
            names += list(declared.fields)
        for name in declared.exclude:
            if name not in set(self._everything()):
                self.problems.append(self._unknown(name))
        return list(dict.fromkeys(names))

    def _everything(self) -> Iterator[str]:
        for found in self.model._meta.get_fields():
            if isinstance(found, models.CompositePrimaryKey) or found.name.endswith("+"):
                continue
            if isinstance(found, ForeignObjectRel):
                if self._related(found) is not None and not found.hidden:
                    yield found.get_accessor_name() or found.name
            elif isinstance(found, models.ManyToManyField):
                if self._related(found) is not None:
                    yield found.name
            elif isinstance(found, models.ForeignKey) and self._related(found) is None:
                yield found.attname
            elif found.concrete:
                yield found.name

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
        known = ", ".join(sorted(set(self._everything())))
        return f"{self.declaration.name}.{name}: {self.model.__name__} has no field {name!r}; it has: {known}"

    # --- one field ---

    def _field(self, python_name: str) -> AnyField:
        options = self.declaration.options.get(python_name, FieldOptions())
        camel = camel_case(python_name) if get_settings().camel_case else python_name
        where = f"{self.declaration.name}.{python_name}"
        name = check_name(options.name or camel, f"the field {where}")
        annotation = self._annotation(python_name)
        if options.expression is not None:
            described: AnyField = self._computed(name, options, annotation, where)
        else:
            found = self._model_field(python_name)
            if found is None:
                raise DeclarationError(self._unknown(python_name))
            key_column = isinstance(found, models.ForeignKey) and python_name == found.attname
            if found.is_relation and not key_column:
                described = self._relation(found, name, annotation, where)
            else:
                described = self._column(found, python_name, name, annotation, where)
        return _with_options(described, options)

    def _annotation(self, python_name: str) -> Annotation | None:
        raw = self.annotations.get(python_name)
        if raw is None:
            return None
        annotation = read(raw, self.module, self.targets.registry)
        return None if isinstance(annotation.base, Auto) else annotation

    def _column(
        self, found: AnyModelField, python_name: str, name: str, annotation: Annotation | None, where: str
    ) -> AnyField:
        if not isinstance(found, models.Field) or isinstance(found, models.CompositePrimaryKey):
            raise DeclarationError(f"{where} is a {type(found).__name__}, which cannot be read; leave it out")
        described = describe_column(found, name, self.enum, self.model.__name__)
        if annotation is not None:
            expected = scalar(annotation.base)
            actual = described.scalar.name if isinstance(described, Column) else described.value.name  # type: ignore[union-attr]
            if expected is None or expected.name != actual:
                raise DeclarationError(
                    f"{where} is annotated {annotation.base!r}, but the column is a {actual}; "
                    f"write `{python_name}: fraiseql.auto`"
                )
        return described

    def _relation(self, found: AnyModelField, name: str, annotation: Annotation | None, where: str) -> Relation:
        model = found.related_model
        if not isinstance(model, type):
            raise DeclarationError(f"{where} is generic: it leads to no one model; leave it out")
        target = self._annotated_target(annotation, where) or self.targets.of(model, where)
        forward = not isinstance(found, ForeignObjectRel)
        if not (found.one_to_many or found.many_to_many or found.many_to_one or found.one_to_one):
            raise DeclarationError(f"{where} is a {type(found).__name__}, which cannot be followed; leave it out")
        many = bool(found.one_to_many or found.many_to_many)
        field: Any = found if forward else found.remote_field
        if isinstance(field, models.ManyToManyField):
            inverse = field.related_query_name() if forward else field.name
            key = "pk"
        elif isinstance(field, models.ForeignKey):
            inverse = field.related_query_name() if forward else field.name
            key = field.attname if forward else field.target_field.attname
        else:
            raise DeclarationError(f"{where} is a {type(found).__name__}, which cannot be followed; leave it out")
        return Relation(
            name=name,
            description=field_description(found) if isinstance(found, models.Field) else None,
            path=found.name,
            target=target,
            many=many,
            nullable=not many and (not forward or field.null),
            inverse=inverse,
            key=key,
        )

    def _annotated_target(self, annotation: Annotation | None, where: str) -> str | None:
        while annotation is not None and annotation.item is not None:
            annotation = annotation.item
        if annotation is None or isinstance(annotation.base, Auto):
            return None
        declared = getattr(annotation.base, "__fraiseql_type__", None)
        if declared is None:
            raise DeclarationError(
                f"{where} is annotated {annotation.base!r}, which is no declared type; "
                f"declare it with @fraiseql.type, or write fraiseql.auto"
            )
        return str(declared.name)

    def _computed(self, name: str, options: FieldOptions, annotation: Annotation | None, where: str) -> Computed:
        dimensions = 0
        nullable = annotation is None or annotation.nullable
        while annotation is not None and annotation.item is not None:
            annotation, dimensions = annotation.item, dimensions + 1
        if annotation is None:
            known: Scalar | None = self._expression_scalar(options.expression, where)
        else:
            known = scalar(annotation.base)
        if known is None:
            raise DeclarationError(f"{where} is annotated with something that SQL cannot compute")
        return Computed(
            name=name, expression=options.expression, scalar=known, nullable=nullable, dimensions=dimensions
        )

    def _expression_scalar(self, expression: Any, where: str) -> Scalar:
        try:
            query = self.model._base_manager.annotate(fraiseql_value=expression).query
            output = query.annotations["fraiseql_value"].output_field
        except Exception as error:
            raise DeclarationError(f"{where}: the expression does not fit {self.model.__name__}: {error}") from error
        return scalar_of(concrete(output), where, self.enum, self.model.__name__)

    def _key(self) -> dict[str, Column]:
        pk = self.model._meta.pk
        parts: list[Any] = list(pk.fields) if isinstance(pk, models.CompositePrimaryKey) else [pk]
        key: dict[str, Column] = {}
        for part in parts:
            alone = len(parts) == 1
            python_name = "id" if alone else part.attname
            name = camel_case(python_name) if get_settings().camel_case else python_name
            described = describe_column(part, name, self.enum, self.model.__name__)
            if not isinstance(described, Column) or described.dimensions:
                raise DeclarationError(f"{self.declaration.name}: the key {part.name} cannot be an argument")
            key[name] = described
        return key


def _with_options(described: AnyField, options: FieldOptions) -> AnyField:
    if options.description is None and options.deprecation is None:
        return described
    values = {name: getattr(described, name) for name in described.__dataclass_fields__}
    values["description"] = options.description or described.description
    values["deprecation"] = options.deprecation
    return type(described)(**values)


def describe_types(registry: Registry, enum: Callable[..., GraphQLEnumType]) -> dict[str, TypeDef]:
    """Describe every declared type, by name.

    Raises DeclarationError that lists all problems of all types, a line each.
    """
    targets = Targets(registry)
    found: dict[str, TypeDef] = {}
    problems: list[str] = []
    for declaration in registry.types:
        if declaration.name in found:
            problems.append(f"two types are called {declaration.name!r}; give one of them another name with name=…")
        try:
            found[declaration.name] = TypeDescriber(declaration, targets, enum).describe()
        except DeclarationError as error:
            problems.append(str(error))
    problems += _clashing_roots(found)
    if problems:
        raise DeclarationError("\n".join(problems))
    return found


def _clashing_roots(types: Mapping[str, TypeDef]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for definition in types.values():
        for root in (definition.single, definition.plural):
            if root is not None and owners.setdefault(root, definition.name) != definition.name:
                yield (
                    f"{owners[root]} and {definition.name} both have a root field {root!r}; "
                    f"name one with single=… or plural=…, or leave it out with queries=[…]"
                )
        if definition.single is not None and definition.single == definition.plural:
            yield f"{definition.name}: single and plural are both {definition.single!r}; name one of them"
