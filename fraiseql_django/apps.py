"""The Django app: declarations are found in every installed app's ``graphql`` module."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from . import checks as checks  # registered by being imported
from . import invalidation
from .declare.registry import default_registry
from .errors import FraiseQLError


class FraiseQLConfig(AppConfig):
    """Finds declarations and begins to see writes."""

    name = "fraiseql_django"
    label = "fraiseql_django"
    verbose_name = "FraiseQL"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Run once, when every app is loaded."""
        invalidation.install()
        for config in apps.get_app_configs():
            if config.module is not None and module_has_submodule(config.module, "graphql"):
                _discover(f"{config.name}.graphql")


def _discover(module: str) -> None:
    """Import a module of declarations; what is wrong with them is for the system checks to say.

    Raised here, it would keep every command from running, `check` among them.
    """
    try:
        import_module(module)
    except FraiseQLError as error:
        first, *others = str(error).splitlines()
        default_registry.problems += [f"{module}{_line(error, module)}: {first}", *others]


def _line(error: BaseException, module: str) -> str:
    """Return where in the module the error came up."""
    found = ""
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__") == module:
            found = f", line {step.tb_lineno}"
        step = step.tb_next
    return found
