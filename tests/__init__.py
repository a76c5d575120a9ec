"""The tests. A folder here tests the folder of that name in the package, or the example project.

What is not named after a folder of the package:

- this folder: tests of the package's top-level modules, of which folder may import which, and of the documentation;
- ``whole``: what spans the stages: the same answers by another way, row rules on every path, tenants;
- ``injection``: hostile and malformed requests to the whole endpoint;
- ``archive``, ``cabinet``, ``cascades``, ``ledger``, ``library``, ``zoo``: Django apps with models for tests, and
  ``sources`` with views over them;
- ``support`` and the other modules without ``test_``: what several folders share; ``conftest`` starts the servers.

``make test`` runs them in several processes, in any order. All use one PostgreSQL and one Redis, each process a
database and a prefix of keys of its own. So a test that looks at the server's processes looks at those of
``current_database()``, roles are named by ``role_name``, and what is about a server as a whole starts one for itself.

No test asserts how long something takes: count statements or calls, wait for the event itself, or set the clock.
"""
