"""Runs plans: answers from the cache, or from PostgreSQL.

executor      runs a plan's statement, and caches its answer
sharing       reads a missing answer once for all that miss it, in this process and across processes
flights       the statements of this process that several operations wait for
refreshing    answers from before a write, while a thread reads the new one
response      what the engine returns
failures      exceptions → GraphQL errors that clients may see
measured      counts and logs statements
session       session variables and the role that hold while a viewer's statements run
concurrency   limits how many statements run at once in this process
rate_limit    limits how many operations a viewer may run in a time
"""
