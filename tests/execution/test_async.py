"""Operations in an event loop: ``aexecute``, and coroutine functions of the project."""

import asyncio
import contextvars
import datetime as dt
import json
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.asgi import get_asgi_application
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path
from graphql import OperationType

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.testing import GraphQLClient
from fraiseql_django.views import GraphQLView
from tests.support import in_thread

REGISTRY = Registry()
AUTHORS = "{ authors { name } }"
NAP = 0.3
TIMEOUT = 30
BORN = "1815-12-10"

# what tests put here is asked by the functions below
HERE: contextvars.ContextVar[str] = contextvars.ContextVar("HERE", default="")
CALLED: dict[str, Any] = {}


async def is_allowed(viewer: Any) -> bool:
    return bool(await CALLED.get("allowed", _yes)(viewer))


async def is_allowed_too(viewer: Any) -> bool:
    return bool(await CALLED.get("allowed too", _yes)(viewer))


async def _yes(viewer: Any) -> bool:
    return True


class OfService:
    """A permission that is an object."""

    async def __call__(self, viewer: Any) -> bool:
        return bool(HERE.get() == "let in")


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    born: fraiseql.auto = fraiseql.field(permission=is_allowed, mask=True)
    bio: fraiseql.auto = fraiseql.field(permission=is_allowed_too, mask=True)
    website: fraiseql.auto = fraiseql.field(permission=OfService(), mask=True)
    nap: str = fraiseql.field(Cast(Func(Value(NAP), function="pg_sleep"), TextField()))


@fraiseql.query(registry=REGISTRY)
def in_python(info: fraiseql.Info) -> str:
    return str(CALLED["function"](info))


@fraiseql.query(registry=REGISTRY)
async def awaited(info: fraiseql.Info, name: str) -> str:
    return str(await CALLED["awaited"](name))


@fraiseql.query(registry=REGISTRY)
async def awho(info: fraiseql.Info) -> str:
    user = await info.auser()
    assert info.user == user
    return f"{user} {info.viewer.id}"


@fraiseql.query(registry=REGISTRY)
async def maybe(info: fraiseql.Info) -> str | None:
    raise fraiseql.UserError("not now")


@fraiseql.mutation(registry=REGISTRY)
def add(info: fraiseql.Info, name: str) -> AuthorType:
    author = Author.objects.create(name=name)
    CALLED["function"](info)
    return author  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
async def aadd(info: fraiseql.Info, name: str) -> AuthorType:
    author = await Author.objects.acreate(name=name)
    await CALLED["awaited"](name)
    return author  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def nothing_called() -> Iterator[None]:
    CALLED.clear()
    yield
    CALLED.clear()


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(registry=REGISTRY, cache=None)


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine as Django's handler under ASGI runs a request: with a thread for its synchronous parts."""

    async def request() -> Any:
        async with ThreadSensitiveContext():
            try:
                return await asyncio.wait_for(main(), TIMEOUT)
            finally:
                await sync_to_async(lambda: connection.close())()

    return asyncio.run(request())


def committed() -> list[str]:
    return in_thread(lambda: list(Author.objects.order_by("pk").values_list("name", flat=True)))


# --- aexecute ---


@pytest.mark.django_db
def test_answers_are_those_of_execute(engine: GraphQLEngine) -> None:
    Author.objects.create(name="Ada")
    CALLED["function"] = lambda info: info.context["who"]

    async def main() -> list[Any]:
        calls: list[Awaitable[Any]] = [
            engine.aexecute("{ authors { name } }"),
            engine.aexecute("query A { __typename } query B($n: Int) { authors(limit: $n) { name } }", {"n": 1}, "B"),
            engine.aexecute("{ nothing }"),
            engine.aexecute('mutation { add(name: "Ben") { name } }', only=OperationType.QUERY),
            engine.aexecute('mutation { add(name: "Ben") { name } }', context={"who": "me"}),
            engine.aexecute("{ inPython }", context={"who": "me"}),
        ]
        return [(await call).json() for call in calls]

    plain, named, wrong, refused, added, called = async_to_sync(main)()

    assert plain == {"data": {"authors": [{"name": "Ada"}]}}
    assert named == plain
    assert wrong == engine.execute("{ nothing }").json()
    assert refused["errors"][0]["extensions"]["code"] == "OPERATION_NOT_ALLOWED"
    assert added == {"data": {"add": {"name": "Ben"}}}
    assert called == {"data": {"inPython": "me"}}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_event_loop_goes_on_during_a_slow_statement(engine: GraphQLEngine, thread_sensitive: bool) -> None:
    Author.objects.create(name="Ada")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(NAP / 30)
            ticks += 1

    async def main() -> Any:
        await engine.aexecute("{ __typename }", thread_sensitive=thread_sensitive)
        ticking = asyncio.create_task(tick())
        answer = await engine.aexecute("{ authors { name nap } }", thread_sensitive=thread_sensitive)
        ticking.cancel()
        return answer.json()

    assert run(main) == {"data": {"authors": [{"name": "Ada", "nap": ""}]}}
    # up to 30; a loop that was blocked would have none
    assert ticks >= 5


