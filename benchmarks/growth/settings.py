"""Settings of the processes that measure growth: the benchmark's, with the models of the growth."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.growth"]

# SQL by hand has a connection of its own in the same process, with settings of its own
DATABASES = {**DATABASES, "by_hand": DATABASES["default"].copy()}

# growth stops where memory does, not at limits
FRAISEQL = {"CACHE": {"ALIAS": None}, "LIMITS": {"RESPONSE_BYTES": None}}
