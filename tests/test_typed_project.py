"""What the typed project declares is executed, too; and what type checkers see differs from nothing that runs."""

import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.declare import schemas
from scripts import check_types
from tests.support import Shop, make_shop


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> GraphQLEngine:
    # other tests check the project's schemas, of which "typed" is none
    monkeypatch.setattr(schemas, "_registries", dict(schemas._registries))
    from tests.typed import operations

    return GraphQLEngine(registry=operations.typed.registry, cache=None)


def test_typed_project_answers(shop: Shop, engine: GraphQLEngine) -> None:
    answer = engine.execute(
        """{ book(isbn: "9780000000000") { title discounted(percent: 50) beginning(length: 3) initial words }
        cheapBooks(price: 11) { title }
        search { ... on Book { title } ... on Author { name bookCount } } }"""
    )

    assert answer.json() == {
        "data": {
            "book": {
                "title": "Rocannon",
                "discounted": "5.0000000000000000",
                "beginning": "Roc",
                "initial": "R",
                "words": 1,
            },
            "cheapBooks": [{"title": "Planet"}, {"title": "Rocannon"}],
            "search": [
                *({"title": book.title} for book in Book.objects.order_by("pk")),
                {"name": "Ursula", "bookCount": 3},
                {"name": "Octavia", "bookCount": 0},
            ],
        }
    }


@pytest.mark.parametrize(
    ("book", "stars", "answer"),
    [
        (0, 5, {"points": "5", "review": {"headline": "!"}, "mark": {"row": 3, "hall": "main"}}),
        (0, 6, {"code": 422, "message": "Wrong.", "missing": ["stars"], "errors": [{"details": {"most": 5}}]}),
        (None, 5, {"code": 410, "message": "There is no such book.", "missing": [], "lastSeen": None}),
    ],
)
def test_errors_have_the_fields_that_they_inherit(
    shop: Shop, engine: GraphQLEngine, book: int | None, stars: int, answer: dict[str, Any]
) -> None:
    key = "0" if book is None else str(shop.books[book].pk)

    found = engine.execute(
        """mutation ($input: ReviewInput!) { addReview(input: $input) {
        ... on Reviewed { points review { headline } mark { row hall } }
        ... on NotReviewed { code message missing errors { details } }
        ... on BookGone { code message missing lastSeen } } }""",
        {"input": {"bookId": key, "stars": stars, "headline": "!"}},
    )

    assert found.json() == {"data": {"addReview": answer}}


def test_texts_of_inherited_fields_are_in_the_schema(engine: GraphQLEngine) -> None:
    @fraiseql.success
    class Base:
        points: int = fraiseql.field(name="score", description="Of the game.")

    @fraiseql.success
    class Won(Base):
        prize: str

    registry = Registry()

    @fraiseql.type(Book, fields=["id"], registry=registry)
    class BookType: ...

    @fraiseql.mutation(registry=registry)
    def play(info: fraiseql.Info) -> Won:
        return Won(points=1, prize="a book")

    described = GraphQLEngine(registry=registry, cache=None).schema.graphql.get_type("Won")

    assert {name: field.description for name, field in described.fields.items()} == {
        "score": "Of the game.",
        "prize": None,
    }


def test_default_of_an_error_is_inherited_by_errors_that_extend_it() -> None:
    @fraiseql.error
    class NotFound(fraiseql.MutationError):
        code: int = 404

    @fraiseql.error
    class NoBook(NotFound):
        status = "not_found:book"

    assert (NoBook(message="").code, NoBook(message="").status) == (404, "not_found:book")


def test_info_takes_the_types_of_user_and_context() -> None:
    assert fraiseql.Info[int].__origin__ is fraiseql.Info
    assert fraiseql.Info[int, dict[str, int]].__args__ == (int, dict[str, int])


def test_expression_is_the_type_of_its_value() -> None:
    assert fraiseql.Expression[int | None] == int | None


