"""The settings that mypy's plugin for Django reads: the bookshop's, with apps for the models that pages define."""

import os
from pathlib import Path

from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS

# where scripts.check_types has put the modules that it makes of pages
PAGES = os.environ.get("FRAISEQL_CHECKED_PAGES")
if PAGES:
    INSTALLED_APPS = [
        *INSTALLED_APPS,
        *(f"documentation.{module.parent.name}" for module in sorted(Path(PAGES).glob("documentation/*/models.py"))),
    ]

# what the settings of a reader's project have
READERS_URL = "redis://127.0.0.1:6379/1"
