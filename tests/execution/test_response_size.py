"""``LIMITS.RESPONSE_BYTES``: an answer that is too large is neither given nor kept, nor written for."""

from typing import Any

import pytest
from django.test import Client

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import LimitSettings, Settings
from tests.http.requests import codes, message, post
from tests.support import data, statements

REGISTRY = Registry()
AUTHORS = "{ authors { name } }"


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Book, fields=["cover"], registry=REGISTRY)
class BookType:
    pass


@fraiseql.error
class TooLong:
    """Says what was sent, as data."""

    text: str


@fraiseql.mutation(registry=REGISTRY)
def add(info: fraiseql.Info, name: str) -> AuthorType | None:
    return Author.objects.create(name=name)  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
def add_and_echo(info: fraiseql.Info, name: str) -> str:
    Author.objects.create(name=name)
    return name


@fraiseql.mutation(registry=REGISTRY)
def complain(info: fraiseql.Info, text: str) -> AuthorType | TooLong | None:
    return TooLong(message=text, text=text)


def make(most: int | None, cache_alias: str | None = None, **options: Any) -> GraphQLEngine:
    settings = Settings(limits=LimitSettings(response_bytes=most), **options)
    return GraphQLEngine(settings=settings, registry=REGISTRY, cache=cache_alias and DjangoCache(cache_alias))  # type: ignore[arg-type]


def refusal(most: int, size: int) -> dict[str, Any]:
    return {
        "message": f"The operation has {size} bytes in its answer; the limit is {most}.",
        "extensions": {"code": "LIMIT_EXCEEDED", "limit": most, "value": size, "setting": "LIMITS.RESPONSE_BYTES"},
    }


@pytest.fixture
def ursula(transactional_db: None) -> int:
    """Make an author; return the size of what AUTHORS answers."""
    Author.objects.create(name="Ursula Łe Guin")
    return len('{"authors":[{"name":"Ursula Łe Guin"}]}'.encode())


def test_answer_of_the_largest_size_is_given(ursula: int) -> None:
    assert data(make(ursula), AUTHORS) == {"authors": [{"name": "Ursula Łe Guin"}]}


def test_larger_answer_is_refused_with_its_size_in_bytes(ursula: int) -> None:
    response = make(ursula - 1).execute(AUTHORS)

    assert response.data is None
    assert response.status == 400
    assert response.json() == {"errors": [refusal(ursula - 1, ursula)]}


def test_introspection_counts(db: None) -> None:
    response = make(1000).execute("{ __schema { types { name fields { name } } } }")

    assert response.json()["errors"][0]["extensions"]["setting"] == "LIMITS.RESPONSE_BYTES"


def test_larger_answer_is_not_kept(ursula: int, cache_alias: str) -> None:
    engine = make(ursula - 1, cache_alias)
    engine.execute(AUTHORS)
    engine.execute(AUTHORS)

    assert engine.cache is not None
    assert [key for key in engine.cache.keys() or () if key.startswith("result:")] == []


def test_smaller_limit_holds_for_what_was_kept_before(ursula: int, cache_alias: str) -> None:
    data(make(None, cache_alias), AUTHORS)

    with statements(0):
        data(make(ursula, cache_alias), AUTHORS)
        response = make(ursula - 1, cache_alias).execute(AUTHORS)

    assert response.json() == {"errors": [refusal(ursula - 1, ursula)]}


@pytest.mark.parametrize("cached", [True, False])
def test_what_python_finishes_is_measured_as_it_is_sent(
    transactional_db: None, settings: Any, cached: bool, cache_alias: str
) -> None:
    publisher = Publisher.objects.create(name="Ace")
    Book.objects.create(title="x", isbn="1", publisher=publisher, price=1, cover="covers/x.png")
    asked = "{ books { cover { url } } }"
    size = len(make(None).execute(asked).data or b"")
    alias = cache_alias if cached else None

    for _ in range(2):
        assert make(size, alias).execute(asked).data
        assert make(size - 1, alias).execute(asked).json() == {"errors": [refusal(size - 1, size)]}
    settings.MEDIA_URL = "/a-longer-address/"
    assert "errors" in make(size, alias).execute(asked).json()


# --- mutations ---


def test_mutation_whose_payload_is_too_large_is_undone(transactional_db: None) -> None:
    size = len('{"add":{"name":"Octavia"}}')
    asked = 'mutation { add(name: "Octavia") { name } }'

    response = make(size - 1).execute(asked).json()

    assert response["data"] == {"add": None}
    assert response["errors"] == [
        {**refusal(size - 1, size), "path": ["add"], "locations": [{"line": 1, "column": 12}]},
    ]
    assert not Author.objects.exists()
    assert make(size).execute(asked).json() == {"data": {"add": {"name": "Octavia"}}}
    assert Author.objects.count() == 1


def test_what_python_writes_counts_as_well(transactional_db: None) -> None:
    response = make(100).execute("mutation ($name: String!) { addAndEcho(name: $name) }", {"name": "x" * 100})

    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"] == refusal(100, 117)["extensions"]
    assert not Author.objects.exists()


def test_mutations_of_one_transaction_count_together_and_are_all_undone(transactional_db: None) -> None:
    asked = 'mutation { a: add(name: "Octavia") { name } b: add(name: "Joanna") { name } }'
    size = len('{"a":{"name":"Octavia"},"b":{"name":"Joanna"}}')

    response = make(size - 1).execute(asked).json()

    assert response["data"] == {"a": None, "b": None}
    assert sorted(error["extensions"]["code"] for error in response["errors"]) == ["LIMIT_EXCEEDED", "MUTATION_ABORTED"]
    assert not Author.objects.exists()
    assert "errors" not in make(size).execute(asked).json()


def test_of_mutations_with_transactions_of_their_own_the_one_too_many_is_undone(transactional_db: None) -> None:
    asked = 'mutation { a: add(name: "Octavia") { name } b: add(name: "Joanna") { name } }'
    size = len('{"a":{"name":"Octavia"},"b":{"name":"Joanna"}}')

    response = make(size - 1, atomic_mutations=False).execute(asked).json()

    assert response["data"] == {"a": {"name": "Octavia"}, "b": None}
    assert [error["path"] for error in response["errors"]] == [["b"]]
    assert [author.name for author in Author.objects.all()] == ["Octavia"]


def test_error_as_data_counts(transactional_db: None) -> None:
    asked = "mutation ($text: String!) { complain(text: $text) { ... on TooLong { text } } }"

    response = make(200).execute(asked, {"text": "x" * 200}).json()

    assert response["data"] == {"complain": None}
    assert response["errors"][0]["extensions"]["setting"] == "LIMITS.RESPONSE_BYTES"


def test_over_http(client: Client, settings: Any, ursula: int) -> None:
    settings.FRAISEQL = {"LIMITS": {"RESPONSE_BYTES": ursula - 1}}

    response = post(client, {"query": AUTHORS}, accept="application/graphql-response+json")

    assert (response.status_code, codes(response)) == (400, ["LIMIT_EXCEEDED"])
    assert message(response) == refusal(ursula - 1, ursula)["message"]
