"""Packages of npm that tests run, kept from one run to the next in a folder that git ignores."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import do_without

FOLDER = Path(__file__).parent.parent / ".local" / "npm"


def run(
    *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of node's."""
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, cwd=cwd, env=env)


def installed(*packages: str) -> Path:
    """Return a folder in which packages are installed; without node, or without a way to get them, skip."""
    return _in_folder("_".join(packages), {}, "install", *packages)


def installed_by(folder: Path) -> Path:
    """Return a folder in which the packages are installed that ``package-lock.json`` in a folder names."""
    files = {name: (folder / name).read_bytes() for name in ("package.json", "package-lock.json")}
    digest = hashlib.sha256(files["package-lock.json"]).hexdigest()[:16]
    return _in_folder(f"{folder.name}-{digest}", files, "ci")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes waiting that would fill the same folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _in_folder(name: str, files: Mapping[str, bytes], *arguments: str) -> Path:
    """Run npm in a folder with these files, unless that has been done."""
    if not (shutil.which("node") and shutil.which("npm")):
        do_without("node and npm are not installed")
    wanted = FOLDER / name
    done = wanted / "done"
    with locked(wanted):
        if not done.exists():
            wanted.mkdir(exist_ok=True)
            for file, content in (files or {"package.json": b"{}"}).items():
                (wanted / file).write_bytes(content)
            installation = run("npm", *arguments, "--no-audit", "--no-fund", cwd=wanted)
            if installation.returncode != 0:
                do_without(f"npm could not install {name}: {installation.stderr.strip()[-500:]}")
            done.touch()
    return wanted
