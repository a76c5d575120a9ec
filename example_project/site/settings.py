"""Settings of the demo's site: those of the bookshop, with Django's admin, a page to begin at and a second schema."""

from example_project.settings import *  # noqa: F403
from example_project.settings import BASE_DIR, DATA_DIR, INSTALLED_APPS, MIDDLEWARE, TEMPLATES
from example_project.settings import FRAISEQL as BOOKSHOP

INSTALLED_APPS = ["django.contrib.admin", "django.contrib.messages", *INSTALLED_APPS, "example_project.site"]
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [
    {
        **TEMPLATES[0],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "example_project.site.urls"
LOGIN_URL = "start"
MEDIA_ROOT = DATA_DIR / "media"

LINKS = {"What to try": "/", "Monitoring": "/admin/fraiseql_django/operations/"}
FRAISEQL = {
    **BOOKSHOP,
    "GRAPHIQL": {**BOOKSHOP["GRAPHIQL"], "LINKS": LINKS},
    "SCHEMAS": {
        # what customers may do: see example_project/site/members.py
        "members": {
            "DECLARATIONS_MODULE": "members",
            "DEFAULT_PERMISSION": "authenticated",
            "INTROSPECTION": "authenticated",
            "GRAPHIQL": {"EXAMPLES": BASE_DIR / "example_project" / "site" / "operations"},
        },
    },
}