@pytest.mark.django_db(transaction=True)
def test_operations_of_a_request_have_one_thread_and_connection(engine: GraphQLEngine) -> None:
    seen: list[tuple[int, int]] = []
    CALLED["function"] = lambda info: seen.append((threading.get_ident(), backend()))

    async def main() -> None:
        seen.append((await sync_to_async(threading.get_ident)(), await sync_to_async(backend)()))
        await asyncio.gather(engine.aexecute("{ inPython }"), engine.aexecute("{ inPython }"))

    run(main)

    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0][0] != threading.get_ident()


@pytest.mark.django_db(transaction=True)
def test_operations_run_at_the_same_time_in_threads_of_their_own(engine: GraphQLEngine) -> None:
    barrier = threading.Barrier(2)
    seen: set[tuple[int, int]] = set()

    def meet(info: Any) -> None:
        seen.add((threading.get_ident(), backend()))
        barrier.wait(TIMEOUT)

    CALLED["function"] = meet

    async def main() -> Any:
        calls = [engine.aexecute("{ inPython }", thread_sensitive=False) for _ in range(2)]
        answers = [answer.json() for answer in await asyncio.gather(*calls)]
        # CONN_MAX_AGE is 0: none of the pool's threads has a connection left
        threads = [sync_to_async(lambda: connection.connection, thread_sensitive=False)() for _ in range(4)]
        return answers, await asyncio.gather(*threads)

    answers, left = run(main)

    assert answers == [{"data": {"inPython": "None"}}] * 2
    assert len({thread for thread, _ in seen}) == len({process for _, process in seen}) == 2
    assert left == [None] * 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_operations_within_more_operations_than_the_pool_has_threads(
    engine: GraphQLEngine, thread_sensitive: bool
) -> None:
    count = 2
    everybody = asyncio.Barrier(count)

    async def execute(name: str) -> str:
        await everybody.wait()
        answer = await engine.aexecute("{ inPython }", thread_sensitive=thread_sensitive)
        return str(answer.json()["data"]["inPython"])

    async def main() -> Any:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(count))
        CALLED.update(function=lambda info: "within", awaited=execute)
        calls = [engine.aexecute('{ awaited(name: "") }', thread_sensitive=False) for _ in range(count)]
        return [answer.json() for answer in await asyncio.gather(*calls)]

    assert run(main) == [{"data": {"awaited": "within"}}] * count


