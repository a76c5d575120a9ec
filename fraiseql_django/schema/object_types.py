"""Object types over no table, and the results of mutations: leaves, objects, declared types, lists, unions."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from graphql import GraphQLEnumType, GraphQLScalarType

from ..declare.members import FieldOptions, module_of, unread_members
from ..declare.names import check_field_name, check_name
from ..declare.registry import ObjectDeclaration, Registry
from ..declare.rules import as_rule
from ..errors import DeclarationError
from .annotations import Annotation, Named, read, scalar
from .choice_classes import enum_source
from .definition import FieldDef
from .django_fields import ColumnDescriber
from .relations import Targets
from .scalars.postgres import TEXT, Scalar, choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The type of a value that Python returns.

    It is a list of ``item``, of ``most`` items where that is known; or of the type ``leaf``, which PostgreSQL writes as
    ``scalar``; or an object of one of the ``types``, given by name. Several types make the union ``union``.
    """

    nullable: bool = False
    item: Output | None = None
    most: int | None = None
    leaf: GraphQLScalarType | GraphQLEnumType | None = None
    scalar: Scalar | None = None
    types: tuple[str, ...] = ()
    union: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectField(FieldDef):
    """A field of an object type over no table: ``attribute`` in Python, ``key`` in JSON.

    Unless it is ``required``, ``default`` stands for a missing value.
    """

    attribute: str
    key: str
    output: Output
    required: bool = True
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectDef:
    """An object type over no table; ``failed`` says that a mutation that returns one has failed.

    Its values are objects of the class ``cls``, or a mutation's ``Made`` of its name, which is the only kind of value
    where ``cls`` is None.
    """

    name: str
    description: str | None
    cls: type | None
    failed: bool
    fields: dict[str, ObjectField]
    directives: tuple[Any, ...] = ()


