"""Integrations with other packages.

guardian   object permissions of django-guardian as row rules

Each module needs the optional dependency of its name, and is only imported by projects that use it.
"""
