"""All differences between the supported versions of Django, graphql-core, psycopg and Python."""

from __future__ import annotations

import encodings
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import graphql
from django.db import models
from django.http import HttpRequest
from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution import values as graphql_values

try:
    from django.db.backends.postgresql.psycopg_any import get_adapters_template as get_adapters_template
    from psycopg import ClientCursor as ClientCursor
    from psycopg import Connection as Connection
    from psycopg import Cursor as Cursor
    from psycopg import Error as Error
    from psycopg import IsolationLevel as IsolationLevel
    from psycopg import ProgrammingError as ProgrammingError
    from psycopg import RawCursor as RawCursor
    from psycopg.conninfo import conninfo_to_dict as conninfo_to_dict
    from psycopg.errors import CharacterNotInRepertoire as CharacterNotInRepertoire
    from psycopg.errors import DuplicatePreparedStatement as DuplicatePreparedStatement
    from psycopg.errors import InternalError_ as InternalError_
    from psycopg.errors import InvalidSqlStatementName as InvalidSqlStatementName
    from psycopg.pq import Conninfo as Conninfo
    from psycopg.pq import Format as Format
    from psycopg.pq import TransactionStatus as TransactionStatus
    from psycopg.rows import tuple_row as tuple_row
except ImportError:
    # Django would go on with psycopg 2; so does the import of this package, for a system check to say so
    PSYCOPG_3 = False
    ClientCursor = IsolationLevel = conninfo_to_dict = None  # type: ignore[assignment, misc]
    Connection = Conninfo = Error = Format = ProgrammingError = TransactionStatus = tuple_row = None  # type: ignore[assignment, misc]
    get_adapters_template = CharacterNotInRepertoire = InternalError_ = None  # type: ignore[assignment, misc]
    DuplicatePreparedStatement = InvalidSqlStatementName = None  # type: ignore[assignment, misc]
    Cursor = RawCursor = list  # type: ignore[assignment, misc]
else:
    PSYCOPG_3 = True

# Why statements cannot be sent through libpq (storage/pipeline.py); None where they can. Of these, ``generators`` is
# undocumented, and the others may change with a major version
NO_PIPELINE: str | None = None
try:
    from psycopg import Pipeline as Pipeline
    from psycopg.adapt import PyFormat as PyFormat
    from psycopg.adapt import Transformer as Transformer
    from psycopg.errors import error_from_result as error_from_result
    from psycopg.generators import execute as execute
    from psycopg.generators import fetch_many as fetch_many
    from psycopg.generators import send as send
    from psycopg.pq import ExecStatus as ExecStatus

    if not Pipeline.is_supported():
        NO_PIPELINE = "libpq is older than version 14"
except (ImportError, AttributeError) as error:
    NO_PIPELINE = f"psycopg lacks what is needed: {error}"
    Pipeline = PyFormat = Transformer = ExecStatus = execute = None  # type: ignore[assignment, misc]
    fetch_many = send = error_from_result = None  # type: ignore[assignment]

try:
    from django.middleware.csp import get_nonce
except ImportError:
    # Django has this middleware since 6.0
    get_nonce = None  # type: ignore[assignment]

# Python itself knows about a hundred codecs
MAX_UNKNOWN_CODECS = 500
GRAPHQL_33 = graphql.version_info[:2] >= (3, 3)
# Newer versions parse empty selection sets, which the specification does not allow (2.4 "Selection Sets")
STRICT_SYNTAX: Mapping[str, Any] = (
    {"allow_empty_selection_sets": False} if "allow_empty_selection_sets" in signature(graphql.parse).parameters else {}
)
# The argument of an input type of which clients write exactly one field; older versions do not have @oneOf
IS_ONE_OF: Mapping[str, Any] = (
    {"is_one_of": True} if "is_one_of" in signature(graphql.GraphQLInputObjectType.__init__).parameters else {}
)


# Since Django 6.1, fields return the SQL and the parameters of a value; before, only the SQL around a parameter
PLACEHOLDER_SQL = hasattr(models.BinaryField, "get_placeholder_sql")


def nonce_of_middleware(request: HttpRequest) -> Any | None:
    """Return the nonce of Django's own middleware for a Content Security Policy, if there is one."""
    return None if get_nonce is None else get_nonce(request)


def plain_cursor(driver: Any) -> Any:
    """Open a cursor of psycopg's own class, past the class that the project, Django or this package has chosen."""
    return Cursor(driver, row_factory=tuple_row)


def forget_unknown_codecs() -> None:
    """Remove the names of codecs that do not exist from CPython's memory, where there are many.

    Django looks up the charset in a request's Content-Type, and those in the headers of a form's parts. Python keeps
    each name for good, also where it knows no such codec, so that clients could fill the memory.
    """
    known: Any = getattr(encodings, "_cache", {})
    if len(known) > MAX_UNKNOWN_CODECS:
        for name, codec in list(known.items()):
            if codec is None:
                known.pop(name, None)


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, inputs: Mapping[str, Any]
) -> dict[str, Any] | list[GraphQLError]:
    """Coerce a request's variables (GraphQL specification, 6.1.2); return the values by name, or the errors."""
    result: Any = graphql_values.get_variable_values(
        schema, operation.variable_definitions or (), dict(inputs), max_errors=20
    )
    if isinstance(result, list):
        return result
    # 3.3 returns the values together with their sources
    values: dict[str, Any] = result.coerced if GRAPHQL_33 else result
    return values


def parse_input(type_: Any) -> Callable[[Any], Any]:
    """Return the function that coerces a value of a scalar or enum type; it raises for an invalid value."""
    parse: Callable[[Any], Any] = type_.coerce_input_value if GRAPHQL_33 else type_.parse_value
    return parse


def input_default(field: GraphQLInputField) -> Any:
    """Return the default value of an input object's field, or Undefined."""
    return field.default_value
