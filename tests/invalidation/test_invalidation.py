"""Answers die when Django's ORM changes a table that they were read from; others live on."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test import override_settings

from example_project.bookshop.models import Author, Book, Category, OrderLine, Publisher, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django import type as graphql_type
from fraiseql_django.cache.django import DjangoCache
from tests.support import Shop, data, is_hit, make_engine, make_shop, statements
from tests.zoo.models import Animal, Elsewhere, Odd, Place, Restaurant, Species, Tame
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db(transaction=True)

BOOKS = "{ books { title price } }"
AUTHORS = "{ authors { name } }"
WRITTEN = "{ authors { name books { title } } }"
REVIEWS = "{ reviews { stars headline } }"
LINES = "{ orderLines { quantity } }"
PUBLISHERS = "{ publishers { name } }"


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    return make_engine(cache_alias)


def check(engine: GraphQLEngine, watched: str, bystander: str, change: Callable[[], object]) -> None:
    """Assert that a change drops the watched answer, which it alters, and leaves the bystander's."""
    uncached = GraphQLEngine(registry=engine.registry, cache=None)
    before = data(engine, watched)
    data(engine, bystander)
    assert is_hit(engine, watched)
    assert is_hit(engine, bystander)

    change()

    assert is_hit(engine, bystander)
    after = data(engine, watched)
    assert after == data(uncached, watched)
    assert after != before
    assert is_hit(engine, watched)


def _save(shop: Shop) -> None:
    shop.books[0].title = "Rocannon's World"
    shop.books[0].save()


def _save_one_field(shop: Shop) -> None:
    shop.books[0].title = "Rocannon's World"
    shop.books[0].save(update_fields=["title"])


def _new_book(shop: Shop, **values: Any) -> Book:
    return Book(**{"title": "Malafrena", "isbn": "9780000000999", "publisher": shop.publisher, "price": 9} | values)


def _get_or_create(shop: Shop) -> None:
    _, created = Author.objects.get_or_create(name="Joanna")
    assert created


def _update_or_create(shop: Shop) -> None:
    _, created = Author.objects.update_or_create(name="Ursula", defaults={"name": "Ursula K."})
    assert not created


def _bulk_update(shop: Shop) -> None:
    for book in shop.books:
        book.price *= 2
    Book.objects.bulk_update(shop.books, ["price"])


def _bulk_create_ignoring(shop: Shop) -> None:
    rows = [_new_book(shop), _new_book(shop, isbn=shop.books[0].isbn)]
    Book.objects.bulk_create(rows, ignore_conflicts=True)


def _bulk_create_updating(shop: Shop) -> None:
    rows = [_new_book(shop, isbn=shop.books[0].isbn, title="Changed")]
    Book.objects.bulk_create(rows, update_conflicts=True, unique_fields=["isbn"], update_fields=["title"])


def _raw_delete(shop: Shop) -> None:
    reviews = Review.objects.filter(stars=3)
    reviews._raw_delete(reviews.db)


def _set_null(shop: Shop) -> None:
    Category.objects.all().delete()


def _cascade(shop: Shop) -> None:
    OrderLine.objects.all().delete()
    shop.books[0].delete()


