"""Who asks, while a plan is made: whatever is compared is a hole, whatever is decided is noted.

A rule that says ``Q(customer__user=viewer.id)`` makes one plan for everybody. One that says
``if viewer.is_staff`` makes two: the plan is for viewers of whom the same answer is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
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
# A question and what it is about: ("has_perm", "shop.view_order")
Question = tuple[str, ...]


def ask(viewer: Viewer, question: Question) -> bool:
    """Return a viewer's answer to a question."""
    found = getattr(viewer, question[0])
    return bool(found(*question[1:]) if callable(found) else found)


@dataclass(frozen=True, slots=True)
class Plans(Generic[T]):
    """The plans of one operation and shape: one for each set of answers to what rules have asked of viewers."""

    questions: tuple[Question, ...] = ()
    by_answers: Mapping[tuple[bool, ...], T] = field(default_factory=dict)

    def of(self, viewer: Viewer) -> T | None:
        """Return the plan for a viewer who answers as another one has."""
        return self.by_answers.get(tuple(ask(viewer, question) for question in self.questions))

    def adding(self, plan: T, asked: Mapping[Question, bool], viewer: Viewer) -> Plans[T]:
        """Return these plans with one more; it alone, where more has been asked for it than for them."""
        questions = tuple(dict.fromkeys([*self.questions, *asked]))
        others = self.by_answers if len(questions) == len(self.questions) else {}
        return Plans(questions, {**others, tuple(ask(viewer, question) for question in questions): plan})


class Unknown(Param):
    """A value of a viewer whom a plan does not know: SQL may compare it; a rule that does so in Python is refused."""

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
        # Django's own questions, when it compiles, mean nothing
        if _RULING.get():
            raise DeclarationError(
                f"a rule asked in Python what {self.source.label} is, which only the database is told; compare it in a "
                f"Q, and decide by is_authenticated, is_staff, is_superuser, has_perm(…) or has_role(…)"
            )


# Whether a row rule is being asked for its condition
_RULING: ContextVar[bool] = ContextVar("ruling", default=False)


@contextmanager
def ruling() -> Iterator[None]:
    """Hold a row rule, called in this block, to what may be asked in Python of a viewer."""
    token = _RULING.set(True)
    try:
        yield
    finally:
        _RULING.reset(token)


@dataclass(slots=True)
class PlannedViewer:
    """Stands for every viewer who answers the questions that are asked as this one does."""

    viewer: Viewer
    asked: dict[Question, bool] = field(default_factory=dict)

    @property
    def id(self) -> Any:
        """The user's key, a bind parameter; null for one who is not signed in."""
        return Unknown(Bind(lambda variables: variables[VIEWER].id, _text, "viewer.id"), _key_type())

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
                # no client has sent it
                raise FraiseQLError(f"{where}: {error.message}") from None

        source = Bind(lambda variables: variables[VIEWER].value(name), text, where)
        return Unknown(source, known.cast)

    def _ask(self, *question: str) -> bool:
        if question not in self.asked:
            self.asked[question] = ask(self.viewer, question)
        return self.asked[question]


@dataclass(slots=True)
class DecidingViewer(PlannedViewer):
    """What a permission is given: it decides while a plan is made, so it has nothing to compare with."""

    @property
    def id(self) -> Any:
        """Nothing: the plan is for many."""
        raise DeclarationError(_DECIDES.format("viewer.id"))

    def value(self, name: str, type_: type = str) -> Any:
        """Nothing: the plan is for many."""
        raise DeclarationError(_DECIDES.format(f"viewer.value({name!r})"))


_DECIDES = (
    "a permission asked for {}, which only row rules compare with; decide by is_authenticated, is_staff, is_superuser, "
    "has_perm(…) or has_role(…)"
)


def _text(value: Any) -> str | None:
    return None if value is None else encode_text(str(value))


@cache
def _key_type() -> str:
    """Return the PostgreSQL type that users' keys are compared as."""
    stored = ancestor(concrete(get_user_model()._meta.pk), SCALARS)
    return "bigint" if stored is None else str(stored.cast)
