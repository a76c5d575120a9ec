"""Declare all models of large public projects, check them, and query every list, with the projects as PyPI has them.

    make projects                          # wagtail, django-cms, django-oscar, pretix
    make projects ARGS="pretix --folder ~/.cache/projects"

Each project is installed into an environment of its own, in a temporary folder unless ``--folder`` names one to keep.
In it, ``declare_models`` declares the models twice: in a loop, with ``fields="__all__"``, and with
``fraiseql.types("__all__")``. It builds both schemas, runs the system checks, creates the tables in an empty database,
fills a row of each where that is possible, and runs a query of all fields of every list. What fails is printed, and
makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from example_project.servers import EmbeddedPostgres
from scripts.project_settings import PROJECTS

ROOT = Path(__file__).resolve().parent.parent
# what fraiseql_django needs beside Django, whose version the project chooses
NEEDED = ("dj-database-url>=2.3", "psycopg[binary]>=3.2,<3.4", "graphql-core>=3.2.14,<3.3")


def install(project: str, folder: Path) -> Path:
    """Install a project from PyPI into an environment of its own, unless it is there; return its Python."""
    python = folder / project / "bin" / "python"
    if not python.exists():
        venv.create(folder / project, with_pip=True)
    packages = (*PROJECTS[project].packages, *NEEDED)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    return python


def empty_database(url: str, name: str) -> str:
    """Create an empty database on a server; return its URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def run(project: str, python: Path, url: str) -> dict[str, Any]:
    """Declare and query a project's models in its own environment; return the report."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as report:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": url}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        done = subprocess.run(
            [python, "-m", "scripts.declare_models", project, report.name],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return {"failures": [done.stdout[-2000:] + done.stderr[-4000:]]}
        found: dict[str, Any] = json.load(report)
        return found


def show(project: str, report: dict[str, Any]) -> None:
    """Print what was found."""
    figures = ", ".join(f"{value} {name}" for name, value in report.get("figures", {}).items())
    print(f"{project} {report.get('version', '')}: {figures}")
    for line in report.get("notes", ()):
        print(f"    {line}")
    for line in report["failures"]:
        print(f"    FAILED {line}")


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", metavar="project", help=f"some of: {', '.join(PROJECTS)}")
    parser.add_argument("--folder", type=Path, help="a folder for the environments, to keep them for the next time")
    options = parser.parse_args()
    if unknown := set(options.projects) - set(PROJECTS):
        parser.error(f"no such project: {', '.join(sorted(unknown))}; there are: {', '.join(PROJECTS)}")
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).expanduser()
        server = None
        url = os.environ.get("DATABASE_URL")
        if not url:
            server = EmbeddedPostgres(Path(temporary) / "postgres", {"fsync": "off"})
            server.start()
            url = server.url
        try:
            for project in options.projects or PROJECTS:
                python = install(project, folder)
                report = run(project, python, empty_database(url, f"declare_{project.replace('-', '_')}"))
                show(project, report)
                failed = failed or bool(report["failures"])
        finally:
            if server is not None:
                server.stop()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
