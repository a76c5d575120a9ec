"""Filters of values by their types: operators, transforms, items of arrays; each finds the rows that it should."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, models, transaction
from django.db.models import Q
from django.test.utils import isolate_apps
from django.utils import timezone
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.schema.operators import BUILT_IN
from fraiseql_django.schema.scalars import postgres as scalars
from tests.support import data, forget_definitions, refused

pytestmark = pytest.mark.django_db


def thing_model() -> type[models.Model]:
    """Make a model with a column of each kind of values."""
    with isolate_apps("tests.zoo"):

        class Thing(models.Model):
            name = models.TextField()
            nick = models.TextField(null=True)
            tags = postgres.ArrayField(models.TextField(null=True), null=True)
            sizes = postgres.ArrayField(models.IntegerField(), null=True)
            data = models.JSONField(null=True)
            span = postgres.IntegerRangeField(null=True)
            days = postgres.DateRangeField(null=True)
            ip = models.GenericIPAddressField(null=True)
            at = models.DateTimeField(null=True)
            due = models.DateTimeField(null=True)
            day = models.DateField(null=True)
            clock = models.TimeField(null=True)
            lasts = models.DurationField(null=True)
            words = SearchVectorField(null=True)
            price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
            count = models.IntegerField(null=True)
            parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")

            class Meta:
                app_label = "zoo"
                ordering = ("id",)

        return Thing


THING = thing_model()


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


ROWS: list[dict[str, Any]] = [
    {
        "name": "Écologie", "nick": "Eco", "tags": ["red", "green"], "sizes": [1, 20],
        "data": {"a": {"b": [1, "x"]}, "n": 9, "on": "2024-02-29", "t": "2024-02-29T23:30:00Z", "ok": True},
        "span": (1, 5), "days": (dt.date(2024, 1, 1), dt.date(2024, 2, 1)), "ip": "10.1.2.3",
        "at": utc(2024, 12, 31, 23, 30, 5), "due": utc(2025, 1, 1), "day": dt.date(2024, 12, 30),
        "clock": dt.time(9, 5, 7), "lasts": dt.timedelta(minutes=90), "words": "cat hat", "price": Decimal("9.50"),
        "count": 9,
    },
    {
        "name": "economy", "nick": "economy", "tags": ["red", None, "blue"], "sizes": [], "data": [1, 2],
        "span": (5, 9), "days": (dt.date(2024, 2, 1), None), "ip": "192.168.0.1", "at": utc(2023, 7, 1, 12),
        "due": utc(2023, 6, 1), "day": dt.date(2023, 1, 1), "clock": dt.time(23, 0), "lasts": dt.timedelta(days=2),
        "words": "dog", "price": Decimal("10.00"), "count": 10,
    },
    {
        "name": "a cat and a dog", "tags": [], "sizes": [7],
        "data": {"n": "9", "on": "2024-02-30", "a": None, "f": 1.5, "huge": 10**400},
        "span": None, "days": None, "ip": "2001:db8::1", "at": utc(2024, 1, 1), "day": dt.date(2021, 1, 3),
        "words": "cat", "price": Decimal(2), "count": 3,
    },
    {"name": ""},
]  # fmt: skip


# an index on the column, with its name
SERVED: dict[str, tuple[str, str]] = {
    "data: {contains: {n: 9}}": ("gin (data)", "data"),
    'data: {hasKey: "n"}': ("gin (data)", "data"),
    'data: {pathExists: "$.n"}': ("gin (data)", "data"),
    'tags: {contains: ["red"]}': ("gin (tags)", "tags"),
    'tags: {overlaps: ["red"]}': ("gin (tags)", "tags"),
    "span: {containsValue: 3}": ("gist (span)", "span"),
    "count: {between: [1, 2]}": ("btree (count)", "count"),
    'ip: {inSubnet: "10.0.0.0/8"}': ("gist (ip inet_ops)", "ip"),
    'words: {search: {query: "cat", config: "english"}}': ("gin (words)", "words"),
    'name: {search: {query: "cat", config: "english"}}': ("gin (to_tsvector('english', name))", "name"),
}


def registry() -> Registry:
    found = Registry()
    declare = fraiseql.type(THING, fields="__all__", random=True, distinct_on=True, registry=found)
    declare(type("Thing", (), {}))
    return found


@pytest.fixture(scope="module")
def things(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[GraphQLEngine]:
    """Make an engine over the things, named 0, 1, 2, 3."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.schema_editor() as editor:
            editor.create_model(THING)
        # later than the rows' changes, an index would not serve in this transaction
        for index, name in set(SERVED.values()):
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE INDEX served_{name} ON {THING._meta.db_table} USING {index}")
        for row in ROWS:
            values = {name: value for name, value in row.items() if name != "words"}
            thing = THING._default_manager.create(**values)
            with connection.cursor() as cursor:
                sql = f"UPDATE {THING._meta.db_table} SET words = to_tsvector('english', %s) WHERE id = %s"
                cursor.execute(sql, [row.get("words"), thing.pk])
        first = THING._default_manager.all()[0]
        THING._default_manager.filter(pk=first.pk + 1).update(parent=first)
        connection.check_constraints()
        yield GraphQLEngine(registry=registry(), cache=None)
        transaction.set_rollback(True)


