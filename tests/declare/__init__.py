"""Declarations of types, fields, rules and mutations."""
