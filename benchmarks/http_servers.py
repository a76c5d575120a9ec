"""Servers of one side each: granian, gunicorn or PostGraphile's own, and the load that wrk puts on them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

import psutil
from django.db import connection

from benchmarks.sides import NotHere, Query, bodies, postgraphile, queries
from benchmarks.workloads import Workload

START_SECONDS = 60
# of one worker, for both servers: more requests a second than with 1, 2 or 8, for `limit` as for kept answers
THREADS = 4
SCRIPT = Path(__file__).with_name("post.lua")


def require_load_generator() -> None:
    """Raise NotHere where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise NotHere("wrk is not here: apt install wrk, brew install wrk")


def django_command(kind: str, port: int, workers: int) -> list[str]:
    """Return the command that serves the side of BENCHMARK_SIDE; raise NotHere where the server is not installed."""
    if find_spec(kind) is None:
        raise NotHere(f"{kind} is not installed (pip install --group bench)")
    python = [sys.executable, "-m", kind]
    if kind == "granian":
        options = f"--interface wsgi --http 1 --no-ws --workers {workers} --blocking-threads {THREADS}"
        return [*python, *options.split(), "--port", str(port), "--log-level", "error", "benchmarks.wsgi:application"]
    options = f"--workers {workers} --worker-class gthread --threads {THREADS} --keep-alive 60 --log-level error"
    return [*python, *options.split(), "--bind", f"127.0.0.1:{port}", "benchmarks.wsgi:application"]


class Server:
    """A server of one side, behind ``kind`` unless it is its own."""

    def __init__(self, kind: str, side: str, workers: int = 1) -> None:
        self.side, port = side, _free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.queries: dict[str, Query] = {}
        environment = {**os.environ, "BENCHMARK_SIDE": side, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        self.own = side in postgraphile.PACKAGES
        if self.own:
            command, environment = postgraphile.command(side, port, database_url())
            self.queries = postgraphile.queries(side)
        else:
            command = django_command(kind, port, workers)
            self.queries = queries(side)
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            self._wait(port)
        except NotHere:
            self.stop()
            raise

    def url(self, workload: Workload) -> str:
        """Return the address that answers a workload."""
        return f"{self.base}/graphql" if self.own else f"{self.base}/{workload.name}/"

    def ask(self, workload: Workload) -> bytes:
        """Return the answer to a workload."""
        body = bodies(self.queries, workload)[0]
        asked = urllib.request.Request(self.url(workload), body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=60) as response:
                found: bytes = response.read()
                return found
        except HTTPError as error:
            raise RuntimeError(f"{self.side} refuses {workload.name}: {error.read()[:500]!r}") from error

    def load(self, workload: Workload, *, seconds: int, clients: int) -> dict[str, Any]:
        """Return what wrk measures with so many connections for so long."""
        with NamedTemporaryFile(suffix=".jsonl") as file:
            file.write(b"\n".join(bodies(self.queries, workload)))
            file.flush()
            command = ["wrk", "--threads=1", f"--connections={clients}", f"--duration={seconds}s", "--timeout=60s"]
            command += [f"--script={SCRIPT}", self.url(workload), "--", file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        # answered after the requests that wrk has left behind, which would slow down what is measured next
        self.ask(workload)
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        if found["failed"]:
            raise RuntimeError(f"{self.side} failed {found['failed']} requests of {workload.name}")
        return found

    def memory(self) -> int:
        """Return the bytes of memory that the largest of its processes has had at most."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return max(peak_memory(process) for process in processes)

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise NotHere("its server does not start")


def peak_memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process has had at most; what it has now where that is not known."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    found: int = process.memory_info().rss
    return found


def database_url() -> str:
    """Return the URL of the database, for servers that are not Django's."""
    found = connection.settings_dict
    options = {"host": str(found["HOST"]), "port": str(found["PORT"])}
    account = quote(found["USER"]) + (f":{quote(found['PASSWORD'])}" if found["PASSWORD"] else "")
    given = urlencode({key: value for key, value in options.items() if value} | found["OPTIONS"])
    return f"postgresql://{account}@/{quote(found['NAME'])}?{given}"


@contextmanager
def servers(kind: str, names: Sequence[str], left_out: dict[str, str]) -> Iterator[dict[str, Server]]:
    """Start a server for each side; those that cannot be measured here are noted in ``left_out``."""
    started: dict[str, Server] = {}
    try:
        for name in names:
            try:
                started[name] = Server(kind, name)
            except NotHere as error:
                left_out[f"{name} over HTTP"] = str(error)
        yield started
    finally:
        for server in started.values():
            server.stop()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
