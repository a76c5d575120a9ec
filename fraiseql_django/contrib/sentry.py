"""Names of operations for Sentry's transactions (extra ``sentry``).

    FRAISEQL = {"METRICS": {"OBSERVERS": ["fraiseql_django.contrib.sentry.Sentry"]}}

All operations come in at one URL, so Sentry shows them as one transaction. With this observer each is shown by its kind
and name, and an event of Sentry says in which operation it happened. Clients choose the names.
"""

from __future__ import annotations

import sentry_sdk

from ..metrics.counters import NAME_LENGTH
from ..metrics.measurement import Measurement
from ..viewer import Viewer


class Sentry:
    """An observer that names the transaction of the current scope."""

    def begin(self, measured: Measurement, viewer: Viewer, text: str) -> None:
        """Do nothing: the name is not known yet."""

    def parsed(self, measured: Measurement) -> None:
        """Name the transaction, so that errors while the operation runs have its name."""
        subject = measured.subject
        name = (subject.name or " ".join(subject.roots))[:NAME_LENGTH]
        scope = sentry_sdk.get_current_scope()
        scope.set_transaction_name(f"{subject.kind} {name}", source="component")
        scope.set_tag("graphql.operation.type", subject.kind)
        scope.set_tag("graphql.operation.name", name)

    def end(self, measured: Measurement, viewer: Viewer) -> None:
        """Do nothing."""
