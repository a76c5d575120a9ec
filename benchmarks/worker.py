"""A process that serves one side to the benchmark: lines of JSON on standard input, one line of JSON for each.

    python -m benchmarks.worker known

A process for each side, so that none pays for the memory, the signals or the wrappers of another.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tracemalloc
from io import BytesIO
from time import perf_counter
from typing import Any

import django

from benchmarks.sides import Side
from benchmarks.workloads import BY_NAME, Workload

Environ = dict[str, Any]


class Worker:
    """One side, asked as a server asks it: through its WSGI application."""

    def __init__(self) -> None:
        from benchmarks.urls import side
        from benchmarks.wsgi import application

        self.side: Side = side
        self.application = application
        self.prepared: list[Environ] = []

    def answer(self, workload: str) -> dict[str, Any]:
        """Return the answer in the common form, and its bytes."""
        content = self._send(self._environ(BY_NAME[workload]))
        # what has been made for the workload stays, and need not be looked through at every collection
        gc.collect()
        gc.freeze()
        return {"common": self.side.common(BY_NAME[workload], content), "bytes": len(content)}

    def prepare(self, workload: str, calls: int) -> None:
        """Make the requests that ``run`` sends."""
        self.prepared = [self._environ(BY_NAME[workload]) for _ in range(calls)]

    def run(self) -> list[float]:
        """Return the seconds that each operation takes; collections of garbage are between them."""
        found = []
        gc.collect()
        gc.disable()
        for environ in self.prepared:
            self.side.before()
            begin = perf_counter()
            self._send(environ)
            found.append(perf_counter() - begin)
        gc.enable()
        return found

    def time(self, workload: str, calls: int) -> list[float]:
        """Return the seconds that each of so many operations takes; making the request is not part of it."""
        self.prepare(workload, calls)
        return self.run()

    def statements(self, workload: str) -> int:
        """Return how many statements one operation takes."""
        if self.side.statements is not None:
            return self.side.statements
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            self._send(self._environ(BY_NAME[workload]))
            return len(seen)

    def peak(self, workload: str) -> int:
        """Return the bytes that Python allocates for one operation at most, beyond what is there before."""
        environ = self._environ(BY_NAME[workload])
        self.side.before()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        self._send(environ)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - before

    def _environ(self, workload: Workload) -> Environ:
        body = self.side.body(workload)
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/{workload.name}/",
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
        }

    def _send(self, environ: Environ) -> bytes:
        response = self.application(environ, lambda status, headers: None)
        content = b"".join(response)
        response.close()
        return content


def main() -> None:
    name = sys.argv[1]
    os.environ["BENCHMARK_SIDE"] = name
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    # whatever a package prints must not stand between the lines
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        django.setup()
        worker = Worker()
    except Exception as error:
        say(error=str(error))
        return
    say(ready=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        try:
            say(value=getattr(worker, wanted.pop("do"))(**wanted))
        except Exception as error:
            say(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
