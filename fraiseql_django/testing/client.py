"""Clients that send operations to the project's endpoint through Django's test clients.

A request takes the way of any other: URL, middleware, authentication, CSRF check, limits. So what a test sees is what
a client of the site sees, statements for the session and its user included.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy, deepcopy
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from django.conf import settings
from django.middleware.csrf import CSRF_SESSION_KEY
from django.test import AsyncClient, Client
from django.utils.crypto import get_random_string

from .requests import Method, Operation, Request, path_of, request_of, request_of_batch
from .results import GraphQLResult, answer_of, logged, result_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    User: TypeAlias = AbstractBaseUser | AnonymousUser | None

C = TypeVar("C", Client, AsyncClient)

# As whom requests are sent that name no user: as whom the client is logged in
_LOGGED_IN: Any = object()
_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
# The length of an unmasked token, in ``django.middleware.csrf``
_TOKEN_LENGTH = 32


class _Client(Generic[C]):
    """What both clients have: everything but the sending."""

    def __init__(
        self,
        schema: str | None = None,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        csrf_token: bool = False,
        client: C,
    ) -> None:
        self.schema = schema
        self.client: C = client
        self.headers = dict(headers or {})
        self._path = path
        self._token = get_random_string(_TOKEN_LENGTH) if csrf_token else None
        # the cookies of other users, as they were when these had logged in
        self._cookies: dict[Any, SimpleCookie] = {}

    @property
    def path(self) -> str:
        """The path that requests are sent to; raises LookupError where the project's URLs have none for the schema."""
        return path_of(self.schema) if self._path is None else self._path

    def _as_other(self, user: User) -> tuple[C, Any]:
        """Return a client for one request of another user, and what its login is kept by; None for nobody.

        It has no cookie where that user has yet to log in. Raises ValueError for a user without a row.
        """
        made = copy(self.client)
        made.cookies = SimpleCookie()
        if user is None or not user.is_authenticated:
            return made, None
        if user.pk is None:
            raise ValueError(f"user is {user!r}, which was not saved and so cannot log in")
        # another password ends the sessions of a user
        key = user.pk, user.get_session_auth_hash()
        if key in self._cookies:
            made.cookies = deepcopy(self._cookies[key])
        return made, key

    def _forget(self, key: Any, response: Any) -> None:
        """Let a user log in anew whose session a response has ended, or has given to somebody else."""
        if settings.SESSION_COOKIE_NAME in response.cookies:
            self._cookies.pop(key, None)

    def _arguments(self, client: C, request: Request) -> dict[str, Any]:
        headers = dict(request.headers)
        if self._token is not None:
            if not settings.CSRF_USE_SESSIONS:
                client.cookies[settings.CSRF_COOKIE_NAME] = self._token
            name = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
            headers[name] = self._token
        return {"path": self.path, **request.arguments, "headers": headers}

    def _request(self, operation: Operation, method: Method, headers: Mapping[str, str] | None) -> Request:
        return request_of(operation, method, {**self.headers, **(headers or {})})

    def _batch(self, operations: tuple[Operation | str, ...], headers: Mapping[str, str] | None) -> Request:
        named = [Operation(query=each) if isinstance(each, str) else each for each in operations]
        return request_of_batch(named, {**self.headers, **(headers or {})})


class GraphQLClient(_Client[Client]):
    """Sends operations to the endpoint, as Django's ``Client`` sends requests.

        client = GraphQLClient()
        client.force_login(ann)
        result = client.query("query ($n: Int) { books(limit: $n) { title } }", {"n": 3}).assert_no_errors()
        assert result.data["books"][0]["title"] == "Kindred"

    ``schema`` is one of ``FRAISEQL["SCHEMAS"]``, by default the project's own; the path is that of its view in the
    project's URLs, unless ``path`` names one. ``headers`` go with every request. ``client`` is the Django client that
    sends them; by default a new one, which checks CSRF tokens if ``enforce_csrf_checks`` says so. With ``csrf_token``
    requests have a token, as those of the site's pages do.
    """

    def __init__(
        self,
        schema: str | None = None,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        enforce_csrf_checks: bool = False,
        csrf_token: bool = False,
        client: Client | None = None,
    ) -> None:
        used = client or Client(enforce_csrf_checks=enforce_csrf_checks)
        super().__init__(schema, path=path, headers=headers, csrf_token=csrf_token, client=used)

    def force_login(self, user: AbstractBaseUser) -> None:
        """Log a user in without a password, for all requests from now on."""
        self.client.force_login(user)  # type: ignore[arg-type]

    def logout(self) -> None:
        """Log the user out."""
        self.client.logout()

    def query(
        self,
        query: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        user: User = _LOGGED_IN,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        document_id: str | None = None,
        persisted: bool = False,
        method: Method = "POST",
    ) -> GraphQLResult:
        """Send an operation and return its result, with errors or without.

        ``variables`` may hold files at any depth, which are sent in a form. ``user`` sends this request as another
        user, None as nobody, whoever is logged in. ``document_id`` names a trusted document in place of the text.
        ``persisted`` sends the hash of the text, and the text with it if the server does not know the hash. ``method``
        "GET" puts the parameters into the URL.

        Raises AssertionError for a response that is no answer of a GraphQL endpoint, ValueError for a ``user`` that was
        not saved.
        """
        operation = Operation(
            query=query, variables=variables, operation_name=operation_name, document_id=document_id,
            extensions=extensions,
        )  # fmt: skip
        if not persisted:
            return self._send(self._request(operation, method, headers), user)
        found = self._send(self._request(operation.by_hash(with_text=False), method, headers), user)
        if _NOT_FOUND not in found.codes:
            return found
        return self._send(self._request(operation.by_hash(with_text=True), method, headers), user)

    def mutate(
        self,
        mutation: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        user: User = _LOGGED_IN,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        document_id: str | None = None,
    ) -> GraphQLResult:
        """Send a mutation and return its result; as ``query``, by POST."""
        return self.query(
            mutation, variables, operation_name=operation_name, user=user, headers=headers, extensions=extensions,
            document_id=document_id,
        )  # fmt: skip

    def batch(
        self, *operations: Operation | str, user: User = _LOGGED_IN, headers: Mapping[str, str] | None = None
    ) -> list[GraphQLResult]:
        """Send several operations in one request and return their results, in the same order.

        A text is an operation without variables. Raises AssertionError where the server refuses the whole batch.
        """
        request = self._batch(operations, headers)
        with logged() as causes:
            response = self._response(request, user)
        return _results(response, causes)

    def _send(self, request: Request, user: User) -> GraphQLResult:
        with logged() as causes:
            response = self._response(request, user)
        return _result(response, causes)

    def _response(self, request: Request, user: User) -> Any:
        client, key = (self.client, None) if user is _LOGGED_IN else self._as_other(user)
        if key is not None and not client.cookies:
            client.force_login(user)  # type: ignore[arg-type]
            self._cookies[key] = deepcopy(client.cookies)
        arguments = self._arguments(client, request)
        if self._token is not None and settings.CSRF_USE_SESSIONS:
            session = client.session
            session[CSRF_SESSION_KEY] = self._token
            session.save()
        response = getattr(client, request.method)(**arguments)
        self._forget(key, response)
        return response


