"""django-modeltranslation, as it is published: a translated field is what an instance has in the active language.

What is expected is what the ORM's instances have (``tests.naive``) in the same language; nothing of it is changed by
who asked before.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from itertools import permutations
from typing import Any

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.db.models import CharField, Count, F, Q, Value
from django.db.models.functions import Concat, Length, Upper
from django.utils import translation

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, checks
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.planner.column_usage import readable_columns
from tests.naive import assert_same_answer
from tests.support import data

utils = pytest.importorskip("modeltranslation.utils")

pytestmark = pytest.mark.django_db

NAMES = ("Section", "Picture", "Article", "Comment")
SUPPORTED = {"Article": ["id", "title", "note", "views", "file", "slug", "section", "comments"]}


def models() -> Any:
    return import_module("tests.translated.models")


@contextmanager
def without_fallbacks() -> Iterator[None]:
    with translation.override("de"), utils.fallbacks(False):
        yield


CONTEXTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "en": lambda: translation.override("en"),
    "de": lambda: translation.override("de"),
    "de-at": lambda: translation.override("de-at"),
    "fr": lambda: translation.override("fr"),
    "off": lambda: translation.override(None),
    "without fallbacks": without_fallbacks,
}
QUERIES = {
    "values": "{ articles { title titleEn titleDe note noteEn noteDe views viewsDe slug file { name } } }",
    "nested": "{ sections { name articles { title section { name } } articlesCount } }",
    "to one": "{ comments { text article { title section { name } } } }",
    "where": """{
        a: articles(where: {title: {startswith: "K"}}) { id title } b: articlesCount(where: {title: {eq: "dog"}})
        c: articles(where: {note: {isnull: true}}) { id } d: articles(where: {views: {gt: 1}}) { id views }
        e: articles(where: {NOT: {title: {in: ["cat", "dog"]}}}) { id } }""",
    "through relations": """{
        a: sections(where: {articles: {some: {title: {eq: "Katze"}}}}) { name }
        b: comments(where: {article: {section: {name: {contains: "Tier"}}}}) { text }
        c: articles(where: {section: {name: {contains: "nimal"}}}) { title } }""",
    "orders": """{
        a: articles(orderBy: [{title: ASC}]) { title } b: articles(orderBy: [{views: DESC}], limit: 2) { views }
        c: comments(orderBy: [{article: {title: DESC}}]) { text } d: articles(orderBy: [{section: {name: ASC}}]) { id }
        e: sections(orderBy: [{name: DESC}]) { name } }""",
    "no row has no text": """{
        a: comments(where: {article: {section: {name: {eq: ""}}}}) { text }
        b: articles(orderBy: [{section: {name: DESC}}]) { id }
        c: articles(where: {NOT: {section: {name: {eq: "Tiere"}}}}) { id } }""",
    "columns of languages": """{
        a: articles(where: {titleDe: {isnull: true}}) { title } b: articles(orderBy: [{titleDe: ASC}]) { id } }""",
}


@pytest.fixture(autouse=True)
def articles() -> None:
    """Fill the tables: everything in English, some in German, some in neither."""
    translated = models()
    animals = translated.Section.objects.create(name_en="Animals", name_de="Tiere")
    other = translated.Section.objects.create(name_en="Zoology")
    rows = [
        {"title_en": "cat", "title_de": "Katze", "note_en": "purrs", "views_en": 1, "views_de": 7, "section": animals},
        {"title_en": "dog", "title_de": "", "note_de": "bellt", "views_en": 3, "section": other, "file_en": "dog.txt"},
        {"title_en": "", "title_de": "Maus", "views_de": 0, "section": animals, "file_de": "maus.txt"},
        {"section": None},
    ]
    for number, row in enumerate(rows):
        with translation.override("en"):
            article = translated.Article.objects.create(slug=f"a{number}", **row)
        translated.Comment.objects.create(text=f"on {number}", article=article)
    # the field's own column is not what any language shows
    translated.Article.objects.rewrite(False).update(title="stored", note="stored", views=99)


def declared(**options: Any) -> Registry:
    registry = Registry()
    for name in NAMES:
        fields = {"fields": "__all__", **options.get(name, {})}
        fraiseql.type(getattr(models(), name), registry=registry, **fields)(type(name, (), {}))
    return registry


@pytest.fixture(params=["not cached", "cached"])
def engine(request: pytest.FixtureRequest) -> Iterator[GraphQLEngine]:
    """Make an engine, which keeps its answers or does not."""
    caches["locmem"].clear()
    yield GraphQLEngine(registry=declared(), cache=DjangoCache("locmem") if request.param == "cached" else None)
    caches["locmem"].clear()


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_language_has_its_texts_after_every_other(query: str, engine: GraphQLEngine) -> None:
    expected = {}
    for name, context in CONTEXTS.items():
        with context():
            expected[name] = assert_same_answer(engine, query)
    assert expected["de"] == expected["de-at"]
    assert expected["en"] == expected["fr"] == expected["off"]
    if query is not QUERIES["columns of languages"]:
        assert expected["en"] != expected["de"]

    for pair in permutations(CONTEXTS, 2):
        for name in pair:
            with CONTEXTS[name]():
                assert data(engine, query) == expected[name]


def test_plan_is_kept_for_each_language(engine: GraphQLEngine) -> None:
    parsed = engine.parser.parse(QUERIES["nested"]).operation(None)
    plans = {}
    for name, context in CONTEXTS.items():
        with context():
            plans[name] = engine.planner.plan(parsed, {})
    assert len(set(map(id, plans.values()))) == len(CONTEXTS)

    for name, context in CONTEXTS.items():
        with context():
            assert engine.planner.plan(parsed, {}) is plans[name]


def test_what_stands_where_no_language_has_a_value(engine: GraphQLEngine) -> None:
    query = '{ articles(where: {slug: {eq: "a3"}}) { title titleEn note noteEn views file { name } } }'

    with translation.override("de"):
        found = data(engine, query)["articles"]

    assert found == [{"title": "", "titleEn": None, "note": "(none)", "noteEn": None, "views": None, "file": None}]


# --- expressions and conditions that a project has declared are changed by nobody ---

UPPER, OWN = Upper("title"), F("title")
STARTS = Q(title__startswith="K") | Q(section__name__startswith="Z")


def test_declared_expressions_are_in_the_active_language() -> None:
    registry = declared(Section={"fields": ["name"]}, Article={"fields": ["id", "section"]}, Comment={"fields": ["id"]})
    body = {
        "upper": (str, UPPER),
        "own": (str, OWN),
        "joined": (str, Concat("section__name", Value(": "), "title", output_field=CharField())),
        "size": (int, Length("title")),
    }
    fraiseql.type(models().Article, name="Shown", fields=["slug"], registry=registry)(
        type(
            "Shown",
            (),
            {
                **{name: fraiseql.field(expression) for name, (_, expression) in body.items()},
                "__annotations__": {name: type_ for name, (type_, _) in body.items()},
            },
        )
    )
    engine = GraphQLEngine(registry=registry, cache=None)
    query = """{ showns(where: {slug: {eq: "a0"}}) { upper own joined size }
        a: shownsCount(where: {upper: {eq: "KATZE"}}) b: shownsCount(where: {own: {eq: "cat"}})
        c: showns(orderBy: [{size: DESC}, {upper: ASC}]) { upper } }"""

    for language in ("de", "en", "de", "en"):
        with translation.override(language):
            found = data(engine, query)
            word, section = ("Katze", "Tiere") if language == "de" else ("cat", "Animals")
            shown = {"upper": word.upper(), "own": word, "joined": f"{section}: {word}", "size": len(word)}
            assert found["showns"] == [shown]
            assert (found["a"], found["b"]) == ((1, 0) if language == "de" else (0, 1))
            expected = [(row.title or "") for row in models().Article.objects.all()]
            assert [row["upper"] for row in found["c"]] == sorted(
                (text.upper() for text in expected), key=lambda text: (-len(text), text)
            )
    assert (UPPER.get_source_expressions()[0].name, OWN.name) == ("title", "title")


def test_row_rules_are_in_the_active_language() -> None:
    engine = GraphQLEngine(
        registry=declared(Article={"rows": lambda viewer: STARTS, "fields": SUPPORTED["Article"]}), cache=None
    )
    query = """{ articles { slug } articlesCount sections { articles { slug } }
        a: sectionsCount(where: {articles: {some: {slug: {startswith: "a"}}}})
        b: articlesCount(where: {slug: {startswith: "a"}})
        c: commentsCount(where: {article: {slug: {startswith: "a"}}}) }"""

    for language in ("de", "en", "de", "en"):
        with translation.override(language):
            # a copy: modeltranslation changes what it is given
            rule = Q(title__startswith="K") | Q(section__name__startswith="Z")
            slugs = sorted(models().Article.objects.filter(rule).values_list("slug", flat=True))
            found = data(engine, query)
        assert sorted(row["slug"] for row in found["articles"]) == slugs
        assert slugs == (["a0"] if language == "de" else ["a1"])
        assert found["articlesCount"] == 1
        assert sorted(row["slug"] for section in found["sections"] for row in section["articles"]) == slugs
        assert found["a"] == 1
        assert (found["b"], found["c"]) == (1, 1)
    assert [child.children[0][0] if isinstance(child, Q) else child[0] for child in STARTS.children] == [
        "title__startswith",
        "section__name__startswith",
    ]


def test_aggregates_are_of_what_is_shown() -> None:
    registry = Registry()
    fraiseql.type(models().Article, fields=["slug"], registry=registry)(type("ArticleType", (), {}))
    fraiseql.type(models().Section, name="Section", fields=["name"], registry=registry)(
        type(
            "Section",
            (),
            {
                "views": fraiseql.field(Count("articles__views")),
                "titles": fraiseql.field(Count("articles__title")),
                "__annotations__": {"views": int, "titles": int},
            },
        )
    )
    models().Section.objects.create(name_en="None", name_de="Keine")
    engine = GraphQLEngine(registry=registry, cache=None)

    for language, count in (("de", 2), ("en", 1), ("de", 2)):
        with translation.override(language):
            found = {row["name"]: row for row in data(engine, "{ sections { name views titles } }")["sections"]}
        german = language == "de"
        assert found["Tiere" if german else "Animals"] == {
            "name": "Tiere" if german else "Animals", "views": count, "titles": 2
        }  # fmt: skip
        assert found["Keine" if german else "None"] == {"name": "Keine" if german else "None", "views": 0, "titles": 0}


# --- writing, and what cannot be ---


def test_mutations_write_the_active_language() -> None:
    registry = declared()
    article = registry.types[2].cls
    fraiseql.create(article, fields=["title", "slug"], registry=registry)
    fraiseql.update(article, fields=["title"], registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    answer = "Success { article { id title titleEn titleDe } } }"

    with translation.override("de"):
        created = data(
            engine, f'mutation {{ createArticle(input: {{title: "Hund", slug: "n"}}) {{ ... on CreateArticle{answer} }}'
        )
    made = created["createArticle"]["article"]
    assert (made["title"], made["titleEn"], made["titleDe"]) == ("Hund", None, "Hund")
    changes = f'updateArticle(id: {made["id"]}, input: {{title: "hound"}})'
    update = f"mutation {{ {changes} {{ ... on UpdateArticle{answer} }}"
    with translation.override("en"):
        changed = data(engine, update)["updateArticle"]["article"]
    assert (changed["title"], changed["titleEn"], changed["titleDe"]) == ("hound", "hound", "Hund")


def test_translated_relations_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = declared()
    monkeypatch.setattr(checks, "default_registry", registry)

    engine = GraphQLEngine(registry=registry, cache=None)
    found = [message for message in run_checks(tags=["fraiseql"]) if message.id == "fraiseql.W021"]

    reason = "Article.picture is a relation that modeltranslation translates, which a join cannot follow."
    assert [reason in message.msg for message in found] == [True], [message.msg for message in found]
    fields = engine.schema.types["Article"].fields
    assert "picture" not in fields
    assert {"pictureEn", "pictureDe"} <= fields.keys()


def test_key_of_a_translated_relation_is_that_of_the_language() -> None:
    one, two = (models().Picture.objects.create(name=name) for name in ("one", "two"))
    models().Article.objects.filter(slug="a0").rewrite(False).update(picture_en=one, picture_de=two)
    models().Article.objects.filter(slug="a1").rewrite(False).update(picture_en=one)
    registry = Registry()
    fraiseql.type(models().Article, fields=["slug", "picture_id"], registry=registry)(type("Article", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    for language in ("de", "en", "de"):
        with translation.override(language):
            assert_same_answer(engine, "{ articles { slug pictureId } }")
            found = data(engine, f'{{ articlesCount(where: {{pictureId: {{eq: "{one.pk}"}}}}) }}')
        assert found == {"articlesCount": 1 if language == "de" else 2}


def test_columns_of_all_languages_are_read() -> None:
    engine = GraphQLEngine(registry=declared(Article={"fields": ["title"]}), cache=None)

    assert {"title_en", "title_de"} <= readable_columns(engine.schema, "default")["translated_article"]
