"""Requests to the endpoint."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

URL = "/graphql/"
JSON = "application/json"


def post(client: Client, body: object, *, accept: str = JSON, content_type: str = JSON, **headers: str) -> Any:
    """Send a body: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    # in the headers too: the client leaves out the type of a body that is empty
    headers = {"Accept": accept, "Content-Type": content_type, **headers}
    return client.generic("POST", URL, data, content_type=content_type, headers=headers)


def codes(response: HttpResponse) -> list[str]:
    """Return the codes of a response's errors."""
    return [error["extensions"]["code"] for error in json.loads(response.content)["errors"]]


def message(response: HttpResponse) -> str:
    """Return what a response with one error says."""
    (error,) = json.loads(response.content)["errors"]
    return str(error["message"])
