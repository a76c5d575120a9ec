"""What several tests need to run the example in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

from example_project.servers import EmbeddedPostgres
from example_project.settings import BASE_DIR


class ForeignPostgres(EmbeddedPostgres):
    """A server that somebody else started on the data folder: its socket is elsewhere."""

    @property
    def socket_folder(self) -> Path:
        """Return a folder that nobody looks in."""
        return self.folder.with_name("elsewhere")


def start_manage(data: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start manage.py on the example's own settings, its data in a folder, with more environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    own = {"DJANGO_SETTINGS_MODULE": "example_project.settings", "EXAMPLE_DATA_DIR": str(data)}
    return subprocess.Popen(
        [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
        env={**inherited, **own, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_manage(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py to its end."""
    process = start_manage(data, *arguments, **environment)
    output, errors = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
