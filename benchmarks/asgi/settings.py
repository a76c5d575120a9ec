"""Settings of the processes that are measured; the environment says which cache and connections they have."""

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, FRAISEQL

DEBUG = False
ALLOWED_HOSTS = ["*"]
if os.environ.get("BENCHMARK_MIDDLEWARE") == "False":
    MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.asgi.urls"
if os.environ.get("BENCHMARK_CACHE") == "none":
    FRAISEQL = {**FRAISEQL, "CACHE": {"ALIAS": None}}
CONNECTIONS = os.environ.get("BENCHMARK_CONNECTIONS", "0")
DATABASES["default"]["CONN_MAX_AGE"] = int(CONNECTIONS) if CONNECTIONS != "pool" else 0
if CONNECTIONS == "pool":
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 8, "max_size": 8},
    }
