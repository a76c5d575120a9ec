"""Run the steps of the Dockerfile for real, without Docker: ``python -m tests.deployment.image FOLDER_OF_THE_WHEEL``.

Each stage is an overlay over this machine's files, in which the steps are run by ``chroot``: what they write is in the
overlay, and thrown away. The base image is this machine with the Python that runs this. Needs root, and Linux.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

HERE = Path(__file__).resolve().parents[2]


class Stage:
    """One stage: a root folder, and what ENV, WORKDIR and USER have set."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        self.work, self.user = "/", None
        venv = "/image-python"
        self.environment = {
            "PATH": f"{venv}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": "/root",
            "PIP_QUIET": "1",
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))},
            "PIP_FIND_LINKS": " ".join(filter(None, ["/image-wheels", os.environ.get("PIP_FIND_LINKS")])),
        }
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        options = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        shutil.copytree(wheels, self.root / "image-wheels")
        # as the base image has it: a Python without packages, which every account can run
        python = Path(sys.executable).resolve()
        self.shell(f"chmod o+x {shlex.join(map(str, python.parents))}; {shlex.quote(str(python))} -m venv {venv}")

    def shell(self, command: str) -> None:
        """Run a command; raise an error if it fails."""
        self.run(["/bin/sh", "-ec", command]).check_returncode()

    def run(self, command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the stage's folder, by its account."""
        account = [f"--userspec={self.user}:{self.user}"] if self.user else []
        script = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', self.work, *command]
        return subprocess.run(
            ["chroot", *account, self.root, *script], env={**self.environment, **environment}, text=True, check=False
        )


def execute(steps: list[dict[str, Any]], stages: dict[str, Stage], stage: Stage) -> list[str]:
    """Execute the steps of a stage; return its CMD."""
    command: list[str] = []
    for step in steps:
        value = step["value"]
        match step["instruction"]:
            case "RUN":
                stage.shell(value)
            case "WORKDIR":
                stage.work = value
                (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "ENV":
                stage.environment |= dict(item.split("=", 1) for item in shlex.split(value))
            case "USER":
                stage.user = value
            case "COPY":
                copy(value, stages, stage)
            case "CMD":
                command = json.loads(value)
            case "FROM" | "ARG" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "COMMENT":
                pass
            case other:
                raise SystemExit(f"{other} is not known here")
    return command


def copy(value: str, stages: dict[str, Stage], stage: Stage) -> None:
    """Copy files of this folder, or of another stage."""
    *sources, target = shlex.split(value)
    origin = HERE
    if sources[0].startswith("--from="):
        origin = stages[sources.pop(0).removeprefix("--from=")].root
    place = Path(stage.work, target)
    for source in sources:
        found, into = origin / source.lstrip("/"), stage.root / str(place).lstrip("/")
        if found.is_dir():
            shutil.copytree(found, into, dirs_exist_ok=True)
        else:
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, into)


def main(wheels: Path) -> None:
    """Build the image, and check what runs in it."""
    steps = DockerfileParser(str(HERE / "deploy" / "Dockerfile")).structure
    starts = [place for place, step in enumerate(steps) if step["instruction"] == "FROM"]
    stages: dict[str, Stage] = {}
    command: list[str] = []
    folder = Path(os.environ["IMAGE_FOLDER"])
    # an overlay cannot lie in another one's lower folder
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    for number, start in enumerate(starts):
        (folder / str(number)).mkdir()
        last = Stage(folder / str(number), wheels)
        named = re.search(r" AS (\w+)", steps[start]["value"])
        stages[named[1] if named else ""] = last
        command = execute(steps[start : [*starts, len(steps)][number + 1]], stages, last)

    required = {
        "SECRET_KEY": "of fifty characters and more, as check --deploy wants it to be",
        "ALLOWED_HOSTS": "shop.example",
        "DATABASE_URL": "postgresql://shop@127.0.0.1:1/shop",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    for arguments in (
        [*command, "--check-config"],
        ["python", "manage.py", "check", "--fail-level", "ERROR"],
        ["python", "-c", "import os, sys, fraiseql_django as f; print(f.__file__); sys.exit(os.getuid() != 10001)"],
        ["sh", "-c", "! touch /app/deploy/settings.py && ! test -e /wheels"],
    ):
        last.run(arguments, **required).check_returncode()


if __name__ == "__main__":
    if "IMAGE_FOLDER" in os.environ:
        main(Path(sys.argv[1]).resolve())
    else:
        # mounts of its own, which end with it
        again = ["unshare", "--mount", sys.executable, "-m", "tests.deployment.image", *sys.argv[1:]]
        with tempfile.TemporaryDirectory(prefix="image-") as made:
            ended = subprocess.run(again, env={**os.environ, "IMAGE_FOLDER": made}, cwd=HERE, check=False)
        sys.exit(ended.returncode)
