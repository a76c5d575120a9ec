"""Runs the statement of a plan: answers from the cache, or queries PostgreSQL and stores the answer.

The bytes of an answer are PostgreSQL's, put between constants; they are not decoded.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import nullcontext
from hashlib import blake2b

from ..cache.answers import Answers
from ..conf.settings import LimitSettings
from ..errors import LimitExceeded
from ..planner.arguments import Variables
from ..planner.marks import MARK, Mark
from ..planner.plan import Read
from ..viewer import VIEWER, Viewer
from .concurrency import ConcurrencyLimit
from .live import finished
from .measured import MeasuredStorage
from .replicas import Replicas
from .session import Session


class Executor:
    """Runs the statements of plans: on the database, or on ``replicas`` of it."""

    def __init__(
        self,
        storage: MeasuredStorage,
        answers: Answers,
        session: Session,
        limits: LimitSettings,
        replicas: Replicas | None = None,
    ) -> None:
        self.storage = storage
        self.replicas = replicas
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
            may_cache = cached and self.answers.cache is not None and self.storage.shared
            outside = self.session.outside() if may_cache and (ttl or self.replicas) else None
            if outside is not None and ttl:
                answer, marked = self._through_cache(read, params, variables[VIEWER], outside, ttl)
            elif outside is not None:
                # which is not kept, but may be read from a replica that is not behind
                versions = self.answers.lookup("", read.tables).versions
                answer = self._from_storage(read, params, variables[VIEWER], versions)
                marked = MARK in answer
            else:
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
        self, read: Read, params: list[str | None], viewer: Viewer, outside: Hashable, ttl: int
    ) -> tuple[bytes, bool]:
        session_values = (self.session.values_of(viewer) if read.of_session else (), outside)
        # repr tells apart what joined texts would not: None and "None", "a,b" and "a", "b"
        key = blake2b(f"{read.digest}{params!r}{session_values!r}".encode(), digest_size=16).hexdigest()
        # before the statement: a version read after it could belong to a write that it did not see
        lookup = self.answers.lookup(key, read.tables)
        if lookup.answer is not None:
            return lookup.answer, lookup.marked
        answer = self._from_storage(read, params, viewer, lookup.versions)
        marked = MARK in answer
        if lookup.versions is not None and (self._max_bytes is None or len(answer) - read.envelope <= self._max_bytes):
            self.answers.keep(key, lookup.versions, answer, marked, ttl, envelope=read.envelope)
        return answer, marked

    def _from_storage(
        self,
        read: Read,
        params: list[str | None],
        viewer: Viewer,
        versions: str | None = None,
    ) -> bytes:
        """Run the statement: on a replica only where the versions of its tables are known."""
        assert read.sql is not None
        settings = self.session.of(viewer)
        with self.concurrency.slot() if self.concurrency.is_limited else nullcontext():
            if self.replicas is not None and versions is not None:
                values = self.replicas.query(read, params, settings, versions).rows[0]
            else:
                values = self.storage.query(read.sql, params, settings).rows[0]
        row = [b"null" if value is None else value for value in values]
        return b"".join([segment if isinstance(segment, bytes) else row[segment] for segment in read.segments])
