"""Migrations of views and functions."""
