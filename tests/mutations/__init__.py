"""Mutations in Python and in PostgreSQL functions."""
