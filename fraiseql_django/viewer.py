"""The user on whose behalf an operation runs, as permission rules see it.

Rules are functions of a viewer. The planner calls them with a ``planner.planned_viewer.PlannedViewer``, because a plan
serves many viewers. Where mutations look up rows by the ORM, rules are called with the ``Viewer`` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest
from django.utils.module_loading import import_string

from .coroutines import is_coroutine_function
from .errors import FraiseQLError

# The viewer's name among the variables of an operation; clients cannot use it, since it is not a name in GraphQL
VIEWER = "#viewer"
_MISSING: Any = object()
# a module of models, which cannot be imported before the apps are ready
_NOBODY = "django.contrib.auth.models.AnonymousUser"


class Viewer:
    """The user that Django's authentication, or a replacement of it, has set on the request.

    ``request.user`` is not accessed before a rule needs it, so that sessions are not read without need.
    """

    def __init__(self, request: HttpRequest | None = None, context: Any = None) -> None:
        self.request = request
        self.context = context
        self._roles: frozenset[str] | None = None
        self._user: Any = _MISSING
        # session variables and role for this viewer; set by execution.session at first use
        self.session_values: tuple[tuple[str, str], ...] | None = None

    @property
    def user(self) -> Any:
        """The request's user; None without a request, or without authentication middleware.

        A request that has only ``auser``, as an asynchronous middleware may set it, is asked by that.
        """
        user = getattr(self.request, "user", _MISSING)
        if user is not _MISSING:
            return user
        if self._user is _MISSING:
            auser = getattr(self.request, "auser", None)
            self._user = None if auser is None else async_to_sync(auser)()
        return self._user

    @property
    def id(self) -> Any:
        """The user's primary key; None for a user who is not signed in."""
        return getattr(self.user, "pk", None) if self.is_authenticated else None

    @property
    def is_authenticated(self) -> bool:
        """Whether the user is signed in and active (``is_active``), whatever the authentication backend allows."""
        user = self.user
        return bool(getattr(user, "is_authenticated", False)) and bool(getattr(user, "is_active", True))

    @property
    def is_staff(self) -> bool:
        """Whether the user is active and may use Django's admin."""
        return self._active("is_staff")

    @property
    def is_superuser(self) -> bool:
        """Whether the user is active and has every permission."""
        return self._active("is_superuser")

    def has_perm(self, permission: str) -> bool:
        """Whether the user has a permission of ``django.contrib.auth``, for instance "shop.view_order"."""
        return self.is_authenticated and bool(self.user.has_perm(permission))

    def has_role(self, role: str) -> bool:
        """Whether the user is in the group of ``django.contrib.auth`` with this name."""
        if not self.is_authenticated:
            return False
        if self._roles is None:
            self._roles = frozenset(self.user.groups.values_list("name", flat=True))
        return role in self._roles

    async def ahas_perm(self, permission: str) -> bool:
        """Return what ``has_perm`` does, in a coroutine."""
        return await sync_to_async(self.has_perm)(permission)

    async def ahas_role(self, role: str) -> bool:
        """Return what ``has_role`` does, in a coroutine."""
        return await sync_to_async(self.has_role)(role)

    def value(self, name: str, type_: type = str) -> Any:
        """Return a value by name from the context, the request or its user; None if none of them has it.

        The user's attributes have the prefix "user_"; ``user_id`` is the primary key. ``type_`` is the type that the
        planner casts the value to.
        """
        value = self.look_up(name)
        return None if value is _MISSING else value

    def look_up(self, name: str) -> Any:
        """Return a value by name from the context, the request or its user; ``_MISSING`` if none of them has it."""
        if isinstance(self.context, Mapping) and name in self.context:
            return self.context[name]
        if hasattr(self.request, name):
            return getattr(self.request, name)
        attribute = name.removeprefix("user_")
        user = self.user
        if name.startswith("user_") and user is not None:
            if getattr(user, "is_authenticated", False) and not self.is_authenticated:
                # an inactive user is nobody, whatever the authentication backend allows
                user = import_string(_NOBODY)()
            return getattr(user, "pk" if attribute == "id" else attribute, _MISSING)
        return _MISSING

    def _active(self, flag: str) -> bool:
        return self.is_authenticated and bool(getattr(self.user, flag, False))


def asking(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a project's function of the viewer; one that runs it to its end if it is a coroutine function.

    The user is read before the coroutine begins, so that ``viewer.id`` and ``viewer.is_staff`` send no statement in it,
    which Django refuses in an event loop.
    """
    if not is_coroutine_function(function):
        return function

    def ask(viewer: Any) -> Any:
        read_user(viewer)
        return async_to_sync(function)(viewer)

    return ask


def read_user(viewer: Any) -> None:
    """Read the user of a viewer, or of the viewer for whom an operation is planned, unless that has been done."""
    asked: Viewer = getattr(viewer, "viewer", viewer)
    _ = asked.is_authenticated


def required_value(viewer: Viewer, name: str) -> Any:
    """Return a value by name from the context, the request or its user; raise FraiseQLError if none has it."""
    value = viewer.look_up(name)
    if value is _MISSING:
        raise FraiseQLError(f"neither the context, nor the request, nor its user has {name!r}")
    return value
