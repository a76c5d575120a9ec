"""Fields of one row that are compared with one another: ``{COMPARE: {returnedAt: {gt: dueAt}}}``.

Fields of one leaf type can be compared, and numbers with numbers. For each there is an enum of the fields that have it,
so that GraphQL refuses what PostgreSQL could not compare.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from graphql import GraphQLEnumType, GraphQLEnumValue, GraphQLInputField, GraphQLInputObjectType

from .definition import FieldDef, Shape
from .kinds import kind_of
from .operators import Comparable
from .operators.base import CHOOSES

_NUMBERS = frozenset({"Int", "BigInt", "Float", "Decimal"})
_EQUALITY = ("eq", "neq")
_ORDER = ("gt", "gte", "lt", "lte")


def _group(field: FieldDef) -> str | None:
    """Return the name of what a field can be compared with; None for nothing."""
    scalar: Comparable | None = kind_of(field).comparable(field)
    dimensions: int = getattr(field, "dimensions", 0)
    if scalar is None or dimensions or not scalar.equatable:
        return None
    if scalar.name in _NUMBERS:
        return "Number"
    # keys of different types are called IDs
    return scalar.name if scalar.name != "ID" else f"{scalar.cast.title().replace(' ', '')}ID"


def comparisons(definition: Shape) -> dict[str, GraphQLInputField]:
    """Return the conditions on each field that can be compared with another one, by its name."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, field in definition.fields.items():
        if (group := _group(field)) is not None:
            groups[group].append(name)
    found: dict[str, GraphQLInputField] = {}
    for group, names in groups.items():
        if len(names) > 1:
            graphql = _comparison(definition, group, names)
            found |= {name: GraphQLInputField(graphql) for name in names}
    return {name: found[name] for name in definition.fields if name in found}


def _comparison(definition: Shape, group: str, names: list[str]) -> GraphQLInputObjectType:
    enum = GraphQLEnumType(
        f"{definition.name}{group}Field",
        {name: GraphQLEnumValue(name) for name in names},
        description=f"Fields of {definition.name} that can be compared with one another.",
        extensions=CHOOSES,
    )
    scalars = [kind_of(definition.fields[name]).comparable(definition.fields[name]) for name in names]
    operators = (*_EQUALITY, *(_ORDER if all(scalar.ordered for scalar in scalars) else ()))
    signs: Mapping[str, str] = {
        "eq": "Equals", "neq": "Differs from", "gt": "Is greater than", "gte": "Is greater than or equals",
        "lt": "Is less than", "lte": "Is less than or equals",
    }  # fmt: skip
    return GraphQLInputObjectType(
        f"{definition.name}{group}Comparison",
        {name: GraphQLInputField(enum, description=f"{signs[name]} this field.") for name in operators},
        description="A field compared with others of the same row; all conditions must hold.",
    )
