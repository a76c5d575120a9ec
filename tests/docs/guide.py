"""
Follow a guide of the documentation in one process: its files first, but for migrations; then its commands and
operations, in order.

    python -m tests.docs.guide docs/how-to/search.md FOLDER [LINE]

The folder is empty; it gets a project like that of startproject, with the settings below. libpq's variables name the
database. ``python manage.py …`` is called in this process, except for the tests, as its start takes longer than most
guides; operations and curl go to a server in a thread. LINE is where to stop.
"""

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from scripts.pages import Command, File, Operation, PageError, Session, Sql, Step, agrees, matches, steps_of, write
from scripts.tutorial import PORT, Browser

PROJECT = {
    "config/__init__.py": "",
    "config/settings.py": """
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "a key for tests, which is nobody's secret"
DEBUG = True
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "fraiseql_django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "config.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["GUIDE_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
SILENCED_SYSTEM_CHECKS = ["fraiseql.W009"]
""",
    "config/urls.py": """
from django.urls import include, path

urlpatterns = [path("graphql/", include("fraiseql_django.urls"))]
""",
    "manage.py": "from django.core.management import execute_from_command_line\n\nexecute_from_command_line()\n",
}


def is_migration(file: File) -> bool:
    """Whether a file follows migrations that commands of the page write, so that it cannot be written first."""
    return "migrations" in Path(file.path).parts


class Checker(doctest.OutputChecker):
    """Compares as all of a page is compared."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether a page shows what was printed."""
        return matches(want, got)


class Follower:
    """Follows the steps of a guide in a folder."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.port = 0
        self.browser: Browser | None = None

    def follow(self, step: Step) -> None:
        """Do what a step says; raise PageError where something else happens."""
        # apps can be imported only now that Django is set up
        from django.db import connection

        match step:
            case File() if is_migration(step):
                write(self.folder, step)
            case Sql():
                with connection.cursor() as cursor:
                    cursor.execute(step.text)
            case Command():
                printed, failed = self.run(step.text)
                wrong = failed if step.printed is None else not matches(step.printed, printed)
                if wrong:
                    raise PageError(f"`{step.text}` prints\n{printed}")
            case Session():
                self.talk(step)
            case Operation():
                self.serve()
                assert self.browser is not None
                answer = self.browser.send(step.text, step.variables)
                if not agrees(step.answer, answer):
                    raise PageError(f"the answer is\n{json.dumps(answer, indent=2, ensure_ascii=False)}")

    def run(self, text: str) -> tuple[str, bool]:
        """Run a command; return what it has printed, and whether it failed."""
        from django.core.management import call_command
        from django.core.management.base import CommandError, SystemCheckError

        if text.startswith("pip install "):
            # installed for the tests
            return "", False
        if (found := re.fullmatch(r"python manage\.py (?!test\b)([^<>|]*)", text, re.DOTALL)) is None:
            if "curl" in text:
                self.serve()
            here = text.replace("python ", f"{shlex.quote(sys.executable)} ", 1).replace(PORT, str(self.port))
            done = subprocess.run(
                ["bash", "-c", here], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            return done.stdout, done.returncode != 0
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                # check says what it finds on stderr only where the command line has called it
                call_command(*shlex.split(found[1]), stdout=printed, stderr=printed, no_color=True)
        except SystemCheckError as error:
            return printed.getvalue() + str(error), True
        except CommandError as error:
            return f"{printed.getvalue()}CommandError: {error}", True
        return printed.getvalue(), False

    def talk(self, step: Session) -> None:
        """Hold a session in Django's shell, which has imported all models."""
        from django.core.management.commands.shell import Command as Shell

        names: dict[str, Any] = Shell().get_namespace(verbosity=0)
        talk = doctest.DocTestParser().get_doctest(step.text, names, self.page.name, None, step.line)
        said: list[str] = []
        if doctest.DocTestRunner(Checker(), verbose=False).run(talk, out=said.append).failed:
            raise PageError("".join(said))

    def serve(self) -> None:
        """Start a server in a thread, unless there is one."""
        if self.browser is not None:
            return
        from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application

        class Silent(WSGIRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing of requests."""

        server = ThreadedWSGIServer(("127.0.0.1", 0), Silent)
        server.set_app(get_internal_wsgi_application())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_address[1]
        self.browser = Browser(self.port)


def main(page: Path, folder: Path, last: int = sys.maxsize) -> int:
    """Follow a page; say what is wrong, and return 1, if anything is."""
    steps = [step for step in steps_of(page) if step.line < last]
    for path, text in PROJECT.items():
        write(folder, File(line=0, path=path, text=text, added=False))
    for step in steps:
        if isinstance(step, File) and not is_migration(step):
            write(folder, step)
            # startapp makes it, and no test is found without it
            (folder / step.path).with_name("__init__.py").touch()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    import django

    django.setup()
    follower, wrong = Follower(page, folder), 0
    for step in steps:
        try:
            follower.follow(step)
        except Exception as error:
            wrong += 1
            print(f"{page.name}, line {step.line}: {error!s}\n", file=sys.stderr)
            if not isinstance(error, PageError):
                raise
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), *map(int, sys.argv[3:])))