def places(engine: GraphQLEngine, rest: str, variables: dict[str, Any] | None = None) -> list[int]:
    """Return which things a list has, by their place in ROWS."""
    declared = "($v: ThingWhere)" if variables else ""
    found = data(engine, f"query Q{declared} {{ things{rest} {{ name }} }}", variables)["things"]
    names = [row["name"] for row in ROWS]
    return [names.index(row["name"]) for row in found]


WHERE: dict[str, list[int]] = {
    # comparison
    'name: {iexact: "ECONOMY"}': [1],
    'name: {iexact: "écologie"}': [0],
    "count: {between: [3, 9]}": [0, 2],
    'price: {between: ["9.5", "9.99"]}': [0],
    'at: {between: ["2023-01-01", "2024-06-01"]}': [1, 2],
    # negation
    'name: {not: {icontains: "eco"}}': [0, 2, 3],
    'nick: {not: {icontains: "econ"}}': [0],
    'name: {not: {matches: "^[a-z]"}}': [0, 3],
    'name: {not: {like: "%o%", startswith: "e"}}': [0, 2, 3],
    "count: {not: {in: [9]}}": [1, 2],
    "count: {not: {not: {eq: 9}}}": [0],
    "count: {not: {isnull: true}}": [0, 1, 2],
    "name: {not: {}}": [],
    # texts
    "name: {length: {gte: 8}}": [0, 2],
    "name: {length: {eq: 0}}": [3],
    "name: {not: {length: {gt: 0}}}": [3],
    'name: {search: {query: "cats"}}': [2],
    'name: {search: {query: "cats", config: "english"}}': [2],
    'name: {search: {query: "cats", config: "simple"}}': [],
    'name: {search: {query: "cat dog", kind: PHRASE, config: "english"}}': [],
    'name: {search: {query: "dog cat", kind: PLAIN, config: "english"}}': [2],
    'name: {search: {query: "cat -dog"}}': [],
    'name: {search: {query: "\\"(: & | !", kind: WEBSEARCH}}': [],
    'name: {rank: {query: "cat", value: {gt: 0}}}': [2],
    # search vectors
    'words: {search: {query: "cats", config: "english"}}': [0, 2],
    'words: {search: {query: "cat or dog", config: "english"}}': [0, 1, 2],
    'words: {not: {search: {query: "cat", config: "english"}}}': [1],
    "words: {length: {eq: 2}}": [0],
    # arrays
    'tags: {contains: ["red"]}': [0, 1],
    "tags: {contains: []}": [0, 1, 2],
    'tags: {containedBy: ["red", "green", "x"]}': [0, 2],
    'tags: {overlaps: ["blue", "green"]}': [0, 1],
    'tags: {not: {overlaps: ["blue"]}}': [0, 2],
    "tags: {length: {gt: 1}}": [0, 1],
    'tags: {any: {startswith: "b"}}': [1],
    'tags: {all: {contains: "e"}}': [0, 2],
    'tags: {not: {any: {eq: "red"}}}': [2],
    "tags: {any: {isnull: true}}": [1],
    "tags: {any: {}}": [0, 1],
    "tags: {all: {}}": [0, 1, 2],
    "tags: {any: {length: {eq: 5}}}": [0],
    'tags: {any: {not: {eq: "red"}}}': [0, 1],
    "sizes: {contains: [20]}": [0],
    "sizes: {any: {gt: 5}}": [0, 2],
    "sizes: {all: {between: [1, 9]}}": [1, 2],
    # JSON
    'data: {contains: {a: {b: ["x"]}}}': [0],
    "data: {containedBy: [1, 2, 3]}": [1],
    'data: {hasKey: "n"}': [0, 2],
    'data: {hasAnyKeys: ["f", "ok"]}': [0, 2],
    'data: {hasAllKeys: ["n", "ok"]}': [0],
    'data: {not: {hasKey: "n"}}': [1],
    'data: {pathExists: "$.a.b[*] ? (@ == 1)"}': [0],
    'data: {pathMatch: "$.f > 1"}': [2],
    'data: {at: {path: ["a", "b", "1"], text: {eq: "x"}}}': [0],
    'data: {at: {path: ["n"], int: {gt: 8}}}': [0],
    'data: {at: {path: ["n"], text: {eq: "9"}}}': [2],
    'data: {at: {path: ["f"], float: {lt: 1.6}}}': [2],
    'data: {at: {path: ["huge"], float: {gt: 1e300}}}': [2],
    'data: {at: {path: ["f"], decimal: {eq: "1.50"}}}': [2],
    'data: {at: {path: ["ok"], boolean: {eq: true}}}': [0],
    'data: {at: {path: ["on"], date: {gte: "2024-01-01"}}}': [0],
    'data: {at: {path: ["on"], date: {month: {eq: 2}}}}': [0],
    'data: {at: {path: ["t"], dateTime: {lt: "2024-03-01T00:00:00Z"}}}': [0],
    'data: {at: {path: ["n"], int: {isnull: true}}}': [1, 2, 3],
    'data: {at: {path: ["a"], json: {isnull: false}}}': [0],
    'data: {at: {path: ["a", "b"], length: {eq: 2}}}': [0],
    'data: {at: {path: ["a"], json: {at: {path: ["b"], json: {contains: [1]}}}}}': [0],
    'data: {at: {path: ["n"], int: {eq: 9}, text: {isnull: true}}}': [0],
    # ranges
    "span: {contains: {lower: 2, upper: 4}}": [0],
    "span: {containsValue: 5}": [1],
    "span: {containedBy: {lower: 0, upper: 6}}": [0],
    "span: {overlaps: {lower: 4, upper: 6}}": [0, 1],
    "span: {fullyLt: {lower: 5, upper: 6}}": [0],
    "span: {fullyGt: {lower: 1, upper: 2}}": [1],
    "span: {notLt: {lower: 2, upper: 3}}": [1],
    "span: {notGt: {lower: 2, upper: 6}}": [0],
    "span: {adjacentTo: {lower: 9, upper: 12}}": [1],
    "span: {isEmpty: {eq: false}}": [0, 1],
    "span: {lower: {gt: 1}}": [1],
    "days: {upperInf: {eq: true}}": [1],
    "days: {lower: {month: {eq: 1}}}": [0],
    'days: {containsValue: "2025-01-01"}': [1],
    # network addresses
    'ip: {inSubnet: "10.0.0.0/8"}': [0],
    'ip: {containedBy: "10.1.2.3/32"}': [],
    'ip: {overlaps: "192.168.0.0/16"}': [1],
    'ip: {contains: "10.1.2.3"}': [],
    'ip: {containsOrEquals: "10.1.2.3"}': [0],
    "ip: {family: {eq: 6}}": [2],
    "ip: {masklen: {eq: 32}}": [0, 1],
    # dates and times
    "day: {year: {eq: 2023}}": [1],
    "day: {isoYear: {eq: 2025}}": [0],
    "day: {week: {eq: 1}}": [0],
    "day: {weekday: {eq: 7}}": [1, 2],
    "day: {quarter: {in: [4]}}": [0],
    "day: {month: {eq: 12}, day: {eq: 30}}": [0],
    "day: {dayOfYear: {lte: 3}}": [1, 2],
    "at: {year: {eq: 2024}}": [0, 2],
    "at: {hour: {gte: 12}}": [0, 1],
    "at: {minute: {eq: 30}, second: {eq: 5}}": [0],
    'at: {date: {eq: "2024-12-31"}}': [0],
    'at: {date: {year: {eq: 2023}}}': [1],
    'at: {time: {lt: "00:30"}}': [2],
    'at: {zone: {name: "Europe/Berlin", year: {eq: 2025}}}': [0],
    'at: {zone: {name: "America/New_York", date: {eq: "2023-12-31"}}}': [2],
    "clock: {hour: {eq: 23}}": [1],
    "lasts: {seconds: {gt: 5400}}": [1],
    "at: {isnull: false, not: {year: {eq: 2024}}}": [1],
    # one column against another
    "COMPARE: {at: {gt: due}}": [1],
    "COMPARE: {at: {lte: due}}": [0],
    "COMPARE: {name: {eq: nick}}": [1],
    "COMPARE: {price: {gt: count}}": [0],
    "COMPARE: {price: {eq: count}}": [1],
    "NOT: {COMPARE: {price: {eq: count}}}": [0, 2],
    # whether relations lead anywhere
    "HAS: {parent: true}": [1],
    "HAS: {parent: false}": [0, 2, 3],
    "HAS: {children: true}": [0],
    "HAS: {children: false, parent: false}": [2, 3],
    "NOT: {HAS: {parent: false}}": [1],
    "NOT: {HAS: {parent: true}}": [0, 2, 3],
    "parent: {HAS: {children: true}}": [1],
}  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_rows_that_a_filter_finds(things: GraphQLEngine, where: str) -> None:
    assert places(things, f"(where: {{{where}}})") == WHERE[where]


