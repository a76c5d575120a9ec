"""Large answers are compressed in a cache that processes share, and read by processes with and without zstd."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import override_settings

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache import encoding
from fraiseql_django.cache.answers import ENTRY
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.encoding import decoded, encoded
from fraiseql_django.conf.settings import CacheSettings, get_settings
from tests.support import data, is_hit, statements

ANSWER = json.dumps(
    [{"id": number, "title": f"The {number}th book", "price": "12.50"} for number in range(200)]
).encode()


@pytest.fixture
def without_zstd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be one without the package zstandard."""
    monkeypatch.setattr(encoding, "zstandard", None)
    monkeypatch.delitem(encoding._ALGORITHMS, "zstd")


# --- the codec ---


def test_answer_takes_a_fraction_of_its_bytes() -> None:
    algorithm, compressed = encoded(ANSWER, 1000)

    assert algorithm == "zstd"
    assert len(compressed) < len(ANSWER) / 4
    assert decoded((algorithm, compressed)) == ANSWER


def test_zlib_serves_without_zstd(without_zstd: None) -> None:
    algorithm, compressed = encoded(ANSWER, 1000)

    assert algorithm == "zlib"
    assert len(compressed) < len(ANSWER) / 4
    assert decoded((algorithm, compressed)) == ANSWER


@pytest.mark.parametrize(
    ("answer", "smallest"),
    [
        pytest.param(b"a" * 999, 1000, id="small"),
        pytest.param(b"a" * 10_000, None, id="no compression"),
        pytest.param(bytes(range(256)) * 4, 1000, id="not made smaller"),
    ],
)
def test_what_is_not_compressed(answer: bytes, smallest: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if len(answer) == 1024:
        # what compression makes larger
        monkeypatch.setitem(encoding._ALGORITHMS, "zstd", (lambda data: data + b"header", lambda data: data))

    assert encoded(answer, smallest) is answer
    assert decoded(answer) is answer


@pytest.mark.parametrize(
    "entry", [("brotli", b"?"), ("zstd", b"no frame"), ("zlib", b"no stream"), ("zstd", b""), None, "", ()]
)
def test_what_cannot_be_read_is_none(entry: Any) -> None:
    assert decoded(entry) is None


def test_threads_compress_at_the_same_time() -> None:
    def both(number: int) -> bool:
        answer = ANSWER + str(number).encode()
        return decoded(encoded(answer, 0)) == answer

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(both, range(500)))


# --- in caches ---


def fill() -> None:
    Author.objects.bulk_create(Author(name=f"Author {number}") for number in range(100))


def entry_of(alias: str) -> Any:
    """Return what the one entry of a cache holds of its answer."""
    cache = DjangoCache(alias)
    (key,) = [key for key in cache.keys() or () if key.startswith(ENTRY)]
    return cache.get(key)[1]


AUTHORS = "{ authors { id name } }"


@pytest.fixture
def redis() -> Iterator[Any]:
    """Return the client of the tests' Redis, whose keys of ours are removed."""
    DjangoCache("redis").clear()
    yield caches["redis"].client.get_client()  # type: ignore[attr-defined]
    DjangoCache("redis").clear()


def sized(alias: str, compress_bytes: int | None) -> GraphQLEngine:
    cache = CacheSettings(alias=alias, compress_bytes=compress_bytes)
    return GraphQLEngine(settings=replace(get_settings(), cache=cache))


@pytest.mark.django_db(transaction=True)
def test_entry_in_redis_takes_a_fraction_of_the_answer(redis: Any) -> None:
    fill()

    def bytes_kept(compress_bytes: int | None) -> int:
        DjangoCache("redis").clear()
        engine = sized("redis", compress_bytes)
        answer = engine.execute(AUTHORS).body
        assert engine.execute(AUTHORS).body == answer
        assert engine.statistics().result_hits == 1
        (key,) = [key for key in redis.keys("*") if ENTRY.encode() in key]
        return int(redis.strlen(key))

    plain = bytes_kept(None)

    assert plain > 3000
    # the versions and the key of the tuple are among the bytes
    assert bytes_kept(1000) < plain / 4
    assert bytes_kept(1_000_000) == plain


@pytest.mark.django_db(transaction=True)
def test_processes_with_and_without_zstd_share_a_cache(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    engine = sized("redis", 1000)
    expected = data(engine, AUTHORS)
    assert entry_of("redis")[0] == "zstd"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "zstandard", None)
        patch.delitem(encoding._ALGORITHMS, "zstd")
        # a miss, which it replaces
        with statements(1):
            assert data(engine, AUTHORS) == expected
        assert entry_of("redis")[0] == "zlib"
        assert is_hit(engine, AUTHORS)

    # zlib is everywhere
    with statements(0):
        assert data(engine, AUTHORS) == expected


@pytest.mark.django_db(transaction=True)
def test_memory_of_the_process_keeps_answers_as_they_are() -> None:
    DjangoCache("locmem").clear()
    fill()
    engine = sized("locmem", 0)
    data(engine, AUTHORS)

    assert isinstance(entry_of("locmem"), bytes)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["compressor", "file"])
def test_nothing_is_compressed_twice(kind: str, tmp_path: Path) -> None:
    fill()
    caches_of = {
        "compressor": {
            **caches.settings["redis"],
            "OPTIONS": {"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"},
            "KEY_PREFIX": caches.settings["redis"]["KEY_PREFIX"] + "-zlib",
        },
        "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path},
    }
    with override_settings(CACHES={**caches.settings, "compressing": caches_of[kind]}):
        engine = sized("compressing", 0)
        kept: list[Any] = []
        real = DjangoCache.set

        def noted(self: Any, key: str, value: Any, ttl: int | None) -> None:
            kept.append(value)
            real(self, key, value, ttl)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DjangoCache, "set", noted)
            data(engine, AUTHORS)
        assert [type(entry[1]) for entry in kept] == [bytes]
        assert is_hit(engine, AUTHORS)
        DjangoCache("compressing").clear()


def test_identity_compressor_of_django_redis_compresses_nothing() -> None:
    option = {"COMPRESSOR": "django_redis.compressors.identity.IdentityCompressor"}
    with override_settings(CACHES={**caches.settings, "plain": {**caches.settings["redis"], "OPTIONS": option}}):
        assert not DjangoCache("plain").compresses
    assert not DjangoCache("redis").compresses
