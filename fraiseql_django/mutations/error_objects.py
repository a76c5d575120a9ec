"""Exceptions that a mutation raised → an error object, where the mutation declares a class for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import Error as DatabaseError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError

from ..declare.registry import JSON
from ..declare.results import Error
from ..errors import StorageError, UserError
from ..schema.arguments import MutationDef
from ..schema.object_types import ObjectDef
from ..schema.output_values import Unfit, leaf_text
from .constraints import described, errors_of
from .context import Made, MutationContext

# PL/pgSQL's RAISE without a code of its own (PostgreSQL documentation, appendix A)
RAISED = "P0001"
# The classes of codes that PostgreSQL raises itself (appendix A, and src/backend/utils/errcodes.txt of older versions);
# TS is TimescaleDB's. A code of any other class is the project's
_OF_POSTGRESQL = frozenset(
    """
    00 01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58
    72 F0 HV P0 TS XX
    """.split()  # noqa: SIM905 - codes, easier to read as words
)
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


def is_of_project(sqlstate: str | None) -> bool:
    """Whether an error's code says that a function of the project raised it, and wrote the message for the caller.

    The class decides, not who raised it: a function may raise again what PostgreSQL said, with its code.
    """
    return sqlstate is not None and (sqlstate == RAISED or sqlstate[:2] not in _OF_POSTGRESQL)


def as_result(
    error: Exception, definition: MutationDef, objects: Mapping[str, ObjectDef], context: MutationContext
) -> Made | None:
    """Return the error object for an exception; None where the exception is unexpected, or the mutation has none.

    It has none either whose class gives one of these fields another type: ``status`` an Enum of its own.
    """
    error_class = _error_class(definition, objects)
    if error_class is None:
        return None
    known = _known(error, context)
    made = None if known is None else error_object(error_class.name, *known)
    return made if made is None or _fits(error_class, made.values) else None


def _fits(error_class: ObjectDef, values: Mapping[str, Any]) -> bool:
    try:
        for field in error_class.fields.values():
            if field.key in values and field.output.leaf is not None:
                leaf_text(field.output.leaf, values[field.key], True)
    except Unfit:
        return False
    return True


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
    sqlstate = sqlstate_of(error)
    if not is_of_project(sqlstate):
        return UserError(message, code="CONSTRAINT_VIOLATED", errors=_plain(errors))
    own = {} if sqlstate == RAISED else {"sqlstate": sqlstate}
    return UserError(message, code="USER_ERROR", **own, errors=_plain(errors))


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
    raised = _raised(database)
    if raised is not None:
        return raised.message, raised.code, f"failed:{raised.identifier}", [raised]
    return None


def _is_violation(error: IntegrityError) -> bool:
    """Whether PostgreSQL found a constraint violated, or Django did before a deletion."""
    return isinstance(error, (ProtectedError, RestrictedError)) or (sqlstate_of(error) or "").startswith("23")


def _raised(error: BaseException | None) -> Error | None:
    """Return what a function's own RAISE says, which its author wrote for the caller."""
    sqlstate = sqlstate_of(error) if isinstance(error, DatabaseError) else None
    diag = getattr(error.__cause__, "diag", None) if error is not None else None
    if diag is None or sqlstate is None or not is_of_project(sqlstate):
        return None
    details = {"detail": diag.message_detail, "hint": diag.message_hint}
    return Error(
        code=422,
        identifier="raised" if sqlstate == RAISED else sqlstate,
        message=diag.message_primary or "",
        details=JSON({name: text for name, text in details.items() if text}) or None,
    )


def _of_validation(error: ValidationError, name_of: Callable[[str], str]) -> list[Error]:
    converted: list[Error] = []
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, errors in by_field.items():
        for item in errors:
            identifier, concerned = str(item.code or "invalid"), str(name)
            if name == NON_FIELD_ERRORS:
                # as if PostgreSQL had found the constraint violated
                identifier, of_constraint = described(item, None)
                concerned = of_constraint or ""
            field = name_of(concerned) if concerned else None
            converted += [
                Error(code=422, identifier=identifier, message=message, field=field) for message in item.messages
            ]
    return converted


def _plain(errors: Sequence[Error]) -> list[dict[str, Any]]:
    names = ("code", "identifier", "message", "field", "details")
    return [{name: getattr(error, name) for name in names} for error in errors]
