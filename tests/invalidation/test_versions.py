"""Which engines are told of writes."""

import gc

import pytest

from example_project.bookshop.models import Author
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.engine import GraphQLEngine
from fraiseql_django.invalidation import versions
from tests.support import data, engines_forgotten, in_thread, is_hit, make_engine

AUTHORS = "{ authors { name } }"


def watched() -> set[int]:
    return {id(answers) for answers in versions._watched()}


def test_engine_is_watched_for_as_long_as_it_lives() -> None:
    # those of earlier tests
    gc.collect()
    before = watched()
    engine = GraphQLEngine(cache=DjangoCache("locmem"))
    assert watched() == before | {id(engine.answers)}

    del engine
    gc.collect()

    assert watched() == before


@pytest.mark.django_db(transaction=True)
def test_engine_of_a_test_that_has_ended_is_not_told_of_writes(cache_alias: str) -> None:
    before = watched()
    with engines_forgotten():
        engine = make_engine(cache_alias)
        data(engine, AUTHORS)
        Author.objects.create(name="Ursula")
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}

    # by another process, as far as this one's engines are concerned
    assert watched() == before
    in_thread(lambda: Author.objects.create(name="Octavia"))
    assert is_hit(engine, AUTHORS)


def test_every_test_forgets_its_engines(request: pytest.FixtureRequest) -> None:
    assert "no_engine_outlives_its_test" in request.fixturenames
