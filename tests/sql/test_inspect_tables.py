"""What fraiseql_inspect writes for tables and for models runs as it stands."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import models
from graphql import get_named_type, get_nullable_type, is_leaf_type, is_list_type, is_object_type

from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.declare import schemas
from tests.sql.test_inspect import classes, run, sql
from tests.support import data, forget_definitions, make_shop

TABLES = """
CREATE TABLE tb_publisher (id int PRIMARY KEY, name text NOT NULL UNIQUE);
COMMENT ON TABLE tb_publisher IS 'A house that publishes books.';
COMMENT ON COLUMN tb_publisher.name IS 'As printed.';
CREATE TABLE tb_book (
    isbn char(4) PRIMARY KEY, title text NOT NULL, "class" text, price numeric(8, 2), tags text[], place point,
    data jsonb,
    publisher_id int NOT NULL REFERENCES tb_publisher, editor_id int REFERENCES tb_publisher (id),
    sequel char(4) REFERENCES tb_book, UNIQUE (publisher_id, title)
);
CREATE UNIQUE INDEX ON tb_book (lower(title));
CREATE UNIQUE INDEX ON tb_book (price) WHERE price > 0;
CREATE TABLE tb_cover (isbn char(4) PRIMARY KEY REFERENCES tb_book (isbn), file text NOT NULL);
CREATE TABLE tb_shelf (room text, number int, PRIMARY KEY (room, number));
CREATE TABLE tb_place (
    room text NOT NULL, number int NOT NULL, isbn char(4) NOT NULL REFERENCES tb_book,
    FOREIGN KEY (room, number) REFERENCES tb_shelf
);
CREATE TABLE tb_log (at date NOT NULL, text text) PARTITION BY RANGE (at);
CREATE TABLE tb_log_2026 PARTITION OF tb_log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO tb_publisher VALUES (1, 'Ace'), (2, 'Tor');
INSERT INTO tb_book VALUES
    ('0001', 'Rocannon', 'sf', 9.5, '{a,b}', '(1,2)', '{"a": 1}', 1, 2, NULL),
    ('0002', 'Planet', NULL, NULL, NULL, NULL, NULL, 1, NULL, '0001');
INSERT INTO tb_cover VALUES ('0001', 'r.png');
INSERT INTO tb_shelf VALUES ('hall', 3);
INSERT INTO tb_place VALUES ('hall', 3, '0001');
INSERT INTO tb_log VALUES ('2026-05-01', 'x')
"""

DECLARED = '''\
@fraiseql.type(sql_source="tb_book", key="isbn", unique=[["publisher_id", "title"]])
class Book:
    isbn: str
    title: str
    class_: str | None = fraiseql.field(column="class")
    price: Decimal | None
    tags: list[str] | None
    # place: there is no annotation for point
    data: fraiseql.JSON | None
    publisher_id: int
    editor_id: int | None
    sequel: str | None
    publisher: Publisher = fraiseql.relation("publisher_id", to="id")
    editor: Publisher | None = fraiseql.relation("editor_id", to="id")
    book: Book | None = fraiseql.relation("sequel", to="isbn")
    books: list[Book] = fraiseql.relation("isbn", to="sequel")
    cover: Cover | None = fraiseql.relation("isbn", to="isbn")
    places: list[Place] = fraiseql.relation("isbn", to="isbn")


@fraiseql.type(sql_source="tb_cover", key="isbn")
class Cover:
    isbn: str
    file: str
    book: Book = fraiseql.relation("isbn", to="isbn")


@fraiseql.type(sql_source="tb_log")
class Log:
    at: date
    text: str | None


@fraiseql.type(sql_source="tb_place")
class Place:
    room: str
    number: int
    isbn: str
    # (room, number) refers to tb_shelf (room, number): relations compare one column
    book: Book = fraiseql.relation("isbn", to="isbn")


@fraiseql.type(sql_source="tb_publisher", unique=["name"])
class Publisher:
    """A house that publishes books."""

    id: int
    name: str = fraiseql.field(description="As printed.")
    books_by_publisher: list[Book] = fraiseql.relation("id", to="publisher_id")
    books_by_editor: list[Book] = fraiseql.relation("id", to="editor_id")


@fraiseql.type(sql_source="tb_shelf", key=["room", "number"])
class Shelf:
    room: str
    number: int
'''


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Declare a schema of its own for what is printed."""
    monkeypatch.setattr(schemas, "_registries", {None: schemas.default_registry})
    settings.FRAISEQL = {"SCHEMAS": {"printed": {}}, "CACHE": {"ALIAS": None}}
    before = set(sys.modules)
    yield
    for name in {*sys.modules} - before:
        if name.endswith(".printed"):
            del sys.modules[name]


