"""Mutations from models, described: a declaration is checked against its model, and becomes a MutationDef."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import models
from graphql import GraphQLArgument, GraphQLNonNull

from ..._django import all_parents, key_fields
from ...declare.model_mutations import FieldNames, ModelMutation, NestedWrite
from ...declare.names import check_name, pascal_case, snake_case
from ...declare.results import MutationError
from ...declare.rules import check_rows
from ...errors import DeclarationError
from ...schema.arguments import Arguments, InputMember, MutationDef, describe_mutation, unchanged
from ...schema.definition import Column
from ...schema.object_types import ObjectDef, ObjectField, Output
from ...schema.protection import call_permission
from .fields import Fields, FieldsDescriber
from .forms import FormMutation, describe_form
from .inputs import input_of_fields, list_of
from .perform import ModelMutationRunner
from .repeatable import models_deleted, models_written, touches_only_database
from .steps import RowFinder

# for one object, and for several
_DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "create": ("Create a {0}.", "Create several objects of {0}, or none."),
    "update": ("Change a {0}: what is absent stays as it is.", "Change several objects of {0}, or none."),
    "delete": ("Delete a {0}, and answer it as it was.", "Delete several objects of {0}, or none."),
    "upsert": (
        "Change the {0} with the same unique values, or create it.",
        "Change or create several objects of {0}, or none.",
    ),
}
_INPUTS = {"create": "A new {0}.", "update": "Changes of a {0}.", "delete": "Which {0}.", "upsert": "A {0}."}
# by kind, what Django's permissions call it
_ACTIONS = {"create": ["add"], "update": ["change"], "delete": ["delete"], "upsert": ["add", "change"]}


@describe_mutation.register(ModelMutation)
def describe_model_mutation(declaration: ModelMutation, arguments: Arguments) -> MutationDef:
    """Describe a mutation from a model; raise DeclarationError where it does not fit the model."""
    return _Describer(declaration, arguments).describe()


class _Describer:
    """Describes one mutation from a model."""

    def __init__(self, declaration: ModelMutation, arguments: Arguments) -> None:
        self.declared = declaration
        self.where = declaration.where
        self.type = declaration.type_declaration
        self.model = self.type.model
        self.arguments = arguments
        self.conventions = arguments.conventions
        self.columns = arguments.outputs.columns
        # names: of one object, of several, of the mutation in Python; and what those of its types begin with
        self.single = self.type.single_name
        self.plural = self.type.plural_name
        self.python_name = self._name(self.plural if declaration.bulk else self.single)
        self.stem = pascal_case(declaration.name or self.python_name)

    def describe(self) -> MutationDef:
        declared = self.declared
        unique = _unique_names(declared, self.model)
        fields, rows = self._fields(unique)
        self._check_unique(unique, fields)
        form = describe_form(declared.form, self.model, declared, self.columns) if declared.form is not None else None
        arguments = {
            check_name(self.conventions.name(name), f"an argument of {self.where}"): GraphQLArgument(
                GraphQLNonNull(graphql), out_name=name
            )
            for name, graphql in self._arguments(fields, rows, unique, form).items()
        }
        where = f"mutation {self.python_name}"
        name = check_name(declared.name or self.conventions.name(self.python_name), where)
        success = self._success()
        output = self._output(success, f"{pascal_case(name)}Result", where)
        written = models_deleted(self.model) if declared.kind == "delete" else set(models_written(fields))
        runner = ModelMutationRunner(
            kind=declared.kind,
            bulk=declared.bulk,
            fields=fields,
            rows=rows,
            unique=unique,
            form=form,
            by_model=declared.permission is None and self.conventions.settings.default_permission == "model",
            success=success.name,
            type_name=self.type.name,
        )
        return MutationDef(
            name=name,
            description=declared.description or _DESCRIPTIONS[declared.kind][declared.bulk].format(self.type.name),
            deprecation=declared.deprecation,
            arguments=arguments,
            converts=dict.fromkeys((argument.out_name or "" for argument in arguments.values()), unchanged),
            output=output,
            perform=runner.perform,
            repeatable=lambda: form is None and touches_only_database(written),
            permission=call_permission(declared, self.conventions, where, self._permissions()),
            cost=declared.cost,
            writes=self.type.name,
        )

    def _name(self, of: str) -> str:
        return f"{self.declared.kind}_{snake_case(of)}"

    def _permissions(self) -> list[str]:
        """Name Django's permissions to do what the mutation does."""
        meta = self.model._meta
        return [f"{meta.app_label}.{action}_{meta.model_name}" for action in _ACTIONS[self.declared.kind]]

    # --- what is written ---

    def _fields(self, unique: tuple[str, ...]) -> tuple[Fields, RowFinder]:
        declared, model = self.declared, self.model
        creates, updates = declared.kind in ("create", "upsert"), declared.kind in ("update", "upsert")
        describer = FieldsDescriber(self.where, self.columns, creates=creates, updates=updates, unique=unique)
        names = self._field_names()
        if declared.version is not None:
            self._check_version(declared.version, names)
        check_rows(declared.rows, model, self.where)
        fields = describer.describe(model, names)
        key = describer.key(model)
        only_key = declared.kind == "delete" and declared.bulk and len(key) == 1 and declared.version is None
        rows = RowFinder(
            model=model, key=key, type_name=self.type.name, version=declared.version, only_key=only_key,
            rule=declared.rows, name=self.where,
        )  # fmt: skip
        return fields, rows

    def _field_names(self) -> FieldNames:
        declared = self.declared
        if declared.form is not None and declared.fields is not None:
            raise DeclarationError(f"{self.where} has fields and form; the form says which fields there are, give one")
        if declared.kind == "delete" or declared.form is not None:
            return ()
        if declared.fields is None or isinstance(declared.fields, str) or not declared.fields:
            shown = "" if declared.fields is None else f", not {declared.fields!r}"
            raise DeclarationError(f"{self.where} needs fields: a list of the names that clients may write{shown}")
        if not all(isinstance(item, (str, NestedWrite)) for item in declared.fields):
            raise DeclarationError(f"{self.where}: fields is {declared.fields!r}, must be a list of names or nested(…)")
        return tuple(declared.fields)

    def _check_version(self, version: str, names: FieldNames) -> None:
        fields = {field.name: field for field in self.model._meta.concrete_fields}
        kinds = (models.IntegerField, models.DateTimeField)
        allowed = {name for name, field in fields.items() if isinstance(field, kinds) and _may_be_version(field)}
        if version not in allowed:
            raise DeclarationError(
                f"{self.where}: version is {version!r}, must be a field of whole numbers, or a DateTimeField "
                f"with auto_now; {self.model.__name__} has: {', '.join(sorted(allowed)) or 'none'}"
            )
        if version in names:
            raise DeclarationError(f"{self.where}: {version} is the version, which clients do not write")

    def _check_unique(self, unique: tuple[str, ...], fields: Fields) -> None:
        """Raise DeclarationError for a unique field that the input has not, or not as a plain value."""
        for name in unique:
            relation = fields.relations.get(name)
            plain = relation is not None and relation.ways is None and relation.forward
            if name not in fields.columns and not plain:
                raise DeclarationError(f"{self.where}: {name} is in unique; name it plainly in fields as well")

    # --- arguments ---

    def _arguments(
        self, fields: Fields, rows: RowFinder, unique: tuple[str, ...], form: FormMutation | None
    ) -> dict[str, Any]:
        """Return the types of the arguments, which are never null, by Python name."""
        declared, key = self.declared, self._key(rows)
        if declared.kind == "delete" and not declared.bulk:
            return key
        if rows.only_key:
            return {"ids": list_of(key["id"])}
        of_row = key if declared.kind in ("update", "delete") else {}
        before = {name: InputMember(type=type_, required=True) for name, type_ in of_row.items()}
        if not declared.bulk:
            before = {}
        description = _INPUTS[declared.kind].format(self.type.name)
        if form is not None:
            written = self.arguments.input_object(self._input_name(), {**before, **form.members}, description)
        else:
            written = input_of_fields(
                self.arguments, self._input_name(), fields, description, before=before, required=frozenset(unique)
            )
        return {"input": list_of(written)} if declared.bulk else {**of_row, "input": written}

    def _key(self, rows: RowFinder) -> dict[str, Any]:
        """Return the types of the key's columns and of the version, by Python name."""
        key: dict[str, Any] = {part.name: part.graphql for part in rows.key}
        if rows.version is not None:
            field: Any = self.model._meta.get_field(rows.version)
            column = self.columns.describe(field, rows.version, self.model.__name__)
            assert isinstance(column, Column)
            key[rows.version] = column.scalar.graphql
        return key

    def _input_name(self) -> str:
        """Name the input; create and upsert have the same for one object and for several."""
        declared = self.declared
        shared = declared.bulk and declared.name is None and declared.kind != "update"
        return f"{pascal_case(self._name(self.single)) if shared else self.stem}Input"

    # --- result ---

    def _success(self) -> ObjectDef:
        """Describe the object type of a success: what was written or deleted, and whether an upsert created it."""
        bulk = self.declared.bulk
        written = Output(types=(self.type.name,))
        name = self.plural if bulk else self.single
        fields = [("object", check_name(name, f"the field {self.stem}Success.object"), written)]
        if self.declared.kind == "upsert":
            graphql, scalar = self.arguments.outputs.leaf(bool, self.where)
            fields.append(("created", self.conventions.name("created"), Output(leaf=graphql, scalar=scalar)))
        return ObjectDef(
            name=f"{self.stem}Success",
            description="What was deleted, as it was." if self.declared.kind == "delete" else "What was written.",
            cls=None,
            failed=False,
            fields={
                name: ObjectField(name=name, attribute=key, key=key, output=Output(item=output) if bulk else output)
                for key, name, output in fields
            },
        )

    def _output(self, success: ObjectDef, union: str, where: str) -> Output:
        outputs = self.arguments.outputs
        outputs.add(success)
        return outputs.union((success.name, outputs.object(MutationError).name), union, where)


