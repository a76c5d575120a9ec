"""Answers of a history of the database that was abandoned, by a failover or a restore, are not used."""

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from example_project.bookshop.models import Author
from fraiseql_django.invalidation import history
from tests.support import data, in_thread, is_hit, make_engine, role_name, statements

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_found", {})


def test_timeline_start_and_cluster_are_known() -> None:
    timeline, started, cluster = history.history_of(connection).split()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_walfile_name(pg_current_wal_lsn()), extract(epoch FROM pg_postmaster_start_time())")
        (file, moment) = cursor.fetchone()
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        assert cursor.fetchone() == (int(cluster),)
    assert file.startswith(timeline)
    assert float(started) == pytest.approx(float(moment))


def test_any_role_may_ask() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role_name('history')}")
        cursor.execute(f"SET LOCAL ROLE {role_name('history')}")
        cursor.execute(history._HISTORY)
        assert cursor.fetchone()
        transaction.set_rollback(True)


def test_answers_of_another_history_are_misses(cache_alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)

    # as the standby that has taken over says it
    monkeypatch.setattr(history, "_HISTORY", "SELECT '00000002 1 7'")
    monkeypatch.setattr(history, "_found", {})

    assert not is_hit(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)


def test_history_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine("locmem")
    data(engine, AUTHORS)
    monkeypatch.setattr(history, "_HISTORY", "SELECT '00000004 1 7'")
    assert is_hit(engine, AUTHORS)

    now = history.time.monotonic()
    monkeypatch.setattr("fraiseql_django.invalidation.history.time.monotonic", lambda: now + history.RECHECK_SECONDS)

    assert not is_hit(engine, AUTHORS)


def test_new_connection_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine("locmem")
    data(engine, AUTHORS)
    monkeypatch.setattr(history, "_HISTORY", "SELECT '00000003 1 7'")
    monkeypatch.setattr(history, "PAUSE_SECONDS", 0.0)

    # it was lost with the primary
    in_thread(User.objects.count)

    assert not is_hit(engine, AUTHORS)


def test_database_that_does_not_tell_is_used_nevertheless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_HISTORY", "SELECT no_such_function()")
    engine = make_engine("locmem")

    data(engine, AUTHORS)
    with statements(0):
        data(engine, AUTHORS)
    assert history.history_of(connection) == ""


def test_transaction_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_HISTORY", "SELECT no_such_function()")
    with transaction.atomic():
        Author.objects.count()
        assert history.history_of(connection) == ""
        assert Author.objects.count() == 0
