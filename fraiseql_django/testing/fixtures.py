"""The fixtures for pytest, under the name that a ``conftest.py`` can give: ``["fraiseql_django.testing.fixtures"]``.

pytest finds them by itself where this package is installed, by its entry point; see ``pytest_fraiseql_django``. Where
a project names them as well, they are still loaded once.
"""

pytest_plugins = ("pytest_fraiseql_django",)
