"""All declarations of types → their descriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..declare.registry import Registry, TypeDeclaration
from ..errors import DeclarationError
from ..invalidation.names import register
from .abstract_types import AbstractTypes
from .arguments import Arguments
from .collisions import built_in_names, colliding_roots
from .definition import Key, Shape, TypeDef
from .django_fields import ColumnDescriber
from .model_types import TypeDescriber, describe_key
from .protection import protected, rule_problems, with_missing_rows
from .relations import Targets, resolve_links
from .source_types import Shapes, SourceDescriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The types by name, the shapes of the objects in JSON that they lead to; and which built-in types fields have."""

    types: Mapping[str, TypeDef]
    shapes: Mapping[str, Shape]
    built_in: frozenset[str] = frozenset()


def describe_types(registry: Registry, arguments: Arguments, shapes: Shapes) -> tuple[Described, list[str]]:
    """Describe every declared type, and register the tables that their sources read; ``shapes`` takes those of JSON.

    Return them with all problems of all types, each with the model or source that the type is over.
    """
    outputs = arguments.outputs
    targets = Targets(registry)
    found: dict[str, TypeDef] = {}
    key_of: dict[str, Callable[[str, str], Key]] = {}
    problems: list[str] = []
    # those of one name as well
    used: list[Shape] = []
    for declaration in registry.types:
        if declaration.invalid:
            continue
        source = declaration.source
        describer = (
            TypeDescriber(declaration, targets, arguments)
            if source is None
            else SourceDescriber(declaration, source, targets, shapes, arguments)
        )
        try:
            described = describer.describe()
        except DeclarationError as error:
            problems += located(declaration, error, *rule_problems(declaration))
            continue
        try:
            used.append(described)
            found[declaration.name] = protected(described, declaration, outputs.conventions)
            key_of[declaration.name] = describer.key_of
            if source is not None:
                register(source.sql, source.reads)
        except DeclarationError as error:
            problems += located(declaration, error)
    problems += colliding_roots(registry.types, found)
    labels = {declaration.name: declaration.label for declaration in registry.types}
    found, unresolved = resolve_links(found, key_of)
    problems += [f"{labels[name]}: {line}" for name, line in unresolved]
    abstract = AbstractTypes(registry, found, outputs.conventions)
    if not problems:
        abstract.describe()
        found, problems = abstract.types, [*problems, *abstract.problems]
    built_in = built_in_names([*used, *shapes.found.values()])
    if not problems:
        try:
            found = with_missing_rows(found, shapes.found)
        except DeclarationError as error:
            problems += str(error).splitlines()
    described_shapes = {**shapes.found, **abstract.shapes}
    return Described(types=found, shapes=described_shapes, built_in=built_in), problems


def without_unusable_keys(registry: Registry, columns: ColumnDescriber) -> tuple[Registry, dict[str, str]]:
    """Return the registry without types of ``types`` whose keys clients cannot write, and the reasons by label."""
    left_out: dict[str, str] = {}
    for declaration in registry.types:
        if declaration.automatic:
            try:
                describe_key(declaration, columns)
            except DeclarationError as error:
                left_out[declaration.label] = str(error)
    usable = [declaration for declaration in registry.types if declaration.label not in left_out]
    return replace(registry, types=usable) if left_out else registry, left_out


def located(declaration: TypeDeclaration, *problems: object) -> list[str]:
    """Return the problems of a declaration, a line each, with what it is over."""
    lines = (line for problem in problems for line in str(problem).splitlines())
    return [f"{declaration.label}: {line}" for line in dict.fromkeys(lines)]
