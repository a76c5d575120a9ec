"""How long, and for whom, the answer of an operation may be kept: the strictest of all policies of what it reads.

``Policies`` gathers them while the tree is built, by way of ``Rules``, which is asked for every type and field that is
selected, compared or sorted by. For example, of the types Book (60 s, public) and Author (nothing declared)

    { books { title } }                            has 60 s, public
    { books { author { name } } }                  has what the settings say: 0 s, private
    { books(where: {author: {name: …}}) { title }} has that as well
    { books { author { name } } }                  has 10 s, public, where the field ``author`` has (10 s, public)

A field's policy speaks for the type that it leads to where that has none, as in Apollo's servers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from .._django import all_parents
from ..declare.cache_policy import NOTHING, PRIVATE, PUBLIC, CachePolicy
from ..invalidation.names import table_of
from ..schema.definition import TypeDef
from .expressions import Bind, ViewerBind
from .planned_viewer import Question
from .tree import Constant, Member, Selection

# What nothing tells, for operations without a schema's settings
_DEFAULTS = CachePolicy(max_age=0, scope=PRIVATE, ttl=0, volatile_ttl=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPolicy:
    """How an answer may be kept: by HTTP for ``max_age`` seconds, by the project's cache for ``ttl``.

    ``never`` says that a declaration, or the operation, lets nobody keep it. ``public`` says that it is the same for
    every viewer, and that shared caches may keep it; ``by_language`` that it depends on the active language or time
    zone. ``limit`` is the time that the operation asks for, where that is shorter than it need be.
    """

    max_age: int = 0
    ttl: int = 0
    never: bool = False
    public: bool = False
    by_language: bool = False
    limit: int | None = None

    def limited(self, most: int) -> AnswerPolicy:
        """Return the policy with a shorter time."""
        return replace(self, max_age=min(self.max_age, most), ttl=min(self.ttl, most))

    def asked(self, asked: CachePolicy | None) -> AnswerPolicy:
        """Return the policy as an operation shortens it."""
        found = self if asked is None or asked.scope != PRIVATE else replace(self, public=False)
        if asked is None or asked.max_age is None or asked.max_age >= max(self.max_age, self.ttl):
            return found
        return replace(found.limited(asked.max_age), limit=asked.max_age, never=self.never or asked.max_age == 0)


# Of what is not kept by itself: the rows in what a mutation returns
NOT_KEPT = AnswerPolicy()


@dataclass(slots=True)
class Policies:
    """The policies of what one operation reads; ``defaults`` are those of the settings, ``types`` all types by name."""

    defaults: CachePolicy = _DEFAULTS
    types: Mapping[str, Any] = field(default_factory=dict)
    # a permission was asked, or Python code runs that may look at the viewer
    of_viewer: bool = False
    found: list[CachePolicy] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    _around: CachePolicy | None = None
    _level: int = 0
    _types: int = 0

    @contextmanager
    def within(self, described: Any, *, called: bool) -> Iterator[None]:
        """Gather what a field reads. One of Query counts by itself if it reads no type, or if Python is ``called``."""
        around, self._around, before = self._around, described.cache, self._types
        self._level += 1
        try:
            yield
        finally:
            self._around = around
            self._level -= 1
            if not self._level and (called or self._types == before):
                self.found.append((described.cache or NOTHING).over(self.defaults))

    def undeclared(self) -> None:
        """Note what no declaration can tell of: introspection."""
        self.found.append(self.defaults)

    def field(self, described: Any) -> None:
        """Note a field that is read."""
        if described.cache is not None:
            self.found.append(described.cache)

    def type(self, definition: Any) -> None:
        """Note a type whose rows are read; objects in JSON are a part of the row that has them."""
        if not isinstance(definition, TypeDef):
            return
        self._types += 1
        self.tables.update(_tables_of(definition))
        if definition.branches and definition.cache is None:
            # every row is of one of these
            for branch in definition.branches:
                self.type(self.types[branch.target])
            return
        policy = (definition.cache or NOTHING).over(self._around)
        inherits = definition.cache is not None and definition.cache.inherit and self._level > 1
        self.found.append(policy if inherits else policy.over(self.defaults))

    def computed_in_python(self, described: Any) -> None:
        """Note a field whose function may look at anything: its own policy must say that the answer is public."""
        self.of_viewer = self.of_viewer or described.cache is None or described.cache.scope != PUBLIC

    def of_answer(self, others: Iterable[CachePolicy], *, same_for_all: bool) -> AnswerPolicy:
        """Return the policy of the answer, which has nothing that is volatile.

        ``others`` are those of tables that are read for no type; they can only make it stricter. ``same_for_all`` says
        that nothing that was not noted here depends on the viewer.
        """
        others = tuple(others)
        found = (*(self.found or [self.defaults]), *others)
        scopes = {policy.scope for policy in self.found} | {_scope(policy) for policy in others} - {PUBLIC}
        return AnswerPolicy(
            max_age=min((policy.max_age for policy in found if policy.max_age is not None), default=0),
            ttl=min((policy.kept for policy in found if policy.kept is not None), default=0),
            never=any(policy.max_age == 0 and policy.kept == 0 for policy in found),
            public=scopes >= {PUBLIC} and PRIVATE not in scopes and same_for_all and not self.of_viewer,
        )


def _scope(policy: CachePolicy) -> str | None:
    """Return the scope of a type's rows: what has an age is private where nothing else is said."""
    return PRIVATE if policy.scope is None and policy.max_age is not None else policy.scope


