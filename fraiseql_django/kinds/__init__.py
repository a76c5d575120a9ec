"""Kinds of fields, one module each: what the schema shows of them, how they are planned, written, filtered and sorted.

    columns         a value in a column                      source_fields   a value of a source
    computed        a value of an ORM expression             json_objects    objects in JSON
    embedded        a value with parts: a file, a range      root_rows       fields of Query
    relations       other rows, as the models say            counts          how many rows a list has
    links           other rows, found by a key               results         what mutations return
    python_fields   a value that Python computes             mutations       fields of Mutation
    python_queries, database_queries   fields of Query that functions answer

``scalars`` and ``rows`` are what several of them have in common. A new kind is one more module, registered by being
imported here.
"""

from . import (
    columns,
    computed,
    counts,
    database_queries,
    embedded,
    json_objects,
    links,
    mutations,
    python_fields,
    python_queries,
    relations,
    results,
    root_rows,
    source_fields,
)

__all__ = [
    "columns", "computed", "counts", "database_queries", "embedded", "json_objects", "links",
    "mutations", "python_fields", "python_queries", "relations",
    "results", "root_rows", "source_fields",
]  # fmt: skip
