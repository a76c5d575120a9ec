"""Mutations that PostgreSQL functions answer: how they are called, and what becomes of what they return.

A function returns the upstream's ``mutation_response`` (or the older ``mutation_result``), JSON, a row, a set
of rows or a scalar. In the first two a status tells success from error: ``conflict:duplicate_email`` is an
error whose code is 409 and whose identifier is ``duplicate_email``.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from django.utils.duration import duration_iso_string

from ..declare.names import camel_case, snake_case
from ..declare.registry import UNSET
from ..errors import UserError
from ..planner.arguments import Variables
from ..planner.plan import Write
from ..schema.arguments import FunctionCall
from ..schema.object_types import ObjectDef, ObjectField
from ..schema.scalars.encoding import encode_array
from ..storage.base import Storage
from ..viewer import given_value
from .context import Info, Made, WrongResult
from .python import given_arguments

# What the words before the colon of a status come to, as HTTP has it
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
# What they come to in the extensions of an error, where a mutation declares no error class
NAMES: Mapping[int, str] = {
    422: "VALIDATION_FAILED",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "TIMEOUT",
    409: "CONFLICT",
    500: "USER_ERROR",
}
# "failed:validation_error" is not the server's fault
_REFUSED = re.compile(r"validation|invalid|required|missing")
# The older generation's names of what mutation_response has
_OLDER: Mapping[str, str] = {"object_data": "entity", "extra_metadata": "metadata", "id": "entity_id"}
_RESPONSE = {"status", "message", "entity_id", "entity_type", "entity", "updated_fields", "cascade", "metadata"}


def call(write: Write, info: Info, variables: Variables, storage: Storage) -> Any:
    """Call a mutation's PostgreSQL function and return its result, ready to be answered.

    Raises StorageError when the function raises, WrongResult when it returns what the mutation does not declare.
    """
    called = write.definition.call
    assert called is not None
    given = given_arguments(write, variables).get("input")
    sql, params = statement(called, given, info)
    rows = storage.query(sql, params).rows
    results = [None if row[0] is None else json.loads(row[0], parse_float=Decimal) for row in rows]
    return _Result(write, called).of(results)


def statement(called: FunctionCall, given: Any, info: Info) -> tuple[str, list[str | None]]:
    """Return the SQL that calls a function, and its parameters: PostgreSQL finds their types by the function's."""
    context = {name: given_value(info.viewer, key) for key, name in called.context_params.items()}
    params = [_text(value) for value in context.values()]
    if called.named_arguments:
        fields = _fields(given)
        names = [*context, *fields]
        params += [_text(value) for value in fields.values()]
        arguments = ", ".join(f"{_quoted(name)} => %s" for name in names)
    else:
        places = ["%s"] * len(params)
        if called.has_input:
            places.append("%s::jsonb")
            params.append(json.dumps(_jsonable(given), ensure_ascii=False))
        arguments = ", ".join(places)
    name = ".".join(_quoted(part) for part in (called.schema, called.function) if part)
    return f"SELECT to_json(result)::text FROM {name}({arguments}) AS result", params


@dataclasses.dataclass(frozen=True, slots=True)
class _Result:
    """Makes of what a function returned what the mutation declares."""

    write: Write
    called: FunctionCall

    def of(self, results: list[Any]) -> Any:
        output = self.write.definition.output
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
        return Made(success.name, _values(success, response))

    def _failed(self, response: Mapping[str, Any], status: str, word: str, reason: str) -> Made:
        message = str(response.get("message") or status)
        code = 422 if word == "failed" and _REFUSED.search(reason) else CODES[word]
        errors = _errors(response, message, code, reason or word)
        error = self.called.error
        if error is None:
            raise UserError(message, code=NAMES[code], status=status, errors=errors)
        return Made(error.name, {**_values(error, response), "message": message, "code": code, "errors": errors})

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


def _values(definition: ObjectDef, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a response holds for the fields of a type: its metadata's, its entity's, then its own."""
    metadata = _mapping(response.get("metadata"))
    values: dict[str, Any] = dict(metadata)
    entity, entity_id = response.get("entity"), response.get("entity_id")
    field = _entity_field(definition, response.get("entity_type"))
    if isinstance(entity, Mapping) and (field is None or _by_names(field, entity)):
        # several objects, each under its field's name
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
        updated_fields=updated if updated is None else [camel_case(str(name)) for name in updated],
        # where the older generation keeps it
        cascade=_cascade(metadata.get("_cascade") if cascade is None else cascade),
        entity_type=response.get("entity_type"),
        metadata=response.get("metadata"),
    )
    for name in ("id", "entity_id"):
        values.setdefault(name, entity_id)
    return values


def _cascade(cascade: Any) -> Any:
    """Give a cascade the lists that it leaves out."""
    if not isinstance(cascade, Mapping):
        return None
    return {"updated": [], "deleted": [], "invalidations": [], **cascade}


def _entity_field(definition: ObjectDef, entity_type: Any) -> ObjectField | None:
    """Return the field that holds what a function created or changed: the one of that type, or the only object."""
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
    """Return the errors that the metadata list, or the one that the status says."""
    listed = _mapping(response.get("metadata")).get("errors")
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        return [{"code": code, "identifier": identifier, "message": message}]
    found: list[dict[str, Any]] = []
    for item in listed:
        # the older generation has the identifier where the code is now
        named = item.get("code") if isinstance(item.get("code"), str) else identifier
        number = item.get("code") if isinstance(item.get("code"), int) else code
        found.append({"identifier": named, "message": message, **item, "code": number})
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# --- what a function is given ---


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def _fields(given: Any) -> dict[str, Any]:
    """Return an input's fields by Python name, without those that the client left out."""
    if not dataclasses.is_dataclass(given):
        return {}
    values = {item.name: getattr(given, item.name) for item in dataclasses.fields(given)}
    return {name: value for name, value in values.items() if value is not UNSET}


def _jsonable(value: Any) -> Any:
    """Turn an input into JSON: keys are Python's names, numbers that JSON would round and dates are texts."""
    if dataclasses.is_dataclass(value):
        return {name: _jsonable(item) for name, item in _fields(value).items()}
    if isinstance(value, Enum):
        return _jsonable(value.value)
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.timedelta):
        return duration_iso_string(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _text(value: Any) -> str | None:
    """Write a value as PostgreSQL reads it for whatever type the function's parameter has."""
    if isinstance(value, (list, tuple)) and not any(isinstance(item, Mapping) for item in value):
        return encode_array([_text(item) for item in value])
    value = _jsonable(value)
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
