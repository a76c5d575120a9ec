"""``make soak``: run the checker for as long as it is told, and stop at the first stale answer.

python -m tests.checker --seconds 600 --seed 1 --backends redis locmem --disturb evict pause
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from typing import Any

from .disturbances import DISTURBANCES, OF_REDIS
from .run import BACKENDS, Result, Run, run

# of one run; then the next has another seed
ROUND_SECONDS = 60


def arguments() -> Any:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long, all backends together")
    parser.add_argument("--reads", type=int, help="stop earlier, after so many reads")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--disturb", nargs="*", choices=DISTURBANCES, help="by default, all that break no promise")
    return parser.parse_args()


# What breaks no promise, whatever cache there is
SAFE = ("stop", "evict", "empty", "pause", "terminate", "kill")


def disturbances(backend: str, named: list[str] | None) -> tuple[str, ...]:
    """Return what disturbs a run with a cache: of what was named, that which can."""
    chosen = SAFE if named is None else named
    # this cache has locks: what dies while it holds one keeps others from telling of their writes for some seconds
    without = {"terminate", "kill"} if backend == "database" and named is None else set()
    return tuple(name for name in chosen if (backend == "redis" or name not in OF_REDIS) and name not in without)


def rounds(options: Any, database: Any) -> list[Result]:
    """Run one round after another, each with the next seed and backend, until it is enough or one fails."""
    results: list[Result] = []
    deadline = time.monotonic() + options.seconds
    while (left := deadline - time.monotonic()) > 1:
        backend = options.backends[len(results) % len(options.backends)]
        result = run(
            Run(
                backend=backend,
                seed=options.seed + len(results),
                seconds=min(left, ROUND_SECONDS),
                processes=1 if backend == "locmem" else options.processes,
                disturbances=disturbances(backend, options.disturb),
                slow=0.05,
                deadly=0 if backend == "database" else 0.001,
            ),
            database,
        )
        results.append(result)
        print(result, flush=True)
        if result.problems or (options.reads and sum(one.reads for one in results) >= options.reads):
            break
    return results


def main() -> int:
    """Start the servers that the environment does not name, run, and say what was found."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    from tests.settings import DATABASES, POSTGRES, SERVERS_DIR

    options = arguments()
    try:
        if not os.environ.get("DATABASE_URL"):
            POSTGRES.start()
        results = rounds(options, DATABASES["default"])
    finally:
        POSTGRES.stop()
        shutil.rmtree(SERVERS_DIR, ignore_errors=True)
    sums = {name: sum(getattr(one, name) for one in results) for name in ("reads", "hits", "writes", "stale")}
    print(", ".join(f"{number:,} {name}" for name, number in sums.items()))
    return int(any(one.problems for one in results))


if __name__ == "__main__":
    sys.exit(main())
