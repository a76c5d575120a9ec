"""What a client of the tests gets for an operation: data, errors and the response that they came in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.http import HttpResponse

from ..execution.failures import logger

Path: TypeAlias = tuple[str | int, ...]
# How much of a response that is no answer of GraphQL is shown
_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLResultError:
    """One error of a response (GraphQL specification, 7.1.2).

    ``exception`` is what the server has logged under the id of an error whose message hides it; None for others.
    """

    message: str
    path: Path = ()
    locations: tuple[tuple[int, int], ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    exception: BaseException | None = field(default=None, repr=False, compare=False)

    @property
    def code(self) -> Any:
        """The code in the extensions, for instance "FORBIDDEN"; None without one."""
        return self.extensions.get("code")

    def __str__(self) -> str:
        where = f" at {dotted(self.path)}" if self.path else ""
        where += "".join(f" (line {line}, column {column})" for line, column in self.locations[:1])
        text = f"{self.code or 'no code'}{where}: {self.message}"
        others = {name: value for name, value in self.extensions.items() if name not in ("code", "id")}
        if others:
            text += f"\n     {json.dumps(others, ensure_ascii=False, default=str)}"
        if self.exception is not None:
            text += f"\n     {type(self.exception).__name__}: {self.exception}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLResult:
    """The answer to one operation.

    ``data`` are objects by response key, None where nothing of them is left or execution did not begin. ``status`` and
    ``headers`` are those of the HTTP ``response``; the operations of a batch have them in common.
    """

    data: Any
    errors: tuple[GraphQLResultError, ...]
    extensions: Mapping[str, Any]
    status: int
    headers: Mapping[str, str]
    response: HttpResponse = field(repr=False, compare=False)

    @property
    def codes(self) -> list[Any]:
        """The codes of all errors, in their order."""
        return [error.code for error in self.errors]

    def assert_no_errors(self) -> GraphQLResult:
        """Return this result; raise an AssertionError that lists the errors, if there are any.

        The exception behind an error of the server is its cause, so that test runners show the traceback.
        """
        if self.errors:
            cause = next((error.exception for error in self.errors if error.exception is not None), None)
            raise AssertionError(self._listed("was answered with errors")) from cause
        return self

    def assert_error(
        self, code: str | None = None, *, path: str | Sequence[str | int] | None = None, message: str | None = None
    ) -> GraphQLResultError:
        """Return the first error that has this code, this path, and a message that contains this text.

        ``path`` is a sequence of response keys and indexes, or the same joined by points: "books.0.title". What is not
        given is not compared. Raises an AssertionError that lists the errors if there is none like it.
        """
        wanted = path if path is None or isinstance(path, str) else dotted(path)
        for error in self.errors:
            if (
                (code is None or error.code == code)
                and (wanted is None or dotted(error.path) == wanted)
                and (message is None or message in error.message)
            ):
                return error
        asked = [("code", code), ("path", wanted), ("message", message)]
        like = ", ".join(f"{name} {value!r}" for name, value in asked if value is not None)
        raise AssertionError(self._listed(f"has no error with {like}" if like else "has no error"))

    def _listed(self, problem: str) -> str:
        errors = "".join(f"\n  {number}. {error}" for number, error in enumerate(self.errors, 1))
        return f"the operation {problem} (status {self.status}){':' if errors else ''}{errors}"


def dotted(path: Sequence[str | int]) -> str:
    """Return a path as text: ``books.0.title``."""
    return ".".join(map(str, path))


@contextmanager
def logged() -> Iterator[Mapping[str, BaseException]]:
    """Collect the exceptions that the engine logs in a block, by the ids that clients get in their place."""
    handler = _Collecting()
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


class _Collecting(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: dict[str, BaseException] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] and isinstance(record.args, tuple) and record.args:
            self.found[str(record.args[0])] = record.exc_info[1]


def answer_of(response: HttpResponse) -> Any:
    """Return the JSON of a response; raise AssertionError for one that is no answer of a GraphQL endpoint."""
    content_type = response.headers.get("Content-Type", "")
    content = b"" if response.streaming else response.content
    try:
        answer = json.loads(content) if "json" in content_type else None
    except ValueError:
        answer = None
    if not all(map(_is_answer, answer if isinstance(answer, list) else [answer])):
        location = f" to {response.headers['Location']}" if "Location" in response.headers else ""
        text = content.decode("utf-8", "replace")[:_SHOWN]
        raise AssertionError(
            f"the response is no answer of a GraphQL endpoint: status {response.status_code}{location}, "
            f"{content_type or 'no Content-Type'}{':' if text else ''} {text}".rstrip()
        )
    return answer


def _is_answer(value: Any) -> bool:
    """Whether a value has data, or errors that have messages, or both (GraphQL specification, 7.1)."""
    if not isinstance(value, dict):
        return False
    if "errors" not in value:
        return "data" in value
    errors = value["errors"]
    return isinstance(errors, list) and bool(errors) and all(_has_message(error) for error in errors)


def _has_message(error: Any) -> bool:
    return isinstance(error, dict) and isinstance(error.get("message"), str)


def result_of(answer: Any, response: HttpResponse, causes: Mapping[str, BaseException]) -> GraphQLResult:
    """Return the result that a JSON object is, of a response or of a batch in one."""
    return GraphQLResult(
        data=answer.get("data"),
        errors=tuple(_error_of(error, causes) for error in answer.get("errors", ())),
        extensions=answer.get("extensions", {}),
        status=response.status_code,
        headers=response.headers,
        response=response,
    )


def _error_of(error: Any, causes: Mapping[str, BaseException]) -> GraphQLResultError:
    extensions = error.get("extensions", {})
    return GraphQLResultError(
        message=error["message"],
        path=tuple(error.get("path") or ()),
        locations=tuple((place["line"], place["column"]) for place in error.get("locations") or ()),
        extensions=extensions,
        exception=causes.get(str(extensions.get("id"))),
    )
