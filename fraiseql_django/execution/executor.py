"""Runs the statement of a plan: answers from the cache, or queries PostgreSQL and stores the answer.

The bytes of an answer are PostgreSQL's, put between constants; they are not decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import perf_counter
from typing import Any

from django.db import connections

from ..cache.answers import Answers, Lookup
from ..cache.encoding import decoded
from ..cache.outcomes import Outcome
from ..conf.settings import CacheSettings, LimitSettings
from ..errors import LimitExceeded
from ..invalidation.catalog import agrees, generation
from ..language.selected import Subject
from ..metrics.measurement import Measurement, current
from ..planner.answer_policy import AnswerPolicy
from ..planner.arguments import Variables
from ..planner.marks import MARK, Mark
from ..planner.plan import Read
from ..storage.base import Settings
from ..viewer import VIEWER, Viewer
from .concurrency import ConcurrencyLimit
from .flights import Waiter
from .live import finished
from .measured import MeasuredStorage
from .refreshing import BackgroundReads, CurrentEntries
from .replicas import Replicas
from .session import Session
from .sharing import Answer, SharedReads


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An answer that the cache does not have, and how it is read (a ``sharing.Miss``).

    ``at`` is when it was looked up, by ``time.monotonic``; noted for types that allow stale answers alone.
    """

    executor: Executor
    plan: Read
    key: str
    params: list[str | None]
    settings: Settings
    at: float
    outside: Hashable

    @property
    def digest(self) -> str:
        """The name of the statement."""
        return self.plan.digest

    def look_up(self) -> Lookup:
        """Look it up once more; the operation's outcome stays that of its first lookup."""
        began = perf_counter()
        lookup = self.executor.look_up(self.plan, self.key, began)
        current.measurement.at_cache("lookup", began)
        return lookup

    def read(self, versions: str | None) -> tuple[Answer, bool]:
        """Run the statement and keep the answer under these versions; return whether it is kept."""
        executor, plan = self.executor, self.plan
        text = executor.from_storage(plan, self.params, self.settings, versions, self.outside)
        answer = Answer(text, MARK in text)
        if versions is None or executor.is_too_large(text, plan.envelope):
            return answer, False
        began, measured, ttl = perf_counter(), current.measurement, plan.policy.ttl
        kept = executor.answers.keep(self.key, versions, text, answer.marked, ttl, envelope=plan.envelope)
        if kept:
            measured.kept += len(text)
        else:
            measured.unkept = True
        measured.at_cache("keep", began)
        if kept and plan.stale:
            executor.current.note(self.key, versions, self.at)
        return answer, kept


