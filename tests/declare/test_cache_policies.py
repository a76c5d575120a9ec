"""What is wrong with a policy is said where it is declared, with the value and what is allowed."""

from typing import Any

import pytest

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import CachePolicy, DeclarationError, GraphQLEngine, Info, Registry
from fraiseql_django.declare.reporting import collecting

NO_POLICY = "is 60, must be a CachePolicy, or False for answers that are never kept"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_age": -1}, "CachePolicy: max_age is -1, must be a number of seconds, 0 or more"),
        ({"max_age": "60"}, "CachePolicy: max_age is '60', must be a number of seconds, 0 or more"),
        ({"max_age": 1.5}, "CachePolicy: max_age is 1.5, must be a number of seconds, 0 or more"),
        ({"max_age": True}, "CachePolicy: max_age is True, must be a number of seconds, 0 or more"),
        ({"ttl": -1}, "CachePolicy: ttl is -1, must be a number of seconds, 0 or more"),
        ({"volatile_ttl": "a"}, "CachePolicy: volatile_ttl is 'a', must be a number of seconds, 0 or more"),
        ({"stale": None}, "CachePolicy: stale is None, must be a number of seconds, 0 or more"),
        ({"scope": "PUBLIC"}, "CachePolicy: scope is 'PUBLIC', must be one of: 'public', 'private'"),
        ({"inherit": "yes"}, "CachePolicy: inherit is 'yes', must be True or False"),
        (
            {"inherit": True, "max_age": 1},
            "CachePolicy: inherit=True takes the seconds of what leads here; leave max_age and ttl out",
        ),
    ],
)
def test_values_that_cannot_be_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError) as error:
        CachePolicy(**options)
    assert str(error.value) == message


def test_all_of_them_are_said_at_once() -> None:
    with pytest.raises(DeclarationError) as error:
        CachePolicy(max_age=-1, scope="all")  # type: ignore[arg-type]
    assert len(str(error.value).splitlines()) == 2


def test_they_are_collected_while_declarations_are_imported() -> None:
    with collecting(__name__) as problems:
        CachePolicy(max_age=-1)
        CachePolicy(ttl=-2)
    assert [problem.partition(": ")[2].partition(",")[0] for problem in problems] == [
        "CachePolicy: max_age is -1",
        "CachePolicy: ttl is -2",
    ]


def declare_field(given: Any) -> Any:
    return fraiseql.field(cache=given)


def declare_relation(given: Any) -> Any:
    return fraiseql.relation("id", to="id", cache=given)


def declare_type(given: Any) -> Any:
    return fraiseql.type(Book, fields=["id"], cache=given, registry=Registry())


def declare_queries(given: Any) -> Any:
    return fraiseql.type(Book, fields=["id"], queries={"plural": (None, given)}, registry=Registry())


def declare_interface(given: Any) -> Any:
    return fraiseql.interface(Book, fields=["id"], cache=given, registry=Registry())


def declare_types(given: Any) -> Any:
    return fraiseql.types("bookshop", cache=given, registry=Registry())


def declare_query(given: Any) -> Any:
    def answer(info: Info) -> str:
        return ""

    return fraiseql.query(cache=given, registry=Registry())(answer)


@pytest.mark.parametrize(
    ("declare", "where"),
    [
        (declare_field, "cache"),
        (declare_relation, "cache"),
        (declare_type, "cache"),
        (declare_queries, "queries['plural']"),
        (declare_interface, "cache"),
        (declare_types, "cache"),
        (declare_query, "answer is under @fraiseql.query: cache"),
    ],
)
def test_what_is_no_policy_is_refused(declare: Any, where: str) -> None:
    with pytest.raises(DeclarationError) as error:
        declare(60)
    assert str(error.value) == f"{where} {NO_POLICY}"


def test_types_of_an_app_have_the_policy_that_they_are_given() -> None:
    registry = Registry()
    fraiseql.types(Book, Author, cache=CachePolicy(max_age=9), registry=registry)
    types = GraphQLEngine(registry=registry).schema.types
    assert {name: definition.cache for name, definition in types.items()} == dict.fromkeys(
        ("Book", "Author"), CachePolicy(max_age=9)
    )


def test_false_is_a_policy_that_keeps_nothing() -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["id"], cache=False, registry=registry)(type("BookType", (), {}))
    assert GraphQLEngine(registry=registry).schema.types["Book"].cache == CachePolicy(max_age=0)


def test_permission_in_queries_stands_alone_or_beside_a_policy() -> None:
    registry = Registry()
    policy, rule = CachePolicy(max_age=9), fraiseql.requires_auth
    queries = {
        "single": rule,
        "plural": policy,
        "aggregate": (rule, policy),
        "groups": (None, False),
        "connection": None,
    }
    fraiseql.type(Book, fields=["id"], queries=queries, registry=registry)(type("BookType", (), {}))
    fields = GraphQLEngine(registry=registry).schema.query.fields

    found = {name: (field.permission, field.cache) for name, field in fields.items()}
    assert found == {
        "book": (rule, None),
        "books": (None, policy),
        "booksCount": (None, policy),
        "booksAggregate": (rule, policy),
        "booksGroups": (None, CachePolicy(max_age=0)),
        "booksConnection": (None, None),
    }
