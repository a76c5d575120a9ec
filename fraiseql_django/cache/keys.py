"""The keys of answers and of tables' versions.

The keys of versions are the same for every process that uses the same server, whatever its ``KEY_PREFIX`` and
``VERSION``: a write has to reach the answers of all of them. In a Redis Cluster a lookup must find the entry and the
versions in one slot, so the keys are spread over *shards*: the hash in an entry's key chooses one, and each shard has
the versions of all tables.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

ENTRY = "result:"
VERSION = "version:"
# Before the keys of versions, where before those of entries are the KEY_PREFIX and the VERSION of the project
SHARED = "fraiseql.shared:"


def version_key(table: str, shard: int = 0) -> str:
    """Return the key of a table's version in a shard."""
    # some caches allow no spaces in keys, PostgreSQL allows them in names; a quoted name has no slash
    return f"{VERSION}{shard}/{quote(table, safe='')}" if shard else VERSION + quote(table, safe="")


@lru_cache(maxsize=4096)
def version_keys(tables: tuple[str, ...], shard: int = 0) -> tuple[str, ...]:
    """Return the keys of the versions of several tables in a shard."""
    return tuple(version_key(table, shard) for table in tables)


def shard_of(key: str, shards: int) -> int:
    """Return the shard of an entry's or a version's key; others have none of their own, and are in the first."""
    if shards == 1:
        return 0
    if key.startswith(VERSION):
        number, slash, _ = key[len(VERSION) :].partition("/")
        return int(number) if slash else 0
    # an entry's key ends in hexadecimal digits of a hash
    return int(key[-8:], 16) % shards if key.startswith(ENTRY) else 0


def tag_of(shard: int) -> str:
    """Return the hash tag of a shard's keys (Redis Cluster specification, "Hash tags")."""
    return f"{{fraiseql{shard}}}"


def is_version(full_key: str) -> bool:
    """Whether a whole key, with or without a hash tag, is a version's."""
    return full_key.startswith(SHARED) or (full_key.startswith("{") and full_key.partition("}")[2].startswith(SHARED))
