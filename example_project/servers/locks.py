"""
Who uses a data folder, told by locks on files: the kernel lets go of them even when a process is killed.

    turn     held while a server is started or stopped, so that one process does it at a time
    users    shared by every process that uses the server; the one that gets it alone is the last
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from example_project.servers.errors import DataFolderHeldError

TURN_SECONDS = 90


class FolderLocks:
    """The two locks beside a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._users: int | None = None

    @property
    def joined(self) -> bool:
        """Whether this process is among the users."""
        return self._users is not None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the folder alone for as long as the block runs."""
        handle = self._open("turn")
        deadline = time.monotonic() + TURN_SECONDS
        try:
            while not _lock(handle, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise DataFolderHeldError(
                        f"Another process has been starting or stopping the server of {self.folder} "
                        f"for {TURN_SECONDS} seconds; end it and try again."
                    )
                time.sleep(0.05)
            yield
        finally:
            os.close(handle)

    def join(self) -> None:
        """Become one of the users."""
        self._users = self._open("users")
        _lock(self._users, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Stop being one of the users, and return whether none is left."""
        if self._users is None:
            return False
        handle, self._users = self._users, None
        try:
            return _lock(handle, fcntl.LOCK_EX)
        finally:
            os.close(handle)

    def _open(self, name: str) -> int:
        path = self.folder.with_name(f"{self.folder.name}.{name}.lock")
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
