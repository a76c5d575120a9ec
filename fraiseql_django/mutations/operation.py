"""The mutations of one operation: run in order in one transaction, so that all are done, or none is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphql import GraphQLError

from ..executor import Executor
from ..failures import failure
from ..planner.plan import Plan, Write
from ..planner.values import Variables
from ..response import Response, failed
from ..storage.base import Storage
from .python import Info, run


def perform(
    plan: Plan,
    variables: Variables,
    info: Callable[[Write], Info],
    storage: Storage,
    executor: Executor,
    *,
    mask: bool,
) -> Response:
    """Run a plan's writes and answer; ``mask`` says whether unexpected errors hide what they say."""
    answers: dict[str, bytes] = {}
    error: GraphQLError | None = None
    try:
        with storage.begin_transaction() as transaction:
            for write in plan.writes:
                try:
                    answers[write.key] = run(write, info(write), variables, executor)
                except Exception as raised:
                    error = failure(raised, mask=mask, nodes=[write.node], path=[write.key])
                    break
            else:
                transaction.commit()
    except Exception as raised:
        error = failure(raised, mask=mask)
    return Response(_members(plan, answers)) if error is None else _undone(plan, error)


def _undone(plan: Plan, error: GraphQLError) -> Response:
    """Answer that nothing was written: a field that may be null is null (GraphQL specification, 6.4.4)."""
    errors = [error]
    for write in plan.writes:
        if error.path is None or write.key != error.path[0]:
            message = "Undone or not begun, since another mutation of the operation failed."
            errors.append(
                GraphQLError(message, [write.node], path=[write.key], extensions={"code": "MUTATION_ABORTED"})
            )
    if not all(write.definition.nullable for write in plan.writes):
        return failed(errors, b"null")
    return failed(errors, _members(plan, {write.key: b"null" for write in plan.writes}))


def _members(plan: Plan, answers: Mapping[str, bytes]) -> bytes:
    found = {**(plan.constants or {}), **answers}
    return b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), found[key]) for key in plan.keys)
