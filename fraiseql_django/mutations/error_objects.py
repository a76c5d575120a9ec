"""Exceptions that a mutation raised → an error object, where the mutation declares a class for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import Error as DatabaseError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError

from ..declare.results import Error
from ..errors import StorageError, UserError
from ..schema.arguments import MutationDef
from ..schema.object_types import ObjectDef
from .constraints import errors_of
from .context import Made, MutationContext

# PL/pgSQL's RAISE without a code of its own (PostgreSQL documentation, appendix A)
RAISED = "P0001"
# A serialisation failure and a deadlock: the same statements may succeed when they run again (13.5)
REPEATABLE = ("40001", "40P01")


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's code of an error, however it is wrapped."""
    seen: BaseException | None = error
    while seen is not None:
        sqlstate = getattr(seen, "sqlstate", None)
        if isinstance(sqlstate, str):
            return sqlstate
        seen = seen.__cause__
    return None


def as_result(
    error: Exception, definition: MutationDef, objects: Mapping[str, ObjectDef], context: MutationContext
) -> Made | None:
    """Return the error object for an exception; None where the mutation has none, or the exception is unexpected."""
    error_class = _error_class(definition, objects)
    if error_class is None:
        return None
    known = _known(error, context)
    return None if known is None else error_object(error_class.name, *known)


def error_object(name: str, message: str, code: int, status: str, errors: Sequence[Error]) -> Made:
    """Return an object of the class of errors ``name``."""
    values = {"message": message, "code": code, "status": status, "errors": _plain(errors)}
    return Made(name, values)


def as_user_error(error: Exception, context: MutationContext) -> Exception:
    """Return the error that a client may read where the mutation has no class of errors; else the exception itself."""
    if isinstance(error, ValidationError):
        return error
    known = _known(error, context)
    if known is None:
        return error
    message, _, _, errors = known
    code = "USER_ERROR" if sqlstate_of(error) == RAISED else "CONSTRAINT_VIOLATED"
    return UserError(message, code=code, errors=_plain(errors))


def _error_class(definition: MutationDef, objects: Mapping[str, ObjectDef]) -> ObjectDef | None:
    """Return the mutation's class of errors, if it requires no other values than those that every error has."""
    classes = [objects[name] for name in definition.output.types if name in objects and objects[name].failed]
    known = {"message", "code", "status", "errors"}
    if len(classes) != 1:
        return None
    fields = classes[0].fields.values()
    fits = all(field.key in known or not field.required or field.output.nullable for field in fields)
    return classes[0] if fits else None


def _known(error: Exception, context: MutationContext) -> tuple[str, int, str, Sequence[Error]] | None:
    """Return message, code, status and errors of an exception that clients may see; None for others."""
    if isinstance(error, ValidationError):
        errors = _of_validation(error, context.conventions.name)
        return errors[0].message if errors else "", 422, "failed:validation", errors
    database = error.__cause__ if isinstance(error, StorageError) else error
    if isinstance(database, IntegrityError) and _is_violation(database):
        errors = errors_of(database, context)
        word = "conflict" if errors[0].code == HTTPStatus.CONFLICT else "failed"
        return errors[0].message, errors[0].code, f"{word}:{errors[0].identifier}", errors
    message = _raised(database)
    if message is not None:
        return message, 422, "failed:raised", [Error(code=422, identifier="raised", message=message)]
    return None


def _is_violation(error: IntegrityError) -> bool:
    """Whether PostgreSQL found a constraint violated, or Django did before a deletion."""
    return isinstance(error, (ProtectedError, RestrictedError)) or (sqlstate_of(error) or "").startswith("23")


def _raised(error: BaseException | None) -> str | None:
    """Return the message of a function's own RAISE, which its author wrote for the caller."""
    if not isinstance(error, DatabaseError) or sqlstate_of(error) != RAISED:
        return None
    diag = getattr(error.__cause__, "diag", None)
    return None if diag is None else diag.message_primary


def _of_validation(error: ValidationError, name_of: Callable[[str], str]) -> list[Error]:
    converted: list[Error] = []
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, errors in by_field.items():
        for item in errors:
            converted += [
                Error(
                    code=422,
                    identifier=str(item.code or "invalid"),
                    message=message,
                    field=None if name == NON_FIELD_ERRORS else name_of(name),
                )
                for message in item.messages
            ]
    return converted


def _plain(errors: Sequence[Error]) -> list[dict[str, Any]]:
    names = ("code", "identifier", "message", "field", "details")
    return [{name: getattr(error, name) for name in names} for error in errors]
