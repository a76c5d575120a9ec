"""Operations with files: a form as the GraphQL multipart request specification has it.

The form's field ``operations`` holds the parameters as JSON, with null where a file belongs; ``map`` says
by the name of each file which paths it belongs at, ``{"0": ["variables.file"]}``; the files come beside
them. (https://github.com/jaydenseric/graphql-multipart-request-spec) Of the forms that it allows, lists of
operations are not taken.

Django reads the form, with its own upload handlers and limits, and closes the files with the request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from ..conf.settings import LimitSettings
from ..schema.scalars.graphql import Upload
from .errors import Refused
from .parameters import Parameters, declared_length, from_text, kind_of, read_json, too_large

ROOT = "variables"


def from_form(request: HttpRequest, limits: LimitSettings) -> Parameters:
    """Read the parameters from a form, each file standing in the variables as Django's UploadedFile.

    Raises Refused: 413 for a form or a field of it that is too large, 411 for one whose length is not told,
    400 for one that is malformed.
    """
    declared = declared_length(request, limits.upload_bytes, "LIMITS.UPLOAD_BYTES")
    if declared is None:
        raise Refused(
            "A form must be sent with its Content-Length; without one Django reads nothing of it.",
            status=HTTPStatus.LENGTH_REQUIRED,
            code="LENGTH_REQUIRED",
        )
    if declared == 0:
        raise Refused("The body is empty; it must be a form with the fields operations and map.")
    _read(request)
    given = from_text(_field(request, "operations", limits.body_bytes), "The form field operations")
    paths = _paths(_field(request, "map", limits.body_bytes))
    for name, file in _files(request, paths):
        for path in paths[name]:
            _place(file, path, given.variables)
    return given


def _read(request: HttpRequest) -> None:
    """Have Django read the form; raise Refused for whatever it raises of its own."""
    try:
        _read_to_the_end(request)
    except TooManyFilesSent:
        raise _too_many("files", settings.DATA_UPLOAD_MAX_NUMBER_FILES, "DATA_UPLOAD_MAX_NUMBER_FILES") from None
    except TooManyFieldsSent:
        raise _too_many("fields", settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, "DATA_UPLOAD_MAX_NUMBER_FIELDS") from None
    except RequestDataTooBig:
        allowed = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise too_large("form without its files", None, allowed, "DATA_UPLOAD_MAX_MEMORY_SIZE") from None
    except UnreadablePostError:
        raise Refused("The body could not be read to its end.") from None
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Refused(f"The body cannot be read as a form: {str(error).rstrip('.')}.") from None


def _read_to_the_end(request: HttpRequest) -> None:
    try:
        request.POST  # noqa: B018 - the first access reads, FILES as well
    except Exception:
        # Django tells its handlers only of an end that comes too soon, not of an error: the temporary file
        # that is being written would stay until the garbage collector finds it
        for handler in request.upload_handlers:
            handler.upload_interrupted()
        raise


def _too_many(what: str, limit: int | None, setting: str) -> Refused:
    value = f"more than {limit}"
    message = f"The form has {value} {what}; the limit is {limit}."
    return Refused(message, code="LIMIT_EXCEEDED", limit=limit, value=value, setting=setting)


def _field(request: HttpRequest, name: str, limit: int | None) -> str:
    """Return the text of the one field of this name, which has at most ``limit`` bytes."""
    found = request.POST.getlist(name)
    if name in request.FILES:
        raise Refused(f"The form field {name} is a file; it must be a field, without a filename.")
    if not found:
        raise Refused(f"The form field {name} is missing; a form must have the fields operations and map.")
    if len(found) > 1:
        raise Refused(f"The form field {name} is in the form more than once.")
    size = len(found[0].encode())
    if limit is not None and size > limit:
        raise too_large(f"form field {name}", size, limit, "LIMITS.BODY_BYTES")
    return found[0]


def _paths(text: str) -> Mapping[str, list[str]]:
    """Read ``map``: the paths of each file, by the file's name in the form."""
    given = read_json(text, "The form field map")
    example = 'it must be an object of lists of paths, such as {"0": ["variables.file"]}.'
    if not isinstance(given, dict):
        raise Refused(f"The form field map is {kind_of(given)}; {example}")
    for name, paths in given.items():
        for value, kind in [(paths, list), *((path, str) for path in (paths if isinstance(paths, list) else ()))]:
            if not isinstance(value, kind):
                raise Refused(f"The form field map holds {kind_of(value)} at {_shown(name)}; {example}")
    return given


def _files(request: HttpRequest, paths: Mapping[str, list[str]]) -> Iterator[tuple[str, Upload]]:
    """Yield the files by name; one that is not in the map is refused, as nobody would ever hear of it."""
    sent: dict[str, Any] = dict(request.FILES.lists())
    for name, files in sent.items():
        if len(files) > 1:
            raise Refused(f"The file {_shown(name)} is in the form more than once.")
        if not paths.get(name):
            raise Refused(f"The file {_shown(name)} has no path in the form field map.")
    for name in paths:
        if name not in sent:
            raise Refused(f"The form field map names the file {_shown(name)}, which did not arrive.")
        yield name, sent[name][0]


def _place(file: Upload, path: str, variables: Any) -> None:
    """Put a file at a path, where the variables must hold null."""
    root, *parts = path.split(".")
    if root != ROOT or not parts:
        raise Refused(f"The path {_shown(path)} in the form field map must begin with '{ROOT}.'.")
    holder: Any = None
    key: Any = None
    found = variables
    for part in parts:
        holder, key = found, _key(found, part, path)
        found = holder[key]
    if isinstance(found, UploadedFile):
        raise Refused(f"The path {_shown(path)} is in the form field map more than once.")
    if found is not None:
        raise Refused(
            f"The path {_shown(path)} in the form field map leads to {kind_of(found)}; "
            f"the form field operations must hold null there."
        )
    holder[key] = file


def _key(holder: Any, part: str, path: str) -> Any:
    """Return the key or the index that a part of a path is in an object or an array."""
    if isinstance(holder, dict) and part in holder:
        return part
    # as many digits as the length has, or fewer: Python reads no number of thousands
    if isinstance(holder, list) and re.fullmatch("[0-9]+", part) and len(part) <= len(str(len(holder))):
        index = int(part)
        if index < len(holder):
            return index
    raise Refused(
        f"The path {_shown(path)} in the form field map leads nowhere; the form field operations must hold null there."
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")
