"""Keys whose column is of another type than their field's class: read, looked up, followed, written, deleted."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.invalidation import catalog
from tests.support import data

pytestmark = pytest.mark.django_db

FIRST, SECOND = "123e4567-e89b-12d3-a456-426614174abc", "fffe4567-e89b-12d3-a456-426614174000"
# the column's type, the keys of two rows, and the first key as a client may write it as well
KINDS = {
    "uuid": (FIRST, SECOND, FIRST.upper()),
    "int": ("7", "12", "007"),
    "char(40)": ("ab".ljust(40), "cd".ljust(40), "ab"),
    "mood_of_keys": ("sad", "happy", "sad"),
    "numeric(5, 2)": ("7.00", "12.50", "7"),
    "citext": ("Ann@x.org", "bob@x.org", "ann@X.ORG"),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    with connection.cursor() as cursor:
        # statements of other tests know a type of the same name
        cursor.execute("DEALLOCATE ALL")
        if request.param == "citext":
            cursor.execute("SELECT FROM pg_available_extensions WHERE name = 'citext'")
            if not cursor.fetchall():
                pytest.skip("this server has no extension citext")
            cursor.execute("CREATE EXTENSION IF NOT EXISTS citext")
        cursor.execute("CREATE TYPE mood_of_keys AS ENUM ('sad', 'happy')")
        cursor.execute(f"CREATE TABLE owner (code {request.param} PRIMARY KEY, name text NOT NULL)")
        cursor.execute(
            f"CREATE TABLE pet (id int PRIMARY KEY, owner {request.param} REFERENCES owner DEFERRABLE, name text)"
        )
        first, second, _ = KINDS[request.param]
        cursor.execute("INSERT INTO owner VALUES (%s, 'Ann'), (%s, 'Bob')", [first, second])
        cursor.execute("INSERT INTO pet VALUES (1, %s, 'Rex'), (2, %s, 'Tom'), (3, NULL, 'Stray')", [first, second])
    catalog.forget()
    return str(request.param)


@pytest.fixture
def engine(kind: str) -> Iterator[GraphQLEngine]:
    with isolate_apps("tests.zoo"):

        class Owner(models.Model):
            code = models.CharField(primary_key=True, max_length=40)
            name = models.TextField()

            class Meta:
                app_label = "zoo"
                db_table = "owner"
                managed = False

        class Pet(models.Model):
            id = models.IntegerField(primary_key=True)
            owner = models.ForeignKey(
                Owner, on_delete=models.CASCADE, null=True, db_column="owner", related_name="pets"
            )
            name = models.TextField()

            class Meta:
                app_label = "zoo"
                db_table = "pet"
                managed = False

        registry = Registry()
        owner = fraiseql.type(Owner, name="Owner", fields=["code", "name", "pets"], registry=registry)(
            type("O", (), {})
        )
        pet = fraiseql.type(Pet, name="Pet", fields=["id", "owner", "owner_id", "name"], registry=registry)(
            type("P", (), {})
        )
        fraiseql.create(owner, fields=["code", "name"], registry=registry)
        fraiseql.update(owner, fields=["name", "pets"], registry=registry)
        fraiseql.delete(owner, registry=registry)
        fraiseql.upsert(owner, unique=["code"], fields=["code", "name"], registry=registry)
        fraiseql.update(pet, fields=["owner"], registry=registry)
        fraiseql.update(owner, fields=["name"], where=True, registry=registry)
        fraiseql.update(owner, fields=["name"], where=True, save=False, name="quickly", registry=registry)
        fraiseql.delete(owner, where=["name"], registry=registry)
        part = fraiseql.nested("pets", update=["name"], delete=True, replace=["name"])
        fraiseql.update(owner, fields=[part], name="withPets", registry=registry)
        yield GraphQLEngine(registry=registry, cache=None)
    catalog.forget()


def test_read_looked_up_and_followed(engine: GraphQLEngine, kind: str) -> None:
    first, second, other = KINDS[kind]

    rows = data(engine, "{ owners(orderBy: {name: ASC}) { code name pets { ownerId } } }")["owners"]
    assert rows == [
        {"code": first, "name": "Ann", "pets": [{"ownerId": first}]},
        {"code": second, "name": "Bob", "pets": [{"ownerId": second}]},
    ]
    for key in (first, other):
        query = "query ($key: ID!) { owner(id: $key) { name } owners(where: {code: {eq: $key}}) { name } }"
        assert data(engine, query, {"key": key}) == {"owner": {"name": "Ann"}, "owners": [{"name": "Ann"}]}
    query = """query ($keys: [ID!]) {
        pets(where: {owner: {code: {in: $keys}}}, orderBy: {owner: {code: ASC}}) { name owner { name } }
        others: pets(where: {ownerId: {nin: $keys}}) { name }
        none: pets(where: {ownerId: {isnull: true}}) { name }
        some: owners(where: {pets: {some: {ownerId: {in: $keys}}}}) { name }
    }"""
    assert data(engine, query, {"keys": [other]}) == {
        "pets": [{"name": "Rex", "owner": {"name": "Ann"}}],
        "others": [{"name": "Tom"}],
        "none": [{"name": "Stray"}],
        "some": [{"name": "Ann"}],
    }


def test_written_by_keys_as_clients_write_them(engine: GraphQLEngine, kind: str) -> None:
    first, second, other = KINDS[kind]

    def run(call: str, **variables: Any) -> Any:
        types = {"key": "ID!", "keys": "[ID!]"}
        named = ", ".join(f"${name}: {types[name]}" for name in variables)
        return data(engine, f"mutation ({named}) {{ done: {call} }}", variables)["done"]

    named = "{ ... on UpdateOwnerSuccess { owner { code name pets { name } } } ... on MutationError { message } }"
    assert run(f'updateOwner(id: $key, input: {{name: "Anna"}}) {named}', key=other) == {
        "owner": {"code": first, "name": "Anna", "pets": [{"name": "Rex"}]}
    }
    owned = "{ ... on UpdatePetSuccess { pet { owner { name } } } ... on MutationError { message } }"
    assert run(f"updatePet(id: 3, input: {{owner: $key}}) {owned}", key=other) == {"pet": {"owner": {"name": "Anna"}}}
    upserted = "{ ... on UpsertOwnerSuccess { owner { code name } } ... on MutationError { message } }"
    assert run(f'upsertOwner(input: {{code: $key, name: "Bo"}}) {upserted}', key=second) == {
        "owner": {"code": second, "name": "Bo"}
    }
    deleted = "{ ... on DeleteOwnerSuccess { owner { name } } ... on MutationError { message } }"
    assert run(f"deleteOwner(id: $key) {deleted}", key=other) == {"owner": {"name": "Anna"}}
    assert data(engine, "{ owners { name } pets { name } }") == {"owners": [{"name": "Bo"}], "pets": [{"name": "Tom"}]}


def test_written_by_conditions(engine: GraphQLEngine, kind: str) -> None:
    first, second, other = KINDS[kind]

    for name in ("updateOwners", "quickly"):
        success = f"... on {name[0].upper()}{name[1:]}Success {{ owners {{ code name }} }}"
        call = f'{name}(where: {{code: {{eq: $key}}}}, set: {{name: "{name}"}})'
        query = f"mutation ($key: ID!) {{ done: {call} {{ {success} }} }}"
        assert data(engine, query, {"key": other}) == {"done": {"owners": [{"code": first, "name": name}]}}
    deleted = '{ deleteOwners(where: {name: {eq: "quickly"}}) { ... on DeleteOwnersSuccess { owners { code } } } }'
    assert data(engine, f"mutation {deleted}") == {"deleteOwners": {"owners": [{"code": first}]}}
    assert data(engine, "{ owners { code } }") == {"owners": [{"code": second}]}


def test_parts_of_objects_with_such_keys(engine: GraphQLEngine, kind: str) -> None:
    other = KINDS[kind][2]
    query = """mutation ($key: ID!, $pets: WithPetsPetsInput!) {
        withPets(id: $key, input: {pets: $pets}) {
            ... on WithPetsSuccess { owner { pets { name } } }
            ... on MutationError { errors { field } }
        }
    }"""

    def change(**pets: Any) -> Any:
        return data(engine, query, {"key": other, "pets": pets})["withPets"]

    assert change(update=[{"id": 1, "name": "Max"}]) == {"owner": {"pets": [{"name": "Max"}]}}
    assert change(update=[{"id": 2, "name": "Max"}]) == {"errors": [{"field": "pets.update.0.id"}]}
    assert change(replace=[{"id": 1, "name": "Rex"}]) == {"owner": {"pets": [{"name": "Rex"}]}}
    assert change(delete=[1]) == {"owner": {"pets": []}}


def test_malformed_key_is_the_clients_mistake(engine: GraphQLEngine, kind: str) -> None:
    with transaction.atomic():
        answer = engine.execute('{ owners(where: {code: {eq: "no\' key"}}) { name } }').json()
        transaction.set_rollback(True)

    if kind in ("char(40)", "citext"):
        assert answer == {"data": {"owners": []}}
    else:
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
