"""What the tests of projects need: base classes, an assertion, a cache for one test, and test doubles.

    class BookTests(GraphQLTestCase):
        def test_books_are_one_statement(self):
            with self.assertOneStatement():
                self.engine.execute("{ books { title } }")

cases       base classes: with Django's TestCase, in which no answer is kept, and with a cache of the test's own
cached      a cache of a test's own
statements  the assertion that one statement is sent
doubles     storages and caches that count, or fail on purpose
fixtures    fixtures for pytest; it is imported only where a project names it
"""

from .cached import with_cache
from .cases import GraphQLTestCase, GraphQLTransactionTestCase
from .doubles import METHODS as METHODS
from .doubles import CacheFailure, CountingStorage, FailingCache, FailingStorage
from .statements import assert_one_statement

__all__ = [
    "CacheFailure",
    "CountingStorage",
    "FailingCache",
    "FailingStorage",
    "GraphQLTestCase",
    "GraphQLTransactionTestCase",
    "assert_one_statement",
    "with_cache",
]
