"""Authors and their books."""

from django.db import models


class Author(models.Model):
    """Someone who writes books."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Book(models.Model):
    """A book on sale."""

    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")

    def __str__(self) -> str:
        """Return the title."""
        return self.title
