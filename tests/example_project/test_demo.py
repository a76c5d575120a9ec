"""`manage.py demo`, run as people run it."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from example_project.servers import EmbeddedPostgres
from example_project.site.accounts import ACCOUNTS
from tests.processes import ForeignPostgres, end, run_manage, start_manage

SECTIONS = ["An operation", "Its answer, ", "Its SQL, one statement", "Its time"]


class Demo:
    """The demo on a data folder of its own."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="demo-"))
        self.started: list[subprocess.Popen[str]] = []
        # what the run has shown that filled it
        self.filled = ""

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start it."""
        self.started.append(start_manage(self.data, "demo", *arguments, **environment))
        return self.started[-1]

    def remove(self) -> None:
        """End what still runs, and remove the data."""
        for process in self.started:
            end(process)
        shutil.rmtree(self.data)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return run_manage(self.data, "demo", *arguments, **environment)


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Make a demo that has never run."""
    demo = Demo()
    yield demo
    demo.remove()


@pytest.fixture(scope="module")
def filled_demo() -> Iterator[Demo]:
    """Make a demo with a small filled bookshop."""
    demo = Demo()
    demo.filled = demo.run("--once", "--scale", "0.01").stdout
    yield demo
    demo.remove()


@pytest.fixture(scope="module")
def shown(filled_demo: Demo) -> subprocess.CompletedProcess[str]:
    """Run the filled demo once."""
    return filled_demo.run("--once", "--scale", "1")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Take a port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_demo_fills_the_shop_and_shows_one_operation(demo: Demo) -> None:
    done = demo.run("--once", "--scale", "0.01")

    assert done.returncode == 0, done.stderr
    assert "Filling the bookshop: 100%" in done.stderr
    assert "The bookshop has 200 books, 50 customers, 1,000 reviews, 500 orders." in done.stdout
    places = [done.stdout.index(f"\n{section}") for section in SECTIONS]
    assert places == sorted(places)


def test_demo_shows_an_answer_with_books_reviews_and_customers(shown: subprocess.CompletedProcess[str]) -> None:
    output = shown.stdout

    answer = output[output.index("Its answer") : output.index("Its SQL")]
    for name in ("data", "books", "title", "authors", "reviews", "customer"):
        assert f'"{name}"' in answer


def test_demo_shows_one_statement(shown: subprocess.CompletedProcess[str]) -> None:
    output = shown.stdout

    sql = output[output.index("Its SQL") : output.index("Its time")]
    assert len(re.findall(r"^SELECT", sql, re.MULTILINE)) == 1


def test_demo_shows_three_times(shown: subprocess.CompletedProcess[str]) -> None:
    times = re.findall(r"^(cold|plan cached|from the cache) +[\d.]+ ms", shown.stdout, re.MULTILINE)
    assert times == ["cold", "plan cached", "from the cache"]


def test_demo_is_answered_from_the_cache(filled_demo: Demo, shown: subprocess.CompletedProcess[str]) -> None:
    """Also in the process that has filled the bookshop."""
    for output in (filled_demo.filled, shown.stdout):
        assert re.search(r"^from the cache .* 0 statements;", output, re.MULTILINE)


def test_demo_fills_nothing_the_second_time(shown: subprocess.CompletedProcess[str]) -> None:
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert "The bookshop has 200 books" in shown.stdout


