"""Rules and managers that decide nothing at request time are told from those that may."""

from contextvars import ContextVar
from typing import Any

import pytest
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.test.utils import isolate_apps
from django.utils import timezone

from example_project.bookshop.models import Book, Review
from fraiseql_django.declare.lazy_code import decides_nothing, manager_decides_nothing
from tests.zoo.models import Animal

TENANT: ContextVar[str] = ContextVar("tenant")
LIMIT = 3


class Gone(models.Manager[Any]):
    """Filters by a constant."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(gone=False)


class GoneToday(Gone):
    """Filters by the clock as well."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(at__lt=timezone.now())


class Inherited(GoneToday):
    """Inherits what filters by the clock."""


class Constant(GoneToday):
    """Adds a constant to what filters by the clock."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().exclude(pk=1)


class Today(models.QuerySet[Any]):
    """Filters by the clock whatever else it filters by."""

    def filter(self, *args: Any, **options: Any) -> Any:
        return super().filter(*args, at__lt=timezone.now(), **options)


class OfToday(models.Manager.from_queryset(Today)):  # type: ignore[misc]
    """Filters by a constant, and so by the clock."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(gone=False)


class Cloning(models.QuerySet[Any]):
    """Filters by the clock whenever it is copied."""

    def _clone(self) -> Any:
        found = super()._clone()  # type: ignore[misc]
        found.query.add_q(Q(at__lt=timezone.now()))
        return found


class OfCloning(models.Manager.from_queryset(Cloning)):  # type: ignore[misc]
    """Filters by a constant, and so by the clock."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(gone=False)


class Using(models.Manager[Any]):
    """Filters by the clock where a database is chosen."""

    def using(self, alias: str | None) -> Any:
        return super().using(alias).filter(at__lt=timezone.now())


class OfMethod(models.Manager[Any]):
    """Filters by a method of its own, which has the name of one of viewers."""

    def value(self) -> Any:
        return timezone.now()

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(at__lt=self.value())


class OfAnother(models.Manager[Any]):
    """Starts from the rows of another manager."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.model.objects.filter(gone=False)  # type: ignore[attr-defined]


Assigned = models.Manager.from_queryset(models.QuerySet)
Assigned.get_queryset = GoneToday.get_queryset


class OfInstance(models.Manager[Any]):
    """Filters by an attribute of its own, which may change."""

    tenant = 1

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(tenant=self.tenant)


with isolate_apps("tests.zoo"):

    class Asking(models.Model):
        """Has a manager that filters by the clock."""

        objects = GoneToday()
        plain = OfMethod()

        class Meta:
            app_label = "zoo"

        @classmethod
        def value(cls, name: str) -> int:
            return LIMIT


LAZY: dict[str, Any] = {
    "parameter": lambda viewer: Q(owner=viewer.id),
    "value": lambda viewer: Q(tenant=viewer.value("tenant", int)),
    "questions": lambda viewer: viewer.is_staff or viewer.has_perm("a.b") or Q(owner=viewer.id),
    "clock of PostgreSQL": lambda viewer: Q(until__gt=Now()) & ~Q(price=F("tax")),
    "subquery": lambda viewer: Q(pk__in=Review.objects.filter(stars=1).values("book")),
    "exists": lambda viewer: Q(Exists(Review.objects.filter(book=OuterRef("pk"), customer__user=viewer.id))),
    "manager that filters": lambda viewer: Q(pk__in=Animal.objects.all()),
    "module": lambda viewer: models.Q(models.Exists(Review.objects.filter(book=models.OuterRef("pk")))),
}
ASKING: dict[str, Any] = {
    "context variable": lambda viewer: Q(tenant=TENANT.get()),
    "default": lambda viewer, tenant=TENANT: Q(tenant=tenant.get()),
    "clock": lambda viewer: Q(until__gt=timezone.now()),
    "global": lambda viewer: Q(stars__lt=LIMIT),
    "statement": lambda viewer: Q(pk=Review.objects.get(pk=1)),
    "truth of rows": lambda viewer: Q() if Review.objects.filter(stars=1) else Q(pk=1),
    "item": lambda viewer: Q(pk=Review.objects.all()[0]),
    "items": lambda viewer: Q(pk__in=[*Review.objects.all()]),
    "membership": lambda viewer: Q(pk=1 in Review.objects.values("pk")),
    "comprehension": lambda viewer: Q(pk__in=[row for row in Review.objects.all()]),  # noqa: C416
    "manager that asks": lambda viewer: Q(pk__in=Asking.objects.all()),
    "another manager": lambda viewer: Q(pk__in=GoneToday().get_queryset()),
    "truth by a call": lambda viewer: bool(Review.objects.filter(stars=1)),
    "text of rows": lambda viewer: Q(name="%s" % Review.objects.all()),  # noqa: UP031
    "method of a model": lambda viewer: Q(stars=Asking.value("stars")),
    "method of a manager": lambda viewer: Q(stars=Asking.plain.value("stars")),
    "attribute of a model": lambda viewer: Q(pk=Book.current),  # type: ignore[attr-defined]
    "import": lambda viewer: Q(pk=__import__("os").getpid()),
}


@pytest.mark.parametrize("rule", LAZY.values(), ids=LAZY)
def test_rule_that_decides_nothing(rule: Any) -> None:
    assert decides_nothing(rule)


@pytest.mark.parametrize("rule", [*ASKING.values(), len, Gone()], ids=[*ASKING, "builtin", "object"])
def test_rule_that_may_decide(rule: Any) -> None:
    assert not decides_nothing(rule)


@pytest.mark.parametrize("manager", [models.Manager(), Gone()])
def test_manager_that_decides_nothing(manager: Any) -> None:
    assert manager_decides_nothing(manager)


@pytest.mark.parametrize(
    "manager",
    [
        *(GoneToday(), Inherited(), Constant(), OfToday(), Today.as_manager(), Cloning.as_manager(), OfCloning()),
        *(Using(), OfMethod(), OfAnother(), Assigned(), OfInstance()),
    ],
)
def test_manager_that_may_decide(manager: Any) -> None:
    assert not manager_decides_nothing(manager)
