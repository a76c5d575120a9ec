"""What the engine keeps in Django's ``LocMemCache``: as it is, governed by Django, bounded in bytes."""

import pickle
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends import locmem
from django.test import override_settings

from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.local import LocalValues
from tests.support import measured

ENTRY = ("v1,v2", b'{"data":null}', False)


class Subclass(locmem.LocMemCache):
    """A cache class of a project's."""


@pytest.fixture
def cache() -> Iterator[DjangoCache]:
    caches["locmem"].clear()
    yield DjangoCache("locmem")
    caches["locmem"].clear()


def keep(values: int, size: int, max_bytes: int) -> list[str]:
    """Keep values of so many bytes each, and return the keys of those that are still there."""
    local = LocalValues(caches["locmem"], max_bytes)
    keys = [f"key {number}" for number in range(values)]
    for key in keys:
        local.set(key, b"x" * size, 60)
    return list(local.get_many(keys))


def test_value_is_read_as_it_was_kept_and_not_copied(cache: DjangoCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", lambda text: pytest.fail("it was pickled"))

    cache.set("entry", ENTRY, 60)

    assert cache.get("entry") is ENTRY
    assert cache.get_many(["entry", "missing"]) == {"entry": ENTRY}


@pytest.mark.parametrize("thread_safe_key", ["default", "of the project"])
def test_djangos_methods_govern_values(thread_safe_key: str) -> None:
    options: dict[str, Any] = {"KEY_PREFIX": "site", "VERSION": 3}
    if thread_safe_key != "default":
        options["KEY_FUNCTION"] = "tests.cache.test_local_values.reversed_key"
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "governed", **options}
    with override_settings(CACHES={**caches.settings, "governed": own}):
        cache, django = DjangoCache("governed"), caches["governed"]
        django.clear()
        cache.set("entry", ENTRY, 60)

        # private to the engine: for others there is nothing
        assert django.get("fraiseql:entry") is None
        assert django.has_key("fraiseql:entry")
        assert django.delete("fraiseql:entry")
        assert cache.get("entry") is None
        cache.set("entry", ENTRY, 60)
        django.clear()
        assert cache.get("entry") is None
        cache.set("entry", ENTRY, 60)
        django.touch("fraiseql:entry", 0)
        assert cache.get("entry") is None


def reversed_key(key: str, prefix: str, version: int) -> str:
    return f"{key[::-1]}:{prefix}:{version}"


