"""The project's own SQL: text of views and functions, where it is kept, and what the database has of them.

tokens        SQL text → tokens → statements
script        statements → what they make, and what takes one text's objects to another's
files         .sql files of apps, and the text that migrations keep of them
changes       the difference of both → operations of a new migration

catalog       what the database knows of views and functions
samples       JSON documents → the fields that they have
declarations  both → Python source
"""
