"""Empty the tables after a test that has committed.

Django truncates every table and makes content types and permissions anew, which takes a third of a second here. This
deletes what is in the few tables that have rows, and keeps what migrations have left there while nobody has changed it.
"""

from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, transaction
from django.test import TransactionTestCase

from fraiseql_django.invalidation import catalog

_truncate_all = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# of a new database, by alias: a digest of each table that has rows
_new: dict[str, dict[str, str]] = {}


def install(aliases: list[str]) -> None:
    """Clean databases this way from now on; they are as migrations have left them."""
    _new.update({alias: _digests(alias, _filled(alias)) for alias in aliases})
    TransactionTestCase._fixture_teardown = _clean  # type: ignore[attr-defined]


def _clean(self: Any) -> None:
    aliases = self._databases_names(include_mirrors=False)
    if all(map(_delete, aliases)):
        # Django's way forgets the catalogue, as after a migration; reading it again takes 20 ms, to look 4
        for alias in aliases:
            catalog.agrees(connections[alias], catalog.generation())
    else:
        _truncate_all(self)
        install(aliases)


def _delete(alias: str) -> bool:
    """Delete all rows but those of a new database; return whether these are still there."""
    new = _new[alias]
    try:
        with transaction.atomic(alias), connections[alias].cursor() as cursor:
            filled = _filled(alias)
            for table in filled - new.keys():
                cursor.execute(f'DELETE FROM "{table}"')
            return new.keys() <= filled and _digests(alias, set(new)) == new
    except DatabaseError:
        # a test has left something that refers to the tables
        return False


def _filled(alias: str) -> set[str]:
    connection = connections[alias]
    tables = connection.introspection.django_table_names(include_views=False)
    # with a schema in their name, which Django leaves out
    tables += [model._meta.db_table for model in apps.get_models() if '"' in model._meta.db_table]
    with connection.cursor() as cursor:
        # few of the tables have ever had a row
        cursor.execute(
            """
            SELECT name FROM unnest(%s::text[]) name JOIN pg_class c ON c.oid = to_regclass('"' || name || '"')
            WHERE c.relkind = 'p' OR c.relkind = 'r' AND pg_relation_size(c.oid) > 0
            """,
            [tables],
        )
        used = [table for (table,) in cursor.fetchall()]
        if not used:
            return set()
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in used))
        return {table for (table,) in cursor.fetchall()}


def _digests(alias: str, tables: set[str]) -> dict[str, str]:
    found = {}
    with connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM \"{table}\" t")
            (found[table],) = cursor.fetchone()
    return found
