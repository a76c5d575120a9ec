"""
The bookshop's models.

    Publisher ──< Book >──< Author          Category ──< Category (a tree)
                   │ └──< Category
                   ├──< Review >── Customer ── auth.User
                   └──< OrderLine >── Order >── Customer
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Author(models.Model):
    """Someone who writes books."""

    name = models.CharField(max_length=120, help_text="As printed on the cover.")
    born = models.DateField(null=True, blank=True, help_text="Date of birth, where it is known.")
    bio = models.TextField(blank=True, help_text="A short life, for the back of the book.")
    website = models.URLField(blank=True)
    email = models.EmailField(blank=True)

    class Meta:
        ordering = ("name", "pk")
        indexes = (models.Index(fields=["name"], name="author_name"),)

    def __str__(self) -> str:
        return self.name


class Publisher(models.Model):
    """A house that brings out books."""

    name = models.CharField(max_length=120, unique=True)
    country = models.CharField(max_length=60, help_text="Where the house has its seat.")
    founded = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Year of foundation.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Category(models.Model):
    """A shelf of the shop; shelves have shelves within."""

    # what Django adds, for type checkers without a plugin
    books: RelatedManager[Book]

    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True, help_text="The category in addresses.")
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="children",
        help_text="The category that this one is part of; none for the main ones.",
    )

    class Meta:
        ordering = ("name", "pk")
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class BookFormat(models.TextChoices):
    """What the book is made of."""

    HARDCOVER = "hardcover", "Hardcover"
    PAPERBACK = "paperback", "Paperback"
    EBOOK = "e-book", "E-book"
    AUDIO = "audio", "Audio book"


class BookCondition(models.IntegerChoices):
    """How much the book has been through."""

    NEW = 1, "New"
    LIKE_NEW = 2, "Like new"
    USED = 3, "Used"


class Book(models.Model):
    """A book on sale."""

    title = models.CharField(max_length=200)
    isbn = models.CharField("ISBN", max_length=13, unique=True, help_text="ISBN-13, digits only.")
    authors = models.ManyToManyField(Author, related_name="books", help_text="Who wrote it.")
    publisher = models.ForeignKey(Publisher, on_delete=models.PROTECT, related_name="books")
    category = models.ForeignKey(Category, on_delete=models.SET_NULL, null=True, blank=True, related_name="books")
    format = models.CharField(max_length=10, choices=BookFormat.choices, default=BookFormat.PAPERBACK)
    condition = models.PositiveSmallIntegerField(choices=BookCondition.choices, default=BookCondition.NEW)
    price = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0))],
        help_text="In euros, without tax.",
    )
    tax_rate = models.DecimalField(
        max_digits=4, decimal_places=3, default=Decimal("0.070"), help_text="0.070 stands for 7 %."
    )
    price_with_tax = models.GeneratedField(
        expression=F("price") * (1 + F("tax_rate")),
        output_field=models.DecimalField(max_digits=10, decimal_places=2),
        db_persist=True,
        help_text="What the customer pays; PostgreSQL computes it.",
    )
    published = models.DateField(null=True, blank=True, help_text="Day of publication.")
    in_print = models.BooleanField(default=True)
    pages = models.PositiveIntegerField(null=True, blank=True)
    weight = models.FloatField(null=True, blank=True, help_text="In grams.")
    reading_time = models.DurationField(null=True, blank=True, help_text="Or listening time.")
    attributes = models.JSONField(
        default=dict, blank=True, help_text="Whatever has no field of its own: language, series, awards."
    )
    tags = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    cover = models.FileField(upload_to="covers/", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("title", "pk")
        indexes = (
            models.Index(fields=["title", "id"], name="book_title"),
            models.Index(fields=["published", "id"], name="book_published"),
            models.Index(fields=["price"], name="book_price"),
        )
        constraints = (models.CheckConstraint(condition=Q(price__gte=0), name="book_price_not_negative"),)

    def __str__(self) -> str:
        return self.title


class Customer(models.Model):
    """Someone who buys, and perhaps reviews, books."""

    # what Django adds, for type checkers without a plugin
    orders: RelatedManager[Order]

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="customer",
        help_text="The account that the customer signs in with.",
    )
    uuid = models.UUIDField("UUID", unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    newsletter = models.BooleanField(default=False)
    birthday = models.DateField(null=True, blank=True)
    loyalty_points = models.BigIntegerField(default=0, help_text="May be more than 32 bits hold.")

    class Meta:
        ordering = ("name", "pk")
        indexes = (models.Index(fields=["name", "id"], name="customer_name"),)

    def __str__(self) -> str:
        return self.name


class ReviewStatus(models.TextChoices):
    """What the moderators think of the review."""

    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class Review(models.Model):
    """What a customer thinks of a book."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="reviews")
    customer = models.ForeignKey(
        Customer,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="reviews",
        help_text="None when the customer has left.",
    )
    stars = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)], help_text="1 to 5."
    )
    headline = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=ReviewStatus.choices, default=ReviewStatus.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=["book", "-created_at"], name="review_book_newest"),)
        constraints = (models.CheckConstraint(condition=Q(stars__gte=1, stars__lte=5), name="review_stars_1_to_5"),)

    def __str__(self) -> str:
        return self.headline


class OrderStatus(models.TextChoices):
    """How far the order has come."""

    NEW = "new", "New"
    PAID = "paid", "Paid"
    SHIPPED = "shipped", "Shipped"
    CANCELLED = "cancelled", "Cancelled"


class Order(models.Model):
    """What a customer has ordered at one time."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=20, unique=True, help_text="As printed on the invoice.")
    status = models.CharField(max_length=10, choices=OrderStatus.choices, default=OrderStatus.NEW)
    placed_at = models.DateTimeField(default=timezone.now)
    shipped_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="What the customer asked for.")

    class Meta:
        ordering = ("-placed_at", "-pk")
        indexes = (
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["customer", "-placed_at"], name="order_customer_newest"),
        )

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One book of an order, once or several times."""

    # what Django adds, for type checkers without a plugin
    book_id: int
    order_id: int

    pk = models.CompositePrimaryKey("order_id", "line_number")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    line_number = models.PositiveSmallIntegerField(help_text="1 for the order's first line.")
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="order_lines")
    quantity = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    unit_price = models.DecimalField(max_digits=8, decimal_places=2, help_text="The book's price when it was ordered.")

    class Meta:
        ordering = ("order_id", "line_number")

    def __str__(self) -> str:
        return f"{self.quantity} × {self.book_id} in {self.order_id}"
