"""A model's column → its description: which GraphQL type each Django field class has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

from django.contrib.postgres import fields as postgres
from django.contrib.postgres.search import SearchVectorField
from django.db import connections, models
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from graphql import GraphQLEnumType, GraphQLID

from .._django import concrete_model, key_fields
from ..declare.names import NO_CHOICE, pascal_case
from ..declare.scalars import ScalarDeclaration
from ..declare.translations import translation_of
from ..errors import ConfigurationError, DeclarationError, FraiseQLError
from ..fields import LTreeField, VectorField
from .annotations import scalar as python_scalar
from .choice_classes import class_of_choices, enum_source
from .conventions import Conventions
from .definition import Column, Embedded, EnumFactory, EnumSource, FieldDef
from .python_values import (
    AS_STORED,
    Conversion,
    converts,
    flat_choices,
    holds_several,
    looked_up,
    names_of,
    shows_null,
    stored_choice,
    with_conversion,
)
from .scalars import postgres as scalars
from .scalars.composite import FILE_INPUT, FILES, RANGES, file_parts, range_parts
from .scalars.declared import ScalarTypes, stored_scalar
from .scalars.postgres import Scalar

# The first class in a field's method resolution order that stands here decides.
SCALARS: Mapping[type[models.Field[Any, Any]], Scalar] = {
    models.BooleanField: scalars.BOOLEAN,
    models.SmallIntegerField: scalars.INT,
    models.PositiveSmallIntegerField: scalars.INT,
    models.IntegerField: scalars.INT,
    models.PositiveIntegerField: scalars.INT,
    models.BigIntegerField: scalars.BIGINT,
    models.PositiveBigIntegerField: scalars.BIGINT,
    models.FloatField: scalars.FLOAT,
    models.DecimalField: scalars.NUMERIC,
    models.CharField: scalars.TEXT,
    models.TextField: scalars.TEXT,
    models.FilePathField: scalars.TEXT,
    models.UUIDField: scalars.UUID,
    models.DateField: scalars.DATES,
    models.DateTimeField: scalars.DATETIME,
    models.TimeField: scalars.TIMES,
    models.DurationField: scalars.INTERVAL,
    models.BinaryField: scalars.BYTES,
    models.GenericIPAddressField: scalars.INET,
    models.JSONField: scalars.JSONB,
    postgres.HStoreField: scalars.HSTORES,
    SearchVectorField: scalars.LEXEMES,
    LTreeField: scalars.LTREES,
    VectorField: scalars.VECTOR,
}
# Field classes of packages that need not be installed, by their paths
_OF_PACKAGES: Mapping[str, Scalar] = {"pgvector.django.vector.VectorField": scalars.VECTOR}
# The stored types of automatic keys
_KEYS: Mapping[type[models.Field[Any, Any]], Scalar] = {
    models.AutoField: scalars.INT,
    models.BigAutoField: scalars.INT,
    models.SmallAutoField: scalars.INT,
}


def ancestor(field: models.Field[Any, Any], known: Mapping[Any, Any], mapped: Mapping[type, type | Scalar]) -> Any:
    """Return the entry for the field's class or the nearest class that it extends, or None.

    A class that ``mapped`` has counts as the class that it is mapped to (``SCALARS``), or has the declared scalar that
    it is mapped to.
    """
    for cls in type(field).__mro__:
        if cls in mapped:
            target = mapped[cls]
            if isinstance(target, Scalar):
                return target
            return next((known[base] for base in target.__mro__ if base in known), None)
        if cls in known:
            return known[cls]
        if SCALARS.items() <= known.items() and (path := f"{cls.__module__}.{cls.__qualname__}") in _OF_PACKAGES:
            return _OF_PACKAGES[path]
    return None


def mapped_scalars(paths: Mapping[str, str], declared: ScalarTypes) -> dict[type, type | Scalar]:
    """Return the field classes of declared scalars and those that ``SCALARS`` names, by what each is treated as.

    Raises ConfigurationError as ``mapped_classes`` does.
    """
    return {**declared.fields, **dict(mapped_classes(path, target, declared) for path, target in paths.items())}


def mapped_classes(path: str, target: str, declared: ScalarTypes) -> tuple[type, type | Scalar]:
    """Return the field class that a pair of ``FRAISEQL["SCALARS"]`` names, and what it is treated as.

    That is another field class, or a declared scalar, by its GraphQL name. Raises ConfigurationError for a path that
    cannot be imported, or a target whose type is not known.
    """
    cls = _field_class(path)
    if target in declared.names:
        return cls, declared.names[target]
    if "." not in target:
        names = ", ".join(sorted(declared.names)) or "none"
        raise ConfigurationError(
            f"FRAISEQL['SCALARS'][{path!r}] is {target!r}, which is no declared scalar; declared are: {names}."
        )
    known = _field_class(target)
    if not any(base in SCALARS or base in RANGES for base in known.__mro__):
        raise ConfigurationError(
            f"FRAISEQL['SCALARS'][{path!r}] is {target!r}, which extends no field class that is known."
        )
    return cls, known


def _field_class(path: str) -> type:
    try:
        cls = import_string(path)
    # a module may raise anything
    except Exception as error:
        raise ConfigurationError(f"FRAISEQL['SCALARS'] names {path!r}, which cannot be imported: {error}.") from error
    if not (isinstance(cls, type) and issubclass(cls, models.Field)):
        raise ConfigurationError(f"FRAISEQL['SCALARS'] names {path!r}, which is no field class.")
    return cls


def concrete(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """Follow keys to the column that they refer to, and a generated column to its type."""
    while True:
        if isinstance(field, models.ForeignKey):
            field = field.target_field
        elif isinstance(field, models.GeneratedField):
            field = field.output_field  # type: ignore[assignment]
        else:
            return field


@dataclass(frozen=True, slots=True)
class ColumnDescriber:
    """Describes fields of models for one schema: by its conventions, with its enum types.

    ``types`` are the names of the types over each model, where rows have global ids.
    """

    conventions: Conventions
    enum: EnumFactory
    types: Mapping[type[models.Model], tuple[str, ...]] = dataclass_field(default_factory=dict)

    def global_names(self, model: type[models.Model], field: models.Field[Any, Any]) -> tuple[str, ...]:
        """Return the names of the types whose global ids clients write for a column; none where it is as it is stored.

        These are keys of a single column, and foreign keys that lead to one.
        """
        if not self.types or converts(concrete(field)):
            return ()
        if field in own_keys(model):
            return self.types.get(concrete_model(model), ())
        if isinstance(field, models.ForeignKey) and field.target_field.primary_key:
            return self.types.get(concrete_model(field.related_model), ())
        return ()

    def describe(self, field: models.Field[Any, Any], name: str, owner: str) -> FieldDef:
        """Describe a concrete field of a model under the GraphQL name ``name``.

        ``owner`` is the model's name, for errors and for the names of enums. Raises DeclarationError for a class that
        cannot be described.
        """
        try:
            return self._describe(field, name, owner)
        except FraiseQLError:
            raise
        # a field's class may raise anything
        except Exception as error:
            cls = type(concrete(field))
            raise DeclarationError(
                f"{owner}.{field.name} is a {cls.__module__}.{cls.__qualname__}, which raised {type(error).__name__}: "
                f"{error}; leave the field out, or name the Django class to treat it as in FRAISEQL['SCALARS']"
            ) from error

    def _describe(self, field: models.Field[Any, Any], name: str, owner: str) -> FieldDef:
        column = concrete(field) if not isinstance(field, models.ForeignKey) else field
        described = field_description(field)
        nullable = field.null or isinstance(field, models.GeneratedField)
        ranged = ancestor(column, RANGES, self.conventions.scalars)
        if isinstance(column, models.FileField) and not isinstance(ranged, Scalar):
            value = FILES[isinstance(column, models.ImageField)]
            # only forms keep a column from being blank
            return Embedded(
                name=name, description=described, column=field.attname, value=value, parts=file_parts(column),
                nullable=True, filter=FILE_INPUT, translation=translation_of(field),
            )  # fmt: skip
        if isinstance(ranged, tuple):
            value, filter_input = ranged
            return Embedded(
                name=name, description=described, column=field.attname, value=value, parts=range_parts(value),
                nullable=nullable, filter=filter_input,
            )  # fmt: skip
        items, dimensions = column, 0
        while isinstance(items, postgres.ArrayField):
            items, dimensions = items.base_field, dimensions + 1
        ranged = ancestor(items, RANGES, self.conventions.scalars)
        if dimensions and (isinstance(items, models.FileField) or isinstance(ranged, tuple)):
            raise DeclarationError(
                f"{owner}.{field.name} is an array of {type(items).__name__}, which cannot be written; leave it out"
            )
        scalar = self.scalar(items if dimensions else field, field.name, owner)
        if dimensions > 1 and scalar.json_array is None:
            raise DeclarationError(
                f"{owner}.{field.name} is an array of {dimensions} dimensions of {scalar.name}, which cannot be "
                f"written; leave it out"
            )
        # JSON has a null of its own, which a column that is never null may hold
        has_null = scalar.is_json
        found = Column(
            name=name, description=described, column=field.attname, scalar=scalar, dimensions=dimensions,
            cast=self._bare_type(column) if dimensions else scalar.cast,
            nullable=nullable or (has_null and not dimensions),
            nullable_items=bool(dimensions) and (items.null or has_null), translation=translation_of(field),
        )  # fmt: skip
        return self._converted(found, items if dimensions else field)

    def _converted(self, found: Column, field: models.Field[Any, Any]) -> Column:
        """Return the description of a column whose values Python makes, where the field's class does."""
        column, scalar, alias = concrete(field), found.scalar, self.conventions.settings.database
        if isinstance(scalar.graphql, GraphQLEnumType):
            if found.dimensions or not holds_several(column):
                return found
            names = names_of(scalar.graphql)
            conversion = Conversion(column, alias, scalar, names)
            return replace(found, dimensions=1, conversion=conversion, compared=False)
        if not converts(column) or (scalar.declared is not None and scalar.declared.sql is not None):
            return found
        compared = not found.dimensions
        if scalar.graphql is not GraphQLID and scalar.declared is None:
            scalar, comparable = with_conversion(scalar, column, alias)
            compared = compared and comparable
        nullable = found.nullable or (scalar.keeps_text and not found.dimensions and shows_null(column, alias))
        conversion = Conversion(column, alias, scalar)
        return replace(found, scalar=scalar, conversion=conversion, compared=compared, nullable=nullable)

    def scalar(self, field: models.Field[Any, Any], name: str, owner: str) -> Scalar:
        """Return the leaf type of a field that holds one value; ``name`` is the model field's.

        Raises DeclarationError for a class that extends no known one.
        """
        column = concrete(field)
        stored: Scalar | None = ancestor(column, {**SCALARS, **_KEYS}, self.conventions.scalars)
        if stored is None:
            raise DeclarationError(
                f"{owner}.{name} is a {type(column).__module__}.{type(column).__qualname__}, which extends no "
                f"field class that is known; name the Django class to treat it as in FRAISEQL['SCALARS'], or leave it "
                f"out"
            )
        if stored.declared is not None and not is_key(field):
            return self._declared(stored, stored.declared, field)
        if stored.declared is not None:
            # models, and so mutations, know a row by what is stored
            like = python_scalar(stored.declared.like)
            assert like is not None
            stored = stored_scalar(stored.declared, like)
        stored = self._with_column_type(scalars.localized(stored), column)
        if is_key(field) or isinstance(column, models.AutoField):
            return scalars.identifier(
                stored, lambda text: column.get_prep_value(column.to_python(text)), is_shown=not converts(column)
            )
        if _prepares(column) and not converts(column):
            stored = scalars.prepared(stored, column.get_prep_value)
        if field.choices and (stored.textual or scalars.is_whole(stored)):
            return scalars.choice(self.enum(_choices(field, name, stored, owner)), stored)
        return stored

    def _declared(self, scalar: Scalar, declared: ScalarDeclaration, field: models.Field[Any, Any]) -> Scalar:
        """Return a scalar of the project's own, for a field whose class has it."""
        column, alias = concrete(field), self.conventions.settings.database
        found = scalar if declared.cast is not None else self._with_column_type(scalar, column)
        if declared.bind is None and _prepares(column):
            found = scalars.prepared(found, lambda value: looked_up(column, value, alias))
        return found

    def _with_column_type(self, scalar: Scalar, field: models.Field[Any, Any]) -> Scalar:
        """Compare in the column's own type where it is not the usual one (citext, timestamp without zone, …)."""
        base = self._bare_type(field) or scalar.cast
        usual = {"varchar", "char", "text", "integer", "smallint", "bigint", "serial", "bigserial", "smallserial"}
        if base in usual or base == scalar.cast:
            return scalar
        if base == "timestamp with time zone" or base == "numeric" or base.startswith(("interval", "time ")):
            return scalar
        return replace(scalar, cast=base)

    def _bare_type(self, field: models.Field[Any, Any]) -> str:
        """Return the column's type without its sizes: ``varchar(20)[]`` is ``varchar[]``, which cuts nothing off."""
        return re.sub(r"\s*\([^)]*\)", "", field.db_type(connections[self.conventions.settings.database]) or "")


