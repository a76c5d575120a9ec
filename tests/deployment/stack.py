"""The servers of the compose file, with its options, and the web processes of the page on deployment."""

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, LiteralString, TypeAlias
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from ruamel.yaml import YAML

from example_project.servers import EmbeddedPostgres
from example_project.settings import BASE_DIR
from tests.servers import POSTGRES_OPTIONS, folder, redis_server
from tests.support import do_without

DEPLOY = BASE_DIR / "deploy"
COMPOSE: Any = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
BIN = Path(sys.executable).parent
HOST = "shop.example"
HEALTH, ALIVE = "/graphql/health/", "/graphql/?query=%7B__typename%7D"


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60) -> None:
    """Wait until a condition holds; the bound is for what hangs, a busy machine starts a server in ten seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} seconds for {what}"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def variables(file: str) -> dict[str, str]:
    """Return the variables of a file that systemd and compose read as the environment of a process."""
    lines = (DEPLOY / file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def options(service: str, mark: str) -> dict[str, str]:
    """Return the options that the compose file gives a server: ``-c name=value`` or ``--name value``."""
    command = COMPOSE["services"][service]["command"][1:]
    pairs = zip(command[::2], command[1::2], strict=True)
    if mark == "-c":
        return dict(value.split("=") for name, value in pairs if name == mark)
    return {name.removeprefix(mark): value or '""' for name, value in pairs}


@dataclass
class Stack:
    """PostgreSQL, PgBouncer and Redis, as the compose file has them."""

    postgres: str
    redis: str

    def environment(self, **others: str) -> dict[str, str]:
        """Return the environment of a process of the project, which inherits nothing of the tests' settings."""
        own = {
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "SECRET_KEY": "a key of fifty characters and more, which nobody but this test knows",
            "ALLOWED_HOSTS": f"{HOST},www.{HOST}",
            "DATABASE_URL": self.postgres,
            "REDIS_URL": self.redis,
            "TRUSTED_PROXIES": "127.0.0.0/8",
            "PYTHONPATH": str(BASE_DIR),
        }
        return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **own, **others}

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run manage.py to its end."""
        command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
        return subprocess.run(
            command, env=self.environment(**environment), capture_output=True, text=True, check=False, timeout=60
        )

    def sessions(self, condition: LiteralString = "true") -> set[int]:
        """Return the processes at PostgreSQL that the web processes are connected to."""
        query = f"SELECT pid FROM pg_stat_activity WHERE application_name = 'shop' AND {condition}"
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            return {pid for (pid,) in connection.execute(query)}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no statement that reads books go on, for as long as the block takes."""
        with psycopg.connect(self.postgres) as connection:
            connection.execute("LOCK TABLE bookshop_book IN ACCESS EXCLUSIVE MODE")
            yield


@contextmanager
def stack() -> Iterator[Stack]:
    """Start PostgreSQL and Redis with the options of the compose file; migrate, as its service does."""
    with folder("deploy") as made, ExitStack() as stacked:
        server = EmbeddedPostgres(made / "postgres", {**POSTGRES_OPTIONS, **options("db", "-c")})
        stacked.callback(server.stop)
        redis = stacked.enter_context(
            redis_server(**{k.replace("-", "_"): v for k, v in options("redis", "--").items()})
        )
        started = Stack(server.start(), redis.url)
        done = started.manage(*COMPOSE["services"]["migrate"]["command"][2:])
        assert done.returncode == 0, done.stderr
        yield started


@contextmanager
def bouncer(stacked: Stack) -> Iterator[str]:
    """Start PgBouncer by its file, before the stack's PostgreSQL; yield the URL that the web processes use instead."""
    program = shutil.which("pgbouncer") or do_without("pgbouncer is not installed")
    about = conninfo_to_dict(stacked.postgres)
    with folder("bouncer") as made:
        made.chmod(0o777)
        port = free_port()
        text = (DEPLOY / "pgbouncer.ini").read_text()
        places = {
            "shop = host=db port=5432": f"shop = host={about['host']} port={about.get('port', 5432)} "
            f"dbname={about['dbname']} user={about['user']}",
            "listen_addr = 0.0.0.0": f"listen_addr = 127.0.0.1\nunix_socket_dir =\nlogfile = {made}/log",
            "listen_port = 6432": f"listen_port = {port}",
            "/etc/pgbouncer/userlist.txt": f"{made}/userlist.txt",
        }
        for place, own in places.items():
            assert place in text, place
            text = text.replace(place, own)
        (made / "ini").write_text(text)
        userlist = COMPOSE["configs"]["userlist"]["content"]
        (made / "userlist.txt").write_text(re.sub(r"\$\{.*?\}", "secret", userlist))
        account = ["-u", "nobody"] if os.getuid() == 0 else []
        process = subprocess.Popen([program, "-q", *account, made / "ini"])
        try:
            wait_until(lambda: listens(port), "PgBouncer")
            yield f"postgresql://shop:{quote('secret')}@127.0.0.1:{port}/shop"
        finally:
            process.terminate()
            process.wait()


