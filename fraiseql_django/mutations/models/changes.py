"""Changes of a column that start from its value: which there are for which fields, and what they come to.

    {stock: {inc: -1}}    {tags: {append: ["new"]}}    {notes: {merge: {read: true}}}    {seenAt: {now: true}}

The row is locked, so nothing comes between reading the value and writing the new one; and what it comes to is known
before it is written, so it is validated like a value that a client sends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from graphql import GraphQLBoolean, GraphQLInputType, GraphQLList, GraphQLNonNull, GraphQLString

from ...declare.model_mutations import CHANGES
from ...schema.scalars.encoding import encode_text
from ...schema.scalars.graphql import DURATION

Prepare = Callable[[Any], Any]
# of decimal numbers while they are computed: more than most columns hold (PostgreSQL documentation, 8.1)
_DIGITS = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """One way to change a column.

    Its operand is of the type ``graphql``, and ``prepare`` turns it into what ``result`` takes, with the field and its
    value. ``from_null`` says that it may start from a column that is null.
    """

    name: str
    graphql: GraphQLInputType
    prepare: Prepare
    result: Callable[[models.Field[Any, Any], Any, Any], Any]
    from_null: bool = False


def changes_of(field: models.Field[Any, Any], graphql: GraphQLInputType, prepare: Prepare) -> dict[str, Change]:
    """Return the ways in which a column can be changed, by name.

    ``graphql`` is the type of its values in inputs, and ``prepare`` what the model takes of them.
    """
    found = [Change(name="set", graphql=graphql, prepare=prepare, result=_given, from_null=True)]
    if isinstance(field, models.FileField):
        # its content is validated by a form, and stored by save()
        return {}
    if field.choices:
        return {"set": found[0]}
    if isinstance(field, (models.IntegerField, models.FloatField, models.DecimalField)):
        found.append(Change(name="inc", graphql=graphql, prepare=prepare, result=_sum_of_numbers))
        found.append(Change(name="mul", graphql=graphql, prepare=prepare, result=_product))
    elif isinstance(field, (models.DurationField, models.DateTimeField)):
        found.append(Change(name="inc", graphql=DURATION, prepare=_unchanged, result=_sum))
    elif isinstance(field, (ArrayField, models.CharField, models.TextField)):
        for name, result in (("append", _after), ("prepend", _before)):
            found.append(Change(name=name, graphql=graphql, prepare=prepare, result=result, from_null=True))
    elif isinstance(field, models.JSONField):
        keys: Any = GraphQLList(GraphQLNonNull(GraphQLString))
        found.append(Change(name="merge", graphql=graphql, prepare=prepare, result=_merged, from_null=True))
        found.append(Change(name="remove_keys", graphql=keys, prepare=_texts, result=_without_keys, from_null=True))
    if isinstance(field, ArrayField):
        found.append(Change(name="remove", graphql=graphql, prepare=prepare, result=_without, from_null=True))
    if isinstance(field, models.DateTimeField):
        found.append(Change(name="now", graphql=GraphQLBoolean, prepare=_unchanged, result=_now, from_null=True))
    return {change.name: change for change in sorted(found, key=lambda change: CHANGES.index(change.name))}


def changed(changes: Mapping[str, Change], field: models.Field[Any, Any], before: Any, given: Mapping[str, Any]) -> Any:
    """Return what the input of a changed column comes to; raise ValidationError where it comes to nothing.

    InvalidInput is raised for an operand that PostgreSQL cannot store.
    """
    ways = [(way, operand) for way, operand in given.items() if operand is not None and operand is not False]
    if not ways and given == {"set": None}:
        return None
    if len(ways) != 1:
        raise ValidationError(_("Give exactly one field."), code="invalid")
    ((way, operand),) = ways
    change = changes[way]
    if isinstance(before, models.expressions.DatabaseDefault):
        before = None
    if before is None and not change.from_null:
        raise ValidationError(field.error_messages["null"], code="null")
    try:
        with localcontext(prec=_DIGITS):
            return change.result(field, before, change.prepare(operand))
    except (ArithmeticError, TypeError):
        # more than the type holds, or a stored value of another kind
        raise ValidationError(_("Enter a valid value."), code="invalid") from None


# --- what they come to ---


def _given(field: Any, before: Any, operand: Any) -> Any:
    return operand


def _sum(field: Any, before: Any, operand: Any) -> Any:
    return before + operand


def _sum_of_numbers(field: Any, before: Any, operand: Any) -> Any:
    # a scalar of the project's own may give another kind of number
    return _finite(field.to_python(before) + field.to_python(operand))


def _product(field: Any, before: Any, operand: Any) -> Any:
    found = _finite(field.to_python(before) * field.to_python(operand))
    if isinstance(found, Decimal) and field.decimal_places is not None:
        # as PostgreSQL rounds
        return found.quantize(Decimal(1).scaleb(-field.decimal_places), ROUND_HALF_UP)
    return found


def _finite(number: Any) -> Any:
    if isinstance(number, float) and not math.isfinite(number):
        raise OverflowError
    return number


def _after(field: Any, before: Any, operand: Any) -> Any:
    return operand if before is None else before + operand


def _before(field: Any, before: Any, operand: Any) -> Any:
    return operand if before is None else operand + before


def _without(field: Any, before: Any, operand: Any) -> Any:
    return None if before is None else [item for item in before if item not in operand]


def _merged(field: Any, before: Any, operand: Any) -> Any:
    return {**_object({} if before is None else before), **_object(operand)}


def _without_keys(field: Any, before: Any, operand: Sequence[str]) -> Any:
    return None if before is None else {key: item for key, item in _object(before).items() if key not in operand}


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _now(field: Any, before: Any, operand: Any) -> Any:
    return timezone.now()


# --- operands ---


def _unchanged(operand: Any) -> Any:
    return operand


def _texts(operand: Sequence[str]) -> Sequence[str]:
    for text in operand:
        encode_text(text)
    return operand
