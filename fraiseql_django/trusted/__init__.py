"""Trusted documents: the operations that a project's own clients were built with.

    documents     folder or manifest → documents by identifier
    extraction    a client's file → the GraphQL in it
    operations    GraphQL of all files → one document for each operation, validated
    formats       documents → folder or manifest

The first is what the server does, the others what ``manage.py fraiseql_trust`` does.
"""
