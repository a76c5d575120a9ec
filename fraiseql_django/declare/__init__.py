"""What a project writes: types, mutations, rules. Declarations are collected in a registry.

types               ``type``, ``field``, ``relation``
bulk                ``types``: the types of whole apps
mutations           ``mutation``, ``input``
model_mutations     ``create``, ``update``, ``delete``, ``upsert``, ``nested``
results             ``success``, ``error``, and the objects that mutations return
rules               permissions and row rules
registry            the declarations, until the schema is built from them
reporting           errors of declarations, collected while modules are imported
sources             views and tables that no model stands for
members             the fields that a class declares, and what in it would be dropped
secrets             columns that look like secrets
names, plurals      names in Python and in the database → names in GraphQL
unrestricted_reads  declarations that read past row rules
"""
