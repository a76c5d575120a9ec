"""Documents known by an identifier: trusted documents and persisted queries.

store        the documents of one engine
trusted      trusted documents, read from a folder or a manifest
persisted    automatic persisted queries, kept in the cache
extraction   client source files → GraphQL snippets
bundle       snippets → one document for each operation
formats      documents → a folder or a manifest
"""