def test_value_expires(cache: DjangoCache, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    cache.set("entry", ENTRY, 60)
    cache.set("for good", "version", None)

    monkeypatch.setattr(time, "time", lambda: now + 61)

    assert cache.get_many(["entry", "for good"]) == {"for good": "version"}
    assert cache.add("entry", "new", 60)
    assert cache.get("entry") == "new"


def test_value_is_added_once(cache: DjangoCache) -> None:
    assert cache.add("version", "first", None)
    assert not cache.add("version", "second", None)
    assert cache.get("version") == "first"


def test_django_counts_what_is_to_be_counted(cache: DjangoCache) -> None:
    assert cache.add("rate", 1, 60)
    assert cache.increment("rate") == 2
    assert cache.get("rate") == 2
    cache.set("rate", 5, 60)
    assert cache.increment("rate") == 6
    assert cache.get_many(["rate"]) == {"rate": 6}


def test_what_could_be_changed_is_copied(cache: DjangoCache) -> None:
    value = {"a": [1]}
    cache.set("value", value, 60)
    value["a"].append(2)

    assert cache.get("value") == {"a": [1]}


def test_values_that_were_used_last_stay(cache: DjangoCache) -> None:
    local = LocalValues(caches["locmem"], 20_000)
    for number in range(15):
        local.set(f"{number}", b"x" * 1500, 60)
        local.get_many(["0"])

    found = [*local.get_many([f"{number}" for number in range(15)])]
    assert found[0] == "0"
    assert found[-1] == "14"
    assert "1" not in found


@pytest.mark.parametrize(
    ("values", "size", "max_bytes", "expected"),
    [
        pytest.param(10, 500, 20_000, 10, id="all"),
        pytest.param(40, 1500, 20_000, 8, id="as many as there is room for"),
        pytest.param(3, 1947, 20_000, 3, id="as large as a share"),
        pytest.param(3, 1948, 20_000, 0, id="larger than a share"),
        pytest.param(3, 1, 0, 0, id="none"),
    ],
)
def test_bytes_are_bounded(cache: DjangoCache, values: int, size: int, max_bytes: int, expected: int) -> None:
    assert len(keep(values, size, max_bytes)) in (expected, expected + 1)
    store = caches["locmem"]
    assert set(store._expire_info) == set(store._cache)


def test_bound_is_that_of_all_engines_together(cache: DjangoCache) -> None:
    engines = [LocalValues(caches["locmem"], 20_000) for _ in range(4)]
    for number in range(10):
        for prefix, local in enumerate(engines):
            local.set(f"{prefix}:{number}", b"x" * 1500, 60)

    keys = [f"{prefix}:{number}" for prefix in range(4) for number in range(10)]
    assert 8 <= len(engines[0].get_many(keys)) <= 9


def test_value_that_is_too_large_leaves_no_earlier_one(cache: DjangoCache) -> None:
    local = LocalValues(caches["locmem"], 20_000)
    local.set("entry", b"old", 60)

    local.set("entry", b"x" * 3000, 60)

    assert local.get_many(["entry"]) == {}


def test_values_of_others_are_not_touched(cache: DjangoCache) -> None:
    django = caches["locmem"]
    django.set_many({f"other-{number}": "x" * 5000 for number in range(10)}, 60)

    assert len(keep(40, 1500, 20_000)) >= 8
    assert len(django.get_many([f"other-{number}" for number in range(10)])) == 10


def test_number_of_values_is_djangos_to_bound() -> None:
    own = {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "few",
        "OPTIONS": {"MAX_ENTRIES": 10},
    }
    with override_settings(CACHES={**caches.settings, "few": own}):
        cache = DjangoCache("few")
        for number in range(30):
            cache.set(f"{number}", "x", 60)
        assert len(cache.get_many([f"{number}" for number in range(30)])) <= 10
        assert cache.get("29") == "x"


def test_other_classes_are_used_by_djangos_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"BACKEND": "tests.cache.test_local_values.Subclass", "LOCATION": "subclass"}
    with override_settings(CACHES={**caches.settings, "own": own}):
        cache = DjangoCache("own")
        cache.set("entry", ENTRY, 60)

        assert caches["own"].get("fraiseql:entry") == ENTRY
        assert cache.get("entry") == ENTRY
        assert cache.get("entry") is not ENTRY


def test_cache_of_other_settings_is_another(cache: DjangoCache) -> None:
    cache.set("entry", ENTRY, 60)
    other = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "other settings"}
    with override_settings(CACHES={**caches.settings, "locmem": other}):
        assert cache.get("entry") is None
    assert cache.get("entry") is ENTRY


# --- what is counted ---


def total(local: LocalValues) -> int:
    """Return the bytes of the values that are there."""
    return sum(kept.size for kept in local._parts.values.values() if hasattr(kept, "size"))


def counted(local: LocalValues) -> int:
    return local._bytes.at_most


@pytest.mark.parametrize("answer", [0, 100, 10_000])
def test_bytes_are_those_that_python_takes(cache: DjangoCache, answer: int) -> None:
    """Not less, and not a half more."""
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10**6}}
    with override_settings(CACHES={**caches.settings, "many": {**own, "LOCATION": f"many {answer}"}}):
        local = LocalValues(caches["many"], 10**9)
        with measured() as grown:
            for number in range(3000):
                key = f"fraiseql:result:{number:032}"
                local.set(key, (f"version {number:04},{number:012}", b"x" * answer + b"%d" % number, False), 60)
            assert grown() <= total(local) <= 1.5 * grown()


