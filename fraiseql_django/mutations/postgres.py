"""Mutations in PostgreSQL: how a function is described and called, and how its result is read.

A function returns the upstream's ``mutation_response`` (or the older ``mutation_result``), JSON, a row, a set
of rows or a scalar. In the first two a status tells success from error: ``conflict:duplicate_email`` is an
error whose code is 409 and whose identifier is ``duplicate_email``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import GraphQLArgument

from ..declare.names import camel_case, check_name, lower_first, pascal_case, snake_case
from ..declare.registry import PostgresMutation
from ..declare.results import Cascade
from ..errors import DeclarationError, UserError
from ..schema.arguments import Arguments, Convert, MutationDef, describe_mutation
from ..schema.object_types import ObjectDef, ObjectField, Output
from ..schema.protection import call_permission
from ..schema.sent_values import fields_of, json_of, text_of
from ..viewer import Viewer, required_value
from .context import Made, MutationContext, WrongResult

# The fields that every success of a PostgreSQL function has: annotation and default. They have the same types as those
# of errors, so that a client can select both.
REPORTED: Mapping[str, tuple[Any, Any]] = {
    "status": (str, "success"),
    "message": (str, ""),
    "updated_fields": (list[str] | None, None),
}
# The HTTP status codes for the words before the colon of a status
CODES: Mapping[str, int] = {
    "validation": 422,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "timeout": 408,
    "conflict": 409,
    "failed": 500,
    "error": 500,
}
# The codes in the extensions of an error for these, where a mutation declares no class of errors
NAMES: Mapping[int, str] = {
    422: "VALIDATION_FAILED",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "TIMEOUT",
    409: "CONFLICT",
    500: "USER_ERROR",
}
# "failed:validation_error" is an error of the input, not of the server
_REFUSED = re.compile(r"validation|invalid|required|missing")
# The older generation's names of the fields of mutation_response
_OLDER: Mapping[str, str] = {"object_data": "entity", "extra_metadata": "metadata", "id": "entity_id"}
_RESPONSE = {"status", "message", "entity_id", "entity_type", "entity", "updated_fields", "cascade", "metadata"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresFunction:
    """A PostgreSQL function that a mutation calls, its arguments, and the types of its result.

    ``output`` is the mutation's. ``success`` and ``error`` are the object types of classes in it: ``success`` is None
    where what the function returns is no object of a class, ``error`` where the mutation declares none.
    """

    schema: str | None
    function: str
    context_params: Mapping[str, str]
    named_arguments: bool
    has_input: bool
    output: Output
    success: ObjectDef | None
    error: ObjectDef | None

    def perform(self, context: MutationContext, arguments: Mapping[str, Any]) -> Any:
        """Call the function and return its result.

        Raises StorageError where the function raises, WrongResult where it returns something else than is declared.
        """
        sql, params = self.statement(arguments.get("input"), context.viewer)
        rows = context.storage.query(sql, params).rows
        results = [None if row[0] is None else json.loads(row[0], parse_float=Decimal) for row in rows]
        return _ResultReader(self, context.conventions.name).read(results)

    def statement(self, input_: Any, viewer: Viewer) -> tuple[str, list[str | None]]:
        """Return the SQL that calls the function, and its parameters, whose types are those of the function's."""
        context = {name: required_value(viewer, key) for key, name in self.context_params.items()}
        params = [text_of(value) for value in context.values()]
        if self.named_arguments:
            fields = fields_of(input_)
            names = [*context, *fields]
            params += [text_of(value) for value in fields.values()]
            arguments = ", ".join(f"{_quoted(name)} => %s" for name in names)
        else:
            places = ["%s"] * len(params)
            if self.has_input:
                places.append("%s::jsonb")
                params.append(json_of(input_))
            arguments = ", ".join(places)
        name = ".".join(_quoted(part) for part in (self.schema, self.function) if part)
        return f"SELECT to_json(result)::text FROM {name}({arguments}) AS result", params


# --- description ---


