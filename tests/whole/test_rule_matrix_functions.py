"""Rows that functions choose, crossed with every kind of rule: what a viewer may not see is as if it were not there.

The other way to the answer calls the same functions where the hidden rows are not in the tables.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import Registry
from tests.archive.models import Box
from tests.archive.support import KINDS, Archive, Kind, declare, engine_of, fill, hidden_from
from tests.naive import members
from tests.whole.test_rule_matrix import RULED, VIEWERS, Oracle, asked, assert_hidden

pytestmark = pytest.mark.django_db

FUNCTION = (
    "CREATE FUNCTION fn_boxes_of(above int DEFAULT 0) RETURNS SETOF archive_box STABLE LANGUAGE sql AS "
    "$$ SELECT * FROM archive_box WHERE id >= above ORDER BY name DESC $$"
)
PATHS = {
    "queryset": "{ chosen { id name room { name } notes { name } } }",
    "queryset with values": "{ a: chosen(least: 3) { name } b: chosen(least: 5) { name } }",
    "where and page": '{ chosen(where: {name: {startswith: "SECRET"}}, orderBy: {name: DESC}, limit: 3) { name } }',
    "where through relations": "{ chosen(where: {room: {boxes: {some: {tenant: {gte: 1}}}}}) { name } }",
    "queryset to which nothing can be added": "{ distinct { id name seal { name box { name } } } }",
    "list": "{ listed { id name twin { name } } }",
    "where of a list": "{ listed(where: {tenant: {gte: 1}}, orderBy: {id: DESC}) { id name } }",
    "instance": "{ " + " ".join(f"b{n}: one(key: {n}) {{ name room {{ name }} }}" for n in range(1, 12)) + " }",
    "function": "{ fnBoxesOf { id name tags { name boxes { name } } } }",
    "function with values": "{ fnBoxesOf(above: 4, where: {tenant: {gte: 1}}, orderBy: {name: ASC}) { name } }",
    "beside others": "{ boxes { name } chosen { name } fnBoxesOf { name } rooms { boxes { name } } }",
}


def chosen(info: fraiseql.Info, least: int = 0) -> list[Box]:
    return Box.objects.filter(pk__gte=least).order_by("-name")  # type: ignore[return-value]


def distinct(info: fraiseql.Info) -> list[Box]:
    return Box.objects.filter(tags__isnull=False).order_by("name").distinct()  # type: ignore[return-value]


def listed(info: fraiseql.Info) -> list[Box]:
    return sorted(Box.objects.all(), key=lambda box: (str(box.tenant), box.pk))


def one(info: fraiseql.Info, key: int) -> Box | None:
    return Box.objects.filter(pk=key).first()


def fn_boxes_of(above: int = 0) -> list[Box]:
    raise NotImplementedError


@pytest.fixture(scope="module")
def archive(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Archive]:
    """Fill the archive once, beside a function: nothing here writes for good."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(FUNCTION)
        yield fill()
        transaction.set_rollback(True)


@pytest.mark.parametrize("ruled", RULED)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rows_of_functions(archive: Archive, kind: Kind, ruled: str) -> None:
    registry = Registry()
    declare(registry, {model: {"rows": kind.rule} for model in RULED[ruled]})
    for function in (chosen, distinct, listed, one):
        fraiseql.query(registry=registry)(function)
    fraiseql.query(function="fn_boxes_of", registry=registry)(fn_boxes_of)
    engine = engine_of(registry)
    for name in VIEWERS:
        who = archive.people[name]
        hidden: Any = hidden_from(archive, kind, RULED[ruled], who)
        expected = Oracle(engine, hidden).answers(PATHS.values())
        for path, query in PATHS.items():
            cell = (kind.name, ruled, name, path)
            response = asked(engine, query, who)
            assert not response.errors, (cell, response.errors)
            text = response.data.decode()
            assert members(text) == members(json.dumps(expected[query])), cell
            assert_hidden(archive, hidden, text, cell)
