"""The demo's settings, with what the documented recipes for clients turn on."""

import os
from pathlib import Path

from example_project.settings import *  # noqa: F403
from example_project.settings import FRAISEQL, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.clients.shop"]
ROOT_URLCONF = "tests.clients.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# uploads, and the manifests that the clients' tools write
FOLDER = Path(os.environ["EXAMPLE_DATA_DIR"])
MEDIA_ROOT = FOLDER / "media"

FRAISEQL = {
    **FRAISEQL,
    "BATCHING": {"MAX_OPERATIONS": 10},
    "PERSISTED_QUERIES": {"ENABLED": True},
    # Relay's commands need it
    "NODE": "CLIENTS_NODE" in os.environ,
}
