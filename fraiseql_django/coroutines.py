"""A project's coroutine functions, called from synchronous code.

An operation runs in a thread. What a project declares by ``async def`` is awaited under ASGI in the event loop of the
server, which goes on with other requests meanwhile, and otherwise in a loop of its own. What such a function runs by
``sync_to_async``, as all of the ORM's asynchronous methods do, comes back to the thread of the operation, and so to its
connection and transaction.
"""

from __future__ import annotations

from asyncio import gather
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction


def is_coroutine_function(function: Any) -> bool:
    """Whether a function, or the ``__call__`` of an object, is declared by ``async def``."""
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(type(function), "__call__", None))  # noqa: B004


def synchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that runs a coroutine function to its end; any other function as it is."""
    if not is_coroutine_function(function):
        return function

    def call(*args: Any, **kwargs: Any) -> Any:
        # made for each call: it notes which event loop there is
        return async_to_sync(function)(*args, **kwargs)

    return call


def together(calls: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Await the results of several calls at the same time; what one raises stands in the place of its result."""
    return list(async_to_sync(_gather)(calls))


async def _gather(calls: Sequence[Callable[[], Awaitable[Any]]]) -> Sequence[Any]:
    return await gather(*(call() for call in calls), return_exceptions=True)