class Outputs:
    """Describes results of functions, and their object types, once each: ``objects`` has them by name."""

    def __init__(self, registry: Registry, columns: ColumnDescriber) -> None:
        self.registry = registry
        self.columns = columns
        self.conventions = columns.conventions
        self.targets = Targets(registry)
        self.objects: dict[str, ObjectDef] = {}
        self.unions: dict[str, tuple[str, ...]] = {}

    def read(self, annotation: Any, module: str, where: str, union: str | None = None) -> Output:
        """Describe the type of an annotation in a module; ``union`` is the name for a union of types."""
        return self.of(read(annotation, module, self.registry, unions=union is not None), where, union)

    def of(self, annotation: Annotation, where: str, union: str | None = None) -> Output:
        """Describe the type of an annotation; raise DeclarationError for one that GraphQL has no type for."""
        if annotation.item is not None:
            return Output(nullable=annotation.nullable, item=self.of(annotation.item, where, union))
        if annotation.members:
            return self._union(annotation, where, str(union))
        base = annotation.base
        name = self._object_name(base, where)
        if name is not None:
            return Output(nullable=annotation.nullable, types=(name,))
        leaf, known = self.leaf(base, where)
        return Output(nullable=annotation.nullable, leaf=leaf, scalar=known)

    def leaf(self, base: Any, where: str) -> tuple[Any, Scalar | None]:
        """Return the leaf type of a Python type, and how PostgreSQL writes it (None: a type of GraphQL's own)."""
        known = scalar(base, self.conventions.python_scalars)
        if known is not None:
            return known.graphql, known
        if isinstance(base, (GraphQLScalarType, GraphQLEnumType)):
            return base, None
        if inspect.isclass(base) and issubclass(base, enum.Enum):
            graphql = self.enum(base)
            return graphql, choice(graphql, TEXT)
        written = base.name if isinstance(base, Named) else repr(base)
        raise DeclarationError(
            f"{where}: {written} is neither a declared type, nor an Enum, nor a Python type that has a scalar"
        )

    def enum(self, cls: type[enum.Enum]) -> GraphQLEnumType:
        """Return the enum type of Python's or Django's choices."""
        return self.columns.enum(enum_source(cls, cls.__name__))

    def object(self, cls: Any) -> ObjectDef:
        """Describe the object type of a class, and those of its fields."""
        declared: ObjectDeclaration = getattr(cls, "__fraiseql_object__", None) or ObjectDeclaration(
            cls=cls, name=cls.__name__, description=_own_doc(cls), options={}
        )
        known = self.objects.get(declared.name)
        if known is None:
            check_name(declared.name, "a type")
            known = ObjectDef(
                name=declared.name,
                description=declared.description,
                cls=cls,
                failed=declared.failed,
                fields={},
                directives=declared.directives,
            )
            # before its fields, which may lead back to it
            self.objects[declared.name] = known
            problems = unread_members(cls, declared.name) if hasattr(cls, "__fraiseql_object__") else []
            problems += [
                f"{declared.name}.{name} is computed, which only fields of types over models are; give it a value "
                f"where the object is made"
                for name, options in declared.options.items()
                if options.is_computed
            ]
            if problems:
                raise DeclarationError("\n".join(problems))
            for item in map(self._field_of(declared), dataclasses.fields(cls)):
                if item.name in known.fields:
                    raise DeclarationError(
                        f"{declared.name} has two fields called {item.name!r} ({item.attribute!r} is one): "
                        f"give one another name with fraiseql.field(name=…)"
                    )
                known.fields[item.name] = item
        elif known.cls is not cls:
            raise _two_types(declared.name, known.cls, cls)
        return known

    def add(self, described: ObjectDef) -> None:
        """Add an object type that no class stands for; raise DeclarationError where its name is another type's."""
        check_name(described.name, "a type")
        known = self.objects.setdefault(described.name, described)
        if known is not described:
            raise _two_types(described.name, known.cls, described.cls)

    def extend(self, definition: ObjectDef, added: Mapping[str, tuple[Any, Any]]) -> None:
        """Give an object type fields that its class does not declare: annotation and default, by Python name."""
        present = {item.attribute for item in definition.fields.values()}
        for attribute, (annotation, default) in added.items():
            if attribute not in present:
                output = self.read(annotation, __name__, f"{definition.name}.{attribute}")
                item = ObjectField(
                    name=self.conventions.name(attribute), attribute=attribute, key=attribute, output=output,
                    required=False, default=default,
                )  # fmt: skip
                definition.fields[item.name] = item

    def union(self, types: tuple[str, ...], name: str, where: str) -> Output:
        """Describe a union of object types; a single one is no union."""
        if len(types) == 1:
            return Output(types=types)
        if self.unions.setdefault(check_name(name, where), types) != types:
            raise DeclarationError(f"two unions are called {name!r}; give one of the mutations another name")
        return Output(types=types, union=name)

    def _field_of(self, declared: ObjectDeclaration) -> Any:
        def field(item: dataclasses.Field[Any]) -> ObjectField:
            where = f"{declared.name}.{item.name}"
            options = declared.options.get(item.name, FieldOptions())
            default: Any = None
            if item.default is not dataclasses.MISSING:
                default = item.default
            elif item.default_factory is not dataclasses.MISSING:
                default = item.default_factory()
            missing = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            output = self.read(item.type, module_of(declared.cls, item.name), where, union=None)
            return ObjectField(
                name=check_field_name(options.name or self.conventions.name(item.name), where),
                description=options.description,
                deprecation=options.deprecation,
                attribute=item.name,
                key=options.column or item.name,
                # null stands for a masked value
                output=replace(output, nullable=True) if options.mask else output,
                permission=as_rule(options.permission, where),
                mask=options.mask,
                cost=options.cost,
                directives=options.directives,
                cache=options.cache,
                required=missing,
                default=default,
            )

        return field

    def _object_name(self, base: Any, where: str) -> str | None:
        """Return the name of a class's object type, for a model that of the type declared over it; None for others."""
        declared = self.registry.declaration_of(base)
        if declared is not None:
            if declared not in self.registry.types:
                raise DeclarationError(f"{where}: {declared.cls.__name__} is declared in another registry")
            return str(declared.name)
        if not inspect.isclass(base) or base in self.conventions.python_scalars:
            return None
        if issubclass(base, models.Model):
            return self.targets.of(base, where)
        if hasattr(base, "__fraiseql_input__"):
            raise DeclarationError(f"{where}: {base.__name__} is an input, which cannot be answered")
        if "__fraiseql_object__" in vars(base) or dataclasses.is_dataclass(base):
            return self.object(base).name
        return None

    def _union(self, annotation: Annotation, where: str, union: str) -> Output:
        outputs = [self.of(member, where) for member in annotation.members]
        if any(len(output.types) != 1 for output in outputs):
            raise DeclarationError(f"{where} is a union of more than object types, which GraphQL does not have")
        types = tuple(dict.fromkeys(output.types[0] for output in outputs))
        return replace(self.union(types, union, where), nullable=annotation.nullable)


def _two_types(name: str, *classes: type | None) -> DeclarationError:
    both = " and ".join(f"{cls.__qualname__} in {cls.__module__}" if cls else "a mutation's result" for cls in classes)
    return DeclarationError(f"two types are called {name!r}: {both}; give one of the classes another name")


def _own_doc(cls: type) -> str | None:
    # dataclass replaces a missing docstring by the signature
    doc = cls.__doc__ or ""
    return None if doc.startswith(f"{cls.__name__}(") or not doc else inspect.cleandoc(doc)
