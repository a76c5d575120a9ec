"""Several operations in one request: a JSON array in the body, answered by an array in the same order.

The operations are executed one after the other, each as if it were a request of its own. GraphQL over HTTP does not
specify batches; format and status codes are those of Apollo
(https://www.apollographql.com/docs/apollo-server/workflow/requests#batching).
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpRequest

from ..execution.response import Response
from .errors import Refused
from .parameters import Parameters, body_of, from_value, read_json


def from_body(request: HttpRequest, limit: int | None, most: int) -> Parameters | list[Parameters | Refused]:
    """Read the parameters of one operation, or of at most ``most`` operations in an array, from a JSON body.

    The result for a malformed element of an array is the Refused that describes it. Raises Refused: 413 for a body of
    more than ``limit`` bytes, 400 for a malformed body and for an array that is empty or too long.
    """
    text = body_of(request, limit)
    value = read_json(text, "The body")
    if not isinstance(value, list):
        return from_value(value, text, "The body")
    if not most:
        raise Refused("The body is an array; it must be a JSON object with a query: batches are not enabled.")
    if not value:
        raise Refused("The body is an empty array; a batch must have at least one operation.")
    if len(value) > most:
        raise Refused(
            f"The batch has {len(value)} operations; the limit is {most}.",
            code="LIMIT_EXCEEDED",
            what="operations in a batch",
            limit=most,
            value=len(value),
            setting="BATCHING.MAX_OPERATIONS",
        )
    return [_element(item, text, f"Element {index} of the batch") for index, item in enumerate(value)]


def _element(value: object, text: str, what: str) -> Parameters | Refused:
    try:
        return from_value(value, text, what)
    except Refused as refused:
        return refused


def body(answers: Sequence[Response]) -> bytes:
    """Return the body of the response to a batch."""
    return b"[%b]" % b",".join(answer.body for answer in answers)


def status(answers: Sequence[Response]) -> int:
    """Return the status of a batch: 200, unless no operation was executed and all may be retried later."""
    if all(answer.retry_after is not None and answer.data is None for answer in answers):
        return answers[0].status
    return HTTPStatus.OK
