"""The limit: a Django view that runs the SQL by hand straight through libpq, and passes its bytes on.

It does what none can do without: it reads the JSON body, has its statement prepared once on each connection, sends
its parameters and makes a response of the bytes. No cursor of Django's or psycopg's stands between.
"""

import json
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from psycopg.pq import ExecStatus

from benchmarks.sides import Side, View
from benchmarks.workloads import Workload


def view(workload: Workload, alias: str = "default") -> View:
    """Make the view that answers one workload from one of the connections in DATABASES."""
    name, sql, params = workload.name.encode(), workload.sql.encode(), workload.params
    before = b'{"data":{"%b":' % workload.root.encode()

    @csrf_exempt
    def by_hand(request: HttpRequest) -> HttpResponse:
        variables = json.loads(request.body)["variables"]
        connection = connections[alias]
        connection.ensure_connection()
        driver: Any = connection.connection
        if "_by_hand" not in driver.__dict__:
            # PostgreSQL takes longer to compile these statements than to run them
            driver.pgconn.exec_(b"SET jit = off")
            driver._by_hand = set()
        if name not in driver._by_hand:
            driver.pgconn.prepare(name, sql)
            driver._by_hand.add(name)
        result = driver.pgconn.exec_prepared(name, [param.encode() for param in params(variables)])
        if result.status != ExecStatus.TUPLES_OK:
            raise RuntimeError(result.get_error_message())
        return HttpResponse(before + result.get_value(0, 0) + b"}}", content_type="application/json")

    return by_hand


def make(name: str) -> Side:
    """Return the side."""
    return Side(name, view, statements=1)
