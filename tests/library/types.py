"""Types over the library, and the mutations that the tests share."""

from django.db.models import Count

import fraiseql_django as fraiseql
from fraiseql_django import Registry

from . import models

LIBRARY = Registry()


@fraiseql.type(models.Writer, fields=["id", "name", "version", "mentor", "pupils", "novels"], registry=LIBRARY)
class WriterType:
    pass


@fraiseql.type(models.Genre, fields=["id", "name", "novels"], registry=LIBRARY)
class GenreType:
    pass


@fraiseql.type(models.Novel, exclude=["secret", "shops"], registry=LIBRARY)
class NovelType:
    remark_count: int = fraiseql.field(Count("remarks"))


@fraiseql.type(models.Remark, fields="__all__", registry=LIBRARY)
class RemarkType:
    pass


@fraiseql.type(models.Bookmark, fields="__all__", registry=LIBRARY)
class BookmarkType:
    pass


@fraiseql.type(models.Manuscript, fields="__all__", registry=LIBRARY)
class ManuscriptType:
    pass


@fraiseql.type(models.Chapter, fields=["novel", "number", "heading"], registry=LIBRARY)
class ChapterType:
    pass


@fraiseql.type(models.Verse, fields="__all__", registry=LIBRARY)
class VerseType:
    pass


@fraiseql.type(models.Language, fields="__all__", registry=LIBRARY)
class LanguageType:
    pass


@fraiseql.type(models.Room, fields=["id", "name", "place", "open"], registry=LIBRARY)
class RoomType:
    pass


@fraiseql.type(models.Card, fields="__all__", registry=LIBRARY)
class CardType:
    pass


@fraiseql.type(models.Tidy, fields="__all__", plural="tidies", registry=LIBRARY)
class TidyType:
    pass


PLAIN = [
    "title", "isbn", "price", "discount", "state", "writer", "editor", "genres", "blurb", "published", "tags", "notes",
    "on_loan", "cover", "pages",
]  # fmt: skip

fraiseql.create(NovelType, fields=PLAIN, registry=LIBRARY)
fraiseql.create(NovelType, fields=PLAIN, bulk=True, registry=LIBRARY)
fraiseql.update(NovelType, fields=PLAIN, registry=LIBRARY)
fraiseql.update(NovelType, fields=["title", "price"], bulk=True, registry=LIBRARY)
fraiseql.delete(NovelType, registry=LIBRARY)
fraiseql.delete(NovelType, bulk=True, registry=LIBRARY)
fraiseql.upsert(NovelType, fields=["isbn", "title", "writer", "pages"], unique=["isbn"], registry=LIBRARY)
fraiseql.upsert(NovelType, fields=["isbn", "title", "writer", "pages"], unique=["isbn"], bulk=True, registry=LIBRARY)
fraiseql.upsert(
    NovelType,
    fields=["isbn", "title", "writer", "pages"],
    unique="novel_of_writer",
    name="putNovelOfWriter",
    registry=LIBRARY,
)
fraiseql.update(NovelType, fields=["title", "genres"], version="version", name="reviseNovel", registry=LIBRARY)
fraiseql.update(
    NovelType, fields=["title", "genres"], version="version", bulk=True, name="reviseNovels", registry=LIBRARY
)
fraiseql.update(NovelType, fields=["title"], version="changed", name="retitleNovel", registry=LIBRARY)
fraiseql.delete(NovelType, version="version", name="dropNovel", registry=LIBRARY)
fraiseql.delete(NovelType, version="version", bulk=True, name="dropNovels", registry=LIBRARY)
fraiseql.create(WriterType, fields=["name", "mentor"], registry=LIBRARY)
fraiseql.update(WriterType, fields=["name", "mentor"], registry=LIBRARY)
fraiseql.delete(WriterType, registry=LIBRARY)
fraiseql.delete(WriterType, bulk=True, registry=LIBRARY)
fraiseql.create(RemarkType, fields=["novel", "stars", "text"], registry=LIBRARY)
fraiseql.update(RemarkType, fields=["stars", "text"], registry=LIBRARY)
fraiseql.create(ChapterType, fields=["novel", "number", "heading"], registry=LIBRARY)
fraiseql.update(ChapterType, fields=["heading"], registry=LIBRARY)
fraiseql.update(ChapterType, fields=["heading"], bulk=True, registry=LIBRARY)
fraiseql.delete(ChapterType, registry=LIBRARY)
fraiseql.delete(ChapterType, bulk=True, registry=LIBRARY)
fraiseql.create(LanguageType, fields=["code", "name"], registry=LIBRARY)
fraiseql.upsert(LanguageType, fields=["code", "name"], unique=["code"], registry=LIBRARY)
fraiseql.create(RoomType, fields=["name", "place", "open"], registry=LIBRARY)
fraiseql.update(RoomType, fields=["name", "place", "open"], bulk=True, registry=LIBRARY)
fraiseql.delete(RoomType, registry=LIBRARY)
fraiseql.create(CardType, fields=["title", "facts"], registry=LIBRARY)
fraiseql.update(CardType, fields=["title"], registry=LIBRARY)
fraiseql.delete(CardType, registry=LIBRARY)
fraiseql.update(TidyType, fields=["title"], registry=LIBRARY)
