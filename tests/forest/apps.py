"""An app with migrations, since its tables refer to those of content types."""

from django.apps import AppConfig


class ForestConfig(AppConfig):
    """Models of packages for trees, tags and polymorphic rows."""

    name = "tests.forest"
    label = "forest"
    default_auto_field = "django.db.models.BigAutoField"