class Executor:
    """Runs the statements of plans: on the database, or on ``replicas`` of it."""

    def __init__(
        self,
        storage: MeasuredStorage,
        answers: Answers,
        session: Session,
        limits: LimitSettings,
        cache: CacheSettings,
        replicas: Replicas | None = None,
        refreshed: Callable[[Measurement], None] = lambda measured: None,
    ) -> None:
        self.storage = storage
        # told of what the threads measure that refresh stale answers
        self._refreshed = refreshed
        self.replicas = replicas
        self.answers = answers
        self.session = session
        self.concurrency = ConcurrencyLimit(limits.concurrent_statements, limits.wait_ms, session.take_connection)
        self._max_bytes = limits.response_bytes
        # the version of the catalogue that this process knows
        self._catalogue: str | None = None
        self.shared = SharedReads(answers.cache, cache)
        self.current = CurrentEntries()
        self._background = BackgroundReads()

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
            ttl = read.policy.ttl
            may_cache = cached and self.answers.cache is not None and self.storage.shared
            outside = self.session.outside() if may_cache and (ttl or self.replicas) else None
            measured = current.measurement
            measured.read = read
            if outside is not None and ttl:
                answer, marked = self._through_cache(read, params, variables, outside, measured)
            else:
                measured.looked_up(self.bypass(read))
                # what is not kept may be read from a replica, if that is not behind
                versions = None if outside is None else self._versions(read, measured)
                answer = self.from_storage(read, params, self.session.of(variables[VIEWER]), versions, outside)
                marked = MARK in answer
        if read.live:
            answer, marks = finished(answer, read, variables)
            marked = MARK in answer
        # a cached answer as well: it may have been stored under a higher limit
        return self.checked(answer, read.envelope), marks if marked else ()

    def policy_now(self, policy: AnswerPolicy) -> AnswerPolicy:
        """Return the policy of an answer that was read in this moment.

        What the project has set in the connection's session is a tenant's, or a viewer's.
        """
        return replace(policy, public=False) if policy.public and self.session.outside() != () else policy

    def checked(self, answer: bytes, envelope: int = 0) -> bytes:
        """Return an answer; raise LimitExceeded for one that is larger than allowed.

        So many bytes of it, the ``envelope``, do not count.
        """
        limit = self._max_bytes
        if limit is not None and self.is_too_large(answer, envelope):
            value = len(answer) - envelope
            raise LimitExceeded("bytes in its answer", limit=limit, value=value, setting="LIMITS.RESPONSE_BYTES")
        return answer

    def is_too_large(self, answer: bytes, envelope: int) -> bool:
        """Whether an answer is larger than allowed."""
        return self._max_bytes is not None and len(answer) - envelope > self._max_bytes

    def _through_cache(
        self, read: Read, params: list[str | None], variables: Variables, outside: Hashable, measured: Measurement
    ) -> tuple[bytes, bool]:
        viewer: Viewer = variables[VIEWER]
        key = self.key(read, params, viewer, outside)
        since, at = self.shared.flights.landings, time.monotonic() if read.stale else 0.0
        # before the statement: a version read after it could belong to a write that it did not see
        began = perf_counter()
        lookup = self.look_up(read, key, began)
        if lookup.answer is not None:
            measured.hit(began, len(lookup.answer))
            if read.stale and lookup.versions is not None:
                self.current.note(key, lookup.versions, at)
            return lookup.answer, lookup.marked
        measured.at_cache("lookup", began)
        settings = self.session.of(viewer)
        if lookup.versions is None:
            measured.looked_up(lookup.outcome)
            answer = self.from_storage(read, params, settings)
            return answer, MARK in answer
        missed = Missed(executor=self, plan=read, key=key, params=params, settings=settings, at=at, outside=outside)
        if read.stale and outside == () and (former := self._former(missed, lookup, variables)) is not None:
            measured.looked_up(Outcome.STALE, lookup.written(read.tables))
            return former
        measured.looked_up(lookup.outcome, lookup.written(read.tables))
        locks = self.session.in_transaction or self.concurrency.is_held
        holding = Waiter(locks=locks, connection=self.session.is_pooled)
        return self.shared.answer(missed, lookup.versions, holding, since)

    def key(self, read: Read, params: list[str | None], viewer: Viewer, outside: Hashable) -> str:
        """Return what the answer of a statement is kept by; ``outside`` is what the project has set in the session."""
        session_values = (self.session.values_of(viewer) if read.of_session else (), outside, self.session.history)
        # repr tells apart what joined texts would not: None and "None", "a,b" and "a", "b"
        return blake2b(f"{read.digest}{params!r}{session_values!r}".encode(), digest_size=16).hexdigest()

    def _versions(self, read: Read, measured: Measurement) -> str | None:
        began = perf_counter()
        versions = self.answers.lookup("", read.tables, began).versions
        measured.at_cache("versions", began)
        return versions

    def bypass(self, read: Read) -> Outcome:
        """Return why the cache is not asked for a statement, where it is not."""
        if self.answers.cache is None:
            return Outcome.NO_CACHE
        if not read.policy.ttl:
            return Outcome.VOLATILE if read.volatile else Outcome.NEVER
        return Outcome.SESSION if self.storage.shared else Outcome.TRANSACTION

    def look_up(self, read: Read, key: str, began: float) -> Lookup:
        """Look up the answer of a statement; ``began`` is now, by ``time.perf_counter``."""
        lookup = self.answers.lookup(key, read.versioned, began)
        if lookup.versions is not None and not self._is_current(read, lookup.versions):
            # which tables it reads is to be found out again, by the next plan
            return Lookup(bypass=Outcome.CATALOGUE)
        return lookup

    def _is_current(self, read: Read, versions: str) -> bool:
        """Whether a statement was planned with the catalogue that has the last of these versions."""
        version = versions[versions.rfind(",") + 1 :]
        if version == self._catalogue and read.catalogue == generation():
            return True
        alias = self.session.alias
        if alias is not None and not agrees(connections[alias], read.catalogue):
            return False
        self._catalogue = version
        return True

    def _former(self, missed: Missed, lookup: Lookup, variables: Variables) -> Answer | None:
        """Return the answer from before the last write while the new one is read, where that is allowed."""
        read, former, versions = missed.plan, lookup.former, lookup.versions
        if former is None or versions is None or not self.current.was_current(missed.key, former[0], read.stale):
            return None
        text = decoded(former[1])
        if text is None or self.session.in_transaction or _asks_viewer(read, variables):
            return None
        subject = current.measurement.subject
        started = self._background.start(lambda: self._refresh(missed, versions, subject))
        return Answer(text, former[2]) if started else None

    def _refresh(self, missed: Missed, versions: str, subject: Subject) -> None:
        measured = current.measurement = Measurement()
        measured.subject = subject
        try:
            self.shared.refresh(missed, versions)
        finally:
            self._refreshed(measured)

    def from_storage(
        self,
        read: Read,
        params: list[str | None],
        settings: Settings,
        versions: str | None = None,
        outside: Hashable = (),
    ) -> bytes:
        """Run a statement and return the bytes of its answer; raises what ``answer`` raises.

        It is run on a replica only where the versions of its tables are known.
        """
        assert read.sql is not None
        with self.concurrency.slot() if self.concurrency.is_limited else nullcontext():
            if self.replicas is not None and versions is not None:
                values = self.replicas.query(read, params, settings, versions, outside).rows[0]
            else:
                values = self.storage.query(read.sql, params, settings).rows[0]
        row = [b"null" if value is None else value for value in values]
        return b"".join([segment if isinstance(segment, bytes) else row[segment] for segment in read.segments])


class _AskedForViewer(Exception):
    pass


class _WithoutViewer(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        if key == VIEWER:
            raise _AskedForViewer
        return super().__getitem__(key)


def _asks_viewer(read: Read, variables: Variables) -> bool:
    """Whether a parameter of a statement is a value of the viewer."""
    try:
        read.params(_WithoutViewer(variables))
    except _AskedForViewer:
        return True
    return False
