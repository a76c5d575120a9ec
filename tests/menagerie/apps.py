"""An app with migrations, since its tables refer to those of content types."""

from django.apps import AppConfig


class MenagerieConfig(AppConfig):
    """Models whose rows are of several types."""

    name = "tests.menagerie"
    label = "menagerie"
    default_auto_field = "django.db.models.BigAutoField"
