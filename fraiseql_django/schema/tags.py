"""Tags of django-taggit: rows of a model of tags, which a table between leads to by a foreign key or a content type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

from .definition import Column, ContentTypeKey, FieldDef, Related, TypeDef, content_type_label
from .scalars.postgres import TEXT


@dataclass(frozen=True, slots=True)
class TagLinks:
    """The table between rows and tags: ``tag`` is its column with the key ``tag_key`` of a tag.

    It leads to a row by a content type, or by the column ``own``, which equals ``key`` of the row.
    """

    model: type[models.Model]
    tag: str
    tag_key: str
    key: str
    own: str
    by: ContentTypeKey | None
    content_types: type[models.Model] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRows(Related):
    """The tags of a row, as rows of a declared type."""

    links: TagLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class TagNames(FieldDef):
    """The names of the tags of a row, where no type is declared over them; ``tags`` stands for such a type."""

    links: TagLinks
    tags: TypeDef
    many: bool = True


def is_tags(found: Any) -> bool:
    """Whether a field of a model is a TaggableManager."""
    return hasattr(found, "use_gfk") and hasattr(found, "through")


def describe_tags(found: Any, name: str, target: str) -> FieldDef:
    """Describe a TaggableManager that leads to the type ``target``, or to names where that is empty."""
    through, own = found.through, found.model._meta.pk.attname
    tag = through._meta.get_field("tag")
    by, content_types, column = None, None, ""
    if found.use_gfk:
        label = content_type_label(found.model, concrete=True)
        by = ContentTypeKey(content_type="content_type_id", object_id="object_id", label=label)
        content_types = through._meta.get_field("content_type").related_model
    else:
        leads = through._meta.get_field("content_object")
        column, own = leads.attname, leads.target_field.attname
    links = TagLinks(through, tag.attname, tag.target_field.attname, own, column, by, content_types)
    if target:
        return TagRows(name=name, target=target, many=True, nullable=False, links=links)
    model = tag.related_model
    shown = Column(name="name", column="name", scalar=TEXT, cast="text", nullable=False)
    tags = TypeDef(
        name=model.__name__, description=None, model=model, fields={"name": shown}, key={"name": shown}, single=None,
        plural=None,
    )  # fmt: skip
    return TagNames(name=name, description="The names of its tags.", links=links, tags=tags)
