"""Workers as the benchmark sees them: started, asked and ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.sides import NotHere


class WorkerFailed(Exception):
    """A worker could not do what it was asked for."""


class WorkerProcess:
    """A worker of one side; attributes are its methods."""

    def __init__(self, side: str, wrapper: Sequence[str] = ()) -> None:
        self.side = side
        command = [*wrapper, sys.executable, "-m", "benchmarks.worker", side]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            self._read()
        except WorkerFailed as error:
            self.stop()
            raise NotHere(str(error)) from error

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have the worker do it, and return what it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._read()["value"]

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise WorkerFailed("its process ended")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise WorkerFailed(found["error"])
        return found

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


@contextmanager
def workers(names: Sequence[str], left_out: dict[str, str]) -> Iterator[dict[str, WorkerProcess]]:
    """Start a worker for each side; those that cannot be measured here are noted in ``left_out``."""
    started: dict[str, WorkerProcess] = {}
    try:
        for name in names:
            try:
                started[name] = WorkerProcess(name)
            except NotHere as error:
                left_out[name] = str(error)
        yield started
    finally:
        for worker in started.values():
            worker.stop()
