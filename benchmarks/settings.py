"""Settings of every process that serves a side: the example project's, without middleware and with DEBUG off."""

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, FRAISEQL, INSTALLED_APPS

# the side that this process serves; the package is installed for its own sides only, so that it costs others nothing
SIDE = os.environ.get("BENCHMARK_SIDE", "known")
OURS = ("cold", "known", "locmem", "redis")

DEBUG = False
ALLOWED_HOSTS = ["*"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.urls"
WSGI_APPLICATION = "benchmarks.wsgi.application"
if SIDE not in OURS:
    INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "fraiseql_django"]

# connections stay open, for all sides
DATABASES["default"]["CONN_MAX_AGE"] = None

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if "REDIS_URL" in os.environ:
    CACHES["redis"] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}
    if SIDE == "redis":
        # the engine is made in Python: no setting names its cache otherwise
        FRAISEQL = {**FRAISEQL, "CACHE": {**FRAISEQL["CACHE"], "TELLS": ["redis"]}}

# the workloads' lists are longer than its default of 100
STRAWBERRY_DJANGO = {"PAGINATION_MAX_LIMIT": None}
