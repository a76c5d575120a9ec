"""An app without migrations: its tables are made as the test database is."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """Models that mutations write."""

    name = "tests.library"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"
