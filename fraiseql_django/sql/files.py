"""The .sql files of apps, compared with the text that migrations keep of them.

A file ``sql/v_book.sql`` of an app and the latest ``CreateView`` with ``file="sql/v_book.sql"`` in its migrations
should have the same text. ``differences`` describes where they do not, for a system check; ``migrations`` returns the
migrations that are missing. The database is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.apps import AppConfig, apps
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.exceptions import BadMigrationError, CircularDependencyError, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from ..errors import DeclarationError
from ..invalidation.names import models_by_table
from .operations import CreateFunction, CreateView, DropFunction, DropView
from .script import SQLObject, dropped, mentions, read_script, same_text, written_name

FOLDER = "sql"
# Directories in which pip installs packages
_INSTALLED = frozenset({"site-packages", "dist-packages"})
# Name of a migration until arrange_for_graph() gives it one with a number
_UNNAMED = "custom"


# --- the two texts ---


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratedText:
    """The text of a file in the latest migration that has one, and the name of that migration."""

    text: str
    migration: str


def paths(config: AppConfig) -> list[Path]:
    """Return the paths of an app's .sql files, sorted by name; none for an app that pip has installed.

    Migrations of installed packages are the task of their authors.
    """
    folder = Path(config.path) / FOLDER
    return [] if _INSTALLED.intersection(folder.parts) else sorted(folder.glob("*.sql"))


def texts(config: AppConfig) -> dict[str, str]:
    """Return the texts of an app's .sql files by name, for instance "sql/v_book.sql".

    Raises DeclarationError with a line for each file that cannot be read, or that creates an object of another file.
    """
    result: dict[str, str] = {}
    creators: dict[tuple[object, ...], str] = {}
    problems = []
    for path in paths(config):
        file = f"{FOLDER}/{path.name}"
        try:
            result[file] = path.read_text(encoding="utf-8-sig")
            for item in read_script(result[file]).objects:
                if (other := creators.setdefault((item.is_view, item.name, item.header), file)) != file:
                    problems.append(f"{config.label}/{file}: {other} creates {written_name(item.name)} as well")
        except (OSError, ValueError) as error:
            problems.append(f"{config.label}/{file}: {error}")
    if problems:
        raise DeclarationError("\n".join(problems))
    return result


def migrated_texts(loader: MigrationLoader, app_label: str) -> dict[str, MigratedText]:
    """Return the texts of files in an app's migrations, by file, the oldest first; without dropped files."""
    result: dict[str, MigratedText] = {}
    for migration in _in_order(loader, app_label):
        for operation in _flattened(migration.operations):
            if isinstance(operation, (CreateView, CreateFunction)) and operation.file:
                # the latest migration of a file decides on its position
                result.pop(operation.file, None)
                result[operation.file] = MigratedText(text=operation.sql, migration=migration.name)
            elif isinstance(operation, (DropView, DropFunction)) and operation.file:
                result.pop(operation.file, None)
    return result


def _in_order(loader: MigrationLoader, app_label: str) -> list[Migration]:
    nodes: Mapping[tuple[str, str], Migration] = loader.graph.nodes
    plan = [key for leaf in loader.graph.leaf_nodes(app_label) for key in loader.graph.forwards_plan(leaf)]
    return [nodes[key] for key in dict.fromkeys(plan) if key[0] == app_label]


