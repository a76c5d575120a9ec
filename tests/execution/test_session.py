"""What PostgreSQL is told of who asks: it is there in every statement, in its round trip, and gone afterwards."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.db.models import Func, IntegerField, TextField
from django.db.models.expressions import RawSQL
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Category, Customer, Order
from fraiseql_django import ConfigurationError, FraiseQLError, GraphQLEngine, Registry, StorageError
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.checks import check_project
from fraiseql_django.conf.settings import LimitSettings, SessionSettings, get_settings
from fraiseql_django.invalidation import catalog
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import assert_one_statement
from fraiseql_django.viewer import Viewer, required_value
from tests.support import Shop, make_shop, role_name, round_trips

# through cursors, settings take round trips of their own
PIPELINE = pytest.mark.parametrize("storage_path", ["pipeline"], indirect=True)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_path")]

TOLD = ("current_setting('app.user', true)", "current_setting('app.tenant', true)", "current_user::text")
ROLE = role_name("session")


def role_of(viewer: Viewer) -> Any:
    """Name the role of a viewer."""
    return viewer.value("role")


def broken(viewer: Viewer) -> Any:
    """Return what no variable can be."""
    return viewer.value("value")


def run(*statements: str) -> list[Any]:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Make a shop, a view that shows what PostgreSQL is told, functions that do, and a role under row security."""
    shop = make_shop()
    bob = Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")
    Order.objects.create(customer=bob, number="2")
    run(
        "CREATE VIEW v_told AS SELECT 1 AS id, {} AS who, {} AS tenant, {} AS role".format(*TOLD),
        "CREATE VIEW v_plain AS SELECT id, name FROM bookshop_author",
        "CREATE VIEW v_slow AS SELECT 1 AS id, pg_sleep(5)::text AS who, ''::text AS tenant, ''::text AS role",
        "CREATE FUNCTION fn_who() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.user', true) $$",
        """CREATE FUNCTION fn_tell() RETURNS jsonb LANGUAGE sql AS
        $$ SELECT to_jsonb(coalesce(current_setting('app.user', true), '?')) $$""",
        "ALTER TABLE bookshop_order ENABLE ROW LEVEL SECURITY",
        """CREATE POLICY own ON bookshop_order USING (customer_id IN (
            SELECT id FROM bookshop_customer WHERE user_id = nullif(current_setting('app.user', true), '')::int))""",
        f"CREATE ROLE {ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
    )
    catalog.forget()
    try:
        yield shop
    finally:
        connection.close()
        run(
            "DROP VIEW v_told, v_plain, v_slow",
            "DROP FUNCTION fn_who, fn_tell",
            "DROP POLICY own ON bookshop_order",
            "ALTER TABLE bookshop_order DISABLE ROW LEVEL SECURITY",
            f"DROP OWNED BY {ROLE}",
            f"DROP ROLE {ROLE}",
        )
        catalog.forget()


@pytest.fixture
def registry() -> Registry:
    registry = Registry()

    @fraiseql.type(sql_source="v_told", registry=registry)
    class Told:
        id: int
        who: str | None
        tenant: str | None
        role: str | None

    @fraiseql.type(sql_source="v_slow", registry=registry)
    class Slow:
        id: int
        who: str | None

    @fraiseql.type(sql_source="v_plain", registry=registry)
    class Plain:
        id: int
        name: str

    @fraiseql.type(Author, fields=["id", "name"], registry=registry)
    class AuthorType:
        who: str | None = fraiseql.field(Func(function="fn_who", output_field=TextField()))

    @fraiseql.type(Customer, fields=["id", "name", "orders"], registry=registry)
    class CustomerType:
        pass

    @fraiseql.type(Order, fields=["id", "number", "customer"], registry=registry)
    class OrderType:
        pass

    @fraiseql.mutation(registry=registry)
    def ask(info: fraiseql.Info) -> str:
        return str(run("SELECT current_setting('app.user', true) || current_user::text")[0][0])

    @fraiseql.mutation(registry=registry)
    def fail(info: fraiseql.Info) -> str:
        raise fraiseql.UserError(str(run("SELECT current_setting('app.user', true)")[0][0]))

    @fraiseql.mutation(registry=registry)
    def touch(info: fraiseql.Info) -> Author:
        return Author.objects.first()  # type: ignore[return-value]

    @fraiseql.mutation(registry=registry)
    def write_anonymously(info: fraiseql.Info, number: str) -> list[Order]:
        Order.objects.filter(number=number).update(status="shipped")
        return Order.objects.all()  # type: ignore[return-value]

    @fraiseql.mutation(function="fn_tell", registry=registry)
    class Tell:
        success: str

    return registry