class AsyncGraphQLClient(_Client[AsyncClient]):
    """Sends operations to the endpoint under ASGI, as Django's ``AsyncClient`` sends requests.

    Its arguments and methods are those of ``GraphQLClient``; the methods are coroutines.
    """

    def __init__(
        self,
        schema: str | None = None,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        enforce_csrf_checks: bool = False,
        csrf_token: bool = False,
        client: AsyncClient | None = None,
    ) -> None:
        used = client or AsyncClient(enforce_csrf_checks=enforce_csrf_checks)
        super().__init__(schema, path=path, headers=headers, csrf_token=csrf_token, client=used)

    async def force_login(self, user: AbstractBaseUser) -> None:
        """Log a user in without a password, for all requests from now on."""
        await self.client.aforce_login(user)  # type: ignore[arg-type]

    async def logout(self) -> None:
        """Log the user out."""
        await self.client.alogout()

    async def query(
        self,
        query: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        user: User = _LOGGED_IN,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        document_id: str | None = None,
        persisted: bool = False,
        method: Method = "POST",
    ) -> GraphQLResult:
        """Send an operation and return its result; see ``GraphQLClient.query``."""
        operation = Operation(
            query=query, variables=variables, operation_name=operation_name, document_id=document_id,
            extensions=extensions,
        )  # fmt: skip
        if not persisted:
            return await self._send(self._request(operation, method, headers), user)
        found = await self._send(self._request(operation.by_hash(with_text=False), method, headers), user)
        if _NOT_FOUND not in found.codes:
            return found
        return await self._send(self._request(operation.by_hash(with_text=True), method, headers), user)

    async def mutate(
        self,
        mutation: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        user: User = _LOGGED_IN,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        document_id: str | None = None,
    ) -> GraphQLResult:
        """Send a mutation and return its result; as ``query``, by POST."""
        return await self.query(
            mutation, variables, operation_name=operation_name, user=user, headers=headers, extensions=extensions,
            document_id=document_id,
        )  # fmt: skip

    async def batch(
        self, *operations: Operation | str, user: User = _LOGGED_IN, headers: Mapping[str, str] | None = None
    ) -> list[GraphQLResult]:
        """Send several operations in one request and return their results; see ``GraphQLClient.batch``."""
        request = self._batch(operations, headers)
        with logged() as causes:
            response = await self._response(request, user)
        return _results(response, causes)

    async def _send(self, request: Request, user: User) -> GraphQLResult:
        with logged() as causes:
            response = await self._response(request, user)
        return _result(response, causes)

    async def _response(self, request: Request, user: User) -> Any:
        client, key = (self.client, None) if user is _LOGGED_IN else self._as_other(user)
        if key is not None and not client.cookies:
            await client.aforce_login(user)  # type: ignore[arg-type]
            self._cookies[key] = deepcopy(client.cookies)
        arguments = self._arguments(client, request)
        if self._token is not None and settings.CSRF_USE_SESSIONS:
            session = await client.asession()
            await session.aset(CSRF_SESSION_KEY, self._token)
            await session.asave()
        response = await getattr(client, request.method)(**arguments)
        self._forget(key, response)
        return response


def _result(response: Any, causes: Mapping[str, BaseException]) -> GraphQLResult:
    answer = answer_of(response)
    if isinstance(answer, list):
        raise AssertionError("one operation was answered by an array, as a batch is")
    return result_of(answer, response, causes)


def _results(response: Any, causes: Mapping[str, BaseException]) -> list[GraphQLResult]:
    answer = answer_of(response)
    if isinstance(answer, list):
        return [result_of(each, response, causes) for each in answer]
    refused = result_of(answer, response, causes)
    errors = "".join(f"\n  {error}" for error in refused.errors)
    raise AssertionError(f"the batch was refused as a whole (status {refused.status}):{errors}")
