"""What may be asked.

scalars, leaves   Django and PostgreSQL types ↔ GraphQL types
values            columns with parts: files and ranges
definition        frozen descriptions of types, fields and relations
models, types     descriptions from Django models
relations         which type each relation leads to
sources, views    views and tables without a model, and their descriptions from annotations
describe          all declarations of types → descriptions
operators         the one table of operators
inputs            where and orderBy
arguments         arguments and results of Python functions
registry          what was declared
build             descriptions → graphql-core schema
"""