VARIABLES = {"app.user": "user_id", "app.tenant": "tenant"}


@pytest.fixture
def make(registry: Registry) -> Any:
    """Return what makes an engine with session settings."""

    def make(
        variables: dict[str, str] | None = None,
        role: str | None = None,
        *,
        cache: Any = None,
        limits: LimitSettings | None = None,
        **settings: Any,
    ) -> GraphQLEngine:
        session = SessionSettings(variables=VARIABLES if variables is None else variables, role=role)
        used = replace(get_settings(), session=session, limits=limits or LimitSettings(), **settings)
        return GraphQLEngine(settings=used, registry=registry, cache=cache)

    return make


def ask(engine: GraphQLEngine, query: str, user: Any = None, **request: Any) -> Any:
    values = {"tenant": "t1", "role": None, **request}
    return engine.execute(query, request=SimpleNamespace(user=user, **values)).json()  # type: ignore[arg-type]


def in_session() -> tuple[str, ...]:
    """Return what the connection's session has of what was told."""
    ((who, tenant, role, timeout),) = run(f"SELECT {', '.join(TOLD)}, current_setting('statement_timeout')")
    return (who or "", tenant or "", role, timeout)


@pytest.fixture
def untouched() -> Iterator[None]:
    """Hold the connection's session to what it was before."""
    run("SELECT set_config('app.user', 'before', false)")
    # Django would close it after an error
    connection.close_at = None
    before = in_session()
    yield
    assert in_session() == before
    assert before[0] == "before"


TOLD_QUERY = "{ tolds { who tenant role } }"


def told(who: str, tenant: str = "t1", role: str = "postgres") -> Any:
    return {"data": {"tolds": [{"who": who, "tenant": tenant, "role": role}]}}


@pytest.fixture
def owner() -> str:
    return str(run("SELECT current_user::text")[0][0])


# --- it is there ---


def test_statement_is_told_who_asks(make: Any, shop: Shop, owner: str, untouched: None) -> None:
    engine, ann = make(), shop.customer.user

    assert ask(engine, TOLD_QUERY, ann) == told(str(ann.pk), role=owner)
    assert ask(engine, TOLD_QUERY, tenant="t2") == told("", "t2", role=owner)


def test_value_is_whatever_a_function_of_the_viewer_returns(make: Any, shop: Shop, owner: str) -> None:
    engine = make({"app.user": f"{__name__}.broken"})
    for value, text in ((7, "7"), (True, "true"), (None, ""), ("'; --", "'; --"), ("", "")):
        assert ask(engine, "{ tolds { who } }", value=value) == {"data": {"tolds": [{"who": text}]}}


@PIPELINE
def test_it_costs_no_round_trip_and_no_statement(make: Any, shop: Shop) -> None:
    engine = make(role=f"{__name__}.role_of", limits=LimitSettings(statement_ms=5000))
    ask(engine, TOLD_QUERY, shop.customer.user)

    with assert_one_statement(), round_trips() as trips:
        ask(engine, TOLD_QUERY, shop.customer.user)
    assert trips == [1]

    # not even where nothing is prepared
    connection.close()
    connection.ensure_connection()
    with round_trips() as trips:
        ask(engine, TOLD_QUERY, shop.customer.user)
    assert trips == [1]


@PIPELINE
def test_mutation_is_told_in_the_round_trip_of_its_begin(make: Any, shop: Shop) -> None:
    """Each of Django's statements takes a round trip, and BEGIN another one, by psycopg."""
    counted = {}
    for mutation in ("ask", "tell"):
        for name, engine in {"bare": make({}), "told": make()}.items():
            for _ in range(2):
                with round_trips() as trips:
                    assert "errors" not in ask(engine, f"mutation {{ {mutation} }}", shop.customer.user)
            counted[mutation, name] = trips[0]

    # BEGIN, what the mutation does, what it has written, COMMIT
    assert counted == {("ask", "bare"): 4, ("ask", "told"): 4, ("tell", "bare"): 3, ("tell", "told"): 4}


def test_without_preparing(make: Any, shop: Shop, owner: str, untouched: None) -> None:
    engine = make(prepare_statements=False)

    assert ask(engine, TOLD_QUERY, shop.customer.user) == told(str(shop.customer.user.pk), role=owner)
    assert ask(engine, "mutation { tell }", shop.customer.user) == {"data": {"tell": str(shop.customer.user.pk)}}