def engine_of(text: str, app: str = "bookshop") -> GraphQLEngine:
    """Execute a printed module, as one of an app's package, and return an engine over what it declares."""
    package = apps.get_app_config(app).name
    module = ModuleType(f"{package}.printed")
    module.__package__ = package
    sys.modules[module.__name__] = module
    exec(compile(text, "printed", "exec"), vars(module))
    return GraphQLEngine(settings=get_settings("printed"), registry=schemas.registry_of("printed"), cache=None)


@pytest.mark.usefixtures("empty_schema")
def test_tables_with_keys_relations_and_comments() -> None:
    sql(TABLES)

    assert classes("--tables", "--schema", "public") == DECLARED


@pytest.mark.usefixtures("empty_schema")
def test_what_is_printed_for_tables_runs(printed: None) -> None:
    sql(TABLES)
    engine = engine_of(run("--tables", "--schema", "public", "--for", "printed"))
    forget_definitions()

    found = data(
        engine,
        """{
          book(isbn: "0001") {
            title class tags data publisher { name } editor { name booksByEditor { isbn } }
            books { title book { title } } cover { file book { isbn } } places { room number }
          }
          byTitle: book(publisherId: 1, title: "Planet") { isbn editor { name } book { isbn } }
          publisher(name: "Ace") { booksByPublisher(orderBy: {isbn: ASC}) { isbn } }
          shelf(room: "hall", number: 3) { number }
          logs { at text }
          books(where: {publisher: {name: {eq: "Ace"}}, price: {gt: "9"}}) { price }
        }""",
    )

    assert found == {
        "book": {
            "title": "Rocannon", "class": "sf", "tags": ["a", "b"], "data": {"a": 1}, "publisher": {"name": "Ace"},
            "editor": {"name": "Tor", "booksByEditor": [{"isbn": "0001"}]},
            "books": [{"title": "Planet", "book": {"title": "Rocannon"}}],
            "cover": {"file": "r.png", "book": {"isbn": "0001"}}, "places": [{"room": "hall", "number": 3}],
        },
        "byTitle": {"isbn": "0002", "editor": None, "book": {"isbn": "0001"}},
        "publisher": {"booksByPublisher": [{"isbn": "0001"}, {"isbn": "0002"}]},
        "shelf": {"number": 3},
        "logs": [{"at": "2026-05-01", "text": "x"}],
        "books": [{"price": "9.50"}],
    }  # fmt: skip
    described = engine.schema.graphql.type_map["Publisher"]
    assert (described.description, described.fields["name"].description) == (  # type: ignore[attr-defined]
        "A house that publishes books.", "As printed.",
    )  # fmt: skip


@pytest.mark.usefixtures("empty_schema")
def test_relations_lead_to_what_is_printed_only() -> None:
    sql(TABLES)

    assert classes("tb_cover") == (
        '@fraiseql.type(sql_source="tb_cover", key="isbn")\nclass Cover:\n    isbn: str\n    file: str\n'
        "    # (isbn) refers to tb_book (isbn)\n"
    )


@pytest.mark.usefixtures("empty_schema")
def test_names_that_are_taken() -> None:
    sql(
        """
        CREATE TABLE tb_user (id int PRIMARY KEY, news text);
        CREATE TABLE tb_news (id int PRIMARY KEY, tb_user int UNIQUE REFERENCES tb_user, "user" text);
        """
    )

    assert classes("--tables", "--schema", "public") == (
        '@fraiseql.type(sql_source="tb_news", unique=["tb_user"])\nclass News:\n'
        "    id: int\n    tb_user: int | None\n    user: str | None\n"
        '    tb_user_row: User | None = fraiseql.relation("tb_user", to="id")\n\n\n'
        '@fraiseql.type(sql_source="tb_user")\nclass User:\n    id: int\n    news: str | None\n'
        '    news_by_tb_user: News | None = fraiseql.relation("id", to="tb_user")\n'
    )


