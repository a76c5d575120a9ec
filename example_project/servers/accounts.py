"""
Under which account PostgreSQL runs.

It refuses to run as root. Started by root (in a container, say) it runs as the owner of its data folder, or
as nobody when the folder is new. That account has to get to the program and to the data, so the folders on
the way are made passable where they are not: `chmod o+x`, with which others still cannot list them.
"""

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a server; without a user, the one of this process."""

    user: pwd.struct_passwd | None

    @property
    def process_options(self) -> dict[str, Any]:
        """Return what subprocess needs to run a program under this account."""
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def make_folder(self, folder: Path) -> None:
        """Make a folder that only this account can enter, unless it is there."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.user is not None:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)

    def let_in(self, *, program: Path, data: Path) -> None:
        """Let this account get to the folder of a program and to that of its data."""
        if self.user is None:
            return
        for folder in (*program.parents, *data.parents):
            _allow(folder, stat.S_IXOTH)
        if not (program / "bin").stat().st_mode & stat.S_IROTH:  # installed under a private umask
            libraries = program.parent.with_name(f"{program.parent.name}.libs")
            for path in (program, *program.rglob("*"), libraries, *libraries.glob("*")):
                executable = path.stat().st_mode & stat.S_IXUSR
                _allow(path, stat.S_IROTH | (stat.S_IXOTH if executable else 0))


def server_account(folder: Path) -> Account:
    """Return the account for a server whose data is, or will be, in the folder."""
    if os.geteuid() != 0:
        return Account(None)
    owner = folder.stat().st_uid if folder.exists() else 0
    return Account(pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody"))


def _allow(path: Path, mode: int) -> None:
    before = path.stat().st_mode
    if before & mode != mode:
        logger.info("Letting PostgreSQL's account into %s", path)
        path.chmod(stat.S_IMODE(before) | mode)
