"""Relations: which declared type each leads to, and how the ORM follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import formatannotation
from typing import Any, TypeAlias

from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from .._django import concrete_model
from ..declare.members import FieldOptions
from ..declare.registry import Registry, TypeDeclaration
from ..declare.translations import translation_of
from ..errors import DeclarationError
from .annotations import Annotation, Named, innermost
from .definition import ContentTypeKey, GenericList, GenericOne, Key, Link, Relation, TypeDef, content_type_label
from .django_fields import field_description

AnyModelField: TypeAlias = "models.Field[Any, Any] | ForeignObjectRel"


class Targets:
    """Which declared type a relation leads to."""

    def __init__(self, registry: Registry, *, interfaces: bool = True) -> None:
        self.registry = registry
        self._by_model: dict[Any, list[TypeDeclaration]] = {}
        for declaration in registry.types:
            if interfaces or not declaration.interface:
                self._by_model.setdefault(concrete_model(declaration.model), []).append(declaration)

    def exist(self, model: type[models.Model]) -> bool:
        """Whether any type is declared over the model."""
        return concrete_model(model) in self._by_model

    def decided(self, model: type[models.Model]) -> bool:
        """Whether relations to the model lead to one type, of which it need not be said which."""
        return len(self._candidates(model)) == 1

    def undecided(self, model: type[models.Model]) -> str:
        """Say why relations to the model lead to no one type."""
        names = ", ".join(declaration.name for declaration in self._candidates(model))
        return (
            f"several types are declared over {model._meta.label} ({names}); annotate the field with one of them, or "
            f"declare one with primary=True"
        )

    def _candidates(self, model: type[models.Model]) -> list[TypeDeclaration]:
        found = self._by_model.get(concrete_model(model), [])
        exact = [declaration for declaration in found if declaration.model is model] or found
        interfaces = [declaration for declaration in exact if declaration.interface]
        return [declaration for declaration in exact if declaration.primary] or interfaces or exact

    def of(self, model: type[models.Model], where: str) -> str:
        """Return the name of the type that relations to the model lead to.

        Raises DeclarationError when there is none, or several of which none is primary.
        """
        candidates = self._candidates(model)
        if len(candidates) == 1:
            return candidates[0].name
        if not candidates:
            raise DeclarationError(f"{where} leads to {model.__name__}, over which no type is declared")
        names = ", ".join(declaration.name for declaration in candidates)
        raise DeclarationError(
            f"{where} leads to {model.__name__}, over which several types are declared ({names}): "
            f"annotate the field with one of them, or declare one with primary=True"
        )

    def named(self, annotation: Annotation, model: type[models.Model], where: str) -> str:
        """Return the name of the type in an annotation.

        Raises DeclarationError where it is no declared type, or one over another model.
        """
        chosen = innermost(annotation).base
        declared = self.registry.declaration_of(chosen)
        if declared is None or declared not in self.registry.types:
            written = chosen.name if isinstance(chosen, Named) else formatannotation(chosen)
            raise DeclarationError(
                f"{where} is annotated {written}, which is no declared type; "
                f"declare it with @fraiseql.type, or write fraiseql.auto"
            )
        if concrete_model(declared.model) is not concrete_model(model):
            raise DeclarationError(
                f"{where} leads to {model.__name__}, but is annotated {declared.cls.__name__}, "
                f"a type over {declared.model.__name__}"
            )
        return declared.name


def describe_relation(found: AnyModelField, name: str, target: str, where: str) -> Relation:
    """Describe a relation under the GraphQL name ``name``.

    Raises DeclarationError for one that joins cannot follow.
    """
    forward = not isinstance(found, ForeignObjectRel)
    many = bool(found.one_to_many or found.many_to_many)
    field: Any = found if forward else found.remote_field
    if translation_of(field) is not None:
        raise DeclarationError(
            f"{where} is a relation that modeltranslation translates, which a join cannot follow; leave it out, or "
            f"declare those of the languages"
        )
    if isinstance(field, models.ManyToManyField):
        inverse = field.related_query_name() if forward else field.name
        key = "pk"
    elif isinstance(field, models.ForeignKey):
        inverse = field.target_field.attname if forward else field.name
        key = field.attname if forward else field.target_field.attname
    else:
        raise DeclarationError(f"{where} is a {type(found).__name__}, which cannot be followed; leave it out")
    return Relation(
        name=name,
        description=field_description(found) if isinstance(found, models.Field) else None,
        path=found.name,
        target=target,
        many=many,
        nullable=not many and (not forward or field.null or not field.db_constraint),
        inverse=inverse,
        key=key,
    )


def describe_generic(found: Any, name: str, target: str) -> GenericOne:
    """Describe a GenericForeignKey that leads to the abstract type ``target``, or to all types where that is empty."""
    model = found.model
    content_type = model._meta.get_field(found.ct_field)
    return GenericOne(
        name=name,
        target=target,
        content_type=content_type.attname,
        object_id=model._meta.get_field(found.fk_field).attname,
        content_types=content_type.related_model,
        concrete=found.for_concrete_model,
    )


def describe_generic_list(found: Any, name: str, target: str) -> GenericList:
    """Describe a GenericRelation to rows of the type ``target``."""
    there = found.related_model
    content_type, concrete = there._meta.get_field(found.content_type_field_name), found.for_concrete_model
    by = ContentTypeKey(
        content_type=content_type.attname,
        object_id=there._meta.get_field(found.object_id_field_name).attname,
        label=content_type_label(found.model, concrete=concrete),
    )
    return GenericList(
        name=name, description=field_description(found), target=target, many=True, nullable=False, by=by,
        key=found.model._meta.pk.attname, content_types=content_type.related_model, concrete=concrete,
    )  # fmt: skip


def is_generic_list(found: Any) -> bool:
    """Whether a field of a model is a GenericRelation."""
    return hasattr(found, "content_type_field_name") and hasattr(found, "object_id_field_name")


def is_generic(found: Any) -> bool:
    """Whether a field of a model is a GenericForeignKey."""
    return hasattr(found, "ct_field") and hasattr(found, "fk_field")


def describe_link(
    options: FieldOptions, name: str, annotation: Annotation | None, where: str, targets: Targets
) -> Link:
    """Describe a ``relation(…)``; its keys are still Python names (see ``resolve_links``).

    Raises DeclarationError where the annotation names no declared type.
    """
    item = annotation and (annotation.item or annotation)
    declared = item and targets.registry.declaration_of(item.base)
    if annotation is None or declared is None or declared not in targets.registry.types:
        raise DeclarationError(
            f"{where} is a relation to no declared type; annotate it with one: "
            f"`BookType`, `BookType | None` or `list[BookType]`"
        )
    many = annotation.item is not None
    return Link(
        name=name,
        description=options.description,
        deprecation=options.deprecation,
        target=declared.name,
        many=many,
        nullable=not many and annotation.nullable,
        here=str(options.key),
        there=str(options.to),
    )


def resolve_links(
    types: Mapping[str, TypeDef], key_of: Mapping[str, Callable[[str, str], Key]]
) -> tuple[dict[str, TypeDef], list[tuple[str, str]]]:
    """Return the types with the keys of every Link described; ``key_of`` has a function for each type, by its name.

    The second value has a type's name and a sentence for each key that cannot be compared.
    """
    problems: list[tuple[str, str]] = []

    def resolved(definition: TypeDef, link: Link) -> Link:
        where = f"{definition.name}.{link.name}"
        try:
            here, there = key_of[definition.name](str(link.here), where), key_of[link.target](str(link.there), where)
        except DeclarationError as error:
            problems.append((definition.name, str(error)))
            return link
        return replace(link, here=here, there=there)

    found = {
        name: replace(
            definition,
            fields={
                key: resolved(definition, field) if isinstance(field, Link) and field.target in types else field
                for key, field in definition.fields.items()
            },
        )
        for name, definition in types.items()
    }
    return found, problems
