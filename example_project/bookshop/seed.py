"""
Data for the bookshop: the same rows every time, made by PostgreSQL itself.

Every table is filled by an INSERT … SELECT over generate_series, in slices. Where a row takes chance, it
takes it from its own number, not from random(). Bestsellers come about by raising that to a power: the low
numbers get more.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.models import Max
from django.utils.text import slugify

from example_project.bookshop.models import Book, Category
from example_project.bookshop.seed_sql import FUNCTIONS, STATEMENTS
from example_project.bookshop.words import CATEGORIES, LISTS

SLICE = 5_000  # rows of generate_series a statement: a progress bar moves several times a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many rows there are of each kind; an order has three lines on average."""

    authors: int = 2_000
    publishers: int = 200
    books: int = 20_000
    customers: int = 5_000
    reviews: int = 100_000
    orders: int = 50_000

    @classmethod
    def at(cls, scale: float) -> "Sizes":
        """Return the sizes of a shop that is `scale` times as large, in multiples of five."""
        full = asdict(cls())
        return cls(**{name: max(5, round(size * scale / 5) * 5) for name, size in full.items()})

    @property
    def steps(self) -> int:
        """Return how much there is to do, in what `seed` reports as progress."""
        return sum(getattr(self, statement.size) for statement in STATEMENTS)


class NotEmptyError(Exception):
    """There are books already; only an empty shop can be filled."""


def is_empty(using: str = "default") -> bool:
    """Whether the shop has no book yet."""
    return not Book.objects.using(using).exists()


def seed(
    scale: float = 1.0, *, using: str = "default", on_progress: Callable[[int], object] = lambda steps: None
) -> Sizes:
    """Fill the empty shop, wholly or not at all; `on_progress` hears of every slice how many steps it was."""
    sizes = Sizes.at(scale)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if not is_empty(using):
            raise NotEmptyError("The bookshop has books already.")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # each slice checks its references, not the commit all
        cursor.execute(FUNCTIONS)
        values = {
            **{name: list(words) for name, words in LISTS.items()},
            **asdict(sizes),
            "shelves": _make_categories(using),
            "user_offset": get_user_model().objects.using(using).aggregate(last=Max("pk"))["last"] or 0,
        }
        for statement in STATEMENTS:
            size = getattr(sizes, statement.size)
            for first in range(1, size + 1, SLICE):
                last = min(first + SLICE - 1, size)
                cursor.execute(statement.sql, {**values, "first": first, "last": last})
                on_progress(last - first + 1)
        _finish(using)
    return sizes


def _make_categories(using: str) -> list[str]:
    """Make the tree of categories, and return the keys of its leaves: the shelves that books stand on."""
    made: list[Category] = []

    def make(name: str, parent: Category | None) -> Category:
        slug = slugify(f"{parent.slug} {name}" if parent else name)
        made.append(Category(pk=len(made) + 1, name=name, slug=slug, parent=parent))
        return made[-1]

    shelves = []
    for main_name, parts in CATEGORIES.items():
        main = make(main_name, None)
        for part_name, leaves in parts.items():
            part = make(part_name, main)
            shelves += [str(make(leaf, part).pk) for leaf in leaves]
    Category.objects.using(using).bulk_create(made)
    return shelves


def _finish(using: str) -> None:
    """Let the next key follow the last one, and gather the statistics that good plans take."""
    connection = connections[using]
    models = [*apps.get_app_config("bookshop").get_models(include_auto_created=True), get_user_model()]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
        tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
        cursor.execute(f"ANALYZE {tables}")
