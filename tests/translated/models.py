"""
Texts in English and German.

    Section ──< Article ──< Comment          Article >── Picture (another one in each language)
"""

from django.db import models


class Section(models.Model):
    """Sorted by its name in the active language."""

    name = models.CharField(max_length=30)

    class Meta:
        ordering = ("name",)


class Picture(models.Model):
    """Not translated, but may be chosen by language."""

    name = models.CharField(max_length=30)


class Article(models.Model):
    """With translated fields of several classes."""

    title = models.CharField(max_length=30, help_text="What it is called.")
    note = models.TextField(null=True)
    views = models.IntegerField(null=True)
    slug = models.SlugField(max_length=30)
    file = models.FileField(blank=True)
    section = models.ForeignKey(Section, on_delete=models.CASCADE, null=True, related_name="articles")
    picture = models.ForeignKey(Picture, on_delete=models.SET_NULL, null=True)

    class Meta:
        ordering = ("-title",)


class Comment(models.Model):
    """Not translated; sorted by what is."""

    text = models.CharField(max_length=30)
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="comments")

    class Meta:
        ordering = ("article__title",)
