"""The viewer while a plan is made: what a rule compares is a bind parameter, what it asks is recorded.

A rule that says ``Q(customer__user=viewer.id)`` makes one plan for everybody. One that says
``if viewer.is_staff`` makes two: the plan is for viewers who give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.contrib.auth import get_user_model
from django.db.models.expressions import BaseExpression

from ..errors import DeclarationError, FraiseQLError, InvalidInput
from ..schema.annotations import scalar
from ..schema.django_fields import SCALARS, ancestor, concrete
from ..schema.scalars.encoding import encode_text
from ..viewer import VIEWER, Viewer
from .expressions import Bind, Param

T = TypeVar("T")
# An attribute or method of a viewer with its arguments: ("has_perm", "shop.view_order")
Question = tuple[str, ...]


def ask(viewer: Viewer, question: Question) -> bool:
    """Return a viewer's answer to a question."""
    attribute = getattr(viewer, question[0])
    return bool(attribute(*question[1:]) if callable(attribute) else attribute)


@dataclass(frozen=True, slots=True)
class Plans(Generic[T]):
    """The plans of one operation and shape: one for each set of answers that viewers give to the questions of rules."""

    questions: tuple[Question, ...] = ()
    by_answers: Mapping[tuple[bool, ...], T] = field(default_factory=dict)

    def of(self, viewer: Viewer) -> T | None:
        """Return the plan for viewers who answer as this one does; None where there is none yet."""
        return self.by_answers.get(tuple(ask(viewer, question) for question in self.questions))

    def adding(self, plan: T, asked: Mapping[Question, bool], viewer: Viewer) -> Plans[T]:
        """Return these plans with one more; only the new one, where rules asked more questions for it."""
        questions = tuple(dict.fromkeys([*self.questions, *asked]))
        others = self.by_answers if len(questions) == len(self.questions) else {}
        return Plans(questions, {**others, tuple(ask(viewer, question) for question in questions): plan})


class Unknown(Param):
    """A value of the viewer that a plan does not know: SQL can compare it, a rule in Python must not."""

    def __bool__(self) -> bool:
        self._check()
        return True

    def __eq__(self, other: object) -> bool:
        # Django compares expressions with each other, and with an empty text for Oracle's sake
        if not isinstance(other, BaseExpression) and other != "":
            self._check()
        return super().__eq__(other)

    __hash__ = Param.__hash__

    def _check(self) -> None:
        # comparisons that Django makes when it compiles mean nothing
        if _RULING.get():
            raise DeclarationError(
                f"a rule used the value of {self.source.label} in Python, but only the statement has it; compare it "
                f"in a Q, and decide by is_authenticated, is_staff, is_superuser, has_perm(…) or has_role(…)"
            )


# Whether a row rule is being called
_RULING: ContextVar[bool] = ContextVar("ruling", default=False)


@contextmanager
def ruling() -> Iterator[None]:
    """Refuse that a row rule, called in this block, uses values of the viewer in Python."""
    token = _RULING.set(True)
    try:
        yield
    finally:
        _RULING.reset(token)


@dataclass(slots=True)
class PlannedViewer:
    """Stands for all viewers who give the same answers as this one; ``asked`` records them.

    ``scalars`` are the field classes of ``SCALARS``, by the class that each is treated as.
    """

    viewer: Viewer
    scalars: Mapping[type, type]
    asked: dict[Question, bool] = field(default_factory=dict)

    @property
    def id(self) -> Any:
        """The user's key, a bind parameter; null for one who is not signed in."""
        return Unknown(Bind(lambda variables: variables[VIEWER].id, _text, "viewer.id"), _user_key_type(self.scalars))

    @property
    def is_authenticated(self) -> bool:
        """Whether the user is signed in."""
        return self._ask("is_authenticated")

    @property
    def is_staff(self) -> bool:
        """Whether the user may use Django's admin."""
        return self._ask("is_staff")

    @property
    def is_superuser(self) -> bool:
        """Whether the user has every permission."""
        return self._ask("is_superuser")

    def has_perm(self, permission: str) -> bool:
        """Whether the user has a permission of Django's."""
        return self._ask("has_perm", permission)

    def has_role(self, role: str) -> bool:
        """Whether the user is in a group of Django's."""
        return self._ask("has_role", role)

    def value(self, name: str, type_: type = str) -> Any:
        """What the context, the request or its user holds under a name: a bind parameter; null for nothing."""
        known = scalar(type_)
        if known is None:
            raise DeclarationError(f"viewer.value({name!r}, {type_!r}): this type has no scalar")
        encode = known.encode

        where = f"viewer.value({name!r})"

        def text(value: Any) -> str | None:
            try:
                return None if value is None else encode(value)
            except InvalidInput as error:
                # not the client's mistake
                raise FraiseQLError(f"{where}: {error.message}") from None

        source = Bind(lambda variables: variables[VIEWER].value(name), text, where)
        return Unknown(source, known.cast)

    def _ask(self, *question: str) -> bool:
        if question not in self.asked:
            self.asked[question] = ask(self.viewer, question)
        return self.asked[question]


@dataclass(slots=True)
class DecidingViewer(PlannedViewer):
    """The viewer that permissions are given: they decide while a plan is made, so there is nothing to compare with."""

    @property
    def id(self) -> Any:
        """Refused: the plan is for many viewers."""
        raise DeclarationError(_DECIDES.format("viewer.id"))

    def value(self, name: str, type_: type = str) -> Any:
        """Refused: the plan is for many viewers."""
        raise DeclarationError(_DECIDES.format(f"viewer.value({name!r})"))


_DECIDES = (
    "a permission asked for {}, which only row rules compare with; decide by is_authenticated, is_staff, is_superuser, "
    "has_perm(…) or has_role(…)"
)


def _text(value: Any) -> str | None:
    return None if value is None else encode_text(str(value))


def _user_key_type(scalars: Mapping[type, type]) -> str:
    """Return the PostgreSQL type that users' keys are compared as."""
    stored = ancestor(concrete(get_user_model()._meta.pk), SCALARS, scalars)
    return "bigint" if stored is None else str(stored.cast)
