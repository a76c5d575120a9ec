"""``manage.py fraiseql_explain``: what is said of an operation, and that proposed indexes are used."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.management import CommandError, call_command
from django.db import connection, connections, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Upper
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer, Order, Review
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, Registry, StorageError, get_engine
from fraiseql_django.cache.keys import version_key
from fraiseql_django.documents.trusted import digest
from fraiseql_django.explain import candidates
from fraiseql_django.explain.operation import Statement
from fraiseql_django.explain.plans import plan_of
from fraiseql_django.explain.trials import trials
from fraiseql_django.management.commands import fraiseql_explain
from fraiseql_django.testing import FailingStorage
from tests.support import data, forget_definitions, is_hit, make_shop

ROWS = 20_000
NEWEST = "{ reviews(where: {stars: {eq: 5}}, orderBy: [{createdAt: DESC}, {id: ASC}], limit: 3) { id } }"
BOOKS = "query Books($t: String!) { books(where: {title: {eq: $t}}) { title } }"


def run(*arguments: str, stdin: str | None = None, monkeypatch: pytest.MonkeyPatch | None = None) -> str:
    out = io.StringIO()
    if stdin is not None:
        assert monkeypatch is not None
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    call_command("fraiseql_explain", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def explained(*arguments: str) -> dict[str, Any]:
    return dict(json.loads(run(*arguments, "--format", "json")))


def refused(*arguments: str) -> tuple[str, str]:
    err = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("fraiseql_explain", *arguments, stderr=err, no_color=True)
    assert caught.value.returncode == 1
    return str(caught.value), err.getvalue()


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill a shop with many reviews and orders, whose numbers PostgreSQL knows."""
    with django_db_blocker.unblock(), transaction.atomic():
        shop = make_shop()
        book, customer = shop.books[0].pk, shop.customer.pk
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO bookshop_review (book_id, customer_id, stars, headline, text, status, created_at)
                SELECT %s, %s, CASE WHEN n %% 200 = 0 THEN 5 ELSE 1 + n %% 4 END, 'Review ' || n, '', 'pending',
                       now() - n * interval '1 minute'
                FROM generate_series(1, %s) n
                """,
                [book, customer, ROWS],
            )
            cursor.execute(
                "INSERT INTO bookshop_order (customer_id, number, status, placed_at, note) "
                "SELECT %s, 'N' || n, 'new', now(), 'note ' || n FROM generate_series(1, %s) n",
                [customer, ROWS],
            )
            # what is checked at the end of a transaction keeps indexes from being made in it
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ANALYZE bookshop_review, bookshop_order, bookshop_book")
        forget_definitions()
        yield
        transaction.set_rollback(True)
    forget_definitions()


def index_names(node: dict[str, Any]) -> set[str]:
    own = {node["Index Name"]} if "Index Name" in node else set()
    return own.union(*map(index_names, node.get("Plans", ())))


def made(line: str) -> models.Index:
    names = {"models": models, "GinIndex": GinIndex, "OpClass": OpClass, "Upper": Upper, "F": F}
    index = eval(line, names)
    assert isinstance(index, models.Index)
    return index


# --- indexes ---

PROPOSED = {
    "equal and order": (NEWEST, Review, ["stars", "-created_at", "id"]),
    "equal": ('{ reviews(where: {headline: {eq: "Review 7"}}) { id } }', Review, ["headline"]),
    "equal and range": (
        '{ reviews(where: {stars: {eq: 5}, headline: {gt: "Review 9999"}}) { id } }',
        Review,
        ["stars", "headline"],
    ),
    "in": ('{ orders(where: {note: {in: ["note 1", "note 2"]}}) { number } }', Order, ["note"]),
    "nested": (
        '{ books(where: {reviews: {some: {headline: {eq: "Review 7"}}}}) { title } }',
        Review,
        ["headline"],
    ),
}


@pytest.mark.parametrize("columns", ["created_at DESC, id", "created_at"])
def test_rows_skipped_in_the_order_of_an_index(many: None, columns: str, django_db_blocker: DjangoDbBlocker) -> None:
    query = NEWEST.replace("limit: 3", "limit: 10")
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX newest ON bookshop_review ({columns})")

        for options in ((), ("--analyze",)):
            (statement,) = explained(query, *options)["statements"]
            assert index_names(statement["plan"]) == {"newest"}
            (proposed,) = statement["indexes"]
            assert list(made(proposed["django"]).fields) == ["stars", "-created_at", "id"]
            reads = r"Index Scan on bookshop_review reads [12],\d\d\d rows in the order of newest to find 10"
            assert re.fullmatch(reads, proposed["reason"])
            # few are skipped before the first
            (statement,) = explained(query.replace("eq: 5", "eq: 1"), *options)["statements"]
            assert statement["indexes"] == []
        transaction.set_rollback(True)


@pytest.mark.parametrize(("query", "model", "fields"), PROPOSED.values(), ids=list(PROPOSED))
def test_proposed_index_is_used_when_it_is_made(
    many: None, query: str, model: type[models.Model], fields: list[str], django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), transaction.atomic():
        (statement,) = explained(query)["statements"]
        proposed = next(item for item in statement["indexes"] if item["table"] == model._meta.db_table)
        index = made(proposed["django"])
        assert (list(index.fields), proposed["tried"]) == (fields, None)
        before = statement["plan"]["Total Cost"]

        with connection.schema_editor() as editor:
            editor.add_index(model, index)

        (after,) = explained(query)["statements"]
        assert index.name in index_names(after["plan"])
        assert after["plan"]["Total Cost"] < before / 2
        assert [item["sql"] for item in after["indexes"] if index.name in item["sql"]] == []
        transaction.set_rollback(True)


@pytest.mark.parametrize("query", [query for query, _, _ in PROPOSED.values()], ids=list(PROPOSED))
def test_sql_of_a_proposed_index_makes_the_same(many: None, query: str, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), transaction.atomic():
        (statement,) = explained(query)["statements"]
        sql = statement["indexes"][0]["sql"]

        with connection.cursor() as cursor:
            # there is a transaction around the test
            cursor.execute(sql.replace(" CONCURRENTLY", ""))

        (after,) = explained(query)["statements"]
        assert any(f'"{name}"' in sql for name in index_names(after["plan"]))
        transaction.set_rollback(True)


def test_indexes_are_tried_and_leave_nothing(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        (statement,) = explained(NEWEST, "--try-indexes")["statements"]

        (proposed,) = statement["indexes"]
        assert proposed["tried"]["used"] is True
        assert proposed["tried"]["cost_after"] < proposed["tried"]["cost_before"] / 10
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'fraiseql_tried%%'", [])
            assert cursor.fetchone() == (0,)
        text = run(NEWEST, "--try-indexes")
    assert "tried: it is used, estimated cost " in text
    assert "--try-indexes makes" not in text


def test_a_pattern_needs_an_extension_which_is_said(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    query = '{ reviews(where: {headline: {icontains: "view 77"}}) { id } }'
    with django_db_blocker.unblock():
        (statement,) = explained(query)["statements"]
        text = run(query)

    (proposed,) = statement["indexes"]
    assert proposed["sql"].endswith('USING gin ((upper("headline")) gin_trgm_ops)')
    assert isinstance(made(proposed["django"]), GinIndex)
    assert "It needs the extension pg_trgm." in text


@pytest.mark.extension("pg_trgm")
def test_index_of_a_pattern_is_used(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    query = '{ reviews(where: {headline: {icontains: "view 77"}}) { id } }'
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        (statement,) = explained(query)["statements"]
        index = made(statement["indexes"][0]["django"])

        with connection.schema_editor() as editor:
            editor.add_index(Review, index)

        assert index.name in index_names(explained(query)["statements"][0]["plan"])
        transaction.set_rollback(True)


@pytest.mark.extension("hypopg")
def test_hypopg_tries_indexes_without_making_them(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION hypopg")
        (statement,) = explained(NEWEST)["statements"]

        assert statement["indexes"][0]["tried"]["used"] is True
        transaction.set_rollback(True)


def test_index_of_partitions_is_that_of_their_table(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE explained (at date NOT NULL, code text) PARTITION BY RANGE (at);
            CREATE TABLE explained_1 PARTITION OF explained FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
            CREATE TABLE explained_2 PARTITION OF explained FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
            INSERT INTO explained SELECT date '2026-01-01' + n % 300, 'c' || n FROM generate_series(1, 8000) n;
            ANALYZE explained
            """
        )
    sql = "SELECT at FROM explained WHERE code = %s::text"
    statement = Statement(purpose="rows", sql=sql, params=("c77",), tables=())
    storage = get_engine().storage

    found = candidates.hints(plan_of(statement, storage, ()).root, "default").candidates

    assert [(item.table, item.create) for item in found] == [
        ("explained", 'CREATE INDEX "explained_code_idx" ON "public"."explained" ("code")')
    ]
    (trial,) = trials(found, statement, storage, (), hypothetical=False)
    assert (trial.uses, trial.failure) == (True, None)


