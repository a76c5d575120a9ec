"""HTTP requests → operations, responses → HTTP: translated here, decided by the engine.

The specification is GraphQL over HTTP, see ``http``. The views are synchronous, and Django runs them in a
thread under ASGI: what takes time in an operation is its statement, which goes over Django's database
connection, a synchronous one. So nothing would be gained by a coroutine, and something lost: a client
that hangs up cannot cancel a mutation half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View
from graphql import OperationType

from . import audit
from .audit import Asked
from .engine import GraphQLEngine, get_engine
from .execution.response import Response
from .health import as_dict, check_project
from .http import batching, graphiql, parameters, uploads
from .http import document_ids as documents
from .http.csrf import require_preflight, require_token
from .http.errors import Refused
from .http.negotiation import ANSWERS, JSON, is_form, preferred
from .http.parameters import Parameters
from .viewer import Viewer


class GraphQLView(View):
    """The GraphQL endpoint: POST for every operation, GET for queries and for browsers.

    ``GraphQLView.as_view(engine=…)`` serves another engine than the one of ``FRAISEQL``.
    """

    http_method_names = ["get", "head", "post", "options"]  # noqa: RUF012 - Django's name and type
    engine: GraphQLEngine | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view, exempt from Django's check of every POST: ``require_token`` makes one of its own."""
        return csrf_exempt(super().as_view(**initkwargs))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find out who answers, and in which media type."""
        super().setup(request, *args, **kwargs)
        self.serving = self.get_engine()
        self.accept = request.META.get("HTTP_ACCEPT", "")
        self.media_type = preferred(self.accept, ANSWERS)

    def get_engine(self) -> GraphQLEngine:
        """Return the engine that answers; override it to choose one by ``self.request``: a tenant's."""
        return self.engine or get_engine()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; a request that is turned away gets an error as GraphQL writes it."""
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Refused as refused:
            response = self._respond(self._refuse(refused), refused.status)
            for name, value in refused.headers.items():
                response[name] = value
        response.setdefault("Vary", "Accept")
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Execute a query whose parameters are in the URL (4.3), or show a browser GraphiQL."""
        settings = self.serving.settings
        # where only trusted documents are executed, there is nothing to ask from the page
        open_ = settings.trusted_documents.mode != "required"
        if open_ and graphiql.is_for(request, self.accept, settings.graphiql, self.serving.introspection):
            return graphiql.page(request, settings.graphiql)
        self._require_acceptable()
        given = parameters.from_url(request, settings.limits.body_bytes)
        answer = self._execute(given, only=OperationType.QUERY)
        if _codes(answer) == {"OPERATION_NOT_ALLOWED"}:
            raise _not_allowed(answer.errors[0].message + " Send it by POST.", [HTTPMethod.POST])
        return self._respond(answer, self._status(answer))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Execute the operation, or the operations, in the body (4.4), with files beside it if that is a form."""
        self._require_acceptable()
        settings, with_files = self.serving.settings, is_form(request)
        require_token(request)
        given: Parameters | list[Parameters | Refused]
        if with_files:
            require_preflight(request)
            given = uploads.from_form(request, settings.limits)
        else:
            given = batching.from_body(request, settings.limits.body_bytes, settings.batching.max_operations)
        if isinstance(given, list):
            return self._respond_to_batch([self._answer(item) for item in given])
        answer = self._execute(given)
        return self._respond(answer, self._status(answer))

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse another method."""
        allowed = [name.upper() for name in self.http_method_names]
        raise _not_allowed(f"The method {request.method} is not one of: {', '.join(allowed)}.", allowed)

    def _require_acceptable(self) -> None:
        if self.media_type is None:
            raise Refused(
                f"The Accept header takes none of: {', '.join(ANSWERS)}.",
                status=HTTPStatus.NOT_ACCEPTABLE,
                code="NOT_ACCEPTABLE",
            )

    def _refuse(self, refused: Refused) -> Response:
        answer = Response(None, [refused.as_graphql_error()], refused.status)
        audit.refused(Asked(viewer=Viewer(self.request), alias=self.serving.settings.database), answer.errors)
        return answer

    def _answer(self, given: Parameters | Refused) -> Response:
        """Answer one operation of several; what turns it away turns none of the others away."""
        try:
            if isinstance(given, Refused):
                raise given
            return self._execute(given)
        except Refused as refused:
            return self._refuse(refused)

    def _execute(self, given: Parameters, only: OperationType | None = None) -> Response:
        text = documents.text_of(given, self.serving.documents)
        answer = self.serving.execute(text, given.variables, given.operation_name, request=self.request, only=only)
        documents.keep(given, answer, self.serving.documents)
        return answer

    def _status(self, answer: Response) -> int:
        """Return the status of an answer to a well-formed request (5.4).

        In application/json an operation that is refused has 200: another server on the way might have
        written a 4xx in that media type, so clients do not read errors from one (5.4.1). What fails
        for a fault of the server keeps its 5xx, for whoever watches the server; what is to be sent again
        later its 429, which says the same whoever has written it.
        """
        if (
            self.media_type == JSON
            and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and answer.status != HTTPStatus.TOO_MANY_REQUESTS
        ):
            return HTTPStatus.OK
        return answer.status

    def _respond(self, answer: Response, status: int) -> HttpResponse:
        return self._write(answer.body, status, [answer])

    def _respond_to_batch(self, answers: Sequence[Response]) -> HttpResponse:
        return self._write(batching.body(answers), batching.status(answers), answers)

    def _write(self, body: bytes, status: int, answers: Sequence[Response]) -> HttpResponse:
        response = HttpResponse(body, status=status, content_type=f"{self.media_type or JSON}; charset=utf-8")
        # an error must not outlive its cause, nor a mutation's answer be kept by anybody; whether answers
        # to GET may be shared, among users by a CDN, is the project's to say, with Django's decorators
        kept = self.request.method != HTTPMethod.POST and not any(answer.errors for answer in answers)
        response["Cache-Control"] = "private" if kept else "no-store"
        waits = [answer.retry_after for answer in answers if answer.retry_after is not None]
        if waits:
            response["Retry-After"] = str(max(waits))
        return response


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Tell a load balancer whether everything that operations need is there: 200 if so, 503 if not.

    What was found (versions, users, messages of the database) is for whoever runs the site: it is shown
    when DEBUG is on, and by ``manage.py fraiseql_health``.
    """
    report = as_dict(check_project())
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
