"""Operation → plan: one SQL statement with bind parameters.

plan             an operation and its variables → plan, kept by the shape of the variables
arguments        literals and variables, as far as a plan depends on them
collect          the fields of a selection set
tree             what an operation reads, as frozen values
build            AST → tree, within a ``budget``, under the viewer's ``rules`` (``planned_viewer``)
cost             tree → what the operation may cost
kinds            what each kind of field does in these passes; the kinds stand in ``fraiseql_django.kinds``
compile          tree → ORM expressions: ``row_sets`` select rows, by ``filters`` and ``ordering``
locations        where a value is read from: a row, JSON, a row that only a subquery reaches
expressions      the ORM expressions that write SQL text, and bind parameters
json_values, source_values   how leaf values, and values of sources, are written
statement        ORM expressions → one SQL statement
payload          the answer of a mutation: what Python writes, and the rows in it
introspection    ``__schema`` and ``__type``
column_usage     which tables and columns the schema can read
"""
