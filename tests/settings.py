"""
The example project's settings, on servers of the tests' own.

DATABASE_URL and REDIS_URL name others. Nothing is started here: conftest.py does that, in the process that the
others of the same run descend from (the workers of pytest-xdist). Each worker has a database of its own, which
pytest-django sees to, and keys of its own in Redis.
"""

import os
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path

import dj_database_url
from psycopg import IsolationLevel

from example_project.servers import EmbeddedPostgres, EmbeddedRedis
from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS

# the process that starts the servers; its workers inherit the variable
OWNER = int(os.environ.setdefault("FRAISEQL_TESTS_OWNER", str(os.getpid())))
# gw0, gw1 …, or "" where one process runs all tests
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
SERVERS_DIR = Path(tempfile.gettempdir()) / f"fraiseql_django-tests-{OWNER}"
# Data that live as long as the tests need not survive a power cut.
POSTGRES = EmbeddedPostgres(
    SERVERS_DIR / "postgres",
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_prepared_transactions": "2"},
)
REDIS = EmbeddedRedis(SERVERS_DIR / "redis")

DEBUG = False
# Models that only tests use.
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.zoo",
    "tests.cascades",
    "tests.library",
    "tests.archive",
    "tests.ledger",
    "tests.cabinet",
    "tests.ambient",
    "tests.menagerie",
    "knox",
    "guardian",
    # apps of the tests over packages that change managers and models, where they are installed
    *(["tests.scoped"] if find_spec("django_scopes") else []),
    *(["modeltranslation", "tests.translated"] if find_spec("modeltranslation") else []),
]
# models of packages for trees, tags and polymorphic rows, where all of them are installed
FOREST = ["treebeard", "mptt", "taggit", "polymorphic"]
if all(map(find_spec, FOREST)):
    INSTALLED_APPS += [*FOREST, "tests.forest"]
MODELTRANSLATION_LANGUAGES = ("en", "de")
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or POSTGRES.url)}
for _name in ("host", "port"):
    # tests look for them here, also where the URL has them as parameters
    if _name in DATABASES["default"].get("OPTIONS", {}):
        DATABASES["default"][_name.upper()] = DATABASES["default"]["OPTIONS"].pop(_name)
# A second way to the same database, for the tests that ask for it; its transactions keep their first snapshot.
DATABASES["second"] = {
    **DATABASES["default"],
    "OPTIONS": {**DATABASES["default"].get("OPTIONS", {}), "isolation_level": IsolationLevel.REPEATABLE_READ},
    "TEST": {"MIRROR": "default"},
}
# The versions of tables have no KEY_PREFIX, so each worker has a database of its own (Redis has 16, and workers are 8)
REDIS_URL = re.sub(
    r"(/|db=)\d+$", rf"\g<1>{int(WORKER.removeprefix('gw') or 0) % 16}", os.environ.get("REDIS_URL") or REDIS.url
)
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"},
    "locmem": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "locmem"},
    "redis": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"fraiseql_django-tests-{OWNER}{WORKER}",
    },
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# HMAC with SHA-256 wants a key of 32 bytes (RFC 7518, section 3.2); SECRET_KEY is shorter.
SIMPLE_JWT = {"SIGNING_KEY": "a key for tests, which is nobody's secret"}
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "guardian.backends.ObjectPermissionBackend"]
# Guardian's user for those who are not signed in would be among the users of every test.
ANONYMOUS_USER_NAME = None
