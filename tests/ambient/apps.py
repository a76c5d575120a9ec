"""An app without migrations: its tables are made as the test database is."""

from django.apps import AppConfig


class AmbientConfig(AppConfig):
    """Publications of tenants."""

    name = "tests.ambient"
    label = "ambient"
    default_auto_field = "django.db.models.BigAutoField"
