"""An app without migrations: its tables are made as the test database is."""

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """Rows that are not there for everybody."""

    name = "tests.archive"
    label = "archive"
    default_auto_field = "django.db.models.BigAutoField"
