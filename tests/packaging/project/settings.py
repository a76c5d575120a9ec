"""A project as small as can be, over an installed fraiseql_django."""

import os
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

_DATABASE = conninfo_to_dict(os.environ["DATABASE_URL"])

SECRET_KEY = "a test has no secrets"
DEBUG = True
ALLOWED_HOSTS = ["testserver"]
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DATABASE.get("dbname", "postgres"),
        "USER": _DATABASE.get("user", ""),
        "PASSWORD": _DATABASE.get("password", ""),
        "HOST": _DATABASE.get("host", ""),
        "PORT": _DATABASE.get("port", ""),
        # runs that happen at the same time have a database each
        "TEST": {"NAME": f"smoke_{os.getpid()}"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = Path(__file__).parent / "static"
USE_TZ = True
FRAISEQL = {
    "LIMITS": {"MAX_ROWS": 100, "COMPLEXITY": 10_000, "STATEMENT_MS": 5000, "RATE": "600/m", "CONCURRENT_STATEMENTS": 8}
}
