"""Gives each place of an operation that takes a file the whole file.

A client may name one file at two paths, or use one variable in two arguments. If both places got the same object, the
second would find it read, closed, or moved into storage. So the first place gets the file as Django's upload handlers
made it, and each further one a file of its own over the same content, which is opened before the first mutation runs.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from threading import Lock
from typing import IO, Any
from weakref import finalize

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from graphql import FieldNode, VariableNode, Visitor, visit


class Files:
    """Hands out the files in the variables of an operation, each to as many places as use it.

    ``nodes`` are the fields whose arguments use the variables.
    """

    def __init__(self, nodes: Iterable[FieldNode], variables: Mapping[str, Any]) -> None:
        files = {name: list(_files_in(value)) for name, value in variables.items()}
        self._any = any(files.values())
        self._contents: dict[int, _Content] = {}
        self._given: set[int] = set()
        if self._any:
            used = [file for node in nodes for name in _variables_in(node) for file in files.get(name, ())]
            counted = Counter(map(id, used))
            self._contents = {id(file): _Content(file) for file in used if counted[id(file)] > 1}

    def give(self, value: Any) -> Any:
        """Return a value for one place: the same, but for files that another place was given."""
        if not self._any:
            return value
        if isinstance(value, Mapping):
            return {key: self.give(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.give(item) for item in value]
        content = self._contents.get(id(value))
        if content is None:
            return value
        if id(value) in self._given:
            return content.another()
        self._given.add(id(value))
        return value


def _files_in(value: Any) -> Iterator[UploadedFile[Any]]:
    if isinstance(value, UploadedFile):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _files_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _files_in(item)


def _variables_in(node: FieldNode) -> Sequence[str]:
    """Return the variables in a field's arguments, as often as they are there."""
    names: list[str] = []

    class Finder(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            names.append(variable.name.value)

    for argument in node.arguments or ():
        visit(argument, Finder())
    return names


class _Content:
    """The content of a file that several places read: in memory, or an open file that is closed with the last of them.

    However often a client names a file, its content is not copied once for each place.
    """

    def __init__(self, file: UploadedFile[Any]) -> None:
        self._file = file
        self._bytes: bytes | None = None
        if isinstance(file.file, io.BytesIO):
            self._bytes = file.file.getvalue()
        else:
            self._handle = _second_handle(file)
            self._lock = Lock()
            finalize(self, self._handle.close)

    def another(self) -> UploadedFile[Any]:
        """Return the file once more, at its beginning."""
        file = self._file
        if self._bytes is not None:
            same = copy(file)
            same.file = io.BytesIO(self._bytes)
            return same
        # not of the file's class: what has a path may be moved there, which is done once
        return UploadedFile(
            file=io.BufferedReader(_View(self)),
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            charset=file.charset,
            content_type_extra=file.content_type_extra,
        )

    def read_into(self, buffer: Any, position: int) -> int:
        """Read from a position, whatever others have read."""
        with self._lock:
            self._handle.seek(position)
            found = self._handle.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def size(self) -> int:
        """Return the number of bytes."""
        with self._lock:
            return self._handle.seek(0, io.SEEK_END)


class _View(io.RawIOBase):
    """A file over a content, with a position of its own."""

    def __init__(self, content: _Content) -> None:
        super().__init__()
        self._content = content
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._content.read_into(buffer, self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = max(0, (self._content.size() if start is None else start) + offset)
        return self._position


def _second_handle(file: UploadedFile[Any]) -> IO[bytes]:
    """Open a file's content again: by its path, or a copy where the upload handler gives none."""
    if hasattr(file, "temporary_file_path"):
        try:
            return open(file.temporary_file_path(), "rb")
        except OSError:
            # Windows opens a temporary file once
            pass
    # closed with the last file over it
    handle = tempfile.SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115
    file.seek(0)
    shutil.copyfileobj(file, handle)
    file.seek(0)
    return handle