def test_mutation_is_told_in_every_language(make: Any, shop: Shop, owner: str, untouched: None) -> None:
    engine, ann = make(), shop.customer.user

    assert ask(engine, "mutation { ask touch { who } tell }", ann) == {
        "data": {"ask": f"{ann.pk}{owner}", "touch": {"who": str(ann.pk)}, "tell": str(ann.pk)}
    }


def test_mutations_of_their_own_transactions_are_told(make: Any, shop: Shop, untouched: None) -> None:
    engine, ann = make(atomic_mutations=False), shop.customer.user

    assert ask(engine, "mutation { a: tell b: tell }", ann) == {"data": {"a": str(ann.pk), "b": str(ann.pk)}}


def test_row_security_holds_on_every_path(make: Any, shop: Shop, untouched: None) -> None:
    engine, ann = make(role=f"{__name__}.role_of"), shop.customer.user
    hidden = Order.objects.get(number="2").pk
    queries = {
        "{ orders { number } }": {"orders": [{"number": "1"}]},
        "{ customers(orderBy: {id: ASC}) { orders { number } } }": {
            "customers": [{"orders": [{"number": "1"}]}, {"orders": []}]
        },
        '{ customers(where: {orders: {some: {number: {eq: "2"}}}}) { id } }': {"customers": []},
        f'{{ order(id: "{hidden}") {{ id }} }}': {"order": None},
        # nothing is written that cannot be seen, and nothing comes back
        'mutation { writeAnonymously(number: "2") { number } }': {"writeAnonymously": [{"number": "1"}]},
    }
    for query, expected in queries.items():
        assert ask(engine, query, ann, role=ROLE) == {"data": expected}, query
    assert Order.objects.get(number="2").status != "shipped"


def test_hidden_row_behind_a_relation_that_is_never_null_is_a_field_error(make: Any, shop: Shop) -> None:
    run("ALTER TABLE bookshop_customer ENABLE ROW LEVEL SECURITY")
    try:
        engine, ann = make(role=f"{__name__}.role_of"), shop.customer.user
        run("CREATE POLICY everybodys ON bookshop_order FOR SELECT USING (true)")
        run("CREATE POLICY own ON bookshop_customer USING (user_id::text = current_setting('app.user', true))")

        assert len(ask(engine, "{ orders { number } }", ann, role=ROLE)["data"]["orders"]) == 2
        answer = ask(engine, "{ orders(orderBy: {number: ASC}) { number customer { name } } }", ann, role=ROLE)
        assert answer["data"] is None
        assert [error["path"] for error in answer["errors"]] == [["orders", 1, "customer"]]
        # it has no name to compare, and the order is there
        assert ask(engine, "{ orders(orderBy: {customer: {name: ASC}}) { number } }", ann, role=ROLE) == {
            "data": {"orders": [{"number": "1"}, {"number": "2"}]}
        }
    finally:
        connection.close()
        run("DROP POLICY everybodys ON bookshop_order", "DROP POLICY own ON bookshop_customer")
        run("ALTER TABLE bookshop_customer DISABLE ROW LEVEL SECURITY")


