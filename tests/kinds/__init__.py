"""Kinds of fields."""
