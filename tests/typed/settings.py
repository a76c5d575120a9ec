"""The settings that mypy's plugin for Django reads: the bookshop's, with apps for the models that pages define."""

import sys
from pathlib import Path

from example_project.settings import *  # noqa: F403
from example_project.settings import BASE_DIR, INSTALLED_APPS

# made by scripts.check_types
PAGES = Path(BASE_DIR) / "build" / "types"
sys.path.append(str(PAGES))
INSTALLED_APPS = [
    *INSTALLED_APPS,
    *(".".join(module.parent.relative_to(PAGES).parts) for module in sorted(PAGES.glob("documentation/*/models.py"))),
]
