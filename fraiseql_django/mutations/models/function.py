"""The Python function that a declared mutation from a type becomes: its arguments, its result, and what it calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Union

from ...declare.registry import declare_object
from ...declare.results import MutationError
from ...declare.types import field as described
from ...schema.definition import Column
from ...schema.django_fields import ColumnDescriber
from ..context import Info
from . import run as run
from .access import Access
from .declaration import ModelMutation
from .fields import Fields, fields_input, given, make_input
from .forms import FormMutation, describe_form
from .run import Item, Rows, as_error
from .writer import Refused

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


def make(mutation: ModelMutation, columns: ColumnDescriber) -> Callable[..., Any]:
    """Return the function that does what was declared; raise DeclarationError for what does not fit the model."""
    fields, rows = mutation.describe(columns)
    made = _Function(
        mutation=mutation,
        fields=fields,
        rows=rows,
        unique=mutation.unique_fields(fields) if mutation.kind == "upsert" else (),
        by_model=mutation.permission is None and columns.conventions.default_permission == "model",
        form=describe_form(mutation.form, rows.model, mutation, columns) if mutation.form is not None else None,
        success=_success(mutation),
    )

    def function(info: Info, **arguments: Any) -> Any:
        try:
            items = made.items(arguments)
            made.check(info, items)
            return made.perform(info, items)
        except Refused as refused:
            return as_error(refused.errors)

    parameters = [inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        for name, annotation in made.arguments(columns).items()
    ]
    returned: Any = Union[(made.success, MutationError)]  # noqa: UP007
    function.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    function.__name__ = mutation.function_name
    function.__doc__ = _DESCRIPTIONS[mutation.kind][mutation.bulk].format(mutation.declaration.name)
    return function


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Function:
    """A declared mutation with what was found out about it."""

    mutation: ModelMutation
    fields: Fields
    rows: Rows
    unique: tuple[str, ...]
    form: FormMutation | None
    by_model: bool
    success: Any

    def arguments(self, columns: ColumnDescriber) -> dict[str, Any]:
        """Return the annotations of the function's arguments."""
        mutation, key = self.mutation, self._key(columns)
        said = _INPUTS[mutation.kind].format(mutation.declaration.name)
        if mutation.kind == "delete":
            if not mutation.bulk:
                return key
            if self.rows.only_key:
                return {"ids": GenericAlias(list, key["id"])}
        of_row = key if mutation.kind in ("update", "delete") else {}
        before = {name: (annotation, True) for name, annotation in of_row.items()} if mutation.bulk else {}
        if self.form is not None:
            taken: Any = make_input(mutation.input_name, {**before, **self.form.members}, said)
        else:
            required = frozenset(self.unique)
            taken = fields_input(mutation.input_name, self.fields, said, before=before, required=required)
        return {"input": GenericAlias(list, taken)} if mutation.bulk else {**of_row, "input": taken}

    def _key(self, columns: ColumnDescriber) -> dict[str, Any]:
        """Return the annotations of what tells a row, and its version."""
        rows = self.rows
        key = {part.name: part.annotation for part in rows.key}
        if rows.version is not None:
            field: Any = rows.model._meta.get_field(rows.version)
            column = columns.describe(field, rows.version, rows.model.__name__)
            assert isinstance(column, Column)
            key[rows.version] = column.scalar.graphql
        return key

    def items(self, arguments: Mapping[str, Any]) -> list[Item]:
        """Return the objects of an input, each with where it stands and which row it is about."""
        if self.rows.only_key:
            return [Item(key={"id": key}, path=(index,)) for index, key in enumerate(arguments["ids"])]
        keys = [part.name for part in self.rows.key] if self.mutation.kind in ("update", "delete") else []

        def item(written: Mapping[str, Any], of_row: Mapping[str, Any], path: tuple[int, ...]) -> Item:
            return Item(
                given={name: value for name, value in written.items() if name not in (*keys, self.rows.version)},
                path=path,
                key={name: of_row[name] for name in keys},
                version=of_row.get(str(self.rows.version)),
            )

        if self.mutation.bulk:
            return [item(written, written, (index,)) for index, written in enumerate(map(given, arguments["input"]))]
        return [item(given(arguments["input"]) if "input" in arguments else {}, arguments, ())]

    def check(self, info: Info, items: Sequence[Item]) -> None:
        """Raise OperationError for objects of an input with which the viewer would do what they may not."""
        for item in items:
            if self.form is not None:
                self.form.check(info, item)
            else:
                Access(info, self.by_model).check(self.fields, item.given, new=self.mutation.kind == "create")

    def perform(self, info: Info, items: Sequence[Item]) -> Any:
        """Write the objects of an input and return what is answered; raise Refused."""
        if self.mutation.kind == "delete":
            return run.delete(info, self.rows, items, lambda found: info.answer(self._succeeded(found)))
        if self.mutation.kind == "upsert":
            found, created = run.upsert(info, self.fields, self.rows, self.unique, items)
            return self._succeeded(found, created=created if self.mutation.bulk else created[0])
        if self.form is not None:
            return self._succeeded(self.form.save(info, self.rows if self.mutation.kind == "update" else None, items))
        if self.mutation.kind == "update":
            return self._succeeded(run.update(info, self.fields, self.rows, items))
        return self._succeeded(run.create(info, self.fields, self.rows, items))

    def _succeeded(self, found: Sequence[Any], **others: Any) -> Any:
        return self.success(object=list(found) if self.mutation.bulk else found[0], **others)


def _success(mutation: ModelMutation) -> Any:
    over = mutation.over
    annotations: dict[str, Any] = {"object": GenericAlias(list, over) if mutation.bulk else over}
    if mutation.kind == "upsert":
        annotations["created"] = list[bool] if mutation.bulk else bool
    namespace = {
        "__annotations__": annotations,
        "__doc__": "What was deleted, as it was." if mutation.kind == "delete" else "What was written.",
        "object": described(name=mutation.plural if mutation.bulk else mutation.single),
    }
    return declare_object(type(f"{mutation.stem}Success", (), namespace))
