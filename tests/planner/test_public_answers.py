"""An answer is public only if it is declared so, and if nothing in it depended on the viewer: the matrix of rules."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NewType

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import ExtractHour, TruncDate
from django.test.utils import isolate_apps
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Publisher, Review
from fraiseql_django import CachePolicy, GraphQLEngine, Info, Registry, requires_auth
from fraiseql_django.conf.settings import SessionSettings, get_settings
from tests.planner.policies import PUBLIC, catalogue, policy_of, shown, type_over

pytestmark = pytest.mark.django_db

TENANT: ContextVar[str] = ContextVar("tenant", default="Ace")


def is_staff_rule(viewer: Any) -> Any:
    return viewer.is_staff


def by_context(viewer: Any) -> Q:
    return Q(title__startswith=TENANT.get())


# What is declared beside the public policy of books, and whether answers are public with it
RULES: list[tuple[str, dict[str, Any], bool]] = [
    ("nothing", {}, True),
    ("permission of the type", {"permission": requires_auth}, False),
    ("permission by name", {"permission": "bookshop.view_book"}, False),
    ("permission in Python", {"permission": lambda viewer: True}, False),
    ("permission in Python that asks", {"permission": is_staff_rule}, False),
    ("masked type", {"permission": requires_auth, "mask": True}, False),
    ("row rule without the viewer", {"rows": lambda viewer: Q(price__gt=0)}, True),
    ("row rule of the viewer's key", {"rows": lambda viewer: Q(id=viewer.id)}, False),
    ("row rule of a value of the viewer", {"rows": lambda viewer: Q(title=viewer.value("user_email"))}, False),
    ("row rule that asks", {"rows": lambda viewer: viewer.is_staff or Q(price__gt=0)}, False),
    ("row rule that asks for a permission", {"rows": lambda viewer: viewer.has_perm("a.b") or Q(price__gt=0)}, False),
    ("row rule that asks for a role", {"rows": lambda viewer: viewer.has_role("a") or Q(price__gt=0)}, False),
    ("row rule that is True for some", {"rows": lambda viewer: not viewer.is_authenticated}, False),
    ("row rule of a context", {"rows": by_context}, False),
    ("root field with a permission", {"queries": {"plural": lambda viewer: True}}, False),
]


@pytest.mark.parametrize(("what", "options", "public"), RULES, ids=[what for what, *_ in RULES])
@pytest.mark.parametrize(
    "operation",
    [
        "{ books { title } }",
        "{ booksCount }",
        "{ publishers { books { title } } }",
        '{ publishers(where: {books: {some: {title: {eq: "a"}}}}) { name } }',
    ],
)
def test_answer_is_public_only_if_nothing_depends_on_the_viewer(
    what: str, options: dict[str, Any], public: bool, operation: str
) -> None:
    engine = GraphQLEngine(registry=catalogue(**{"queries": ["plural"], **options}))
    staff = User(username="ann", pk=1, is_staff=True, is_superuser=True)
    if "queries" in options and "publishers" in operation:
        # the permission is of the root field alone
        public = True

    # before and after a viewer who sees something else, with the plans that are kept
    for user in (staff, AnonymousUser(), staff):
        response = engine.execute(operation, request=SimpleNamespace(user=user))  # type: ignore[arg-type]
        if not response.errors:
            assert response.policy.public is public
            assert response.policy.max_age == (60 if operation.startswith("{ books") else 30)


def title_of(self: Any) -> str:
    return str(self.title)


def python_field(**options: Any) -> Any:
    return fraiseql.field(requires=["title"], **options)(title_of)


MONDAY = Value(gettext_lazy("Monday"), output_field=models.CharField())
TRANSLATED = Case(When(price__gt=1, then=MONDAY), default=Value(""))
FIELDS: list[tuple[str, Any, bool]] = [
    ("expression", fraiseql.field(F("title")), True),
    ("expression with a policy", fraiseql.field(F("title"), cache=PUBLIC), True),
    ("private", fraiseql.field(F("title"), cache=CachePolicy(scope="private")), False),
    ("permission", fraiseql.field(F("title"), permission=requires_auth), False),
    ("mask", fraiseql.field(F("title"), permission=requires_auth, mask=True), False),
    ("permission in spite of a policy", fraiseql.field(F("title"), permission=requires_auth, cache=PUBLIC), False),
    ("Python", python_field(), False),
    ("Python with an age", python_field(cache=CachePolicy(max_age=9)), False),
    ("Python that is declared as public", python_field(cache=PUBLIC), True),
    ("text that is translated", fraiseql.field(TRANSLATED), False),
    ("text that is not", fraiseql.field(Case(When(price__gt=1, then=Value("Monday")), default=Value(""))), True),
]


@pytest.mark.parametrize(("what", "value", "public"), FIELDS, ids=[what for what, *_ in FIELDS])
def test_field_is_public_only_if_its_value_is_the_same_for_everybody(what: str, value: Any, public: bool) -> None:
    engine = GraphQLEngine(registry=catalogue({"value": value, "__annotations__": {"value": str | None}}))
    user = SimpleNamespace(user=User(username="ann", pk=1))

    assert policy_of(engine, "{ books { value } }", request=user).public is public
    assert policy_of(engine, "{ publishers { books { value } } }", request=user).public is public
    assert policy_of(engine, "{ books { title } }", request=user).public is True


@pytest.mark.parametrize(
    ("expression", "annotation", "by_place"),
    [
        (F("created_at"), dt.datetime, False),
        (TruncDate("created_at"), dt.date, True),
        (ExtractHour("created_at"), int, True),
    ],
)
def test_value_in_the_active_time_zone_is_not_public(expression: Any, annotation: Any, by_place: bool) -> None:
    registry = Registry()
    body = {"value": fraiseql.field(expression), "__annotations__": {"value": annotation}}
    type_over(registry, Review, ["id"], body, cache=PUBLIC)
    engine = GraphQLEngine(registry=registry)

    for zone in ("UTC", "Asia/Tokyo"):
        with timezone.override(zone):
            policy = policy_of(engine, "{ reviews { value } }")
            assert (policy.public, policy.by_language) == (not by_place, by_place)
            assert policy_of(engine, "{ reviews { id } }").public is True


MOMENT = "2024-01-02T01:00:00"
SINCE = "reviewsCount(where: {createdAt: {gt: $since}})"


@pytest.mark.parametrize(
    ("query", "variables", "by_place"),
    [
        (f'{{ reviewsCount(where: {{createdAt: {{gt: "{MOMENT}"}}}}) }}', {}, True),
        (f"query ($since: DateTime!) {{ {SINCE} }}", {"since": MOMENT}, True),
        (f"query ($since: DateTime!) {{ {SINCE} }}", {"since": f"{MOMENT}Z"}, False),
        (f'query ($since: DateTime = "{MOMENT}") {{ {SINCE} }}', {}, True),
        (f'query ($since: DateTime = "{MOMENT}Z") {{ {SINCE} }}', {}, False),
        (f'query ($since: DateTime = "{MOMENT}") {{ {SINCE} }}', {"since": f"{MOMENT}Z"}, False),
        (
            "query ($where: ReviewWhere) { reviewsCount(where: $where) }",
            {"where": {"OR": [{"createdAt": {"gt": MOMENT}}]}},
            True,
        ),
        ("query ($where: ReviewWhere) { reviewsCount(where: $where) }", {"where": {"id": {"eq": "1"}}}, False),
        (f'{{ hour(at: "{MOMENT}") }}', {}, True),
        (f'{{ hour(at: "{MOMENT}Z") }}', {}, False),
        ("query ($at: DateTime!) { hour(at: $at) }", {"at": MOMENT}, True),
        ("query ($at: DateTime!) { hour(at: $at) }", {"at": f"{MOMENT}Z"}, False),
        ("query ($word: Word!) { said(word: $word) }", {"word": "Monday"}, True),
        ('{ said(word: "Monday") }', {}, True),
    ],
)
def test_input_that_is_read_by_the_active_time_zone_or_language_is_not_public(
    query: str, variables: dict[str, Any], by_place: bool
) -> None:
    registry = Registry()
    word = NewType("Word", str)
    fraiseql.scalar("Word", python=word, parse=translation.gettext, registry=registry)
    type_over(registry, Review, ["id", "created_at"], cache=PUBLIC)

    @fraiseql.query(cache=PUBLIC, registry=registry)
    def hour(info: Info, at: dt.datetime) -> int:
        return at.astimezone(dt.UTC).hour

    def said(info: Info, word: Any) -> str:
        return str(word)

    said.__annotations__["word"] = word
    fraiseql.query(cache=PUBLIC, registry=registry)(said)
    engine = GraphQLEngine(registry=registry)

    for zone in ("Asia/Tokyo", "UTC"):
        with timezone.override(zone):
            policy = policy_of(engine, query, variables)
            assert (policy.public, policy.by_language) == (not by_place, by_place)


def test_default_of_a_variable_is_read_by_the_time_zone_of_each_request() -> None:
    registry = Registry()
    type_over(registry, Review, ["id", "created_at"], cache=PUBLIC)
    engine = GraphQLEngine(registry=registry)
    book = Book.objects.create(
        title="Dear", isbn="9781000000000", price=1, publisher=Publisher.objects.create(name="P", country="C")
    )
    Review.objects.create(book=book, stars=5, created_at=dt.datetime(2024, 1, 1, 23, 30, tzinfo=dt.UTC))

    found = []
    for zone in ("Asia/Tokyo", "UTC"):
        with timezone.override(zone):
            found.append(engine.execute(f'query ($since: DateTime = "{MOMENT}") {{ {SINCE} }}').body)

    assert found == [b'{"data":{"reviewsCount":1}}', b'{"data":{"reviewsCount":0}}']


def test_value_that_is_chosen_by_the_active_language_is_not_public() -> None:
    class Title(Func):
        def as_sql(self, compiler: Any, connection: Any, **options: Any) -> Any:  # type: ignore[override]
            return ("'de'" if translation.get_language() == "de" else "'other'"), []

    body = {"value": fraiseql.field(Title(output_field=models.TextField())), "__annotations__": {"value": str}}
    engine = GraphQLEngine(registry=catalogue(body))

    for language in ("en", "de"):
        with translation.override(language):
            assert policy_of(engine, "{ books { value } }").public is False
            assert policy_of(engine, "{ books { title } }").public is True


class ByTenant(models.Manager[Any]):
    """Decides by the request."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(title__startswith=TENANT.get())


