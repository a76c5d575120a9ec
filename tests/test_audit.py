# mypy: disable-error-code="return-value"
"""What is told of mutations and refusals: to receivers, to the log, and to a table."""

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client, RequestFactory
from pytest_django import DjangoCaptureOnCommitCallbacks

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Order, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.audit import (
    REFUSALS,
    AuditEvent,
    MutationEvent,
    Outcome,
    RefusalEvent,
    mutation_run,
    operation_refused,
)
from fraiseql_django.conf.settings import LimitSettings, Settings
from fraiseql_django.declare.rules import requires_auth
from fraiseql_django.documents.trusted import digest
from tests.http.requests import URL, post
from tests.ledger.models import AuditEntry
from tests.support import statements
from tests.test_docs import DOCS, blocks
from tests.test_reference import codes

REGISTRY = Registry()
PASSWORD = "correct horse battery staple"


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["name"], permission=requires_auth, registry=REGISTRY)
class PublisherType:
    pass


def is_boss(viewer: Any) -> bool:
    return bool(viewer.is_staff)


@fraiseql.type(Order, fields=["id"], registry=REGISTRY)
class OrderType:
    number: str = fraiseql.field(permission=is_boss)
    placed_at: dt.datetime = fraiseql.field(permission=is_boss, mask=True)


@fraiseql.error
class Refusal:
    """Why not, as data."""


@fraiseql.mutation(registry=REGISTRY)
def add(info: fraiseql.Info, name: str, password: str | None = None) -> AuthorType | None:
    """Add an author."""
    author = Author.objects.create(name=name)
    if name == "fail":
        raise fraiseql.UserError(f"Not {password}.", code="TAKEN")
    if name == "forbidden":
        raise PermissionDenied("Not for you.")
    if name == "break":
        raise RuntimeError("It broke.")
    if name == "logout":
        logout(info.request)
    return author


@fraiseql.mutation(registry=REGISTRY)
def surely(info: fraiseql.Info, name: str) -> AuthorType:
    """Add an author, or else nothing is answered."""
    return add(info, name)


@fraiseql.mutation(registry=REGISTRY)
def politely(info: fraiseql.Info, code: int) -> AuthorType | Refusal:
    """Say as data why not."""
    Author.objects.create(name="undone")
    return Refusal(message="No.", code=code)


@fraiseql.mutation(permission=is_boss, registry=REGISTRY)
def guarded(info: fraiseql.Info, name: str) -> AuthorType | None:
    """Add an author; only for some."""
    return add(info, name)


