"""Types over models: a declaration → its TypeDef."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import formatannotation
from typing import Any

from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from .._django import key_fields
from ..declare.members import Auto, FieldOptions
from ..declare.names import check_field_name, check_name
from ..declare.registry import TypeDeclaration
from ..errors import DeclarationError, FraiseQLError
from .annotations import PYTHON_NAMES, Annotation, read, scalar, signature
from .arguments import Arguments
from .definition import Column, Computed, FieldDef, LeftOut, TypeDef
from .django_fields import ColumnDescriber, concrete
from .function_fields import Required, describe_function, describe_python, return_annotation
from .one_value import check_one_value
from .relations import (
    AnyModelField,
    Targets,
    describe_generic,
    describe_generic_list,
    describe_link,
    describe_relation,
    is_generic,
    is_generic_list,
)
from .scalars.postgres import Scalar
from .tags import describe_tags, is_tags
from .trees import tree_fields
from .unique_keys import describe_unique


class TypeDescriber:
    """Describes one declaration; all of its problems are reported together."""

    def __init__(self, declaration: TypeDeclaration, targets: Targets, arguments: Arguments) -> None:
        self.declaration = declaration
        self.model = declaration.model
        self.targets = targets
        self.arguments = arguments
        self.columns = columns = arguments.outputs.columns
        self.conventions = columns.conventions
        self.annotations = declaration.annotations
        self.options = declaration.options
        self.problems: list[str] = []
        self.left_out: list[LeftOut] = []
        # how many of the fields that nobody has named would have each name
        self.often: Counter[str] = Counter()

    def describe(self) -> TypeDef:
        """Return the description; raise DeclarationError with one line for each problem."""
        declared = self.declaration
        self.problems += declared.dropped
        fields: dict[str, FieldDef] = {}
        excluded = self._excluded()
        for python_name in self._named():
            described = self._attempt(self._field, python_name)
            if described is not None:
                self._add(fields, described, python_name)
        if declared.everything:
            named = {*self.annotations, *self.options}
            unnamed = list(self._everything())
            self.often = Counter(self.conventions.name(python_name) for python_name, _ in unnamed)
            for python_name, found in unnamed:
                if python_name not in named and found not in excluded and python_name not in (declared.exclude or ()):
                    self._add_unnamed(fields, python_name, found)
        for name in declared.secrets:
            reason = f"{declared.name}.{name} looks like a secret; declare a type with it, or types(…, secrets=True)"
            self.left_out.append(LeftOut(name=name, reason=reason, column=False))
        if declared.tree:
            self._attempt(self._add_tree, fields)
        key = self._attempt(self.key)
        if not fields and not self.problems:
            self.problems.append(f"{declared.name} has no fields; name some with fields=[…], or annotate them")
        unique = self._attempt(describe_unique, declared, self.key_of, self.conventions)
        names = [self._attempt(check_name, declared.name, "a type")]
        root = {query: self._attempt(check_name, name, "a root field") for query, name in declared.root_names.items()}
        if self.problems or key is None:
            raise DeclarationError("\n".join(self.problems))
        return TypeDef(
            name=names[0],
            model=self.model,
            description=declared.description or self._model_description(),
            fields=fields,
            key=key,
            single=root.get("single"),
            plural=root.get("plural"),
            unique=unique or (),
            left_out=tuple(self.left_out),
        )

    def _add(self, fields: dict[str, FieldDef], described: FieldDef, python_name: str) -> None:
        if described.name in fields:
            self.problems.append(
                f"{self.declaration.name} has two fields called {described.name!r} ({python_name!r} is one): "
                f"give one another name with fraiseql.field(name=…)"
            )
        fields[described.name] = described

    def _add_unnamed(self, fields: dict[str, FieldDef], python_name: str, found: AnyModelField) -> None:
        """Add a field that nobody has named; what cannot be a field is left out."""
        reverse = isinstance(found, ForeignObjectRel)
        try:
            described = self._field_of(found, python_name)
        except DeclarationError as error:
            # tags have the name of a column, but are in other tables
            column = isinstance(found, models.Field) and found.column is not None and not found.many_to_many
            self._leave_out(python_name, str(error), column=column)
            return
        if described.name in fields and reverse:
            self._leave_out(python_name, f"{self.declaration.name}.{python_name} has the name of another field")
            return
        self._add(fields, described, python_name)

    def _add_tree(self, fields: dict[str, FieldDef]) -> None:
        declared = self.declaration
        for described in tree_fields(self.model, declared.tree, declared.name, self.conventions):
            self._add(fields, described, described.axis)

    def _leave_out(self, python_name: str, reason: str, *, column: bool = False) -> None:
        if python_name not in (self.declaration.exclude or ()):
            self.left_out.append(LeftOut(name=python_name, reason=reason, column=column))

    def _attempt(self, step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except FraiseQLError as error:
            self.problems.append(str(error))
            return None

    def _model_description(self) -> str | None:
        # Django gives every model without a docstring one that lists its fields
        doc = self.model.__doc__ or ""
        if doc and not doc.startswith(f"{self.model.__name__}("):
            return inspect.cleandoc(doc)
        return self.model._meta.db_table_comment or None

    # --- which fields ---

    def _named(self) -> list[str]:
        declared = self.declaration
        names = [*self.annotations, *self.options]
        if declared.fields is not None and declared.fields != "__all__":
            names += list(declared.fields)
        return list(dict.fromkeys(names))

    def _excluded(self) -> list[AnyModelField]:
        """Return the excluded fields, all that have one of the names."""
        excluded: list[AnyModelField] = []
        for name in self.declaration.exclude or ():
            found = self._model_fields(name, hidden=True)
            excluded += found
            if not found:
                self.problems.append(self._unknown(name))
        return excluded

    def _everything(self) -> Iterator[tuple[str, AnyModelField]]:
        """Yield the fields of ``"__all__"``: the model's own, then the reverse relations to declared types."""
        found: Any
        pk = self.model._meta.pk
        key = set(pk.fields) if isinstance(pk, models.CompositePrimaryKey) else {pk}
        for found in self.model._meta.get_fields():
            if isinstance(found, (ForeignObjectRel, models.CompositePrimaryKey)):
                continue
            if isinstance(found, models.ForeignKey):
                related = self._related(found) is not None
                # the rest of a key identifies the object together with it; a parent's key is the parent's field, too
                parent = getattr(found.remote_field, "parent_link", False)
                if not related or (found in key and not parent):
                    yield found.attname, found
                if related:
                    yield found.name, found
            elif isinstance(found, models.ManyToManyField):
                if self._related(found) is not None:
                    yield found.name, found
            elif is_tags(found):
                if self._related(found) is not None:
                    yield found.name, found
                elif not isinstance(found.related_model, type) or not self.targets.exist(found.related_model):
                    self._leave_out(
                        found.name, f"{self.declaration.name}.{found.name} has tags, over which no type is declared; "
                        f"name the field for a list of their names",
                    )  # fmt: skip
            elif found.concrete or not isinstance(found.related_model, type) or self._related(found) is not None:
                yield found.name, found
        reverse = [
            (found.get_accessor_name() or found.name, found)
            for found in self.model._meta.get_fields()
            if isinstance(found, ForeignObjectRel)
            and not found.hidden
            and self._related(found) is not None
            # the way from a parent to its child is a branch of the interface
            and not (self.declaration.interface and getattr(found, "parent_link", False))
        ]
        often = Counter(name for name, _ in reverse)
        for name, found in reverse:
            if often[name] > 1:
                self._leave_out(name, f"{self.declaration.name}.{name} is the name of several relations")
            else:
                yield name, found

    def _related(self, field: AnyModelField) -> type[models.Model] | None:
        model: Any = field.related_model
        if not isinstance(model, type) or not self.targets.exist(model):
            return None
        if not self.targets.decided(model):
            where = f"{self.declaration.name}.{field.name}"
            self._leave_out(field.name, f"{where}: {self.targets.undecided(model)}", column=True)
            return None
        return model

    def _model_field(self, name: str) -> AnyModelField | None:
        """Find a field by its name, a key's column name, or a reverse accessor."""
        return next(iter(self._model_fields(name)), None)

    def _model_fields(self, name: str, *, hidden: bool = False) -> list[AnyModelField]:
        """Find all fields of a name, the model's own first."""
        meta = self.model._meta
        fields = sorted(meta.get_fields(include_hidden=hidden), key=lambda field: isinstance(field, ForeignObjectRel))
        found: list[AnyModelField] = []
        for field in fields:
            accessor = field.get_accessor_name() if isinstance(field, ForeignObjectRel) else field.name
            if name in (accessor, getattr(field, "attname", None)):
                found.append(field)
        if not found and name == "pk" and not isinstance(meta.pk, models.CompositePrimaryKey):
            return [meta.pk]
        if not found:
            # by the name in queries, where that is not the accessor's
            found = [field for field in fields if field.name == name]
        return found

    def _unknown(self, name: str) -> str:
        known = ", ".join(sorted({name for name, _ in self._everything()}))
        return f"{self.declaration.name}.{name}: {self.model.__name__} has no field {name!r}; it has: {known}"

    # --- one field ---

    def _field(self, python_name: str) -> FieldDef | None:
        options = self.options.get(python_name, FieldOptions())
        if options.invalid:
            return None
        where = f"{self.declaration.name}.{python_name}"
        name = check_field_name(options.name or self.conventions.name(python_name), where)
        annotation = self._annotation(python_name)
        if options.to is not None:
            described: FieldDef = describe_link(options, name, annotation, where, self.targets)
        elif options.column is not None:
            raise DeclarationError(f"{where} names a column, which is for types over a source; name the model's field")
        elif options.requires is not None:
            requires = [self._required(required, where) for required in options.requires]
            known = {required.name for required in requires}
            # an instance without its key is of little use
            key = [Required(name=part.attname, column=part) for part in key_fields(self.model)]
            requires += [required for required in key if required.name not in known]
            described = describe_python(
                name, python_name, options, annotation, requires, where, self.arguments, self.model
            )
        elif options.expression is not None or options.resolver is not None or options.function is not None:
            described = self._computed(name, options, annotation, where)
        else:
            found = self._model_field(python_name)
            if found is None:
                raise DeclarationError(self._unknown(python_name))
            described = self._described(found, python_name, name, annotation, where)
        return _with_options(described, options)

    def _field_of(self, found: AnyModelField, python_name: str) -> FieldDef:
        where, name = f"{self.declaration.name}.{python_name}", self.conventions.name(python_name)
        if self.declaration.automatic and self.often[name] > 1:
            # phone1 and phone_1: nobody could give one of them another name
            name = python_name
        return self._described(found, python_name, check_field_name(name, where), None, where)

    def _described(
        self, found: AnyModelField, python_name: str, name: str, annotation: Annotation | None, where: str
    ) -> FieldDef:
        key_column = isinstance(found, models.ForeignKey) and python_name == found.attname
        if found.is_relation and not key_column:
            return self._relation(found, python_name, name, annotation, where)
        return self._column(found, python_name, name, annotation, where)

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
        written = self._own_annotation(python_name)
        if written is None:
            return None
        annotation = read(*written, self.targets.registry)
        return None if isinstance(annotation.base, Auto) else annotation

    def _own_annotation(self, python_name: str) -> tuple[Any, str] | None:
        """Return the annotation of a field, or of what its function returns, and the module in which it stands."""
        own = self.annotations.get(python_name)
        return own or return_annotation(self.options.get(python_name, FieldOptions()))

    def _written(self, python_name: str) -> str:
        written = self._own_annotation(python_name)
        assert written is not None
        return formatannotation(written[0])

    def _required(self, name: str, where: str) -> Required:
        """Return what a field in Python requires: a column of the model, or else a computed field of the type."""
        found = self._model_field(name)
        if isinstance(found, models.Field) and found.column is not None:
            return Required(name=found.attname, column=found)
        options = self.options.get(name, FieldOptions())
        # those in Python require no others in Python
        if options.requires is None and (options.expression is not None or options.resolver is not None):
            computed = self._field(name)
            if isinstance(computed, Computed) and computed.compared:
                return Required(name=name, field=computed)
        raise DeclarationError(
            f"{where} requires {name!r}, which is no column of {self.model.__name__}, nor a computed field without "
            f"arguments"
        )

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
        if is_tags(found):
            names = annotation is not None and annotation.item is not None and annotation.item.base is str
            declared = isinstance(model, type) and not names and self.targets.exist(model)
            return describe_tags(found, name, self.targets.of(model, where) if declared and model else "")
        if is_generic(found):
            return describe_generic(found, name, self._abstract(annotation, where))
        if not isinstance(model, type):
            raise DeclarationError(f"{where} is generic: it leads to no one model; leave it out")
        chosen = None if annotation is None else self.targets.named(annotation, model, where)
        target = chosen or self.targets.of(model, where)
        described: Any
        if is_generic_list(found):
            described = describe_generic_list(found, name, target)
        else:
            described = describe_relation(found, name, target, where)
        return described if annotation is None else self._checked(described, annotation, python_name, where)

    def _abstract(self, annotation: Annotation | None, where: str) -> str:
        """Return the name of the abstract type in an annotation of a generic foreign key; nothing without one."""
        if annotation is None:
            return ""
        declared = getattr(annotation.base, "__fraiseql_abstract__", None)
        if declared is None or declared not in self.targets.registry.abstracts:
            raise DeclarationError(
                f"{where} is a generic foreign key; annotate it with a union, `Subject | None`, or with fraiseql.auto"
            )
        return str(declared.name)

    def _checked(self, described: Any, annotation: Annotation, python_name: str, where: str) -> FieldDef:
        """Return the description, nullable if the annotation is; raise DeclarationError where they contradict."""
        actual, written = described.signature, signature(annotation, self.conventions.python_scalars)
        if written not in (actual, actual.removesuffix("!")):
            raise DeclarationError(
                f"{where} is annotated {self._written(python_name)}, but is {actual} in GraphQL; "
                f"write `{python_name}: fraiseql.auto`"
            )
        result: FieldDef = described if written == actual else replace(described, nullable=True)
        return result

    def _computed(self, name: str, options: FieldOptions, annotation: Annotation | None, where: str) -> Computed:
        if options.expression is None:
            if annotation is None:
                raise DeclarationError(f"{where} has no annotation, which tells the type of what the function computes")
            known = self._leaf(annotation, where)
            described = describe_function(self.model, options, known, where, self.arguments)
        else:
            output = check_one_value(self.model, options.expression, where)
            if annotation is None:
                known = self.columns.scalar(concrete(output), where, self.model.__name__)
                return Computed(name=name, expression=options.expression, scalar=known, nullable=True)
            known = self._leaf(annotation, where)
            described = Computed(name=name, expression=options.expression, scalar=known, nullable=True)
        item, dimensions = _innermost(annotation)
        return replace(
            described,
            name=name,
            nullable=annotation.nullable,
            dimensions=dimensions,
            nullable_items=bool(dimensions) and item.nullable,
        )

    def _leaf(self, annotation: Annotation, where: str) -> Scalar:
        """Return the leaf type of an annotated expression; raise DeclarationError for what SQL cannot compute."""
        item, dimensions = _innermost(annotation)
        found = scalar(item.base, self.conventions.python_scalars)
        if found is None or (dimensions > 1 and found.json_array is None):
            raise DeclarationError(
                f"{where} is annotated {self._written(where.rpartition('.')[2])}, "
                f"which SQL cannot compute; annotate it with one of: {', '.join(PYTHON_NAMES)}, or a list of them"
            )
        return found

    def key(self) -> dict[str, Column]:
        """Return the columns that identify a row, by the names of the arguments that ask for it."""
        return describe_key(self.declaration, self.columns)


