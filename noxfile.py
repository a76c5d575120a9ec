"""The built package in clean environments: ``make matrix``; ``ARGS="--tags corners"`` takes those that CI takes.

dist/ must have been built (``make dist``). Each environment gets the wheel, or the sdist, and nothing of this folder;
the project in tests/packaging/project is copied elsewhere and run in it. One PostgreSQL serves all of them:
DATABASE_URL names it, otherwise the embedded one is started.
"""

import atexit
import os
import shutil
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import nox

HERE = Path(__file__).parent
PROJECT = HERE / "tests" / "packaging" / "project"

# Django's own window of Pythons
SUPPORTED = {
    "3.11": ["5.2"],
    "3.12": ["5.2", "6.0", "6.1"],
    "3.13": ["5.2", "6.0", "6.1"],
}
GRAPHQL_CORE = ["3.2", "3.3"]
# what CI takes with every change: the oldest and the newest of everything
CORNERS = {("3.11", "5.2", "3.2"), ("3.13", "6.1", "3.3")}
COMBINATIONS = [
    nox.param(
        python,
        django,
        graphql,
        id=f"python-{python}, django-{django}, graphql-core-{graphql}",
        tags=["corners"] if (python, django, graphql) in CORNERS else [],
    )
    for python, versions in SUPPORTED.items()
    for django in versions
    for graphql in GRAPHQL_CORE
]

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["smoke", "typed", "beside", "sdist", "image"]
nox.options.download_python = "never"

# Pythons of pyenv, also those that it does not select: its shim for them is on the PATH, but does not run
_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
_folders = [str(folder) for version in SUPPORTED for folder in _pyenv.glob(f"versions/{version}.*/bin")]
os.environ["PATH"] = os.pathsep.join([*_folders, os.environ["PATH"]])


@nox.session
@nox.parametrize(["python", "django", "graphql"], COMBINATIONS)
def smoke(session: nox.Session, django: str, graphql: str) -> None:
    """Checks, migrations, operations, mutations, cached answers and pages, over the wheel."""
    session.install(f"{built('whl')}[binary]", f"django~={django}.0", f"graphql-core~={graphql}.0", *PYTEST)
    run(session, "pytest", "-q", "smoke.py", env={"DJANGO": django, "GRAPHQL": graphql})


@nox.session
@nox.parametrize("python", list(SUPPORTED))
def typed(session: nox.Session) -> None:
    """The types of the wheel, as mypy sees them."""
    session.install(f"{built('whl')}[binary]", "mypy", "django-stubs-ext")
    run(session, "mypy", "--config-file=", "--strict", "typed.py")


@nox.session
@nox.parametrize("python", ["3.11", nox.param("3.13", tags=["corners"])])
def beside(session: nox.Session) -> None:
    """strawberry-django and graphene-django in the same project; graphene needs graphql-core 3.2."""
    others = ["graphene-django>=3.2", "graphene>=3.4", "strawberry-graphql-django>=0.91"]
    session.install(f"{built('whl')}[binary]", *others, *PYTEST)
    run(session, "pytest", "-q", "beside.py", "--ds=settings_beside")


@nox.session(python="3.12", tags=["corners"])
def sdist(session: nox.Session) -> None:
    """The sdist, installed and smoked, and some of its own tests run from where it is unpacked."""
    archive = built("tar.gz")
    session.install(
        f"{archive}[binary]", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    )
    run(session, "pytest", "-q", "smoke.py")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        with session.chdir(unpacked):
            session.run("python", "-m", "pytest", "-q", *SOME_TESTS, env=environment())


@nox.session(venv_backend="none", tags=["corners"])
def image(session: nox.Session) -> None:
    """The steps of deploy/Dockerfile, with the wheel, and the command that it starts; by root, on Linux."""
    if not (sys.platform == "linux" and os.getuid() == 0):
        session.skip("only root can change its root folder")
    session.run(sys.executable, "-m", "tests.deployment.image", str(HERE / "dist"))


# without a database, with one, and of the documentation
SOME_TESTS = ["tests/test_layers.py", "tests/test_public_names.py", "tests/test_engine.py", "tests/test_reference.py"]
PYTEST = ["pytest", "pytest-django"]


def built(kind: str) -> Path:
    """Return the one built file of a kind."""
    found = list((HERE / "dist").glob(f"*.{kind}"))
    if len(found) != 1:
        raise SystemExit(f"dist/ has {len(found)} files *.{kind}, must have one: run make dist.")
    return found[0]


def run(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    """Run a command in a copy of the project, from where nothing of this folder can be imported."""
    with tempfile.TemporaryDirectory() as folder, session.chdir(shutil.copytree(PROJECT, Path(folder, "project"))):
        session.run("python", "-m", *command, env={**environment(), **(env or {})})


@cache
def environment() -> dict[str, str]:
    """Return where the databases are; start the embedded PostgreSQL at the first call."""
    if "DATABASE_URL" in os.environ:
        return {}
    from example_project.servers import EmbeddedPostgres

    folder = tempfile.mkdtemp(prefix="matrix-")
    # after the server has been stopped, which is registered later
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = EmbeddedPostgres(Path(folder) / "postgres", {"fsync": "off"})
    return {"DATABASE_URL": server.start()}
