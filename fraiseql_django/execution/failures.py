"""Turns exceptions into errors that a client may read: a message and a code, never SQL or a traceback."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from graphql import GraphQLError, Node

from .._django import called_from, raised_by_field
from ..errors import OperationError, StorageError, UserError
from .field_errors import FieldError

logger = logging.getLogger("fraiseql_django.engine")

_MALFORMED = "A value in the operation is malformed or out of range for its column."
# PostgreSQL's codes (appendix A) that the operation itself can cause, with the message for the client
_CAUSED_BY_CLIENT = {
    "2201B": "A regular expression in the operation is invalid.",
    "22025": "A LIKE pattern in the operation is invalid: it ends in a single backslash.",
    "22": _MALFORMED,
    "54001": "The operation is too complex for the database.",
}
# ... except for a division by zero, which only the project's own SQL can cause
_OF_PROJECT = {"22012"}
# ... or a view whose values are not of the declared type: text that is no number or date
_OF_CASTS = {"22P02", "22003", "22007", "22008"}
# ... or an aggregate, whose result may have no place in its type
_OUT_OF_RANGE = {"22003", "22008"}
# How a context names a parameter, in every language
_PARAMETER = re.compile(r"\$[0-9]+ = ")
# Classes of errors that evaluating an expression can end in: cardinality, data, errors of functions, RAISE
_OF_DATA = ("21", "22", "38", "39", "P0")
# The same operation may succeed when it is sent again (13.5)
_CONFLICTS = {"40001": "SERIALIZATION_FAILURE", "40P01": "DEADLOCK", "55P03": "LOCK_NOT_AVAILABLE"}
# statement_timeout, idle_in_transaction_session_timeout, transaction_timeout (19.11.1)
_TIMEOUTS = {"57014", "25P03", "25P04"}
_PRIVILEGE = "42501"
_UNREACHABLE = ("08", "57P", "53")


def failure(
    error: Exception, *, mask: bool, nodes: Sequence[Node] | None = None, path: Sequence[str | int] | None = None
) -> GraphQLError:
    """Return the error for the client; with ``mask``, an unexpected error is replaced by an id that is also logged."""
    if isinstance(error, OperationError):
        error.nodes, error.path = error.nodes or nodes, error.path or path
        return error.as_graphql_error()
    if isinstance(error, GraphQLError):
        # raised by a mutation, like a UserError, or by graphql-core while a plan is made
        extensions = {"code": "USER_ERROR" if path else "BAD_REQUEST", **(error.extensions or {})}
        return GraphQLError(str(error.message), nodes or error.nodes, path=path or error.path, extensions=extensions)
    known = _known(error, in_mutation=path is not None)
    if known is not None:
        message, extensions = known
        return GraphQLError(message, nodes, path=path, extensions=extensions)
    return _unexpected(error, mask, nodes, path)


def out_of_range(error: Exception) -> OperationError | None:
    """Return the error for the client of a statement whose aggregates may be out of range; None for other errors."""
    if not isinstance(error, StorageError) or error.sqlstate not in _OUT_OF_RANGE or not is_of_data(error):
        return None
    _log_value("an aggregate is out of range", error)
    return OperationError("An aggregate of these values is out of range.", code="INVALID_VALUE")


def invalid_values(
    errors: Sequence[FieldError], nodes_at: Callable[[Sequence[str | int]], Sequence[Node]], *, mask: bool
) -> list[GraphQLError]:
    """Return the errors of values that cannot stand in an answer; ``nodes_at`` finds a field by its path.

    With ``mask``, the message of what a project's function has raised is replaced as in ``failure``.
    """
    stored = [error for error in errors if error.error is None]
    if stored:
        first = stored[0]
        more = f" (and {len(stored) - 1} more)" if len(stored) > 1 else ""
        logger.warning("a value cannot be answered: %s, at %s%s", first.problem, list(first.path), more)
    # one exception may stand in the place of many values
    shown: dict[int, GraphQLError] = {}
    found: list[GraphQLError] = []
    for error in errors:
        nodes = nodes_at(error.path)
        if error.error is None:
            extensions = {"code": "INVALID_VALUE"}
            found.append(GraphQLError(f"{error.problem}.", nodes, path=error.path, extensions=extensions))
            continue
        known = shown.get(id(error.error)) or failure(error.error, mask=mask, nodes=nodes, path=error.path)
        shown[id(error.error)] = known
        found.append(GraphQLError(known.message, nodes, path=error.path, extensions=known.extensions))
    return found


def is_of_data(error: Exception) -> bool:
    """Whether a statement failed by what is stored, or by the project's own SQL: another statement may not fail.

    Where a parameter could not be cast, PostgreSQL names it in the error's context; of JSON there is one in any case.
    """
    if not isinstance(error, StorageError) or error.sqlstate is None:
        return False
    if error.sqlstate in _OF_CASTS:
        raised = getattr(error.__cause__, "__cause__", None)
        return raised is not None and not _PARAMETER.search(raised.diag.context or "")
    by_client = error.sqlstate not in _OF_PROJECT and error.sqlstate.startswith(tuple(_CAUSED_BY_CLIENT))
    return error.sqlstate.startswith(_OF_DATA) and not by_client


def _known(error: Exception, *, in_mutation: bool) -> tuple[str, dict[str, Any]] | None:
    if isinstance(error, UserError):
        return str(error.message), dict(error.extensions)
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        return " ".join(error.messages), {"code": "VALIDATION_FAILED", "fields": fields}
    if isinstance(error, PermissionDenied):
        return str(error) or "You are not allowed to do this.", {"code": "FORBIDDEN"}
    if isinstance(error, (ObjectDoesNotExist, Http404)):
        return str(error) or "There is no such object.", {"code": "NOT_FOUND"}
    if _sqlstate(error) == _PRIVILEGE:
        # a policy of row security, or a role without the privilege, which a migration may have forgotten to grant
        logger.warning("the database has refused the viewer: %s", error)
        return "You are not allowed to do this.", {"code": "FORBIDDEN"}
    if (code := _CONFLICTS.get(_sqlstate(error))) is not None:
        return "Another operation was in the way, and nothing was written. The same operation may be sent again.", {
            "code": code
        }
    if _sqlstate(error) in _TIMEOUTS:
        return "The database took longer than is allowed.", {"code": "TIMEOUT"}
    if isinstance(error, StorageError) and error.sqlstate is not None:
        if _is_malformed_parameter(error):
            return _MALFORMED, {"code": "BAD_USER_INPUT"}
        for prefix, message in _CAUSED_BY_CLIENT.items():
            if error.sqlstate.startswith(prefix) and not is_of_data(error):
                return message, {"code": "BAD_USER_INPUT"}
    if in_mutation and isinstance(error, DataError) and _sqlstate(error) not in _OF_PROJECT:
        # by the ORM in a mutation in Python; without a code where psycopg refused a value, such as a text with NUL
        _log_value("PostgreSQL was given a value that it does not take", error)
        return _CAUSED_BY_CLIENT.get(_sqlstate(error), _MALFORMED), {"code": "BAD_USER_INPUT"}
    if raised_by_field(error):
        _log_value("a field of a model was given what it does not take", error)
        return _MALFORMED, {"code": "BAD_USER_INPUT"}
    if isinstance(error, (SuspiciousOperation, BadRequest)):
        # Django's views answer both with 400, and log the former like this
        name = type(error).__name__
        kind = f"django.security.{name}" if isinstance(error, SuspiciousOperation) else "django.request"
        logging.getLogger(kind).error("%s in an operation: %s", name, _on_one_line(error))
        return "The operation is not allowed as it was sent.", {"code": "BAD_USER_INPUT"}
    return None


def _log_value(what: str, error: Exception) -> None:
    """Log that a value was refused: usually a client's, so without a traceback, but with the place in the project."""
    logger.warning("%s: %s (%s)", what, _on_one_line(error), called_from(error))


