"""A project's own views and functions: migrations for their SQL, and declarations generated from the database.

SQL text → migrations:

tokens        SQL text → tokens → statements
script        statements → the views and functions that they create; the statements that replace one script by another
operations    migration operations that run scripts
files         .sql files of apps, compared with the text in migrations → new migrations

Database → declarations:

inspection    views, tables and functions in PostgreSQL's catalogue
samples       JSON documents → the keys and types that they have
declarations  both → Python source of declarations
source        Python source: literals, docstrings, line breaks, names
"""