class Told:
    """What was told, and the statements that were sent for it."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.in_transaction: list[bool] = []

    def note(self, event: AuditEvent, **kwargs: object) -> None:
        self.events.append(event)
        self.in_transaction.append(connection.in_atomic_block)

    @property
    def outcomes(self) -> dict[str, tuple[str, Any]]:
        return {event.path: (event.outcome, event.code) for event in self.events if isinstance(event, MutationEvent)}

    @property
    def refusals(self) -> list[tuple[str, str | None, str]]:
        return [(event.what, event.rule, event.code) for event in self.events if isinstance(event, RefusalEvent)]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    for signal in (mutation_run, operation_refused):
        signal.connect(told.note)
    yield told
    for signal in (mutation_run, operation_refused):
        signal.disconnect(told.note)


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(registry=REGISTRY, cache=None, settings=Settings(atomic_mutations=False))


@pytest.fixture
def together() -> GraphQLEngine:
    return GraphQLEngine(registry=REGISTRY, cache=None, settings=Settings(atomic_mutations=True))


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create(username="ann")


def request_of(user: Any) -> Any:
    request = RequestFactory().post("/", headers={"Authorization": f"Bearer {PASSWORD}"})
    request.user = user
    return request


# --- mutations ---


@pytest.mark.django_db(transaction=True)
def test_event_of_a_mutation(engine: GraphQLEngine, told: Told, ann: User) -> None:
    request, query = request_of(ann), 'mutation Sign { a: add(name: "Ada", password: null) { name } }'
    before = dt.datetime.now(dt.UTC)
    engine.execute(query, request=request, context={"a": 1})

    (event,) = told.events
    assert (event.user_id, event.request, event.viewer.context) == (ann.pk, request, {"a": 1})
    assert before <= event.time <= dt.datetime.now(dt.UTC)
    assert event.duration_ms > 0
    assert {**event.as_dict(), "time": 0, "duration_ms": 0} == {
        "time": 0,
        "user_id": str(ann.pk),
        "operation": "Sign",
        "document": digest(query),
        "mutation": "add",
        "path": "a",
        "arguments": ("name", "password"),
        "outcome": "done",
        "code": None,
        "duration_ms": 0,
    }
    assert told.in_transaction == [False]
    with pytest.raises(AttributeError):
        event.outcome = Outcome.FAILED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("arguments", "code"), [('name: "fail"', "TAKEN"), ('name: "break"', "INTERNAL_SERVER_ERROR")])
def test_mutation_that_raises_has_failed(engine: GraphQLEngine, told: Told, arguments: str, code: str) -> None:
    engine.execute(f"mutation {{ add({arguments}) {{ name }} }}")

    assert told.outcomes == {"add": ("failed", code)}
    assert told.in_transaction == [False]
    assert not Author.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_mutation_that_answers_with_an_error_has_failed(engine: GraphQLEngine, told: Told) -> None:
    engine.execute("mutation { politely(code: 409) { __typename } }")

    assert told.outcomes == {"politely": ("failed", 409)}
    assert told.refusals == []


@pytest.mark.django_db(transaction=True)
def test_what_is_done_together_is_undone_together(together: GraphQLEngine, told: Told) -> None:
    query = 'mutation { a: add(name: "a") { id } b: add(name: "fail") { id } c: add(name: "c") { id } }'
    together.execute(query)

    assert told.outcomes == {"a": ("undone", None), "b": ("failed", "TAKEN"), "c": ("not_begun", None)}
    assert [event.duration_ms > 0 for event in told.events] == [True, True, False]

    together.execute('mutation { a: add(name: "a") { id } b: add(name: "b") { id } }')
    assert told.outcomes == {"a": ("done", None), "b": ("done", None), "c": ("not_begun", None)}


@pytest.mark.django_db(transaction=True)
def test_each_on_its_own_is_told_of_when_it_has_ended(engine: GraphQLEngine, told: Told) -> None:
    query = 'mutation { a: surely(name: "a") { id } b: surely(name: "fail") { id } c: surely(name: "c") { id } }'
    engine.execute(query)

    assert told.outcomes == {"a": ("done", None), "b": ("failed", "TAKEN"), "c": ("not_begun", None)}
    assert told.events[0].time < told.events[1].time
    assert told.in_transaction == [False] * 3


@pytest.mark.django_db(transaction=True)
def test_block_of_the_project_is_waited_for(engine: GraphQLEngine, told: Told) -> None:
    with transaction.atomic():
        engine.execute('mutation { add(name: "a") { id } }')
        engine.execute('mutation { add(name: "fail") { id } }')
        assert told.outcomes == {"add": ("failed", "TAKEN")}
    assert told.outcomes == {"add": ("done", None)}
    assert len(told.events) == 2

    with transaction.atomic():
        engine.execute('mutation { add(name: "b") { id } }')
        transaction.set_rollback(True)
    assert len(told.events) == 2


@pytest.mark.django_db
def test_user_is_who_asked_though_the_mutation_logs_them_out(
    engine: GraphQLEngine, told: Told, ann: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    client = Client()
    client.force_login(ann)
    request = request_of(ann)
    request.session = client.session

    with django_capture_on_commit_callbacks(execute=True):
        engine.execute('mutation { add(name: "logout") { id } }', request=request)

    assert isinstance(request.user, AnonymousUser)
    assert [event.user_id for event in told.events] == [ann.pk]


# --- refusals ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ publishers { name } }", ("Publisher", "requires_auth", "UNAUTHENTICATED")),
        ("query Q { orders { number } }", ("Order.number", "is_boss", "UNAUTHENTICATED")),
        ("{ orders(where: {placedAt: {isnull: true}}) { id } }", ("Order.placedAt", "is_boss", "UNAUTHENTICATED")),
        ('mutation { g: guarded(name: "x") { id } }', ("guarded", "is_boss", "UNAUTHENTICATED")),
        ("{ " + "a: __typename " * 101 + "}", ("aliases", "LIMITS.ALIASES", "LIMIT_EXCEEDED")),
        ('mutation { a: add(name: "forbidden") { id } }', ("add", None, "FORBIDDEN")),
        ("mutation { p: politely(code: 403) { __typename } }", ("politely", None, "FORBIDDEN")),
        ("mutation { politely(code: 401) { __typename } }", ("politely", None, "UNAUTHENTICATED")),
    ],
)
def test_refusal_is_told_once_with_its_rule(engine: GraphQLEngine, told: Told, query: str, expected: Any) -> None:
    engine.execute(query)

    assert told.refusals == [expected]


@pytest.mark.django_db
def test_event_of_a_refusal(engine: GraphQLEngine, told: Told, ann: User) -> None:
    query = "query Numbers { orders { number } }"
    engine.execute(query, request=request_of(ann))

    (event,) = told.events
    assert {**event.as_dict(), "time": 0} == {
        "time": 0,
        "user_id": str(ann.pk),
        "operation": "Numbers",
        "document": digest(query),
        "what": "Order.number",
        "rule": "is_boss",
        "code": "FORBIDDEN",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["{", "{ nothing }", "{ orders(limit: -1) { id } }", "{ orders { placedAt } }"])
def test_what_is_wrong_or_masked_is_no_refusal(engine: GraphQLEngine, told: Told, query: str) -> None:
    engine.execute(query)

    assert told.events == []


@pytest.mark.django_db
def test_name_that_no_operation_can_have_is_not_told(engine: GraphQLEngine, told: Told) -> None:
    engine.execute("{ " + "a: __typename " * 101 + "}", operation_name="x\nrefused everything by user 1")

    assert [event.operation for event in told.events] == [None]


@pytest.mark.django_db
def test_text_that_has_no_utf8_has_a_digest(told: Told) -> None:
    few = GraphQLEngine(registry=REGISTRY, cache=None, settings=Settings(limits=LimitSettings(tokens=3)))
    few.execute('{ authors { name } publishers(where: {name: {eq: "\ud800"}}) { name } }')

    assert [event.document[:7] for event in told.events] == ["sha256:"]


@pytest.mark.django_db
@pytest.mark.usefixtures("bookshop")
def test_request_that_is_turned_away_is_told(client: Client, told: Told, ann: User, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 1000}}
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(ann)

    post(guarded, {"query": "{ __typename }"})
    post(client, b"x" * 1001)
    client.get(URL, {"query": "mutation Rename { __typename }"})
    post(client, b"no JSON")

    assert [(*refusal, event.user_id) for refusal, event in zip(told.refusals, told.events, strict=True)] == [
        ("the request", "CSRF", "CSRF_FAILED", ann.pk),
        ("the request", "LIMITS.BODY_BYTES", "REQUEST_TOO_LARGE", None),
        ("the request", None, "OPERATION_NOT_ALLOWED", None),
    ]
    assert [event.operation for event in told.events] == [None, None, "Rename"]


@pytest.mark.django_db
def test_document_that_is_not_trusted_is_told(client: Client, told: Told, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "Known.graphql").write_text("{ __typename }")
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": tmp_path}}

    post(client, {"query": "{ a: __typename }"})
    post(client, {"documentId": "Unknown"})

    rule = ("TRUSTED_DOCUMENTS.MODE", "DOCUMENT_NOT_TRUSTED")
    assert told.refusals == [(f"document {digest('{ a: __typename }')!r}", *rule), ("document 'Unknown'", *rule)]


def test_every_code_is_a_refusal_or_is_none() -> None:
    others = {
        *("BAD_REQUEST", "BAD_USER_INPUT", "CONSTRAINT_VIOLATED", "DATABASE_UNAVAILABLE", "DOCUMENT_MISMATCH"),
        *("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL_SERVER_ERROR", "INVALID_VALUE"),
        *("LENGTH_REQUIRED",),
        *("METHOD_NOT_ALLOWED", "MUTATION_ABORTED", "MUTATION_FAILED", "NOT_ACCEPTABLE", "NOT_FOUND"),
        *("OPERATION_RESOLUTION_FAILED", "OVERLOADED"),
        *("PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED", "TIMEOUT", "UNSUPPORTED_MEDIA_TYPE"),
        *("USER_ERROR", "VALIDATION_FAILED"),
    }

    assert codes() - set(REFUSALS) == others
    assert set(REFUSALS) <= codes()


def test_every_refusal_is_documented() -> None:
    page = (DOCS / "audit.md").read_text(encoding="utf-8").split("## What is a refusal")[1]

    assert [code for code in REFUSALS if f"`{code}`" not in page] == []


# --- the log ---


@pytest.mark.django_db(transaction=True)
def test_lines(engine: GraphQLEngine, ann: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fraiseql_django.audit")
    engine.execute('mutation Sign { add(name: "Ada") { name } }', request=request_of(ann))
    engine.execute('mutation { add(name: "fail") { name } }')
    engine.execute("{ publishers { name } }")
    engine.execute("{ authors { name } }")

    records = [record for record in caplog.records if record.name == "fraiseql_django.audit"]
    lines = [(record.levelname, record.getMessage().split(", ")[0]) for record in records]
    assert lines == [
        ("INFO", f"mutation add by user {ann.pk} in Sign: done"),
        ("INFO", "mutation add by nobody: failed (TAKEN)"),
        ("WARNING", "refused Publisher by nobody: UNAUTHENTICATED by requires_auth"),
    ]
    assert [record.__dict__["audit"].get("outcome") for record in records] == ["done", "failed", None]


@pytest.mark.django_db(transaction=True)
def test_values_that_were_sent_are_not_told(
    engine: GraphQLEngine, told: Told, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fraiseql_django.audit")
    request, query = request_of(ann), "mutation($p: String) { add(name: NAME, password: $p) { id } }"
    for name in ("Ada", "fail", "forbidden"):
        engine.execute(query.replace("NAME", f'"{name}"'), {"p": PASSWORD}, request=request)
    engine.execute(query.replace("NAME", f'"{PASSWORD}"'), request=request)
    engine.execute(f'{{ orders(where: {{number: {{eq: "{PASSWORD}"}}}}) {{ id }} }}', request=request)

    assert (len(told.outcomes), len(told.refusals), len(told.events)) == (1, 2, 6)
    records = [str(vars(record)) + record.getMessage() for record in caplog.records]
    assert len(records) == 6
    assert [text for text in [*records, *map(repr, told.events)] if PASSWORD in text] == []


# --- receivers ---


@pytest.fixture
def ledger() -> Iterator[None]:
    """Run the receivers of docs/audit.md, in a package that has its model."""
    _, receivers, *_ = blocks("audit.md", "python")
    namespace: dict[str, Any] = {"__name__": "tests.ledger.receivers", "__package__": "tests.ledger"}
    exec(receivers, namespace)
    yield
    mutation_run.disconnect(namespace["note_mutation"])
    operation_refused.disconnect(namespace["note_refusal"])


def test_model_of_the_documentation_is_the_one_that_is_tested() -> None:
    model, *_ = blocks("audit.md", "python")

    assert model.removeprefix("# shop/models.py\n") in (DOCS.parent / "tests" / "ledger" / "models.py").read_text(
        encoding="utf-8"
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("ledger")
def test_table_keeps_what_was_done_what_failed_and_what_was_refused(together: GraphQLEngine, ann: User) -> None:
    together.execute('mutation { add(name: "Ada") { id } }', request=request_of(ann))
    together.execute('mutation { add(name: "x") { id } b: add(name: "fail") { id } }', request=request_of(ann))
    together.execute('mutation { guarded(name: "x") { id } }', request=request_of(ann))
    together.execute("{ publishers { name } }")

    user_id = str(ann.pk)
    assert list(AuditEntry.objects.order_by("time").values_list("user_id", "what", "outcome", "details__code")) == [
        (user_id, "add", "done", None),
        (user_id, "add", "undone", None),
        (user_id, "add", "failed", "TAKEN"),
        (user_id, "guarded", "refused", "FORBIDDEN"),
        (None, "Publisher", "refused", "UNAUTHENTICATED"),
    ]
    assert list(Author.objects.values_list("name", flat=True)) == ["Ada"]


@pytest.fixture
def broken() -> Iterator[list[type[BaseException]]]:
    """Receivers whose statement fails."""
    called: list[type[BaseException]] = []

    def fail(event: Any, **kwargs: object) -> None:
        called.append(type(event))
        AuditEntry.objects.create(time=event.time, what=None, outcome="", details={})

    for signal in (mutation_run, operation_refused):
        signal.connect(fail)
    yield called
    for signal in (mutation_run, operation_refused):
        signal.disconnect(fail)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [False, True])
def test_receiver_that_fails_breaks_nothing(
    engine: GraphQLEngine, broken: list[Any], atomic: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def ask() -> list[Any]:
        query = 'mutation { a: add(name: "a") { name } b: add(name: "fail") { name } c: add(name: "c") { name } }'
        return [
            engine.execute(query).json()["data"],
            engine.execute("{ authors(orderBy: {name: ASC}) { name } }").json(),
        ]

    if atomic:
        with transaction.atomic():
            answers = ask()
    else:
        answers = ask()

    assert answers == [
        {"a": {"name": "a"}, "b": None, "c": {"name": "c"}},
        {"data": {"authors": [{"name": "a"}, {"name": "c"}]}},
    ]
    assert Author.objects.count() == 2
    assert broken == [MutationEvent] * 3
    assert [record.name for record in caplog.records if record.levelname == "ERROR"].count("django.dispatch") == 3


class Unreadable:
    """A user whom the database does not give."""

    @property
    def is_authenticated(self) -> bool:
        raise RuntimeError("no user")


@pytest.mark.django_db(transaction=True)
def test_user_who_cannot_be_read_breaks_nothing(
    engine: GraphQLEngine, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    answer = engine.execute('mutation { add(name: "Ada") { name } }', request=request_of(Unreadable())).json()

    assert answer == {"data": {"add": {"name": "Ada"}}}
    assert [event.user_id for event in told.events] == [None]
    assert "The viewer's user could not be read." in caplog.messages


# --- what it costs ---


@pytest.mark.django_db
def test_nobody_listens_and_nothing_is_asked_of_the_viewer(engine: GraphQLEngine) -> None:
    with statements(4):  # savepoint, insert, select, release
        answer = engine.execute('mutation { add(name: "Ada") { name } }', request=request_of(Unreadable())).json()

    assert answer == {"data": {"add": {"name": "Ada"}}}
    assert connection.run_on_commit == []


@pytest.mark.django_db
def test_query_that_is_answered_tells_nothing(
    engine: GraphQLEngine, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fraiseql_django.audit")
    with statements(1):
        engine.execute("{ authors { name } }", request=request_of(Unreadable()))

    assert (told.events, caplog.records) == ([], [])