def test_write_that_a_policy_refuses_is_forbidden(
    registry: Registry, make: Any, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    @fraiseql.mutation(registry=registry)
    def order_for(info: fraiseql.Info, customer: int) -> Order:
        return Order.objects.create(customer_id=customer, number="3")

    engine, ann = make(role=f"{__name__}.role_of"), shop.customer.user
    other = Customer.objects.get(name="Bob").pk
    (error,) = ask(engine, f"mutation {{ orderFor(customer: {other}) {{ id }} }}", ann, role=ROLE)["errors"]

    assert (error["message"], error["extensions"]["code"]) == ("You are not allowed to do this.", "FORBIDDEN")
    assert 'new row violates row-level security policy for table "bookshop_order"' in caplog.text
    assert Order.objects.count() == 2


def test_anonymous_viewer_under_row_security(make: Any, shop: Shop) -> None:
    engine = make(role=f"{__name__}.role_of")

    assert ask(engine, "{ orders { number } }", role=ROLE) == {"data": {"orders": []}}


# --- it is gone ---


def test_it_is_gone_after_a_failure(make: Any, shop: Shop, untouched: None) -> None:
    engine = make(role=f"{__name__}.role_of", limits=LimitSettings(statement_ms=100))

    assert ask(engine, "{ slows { who } }", shop.customer.user)["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert ask(engine, "mutation { fail }", shop.customer.user)["errors"][0]["message"] == str(shop.customer.user.pk)
    assert ask(engine, "mutation { ask }", shop.customer.user, role="nobody_there")["errors"]


def test_it_is_gone_within_a_transaction_of_the_project(make: Any, shop: Shop, owner: str) -> None:
    engine, ann = make(), shop.customer.user
    with transaction.atomic():
        run("SELECT set_config('app.user', 'mine', true)")
        before = in_session()
        assert ask(engine, TOLD_QUERY, ann) == told(str(ann.pk), role=owner)
        assert in_session() == before
        assert ask(engine, "mutation { tell }", ann) == {"data": {"tell": str(ann.pk)}}
        assert in_session() == before
        assert ask(engine, "mutation { fail }", ann)["errors"]
        assert in_session() == before
    assert in_session()[0] == ""


def test_it_is_gone_after_a_mutation_without_autocommit(make: Any, shop: Shop) -> None:
    """The project's own transaction has begun, or begins with the mutation."""
    engine = make(role=f"{__name__}.role_of", limits=LimitSettings(statement_ms=5000))
    connection.set_autocommit(False)
    try:
        for _ in range(2):
            before = in_session()
            assert "errors" not in ask(engine, "mutation { tell }", shop.customer.user, role=ROLE)
            assert in_session() == before
    finally:
        connection.rollback()
        connection.set_autocommit(True)


@PIPELINE
def test_request_in_a_transaction_takes_no_round_trip_more(make: Any, shop: Shop) -> None:
    engine = make()
    ask(engine, TOLD_QUERY, shop.customer.user)
    with transaction.atomic():
        run("SELECT 1")
        with round_trips() as trips:
            ask(engine, TOLD_QUERY, shop.customer.user)
    assert trips == [1]


def test_operation_within_a_mutation_is_of_its_own_viewer(registry: Registry, make: Any, shop: Shop) -> None:
    seen: list[Any] = []

    @fraiseql.mutation(registry=registry)
    def within(info: fraiseql.Info) -> str:
        seen.append(ask(engine, "{ tolds { who } }", tenant="other"))
        seen.append(ask(engine, "mutation { tell }"))
        return str(run("SELECT current_setting('app.user', true)")[0][0])

    engine, ann = make(), shop.customer.user

    assert ask(engine, "mutation { within touch { who } }", ann) == {
        "data": {"within": str(ann.pk), "touch": {"who": str(ann.pk)}}
    }
    assert seen == [{"data": {"tolds": [{"who": ""}]}}, {"data": {"tell": ""}}]


def test_threads_are_told_apart(make: Any, shop: Shop) -> None:
    engine = make()
    users = [User.objects.create(username=f"user {number}") for number in range(4)]
    wrong: list[Any] = []

    def ask_often(user: User) -> None:
        try:
            for _ in range(20):
                found = ask(engine, "{ tolds { who } }", user)
                if found != {"data": {"tolds": [{"who": str(user.pk)}]}}:
                    wrong.append(found)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_often, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- the cache ---


def hits(engine: GraphQLEngine, query: str, user: Any = None, **request: Any) -> bool:
    with CaptureQueriesContext(connection) as captured:
        assert "errors" not in ask(engine, query, user, **request)
    return len(captured) == 0


def test_answers_that_depend_on_it_are_kept_apart(make: Any, shop: Shop, cache_alias: str) -> None:
    engine, ann = make(cache=DjangoCache(cache_alias)), shop.customer.user
    for query in ("{ tolds { who } }", "{ orders { id } }", "{ customers { orders { id } } }"):
        assert [hits(engine, query, ann), hits(engine, query), hits(engine, query, tenant="t2")] == [False] * 3
        assert [hits(engine, query, ann), hits(engine, query), hits(engine, query, tenant="t2")] == [True] * 3


def test_other_answers_are_everybodys(make: Any, shop: Shop, cache_alias: str) -> None:
    engine = make(cache=DjangoCache(cache_alias))
    for query in ("{ authors { name } }", "{ plains { name } }"):
        assert [hits(engine, query, shop.customer.user), hits(engine, query, tenant="t2")] == [False, True]


def test_who_asks_is_not_asked_for_an_answer_that_is_everybodys(make: Any, shop: Shop, cache_alias: str) -> None:
    engine = make({"app.user": f"{__name__}.broken"}, cache=DjangoCache(cache_alias))
    assert "errors" not in ask(engine, "{ authors { name } }", value=1)

    assert "errors" not in ask(engine, "{ authors { name } }", value=object())


@pytest.mark.parametrize(
    "settings",
    [{"variables": {}, "role": f"{__name__}.role_of"}, {"variables": {"search_path": f"{__name__}.broken"}}],
    ids=["role", "search_path"],
)
def test_answers_of_other_roles_and_schemas_are_kept_apart(
    make: Any, shop: Shop, cache_alias: str, settings: Any
) -> None:
    engine = make(**settings, cache=DjangoCache(cache_alias))
    query = "{ authors { name } }"

    assert not hits(engine, query, role=None, value="public")
    assert not hits(engine, query, role=ROLE, value="public, pg_temp")
    assert hits(engine, query, role=ROLE, value="public, pg_temp")


def test_computed_field_that_calls_a_function_is_kept_apart(make: Any, shop: Shop, cache_alias: str) -> None:
    engine = make(cache=DjangoCache(cache_alias))

    assert not hits(engine, "{ authors { who } }", shop.customer.user)
    assert not hits(engine, "{ authors { who } }")


def test_computed_field_over_a_table_of_no_model_is_kept_apart(
    registry: Registry, make: Any, shop: Shop, cache_alias: str
) -> None:
    """Row security is PostgreSQL's, whether Django knows the table or not."""
    run(
        "CREATE TABLE unknown_table (who text)",
        "INSERT INTO unknown_table VALUES ('x')",
        "ALTER TABLE unknown_table ENABLE ROW LEVEL SECURITY",
    )
    catalog.forget()

    @fraiseql.type(Category, fields=["id"], name="Counted", registry=registry)
    class Counted:
        seen: int = fraiseql.field(RawSQL("(SELECT count(*) FROM unknown_table)", [], IntegerField()))

    try:
        engine = make(cache=DjangoCache(cache_alias))
        assert not hits(engine, "{ counteds { seen } }", shop.customer.user)
        assert not hits(engine, "{ counteds { seen } }")
    finally:
        run("DROP TABLE unknown_table")
        catalog.forget()


def test_view_over_an_aggregate_of_the_project_is_kept_apart(
    registry: Registry, make: Any, shop: Shop, cache_alias: str
) -> None:
    """Only the function behind it asks who asks."""
    run(
        """CREATE FUNCTION fn_add(text, int) RETURNS text LANGUAGE plpgsql STABLE AS
        $$ BEGIN RETURN current_setting('app.user', true); END $$""",
        "CREATE AGGREGATE last_of(int) (sfunc = fn_add, stype = text)",
        "CREATE VIEW v_last AS SELECT 1 AS id, (SELECT last_of(id::int) FROM bookshop_author) AS who",
    )
    catalog.forget()

    @fraiseql.type(sql_source="v_last", registry=registry)
    class Last:
        id: int
        who: str | None

    try:
        engine, ann = make(cache=DjangoCache(cache_alias)), shop.customer.user
        assert ask(engine, "{ lasts { who } }", ann) == {"data": {"lasts": [{"who": str(ann.pk)}]}}
        assert ask(engine, "{ lasts { who } }") == {"data": {"lasts": [{"who": ""}]}}
    finally:
        run("DROP VIEW v_last", "DROP AGGREGATE last_of(int)", "DROP FUNCTION fn_add")
        catalog.forget()


# --- what is wrong ---


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"value": object()}, "the session variable app.user is given a object that cannot be written"),
        ({"value": "a\0b"}, "the session variable app.user is given a str that cannot be written"),
    ],
)
def test_value_that_cannot_be_written_is_the_servers_fault(
    make: Any, shop: Shop, caplog: pytest.LogCaptureFixture, request_: Any, said: str
) -> None:
    engine = make({"app.user": f"{__name__}.broken"})
    for query in ("{ authors { name } }", "mutation { ask }"):
        caplog.clear()
        (error,) = ask(engine, query, **request_)["errors"]

        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "app.user" not in error["message"]
        assert said in caplog.text