def test_what_has_its_index_has_no_hint(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        (statement,) = explained('{ order(id: "1") { number } }')["statements"]
        text = run('{ orders(where: {number: {eq: "N5"}}) { id } }')

    assert statement["indexes"] == []
    assert "no candidate: no scan of many rows keeps few of them" in text


def test_a_condition_without_an_index_is_named(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        (statement,) = explained('{ reviews(where: {OR: [{headline: {eq: "Review 7"}}, {stars: {eq: 5}}]}) { id } }')[
            "statements"
        ]

    (other,) = statement["without_index"]
    assert statement["indexes"] == []
    assert "no index is derived for: " in other
    assert " OR " in other


# --- the text ---


def test_documentation_shows_what_is_printed(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    page = (BASE_DIR / "docs" / "reference" / "commands.md").read_text()
    command, shown = re.findall(r"\$ python manage.py fraiseql_explain '([^\n]*)'\n(.*?)```", page, re.DOTALL)[0]
    with django_db_blocker.unblock():
        printed = [_without_figures(line) for line in run(command).splitlines()]

    assert command == NEWEST
    for line in shown.splitlines():
        if "…" not in line and "_fraiseql_" not in line:
            assert _without_figures(line) in printed


def _without_figures(line: str) -> str:
    """Leave out what differs from one database, cache and server to the next."""
    if line.strip().startswith(("version of", "key result:", "kept for", "now a miss", "not kept")):
        return ""
    return re.sub(r"cost=[\d.]+|width=\d+|PostgreSQL [\d.]+", "", line)


def test_text_has_all_parts(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        text = run(BOOKS, "--variables", '{"t": "Planet"}', "--operation-name", "Books")

    titles = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert titles[0] == "query Books, for an anonymous viewer"
    assert [title.split(" of PostgreSQL")[0] for title in titles[1:]] == [
        "Statement: the answer", "Parameters", "Prepared", "Tables", "Plan", "Cache", "Limits", "Indexes",
    ]  # fmt: skip
    assert '      FROM "bookshop_book"\n' in text
    assert "  1  'Planet'\n" in text
    assert "  bookshop_book\n" in text
    assert "Seq Scan on bookshop_book" in text or "Index" in text


def test_statement_is_prepared_under_its_name(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        data(GraphQLEngine(cache=None), NEWEST)
        (statement,) = explained(NEWEST)["statements"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements")
            names = {name for (name,) in cursor.fetchall()}

    assert statement["prepared"] in names


def test_limits_are_beside_the_figures(many: None, settings: Any, django_db_blocker: DjangoDbBlocker) -> None:
    settings.FRAISEQL = {"LIMITS": {"COMPLEXITY": 1_000, "DEPTH": 7}}
    with django_db_blocker.unblock():
        found = explained("{ books(limit: 10) { title reviews(limit: 2) { id } } }")["limits"]

    assert found["COMPLEXITY"] == {"value": get_engine().explain(
        "{ books(limit: 10) { title reviews(limit: 2) { id } } }").complexity, "limit": 1_000}  # fmt: skip
    assert found["DEPTH"] == {"value": 3, "limit": 7}
    assert found["FIELDS"]["value"] == 4


def test_nothing_is_read(db: None) -> None:
    report = explained("{ __typename }")

    assert (report["statements"], report["cache"]["outcome"]) == ([], "constant")
    assert "none: nothing is read from the database" in run("{ __typename }")


# --- the cache ---


@pytest.mark.django_db(transaction=True)
def test_key_and_versions_are_those_of_a_request(cache_alias: str, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias, "TTL": 77}}
    engine = get_engine()
    variables = {"t": "Planet"}
    make_shop()
    miss = explained(BOOKS, "--variables", json.dumps(variables))["cache"]
    assert (miss["kept"], miss["seconds"], miss["outcome"]) == (True, 77, "absent")
    assert not is_hit(engine, BOOKS, variables)

    hit = explained(BOOKS, "--variables", json.dumps(variables))["cache"]

    assert (hit["outcome"], hit["key"], hit["alias"]) == ("hit", miss["key"], cache_alias)
    assert engine.cache is not None
    assert engine.cache.get(hit["key"])[0].endswith(",".join(hit["versions"].values()))
    assert hit["versions"]["bookshop_book"] == engine.cache.get(version_key("bookshop_book"))
    # what is asked is not what is shown: it is a hit as before
    assert is_hit(engine, BOOKS, variables)

    Book.objects.update(pages=1)

    assert explained(BOOKS, "--variables", json.dumps(variables))["cache"]["outcome"] == "written"


@pytest.mark.django_db(transaction=True)
def test_indexes_that_are_tried_drop_no_answers(cache_alias: str, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}}
    engine, query = get_engine(), "{ books { title } }"
    assert not is_hit(engine, query)
    index = candidates.Candidate("public", "bookshop_book", (candidates.Key("pages"),), "btree", "")
    statement = Statement(purpose="rows", sql="SELECT id FROM bookshop_book WHERE pages = 1", params=(), tables=())

    (trial,) = trials([index], statement, engine.storage, (), hypothetical=False)

    assert trial.failure is None
    assert is_hit(engine, query)


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_a_table_that_is_being_written_is_not_waited_for(settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}}
    index = candidates.Candidate("public", "bookshop_book", (candidates.Key("pages"),), "btree", "")
    statement = Statement(purpose="rows", sql="SELECT id FROM bookshop_book WHERE pages = 1", params=(), tables=())

    with transaction.atomic(using="second"), connections["second"].cursor() as cursor:
        cursor.execute("LOCK TABLE bookshop_book IN ROW EXCLUSIVE MODE")
        (trial,) = trials([index], statement, get_engine().storage, (), hypothetical=False)

    assert trial.failure == "canceling statement due to lock timeout"


def test_why_an_answer_is_not_kept(db: None, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}}
    assert explained("{ books { title } }")["cache"]["outcome"] == "no_cache"
    settings.FRAISEQL = {}
    assert explained("{ books { title } }")["cache"]["outcome"] == "transaction"
    never = run("query @cacheControl(maxAge: 0) { books { title } }")
    assert "not kept: a policy says that the answer is not kept" in never


# --- where the operation comes from ---


def test_operation_from_a_file_and_from_stdin(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, variables = tmp_path / "books.graphql", tmp_path / "variables.json"
    file.write_text(BOOKS)
    variables.write_text('{"t": "X"}')

    expected = run(BOOKS, "--variables", '{"t": "X"}')

    assert run("--file", str(file), "--variables", f"@{variables}") == expected
    for arguments in ((), ("-",)):
        found = run(*arguments, "--variables", '{"t": "X"}', stdin=BOOKS, monkeypatch=monkeypatch)
        assert found == expected


def test_operation_by_the_id_of_a_trusted_document(db: None, tmp_path: Path, settings: Any) -> None:
    manifest = tmp_path / "trusted.json"
    manifest.write_text(json.dumps({digest(BOOKS).removeprefix("sha256:"): BOOKS, "books": BOOKS}))
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": str(manifest)}}

    for identifier in ("books", digest(BOOKS), digest(BOOKS).removeprefix("sha256:").upper()):
        assert explained("--id", identifier, "--variables", '{"t": "X"}')["operation"] == "Books"
    assert refused("--id", "nix")[0] == "there is no document 'nix'; the engine has 1 trusted documents"


def test_one_of_several_operations_is_named(db: None) -> None:
    document = "query A { books { title } } query B { authors { name } }"

    assert explained(document, "--operation-name", "B")["statements"][0]["tables"] == ["bookshop_author"]
    assert "operationName is missing; the document has several operations: A, B." in refused(document)[0]


# --- the viewer ---


def test_rules_and_permissions_are_those_of_the_user(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    fraiseql.type(
        Customer,
        fields=["id", "name"],
        permission=fraiseql.requires_auth,
        rows=lambda viewer: Q(user=viewer.id, loyalty_points=viewer.value("points", int)),
        registry=registry,
    )(type("CustomerType", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)
    monkeypatch.setattr(fraiseql_explain, "get_engine", lambda name: engine)
    user = User.objects.create(username="ann")
    query = "{ customers { name } }"

    report = explained(query, "--user", "ann", "--context", '{"points": 7}')

    assert report["viewer"] == "ann"
    assert sorted(report["statements"][0]["params"]) == sorted([str(user.pk), "7"])
    assert refused(query)[0] == "Sign in to use Customer."
    assert refused(query, "--user", "bob")[0] == "there is no user whose username is 'bob'"


# --- what is run ---


def test_analyze_shows_what_happened(many: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        (statement,) = explained(NEWEST, "--analyze")["statements"]
        text = run(NEWEST, "--analyze")

    assert statement["plan"]["Actual Loops"] == 1
    assert statement["execution_ms"] > 0
    assert "Rows Removed by Filter: 19" in text
    assert "Buffers: " in text
    assert f"reads {ROWS + 2:,} rows and keeps 101, which are sorted for the first 3" in text


def test_nothing_can_be_written_by_analyze(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION explained_write() RETURNS text LANGUAGE plpgsql VOLATILE AS "
            "$$BEGIN UPDATE bookshop_book SET pages = 1; RETURN 'x'; END$$"
        )
    statement = Statement(purpose="a function that writes", sql="SELECT explained_write()", params=(), tables=())

    with pytest.raises(StorageError, match="cannot execute UPDATE in a read-only transaction"), transaction.atomic():
        plan_of(statement, get_engine().storage, (), analyze=True)

    # and the transaction around it can write as before
    assert make_shop().books


def test_a_mutation_is_not_run(db: None) -> None:
    shop = make_shop()
    mutation = f'mutation {{ renameBook(id: "{shop.books[0].pk}", title: "x") {{ title authors {{ name }} }} }}'

    assert refused(mutation, "--analyze")[0] == (
        "a mutation is not run; without --analyze, the statements are planned that it reads by"
    )
    report = explained(mutation)

    (statement,) = report["statements"]
    assert statement["purpose"] == "the answer of renameBook"
    assert "bookshop_author" in statement["tables"]
    assert report["cache"]["outcome"] == "mutation"
    shop.books[0].refresh_from_db()
    assert shop.books[0].title == "Rocannon"


# --- what is wrong ---


def test_mistakes_in_the_operation_have_their_lines() -> None:
    assert refused("{\n  books { titel }\n}") == (
        "the operation is not valid",
        "2:11: Cannot query field 'titel' on type 'Book'. Did you mean 'title'?\n",
    )
    assert refused("{ books { title }")[1].startswith("1:18: Syntax Error")


def test_name_of_a_file_is_no_operation() -> None:
    assert refused("shelf.graphql")[0] == (
        "'shelf.graphql' is no operation, which has braces; a file is read by --file, a document by --id"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--variables", "{"], "--variables is not JSON: "),
        (["--variables", "[]"], "--variables is list in JSON, must be an object: "),
        (["--context", "1"], "--context is int in JSON, must be an object: "),
        (["--variables", "@/nowhere/x.json"], "/nowhere/x.json cannot be read: No such file"),
        (["--schema", "nix"], "'nix'"),
        (["--operation-name", "nix"], "The document has no operation 'nix'; it has: "),
    ],
)
def test_wrong_options_are_named(db: None, arguments: list[str], message: str) -> None:
    assert message in refused("{ books { title } }", *arguments)[0]


def test_a_stopped_database_is_one_line(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    engine = get_engine()
    monkeypatch.setattr(engine, "storage", FailingStorage(engine.storage))

    assert refused("{ books { title } }")[0].startswith("the database failed: ")
