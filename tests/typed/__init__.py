"""A project with every kind of declaration, for type checkers: what they infer is asserted, what they refuse expected.

declarations   types, fields, rules, scalars, operators, enums, mutations from models
operations     mutations and queries in Python, their inputs, results and ``Info``
refused        what is wrong with each line, by checker

``scripts.check_types`` checks it; ``tests/test_typed_project.py`` executes it.
"""
