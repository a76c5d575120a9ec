"""How many instructions of the processor an operation takes in the process that answers it, counted by callgrind.

Unlike times, they do not depend on what else the machine does. What PostgreSQL does is not part of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import WorkerProcess
from benchmarks.sides import NotHere
from benchmarks.workloads import Workload

CALLS = 10


def measure(workloads: Sequence[Workload], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return the instructions of one operation, by workload and side; raise NotHere without valgrind."""
    if shutil.which("valgrind") is None:
        raise NotHere("valgrind is not here: apt install valgrind")
    found: dict[str, dict[str, int]] = {workload.name: {} for workload in workloads}
    for name in names:
        with TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
            worker = WorkerProcess(name, wrapper=tool)
            try:
                for workload in workloads:
                    found[workload.name][name] = _counted(worker, workload, out)
            finally:
                worker.stop()
    return found


def _counted(worker: WorkerProcess, workload: Workload, out: Path) -> int:
    """Return the instructions of one operation: the difference that more of them make, so that all else drops out."""
    pid = str(worker.process.pid)
    worker.ask("time", workload=workload.name, calls=3)
    _control("--instr=on", pid)
    counts = []
    for calls in (1, 1 + CALLS):
        worker.ask("prepare", workload=workload.name, calls=calls)
        _control("--zero", pid)
        worker.ask("run")
        _control("--dump", pid)
        # a dump for each thread, if there are several
        dumps = list(out.parent.glob("out.*"))
        counts.append(sum(map(_total, dumps)))
        for dump in dumps:
            dump.unlink()
    _control("--instr=off", pid)
    return (counts[1] - counts[0]) // CALLS


def _total(dump: Path) -> int:
    """Return the instructions in a dump."""
    match = re.search(r"^(?:summary|totals): (\d+)", dump.read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def _control(*arguments: str) -> None:
    subprocess.run(["callgrind_control", *arguments], capture_output=True, check=True)
