"""Endpoints over everything that the tests have: the bookshop, the zoo, the library, and an inbox that takes anything.

The module is a ``ROOT_URLCONF``.
"""

import datetime as dt
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.urls import path

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import (
    BatchingSettings,
    GraphiQLSettings,
    PersistedQuerySettings,
    Settings,
    get_settings,
)
from fraiseql_django.declare.registry import default_registry
from fraiseql_django.views import GraphQLView
from tests.library.types import LIBRARY
from tests.zoo.types import ZOO

INBOX = Registry()

# a function that answers with what it is given, and one that writes it
FUNCTIONS = """
CREATE OR REPLACE FUNCTION fn_parrot(input jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('status', 'success', 'given', input) $$;
CREATE OR REPLACE FUNCTION fn_retitle(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookshop_book SET title = input ->> 'title' WHERE id = (input ->> 'id')::bigint;
    RETURN jsonb_build_object('status', 'updated', 'title', input ->> 'title');
END $$;
"""
NO_FUNCTIONS = "DROP FUNCTION IF EXISTS fn_parrot(jsonb); DROP FUNCTION IF EXISTS fn_retitle(jsonb);"


@fraiseql.type(Author, fields=["id", "name"], registry=INBOX)
class AuthorType:
    pass


@fraiseql.type(Book, fields=["id", "title"], registry=INBOX)
class BookType:
    pass


fraiseql.update(BookType, fields=["title", "tags"], registry=INBOX)


@fraiseql.input
class Letter:
    """A value of every kind that a mutation takes."""

    text: str = ""
    texts: list[str] = fraiseql.UNSET
    key: fraiseql.ID = fraiseql.UNSET
    number: int = fraiseql.UNSET
    big: fraiseql.BigInt = fraiseql.UNSET
    weight: float = fraiseql.UNSET
    price: Decimal = fraiseql.UNSET
    day: dt.date = fraiseql.UNSET
    moment: dt.datetime = fraiseql.UNSET
    hour: dt.time = fraiseql.UNSET
    span: dt.timedelta = fraiseql.UNSET
    token: uuid.UUID = fraiseql.UNSET
    raw: bytes = fraiseql.UNSET
    extra: fraiseql.JSON = fraiseql.UNSET
    file: fraiseql.Upload = fraiseql.UNSET
    files: list[fraiseql.Upload] = fraiseql.UNSET


@fraiseql.mutation(registry=INBOX)
def send(info: fraiseql.Info, letter: Letter) -> fraiseql.JSON:
    """Answer with the texts and the files of a letter."""
    sent: list[Any] = [] if letter.files is fraiseql.UNSET else list(letter.files)
    if letter.file is not fraiseql.UNSET:
        sent.append(letter.file)
    files = [{"name": file.name, "type": file.content_type, "content": file.read().decode("latin-1")} for file in sent]
    texts = [] if letter.texts is fraiseql.UNSET else letter.texts
    extra = None if letter.extra is fraiseql.UNSET else letter.extra
    return fraiseql.JSON({"text": letter.text, "texts": texts, "extra": extra, "files": files})


@fraiseql.mutation(registry=INBOX)
def find(info: fraiseql.Info, name: str) -> list[AuthorType]:
    """Answer with the authors of a name."""
    return list(Author.objects.filter(name__icontains=name)[:3])


@fraiseql.input
class ParrotInput:
    """What is repeated."""

    text: str
    extra: fraiseql.JSON


@fraiseql.success
class ParrotSuccess:
    """What was said."""

    given: fraiseql.JSON


@fraiseql.error
class ParrotError:
    """Why nothing was said."""


@fraiseql.mutation(function="fn_parrot", registry=INBOX)
class Parrot:
    """Repeat, in a function of PostgreSQL."""

    input: ParrotInput
    success: ParrotSuccess
    error: ParrotError


@fraiseql.input
class RetitleInput:
    """A book and its new title."""

    id: fraiseql.ID
    title: str


@fraiseql.success
class RetitleSuccess:
    """The new title."""

    title: str


@fraiseql.error
class RetitleError:
    """Why the title stays."""


@fraiseql.mutation(function="fn_retitle", registry=INBOX)
class Retitle:
    """Write, in a function of PostgreSQL."""

    input: RetitleInput
    success: RetitleSuccess
    error: RetitleError


def _settings() -> Settings:
    """Let everything in that can be let in, and keep little: what is kept without bound shows soon."""
    settings = get_settings()
    return replace(
        settings,
        limits=replace(settings.limits, statement_ms=1000),
        batching=BatchingSettings(max_operations=5),
        persisted_queries=PersistedQuerySettings(enabled=True),
        graphiql=GraphiQLSettings(enabled=True),
        document_cache_size=50,
        plan_cache_size=50,
    )


REGISTRIES = {"/graphql/": default_registry, "/zoo/": ZOO, "/library/": LIBRARY, "/inbox/": INBOX}
ENGINES = {url: GraphQLEngine(settings=_settings(), registry=registry) for url, registry in REGISTRIES.items()}

urlpatterns = [path(url.lstrip("/"), GraphQLView.as_view(engine=engine)) for url, engine in ENGINES.items()]