def backend() -> int:
    """Return PostgreSQL's process of this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_context_variables_reach_the_operation(engine: GraphQLEngine) -> None:
    Author.objects.create(name="Ada", website="https://ada.example")
    query = "{ authors { website } }"

    async def main() -> list[Any]:
        answers = []
        for here in ("let in", "kept out", "let in"):
            HERE.set(here)
            answers.append((await engine.aexecute(query)).json()["data"]["authors"][0]["website"])
        return answers

    assert async_to_sync(main)() == ["https://ada.example", None, "https://ada.example"]


@pytest.mark.django_db
def test_operation_sees_the_transaction_of_its_caller(engine: GraphQLEngine) -> None:
    """As in an async test of a TestCase, whose rows nobody else sees."""

    async def main() -> Any:
        await Author.objects.acreate(name="Ada")
        return (await engine.aexecute(AUTHORS)).json()

    assert async_to_sync(main)() == {"data": {"authors": [{"name": "Ada"}]}}


# --- cancellation ---


@pytest.mark.django_db(transaction=True)
def test_mutation_whose_caller_is_cancelled_runs_to_its_end(engine: GraphQLEngine) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def hold(info: Any) -> None:
        begun.set()
        go_on.wait(TIMEOUT)
        ended.set()

    CALLED["function"] = hold

    async def main() -> Any:
        task = asyncio.create_task(engine.aexecute('mutation { add(name: "Ada") { name } }'))
        await asyncio.to_thread(begun.wait, TIMEOUT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()
        go_on.set()
        # behind it, in the same thread
        return (await engine.aexecute(AUTHORS)).json()

    assert run(main) == {"data": {"authors": [{"name": "Ada"}]}}
    assert committed() == ["Ada"]


@pytest.mark.django_db(transaction=True)
def test_coroutine_is_cancelled_where_it_awaits_and_its_transaction_is_rolled_back(engine: GraphQLEngine) -> None:
    waits: list[str] = []

    async def main() -> Any:
        begun = asyncio.Event()

        async def wait(name: str) -> None:
            begun.set()
            try:
                await asyncio.sleep(TIMEOUT)
            except asyncio.CancelledError:
                waits.append("cancelled")
                raise

        CALLED["awaited"] = wait
        task = asyncio.create_task(engine.aexecute('mutation { aadd(name: "Ada") { name } }'))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        CALLED["awaited"] = _yes
        return (await engine.aexecute('mutation { aadd(name: "Ben") { name } }')).json()

    assert run(main) == {"data": {"aadd": {"name": "Ben"}}}
    assert waits == ["cancelled"]
    assert committed() == ["Ben"]


@pytest.mark.django_db(transaction=True)
def test_operation_that_has_not_begun_is_not_begun_after_its_caller_is_cancelled(engine: GraphQLEngine) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(info: Any) -> None:
        begun.set()
        go_on.wait(TIMEOUT)

    CALLED["function"] = hold

    async def main() -> None:
        first = asyncio.create_task(engine.aexecute('mutation { add(name: "Ada") { name } }'))
        await asyncio.to_thread(begun.wait, TIMEOUT)
        second = asyncio.create_task(engine.aexecute('mutation { add(name: "Ben") { name } }'))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go_on.set()
        await first

    run(main)

    assert committed() == ["Ada"]


# --- permissions ---


async def ask(engine: GraphQLEngine, query: str, **options: Any) -> Any:
    return (await engine.aexecute(query, **options)).json()


@pytest.fixture(params=["execute", "aexecute"])
def execute(request: pytest.FixtureRequest, engine: GraphQLEngine) -> Callable[..., Any]:
    """Execute operations in both ways, one after another."""
    if request.param == "execute":
        return lambda query, **options: engine.execute(query, **options).json()
    return lambda query, **options: async_to_sync(ask)(engine, query, **options)


def request_of(user: Any) -> HttpRequest:
    request = RequestFactory().post("/")
    request.user = user
    return request


@pytest.mark.django_db
def test_coroutine_permission_is_asked_at_every_execution(execute: Any) -> None:
    Author.objects.create(name="Ada", born=dt.date(1815, 12, 10))
    answers = []

    async def allowed(viewer: Any) -> bool:
        await asyncio.sleep(0)
        return HERE.get() == "let in"

    CALLED["allowed"] = allowed
    for here in ("let in", "kept out", "let in", "kept out"):
        HERE.set(here)
        answers.append(execute("{ authors { born } }")["data"]["authors"][0]["born"])
    HERE.set("")

    assert answers == [BORN, None, BORN, None]


@pytest.mark.django_db
def test_coroutine_permission_knows_the_viewer(execute: Any) -> None:
    Author.objects.create(name="Ada", born=dt.date(1815, 12, 10))
    ann, ben = User.objects.create(username="ann"), User.objects.create(username="ben", is_staff=True)
    ann.user_permissions.add(Permission.objects.get(codename="view_author", content_type__app_label="bookshop"))
    ben.groups.add(Group.objects.create(name="editors"))
    seen: list[Any] = []

    async def allowed(viewer: Any) -> bool:
        seen.append((viewer.id, viewer.is_authenticated, viewer.is_staff, viewer.value("tenant", int)))
        return bool(await viewer.ahas_perm("bookshop.view_author") or await viewer.ahas_role("editors"))

    CALLED["allowed"] = allowed
    users = [User.objects.get(pk=ann.pk), User.objects.get(pk=ben.pk), AnonymousUser()]
    context = {"tenant": 7}
    born = [
        execute("{ authors { born } }", request=request_of(user), context=context)["data"]["authors"][0]["born"]
        for user in users
    ]

    assert born == [BORN, BORN, None]
    assert list(dict.fromkeys(seen)) == [(ann.pk, True, False, 7), (ben.pk, True, True, 7), (None, False, False, 7)]


@pytest.mark.django_db
def test_permission_that_is_a_function_knows_the_viewer_too() -> None:
    registry = Registry()
    ann, ben = User.objects.create(username="ann"), User.objects.create(username="ben")

    @fraiseql.type(Author, fields=["name"], permission=lambda viewer: viewer.id == ann.pk, registry=registry)
    class AuthorOfAnn:
        pass

    engine = GraphQLEngine(registry=registry, cache=None)
    codes = [
        [
            error.extensions["code"]
            for error in engine.execute("{ authorOfAnns { name } }", request=request_of(user)).errors
        ]  # type: ignore[index]
        for user in (ann, ben, ann, AnonymousUser())
    ]

    assert codes == [[], ["FORBIDDEN"], [], ["UNAUTHENTICATED"]]


@pytest.mark.django_db
def test_coroutine_permission_that_fails_is_an_error_and_asked_again(execute: Any) -> None:
    Author.objects.create(name="Ada", born=dt.date(1815, 12, 10))

    async def failing(viewer: Any) -> bool:
        raise ConnectionError("the service")

    query = "{ authors { born bio } }"
    assert execute(query)["data"]["authors"] == [{"born": BORN, "bio": ""}]
    CALLED["allowed"] = failing
    assert execute(query)["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    CALLED.clear()
    assert execute(query)["data"]["authors"] == [{"born": BORN, "bio": ""}]


@pytest.mark.django_db
def test_coroutine_permissions_of_a_known_operation_are_awaited_at_the_same_time(execute: Any) -> None:
    Author.objects.create(name="Ada", born=dt.date(1815, 12, 10), bio="b")
    query = "{ authors { born bio } }"
    assert execute(query)["data"]["authors"] == [{"born": BORN, "bio": "b"}]
    waiting: list[str] = []

    def meeting(name: str) -> Callable[[Any], Awaitable[bool]]:
        async def meet(viewer: Any) -> bool:
            waiting.append(name)
            while len(waiting) < 2:
                await asyncio.sleep(0.001)
            return name == "allowed"

        return lambda viewer: asyncio.wait_for(meet(viewer), TIMEOUT)

    CALLED.update({name: meeting(name) for name in ("allowed", "allowed too")})

    assert execute(query)["data"]["authors"] == [{"born": BORN, "bio": None}]


@pytest.mark.django_db(transaction=True)
def test_coroutines_run_in_the_loop_of_the_server(engine: GraphQLEngine) -> None:
    loops: list[Any] = []

    async def note(of: Any) -> bool:
        loops.append(asyncio.get_running_loop())
        return True

    CALLED.update({"allowed": note, "awaited": note})

    async def main() -> Any:
        loops.append(asyncio.get_running_loop())
        return await ask(engine, '{ authors { born } awaited(name: "a") }')

    assert run(main) == {"data": {"authors": [], "awaited": "True"}}
    assert len(loops) >= 3
    assert len({id(loop) for loop in loops}) == 1


async def no_rule(viewer: Any) -> Any:
    return True


def test_row_rule_cannot_be_a_coroutine_function() -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["name"], rows=no_rule, registry=registry)(type("Hidden", (), {}))
    with pytest.raises(DeclarationError, match="Hidden: rows is a coroutine function, but a row rule becomes"):
        _ = GraphQLEngine(registry=registry, cache=None).schema


# --- functions ---


@pytest.mark.django_db
def test_coroutine_functions_of_a_query_are_awaited_at_the_same_time(execute: Any) -> None:
    waiting: list[str] = []

    async def meet(name: str) -> str:
        waiting.append(name)
        while len(waiting) < 2:
            await asyncio.sleep(0.001)
        # on the connection of the operation
        return f"{name} {await Author.objects.acount()}"

    CALLED["awaited"] = meet
    CALLED["function"] = lambda info: "c"
    Author.objects.create(name="Ada")

    answer = execute('{ a: awaited(name: "a") b: awaited(name: "b") maybe inPython authors { name } }')

    assert answer["data"] == {"a": "a 1", "b": "b 1", "maybe": None, "inPython": "c", "authors": [{"name": "Ada"}]}
    assert [(error["path"], error["message"]) for error in answer["errors"]] == [(["maybe"], "not now")]


@pytest.mark.django_db(transaction=True)
def test_coroutine_functions_under_asgi_have_the_connection_of_the_operation(engine: GraphQLEngine) -> None:
    async def process(name: str) -> int:
        return await sync_to_async(backend)()

    CALLED["awaited"] = process
    CALLED["function"] = lambda info: backend()

    answer = run(lambda: ask(engine, '{ a: awaited(name: "a") b: awaited(name: "b") inPython }'))

    assert len(set(answer["data"].values())) == 1


# --- functions that settings name ---


async def tenant_of(viewer: Any) -> str:
    await asyncio.sleep(0)
    return f"tenant of {viewer.id}"


async def role_of(viewer: Any) -> str | None:
    await asyncio.sleep(0)
    return str(await sync_to_async(current_role)()) if viewer.is_authenticated else None


def current_role() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


async def rate_key(viewer: Any) -> str:
    await asyncio.sleep(0)
    return f"user {viewer.id}"


@pytest.mark.django_db
def test_session_variables_and_rates_by_coroutine_functions(settings: Any) -> None:
    settings.FRAISEQL = {
        "SESSION": {"VARIABLES": {"app.tenant": f"{__name__}.tenant_of"}, "ROLE": f"{__name__}.role_of"},
        "LIMITS": {"RATE": "2/h", "RATE_KEY": f"{__name__}.rate_key"},
    }
    engine = GraphQLEngine(registry=REGISTRY)
    ann, ben = User.objects.create(username="ann"), User.objects.create(username="ben")

    def tenant(info: Any) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.tenant')")
            return str(cursor.fetchone()[0])

    CALLED["function"] = tenant
    calls = [(ann, "execute"), (ann, "aexecute"), (ben, "aexecute"), (ann, "aexecute")]
    answers = []
    for user, way in calls:
        called = engine.execute if way == "execute" else async_to_sync(engine.aexecute)
        answers.append(called("{ inPython }", request=request_of(User.objects.get(pk=user.pk))).json())

    shown = [answer["data"]["inPython"] for answer in answers[:3]]
    assert shown == [f"tenant of {ann.pk}", f"tenant of {ann.pk}", f"tenant of {ben.pk}"]
    assert answers[3]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


# --- the user of an asynchronous request ---


@pytest.mark.django_db
def test_user_by_auser_where_the_request_has_no_other(engine: GraphQLEngine) -> None:
    ann = User.objects.create(username="ann")
    CALLED["function"] = lambda info: info.user
    reads: list[str] = []

    async def auser() -> User:
        reads.append("read")
        return await User.objects.aget(pk=ann.pk)

    request = AsyncRequestFactory().post("/")
    assert isinstance(request, ASGIRequest)
    request.auser = auser  # type: ignore[method-assign,assignment]

    async def main() -> list[Any]:
        return [
            await ask(engine, query, request=request) for query in ("{ __typename }", "{ a: inPython b: inPython }")
        ]

    assert async_to_sync(main)()[1] == {"data": {"a": "ann", "b": "ann"}}
    assert len(reads) <= 2


ENGINE = GraphQLEngine(registry=REGISTRY, cache=None)


async def view(request: HttpRequest) -> Any:
    user = await request.auser()
    answer = await ENGINE.aexecute("{ inPython }", request=request)
    return HttpResponse(f"{user}: {answer.json()['data']['inPython']}")


urlpatterns = [
    path("own/", view),  # type: ignore[arg-type]
    path("graphql/", GraphQLView.as_view(engine=ENGINE)),
]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_coroutine_function_awaits_the_user_of_the_session() -> None:
    ann = User.objects.create(username="ann")
    client = GraphQLClient()

    assert client.query("{ awho }", user=ann).assert_no_errors().data == {"awho": f"ann {ann.pk}"}
    assert client.query("{ awho }").assert_no_errors().data == {"awho": "AnonymousUser None"}


@pytest.mark.django_db
@pytest.mark.urls(__name__)
def test_user_that_the_view_has_awaited_is_not_read_again() -> None:
    CALLED["function"] = lambda info: info.user
    client = AsyncClient()
    async_to_sync(client.aforce_login)(User.objects.create(username="ann"))

    with CaptureQueriesContext(connection) as captured:
        response = async_to_sync(client.get)("/own/")

    assert response.content == b"ann: ann"
    assert sum('FROM "auth_user"' in query["sql"] for query in captured.captured_queries) == 1


# --- the view under ASGI ---


@pytest.fixture(params=[0, 60, "pool"])
def connections_kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let the threads of requests have connections of one of these kinds."""
    own = connections.settings["default"]
    options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": 1}} if request.param == "pool" else own["OPTIONS"]
    max_age = 0 if request.param == "pool" else request.param
    monkeypatch.setitem(connections.settings, "default", {**own, "CONN_MAX_AGE": max_age, "OPTIONS": options})
    yield request.param
    pool = DatabaseWrapper._connection_pools.pop("default", None)
    if pool is not None:
        pool.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls(__name__)
