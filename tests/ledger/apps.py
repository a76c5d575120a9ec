"""An app without migrations: its table is made as the test database is."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """What was changed and what was refused."""

    name = "tests.ledger"
    label = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
