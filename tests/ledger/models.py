"""What docs/audit.md shows: the same model, and the same receivers."""

from django.db import models


class AuditEntry(models.Model):
    """Something was changed, or refused."""

    time = models.DateTimeField(db_index=True)
    # no foreign key: the entry outlives the user
    user_id = models.CharField(max_length=64, null=True, db_index=True)
    what = models.CharField(max_length=200)
    outcome = models.CharField(max_length=20)
    details = models.JSONField()