def _flattened(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the operations, including those in SeparateDatabaseAndState."""
    for operation in operations:
        yield operation
        yield from _flattened(getattr(operation, "database_operations", ()))


# --- differences, for the system check ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A file that differs from the migrations or is invalid; ``description`` completes a sentence about it."""

    app_label: str
    file: str
    description: str


def differences(loader: MigrationLoader, config: AppConfig) -> Iterator[Difference]:
    """Yield the differences between an app's files and migrations; raises DeclarationError as ``texts`` does."""
    migrated, current = migrated_texts(loader, config.label), texts(config)
    for file in sorted({*migrated, *current}):
        if file not in migrated:
            description = "is in no migration"
        elif file not in current:
            description = f"was removed after migration {migrated[file].migration}"
        elif not same_text(migrated[file].text, current[file]):
            description = f"changed after migration {migrated[file].migration}"
        else:
            continue
        yield Difference(app_label=config.label, file=file, description=description)


def all_differences() -> list[Difference]:
    """Return the differences of all apps with .sql files, and the files that are invalid.

    Migrations are imported only if there is such an app. Errors in the graph of migrations are not reported, because
    Django's own commands do so.
    """
    configs = [config for config in apps.get_app_configs() if paths(config)]
    result: list[Difference] = []
    try:
        loader = MigrationLoader(None, ignore_no_migrations=True) if configs else None
    except (BadMigrationError, CircularDependencyError, NodeNotFoundError):
        return []
    for config in configs if loader else ():
        try:
            result += differences(loader, config)  # type: ignore[arg-type]
        except DeclarationError as error:
            result += _invalid(config.label, str(error).splitlines())
    return result


def _invalid(app_label: str, lines: Iterable[str]) -> Iterator[Difference]:
    for line in lines:
        file, _, problem = line.removeprefix(f"{app_label}/").partition(": ")
        yield Difference(app_label=app_label, file=file, description=f"is invalid: {problem}")


# --- operations ---


def operations(old: Mapping[str, str], new: Mapping[str, str]) -> list[Operation]:
    """Return the operations that replace the objects of the old texts by those of the new, both by file.

    Objects that depend on an object to be dropped are dropped before it and created again after it.
    """
    changed = {file for file in {*old, *new} if not _same(old.get(file), new.get(file))}
    recreated = _dependents(old, new, changed)
    dropped_files = [
        file for file in reversed(_ordered(old)) if file in recreated or (file in changed and file not in new)
    ]
    created_files = [file for file in _ordered(new) if file in changed or file in recreated]
    return [
        *(_drop(file, old[file]) for file in dropped_files),
        *(_create(file, new[file], None if file in dropped_files else old.get(file)) for file in created_files),
    ]


def _same(old: str | None, new: str | None) -> bool:
    return old is not None and new is not None and same_text(old, new)


def _dependents(old: Mapping[str, str], new: Mapping[str, str], changed: Collection[str]) -> set[str]:
    """Return the files whose objects depend on an object to be dropped: they name it outside of strings."""
    dependents: set[str] = set()
    waiting = {file: _dropped_objects(old[file], new.get(file)) for file in changed if file in old}
    while waiting:
        file, objects = waiting.popitem()
        for other in old.keys() - dependents - {file}:
            if mentions(old[other], _bare_names(objects), in_strings=False):
                dependents.add(other)
                waiting[other] = _objects(old[other])
    return dependents


def _dropped_objects(old: str, new: str | None) -> list[SQLObject]:
    return dropped(read_script(old), None if new is None else read_script(new))


def _ordered(files: Mapping[str, str]) -> list[str]:
    """Return the files by name, but each after those whose objects it mentions, unless they mention each other."""
    owners = {name: file for file in files for name in _bare_names(_objects(files[file]))}
    mentioned = {file: {owners[name] for name in mentions(files[file], owners, in_strings=True)} for file in files}
    return _sorted_after(files, lambda file: mentioned[file])


def _sorted_after(items: Iterable[str], before: Callable[[str], Iterable[str]]) -> list[str]:
    """Return the items by name, but each after the items that ``before`` returns, except in cycles."""
    result: dict[str, None] = {}
    entered: set[str] = set()

    def visit(item: str) -> None:
        if item not in entered:
            entered.add(item)
            for other in sorted(before(item)):
                visit(other)
            result[item] = None

    for item in sorted(items):
        visit(item)
    return list(result)


def _objects(text: str | None) -> list[SQLObject]:
    return [] if text is None else read_script(text).objects


def _bare_names(objects: Iterable[SQLObject]) -> set[str]:
    """Return the names without schema."""
    return {item.name[-1] for item in objects}


def _create(file: str, text: str, before: str | None) -> Operation:
    first = _objects(text)[0]
    cls = CreateView if first.is_view else CreateFunction
    return cls(written_name(first.name), text, file=file, reverse_sql=before)


def _drop(file: str, text: str) -> Operation:
    first = _objects(text)[0]
    cls = DropView if first.is_view else DropFunction
    return cls(written_name(first.name), text, file=file)


# --- migrations ---


def migrations(labels: Collection[str], name: str | None) -> list[Migration]:
    """Return the missing migrations of the apps with these labels, or of all apps, with numbers and dependencies.

    ``name`` is the name of each migration after its number; by default, it is derived from the operations. Raises
    DeclarationError for invalid files, and for apps to which no migration can be added.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    pending: dict[str, Migration] = {}
    configs = [config for config in apps.get_app_configs() if not labels or config.label in labels]
    for config in sorted(configs, key=lambda config: config.label):
        old = {file: item.text for file, item in migrated_texts(loader, config.label).items()}
        if needed := operations(old, texts(config)):
            _check_app(loader, config)
            pending[config.label] = _migration(config.label, needed)
    _add_dependencies(loader, pending)
    detector = MigrationAutodetector(ProjectState(), ProjectState(), MigrationQuestioner(specified_apps=set(pending)))
    arranged = detector.arrange_for_graph({label: [item] for label, item in pending.items()}, loader.graph, name)
    return [migration for numbered in arranged.values() for migration in numbered]


def _migration(app_label: str, needed: list[Operation]) -> Migration:
    migration = Migration(_UNNAMED, app_label)
    # class variables to the stubs; Django's autodetector sets them likewise
    migration.operations = needed  # type: ignore[misc]
    return migration


def _check_app(loader: MigrationLoader, config: AppConfig) -> None:
    """Raise DeclarationError if no migration can be added to an app."""
    label = config.label
    if leaves := loader.detect_conflicts().get(label):
        raise DeclarationError(
            f"{label} has several latest migrations ({', '.join(sorted(leaves))}); "
            f"merge them: manage.py makemigrations --merge"
        )
    if loader.migrations_module(label)[0] is None:
        raise DeclarationError(f"{label} has .sql files, but MIGRATION_MODULES disables its migrations")
    if label in loader.unmigrated_apps and any(config.get_models()):
        raise DeclarationError(
            f"{label} has models but no migrations; create those first: manage.py makemigrations {label}"
        )


def _add_dependencies(loader: MigrationLoader, pending: Mapping[str, Migration]) -> None:
    """Let each migration depend on the latest of the apps whose tables, views and functions its text mentions."""
    owners = _owners()
    mentioned = {label: _mentioned_apps(migration, owners) - {label} for label, migration in pending.items()}
    order = _sorted_after(pending, lambda label: mentioned[label] & pending.keys())
    for position, label in enumerate(order):
        own = {key for leaf in loader.graph.leaf_nodes(label) for key in loader.graph.forwards_plan(leaf)}
        for other in sorted(mentioned[label]):
            leaves = [leaf for leaf in loader.graph.leaf_nodes(other) if leaf not in own]
            cast(list[Any], pending[label].dependencies).extend(
                [(other, _UNNAMED)] if other in order[:position] else leaves
            )


def _owners() -> dict[str, str]:
    """Return the app of every table, and of every view and function in a file, by name without schema."""
    owners = {table: models[0]._meta.app_label for table, models in models_by_table().items()}
    for config in apps.get_app_configs():
        if paths(config):
            owners |= {name: config.label for text in texts(config).values() for name in _bare_names(_objects(text))}
    return owners


def _mentioned_apps(migration: Migration, owners: Mapping[str, str]) -> set[str]:
    created = [item.sql for item in migration.operations if isinstance(item, (CreateView, CreateFunction))]
    return {owners[name] for text in created for name in mentions(text, owners, in_strings=True)}
