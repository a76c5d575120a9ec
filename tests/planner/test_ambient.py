"""What Python decides at request time holds for that request: no plan and no kept answer carries it to another.

The right value of each case is what the same expression of the ORM gives at that moment.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import ExtractHour, TruncDate
from django.http import HttpRequest
from django.test.utils import isolate_apps
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from graphql import print_schema

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.declare.unrestricted_reads import past_rules
from fraiseql_django.errors import OperationError
from fraiseql_django.planner.column_usage import readable_columns
from fraiseql_django.planner.questions import MAX_PLANS
from fraiseql_django.viewer import Viewer
from tests.support import data
from tests.zoo.models import Animal, Feeding, Food, Species

pytestmark = pytest.mark.django_db


@pytest.fixture
def cache(cache_alias: str) -> DjangoCache:
    return DjangoCache(cache_alias)


TENANT: ContextVar[str | None] = ContextVar("tenant", default=None)


class NoTenant(Exception):
    """Nobody has said whose rows are asked for."""


def tenant() -> str:
    found = TENANT.get()
    if found is None:
        raise NoTenant
    return found


@contextmanager
def acting_for(name: str | None) -> Iterator[None]:
    token = TENANT.set(name)
    try:
        yield
    finally:
        TENANT.reset(token)


class TenantManager(models.Manager[Any]):
    """Has the rows of the tenant, whose name theirs begin with, and raises where there is none."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(name__startswith=tenant())


class EmptyManager(models.Manager[Any]):
    """Has no rows for tenants that Django knows to have none."""

    def get_queryset(self) -> models.QuerySet[Any]:
        rows = super().get_queryset()
        return rows.filter(name__startswith=tenant()) if tenant() != "Bran" else rows.none()


