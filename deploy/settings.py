"""Settings of the example project for a public endpoint; docs/deployment.md explains them.

Everything that differs between machines is in the environment:

SECRET_KEY, ALLOWED_HOSTS (names with commas between), DATABASE_URL, REDIS_URL
DATABASE_POOL    connections of a process where the server is an ASGI server; otherwise each thread keeps one
RELEASE          names the release; two releases side by side keep their answers apart, and drop each other's
TRUSTED_PROXIES  networks whose X-Real-IP is believed
"""

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, FRAISEQL, MIDDLEWARE

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")

DATABASES["default"] |= {
    # checked before it is used again: the database may have been restarted since
    "CONN_HEALTH_CHECKS": True,
    # a cursor that outlives its transaction cannot be behind PgBouncer in transaction mode
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
options = {"application_name": "shop", "connect_timeout": 5}
if "DATABASE_POOL" in os.environ:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    options["pool"] = {"min_size": 1, "max_size": int(os.environ["DATABASE_POOL"]), "timeout": 10}
# beside those of the URL
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), **options}

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "KEY_PREFIX": os.environ.get("RELEASE", ""),
        "OPTIONS": {"SOCKET_TIMEOUT": 1, "SOCKET_CONNECT_TIMEOUT": 1},
    }
}
# sessions outlive a release
SESSION_ENGINE = "django.contrib.sessions.backends.db"

FRAISEQL = FRAISEQL | {
    "INTROSPECTION": "staff",
    "LIMITS": {
        "MAX_ROWS": 1000,
        "DEFAULT_ROWS": 100,
        "COMPLEXITY": 50_000,
        "STATEMENT_MS": 5000,
        "RATE": "600/m",
        "CONCURRENT_STATEMENTS": 3,  # fewer than the threads of a process
        "WAIT_MS": 5000,  # less than the web server and the proxy wait
    },
}
SILENCED_SYSTEM_CHECKS: list[str] = []

# TLS ends at the proxy, which sets this header itself
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
# probes come without TLS, and a redirect would count as success
SECURE_REDIRECT_EXEMPT = [r"^graphql/health/$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
MIDDLEWARE = ["deploy.middleware.real_address", *MIDDLEWARE, "django.middleware.clickjacking.XFrameOptionsMiddleware"]
TRUSTED_PROXIES = os.environ.get("TRUSTED_PROXIES", "").split()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
