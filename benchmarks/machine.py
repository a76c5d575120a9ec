"""What a run was measured on: the machine, the settings of PostgreSQL, and the versions of everything."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from benchmarks.sides import NotHere, postgraphile

PACKAGES = (
    "fraiseql_django",
    "django",
    "graphql-core",
    "psycopg",
    "psycopg-binary",
    "orjson",
    "redis",
    "django-redis",
    "strawberry-graphql",
    "strawberry-graphql-django",
    "graphene",
    "graphene-django",
    "graphene-django-optimizer",
    "granian",
    "gunicorn",
)
POSTGRES_SETTINGS = (
    "shared_buffers",
    "work_mem",
    "effective_cache_size",
    "random_page_cost",
    "jit",
    "fsync",
    "synchronous_commit",
    "max_connections",
    "max_parallel_workers_per_gather",
)


def head(module: str) -> dict[str, Any]:
    """Return what every result begins with; ``module`` is what was run."""
    return {
        "command": " ".join(["python", "-m", module, *sys.argv[1:]]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _said_by(["git", "describe", "--always", "--dirty"]),
        "machine": machine(),
        "postgresql": postgresql(),
        "versions": versions(),
    }


def machine() -> dict[str, Any]:
    """Return processor, memory and kernel."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def postgresql() -> dict[str, str]:
    """Return the version and the settings that decide how fast PostgreSQL is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s) OR name = 'server_version'",
            [list(POSTGRES_SETTINGS)],
        )
        return dict(cursor.fetchall())


def versions() -> dict[str, str]:
    """Return the versions of what is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for name in postgraphile.PACKAGES:
        try:
            found[name] = postgraphile.version(name)
            found[f"node of {name}"] = _said_by([postgraphile.node(name), "--version"])
        except (OSError, NotHere):
            continue
    if said := _said_by(["wrk", "--version"]):
        found["wrk"] = said.split()[1]
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _said_by(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()