ORM = [
    pytest.param(BOOKS, _save, id="save"),
    pytest.param(BOOKS, _save_one_field, id="save update_fields"),
    pytest.param(BOOKS, lambda shop: _new_book(shop).save(force_insert=True), id="insert"),
    pytest.param(REVIEWS, lambda shop: shop.reviews[0].delete(), id="delete"),
    pytest.param(AUTHORS, _get_or_create, id="get_or_create"),
    pytest.param(AUTHORS, _update_or_create, id="update_or_create"),
    pytest.param(BOOKS, lambda shop: Book.objects.update(price=F("price") * 2), id="update"),
    pytest.param(BOOKS, lambda shop: Book.objects.filter(authors__name="Ursula").update(price=1), id="update by join"),
    pytest.param(
        BOOKS, lambda shop: Book.objects.order_by("-pk").update(title=Concat("title", Value("!"))), id="ordered update"
    ),
    pytest.param(BOOKS, lambda shop: Book.objects.bulk_create([_new_book(shop)]), id="bulk_create"),
    pytest.param(BOOKS, _bulk_create_ignoring, id="bulk_create ignore_conflicts"),
    pytest.param(BOOKS, _bulk_create_updating, id="bulk_create update_conflicts"),
    pytest.param(BOOKS, _bulk_update, id="bulk_update"),
    pytest.param(REVIEWS, lambda shop: Review.objects.filter(stars=3).delete(), id="fast delete"),
    pytest.param(REVIEWS, _raw_delete, id="_raw_delete"),
    pytest.param(REVIEWS, _cascade, id="cascade in Python"),
    pytest.param("{ books { title category { name } } }", _set_null, id="SET_NULL in Python"),
    pytest.param(WRITTEN, lambda shop: shop.books[0].authors.add(shop.authors[1]), id="m2m add"),
    pytest.param(WRITTEN, lambda shop: shop.books[0].authors.remove(shop.authors[0]), id="m2m remove"),
    pytest.param(WRITTEN, lambda shop: shop.books[0].authors.set([shop.authors[1]]), id="m2m set"),
    pytest.param(WRITTEN, lambda shop: shop.books[0].authors.clear(), id="m2m clear"),
    pytest.param(WRITTEN, lambda shop: shop.authors[1].books.add(shop.books[2]), id="m2m add from behind"),
    pytest.param(WRITTEN, lambda shop: shop.books[0].authors.create(name="Joanna"), id="m2m create"),
    pytest.param(
        WRITTEN,
        lambda shop: Book.authors.through.objects.create(book=shop.books[1], author=shop.authors[1]),
        id="through model",
    ),
    pytest.param(
        LINES, lambda shop: OrderLine.objects.filter(pk=(shop.order.pk, 1)).update(quantity=7), id="composite key"
    ),
    pytest.param(LINES, lambda shop: shop.order.delete(), id="cascade to a composite key"),
]


@pytest.mark.parametrize(("watched", "change"), ORM)
def test_write_of_the_orm_drops_what_was_read(
    engine: GraphQLEngine, shop: Shop, watched: str, change: Callable[[Shop], object]
) -> None:
    check(engine, watched, PUBLISHERS, lambda: change(shop))


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda: list(Book.objects.select_for_update()), id="select_for_update"),
        pytest.param(lambda: Book.objects.filter(pk__lt=0).exists(), id="exists"),
        pytest.param(lambda: list(Book.objects.all().union(Book.objects.all())), id="union"),
        pytest.param(lambda: list(Book.objects.iterator()), id="iterator"),
        pytest.param(lambda: Book.objects.bulk_update([], ["title"]), id="empty bulk_update"),
        pytest.param(lambda: Book.objects.none().update(title=""), id="update of nothing"),
        pytest.param(lambda: Book.objects.filter(title="Rocannon").explain(), id="explain"),
    ],
)
def test_reading_drops_nothing(engine: GraphQLEngine, shop: Shop, look: Callable[[], object]) -> None:
    data(engine, BOOKS)

    with transaction.atomic():
        look()
        assert is_hit(engine, BOOKS)

    assert is_hit(engine, BOOKS)


# --- every kind of model ---


@pytest.fixture
def zoo(cache_alias: str) -> GraphQLEngine:
    return make_engine(cache_alias, registry=ZOO)


RESTAURANTS = "{ restaurants { name stars } }"
PLACES = "{ places { name } }"
SPECIES = "{ speciesList { latin } }"


def test_inherited_model_drops_answers_of_its_parent(zoo: GraphQLEngine) -> None:
    check(zoo, PLACES, SPECIES, lambda: Restaurant.objects.create(name="Soup", address="1", stars=1))


def test_write_to_the_parent_drops_answers_of_the_child(zoo: GraphQLEngine) -> None:
    Restaurant.objects.create(name="Soup", address="1", stars=1)

    check(zoo, RESTAURANTS, SPECIES, lambda: Place.objects.update(name="Stew"))


