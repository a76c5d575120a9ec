"""An app without migrations: its tables are made as the test database is."""

from django.apps import AppConfig


class CascadesConfig(AppConfig):
    """Cascades in the database."""

    name = "tests.cascades"
    label = "cascades"
    default_auto_field = "django.db.models.BigAutoField"
