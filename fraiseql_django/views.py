"""HTTP request → operation, response → HTTP (GraphQL over HTTP, see ``http``).

The views are synchronous; under ASGI, Django runs them in a thread. An operation spends its time in a statement on
Django's database connection, which is synchronous, so a coroutine would gain nothing. It would be a disadvantage: a
client that disconnects could cancel a mutation before its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.functional import cached_property
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View
from graphql import OperationType

from . import audit
from ._compat import forget_unknown_codecs
from .audit import OperationContext
from .engine import GraphQLEngine, get_engine
from .execution.response import Response
from .health import as_dict, check_project, recent
from .http import batching, document_ids, graphiql, uploads
from .http.csrf import require_preflight, require_preflight_of_get, require_token
from .http.errors import Refused
from .http.negotiation import ANSWERS, JSON, accept_of, is_form, preferred, require_no_coding
from .http.parameters import Parameters, from_url
from .viewer import Viewer


class GraphQLView(View):
    """The GraphQL endpoint: POST for all operations, GET for queries and for GraphiQL.

    ``GraphQLView.as_view(engine=…)`` serves another engine than that of the ``FRAISEQL`` setting.
    """

    http_method_names = ["get", "head", "post", "options"]  # noqa: RUF012 - Django's name and type
    engine: GraphQLEngine | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view, exempt from CsrfViewMiddleware: ``require_token`` checks requests instead."""
        return csrf_exempt(super().as_view(**initkwargs))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Choose the engine."""
        super().setup(request, *args, **kwargs)
        self.serving = self.get_engine()
        # operations that may be executed without being counted: the request was counted already
        self.counted = 0

    def get_engine(self) -> GraphQLEngine:
        """Return the engine; override it to choose one by ``self.request``, for instance that of a tenant."""
        return self.engine or get_engine()

    @cached_property
    def media_type(self) -> str | None:
        """The media type of the response; None if the client accepts none. Raises Refused for an unreadable header."""
        return preferred(accept_of(self.request), ANSWERS)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the response; a refused request gets an error in the format of GraphQL."""
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Refused as refused:
            response = self._respond(self._refuse(refused), refused.status)
            for name, value in refused.headers.items():
                response[name] = value
        response.setdefault("Vary", "Accept")
        forget_unknown_codecs()
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Execute a query whose parameters are in the URL (GraphQL over HTTP, 4.3), or show GraphiQL to a browser."""
        settings = self.serving.settings
        # GraphiQL cannot be used if only trusted documents are executed
        unrestricted = settings.trusted_documents.mode != "required"
        if unrestricted and graphiql.is_for(request, accept_of(request), settings.graphiql, self.serving.introspection):
            return graphiql.page(request, settings.graphiql)
        if (refusal := self._count()) is not None:
            return refusal
        if settings.require_preflight:
            require_preflight_of_get(request)
        self._require_acceptable()
        parameters = from_url(request, settings.limits.body_bytes)
        answer = self._execute(parameters, only=OperationType.QUERY)
        if _codes(answer) == {"OPERATION_NOT_ALLOWED"}:
            raise _not_allowed(answer.errors[0].message + " Send it by POST.", [HTTPMethod.POST])
        return self._respond(answer, self._status(answer))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Execute the operations in a JSON body (GraphQL over HTTP, 4.4) or in a form with files."""
        if (refusal := self._count()) is not None:
            return refusal
        self._require_acceptable()
        settings, with_files = self.serving.settings, is_form(request)
        require_no_coding(request)
        require_token(request)
        parameters: Parameters | list[Parameters | Refused]
        if with_files:
            require_preflight(request)
            parameters = uploads.from_form(request, settings.limits)
        else:
            parameters = batching.from_body(request, settings.limits.body_bytes, settings.batching.max_operations)
        if isinstance(parameters, list):
            return self._respond_to_batch([self._answer(item) for item in parameters])
        answer = self._execute(parameters)
        return self._respond(answer, self._status(answer))

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse another method."""
        allowed = [name.upper() for name in self.http_method_names]
        raise _not_allowed(f"The method {request.method} is not one of: {', '.join(allowed)}.", allowed)

    def _count(self) -> HttpResponse | None:
        """Count the request as one operation; return the response where there were too many.

        First, so that a request costs little if it is one too many, whatever is wrong with it.
        """
        exceeded = self.serving.count(self.request)
        self.counted = 1
        return None if exceeded is None else self._respond(exceeded, self._status(exceeded))

    def _require_acceptable(self) -> None:
        if self.media_type is None:
            raise Refused(
                f"The Accept header accepts none of: {', '.join(ANSWERS)}.",
                status=HTTPStatus.NOT_ACCEPTABLE,
                code="NOT_ACCEPTABLE",
            )

    def _refuse(self, refused: Refused) -> Response:
        answer = Response(None, [refused.as_graphql_error()], refused.status)
        audit.report_refusals(
            OperationContext(viewer=Viewer(self.request), alias=self.serving.settings.database), answer.errors
        )
        return answer

    def _answer(self, parameters: Parameters | Refused) -> Response:
        """Return the response to one operation of a batch; a refusal does not affect the others."""
        try:
            if isinstance(parameters, Refused):
                raise parameters
            return self._execute(parameters)
        except Refused as refused:
            return self._refuse(refused)

    def _execute(self, parameters: Parameters, only: OperationType | None = None) -> Response:
        counted, self.counted = self.counted > 0, 0
        try:
            text = document_ids.text_of(parameters, self.serving.documents)
        except Refused:
            # otherwise, trying identifiers would be free
            exceeded = None if counted else self.serving.count(self.request)
            if exceeded is not None:
                return exceeded
            raise
        answer = self.serving.execute(
            text, parameters.variables, parameters.operation_name, request=self.request, only=only, counted=counted
        )
        document_ids.persist(parameters, answer, self.serving.documents, Viewer(self.request))
        return answer

    def _status(self, answer: Response) -> int:
        """Return the status of the response to a well-formed request (GraphQL over HTTP, 5.4).

        With the media type application/json, a refused operation has status 200: a 4xx response of this type may come
        from a proxy, so clients do not read GraphQL errors from it (5.4.1). Failures of the server keep their 5xx, for
        monitoring, and rate limits their 429, which means the same from a proxy.
        """
        if (
            self._written_as == JSON
            and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and answer.status != HTTPStatus.TOO_MANY_REQUESTS
        ):
            return HTTPStatus.OK
        return answer.status

    def _respond(self, answer: Response, status: int) -> HttpResponse:
        return self._write(answer.body, status, [answer])

    def _respond_to_batch(self, answers: Sequence[Response]) -> HttpResponse:
        return self._write(batching.body(answers), batching.status(answers), answers)

    @property
    def _written_as(self) -> str:
        try:
            return self.media_type or JSON
        except Refused:
            # the error is about the header that would tell
            return JSON

    def _write(self, body: bytes, status: int, answers: Sequence[Response]) -> HttpResponse:
        response = HttpResponse(body, status=status, content_type=f"{self._written_as}; charset=utf-8")
        # Errors and answers to mutations must not be cached. Answers to GET may be cached by the browser; the project
        # can allow shared caches, such as a CDN, by Django's decorators.
        cacheable = self.request.method != HTTPMethod.POST and not any(answer.errors for answer in answers)
        response["Cache-Control"] = "private" if cacheable else "no-store"
        waits = [answer.retry_after for answer in answers if answer.retry_after is not None]
        if waits:
            response["Retry-After"] = str(max(waits))
        return response


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Return the results of the health checks for a load balancer: status 200 if all succeed, otherwise 503.

    Anybody may call it, so results of the last second are returned again.

    Details (versions, users, messages of the database) are included only if DEBUG is on; ``manage.py fraiseql_health``
    always shows them.
    """
    report = as_dict(recent.results(check_project))
    if not django_settings.DEBUG:
        shown = ("name", "healthy", "time_ms")
        checks = [{key: check[key] for key in shown} for check in report["checks"]]
        report = {"healthy": report["healthy"], "checks": checks}
    return JsonResponse(report, status=HTTPStatus.OK if report["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE)


def _not_allowed(message: str, allowed: list[str]) -> Refused:
    return Refused(
        message,
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        code="METHOD_NOT_ALLOWED",
        headers={"Allow": ", ".join(allowed)},
    )


def _codes(answer: Response) -> set[Any]:
    return {(error.extensions or {}).get("code") for error in answer.errors}
