"""Caches answers and counters in one of Django's caches.

base             the protocol of a cache
django           that protocol over a cache of ``CACHES``
connections      database connections of a cache's own, for a cache that keeps its values in a database
answers          answers with the versions of the tables that they were read from
encoding         compresses large answers
claims           claims by which one of several processes runs a statement for all
circuit_breaker  spares requests the wait for a cache that fails
lru              a bounded cache of a process's own work: documents and plans
"""
