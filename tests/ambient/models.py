"""
Models as projects have them that keep tenants apart by their managers.

    House ──< Author ──< Publication ──< Note          Publication >──< Tag
"""

from typing import Any

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language

from .state import DESK, tenant


class TenantManager(models.Manager[Any]):
    """Has the rows of the tenant, in a context variable."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(tenant=tenant())


class DueManager(TenantManager):
    """Has what is due, by the clock, sorted by the title in the active language."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(publish_at__lte=timezone.now()).order_by(f"title_{get_language()}")


class DeskManager(models.Manager[Any]):
    """Has the rows of the desk, in a thread-local; the chief's are turned round."""

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = super().get_queryset().filter(desk=DESK.name).order_by("text")
        return rows.reverse() if DESK.is_chief else rows


class LateTagManager(models.Manager[Any]):
    """Has no rows before a day that Django compares itself, so that the database need not be asked."""

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = super().get_queryset()
        return rows if timezone.now().year > 2025 else rows.none()


class InLanguage(F):
    """The column of the active language."""

    def resolve_expression(self, *args: Any, **options: Any) -> Any:
        return F(f"{self.name}_{get_language()}").resolve_expression(*args, **options)  # type: ignore[attr-defined]


class House(models.Model):
    """The same for all."""

    name = models.CharField(max_length=20)


class Author(models.Model):
    """Those of other tenants are nobody, even where a relation leads to them."""

    tenant = models.CharField(max_length=10)
    name = models.CharField(max_length=20)
    house = models.ForeignKey(House, on_delete=models.CASCADE, related_name="authors")

    objects = TenantManager()

    class Meta:
        ordering = ("name",)
        base_manager_name = "objects"


class Tag(models.Model):
    """Later ones only, by the clock."""

    name = models.CharField(max_length=20)

    objects = LateTagManager()

    class Meta:
        ordering = ("name",)


class Publication(models.Model):
    """Due or not."""

    tenant = models.CharField(max_length=10)
    title_en = models.CharField(max_length=20)
    title_de = models.CharField(max_length=20)
    publish_at = models.DateTimeField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="publications")
    tags = models.ManyToManyField(Tag, related_name="publications")

    objects = DueManager()


class Note(models.Model):
    """Of a desk."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="notes")
    desk = models.CharField(max_length=10)
    owner = models.IntegerField()
    text = models.CharField(max_length=20)

    objects = DeskManager()
