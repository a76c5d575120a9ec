"""Who asks: the user of a request, as rules see it.

A rule is a function of a viewer. While a plan is made it is given a viewer of whom nothing is known yet (see
``planner/viewer.py``); where rows are looked up by the ORM, in mutations, this one, whose answers are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .errors import FraiseQLError

# The name of a variable that no client can write: who asks
VIEWER = "#viewer"
_MISSING: Any = object()


class Viewer:
    """The user that Django's authentication, or whatever stands in its place, has put on the request.

    Nothing is asked of the user before a rule does: a session that no rule needs is not read.
    """

    def __init__(self, request: HttpRequest | None = None, context: Any = None) -> None:
        self.request = request
        self.context = context
        self._roles: frozenset[str] | None = None
        # the session values of their statements, once they are known (see ``execution.session``)
        self.session_values: tuple[tuple[str, str], ...] | None = None

    @property
    def user(self) -> Any:
        """The request's user; None without a request, or without authentication."""
        return getattr(self.request, "user", None)

    @property
    def id(self) -> Any:
        """The user's key; None for one who is not signed in."""
        return getattr(self.user, "pk", None) if self.is_authenticated else None

    @property
    def is_authenticated(self) -> bool:
        """Whether the user is signed in; one who was shut out (``is_active``) is not, whatever let them through."""
        user = self.user
        return bool(getattr(user, "is_authenticated", False)) and bool(getattr(user, "is_active", True))

    @property
    def is_staff(self) -> bool:
        """Whether the user may use Django's admin."""
        return self._active("is_staff")

    @property
    def is_superuser(self) -> bool:
        """Whether the user has every permission."""
        return self._active("is_superuser")

    def has_perm(self, permission: str) -> bool:
        """Whether the user has a permission of Django's, like "shop.view_order"."""
        return self.is_authenticated and bool(self.user.has_perm(permission))

    def has_role(self, role: str) -> bool:
        """Whether the user is in a group of Django's with this name."""
        if not self.is_authenticated:
            return False
        if self._roles is None:
            self._roles = frozenset(self.user.groups.values_list("name", flat=True))
        return role in self._roles

    def value(self, name: str, type_: type = str) -> Any:
        """Return what the context, the request or its user holds under a name; None where there is nothing.

        ``user_id`` is the user's key where nothing else is called so. ``type_`` is the value's.
        """
        found = self.look_up(name)
        return None if found is _MISSING else found

    def look_up(self, name: str) -> Any:
        """Return what the context, the request or its user holds under a name; a mark where there is nothing."""
        if isinstance(self.context, Mapping) and name in self.context:
            return self.context[name]
        if hasattr(self.request, name):
            return getattr(self.request, name)
        own = name.removeprefix("user_")
        if name.startswith("user_") and self.user is not None:
            return getattr(self.user, "pk" if own == "id" else own, _MISSING)
        return _MISSING

    def _active(self, flag: str) -> bool:
        return self.is_authenticated and bool(getattr(self.user, flag, False))


def given_value(viewer: Viewer, name: str) -> Any:
    """Return what the context, the request or its user holds under a name; raise FraiseQLError where none does."""
    found = viewer.look_up(name)
    if found is _MISSING:
        raise FraiseQLError(f"neither the context, nor the request, nor its user has {name!r}")
    return found
