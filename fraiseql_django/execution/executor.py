"""Plan → bytes: the cache first, then storage, then the cache is filled.

The bytes are PostgreSQL's; they are put between constants and not decoded.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b

from ..cache.answers import Results
from ..conf.settings import LimitSettings
from ..errors import LimitExceeded
from ..planner.arguments import Variables
from ..planner.plan import Read
from ..storage.base import Storage
from ..viewer import VIEWER, Viewer
from .concurrency import Places
from .session import Session

_LIVE = re.compile(rb"\x01([0-9]+)\x02([^\x01]*)\x01")


class Executor:
    """Executes the statements of plans."""

    def __init__(self, storage: Storage, results: Results, session: Session, limits: LimitSettings) -> None:
        self.storage = storage
        self.results = results
        self.session = session
        self.places = Places(limits.concurrent_statements, limits.wait_ms)
        self._most = limits.response_bytes

    def read(self, read: Read, variables: Variables, *, cached: bool = True) -> bytes:
        """Return the JSON text that a Read answers with these variables.

        With ``cached=False`` the cache is neither asked nor filled, as in a transaction that has written.
        Raises InvalidInput for a value that cannot be a parameter, StorageError when the database fails, LimitExceeded
        for an answer that is too large, TryLater where the database has no place for the statement.
        """
        if read.sql is None:
            return self.checked(b"".join(segment for segment in read.segments if isinstance(segment, bytes)))
        params = read.params(variables)
        if cached and self.results.cache is not None and self.storage.shared:
            answer = self._through_cache(read, params, variables[VIEWER])
        else:
            answer = self._from_storage(read, params, variables[VIEWER])
        # one from the cache as well: it may have been kept when more was allowed
        return self.checked(_finished(answer, read) if read.live else answer)

    def checked(self, answer: bytes) -> bytes:
        """Return an answer; raise LimitExceeded for one that is larger than allowed."""
        most = self._most
        if most is not None and len(answer) > most:
            raise LimitExceeded("bytes in its answer", limit=most, value=len(answer), setting="LIMITS.RESPONSE_BYTES")
        return answer

    def _through_cache(self, read: Read, params: list[str | None], viewer: Viewer) -> bytes:
        told = self.session.told(viewer) if read.of_session else ()
        # repr keeps apart what joined texts would confuse: None and "None", "a,b" and "a", "b"
        key = read.digest + blake2b(repr((params, told)).encode(), digest_size=16).hexdigest()
        # before the statement: a version read after it could belong to a write that it did not see
        found = self.results.lookup(key, read.tables)
        if found.answer is not None:
            return found.answer
        answer = self._from_storage(read, params, viewer)
        if found.versions is not None and (self._most is None or len(answer) <= self._most):
            self.results.keep(key, read.tables, found.versions, answer)
        return answer

    def _from_storage(self, read: Read, params: list[str | None], viewer: Viewer) -> bytes:
        assert read.sql is not None
        settings = self.session.of(viewer)
        with self.places.one():
            values = self.storage.query(read.sql, params, *([settings] if settings else [])).rows[0]
        row = [b"null" if value is None else value for value in values]
        return b"".join(segment if isinstance(segment, bytes) else row[segment] for segment in read.segments)


def _finished(answer: bytes, read: Read) -> bytes:
    """Let Python finish the parts that are marked for it; they are kept unfinished, since a URL may expire."""

    def finish(match: re.Match[bytes]) -> bytes:
        value = read.live[int(match.group(1))](json.loads(match.group(2)))
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    return _LIVE.sub(finish, answer)
