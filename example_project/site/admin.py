"""The bookshop in Django's admin: what is saved here drops the answers that were read from its tables."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from example_project.bookshop.models import Author, Book, Category, Customer, Order, Publisher, Review

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Author, Publisher, Category)
class NamedAdmin(ModelAdmin):
    """What has a name."""

    search_fields = ("name",)


@admin.register(Book)
class BookAdmin(ModelAdmin):
    """Books."""

    list_display = ("title", "isbn", "price", "in_print")
    list_editable = ("price", "in_print")
    list_filter = ("format", "in_print")
    list_per_page = 25
    search_fields = ("title", "isbn")
    autocomplete_fields = ("authors", "publisher", "category")


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    """Customers."""

    list_display = ("name", "user", "newsletter", "loyalty_points")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    autocomplete_fields = ("user",)


@admin.register(Order)
class OrderAdmin(ModelAdmin):
    """Orders; their lines have a composite key, which the admin does not know."""

    list_display = ("number", "customer", "status", "placed_at")
    list_editable = ("status",)
    list_filter = ("status",)
    list_per_page = 25
    list_select_related = ("customer",)
    search_fields = ("number", "customer__name")
    autocomplete_fields = ("customer",)


@admin.register(Review)
class ReviewAdmin(ModelAdmin):
    """Reviews, to approve them."""

    list_display = ("headline", "stars", "status", "created_at")
    list_editable = ("status",)
    list_filter = ("status", "stars")
    list_per_page = 25
    autocomplete_fields = ("book", "customer")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Reviews are written by customers."""
        return False
