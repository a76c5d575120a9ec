"""Settings of a site with Django's admin, for the page with figures; ``pages`` runs on them in a process of its own."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin", "django.contrib.messages"]
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "tests.metrics.site_urls"
TEMPLATES[0]["OPTIONS"]["context_processors"] += [
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
for _database in DATABASES.values():
    _database["NAME"] = os.environ["FRAISEQL_TESTS_DATABASE"]
