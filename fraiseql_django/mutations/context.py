"""What a mutation's function is told, and what it may say of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ..declare.rules import RowRule, condition, restrict
from ..errors import FraiseQLError
from ..schema.conventions import Conventions
from ..schema.definition import TypeDef
from ..viewer import Viewer

M = TypeVar("M", bound=Model)
# By model, the row rules of the types over it, with the types' names
RowRules: TypeAlias = Mapping[Any, Sequence[tuple[str, RowRule]]]


def _unanswered(result: Any) -> Answer:
    raise FraiseQLError("only an Info that an engine made can answer")


class WrongResult(FraiseQLError):
    """A mutation returned something else than it declares."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON text of a mutation's selection; ``failed`` says that its result is an error."""

    text: bytes
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """An object of the type ``name``, of which JSON holds the values."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a mutation knows of the operation that it is a part of.

    ``request`` is the HTTP request, None where the engine is used without one. ``context`` is what the
    caller of ``engine.execute`` gave. ``database`` is the alias in DATABASES that the answer is read from.
    """

    field_name: str
    response_key: str
    operation_name: str | None
    request: HttpRequest | None
    context: Any
    database: str = "default"
    _conventions: Conventions = field(default_factory=Conventions, repr=False, compare=False)
    _may_introspect: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)
    _rules: RowRules = field(default_factory=dict, repr=False, compare=False)
    _types: Mapping[str, TypeDef] = field(default_factory=dict, repr=False, compare=False)
    _answer: Callable[[Any], Answer] = field(default=_unanswered, repr=False, compare=False)

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        return Viewer(self.request, self.context)

    @property
    def user(self) -> Any:
        """The user of the request as Django's authentication set it, or None."""
        return self.viewer.user

    def may_introspect(self) -> bool:
        """Whether the viewer may be told names of the schema (``INTROSPECTION``)."""
        return self._may_introspect()

    def has_rules(self, model: type[Model]) -> bool:
        """Whether a type over a model has a row rule."""
        return model._meta.concrete_model in self._rules

    def rules(self, model: type[Model]) -> Sequence[tuple[str, RowRule]]:
        """Return the row rules of the types over a model, with the types' names."""
        return self._rules.get(model._meta.concrete_model, ())

    def types_over(self, model: type[Model]) -> Sequence[TypeDef]:
        """Return the types over a model."""
        concrete = model._meta.concrete_model
        return [
            type_
            for type_ in self._types.values()
            if type_.source is None and type_.model._meta.concrete_model is concrete
        ]

    def visible(self, model: type[M]) -> QuerySet[M]:
        """Return the rows of a model that are there for the viewer: by its default manager and all types' row rules."""
        return passing(model, self.rules(model), self)

    def answer(self, result: Any) -> Any:
        """Read what the client selected of a result now, and return that: for what is about to be deleted.

        The mutation returns it in place of the result.
        """
        return self._answer(result)


def passing(model: type[M], rules: Sequence[tuple[str, RowRule]], info: Info) -> QuerySet[M]:
    """Return the rows of a model that its default manager shows, and that pass rules for the viewer."""
    rows: QuerySet[M] = model._default_manager.using(info.database)
    for name, rule in rules:
        rows = restrict(rows, condition(rule, info.viewer, name))
    return rows
