"""An app without migrations: its tables are made as the test database is, with the columns of all languages."""

from django.apps import AppConfig


class TranslatedConfig(AppConfig):
    """Articles in two languages; installed where django-modeltranslation is."""

    name = "tests.translated"
    label = "translated"
    default_auto_field = "django.db.models.BigAutoField"
