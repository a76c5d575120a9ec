"""Migration operations for views, functions and watched tables; migrations import this path."""

from .sql.operations import CreateFunction, CreateView, DropFunction, DropView, UnwatchTables, WatchTables

__all__ = ["CreateFunction", "CreateView", "DropFunction", "DropView", "UnwatchTables", "WatchTables"]

# so that squashmigrations imports them from this module
for _operation in (CreateFunction, CreateView, DropFunction, DropView, UnwatchTables, WatchTables):
    _operation.__module__ = __name__