def test_update_of_inherited_and_own_columns(zoo: GraphQLEngine) -> None:
    Restaurant.objects.create(name="Soup", address="1", stars=1)

    check(zoo, RESTAURANTS, SPECIES, lambda: Restaurant.objects.update(name="Stew", stars=2))


def test_deleting_a_child_keeping_its_parent(zoo: GraphQLEngine) -> None:
    restaurant = Restaurant.objects.create(name="Soup", address="1", stars=1)

    check(zoo, RESTAURANTS, PLACES, lambda: restaurant.delete(keep_parents=True))


def test_proxy_model_is_its_table(zoo: GraphQLEngine) -> None:
    species = Species.objects.create(latin="canis")

    check(zoo, "{ animals { name } }", PLACES, lambda: Tame.objects.create(name="Rex", species=species))
    check(zoo, "{ tamed { name } }", PLACES, lambda: Animal.objects.update(name="Max"))


def test_table_with_spaces_capitals_and_braces(zoo: GraphQLEngine) -> None:
    odds = "{ odds { capital others { capital } } }"
    first = Odd.objects.create(capital="A")

    check(zoo, odds, PLACES, lambda: Odd.objects.update(capital="B"))
    check(zoo, odds, PLACES, lambda: first.others.add(Odd.objects.create(capital="C")))
    check(zoo, odds, PLACES, lambda: first.others.clear())


def test_table_of_a_schema(zoo: GraphQLEngine) -> None:
    check(zoo, "{ elsewheres { label } }", PLACES, lambda: Elsewhere.objects.create(label="there"))


def test_relation_without_a_way_back(zoo: GraphQLEngine) -> None:
    species = Species.objects.create(latin="canis")
    mother = Animal.objects.create(name="Rex", species=species)
    young = Animal.objects.create(name="Max", species=species, mother=mother)

    check(zoo, "{ animals { name mother { name } } }", PLACES, lambda: mother.delete())
    assert Animal.objects.get(pk=young.pk).mother is None


# --- what an answer depends on ---


def test_empty_list_is_dropped_when_a_row_is_made(engine: GraphQLEngine) -> None:
    assert data(engine, REVIEWS) == {"reviews": []}

    check(engine, REVIEWS, AUTHORS, make_reviewed)


def make_reviewed() -> None:
    publisher = Publisher.objects.create(name="Ace")
    book = Book.objects.create(title="Planet", isbn="1", publisher=publisher, price=1)
    Review.objects.create(book=book, stars=1, headline="?")


def test_list_of_one_is_dropped_when_a_second_row_is_made(engine: GraphQLEngine) -> None:
    make_reviewed()
    book = Book.objects.get()

    check(engine, REVIEWS, AUTHORS, lambda: Review.objects.create(book=book, stars=2, headline="??"))


def test_missing_object_is_dropped_when_it_is_made(engine: GraphQLEngine) -> None:
    check(engine, "{ author(id: 77) { name } }", PUBLISHERS, lambda: Author.objects.create(pk=77, name="Joanna"))