ORDER: dict[str, list[int]] = {
    "{BY: {name: {length: DESC}}}": [2, 0, 1, 3],
    '{BY: {name: {rank: {query: "cat", value: DESC}}}}': [2, 0, 1, 3],
    "{BY: {at: {year: ASC}}}": [1, 0, 2, 3],
    "{BY: {at: {time: DESC_NULLS_LAST}}}": [0, 1, 2, 3],
    '{BY: {at: {zone: {name: "Europe/Berlin", month: ASC}}}}': [0, 2, 1, 3],
    '{BY: {data: {at: {path: ["n"], int: ASC_NULLS_LAST}}}}': [0, 1, 2, 3],
    "{BY: {tags: {length: DESC_NULLS_LAST}}}": [1, 0, 2, 3],
    "{BY: {span: {lower: DESC_NULLS_LAST}}}": [1, 0, 2, 3],
    "{parent: {BY: {name: {length: ASC}}}}": [1, 0, 2, 3],
    "{nick: ASC_NULLS_FIRST}": [2, 3, 0, 1],
}


@pytest.mark.parametrize("order", ORDER)
def test_rows_in_an_order_of_what_is_made_of_a_value(things: GraphQLEngine, order: str) -> None:
    assert places(things, f"(orderBy: [{order}])") == ORDER[order]


