"""Settings of the demo's site with django-debug-toolbar and a strict Content Security Policy."""

import django

from example_project.site.settings import *  # noqa: F403
from example_project.site.settings import FRAISEQL, INSTALLED_APPS, MIDDLEWARE

INTERNAL_IPS = ["127.0.0.1"]
INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
DEBUG_TOOLBAR_CONFIG = {"SHOW_COLLAPSED": True, "UPDATE_ON_FETCH": True}
MIDDLEWARE = ["debug_toolbar.middleware.DebugToolbarMiddleware", *MIDDLEWARE]
if django.VERSION >= (6, 0):
    from django.utils.csp import CSP

    MIDDLEWARE = ["django.middleware.csp.ContentSecurityPolicyMiddleware", *MIDDLEWARE]
    SECURE_CSP = {
        "default-src": [CSP.SELF],
        "script-src": [CSP.NONCE, CSP.STRICT_DYNAMIC],
        "style-src": [CSP.SELF, CSP.NONCE],
        "img-src": [CSP.SELF, "data:"],
    }
else:
    from csp.constants import NONCE, SELF, STRICT_DYNAMIC

    MIDDLEWARE = ["csp.middleware.CSPMiddleware", *MIDDLEWARE]
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
