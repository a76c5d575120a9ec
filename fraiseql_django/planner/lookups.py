"""Objects that many rows share are written once, and looked up for each row.

All 3,500 tracks have one of 25 genres: instead of joining ``genre`` and writing ``{"name": …}`` for each track, the
statement has the texts of all genres in a jsonb object, which PostgreSQL makes when it first needs it, and only once:

    coalesce((SELECT jsonb_object_agg(key, json) FROM (SELECT id::text, '{"name":' || … FROM genre LIMIT 1000) …)
                 ->> track.genre_id::text,
             (SELECT '{"name":' || … FROM genre WHERE id = track.genre_id))

Which tables are small is known of the past only, and plans are kept. So no answer follows from it: a row that is not
among the texts is read by its key. The texts are bounded in number and length, lest they take longer than the answer,
or more than jsonb can hold.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Subquery

from .._django import all_rows, free_name
from ..invalidation.catalog import rows_of
from .expressions import SQL, Rows
from .kinds import TreeCompiler
from .locations import ROW, Row
from .row_sets import MANY_ROWS
from .tree import Selection

# A table is small if it has at most so many rows, and is read by so many times as many: a lookup is faster than a join
# from two or three times as many on (see docs/architecture.md)
_SMALL = 500
_SHARED_BY = 10


class Texts(Rows):
    """Texts by key, as jsonb: those of a query's rows, which selects key and text."""

    template = (
        "(SELECT jsonb_object_agg(fraiseql_texts.key, fraiseql_texts.json) "
        "FROM (%(subquery)s LIMIT 1000) AS fraiseql_texts(key, json) WHERE octet_length(fraiseql_texts.json) < 4000)"
    )
    empty = "NULL::jsonb"


def pays(compiler: TreeCompiler, model: type[models.Model]) -> bool:
    """Whether looking up the rows of a model is faster than joining them, for the rows that are being written."""
    count = rows_of(model, compiler.alias)
    return 0 < count <= _SMALL and compiler.expected >= max(MANY_ROWS, _SHARED_BY * count)


def looked_up(compiler: TreeCompiler, selection: Selection, name: str, here: Row, key: str) -> SQL:
    """Write the object of the row whose column ``name``, unique and never null, equals the column ``key`` here."""
    model = selection.definition.model
    text, json = (free_name(model, f"fraiseql_{part}") for part in ("key", "json"))
    rows = all_rows(model, compiler.alias).order_by()
    with compiler.expecting(0):
        every = rows.annotate(**{text: SQL("{0}::text", F(name)), json: compiler.object(selection, ROW)})
        one = rows.filter(Q((name, here.outer().column(key)))).annotate(**{json: compiler.object(selection, ROW)})
    texts = Texts(every.values_list(text, json))
    return SQL("coalesce({0} ->> {1}::text, {2})", texts, here.column(key), Subquery(one.values_list(json)))
