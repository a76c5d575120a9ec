"""Writes of every kind: how a register is given a number, and in what transaction.

A way to write gives one register one number, whatever it had before, since an earlier write may have been lost. A
transaction runs ways to write and commits them; what it rolls back wrote a number that nobody may ever see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from django.db import connection, transaction

from fraiseql_django import get_engine
from fraiseql_django.invalidation import mark_written

from .models import Child, Counter, Item, Origin, Parent, Part, Scratch, Source
from .registers import LABELS, NEVER, OF_EACH, Register, counter_of, shelf_of

Write = Callable[[Register, int], object]


def _run(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _sql(sql: str) -> Write:
    """Make a way to write of SQL in which %(id)s and %(n)s stand."""

    def write(register: Register, n: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"id": register.id, "n": n})

    return write


# --- counters ---


def save(register: Register, n: int) -> None:
    Counter(register.id, value=n, shelf=shelf_of(register.id)).save()


def save_field(register: Register, n: int) -> None:
    counter = Counter.objects.get(pk=register.id)
    counter.value = n
    counter.save(update_fields=["value"])


def update(register: Register, n: int) -> None:
    Counter.objects.filter(pk=register.id).update(value=n)


def bulk_update(register: Register, n: int) -> None:
    Counter.objects.bulk_update([Counter(register.id, value=n)], ["value"])


def bulk_create(register: Register, n: int) -> None:
    counter = Counter(register.id, value=n, shelf=shelf_of(register.id))
    Counter.objects.bulk_create([counter], update_conflicts=True, unique_fields=["id"], update_fields=["value"])


def update_or_create(register: Register, n: int) -> None:
    Counter.objects.update_or_create(pk=register.id, defaults={"value": n})


def locked_update(register: Register, n: int) -> None:
    with transaction.atomic():
        counter = Counter.objects.select_for_update().get(pk=register.id)
        counter.value = n
        counter.save()


def many_times(register: Register, n: int) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE checker_counter SET value = %s WHERE id = %s", [(n, register.id)] * 2)


def composed(register: Register, n: int) -> None:
    _run(f"/* not a comment that hides */ do $body$ begin update checker_counter set value = {n:d} "
         f"where id = {register.id:d}; end $body$")  # fmt: skip


def replaced(register: Register, n: int) -> None:
    """Delete and insert the row; one that others refer to is updated instead."""
    if register.id % OF_EACH["counter"] == 0:
        update(register, n)
        return
    with transaction.atomic():
        Counter.objects.filter(pk=register.id).delete()
        Counter.objects.create(pk=register.id, value=n, shelf=shelf_of(register.id))


def copied(register: Register, n: int) -> None:
    """Delete the row and write it by COPY, which no statement shows."""
    if register.id % OF_EACH["counter"] == 0:
        update(register, n)
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM checker_counter WHERE id = %s", [register.id])
        with cursor.copy("COPY checker_counter (id, value, shelf) FROM STDIN") as copy:
            copy.write_row([register.id, n, shelf_of(register.id)])
        mark_written(["checker_counter"])


def _mutate(text: str, variables: dict[str, Any]) -> None:
    answer = get_engine().execute(text, variables)
    if answer.errors:
        raise MutationFailed(str(answer.errors))


class MutationFailed(Exception):
    """A mutation of the engine has answered with errors."""


def mutation_of_model(register: Register, n: int) -> None:
    text = "mutation($id: ID!, $n: BigInt!) { updateCounter(id: $id, input: {value: $n}) { __typename } }"
    _mutate(text, {"id": register.id, "n": n})


def mutation_in_python(register: Register, n: int) -> None:
    _mutate("mutation($id: Int!, $n: BigInt!) { setCounter(id: $id, value: $n) { value } }",
            {"id": register.id, "n": n})  # fmt: skip


def mutation_of_function(register: Register, n: int) -> None:
    text = "mutation($id: Int!, $n: BigInt!) { putCounter(input: {id: $id, value: $n}) { __typename } }"
    _mutate(text, {"id": register.id, "n": n})


# --- the others ---


def item(register: Register, n: int) -> None:
    if n % 2:
        Item.objects.filter(pk=register.id).delete()
    else:
        Item.objects.update_or_create(pk=register.id, defaults={"value": n, "counter_id": counter_of(register)})


def made_item(register: Register, n: int) -> None:
    """Delete the object itself, and create one."""
    with transaction.atomic():
        for found in Item.objects.filter(pk=register.id):
            found.delete()
        if n % 2 == 0:
            Item.objects.create(pk=register.id, value=n, counter_id=counter_of(register))


def item_in_sql(register: Register, n: int) -> None:
    if n % 2:
        _run("DELETE FROM checker_item WHERE id = %s", register.id)
        return
    insert = "INSERT INTO checker_item SELECT %s, %s, id FROM checker_counter WHERE id = %s"
    _run(f"{insert} ON CONFLICT (id) DO UPDATE SET value = excluded.value", register.id, n, counter_of(register))


def link(register: Register, n: int) -> None:
    Counter(counter_of(register)).labels.set([n % LABELS])


def relink(register: Register, n: int) -> None:
    counter = Counter(counter_of(register))
    with transaction.atomic():
        counter.labels.clear()
        counter.labels.add(n % LABELS)


def child(register: Register, n: int) -> None:
    """Delete the parent, which takes the child with it in PostgreSQL; make both anew."""
    with transaction.atomic():
        Parent.objects.filter(pk=register.id).delete()
        if n % 2 == 0:
            Parent.objects.create(pk=register.id)
            Child.objects.create(pk=register.id, value=n, parent_id=register.id)


def child_in_sql(register: Register, n: int) -> None:
    if n % 2:
        _run("DELETE FROM checker_parent WHERE id = %s", register.id)
        return
    parent = "INSERT INTO checker_parent VALUES (%s) ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING id"
    children = (
        "INSERT INTO checker_child SELECT id, %s, id FROM made ON CONFLICT (id) DO UPDATE SET value = excluded.value"
    )
    _run(f"WITH made AS ({parent}) {children}", register.id, n)


def source(register: Register, n: int) -> None:
    Source.objects.filter(pk=register.id).update(value=n)


def part(register: Register, n: int) -> None:
    Part.objects.filter(pk=register.id).update(value=n)


def partition(register: Register, n: int) -> None:
    _run(f"UPDATE checker_part_{'rest' if register.id else 'first'} SET value = %s WHERE id = %s", n, register.id)


def truncated(register: Register, n: int) -> None:
    if n % 2:
        _run("TRUNCATE checker_scratch")
    else:
        Scratch.objects.update_or_create(pk=register.id, defaults={"value": n})


def refreshed(register: Register, n: int) -> None:
    with transaction.atomic():
        Origin.objects.filter(pk=register.id).update(value=n)
        _run("REFRESH MATERIALIZED VIEW checker_snapshot")


WAYS: dict[str, tuple[tuple[str, Write], ...]] = {
    "counter": (
        *((way.__name__, way) for way in (save, save_field, update, bulk_update, bulk_create, update_or_create)),
        *((way.__name__, way) for way in (locked_update, many_times, composed, replaced, copied)),
        *((way.__name__, way) for way in (mutation_of_model, mutation_in_python, mutation_of_function)),
        ("raw", _sql("UPDATE checker_counter SET value = %(n)s WHERE id = %(id)s")),
        ("with", _sql("WITH done AS (UPDATE checker_counter SET value = %(n)s WHERE id = %(id)s RETURNING id) "
                      "SELECT * FROM done")),
        ("function", _sql("SELECT checker_set(%(id)s, %(n)s)")),
        ("function in FROM", _sql("SELECT * FROM checker_set(%(id)s, %(n)s)")),
        ("procedure", _sql("CALL checker_put(%(id)s, %(n)s)")),
        ("view", _sql("UPDATE checker_seen SET value = %(n)s WHERE id = %(id)s")),
    ),
    "item": (("item", item), ("made item", made_item), ("item in SQL", item_in_sql)),
    "link": (("set()", link), ("clear() and add()", relink)),
    "child": (("cascade", child), ("cascade in SQL", child_in_sql)),
    "copy": (("trigger", source), ("trigger of an upsert", _sql(
        "INSERT INTO checker_source VALUES (%(id)s, %(n)s) ON CONFLICT (id) DO UPDATE SET value = %(n)s"))),
    "part": (("partitioned table", part), ("partition", partition)),
    "scratch": (("TRUNCATE", truncated),),
    "snapshot": (("REFRESH", refreshed),),
}  # fmt: skip


# --- transactions ---

Step = Callable[[], object]
# writes what will be rolled back: 0 before the steps are made, 1 after them
Undone = Callable[[int], object]


def alone(steps: Sequence[Step], undone: Undone) -> None:
    """Each statement is its own transaction."""
    for step in steps:
        step()


def atomic(steps: Sequence[Step], undone: Undone) -> None:
    with transaction.atomic():
        alone(steps, undone)


def durable(steps: Sequence[Step], undone: Undone) -> None:
    with transaction.atomic(durable=True):
        alone(steps, undone)


def after_savepoint(steps: Sequence[Step], undone: Undone) -> None:
    """A savepoint is rolled back, then another one is written in."""
    with transaction.atomic():
        with transaction.atomic():
            undone(0)
            transaction.set_rollback(True)
        with transaction.atomic():
            alone(steps, undone)


def before_savepoint(steps: Sequence[Step], undone: Undone) -> None:
    """A savepoint is rolled back after the writes."""
    with transaction.atomic():
        alone(steps, undone)
        savepoint = transaction.savepoint()
        undone(1)
        transaction.savepoint_rollback(savepoint)


def in_sql(steps: Sequence[Step], undone: Undone) -> None:
    """A transaction that Django knows nothing of."""
    _run("BEGIN")
    try:
        alone(steps, undone)
    except BaseException:
        _run("ROLLBACK")
        raise
    _run("COMMIT")


def by_hand(steps: Sequence[Step], undone: Undone) -> None:
    """Autocommit is off."""
    transaction.set_autocommit(False)
    try:
        undone(0)
        transaction.rollback()
        alone(steps, undone)
        transaction.commit()
    except BaseException:
        transaction.rollback()
        raise
    finally:
        transaction.set_autocommit(True)


def in_hook(steps: Sequence[Step], undone: Undone) -> None:
    """The last write is made by a commit hook, after the others."""
    *first, last = steps
    with transaction.atomic():
        transaction.on_commit(last)
        alone(first, undone)


TRANSACTIONS = (alone, atomic, atomic, durable, after_savepoint, before_savepoint, in_hook)
# ways that open a transaction of Django's where none is open that it knows of
_NEEDS_DJANGO = {
    "save", "save_field", "bulk_update", "bulk_create", "update_or_create", "locked_update", "replaced", "copied",
    "mutation_of_model", "mutation_in_python", "mutation_of_function", "item", "made item", "set()",
    "clear() and add()", "cascade", "TRUNCATE", "REFRESH",
}  # fmt: skip


def transaction_for(ways: Sequence[str], random: Random) -> Callable[[Sequence[Step], Undone], None]:
    """Return a transaction that ways to write can be in, by chance."""
    choices = [*TRANSACTIONS, by_hand]
    if _NEEDS_DJANGO.isdisjoint(ways):
        choices.append(in_sql)
    if len(ways) == 1:
        choices.append(alone)
    return random.choice(choices)


def rolled_back(register: Register, n: int, write: Write) -> None:
    """Write what nobody may ever see."""
    with transaction.atomic():
        write(register, n + NEVER)
        transaction.set_rollback(True)
