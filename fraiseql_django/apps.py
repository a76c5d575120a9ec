"""The Django app: imports the declarations in the ``graphql`` module of every installed app."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from logging import getLogger

from django.apps import AppConfig, apps
from django.conf import settings as django_settings

from . import checks as checks  # importing them registers them
from . import invalidation
from .conf.settings import load
from .declare.registry import default_registry
from .errors import FraiseQLError

log = getLogger(__name__)


class FraiseQLConfig(AppConfig):
    """Imports declarations and starts to watch writes for the invalidation of cached answers."""

    name = "fraiseql_django"
    label = "fraiseql_django"
    verbose_name = "FraiseQL"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Called by Django when all apps are loaded."""
        invalidation.install()
        # whatever else is wrong with the settings is reported by the checks
        settings, _ = load(getattr(django_settings, "FRAISEQL", {}))
        name = settings.declarations_module
        for config in apps.get_app_configs() if name is not None else ():
            if config.module is not None and config.name != self.name and hasattr(config.module, "__path__"):
                _discover(config.name, f"{config.name}.{name}")


def _discover(app: str, module: str) -> None:
    """Import a module of declarations, if the app has it; keep its errors for the system checks.

    An exception from here would prevent every management command from running, ``check`` included.
    """
    default_registry.collecting = module
    try:
        if find_spec(module) is not None:
            import_module(module)
    except FraiseQLError as error:
        first, *others = str(error).splitlines()
        default_registry.problems += [f"{module}{_line(error, module)}: {first}", *others]
    # a module may raise anything, and it may be one that has nothing to do with this package
    except Exception as error:
        log.exception("%s cannot be imported", module)
        default_registry.problems.append(
            f"{module}{_line(error, module)}, the module with declarations of the app {app!r}, cannot be imported: "
            f"{type(error).__name__}: {' '.join(str(error).split())}; correct it, or if it is not meant for "
            f"fraiseql_django, set FRAISEQL['DECLARATIONS_MODULE'] to the name that yours have"
        )
    finally:
        default_registry.collecting = None


def _line(error: BaseException, module: str) -> str:
    """Return ", line …" with the last line of the module in the traceback, or an empty string."""
    line = ""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == module:
            line = f", line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line