def test_all_operators_of_postgres_own_types_are_tried() -> None:
    written = " ".join((*WHERE, *ORDER))
    others = (scalars.LTREES, scalars.VECTOR, scalars.HSTORES)
    names = {
        entry.name
        for entry in BUILT_IN
        if entry.extension is None and not any(entry.for_(scalar, 0) for scalar in others)
    }

    # others of the same kinds, and those of texts that random conditions try
    elsewhere = {"lowerInc", "upperInc", "lowerInf", "endswith", "iendswith", "istartswith", "ilike", "imatches"}
    assert {name for name in names if f"{name}:" not in written} == elsewhere


# --- bad input ---------------------------------------------------------------------------------


BEFORE: dict[str, str] = {
    "count: {between: [1]}": "where.count.between: 1 values are given, must be two: the least and the greatest.",
    "count: {between: null}": "where.count.between is null; it takes a list of two values.",
    'name: {search: {query: "a", config: "1; DROP"}}': (
        "where.name.search.config: '1; DROP' is not the name of a search configuration, such as 'english'."
    ),
    'at: {zone: {name: "Nowhere/City", year: {eq: 1}}}': (
        "where.at.zone.name: 'Nowhere/City' is not the name of a time zone, such as 'Europe/Berlin'."
    ),
    'data: {at: {path: ["a"]}}': "where.data.at asks for nothing.",
    'name: {rank: {query: "a", value: null}}': "where.name.rank.value is null, which is no condition; leave it out.",
    "name: {not: null}": "where.name.not is null, which is no condition; leave it out.",
    "name: {length: null}": "where.name.length is null, which is no condition; leave it out.",
    "HAS: {parent: null}": "where.HAS.parent is null.",
    "COMPARE: {at: {gt: null}}": "where.COMPARE.at.gt is null.",
    "COMPARE: {at: null}": "where.COMPARE.at is null.",
}


