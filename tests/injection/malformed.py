"""Requests that nobody should send, drawn by hypothesis: valid ones with something wrong, and noise."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.injection.corpus import DOCUMENTS, names
from tests.injection.payloads import PAYLOADS

JSON = "application/json"
BOUNDARY = "parts"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
_TOKENS = re.compile(
    r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[_A-Za-z]\w*|-?\d[\w.+-]*|[!$&()\[\]{}:=@|]|\s+|.', re.DOTALL
)
_PUNCTUATION = ["{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "=", "|", "&", "...", ",", "#", "\n", "\ufeff"]
_WORDS = ["query", "mutation", "subscription", "fragment", "on", "null", "true", "type", "extend", "__typename"]
_NUMBERS = ["0", "-1", "2147483648", "9223372036854775808", "9" * 400, "1e400", "-0.0", "1.", "0x1", "00", "1e-400"]
_DIRECTIVES = ["@skip(if: true)", "@include(if: $yes)", "@deprecated", "@x(a: {b: [1]})"]
_DEPTHS = [2, 20, 200, 900, 3000]
_NESTINGS = [("[", "]"), ("{", "}"), ("{NOT: ", "}"), ("... {", "}"), ("(", ")"), ('{"a":', "}")]


@dataclass(frozen=True)
class Request:
    """What the test client is told to send."""

    method: str
    url: str
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


texts = st.one_of(st.sampled_from(PAYLOADS), st.text(max_size=20))
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([2**31, 2**63, 10**30, -(10**400)]))
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)


def _nested(pair: tuple[int, Any]) -> Any:
    depth, value = pair
    for number in range(depth):
        value = [value] if number % 2 else {"NOT": value}
    return value


deep = st.builds(_nested, st.tuples(st.sampled_from(_DEPTHS), leaves))
keys = st.one_of(st.sampled_from(["AND", "OR", "NOT", "eq", "in", "some", "id", "title", "lower", "a"]), texts)
values = st.one_of(
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)), deep
)


# --- documents ---


def _mutated(draw: Any, text: str) -> str:
    tokens = _TOKENS.findall(text)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(len(tokens) - 1, 0)))
        kind = draw(st.sampled_from(["delete", "repeat", "swap", "replace", "insert", "nest", "cut", "name", "many"]))
        _mutate(draw, tokens, place, kind)
    return "".join(tokens)


def _mutate(draw: Any, tokens: list[str], place: int, kind: str) -> None:
    here = slice(place, place + 1)
    if kind == "delete":
        del tokens[here]
    elif kind == "repeat":
        tokens[here] = tokens[here] * draw(st.sampled_from([2, 3, 60, 1200]))
    elif kind == "swap" and tokens:
        other = draw(st.integers(0, len(tokens) - 1))
        tokens[place], tokens[other] = tokens[other], tokens[place]
    elif kind == "replace":
        tokens[here] = [draw(_token)]
    elif kind == "insert":
        tokens.insert(place, draw(_token))
    elif kind == "nest":
        (left, right), depth = draw(st.sampled_from(_NESTINGS)), draw(st.sampled_from(_DEPTHS))
        tokens[here] = [left * depth, *tokens[here], right * depth]
    elif kind == "cut":
        del tokens[place:]
    elif kind == "name":
        named = [number for number, token in enumerate(tokens) if token[:1].isalpha()]
        if named:
            tokens[draw(st.sampled_from(named))] = draw(_name)
    else:
        tokens[here] = [*tokens[here], *(f" a{number}: id" for number in range(draw(st.sampled_from([30, 300]))))]


_name = st.deferred(lambda: st.sampled_from(names()))
_token = st.one_of(
    st.sampled_from([*_PUNCTUATION, *_WORDS, *_NUMBERS, *_DIRECTIVES]),
    _name,
    texts,
    texts.map(json.dumps),
    texts.map('"""{}"""'.format),
    texts.map("#{}\n".format),
    texts.map("${}".format),
)


@st.composite
def operations(draw: Any) -> tuple[str, dict[str, Any]]:
    """Draw the endpoint and the parameters of a valid request with, mostly, something wrong."""
    url, document, variables = draw(st.sampled_from(DOCUMENTS))
    text = _mutated(draw, document)
    given: dict[str, Any] = {"query": text, "variables": _changed(draw, dict(variables))}
    for _ in range(draw(st.integers(0, 2)) if draw(st.booleans()) else 0):
        name = draw(st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "other"]))
        given[name] = draw(st.one_of(values, _extensions(text), texts))
    return url, given


def _changed(draw: Any, variables: dict[str, Any]) -> Any:
    for name in list(variables):
        if draw(st.integers(0, 3)) == 0:
            variables[name] = draw(values)
    if draw(st.integers(0, 5)) == 0:
        variables[draw(keys)] = draw(values)
    return variables


def _extensions(text: str) -> st.SearchStrategy[Any]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    hashes = st.one_of(st.sampled_from([digest, "0" * 64, digest.upper(), "sha256:" + digest]), values)
    persisted = st.fixed_dictionaries({}, optional={"version": st.just(1) | values, "sha256Hash": hashes})
    return st.one_of(st.fixed_dictionaries({"persistedQuery": persisted | values}), hashes)


# --- bodies ---


def _encoded(value: Any) -> bytes:
    """Write JSON, with NaN and halves of surrogate pairs where they are."""
    try:
        return json.dumps(value, ensure_ascii=True).encode()
    except RecursionError:
        return b'{"query":' + b"[" * 5000


def _spoilt(draw: Any, body: bytes) -> bytes:
    """Put a few bytes into a body, or take some out."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        body = body[:start] + draw(st.binary(max_size=8)) + body[start + draw(st.integers(0, 8)) :]
    return body


