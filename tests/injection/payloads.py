"""The corpus: strings after what the named lists publish, kept as data in ``payloads.json``."""

import json
from collections.abc import Iterable
from pathlib import Path

GROUPS = json.loads((Path(__file__).parent / "payloads.json").read_text())
PAYLOADS: tuple[str, ...] = tuple(payload for group in GROUPS for payload in group["payloads"])


def is_text(payload: str) -> bool:
    """Whether a payload is Unicode: UTF-8 has no half of a surrogate pair."""
    try:
        payload.encode()
    except UnicodeEncodeError:
        return False
    return True


def storable(payloads: Iterable[str] = PAYLOADS, length: int | None = None) -> list[str]:
    """Return what PostgreSQL can store as a text, of at most so many characters."""
    fitting = [payload for payload in payloads if is_text(payload) and "\0" not in payload]
    return [payload for payload in fitting if length is None or len(payload) <= length]
