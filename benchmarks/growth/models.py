"""Models whose tables are made for the run, filled in SQL, and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models

COLUMNS = 200
LEVELS = 13


class Row(models.Model):
    """A row of which an answer takes about 1 kB."""

    text = models.TextField()

    def __str__(self) -> str:
        return str(self.pk)


class Node(models.Model):
    """A node of chains: 20 roots, each with one child, which has one, and so on."""

    level = models.IntegerField()
    name = models.TextField()
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """A row of a table that grows."""

    kind = models.IntegerField(db_index=True)
    label = models.TextField()

    def __str__(self) -> str:
        return self.label


def _module(**names: Any) -> dict[str, Any]:
    return {"__module__": __name__, "__doc__": "A model that is made for the run.", **names}


Wide: Any = type("Wide", (models.Model,), _module(**{f"c{number}": models.IntegerField() for number in range(COLUMNS)}))


def make_models(count: int) -> list[Any]:
    """Make models of ten fields each; each but the first refers to the one before it."""
    made: list[Any] = []
    for number in range(count):
        fields: dict[str, Any] = {f"text{place}": models.TextField() for place in range(5)}
        fields |= {f"number{place}": models.IntegerField() for place in range(4)}
        if made:
            fields["former"] = models.ForeignKey(made[-1], on_delete=models.CASCADE, related_name="later")
        made.append(type(f"Made{number}", (models.Model,), _module(**fields)))
    return made


FILLED = {
    Row: "INSERT INTO growth_row SELECT i, repeat(md5(i::text), 31) FROM generate_series(1, 100000) AS i",
    Node: f"""
        INSERT INTO growth_node (id, level, name, parent_id)
        SELECT level * 20 + i, level, 'node ' || i, CASE WHEN level > 0 THEN (level - 1) * 20 + i END
        FROM generate_series(0, {LEVELS}) AS level, generate_series(1, 20) AS i""",
    Wide: f"""
        INSERT INTO growth_wide SELECT i, {", ".join(f"i * {number}" for number in range(COLUMNS))}
        FROM generate_series(1, 100) AS i""",
    Event: None,
}


def fill_events(rows: int) -> None:
    """Fill the table that grows anew: 1,000 kinds, or fewer."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE growth_event")
        cursor.execute(
            "INSERT INTO growth_event SELECT i, i %% 1000, 'event ' || i FROM generate_series(1, %s) AS i", [rows]
        )
        cursor.execute("VACUUM ANALYZE growth_event")


@contextmanager
def tables() -> Iterator[None]:
    """Make and fill the tables, and drop them afterwards."""
    _drop()
    made = [*FILLED, *make_models(1)]
    try:
        for model in made:
            with connection.schema_editor() as editor:
                editor.create_model(model)
        with connection.cursor() as cursor:
            for sql in filter(None, FILLED.values()):
                cursor.execute(sql)
            cursor.execute("VACUUM ANALYZE growth_row, growth_node, growth_wide")
        yield
    finally:
        _drop()


def _drop() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS growth_row, growth_node, growth_wide, growth_event, growth_made0")
