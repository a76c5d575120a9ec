"""What clients of the checker may ask, and change."""

import fraiseql_django as fraiseql

from .models import Child, Copy, Counter, Item, Label, Parent, Part, Scratch, Seen, Snapshot, Total

LISTS = ["single", "plural", "connection", "aggregate"]


@fraiseql.type(Label, fields=["id"], queries=[])
class LabelType:
    """A label."""


@fraiseql.type(Counter, fields="__all__", queries=LISTS)
class CounterType:
    """A counter, with its labels and items."""


@fraiseql.type(Item, fields="__all__", queries=["single", "plural"])
class ItemType:
    """An item, with its counter."""


@fraiseql.type(Parent, fields=["id", "children"], queries=["plural"])
class ParentType:
    """A parent, with its child."""


@fraiseql.type(Child, fields=["id", "value"], plural="children")
class ChildType:
    """A child."""


@fraiseql.type(Copy, fields="__all__", plural="copies")
class CopyType:
    """What a trigger has copied."""


@fraiseql.type(Part, fields="__all__")
class PartType:
    """A row of a partition."""


@fraiseql.type(Scratch, fields="__all__", plural="scratches")
class ScratchType:
    """A row of a table that is truncated."""


@fraiseql.type(Snapshot, fields="__all__")
class SnapshotType:
    """A row of a materialized view."""


@fraiseql.type(Seen, fields="__all__", queries=["single", "plural"], plural="views")
class SeenType:
    """A counter, through two views."""


@fraiseql.type(Total, fields="__all__")
class TotalType:
    """The sum of a shelf."""


fraiseql.update(CounterType, fields=["value"])


@fraiseql.mutation
def set_counter(info: fraiseql.Info, id: int, value: fraiseql.BigInt) -> CounterType:
    """Write a counter in Python."""
    counter = Counter.objects.get(pk=id)
    counter.value = value
    counter.save()
    return counter


@fraiseql.success
class PutCounterSuccess:
    """The counter as it was put."""

    counter: CounterType


@fraiseql.error
class PutCounterError:
    """Never happens."""


@fraiseql.input
class PutCounterInput:
    """What to put where."""

    id: int
    value: fraiseql.BigInt


@fraiseql.mutation(function="checker_put_counter")
class PutCounter:
    """Write a counter by a function of PostgreSQL's."""

    input: PutCounterInput
    success: PutCounterSuccess
    error: PutCounterError
