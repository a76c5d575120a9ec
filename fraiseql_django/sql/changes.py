"""What changed in .sql files since the migrations, as operations and migrations that make it so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

from django.apps import AppConfig, apps
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from ..errors import DeclarationError
from ..invalidation.names import models_by_table
from .files import frozen, paths, texts
from .operations import CreateFunction, CreateView, DropFunction, DropView
from .script import Object, dropped, mentions, read_script, same_text, written_name

# What a migration is called until it has its number
_UNNAMED = "custom"


def operations(old: Mapping[str, str], new: Mapping[str, str]) -> list[Operation]:
    """Return the operations that take the database from some files' text to another, both by file name.

    What depends on something that must be dropped is dropped before it and made again after it.
    """
    changed = {file for file in {*old, *new} if not _same(old.get(file), new.get(file))}
    again = _dependents(old, new, changed)
    gone = [file for file in reversed(_ordered(old)) if file in again or (file in changed and file not in new)]
    made = [file for file in _ordered(new) if file in changed or file in again]
    return [
        *(_drop(file, old[file]) for file in gone),
        *(_create(file, new[file], None if file in gone else old.get(file)) for file in made),
    ]


def migrations(labels: Collection[str], name: str | None) -> list[Migration]:
    """Return the migrations that apps need, each with its number, name and dependencies.

    ``labels`` are those of the apps to look at, all when empty. Raises DeclarationError for files that cannot be
    used, and for migrations that nothing can be added to.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    found: dict[str, list[Migration]] = {}
    configs = [config for config in apps.get_app_configs() if not labels or config.label in labels]
    for config in sorted(configs, key=lambda config: config.label):
        kept = {file: item.text for file, item in frozen(loader, config.label).items()}
        if needed := operations(kept, texts(config)):
            _check(loader, config)
            found[config.label] = [_migration(config.label, needed)]
    _depend(loader, {label: migration for label, (migration,) in found.items()})
    detector = MigrationAutodetector(ProjectState(), ProjectState(), MigrationQuestioner(specified_apps=set(found)))
    arranged = detector.arrange_for_graph(found, loader.graph, name)
    return [migration for numbered in arranged.values() for migration in numbered]


def _migration(app_label: str, needed: list[Operation]) -> Migration:
    migration = Migration(_UNNAMED, app_label)
    # class variables to the stubs; Django's autodetector fills them likewise
    migration.operations = needed  # type: ignore[misc]
    return migration


def _same(old: str | None, new: str | None) -> bool:
    return old is not None and new is not None and same_text(old, new)


def _objects(text: str | None) -> list[Object]:
    return [] if text is None else read_script(text).objects


def _bare(objects: Iterable[Object]) -> set[str]:
    return {item.name[-1] for item in objects}


def _dependents(old: Mapping[str, str], new: Mapping[str, str], changed: Collection[str]) -> set[str]:
    """Return the files whose objects must go before others can: they name one that is dropped, outside of strings."""
    found: set[str] = set()
    waiting = {file: _lost(old[file], new.get(file)) for file in changed if file in old}
    while waiting:
        file, lost = waiting.popitem()
        for other in old.keys() - found - {file}:
            if mentions(old[other], _bare(lost), in_strings=False):
                found.add(other)
                waiting[other] = _objects(old[other])
    return found


def _lost(old: str, new: str | None) -> list[Object]:
    return dropped(read_script(old), None if new is None else read_script(new))


def _ordered(files: Mapping[str, str]) -> list[str]:
    """Return files by name, but each after those whose objects it mentions; two that mention each other by name."""
    owners = {name: file for file in files for name in _bare(_objects(files[file]))}
    named = {file: {owners[name] for name in mentions(files[file], owners, in_strings=True)} for file in files}
    return _after(files, lambda file: named[file])


def _after(items: Iterable[str], before: Callable[[str], Iterable[str]]) -> list[str]:
    """Return items in order of name, each after those that must come before it, unless they must so in a circle."""
    found: dict[str, None] = {}
    entered: set[str] = set()

    def visit(item: str) -> None:
        if item not in entered:
            entered.add(item)
            for other in sorted(before(item)):
                visit(other)
            found[item] = None

    for item in sorted(items):
        visit(item)
    return list(found)


def _create(file: str, text: str, before: str | None) -> Operation:
    first = _objects(text)[0]
    cls = CreateView if first.is_view else CreateFunction
    return cls(written_name(first.name), text, file=file, reverse_sql=before)


def _drop(file: str, text: str) -> Operation:
    first = _objects(text)[0]
    cls = DropView if first.is_view else DropFunction
    return cls(written_name(first.name), text, file=file)


def _check(loader: MigrationLoader, config: AppConfig) -> None:
    """Raise DeclarationError where a migration of the app would have no place."""
    label = config.label
    if leaves := loader.detect_conflicts().get(label):
        raise DeclarationError(
            f"{label} has several latest migrations ({', '.join(sorted(leaves))}); "
            f"merge them: manage.py makemigrations --merge"
        )
    if loader.migrations_module(label)[0] is None:
        raise DeclarationError(f"{label} has .sql files, but MIGRATION_MODULES switches its migrations off")
    if label in loader.unmigrated_apps and any(config.get_models()):
        raise DeclarationError(
            f"{label} has models but no migrations; make those first: manage.py makemigrations {label}"
        )


def _depend(loader: MigrationLoader, pending: Mapping[str, Migration]) -> None:
    """Let each migration depend on the latest of the apps whose tables, views and functions its text mentions."""
    owners = _owners()
    named = {label: _mentioned(migration, owners) - {label} for label, migration in pending.items()}
    order = _after(pending, lambda label: named[label] & pending.keys())
    for place, label in enumerate(order):
        own = {key for leaf in loader.graph.leaf_nodes(label) for key in loader.graph.forwards_plan(leaf)}
        for other in sorted(named[label]):
            leaves = [leaf for leaf in loader.graph.leaf_nodes(other) if leaf not in own]
            cast(list[Any], pending[label].dependencies).extend(
                [(other, _UNNAMED)] if other in order[:place] else leaves
            )


def _owners() -> dict[str, str]:
    """Return the app of every table, and of every view and function of a file, by bare name."""
    found = {table: models[0]._meta.app_label for table, models in models_by_table().items()}
    for config in apps.get_app_configs():
        if paths(config):
            found |= {name: config.label for text in texts(config).values() for name in _bare(_objects(text))}
    return found


def _mentioned(migration: Migration, owners: Mapping[str, str]) -> set[str]:
    made = [item.sql for item in migration.operations if isinstance(item, (CreateView, CreateFunction))]
    return {owners[name] for text in made for name in mentions(text, owners, in_strings=True)}