def _on_one_line(error: Exception) -> str:
    """Return an error's text with its line feeds escaped: it may hold a client's value."""
    return str(error).encode("unicode_escape").decode("ascii")


def _unexpected(
    error: Exception, mask: bool, nodes: Sequence[Node] | None, path: Sequence[str | int] | None
) -> GraphQLError:
    unreachable = _is_unreachable(error)
    code = "DATABASE_UNAVAILABLE" if unreachable else "INTERNAL_SERVER_ERROR"
    number = uuid.uuid4().hex[:12]
    logger.error("error %s at %s: %s", number, list(path or ()), error, exc_info=error)
    masked = "The database cannot be reached." if unreachable else "Something went wrong on the server."
    message = masked if mask else f"{type(error.__cause__ or error).__name__}: {error}"
    return GraphQLError(f"{message} (error {number})", nodes, path=path, extensions={"code": code, "id": number})


def _is_unreachable(error: Exception) -> bool:
    if not isinstance(error, (StorageError, OperationalError, InterfaceError)):
        return False
    sqlstate = _sqlstate(error)
    return not sqlstate or sqlstate.startswith(_UNREACHABLE)


def _is_malformed_parameter(error: StorageError) -> bool:
    """Whether a parameter has the wrong syntax for its type: a tsquery or an ltree has it as a syntax error.

    Such an error has no place in the statement, but a context, which names the parameter; one in SQL that a function
    has run has that SQL as well.
    """
    raised = getattr(error.__cause__, "__cause__", None)
    if error.sqlstate != "42601" or raised is None:
        return False
    diagnosis = raised.diag
    return bool(diagnosis.context) and not (diagnosis.statement_position or diagnosis.internal_query)


def _sqlstate(error: Exception) -> str:
    """Return PostgreSQL's code of storage's errors, and of Django's, in a mutation or while a plan is made."""
    found = error.sqlstate if isinstance(error, StorageError) else getattr(error.__cause__, "sqlstate", None)
    return found or ""


def status_of(errors: Sequence[GraphQLError]) -> int:
    """Return the HTTP status of a response without data."""
    codes = {(error.extensions or {}).get("code") for error in errors}
    if codes & {"DATABASE_UNAVAILABLE", "OVERLOADED"}:
        return 503
    if codes & {"INTERNAL_SERVER_ERROR", "INVALID_VALUE"}:
        return 500
    if "RATE_LIMITED" in codes:
        return 429
    return 400
