"""The types over all models, and what rules, permissions and computed fields ask."""

import datetime as dt
from typing import Any

from django.db.models import Case, CharField, Q, Value, When
from django.db.models.functions import ExtractHour, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

import fraiseql_django as fraiseql

from . import models
from .state import DESK, tenant

AMBIENT = fraiseql.Registry()


def own_or_of_desk(viewer: Any) -> Q:
    """Let viewers see their own notes, the chief those of due publications as well."""
    own = Q(owner=viewer.id)
    return own | Q(publication__publish_at__lte=timezone.now()) if DESK.is_chief else own


def of_tenant(viewer: Any) -> Q | bool:
    """Show houses that have an author of the tenant, to whoever is signed in."""
    return viewer.is_authenticated and Q(pk__in=models.Author.objects.filter(tenant=tenant()).values("house"))


@fraiseql.type(models.House, fields=["name", "authors"], rows=of_tenant, registry=AMBIENT)
class HouseType:
    """With a row rule over a query that asks state."""


@fraiseql.type(models.Author, fields=["name", "house", "publications"], registry=AMBIENT)
class AuthorType:
    """With a permission that asks state, and a text that only the language decides."""

    greeting: str = fraiseql.field(Case(When(pk__gt=0, then=Value(_("Monday"), CharField())), default=Value("")))

    tenant: str = fraiseql.field(permission=lambda viewer: DESK.is_chief, mask=True)


@fraiseql.type(models.Tag, fields=["name", "publications"], registry=AMBIENT)
class TagType:
    """With a manager only."""


@fraiseql.type(models.Publication, fields=["publish_at", "author", "tags", "notes"], registry=AMBIENT)
class PublicationType:
    """With all that the time zone and the language decide."""

    title: str = fraiseql.field(models.InLanguage("title"))
    day: dt.date = fraiseql.field(TruncDate("publish_at"))
    hour: int = fraiseql.field(ExtractHour("publish_at"))
    label: str = fraiseql.field(
        Case(
            When(title_en__lt="m", then=Value(_("Monday"), CharField())),
            default=Value(_("Sunday"), CharField()),
        )
    )


@fraiseql.type(models.Note, fields=["text", "desk", "publication"], rows=own_or_of_desk, registry=AMBIENT)
class NoteType:
    """With a row rule that asks the clock, a thread-local and the viewer."""
