"""What may be asked.

scalars, values   Django and PostgreSQL types ↔ GraphQL types
definition        frozen descriptions of types, fields and relations
models, types     descriptions from Django models
inputs            where and orderBy, and the one table of operators
arguments         arguments and results of Python functions
registry          what was declared
build             descriptions → graphql-core schema
"""
