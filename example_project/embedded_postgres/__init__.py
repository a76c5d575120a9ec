"""
Django's PostgreSQL backend, except that the first connection starts the server.

The settings use it where there is no DATABASE_URL.
"""
