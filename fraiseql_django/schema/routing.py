"""Where DATABASE_ROUTERS, or a default manager, send a model: an engine reads and writes one database.

A router that reads from replicas is no problem: the engine's database is then the one that the router writes to. Where
a router has no opinion, Django would use "default", and an engine its own database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, models

from .._django import all_parents, database_of_manager, database_of_routers, is_same_database
from ..conf.reader import Problem
from ..declare.model_mutations import ModelMutation
from ..declare.registry import Registry
from ..errors import ConfigurationError
from .build import Schema
from .definition import Relation, TypeDef

Model = type[models.Model]


@dataclass(frozen=True, slots=True)
class Route:
    """The databases that a model is read from and written to, by routers; None where none has an opinion."""

    read: str | None
    write: str | None

    def elsewhere(self, alias: str, *, to_write: bool = False) -> str | None:
        """Return the database that takes the place of ``alias``; None where ``alias`` will do.

        It does to read if the model is read from it or written to it, and to write only if it is written to it.
        """
        if self.read is None and self.write is None:
            return None
        read, write = self.read or DEFAULT_DB_ALIAS, self.write or DEFAULT_DB_ALIAS
        right = (write,) if to_write else (read, write)
        return None if any(is_same_database(alias, other) for other in right) else write if to_write else read


def route_of(model: Model) -> Route:
    """Ask the routers for a model."""
    return Route(database_of_routers(model, "db_for_read"), database_of_routers(model, "db_for_write"))


def require_here(model: Model, alias: str, *, to_write: bool = False) -> None:
    """Raise ConfigurationError where routers send a model, at this moment, to another database than the engine's."""
    other = route_of(model).elsewhere(alias, to_write=to_write)
    if other is not None:
        verb = "writes to" if to_write else "reads from"
        raise ConfigurationError(
            f"DATABASE_ROUTERS send {model._meta.label} to the database {other!r}, but the engine {verb} {alias!r}"
        )


def routing_problems(schema: Schema, registry: Registry, alias: str) -> Iterator[Problem]:
    """Return the models of a schema that are in another database, by their routers or default managers."""
    written = {
        declaration.type_declaration.model
        for declaration in registry.mutations
        if isinstance(declaration, ModelMutation)
    }
    reported: set[Model] = set()
    for definition in schema.types.values():
        if definition.source is not None:
            continue
        for model in _models_of(definition):
            problem = None if model in reported else _problem(model, alias, to_write=model in written)
            if problem is not None:
                reported.add(model)
                yield problem


def _problem(model: Model, alias: str, *, to_write: bool) -> Problem | None:
    label, route = model._meta.label, route_of(model)
    engines = f"but FRAISEQL['DATABASE'] is {alias!r}."
    own = database_of_manager(model)
    if own is not None and not is_same_database(alias, own):
        message = f"The default manager of {label} uses the database {own!r}, {engines}"
        return _elsewhere(message, own, "leave using() out of the manager")
    other = route.elsewhere(alias)
    if other is not None:
        message = f"DATABASE_ROUTERS send {label} to the database {other!r}, {engines}"
        replica = (
            f"If {other!r} is a replica, let db_for_write return {alias!r}, or write "
            f"{{'TEST': {{'MIRROR': {alias!r}}}}} in DATABASES[{other!r}]."
        )
        return _elsewhere(message, other, f"let the router return {alias!r}", replica)
    other = route.elsewhere(alias, to_write=True) if to_write else None
    if other is not None:
        message = f"DATABASE_ROUTERS send what is written to {label} to the database {other!r}, {engines}"
        return _elsewhere(message, other, "leave the mutations from this model out")
    return None


def _elsewhere(message: str, other: str, remedy: str, replica: str = "") -> Problem:
    hint = (
        f"Set DATABASE to {other!r}; or give the type a registry and an engine of its own, with "
        f"settings=replace(get_settings(), database={other!r}); or {remedy}. {replica}"
    )
    return Problem(id="fraiseql.E030", message=message, hint=hint.strip())


def _models_of(definition: TypeDef) -> Iterator[Model]:
    """Yield the models of a type's tables: its own, those that it inherits from, those between many and many."""
    yield definition.model
    yield from all_parents(definition.model)
    for field in definition.fields.values():
        if isinstance(field, Relation) and field.many:
            relation = definition.model._meta.get_field(field.path)
            through = getattr(relation, "through", None) or getattr(relation.remote_field, "through", None)
            if isinstance(through, type):
                yield through
