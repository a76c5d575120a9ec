"""Mutations from models: create, update, delete, upsert.

declare       the functions that a project calls
declaration   what was declared, checked against the model
fields        which columns and relations clients may write, and their input types
function      the mutation that a declaration becomes
run           rows found, changed and deleted
rows          rows that a client names: visible ones, locked
writer        objects written as an input says
relations     nested writes
validation    Django's validation, as errors with paths
access        permissions for what an input does
forms         the same through a ModelForm
"""
