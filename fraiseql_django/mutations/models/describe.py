"""Mutations from models, described: a declaration is checked against its model, and becomes a MutationDef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from graphql import GraphQLArgument, GraphQLNonNull

from ...declare.model_mutations import MAX_ROWS, ChangedField, FieldNames, ModelMutation, NestedWrite
from ...declare.names import check_name, is_list, pascal_case, snake_case
from ...declare.results import MutationError
from ...declare.rules import check_rows
from ...errors import DeclarationError
from ...schema.arguments import Arguments, Chosen, InputMember, MutationDef, describe_mutation, unchanged
from ...schema.definition import Column
from ...schema.object_types import ObjectDef, ObjectField, Output
from ...schema.protection import call_permission
from .fields import Fields, FieldsDescriber, KeyPart
from .finder import RowFinder
from .forms import FormMutation, describe_form
from .inputs import input_of_fields, list_of
from .perform import ModelMutationRunner
from .repeatable import models_deleted, models_written, touches_only_database
from .unique import check_version, named_unique

# for one object, and for several
_DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "create": ("Create one {0}.", "Create several objects of {0}, or none."),
    "update": ("Change one {0}: what is absent stays as it is.", "Change several objects of {0}, or none."),
    "delete": ("Delete one {0}, and answer it as it was.", "Delete several objects of {0}, or none."),
    "upsert": (
        "Change the {0} with the same unique values, or create it.",
        "Change or create several objects of {0}, or none.",
    ),
}
# for those that a condition chooses
_OF_CHOSEN: Mapping[str, str] = {
    "create": "Create one {0} from each object that matches, {1} at most.",
    "update": "Change all objects of {0} that match, {1} at most.",
    "delete": "Delete all objects of {0} that match, {1} at most, and answer them as they were.",
}
_INPUTS = {"create": "A new {0}.", "update": "Changes of one {0}.", "delete": "Which {0}.", "upsert": "One {0}."}
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
        self.several = declaration.bulk or declaration.filters is not False
        self.python_name = self._name(self.plural if self.several else self.single)
        if declaration.name is not None:
            check_name(declaration.name, f"mutation {self.python_name}")
        self.stem = pascal_case(declaration.name or self.python_name)

    def describe(self) -> MutationDef:
        declared = self.declared
        chosen = self._chosen()
        unique, among = self._unique()
        fields, rows, copied = self._fields(unique, among)
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
            most=None if chosen is None else chosen.most,
            save=declared.save,
            copied=copied,
        )
        return MutationDef(
            name=name,
            description=declared.description or self._description(),
            deprecation=declared.deprecation,
            arguments=arguments,
            converts=dict.fromkeys((argument.out_name or "" for argument in arguments.values()), unchanged),
            output=output,
            perform=runner.perform,
            repeatable=lambda: form is None and touches_only_database(written),
            permission=call_permission(declared, self.conventions, where, self._permissions()),
            cost=declared.cost,
            writes=self.type.name,
            chosen=chosen,
        )

    def _description(self) -> str:
        kind = self.declared.kind
        if self.declared.filters is not False:
            return _OF_CHOSEN[kind].format(self.type.name, self.declared.max_rows)
        return _DESCRIPTIONS[kind][self.declared.bulk].format(self.type.name)

    def _name(self, of: str) -> str:
        return f"{self.declared.kind}_{snake_case(of)}"

    def _permissions(self) -> list[str]:
        """Name Django's permissions to do what the mutation does."""
        meta = self.model._meta
        return [f"{meta.app_label}.{action}_{meta.model_name}" for action in _ACTIONS[self.declared.kind]]

    # --- which rows are written ---

    def _chosen(self) -> Chosen | None:
        """Describe the condition that chooses rows; raise DeclarationError where there can be none."""
        declared = self.declared
        if declared.source is None and declared.copied:
            raise DeclarationError(f"{self.where}: copied is for source; leave it out")
        if declared.filters is False:
            if declared.allow_all or declared.max_rows != MAX_ROWS or not declared.save:
                raise DeclarationError(f"{self.where}: max_rows, allow_all and save are for where; leave them out")
            return None
        self._check_chosen()
        names = None if declared.filters is True else tuple(map(self.conventions.name, declared.filters))
        target = self.declared.source_declaration.name
        fields = self.arguments.types[target].fields if target in self.arguments.types else {}
        unknown = [name for name in names or () if name not in fields]
        if unknown:
            known = f"fields of {target}: {', '.join(fields)}"
            raise DeclarationError(f"{self.where}: where names {', '.join(unknown)}, must name {known}")
        return Chosen(
            target=target, fields=names, input=f"{self.stem}Where", most=declared.max_rows,
            all=declared.allow_all, rule=declared.rows, name=self.where,
        )  # fmt: skip

    def _check_chosen(self) -> None:
        declared, most = self.declared, self.declared.max_rows
        filters, limit = declared.filters, self.conventions.settings.limits.objects
        if filters is not True and (not filters or not is_list(filters, str)):
            raise DeclarationError(f"{self.where}: where is {filters!r}, must be True, or a list of fields")
        for name in ("bulk", "by", "form"):
            if getattr(declared, name):
                raise DeclarationError(f"{self.where} has where and {name}; give it one of them")
        if isinstance(most, bool) or not isinstance(most, int) or most < 1 or most > (limit or most):
            bound = "" if limit is None else f" and {limit}, which LIMITS.OBJECTS is"
            raise DeclarationError(f"{self.where}: max_rows is {most!r}, must be a number of rows between 1{bound}")
        if declared.version is not None and declared.kind == "delete":
            raise DeclarationError(f"{self.where}: version is for one object; leave it out")

    def _check_without_save(self, fields: Fields) -> None:
        """Raise DeclarationError for fields that one statement cannot write in many rows."""
        for name in fields.relations:
            if not fields.relations[name].forward:
                raise DeclarationError(f"{self.where}: {name} is written by save() only; leave it out, or save=False")
        for name, column in fields.columns.items():
            if isinstance(column.field, models.FileField):
                raise DeclarationError(
                    f"{self.where}: {name} is a file, which save() stores; leave it out, or save=False"
                )

    # --- what is written ---

    def _unique(self) -> tuple[tuple[str, ...], Q | None]:
        """Return the fields that rows are found by, and which rows these tell apart; none for the primary key."""
        declared = self.declared
        if declared.kind == "upsert":
            return named_unique(self.where, "unique", declared.unique, self.model)
        if declared.by is None:
            return (), None
        return named_unique(self.where, "by", declared.by, self.model)

    def _fields(self, unique: tuple[str, ...], among: Q | None) -> tuple[Fields, RowFinder, dict[str, str]]:
        declared, model = self.declared, self.model
        creates, updates = declared.kind in ("create", "upsert"), declared.kind in ("update", "upsert")
        found_by = unique if declared.kind == "upsert" else ()
        describer = FieldsDescriber(self.where, self.columns, creates=creates, updates=updates, unique=found_by)
        names = self._field_names()
        if declared.version is not None:
            check_version(self.where, self.model, declared.version, names)
        check_rows(declared.rows, model, self.where)
        fields = describer.describe(model, names)
        copied = self._copied(describer, fields)
        if declared.filters is not False and any(isinstance(item, NestedWrite) for item in names):
            raise DeclarationError(f"{self.where} has where, so nothing can be nested in it; name relations plainly")
        if not declared.save:
            self._check_without_save(fields)
        if declared.source is not None:
            source = declared.source_declaration
            rows = RowFinder(model=source.model, key=describer.key(source.model), type_name=source.name)
            return fields, rows, copied
        key = describer.key(model) if declared.by is None else describer.key_by(model, unique)
        if declared.by is not None and declared.bulk:
            self._check_apart(key, fields)
        by_keys = declared.by is None and len(key) == 1 and declared.version is None
        rows = RowFinder(
            model=model, key=key, type_name=self.type.name, version=declared.version,
            only_key=by_keys and declared.kind == "delete" and declared.bulk, rule=declared.rows, name=self.where,
            among=among,
        )  # fmt: skip
        return fields, rows, {}

    def _copied(self, describer: FieldsDescriber, fields: Fields) -> dict[str, str]:
        """Return the fields of new objects that are copied, each with that of the source, or ``self``."""
        declared, given = self.declared, self.declared.copied
        copied = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
        if declared.source is None:
            return {}
        if not copied:
            raise DeclarationError(f"{self.where} has a source, of which nothing is copied; give it copied={{…}}")
        for name in copied:
            if name in fields.keys:
                raise DeclarationError(f"{self.where}: {name} is in copied; leave it out of fields")
        described = describer.describe(self.model, list(copied))
        source = declared.source_declaration.model
        known = {field.name: field for field in source._meta.concrete_fields}
        for name, of in copied.items():
            relation = described.relations.get(name)
            if relation is not None and not relation.forward:
                raise DeclarationError(f"{self.where}: {name} is a list, which cannot be copied")
            target = relation.model if relation is not None else None
            if of == "self":
                fits = target is not None and issubclass(source, target)
            else:
                fits = of in known and known[of].related_model is target
            if not fits:
                what = "self, or a foreign key to the same model" if target else "a column"
                raise DeclarationError(
                    f"{self.where}: copied has {of!r} for {name}, must be {what}; {source.__name__} has: "
                    f"{', '.join(known)}"
                )
        return copied

    def _field_names(self) -> FieldNames:
        declared = self.declared
        if declared.form is not None and declared.fields is not None:
            raise DeclarationError(f"{self.where} has fields and form; the form says which fields there are, give one")
        if declared.kind == "delete" or declared.form is not None:
            return ()
        if declared.source is not None and not declared.fields:
            return ()
        if not declared.fields or isinstance(declared.fields, str):
            shown = "" if declared.fields is None else f", not {declared.fields!r}"
            raise DeclarationError(f"{self.where} needs fields: a list of the names that clients may write{shown}")
        if not is_list(declared.fields, str, NestedWrite, ChangedField):
            raise DeclarationError(f"{self.where}: fields is {declared.fields!r}, must be a list of names or nested(…)")
        return tuple(declared.fields)

    def _check_apart(self, key: Sequence[KeyPart], fields: Fields) -> None:
        """Raise DeclarationError where an object of several would have a field twice: to be found by, and to write."""
        for part in key:
            if part.name in fields.keys:
                raise DeclarationError(f"{self.where}: {part.name} finds the object; leave it out of fields")

    def _check_unique(self, unique: tuple[str, ...], fields: Fields) -> None:
        """Raise DeclarationError for a unique field that the input has not, or not as a plain value."""
        for name in unique if self.declared.kind == "upsert" else ():
            relation = fields.relations.get(name)
            plain = relation is not None and relation.ways is None and relation.forward
            column = fields.columns.get(name)
            if not plain and (column is None or column.changes is not None):
                raise DeclarationError(f"{self.where}: {name} is in unique; name it plainly in fields as well")

    # --- arguments ---

    def _arguments(
        self, fields: Fields, rows: RowFinder, unique: tuple[str, ...], form: FormMutation | None
    ) -> dict[str, Any]:
        """Return the types of the arguments, which are never null, by Python name."""
        declared, key = self.declared, self._key(rows)
        if declared.filters is not False:
            if not fields.keys:
                return {}
            description = _INPUTS[declared.kind].format(self.type.name)
            written = input_of_fields(self.arguments, self._input_name(), fields, description)
            return {"input" if declared.kind == "create" else "set": written}
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
                self.arguments,
                self._input_name(),
                fields,
                description,
                before=before,
                required=frozenset(unique if declared.kind == "upsert" else ()),
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
        bulk = self.several
        written = Output(types=(self.type.name,))
        if bulk:
            most = None if self.declared.filters is False else self.declared.max_rows
            written = Output(item=written, most=most)
        name = self.plural if bulk else self.single
        fields = [("object", check_name(name, f"the field {self.stem}Success.object"), written)]
        if self.declared.kind == "upsert":
            graphql, scalar = self.arguments.outputs.leaf(bool, self.where)
            created = Output(leaf=graphql, scalar=scalar)
            output = Output(item=created) if bulk else created
            fields.append(("created", self.conventions.name("created"), output))
        if self.declared.filters is not False:
            graphql, scalar = self.arguments.outputs.leaf(int, self.where)
            fields.append(("affected", self.conventions.name("affected"), Output(leaf=graphql, scalar=scalar)))
        return ObjectDef(
            name=f"{self.stem}Success",
            description="What was deleted, as it was." if self.declared.kind == "delete" else "What was written.",
            cls=None,
            failed=False,
            fields={
                name: ObjectField(name=name, attribute=key, key=key, output=output) for key, name, output in fields
            },
        )

    def _output(self, success: ObjectDef, union: str, where: str) -> Output:
        outputs = self.arguments.outputs
        outputs.add(success)
        return outputs.union((success.name, outputs.object(MutationError).name), union, where)
