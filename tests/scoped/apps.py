"""An app without migrations: its tables are made as the test database is, outside any scope."""

from django.apps import AppConfig


class ScopedConfig(AppConfig):
    """Projects of tenants; installed where django-scopes is."""

    name = "tests.scoped"
    label = "scoped"
    default_auto_field = "django.db.models.BigAutoField"
