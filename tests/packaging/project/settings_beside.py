"""The same project with the other GraphQL packages for Django in it."""

import os

from settings import *  # noqa: F403
from settings import INSTALLED_APPS

PACKAGES = os.environ.get("PACKAGES", "fraiseql_django,graphene_django,strawberry_django").split(",")
INSTALLED_APPS = [*(name for name in INSTALLED_APPS if name != "fraiseql_django"), *PACKAGES]
ROOT_URLCONF = "urls_beside"
GRAPHENE = {"SCHEMA": "urls_beside.graphene_schema"}
