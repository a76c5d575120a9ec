"""Kinds of fields, one module each: what the schema shows of them, how they are planned, written, filtered and sorted.

    columns         a value in a column                      source_fields   a value of a source
    computed        a value of an ORM expression             json_objects    objects in JSON
    embedded        a value with parts: a file, a range      root_rows       fields of Query
    relations       other rows, as the models say            counts          how many rows a list has
    links           other rows, found by a key               aggregates      sums, averages … of the rows of a list
    groups          the rows of a list in groups             results         what mutations return
                                                             mutations       fields of Mutation

``scalars`` and ``rows`` are what several of them have in common; ``group_keys`` is a part of ``groups``. A new kind is
one more module, registered by being imported here.
"""

from . import (
    aggregates,
    columns,
    computed,
    counts,
    embedded,
    groups,
    json_objects,
    links,
    mutations,
    relations,
    results,
    root_rows,
    source_fields,
)

__all__ = [
    "aggregates", "columns", "computed", "counts", "embedded", "groups", "json_objects", "links", "mutations",
    "relations", "results", "root_rows", "source_fields",
]  # fmt: skip
