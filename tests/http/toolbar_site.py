"""Settings of the demo's site with django-debug-toolbar and a strict Content Security Policy."""

from csp.constants import NONCE, SELF, STRICT_DYNAMIC

from example_project.site.settings import *  # noqa: F403
from example_project.site.settings import FRAISEQL, INSTALLED_APPS, MIDDLEWARE

INTERNAL_IPS = ["127.0.0.1"]
INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
DEBUG_TOOLBAR_CONFIG = {"SHOW_COLLAPSED": True, "UPDATE_ON_FETCH": True}
MIDDLEWARE = ["csp.middleware.CSPMiddleware", "debug_toolbar.middleware.DebugToolbarMiddleware", *MIDDLEWARE]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [NONCE, STRICT_DYNAMIC],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
    }
}
FRAISEQL["GRAPHIQL"]["HEADERS"] = {"X-Team": "books"}
ROOT_URLCONF = "tests.http.toolbar_urls"
