"""Mutations from models: create, update, delete, upsert (declared in ``declare.model_mutations``).

describe     declarations, checked against the model → MutationDef
fields       which columns and relations clients may write
inputs       their input types
perform      runs a mutation: arguments, permissions, writes, result
steps        create, update, delete and upsert
rows         rows that a client names by key: visible ones, locked
writer       objects written by their input
relations    nested writes
validation   Django's validation, as errors with paths
visibility   whether the viewer sees what was written
access       permissions for what an input does
forms        the same through a ModelForm
repeatable   whether a mutation may run again after a deadlock
"""