@describe_mutation.register(PostgresMutation)
def describe_class(declaration: PostgresMutation, arguments: Arguments) -> MutationDef:
    """Describe a mutation by its class, annotated with input, success and error; raise DeclarationError."""
    cls, outputs = declaration.cls, arguments.outputs
    where = f"mutation {cls.__name__}"
    annotations = _annotations(cls, where)
    name = check_name(declaration.name or lower_first(cls.__name__), where)
    described: dict[str, GraphQLArgument] = {}
    converts: dict[str, Convert] = {}
    if "input" in annotations:
        graphql, converts["input"] = arguments.of(arguments.read(annotations["input"], cls.__module__), where)
        described["input"] = GraphQLArgument(graphql, out_name="input")
    success = outputs.read(annotations["success"], cls.__module__, f"{where}.success")
    output, error = success, None
    if "error" in annotations:
        error = _error_object(success, annotations["error"], cls.__module__, where, arguments)
        output = outputs.union((success.types[0], error.name), f"{pascal_case(name)}Result", where)
    function = PostgresFunction(
        schema=declaration.schema,
        function=declaration.function,
        context_params=declaration.context_params,
        named_arguments=declaration.named_arguments,
        has_input="input" in annotations,
        output=output,
        success=_success_object(success, declaration, where, arguments),
        error=error,
    )
    return MutationDef(
        name=name,
        description=declaration.description,
        deprecation=declaration.deprecation,
        arguments=described,
        converts=converts,
        output=output,
        perform=function.perform,
        returns_json=True,
        repeatable=lambda: True,
        permission=call_permission(declaration, arguments.conventions, where),
        cost=declaration.cost,
    )


def _annotations(cls: type, where: str) -> dict[str, Any]:
    annotations = inspect.get_annotations(cls)
    if "failure" in annotations:
        # the upstream's first name for it
        annotations.setdefault("error", annotations.pop("failure"))
    if unknown := annotations.keys() - {"input", "success", "error"}:
        raise DeclarationError(
            f"{where} is annotated with {', '.join(sorted(unknown))}; a function's class has input, success and error"
        )
    if "success" not in annotations:
        raise DeclarationError(f"{where} has no success: annotate it with what the function returns")
    return annotations


def _error_object(success: Output, annotation: Any, module: str, where: str, arguments: Arguments) -> ObjectDef:
    error = arguments.outputs.read(annotation, module, f"{where}.error")
    definition = arguments.outputs.objects.get(error.types[0]) if len(error.types) == 1 else None
    if definition is None or not definition.failed:
        raise DeclarationError(f"{where}.error must be a class declared with @fraiseql.error")
    if not success.types:
        raise DeclarationError(
            f"{where}.success is no object, so it cannot be in a union with {definition.name}; leave out error, "
            f"or make success a class declared with @fraiseql.success"
        )
    return definition


def _success_object(
    success: Output, declaration: PostgresMutation, where: str, arguments: Arguments
) -> ObjectDef | None:
    definition = arguments.outputs.objects.get(success.types[0]) if success.types else None
    if definition is not None:
        arguments.outputs.extend(definition, REPORTED)
        if declaration.enable_cascade:
            arguments.outputs.extend(definition, {"cascade": (Cascade | None, None)})
    elif declaration.enable_cascade:
        raise DeclarationError(f"{where}: enable_cascade needs a success that is declared with @fraiseql.success")
    return definition


# --- results ---


@dataclass(frozen=True, slots=True)
class _ResultReader:
    """Reads what a function returned as the result that the mutation declares."""

    called: PostgresFunction
    name_of: Callable[[str], str]

    def read(self, results: list[Any]) -> Any:
        output = self.called.output
        if output.item is not None:
            # a set of rows, or one JSON array
            return results[0] if len(results) == 1 and isinstance(results[0], list) else results
        if len(results) > 1:
            raise WrongResult(f"{self._name} returned {len(results)} rows, where one result is declared")
        result = results[0] if results else None
        if isinstance(result, Mapping) and _is_response(result):
            return self._of_response({_OLDER.get(key, key): value for key, value in result.items()})
        if self.called.success is None or result is None:
            return result
        return self._of_plain(self.called.success, result)

    @property
    def _name(self) -> str:
        return f"function {self.called.function}"

    def _of_response(self, response: Mapping[str, Any]) -> Any:
        status = response["status"]
        if not isinstance(status, str) or not status:
            raise WrongResult(f"{self._name} returned the status {status!r}, where a text is declared")
        word, _, reason = status.lower().partition(":")
        if word in CODES:
            return self._failed(response, status, word, reason)
        success = self.called.success
        if success is None:
            entity = response.get("entity")
            return response.get("entity_id") if entity is None else entity
        return Made(success.name, _values(success, response, self.name_of))

    def _failed(self, response: Mapping[str, Any], status: str, word: str, reason: str) -> Made:
        message = str(response.get("message") or status)
        code = 422 if word == "failed" and _REFUSED.search(reason) else CODES[word]
        errors = _errors(response, message, code, reason or word)
        error = self.called.error
        if error is None:
            raise UserError(message, code=NAMES[code], status=status, errors=errors)
        return Made(
            error.name, {**_values(error, response, self.name_of), "message": message, "code": code, "errors": errors}
        )

    def _of_plain(self, success: ObjectDef, result: Any) -> Made:
        entity = _entity_field(success, None)
        if isinstance(result, Mapping) and (entity is None or entity.key in result or entity.name in result):
            return Made(success.name, {"status": "success", **result})
        if entity is None:
            raise WrongResult(f"{self._name} returned {result!r}, where an object is declared")
        return Made(success.name, {entity.key: result, "status": "success"})


