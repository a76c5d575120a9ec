"""Migration operations for views and functions; migrations import this path."""

from .sql.operations import CreateFunction, CreateView, DropFunction, DropView

__all__ = ["CreateFunction", "CreateView", "DropFunction", "DropView"]

# so that squashmigrations imports them from this module
for _operation in (CreateFunction, CreateView, DropFunction, DropView):
    _operation.__module__ = __name__