ODD = """
CREATE SCHEMA odd; SET LOCAL search_path = odd;
CREATE TABLE "Int" (id int PRIMARY KEY); CREATE TABLE date (id int PRIMARY KEY, date date, "Date" date);
CREATE TABLE query (id int PRIMARY KEY); CREATE TABLE "JSON" (id int PRIMARY KEY, j jsonb);
CREATE TABLE "user" (id int PRIMARY KEY); CREATE TABLE users (id int PRIMARY KEY, "user" int REFERENCES "user");
CREATE TABLE user_where (id int PRIMARY KEY); CREATE TABLE "URL" (id int PRIMARY KEY);
CREATE TABLE "Url" (id int PRIMARY KEY); CREATE TABLE "日本" (id int PRIMARY KEY);
CREATE TABLE "a ""quoted"" name" (
    id int PRIMARY KEY, camel_case int, "camelCase" int, camel__case int, class int, class_ int, fraiseql int,
    "AND" int, "BY" int, "true" int, "null" int, "int" int, list int[], str text, "日本" int, "%s" int, "{x}" int,
    __typename int, "back\\slash" int, "new
line" int
);
CREATE TABLE documents (id jsonb, "a_id" int REFERENCES "user", a int REFERENCES "user", "A" int REFERENCES "user");
CREATE TABLE arrays (id int[], of text[]); CREATE TABLE nothing (); CREATE TABLE points (at point, along line);
CREATE TABLE tv_part (id int PRIMARY KEY, data jsonb); CREATE TABLE tv_empty (id int PRIMARY KEY, data jsonb);
INSERT INTO tv_part VALUES (1, '{"deep": [[[{"a": 1}]]], "a_b": 1, "aB": 2, "odd": {"": 1}, "large": 1e30}');
CREATE FUNCTION "fn_URL"() RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION fn_url() RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION fn_user() RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
"""


@pytest.mark.usefixtures("empty_schema")
def test_what_is_printed_for_odd_names_runs(printed: None) -> None:
    sql(ODD)
    for table in ("documents", "points", "nothing", 'a ""quoted"" name'):
        sql(f'COMMENT ON TABLE "{table}" IS E\'a "quote" """\n\\\\\'')
    # with a comment each field is an assignment in the body of its class
    sql(
        """
        DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT format('%s.%I', c.oid::regclass, attname)
                        FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
                        WHERE relnamespace = 'odd'::regnamespace AND relkind = 'r' AND attnum > 0
            LOOP EXECUTE format('COMMENT ON COLUMN %s IS %L', name, 'It is "odd".'); END LOOP;
        END $$
        """
    )
    text = run("--tables", "--schema", "odd", "--for", "printed")
    engine = engine_of(text)
    forget_definitions()

    lists = {
        name: field.type
        for name, field in engine.schema.graphql.query_type.fields.items()  # type: ignore[union-attr]
        if is_object_type(get_named_type(field.type)) and is_list_type(get_nullable_type(field.type))
    }
    fields = {name: " ".join(leaves(get_named_type(type_))) for name, type_ in lists.items()}
    found = data(engine, f"{{ {' '.join(f'{name} {{ {names} }}' for name, names in fields.items())} }}")

    assert len(found) == text.count(".type(") == 15
    assert found["parts"] == [{"deep": [[[{"a": 1}]]], "aB": 2, "aB2": 1, "odd": {"": 1}, "large": f"1{'0' * 30}"}]
    assert "# odd.nothing is left out: there is an annotation for none of its columns\n" in text
    assert "# odd.points is left out: there is an annotation for none of its columns\n" in text
    assert set(engine.schema.graphql.mutation_type.fields) == {"uRL2", "url", "user2"}  # type: ignore[union-attr]


def leaves(type_: Any) -> list[str]:
    """Return the fields of a type that are values, without arguments."""
    return [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type))]


@pytest.mark.usefixtures("empty_schema")
def test_keys_of_values_that_no_row_is_found_by() -> None:
    sql("CREATE TABLE tb_odd (doc jsonb PRIMARY KEY, tags text[] UNIQUE, place cidr UNIQUE, at xid8 UNIQUE)")

    first, _, *body = classes("tb_odd").splitlines()

    assert first == '@fraiseql.type(sql_source="tb_odd", unique=["place"])'
    assert body == [
        "    doc: fraiseql.JSON", "    tags: list[str] | None", "    # cidr", "    place: str | None",
        "    # at: there is no annotation for xid8", "    # (doc) is the primary key", "    # (tags) is unique",
        "    # (at) is unique",
    ]  # fmt: skip


