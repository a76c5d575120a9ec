"""Types over views and tables: a declaration → its TypeDef, by the annotations of columns and of JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..declare.members import Auto, FieldOptions
from ..declare.names import check_field_name, check_name
from ..declare.registry import TypeDeclaration
from ..declare.sources import Source
from ..errors import DeclarationError, FraiseQLError
from .annotations import read
from .arguments import Arguments
from .definition import Extracted, FieldDef, Key, Nested, Shape, TypeDef
from .function_fields import Required, describe_python, return_annotation
from .object_types import Output, Outputs
from .relations import Targets, describe_link
from .scalars import graphql as leaves
from .unique_keys import describe_unique


class Shapes:
    """Describes the classes of objects in JSON, once each: ``found`` has them by the type's name."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self.found: dict[str, Shape] = {}
        self._declared = {declaration.name: declaration for declaration in outputs.registry.types}

    def field(self, output: Output, key: str, where: str, options: FieldOptions, name: str) -> FieldDef:
        """Describe a field of a source, or of an object in JSON, whose value is ``output``."""
        about: dict[str, Any] = {
            "name": name, "description": options.description, "deprecation": options.deprecation, "key": key,
            "nullable": output.nullable, "nullable_items": output.item is not None and output.item.nullable,
        }  # fmt: skip
        value = output.item or output
        if value.item is not None:
            raise DeclarationError(
                f"{where} is a list of lists, which cannot be read from it; annotate it fraiseql.JSON"
            )
        if value.union is not None:
            raise DeclarationError(f"{where} is a union, which cannot be read from JSON; annotate one type")
        if value.types:
            target = self.target(value.types[0], where)
            return Nested(target=target, many=output.item is not None, **about)
        if value.scalar is None or value.leaf is leaves.UPLOAD:
            raise DeclarationError(f"{where} cannot be a {value.leaf}; annotate a Python type that has a scalar")
        return Extracted(scalar=value.scalar, dimensions=int(output.item is not None), **about)

    def target(self, name: str, where: str) -> str:
        """Return the name of a type of objects in JSON, described; raise DeclarationError for one over a model."""
        declared = self._declared.get(name)
        if declared is None:
            self._shape(name)
        elif declared.source is None:
            raise DeclarationError(
                f"{where} is annotated {declared.cls.__name__}, a type over {declared.model.__name__}, which JSON does "
                f"not hold; say how its rows are found with fraiseql.relation(key, to=…)"
            )
        return name

    def _shape(self, name: str) -> None:
        if name in self.found:
            return
        declared = self.outputs.objects[name]
        fields: dict[str, FieldDef] = {}
        # before its fields, which may lead back to it
        self.found[name] = Shape(name=name, description=declared.description, fields=fields)
        for item in declared.fields.values():
            options = FieldOptions(description=item.description, deprecation=item.deprecation)
            described = self.field(item.output, item.key, f"{name}.{item.attribute}", options, item.name)
            fields[item.name] = replace(
                described, permission=item.permission, mask=item.mask, cost=item.cost, directives=item.directives,
                cache=item.cache,
            )  # fmt: skip


