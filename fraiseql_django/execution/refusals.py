"""What PostgreSQL refuses while a statement runs: the value of the operation that it is about, and what to say of it.

PostgreSQL names a parameter that is no value of its type: a text search configuration that does not exist, a jsonpath
with a mistake. What an operator refuses, a regular expression with a mistake or a vector of other dimensions, is one of
the operands that were declared as such (``Bind.fallible``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInput, StorageError
from ..planner.expressions import Bind
from ..planner.plan import Read

logger = logging.getLogger("fraiseql_django.engine")
# How a context names a parameter, in every language
_NUMBER = re.compile(r"\$([0-9]+)(?: = |\s*$)", re.MULTILINE)
# PostgreSQL's codes (appendix A), the longest first
_MESSAGES: Mapping[str, str] = {
    "2201B": "PostgreSQL refuses this regular expression",
    "42704": "PostgreSQL knows no such name",
    "42883": "PostgreSQL has no such operator for this value",
    "22": "PostgreSQL refuses this value",
    "42725": "PostgreSQL has no such operator for this value",
    "42804": "PostgreSQL cannot compare this value",
    "42846": "PostgreSQL cannot compare this value",
}
# ... and those of a parameter that PostgreSQL names
_OF_PARAMETERS: Mapping[str, str] = {"42601": "PostgreSQL cannot read this value"}
# a division by zero, which only the project's own SQL can cause
_NOT_OF_VALUES = ("22012",)


def refusal(error: Exception, read: Read) -> InvalidInput | None:
    """Return the error for a value that PostgreSQL has refused; None where the failure is not of an operand."""
    if not isinstance(error, StorageError) or error.sqlstate is None or error.sqlstate in _NOT_OF_VALUES:
        return None
    named = _named(error, read)
    messages = _MESSAGES if named is None else {**_MESSAGES, **_OF_PARAMETERS}
    message = next((text for code, text in messages.items() if error.sqlstate.startswith(code)), None)
    if message is None:
        return None
    found = [named] if named is not None else [bind for bind in read.binds if bind.fallible]
    nodes = list(dict.fromkeys(bind.node for bind in found if bind.node is not None))
    labels = list(dict.fromkeys(bind.label for bind in found))
    if not nodes:
        return None
    # on one line: it may hold a client's value
    told = str(error).encode("unicode_escape").decode("ascii")
    logger.warning("PostgreSQL has refused an operand of %s: %s", ", ".join(labels), told)
    refused = labels[0] if len(labels) == 1 else f"one of {', '.join(labels)}"
    return InvalidInput(f"{refused}: {message}.", nodes=nodes)


def _named(error: StorageError, read: Read) -> Bind | None:
    """Return the parameter that PostgreSQL names in the error's context."""
    raised: Any = error
    while raised is not None and not hasattr(raised, "diag"):
        raised = raised.__cause__
    # what has run SQL of its own, a function, has a place in that
    if raised is None or raised.diag.internal_query:
        return None
    match = _NUMBER.search(raised.diag.context or "")
    if match is None:
        return None
    number = int(match.group(1)) - 1
    return read.binds[number] if number < len(read.binds) else None