@pytest.mark.parametrize("where", BEFORE)
def test_what_is_refused_before_a_statement(things: GraphQLEngine, where: str) -> None:
    error = refused(things, f"{{ things(where: {{{where}}}) {{ id }} }}")
    assert error["message"].startswith(BEFORE[where])
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["locations"]


BY_POSTGRES: dict[str, str] = {
    'name: {search: {query: "a", config: "klingon"}}': "where.name.search.config: PostgreSQL knows no such name.",
    'data: {pathExists: "$.a["}': "where.data.pathExists: PostgreSQL cannot read this value.",
    'name: {matches: "("}': "where.name.matches: PostgreSQL refuses this regular expression.",
    'name: {not: {imatches: "["}}': "where.name.not.imatches: PostgreSQL refuses this regular expression.",
    'data: {pathMatch: "1 +"}': "where.data.pathMatch: PostgreSQL cannot read this value.",
    'span: {containsValue: 2147483647}': "where.span.containsValue: PostgreSQL refuses this value.",
}  # fmt: skip


@pytest.mark.parametrize("where", BY_POSTGRES)
@pytest.mark.parametrize("given", ["literal", "variable"])
def test_what_postgres_refuses_is_an_error_with_a_place(things: GraphQLEngine, where: str, given: str) -> None:
    query = f"{{ things(where: {{{where}}}) {{ id }} }}"
    variables: dict[str, Any] = {}
    with transaction.atomic():
        answer = things.execute(query, variables).json()
        transaction.set_rollback(True)
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["message"] == BY_POSTGRES[where]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["locations"]


def test_values_make_no_new_plans(things: GraphQLEngine) -> None:
    forget_definitions()
    query = """query Q($w: ThingWhere, $o: [ThingOrderBy!]) { things(where: $w, orderBy: $o) { id } }"""
    before = things.statistics().plans.size
    for number in range(3):
        path, text = [str(number)], f"word{number}"
        where = {
            "data": {"at": {"path": path, "text": {"eq": text}}, "hasAnyKeys": path},
            "name": {"search": {"query": text, "config": "english", "kind": "PHRASE"}, "length": {"gt": number}},
            "count": {"between": [number, 9]}, "at": {"zone": {"name": "UTC", "year": {"eq": number}}},
            "COMPARE": {"at": {"lt": "due"}},
        }  # fmt: skip
        order = [{"BY": {"name": {"rank": {"query": text, "value": "DESC"}}}}]
        assert data(things, query, {"w": where, "o": order}) == {"things": []}
    assert things.statistics().plans.size == before + 1
    where["COMPARE"] = {"at": {"lt": "at"}}
    where["name"]["search"]["kind"] = "PLAIN"  # type: ignore[index]
    data(things, query, {"w": where, "o": order})
    # the plans of a document are kept by the shape of its variables
    assert things.statistics().plans.size == before + 2


# --- the active time zone, permissions, indexes, limits ---------------------------------------------


