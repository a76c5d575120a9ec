"""Operation → plan.

values      what arguments hold, with the parts that only execution knows left open
params      holes in the SQL, and what fills them
json        the ORM expressions that write JSON text
places      where values are read from: rows, JSON, rows that a key leads to
extracted   values of sources
computed, conditions, filters, ordering, pages   parts of a query
fields      which fields a selection set asks for
selection   the walk over the selection
schema_fields   introspection
complexity  what the operation may cost, and how much its mutations write
weight      what planning it takes
statement   ORM queries → one SQL statement
plan        SQL + holes + tables read; the plan cache
"""
