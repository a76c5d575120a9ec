"""What several tests need to run the example in processes of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from example_project.servers import EmbeddedPostgres
from example_project.settings import BASE_DIR


class ForeignPostgres(EmbeddedPostgres):
    """A server that somebody else started on the data folder: its socket is elsewhere."""

    @property
    def socket_folder(self) -> Path:
        """Return a folder that nobody looks in."""
        return self.folder.with_name("elsewhere")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the children that a block starts be interrupted, even where this process ignores SIGINT.

    What a shell without job control starts in the background does, and a child inherits that. Signals that are
    handled are not inherited.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end(process: subprocess.Popen[str]) -> None:
    """End a process, if a test that failed has not, and close its pipes: the next test would be told of them."""
    process.kill()
    with process:
        pass


def start_manage(data: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start manage.py on the example's own settings, its data in a folder, with more environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    own = {"DJANGO_SETTINGS_MODULE": "example_project.settings", "EXAMPLE_DATA_DIR": str(data)}
    with interruptible():
        return subprocess.Popen(
            [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
            env={**inherited, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def run_manage(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py to its end."""
    process = start_manage(data, *arguments, **environment)
    output, errors = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
