"""Cursors: the values of an order's keys for one row, as a text that only this project can make or read.

    place    6 bytes: which order of which type the cursor was made for
    tag      16 bytes: BLAKE2b of the order and the values, with a key derived from SECRET_KEY
    values   a JSON list of texts and nulls, encrypted by the SHAKE-256 stream of another such key and the tag

The three are one text in base64url. The tag is computed from the values and is where the stream begins (synthetic
initialisation vector, as RFC 5297 has it), so a row has one cursor as long as its keys stay the same. Values are
encrypted since a row may be sorted by what the viewer may not see: a column that the type does not show, or one that is
masked. Cursors made with a key of ``SECRET_KEY_FALLBACKS`` are read as well.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, shake_256
from hmac import compare_digest

from django.conf import settings
from django.utils.crypto import salted_hmac

from ..errors import InvalidInput

# The bytes that the values of one cursor may take; a longer text is sent with every edge, and back with every request
MAX_VALUES = 2048
_PLACE, _TAG = 6, 16
_MAX_TEXT = (_PLACE + _TAG + MAX_VALUES) * 4 // 3 + 4
# How much of a refused cursor an error shows
_SHOWN = 40
_SALT = "fraiseql_django.cursors"
# made once: for each cursor, dumps() would make one
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def sealed(values: Sequence[str | None], order: bytes) -> str:
    """Return the cursor of a row that has these values, in the order with this digest."""
    text = _encoded(values).encode()
    signing, encrypting = _keys(settings.SECRET_KEY)
    tag = _tag(text, order, signing)
    return urlsafe_b64encode(order[:_PLACE] + tag + _crypt(text, tag, encrypting)).rstrip(b"=").decode()


def opened(cursor: str, order: bytes) -> list[str | None]:
    """Return the values of a cursor; raise InvalidInput where it was not made for the order with this digest."""
    return list(_opened(cursor, order, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)))


# a cursor is read once for each of its values
@lru_cache(maxsize=64)
def _opened(cursor: str, order: bytes, secrets: tuple[str, ...]) -> tuple[str | None, ...]:
    raw = _bytes(cursor)
    place, tag, rest = raw[:_PLACE], raw[_PLACE : _PLACE + _TAG], raw[_PLACE + _TAG :]
    for secret in secrets:
        signing, encrypting = _keys(secret)
        text = _crypt(rest, tag, encrypting)
        if place == order[:_PLACE] and compare_digest(tag, _tag(text, order, signing)):
            return tuple(json.loads(text))
    if place != order[:_PLACE] and len(raw) > _PLACE + _TAG:
        raise InvalidInput(
            f"the cursor {_shortened(cursor)} does not belong to this type and orderBy; send it with those that it was "
            f"made for"
        )
    raise _unknown(cursor)


def _bytes(cursor: str) -> bytes:
    if len(cursor) > _MAX_TEXT or not cursor.isascii():
        raise _unknown(cursor)
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (Error, ValueError):
        raise _unknown(cursor) from None
    # base64 has several texts for some bytes
    if urlsafe_b64encode(raw).rstrip(b"=") != cursor.encode():
        raise _unknown(cursor)
    return raw


def _unknown(cursor: str) -> InvalidInput:
    return InvalidInput(
        f"{_shortened(cursor)} is no cursor; it must be one that an edge or a pageInfo of this connection has had"
    )


def _shortened(cursor: str) -> str:
    return json.dumps(cursor if len(cursor) <= _SHOWN else f"{cursor[:_SHOWN]}…", ensure_ascii=False)


def _tag(text: bytes, order: bytes, key: bytes) -> bytes:
    return blake2b(order + text, digest_size=_TAG, key=key).digest()


def _crypt(text: bytes, tag: bytes, key: bytes) -> bytes:
    stream = shake_256(key + tag).digest(len(text))
    return (int.from_bytes(text) ^ int.from_bytes(stream)).to_bytes(len(text))


@lru_cache(maxsize=16)
def _keys(secret: str) -> tuple[bytes, bytes]:
    """Return the keys that tags and streams are made with."""
    found = [salted_hmac(f"{_SALT}.{use}", b"", secret, algorithm="sha256").digest() for use in ("tag", "stream")]
    return found[0], found[1]
