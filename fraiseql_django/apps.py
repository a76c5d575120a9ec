"""The Django app: imports the declarations in the ``graphql`` module of every installed app, and those of schemas."""

from __future__ import annotations

from importlib import import_module
from logging import getLogger
from traceback import walk_tb
from types import ModuleType

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.utils.module_loading import module_has_submodule

from . import checks as checks  # importing them registers them
from . import invalidation
from .conf.settings import load, load_schema
from .declare.registry import Registry
from .declare.reporting import collecting
from .declare.schemas import registry_of
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
        raw = getattr(django_settings, "FRAISEQL", {})
        settings, _ = load(raw)
        modules: dict[str | None, str | None] = {None: settings.declarations_module}
        for name in settings.schemas:
            modules[name] = load_schema(raw, name)[0].declarations_module
        for schema, module in modules.items():
            for config in apps.get_app_configs() if module is not None else ():
                if config.module is not None:
                    _discover(config.module, str(module), registry_of(schema))


def _discover(app: ModuleType, name: str, registry: Registry) -> None:
    """Import a schema's module of declarations, if the app has one; keep its errors for the system checks.

    An exception from here would prevent every management command from running, ``check`` included.
    """
    module = f"{app.__name__}.{name}"
    with collecting(module) as problems:
        try:
            if module_has_submodule(app, name):
                import_module(module)
        except FraiseQLError as error:
            first, *others = str(error).splitlines()
            problems += [f"{module}{_line(error, module)}: {first}", *others]
        # a module may raise anything, and it may be one that has nothing to do with this package
        except Exception as error:
            log.debug("%s cannot be imported", module, exc_info=True)
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}{_origin(error, module)}"
            problems.append(
                f"{module}{_line(error, module)}, the module with declarations of the app {app.__name__!r}, cannot be "
                f"imported: {reason}; correct it, or if it has nothing to do with fraiseql_django, set "
                "FRAISEQL['DECLARATIONS_MODULE'] to the name that your own modules have"
            )
    registry.problems += problems


def _origin(error: BaseException, module: str) -> str:
    """Return where another module raised the error, or an empty string."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    if not frames or frames[-1].f_globals.get("__name__") in (module, __name__) or "<" in frames[-1].f_code.co_filename:
        return ""
    return f" ({frames[-1].f_code.co_filename}, line {frames[-1].f_lineno})"


def _line(error: BaseException, module: str) -> str:
    """Return ", line …" with the last line of the module in the traceback, or an empty string."""
    line = ""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == module:
            line = f", line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line
