"""Base classes for the tests of a project."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django.db import DEFAULT_DB_ALIAS
from django.test import AsyncClient, Client, TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from ..engine import GraphQLEngine, get_engine
from .cached import with_cache
from .client import AsyncGraphQLClient, GraphQLClient
from .statements import assert_one_statement


class _WithEngine:
    """What both classes have."""

    # the name of a schema in FRAISEQL["SCHEMAS"]; None is the project's own
    schema: ClassVar[str | None] = None

    if TYPE_CHECKING:
        client: Client
        async_client: AsyncClient

    @cached_property
    def graphql(self) -> GraphQLClient:
        """A client of the endpoint of ``schema``, which sends its requests through ``client``."""
        return GraphQLClient(self.schema, client=self.client)

    @cached_property
    def async_graphql(self) -> AsyncGraphQLClient:
        """The same under ASGI, through ``async_client``."""
        return AsyncGraphQLClient(self.schema, client=self.async_client)

    @property
    def engine(self) -> GraphQLEngine:
        """The project's engine of ``schema``."""
        return get_engine(self.schema)

    def assertOneStatement(  # noqa: N802
        self, using: str = DEFAULT_DB_ALIAS
    ) -> AbstractContextManager[CaptureQueriesContext]:
        """Assert that exactly one statement is sent in a block; see ``assert_one_statement``."""
        return assert_one_statement(using)


class GraphQLTestCase(_WithEngine, TestCase):
    """A ``TestCase`` with ``graphql``, ``engine`` and ``assertOneStatement()``.

    No answer is kept in its transaction.
    """


class GraphQLTransactionTestCase(_WithEngine, TransactionTestCase):
    """A ``TransactionTestCase`` whose tests each have a cache of their own, empty at first.

    A class with a ``setUp()`` of its own calls that of this one.
    """

    def setUp(self) -> None:
        """Begin with an empty cache."""
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(with_cache(self.schema))
