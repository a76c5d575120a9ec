"""The user of a request that is asked for in coroutines and in synchronous code."""

from __future__ import annotations

from typing import Any


def share_user(request: Any) -> None:
    """Let ``request.user`` return the user that ``await request.auser()`` has read, instead of reading it again.

    Relies on the attributes in which Django's AuthenticationMiddleware keeps both: ``_cached_user``, ``_acached_user``.
    A user that something else has set on the request stays.
    """
    read = getattr(request, "_acached_user", None)
    if read is not None and not hasattr(request, "_cached_user"):
        request._cached_user = read
