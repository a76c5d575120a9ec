"""Sends statements to PostgreSQL over Django's connections.

base       the protocol: queries, statements that change rows, transactions, health
positions  how far a primary has written its log, and how far a replica has replayed it
django     that protocol over a Django connection
pipeline   statements through libpq: prepared once, several in one round trip
cursors    statements through psycopg's cursors, for connections that the pipeline cannot serve
"""
