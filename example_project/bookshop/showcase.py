"""One operation over the bookshop: what it answers, the SQL that it becomes, and how long that takes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from fraiseql_django.sql.readable import readable

ROUNDS = 25  # a median of so many is steady to some percent
ANSWER_LINES = 30

QUERY = """\
query Shelf($shelf: String!, $books: Int!) {
  books(
    where: {category: {parent: {slug: {eq: $shelf}}}, inPrint: {eq: true}}
    orderBy: [{title: ASC}]
    limit: $books
  ) {
    title
    price
    authors { name }
    reviews(orderBy: [{createdAt: DESC}], limit: 2) {
      stars
      headline
      customer { name }
    }
  }
}
"""
VARIABLES: dict[str, Any] = {"shelf": "fiction-crime", "books": 3}


class ShowcaseError(Exception):
    """The operation was answered with errors."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the operation took in one state of the caches."""

    state: str
    milliseconds: float
    meaning: str

    def __str__(self) -> str:
        return f"{self.state:<15} {self.milliseconds:9.3f} ms   {self.meaning}"


def answer(engine: Any) -> bytes:
    """Return the answer to the operation, as its bytes go to the client."""
    response = engine.execute(QUERY, variables=VARIABLES)
    if response.errors:
        raise ShowcaseError(f"The example operation failed: {response.errors[0]}")
    return bytes(response.body)


def timings(engine: Any) -> Iterator[Timing]:
    """Yield how long the operation takes cold, with its plan cached, and from the cache of results."""
    engine.clear_plans()
    engine.cache.clear()
    yield Timing("cold", _milliseconds(lambda: answer(engine)), "parsed, planned and run")
    planned = []
    for _ in range(ROUNDS):
        engine.cache.clear()
        planned.append(_milliseconds(lambda: answer(engine)))
    yield Timing("plan cached", median(planned), f"run only; median of {ROUNDS}")
    before = engine.statistics().statements
    cached = [_milliseconds(lambda: answer(engine)) for _ in range(ROUNDS)]
    asked = engine.statistics().statements - before
    yield Timing("from the cache", median(cached), f"{asked} statements; median of {ROUNDS}")


def shortened(body: bytes, lines: int = ANSWER_LINES) -> str:
    """Return the answer's JSON for people, and no more than the first lines of it."""
    everything = json.dumps(json.loads(body), indent=2, ensure_ascii=False).splitlines()
    more = len(everything) - lines
    return "\n".join([*everything[:lines], f"… and {more} lines more"] if more > 0 else everything)


def sql(engine: Any) -> str:
    """Return the operation's one statement."""
    return readable(engine.explain(QUERY, VARIABLES).sql)


def _milliseconds(function: Callable[[], object]) -> float:
    begin = perf_counter()
    function()
    return (perf_counter() - begin) * 1000
