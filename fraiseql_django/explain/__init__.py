"""What executing an operation takes, for ``manage.py fraiseql_explain``.

operation    plan → its statements, whether the answer is kept, its size against the limits
plans        statement → PostgreSQL's plan, in a read-only transaction that is rolled back
conditions   PostgreSQL's text of a condition or a sort key → the columns that an index could serve
candidates   plan → indexes that might help
trials       candidates → what PostgreSQL does with them, by HypoPG or in a transaction that is rolled back
report       all of it as text or as values for JSON
"""
