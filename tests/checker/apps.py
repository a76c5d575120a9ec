"""The checker's own app, which only its processes install."""

from django.apps import AppConfig


class CheckerConfig(AppConfig):
    """Rows that hold how often they were written."""

    name = "tests.checker"
    label = "checker"
    default_auto_field = "django.db.models.BigAutoField"
