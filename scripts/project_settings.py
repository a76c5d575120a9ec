"""The projects of ``declare_projects``: what is installed of each, and with which settings its models are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DJANGO = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.postgres",
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project: its packages, its settings or the module that has them, and its apps.

    ``defaults`` is a module with settings that it needs beside these; ``scope`` is the dotted path of a
    context manager in which its managers can be used.
    """

    packages: tuple[str, ...]
    apps: tuple[str, ...] = ()
    module: str | None = None
    defaults: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    scope: str | None = None


PROJECTS: Mapping[str, Project] = {
    "wagtail": Project(
        packages=("wagtail",),
        apps=(
            "wagtail.contrib.forms",
            "wagtail.contrib.redirects",
            "wagtail.contrib.search_promotions",
            "wagtail.contrib.settings",
            "wagtail.embeds",
            "wagtail.sites",
            "wagtail.users",
            "wagtail.snippets",
            "wagtail.documents",
            "wagtail.images",
            "wagtail.search",
            "wagtail.admin",
            "wagtail",
            "modelcluster",
            "taggit",
            *DJANGO,
        ),
        settings={"WAGTAIL_SITE_NAME": "Declared", "WAGTAILADMIN_BASE_URL": "http://localhost"},
    ),
    "django-cms": Project(
        packages=("django-cms", "djangocms-versioning", "djangocms-alias", "djangocms-text", "django-filer"),
        apps=(
            "cms",
            "menus",
            "treebeard",
            "sekizai",
            "easy_thumbnails",
            "filer",
            "djangocms_text",
            "djangocms_versioning",
            "djangocms_alias",
            *DJANGO,
        ),
        settings={"SITE_ID": 1, "LANGUAGES": [("en", "English")], "CMS_CONFIRM_VERSION4": True},
    ),
    "django-oscar": Project(
        packages=("django-oscar", "sorl-thumbnail"),
        apps=(
            "oscar.config.Shop",
            "oscar.apps.analytics.apps.AnalyticsConfig",
            "oscar.apps.checkout.apps.CheckoutConfig",
            "oscar.apps.address.apps.AddressConfig",
            "oscar.apps.shipping.apps.ShippingConfig",
            "oscar.apps.catalogue.apps.CatalogueConfig",
            "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
            "oscar.apps.communication.apps.CommunicationConfig",
            "oscar.apps.partner.apps.PartnerConfig",
            "oscar.apps.basket.apps.BasketConfig",
            "oscar.apps.payment.apps.PaymentConfig",
            "oscar.apps.offer.apps.OfferConfig",
            "oscar.apps.order.apps.OrderConfig",
            "oscar.apps.customer.apps.CustomerConfig",
            "oscar.apps.search.apps.SearchConfig",
            "oscar.apps.voucher.apps.VoucherConfig",
            "oscar.apps.wishlists.apps.WishlistsConfig",
            "oscar.apps.dashboard.apps.DashboardConfig",
            "oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig",
            "oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig",
            "oscar.apps.dashboard.offers.apps.OffersDashboardConfig",
            "oscar.apps.dashboard.orders.apps.OrdersDashboardConfig",
            "oscar.apps.dashboard.pages.apps.PagesDashboardConfig",
            "oscar.apps.dashboard.partners.apps.PartnersDashboardConfig",
            "oscar.apps.dashboard.ranges.apps.RangesDashboardConfig",
            "oscar.apps.dashboard.reports.apps.ReportsDashboardConfig",
            "oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig",
            "oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig",
            "oscar.apps.dashboard.users.apps.UsersDashboardConfig",
            "oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig",
            "widget_tweaks",
            "haystack",
            "treebeard",
            "sorl.thumbnail",
            "django_tables2",
            "django.contrib.flatpages",
            *DJANGO,
        ),
        defaults="oscar.defaults",
        settings={
            "SITE_ID": 1,
            "HAYSTACK_CONNECTIONS": {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        },
    ),
    "pretix": Project(
        packages=("pretix",), module="pretix.testutils.settings", scope="django_scopes.scopes_disabled"
    ),
}  # fmt: skip
