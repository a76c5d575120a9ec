"""Operations with uploaded files, sent as a multipart form.

The format is that of the GraphQL multipart request specification
(https://github.com/jaydenseric/graphql-multipart-request-spec), without its lists of operations. The form field
``operations`` contains the parameters as JSON, with null in place of each file. The form field ``map`` contains the
paths of each file by the file's name in the form, for example ``{"0": ["variables.file"]}``.

Django parses the form with its own upload handlers and limits, and closes the files at the end of the request.
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
    """Read the parameters from a form; files in the variables are instances of Django's UploadedFile.

    Raises Refused: 413 for a form or a form field that is too large, 411 for a form without Content-Length, 400 for a
    malformed form.
    """
    declared = declared_length(request, limits.upload_bytes, "LIMITS.UPLOAD_BYTES")
    if declared is None:
        raise Refused(
            "A form must be sent with a Content-Length; Django does not read a form without one.",
            status=HTTPStatus.LENGTH_REQUIRED,
            code="LENGTH_REQUIRED",
        )
    if declared == 0:
        raise Refused("The body is empty; it must be a form with the fields operations and map.")
    _read(request)
    parameters = from_text(_field(request, "operations", limits.body_bytes), "The form field operations")
    paths = _paths(_field(request, "map", limits.body_bytes))
    for name, file in _files(request, paths):
        for path in paths[name]:
            _insert(file, path, parameters.variables)
    return parameters


def _read(request: HttpRequest) -> None:
    """Let Django parse the form; raise Refused in place of its exceptions."""
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
        request.POST  # noqa: B018 - the first access parses the form, including FILES
    except Exception:
        # Django calls upload_interrupted() only if the request ends too early, not for errors: the temporary file of
        # an incomplete upload would stay until it is garbage collected
        for handler in request.upload_handlers:
            handler.upload_interrupted()
        raise


def _too_many(what: str, limit: int | None, setting: str) -> Refused:
    value = f"more than {limit}"
    message = f"The form has {value} {what}; the limit is {limit}."
    return Refused(message, code="LIMIT_EXCEEDED", limit=limit, value=value, setting=setting)


def _field(request: HttpRequest, name: str, limit: int | None) -> str:
    """Return the text of a form field that must exist once and have at most ``limit`` bytes."""
    texts = request.POST.getlist(name)
    if name in request.FILES:
        raise Refused(f"The form field {name} is a file; it must be a field, without a filename.")
    if not texts:
        raise Refused(f"The form field {name} is missing; a form must have the fields operations and map.")
    if len(texts) > 1:
        raise Refused(f"The form field {name} is in the form more than once.")
    size = len(texts[0].encode())
    if limit is not None and size > limit:
        raise too_large(f"form field {name}", size, limit, "LIMITS.BODY_BYTES")
    return texts[0]


def _paths(text: str) -> Mapping[str, list[str]]:
    """Decode the form field ``map``: the paths of each file, by the file's name in the form."""
    value = read_json(text, "The form field map")
    example = 'it must be an object of lists of paths, such as {"0": ["variables.file"]}.'
    if not isinstance(value, dict):
        raise Refused(f"The form field map is {kind_of(value)}; {example}")
    for name, paths in value.items():
        for item, type_ in [(paths, list), *((path, str) for path in (paths if isinstance(paths, list) else ()))]:
            if not isinstance(item, type_):
                raise Refused(f"The form field map contains {kind_of(item)} at {_shown(name)}; {example}")
    return value


def _files(request: HttpRequest, paths: Mapping[str, list[str]]) -> Iterator[tuple[str, Upload]]:
    """Yield the files by name; raise Refused if the files and the names in the map are not the same."""
    sent: dict[str, Any] = dict(request.FILES.lists())
    for name, files in sent.items():
        if len(files) > 1:
            raise Refused(f"The file {_shown(name)} is in the form more than once.")
        if not paths.get(name):
            raise Refused(f"The file {_shown(name)} has no path in the form field map.")
    for name in paths:
        if name not in sent:
            raise Refused(f"The form field map names the file {_shown(name)}, which is not in the form.")
        yield name, sent[name][0]


def _insert(file: Upload, path: str, variables: Any) -> None:
    """Replace the null at a path in the variables by a file."""
    root, *parts = path.split(".")
    if root != ROOT or not parts:
        raise Refused(f"The path {_shown(path)} in the form field map must begin with '{ROOT}.'.")
    container: Any = None
    key: Any = None
    value = variables
    for part in parts:
        container, key = value, _key(value, part, path)
        value = container[key]
    if isinstance(value, UploadedFile):
        raise Refused(f"The path {_shown(path)} is in the form field map more than once.")
    if value is not None:
        raise Refused(
            f"The path {_shown(path)} in the form field map leads to {kind_of(value)}; "
            f"the form field operations must have null there."
        )
    container[key] = file


def _key(container: Any, part: str, path: str) -> Any:
    """Return a part of a path as a key of an object or an index of an array."""
    if isinstance(container, dict) and part in container:
        return part
    # not more digits than the length has, because int() refuses very long numbers
    if isinstance(container, list) and re.fullmatch("[0-9]+", part) and len(part) <= len(str(len(container))):
        index = int(part)
        if index < len(container):
            return index
    raise Refused(
        f"The path {_shown(path)} in the form field map does not exist; the form field operations must have null there."
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:99] + "…")
