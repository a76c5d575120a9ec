"""Metrics: what operations took and what the cache did for them, for people and for monitoring systems.

measurement   what is measured of one operation while it runs
counters      counts by operation, root field, type and minute
slowest       the slowest operations with their SQL
events        the signal ``operation_executed``
sharing       the figures of all processes, through the cache of answers
metrics       takes each measurement at the end of its operation
report        the figures of all processes, added up
plots         figures as SVG
"""

from __future__ import annotations

from .events import OperationEvent, operation_executed
from .measurement import Measurement
from .metrics import Metrics, Observer

__all__ = ["Measurement", "Metrics", "Observer", "OperationEvent", "operation_executed"]