def test_union_over_a_class_has_its_name_and_docstring() -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["id"], registry=registry)
    class BookType: ...

    @fraiseql.union(types=[BookType], registry=registry)
    class FoundType:
        """What is found."""

    (declared,) = registry.abstracts
    assert (declared.cls, declared.name, declared.description) == (FoundType, "Found", "What is found.")


def test_own_schema_has_queries_and_operators_of_its_own() -> None:
    declarations = schemas.SchemaDeclarations(Registry())

    @declarations.query
    def one(info: fraiseql.Info) -> int:
        return 1

    @declarations.operator(for_="Int")
    def twice(column: int, value: int) -> Any:
        return F("column")

    registry = declarations.registry
    assert [item.function for item in (*registry.queries, *registry.operators)] == [one, twice]


# --- how blocks of pages become modules ---


def made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, str]:
    """Return the first line, and the others, of the modules that are made of a page."""
    monkeypatch.setattr(check_types, "ROOT", tmp_path)
    monkeypatch.setattr(check_types, "FOLDER", tmp_path / "build")
    monkeypatch.setattr(check_types, "CACHE", tmp_path / "cache")
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Nothing\n")
    (tmp_path / "docs" / "shop.md").write_text(textwrap.dedent(text))
    _, problems = check_types.extract()
    assert problems == []
    return {path.name: path.read_text() for path in (tmp_path / "build").rglob("*.py") if path.name != "__init__.py"}


def test_block_stands_in_the_lines_of_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = made_of(tmp_path, monkeypatch, "one\n\n```python\nx = Decimal(1)\n```\n")

    assert modules == {"block_1.py": "from decimal import Decimal\n\n\nx = Decimal(1)\n"}


def test_block_takes_names_from_the_nearest_block_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "\n".join(f"\n```python\n{code}\n```" for code in ("Book = 1", "Book = 2", "print(Book)", "Book = 3"))

    modules = made_of(tmp_path, monkeypatch, page)

    assert modules["block_3.py"].startswith("from documentation.docs_shop.block_2 import Book\n")


def test_imports_of_the_readers_project_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = """
    ```python
    from django.db import models
    class Shelf(models.Model): ...
    ```
    ```python
    from __future__ import annotations
    from .models import Shelf as Board
    from shop.models import Book
    def ready() -> "Decimal":
        from . import receivers
        return Decimal(1)
    ```
    """

    modules = made_of(tmp_path, monkeypatch, page)

    assert modules["block_2.py"].split("\n") == [
        "from __future__ import annotations; from documentation.docs_shop.block_1 import Shelf as Board; "
        "from example_project.bookshop.models import Book; from decimal import Decimal",
        *[""] * 8,
        'def ready() -> "Decimal":',
        "    pass",
        "    return Decimal(1)",
        "",
    ]
    assert modules["models.py"] == "from documentation.docs_shop.block_1 import Shelf as Shelf\n"


def test_part_of_a_class_stands_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = made_of(tmp_path, monkeypatch, "\n```python\n    name: str\n```\n")

    assert modules == {"block_1.py": "\nclass Fragment:\n    name: str\n"}


def test_block_that_is_no_python_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match=r"docs/shop\.md:3: error: "):
        made_of(tmp_path, monkeypatch, "one\n```python\nclass\n```\n```python\nclass …\n```\n")


def test_errors_name_the_page(tmp_path: Path) -> None:
    path = check_types.FOLDER / "documentation" / "docs_shop" / "block_1.py"
    output = f"{path.relative_to(check_types.ROOT)}:4: error: …\n{path}:5:1 - error: …"

    assert (
        check_types.in_pages(output, {path: "docs/shop.md"}) == "docs/shop.md:4: error: …\ndocs/shop.md:5:1 - error: …"
    )


def test_every_page_is_checked() -> None:
    """Pages that are not would pass unseen."""
    names = {str(page.relative_to(check_types.ROOT)) for page in check_types.pages()}

    assert {"README.md", "docs/tutorial.md", "docs/mutations.md", "docs/reference/types.md", "docs/typing.md"} <= names
