"""The bookshop's data."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Count, Model, Q

from example_project.bookshop.models import (
    Author,
    Book,
    BookFormat,
    Category,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Publisher,
    Review,
    ReviewStatus,
)
from example_project.bookshop.seed import NotEmptyError, Sizes, is_empty, seed

MODELS: list[type[Model]] = [
    Author,
    Publisher,
    Category,
    Book,
    Book.authors.through,
    Customer,
    Review,
    Order,
    OrderLine,
]


def content() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the bookshop."""
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in MODELS}


def test_sizes_at_full_scale_are_those_of_the_demo() -> None:
    sizes = Sizes.at(1)

    assert sizes == Sizes(authors=2_000, publishers=200, books=20_000, customers=5_000, reviews=100_000, orders=50_000)


@pytest.mark.parametrize("scale", [0.00001, 0.003, 0.37, 2])
def test_sizes_are_multiples_of_five_at_any_scale(scale: float) -> None:
    sizes = Sizes.at(scale)

    assert all(getattr(sizes, name) % 5 == 0 for name in sizes.__slots__)
    assert sizes.publishers >= 5


def test_seed_makes_as_many_rows_as_it_says(bookshop: Sizes) -> None:
    counts = {model.__name__: model._default_manager.count() for model in MODELS}

    assert counts == {
        "Author": bookshop.authors,
        "Publisher": bookshop.publishers,
        "Category": 61,
        "Book": bookshop.books,
        "Book_authors": counts["Book_authors"],
        "Customer": bookshop.customers,
        "Review": bookshop.reviews,
        "Order": bookshop.orders,
        "OrderLine": 3 * bookshop.orders,
    }
    assert counts["Book_authors"] >= bookshop.books


@pytest.mark.django_db
def test_seed_is_the_same_every_time() -> None:
    seed(1 / 1000)
    first = content()
    for model in reversed(MODELS):
        model._default_manager.all().delete()
    get_user_model().objects.all().delete()

    seed(1 / 1000)

    assert content() == first


def test_seed_makes_no_two_slices_alike(bookshop: Sizes) -> None:
    assert Book.objects.values("isbn").distinct().count() == bookshop.books
    assert Customer.objects.values("uuid").distinct().count() == bookshop.customers


def test_seed_makes_valid_isbns(bookshop: Sizes) -> None:
    for isbn in Book.objects.values_list("isbn", flat=True):
        assert len(isbn) == 13
        assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(isbn)) % 10 == 0


def test_seed_makes_rows_that_the_models_accept(bookshop: Sizes) -> None:
    for model in MODELS:
        for row in model._default_manager.all()[:20]:
            row.full_clean()


def test_seed_makes_categories_of_three_levels(bookshop: Sizes) -> None:
    assert Category.objects.filter(parent=None).count() == 4
    assert Category.objects.filter(parent__parent__isnull=False, children=None).exists()
    assert not Category.objects.filter(parent__parent__parent__isnull=False).exists()


@pytest.mark.django_db
def test_seed_gives_bestsellers_more_reviews() -> None:
    sizes = seed(1 / 50)
    reviews = Review.objects.count()

    bestsellers = Review.objects.filter(book_id__lte=sizes.books / 10).count()

    assert bestsellers > 0.25 * reviews


@pytest.mark.django_db
def test_seed_uses_every_choice_and_leaves_some_values_out() -> None:
    seed(1 / 50)

    assert set(Book.objects.values_list("format", flat=True)) == set(BookFormat.values)
    assert set(Review.objects.values_list("status", flat=True)) == set(ReviewStatus.values)
    assert set(Review.objects.values_list("stars", flat=True)) == {1, 2, 3, 4, 5}
    assert set(Order.objects.values_list("status", flat=True)) == set(OrderStatus.values)
    for field in ("category", "published", "pages", "weight", "reading_time"):
        assert Book.objects.filter(**{f"{field}__isnull": True}).exists(), field
    assert Book.objects.filter(cover="").exists()
    assert Book.objects.filter(tags=[]).exists()
    assert Review.objects.filter(customer=None).exists()
    assert Book.objects.alias(count=Count("authors")).filter(count__gte=2).exists()
    assert Customer.objects.filter(loyalty_points__gt=2**31).exists()


def test_seed_makes_orders_of_one_to_five_lines(bookshop: Sizes) -> None:
    counts = Order.objects.annotate(count=Count("lines")).values_list("count", flat=True)

    assert sorted(set(counts)) == [1, 2, 3, 4, 5]
    assert not Order.objects.filter(Q(status="shipped") ^ Q(shipped_at__isnull=False)).exists()


def test_seed_lets_new_rows_follow(bookshop: Sizes) -> None:
    author = Author.objects.create(name="Someone New")
    user = get_user_model().objects.create_user("someone.new")

    assert author.pk == bookshop.authors + 1
    assert Customer.objects.create(user=user, name="Someone New").pk == bookshop.customers + 1


@pytest.mark.django_db
def test_seed_gets_along_with_users_that_were_there() -> None:
    admin = get_user_model().objects.create_superuser("admin")

    sizes = seed(1 / 1000)

    assert get_user_model().objects.count() == sizes.customers + 1
    assert not Customer.objects.filter(user=admin).exists()


@pytest.mark.django_db
def test_seed_gives_nobody_a_password() -> None:
    seed(1 / 1000)

    assert not any(user.has_usable_password() for user in get_user_model().objects.all())


def test_seed_refuses_a_shop_that_has_books(bookshop: Sizes) -> None:
    with pytest.raises(NotEmptyError, match="The bookshop has books already"):
        seed(1 / 1000)

    assert Book.objects.count() == bookshop.books


@pytest.mark.django_db
def test_seed_that_breaks_leaves_nothing() -> None:
    def interrupt(steps: int) -> None:
        if Review.objects.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(1 / 1000, on_progress=interrupt)

    assert is_empty()
    assert not Category.objects.exists()
    assert not get_user_model().objects.exists()


@pytest.mark.django_db
def test_seed_reports_all_of_its_steps() -> None:
    steps: list[int] = []

    sizes = seed(1 / 1000, on_progress=steps.append)

    assert sum(steps) == sizes.steps
