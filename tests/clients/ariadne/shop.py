from collections.abc import Iterator
from decimal import Decimal

from bookshop_client import BookWhere, Card, Client, SetPriceUpdateBookMutationError


def connect(url: str) -> Client:
    # the header is for forms with files
    return Client(url, headers={"GraphQL-Require-Preflight": "1"})


def all_books(client: Client, where: BookWhere | None = None) -> Iterator[Card]:
    after = None
    while True:
        page = client.books(where=where, after=after).books_connection
        yield from page.nodes
        if not page.page_info.has_next_page:
            return
        after = page.page_info.end_cursor


def set_price(client: Client, book: Card, price: Decimal) -> Decimal:
    answer = client.set_price(id=book.id, updated_at=book.updated_at, price=price).update_book
    if isinstance(answer, SetPriceUpdateBookMutationError):
        raise ValueError(answer.message)
    return answer.book.price
