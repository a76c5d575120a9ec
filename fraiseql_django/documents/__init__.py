"""Documents that requests refer to by an identifier: trusted documents and automatic persisted queries.

At run time:

store        all documents of one engine
trusted      identifiers; trusted documents, read from a folder or a manifest
persisted    automatic persisted queries in the cache

For ``manage.py fraiseql_trust``:

extraction   source files of clients → GraphQL snippets
bundle       snippets → one document for each operation
formats      documents → the files of a folder or a manifest
"""