def test_each_request_has_a_thread_of_its_own_and_leaves_a_connection_where_it_may_stay(connections_kept: Any) -> None:
    seen: list[tuple[threading.Thread, Any, int]] = []
    CALLED["function"] = lambda info: seen.append((threading.current_thread(), connections["default"], backend()))

    async def main() -> None:
        for _ in range(3):
            request = await asking(get_asgi_application(), b'{"query": "{ inPython }"}')
            await request.receive_output(timeout=TIMEOUT)
            await request.receive_output(timeout=TIMEOUT)
            await request.wait(timeout=TIMEOUT)

    asyncio.run(main())

    left = [wrapper.connection for _, wrapper, _ in seen if wrapper.connection is not None]
    for connection_left in left:
        connection_left.close()
    assert len({id(thread) for thread, _, _ in seen}) == 3
    assert not any(thread.is_alive() for thread, _, _ in seen)
    # with CONN_MAX_AGE the connections of three requests stay open, and no other request can use them
    assert len(left) == (3 if connections_kept == 60 else 0)
    assert len({process for _, _, process in seen}) == (1 if connections_kept == "pool" else 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls(__name__)
def test_client_that_hangs_up_stops_no_mutation_and_no_other_request() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def hold(info: Any) -> None:
        begun.set()
        go_on.wait(TIMEOUT)
        ended.set()

    CALLED["function"] = hold
    application = get_asgi_application()

    async def main() -> Any:
        first = await asking(application, b'{"query": "mutation { add(name: \\"Ada\\") { name } }"}')
        await asyncio.to_thread(begun.wait, TIMEOUT)
        await first.send_input({"type": "http.disconnect"})
        other = await asking(application, b'{"query": "{ __typename }"}')
        start = await other.receive_output(timeout=TIMEOUT)
        assert not ended.is_set()
        go_on.set()
        await other.receive_output(timeout=TIMEOUT)
        await other.wait(timeout=TIMEOUT)
        await first.wait(timeout=TIMEOUT)
        return start["status"]

    assert asyncio.run(main()) == 200
    assert ended.wait(TIMEOUT)
    assert committed() == ["Ada"]


async def asking(application: Any, body: bytes) -> ApplicationCommunicator:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql/",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"content-type", b"application/json")],
    }
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": body})
    return communicator