def _may_be_version(field: Any) -> bool:
    if isinstance(field, models.DateTimeField):
        return bool(field.auto_now)
    return not (field.primary_key or field.null or field.choices)


def _unique_names(declared: ModelMutation, model: type[models.Model]) -> tuple[str, ...]:
    """Return the fields that an upsert finds its row by; DeclarationError where they are not unique together."""
    if declared.kind != "upsert":
        return ()
    known = dict(_unique(model))
    names = known.get(declared.unique) if isinstance(declared.unique, str) else tuple(declared.unique or ())
    if not names or set(names) not in map(set, known.values()):
        listed = ", ".join(sorted({str(list(value)) for value in known.values()}))
        named = ", ".join(sorted(repr(key) for key in known if isinstance(key, str)))
        constraints = f"; its constraints: {named}" if named else ""
        raise DeclarationError(
            f"{declared.where}: unique is {declared.unique!r}, must be fields that are unique together, or the name of "
            f"a UniqueConstraint over fields alone; {model.__name__} has: {listed or 'none'}{constraints}"
        )
    return names


def _unique(model: type[models.Model]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the sets of fields that are unique together, by the constraint's name where there is one."""
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        names = tuple(field.name for field in key_fields(model))
        yield names, names
    for owner in (model, *all_parents(model)):
        for field in owner._meta.local_concrete_fields:
            if field.unique and not isinstance(field, (models.AutoField, models.CompositePrimaryKey)):
                yield (field.name,), (field.name,)
        for together in owner._meta.unique_together:
            yield tuple(together), tuple(together)
        for constraint in owner._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields and not constraint.condition:
                yield constraint.name, tuple(constraint.fields)
