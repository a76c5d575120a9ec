"""The policy of a query's answer: what was gathered while its tree was built, and what its statement shows.

Nothing declares on what a statement's text depends. So it is found: parameters that are values of the viewer, session
values, tables that are read for no type, and functions that are volatile. Whether the active language or time zone was
asked for is noted while the plan is made (``plan.Planner``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from ..declare.cache_policy import PRIVATE, CachePolicy
from ..invalidation.catalog import is_volatile
from ..language.parser import Operation
from ..schema.build import Schema
from ..schema.cache_control import asked_of
from .answer_policy import (
    AnswerPolicy,
    Policies,
    declared_volatile,
    policies_of_tables,
    same_for_all,
    without_volatile,
)
from .arguments import Variables
from .compile import Compiler
from .expressions import Bind
from .kinds import kind_of
from .locations import ROW
from .planned_viewer import Question
from .statement import compile_pieces, split, statement
from .tree import Constant, Member

Members = Sequence[tuple[str, Member | Constant]]


class Statement(Protocol):
    """What a policy follows from (``plan.Read``)."""

    @property
    def binds(self) -> tuple[Bind, ...]:
        """The parameters."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are read."""
        ...

    @property
    def of_session(self) -> bool:
        """Whether the answer may depend on the viewer's session values."""
        ...

    @property
    def volatile(self) -> bool:
        """Whether it may depend on the clock or on chance."""
        ...


class KeptAnswers:
    """Tells how answers of one schema may be kept, that are read from one database."""

    def __init__(self, schema: Schema, alias: str) -> None:
        kept = schema.conventions.settings.cache
        self._schema, self._alias = schema, alias
        self._undeclared = CachePolicy(
            max_age=kept.max_age, scope=PRIVATE, ttl=kept.ttl, volatile_ttl=kept.volatile_ttl
        )
        self._of_tables = policies_of_tables(schema.types.values())

    def policies(self) -> Policies:
        """Return what gathers the policies of one operation."""
        return Policies(self._undeclared, self._schema.types)

    def policy(
        self, operation: Operation, variables: Variables, read: Statement, policies: Policies, members: Members,
        asked: Collection[Question], compiler: Callable[[], Compiler],
    ) -> AnswerPolicy:  # fmt: skip
        """Return the policy of a query's answer; ``asked`` is what Python decided, ``compiler`` makes a new one.

        Raises InvalidInput for what the operation cannot ask for.
        """
        others = [
            policy for table in read.tables if table not in policies.tables for policy in self._of_tables.get(table, ())
        ]
        found = policies.of_answer(others, same_for_all=not read.of_session and same_for_all(read.binds, asked))
        if read.volatile:
            found = found.limited(self._volatile_ttl(members, compiler))
        return found.asked(asked_of(self._schema.graphql, operation.node, variables))

    def _volatile_ttl(self, members: Members, compiler: Callable[[], Compiler]) -> int:
        """Return for how many seconds an answer is kept that depends on the clock or on chance.

        That is what is declared for fields and types, if without them nothing would be volatile.
        """
        undeclared, declared = self._undeclared.volatile_ttl or 0, list(declared_volatile(members))
        if not declared:
            return undeclared
        own = compiler()
        rest = [
            compile_pieces(split(own.member(member, ROW))[1], self._alias)
            for _, member in without_volatile(members)
            if isinstance(member, Member) and not kind_of(member.field).is_written(member)
        ]
        is_more = own.volatile or (bool(rest) and is_volatile(statement(rest, self._alias)[0], self._alias))
        return min([*declared, undeclared] if is_more else declared)
