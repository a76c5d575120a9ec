"""What mypy finds with the types of the installed package: ``mypy --strict typed.py``, which must find nothing."""

from typing import assert_type

import fraiseql_django as fraiseql

answer = fraiseql.get_engine().execute("{ __typename }")
assert_type(answer.body, bytes)
assert_type(fraiseql.__version__, str)

fraiseql.CachePolicy(max_age=60, scope="public")
# an ignore that is not needed is an error: without the package's types there would be one
fraiseql.CachePolicy(max_age="a minute")  # type: ignore[arg-type]