def _is_response(result: Mapping[str, Any]) -> bool:
    """Whether a row or JSON object is a ``mutation_response`` of either generation, rather than plain data."""
    return "status" in result and len(_RESPONSE & {_OLDER.get(key, key) for key in result}) > 1


def _values(definition: ObjectDef, response: Mapping[str, Any], name_of: Callable[[str], str]) -> dict[str, Any]:
    """Return the values of a response for the fields of a type: of its metadata, of its entity, then its own."""
    metadata = _mapping(response.get("metadata"))
    values: dict[str, Any] = dict(metadata)
    entity, entity_id = response.get("entity"), response.get("entity_id")
    field = _entity_field(definition, response.get("entity_type"))
    if isinstance(entity, Mapping) and (field is None or _by_names(field, entity)):
        # several objects, each under the name of its field
        values.update(entity)
    elif field is not None and entity is not None:
        values[field.key] = entity
    elif field is not None and entity_id is not None and response["status"].lower() != "deleted":
        values[field.key] = entity_id
    updated = response.get("updated_fields")
    cascade = response.get("cascade")
    if response.get("message") is not None:
        values["message"] = response["message"]
    values.update(
        status=response["status"],
        updated_fields=updated if updated is None else [name_of(str(name)) for name in updated],
        # where the older generation keeps it
        cascade=_cascade(metadata.get("_cascade") if cascade is None else cascade),
        entity_type=response.get("entity_type"),
        metadata=response.get("metadata"),
    )
    for name in ("id", "entity_id"):
        values.setdefault(name, entity_id)
    return values


def _cascade(cascade: Any) -> Any:
    """Return a cascade with the lists that it leaves out."""
    if not isinstance(cascade, Mapping):
        return None
    return {"updated": [], "deleted": [], "invalidations": [], **cascade}


def _entity_field(definition: ObjectDef, entity_type: Any) -> ObjectField | None:
    """Return the field of the object that a function wrote: the one of that type, or the only object."""
    objects = [
        field
        for field in definition.fields.values()
        if (field.output.item or field.output).types and field.key not in ("cascade", "errors")
    ]
    for field in objects:
        names = {*(field.output.item or field.output).types, field.key, field.name}
        if isinstance(entity_type, str) and {entity_type, snake_case(entity_type), camel_case(entity_type)} & names:
            return field
    return objects[0] if len(objects) == 1 else None


def _by_names(field: ObjectField, values: Mapping[str, Any]) -> bool:
    return any(isinstance(values.get(name), (Mapping, list)) for name in (field.key, field.name))


def _errors(response: Mapping[str, Any], message: str, code: int, identifier: str) -> list[dict[str, Any]]:
    """Return the errors in the metadata, or one made of the status."""
    listed = _mapping(response.get("metadata")).get("errors")
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        return [{"code": code, "identifier": identifier, "message": message}]
    found: list[dict[str, Any]] = []
    for item in listed:
        # in the older generation ``code`` is the identifier
        named = item.get("code") if isinstance(item.get("code"), str) else identifier
        number = item.get("code") if isinstance(item.get("code"), int) else code
        found.append({"identifier": named, "message": message, **item, "code": number})
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# --- arguments ---


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'
