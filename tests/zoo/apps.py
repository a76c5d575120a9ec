"""The tests' own app; it has no migrations, so its tables are made as the test database is."""

from django.apps import AppConfig


class ZooConfig(AppConfig):
    """Models that only tests use."""

    name = "tests.zoo"
    label = "zoo"
    default_auto_field = "django.db.models.BigAutoField"