# a command and its environment
Server: TypeAlias = tuple[list[str], dict[str, str]]


def gunicorn(port: int, *arguments: str) -> Server:
    """Return the command of the Dockerfile, and its environment."""
    command = [str(BIN / "gunicorn"), "--config", str(DEPLOY / "gunicorn.conf.py"), *arguments, "deploy.wsgi"]
    return command, {"BIND": f"127.0.0.1:{port}", "WEB_CONCURRENCY": "2", "THREADS": "4"}


def uvicorn(port: int) -> Server:
    """Return the command at the top of the file for uvicorn, and its environment."""
    own = {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": str(port)}
    return [str(BIN / "uvicorn"), "deploy.asgi:application"], variables("uvicorn.env") | own


def granian(port: int) -> Server:
    """Return the command at the top of the file for granian, and its environment."""
    own = {"GRANIAN_HOST": "127.0.0.1", "GRANIAN_PORT": str(port)}
    return [str(BIN / "granian"), "deploy.wsgi:application"], variables("granian.env") | own


SERVERS: dict[str, Callable[[int], Server]] = {
    "gunicorn": gunicorn,
    "uvicorn": uvicorn,
    "granian": granian,
}


@dataclass
class Web:
    """A web server with its workers."""

    port: int
    process: "subprocess.Popen[str]"
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Return status and body of an answer, over a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={**HEADERS, **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def ask(self) -> int:
        """Execute an operation that is in no cache, for a client of its own; return the status."""
        number = next(_numbers)
        query = quote(f'{{books(where:{{title:{{eq:"{number}"}}}}){{title}}}}')
        return self.get(f"/graphql/?query={query}", **{"X-Real-IP": f"10.1.{number // 250}.{number % 250}"})[0]

    def answers(self, path: str = ALIVE) -> bool:
        """Whether a path is answered with 200."""
        try:
            return self.get(path)[0] == 200
        except (OSError, HTTPException):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(timeout=40)


_numbers = itertools.count()
HEADERS = {"Host": HOST, "X-Forwarded-Proto": "https", "Accept": "application/json", "Connection": "close"}


@contextmanager
def serving(stacked: Stack, server: Callable[[int], Server], port: int | None = None, **others: str) -> Iterator[Web]:
    """Start a web server and wait until it answers; end it after the block, if that has not."""
    port = port or free_port()
    command, own = server(port)
    with folder("web") as made:
        log = made / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command,
                env=stacked.environment(**own | others),
                stdout=file,
                stderr=file,
                text=True,
                cwd=BASE_DIR,
                start_new_session=True,
            )
        web = Web(port, process, log)
        try:
            try:
                wait_until(web.answers, "the first answer")
            except AssertionError as error:
                raise AssertionError(f"{error} of {command[0]}: {log.read_text()}") from None
            yield web
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    # with its workers, which would go on
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


@dataclass
class Clients:
    """Requests one after another, from several threads at once, for as long as a block takes."""

    ask: Callable[[], Any]
    number: int = 4
    counted: Counter[Any] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                found = self.ask()
            except (OSError, HTTPException) as error:
                found = f"{type(error).__name__}: {error}"
                # else a server that has ended would be asked thousands of times
                time.sleep(0.02)
            self.counted[found] += 1

    def __enter__(self) -> "Clients":
        """Begin."""
        self._threads = [threading.Thread(target=self._work) for _ in range(self.number)]
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self.counted.total() >= 10, "the first requests")
        return self

    def __exit__(self, *exception: object) -> None:
        """End, after the requests that are under way."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def some_more(self, number: int = 20) -> None:
        """Wait until so many further requests have been answered."""
        before = self.counted.total()
        wait_until(lambda: self.counted.total() >= before + number, "further requests")