def _form(draw: Any, given: dict[str, Any]) -> bytes:
    """Write a form with files, in which anything may be wrong."""
    paths = st.lists(
        st.sampled_from(["variables.file", "variables.files.0", "variables.letter.file"]) | texts, max_size=2
    )
    mapped = draw(st.one_of(st.dictionaries(st.sampled_from(["0", "1"]) | texts, paths, max_size=2), values))
    parts: list[tuple[str, bytes]] = [
        ('form-data; name="operations"', _encoded(given)),
        ('form-data; name="map"', _encoded(mapped)),
        ('form-data; name="0"; filename="a.txt"', b"content"),
    ]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(parts) - 1))
        header = st.sampled_from([header for header, _ in parts]) | texts.map(
            'form-data; name="{0}"; filename="{0}"'.format
        )
        parts[place:place] = [(draw(header), draw(st.binary(max_size=20)))]
    if draw(st.booleans()):
        del parts[draw(st.integers(0, len(parts) - 1))]
    return _written(parts) if draw(st.booleans()) else _spoilt(draw, _written(parts))


def _written(parts: Sequence[tuple[str, bytes]]) -> bytes:
    lines = []
    for header, content in parts:
        disposition = f"Content-Disposition: {header}".encode("utf-8", "surrogatepass")
        lines += [b"--" + BOUNDARY.encode(), disposition, b"", content]
    return b"\r\n".join([*lines, b"--" + BOUNDARY.encode() + b"--", b""])


# --- requests ---

_METHODS = ["POST"] * 12 + ["GET"] * 4 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "post", "X"]
_TYPES = [
    JSON,
    FORM,
    "multipart/form-data",
    "text/plain",
    "application/json; charset=latin-1",
    "application/graphql",
    "",
]
_ACCEPTED = [
    JSON, "*/*", "application/graphql-response+json", "text/html", "text/html,*/*;q=0.1", "image/png", "a/b;q=",
    "application/json;q=0", ",,;", "application/*;q=1.0000000000",
]  # fmt: skip
_header_text = st.one_of(
    st.sampled_from(PAYLOADS).map(lambda text: text.encode("utf-8", "replace").decode("latin-1")),
    st.text(st.characters(max_codepoint=255), max_size=20),
)
_headers = st.fixed_dictionaries(
    {"GraphQL-Require-Preflight": st.just("1")},
    optional={
        "Accept": st.sampled_from(_ACCEPTED) | _header_text,
        "Origin": st.sampled_from(["http://testserver", "https://evil.example", "null"]) | _header_text,
        "Cookie": st.sampled_from(["sessionid=x", "csrftoken=x; sessionid=y"]) | _header_text,
        "X-CSRFToken": _header_text,
        "X-Forwarded-For": _header_text,
        "Content-Encoding": st.sampled_from(["gzip", "br"]),
        "Referer": _header_text,
        "Accept-Language": _header_text,
        "Content-Length": st.sampled_from(["0", "-1", "x", "1e3", "99999999999"]),
        "Host": st.sampled_from(["testserver", "evil.example", "a b", "testserver:99999"]) | _header_text,
    },
)


@st.composite
def requests(draw: Any) -> Request:
    """Draw a request."""
    url, given = draw(operations())
    method, headers = draw(st.sampled_from(_METHODS)), {}
    if draw(st.integers(0, 2)) == 0:
        headers = draw(_headers)
    if method in ("GET", "HEAD"):
        return Request(method, f"{url}?{_query_string(draw, given)}", headers=headers)
    kind = draw(st.sampled_from(["json"] * 8 + ["batch", "batch", "form", "form", "spoilt", "value", "bytes"]))
    if kind == "form":
        headers = {"GraphQL-Require-Preflight": "1", **headers}
        return Request(method, url, _form(draw, given), draw(st.sampled_from([FORM] * 6 + _TYPES)), headers)
    if kind == "batch":
        others = draw(st.lists(operations().map(lambda pair: pair[1]) | values, max_size=6))
        body = _encoded([given, *others])
    elif kind == "value":
        body = _encoded(draw(values))
    elif kind == "bytes":
        body = draw(st.binary(max_size=60))
    else:
        body = _encoded(given) if kind == "json" else _spoilt(draw, _encoded(given))
    return Request(method, url, body, draw(st.sampled_from([JSON] * 12 + _TYPES)), headers)


def _query_string(draw: Any, given: dict[str, Any]) -> str:
    pairs = []
    for name, value in given.items():
        text = value if isinstance(value, str) else _encoded(value).decode()
        pairs.append(f"{name}={quote(text.encode('utf-8', 'surrogatepass'))}")
    if draw(st.integers(0, 4)) == 0:
        pairs.append(draw(st.sampled_from(["query=%ff", "query", "&&=", "variables=[", "extensions={}", "query={id}"])))
    if draw(st.integers(0, 4)) == 0:
        pairs.append(draw(_header_text))
    return "&".join(pairs)
