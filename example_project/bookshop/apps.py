"""The bookshop as a Django app."""

from django.apps import AppConfig


class BookshopConfig(AppConfig):
    """The bookshop."""

    name = "example_project.bookshop"
