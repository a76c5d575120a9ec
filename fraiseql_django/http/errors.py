"""What is raised for a request that is turned away."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError

from ..errors import OperationError


class Refused(OperationError):
    """An HTTP request is turned away before an operation is read from it.

    ``status``, ``code`` and ``headers`` are the answer's, ``extensions`` go beside the code; ``what`` is refused.
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
        """Return the error with its code and whatever else there is to say."""
        return GraphQLError(self.message, original_error=self, extensions={"code": self.code, **self.extensions})