@pytest.mark.usefixtures("shown")
def test_demo_leaves_no_server_behind(filled_demo: Demo) -> None:
    assert not (filled_demo.data / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_demo_serves_until_it_is_told_to_stop(filled_demo: Demo, ending: signal.Signals) -> None:
    process = filled_demo.start("--port", "0")
    assert process.stdout is not None
    announced = next(line for line in process.stdout if line.startswith("Serving on "))
    address = announced.split()[2]
    request = urllib.request.Request(
        address,
        data=b'{"query": "{ books(limit: 2) { title } }"}',
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )

    with urllib.request.urlopen(request) as response:
        answer = response.read()
    process.send_signal(ending)
    output, errors = process.communicate(timeout=30)

    assert answer.startswith(b'{"data":{"books":[{"title":')
    assert process.returncode == 0
    assert output == "\nStopped.\n"
    assert "Traceback" not in errors
    assert not (filled_demo.data / "postgres" / "postmaster.pid").exists()


def test_site_says_what_to_try_and_signs_in(filled_demo: Demo) -> None:
    """As manage.py serves it by itself."""
    process = filled_demo.start("--port", "0", DJANGO_SETTINGS_MODULE="example_project.site.settings")
    assert process.stdout is not None
    printed = ""
    while "\nServing on " not in printed:
        printed += process.stdout.readline()
    address = printed.split()[-3].removesuffix("graphql/")
    assert f"\n{address} lists it. Users, whose passwords are their names:\n" in printed
    assert all(re.search(rf"^  {name} +\w", printed, re.MULTILINE) for name in ACCOUNTS)

    browser = build_opener(HTTPCookieProcessor(CookieJar()))

    def read(path: str, data: bytes | None = None) -> str:
        with browser.open(Request(address + path, data, {"Accept": "text/html"})) as response:
            found: str = response.read().decode()
            return found

    page = read("")
    links = {unescape(link) for link in re.findall('href="(/[^"]*)"', page)}
    assert {"/graphql/", "/members/", "/admin/", "/admin/fraiseql_django/operations/"} < links
    # a terminal where no environment is active has the commands as well
    assert f"{Path(sys.executable).name} manage.py fraiseql_health" in page
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "name": "admin", "next": "/admin/bookshop/order/"}
    assert "Select order to change" in read("sign-in/", urlencode(form).encode())
    assert "You are signed in as <strong>admin</strong>" in read("")
    assert all("<!doctype html>" in read(link[1:]).lower() for link in links)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_two_demos_share_one_server(filled_demo: Demo) -> None:
    serving = filled_demo.start("--port", "0")
    assert serving.stdout is not None
    assert any(line.startswith("Serving on ") for line in serving.stdout)

    done = filled_demo.run("--once")

    assert done.returncode == 0
    assert (filled_demo.data / "postgres" / "postmaster.pid").exists()
    serving.send_signal(signal.SIGINT)
    serving.communicate(timeout=30)


def test_two_demos_at_once_fill_the_shop_once(demo: Demo) -> None:
    demos = [demo.start("--once", "--scale", "0.01") for _ in range(2)]

    ended = [(*process.communicate(timeout=120), process.returncode) for process in demos]

    assert [code for _, _, code in ended] == [0, 0], ended
    assert sum("Filling the bookshop" in errors for _, errors, _ in ended) == 1


def test_demo_killed_while_filling_starts_afresh(demo: Demo) -> None:
    process = demo.start("--once")
    assert process.stderr is not None
    while "%" not in process.stderr.read(60):
        pass
    process.kill()
    process.communicate()

    done = demo.run("--once", "--scale", "0.01")

    assert done.returncode == 0, done.stderr
    assert "The bookshop has 200 books" in done.stdout


def test_taken_port_is_one_clear_line_at_once(demo: Demo, taken_port: int) -> None:
    done = demo.run("--port", str(taken_port))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (f"CommandError: Port {taken_port} of 127.0.0.1 is taken: choose another with --port.\n")
    assert not list(demo.data.iterdir())


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_port_that_is_none_is_one_clear_line(demo: Demo, port: str) -> None:
    done = demo.run("--port", port)

    assert done.returncode == 1
    assert re.fullmatch(f"CommandError: Port {port} of 127.0.0.1 cannot be served on .*\n", done.stderr)


def test_data_folder_held_by_another_server_is_one_clear_line(demo: Demo) -> None:
    foreign = ForeignPostgres(demo.data / "postgres")
    foreign.start()
    try:
        done = demo.run("--once")
    finally:
        foreign.stop()

    assert done.returncode == 1
    assert re.fullmatch(rf"CommandError: The data folder {foreign.folder} is held by process \d+: .*\n", done.stderr)


def test_server_that_does_not_come_up_is_one_clear_line(demo: Demo) -> None:
    server = EmbeddedPostgres(demo.data / "postgres")
    server.start()
    server.stop()
    (server.folder / "global" / "pg_control").unlink()

    done = demo.run("--once")

    assert done.returncode == 1
    assert re.fullmatch(r"CommandError: PostgreSQL did not come up: .*pg_control.*\n", done.stderr)


def test_database_that_cannot_be_reached_is_one_clear_line(demo: Demo) -> None:
    done = demo.run("--once", DATABASE_URL="postgres://nobody@127.0.0.1:1/nothing")

    assert done.returncode == 1
    assert re.fullmatch("CommandError: .*Connection refused.*\n", done.stderr)


@pytest.mark.parametrize("scale", ["0", "-1", "many", "nan", "1000"])
def test_scale_that_is_none_is_refused(demo: Demo, scale: str) -> None:
    done = demo.run("--once", "--scale", scale)

    assert done.returncode == 2
    assert "is no number from above 0 up to 100" in done.stderr
