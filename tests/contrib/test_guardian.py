"""Object permissions of django-guardian as row rules: what guardian says, in the one statement."""

import datetime as dt
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import models
from django.db.models import Q
from guardian.conf import settings as guardian_settings
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, get_objects_for_user, remove_perm

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.contrib.guardian import can
from tests.cabinet.models import Cell, Deed, Drawer, File, Label, Page, Report, ShownFile, Slip
from tests.support import make_engine, statements

ROOT = Path(__file__).resolve().parents[2]


def declare(registry: Registry, model: Any, rows: Any = None, **options: Any) -> type:
    """Declare a type over a model, with a row rule."""
    cls = type(f"{model.__name__}Type", (), {"__module__": __name__})
    return fraiseql.type(model, rows=rows, registry=registry, **options)(cls)


def engine_over(model: Any, rows: Any, **options: Any) -> GraphQLEngine:
    """Make an engine over one type, which keeps no answers."""
    registry = Registry()
    declare(registry, model, rows, fields=["name"], plural="found", **options)
    return GraphQLEngine(registry=registry, cache=None)


def ask(engine: GraphQLEngine, query: str, user: Any = None, **variables: Any) -> Any:
    """Execute an operation for a user, as another request would: what is known of rights is read anew."""
    user = None if user is None else User.objects.get(pk=user.pk)
    return engine.execute(query, variables, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def names(engine: GraphQLEngine, user: Any = None) -> list[str]:
    """Return the names of the rows that a user is shown."""
    body = ask(engine, "{ found { name } }", user)
    assert "errors" not in body, body
    return sorted(row["name"] for row in body["data"]["found"])


@pytest.fixture
def anonymous(db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    """Let a user stand for those who are not signed in, as guardian's own settings have it."""
    monkeypatch.setattr(guardian_settings, "ANONYMOUS_USER_NAME", "AnonymousUser")
    return User.objects.create(username="AnonymousUser")


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create(username="ann")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create(username="bob")


# --- the same rows as guardian's own shortcut ---

MAKE: dict[Any, Callable[[int], dict[str, Any]]] = {
    File: lambda n: {},
    Report: lambda n: {},
    Slip: lambda n: {},
    Label: lambda n: {"code": f"{n:03}"},
    Page: lambda n: {"day": dt.date(2026, 1, n + 1)},
    Deed: lambda n: {},
}
RULES: list[dict[str, Any]] = [
    {},
    {"globally": False},
    {"any_perm": True},
    {"any_perm": True, "globally": False},
]


def cast_of_users(random: Random, model: Any) -> list[User]:
    """Make users in groups, with grants of every kind at random, on rows of a model and on others of the same keys."""
    groups = [Group.objects.create(name=f"group {n}") for n in range(3)]
    users = [User.objects.create(username=f"user {n}") for n in range(5)]
    users.append(User.objects.create(username="root", is_superuser=True))
    rows = [model.objects.create(name=f"{n:02}", **MAKE[model](n)) for n in range(8)]
    drawers = [Drawer.objects.create(pk=n, name="") for n in range(1, 10)]
    for user in users:
        user.groups.set(random.sample(groups, random.randint(0, 2)))
    whole = [f"cabinet.{action}_{model._meta.model_name}" for action in ("view", "change", "delete")]
    for who in (*users, *groups):
        for row in rows:
            for permission in whole:
                if random.random() < 0.25:
                    assign_perm(permission, who, row)
        for drawer in random.sample(drawers, 4):
            assign_perm("cabinet.view_drawer", who, drawer)
        if random.random() < 0.3:
            assign_perm(random.choice(whole), who)
    return users


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("model", MAKE, ids=lambda model: model.__name__)
def test_rows_are_those_that_guardian_finds(model: Any, seed: int) -> None:
    users = cast_of_users(Random(seed), model)
    of = model._meta.model_name
    compared = 0

    for actions in (["view"], ["view", "change"], ["change", "delete", "view"]):
        permissions = [f"cabinet.{action}_{of}" for action in actions]
        for options in RULES:
            engine = engine_over(model, can(*permissions, **options))
            theirs = dict(options)
            theirs["accept_global_perms"] = theirs.pop("globally", True)
            for user in users:
                fresh = User.objects.get(pk=user.pk)
                expected = get_objects_for_user(fresh, permissions, klass=model, **theirs)
                found = names(engine, user)
                assert found == sorted(row.name for row in expected), (user, permissions, options)
                compared += 0 < len(found) < 8
    assert compared > 10


@pytest.mark.django_db
def test_a_type_over_a_proxy_shows_rows_by_the_permissions_of_its_model(ann: User) -> None:
    first, _ = (File.objects.create(name=name) for name in ("first", "second"))
    assign_perm("cabinet.view_file", ann, first)

    assert names(engine_over(ShownFile, can("cabinet.view_file")), ann) == ["first"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["abc", "99999999999999999999", "9223372036854775808", "1.5", ""])
def test_keys_that_are_none_of_the_model_are_passed_over(ann: User, key: str) -> None:
    file = File.objects.create(pk=9223372036854775807, name="last")
    rubbish = assign_perm("cabinet.view_file", ann, File.objects.create(name="no longer"))
    UserObjectPermission.objects.filter(pk=rubbish.pk).update(object_pk=key)
    assign_perm("cabinet.view_file", ann, file)

    assert names(engine_over(File, can("cabinet.view_file")), ann) == ["last"]


@pytest.mark.django_db
def test_keys_of_another_model_are_no_keys_of_this_one(ann: User) -> None:
    for model in (Slip, File):
        model.objects.create(name=model.__name__)
    assign_perm("cabinet.view_slip", ann, Slip.objects.get())
    assign_perm("cabinet.view_label", ann, Label.objects.create(code="1", name="Label"))

    assert names(engine_over(File, can("cabinet.view_file")), ann) == []
    assert names(engine_over(Slip, can("cabinet.view_slip")), ann) == ["Slip"]


# --- who asks ---


def test_those_who_are_not_signed_in_see_what_the_anonymous_user_may(anonymous: User, ann: User) -> None:
    files = [File.objects.create(name=name) for name in ("own", "of group", "none")]
    visitors = Group.objects.create(name="visitors")
    anonymous.groups.add(visitors)
    assign_perm("cabinet.view_file", anonymous, files[0])
    assign_perm("cabinet.view_file", visitors, files[1])
    engine = engine_over(File, can("cabinet.view_file"))

    assert names(engine) == ["of group", "own"]
    # who is signed in is not anonymous as well
    assert names(engine, ann) == []


def test_permissions_for_the_whole_model_are_not_the_anonymous_users_to_have(anonymous: User) -> None:
    File.objects.create(name="file")
    assign_perm("cabinet.view_file", anonymous)

    assert names(engine_over(File, can("cabinet.view_file"))) == []


@pytest.mark.django_db
def test_without_an_anonymous_user_nobody_sees_nothing() -> None:
    File.objects.create(name="file")

    assert guardian_settings.ANONYMOUS_USER_NAME is None
    assert names(engine_over(File, can("cabinet.view_file"))) == []


@pytest.mark.django_db
def test_an_anonymous_user_who_does_not_exist_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian_settings, "ANONYMOUS_USER_NAME", "nobody of this name")
    File.objects.create(name="file")

    assert names(engine_over(File, can("cabinet.view_file"))) == []


def test_a_user_who_was_shut_out_has_nothing(ann: User) -> None:
    files = [File.objects.create(name=name) for name in ("granted", "other")]
    assign_perm("cabinet.view_file", ann, files[0])
    User.objects.filter(pk=ann.pk).update(is_superuser=True, is_active=False)

    assert names(engine_over(File, can("cabinet.view_file")), ann) == []


# --- composition ---


@pytest.fixture
def files(ann: User) -> list[File]:
    """Three files: ann may view the first two, and change the second."""
    found = [File.objects.create(name=name) for name in ("viewed", "changed", "other")]
    assign_perm("cabinet.view_file", ann, found[0])
    assign_perm("cabinet.view_file", ann, found[1])
    assign_perm("cabinet.change_file", ann, found[1])
    return found


COMPOSED = [
    (lambda viewer: viewer.is_staff or can("cabinet.view_file")(viewer), ["changed", "viewed"]),
    (lambda viewer: Q(name="other") | can("cabinet.change_file")(viewer), ["changed", "other"]),
    (lambda viewer: can("cabinet.change_file")(viewer) | Q(name="other"), ["changed", "other"]),
    (lambda viewer: can("cabinet.view_file")(viewer) & Q(name__startswith="v"), ["viewed"]),
    (lambda viewer: can("cabinet.view_file")(viewer) & ~can("cabinet.change_file")(viewer), ["viewed"]),
    (lambda viewer: can("cabinet.sign_file")(viewer) | can("cabinet.change_file")(viewer), ["changed"]),
    (lambda viewer: Q(pk__in=File.objects.filter(can("cabinet.change_file")(viewer))), ["changed"]),
    (
        lambda viewer: Q(
            pk__in=File.objects.filter(can("cabinet.view_file", "cabinet.change_file")(viewer) & Q(name__contains="a"))
        ),
        ["changed"],
    ),
]


@pytest.mark.parametrize(("rule", "expected"), COMPOSED)
def test_composes_with_conditions(files: list[File], ann: User, rule: Any, expected: list[str]) -> None:
    engine = engine_over(File, rule)

    assert names(engine, ann) == expected


@pytest.mark.parametrize("right", ["superuser", "global permission"])
def test_who_has_all_rows_composes_as_well(files: list[File], bob: User, right: str) -> None:
    if right == "superuser":
        User.objects.filter(pk=bob.pk).update(is_superuser=True)
    else:
        assign_perm("cabinet.view_file", bob)
    either = engine_over(File, lambda viewer: Q(name="other") | can("cabinet.view_file")(viewer))
    both = engine_over(File, lambda viewer: can("cabinet.view_file")(viewer) & Q(name="other"))
    none = engine_over(File, lambda viewer: ~can("cabinet.view_file")(viewer))

    assert names(either, bob) == ["changed", "other", "viewed"]
    assert names(both, bob) == ["other"]
    assert names(none, bob) == []


@pytest.mark.django_db
def test_a_view_is_compared_with_keys_of_the_model(files: list[File], ann: User) -> None:
    registry = Registry()

    @fraiseql.type(
        sql_source="cabinet_file",
        key="id",
        plural="found",
        rows=lambda viewer: Q(id__in=File.objects.filter(can("cabinet.change_file")(viewer))),
        registry=registry,
    )
    class FileRow:
        id: int
        name: str

    assert names(GraphQLEngine(registry=registry, cache=None), ann) == ["changed"]


# --- every way of reading ---


@pytest.fixture
def cabinet(files: list[File]) -> GraphQLEngine:
    """Make an engine over drawers and files, of which both have rules."""
    for number, file in enumerate(files):
        file.drawer = Drawer.objects.create(pk=number + 1, name=f"drawer of {file.name}")
        file.save()
    registry = Registry()
    declare(registry, Drawer, can("cabinet.view_drawer"), fields=["id", "name", "files"])
    file = declare(registry, File, can("cabinet.view_file"), fields=["id", "name", "drawer"])
    fraiseql.update(file, fields=["name"], registry=registry)
    fraiseql.delete(file, registry=registry)
    fraiseql.create(file, fields=["name"], registry=registry)
    return GraphQLEngine(registry=registry, cache=None)


READ = [
    ("{ files(orderBy: {id: ASC}) { name drawer { name } } }",
     {"files": [{"name": "viewed", "drawer": None}, {"name": "changed", "drawer": {"name": "drawer of changed"}}]}),
    ("{ drawers { name files { name } } }",
     {"drawers": [{"name": "drawer of changed", "files": [{"name": "changed"}]},
                  {"name": "drawer of other", "files": []}]}),
    ('{ drawers(where: {files: {some: {name: {neq: ""}}}}) { name } }', {"drawers": [{"name": "drawer of changed"}]}),
    ('{ drawers(where: {files: {none: {name: {eq: "other"}}}}) { id } }', {"drawers": [{"id": "2"}, {"id": "3"}]}),
    ('{ files(where: {drawer: {name: {neq: ""}}}) { name } }', {"files": [{"name": "changed"}]}),
    ("{ files(orderBy: [{drawer: {name: ASC}}, {id: ASC}]) { name } }",
     {"files": [{"name": "changed"}, {"name": "viewed"}]}),
    ('{ file(id: OTHER) { name } drawer(id: 2) { id } }', {"file": None, "drawer": {"id": "2"}}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), READ)
def test_every_way_of_reading_keeps_to_the_rules(
    cabinet: GraphQLEngine, ann: User, query: str, expected: dict[str, Any]
) -> None:
    other, seen = Drawer.objects.get(pk=3), Drawer.objects.get(pk=2)
    group = Group.objects.create(name="keepers")
    ann.groups.add(group)
    assign_perm("cabinet.view_drawer", ann, other)
    assign_perm("cabinet.view_drawer", group, seen)
    query = query.replace("OTHER", str(File.objects.get(name="other").pk))
    ask(cabinet, query, ann)
    request = SimpleNamespace(user=User.objects.get(pk=ann.pk))
    for name in ("cabinet.view_drawer", "cabinet.view_file"):
        request.user.has_perm(name)

    with statements(1):
        body = cabinet.execute(query, request=request).json()  # type: ignore[arg-type]

    assert body == {"data": expected}


@pytest.mark.parametrize("query", [query for query, _ in READ])
def test_who_has_all_rows_reads_as_if_there_were_no_rules(cabinet: GraphQLEngine, query: str) -> None:
    registry = Registry()
    declare(registry, Drawer, fields=["id", "name", "files"])
    declare(registry, File, fields=["id", "name", "drawer"])
    open_to_all = GraphQLEngine(registry=registry, cache=None)
    root = User.objects.create(username="root", is_superuser=True)
    query = query.replace("OTHER", str(File.objects.get(name="other").pk))

    assert ask(cabinet, query, root) == ask(open_to_all, query)


@pytest.mark.parametrize("query", [query for query, _ in READ])
def test_who_has_no_rows_reads_nothing(cabinet: GraphQLEngine, query: str) -> None:
    query = query.replace("OTHER", str(File.objects.get(name="other").pk))

    found = ask(cabinet, query)["data"]

    assert not any(found.values()), found


def test_rows_that_may_not_be_seen_are_neither_changed_nor_deleted(
    cabinet: GraphQLEngine, files: list[File], ann: User, bob: User
) -> None:
    rename = """mutation ($id: ID!) { updateFile(id: $id, input: {name: "new"}) {
        ... on UpdateFileSuccess { file { name } } ... on MutationError { code } } }"""
    delete = """mutation ($id: ID!) { deleteFile(id: $id) {
        ... on DeleteFileSuccess { file { name } } ... on MutationError { code } } }"""
    key = files[0].pk

    assert ask(cabinet, rename, bob, id=key) == {"data": {"updateFile": {"code": 404}}}
    assert ask(cabinet, rename, id=key) == {"data": {"updateFile": {"code": 404}}}
    assert ask(cabinet, rename, ann, id=key) == {"data": {"updateFile": {"file": {"name": "new"}}}}
    assert ask(cabinet, delete, bob, id=key) == {"data": {"deleteFile": {"code": 404}}}
    assert ask(cabinet, delete, ann, id=key) == {"data": {"deleteFile": {"file": {"name": "new"}}}}


def test_rows_that_may_be_seen_are_changed_by_those_who_may_change_them(files: list[File], ann: User) -> None:
    registry = Registry()
    file = declare(registry, File, can("cabinet.view_file"), fields=["id", "name"])
    fraiseql.update(file, fields=["name"], rows=can("cabinet.change_file"), registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    rename = """mutation ($id: ID!) { updateFile(id: $id, input: {name: "new"}) {
        ... on UpdateFileSuccess { file { name } } ... on MutationError { code status } } }"""
    viewed, changed, other = (file.pk for file in files)

    assert ask(engine, rename, ann, id=changed) == {"data": {"updateFile": {"file": {"name": "new"}}}}
    assert ask(engine, rename, ann, id=viewed) == {"data": {"updateFile": {"code": 403, "status": "failed:forbidden"}}}
    assert ask(engine, rename, ann, id=other) == {"data": {"updateFile": {"code": 404, "status": "failed:not_found"}}}


def test_a_mutation_asks_for_permissions_of_its_model() -> None:
    registry = Registry()
    file = declare(registry, File, fields=["id", "name"])
    fraiseql.update(file, fields=["name"], rows=can("cabinet.change_drawer"), registry=registry)

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == (
        "update(FileType): 'cabinet.change_drawer' is not a permission of File; must be one of: 'cabinet.add_file', "
        "'cabinet.change_file', 'cabinet.delete_file', 'cabinet.view_file', 'cabinet.sign_file'"
    )


def test_what_is_created_must_be_granted_in_the_same_transaction(cabinet: GraphQLEngine, ann: User) -> None:
    create = """mutation { createFile(input: {name: "new"}) {
        ... on CreateFileSuccess { file { name } } ... on MutationError { code } } }"""

    def grant(instance: File, created: bool, **kwargs: Any) -> None:
        if created:
            assign_perm("cabinet.view_file", ann, instance)

    refused = ask(cabinet, create, ann)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    assert not File.objects.filter(name="new").exists()
    models.signals.post_save.connect(grant, sender=File)
    try:
        assert ask(cabinet, create, ann) == {"data": {"createFile": {"file": {"name": "new"}}}}
    finally:
        models.signals.post_save.disconnect(grant, sender=File)


def test_a_mutation_in_python_asks_the_rule_for_its_rows(files: list[File], ann: User, bob: User) -> None:
    registry = Registry()
    declare(registry, File, can("cabinet.view_file"), fields=["id", "name"])

    @fraiseql.mutation(registry=registry)
    def rename(info: fraiseql.Info, id: int, name: str) -> bool:
        rows = info.visible(File).filter(can("cabinet.change_file")(info.viewer))
        return bool(rows.filter(pk=id).update(name=name))

    engine = GraphQLEngine(registry=registry, cache=None)
    call = 'mutation ($id: Int!) { rename(id: $id, name: "new") }'

    assert ask(engine, call, ann, id=files[0].pk) == {"data": {"rename": False}}
    assert ask(engine, call, ann, id=files[1].pk) == {"data": {"rename": True}}
    assert ask(engine, call, bob, id=files[1].pk) == {"data": {"rename": False}}
    assert ask(engine, call, id=files[1].pk) == {"data": {"rename": False}}


# --- plans and answers ---


def answer(engine: GraphQLEngine, user: Any) -> tuple[list[str], bool]:
    """Return the names that a user is shown, and whether the answer came from the cache."""
    hits = engine.statistics().result_hits
    return names(engine, user), engine.statistics().result_hits > hits


def caching(cache_alias: str, rows: Any = None, model: Any = File) -> GraphQLEngine:
    of = model._meta.model_name
    registry = Registry()
    declare(registry, model, rows or can(f"cabinet.view_{of}"), fields=["name"], plural="found")
    return make_engine(cache_alias, registry=registry)


@pytest.mark.django_db(transaction=True)
def test_one_plan_serves_all_without_the_permission_for_the_whole_model(
    cache_alias: str, files: list[File], ann: User, bob: User
) -> None:
    engine = caching(cache_alias)
    boss, root = User.objects.create(username="boss"), User.objects.create(username="root", is_superuser=True)
    chief = User.objects.create(username="chief")
    for user in (boss, chief):
        assign_perm("cabinet.view_file", user)

    first = [answer(engine, user) for user in (ann, bob)]
    plans = engine.statistics().plans.misses
    everything = [answer(engine, user) for user in (boss, chief, root)]

    assert first == [(["changed", "viewed"], False), ([], False)]
    assert plans == 1
    # the statement without conditions is the same for all who see everything
    assert everything == [(["changed", "other", "viewed"], hit) for hit in (False, True, True)]
    assert [answer(engine, user)[1] for user in (ann, bob)] == [True, True]


CHANGES: list[tuple[str, Callable[[User, Group, Any], Any], list[str]]] = [
    (
        "assign_perm",
        lambda ann, group, other: assign_perm("cabinet.view_file", ann, other),
        ["changed", "other", "viewed"],
    ),
    (
        "bulk to rows",
        lambda ann, group, other: assign_perm("cabinet.view_file", ann, File.objects.all()),
        ["changed", "other", "viewed"],
    ),
    (
        "bulk to users",
        lambda ann, group, other: assign_perm("cabinet.view_file", [ann], other),
        ["changed", "other", "viewed"],
    ),
    (
        "remove_perm",
        lambda ann, group, other: remove_perm("cabinet.view_file", ann, File.objects.get(name="viewed")),
        ["changed"],
    ),
    ("bulk removal", lambda ann, group, other: remove_perm("cabinet.view_file", ann, File.objects.all()), []),
    ("user's grants deleted", lambda ann, group, other: UserObjectPermission.objects.all().delete(), []),
    (
        "grant to a group",
        lambda ann, group, other: (ann.groups.add(group), assign_perm("cabinet.view_file", group, other)),
        ["changed", "other", "viewed"],
    ),
    ("permission deleted", lambda ann, group, other: Permission.objects.filter(codename="view_file").delete(), []),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("change", "expected"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_grants_drop_what_was_read_by_them(
    cache_alias: str, files: list[File], ann: User, change: Any, expected: list[str]
) -> None:
    engine = caching(cache_alias)
    assert answer(engine, ann) == (["changed", "viewed"], False)
    assert answer(engine, ann) == (["changed", "viewed"], True)

    change(ann, Group.objects.create(name="readers"), files[2])

    assert answer(engine, ann) == (expected, False)
    assert answer(engine, ann) == (expected, True)


@pytest.mark.django_db(transaction=True)
def test_membership_of_groups_drops_what_was_read_by_it(cache_alias: str, files: list[File], bob: User) -> None:
    group = Group.objects.create(name="readers")
    assign_perm("cabinet.view_file", group, files[2])
    engine = caching(cache_alias)

    assert answer(engine, bob) == ([], False)
    bob.groups.add(group)
    assert answer(engine, bob) == (["other"], False)
    group.user_set.remove(bob)
    assert answer(engine, bob) == ([], False)
    bob.groups.set([group])
    assert answer(engine, bob) == (["other"], False)
    GroupObjectPermission.objects.all().delete()
    assert answer(engine, bob) == ([], False)


@pytest.mark.django_db(transaction=True)
def test_grants_in_tables_of_their_own_drop_what_was_read_by_them(cache_alias: str, ann: User) -> None:
    deed, group = Deed.objects.create(name="deed"), Group.objects.create(name="readers")
    engine = caching(cache_alias, model=Deed)
    ann.groups.add(group)

    for who in (ann, group):
        assert answer(engine, ann) == ([], False)
        assign_perm("cabinet.view_deed", who, deed)
        assert answer(engine, ann) == (["deed"], False)
        remove_perm("cabinet.view_deed", who, deed)
    assert not UserObjectPermission.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_login_leaves_the_answers_of_users(cache_alias: str, files: list[File], ann: User) -> None:
    engine = caching(cache_alias)
    answer(engine, ann)

    User.objects.filter(pk=ann.pk).update(last_login=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))

    assert answer(engine, ann) == (["changed", "viewed"], True)


# --- what is declared wrongly ---

MISTAKES = [
    (
        File,
        can("cabinet.view_fil"),
        "File: 'cabinet.view_fil' is not a permission of File; must be one of: 'cabinet.add_file', "
        "'cabinet.change_file', 'cabinet.delete_file', 'cabinet.view_file', 'cabinet.sign_file'",
    ),
    (
        Drawer,
        can("cabinet.view_drawer", "cabinet.view_file"),
        "Drawer: 'cabinet.view_file' is not a permission of Drawer; must be one of: 'cabinet.add_drawer', "
        "'cabinet.change_drawer', 'cabinet.delete_drawer', 'cabinet.view_drawer'",
    ),
    (
        ShownFile,
        can("cabinet.view_shownfile"),
        "ShownFile: 'cabinet.view_shownfile' is not a permission of ShownFile; must be one of: 'cabinet.add_file', "
        "'cabinet.change_file', 'cabinet.delete_file', 'cabinet.view_file', 'cabinet.sign_file'",
    ),
    (
        Report,
        can("cabinet.view_file"),
        "Report: 'cabinet.view_file' is not a permission of Report; must be one of: 'cabinet.add_report', "
        "'cabinet.change_report', 'cabinet.delete_report', 'cabinet.view_report'",
    ),
    (
        Cell,
        can("cabinet.view_cell"),
        "Cell: guardian does not support primary keys of several columns, such as that of Cell",
    ),
]


@pytest.mark.parametrize(("model", "rule", "message"), MISTAKES)
def test_a_permission_that_the_model_has_not_is_refused_when_the_schema_is_built(
    model: Any, rule: Any, message: str
) -> None:
    registry = Registry()
    declare(registry, model, rule, fields="__all__")

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == f"{model._meta.label}: {message}"


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "rule", "message"), MISTAKES)
def test_within_a_function_it_is_refused_when_the_rule_is_asked(model: Any, rule: Any, message: str) -> None:
    registry = Registry()
    name = declare(
        registry, model, lambda viewer: viewer.is_staff or rule(viewer), plural="found", fields="__all__"
    ).__name__
    engine = GraphQLEngine(registry=registry, cache=None)
    request: Any = SimpleNamespace(user=User.objects.create(username="ann"))

    with pytest.raises(DeclarationError) as raised:
        engine.explain("{ found { __typename } }", request=request)
    assert f"{name.removesuffix('Type')}: {raised.value}" == message


def test_a_view_has_no_permissions() -> None:
    registry = Registry()

    @fraiseql.type(sql_source="cabinet_file", rows=can("cabinet.view_file"), registry=registry)
    class FileRow:
        id: int

    with pytest.raises(DeclarationError) as raised:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018
    assert str(raised.value) == (
        "cabinet_file: FileRow: 'cabinet.view_file' is not a permission of FileRow, which has none; compare with keys "
        "of the model that has it, as Q(order_id__in=Order.objects.filter(can('cabinet.view_file')(viewer)))"
    )


@pytest.mark.parametrize(
    ("permissions", "shown"), [((), "nothing"), (("view_file",), "['view_file']"), (("a.b", None), "[None]")]
)
def test_what_is_no_name_of_a_permission_is_refused(permissions: Any, shown: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        can(*permissions)
    assert str(raised.value) == f"can takes permissions like 'shop.view_order', not {shown}"


# --- without guardian ---


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Write a project that asks for the rule."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "graphql.py").write_text("from fraiseql_django.contrib.guardian import can\n")
    return tmp_path


WITHOUT = [
    (
        "sys.modules['guardian'] = None",
        "fraiseql_django.contrib.guardian needs django-guardian. HINT: Install fraiseql_django[guardian].",
    ),
    (
        "",
        "fraiseql_django.contrib.guardian needs guardian's tables. HINT: Add 'guardian' to INSTALLED_APPS and migrate.",
    ),
]


@pytest.mark.parametrize(("before", "said"), WITHOUT)
def test_what_is_missing_is_named(project: Path, before: str, said: str) -> None:
    script = f"""
        import sys
        {before}
        import django
        from django.conf import settings
        settings.configure(
            INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "fraiseql_django", "shop"],
            DATABASES={{"default": {{"ENGINE": "django.db.backends.postgresql"}}}},
        )
        django.setup()
        from django.core.checks import run_checks
        for message in run_checks(tags=["fraiseql"]):
            print(message.id, message.msg, "HINT:", message.hint)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=project,
        env={"PYTHONPATH": f"{ROOT}:{project}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == [f"fraiseql.E012 shop.graphql, line 1: {said}"], done.stderr


def test_guardian_is_imported_by_its_own_module_alone() -> None:
    source = Path(fraiseql.__file__).parent
    importing = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "from guardian" in path.read_text() or "import guardian" in path.read_text()
    ]

    assert importing == ["contrib/guardian.py"]
