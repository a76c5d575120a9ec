"""The HTTP requests that operations are sent in: where to, and what is in them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import URLPattern, URLResolver, get_resolver, get_script_prefix
from django.urls.resolvers import LocalePrefixPattern, RoutePattern

from ..http.negotiation import GRAPHQL_RESPONSE, JSON
from ..views import GraphQLView

Method: TypeAlias = Literal["POST", "GET"]

# What clients of GraphQL send; the first type gives refused operations a status of their own
_ACCEPT = f"{GRAPHQL_RESPONSE}, {JSON};q=0.9"
_PREFLIGHT = {"GraphQL-Require-Preflight": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of a batch, or any other that a client sends.

    One of ``query``, the text of its document, and ``document_id``, the identifier of a trusted document, is needed.
    Variables may hold files, dates, decimals and UUIDs at any depth.
    """

    query: str | None = None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    document_id: str | None = None
    extensions: Mapping[str, Any] | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the request (GraphQL over HTTP, 4.1)."""
        if self.query is None and self.document_id is None and not self.extensions:
            raise ValueError("an operation needs a query or a document_id")
        named = {
            "query": self.query,
            "documentId": self.document_id,
            "operationName": self.operation_name,
            "variables": self.variables,
            "extensions": self.extensions,
        }
        return {name: value for name, value in named.items() if value is not None}

    def by_hash(self, *, with_text: bool) -> Operation:
        """Return the operation as clients with automatic persisted queries send it: by its hash, without its text."""
        if self.query is None:
            raise ValueError("persisted=True needs a query, whose hash is sent")
        hashed = {"version": 1, "sha256Hash": hashlib.sha256(self.query.encode()).hexdigest()}
        extensions = {**(self.extensions or {}), "persistedQuery": hashed}
        return replace(self, query=self.query if with_text else None, extensions=extensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: the method of Django's client that sends it, and its arguments without the path."""

    method: Literal["get", "post"]
    arguments: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def request_of(operation: Operation, method: Method, headers: Mapping[str, str]) -> Request:
    """Return the request for one operation; a form if a file is among its variables.

    Raises ValueError for a method other than GET and POST, and for files in a GET.
    """
    if method not in ("GET", "POST"):
        raise ValueError(f"method is {method!r}, must be one of: 'GET', 'POST'")
    parameters = operation.parameters()
    files: dict[int, tuple[Any, list[str]]] = {}
    parameters["variables"] = _without_files(parameters.get("variables"), "variables", files)
    if parameters["variables"] is None:
        del parameters["variables"]
    if method == "GET":
        if files:
            raise ValueError("a GET cannot send files; use method='POST'")
        texts = {name: value if isinstance(value, str) else _json(value) for name, value in parameters.items()}
        return Request(method="get", arguments={"data": texts}, headers={"Accept": _ACCEPT, **headers})
    if not files:
        return _posted(parameters, headers)
    # GraphQL multipart request specification: the map comes before the files
    form: dict[str, Any] = {"operations": _json(parameters)}
    form["map"] = _json({str(number): paths for number, (_, paths) in enumerate(files.values())})
    for number, (file, _) in enumerate(files.values()):
        if hasattr(file, "seek"):
            # it may have been sent before
            file.seek(0)
        form[str(number)] = file
    return Request(method="post", arguments={"data": form}, headers={"Accept": _ACCEPT, **_PREFLIGHT, **headers})


def request_of_batch(operations: Sequence[Operation], headers: Mapping[str, str]) -> Request:
    """Return the request for several operations; raises ValueError for files, which a batch cannot have."""
    all_parameters = []
    for operation in operations:
        parameters = operation.parameters()
        files: dict[int, tuple[Any, list[str]]] = {}
        _without_files(parameters.get("variables"), "variables", files)
        if files:
            paths = [path for _, found in files.values() for path in found]
            raise ValueError(f"a batch cannot send files, but there is one in {', '.join(paths)}")
        all_parameters.append(parameters)
    return _posted(all_parameters, headers)


def _posted(body: Any, headers: Mapping[str, str]) -> Request:
    arguments = {"data": _json(body), "content_type": JSON}
    return Request(method="post", arguments=arguments, headers={"Accept": _ACCEPT, **headers})


class _Encoder(DjangoJSONEncoder):
    """Writes moments with their microseconds, which Django's own encoder cuts to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, (dt.datetime, dt.time)) else super().default(o)


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder)


def _without_files(value: Any, path: str, files: dict[int, tuple[Any, list[str]]]) -> Any:
    """Return a value with null in the place of files, which are added to ``files`` with their paths."""
    if isinstance(value, Mapping):
        return {name: _without_files(item, f"{path}.{name}", files) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_files(item, f"{path}.{index}", files) for index, item in enumerate(value)]
    if callable(getattr(value, "read", None)):
        files.setdefault(id(value), (value, []))[1].append(path)
        return None
    return value


# --- addresses ---


def path_of(schema: str | None) -> str:
    """Return the path at which the project's URLs have the endpoint of a schema.

    One with an engine of its own (``as_view(engine=…)``) is taken where there is no other for the project's own schema.
    Raises LookupError where they have none, or only one whose path has parameters.
    """
    views = sorted(_views(get_resolver(), schema), key=lambda view: view.has_engine)
    found = next((view.path for view in views if view.path is not None), None)
    if found is None:
        what = "the project's own schema" if schema is None else f"the schema {schema!r}"
        why = "have an endpoint with parameters in its path" if views else "have no endpoint"
        raise LookupError(f"the URLs {why} for {what}; pass path='/…' to the client")
    return get_script_prefix() + found


class _View(NamedTuple):
    """An endpoint in the URLs; its path is None where it has parameters."""

    path: str | None
    has_engine: bool


def _views(resolver: URLResolver, schema: str | None, prefix: str | None = "") -> Iterator[_View]:
    """Yield the views of a schema."""
    for pattern in resolver.url_patterns:
        own = _plain(pattern)
        path = None if prefix is None or own is None else prefix + own
        if isinstance(pattern, URLResolver):
            yield from _views(pattern, schema, path)
            continue
        view: Any = pattern.callback
        cls = getattr(view, "view_class", None)
        if cls is not None and issubclass(cls, GraphQLView):
            options = view.view_initkwargs
            if options.get("schema", cls.schema) == schema:
                yield _View(path, options.get("engine", cls.engine) is not None)


def _plain(pattern: URLPattern | URLResolver) -> str | None:
    """Return a part of a path; None if it has parameters."""
    matched = pattern.pattern
    text = str(matched)
    if isinstance(matched, LocalePrefixPattern):
        return text
    if isinstance(matched, RoutePattern):
        return None if "<" in text else text
    # a regular expression
    text = text.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
    return text if text.replace("/", "").replace("-", "").replace("_", "").isalnum() or not text else None
