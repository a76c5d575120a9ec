"""The example operations of the bookshop are answered, each query by one statement."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import caches
from graphql import OperationType

from fraiseql_django import get_engine
from fraiseql_django.http.examples import Example, read_examples
from tests.support import statements

EXAMPLES = read_examples(Path(settings.FRAISEQL["GRAPHIQL"]["EXAMPLES"]))


@pytest.mark.django_db
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_example_is_answered(bookshop: object, example: Example) -> None:
    engine = get_engine()
    variables = json.loads(example.variables) if example.variables else {}
    # what is known of the catalogue and the document is known before
    engine.execute(example.query, variables)
    if engine.parser.parse(example.query).operation(None).kind is OperationType.QUERY:
        caches["default"].clear()
        with statements(1):
            response = engine.execute(example.query, variables)
    else:
        response = engine.execute(example.query, variables)

    assert response.errors == ()
    for payload in response.json()["data"].values():
        # neither a row that is not there nor errors as data
        assert payload is not None
        assert not (isinstance(payload, dict) and "errors" in payload)


def test_every_example_has_a_title() -> None:
    assert all(example.query.startswith("# ") for example in EXAMPLES)
    assert len({example.title for example in EXAMPLES}) == len(EXAMPLES)
