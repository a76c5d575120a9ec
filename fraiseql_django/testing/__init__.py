"""What the tests of projects need: base classes, an assertion, a cache for one test, and test doubles.

    class BookTests(GraphQLTestCase):
        def test_books_are_one_statement(self):
            with self.assertOneStatement():
                result = self.graphql.query("{ books { title } }").assert_no_errors()
            self.assertEqual(result.data, {"books": []})

client      clients that send operations to the endpoint, for sync and async tests
requests    the HTTP requests that they send
results     what they return
cases       base classes: with Django's TestCase, in which no answer is kept, and with a cache of the test's own
cached      a cache of a test's own
statements  the assertion that one statement is sent
doubles     storages and caches that count, or fail on purpose
fixtures    the fixtures for pytest under the name that projects without the entry point give
"""

from .cached import with_cache
from .cases import GraphQLTestCase, GraphQLTransactionTestCase
from .client import AsyncGraphQLClient, GraphQLClient
from .doubles import METHODS as METHODS
from .doubles import CacheFailure, CountingStorage, FailingCache, FailingStorage
from .requests import Operation
from .results import GraphQLResult, GraphQLResultError
from .statements import assert_one_statement

__all__ = [
    "AsyncGraphQLClient",
    "CacheFailure",
    "CountingStorage",
    "FailingCache",
    "FailingStorage",
    "GraphQLClient",
    "GraphQLResult",
    "GraphQLResultError",
    "GraphQLTestCase",
    "GraphQLTransactionTestCase",
    "Operation",
    "assert_one_statement",
    "with_cache",
]
