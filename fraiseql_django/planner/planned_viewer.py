"""The viewer while a plan is made: what a rule compares is a bind parameter, what it asks is recorded.

A rule that says ``Q(customer__user=viewer.id)`` makes one plan for everybody. One that says
``if viewer.is_staff`` makes two: the plan is for viewers who give the same answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db.models.expressions import BaseExpression

from ..errors import DeclarationError, FraiseQLError, InvalidInput
from ..schema.annotations import scalar
from ..schema.django_fields import SCALARS, ancestor, concrete
from ..schema.scalars.encoding import encode_text
from ..schema.scalars.postgres import Scalar
from ..viewer import Viewer
from .expressions import Param, ViewerBind


class Question(Protocol):
    """Something that Python decides at request time and a plan depends on; equal to the same question."""

    def __hash__(self) -> int:
        """Return the same for the same question."""
        ...

    def answer(self, planned: PlannedViewer) -> Hashable:
        """Decide it for a viewer, at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class OfViewer:
    """An attribute or method of a viewer with its arguments: ``has_perm``, "shop.view_order"."""

    attribute: str
    arguments: tuple[str, ...] = ()

    def answer(self, planned: PlannedViewer) -> bool:
        """Ask the viewer."""
        attribute = getattr(planned.viewer, self.attribute)
        return bool(attribute(*self.arguments) if callable(attribute) else attribute)


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
    """Stands for all viewers for whom the same is decided as for this one; ``asked`` records what, and the answers.

    ``scalars`` are the field classes of ``SCALARS``, by the class that each is treated as.
    """

    viewer: Viewer
    scalars: Mapping[type, type | Scalar]
    asked: dict[Question, Hashable] = field(default_factory=dict)
    # the rows that functions have chosen at this execution, by response key (``chosen_rows``); None before
    chosen: Mapping[str, Any] | None = None

    @property
    def id(self) -> Any:
        """The user's key, a bind parameter; null for one who is not signed in."""
        return Unknown(ViewerBind(lambda viewer: viewer.id, _text, "viewer.id"), _user_key_type(self.scalars))

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

    async def ahas_perm(self, permission: str) -> bool:
        """Whether the user has a permission of Django's, in a coroutine."""
        return await sync_to_async(self.has_perm)(permission)

    async def ahas_role(self, role: str) -> bool:
        """Whether the user is in a group of Django's, in a coroutine."""
        return await sync_to_async(self.has_role)(role)

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

        source = ViewerBind(lambda viewer: viewer.value(name), text, where)
        return Unknown(source, known.cast)

    def _ask(self, attribute: str, *arguments: str) -> bool:
        question = OfViewer(attribute, arguments)
        if question not in self.asked:
            self.asked[question] = question.answer(self)
        return bool(self.asked[question])


@dataclass(slots=True)
class DecidingViewer(PlannedViewer):
    """The viewer that permissions are given: they decide at every execution, so they may know who it is."""

    @property
    def id(self) -> Any:
        """The user's key; None for one who is not signed in."""
        return self.viewer.id

    def value(self, name: str, type_: type = str) -> Any:
        """What the context, the request or its user holds under a name; None for nothing."""
        return self.viewer.value(name, type_)


def _text(value: Any) -> str | None:
    return None if value is None else encode_text(str(value))


def _user_key_type(scalars: Mapping[type, type | Scalar]) -> str:
    """Return the PostgreSQL type that users' keys are compared as."""
    stored = ancestor(concrete(get_user_model()._meta.pk), SCALARS, scalars)
    return "bigint" if stored is None else str(stored.cast)
