"""Plans and answers are shared between viewers exactly where they are the same."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.declare.rules import requires_auth
from fraiseql_django.viewer import Viewer
from tests.archive.models import Box, Note, Room
from tests.archive.support import Archive, Person, declare, engine_of, fill
from tests.support import make_engine

pytestmark = pytest.mark.django_db(transaction=True)

NOTES = "{ notes { name box { name } } }"
BOXES = "{ boxes { name } }"


@pytest.fixture
def archive() -> Archive:
    return fill()


def engine_with(cache_alias: str, rules: Any) -> GraphQLEngine:
    registry = Registry()
    declare(registry, rules)
    return make_engine(cache_alias, registry=registry)


def answer(engine: GraphQLEngine, query: str, who: Person) -> tuple[Any, bool]:
    """Return an answer, and whether it came from the cache."""
    hits = engine.statistics().result_hits
    response = engine.execute(query, request=who.request)
    return response.data, engine.statistics().result_hits > hits


def test_viewers_with_different_keys_never_share_answers(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Box: {"rows": lambda viewer: Q(owner=viewer.id)}})
    people = [archive.people[name] for name in ("nobody", "ann", "bob")]

    first = [answer(engine, NOTES, who) for who in people]
    again = [answer(engine, NOTES, who) for who in people]

    assert [hit for _, hit in first] == [False] * 3
    assert again == [(text, True) for text, _ in first]
    assert len({text for text, _ in first}) == 3
    # a hole for whoever asks: one plan serves all
    assert engine.statistics().plans.misses == 1


def test_viewers_for_whom_guards_say_the_same_share_answers(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Box: {"rows": lambda viewer: viewer.is_staff or Q(tenant=1)}})
    another = Person("boss", User.objects.create(username="boss", is_staff=True))

    seen, hit = answer(engine, BOXES, archive.people["staff"])
    shared = answer(engine, BOXES, another)
    customers = [answer(engine, BOXES, archive.people[name]) for name in ("ann", "bob", "nobody")]

    assert not hit
    assert shared == (seen, True)
    # to customers it is the same for all, and not what staff see
    assert [hit for _, hit in customers] == [False, True, True]
    assert {text for text, _ in customers} == {customers[0][0]} != {seen}


def test_guards_make_one_plan_for_each_answer(archive: Archive) -> None:
    registry = Registry()
    declare(registry, {Box: {"rows": lambda viewer: viewer.is_staff or Q(owner=viewer.id)}})
    engine = engine_of(registry)
    read = {
        name: engine.planner.plan(engine.parser.parse(BOXES).operation(None), {}, _viewer(archive.people[name])).read
        for name in ("ann", "bob", "nobody", "staff", "everybody")
    }

    assert read["ann"] is read["bob"] is read["nobody"] is read["everybody"]
    assert read["staff"] is not read["ann"]
    assert "%s" not in str(read["staff"].sql)


def _viewer(who: Person) -> Any:
    return Viewer(who.request)


def test_values_that_are_the_same_share_answers(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Box: {"rows": lambda viewer: Q(tenant=viewer.value("tenant", int))}})
    ann, same = archive.people["ann"], Person("same", archive.people["bob"].user, tenant=1)

    seen, _ = answer(engine, BOXES, ann)

    assert answer(engine, BOXES, same) == (seen, True)
    assert answer(engine, BOXES, archive.people["bob"])[1] is False
    # no tenant at all is not the tenant "None"
    assert answer(engine, BOXES, archive.people["nobody"]) == (b'{"boxes":[]}', False)


def test_operations_that_read_no_rule_are_shared_by_all(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Box: {"rows": lambda viewer: viewer.is_staff or Q(owner=viewer.id)}})
    query = "{ rooms { name rooms { name } } }"

    seen, _ = answer(engine, query, archive.people["nobody"])

    assert [answer(engine, query, archive.people[name]) for name in ("ann", "staff")] == [(seen, True)] * 2


def test_a_right_that_is_given_or_taken_counts_at_once(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Box: {"rows": lambda viewer: viewer.has_role("keepers")}})
    group = Group.objects.create(name="keepers")
    user = archive.people["ann"].user
    assert user is not None

    def now() -> Any:
        # a request has a user of its own
        return answer(engine, BOXES, Person("ann", User.objects.get(pk=user.pk)))[0]

    assert now() == b'{"boxes":[]}'
    user.groups.add(group)
    assert now().count(b"SECRET") == 10
    user.groups.remove(group)
    assert now() == b'{"boxes":[]}'


def test_a_write_makes_the_answers_of_all_viewers_old(archive: Archive, cache_alias: str) -> None:
    rules = {Box: {"rows": lambda viewer: Q(readers=viewer.id)}, Room: {"permission": requires_auth, "mask": True}}
    engine = engine_with(cache_alias, rules)
    people = [archive.people[name] for name in ("ann", "bob")]
    before = [answer(engine, BOXES, who)[0] for who in people]

    box = Box.objects.get(pk=3)
    box.readers.add(*box.readers.model.objects.filter(username__in=["ann", "bob"]))

    after = [answer(engine, BOXES, who) for who in people]
    assert [hit for _, hit in after] == [False, False]
    assert all(
        b"SECRET-Box-3" in text and b"SECRET-Box-3" not in old for (text, _), old in zip(after, before, strict=True)
    )


def test_a_user_is_not_read_where_no_rule_asks(archive: Archive) -> None:
    registry = Registry()
    declare(registry, {Box: {"rows": lambda viewer: viewer.has_role("editors")}})
    engine = engine_of(registry)

    class Request:
        @property
        def user(self) -> Any:
            raise AssertionError("nobody asked")

    assert not engine.execute("{ rooms { name } }", request=Request()).errors  # type: ignore[arg-type]


MISTAKES = [
    (lambda viewer: Q() if viewer.id else False, "viewer.id"),
    (lambda viewer: viewer.value("tenant", int) == 1, "viewer.value('tenant')"),
    (lambda viewer: viewer.value("tenant", int) != 1, "viewer.value('tenant')"),
    (lambda viewer: viewer.value("tenant") in ("1", "2"), "viewer.value('tenant')"),
]


@pytest.mark.parametrize(("rule", "asked"), MISTAKES)
def test_a_rule_that_decides_in_python_what_only_the_database_is_told_is_refused(rule: Any, asked: str) -> None:
    registry = Registry()
    declare(registry, {Box: {"rows": rule}})
    engine = engine_of(registry)
    engine_error = engine.execute(BOXES).json()["errors"][0]

    assert engine_error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    with pytest.raises(DeclarationError) as raised:
        engine.explain(BOXES)
    assert str(raised.value) == (
        f"a rule used the value of {asked} in Python, but only the statement has it; compare it in a Q, and decide by "
        "is_authenticated, is_staff, is_superuser, has_perm(…) or has_role(…)"
    )


PERMISSIONS = [
    (lambda viewer: "yes", "the permission of Box returned 'yes', must be True or False"),
]


@pytest.mark.parametrize(("permission", "message"), PERMISSIONS)
def test_a_permission_that_does_not_decide_is_refused(permission: Any, message: str) -> None:
    registry = Registry()
    declare(registry, {Box: {"permission": permission}})

    with pytest.raises(DeclarationError) as raised:
        engine_of(registry).explain(BOXES)
    assert str(raised.value) == message


def test_nothing_is_asked_of_the_database_for_who_asks_alone(archive: Archive, cache_alias: str) -> None:
    engine = engine_with(cache_alias, {Note: {"rows": lambda viewer: viewer.is_staff or Q(owner=viewer.id)}})
    answer(engine, NOTES, archive.people["ann"])

    with CaptureQueriesContext(connection) as captured:
        answer(engine, NOTES, archive.people["bob"])
        answer(engine, NOTES, archive.people["ann"])

    assert len(captured) == 1
