"""The answer to an operation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import GraphQLError


@dataclass(frozen=True)
class Response:
    """What an operation answers.

    ``data`` is the JSON text of the data: ``b"null"`` where an error left nothing of it, None where
    execution did not begin (GraphQL specification, 7.1). ``status`` is what HTTP says of it.
    """

    data: bytes | None
    errors: Sequence[GraphQLError] = ()
    status: int = 200

    @cached_property
    def body(self) -> bytes:
        """The whole response as JSON text."""
        if not self.errors:
            return b'{"data":%b}' % (self.data or b"null")
        errors = json.dumps([error.formatted for error in self.errors], ensure_ascii=False, separators=(",", ":"))
        # a lone surrogate in a client's text has no UTF-8
        encoded = errors.encode("utf-8", "backslashreplace")
        return b'{"errors":%b}' % encoded if self.data is None else b'{"errors":%b,"data":%b}' % (encoded, self.data)

    def json(self) -> Any:
        """The whole response as Python objects: for tests and scripts."""
        return json.loads(self.body)
