"""Declare and query all models of one project; ``declare_projects`` runs this in the project's own environment."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import dj_database_url
import django
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils.module_loading import import_string
from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from scripts.project_settings import PROJECTS, Project

TEMPLATES: dict[str, Any] = {
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
            "sekizai.context_processors.sekizai",
            "cms.context_processors.cms_settings",
        ]
    },
}


class _NoMigrations:
    """MIGRATION_MODULES for which tables are created from the models as they are."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def set_up(project: Project) -> None:
    """Load the project's models, beside this package."""
    databases = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
    common: dict[str, Any] = {
        "DATABASES": databases,
        "MIGRATION_MODULES": _NoMigrations(),
        "FRAISEQL": {"MASK_ERRORS": False},
    }
    if project.module is not None:
        os.environ["DJANGO_SETTINGS_MODULE"] = project.module
        importlib.import_module(project.module)
        for name, value in common.items():
            setattr(settings, name, value)
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "fraiseql_django"]
    else:
        defaults = vars(importlib.import_module(project.defaults)) if project.defaults else {}
        settings.configure(
            SECRET_KEY="x",
            USE_TZ=True,
            INSTALLED_APPS=[*project.apps, "fraiseql_django"],
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            TEMPLATES=[TEMPLATES],
            ROOT_URLCONF=__name__,
            STATIC_URL="/static/",
            MEDIA_ROOT="/nowhere",
            **{name: value for name, value in defaults.items() if name.isupper()},
            **common,
            **project.settings,
        )
    django.setup()


# this module is ROOT_URLCONF as well
urlpatterns: list[Any] = []


class Report:
    """What was found: figures, notes and failures."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.notes: list[str] = []
        self.failures: list[str] = []

    def attempt(self, what: str, step: Callable[[], Any]) -> Any:
        """Return what a step returns; note its failure."""
        try:
            return step()
        # anything may be wrong with anything
        except Exception as error:
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
            return None


def looped(report: Report) -> Any:
    """Declare the models in a loop, each under the names of its app and its own; return the engine."""
    fraiseql = importlib.import_module("fraiseql_django")
    registry = fraiseql.Registry()
    for model in apps.get_models():
        name = f"{model._meta.app_label.title().replace('_', '')}{model.__name__}"
        cls = type(name, (), {"__module__": __name__})
        declare = partial(fraiseql.type, model, fields="__all__", name=name, registry=registry)
        report.attempt(f"declare {model._meta.label}", partial(_applied, declare, cls))
    return fraiseql.GraphQLEngine(registry=registry, cache=None)


def _applied(make: Callable[[], Callable[[type], type]], cls: type) -> type:
    return make()(cls)


def queries_of(engine: Any, tables: set[str]) -> Iterable[tuple[str, str]]:
    """Return a query of every list: all values of its type, and the key of each to-one relation and list below it."""
    query = engine.schema.graphql.query_type
    for definition in engine.schema.types.values():
        if definition.plural is not None and definition.model._meta.db_table in tables:
            yield (
                definition.name,
                f"{{ {definition.plural}(limit: 5) {{ {_selection(query.fields[definition.plural], 1)} }} }}",
            )


def _selection(field: Any, depth: int) -> str:
    found: GraphQLObjectType = get_named_type(field.type)
    parts = ["__typename"]
    for name, inner in found.fields.items():
        named = get_named_type(inner.type)
        if is_leaf_type(named):
            parts.append(name)
        elif depth:
            parts.append(f"{name} {{ {_selection(inner, depth - 1)} }}")
    return " ".join(parts)


def fill(report: Report) -> int:
    """Save an object of each model with the values that its fields have by themselves; return how many were saved."""
    saved = 0
    for model in apps.get_models():
        if not model._meta.managed or model._meta.proxy:
            continue
        try:
            with transaction.atomic(), connection.constraint_checks_disabled():
                models.Model.save_base(model(), raw=True)
                saved += 1
        # most models need a value that only their project knows
        except Exception:
            continue
    return saved


def main(project: str, path: str) -> None:
    """Write the report of a project to a file."""
    report, declared = Report(), PROJECTS[project]
    set_up(declared)
    fraiseql = importlib.import_module("fraiseql_django")
    all_models = apps.get_models()
    scope = import_string(declared.scope)() if declared.scope else nullcontext()
    with scope:
        begun = time.perf_counter()
        engine = looped(report)
        schema = report.attempt("the schema of the loop", lambda: engine.schema)
        seconds = time.perf_counter() - begun
        types = fraiseql.types("__all__")
        other = fraiseql.GraphQLEngine(cache=None)
        report.attempt("the schema of types('__all__')", lambda: other.schema)
        messages = report.attempt("check", lambda: checks.run_checks(tags=["fraiseql"])) or []
        report.failures += [f"check: {item}" for item in messages if item.level >= checks.ERROR]
        report.figures |= {
            "models": len(all_models),
            "types in the loop": len(schema.types) if schema else 0,
            "fields": sum(len(item.fields) for item in schema.types.values()) if schema else 0,
            "fields left out": sum(len(item.left_out) for item in schema.types.values()) if schema else 0,
            "s": round(seconds, 1),
            "types by types()": len(types),
            "warnings": sum(item.level < checks.ERROR for item in messages),
        }
        reasons = (
            [item.reason.partition("; ")[0] for item in schema.types.values() for item in item.left_out]
            if schema
            else []
        )
        report.notes += [f"left out: {reason}" for reason in reasons]
        report.notes += [f"without a type: {model._meta.label}: {reason}" for model, reason in types.left_out.items()]
        report.notes += [str(item).splitlines()[0] for item in messages if item.level < checks.ERROR]
        # tables alone, without what projects write into new ones
        with mock.patch.object(models.signals.post_migrate, "send"), mock.patch("sys.stdout"):
            call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
        report.figures["rows"] = fill(report)
        tables = set(connection.introspection.table_names(include_views=True))
        missing = {model._meta.label for model in all_models if model._meta.db_table not in tables}
        report.notes += [f"no table, so no query: {label}" for label in sorted(missing)]
        run = 0
        for source in (engine, other):
            for name, text in report.attempt("queries", partial(list, queries_of(source, tables))) or ():
                response = source.execute(text).json()
                run += 1
                if "errors" in response:
                    report.failures.append(f"query of {name}: {response['errors'][0]['message'][:1000]}")
        report.figures["queries run"] = run
    name = declared.packages[0]
    found = {"version": version(name), "figures": report.figures, "notes": report.notes, "failures": report.failures}
    Path(path).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
