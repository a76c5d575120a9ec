"""What Python makes of parts of an answer, after the cache: a URL may expire, a function return another value.

Some parts are finished one by one; of a field that a project computes in Python, all in one call.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from ..planner.arguments import Variables
from ..planner.compile import Live
from ..planner.kinds import Wrong
from ..planner.marks import MARK, Mark
from ..planner.plan import Read
from ..schema.output_values import json_text

logger = logging.getLogger("fraiseql_django.engine")
_LIVE = re.compile(rb"\x01([0-9]+)\x02([^\x01]*)\x01")


def finished(answer: bytes, read: Read, variables: Variables) -> tuple[bytes, tuple[Mark, ...]]:
    """Replace the marked parts of an answer; return it with the marks that may be in it, those of exceptions last."""
    places = [(int(match.group(1)), json.loads(match.group(2))) for match in _LIVE.finditer(answer)]
    results: list[Any] = [None] * len(places)
    together: dict[Hashable, list[int]] = {}
    for place, (number, value) in enumerate(places):
        live = read.live[number]
        if live.together is not None:
            together.setdefault(live.together.group(variables), []).append(place)
        else:
            results[place] = _one(live, value)
    for group in together.values():
        first = read.live[places[group[0]][0]].together
        assert first is not None
        values = first.finish_all([places[place][1] for place in group], variables)
        for place, result in zip(group, values, strict=True):
            results[place] = result
    marks = list(read.marks)
    texts = iter([_text(read.live[number], result, marks) for (number, _), result in zip(places, results, strict=True)])
    return _LIVE.sub(lambda match: next(texts), answer), tuple(marks)


def _one(live: Live, value: Any) -> Any:
    try:
        assert live.finish is not None
        found = live.finish(value)
        # what JSON does not have is found here
        json_text(found)
    except Exception:
        # a field's class may raise anything
        if live.failed is None:
            raise
        logger.warning("a stored value cannot be read", exc_info=True)
        return Wrong()
    return found


def _text(live: Live, result: Any, marks: list[Mark]) -> bytes:
    if isinstance(result, (Wrong, Exception)):
        assert live.failed is not None
        number = live.failed
        if isinstance(result, Exception):
            marks.append(replace(marks[number], error=result))
            number = len(marks) - 1
        return b"%b%d" % (MARK, number)
    if result is None and live.absent is not None:
        return b"%b%d" % (MARK, live.absent)
    # bytes are JSON text
    return result if isinstance(result, bytes) else json_text(result)
