"""The .sql files of apps, and the text that migrations keep of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.apps import AppConfig, apps
from django.db.migrations import Migration
from django.db.migrations.exceptions import BadMigrationError, CircularDependencyError, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from ..errors import DeclarationError
from .operations import CreateFunction, CreateView, DropFunction, DropView
from .script import read_script, same_text, written_name

FOLDER = "sql"
# Where pip puts packages
_INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What the latest migration that is from a file keeps of it."""

    text: str
    migration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a file, or what is wrong with it, differs from the migrations; ``said`` continues its name."""

    app_label: str
    file: str
    said: str


def texts(config: AppConfig) -> dict[str, str]:
    """Return the text of an app's .sql files by name, for instance "sql/v_book.sql".

    Raises DeclarationError with a line for each that cannot be read, or makes what another makes.
    """
    found: dict[str, str] = {}
    made: dict[tuple[object, ...], str] = {}
    problems = []
    for path in paths(config):
        file = f"{FOLDER}/{path.name}"
        try:
            found[file] = path.read_text(encoding="utf-8-sig")
            for item in read_script(found[file]).objects:
                if (other := made.setdefault((item.is_view, item.name, item.header), file)) != file:
                    problems.append(f"{config.label}/{file}: {other} makes {written_name(item.name)} as well")
        except (OSError, ValueError) as error:
            problems.append(f"{config.label}/{file}: {error}")
    if problems:
        raise DeclarationError("\n".join(problems))
    return found


def paths(config: AppConfig) -> list[Path]:
    """Return the paths of an app's .sql files, by name; an installed package has its migrations, and none here."""
    folder = Path(config.path) / FOLDER
    return [] if _INSTALLED.intersection(folder.parts) else sorted(folder.glob("*.sql"))


def frozen(loader: MigrationLoader, app_label: str) -> dict[str, Frozen]:
    """Return what the app's migrations keep of files that are not dropped, by the file's name, the oldest first."""
    found: dict[str, Frozen] = {}
    for migration in _in_order(loader, app_label):
        for operation in _all(migration.operations):
            if isinstance(operation, (CreateView, CreateFunction)) and operation.file:
                found.pop(operation.file, None)
                found[operation.file] = Frozen(text=operation.sql, migration=migration.name)
            elif isinstance(operation, (DropView, DropFunction)) and operation.file:
                found.pop(operation.file, None)
    return found


def differences(loader: MigrationLoader, config: AppConfig) -> Iterator[Difference]:
    """Yield how an app's files differ from its migrations; raise DeclarationError as ``texts`` does."""
    kept, current = frozen(loader, config.label), texts(config)
    for file in sorted({*kept, *current}):
        if file not in kept:
            said = "is in no migration"
        elif file not in current:
            said = f"is gone since migration {kept[file].migration}"
        elif not same_text(kept[file].text, current[file]):
            said = f"changed since migration {kept[file].migration}"
        else:
            continue
        yield Difference(app_label=config.label, file=file, said=said)


def all_differences() -> list[Difference]:
    """Return how the files of all apps that have any differ from the migrations, or cannot be read.

    Migrations are imported only when there is such an app; migrations that do not fit together are for Django's
    own commands to report. The database is not asked.
    """
    configs = [config for config in apps.get_app_configs() if paths(config)]
    found: list[Difference] = []
    try:
        loader = MigrationLoader(None, ignore_no_migrations=True) if configs else None
    except (BadMigrationError, CircularDependencyError, NodeNotFoundError):
        return []
    for config in configs if loader else ():
        try:
            found += differences(loader, config)  # type: ignore[arg-type]
        except DeclarationError as error:
            found += _wrong(config.label, str(error).splitlines())
    return found


def _wrong(app_label: str, lines: Iterable[str]) -> Iterator[Difference]:
    for line in lines:
        file, _, said = line.removeprefix(f"{app_label}/").partition(": ")
        yield Difference(app_label=app_label, file=file, said=f"cannot be used: {said}")


def _in_order(loader: MigrationLoader, app_label: str) -> list[Migration]:
    nodes: Mapping[tuple[str, str], Migration] = loader.graph.nodes
    plan = [key for leaf in loader.graph.leaf_nodes(app_label) for key in loader.graph.forwards_plan(leaf)]
    return [nodes[key] for key in dict.fromkeys(plan) if key[0] == app_label]


def _all(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield operations, those within SeparateDatabaseAndState too."""
    for operation in operations:
        yield operation
        yield from _all(getattr(operation, "database_operations", ()))
