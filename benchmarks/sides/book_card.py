"""The bookshop's view of cards as an unmanaged model, as other Django packages read views."""

from django.db import models


class BookCard(models.Model):
    """A row of the view."""

    title = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    data = models.JSONField()

    class Meta:
        app_label = "bookshop"
        managed = False
        db_table = "v_book_card"

    def __str__(self) -> str:
        return self.title
