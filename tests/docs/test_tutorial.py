"""The tutorial is followed from an empty folder, word by word; and how pages are read."""

import shutil
from pathlib import Path

from scripts import tutorial
from tests.support import do_without


def test_tutorial_is_what_happens(tmp_path: Path) -> None:
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            do_without(f"the tutorial needs {program}")

    tutorial.follow(tutorial.PAGE, tmp_path)
