"""Leaf types.

graphql     GraphQL's scalars beyond the specification's own
postgres    how PostgreSQL writes and reads each leaf type
numbers     numbers of JSON that keep their digits
encoding    Python values → the text that PostgreSQL reads
composite   columns that are objects with parts: files and ranges
"""
