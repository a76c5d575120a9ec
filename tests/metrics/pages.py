"""Writes the page of the admin in several states into a folder, with its style sheets, and says what else it saw.

python -m tests.metrics.pages FOLDER
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.metrics.site"
django.setup()

from django.apps import apps  # noqa: E402 - the apps have to be ready
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import AnonymousUser, User  # noqa: E402
from django.contrib.staticfiles import finders  # noqa: E402
from django.core.exceptions import PermissionDenied  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from django.urls import resolve, reverse  # noqa: E402

from fraiseql_django import get_engine  # noqa: E402
from fraiseql_django.cache.outcomes import Outcome  # noqa: E402
from fraiseql_django.language.selected import Subject  # noqa: E402
from fraiseql_django.metrics import counters  # noqa: E402
from tests.metrics.test_counters import Clock, measured  # noqa: E402

SHELF = "query Shelf($n: Int) { books(limit: $n) { title authors { name } } }"
FILES = ["admin/css/base.css", "admin/css/dark_mode.css", "admin/css/nav_sidebar.css", "admin/css/responsive.css"]


def page(user: Any, query: str = "") -> Any:
    """Return the response to a request for the page."""
    url = reverse("admin:fraiseql_django_operations_changelist")
    request = RequestFactory().get(url + query)
    request.user = user
    try:
        response = resolve(url).func(request)
    except PermissionDenied:
        return 403
    return response.render() if hasattr(response, "render") else response


def much() -> None:
    """Note three hours of many operations, with names as long as they can be."""
    metrics = get_engine().metrics
    clock = Clock()
    counters.time = clock  # type: ignore[assignment]
    metrics.reset()
    start = int(time.time()) // 60 * 60 - 3600 * 3
    long = "SELECT " + ", ".join(f'"bookshop_book"."column_{number}"' for number in range(300))
    subjects = [
        Subject(f"{'AnOperationWithALongName' * 4}{number}", "query", (f"rootField{'Long' * 15}{number}",), ("Book",))
        for number in range(60)
    ]
    outcomes = [
        *[Outcome.HIT] * 5, Outcome.ABSENT, Outcome.WRITTEN, Outcome.STALE, Outcome.TRANSACTION, Outcome.MARKED
    ]  # fmt: skip
    for minute in range(180):
        clock.now = start + minute * 60.0
        if 60 <= minute < 75:
            continue
        for number, subject in enumerate(subjects):
            outcome = outcomes[(minute + number * 7) % len(outcomes)]
            seconds = 0.0001 if outcome is Outcome.HIT else 0.002 * (1 + number)
            one = measured(subject, outcome, started=clock.now, seconds=seconds, storage=seconds / 2)
            one.bytes, one.kept = 123_456_789, 0 if outcome is Outcome.HIT else 123_456_789
            one.written = ("a_table_with_a_long_name_" * 3,) if outcome is Outcome.WRITTEN else ()
            one.read = _Read(f"digest{number}", long)  # type: ignore[assignment]
            metrics.counters.note(one)
            if outcome is not Outcome.HIT:
                metrics.slowest.note(one)
            if outcome is Outcome.STALE:
                metrics.counters.note_refresh(one)


class _Read:
    tables = ("bookshop_book",)

    def __init__(self, digest: str, sql: str) -> None:
        self.digest, self.sql = digest, sql


def main(folder: Path) -> None:
    """Write the pages."""
    root = User(pk=-1, username="root", is_superuser=True, is_staff=True, is_active=True)
    clerk = User(pk=-2, username="clerk", is_staff=True, is_active=True)
    written: dict[str, str] = {"none": page(root).content.decode()}
    for _ in range(4):
        assert not get_engine().execute(SHELF, {"n": 1}).errors
    assert not get_engine().execute("{ publishers { name } }").errors
    written["little"] = page(root).content.decode()
    slow = get_engine().metrics.report().slowest
    key = next(entry.key for entry in slow if entry.operation == "Shelf")
    written["plan"] = page(root, f"?plan={key}").content.decode()
    much()
    written["much"] = page(root).content.decode()
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text)
    for name in [*FILES, "fraiseql_django/operations.css"]:
        target = folder / "static" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(finders.find(name)), target)
    listed = RequestFactory().get("/admin/")
    found: dict[str, Any] = {"clerk": page(clerk), "nobody": page(AnonymousUser()).status_code}
    for name, user in (("root", root), ("clerk", clerk)):
        listed.user = user
        every = [model["name"] for app in admin.site.get_app_list(listed) for model in app["models"]]
        found[f"{name} sees"] = "GraphQL operations" in every
    found["models"] = [model.__name__ for model in apps.get_app_config("fraiseql_django").get_models()]
    call_command("makemigrations", "fraiseql_django", check=True, dry_run=True, verbosity=0)
    call_command("check", verbosity=0, fail_level="ERROR")
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