# --- the page ---

PAGE = (BASE_DIR / "docs" / "async.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.django_db
def test_view_of_the_page_answers() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[0], names)

    response = async_to_sync(names["newest"])(AsyncRequestFactory().get("/"))

    assert (response.status_code, json.loads(response.content)) == (200, {"data": {"books": []}})


@pytest.mark.django_db
def test_permission_of_the_page_asks_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    redis: Any = caches["redis"]
    settings.READERS_URL = redis._server
    key = f"readers of reports {uuid4()}"
    ann, ben, eve = (User.objects.create(username=name) for name in ("ann", "ben", "eve"))
    view_author = Permission.objects.get(codename="view_author", content_type__app_label="bookshop")
    ann.user_permissions.add(view_author)
    names: dict[str, Any] = {"Report": Author, "__name__": __name__}
    code = blocks()[1].replace("from shop.models import Report\n", "").replace("readers of reports", key)
    code = code.replace("shop.view_report", "bookshop.view_author")
    exec(code.replace('["id", "title"], ', '["id", "name"], registry=registry, '), {**names, "registry": registry})
    engine = GraphQLEngine(registry=registry, cache=None)
    client = redis.client.get_client()
    client.sadd(key, str(ben.pk))

    try:
        requests = [request_of(User.objects.get(pk=user.pk)) for user in (ann, ben, eve)]
        answers = [engine.execute("{ reports { name } }", request=request).json() for request in requests]
    finally:
        client.delete(key)

    assert answers[:2] == [{"data": {"reports": []}}] * 2
    assert answers[2]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_settings_of_the_page_are_right(settings: Any) -> None:
    names: dict[str, Any] = {}
    exec(blocks()[2], names)
    settings.FRAISEQL = {**settings.FRAISEQL, **names["FRAISEQL"]}

    assert [message for message in run_checks(tags=["fraiseql"]) if message.is_serious()] == []
    backend_of = DatabaseWrapper({**connections.settings["default"], **names["DATABASES"]["default"]})
    assert backend_of.pool.max_size == names["FRAISEQL"]["LIMITS"]["CONCURRENT_STATEMENTS"]
