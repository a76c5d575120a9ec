"""The Django app: declarations are found in every installed app's ``graphql`` module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from . import invalidation


class FraiseQLConfig(AppConfig):
    """Finds declarations and begins to see writes."""

    name = "fraiseql_django"
    label = "fraiseql_django"
    verbose_name = "FraiseQL"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Run once, when every app is loaded."""
        invalidation.install()
        autodiscover_modules("graphql")
