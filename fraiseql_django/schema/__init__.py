"""Declarations → the GraphQL schema, and the descriptions that the planner works on.

definition      frozen descriptions of types and fields
kinds           what the schema shows of each kind of field
conventions     the settings that a schema is built with
annotations     Python's annotations, read
django_fields   which GraphQL type each Django field class has
model_types     types over models         relations      which type a relation leads to
source_types    types over views          object_types   types of classes
protection      permissions and row rules of types and fields
arguments       arguments and results of mutations
operators       the table of operators    filter_inputs  ``where`` and ``orderBy``
enums           declared choices
describe        all declarations of types → descriptions
build           descriptions → graphql-core schema
sdl             the schema as text
scalars         leaf types
"""
