"""Models whose rows PostgreSQL itself deletes or changes: Django 6.1 and newer."""
