"""Compresses large answers for a cache that processes share: what is sent and kept is a fraction of the JSON.

An encoded answer is a tuple of the algorithm's name and the compressed bytes, so that processes with and without the
package ``zstandard`` can share a cache. One that does not know an algorithm takes the entry for a miss and replaces it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from threading import local
from typing import Any, TypeAlias

try:
    import zstandard
except ImportError:
    # the extra "zstd"; zlib serves without
    zstandard = None  # type: ignore[assignment]

# An answer as an entry holds it: as it is, or compressed, with the algorithm
Encoded: TypeAlias = "bytes | tuple[str, bytes]"

# Measured on answers of 10 kB to 1 MB: higher levels take several times as long for a tenth less
_ZSTD_LEVEL, _ZLIB_LEVEL = 1, 1
_thread = local()


def encoded(answer: bytes, smallest: int | None) -> Encoded:
    """Return an answer as an entry holds it: compressed if it has ``smallest`` bytes, unless that makes it no smaller.

    None compresses nothing.
    """
    if smallest is None or len(answer) < smallest:
        return answer
    name = "zlib" if zstandard is None else "zstd"
    compress, _ = _ALGORITHMS[name]
    compressed = compress(answer)
    return (name, compressed) if len(compressed) < len(answer) else answer


def decoded(answer: Encoded) -> bytes | None:
    """Return the answer of an entry; None where it is compressed in a way that this process does not know, or broken.

    A decompressed answer is as large as it was, however large that is: only this package's processes write entries.
    """
    if isinstance(answer, bytes):
        return answer
    name, compressed = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, None)
    if name not in _ALGORITHMS:
        return None
    _, decompress = _ALGORITHMS[name]
    try:
        return decompress(compressed)
    except Exception:
        # each algorithm has errors of its own; another program may have written there
        return None


def _zstd_compress(data: bytes) -> bytes:
    # an object must not be used by two threads at once (zstandard's documentation, "Thread and Object Reuse Safety")
    compressor = getattr(_thread, "compressor", None)
    if compressor is None:
        compressor = _thread.compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return bytes(compressor.compress(data))


def _zstd_decompress(data: bytes) -> bytes:
    decompressor = getattr(_thread, "decompressor", None)
    if decompressor is None:
        decompressor = _thread.decompressor = zstandard.ZstdDecompressor()
    return bytes(decompressor.decompress(data))


def _zlib_compress(data: bytes) -> bytes:
    return zlib.compress(data, _ZLIB_LEVEL)


_ALGORITHMS: dict[str, tuple[Callable[[bytes], bytes], Callable[[Any], bytes]]] = {
    "zlib": (_zlib_compress, zlib.decompress)
}
if zstandard is not None:
    _ALGORITHMS["zstd"] = (_zstd_compress, _zstd_decompress)
