"""The users of the demo; their passwords are in the page that everybody sees, so they exist in the demo only."""

from dataclasses import dataclass

from django.contrib.auth.models import Permission, User

from example_project.bookshop.models import Customer

ACCOUNTS = ("admin", "clerk", "ann", "bob")
CUSTOMERS = ("ann", "bob")


@dataclass(frozen=True, slots=True)
class Account:
    """A user to sign in as; the password is the name."""

    name: str
    may: str


def accounts() -> list[Account]:
    """Return the users, with what each may do."""
    named = {customer.user.username: customer for customer in _customers()}
    return [
        Account("admin", "everything: the admin with its monitoring page, all orders, covers"),
        Account("clerk", "is staff and may change books, also their covers, but not orders"),
        *(
            Account(name, f"is the customer {named[name].name}, with {named[name].orders.count()} orders")
            for name in CUSTOMERS
            if name in named
        ),
    ]


def make_accounts() -> None:
    """Make the users where they are not there yet; the first two customers of the shop become ann and bob."""
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", password="admin")
    clerk, created = User.objects.get_or_create(username="clerk", defaults={"is_staff": True})
    if created:
        clerk.set_password("clerk")
        clerk.save()
        wanted = ["view_book", "change_book", "view_author", "view_publisher", "view_category", "view_review"]
        clerk.user_permissions.set(Permission.objects.filter(codename__in=wanted, content_type__app_label="bookshop"))
    taken = set(User.objects.filter(username__in=CUSTOMERS).values_list("username", flat=True))
    free = Customer.objects.exclude(user__username__in=CUSTOMERS).filter(user__is_active=True, orders__isnull=False)
    for name in CUSTOMERS:
        if name not in taken and (customer := free.select_related("user").order_by("pk").first()) is not None:
            customer.user.username = name
            customer.user.set_password(name)
            customer.user.save()


def _customers() -> list[Customer]:
    return list(Customer.objects.filter(user__username__in=CUSTOMERS).select_related("user"))