@pytest.mark.usefixtures("empty_schema")
def test_projection_tables_hold_documents() -> None:
    sql(
        """
        CREATE TABLE tv_card (id int PRIMARY KEY, data jsonb);
        INSERT INTO tv_card VALUES (1, '{"id": 1, "a": "b"}')
        """
    )

    assert 'jsonb_column="data"' in classes("tv_card")


def test_tables_of_models_are_left_out(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    sql("CREATE TABLE tb_own (id int PRIMARY KEY)")

    printed = run("--tables")

    assert 'sql_source="tb_own"' in printed
    assert "bookshop_book" not in printed
    assert "bookshop_book" in capsys.readouterr().err


# --- the models of an app ---


def test_what_is_printed_for_an_app_runs(db: None, printed: None) -> None:
    make_shop()
    text = run("--app", "bookshop", "--app", "auth", "--for", "printed")
    engine = engine_of(text)

    found = data(
        engine,
        "{ books(orderBy: {title: ASC}) { title authors { name } publisher { books { isbn } } orderLines { quantity } }"
        "  users { username customer { name reviews { stars } } } }",
    )

    assert [book["title"] for book in found["books"]] == ["City", "Planet", "Rocannon"]
    assert found["users"][0]["customer"]["name"] == "Ann"
    # as fraiseql.types() would declare them
    assert set(engine.schema.types) >= {"Author", "Book", "Customer", "Group", "OrderLine", "User"}
    assert "password" not in engine.schema.types["User"].fields
    assert "    # password is left out: it looks like a secret\n" in text
    assert "from .models import Author, Book, Category," in text
    assert "from django.contrib.auth.models import Group, Permission, User\n" in text


def test_fields_are_those_of_types(db: None, printed: None) -> None:
    engine = engine_of(run("--app", "bookshop", "--for", "printed"))
    registry = schemas.Registry()
    schemas.bulk.types("bookshop", registry=registry)
    expected = GraphQLEngine(registry=registry, cache=None).schema.types

    found = engine.schema.types
    assert {name: list(definition.fields) for name, definition in found.items()} == {
        name: list(definition.fields) for name, definition in expected.items()
    }
    assert {definition.model for definition in found.values()} >= {Author, Book}


@pytest.mark.parametrize("app", ["zoo", "menagerie", "library", "guardian", "auth"])
def test_every_app_can_be_printed(db: None, printed: None, app: str) -> None:
    assert engine_of(run("--app", app, "--for", "printed"), app).schema.types


@pytest.fixture
def odd_models() -> Iterator[None]:
    """Add models to an app for a test: one in a class, one with two fields whose names in GraphQL are the same."""
    known = apps.all_models["cabinet"]
    before = dict(known)

    class Phones(models.Model):
        phone1 = models.IntegerField()
        phone_1 = models.IntegerField()
        first_name = models.CharField(max_length=9)
        null = models.IntegerField()
        api_key = models.CharField(max_length=9)

        class Meta:
            app_label = "cabinet"

    assert known.keys() > before.keys()
    yield
    known.clear()
    known.update(before)
    apps.clear_cache()


@pytest.mark.usefixtures("odd_models")
def test_models_of_functions_and_fields_of_one_name(db: None, printed: None) -> None:
    text = run("--app", "cabinet", "--for", "printed")
    engine = engine_of(text, "cabinet")

    assert list(engine.schema.types["Phones"].fields) == ["id", "phone1", "phone_1", "firstName"]
    assert '    phone_1: fraiseql.auto = fraiseql.field(name="phone_1")\n' in text
    assert text.count("# api_key is left out") == text.count("# null is left out") == 1
    assert '\nPhones = apps.get_model("cabinet", "Phones")\n' in text


def test_an_app_of_secrets_is_refused(db: None) -> None:
    with pytest.raises(CommandError) as caught:
        run("--app", "sessions")

    assert str(caught.value) == ("no model of sessions can be declared: sessions.Session: its key looks like a secret")
