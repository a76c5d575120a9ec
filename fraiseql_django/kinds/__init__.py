"""Kinds of fields, one module each: what the schema shows of them, how they are planned, written, filtered and sorted.

    columns         a value in a column                      source_fields   a value of a source
    computed        a value of an ORM expression             json_objects    objects in JSON
    embedded        a value with parts: a file, a range      root_rows       fields of Query
    relations       other rows, as the models say            counts          how many rows a list has
    links           other rows, found by a key               results         what mutations return
    generic         rows of any table, by content types      mutations       fields of Mutation
    branches        objects of abstract types, as one type   unions          rows of all types of an abstract type
    trees           rows above and below a row               tags            the tags of a row
    python_fields   a value that Python computes
    python_queries, database_queries                         fields of Query that functions answer
    connections     pages of a list of rows                  nodes           global ids, and rows found by them
    aggregates      sums, averages … of the rows of a list   groups          the rows of a list in groups

``scalars`` and ``rows`` are what several of them have in common; ``group_keys`` is a part of ``groups``. A new kind is
one more module, registered by being imported here.
"""

from . import (
    aggregates,
    branches,
    columns,
    computed,
    connections,
    counts,
    database_queries,
    embedded,
    generic,
    groups,
    json_objects,
    links,
    mutations,
    nodes,
    python_fields,
    python_queries,
    relations,
    results,
    root_rows,
    source_fields,
    tags,
    trees,
    unions,
)

__all__ = [
    "aggregates", "branches", "columns", "computed", "connections", "counts", "database_queries", "embedded", "generic",
    "groups", "json_objects", "links", "mutations", "nodes", "python_fields", "python_queries", "relations", "results",
    "root_rows", "source_fields", "tags",
    "trees", "unions",
]  # fmt: skip
