"""Mutations from models: create, update, delete, upsert (declared in ``declare.model_mutations``).

describe     declarations, checked against the model → MutationDef
fields       which columns and relations clients may write
inputs       their input types
perform      runs a mutation: arguments, permissions, writes, result
steps        create, update, delete and upsert
chosen       update and delete of all rows that match a condition
finder       the rows that items of an input are about, checked
rows         rows by their keys: visible ones, locked
unique       what tells rows of a model, and versions of one row, apart
changes      changes that start from the value of a column
writer       objects written by their input
relations    nested writes
validation   Django's validation, as errors with paths
visibility   whether the viewer sees what was written
access       permissions for what an input does
forms        the same through a ModelForm
repeatable   whether a mutation may run again after a deadlock
"""