def _tables_of(definition: TypeDef) -> Iterator[str]:
    for model in (definition.model, *all_parents(definition.model)):
        yield table_of(model)


def policies_of_tables(types: Iterable[TypeDef]) -> dict[str, list[CachePolicy]]:
    """Return the declared policies by table; of what is read in another way they can only shorten the time."""
    found: dict[str, list[CachePolicy]] = {}
    for definition in types:
        if definition.cache is not None:
            for table in _tables_of(definition):
                found.setdefault(table, []).append(definition.cache)
    return found


def same_for_all(binds: Iterable[Bind], asked: Collection[Question]) -> bool:
    """Whether no parameter of a statement is a value of the viewer, and nothing that Python decided depends on one.

    What else a project's code decides, it may decide by the viewer or by a tenant.
    """
    return not any(isinstance(bind, ViewerBind) for bind in binds) and all(
        getattr(question, "same_for_all", False) for question in asked
    )


# --- what depends on the clock or on chance ---


def declared_volatile(members: Iterable[tuple[str, Member | Constant]]) -> Iterator[int]:
    """Yield for how many seconds selected fields, and types, say that they are kept where they are volatile."""
    for _, member in members:
        if isinstance(member, Member):
            yield from _seconds([member.field, *(selection.definition for selection in member.selections)])
            for selection in _selections(member):
                yield from declared_volatile(selection.members)


def without_volatile(members: Sequence[tuple[str, Member | Constant]]) -> tuple[tuple[str, Member | Constant], ...]:
    """Leave out the fields that are kept for a declared time where they are volatile: what is left must not be."""
    return tuple((key, _rest(member)) for key, member in members if not _is_declared(member))


def _rest(member: Member | Constant) -> Member | Constant:
    if not isinstance(member, Member):
        return member
    selections = [
        replace(
            selection,
            members=without_volatile(selection.members),
            branches=tuple((branch, replace(inner, members=without_volatile(inner.members)))
                           for branch, inner in selection.branches),
        )
        for selection in member.selections
    ]  # fmt: skip
    return replace(member, selections=tuple(selections))


def _is_declared(member: Member | Constant) -> bool:
    """Whether a field says how long it is kept, or its type does, and so does everything within it that has rows."""
    if not isinstance(member, Member):
        return False
    own = bool(_seconds([member.field]))
    if not member.selections:
        return own or bool(_seconds([member.owner]))
    if not own and not all(_seconds([selection.definition]) for selection in member.selections):
        return False
    inner = (item for selection in _selections(member) for _, item in selection.members)
    return all(_is_declared(item) for item in inner if isinstance(item, Member) and item.selections)


def _selections(member: Member) -> Iterator[Selection]:
    for selection in member.selections:
        yield selection
        yield from (inner for _, inner in selection.branches)


def _seconds(described: Iterable[Any]) -> list[int]:
    policies = (getattr(item, "cache", None) for item in described)
    return [policy.volatile_ttl for policy in policies if policy is not None and policy.volatile_ttl is not None]
