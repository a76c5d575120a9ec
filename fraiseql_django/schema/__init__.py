"""What can be asked: declarations → descriptions → a graphql-core schema.

conventions     the settings that a schema is built with
scalars         Django's and PostgreSQL's types ↔ GraphQL's leaf types
definition      descriptions of types, fields and relations
kinds           what the schema shows of each kind of field
annotations     Python annotations, read
enums           declared choices → enum types
django_fields   a model's column → its description
model_types     types over models
source_types    types over views and tables
relations       which type a relation leads to, and how the ORM follows it
object_types    object types over no table, and what mutations return
protection      permissions and row rules of types, fields and mutations
describe        all declarations of types → descriptions
arguments       mutations: their description, and the types of their arguments
operators       the table of operators, by the types of values
field_comparisons  fields compared with one another
filter_inputs   ``where`` and ``orderBy``
build           descriptions → graphql-core schema
sdl             the schema as text
"""
