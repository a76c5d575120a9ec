"""HTTP request → operation, response → HTTP (GraphQL over HTTP, see ``http``).

The views are synchronous; under ASGI, Django runs them in a thread. An operation spends its time in a statement on
Django's database connection, which is synchronous, so a coroutine would gain nothing (docs/async.md has the figures).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import update_wrapper
from http import HTTPMethod, HTTPStatus
from typing import Any, TypeAlias

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View
from graphql import OperationType

from . import audit
from ._compat import forget_unknown_codecs
from .audit import OperationContext
from .conf.settings import check_schema_name
from .engine import GraphQLEngine, get_engine
from .execution.response import Response
from .health import as_dict, check_project, recent
from .http import batching, caching, document_ids, graphiql, uploads
from .http.csrf import require_preflight, require_preflight_of_get, require_token
from .http.errors import Refused
from .http.negotiation import ANSWERS, JSON, accept_of, is_form, not_acceptable, preferred, require_no_coding
from .http.parameters import Parameters, from_url
from .viewer import Viewer


class GraphQLView(View):
    """The GraphQL endpoint: POST for all operations, GET for queries and for GraphiQL.

    ``GraphQLView.as_view(schema="public")`` serves a schema in ``FRAISEQL["SCHEMAS"]``, ``as_view(engine=…)`` another
    engine than those of the settings.
    """

    http_method_names = ["get", "head", "post", "options"]  # noqa: RUF012 - Django's name and type
    engine: GraphQLEngine | None = None
    schema: str | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view, exempt from CsrfViewMiddleware: ``require_token`` checks requests instead.

        Raises ConfigurationError for a schema that ``FRAISEQL["SCHEMAS"]`` does not have.
        """
        schema: str | None = initkwargs.get("schema", cls.schema)
        if schema is not None:
            check_schema_name(schema)
        view = csrf_exempt(super().as_view(**initkwargs))
        if cls is not GraphQLView or not initkwargs.keys() <= {"engine", "schema"}:
            return view
        engine: GraphQLEngine | None = initkwargs.get("engine")

        def without_instance(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # what a subclass may override is as it is here, so that nothing needs an instance but OPTIONS
            handler = _HANDLERS.get(request.method or "")
            if handler is None:
                return view(request, *args, **kwargs)
            return _respond(request, engine or get_engine(schema), handler)

        return update_wrapper(without_instance, view)

    def get_engine(self) -> GraphQLEngine:
        """Return the engine; override it to choose one by ``self.request``, for instance that of a tenant."""
        return self.engine or get_engine(self.schema)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the response; a refused request gets an error in the format of GraphQL."""
        self.serving = self.get_engine()
        own = super().dispatch
        response = _respond(request, self.serving, lambda request, engine: own(request, *args, **kwargs))
        response.setdefault("Vary", "Accept")
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Execute a query whose parameters are in the URL (GraphQL over HTTP, 4.3), or show GraphiQL to a browser."""
        # which engine a request is for may be decided by anything that it has
        return _get(request, self.serving, shared=type(self).get_engine is GraphQLView.get_engine)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Execute the operations in a JSON body (GraphQL over HTTP, 4.4) or in a form with files."""
        return _post(request, self.serving)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse another method."""
        allowed = [name.upper() for name in self.http_method_names]
        raise _not_allowed(f"The method {request.method} is not one of: {', '.join(allowed)}.", allowed)


Handler: TypeAlias = Callable[[HttpRequest, GraphQLEngine], HttpResponseBase]


def _respond(request: HttpRequest, engine: GraphQLEngine, handler: Handler) -> HttpResponseBase:
    try:
        response = handler(request, engine)
    except Refused as refused:
        answer = _refuse(request, engine, refused)
        response = _write(request, answer.body, refused.status, _written_as(request), [answer])
        for name, value in refused.headers.items():
            response[name] = value
    forget_unknown_codecs()
    return response


def _get(request: HttpRequest, engine: GraphQLEngine, *, shared: bool = True) -> HttpResponseBase:
    settings = engine.settings
    # before anything here looks at the user
    shared = shared and caching.may_be_shared(request)
    if (file := graphiql.file(request, settings.graphiql)) is not None:
        return file
    if graphiql.is_for(request, accept_of(request), settings.graphiql):
        why = graphiql.hindrance(request, engine.introspection, settings.trusted_documents.mode == "required")
        if why is None:
            return graphiql.page(request, settings.graphiql)
        # who signs in here comes back to the operation in the URL
        if why.login or not request.GET.keys() & _NAME_A_DOCUMENT:
            return graphiql.explanation(request, why)
    if (exceeded := engine.count(request)) is not None:
        return _write_one(request, exceeded, _written_as(request))
    if settings.require_preflight:
        require_preflight_of_get(request)
    media_type = _acceptable(request)
    parameters = from_url(request, settings.limits.body_bytes)
    answer = _execute(request, engine, parameters, only=OperationType.QUERY)
    if _codes(answer) == {"OPERATION_NOT_ALLOWED"}:
        raise _not_allowed(answer.errors[0].message + " Send it by POST.", [HTTPMethod.POST])
    if not shared:
        answer.policy = replace(answer.policy, public=False)
    return _write_one(request, answer, media_type)


def _post(request: HttpRequest, engine: GraphQLEngine) -> HttpResponseBase:
    # first, so that a request costs little if it is one too many, whatever is wrong with it
    if (exceeded := engine.count(request)) is not None:
        return _write_one(request, exceeded, _written_as(request))
    media_type = _acceptable(request)
    settings, with_files = engine.settings, is_form(request)
    require_no_coding(request)
    require_token(request)
    parameters: Parameters | list[Parameters | Refused]
    if with_files:
        require_preflight(request)
        parameters = uploads.from_form(request, settings.limits)
    else:
        parameters = batching.from_body(request, settings.limits.body_bytes, settings.batching.max_operations)
    if isinstance(parameters, list):
        # the request was counted as its first operation
        answers = [_answer(request, engine, item, counted=not index) for index, item in enumerate(parameters)]
        return _write(request, batching.body(answers), batching.status(answers), media_type, answers)
    return _write_one(request, _execute(request, engine, parameters), media_type)


_CONTENT_TYPES = {media_type: f"{media_type}; charset=utf-8" for media_type in ANSWERS}
_NAME_A_DOCUMENT = {"documentId", "extensions", "query"}
_HANDLERS: Mapping[str, Handler] = {"GET": _get, "HEAD": _get, "POST": _post}


def _acceptable(request: HttpRequest) -> str:
    """Return the media type of the response; raise Refused (406) if the client accepts none."""
    accept = accept_of(request)
    media_type = preferred(accept, ANSWERS)
    if media_type is None:
        raise not_acceptable(accept)
    return media_type


def _written_as(request: HttpRequest) -> str:
    """Return the media type of an error."""
    try:
        return preferred(accept_of(request), ANSWERS) or JSON
    except Refused:
        # the error is about the header that would tell
        return JSON


def _refuse(request: HttpRequest, engine: GraphQLEngine, refused: Refused) -> Response:
    answer = Response(None, [refused.as_graphql_error()], refused.status)
    audit.report_refusals(OperationContext(viewer=Viewer(request), alias=engine.settings.database), answer.errors)
    return answer


def _answer(
    request: HttpRequest, engine: GraphQLEngine, parameters: Parameters | Refused, *, counted: bool
) -> Response:
    """Return the response to one operation of a batch; a refusal does not affect the others."""
    try:
        if isinstance(parameters, Refused):
            raise parameters
        return _execute(request, engine, parameters, counted=counted)
    except Refused as refused:
        return _refuse(request, engine, refused)


def _execute(
    request: HttpRequest,
    engine: GraphQLEngine,
    parameters: Parameters,
    *,
    only: OperationType | None = None,
    counted: bool = True,
) -> Response:
    """Execute one operation; ``counted`` says that it was counted already."""
    try:
        text = document_ids.text_of(parameters, engine.documents)
    except Refused:
        # otherwise, trying identifiers would be free
        exceeded = None if counted else engine.count(request)
        if exceeded is not None:
            return exceeded
        raise
    answer = engine.execute(
        text,
        parameters.variables,
        parameters.operation_name,
        request=request,
        only=only,
        counted=counted,
        sent_bytes=parameters.sent_bytes,
    )
    if parameters.identifiers:
        document_ids.persist(parameters, answer, engine.documents, Viewer(request))
    return answer


def _write_one(request: HttpRequest, answer: Response, media_type: str) -> HttpResponseBase:
    """Write the response to a well-formed request (GraphQL over HTTP, 5.4).

    With the media type application/json, a refused operation has status 200: a 4xx response of this type may come
    from a proxy, so clients do not read GraphQL errors from it (5.4.1). Failures of the server keep their 5xx, for
    monitoring, and rate limits their 429, which means the same from a proxy.
    """
    status = answer.status
    if status != 200 and media_type == JSON and status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
        status = 200
    return _write(request, answer.body, status, media_type, (answer,))


def _write(
    request: HttpRequest, body: bytes, status: int, media_type: str, answers: Sequence[Response]
) -> HttpResponseBase:
    headers = {"Content-Type": _CONTENT_TYPES[media_type], "Vary": "Accept"}
    if request.method == "POST" or any(answer.errors for answer in answers):
        headers["Cache-Control"] = caching.NO_STORE if request.method == "POST" else caching.PRIVATE_NO_STORE
        waits = [answer.retry_after for answer in answers if answer.retry_after is not None]
        if waits:
            headers["Retry-After"] = str(max(waits))
        return caching.Answer(body, status=status, headers=headers)
    (answer,) = answers
    response = caching.Answer(body, status=status, headers={**headers, **caching.headers_of(answer.policy)})
    return response if answer.policy.never else caching.conditional(request, response, media_type)


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
