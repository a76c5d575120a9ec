"""Runs the statement of a plan: answers from the cache, or queries PostgreSQL and stores the answer.

The bytes of an answer are PostgreSQL's, put between constants; they are not decoded.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from hashlib import blake2b
from time import perf_counter

from ..cache.answers import Answers
from ..cache.outcomes import Outcome
from ..conf.settings import LimitSettings
from ..errors import LimitExceeded
from ..metrics.measurement import Measurement, current
from ..planner.arguments import Variables
from ..planner.marks import MARK, Mark
from ..planner.plan import Read
from ..viewer import VIEWER, Viewer
from .concurrency import ConcurrencyLimit
from .live import finished
from .measured import MeasuredStorage
from .session import Session


class Executor:
    """Runs the statements of plans."""

    def __init__(self, storage: MeasuredStorage, answers: Answers, session: Session, limits: LimitSettings) -> None:
        self.storage = storage
        self.answers = answers
        self.session = session
        self.concurrency = ConcurrencyLimit(limits.concurrent_statements, limits.wait_ms)
        self._max_bytes = limits.response_bytes

    def answer(self, read: Read, variables: Variables, *, cached: bool = True) -> tuple[bytes, Sequence[Mark]]:
        """Return the JSON text of a statement's answer with these variables, and the marks in it, by number.

        There are none where no value is wrong. With ``cached=False`` the cache is neither read nor written, as in a
        transaction that has written. Raises InvalidInput for a value that cannot be a parameter, StorageError when the
        database fails, LimitExceeded for an answer that is too large, TryLater where too many statements are running.
        """
        marks = read.marks
        if read.sql is None:
            answer, marked = b"".join(segment for segment in read.segments if isinstance(segment, bytes)), False
        else:
            params = read.params(variables)
            ttl = self.answers.volatile_ttl if read.volatile else self.answers.ttl
            may_cache = cached and ttl and self.answers.cache is not None and self.storage.shared
            outside = self.session.outside() if may_cache else None
            measured = current.measurement
            measured.read = read
            if outside is not None:
                answer, marked = self._through_cache(read, params, variables[VIEWER], outside, ttl, measured)
            else:
                measured.looked_up(self._bypass(read))
                answer = self._from_storage(read, params, variables[VIEWER])
                marked = MARK in answer
        if read.live:
            answer, marks = finished(answer, read, variables)
            marked = MARK in answer
        # a cached answer as well: it may have been stored under a higher limit
        return self.checked(answer, read.envelope), marks if marked else ()

    def checked(self, answer: bytes, envelope: int = 0) -> bytes:
        """Return an answer; raise LimitExceeded for one that is larger than allowed.

        So many bytes of it, the ``envelope``, do not count.
        """
        limit = self._max_bytes
        if limit is not None and len(answer) - envelope > limit:
            value = len(answer) - envelope
            raise LimitExceeded("bytes in its answer", limit=limit, value=value, setting="LIMITS.RESPONSE_BYTES")
        return answer

    def _through_cache(
        self, read: Read, params: list[str | None], viewer: Viewer, outside: Hashable, ttl: int, measured: Measurement
    ) -> tuple[bytes, bool]:
        session_values = (self.session.values_of(viewer) if read.of_session else (), outside)
        # repr tells apart what joined texts would not: None and "None", "a,b" and "a", "b"
        key = blake2b(f"{read.digest}{params!r}{session_values!r}".encode(), digest_size=16).hexdigest()
        # before the statement: a version read after it could belong to a write that it did not see
        began = perf_counter()
        lookup = self.answers.lookup(key, read.tables)
        if lookup.answer is not None:
            measured.hit(began, len(lookup.answer))
            return lookup.answer, lookup.marked
        measured.at_cache("lookup", began)
        measured.looked_up(lookup.outcome)
        measured.written = lookup.written(read.tables)
        answer = self._from_storage(read, params, viewer)
        marked = MARK in answer
        if lookup.versions is not None and (self._max_bytes is None or len(answer) - read.envelope <= self._max_bytes):
            began = perf_counter()
            if self.answers.keep(key, lookup.versions, answer, marked, ttl, envelope=read.envelope):
                measured.kept += len(answer)
            else:
                measured.unkept = True
            measured.at_cache("keep", began)
        return answer, marked

    def _bypass(self, read: Read) -> Outcome:
        """Return why the cache is not asked for a statement."""
        if self.answers.cache is None:
            return Outcome.NO_CACHE
        if read.volatile and not self.answers.volatile_ttl:
            return Outcome.VOLATILE
        return Outcome.SESSION if self.storage.shared else Outcome.TRANSACTION

    def _from_storage(self, read: Read, params: list[str | None], viewer: Viewer) -> bytes:
        assert read.sql is not None
        settings = self.session.of(viewer)
        if self.concurrency.is_limited:
            with self.concurrency.slot():
                values = self.storage.query(read.sql, params, settings).rows[0]
        else:
            values = self.storage.query(read.sql, params, settings).rows[0]
        row = [b"null" if value is None else value for value in values]
        return b"".join([segment if isinstance(segment, bytes) else row[segment] for segment in read.segments])
