"""Redis for the whole run, and one connection that keeps the embedded PostgreSQL up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from example_project.servers import EmbeddedRedis, EmbeddedServerError


@contextmanager
def services(left_out: dict[str, str]) -> Iterator[None]:
    """Start what the sides need; REDIS_URL names a Redis to use instead of the embedded one."""
    connection.ensure_connection()
    with TemporaryDirectory() as folder:
        redis = None if os.environ.get("REDIS_URL") else EmbeddedRedis(Path(folder))
        try:
            if redis is not None:
                os.environ["REDIS_URL"] = redis.start()
        except EmbeddedServerError as error:
            left_out["redis"] = str(error)
        try:
            yield
        finally:
            if redis is not None:
                redis.stop()
                os.environ.pop("REDIS_URL", None)
