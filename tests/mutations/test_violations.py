"""Constraints that PostgreSQL finds violated, told in Django's words, with nothing of PostgreSQL's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import translation

import fraiseql_django as fraiseql
from example_project.bookshop.models import Category
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.mutations.constraints import errors_of
from fraiseql_django.mutations.context import Answer, Info, MutationContext
from fraiseql_django.schema.conventions import Conventions
from fraiseql_django.testing import FailingStorage
from tests.library.models import Bookmark, Chapter, Genre, Novel, Room, Writer
from tests.library.support import Library, failing, make_engine, run

pytestmark = pytest.mark.django_db

BLANK = "This field cannot be null."
CHOICE = "Select a valid choice. That choice is not one of the available choices."
HIDDEN = "This cannot be deleted, since it is still referred to."
REFERRED = "This cannot be deleted, since it is still referred to by: {}."
RULE = "A rule of the database is violated."


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine()


@pytest.fixture
def library() -> Library:
    made = Library()
    # as at the commit of what wrote it
    connection.check_constraints()
    return made


def violate(write: Callable[[], object]) -> IntegrityError:
    def all_of_it() -> None:
        with transaction.atomic():
            write()
            connection.check_constraints()

    with pytest.raises(IntegrityError) as caught:
        all_of_it()
    return caught.value


def viewing(**rules: Any) -> MutationContext:
    """Make what a mutation of a viewer runs with, with row rules."""
    named = {"novels": Novel, "genres": Genre}
    info = Info(field_name="drop", response_key="drop", operation_name=None, request=None, context=None)
    return MutationContext(
        info=info,
        storage=FailingStorage(),
        conventions=Conventions(),
        row_rules={named[name]: [(name, rule)] for name, rule in rules.items()},
        types={},
        answer=lambda result: Answer(b""),
        may_introspect=lambda: True,
    )


def told(write: Callable[[], object], **given: Any) -> list[tuple[Any, ...]]:
    errors = errors_of(violate(write), given.pop("info", None) or viewing(), **given)
    assert "library_" not in str(errors)
    return [(error.field, error.identifier, error.code, error.message) for error in errors]


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text)


def novel(**given: Any) -> Callable[[], object]:
    return lambda: Novel.objects.create(**{"title": "Tombs", "isbn": "2", **given})


def test_unique_field(library: Library) -> None:
    write = novel(isbn="1", writer=library.writer)

    assert told(write) == [("isbn", "unique", 422, "Novel with this ISBN already exists.")]
    with translation.override("de"):
        assert told(write) == [("isbn", "unique", 422, "Novel mit diesem Wert für das Feld ISBN existiert bereits.")]


def test_names_are_the_callers(library: Library) -> None:
    write = novel(isbn="1", writer=library.writer)

    assert told(write, names={"isbn": "novels.create.0.isbn"})[0][0] == "novels.create.0.isbn"
    assert told(write, names={}, whole="novels.create.0")[0][0] == "novels.create.0"
    assert told(lambda: Novel.objects.update(on_loan="[,]", changed=None))[0][:2] == ("changed", "null")


def test_unique_constraint(library: Library) -> None:
    write = novel(title="Tehanu", writer=library.writer)

    assert told(write) == [(None, "unique_together", 422, "Novel with this Writer and Title already exists.")]


def test_unique_constraint_over_an_expression() -> None:
    Room.objects.create(name="Hall", place=1)

    def write() -> object:
        return Room.objects.create(name="HALL", place=2)

    assert told(write) == [(None, "unique", 422, "There is such a room.")]


def test_deferred_unique_constraint() -> None:
    Room.objects.create(name="Hall", place=1)

    assert told(lambda: Room.objects.create(name="Cellar", place=1)) == [
        ("place", "unique", 422, "Room with this Place already exists.")
    ]


def test_composite_key(library: Library) -> None:
    Chapter.objects.create(novel=library.novel, number=1)

    assert told(lambda: Chapter.objects.create(novel=library.novel, number=1)) == [
        (None, "unique_together", 422, "Chapter with this Novel and Number already exists.")
    ]


def test_pair_of_a_many_to_many_relation(library: Library) -> None:
    through = Novel.genres.through

    def write() -> object:
        return through.objects.create(novel=library.novel, genre=library.genres[0])

    assert [error[:3] for error in told(write)] == [(None, "unique_together", 422)]


def test_index_that_no_model_knows_of(library: Library) -> None:
    sql("CREATE UNIQUE INDEX only_here ON library_novel (pages, state)")
    write = novel(writer=library.writer, pages=250)

    assert told(write) == [(None, "unique_together", 422, "Novel with this Pages and State already exists.")]
    sql("DROP INDEX only_here")
    sql("CREATE UNIQUE INDEX only_here ON library_novel (abs(pages))")
    assert told(write) == [(None, "unique", 422, "Such an object already exists.")]


def test_table_that_no_model_knows_of() -> None:
    sql("CREATE TABLE outside (a int PRIMARY KEY, b int NOT NULL CHECK (b > 0), c int REFERENCES outside)")
    sql("INSERT INTO outside VALUES (1, 1, 1)")

    assert told(lambda: sql("INSERT INTO outside VALUES (1, 1)")) == [
        (None, "unique", 422, "Such an object already exists.")
    ]
    assert told(lambda: sql("INSERT INTO outside VALUES (2, NULL)")) == [(None, "null", 422, BLANK)]
    assert told(lambda: sql("INSERT INTO outside VALUES (2, -1)")) == [(None, "check", 422, RULE)]
    assert told(lambda: sql("INSERT INTO outside VALUES (2, 1, 7)")) == [(None, "not_found", 404, CHOICE)]
    sql("INSERT INTO outside VALUES (2, 1, 1)")
    assert told(lambda: sql("DELETE FROM outside WHERE a = 1")) == [(None, "protected", 409, REFERRED.format("others"))]


def test_null(library: Library) -> None:
    assert told(novel(writer=library.writer, title=None)) == [("title", "null", 422, BLANK)]
    assert told(lambda: Novel.objects.update(on_loan=None, tags=None)) == [("tags", "null", 422, BLANK)]


def test_key_that_leads_nowhere(library: Library) -> None:
    assert told(novel(writer_id=404)) == [("writer", "not_found", 404, CHOICE)]
    assert told(lambda: Novel.objects.update(editor_id=404)) == [("editor", "not_found", 404, CHOICE)]
    assert told(lambda: Writer.objects.update(mentor_id=404)) == [("mentor", "not_found", 404, CHOICE)]


def test_row_that_others_lead_to(library: Library) -> None:
    Writer.objects.filter(pk=library.writer.pk).update(mentor=library.other)
    Bookmark.objects.create(label="x", novel=library.novel)
    connection.check_constraints()

    assert told(lambda: sql(f"DELETE FROM library_writer WHERE id = {library.writer.pk}")) == [
        (None, "protected", 409, REFERRED.format("novels"))
    ]
    # a table that leads to itself, whose manager hides rows; and one whose manager hides none
    assert told(lambda: sql(f"DELETE FROM library_writer WHERE id = {library.other.pk}")) == [
        (None, "protected", 409, HIDDEN)
    ]
    parent = Category.objects.create(name="A", slug="a")
    Category.objects.create(name="B", slug="b", parent=parent)
    connection.check_constraints()
    assert told(lambda: sql(f"DELETE FROM bookshop_category WHERE id = {parent.pk}")) == [
        (None, "protected", 409, REFERRED.format("categories"))
    ]
    sql("CREATE TABLE outside (a bigint REFERENCES library_genre ON DELETE RESTRICT)")
    sql(f"INSERT INTO outside VALUES ({library.genres[1].pk})")
    assert told(library.genres[1].delete) == [(None, "protected", 409, REFERRED.format("others"))]


def test_deletion_that_django_refuses(library: Library) -> None:
    assert told(library.writer.delete, whole="2") == [("2", "protected", 409, REFERRED.format("1 novel"))]
    novel(writer=library.writer)()
    assert told(library.writer.delete) == [(None, "protected", 409, REFERRED.format("2 novels"))]


def test_hidden_rows_that_lead_here_are_not_counted(library: Library) -> None:
    novel(writer=library.writer)()
    one = viewing(novels=lambda viewer: Q(isbn="2"))

    assert told(library.writer.delete, info=one) == [(None, "protected", 409, HIDDEN)]
    assert told(library.writer.delete, whole="2", info=one) == [("2", "protected", 409, HIDDEN)]
    for info in (viewing(novels=lambda viewer: True), viewing(genres=lambda viewer: False)):
        assert told(library.writer.delete, info=info) == [(None, "protected", 409, REFERRED.format("2 novels"))]


def test_table_that_leads_here_is_not_named_where_it_may_hide_rows(library: Library) -> None:
    delete = f"DELETE FROM library_writer WHERE id = {library.writer.pk}"

    assert told(lambda: sql(delete), info=viewing(novels=lambda viewer: True)) == [(None, "protected", 409, HIDDEN)]
    assert told(lambda: sql(delete), info=viewing()) == [(None, "protected", 409, REFERRED.format("novels"))]
    # its manager hides some
    Writer.objects.filter(pk=library.other.pk).update(mentor=library.hidden)
    connection.check_constraints()
    delete = f"DELETE FROM library_writer WHERE id = {library.hidden.pk}"
    assert told(lambda: sql(delete), info=viewing()) == [(None, "protected", 409, HIDDEN)]


@pytest.mark.parametrize(
    ("shown", "message"), [(["1", "2"], REFERRED.format("2 novels")), (["1"], HIDDEN), ([], HIDDEN)]
)
def test_deletion_that_hidden_rows_stand_against(library: Library, shown: list[str], message: str) -> None:
    novel(writer=library.writer)()
    registry = Registry()
    own: Any = {"registry": registry}
    writer = fraiseql.type(Writer, fields=["id"], **own)(type("WriterType", (), {}))
    fraiseql.type(Novel, fields=["id"], rows=lambda viewer: Q(isbn__in=shown), **own)(type("NovelType", (), {}))
    fraiseql.delete(writer, **own)
    fraiseql.delete(writer, bulk=True, **own)

    @fraiseql.mutation(registry=registry)
    def drop(info: fraiseql.Info, id: fraiseql.ID) -> bool:
        Writer.objects.get(pk=id).delete()
        return True

    engine, key = make_engine(registry), library.writer.pk
    for call, field in ((f"deleteWriter(id: {key})", None), (f"deleteWriters(ids: [{key}])", "0")):
        assert failing(engine, call) == [(field, "protected", 409, message)]
    (error,) = engine.execute(f"mutation {{ drop(id: {key}) }}").json()["errors"]
    assert error["message"] == message
    assert [(found["identifier"], found["message"]) for found in error["extensions"]["errors"]] == [
        ("protected", message)
    ]


def test_checks(library: Library) -> None:
    assert told(lambda: Novel.objects.update(price=-1, discount=-2)) == [(None, "check", 422, "Not for that.")]
    assert told(lambda: Novel.objects.update(discount=11)) == [(None, "too_cheap", 422, "More off than it costs.")]
    sql("ALTER TABLE library_novel ADD CONSTRAINT only_here CHECK (title <> 'secret')")
    assert told(lambda: Novel.objects.update(title="secret")) == [(None, "check", 422, RULE)]


def test_exclusion() -> None:
    Room.objects.create(name="A", place=1, open="[1,5)")

    assert told(lambda: Room.objects.create(name="B", place=2, open="[4,6)")) == [
        (None, "exclusion", 422, "Both open.")
    ]


def test_error_that_postgresql_has_not_raised() -> None:
    (error,) = errors_of(IntegrityError("by hand"), viewing())

    assert (error.identifier, error.message, error.field) == ("check", RULE, None)


# --- in mutations ---


def test_constraint_that_no_validation_sees(engine: GraphQLEngine, library: Library) -> None:
    sql("ALTER TABLE library_novel ADD CONSTRAINT only_here CHECK (title <> 'secret')")
    sql("CREATE UNIQUE INDEX only_there ON library_novel (pages)")
    call = 'createNovel(input: {{title: "{}", isbn: "2", pages: {}, writer: {}}})'

    assert failing(engine, call.format("secret", 1, library.writer.pk)) == [(None, "check", 422, RULE)]
    assert failing(engine, call.format("A", 250, library.writer.pk)) == [
        ("pages", "unique", 422, "Novel with this Pages already exists.")
    ]
    given = [{"title": title, "isbn": str(len(title) + 1), "writer": library.writer.pk} for title in ("1", "secret")]
    found = failing(engine, "createNovels(input: $i)", {"i": given}, "($i: [CreateNovelInput!]!)")
    assert found == [("1", "check", 422, RULE)]


def test_rules_of_expressions_and_ranges(engine: GraphQLEngine) -> None:
    Room.objects.create(name="Hall", place=1, open="[1,5)")
    call = 'createRoom(input: {{name: "{}", place: {}, open: {{lower: {}}}}})'

    assert failing(engine, call.format("HALL", 2, 7)) == [(None, "unique", 422, "There is such a room.")]
    assert failing(engine, call.format("Cellar", 2, 4)) == [(None, "exclusion", 422, "Both open.")]
    assert failing(engine, call.format("Cellar", 1, 7)) == [
        ("place", "unique", 422, "Room with this Place already exists.")
    ]


def test_trigger_at_the_end_of_the_transaction(engine: GraphQLEngine, library: Library) -> None:
    sql(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'secret' USING ERRCODE = 'check_violation'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON library_genre DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON library_remark DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )

    assert told(lambda: Genre.objects.create(name="x")) == [(None, "check", 422, RULE)]
    call = f"createRemark(input: {{novel: {library.novel.pk}, stars: 1}})"
    assert failing(engine, call) == [(None, "check", 422, RULE)]


def test_value_that_postgresql_cannot_store(engine: GraphQLEngine, library: Library) -> None:
    sql("ALTER TABLE library_novel ALTER COLUMN blurb TYPE varchar(3)")

    assert failing(engine, f'updateNovel(id: {library.novel.pk}, input: {{blurb: "long"}})') == [
        (None, "invalid", 422, "Enter a valid value.")
    ]
    assert run(engine, f'updateNovel(id: {library.novel.pk}, input: {{blurb: "ok"}})', "novel { blurb }") == {
        "novel": {"blurb": "ok"}
    }
