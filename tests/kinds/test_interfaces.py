"""Interfaces, unions and generic relations: rows of several types, in one statement, as naive resolvers read them."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from fraiseql_django import GraphQLEngine
from tests.menagerie.data import populate
from tests.menagerie.types import MENAGERIE
from tests.naive import assert_same_answer

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def menagerie(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[GraphQLEngine]:
    """Make an engine over a menagerie that tests only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        populate()
        yield GraphQLEngine(registry=MENAGERIE, cache=None)
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "query",
    [
        "{ animals { __typename id name ... on Dog { breed friends { name } } ... on Puppy { weeks breed } "
        "... on Cat { lives number: breed } } }",
        "{ animals { ... on Dog { value: breed } ... on Puppy { value: breed } } }",
        "{ animals { ...A ... on Animal { weight } } } fragment A on Animal { n: name ... on Cat { lives } ...D } "
        "fragment D on Dog { breed keeper { name animals { ... on Cat { lives } __typename } } }",
        '{ animals(where: {name: {contains: "i"}}, orderBy: [{weight: DESC}], limit: 3, offset: 1) { name } }',
        "{ animal(id: 1) { __typename name } none: animal(id: 99) { name } }",
        "{ animals(where: {ofType: {eq: Dog}}) { name } animalsCount(where: {ofType: {in: [Cat, Puppy]}}) }",
        '{ animals(where: {onDog: {breed: {eq: "pug"}}}) { name } }',
        "{ animals(where: {NOT: {onCat: {lives: {gt: 2}}}}) { name __typename } }",
        "{ animals(where: {OR: [{onCat: {}}, {onPuppy: {weeks: {lt: 5}}}]}) { name } }",
        "{ visitors { favourite { name ... on Cat { lives } } } keepers { animals { ... on Dog { breed } } } }",
        "{ visitors(where: {favourite: {onCat: {breed: {gt: 1}}}}) { name } }",
        "{ keepers(where: {animals: {some: {ofType: {eq: Puppy}}}}) { name animalsCount } }",
        "{ visitors(orderBy: [{favourite: {name: DESC}}]) { name } }",
        "{ dogs { name id } puppies { name } cats { name } beasts { name } }",
        "{ vehicles { __typename wheels ... on Car { kind } } cars { wheels } bikes { kind } car(id: 2) { kind } }",
        "{ vehiclesCount }",
        "{ remarks { text thing { __typename ... on Dog { name remarks { text } } ... on Car { wheels } "
        "... on Remark { text thing { __typename ... on Remark { thing { ... on Dog { name breed } } } } } } } }",
        '{ remarks(where: {thing: {onDog: {name: {eq: "Rex"}}}}) { text } }',
        "{ remarks(where: {thing: {ofType: {in: [Dog, Car]}}}) { text } }",
        "{ remarks(where: {thing: {}}) { text } }",
        "{ remarks(where: {thing: {NOT: {onDog: {}}}}) { text } }",
        "{ remarks(where: {NOT: {thing: {onRemark: {thing: {onDog: {}}}}}}) { text } }",
        "{ remarks { remarks(limit: 1) { text } remarksCount } animals { remarks { text } name } }",
        "{ notes { text contentObject { __typename ... on Badge { name notes { text } } ... on Crate { code } "
        "... on Dog { name } ... on Keeper { name } ... on Animal { weight } } } }",
        "{ badges { name notes { text contentObject { ... on Badge { id } } } } crates { notesCount notes { text } } }",
        "{ subjects { __typename ... on Dog { name } ... on Cat { lives } ... on Remark { text } } subjectsCount }",
        "{ subjects(limit: 3, offset: 2) { __typename ... on Dog { name } } }",
        '{ subjects(where: {onDog: {name: {lt: "R"}}}) { __typename } subjectsCount(where: {NOT: {onRemark: {}}}) }',
        "{ subjects(where: {ofType: {neq: Remark}}) { __typename } }",
        "{ nameds { __typename name ... on Crate { code } } }",
        '{ nameds(where: {name: {contains: "o"}}, orderBy: [{name: DESC}], limit: 4) { name __typename } }',
        "{ nameds(where: {onPlace: {parts: {some: {}}}}, orderBy: [{name: ASC_NULLS_FIRST}]) { name } namedsCount }",
    ],
)
def test_answers_as_naive_resolvers_do(menagerie: GraphQLEngine, query: str) -> None:
    assert_same_answer(menagerie, query)
