"""The site of the demo as a Django app."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site of the demo."""

    name = "example_project.site"
