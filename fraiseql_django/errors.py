"""What can go wrong, as exceptions.

FraiseQLError
├── ConfigurationError      a setting or an engine configuration is wrong
├── DeclarationError        a type, field or mutation is declared wrongly
├── OperationError          an operation is refused; the client sees why
│   ├── InvalidInput        a value in it is not allowed where it stands
│   ├── LimitExceeded       it is larger than a limit allows
│   └── TryLater            it may be sent again, but not now
├── StorageError            the database did not answer
└── UserError               raised by a project's own mutation, for the client to see
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError, Node


class FraiseQLError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigurationError(FraiseQLError):
    """A setting or an engine configuration is wrong."""


class DeclarationError(FraiseQLError):
    """A type, field or mutation is declared wrongly."""


class OperationError(FraiseQLError):
    """An operation is refused; message and code are for the client.

    ``nodes`` point at the part of the document, ``path`` at the part of the answer. ``what`` is refused by the rule
    called ``rule``, which is for the audit alone. ``hint`` names what is allowed, and is left out for those who may
    not see the schema.
    """

    code = "BAD_REQUEST"

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
        """Return the error in the form that the GraphQL specification gives it (section 7.1.2)."""
        return GraphQLError(
            self.message,
            nodes=self.nodes,
            path=self.path,
            original_error=self,
            extensions={"code": self.code},
        )


class InvalidInput(OperationError):
    """A value in the operation is not allowed where it stands."""

    code = "BAD_USER_INPUT"


class LimitExceeded(OperationError):
    """The operation is larger than a limit allows."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, what: str, *, limit: int, value: float | str, setting: str) -> None:
        super().__init__(f"The operation has {value} {what}; the limit is {limit}.", what=what, rule=setting)
        self.limit = limit
        self.value = value
        self.setting = setting

    def as_graphql_error(self) -> GraphQLError:
        """Return the error with the limit, the operation's value and the setting's name."""
        extensions = {"code": self.code, "limit": self.limit, "value": self.value, "setting": self.setting}
        return GraphQLError(self.message, nodes=self.nodes, path=self.path, original_error=self, extensions=extensions)


class TryLater(OperationError):
    """The operation may be sent again, but not now: in ``retry_after`` seconds."""

    def __init__(self, message: str, *, code: str, retry_after: int) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after

    def as_graphql_error(self) -> GraphQLError:
        """Return the error with the seconds to wait."""
        extensions = {"code": self.code, "retryAfter": self.retry_after}
        return GraphQLError(self.message, nodes=self.nodes, path=self.path, original_error=self, extensions=extensions)


class StorageError(FraiseQLError):
    """The database did not answer; the cause is chained.

    ``sqlstate`` is PostgreSQL's code (PostgreSQL documentation, appendix A), None where it was not reached.
    """

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class UserError(FraiseQLError):
    """Raise this in a mutation to answer with an error that the client may read.

    ``code`` goes to ``extensions.code``; other keyword arguments to ``extensions``.
    """

    def __init__(self, message: str, *, code: str = "USER_ERROR", **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: Mapping[str, Any] = {"code": code, **extensions}