def test_texts_beyond_ascii_count_as_what_they_take(cache: DjangoCache) -> None:
    local = LocalValues(caches["locmem"], 10**6)
    local.set("plain", "a" * 1000, 60)
    plain = total(local)
    local.set("emoji", "\N{BOOKS}" * 1000, 60)

    assert total(local) - plain > 4000


def test_replaced_values_do_not_count(cache: DjangoCache) -> None:
    """A table that is written often has a new version each time, and entries are kept anew."""
    local = LocalValues(caches["locmem"], 40_000)
    for number in range(15):
        local.set(f"{number}", b"x" * 1500, 60)
    before = len(local.get_many([f"{number}" for number in range(15)]))
    for _ in range(1000):
        local.set("14", b"y" * 1500, 60)

    assert counted(local) == total(local)
    assert len(local.get_many([f"{number}" for number in range(15)])) == before == 15


def test_full_store_is_not_counted_for_each_value(cache: DjangoCache, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []
    shrink = LocalValues._shrink
    monkeypatch.setattr(LocalValues, "_shrink", lambda self: (times.append(1), shrink(self)))
    local = LocalValues(caches["locmem"], 150_000)
    for number in range(1000):
        local.set(f"{number}", b"x" * 100, 60)

    # each time a tenth of some 230 goes
    assert 25 <= len(times) <= 45


@pytest.mark.parametrize("way", ["clear", "delete", "cull", "overwrite"])
def test_bytes_are_right_again_after_django_has_removed_values(way: str) -> None:
    own = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": f"removing {way}"}
    with override_settings(CACHES={**caches.settings, "removing": {**own, "OPTIONS": {"MAX_ENTRIES": 100}}}):
        django = caches["removing"]
        local = LocalValues(django, 100_000)
        for number in range(40):
            local.set(f"{number}", b"x" * 1000, 60)
        if way == "clear":
            django.clear()
        elif way == "delete":
            django.delete_many([f"{number}" for number in range(40)])
        elif way == "cull":
            django.set_many({f"other-{number}": 1 for number in range(200)}, 60)
        else:
            django.set_many({f"{number}": 1 for number in range(40)}, 60)
        # what is there no more is still counted: room for what comes is made by counting, not by removing
        for number in range(30):
            local.set(f"new {number}", b"x" * 1000, 60)

        assert len(local.get_many([f"new {number}" for number in range(30)])) == 30
        assert total(local) <= counted(local) <= 100_000


def test_versions_outlive_entries(cache: DjangoCache) -> None:
    """Each lookup of an entry reads the versions of its tables, which are then the last ones to go."""
    local = LocalValues(caches["locmem"], 100_000)
    local.set("version:a", "first", None)
    for number in range(500):
        local.get_many([f"result:{number}", "version:a"])
        local.set(f"result:{number}", b"x" * 1000, 60)

    assert local.get_many(["version:a"]) == {"version:a": "first"}
    assert local.get_many(["result:0"]) == {}


def test_bytes_are_right_among_threads(cache: DjangoCache) -> None:
    django = caches["locmem"]
    engines = [LocalValues(django, 60_000) for _ in range(3)]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(2000):
            local, key = chance.choice(engines), f"{chance.randrange(100)}"
            match chance.randrange(6):
                case 0:
                    django.delete(key)
                case 1:
                    local.add(key, "v" * chance.randrange(500), None)
                case 2:
                    local.get_many([key, "0", "1"])
                case 3 if chance.random() < 0.01:
                    django.clear()
                case _:
                    local.set(key, b"x" * chance.randrange(3000), 60)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    assert 0 <= total(engines[0]) <= counted(engines[0]) <= 60_000
    assert set(django._expire_info) == set(django._cache)


def test_evictions_are_counted(cache: DjangoCache) -> None:
    before = LocalValues(caches["locmem"], 1_000_000).figures()["evicted"]

    kept = keep(20, 100_000, 1_000_000)

    figures = LocalValues(caches["locmem"], 1_000_000).figures()
    assert figures["entries"] == len(kept)
    assert figures["evicted"] - before == 20 - len(kept) > 0
    assert len(kept) * 100_000 < figures["bytes"] <= figures["max_bytes"] == 1_000_000