def _innermost(annotation: Annotation) -> tuple[Annotation, int]:
    """Return what is within all lists, and how many these are."""
    dimensions = 0
    while annotation.item is not None:
        annotation, dimensions = annotation.item, dimensions + 1
    return annotation, dimensions


def describe_key(declaration: TypeDeclaration, columns: ColumnDescriber) -> dict[str, Column]:
    """Return the columns of the key of a declaration's model; raise DeclarationError where clients cannot write it."""
    model, pk = declaration.model, declaration.model._meta.pk
    parts: list[Any] = list(pk.fields) if isinstance(pk, models.CompositePrimaryKey) else [pk]
    key: dict[str, Column] = {}
    for part in parts:
        name = columns.conventions.name("id" if len(parts) == 1 else part.attname)
        described = columns.describe(part, name, model.__name__)
        if not isinstance(described, Column) or described.dimensions:
            raise DeclarationError(f"{declaration.name}: the key {part.name} cannot be an argument")
        key[name] = described
    return key


def _with_options(described: FieldDef, options: FieldOptions) -> FieldDef:
    if options.description is None and options.deprecation is None:
        return described
    values = {name: getattr(described, name) for name in described.__dataclass_fields__}
    values["description"] = options.description or described.description
    values["deprecation"] = options.deprecation
    return type(described)(**values)
