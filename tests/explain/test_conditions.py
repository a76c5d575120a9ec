"""PostgreSQL's text of conditions and sort keys, as it stands in plans."""

import pytest

from fraiseql_django.explain.conditions import Condition, SortKey, conditions, joined_columns, sort_key

KNOWN = [
    ("(u0.stars = '5'::bigint)", [Condition("stars", "equal")]),
    ("((u0.stars = 1) AND ((u0.headline)::text = 'x AND (y'::text))", [
        Condition("stars", "equal"), Condition("headline", "equal"),
    ]),
    ("((u0.title)::text = ANY ('{a,b}'::text[]))", [Condition("title", "equal")]),
    ("(u0.book_id = bookshop_book.id)", [Condition("book_id", "equal")]),
    ("(bookshop_book.id = u0.book_id)", [Condition("book_id", "equal")]),
    ("((u0.price > '5'::numeric) AND ('9'::numeric >= u0.price))", [
        Condition("price", "range"), Condition("price", "range"),
    ]),
    ("(NOT u0.in_print)", [Condition("in_print", "equal")]),
    ("u0.in_print", [Condition("in_print", "equal")]),
    ("(u0.parent_id IS NULL)", [Condition("parent_id", "equal")]),
    ('(u0."Order ""by""" = 1)', [Condition('Order "by"', "equal")]),
    ("(upper((u0.headline)::text) ~~ '%X%'::text)", [Condition("headline", "contains", upper=True)]),
    ("((u0.headline)::text ~~ 'The %'::text)", [Condition("headline", "prefix")]),
    ("((u0.headline)::text ~~ 'T_e%'::text)", [Condition("headline", "contains")]),
    ("((u0.headline)::text ~~* 'The %'::text)", [Condition("headline", "contains")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), KNOWN)
def test_what_an_index_can_serve_is_found(text: str, expected: list[Condition]) -> None:
    assert conditions(text, "u0") == (expected, [])


@pytest.mark.parametrize(
    "text",
    [
        "((u0.stars = 1) OR (u1.stars = 2))",
        "((u0.stars = 1) OR (u0.headline IS NULL))",
        "(u0.price > (u0.cost * 2))",
        "(NOT (ANY (u0.id = (hashed SubPlan 1).col1)))",
        "(length(u0.title) = 3)",
        "(u1.stars = 1)",
        "(u0.parent_id IS NOT NULL)",
        "(u0.stars <> 3)",
    ],
)
def test_all_else_is_left_as_it_is(text: str) -> None:
    found, others = conditions(text, "u0")

    assert found == []
    assert len(others) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u0.created_at DESC", SortKey("u0", "created_at", True, True)),
        ("u0.created_at DESC NULLS LAST", SortKey("u0", "created_at", True, False)),
        ("u0.id", SortKey("u0", "id", False, False)),
        ("u0.id NULLS FIRST", SortKey("u0", "id", False, True)),
        ("(count(*)) DESC", None),
        ('u0.name COLLATE "de-x-icu"', None),
    ],
)
def test_sort_keys(text: str, expected: SortKey | None) -> None:
    assert sort_key(text) == expected


def test_joins() -> None:
    text = "((r.book_id = b.id) AND (r.stars > b.pages))"

    assert joined_columns(text) == [(("r", "book_id"), ("b", "id"))]
