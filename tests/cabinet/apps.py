"""An app with migrations: its tables lead to users and groups."""

from django.apps import AppConfig


class CabinetConfig(AppConfig):
    """Models that guardian keeps permissions of."""

    name = "tests.cabinet"
    label = "cabinet"
    default_auto_field = "django.db.models.BigAutoField"
