"""Both packages over the same models, and what an operation of the peer is answered by each."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from graphql import GraphQLSchema

from fraiseql_django import GraphQLEngine
from tests.peers.guides import Guide, declared, execute
from tests.peers.rewriting import Rewritten, rewrite

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The data of an answer, its errors, and how many statements it took."""

    data: Any
    errors: list[Any]
    statements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The declarations of a guide, served by the peer and by this package."""

    guide: Guide
    engine: GraphQLEngine
    module: ModuleType
    schema: GraphQLSchema
    run: Callable[[Any, str, dict[str, Any], Any], Any]

    @classmethod
    def of(
        cls,
        guide: Guide,
        run: Callable[[Any, str, dict[str, Any], Any], Any],
        graphql: Callable[[Any], GraphQLSchema],
    ) -> Served:
        """Execute the declarations of a guide; its module of the peer has a ``schema``."""
        module = execute(guide, guide.name)
        engine = declared(guide)
        return cls(guide=guide, engine=engine, module=module, schema=graphql(module.schema), run=run)

    def peers_answer(self, query: str, variables: dict[str, Any] | None = None, user: Any = None) -> Answer:
        """Return the peer's answer."""
        with CaptureQueriesContext(connection) as captured:
            result = self.run(self.module.schema, query, variables or {}, request_of(user))
        return Answer(data=result.data, errors=list(result.errors or ()), statements=_counted(captured))

    def our_answer(self, query: str, variables: dict[str, Any] | None = None, user: Any = None) -> Answer:
        """Return our answer to an operation of ours."""
        with CaptureQueriesContext(connection) as captured:
            response = self.engine.execute(query, variables, request=request_of(user)).json()
        return Answer(data=response.get("data"), errors=response.get("errors", []), statements=_counted(captured))

    def urls(self) -> str:
        """Return the name of a module with the URLs that the guide shows."""
        module = ModuleType(f"{self.module.__name__}_urls")
        module.schema = self.module.schema
        sys.modules[module.__name__] = module
        exec(self.guide.code("urls.py"), vars(module))
        return module.__name__

    def rewritten(self, query: str, variables: dict[str, Any] | None = None) -> Rewritten:
        """Return an operation of the peer after the renames of the guide."""
        return rewrite(self.guide, self.schema, self.engine.schema.graphql, query, variables)


def request_of(user: Any) -> HttpRequest:
    """Return a request by a user, or by nobody."""
    request = RequestFactory().post("/")
    request.user = user or AnonymousUser()
    return request


def with_instants(value: Any) -> Any:
    """Return data with times instead of texts: PostgreSQL ends a fraction of a second at its last digit."""
    if isinstance(value, list):
        return [with_instants(item) for item in value]
    if isinstance(value, dict):
        return {key: with_instants(item) for key, item in value.items()}
    return datetime.fromisoformat(value) if isinstance(value, str) and _TIME.match(value) else value


def _counted(captured: CaptureQueriesContext) -> int:
    return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")) for query in captured.captured_queries)


def assert_same(
    served: Served,
    query: str,
    variables: dict[str, Any] | None = None,
    shaped: Callable[[Any], Any] = lambda data: data,
    *,
    user: Any = None,
) -> Any:
    """Execute an operation of the peer, and the same after the renames; return the data that both have.

    ``shaped`` makes of our data, already in the peer's shape, what no rename can.
    """
    writes = query.lstrip().startswith("mutation")
    after = served.rewritten(query, variables)
    with transaction.atomic():
        theirs = served.peers_answer(query, variables, user)
        if writes:
            transaction.set_rollback(True)
    ours = served.our_answer(after.query, after.variables, user)
    assert theirs.errors == []
    assert ours.errors == [], after.query
    assert with_instants(shaped(after.folded(ours.data))) == with_instants(theirs.data)
    if not writes:
        # none where a mask leaves nothing to read
        assert ours.statements <= 1
    return theirs.data
