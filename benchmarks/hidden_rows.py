"""A row that a rule hides against one that does not exist, through the endpoint, in one process and in turn.

    python -m benchmarks.hidden_rows

The rule leads over a join: an order is there for the customer who has placed it. Which of the two is asked for
first changes with every round. The cache of answers is off. The demo's data must be there (``make demo``).
"""

import argparse
import gc
import json
import os
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.test import RequestFactory  # noqa: E402

import fraiseql_django as fraiseql  # noqa: E402
from example_project.bookshop.models import Customer, Order  # noqa: E402
from fraiseql_django.conf import get_settings  # noqa: E402
from fraiseql_django.declare.registry import Registry  # noqa: E402
from fraiseql_django.engine import GraphQLEngine  # noqa: E402
from fraiseql_django.views import GraphQLView  # noqa: E402

OPERATIONS = {
    "the root field for one row": "query($id: ID!) { order(id: $id) { id number status customer { name } } }",
    "a filter by key": "query($id: ID!) { orders(where: {id: {eq: $id}}) { id number } }",
    "an update": """mutation($id: ID!) {
      updateOrder(id: $id, input: {number: "new"}) { ... on MutationError { message } }
    }""",
    "a deletion": "mutation($id: ID!) { deleteOrder(id: $id) { ... on MutationError { message } } }",
}
# asked a second time as missing: what two samples of the same differ by
SIDES = ("hidden", "missing", "again")


def make_engine() -> GraphQLEngine:
    """Make an engine over orders, each of which is there for its customer."""
    registry = Registry()

    @fraiseql.type(Customer, fields=["id", "name"], registry=registry)
    class CustomerType:
        """A customer."""

    @fraiseql.type(
        Order,
        fields=["id", "number", "status", "customer"],
        rows=lambda viewer: Q(customer__user=viewer.id),
        registry=registry,
    )
    class OrderType:
        """An order."""

    fraiseql.update(OrderType, fields=["number"], registry=registry)
    fraiseql.delete(OrderType, registry=registry)
    known = get_settings()
    return GraphQLEngine(settings=replace(known, cache=replace(known.cache, alias=None)), registry=registry)


def requests_of(query: str, viewer: Customer, key: int) -> Callable[[], HttpRequest]:
    body, factory = json.dumps({"query": query, "variables": {"id": str(key)}}), RequestFactory()

    def request() -> HttpRequest:
        made = factory.post("/graphql/", body, content_type="application/json")
        made.user = viewer.user
        return made

    return request


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=600)
    rounds = parser.parse_args().rounds
    settings.DEBUG = False
    view = GraphQLView.as_view(engine=make_engine())
    viewer = Customer.objects.select_related("user").filter(orders__isnull=False).order_by("id")[0]
    hidden = Order.objects.exclude(customer=viewer).order_by("-id")[0].pk
    # one more, as new ones would be: of the same length, and looked up as deep in the index
    missing = hidden + 1
    while Order.objects.filter(pk=missing).exists():
        missing += 1
    keys = {"hidden": hidden, "missing": missing, "again": missing}
    print(f"{'':30} {'hidden':>10} {'missing':>10} {'ratio':>7} {'missing/missing':>16}")
    for name, query in OPERATIONS.items():
        requests = {side: requests_of(query, viewer, key) for side, key in keys.items()}
        answers = {view(request()).content.replace(str(keys[side]).encode(), b"") for side, request in requests.items()}
        if len(answers) != 1:
            raise SystemExit(f"{name}: the answers differ")
        times: dict[str, list[float]] = {side: [] for side in SIDES}
        gc.disable()
        for turn in range(-20, rounds):
            for place in range(len(SIDES)):
                side = SIDES[(turn + place) % len(SIDES)]
                request = requests[side]()
                begin = perf_counter()
                view(request)
                if turn >= 0:
                    times[side].append(perf_counter() - begin)
        gc.enable()
        found = {side: median(taken) for side, taken in times.items()}
        shown = [f"{found[side] * 1000:7.3f} ms" for side in ("hidden", "missing")]
        ratio, noise = (
            median(one / other for one, other in zip(times[side], times["missing"], strict=True))
            for side in ("hidden", "again")
        )
        print(f"{name:30} {shown[0]} {shown[1]} {ratio:7.3f} {noise:16.3f}")


if __name__ == "__main__":
    main()
