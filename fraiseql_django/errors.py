"""The exceptions of the package.

FraiseQLError
├── ConfigurationError      a setting or an engine configuration is wrong
├── DeclarationError        a type, field or mutation is declared wrongly
├── OperationError          an operation is refused; the client sees the message
│   ├── InvalidInput        it contains a value that is not allowed there
│   ├── LimitExceeded       it exceeds a limit
│   └── TryLater            it may be sent again later
├── StorageError            the database failed or could not be reached
└── UserError               raised by a project's mutation; the client sees the message
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from graphql import GraphQLError, Node


class FraiseQLError(Exception):
    """Base class of the package's exceptions."""


class ConfigurationError(FraiseQLError):
    """An engine is built from wrong settings or a wrong configuration; the message lists all problems."""


class DeclarationError(FraiseQLError):
    """A declaration is wrong: raised by the decorator, or when the schema is built; the message lists all problems."""


class OperationError(FraiseQLError):
    """An operation is refused; the client sees the message and the code. ``engine.explain`` raises it.

    ``nodes`` are the location in the document, ``path`` the location in the answer. ``what`` is the refused part and
    ``rule`` the name of the rule or setting that refuses it, both for audit events. ``hint`` lists the allowed values;
    it is appended to the message, but removed for viewers who may not query the schema.
    """

    code: str = "BAD_REQUEST"

    def __init__(
        self,
        message: str,
        *,
        nodes: Sequence[Node] | None = None,
        path: Sequence[str | int] | None = None,
        code: str | None = None,
        what: str | None = None,
        rule: str | None = None,
        hint: str | None = None,
    ) -> None:
        message = f"{message} {hint}" if hint else message
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.nodes = nodes
        self.path = path
        self.what = what
        self.rule = rule
        if code is not None:
            self.code = code

    def as_graphql_error(self) -> GraphQLError:
        """Return the error in the format of the GraphQL specification (7.1.2)."""
        return GraphQLError(
            self.message,
            nodes=self.nodes,
            path=self.path,
            original_error=self,
            extensions={"code": self.code},
        )


class InvalidInput(OperationError):
    """The operation contains a value that is not allowed at its position."""

    code = "BAD_USER_INPUT"


class LimitExceeded(OperationError):
    """The operation exceeds a limit."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, what: str, *, limit: int, value: float | str, setting: str) -> None:
        super().__init__(f"The operation has {value} {what}; the limit is {limit}.", what=what, rule=setting)
        self.limit = limit
        self.value = value
        self.setting = setting

    def as_graphql_error(self) -> GraphQLError:
        """Return the error with the limit, the operation's figure and the name of the setting as extensions."""
        extensions = {"code": self.code, "limit": self.limit, "value": self.value, "setting": self.setting}
        return GraphQLError(self.message, nodes=self.nodes, path=self.path, original_error=self, extensions=extensions)


class TryLater(OperationError):
    """The operation is refused now, but may be sent again after ``retry_after`` seconds."""

    def __init__(self, message: str, *, code: str, retry_after: int) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after

    def as_graphql_error(self) -> GraphQLError:
        """Return the error with the seconds to wait as an extension."""
        extensions = {"code": self.code, "retryAfter": self.retry_after}
        return GraphQLError(self.message, nodes=self.nodes, path=self.path, original_error=self, extensions=extensions)


class StorageError(FraiseQLError):
    """A call of ``engine.storage`` failed, or did not reach the database; the cause is chained.

    ``sqlstate`` is PostgreSQL's error code (PostgreSQL documentation, appendix A); None if it was not reached.
    """

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class UserError(FraiseQLError):
    """Raise this in a mutation to return an error whose message the client sees.

    ``code`` becomes ``extensions.code``, other keyword arguments become further ``extensions``.
    """

    def __init__(self, message: str | Promise, *, code: str = "USER_ERROR", **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: Mapping[str, Any] = {"code": code, **extensions}
