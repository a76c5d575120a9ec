"""What tests of the library share: running mutations, and seeing what the tables hold."""

from typing import Any

from django.apps import apps

from fraiseql_django import GraphQLEngine
from tests.support import data

from .models import Genre, Novel, Writer
from .types import LIBRARY

ERROR = "... on MutationError { message code status errors { code identifier message field } }"


def make_engine(registry: Any = LIBRARY) -> GraphQLEngine:
    """Make an engine that keeps no answers."""
    return GraphQLEngine(registry=registry, cache=None)


def run(
    engine: GraphQLEngine, call: str, success: str = "__typename", variables: Any = None, declared: str = ""
) -> Any:
    """Run one mutation and return its answer: ``success`` is the selection where it succeeds."""
    name = call.split("(")[0]
    result = name[0].upper() + name[1:]
    query = f"mutation {declared} {{ {call} {{ ... on {result}Success {{ {success} }} {ERROR} }} }}"
    return data(engine, query, variables)[name]


def failing(engine: GraphQLEngine, call: str, variables: Any = None, declared: str = "") -> list[tuple[Any, ...]]:
    """Run one mutation that fails and leaves the tables as they were; return field, identifier, code, message."""
    before = tables()
    answer = run(engine, call, variables=variables, declared=declared)
    assert "errors" in answer, answer
    assert tables() == before
    assert answer["message"] == answer["errors"][0]["message"]
    return [(error["field"], error["identifier"], error["code"], error["message"]) for error in answer["errors"]]


def tables() -> dict[str, list[Any]]:
    """Return all rows of the library's tables."""
    models = apps.get_app_config("library").get_models(include_auto_created=True)
    return {model.__name__: sorted(map(repr, model._base_manager.values_list())) for model in models}


class Library:
    """Two writers, one withdrawn, two genres, and a novel."""

    def __init__(self) -> None:
        self.writer = Writer.objects.create(name="Ursula")
        self.other = Writer.objects.create(name="Octavia")
        self.hidden = Writer.objects.create(name="James", withdrawn=True)
        self.genres = [Genre.objects.create(name=name) for name in ("Fantasy", "Horror")]
        self.novel = Novel.objects.create(title="Tehanu", isbn="1", writer=self.writer, pages=250)
        self.novel.genres.add(self.genres[0])
