"""What a request finds around it: a tenant in a context variable, a desk in a thread-local; the rest is Django's."""

from contextvars import ContextVar
from threading import local

TENANT: ContextVar[str | None] = ContextVar("tenant", default=None)


class NoTenant(Exception):
    """Nobody has said whose rows are asked for."""


def tenant() -> str:
    """Return the tenant; raise NoTenant where there is none."""
    found = TENANT.get()
    if found is None:
        raise NoTenant
    return found


class Desk(local):
    """The desk that a thread works at, which a middleware sets by the user."""

    name = ""
    is_chief = False


DESK = Desk()
