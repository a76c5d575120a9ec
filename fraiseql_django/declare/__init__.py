"""What a project writes: types, mutations, rules. Declarations are collected in a registry.

types          ``type``, ``field``, ``relation``
mutations      ``mutation``, ``input``
results        ``success``, ``error``, and the objects that mutations return
rules          permissions and row rules
registry       the declarations, until the schema is built from them
sources        views and tables that no model stands for
names          Python's and the database's names → GraphQL's
unrestricted_reads   declarations that read past row rules
"""
