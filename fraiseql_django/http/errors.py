"""The exception for HTTP requests that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError

from ..errors import OperationError


class Refused(OperationError):
    """An HTTP request is refused before an operation is executed.

    ``status`` and ``headers`` are those of the response. ``code`` and ``extensions`` become the error's extensions.
    ``what`` names the refused document or the exceeded figure in audit events.
    """

    code = "BAD_REQUEST"

    def __init__(
        self,
        message: str,
        *,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        what: str | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(message, code=code, what=what)
        self.status = status
        self.headers = headers or {}
        self.extensions = extensions

    def as_graphql_error(self) -> GraphQLError:
        """Return the error with its code and other extensions."""
        return GraphQLError(self.message, original_error=self, extensions={"code": self.code, **self.extensions})
