"""
Settings of the example project.

Without further ado it runs on an embedded PostgreSQL, which starts with the first connection. DATABASE_URL
names another PostgreSQL, REDIS_URL a Redis to cache in; both are what a real deployment would set.
"""

import os
from pathlib import Path
from typing import Any

import dj_database_url

from example_project.servers import EmbeddedPostgres

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("EXAMPLE_DATA_DIR", BASE_DIR / ".local"))

SECRET_KEY = "an example has no secrets"
DEBUG = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "fraiseql_django",
    "example_project.bookshop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
ASGI_APPLICATION = "example_project.asgi.application"

DATABASES: dict[str, dict[str, Any]]
if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": {**dj_database_url.parse(os.environ["DATABASE_URL"])}}
else:
    _server = EmbeddedPostgres(DATA_DIR / "postgres")
    DATABASES = {
        "default": {
            **dj_database_url.parse(_server.url),
            "ENGINE": "example_project.embedded_postgres",
            "DATA_FOLDER": _server.folder,
        }
    }
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if os.environ.get("REDIS_URL"):
    CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

FRAISEQL: dict[str, Any] = {
    "DATABASE": "default",
    "CACHE": {"ALIAS": "default", "TTL": 3600},
    "GRAPHIQL": {"EXAMPLES": BASE_DIR / "example_project" / "bookshop" / "operations"},
}

# a demo for one person; docs/limits.md has limits for a public endpoint
SILENCED_SYSTEM_CHECKS = ["fraiseql.W009"]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"