def is_key(field: models.Field[Any, Any]) -> bool:
    """Whether clients see the values of a field as ids."""
    return bool(field.primary_key) or isinstance(field, models.ForeignKey)


def own_keys(model: type[models.Model]) -> list[Any]:
    """Return the columns that hold the key of a model's rows: its own, and those of its parents' rows.

    There are none where the key has several columns.
    """
    found: list[Any] = []
    while len(keys := key_fields(model)) == 1:
        found += keys
        link = keys[0].remote_field
        if link is None or not getattr(link, "parent_link", False):
            break
        model = link.model
    return found


def _prepares(field: models.Field[Any, Any]) -> bool:
    """Whether the field's class has a way of its own to prepare values, which Django's lookups would use."""
    owner = next(cls for cls in type(field).__mro__ if "get_prep_value" in vars(cls))
    return not owner.__module__.startswith(AS_STORED)


def _choices(field: models.Field[Any, Any], name: str, stored: Scalar, owner: str) -> EnumSource:
    column = concrete(field)
    choices = [(stored_choice(column, value), str(label)) for value, label in flat_choices(field) if value is not None]
    pairs = [(value, label) for value, label in choices if value is not None]
    declared = class_of_choices(field, tuple(pairs))
    if field.blank and stored.textual and all(value != "" for value, _ in pairs):
        pairs.append(("", NO_CHOICE))
    if declared is None:
        return EnumSource(name=owner + pascal_case(name), choices=tuple(pairs))
    found = enum_source(declared, owner + pascal_case(name))
    # with a choice that the class does not have it is another enum
    return replace(found, choices=tuple(pairs), chosen=found.chosen and len(pairs) == len(choices))


def field_description(field: models.Field[Any, Any]) -> str | None:
    """Return the help text, the comment on the column, or the verbose name, whichever was given first."""
    if field.help_text:
        return str(field.help_text)
    if comment := getattr(field, "db_comment", None):
        return str(comment)
    automatic = field.name.replace("_", " ")
    return capfirst(str(field.verbose_name)) if str(field.verbose_name) not in (automatic, field.name, "ID") else None
