"""Makes the files of the wheel: ``npm ci``, then ``build.mjs``."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = Path("fraiseql_django_graphiql", "static", "fraiseql_django_graphiql")


class NpmBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc]
    """Runs npm and node before the wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files anew; raise RuntimeError with npm's output if that fails."""
        folder = Path(self.root)
        shutil.rmtree(folder / FILES, ignore_errors=True)
        _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        _run(folder, "node", "build.mjs", str(FILES))


def _run(folder: Path, program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is needed to make this wheel from its source, and is not installed.")
    done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
