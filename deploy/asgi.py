"""The example project as an ASGI application, whose schema is built before the first request.

A process whose declarations are wrong does not start.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

application = get_asgi_application()

from fraiseql_django import get_engine  # noqa: E402 - needs the apps

get_engine().schema  # noqa: B018 - built at first use
