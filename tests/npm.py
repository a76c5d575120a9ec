"""Packages of npm that tests run, kept from one run to the next in a folder that git ignores."""

import shutil
import subprocess
from pathlib import Path

from tests.support import do_without

FOLDER = Path(__file__).parent.parent / ".local" / "npm"


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of node's."""
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def installed(*packages: str) -> Path:
    """Return a folder in which packages are installed; without node, or without a way to get them, skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        do_without("node and npm are not installed")
    wanted = FOLDER / "_".join(packages)
    first = packages[0].rpartition("@")[0]
    if not (wanted / "node_modules" / first).is_dir():
        wanted.mkdir(parents=True, exist_ok=True)
        (wanted / "package.json").write_text("{}")
        installation = run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(wanted), *packages)
        if installation.returncode != 0:
            do_without(f"npm could not install {' and '.join(packages)}: {installation.stderr.strip()[-500:]}")
    return wanted
