"""What is translated; modeltranslation finds this module by its name."""

from typing import Any, ClassVar

from modeltranslation.translator import TranslationOptions, register

from .models import Article, Section


@register(Section)
class SectionOptions(TranslationOptions):
    """Falls back to another language, as the settings say."""

    fields = ("name",)


@register(Article)
class ArticleOptions(TranslationOptions):
    """With what stands where no language has a value."""

    fields = ("title", "note", "views", "file", "picture")
    fallback_values: ClassVar[dict[str, Any]] = {"note": "(none)"}
