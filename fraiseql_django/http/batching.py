"""Several operations in one request: a JSON array as the body, answered by an array in its order.

Each is executed as if it had been sent alone, one after the other. Form and statuses are those that Apollo's clients
and servers have agreed on; GraphQL over HTTP leaves batches to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpRequest

from ..execution.response import Response
from .errors import Refused
from .parameters import Parameters, body_of, from_value, read_json


def from_body(request: HttpRequest, limit: int | None, most: int) -> Parameters | list[Parameters | Refused]:
    """Read the parameters from a JSON body, or those of each of at most ``most`` operations in an array.

    What is malformed in an array stands in its place. Raises Refused: 413 for a body of more than ``limit`` bytes, 400
    for one that is malformed, and for an array with no operation, or too many.
    """
    text = body_of(request, limit)
    given = read_json(text, "The body")
    if not isinstance(given, list):
        return from_value(given, text, "The body")
    if not most:
        raise Refused("The body is an array; it must be a JSON object with a query: batches are not taken here.")
    if not given:
        raise Refused("The body is an empty array; a batch must have at least one operation.")
    if len(given) > most:
        raise Refused(
            f"The batch has {len(given)} operations; the limit is {most}.",
            code="LIMIT_EXCEEDED",
            what="operations in a batch",
            limit=most,
            value=len(given),
            setting="BATCHING.MAX_OPERATIONS",
        )
    return [_element(item, text, f"Element {index} of the batch") for index, item in enumerate(given)]


def _element(given: object, text: str, what: str) -> Parameters | Refused:
    try:
        return from_value(given, text, what)
    except Refused as refused:
        return refused


def body(answers: Sequence[Response]) -> bytes:
    """Return the body of the answer to a batch."""
    return b"[%b]" % b",".join(answer.body for answer in answers)


def status(answers: Sequence[Response]) -> int:
    """Return the status of a batch: 200, unless nothing at all was executed, and may be when it is sent again."""
    if all(answer.retry_after is not None and answer.data is None for answer in answers):
        return answers[0].status
    return HTTPStatus.OK
