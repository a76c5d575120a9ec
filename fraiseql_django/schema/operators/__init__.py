"""The table of operators: the schema offers what is in it, the planner executes its SQL.

    base        what operators are, and transforms of values
    comparison  operators of all types, and of arrays
    texts, search, moments, documents, ranges, extensions
                operators by the type of value
    own         operators that a project declares

``BUILT_IN`` has all that the package comes with. A schema has a table of those, without the operators of extensions
that ``EXTENSIONS`` does not name, and of the project's own.
"""

from __future__ import annotations

from .base import (
    VALUE,
    Argument,
    Binding,
    Comparable,
    Entry,
    Items,
    Operator,
    Result,
    Takes,
    Transform,
)
from .comparison import ARRAYS, COMPARISON, EQUAL
from .documents import DOCUMENTS
from .extensions import LTREE, VECTORS
from .moments import MOMENTS
from .ranges import NETWORK, RANGES
from .search import SEARCH
from .table import NEGATION, OperatorTable
from .texts import TEXTS

BUILT_IN: tuple[Entry, ...] = (
    *COMPARISON, *TEXTS, *SEARCH, *MOMENTS, *ARRAYS, *DOCUMENTS, *RANGES, *NETWORK, *LTREE, *VECTORS,
)  # fmt: skip

__all__ = [
    "BUILT_IN", "EQUAL", "NEGATION", "VALUE", "Argument", "Binding", "Comparable", "Entry", "Items", "Operator",
    "OperatorTable", "Result", "Takes", "Transform",
]  # fmt: skip
