"""Processes that write and read at random get no stale answer, and the checker that holds them to it finds faults.

``tests/checker`` says how it works; ``make soak`` runs it for as long as one likes.
"""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.checker.bounds import Bounds
from tests.checker.disturbances import DISTURBANCES
from tests.checker.registers import NEVER, Layout, Register, Shown, shows
from tests.checker.run import Result, Run
from tests.checker.run import run as run_checker
from tests.settings import DATABASES

COUNTER, ITEM, LINK = Register("counter", 1), Register("item", 1), Register("link", 1)


# --- what an answer may show ---


@pytest.mark.parametrize(
    ("register", "value", "right"),
    [
        # after 4 to 6 writes
        (COUNTER, 3, False),
        (COUNTER, 4, True),
        (COUNTER, 6, True),
        (COUNTER, 7, False),
        (COUNTER, None, False),
        (COUNTER, 5 + NEVER, False),
        (ITEM, None, True),
        (ITEM, 4, True),
        (ITEM, 5, False),
        (ITEM, 2, False),
        (LINK, 4, True),
        (LINK, 6, True),
        (LINK, 3, False),
        (LINK, [], False),
    ],
)
def test_value_between_bounds(register: Register, value: Any, right: bool) -> None:
    assert Shown((register,), value).agrees([4], [6]) is right


@pytest.mark.parametrize(
    ("of", "value", "right"),
    # of two, one between 2 and 3, the other between 4 and 4
    [("sum", 5, False), ("sum", 6, True), ("sum", 7, True), ("sum", 8, False), ("max", 3, False), ("max", 4, True),
     ("present", 0, False), ("present", 1, True), ("present", 2, True), ("present", 3, False)],
)  # fmt: skip
def test_values_between_bounds(of: str, value: int, right: bool) -> None:
    assert Shown((ITEM, Register("item", 2)), value, of).agrees([2, 4], [3, 4]) is right


def test_what_is_rolled_back_is_right_for_no_number() -> None:
    for kind in ("counter", "item", "link"):
        for number in range(20):
            undone = number + 1 + NEVER
            if shows(kind, undone) is not None:
                assert not Shown((Register(kind, 0),), shows(kind, undone)).agrees([number], [number])


def test_bounds_are_shared(tmp_path: Path) -> None:
    layout = Layout(2)
    one, other = Bounds(tmp_path / "bounds", layout, 2), Bounds(tmp_path / "bounds", layout, 2)
    register = Random(1).choice(layout.all)

    number = one.begin(register)
    assert (number, other.begun(register), other.committed(register)) == (1, 1, 0)
    one.commit(register, number)
    one.commit(register, 0)
    assert other.committed(register) == 1
    one.add(0, "reads", 2)
    other.add(1, "reads")
    other.set_flag("stop_writing")
    assert (one.count("reads"), one.flag("stop_writing"), one.flag("failed")) == (3, True, False)
    one.close()
    other.close()


# --- runs ---

# until so many reads were made, however long that takes
AMPLE = 600


@pytest.fixture
def check() -> Any:
    """Return what runs the checker on the tests' server."""

    def run(**options: Any) -> Result:
        result = run_checker(Run(**{"seconds": AMPLE, **options}), DATABASES["default"])
        print(result)
        return result

    return run


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"reads": 12_000, "disturbances": ("evict", "empty", "stop", "pause", "terminate")}, id="redis"),
        pytest.param({"backend": "locmem", "reads": 25_000, "processes": 1, "writers": 3, "readers": 4}, id="locmem"),
        pytest.param({"backend": "database", "reads": 1_500, "processes": 2}, id="database"),
        pytest.param({"backend": "file", "reads": 1_500, "processes": 2}, id="file"),
    ],
)
def test_nothing_is_stale(check: Any, options: dict[str, Any]) -> None:
    result: Result = check(slow=0.02, **options)

    assert result.problems == ""
    assert (result.stale, result.idle) == (0, 0)
    assert result.reads >= options["reads"]
    # it checks something: many answers come from the cache, though much is written
    assert result.hits > result.reads / 10
    assert result.writes > 20
    assert result.rolled_back > 0 or options["reads"] < 10_000
    assert sum(result.disturbed.values()) > 0 or "disturbances" not in options


def test_processes_that_die_after_a_commit_leave_nothing_stale(check: Any) -> None:
    result: Result = check(deadly=0.1, deaths=2, slow=0.02, processes=2)

    assert result.problems == ""
    assert (result.stale, result.idle) == (0, 0)
    assert result.disturbed["kill"] == 2


@pytest.mark.parametrize(
    "sabotage", ["version_read_after_the_statement", "invalidation_before_the_commit", "one_bump_in_forty_lost"]
)
def test_faults_are_found(check: Any, sabotage: str) -> None:
    result: Result = check(sabotage=sabotage, processes=1, readers=3)

    assert result.stale > 0
    # with what happened to it
    assert "STALE: " in result.problems
    assert "cache.get_many" in result.problems
    assert "must be" in result.problems


@pytest.mark.parametrize(("sabotage", "found"), [("no_mark", "stale"), ("mark_without_lease", "idle")])
def test_faults_of_processes_that_die_are_found(check: Any, sabotage: str, found: str) -> None:
    """Another write to the same tables can hide what a process has left that died."""
    options = {"sabotage": sabotage, "deadly": 0.2, "deaths": 1, "processes": 2, "pause": 0.2, "grace": 1.1}

    assert any(getattr(check(seed=seed, **options), found) for seed in range(5))


def test_disturbances_are_all_known() -> None:
    assert set(DISTURBANCES) == {"kill", "terminate", "stop", "evict", "empty", "pause", "restart"}
