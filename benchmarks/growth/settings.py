"""Settings of the processes that measure growth: the benchmark's, with the models of the growth."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.growth"]

# growth stops where memory does, not at limits
FRAISEQL = {"CACHE": {"ALIAS": None}, "LIMITS": {"RESPONSE_BYTES": None}}
