"""Whatever is sent, the endpoint answers as documented, without much work, and keeps nothing of it.

``make fuzz`` runs this for as long as it is told.
"""

import gc
import logging
import os
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings

from tests.injection import site
from tests.injection.corpus import OTHERS
from tests.injection.expected import check
from tests.injection.malformed import Request, requests

# the suite sends the same rounds of requests each time; ``make fuzz`` sends rounds for so long
ROUNDS = 3
SECONDS = float(os.environ.get("FRAISEQL_FUZZ_SECONDS", 0))
SEED = int(os.environ.get("FRAISEQL_FUZZ_SEED", 1))
ROUND = 100
# caches of documents, plans and statements are nearly full by then
WARM = 20 * ROUND
# what an allocator does not give back is no leak: a kilobyte that is kept of each request would be more in an hour
GROWTH = 128 * 2**20
# objects of Python's that a request may leave behind, once caches are full
BLOCKS = 20


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep what is logged from filling pytest's memory."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def functions(populated: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(site.FUNCTIONS)


@pytest.mark.parametrize(("url", "document"), [other[:2] for other in OTHERS])
def test_what_it_begins_with_is_valid(url: str, document: str) -> None:
    assert site.ENGINES[url].parser.parse(document)


@pytest.mark.django_db
@pytest.mark.urls("tests.injection.site")
@pytest.mark.usefixtures("functions", "quiet")
def test_every_request_has_an_answer() -> None:
    end = time.monotonic() + SECONDS
    number = SEED
    sizes = []
    while number < SEED + ROUNDS or time.monotonic() < end:
        fuzz(number)
        number += 1
        if (number - SEED) * ROUND >= WARM:
            sizes.append(size())
    sent = (number - SEED) * ROUND
    print(f"\n{sent} requests, seeds {SEED} to {number - 1}; bytes and objects in memory: {sizes[::20]}")
    if sizes:
        grown, more = (last - first for first, last in zip(sizes[0], sizes[-1], strict=True))
        assert grown < GROWTH
        assert more < BLOCKS * (sent - WARM + 10 * ROUND)
    for engine in site.ENGINES.values():
        statistics = engine.statistics()
        assert statistics.documents.size <= statistics.documents.max_size
        assert statistics.plans.size <= statistics.plans.max_size


def fuzz(number: int) -> None:
    """Send one round; what fails is made small and printed with the seed that repeats it."""

    @seed(number)
    @hypothesis_settings(
        max_examples=ROUND,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests())
    def try_one(request: Request) -> None:
        with transaction.atomic():
            check(request)
            transaction.set_rollback(True)

    try:
        try_one()
    except BaseException as error:
        error.add_note(f'Repeat it with: make fuzz ARGS="--seconds 1 --seed {number}"')
        raise


def size() -> tuple[int, int]:
    """Return how much memory the process has, and how many blocks of it Python's objects take, garbage collected."""
    gc.collect()
    return psutil.Process().memory_info().rss, sys.getallocatedblocks()
