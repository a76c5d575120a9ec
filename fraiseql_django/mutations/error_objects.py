"""What went wrong in a mutation → an error object, where the mutation declares a class for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import Error as DatabaseError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError

from ..declare.results import Error
from ..errors import StorageError, UserError
from ..planner.plan import Write
from ..schema.conventions import Conventions
from ..schema.object_types import ObjectDef
from .constraints import errors_of
from .context import Info, Made

# PL/pgSQL's RAISE without a code of its own (PostgreSQL documentation, appendix A)
RAISED = "P0001"
# Nothing was wrong but the moment: the same once more may succeed (13.5)
REPEATABLE = ("40001", "40P01")


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's code of an error, however it is wrapped."""
    seen: BaseException | None = error
    while seen is not None:
        found = getattr(seen, "sqlstate", None)
        if isinstance(found, str):
            return found
        seen = seen.__cause__
    return None


def as_result(error: Exception, write: Write, objects: Mapping[str, ObjectDef], info: Info) -> Made | None:
    """Return the error object that stands for an exception; None where there is none, or it is no one's mistake."""
    found = _class(write, objects)
    if found is None:
        return None
    known = _known(error, info)
    if known is None:
        return None
    message, code, status, errors = known
    return Made(found.name, {"message": message, "code": code, "status": status, "errors": _plain(errors)})


def as_user_error(error: Exception, info: Info) -> Exception:
    """Return what a client may read of an exception where the mutation has no class of errors; else itself."""
    if isinstance(error, ValidationError):
        return error
    known = _known(error, info)
    if known is None:
        return error
    message, _, _, errors = known
    code = "USER_ERROR" if sqlstate_of(error) == RAISED else "CONSTRAINT_VIOLATED"
    return UserError(message, code=code, errors=_plain(errors))


def _class(write: Write, objects: Mapping[str, ObjectDef]) -> ObjectDef | None:
    """Return the mutation's class of errors, if there is one that needs no more than what is known of any error."""
    found = [objects[name] for name in write.definition.output.types if name in objects and objects[name].failed]
    given = {"message", "code", "status", "errors"}
    if len(found) != 1:
        return None
    fields = found[0].fields.values()
    return (
        found[0] if all(field.key in given or not field.required or field.output.nullable for field in fields) else None
    )


def _known(error: Exception, info: Info) -> tuple[str, int, str, Sequence[Error]] | None:
    """Return message, code, status and errors of what a client may be told of."""
    if isinstance(error, ValidationError):
        errors = _of_validation(error, info._conventions)
        return errors[0].message if errors else "", 422, "failed:validation", errors
    database = error.__cause__ if isinstance(error, StorageError) else error
    if isinstance(database, IntegrityError) and _is_violation(database):
        errors = errors_of(database, info.database, info=info, conventions=info._conventions)
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
    """Return what a function's own RAISE says: its author wrote it for whoever calls the function."""
    if not isinstance(error, DatabaseError) or sqlstate_of(error) != RAISED:
        return None
    diag = getattr(error.__cause__, "diag", None)
    return None if diag is None else diag.message_primary


def _of_validation(error: ValidationError, conventions: Conventions) -> list[Error]:
    found: list[Error] = []
    by_field = error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    for name, errors in by_field.items():
        for item in errors:
            found += [
                Error(
                    code=422,
                    identifier=item.code or "invalid",
                    message=message,
                    field=None if name == NON_FIELD_ERRORS else conventions.name(name),
                )
                for message in item.messages
            ]
    return found


def _plain(errors: Sequence[Error]) -> list[dict[str, Any]]:
    names = ("code", "identifier", "message", "field", "details")
    return [{name: getattr(error, name) for name in names} for error in errors]