def test_parts_of_moments_are_those_in_the_active_time_zone(things: GraphQLEngine) -> None:
    where = "(where: {at: {year: {eq: 2025}}})"
    found = {}
    for zone in ("UTC", "Asia/Tokyo", "UTC"):
        with timezone.override(ZoneInfo(zone)):
            found[zone] = places(things, where)
    assert found == {"UTC": [], "Asia/Tokyo": [0]}
    with timezone.override(dt.timezone(dt.timedelta(hours=9))):
        assert places(things, where) == [0]
    # one that is named is that one wherever the viewer is
    named = '(where: {at: {zone: {name: "UTC", year: {eq: 2025}}}})'
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert places(things, named) == []


HIDDEN = [
    "where: {COMPARE: {at: {gt: due}}}", "where: {COMPARE: {due: {gt: at}}}", "where: {due: {year: {eq: 1}}}",
    "where: {HAS: {parent: true}}", "where: {NOT: {HAS: {children: true}}}", "where: {due: {not: {isnull: true}}}",
    "orderBy: [{BY: {due: {year: ASC}}}]", "distinctOn: [due]", "where: {parent: {HAS: {parent: true}}}",
]  # fmt: skip


@pytest.mark.parametrize("rest", HIDDEN)
@pytest.mark.parametrize("mask", [False, True], ids=["refused", "masked"])
def test_what_may_not_be_seen_is_not_searched_by(things: GraphQLEngine, rest: str, mask: bool) -> None:
    found = Registry()
    names = ("due", "parent", "children")
    hidden = {name: fraiseql.field(permission=lambda viewer: False, mask=mask) for name in names}
    annotations = dict.fromkeys(names, fraiseql.auto)
    declare = fraiseql.type(THING, fields="__all__", distinct_on=True, registry=found)
    declare(type("Thing", (), {"__annotations__": annotations, **hidden}))

    error = refused(GraphQLEngine(registry=found, cache=None), f"{{ things({rest}) {{ id }} }}")
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


def test_hidden_rows_lead_nowhere(things: GraphQLEngine) -> None:
    found = Registry()
    declare = fraiseql.type(THING, fields="__all__", rows=lambda viewer: ~Q(name="economy"), registry=found)
    declare(type("Thing", (), {}))
    ruled = GraphQLEngine(registry=found, cache=None)

    assert places(ruled, "(where: {HAS: {children: true}})") == []
    assert places(ruled, "(where: {HAS: {children: false}})") == [0, 2, 3]
    # what may fail is evaluated for the rows that are seen alone
    assert "CASE WHEN" in ruled.explain('{ things(where: {name: {search: {query: "a"}}}) { id } }').sql
    assert "CASE WHEN" not in ruled.explain("{ things(where: {name: {length: {gt: 1}}}) { id } }").sql


@pytest.mark.parametrize("where", SERVED)
def test_indexes_serve(things: GraphQLEngine, where: str) -> None:
    explained = things.explain(f"{{ thingsCount(where: {{{where}}}) }}")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {explained.sql}", explained.params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
        transaction.set_rollback(True)
    assert f"served_{SERVED[where][1]}" in plan, plan


def test_filters_within_filters_are_limited(things: GraphQLEngine) -> None:
    deep = "{gt: 1}"
    for _ in range(30):
        deep = f"{{not: {deep}}}"
    engine = GraphQLEngine(registry=registry(), settings=limits(condition_depth=10), cache=None)
    assert refused(engine, f"{{ things(where: {{count: {deep}}}) {{ id }} }}")["extensions"]["setting"] == (
        "LIMITS.CONDITION_DEPTH"
    )
    wide = GraphQLEngine(registry=registry(), settings=limits(conditions=3), cache=None)
    where = "day: {year: {gt: 1}, month: {gt: 1}, day: {gt: 1}}"
    assert refused(wide, f"{{ things(where: {{{where}}}) {{ id }} }}")["extensions"]["setting"] == "LIMITS.CONDITIONS"
    assert refused(wide, "{ things(where: {HAS: {parent: true, children: true}, COMPARE: {at: {gt: due}}}) { id } }")


def limits(**given: int) -> Any:
    return replace(get_settings(), limits=replace(LimitSettings(), **given))