class TenantQuerySet(models.QuerySet[Any]):
    """Starts from the rows of the tenant, by the way that it is made."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if options.get("query") is None and (args[1:2] or (None,))[0] is None:
            self.query.add_q(Q(name__startswith=tenant()))


class FilteringQuerySet(models.QuerySet[Any]):
    """Adds the tenant to each condition, and to each copy."""

    def filter(self, *args: Any, **options: Any) -> Any:
        return super().filter(*args, name__startswith=tenant(), **options)

    def _chain(self) -> Any:
        found = super()._chain()  # type: ignore[misc]
        found.query.add_q(Q(name__startswith=tenant()))
        return found


class Stateful:
    """An object whose text is the tenant."""

    def __str__(self) -> str:
        return tenant()


STATEFUL = Stateful()


def foods(manager: models.Manager[Any], *, cache: DjangoCache | None = None) -> GraphQLEngine:
    """Make an engine over animals and foods; what foods there are the manager says."""

    class Shown(Food):
        objects = manager

        class Meta:
            proxy = True
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Shown, name="Food", fields=["name"], registry=registry)(type("Food", (), {}))
    fraiseql.type(Animal, name="Animal", fields=["name", "foods"], registry=registry)(type("Animal", (), {}))
    return GraphQLEngine(registry=registry, cache=cache)


FOODS = "{ foods { name } }"


@pytest.fixture
def fed(db: None) -> Animal:
    """Make a horse that eats what three tenants have."""
    species = Species.objects.create(latin="equus")
    horse = Animal.objects.create(name="Rex", species=species)
    for name in ("Hay one", "Oats one", "Oats two"):
        Feeding.objects.create(animal=horse, food=Food.objects.create(name=name), grams=1)
    return horse


# --- default and base managers ---


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(
    "make",
    [TenantManager, EmptyManager, lambda: models.Manager.from_queryset(TenantQuerySet)(), FilteringQuerySet.as_manager],
    ids=["filter", "none", "queryset", "conditions"],
)
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (FOODS, lambda found: [row["name"] for row in found["foods"]]),
        ("{ foodsCount }", lambda found: found["foodsCount"]),
        ("{ animals { foods { name } } }", lambda found: [row["name"] for row in found["animals"][0]["foods"]]),
        (
            '{ animals(where: {foods: {some: {name: {startswith: "Hay"}}}}) { name } }',
            lambda found: len(found["animals"]),
        ),
    ],
    ids=["list", "count", "nested", "some"],
)
def test_each_tenant_has_its_rows(
    make: Callable[[], Any], query: str, shown: Callable[[Any], Any], fed: Animal
) -> None:
    engine = foods(make())
    names = {"Hay": ["Hay one"], "Oats": ["Oats one", "Oats two"], "Bran": []}

    for name in ("Bran", "Oats", "Hay", "Bran", "Oats", "Hay"):
        with acting_for(name):
            found = shown(data(engine, query))

        if "some" in query:
            assert found == (1 if name == "Hay" else 0)
        elif "Count" in query:
            assert found == len(names[name])
        else:
            assert found == names[name]


@isolate_apps("tests.zoo")
@pytest.mark.django_db(transaction=True)
def test_manager_that_raises_is_an_error_without_rows(cache: DjangoCache, fed: Animal) -> None:
    engine = foods(TenantManager(), cache=cache)
    with acting_for("Oats"):
        data(engine, FOODS)

    answer = engine.execute(FOODS).json()

    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    with acting_for("Hay"):
        assert data(engine, FOODS) == {"foods": [{"name": "Hay one"}]}


@isolate_apps("tests.zoo")
@pytest.mark.django_db(transaction=True)
def test_clock_of_a_manager_goes_on(cache: DjangoCache, fed: Animal) -> None:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    class DueManager(models.Manager[Any]):
        def get_queryset(self) -> models.QuerySet[Any]:
            due = Case(When(name="Hay one", then=Value("2026-01-01")), default=Value("2026-01-02"))
            return super().get_queryset().alias(due=due).filter(due__lte=now.date().isoformat())

    engine = foods(DueManager(), cache=cache)
    assert data(engine, FOODS) == {"foods": [{"name": "Hay one"}]}

    now += dt.timedelta(days=1)

    assert len(data(engine, FOODS)["foods"]) == 3


@isolate_apps("tests.zoo")
def test_manager_that_never_decides_the_same_is_asked_each_time(fed: Animal) -> None:
    asked = []

    class CountingManager(models.Manager[Any]):
        def get_queryset(self) -> models.QuerySet[Any]:
            asked.append(1)
            return super().get_queryset().filter(name__startswith="Hay" if len(asked) % 2 else "Oats")

    engine = foods(CountingManager())

    for _time in range(6):
        asked.append(1)
        # twice in one operation, with two answers
        first, second = (data(engine, "{ a: foods { name } b: foods { name } }")[key] for key in "ab")
        assert first != second


@isolate_apps("tests.zoo")
def test_same_plan_serves_the_same_tenant(fed: Animal) -> None:
    engine = foods(TenantManager())
    parsed = engine.parser.parse(FOODS).operation(None)

    with acting_for("Oats"):
        plan = engine.planner.plan(parsed, {})
        assert engine.planner.plan(parsed, {}) is plan
    with acting_for("Hay"):
        assert engine.planner.plan(parsed, {}) is not plan
    with acting_for("Oats"):
        assert engine.planner.plan(parsed, {}) is plan


@isolate_apps("tests.zoo")
def test_plan_is_not_kept_over_querysets_that_are_built_in_their_own_way(fed: Animal) -> None:
    engine = foods(FilteringQuerySet.as_manager())
    parsed = engine.parser.parse(FOODS).operation(None)

    with acting_for("Oats"):
        plan = engine.planner.plan(parsed, {})
        assert engine.planner.plan(parsed, {}) is not plan


@isolate_apps("tests.zoo")
def test_plans_of_many_tenants_are_bounded(fed: Animal) -> None:
    engine = foods(TenantManager())
    parsed = engine.parser.parse(FOODS).operation(None)

    for number in range(MAX_PLANS + 10):
        with acting_for(f"tenant {number}"):
            engine.planner.plan(parsed, {})

    (key,) = engine.planner.cache._entries
    kept = engine.planner.cache.get(key)
    assert kept is not None
    assert len(kept.by_answers) == MAX_PLANS


@isolate_apps("tests.zoo")
def test_checks_and_commands_work_where_a_manager_refuses(fed: Animal) -> None:
    class Shown(Food):
        objects = TenantManager()

        class Meta:
            proxy = True
            app_label = "zoo"
            base_manager_name = "objects"

    registry = Registry()
    fraiseql.type(Shown, name="Food", fields=["name"], registry=registry)(
        type("Food", (), {"__annotations__": {"loud": str}, "loud": fraiseql.field(F("name"))})
    )
    engine = GraphQLEngine(registry=registry, cache=None)

    assert past_rules(registry) == []
    assert readable_columns(engine.schema, "default") == {Food._meta.db_table: {"id", "name"}}


# --- rules and permissions ---


def ruled(**options: Any) -> GraphQLEngine:
    registry = Registry()
    fraiseql.type(Food, fields=["name"], registry=registry, **options)(type("FoodType", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


@pytest.mark.parametrize(
    "rule",
    [
        lambda viewer: Q(name__startswith=tenant()),
        lambda viewer: Q(pk__in=Food.objects.filter(name__startswith=tenant())),
        lambda viewer: Q(name__startswith=STATEFUL),
        lambda viewer: tenant() != "Hay" or Q(name="Hay one"),
        lambda viewer: Q(pk__in=list(Food.objects.filter(name__startswith=tenant()).values_list("pk", flat=True))),
        lambda viewer: Q(models.Exists(Food.objects.filter(pk=models.OuterRef("pk"), name__startswith=tenant()))),
    ],
    ids=["value", "subquery", "object", "Boolean", "list", "exists"],
)
def test_row_rule_is_asked_for_each_request(rule: Any, fed: Animal) -> None:
    engine = ruled(rows=rule)

    for name in ("Oats", "Hay", "Oats", "Hay"):
        with acting_for(name):
            found = [row["name"] for row in data(engine, FOODS)["foods"]]
        assert ("Hay one" in found, len(found)) in ([(True, 1)] if name == "Hay" else [(False, 2), (True, 3)])
    assert "data" not in engine.execute(FOODS).json()


def test_permission_is_asked_for_each_request(fed: Animal) -> None:
    engine = ruled(permission=lambda viewer: tenant() == "Oats")

    for name in ("Oats", "Hay", "Oats", "Hay"):
        with acting_for(name):
            answer = engine.execute(FOODS).json()
        assert ("data" in answer) == (name == "Oats")


def test_rule_of_a_source_is_asked_for_each_request(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY VIEW words AS SELECT unnest(ARRAY['Hay one', 'Oats one']) AS name")
    registry = Registry()

    @fraiseql.type(
        sql_source="words", rows=lambda viewer: Q(models.Exists(Food.objects.none())) | Q(name__startswith=tenant()),
        registry=registry,
    )  # fmt: skip
    class Word:
        name: str

    engine = GraphQLEngine(registry=registry, cache=None)

    for name in ("Oats", "Hay", "Oats"):
        with acting_for(name):
            assert data(engine, "{ words { name } }") == {"words": [{"name": f"{name} one"}]}


def test_plan_is_kept_by_the_answers_that_it_was_made_with(fed: Animal) -> None:
    class Wavering:
        """A user who has the permission when first asked, and not afterwards."""

        is_authenticated = is_active = True
        pk = 1
        asked = 0

        def has_perm(self, name: str) -> bool:
            self.asked += 1
            return self.asked == 1

    class Denied(Wavering):
        asked = 1

    engine = ruled(permission="zoo.view_food")
    parsed = engine.parser.parse(FOODS).operation(None)

    def plan_for(user: Any) -> Any:
        request = HttpRequest()
        request.user = user
        return engine.planner.plan(parsed, {}, Viewer(request))

    plan_for(Wavering())

    with pytest.raises(OperationError, match="not allowed"):
        plan_for(Denied())


# --- the active time zone and language ---


def computed(model: Any, **expressions: Any) -> GraphQLEngine:
    registry = Registry()
    body = {name: fraiseql.field(expression) for name, (_type, expression) in expressions.items()}
    annotations = {name: type_ for name, (type_, _expression) in expressions.items()}
    fraiseql.type(model, name="Row", fields=["id"], registry=registry)(
        type("Row", (), {**body, "__annotations__": annotations})
    )
    return GraphQLEngine(registry=registry, cache=None)


def test_dates_and_hours_are_those_of_the_active_time_zone(db: None) -> None:
    User.objects.create(username="ann", date_joined=dt.datetime(2026, 1, 1, 23, 30, tzinfo=dt.UTC))
    day, hour = TruncDate("date_joined"), ExtractHour("date_joined")
    engine = computed(User, day=(dt.date, day), hour=(int, hour))

    for zone in ("UTC", "Asia/Tokyo", "America/New_York", "UTC", "Asia/Tokyo"):
        with timezone.override(zone):
            (row,) = User.objects.annotate(day=day, hour=hour).values("day", "hour")
            (found,) = data(engine, "{ rows { day hour } }")["rows"]
            where = f'{{day: {{eq: "{row["day"]}"}}, hour: {{eq: {row["hour"]}}}}}'
            assert found == {"day": row["day"].isoformat(), "hour": row["hour"]}
            assert data(engine, f"{{ rowsCount(where: {where}) }}") == {"rowsCount": 1}


@isolate_apps("tests.zoo")
def test_schema_does_not_depend_on_the_language_of_who_comes_first(db: None) -> None:
    class Day(models.IntegerChoices):
        FIRST = 1, _("Monday")

    class Diary(models.Model):
        day = models.IntegerField(choices=[(1, _("Monday")), (2, _("Tuesday"))], help_text=_("Friday"))
        named = models.IntegerField(_("Sunday"), choices=Day)

        class Meta:
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Diary, fields="__all__", registry=registry)(type("DiaryType", (), {}))

    def written(language: str) -> str:
        with translation.override(language):
            return print_schema(GraphQLEngine(registry=registry, cache=None).schema.graphql)

    first, second = written("de"), written("fr")

    assert first == second
    assert "MONDAY" in first
    assert "Friday" in first


def test_lazy_texts_are_those_of_the_active_language(db: None) -> None:
    Food.objects.create(name="Hay")
    label = Case(When(name="Hay", then=Value(_("Monday"), output_field=CharField())), default=Value(""))
    engine = computed(Food, label=(str, label))

    for language, word in (("en", "Monday"), ("de", "Montag"), ("fr", "lundi"), ("en", "Monday"), ("de", "Montag")):
        with translation.override(language):
            assert data(engine, "{ rows { label } }") == {"rows": [{"label": word}]}
            assert data(engine, f'{{ rowsCount(where: {{label: {{eq: "{word}"}}}}) }}') == {"rowsCount": 1}
