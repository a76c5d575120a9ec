"""Rows that are updated and deleted because they match a condition, as many as the declaration allows."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.db.models import Q, signals
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, changes, nested
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.declare.rules import requires_auth
from tests.library.models import Chapter, Novel, Remark, Room, Verse, Writer
from tests.library.support import Library, make_engine, run
from tests.library.support import failing as failing_in
from tests.library.types import LIBRARY, ChapterType, NovelType, RoomType, VerseType, WriterType
from tests.support import data

REGISTRY = Registry(types=list(LIBRARY.types))
FIELDS = ["title", "writer", "genres", changes("pages", inc=True, set=True), "price", "notes"]
fraiseql.update(NovelType, fields=FIELDS, where=True, max_rows=3, registry=REGISTRY)
fraiseql.update(
    NovelType, fields=["title"], where=["isbn", "writer"], name="retitle", version="version", registry=REGISTRY
)
fraiseql.update(
    NovelType, fields=["pages"], where=True, allow_all=True, name="repage",
    rows=lambda viewer: Q(price__lt=50), registry=REGISTRY,
)  # fmt: skip
fraiseql.update(
    NovelType, fields=["title", "writer", changes("pages", inc=True, set=True), "price", changes("tags", append=True, remove=True),
                       changes("notes", merge=True, set=True)],
    where=True, save=False, version="version", name="quickly", registry=REGISTRY,
)  # fmt: skip
fraiseql.delete(NovelType, where=["title", "writer", "remarks"], max_rows=2, registry=REGISTRY)
fraiseql.delete(WriterType, where=True, registry=REGISTRY)
fraiseql.update(ChapterType, fields=["heading"], where=True, registry=REGISTRY)
fraiseql.update(VerseType, fields=["place", changes("tags", remove=True)], where=True, save=False, registry=REGISTRY)
fraiseql.delete(RoomType, where=True, allow_all=True, registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    for number in range(2, 6):
        Novel.objects.create(title=f"N{number}", isbn=str(number), writer=library.other, pages=number)
    return library


def failing(engine: GraphQLEngine, call: str) -> list[tuple[Any, ...]]:
    return [error[:3] for error in failing_in(engine, call)]


def refused(engine: GraphQLEngine, call: str, variables: Any = None, declared: str = "") -> Any:
    answer = engine.execute(f"mutation {declared} {{ {call} {{ __typename }} }}", variables).json()
    (error,) = answer["errors"]
    return error


def pages() -> list[int | None]:
    return list(Novel.objects.order_by("isbn").values_list("pages", flat=True))


# --- what is in the schema ---


def test_arguments_and_answer(engine: GraphQLEngine) -> None:
    schema = engine.schema.graphql
    assert schema.mutation_type is not None
    fields = schema.mutation_type.fields
    assert {key: str(arg.type) for key, arg in fields["updateNovels"].args.items()} == {
        "where": "NovelWhere!",
        "set": "UpdateNovelsInput!",
    }
    assert {key: str(arg.type) for key, arg in fields["retitle"].args.items()} == {
        "where": "RetitleWhere!",
        "set": "RetitleInput!",
    }
    assert {key: str(arg.type) for key, arg in fields["deleteNovels"].args.items()} == {"where": "DeleteNovelsWhere!"}
    where: Any = schema.type_map["RetitleWhere"]
    assert {key: str(field.type) for key, field in where.fields.items()} == {
        "isbn": "StringFilter",
        "writer": "WriterWhere",
        "AND": "[RetitleWhere!]",
        "OR": "[RetitleWhere!]",
        "NOT": "RetitleWhere",
    }
    success: Any = schema.type_map["UpdateNovelsSuccess"]
    assert {key: str(field.type) for key, field in success.fields.items()} == {
        "novels": "[Novel!]!",
        "affected": "Int!",
    }


# --- update ---


def test_rows_that_match_are_changed(engine: GraphQLEngine, library: Library) -> None:
    call = f"updateNovels(where: {{pages: {{lt: 4}}}}, set: {{pages: {{inc: 100}}, writer: {library.writer.pk}}})"

    assert run(engine, call, "affected novels { isbn pages writer { name } }") == {
        "affected": 2,
        "novels": [
            {"isbn": "2", "pages": 102, "writer": {"name": "Ursula"}},
            {"isbn": "3", "pages": 103, "writer": {"name": "Ursula"}},
        ],
    }
    assert pages() == [250, 102, 103, 4, 5]


def test_statements(engine: GraphQLEngine, library: Library) -> None:
    with CaptureQueriesContext(connection) as queries:
        run(engine, 'updateNovels(where: {isbn: {eq: "2"}}, set: {price: "3"})', "affected")

    first, lock, again, *_ = [query["sql"] for query in queries if '"library_novel"' in query["sql"]]
    assert first == again
    assert first.startswith("SELECT (SELECT coalesce(json_agg(json_build_array(k0))::text, '[]') FROM (SELECT")
    assert first.endswith(" ASC LIMIT 4) AS fraiseql_keys(k0))")
    assert lock.endswith('ORDER BY "library_novel"."id" ASC FOR UPDATE')


def test_none_matches(engine: GraphQLEngine, library: Library) -> None:
    call = "updateNovels(where: {pages: {lt: 0}}, set: {pages: {set: 1}})"

    assert run(engine, call, "affected novels { id }") == {"affected": 0, "novels": []}


def test_too_many_are_an_error(engine: GraphQLEngine, library: Library) -> None:
    call = "updateNovels(where: {pages: {lt: 300}}, set: {pages: {set: 1}})"

    assert failing_in(engine, call) == [("where", "too_many", 422, "More than 3 rows would be written.")]
    assert failing(engine, 'deleteNovels(where: {title: {startswith: "N"}})') == [("where", "too_many", 422)]


EMPTY = [
    "{}", "{AND: []}", "{OR: []}", "{pages: {}}", "{OR: [{}]}", "{AND: [{}, {title: {}}]}", "{tags: {all: {}}}",
    # through relations, and through what is negated
    "{writer: {}}", "{writer: {name: {}}}", "{writer: {AND: []}}", "{AND: [{writer: {name: {}}}]}",
    "{writer: {mentor: {}}}", "{remarks: {some: {}}}", "{remarks: {none: {}}}", "{remarks: {every: {}}}",
    "{remarks: {none: {NOT: {}}}}", "{remarks: {every: {novel: {}}}}", "{remarks: {some: {novel: {writer: {}}}}}",
    "{NOT: {}}", "{NOT: {NOT: {}}}", "{NOT: {OR: []}}", "{pages: {not: {not: {}}}}", "{HAS: {}}", "{COMPARE: {}}",
    # one alternative is enough
    "{OR: [{writer: {}}, {pages: {eq: 2}}]}", "{NOT: {pages: {eq: 2}, NOT: {}}}",
    "{remarks: {none: {stars: {eq: 1}, NOT: {}}}}",
]  # fmt: skip


@pytest.mark.parametrize("where", EMPTY)
def test_empty_condition_is_refused(engine: GraphQLEngine, library: Library, where: str) -> None:
    error = refused(engine, f"updateNovels(where: {where}, set: {{pages: {{set: 1}}}})")

    assert error["message"].startswith("where is empty, so it would choose every Novel.")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert pages() == [250, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("where", "affected"),
    [
        ("{HAS: {editor: true}}", 0),
        ("{NOT: {HAS: {writer: true}}}", 0),
        ("{HAS: {remarks: true}}", 1),
        ("{OR: [{HAS: {editor: true}}, {pages: {gt: 100}}]}", 1),
        ("{COMPARE: {price: {eq: discount}}}", 0),
        ("{writer: {}, pages: {eq: 2}}", 1),
        ("{writer: {}, NOT: {pages: {gt: 2}}}", 1),
        ('{NOT: {OR: [{writer: {name: {eq: "x"}}}, {pages: {gt: 2}}]}}', 1),
        ("{remarks: {some: {stars: {gt: 0}}}}", 1),
        ("{remarks: {every: {stars: {gt: 1}}}, pages: {lt: 4}}", 2),
        ('{remarks: {none: {OR: [{stars: {eq: 1}}, {text: {eq: "x"}}]}}, pages: {gt: 100}}', 0),
        ("{writer: {novels: {none: {pages: {gt: 4}}}}}", 0),
        ("{pages: {in: []}}", 0),
    ],
)
def test_one_comparison_is_a_condition(engine: GraphQLEngine, library: Library, where: str, affected: int) -> None:
    library.novel.remarks.create(stars=1, text="a")

    assert run(engine, f"updateNovels(where: {where}, set: {{pages: {{set: 1}}}})", "affected") == {
        "affected": affected
    }


def test_missing_condition_is_refused(engine: GraphQLEngine, library: Library) -> None:
    assert refused(engine, "updateNovels(set: {})")["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    declared, call = "($w: NovelWhere)", "updateNovels(where: $w, set: {})"
    assert refused(engine, call, {"w": None}, declared)["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    declared, call = "($t: String)", "updateNovels(where: {title: {eq: $t}}, set: {pages: {set: 1}})"
    assert "has no value" in refused(engine, call, {}, declared)["message"]
    error = refused(engine, 'retitle(where: {pages: {eq: 1}}, set: {title: "x"})')
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_all_where_that_is_allowed(engine: GraphQLEngine, library: Library) -> None:
    Novel.objects.filter(isbn="5").update(price=60)

    # the mutation's own rule chooses as well
    assert run(engine, "repage(where: {}, set: {pages: 1})", "affected") == {"affected": 4}
    assert pages() == [1, 1, 1, 1, 5]


def test_rule_of_the_mutation_is_asked_before_rows_are_counted(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.update(
        NovelType, fields=["pages"], where=True, max_rows=1, rows=lambda viewer: Q(isbn="2"), registry=registry
    )

    call = "updateNovels(where: {pages: {lt: 9}}, set: {pages: 1})"
    assert run(make_engine(registry), call, "affected") == {"affected": 1}


def test_variables_make_one_plan(engine: GraphQLEngine, library: Library) -> None:
    query = """mutation ($w: NovelWhere!, $s: UpdateNovelsInput!) {
        updateNovels(where: $w, set: $s) { ... on UpdateNovelsSuccess { affected novels { pages } } }
    }"""
    before = engine.statistics().plans.size

    for number in (2, 3):
        variables = {"w": {"isbn": {"eq": str(number)}}, "s": {"pages": {"inc": number}}}
        found = data(engine, query, variables)["updateNovels"]
        assert found == {"affected": 1, "novels": [{"pages": 2 * number}]}
    assert engine.statistics().plans.size == before + 1


def test_validation_clean_and_signals(engine: GraphQLEngine, library: Library) -> None:
    seen: list[str] = []

    def receiver(sender: Any, instance: Any, **given: Any) -> None:
        seen.append(instance.isbn)

    signals.post_save.connect(receiver, sender=Novel)
    try:
        run(engine, "updateNovels(where: {pages: {lt: 4}}, set: {pages: {set: 9}})")
    finally:
        signals.post_save.disconnect(receiver, sender=Novel)
    assert seen == ["2", "3"]
    call = 'updateNovels(where: {{pages: {{lt: 10}}, isbn: {{neq: "5"}}}}, set: {{{}}})'
    # the same for all is an error once
    assert failing(engine, call.format('title: "Untitled"')) == [("set.title", "dull", 422)]
    assert failing(engine, call.format('title: "x", pages: {inc: 40000}')) == [("set.pages", "max_value", 422)]
    # two of one writer of one title, which the second one finds
    assert failing(engine, call.format('title: "x"')) == [("set", "unique_together", 422)]
    assert failing(engine, call.format("writer: 404")) == [("set.writer", "not_found", 404)]


def test_lists_are_set(engine: GraphQLEngine, library: Library) -> None:
    horror = library.genres[1]

    run(engine, f"updateNovels(where: {{pages: {{lt: 4}}}}, set: {{genres: [{horror.pk}]}})")
    assert set(horror.novels.values_list("isbn", flat=True)) == {"2", "3"}


def test_versions_are_counted(engine: GraphQLEngine, library: Library) -> None:
    where = f"{{writer: {{id: {{eq: {library.writer.pk}}}}}}}"

    assert run(engine, f'retitle(where: {where}, set: {{title: "x"}})', "novels { title version }") == {
        "novels": [{"title": "x", "version": 2}]
    }


def test_rows_with_a_composite_key(engine: GraphQLEngine, library: Library) -> None:
    for number in (1, 2, 3):
        Chapter.objects.create(novel=library.novel, number=number, heading="old")

    call = 'updateChapters(where: {number: {gt: 1}}, set: {heading: "new"})'
    assert run(engine, call, "affected chapters { number }") == {
        "affected": 2,
        "chapters": [{"number": 2}, {"number": 3}],
    }


# --- without save() ---


def test_one_statement_changes_all(engine: GraphQLEngine, library: Library) -> None:
    seen: list[Any] = []
    before = {novel.pk: novel.changed for novel in Novel.objects.all()}

    def receiver(**given: Any) -> None:
        seen.append(given)

    signals.post_save.connect(receiver, sender=Novel)
    call = f'quickly(where: {{pages: {{lt: 9}}}}, set: {{pages: {{inc: 10}}, price: "3", writer: {library.writer.pk}, tags: {{append: ["a"]}}, notes: {{merge: {{a: 1}}}}}})'
    try:
        with CaptureQueriesContext(connection) as queries:
            found = run(engine, call, "affected novels { pages version tags notes writer { name } }")
    finally:
        signals.post_save.disconnect(receiver, sender=Novel)

    assert found["affected"] == 4
    assert found["novels"][0] == {
        "pages": 12,
        "version": 2,
        "tags": ["a"],
        "notes": {"a": 1},
        "writer": {"name": "Ursula"},
    }
    assert pages() == [250, 12, 13, 14, 15]
    assert len([query for query in queries if query["sql"].startswith("UPDATE")]) == 1
    assert seen == []
    assert all(novel.changed > before[novel.pk] for novel in Novel.objects.exclude(pages=250))


def test_fields_and_constraints_are_checked(engine: GraphQLEngine, library: Library) -> None:
    call = "quickly(where: {{pages: {{lt: 9}}}}, set: {{{}}})"

    assert failing(engine, call.format("pages: {inc: -3}")) == [("set.pages", "min_value", 422)]
    assert failing(engine, call.format("pages: {inc: 40000}")) == [("set.pages", "max_value", 422)]
    assert failing(engine, call.format(f'title: "{"x" * 21}"')) == [("set.title", "max_length", 422)]
    assert failing(engine, call.format('price: "-1"'))[0][1:] == ("too_cheap", 422)
    assert failing(engine, call.format('title: "same"')) == [("set", "unique_together", 422)]
    # clean() of the model is not called
    one = 'quickly(where: {isbn: {eq: "2"}}, set: {title: "Untitled"})'
    assert run(engine, one, "affected") == {"affected": 1}


def test_nothing_is_set(engine: GraphQLEngine, library: Library) -> None:
    assert run(engine, "quickly(where: {pages: {lt: 9}}, set: {})", "affected") == {"affected": 4}


def test_rows_with_a_composite_key_in_one_statement(library: Library) -> None:
    registry = Registry(types=list(LIBRARY.types))
    fraiseql.update(ChapterType, fields=[changes("heading", append=True)], where=True, save=False, registry=registry)
    for number in (1, 2, 3):
        Chapter.objects.create(novel=library.novel, number=number, heading=f"old{number}")

    call = 'updateChapters(where: {number: {gt: 1}}, set: {heading: {append: "!"}})'
    assert run(make_engine(registry), call, "affected") == {"affected": 2}
    assert list(Chapter.objects.values_list("heading", flat=True)) == ["old1", "old2!", "old3!"]


def test_null_is_that_of_sql(engine: GraphQLEngine, library: Library) -> None:
    Verse.objects.create(novel=library.novel, place=1, text="a")

    run(engine, 'updateVerses(where: {place: {eq: 1}}, set: {tags: {remove: ["a"]}})', "affected")
    assert Verse.objects.filter(tags__isnull=True).count() == 1


# --- delete ---


def test_rows_that_match_are_deleted_and_shown_as_they_were(engine: GraphQLEngine, library: Library) -> None:
    library.novel.remarks.create(stars=1, text="a")

    call = "deleteNovels(where: {remarks: {some: {stars: {eq: 1}}}})"
    assert run(engine, call, "affected novels { title remarks { stars } }") == {
        "affected": 1,
        "novels": [{"title": "Tehanu", "remarks": [{"stars": 1}]}],
    }
    assert not Remark.objects.exists()
    assert Novel.objects.count() == 4


def test_protected_rows_stay(engine: GraphQLEngine, library: Library) -> None:
    free = Writer.objects.create(name="Free")
    where = f"{{id: {{in: [{free.pk}, {library.writer.pk}]}}}}"

    assert failing(engine, f"deleteWriters(where: {where})") == [(None, "protected", 409)]
    assert run(engine, f"deleteWriters(where: {{id: {{eq: {free.pk}}}}})", "affected") == {"affected": 1}


def test_hidden_rows_are_not_chosen(engine: GraphQLEngine, library: Library) -> None:
    assert run(engine, 'deleteWriters(where: {name: {startswith: "J"}})', "affected") == {"affected": 0}
    assert Writer.everyone.filter(name="James").exists()


def test_all_are_deleted(engine: GraphQLEngine, db: None) -> None:
    for place in range(3):
        Room.objects.create(name=str(place), place=place)

    assert run(engine, "deleteRooms(where: {})", "affected") == {"affected": 3}


# --- rules, permissions, limits ---


def engine_with(*, settings: Any = None, rows: Any = None, other_rows: Any = None, permission: Any = None,
                field: Any = None, mask: bool = False) -> GraphQLEngine:  # fmt: skip
    registry = Registry()

    @fraiseql.type(
        Novel, fields=["id", "title", "isbn", "price"], rows=rows, permission=permission,
        mask=mask and permission is not None, registry=registry,
    )  # fmt: skip
    class NovelType:
        pages: int | None = fraiseql.field(permission=field, mask=mask and field is not None)

    @fraiseql.type(Novel, fields=["id"], name="OtherNovel", rows=other_rows, registry=registry)
    class OtherNovelType:
        pass

    fraiseql.update(NovelType, fields=["title", "pages"], where=True, max_rows=3, cost=2, registry=registry)
    fraiseql.delete(NovelType, where=True, max_rows=3, registry=registry)
    return GraphQLEngine(registry=registry, cache=None, settings=settings)


def test_rows_that_a_rule_hides_are_neither_counted_nor_written(library: Library) -> None:
    for engine in (
        engine_with(rows=lambda viewer: Q(isbn__lt="3")),
        engine_with(other_rows=lambda viewer: Q(isbn__lt="3")),
    ):
        found = run(engine, 'updateNovels(where: {price: {gt: "0"}}, set: {pages: 7})', "affected novels { isbn }")
        assert found == {"affected": 2, "novels": [{"isbn": "1"}, {"isbn": "2"}]}
    assert pages() == [7, 7, 3, 4, 5]
    engine = engine_with(rows=lambda viewer: False)
    assert run(engine, 'deleteNovels(where: {price: {gt: "0"}})', "affected") == {"affected": 0}


def test_rows_must_be_visible_afterwards(library: Library) -> None:
    engine = engine_with(rows=lambda viewer: Q(pages__lt=4))

    error = refused(engine, 'updateNovels(where: {isbn: {lt: "4"}}, set: {pages: 9})')
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert pages() == [250, 2, 3, 4, 5]


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize(
    "call", ['updateNovels(where: {isbn: {eq: "2"}}, set: {title: "x"})', 'deleteNovels(where: {isbn: {eq: "2"}})']
)
def test_type_that_may_not_be_read_is_not_written(library: Library, mask: bool, call: str) -> None:
    engine = engine_with(permission=requires_auth, mask=mask)

    assert refused(engine, call)["extensions"]["code"] == "UNAUTHENTICATED"
    request: Any = SimpleNamespace(user=User(username="ann"))
    answer = engine.execute(f"mutation {{ {call} {{ __typename }} }}", request=request)
    assert answer.errors == ()


@pytest.mark.parametrize("mask", [False, True])
def test_field_that_may_not_be_read_is_neither_searched_by_nor_written(library: Library, mask: bool) -> None:
    engine = engine_with(field=requires_auth, mask=mask)

    for call in (
        'updateNovels(where: {pages: {eq: 2}}, set: {title: "x"})',
        'updateNovels(where: {isbn: {eq: "2"}}, set: {pages: 1})',
        "deleteNovels(where: {NOT: {pages: {eq: 2}}})",
    ):
        assert refused(engine, call)["extensions"]["code"] == "UNAUTHENTICATED"
    assert Novel.objects.count() == 5


def settings_with(**limits: Any) -> Any:
    settings = get_settings()
    return replace(settings, limits=replace(settings.limits, **limits))


def test_all_rows_that_may_be_written_count(library: Library) -> None:
    one = 'updateNovels(where: {isbn: {eq: "2"}}, set: {pages: 1})'
    both = f"mutation {{ a: {one} {{ __typename }} b: {one} {{ __typename }} }}"

    engine = engine_with(settings=settings_with(objects=5))
    assert [error.extensions["value"] for error in engine.execute(both).errors] == [6]
    # 2 for each of 3 rows that may be written; of each that is answered 1, and 1 for the list
    query = f"mutation {{ {one} {{ ... on UpdateNovelsSuccess {{ novels {{ pages }} }} }} }}"
    for complexity, codes in ((10, []), (9, ["LIMIT_EXCEEDED"])):
        engine = engine_with(settings=settings_with(complexity=complexity))
        assert [error.extensions["code"] for error in engine.execute(query).errors] == codes


def test_conditions_count(library: Library) -> None:
    engine = engine_with(settings=settings_with(conditions=1))
    call = 'updateNovels(where: {isbn: {eq: "2"}, title: {eq: "x"}}, set: {pages: 1})'

    assert refused(engine, call)["extensions"]["setting"] == "LIMITS.CONDITIONS"


# --- at the same time ---


@pytest.mark.django_db(transaction=True)
def test_row_that_does_not_match_any_longer_is_left_alone() -> None:
    engine = make_engine(REGISTRY)
    writer = Writer.objects.create(name="a")
    one, two = (Novel.objects.create(title=str(n), isbn=str(n), writer=writer, pages=1) for n in (1, 2))
    _ = engine.schema
    answers: list[Any] = []

    def change() -> None:
        try:
            answers.append(run(engine, "updateNovels(where: {pages: {eq: 1}}, set: {pages: {set: 5}})", "affected"))
        finally:
            connections.close_all()

    with transaction.atomic():
        Novel.objects.filter(pk=two.pk).update(pages=9)
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(30)

    assert answers == [{"affected": 1}]
    assert pages() == [5, 9]
    assert one.pk < two.pk


@pytest.mark.django_db(transaction=True)
def test_increments_of_many_rows_are_not_lost() -> None:
    engine = make_engine(REGISTRY)
    writer = Writer.objects.create(name="a")
    for number in range(3):
        Novel.objects.create(title=str(number), isbn=str(number), writer=writer, pages=0)
    _ = engine.schema

    def change(call: str) -> None:
        try:
            for _ in range(8):
                assert run(engine, call, "affected") == {"affected": 3}
        finally:
            connections.close_all()

    condition = 'where: {isbn: {lt: "9"}}, set: {pages: {inc: 1}}'
    threads = [
        threading.Thread(target=change, args=(f"{name}({condition})",)) for name in ("updateNovels", "quickly") * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert pages() == [32, 32, 32]


# --- what may not be declared ---

UPDATE: Any = lambda **given: fraiseql.update(NovelType, fields=given.pop("fields", ["pages"]), **given)  # noqa: E731
DECLARED_WRONGLY: list[tuple[dict[str, Any], str]] = [
    ({"where": "isbn"}, "update(NovelType): where is 'isbn', must be True, or a list of fields"),
    ({"where": []}, "update(NovelType): where is [], must be True, or a list of fields"),
    ({"where": ["x"]}, "update(NovelType): where names x, must name fields of Novel: "),
    ({"where": True, "bulk": True}, "update(NovelType) has where and bulk; give it one of them"),
    ({"where": True, "by": "isbn"}, "update(NovelType) has where and by; give it one of them"),
    ({"where": True, "max_rows": 0}, "update(NovelType): max_rows is 0, must be a number of rows between 1 and 1000, which LIMITS.OBJECTS is"),
    ({"where": True, "max_rows": 1001}, "update(NovelType): max_rows is 1001, must be"),
    ({"max_rows": 5}, "update(NovelType): max_rows, allow_all and save are for where; leave them out"),
    ({"save": False}, "update(NovelType): max_rows, allow_all and save are for where; leave them out"),
    ({"where": True, "fields": [nested("writer", connect=True)]}, "update(NovelType) has where, so nothing can be nested in it; name relations plainly"),
    ({"where": True, "save": False, "fields": ["genres"]}, "update(NovelType): genres is written by save() only; leave it out, or save=False"),
    ({"where": True, "save": False, "fields": ["cover"]}, "update(NovelType): cover is a file, which save() stores; leave it out, or save=False"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), DECLARED_WRONGLY)
def test_wrong_declaration(given: dict[str, Any], message: str) -> None:
    registry = Registry(types=list(LIBRARY.types))
    UPDATE(**given, registry=registry)

    with pytest.raises(fraiseql.DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    assert str(caught.value)[: len(message)] == message
