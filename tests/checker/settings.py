"""The settings of the checker's processes: its own app, on the servers that the environment names."""

import json
import os

# written by run.py
CONFIG = json.loads(os.environ["FRAISEQL_CHECKER"])

SECRET_KEY = "the checker has no secrets"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "fraiseql_django",
    "tests.checker.apps.CheckerConfig",
]
DATABASES = {"default": CONFIG["database"]}
CACHES = {"default": CONFIG["cache"]}
# a report has to say what went wrong
FRAISEQL = {"CACHE": {"TTL": 3600, "LEASE": CONFIG["lease"]}, "MASK_ERRORS": False}
SILENCED_SYSTEM_CHECKS = ["fraiseql.W009"]