class Dear(models.Manager[Any]):
    """Decides nothing."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(price__gt=0)


@pytest.mark.parametrize(("manager", "public"), [(ByTenant, False), (Dear, True)])
@isolate_apps("tests.zoo")
def test_manager_that_may_decide_by_the_request_is_not_public(manager: Any, public: bool) -> None:
    class Item(models.Model):
        title = models.TextField()
        price = models.IntegerField()
        objects = manager()

        class Meta:
            app_label = "zoo"
            db_table = "bookshop_book"

    registry = Registry()
    type_over(registry, Item, ["id", "title"], cache=PUBLIC)
    assert policy_of(GraphQLEngine(registry=registry), "{ items { title } }").public is public


# --- functions ---


def by_viewer(info: Info) -> str:
    return str(info.user)


def by_context_of(info: Info) -> str:
    return str(info.context)


def by_request(info: Info) -> str:
    return str(info.request)


def visible(info: Info) -> list[Book]:
    return list(info.visible(Book))


def same(info: Info) -> str:
    return info.field_name


def rows(info: Info) -> list[Book]:
    return list(Book.objects.all())


FUNCTIONS = [
    (same, None, (0, "private")),
    (same, CachePolicy(max_age=9), (9, "private")),
    (same, PUBLIC, (60, "public")),
    (same, False, (0, "never")),
    (by_viewer, PUBLIC, (60, "private")),
    (by_context_of, PUBLIC, (60, "private")),
    (by_request, PUBLIC, (60, "private")),
    # of a public type
    (rows, None, (0, "private")),
    (rows, PUBLIC, (60, "public")),
    (rows, CachePolicy(max_age=9, scope="public"), (9, "public")),
    (visible, PUBLIC, (60, "private")),
]


@pytest.mark.parametrize(
    ("function", "policy", "expected"), FUNCTIONS, ids=lambda item: getattr(item, "__name__", None)
)
def test_function_in_python_is_public_only_if_it_is_declared_so_and_has_not_asked_for_the_viewer(
    function: Any, policy: Any, expected: tuple[int, str]
) -> None:
    registry = catalogue()
    fraiseql.query(name="answer", cache=policy, registry=registry)(function)
    engine = GraphQLEngine(registry=registry)
    selected = " { title }" if function in (rows, visible) else ""

    for _ in range(2):
        assert shown(policy_of(engine, f"{{ answer{selected} }}", request=SimpleNamespace(user=None))) == expected
    # beside a field that is public
    answer = policy_of(engine, f"{{ books {{ title }} answer{selected} }}", request=SimpleNamespace(user=None))
    assert answer.public is (expected[1] == "public")


def test_function_of_postgresql_is_public_unless_it_is_given_a_value_of_the_viewer() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fn_doubled(n int, of_user text) RETURNS int STABLE LANGUAGE sql AS 'SELECT 2 * n'"
        )
    registry = catalogue()

    def doubled(n: int, of_user: str) -> int:
        raise NotImplementedError

    def own(n: int) -> int:
        raise NotImplementedError

    for function, params in ((doubled, None), (own, {"user_email": "of_user"})):
        fraiseql.query(function="fn_doubled", context_params=params, cache=PUBLIC, registry=registry)(function)
    engine = GraphQLEngine(registry=registry)
    user = SimpleNamespace(user=User(username="ann", email="a", pk=1))

    assert shown(policy_of(engine, '{ doubled(n: 2, ofUser: "a") }', request=user)) == (60, "public")
    assert shown(policy_of(engine, "{ own(n: 2) }", request=user)) == (60, "private")


# --- the session ---


@contextmanager
def view(sql: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE VIEW of_session AS {sql}")
    yield


def user_of(viewer: Any) -> str:
    return "ann"


@pytest.mark.parametrize(
    ("session", "sql", "public"),
    [
        (SessionSettings(), "SELECT id, current_setting('app.user', true) AS title FROM bookshop_book", True),
        (
            SessionSettings(variables={"app.user": f"{__name__}.user_of"}),
            "SELECT id, current_setting('app.user', true) AS title FROM bookshop_book",
            False,
        ),
        (SessionSettings(variables={"app.user": f"{__name__}.user_of"}), "SELECT id, title FROM bookshop_book", True),
    ],
    ids=["no session values", "read", "not read"],
)
def test_answer_that_reads_session_values_is_not_public(session: SessionSettings, sql: str, public: bool) -> None:
    registry = Registry()
    body = {"__annotations__": {"id": int, "title": str | None}}
    fraiseql.type(sql_source="of_session", cache=PUBLIC, registry=registry)(type("Row", (), body))
    with view(sql):
        engine = GraphQLEngine(registry=registry, settings=replace(get_settings(), session=session))
        assert policy_of(engine, "{ rows { title } }").public is public


def test_answer_is_not_public_while_the_project_has_set_something_in_the_session() -> None:
    engine = GraphQLEngine(registry=catalogue())
    assert policy_of(engine, "{ books { title } }").public is True

    with connection.cursor() as cursor:
        cursor.execute("SET app.tenant = 'a'")
    assert policy_of(engine, "{ books { title } }").public is False
    with connection.cursor() as cursor:
        cursor.execute("RESET app.tenant")
    assert policy_of(engine, "{ books { title } }").public is True


def test_answers_with_errors_and_of_mutations_have_no_policy() -> None:
    registry = catalogue()

    def rename(info: Info) -> Book | None:
        return None

    fraiseql.mutation(registry=registry)(rename)
    engine = GraphQLEngine(registry=registry)

    for operation in ("{ nonsense }", "mutation { rename { title } }"):
        assert engine.execute(operation).policy.public is False
        assert engine.execute(operation).policy.max_age == 0


def test_every_parameter_of_the_viewer_is_known_as_one() -> None:
    """Nothing but the class of such parameters reads the viewer from variables: others would not be noticed."""
    import re
    from pathlib import Path

    package = Path(fraiseql.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for folder in ("planner", "kinds", "schema")
        for path in (package / folder).rglob("*.py")
        if re.search(r"\bVIEWER\b", path.read_text())
    }
    assert found == {"planner/expressions.py"}
