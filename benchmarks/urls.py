"""An address for each workload; all of them lead to the views of the one side that this process serves."""

from django.conf import settings
from django.urls import path

from benchmarks.sides import load
from benchmarks.workloads import WORKLOADS

side = load(settings.SIDE)
urlpatterns = [path(f"{workload.name}/", side.view(workload)) for workload in WORKLOADS]