class SourceDescriber:
    """Describes one declaration over a source; all of its problems are reported together."""

    def __init__(
        self, declaration: TypeDeclaration, source: Source, targets: Targets, shapes: Shapes, arguments: Arguments
    ) -> None:
        self.arguments = arguments
        self.declaration = declaration
        self.source = source
        self.targets = targets
        self.shapes = shapes
        self.annotations = declaration.annotations
        self.described: dict[str, FieldDef] = {}
        self.problems: list[str] = []

    def describe(self) -> TypeDef:
        """Return the description; raise DeclarationError with one line for each problem."""
        declared = self.declaration
        options = declared.options
        fields: dict[str, FieldDef] = {}
        self.problems += declared.dropped
        for python_name in dict.fromkeys([*self.annotations, *options]):
            described = self._attempt(self._field, python_name, options.get(python_name, FieldOptions()))
            if described is None:
                continue
            if described.name in fields:
                self.problems.append(
                    f"{declared.name} has two fields called {described.name!r} ({python_name!r} is one): "
                    f"give one another name with fraiseql.field(name=…)"
                )
            self.described[python_name] = fields[described.name] = described
        key = self._attempt(self._key)
        conventions = self.shapes.outputs.conventions
        unique = self._attempt(describe_unique, declared, self.key_of, conventions)
        name = self._attempt(check_name, declared.name, "a type")
        roots = {query: self._attempt(check_name, root, "a root field") for query, root in declared.root_names.items()}
        if self.problems or key is None:
            raise DeclarationError("\n".join(self.problems))
        return TypeDef(
            name=name,
            model=declared.model,
            source=self.source,
            description=declared.description,
            fields=fields,
            key=key,
            # without a key no single row can be queried
            single=roots.get("single") if key or unique else None,
            plural=roots.get("plural"),
            unique=unique or (),
        )

    def key_of(self, python_name: str, where: str) -> Key:
        """Return what ``relation(…)`` compares: a declared value, or a column of the source without a field."""
        described = self.described.get(python_name)
        if described is None:
            return python_name
        if not isinstance(described, Extracted) or described.dimensions or described.scalar.is_json:
            raise DeclarationError(f"{where} compares {self.declaration.name}.{python_name}, which is no single value")
        return described

    def _attempt(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except FraiseQLError as error:
            self.problems.append(str(error))
            return None

    def _field(self, python_name: str, options: FieldOptions) -> FieldDef | None:
        if options.invalid:
            return None
        where = f"{self.declaration.name}.{python_name}"
        name = check_field_name(options.name or self.shapes.outputs.conventions.name(python_name), where)
        written = self.annotations.get(python_name) or return_annotation(options)
        if written is None:
            raise DeclarationError(f"{where} has no annotation; a source does not tell the type of its values")
        raw, module = written
        if isinstance(raw, Auto):
            raise DeclarationError(f"{where} is fraiseql.auto, which needs a model; annotate its type")
        registry = self.targets.registry
        if options.requires is not None:
            requires = [self._required(required, where) for required in options.requires]
            annotation = read(raw, module, registry)
            return describe_python(name, python_name, options, annotation, requires, where, self.arguments, None)
        if options.expression is not None or options.resolver is not None or options.function is not None:
            raise DeclarationError(
                f"{where} is an expression, which needs a model; let {self.source.table} compute it, in a column"
            )
        if options.to is not None:
            return describe_link(options, name, read(raw, module, registry), where, self.targets)
        output = self.shapes.outputs.read(raw, module, where)
        return self.shapes.field(output, options.column or python_name, where, options, name)

    def _required(self, python_name: str, where: str) -> Required:
        """Return what a field in Python requires: a value of the source that the type declares."""
        options = self.declaration.options.get(python_name, FieldOptions())
        # a field in Python is no value of the source, whatever it requires
        declared = python_name in self.annotations and options.requires is None
        found = self._field(python_name, options) if declared else None
        if not isinstance(found, Extracted):
            raise DeclarationError(
                f"{where} requires {python_name!r}, which is no value that {self.declaration.name} has"
            )
        return Required(name=python_name, field=found)

    def _key(self) -> dict[str, Extracted]:
        names = self.source.key
        if names is None:
            names = ("id",) if isinstance(self.described.get("id"), Extracted) else ()
        key: dict[str, Extracted] = {}
        for python_name in names:
            described = self.described.get(python_name)
            if not isinstance(described, Extracted) or described.dimensions or described.scalar.is_json:
                known = ", ".join(name for name, field in self.described.items() if isinstance(field, Extracted))
                raise DeclarationError(
                    f"{self.declaration.name}: the key {python_name!r} is no single value, must be one of: {known}"
                )
            key[described.name] = described
        return key
