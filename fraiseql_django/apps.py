"""The Django app: imports the declarations in the ``graphql`` module of every installed app."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from . import checks as checks  # importing them registers them
from . import invalidation
from .declare.registry import default_registry
from .errors import FraiseQLError


class FraiseQLConfig(AppConfig):
    """Imports declarations and starts to watch writes for the invalidation of cached answers."""

    name = "fraiseql_django"
    label = "fraiseql_django"
    verbose_name = "FraiseQL"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Called by Django when all apps are loaded."""
        invalidation.install()
        for config in apps.get_app_configs():
            if config.module is not None and module_has_submodule(config.module, "graphql"):
                _discover(f"{config.name}.graphql")


def _discover(module: str) -> None:
    """Import a module of declarations; keep its errors for the system checks.

    An exception from here would prevent every management command from running, ``check`` included.
    """
    try:
        import_module(module)
    except FraiseQLError as error:
        first, *others = str(error).splitlines()
        default_registry.problems += [f"{module}{_line(error, module)}: {first}", *others]


def _line(error: BaseException, module: str) -> str:
    """Return ", line …" with the last line of the module in the traceback, or an empty string."""
    line = ""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == module:
            line = f", line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line
