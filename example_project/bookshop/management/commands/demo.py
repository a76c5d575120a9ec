"""The demo: a filled bookshop, an operation that shows what happens, and a server to ask it yourself."""

import errno
import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import BaseCommand, CommandError, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connection
from tqdm import tqdm

from example_project.bookshop import showcase
from example_project.bookshop.models import Book, Customer, Order, Review
from example_project.bookshop.seed import Sizes, is_empty, seed
from example_project.site.accounts import accounts, make_accounts
from fraiseql_django import get_engine

SITE = "example_project.site"
HOST = "127.0.0.1"
COUNTED = (Book, Customer, Review, Order)
INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended


class Command(BaseCommand):
    """Fill the bookshop, show one operation, and serve."""

    help = "Fill the bookshop when it is empty, show one operation, and serve GraphQL until interrupted."
    requires_system_checks = ()  # they connect to the database: handle() runs them where it catches errors

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the command's options."""
        parser.add_argument("--once", action="store_true", help="Do not serve.")
        parser.add_argument("--port", type=int, default=8000, help="The port to serve on (8000).")
        parser.add_argument("--scale", type=_scale, default=1.0, help="How much to fill in; 1 is 20,000 books.")

    def handle(self, *, once: bool, port: int, scale: float, **options: Any) -> None:
        """Do it all, and turn what may go wrong into one line."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        server = None if once else _listen(port)  # first: a taken port is no news to wait for
        try:
            self.check()
            with _alone():
                self._migrate()
                self._fill(scale)
                if apps.is_installed(SITE):
                    make_accounts()
            self._show()
        except DatabaseError as error:
            raise CommandError(" ".join(str(error).split())) from error
        except showcase.ShowcaseError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=INTERRUPTED) from None
        if server is not None:
            self._serve(server)

    def _migrate(self) -> None:
        self._say(f"PostgreSQL {connection.get_database_version()[0]} is up.")
        call_command("migrate", verbosity=0, interactive=False)

    def _fill(self, scale: float) -> None:
        if is_empty():
            steps, looks = Sizes.at(scale).steps, "{l_bar}{bar}| {elapsed}, {remaining} left"
            with tqdm(total=steps, desc="Filling the bookshop", bar_format=looks) as bar:
                seed(scale, on_progress=bar.update)
        counts = [f"{model.objects.count():,} {model._meta.verbose_name_plural}" for model in COUNTED]
        self._say(f"The bookshop has {', '.join(counts)}.")

    def _show(self) -> None:
        engine = get_engine()
        times = list(showcase.timings(engine))
        body = showcase.answer(engine)
        self._section("An operation", showcase.QUERY)
        self._section(f"Its answer, {len(body):,} bytes", showcase.shortened(body))
        self._section("Its SQL, one statement", showcase.sql(engine))
        self._section("Its time", "\n".join(map(str, times)))

    def _serve(self, server: ThreadedWSGIServer) -> None:
        address = f"http://{HOST}:{server.server_port}/"
        if apps.is_installed(SITE):
            self._section("What to try", f"{address} lists it. Users, whose passwords are their names:")
            for account in accounts():
                self._say(f"  {account.name:<6} {account.may}")
        self._say(f"\nServing on {address}graphql/ until Ctrl-C.")
        self.stdout.flush()
        # DEBUG is on: static files as runserver serves them
        server.set_app(StaticFilesHandler(get_wsgi_application()))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            self._say("\nStopped.")
        finally:
            server.server_close()

    def _section(self, title: str, text: str) -> None:
        self._say(f"\n{self.style.MIGRATE_HEADING(title)}\n{text.rstrip()}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)


def _scale(text: str) -> float:
    """Read a factor from the command line."""
    try:
        scale = float(text)
    except ValueError:
        scale = 0
    if not 0 < scale <= 100:
        raise ArgumentTypeError(f"{text!r} is no number from above 0 up to 100")
    return scale


def _listen(port: int) -> ThreadedWSGIServer:
    """Take the port; requests wait until the server serves."""
    try:
        return ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
    except (OSError, OverflowError) as error:
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        reason = "is taken" if taken else f"cannot be served on ({error})"
        raise CommandError(f"Port {port} of {HOST} {reason}: choose another with --port.") from error


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other demos on the same database waiting, lest two of them fill it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('bookshop demo'))")
        yield
        cursor.execute("SELECT pg_advisory_unlock(hashtext('bookshop demo'))")
