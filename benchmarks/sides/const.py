"""The other limit: a Django view that returns the workload's answer as constant bytes, for kept answers."""

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.decorators.csrf import csrf_exempt

from benchmarks.sides import Side, View, limit
from benchmarks.workloads import Workload


def view(workload: Workload) -> View:
    """Make the view that answers one workload, after asking once for what it answers."""
    known: list[bytes] = []

    @csrf_exempt
    def constant(request: HttpRequest) -> HttpResponse:
        if not known:
            asked = RequestFactory().post("/", request.body, content_type="application/json")
            known.append(limit.view(workload)(asked).content)
        return HttpResponse(known[0], content_type="application/json")

    return constant


def make(name: str) -> Side:
    """Return the side."""
    return Side(name, view, statements=0)