@pytest.mark.parametrize(
    ("watched", "bystander", "change"),
    [
        pytest.param(
            "{ books(where: {reviews: {some: {stars: {eq: 4}}}}) { title } }",
            AUTHORS,
            lambda shop: Review.objects.filter(stars=3).update(stars=4),
            id="some",
        ),
        pytest.param(
            "{ books(where: {reviews: {none: {}}}) { title } }",
            AUTHORS,
            lambda shop: Review.objects.all().delete(),
            id="none",
        ),
        pytest.param(
            '{ books(where: {publisher: {name: {eq: "Tor"}}}) { title } }',
            AUTHORS,
            lambda shop: Publisher.objects.update(name="Tor"),
            id="to-one filter",
        ),
        pytest.param(
            '{ publishers(where: {books: {some: {authors: {some: {name: {eq: "Joanna"}}}}}}) { name } }',
            REVIEWS,
            lambda shop: Author.objects.update(name="Joanna"),
            id="filter of a filter",
        ),
        pytest.param(
            "{ books { title reviewCount averageStars } }",
            AUTHORS,
            lambda shop: Review.objects.update(stars=1),
            id="aggregate",
        ),
        pytest.param(
            "{ authors { name bookCount } }",
            REVIEWS,
            lambda shop: shop.books[0].authors.clear(),
            id="count over a many-to-many table",
        ),
        pytest.param(
            "{ books(orderBy: [{publisher: {name: ASC}}, {title: ASC}]) { title } }",
            AUTHORS,
            lambda shop: reorder(shop),
            id="order by a related column",
        ),
        pytest.param(
            "{ books(orderBy: [{reviewCount: DESC}]) { title } }",
            AUTHORS,
            lambda shop: move_reviews(shop),
            id="order by an aggregate",
        ),
        pytest.param(
            "{ customers { name user { username } } }",
            AUTHORS,
            lambda shop: User.objects.update(username="eve"),
            id="model of another app",
        ),
        pytest.param(
            "{ orders { number lines { book { publisher { name } } } } }",
            REVIEWS,
            lambda shop: Publisher.objects.update(name="Tor"),
            id="four levels down",
        ),
        pytest.param(
            "{ a: authors { name } b: reviews { stars } }",
            PUBLISHERS,
            lambda shop: Review.objects.update(stars=2),
            id="another root field",
        ),
    ],
)
def test_every_table_that_the_statement_reads_counts(
    engine: GraphQLEngine, shop: Shop, watched: str, bystander: str, change: Callable[[Shop], object]
) -> None:
    check(engine, watched, bystander, lambda: change(shop))


def reorder(shop: Shop) -> None:
    """Change no row of a book, but the order of the books."""
    other = Publisher.objects.create(name="Zed")
    Book.objects.filter(pk=shop.books[0].pk).update(publisher=other)
    Publisher.objects.filter(pk=shop.publisher.pk).update(name="Zzz")
    Publisher.objects.filter(pk=other.pk).update(name="Aaa")


def move_reviews(shop: Shop) -> None:
    Review.objects.update(book=shop.books[2])


# --- cascades in the database ---


@pytest.mark.skipif(django.VERSION < (6, 1), reason="the database's own cascades came with Django 6.1")
def test_cascades_of_the_database(cache_alias: str) -> None:
    from tests.cascades import models

    registry = Registry()
    for name in ("Fleet", "Ship", "Sailor", "Flag"):
        graphql_type(getattr(models, name), fields="__all__", registry=registry)(type(name, (), {}))
    engine = make_engine(cache_alias, registry=registry)

    def launch() -> None:
        ship = models.Ship.objects.create(name="Argo", fleet=models.Fleet.objects.create(name="Greek"))
        models.Sailor.objects.create(name="Jason", ship=ship)
        models.Flag.objects.create(colour="white", ship=ship)

    launch()
    check(engine, "{ sailors { name } }", "{ __typename }", lambda: models.Fleet.objects.all().delete())
    launch()
    check(engine, "{ flags { ship { name } } }", "{ __typename }", lambda: models.Fleet.objects.get().delete())
    launch()
    check(engine, "{ flags { ship { name } } }", "{ fleets { name } }", lambda: models.Ship.objects.all().delete())


def test_several_engines_all_drop(cache_alias: str, shop: Shop) -> None:
    engines = [make_engine(cache_alias), make_engine("default"), GraphQLEngine(cache=None)]
    for engine in engines:
        data(engine, BOOKS)

    Book.objects.update(price=Decimal(1))

    for engine in engines:
        assert {book["price"] for book in data(engine, BOOKS)["books"]} == {"1.00"}
        with statements(1 if engine.cache is None else 0):
            data(engine, BOOKS)


def test_write_is_done_even_if_no_engine_can_be_made(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": "nowhere"}}):
        Author.objects.create(name="Ursula")

    assert Author.objects.count() == 1
    assert "answers read from bookshop_author may be stale, as their cache is not known" in caplog.text


def test_engine_of_the_settings_drops_without_having_been_used(cache_alias: str) -> None:
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": cache_alias}}):
        other = make_engine(cache_alias)
        data(other, AUTHORS)
        other.answers.cache = None

        Author.objects.create(name="Ursula")

        other.answers.cache = DjangoCache(cache_alias)
        assert data(other, AUTHORS) == {"authors": [{"name": "Ursula"}]}
