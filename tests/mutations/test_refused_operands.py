"""What PostgreSQL refuses of a selection of a mutation's answer is an error with its place, and nothing is written."""

import pytest

from example_project.bookshop.models import Book
from fraiseql_django import get_engine
from tests.support import make_shop

pytestmark = pytest.mark.django_db(transaction=True)

REVIEWS = {
    'headline: {matches: "("}': "where.headline.matches: PostgreSQL refuses this regular expression.",
    'headline: {search: {query: "a", config: "klingon"}}': (
        "where.headline.search.config: PostgreSQL knows no such name."
    ),
}


@pytest.mark.parametrize("where", REVIEWS)
def test_operand_within_the_answer_of_a_mutation(where: str) -> None:
    book = make_shop().books[0]
    query = (
        f'mutation {{ renameBook(id: {book.pk}, title: "Another") {{ title reviews(where: {{{where}}}) {{ id }} }} }}'
    )
    (error,) = get_engine().execute(query).json()["errors"]

    assert error["message"] == REVIEWS[where]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["locations"][0]["column"] == query.index('"(' if '"(' in query else '"klingon') + 1
    assert error["path"] == ["renameBook"]
    assert Book.objects.get(pk=book.pk).title == book.title