def test_name_that_nobody_knows_fails_closed(make: Any, shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    engine = make({"app.user": "no_such_name"})

    assert ask(engine, "{ authors { name } }")["data"] is None
    assert "neither the context, nor the request, nor its user has 'no_such_name'" in caplog.text


def test_role_that_is_none_shows_nothing_of_it(make: Any, shop: Shop, untouched: None) -> None:
    engine = make(role=f"{__name__}.role_of")
    for query in ("{ authors { name } }", "mutation { ask }"):
        (error,) = ask(engine, query, role="no_such_role")["errors"]

        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "no_such_role" not in error["message"]


@pytest.mark.parametrize(
    ("session", "message", "hint"),
    [
        (
            {"VARIABLES": {"app.user id": "user_id"}},
            "FRAISEQL['SESSION']['VARIABLES'] has 'app.user id', which is no name.",
            "A name is made of letters, digits and underscores, its parts joined by points: 'app.user_id'.",
        ),
        (
            {"VARIABLES": {"role": "user_id"}},
            "FRAISEQL['SESSION']['VARIABLES'] has 'role', which is no variable.",
            "Use SESSION.ROLE.",
        ),
        (
            {"VARIABLES": {"Statement_Timeout": "user_id"}},
            "FRAISEQL['SESSION']['VARIABLES'] has 'Statement_Timeout', which is no variable.",
            "Use LIMITS.STATEMENT_MS.",
        ),
        (
            {"VARIABLES": {"app.user": "no.such"}},
            "FRAISEQL['SESSION']['VARIABLES']['app.user'] is 'no.such', which cannot be imported: "
            "No module named 'no'.",
            "Name a function that takes the viewer: 'shop.tenants.tenant_of'.",
        ),
        (
            {"ROLE": f"{__name__}.ROLE"},
            f"FRAISEQL['SESSION']['ROLE'] is '{__name__}.ROLE', which is no function.",
            "Name a function that takes the viewer: 'shop.tenants.tenant_of'.",
        ),
    ],
)
def test_wrong_settings(settings: Any, session: Any, message: str, hint: str) -> None:

    settings.FRAISEQL = {"SESSION": session}

    assert [(error.id, error.msg, error.hint) for error in check_project() if error.level >= 40] == [
        ("fraiseql.E017", message, hint)
    ]
    with pytest.raises(ConfigurationError, match="FRAISEQL"):
        GraphQLEngine()


# --- the connection ---


def test_connection_that_lost_what_was_prepared_prepares_anew(make: Any, shop: Shop, owner: str) -> None:
    engine = make()
    for _ in range(2):
        assert ask(engine, TOLD_QUERY, tenant="t") == told("", "t", role=owner)
        run("DISCARD ALL")


def test_storage_sends_settings_for_one_statement(shop: Shop, untouched: None) -> None:
    storage = DjangoStorage()
    sql = "SELECT current_setting('app.user', true), %s::text"

    assert storage.query(sql, ["x"], (("app.user", "7"),)).rows == [(b"7", b"x")]
    assert storage.query(sql, ["x"]).rows == [(b"before", b"x")]


def test_commit_that_fails_is_an_error(shop: Shop) -> None:
    """A constraint that is checked late fails when everything else is done."""
    storage = DjangoStorage()
    run("CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)", "INSERT INTO late VALUES (1)")
    try:
        for settings in ((), (("app.user", "7"),)):
            # prepared with it, and prepared before
            for _ in range(2):
                with pytest.raises(StorageError, match="duplicate key") as caught:
                    storage.execute("INSERT INTO late VALUES (%s::int)", ["1"])
                assert caught.value.sqlstate == "23505"
                with pytest.raises(StorageError, match="duplicate key"):
                    storage.query("INSERT INTO late VALUES (%s::int) RETURNING id", ["1"], settings)
        assert storage.query("SELECT count(*) FROM late").rows == [(b"1",)]
    finally:
        run("DROP TABLE late")


def test_inactive_user_is_nobody_by_every_name() -> None:
    ann = User(pk=7, username="ann", email="ann@example.org", is_active=False, is_staff=True)
    inactive, anonymous = (Viewer(SimpleNamespace(user=user)) for user in (ann, AnonymousUser()))  # type: ignore[arg-type]

    for name in ("user_id", "user_pk", "user_username", "user_email", "user_is_staff", "user_is_active"):
        assert inactive.value(name) == anonymous.value(name)
    assert required_value(inactive, "user_id") is None
    with pytest.raises(FraiseQLError, match="'user_email'"):
        required_value(inactive, "user_email")


def test_inactive_user_is_nobody_for_postgresql(shop: Shop, make: Any) -> None:
    bob = User.objects.get(username="bob")
    bob.is_active = False
    engine = make({"app.user": "user_id"})

    told = [
        engine.execute("{ tolds { who } }", request=SimpleNamespace(user=user)).json()["data"]["tolds"][0]["who"]
        for user in (bob, AnonymousUser(), User.objects.get(username="bob"))
    ]

    assert told == ["", "", str(bob.pk)]
