"""What an answer shows that it must not: SQL, names of tables and columns, tracebacks, paths of files."""

import json
import os
import re
import tempfile
from functools import cache
from pathlib import Path

from django.apps import apps

import fraiseql_django

TELLING = [
    "SELECT ", "INSERT INTO ", 'UPDATE "', "DELETE FROM ", 'FROM "', "WHERE (", "::text", "::bigint", "LINE 1",
    "syntax error at", 'relation "', 'column "', 'constraint "', "CONTEXT:", "DETAIL:", "HINT:", "pg_catalog",
    "information_schema", "SQLSTATE", "psycopg", "libpq", "plpgsql", "PL/pgSQL", "Traceback", 'File "', ".py",
    "site-packages", "django.db", "django.core", "graphql.language", "fraiseql_", " object at 0x",
    # where the package, the standard library and files of the tests lie, wherever that is
    f"{Path(fraiseql_django.__file__).parent.parent}/", f"{Path(os.__file__).parent}/", f"{tempfile.gettempdir()}/",
    f"{Path.home()}/",
]  # fmt: skip


def leaks(answer: str, sent: str) -> set[str]:
    """Return what the answer shows and was not sent."""
    shown = answer.replace('\\"', '"')
    found = {text for text in TELLING if text in shown} | (_names() & set(re.findall(r"\w+", shown)))
    return {text for text in found if text not in sent}


def messages(body: object) -> str:
    """Return all that errors say, as text: data may be anything that was stored."""
    answers = body if isinstance(body, list) else [body]
    errors = [error for answer in answers if isinstance(answer, dict) for error in answer.get("errors", ())]
    return json.dumps(errors, ensure_ascii=False)


@cache
def _names() -> frozenset[str]:
    """Return the names of tables, and those of columns that are not also names in the schema: in camel case."""
    models = apps.get_models(include_auto_created=True)
    columns = {field.column for model in models for field in model._meta.local_fields if field.column}
    return frozenset({model._meta.db_table for model in models} | {name for name in columns if "_" in name})
