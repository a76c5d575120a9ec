"""The tests. A folder here tests the folder of that name in the package, or the example project.

What is not named after a folder of the package:

- this folder: tests of the package's top-level modules, of which folder may import which, and of the documentation;
- ``whole``: what spans the stages: the same answers by another way, row rules on every path, tenants;
- ``injection``: hostile and malformed requests to the whole endpoint;
- ``archive``, ``cabinet``, ``cascades``, ``ledger``, ``library``, ``zoo``: Django apps with models for tests, and
  ``sources`` with views over them;
- ``support`` and the other modules without ``test_``: what several folders share; ``conftest`` starts the servers.
"""
