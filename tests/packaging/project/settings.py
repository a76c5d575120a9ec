"""A project as small as can be, over an installed fraiseql_django."""

import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

_DATABASE = conninfo_to_dict(os.environ["DATABASE_URL"])

SECRET_KEY = "a test has no secrets"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "shop.example", "127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "fraiseql_django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DATABASE.get("dbname", "postgres"),
        "USER": _DATABASE.get("user", ""),
        "PASSWORD": _DATABASE.get("password", ""),
        "HOST": _DATABASE.get("host", ""),
        "PORT": _DATABASE.get("port", ""),
        # runs that happen at the same time have a database each
        "CONN_MAX_AGE": None,
        "TEST": {"NAME": f"smoke_{os.getpid()}"},
    }
}
if "REDIS_URL" in os.environ:
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "KEY_PREFIX": os.environ["RELEASE"],
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = Path(__file__).parent / "static"
USE_TZ = True
FRAISEQL = {
    "LIMITS": {
        "MAX_ROWS": 100,
        "COMPLEXITY": 10_000,
        "STATEMENT_MS": 5000,
        "RATE": "9999/s",
        "CONCURRENT_STATEMENTS": 8,
    }
}
