"""Runs a described mutation from a model: arguments → items, permissions, the writes, the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...declare.model_mutations import Kind
from ...declare.results import Error, MutationError
from ..context import Answer, Made, MutationContext
from ..error_objects import error_object
from . import chosen, steps
from .access import Access, check_readable
from .chosen import RowChooser
from .fields import Fields
from .finder import InputItem, RowFinder
from .forms import FormMutation
from .writer import WriteRefused


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMutationRunner:
    """A mutation from a model, as it was described.

    ``rows`` finds the rows that it writes, ``unique`` are the fields that an upsert finds its row by. ``form`` takes
    the place of ``fields`` where there is one. ``by_model`` says that nested writes need Django's permissions.
    ``success`` is the name of the object type of its success, ``type_name`` that of the type that it is over. ``most``
    is how many rows it writes at most that a condition chooses, None where rows are named. Without ``save``, these
    are written by one statement. ``copied`` are the fields that new objects take from the rows, with those of the
    rows, which ``rows`` finds then.
    """

    kind: Kind
    bulk: bool
    fields: Fields
    rows: RowFinder
    unique: tuple[str, ...]
    form: FormMutation | None
    by_model: bool
    success: str
    type_name: str
    most: int | None = None
    save: bool = True
    copied: Mapping[str, str] = field(default_factory=dict)

    def perform(self, context: MutationContext, arguments: Mapping[str, Any]) -> Made | Answer:
        """Run the mutation; errors of the input are its result, as MutationError."""
        try:
            items = self._items(arguments)
            self._check(context, items)
            return self._write(context, items)
        except WriteRefused as refused:
            return as_mutation_error(refused.errors)

    def _items(self, arguments: Mapping[str, Any]) -> list[InputItem]:
        """Return the objects of an input, each with its path and the key of its row."""
        if self.most is not None:
            name = "input" if self.kind == "create" else "set"
            return [InputItem(values=arguments.get(name, {}), path=(name,))]
        if self.rows.only_key:
            return [InputItem(key={"id": key}, path=(index,)) for index, key in enumerate(arguments["ids"])]
        if self.bulk:
            return [self._item(values, values, (index,)) for index, values in enumerate(arguments["input"])]
        return [self._item(arguments.get("input", {}), arguments, ())]

    def _item(self, values: Mapping[str, Any], of_row: Mapping[str, Any], path: tuple[int, ...]) -> InputItem:
        keys = [part.name for part in self.rows.key] if self.kind in ("update", "delete") else []
        # each object of several has its key beside its values
        beside = (*keys, self.rows.version) if self.bulk else ()
        return InputItem(
            values={name: value for name, value in values.items() if name not in beside},
            path=path,
            key={name: of_row[name] for name in keys},
            version=of_row.get(str(self.rows.version)),
        )

    def _check(self, context: MutationContext, items: Sequence[InputItem]) -> None:
        """Raise OperationError for items with which the viewer would do what they may not do."""
        access, type_ = Access(context, self.by_model), context.types[self.type_name]
        if self.unique and self.kind != "upsert":
            # an update by what may not be seen would tell of it
            access.check_fields([type_], {name: context.conventions.name(name) for name in self.unique})
        if self.rows.version is not None and self.most is None:
            # whether it is stale would tell of it, too
            access.check_fields([type_], {self.rows.version: context.conventions.name(self.rows.version)})
        if self.copied:
            source = context.types[self.rows.type_name]
            access.check_fields([type_], dict.fromkeys(self.copied, "input"))
            access.check_fields([source], dict.fromkeys(self.copied.values(), "where"))
            for name in self.copied:
                related = self.fields.model._meta.get_field(name).related_model
                if isinstance(related, type):
                    check_readable(context, related)
        for item in items:
            if self.form is not None:
                access.check_fields([type_], {name: context.conventions.name(name) for name in item.values})
                self.form.check(context, item)
            else:
                access.check(self.fields, [type_], item.values, new=self.kind == "create")

    def _write(self, context: MutationContext, items: Sequence[InputItem]) -> Made | Answer:
        """Write the items and return the result; raise WriteRefused."""
        if self.most is not None:
            return self._write_chosen(context, items[0])
        if self.kind == "delete":
            answer: Answer = steps.delete(
                context, self.rows, items, lambda deleted: context.answer(self._succeeded(deleted))
            )
            return answer
        if self.kind == "upsert":
            written, created = steps.upsert(context, self.fields, self.rows, self.unique, items)
            return self._succeeded(written, created=created if self.bulk else created[0])
        if self.form is not None:
            rows = self.rows if self.kind == "update" else None
            return self._succeeded(self.form.save(context, rows, items))
        if self.kind == "update":
            return self._succeeded(steps.update(context, self.fields, self.rows, items))
        return self._succeeded(steps.create(context, self.fields, self.rows, items))

    def _write_chosen(self, context: MutationContext, item: InputItem) -> Made | Answer:
        chooser = RowChooser(rows=self.rows, most=self.most or 0)
        if self.kind == "delete":
            answer: Answer = chosen.delete(context, chooser, lambda rows: context.answer(self._affected(rows)))
            return answer
        if self.kind == "create":
            return self._affected(chosen.create(context, self.fields, chooser, item, self.copied, self.type_name))
        write = chosen.update if self.save else chosen.update_without_save
        return self._affected(write(context, self.fields, chooser, item))

    def _affected(self, rows: Sequence[Any]) -> Made:
        return Made(self.success, {"object": list(rows), "affected": len(rows)})

    def _succeeded(self, rows: Sequence[Any], **others: Any) -> Made:
        return Made(self.success, {"object": list(rows) if self.bulk else rows[0], **others})


def as_mutation_error(errors: Sequence[Error]) -> Made:
    """Return the MutationError for errors of an input."""
    first = errors[0]
    code = first.code if all(error.code == first.code for error in errors) else 422
    statuses = {403: "failed:forbidden", 404: "failed:not_found", 409: f"conflict:{first.identifier}"}
    return error_object(MutationError.__name__, first.message, code, statuses.get(code, "failed:validation"), errors)
