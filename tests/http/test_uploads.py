"""Files, sent as the GraphQL multipart request specification has it, read by Django's own upload handlers."""

import gc
import io
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import (
    InMemoryUploadedFile,
    SimpleUploadedFile,
    TemporaryUploadedFile,
    UploadedFile,
)
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.core.wsgi import get_wsgi_application
from django.db.models import F
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.schema.sdl import sdl
from fraiseql_django.views import GraphQLView
from tests.http.requests import URL, codes, message, post
from tests.http.test_asgi import ask

REGISTRY = Registry()
RECEIVED: list[fraiseql.Upload] = []


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.input
class Parcel:
    """Files within an input."""

    label: str = ""
    cover: fraiseql.Upload | None = fraiseql.UNSET
    files: list[fraiseql.Upload] = fraiseql.UNSET


def seen(file: fraiseql.Upload) -> dict[str, Any]:
    """Read a file, and note it for whoever wants to know what became of it."""
    RECEIVED.append(file)
    return {"name": file.name, "size": file.size, "type": file.content_type, "content": file.read().decode()}


@fraiseql.mutation(registry=REGISTRY)
def set_cover(info: fraiseql.Info, file: fraiseql.Upload) -> fraiseql.JSON:
    return fraiseql.JSON(seen(file))


@fraiseql.mutation(registry=REGISTRY)
def add_files(info: fraiseql.Info, files: list[fraiseql.Upload]) -> fraiseql.JSON:
    return fraiseql.JSON([seen(file) for file in files])


@fraiseql.mutation(registry=REGISTRY)
def send(info: fraiseql.Info, parcel: Parcel) -> fraiseql.JSON:
    cover = "left out" if parcel.cover is fraiseql.UNSET else parcel.cover and seen(parcel.cover)
    return fraiseql.JSON({"label": parcel.label, "cover": cover, "files": [seen(file) for file in parcel.files or ()]})


@fraiseql.mutation(registry=REGISTRY)
def keep(
    info: fraiseql.Info,
    value: fraiseql.JSON,
    values: list[fraiseql.JSON] = fraiseql.UNSET,
    text: str = "",
    texts: list[str] = fraiseql.UNSET,
) -> bool:
    return True


@csrf_exempt
def endpoint(request: HttpRequest) -> HttpResponseBase:
    """Serve the mutations above, with the settings of the moment."""
    return GraphQLView.as_view(engine=GraphQLEngine(registry=REGISTRY, cache=None))(request)


def token(request: HttpRequest) -> HttpResponseBase:
    return GraphQLView().options(request, get_token(request))


urlpatterns = [path("graphql/", endpoint), path("token/", token)]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def nothing_received() -> None:
    RECEIVED.clear()


# --- forms ---

BOUNDARY = "parts"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
SET_COVER = "mutation ($file: Upload!) { setCover(file: $file) }"
ADD_FILES = "mutation ($files: [Upload!]!) { addFiles(files: $files) }"
SEND = "mutation ($parcel: Parcel!) { send(parcel: $parcel) }"
A_TXT = {"name": "a.txt", "size": 5, "type": "text/plain", "content": "Alpha"}
B_TXT = {"name": "b.txt", "size": 4, "type": "text/plain", "content": "Beta"}


class Part(NamedTuple):
    """A part of a form: a file, if it has the name of one."""

    name: str
    content: str | bytes
    filename: str | None = None
    content_type: str = "text/plain"


ALPHA = Part("0", "Alpha", "a.txt")
BETA = Part("1", "Beta", "b.txt")


def encoded(*parts: Part) -> bytes:
    """Write a form (RFC 7578)."""
    body = b""
    for part in parts:
        filename = "" if part.filename is None else f'; filename="{part.filename}"\r\nContent-Type: {part.content_type}'
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part.name}"{filename}\r\n\r\n'.encode()
        body += (part.content if isinstance(part.content, bytes) else part.content.encode()) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def form(query: str, variables: object, paths: object, *files: Part) -> bytes:
    """Write a form as the specification has it."""
    operations = json.dumps({"query": query, "variables": variables})
    return encoded(Part("operations", operations), Part("map", json.dumps(paths)), *files)


ONE_FILE = form(SET_COVER, {"file": None}, {"0": ["variables.file"]}, ALPHA)


def upload(client: Client, body: bytes, **headers: str) -> Any:
    return post(client, body, content_type=FORM, **headers)


def answer(client: Client, query: str, variables: object, paths: object, *files: Part) -> Any:
    """Send a form that is well-formed and return the one field of the answer's data."""
    response = upload(client, form(query, variables, paths, *files))
    assert response.status_code == 200
    (value,) = response.json()["data"].values()
    return value


# --- what arrives ---


def test_file_is_given_to_the_mutation(client: Client) -> None:
    response = upload(client, ONE_FILE)

    assert response.json() == {"data": {"setCover": A_TXT}}
    assert response["Cache-Control"] == "no-store"
    assert [type(file) for file in RECEIVED] == [InMemoryUploadedFile]


def test_list_of_files_is_given_in_its_order(client: Client) -> None:
    paths = {"0": ["variables.files.1"], "1": ["variables.files.0"]}

    assert answer(client, ADD_FILES, {"files": [None, None]}, paths, ALPHA, BETA) == [B_TXT, A_TXT]


def test_one_file_where_a_list_is_wanted_is_a_list_of_one(client: Client) -> None:
    assert answer(client, ADD_FILES, {"files": None}, {"0": ["variables.files"]}, ALPHA) == [A_TXT]


def test_files_within_an_input_are_given(client: Client) -> None:
    variables = {"parcel": {"label": "x", "cover": None, "files": [None]}}
    paths = {"0": ["variables.parcel.cover"], "1": ["variables.parcel.files.0"]}

    found = answer(client, SEND, variables, paths, ALPHA, BETA)

    assert found == {"label": "x", "cover": A_TXT, "files": [B_TXT]}


class ToStorage(FileUploadHandler):
    """Keeps files in a way of its own, as handlers do that send them somewhere else."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.chunks = [*getattr(self, "chunks", []), raw_data]
        return b""

    def file_complete(self, file_size: int) -> fraiseql.Upload:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - Django closes it with the request
        file.write(b"".join(self.chunks))
        file.seek(0)
        self.chunks = []
        return UploadedFile(file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra)


HANDLERS = pytest.mark.parametrize(
    "handler",
    [
        pytest.param("django.core.files.uploadhandler.MemoryFileUploadHandler", id="in memory"),
        pytest.param("django.core.files.uploadhandler.TemporaryFileUploadHandler", id="in a file"),
        pytest.param(f"{__name__}.ToStorage", id="elsewhere"),
    ],
)


@HANDLERS
def test_one_file_at_several_paths_is_whole_at_each(client: Client, settings: Any, handler: str) -> None:
    settings.FILE_UPLOAD_HANDLERS = [handler]
    variables = {"parcel": {"cover": None, "files": [None, None, None]}}
    paths = {
        "0": ["variables.parcel.cover", "variables.parcel.files.0", "variables.parcel.files.2"],
        "1": ["variables.parcel.files.1"],
    }

    found = answer(client, SEND, variables, paths, ALPHA, BETA)

    assert (found["cover"], found["files"]) == (A_TXT, [A_TXT, B_TXT, A_TXT])
    assert len(set(map(id, RECEIVED))) == 4


@HANDLERS
@pytest.mark.parametrize(
    "query",
    [
        "mutation ($file: Upload!) { a: setCover(file: $file) b: setCover(file: $file) }",
        "mutation ($file: Upload!) { a: addFiles(files: [$file]) b: addFiles(files: [$file]) }",
        "mutation ($file: Upload!) { a: addFiles(files: [$file, $file]) }",
        "mutation ($file: Upload!) { a: send(parcel: {cover: $file, files: [$file]}) }",
    ],
)
def test_one_variable_in_several_places_is_a_whole_file_in_each(
    client: Client, settings: Any, handler: str, query: str
) -> None:
    settings.FILE_UPLOAD_HANDLERS = [handler]

    response = upload(client, form(query, {"file": None}, {"0": ["variables.file"]}, ALPHA))

    assert response.content.count(b'"content":"Alpha"') == 2
    assert len(RECEIVED) == 2


@fraiseql.mutation(registry=REGISTRY)
def store(info: fraiseql.Info, files: list[fraiseql.Upload]) -> fraiseql.JSON:
    """Store files, which moves those that have a path, and close them."""
    storage = FileSystemStorage()
    names = []
    for file in files:
        names.append(storage.save(file.name or "", file))
        file.close()
    contents = []
    for name in names:
        with storage.open(name) as stored:
            contents.append(stored.read().decode())
    return fraiseql.JSON(contents)


@HANDLERS
def test_file_that_was_stored_and_closed_in_one_place_is_whole_in_another(
    client: Client, settings: Any, handler: str, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_HANDLERS = [handler]
    settings.MEDIA_ROOT = tmp_path
    query = "mutation ($file: Upload!) { store(files: [$file, $file, $file]) }"

    found = answer(client, query, {"file": None}, {"0": ["variables.file"]}, Part("0", "Alpha" * 9_000, "a.txt"))

    assert found == ["Alpha" * 9_000] * 3


@HANDLERS
def test_places_read_one_file_in_turns(client: Client, settings: Any, handler: str) -> None:
    settings.FILE_UPLOAD_HANDLERS = [handler]
    query = "mutation ($file: Upload!) { inTurns(files: [$file, $file, $file]) }"

    found = answer(client, query, {"file": None}, {"0": ["variables.file"]}, ALPHA)

    assert found == ["Alpha"] * 3 + ["pha"] * 3


@fraiseql.mutation(registry=REGISTRY)
def in_turns(info: fraiseql.Info, files: list[fraiseql.Upload]) -> fraiseql.JSON:
    """Read a byte of each in turn, to the end; then from the third but last byte on."""
    read = [b""] * len(files)
    for _ in range(5):
        read = [text + file.read(1) for text, file in zip(read, files, strict=True)]
    for file in files:
        file.seek(-3, io.SEEK_END)
    return fraiseql.JSON([text.decode() for text in [*read, *(file.read() for file in files)]])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_file_at_many_paths_is_opened_twice(client: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    query = f"mutation ($file: Upload!) {{ countOpen(files: [{', '.join(['$file'] * 100)}]) }}"
    before = len(list(Path("/proc/self/fd").iterdir()))

    found = answer(client, query, {"file": None}, {"0": ["variables.file"]}, ALPHA)

    assert found - before <= 3
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


@fraiseql.mutation(registry=REGISTRY)
def count_open(info: fraiseql.Info, files: list[fraiseql.Upload]) -> int:
    """Count the open files of the process."""
    assert all(file.read() == b"Alpha" for file in files)
    return len(list(Path("/proc/self/fd").iterdir()))


def test_optional_file_may_be_null_or_left_out(client: Client) -> None:
    assert answer(client, SEND, {"parcel": {"cover": None}}, {})["cover"] is None
    assert answer(client, SEND, {"parcel": {}}, {})["cover"] == "left out"


def test_file_may_stand_in_a_literal_by_its_variable(client: Client) -> None:
    query = "mutation ($a: Upload!, $b: Upload) { send(parcel: {cover: $b, files: [$a]}) }"

    found = answer(client, query, {"a": None}, {"0": ["variables.a"]}, ALPHA)

    assert found == {"label": "", "cover": "left out", "files": [A_TXT]}


def test_empty_file_is_a_file(client: Client) -> None:
    paths = {"0": ["variables.file"]}

    found = answer(client, SET_COVER, {"file": None}, paths, Part("0", "", "empty.txt"))

    assert found == {"name": "empty.txt", "size": 0, "type": "text/plain", "content": ""}


def test_order_of_the_parts_does_not_matter(client: Client) -> None:
    operations = Part("operations", json.dumps({"query": SET_COVER, "variables": {"file": None}}))
    body = encoded(ALPHA, Part("map", '{"0": ["variables.file"]}'), operations)

    assert upload(client, body).json() == {"data": {"setCover": A_TXT}}


def test_other_fields_are_ignored(client: Client) -> None:
    body = encoded(Part("csrfmiddlewaretoken", "x"), Part("query", "{ a }")) + b"\r\n"

    assert upload(client, body[: -len("--parts--\r\n\r\n")] + ONE_FILE).json() == {"data": {"setCover": A_TXT}}


def test_query_needs_no_files(client: Client) -> None:
    Author.objects.create(name="Łukasz")

    query = "query A { __typename } query B($n: String) { authors(where: {name: {eq: $n}}) { name } }"
    operations = {"query": query, "variables": {"n": "Łukasz"}, "operationName": "B"}

    response = upload(client, encoded(Part("operations", json.dumps(operations)), Part("map", "{}")))

    assert response.json() == {"data": {"authors": [{"name": "Łukasz"}]}}


def test_content_type_of_a_get_does_not_matter(client: Client) -> None:
    response = client.get(URL, {"query": "{ __typename }"}, headers={"Content-Type": FORM})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("name", ["__proto__", "constructor", "hasOwnProperty"])
def test_names_are_just_names(client: Client, name: str) -> None:
    query = f"mutation (${name}: Upload!) {{ setCover(file: ${name}) }}"

    assert answer(client, query, {name: None}, {name: [f"variables.{name}"]}, ALPHA._replace(name=name)) == A_TXT


def test_engine_takes_files_without_a_request() -> None:
    engine = GraphQLEngine(registry=REGISTRY, cache=None)

    response = engine.execute(SET_COVER, {"file": SimpleUploadedFile("a.txt", b"Alpha", "text/plain")})

    assert response.json() == {"data": {"setCover": A_TXT}}


def test_plan_depends_on_the_presence_of_a_file_alone() -> None:
    engine = GraphQLEngine(registry=REGISTRY, cache=None)
    for name in ("a.txt", "b.txt"):
        for file in (SimpleUploadedFile(name, name.encode()), None):
            assert engine.execute(SEND, {"parcel": {"cover": file, "files": [file]} if file else {"cover": None}})

    assert (engine.statistics().plans.misses, engine.statistics().plans.hits) == (2, 2)


# --- what is no file, and where none may be ---


@pytest.mark.parametrize("value", ["a.txt", 7, True, {"name": "a.txt"}, ["a.txt"]])
def test_json_is_no_file(client: Client, value: object) -> None:
    response = post(client, {"query": SET_COVER, "variables": {"file": value}})

    # what comes before it is graphql-core's, which says it in another way in each of its versions
    assert message(response).startswith("Variable '$file' ")
    assert message(response).endswith(
        f" Upload cannot represent {value!r}; it is a file, which only a multipart request can send."
    )
    assert codes(response) == ["BAD_USER_INPUT"]


def test_literal_is_no_file(client: Client) -> None:
    response = post(client, {"query": 'mutation { setCover(file: "a.txt") }'})

    assert message(response) == (
        "Upload cannot represent 'a.txt'; it is a file, which only a multipart request can send."
    )


def test_required_file_must_not_be_null(client: Client) -> None:
    response = post(client, {"query": SET_COVER, "variables": {"file": None}})

    assert codes(response) == ["BAD_USER_INPUT"]
    assert message(response).startswith("Variable '$file' ")


@pytest.mark.parametrize(
    ("declared", "arguments"),
    [
        ("$x: JSON!", "value: $x"),
        ("$x: JSON", "value: {a: [$x]}"),
        ("$x: Upload", "value: {a: [$x]}"),
        ("$x: [JSON!]!", "value: 1, values: $x"),
        ("$x: String!", "value: 1, text: $x"),
        ("$x: [String!]!", "value: 1, texts: $x"),
        ("$x: Int", "value: {a: [$x]}"),
        ("$x: Boolean", "value: {a: [$x]}"),
        ("$x: ID", "value: {a: [$x]}"),
    ],
)
def test_file_is_nothing_but_an_upload(client: Client, declared: str, arguments: str) -> None:
    query = f"mutation ({declared}) {{ keep({arguments}) }}"

    response = upload(client, form(query, {"x": None}, {"0": ["variables.x"]}, ALPHA))

    assert set(codes(response)) == {"BAD_USER_INPUT"}


def test_file_within_json_is_refused(client: Client) -> None:
    query = "mutation ($x: JSON!) { keep(value: $x) }"

    response = upload(client, form(query, {"x": {"a": [1, None]}}, {"0": ["variables.x.a.1"]}, ALPHA))

    assert message(response).endswith(" JSON cannot represent a file.")
    assert post(client, {"query": query, "variables": {"x": {"a": [1, None]}}}).json() == {"data": {"keep": True}}


def test_mutation_cannot_return_a_file() -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["id"], registry=registry)(type("AuthorType", (), {}))

    @fraiseql.mutation(registry=registry)
    def echo(info: fraiseql.Info, file: fraiseql.Upload) -> fraiseql.Upload | None:
        return file

    @fraiseql.mutation(registry=registry)
    def echo_all(info: fraiseql.Info, files: list[fraiseql.Upload]) -> list[fraiseql.Upload]:
        return files

    with pytest.raises(DeclarationError) as error:
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018 - built here
    assert str(error.value).splitlines() == [
        "Mutation.echo is an Upload, which only an argument or the field of an input can be",
        "Mutation.echoAll is an Upload, which only an argument or the field of an input can be",
    ]


def test_field_of_a_type_cannot_be_a_file() -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["id"], registry=registry)
    class BookType:
        copy: fraiseql.Upload = fraiseql.field(F("cover"))

    with pytest.raises(DeclarationError, match=r"^Book\.copy is an Upload, which only an argument"):
        GraphQLEngine(registry=registry, cache=None).schema  # noqa: B018 - built here


def test_schema_has_the_scalar_only_where_it_is_used() -> None:
    text = sdl(GraphQLEngine(registry=REGISTRY, cache=None).schema.graphql)

    assert 'scalar Upload @specifiedBy(url: "https://github.com/jaydenseric/graphql-multipart-request-spec")' in text
    assert "setCover(file: Upload!): JSON!" in text
    assert "files: [Upload!]\n" in text
    assert "Upload" not in sdl(GraphQLEngine().schema.graphql)


# --- forms that are not well-formed ---

OPERATIONS = Part("operations", json.dumps({"query": SET_COVER, "variables": {"file": None}}))
MAP = Part("map", '{"0": ["variables.file"]}')
EXAMPLE = 'it must be an object of lists of paths, such as {"0": ["variables.file"]}.'


def with_operations(text: str) -> bytes:
    return encoded(Part("operations", text), MAP, ALPHA)


def with_map(text: str, *files: Part) -> bytes:
    return encoded(OPERATIONS, Part("map", text), *(files or (ALPHA,)))


def with_path(path: str) -> bytes:
    variables = {"file": None, "list": [None], "text": "x", "number": 0, "no": False, "empty": {}}
    return form(SET_COVER, variables, {"0": [path]}, ALPHA)


def nowhere(path: str) -> str:
    return f"The path {path!r} in the form field map does not exist; the form field operations must have null there."


def taken(path: str, what: str) -> str:
    return f"The path {path!r} in the form field map leads to {what}; the form field operations must have null there."


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(
            encoded(MAP, ALPHA),
            "The form field operations is missing; a form must have the fields operations and map.",
            id="no operations",
        ),
        pytest.param(
            encoded(OPERATIONS, ALPHA),
            "The form field map is missing; a form must have the fields operations and map.",
            id="no map",
        ),
        pytest.param(
            encoded(OPERATIONS._replace(filename="blob"), MAP, ALPHA),
            "The form field operations is a file; it must be a field, without a filename.",
            id="operations as a file",
        ),
        pytest.param(
            encoded(OPERATIONS, OPERATIONS, MAP, ALPHA),
            "The form field operations is in the form more than once.",
            id="operations twice",
        ),
        pytest.param(
            encoded(OPERATIONS, MAP, MAP, ALPHA), "The form field map is in the form more than once.", id="map twice"
        ),
        pytest.param(
            with_operations("{"),
            "The form field operations is not JSON: "
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1).",
            id="operations not JSON",
        ),
        pytest.param(
            with_operations("[{}]"),
            "The form field operations is an array; it must be a JSON object with a query.",
            id="batch",
        ),
        pytest.param(
            with_operations("null"),
            "The form field operations is null; it must be a JSON object with a query.",
            id="operations null",
        ),
        pytest.param(
            with_operations('{"variables": {"file": null}}'),
            "The parameter query is missing; it must be a string that contains a GraphQL document.",
            id="no query",
        ),
        pytest.param(
            with_operations(json.dumps({"query": SET_COVER, "variables": [None]})),
            "The parameter variables is an array; it must be an object or null.",
            id="variables an array",
        ),
        pytest.param(
            with_operations('{"query": "{a}", "variables": {"file": NaN}}'),
            "The form field operations contains a number that cannot be read: JSON has no NaN.",
            id="NaN",
        ),
        pytest.param(
            with_operations(r'{"query": "\ud83c"}'),
            "The parameter query contains half of a surrogate pair, which is not a character.",
            id="surrogate",
        ),
        pytest.param(
            with_map("file"),
            "The form field map is not JSON: Expecting value: line 1 column 1 (char 0).",
            id="map not JSON",
        ),
        pytest.param(
            with_map("[" * 100_000), "The form field map is nested too deeply to be read.", id="map nested too deeply"
        ),
        pytest.param(with_map("[]"), f"The form field map is an array; {EXAMPLE}", id="map an array"),
        pytest.param(with_map("null"), f"The form field map is null; {EXAMPLE}", id="map null"),
        pytest.param(
            with_map('{"0": "variables.file"}'),
            f"The form field map contains a string at '0'; {EXAMPLE}",
            id="map of a string",
        ),
        pytest.param(with_map('{"0": null}'), f"The form field map contains null at '0'; {EXAMPLE}", id="map of null"),
        pytest.param(
            with_map('{"0": {}}'), f"The form field map contains an object at '0'; {EXAMPLE}", id="map of an object"
        ),
        pytest.param(
            with_map('{"0": ["variables.file", 1]}'),
            f"The form field map contains a number at '0'; {EXAMPLE}",
            id="map of a number in a list",
        ),
        pytest.param(
            with_map('{"0": [null]}'), f"The form field map contains null at '0'; {EXAMPLE}", id="map of null in a list"
        ),
        pytest.param(
            with_map('{"0": ["variables.file"], "1": []}'),
            "The form field map names the file '1', which is not in the form.",
            id="file that was not sent",
        ),
        pytest.param(
            with_map('{"0": ["variables.file"]}', ALPHA._replace(filename=None)),
            "The form field map names the file '0', which is not in the form.",
            id="file that was sent as a field",
        ),
        pytest.param(
            with_map('{"0": ["variables.file"]}', ALPHA._replace(filename="")),
            "The form field map names the file '0', which is not in the form.",
            id="file without a name",
        ),
        pytest.param(
            with_map('{"0": ["variables.file"]}', ALPHA, BETA),
            "The file '1' has no path in the form field map.",
            id="file that is not in the map",
        ),
        pytest.param(
            with_map('{"0": []}'), "The file '0' has no path in the form field map.", id="file with an empty list"
        ),
        pytest.param(
            with_map('{"0": ["variables.file"]}', ALPHA, BETA._replace(name="0")),
            "The file '0' is in the form more than once.",
            id="file twice",
        ),
        pytest.param(
            with_map('{"0": ["variables.file", "variables.file"]}'),
            "The path 'variables.file' is in the form field map more than once.",
            id="path twice",
        ),
        pytest.param(
            with_map('{"0": ["variables.file"], "1": ["variables.file"]}', ALPHA, BETA),
            "The path 'variables.file' is in the form field map more than once.",
            id="path of two files",
        ),
        *(
            pytest.param(
                with_path(path), f"The path {path!r} in the form field map must begin with 'variables.'.", id=path
            )
            for path in ("file", "query", "variables", "", "0.variables.file", "Variables.file", "variablesx.file")
        ),
        *(
            pytest.param(with_path(path), nowhere(path), id=path)
            for path in (
                "variables.other",
                "variables.",
                "variables..file",
                "variables.file.name",
                "variables.text.0",
                "variables.empty.file",
                "variables.__proto__",
                "variables.list.1",
                "variables.list.-1",
                "variables.list.length",
                "variables.list.\N{ARABIC-INDIC DIGIT ZERO}",
                "variables.list.0 ",
                "variables.list.1e0",
            )
        ),
        pytest.param(with_path("variables.text"), taken("variables.text", "a string"), id="string"),
        pytest.param(with_path("variables.number"), taken("variables.number", "a number"), id="number"),
        pytest.param(with_path("variables.no"), taken("variables.no", "false"), id="false"),
        pytest.param(with_path("variables.list"), taken("variables.list", "an array"), id="array"),
        pytest.param(with_path("variables.empty"), taken("variables.empty", "an object"), id="object"),
        pytest.param(
            form(SET_COVER, None, {"0": ["variables.file"]}, ALPHA), nowhere("variables.file"), id="no variables"
        ),
        pytest.param(
            with_path("variables.list." + "9" * 5000),
            f"The path {'variables.list.' + '9' * 84 + '…'!r} in the form field map does not exist; "
            f"the form field operations must have null there.",
            id="index of many digits",
        ),
        pytest.param(
            encoded(),
            "The form field operations is missing; a form must have the fields operations and map.",
            id="no parts",
        ),
    ],
)
def test_malformed_form_is_400_and_says_why(client: Client, body: bytes, says: str) -> None:
    response = upload(client, body)

    assert response.status_code == 400
    assert message(response) == says
    assert codes(response) == ["BAD_REQUEST"]
    assert RECEIVED == []


@pytest.mark.parametrize(
    ("boundary", "says"),
    [
        ("", "Invalid boundary in multipart: None"),
        ("; boundary=", "Invalid boundary in multipart: "),
        ("; boundary=" + "x" * 300, "Invalid boundary in multipart: " + "x" * 300),
    ],
)
def test_form_without_a_boundary_is_400(client: Client, boundary: str, says: str) -> None:
    response = post(client, ONE_FILE, content_type="multipart/form-data" + boundary)

    assert response.status_code == 400
    assert message(response) == f"The body cannot be read as a form: {says}."
    assert codes(response) == ["BAD_REQUEST"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff" * 100])
def test_body_that_is_no_form_is_400(client: Client, content: bytes) -> None:
    response = post(client, content + b" ", content_type=FORM)

    assert response.status_code == 400
    assert message(response) == "The form field operations is missing; a form must have the fields operations and map."


def test_file_whose_base64_is_broken_is_400(client: Client) -> None:
    broken = Part("0", "A===", 'a.txt"\r\nContent-Transfer-Encoding: base64\r\nX: "')

    response = upload(client, with_map('{"0": ["variables.file"]}', broken))

    assert response.status_code == 400
    assert message(response) == "The body cannot be read as a form: Could not decode base64 data."


def test_empty_body_is_400(rf: RequestFactory) -> None:
    request = rf.generic("POST", URL, content_type=FORM, CONTENT_TYPE=FORM, CONTENT_LENGTH="0")
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]

    response: Any = endpoint(request)

    assert response.status_code == 400
    assert message(response) == "The body is empty; it must be a form with the fields operations and map."


@pytest.mark.parametrize("content_type", [FORM + "; charset=UTF-8", FORM.replace("form-data", "Form-Data")])
def test_media_type_is_read_as_http_has_it(client: Client, content_type: str) -> None:
    assert post(client, ONE_FILE, content_type=content_type).json() == {"data": {"setCover": A_TXT}}


# --- names ---


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("a\0b.txt", "ab.txt"),
        ("&#x2e;&#x2e;&#x2f;a.txt", "a.txt"),
        ("Łódź.txt", "Łódź.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
    ],
)
def test_names_are_cleaned_by_django(client: Client, sent: str, name: str) -> None:
    paths = {"0": ["variables.file"]}

    assert answer(client, SET_COVER, {"file": None}, paths, ALPHA._replace(filename=sent))["name"] == name


@pytest.mark.parametrize("sent", ["..", "../..", "a/", "\0"])
def test_file_of_no_name_does_not_arrive(client: Client, sent: str) -> None:
    response = upload(client, form(SET_COVER, {"file": None}, {"0": ["variables.file"]}, ALPHA._replace(filename=sent)))

    assert message(response) == "The form field map names the file '0', which is not in the form."


# --- limits and handlers ---


def error_of(response: Any) -> Any:
    (found,) = json.loads(response.content)["errors"]
    return found


@pytest.mark.parametrize("limit", [len(ONE_FILE), None])
def test_form_of_the_largest_size_is_read(client: Client, settings: Any, limit: int | None) -> None:
    settings.FRAISEQL = {"LIMITS": {"UPLOAD_BYTES": limit, "BODY_BYTES": 200}}

    assert upload(client, ONE_FILE).json() == {"data": {"setCover": A_TXT}}


def test_larger_form_is_413_and_not_read(rf: RequestFactory, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"UPLOAD_BYTES": len(ONE_FILE) - 1}}
    request = rf.post(URL, ONE_FILE, content_type=FORM)
    request._dont_enforce_csrf_checks = True

    response: Any = endpoint(request)

    assert response.status_code == 413
    assert error_of(response) == {
        "message": f"The body has {len(ONE_FILE)} bytes; the limit is {len(ONE_FILE) - 1}.",
        "extensions": {
            "code": "REQUEST_TOO_LARGE",
            "limit": len(ONE_FILE) - 1,
            "value": len(ONE_FILE),
            "setting": "LIMITS.UPLOAD_BYTES",
        },
    }
    assert not request._read_started


def test_form_may_be_larger_than_another_body(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 1000}}

    found = answer(client, SET_COVER, {"file": None}, {"0": ["variables.file"]}, ALPHA._replace(content="x" * 100_000))

    assert found["size"] == 100_000


@pytest.mark.parametrize("name", ["operations", "map"])
def test_larger_field_is_413(client: Client, settings: Any, name: str) -> None:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 200}}
    parts = [
        part._replace(content=str(part.content).ljust(201 if part.name == name else 0)) for part in (OPERATIONS, MAP)
    ]

    response = upload(client, encoded(*parts, ALPHA))

    assert response.status_code == 413
    assert error_of(response) == {
        "message": f"The form field {name} has 201 bytes; the limit is 200.",
        "extensions": {"code": "REQUEST_TOO_LARGE", "limit": 200, "value": 201, "setting": "LIMITS.BODY_BYTES"},
    }


def test_larger_fields_than_django_takes_are_413(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    response = upload(client, ONE_FILE)

    assert response.status_code == 413
    assert error_of(response) == {
        "message": "The form without its files has more than 100 bytes; the limit is 100.",
        "extensions": {
            "code": "REQUEST_TOO_LARGE",
            "limit": 100,
            "value": "more than 100",
            "setting": "DATA_UPLOAD_MAX_MEMORY_SIZE",
        },
    }


def test_files_do_not_count_for_what_django_takes_of_fields(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200

    found = answer(client, SET_COVER, {"file": None}, {"0": ["variables.file"]}, ALPHA._replace(content="x" * 1000))

    assert found["size"] == 1000


@pytest.mark.parametrize(
    ("setting", "what"), [("DATA_UPLOAD_MAX_NUMBER_FILES", "files"), ("DATA_UPLOAD_MAX_NUMBER_FIELDS", "fields")]
)
def test_more_parts_than_django_takes_are_refused(client: Client, settings: Any, setting: str, what: str) -> None:
    setattr(settings, setting, 3)
    part = ALPHA if what == "files" else Part("a", "")

    response = upload(client, ONE_FILE.removesuffix(b"--parts--\r\n") + encoded(*[part] * 9))

    assert response.status_code == 400
    assert error_of(response) == {
        "message": f"The form has more than 3 {what}; the limit is 3.",
        "extensions": {"code": "LIMIT_EXCEEDED", "limit": 3, "value": "more than 3", "setting": setting},
    }
    assert RECEIVED == []


def test_large_file_is_in_a_temporary_file_until_the_request_ends(client: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10

    response = upload(client, ONE_FILE)

    (file,) = RECEIVED
    assert response.json() == {"data": {"setCover": A_TXT}}
    assert isinstance(file, TemporaryUploadedFile)
    assert file.closed
    assert not Path(file.temporary_file_path()).exists()


def test_temporary_file_of_a_form_that_is_refused_is_closed(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    assert upload(client, with_path("variables.other")).status_code == 400

    assert list(tmp_path.iterdir()) == []


class Skipping(FileUploadHandler):
    """Leaves out files of one name, and stops at those of another."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.file_name == "skip.txt":
            raise SkipFile
        if self.file_name == "stop.txt":
            raise StopUpload

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data.upper()

    def file_complete(self, file_size: int) -> None:
        return None


def test_handlers_of_the_project_are_asked(client: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Skipping", *settings.FILE_UPLOAD_HANDLERS]
    paths = {"0": ["variables.file"]}

    assert answer(client, SET_COVER, {"file": None}, paths, ALPHA)["content"] == "ALPHA"
    for name in ("skip.txt", "stop.txt"):
        response = upload(client, form(SET_COVER, {"file": None}, paths, ALPHA._replace(filename=name)))
        assert message(response) == "The form field map names the file '0', which is not in the form."


def test_form_that_a_middleware_has_read_is_read_as_well(rf: RequestFactory) -> None:
    for early in ("POST", "body"):
        request = rf.post(URL, ONE_FILE, content_type=FORM)
        request._dont_enforce_csrf_checks = True
        getattr(request, early)

        response: Any = endpoint(request)

        assert json.loads(response.content) == {"data": {"setCover": A_TXT}}
        request.close()


# --- cross-site request forgery ---


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def logged_in(browser: Client) -> Client:
    browser.force_login(User.objects.create(username="ada"))
    return browser


def rejected(response: Any) -> bool:
    return response.status_code == 403 and codes(response) == ["CSRF_FAILED"] and RECEIVED == []


def csrf_token(browser: Client) -> str:
    browser.get("/token/")
    return browser.cookies["csrftoken"].value


CROSS_SITE = {"Origin": "https://elsewhere.example", "Referer": "https://elsewhere.example/"}


def test_form_of_another_site_is_403(browser: Client) -> None:
    response = upload(browser, ONE_FILE, **CROSS_SITE)

    assert rejected(response)
    assert message(response) == (
        "Cross-site forms are not allowed. A form with files must be sent with one of the headers: "
        "X-CSRFTOKEN, GraphQL-Require-Preflight, Apollo-Require-Preflight, X-Apollo-Operation-Name."
    )


def test_form_of_another_site_is_403_for_who_is_logged_in(logged_in: Client) -> None:
    assert rejected(upload(logged_in, ONE_FILE, **CROSS_SITE))
    csrf_token(logged_in)
    assert rejected(upload(logged_in, ONE_FILE, **CROSS_SITE))


@pytest.mark.parametrize("name", ["GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-CSRFToken"])
def test_header_that_no_form_can_send_will_do_without_a_session(browser: Client, name: str) -> None:
    assert rejected(upload(browser, ONE_FILE, **{name: ""}))
    assert upload(browser, ONE_FILE, **{name: "1"}).json() == {"data": {"setCover": A_TXT}}


def test_session_needs_its_token(logged_in: Client) -> None:
    assert rejected(upload(logged_in, ONE_FILE, **{"GraphQL-Require-Preflight": "1"}))
    assert rejected(upload(logged_in, ONE_FILE, **{"X-CSRFToken": "x" * 32}))

    response = upload(logged_in, ONE_FILE, **{"X-CSRFToken": csrf_token(logged_in)})

    assert response.json() == {"data": {"setCover": A_TXT}}


def test_token_in_the_form_does_not_count(logged_in: Client) -> None:
    field = Part("csrfmiddlewaretoken", csrf_token(logged_in))

    assert rejected(upload(logged_in, encoded(field, OPERATIONS, MAP, ALPHA)))


def test_name_of_the_header_is_the_settings(browser: Client, settings: Any) -> None:
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"

    assert rejected(upload(browser, ONE_FILE, **{"X-CSRFToken": "1"}))
    assert upload(browser, ONE_FILE, **{"X-XSRF-Token": "1"}).status_code == 200


@pytest.mark.parametrize("session", [True, False])
def test_form_that_may_not_be_sent_is_not_read(rf: RequestFactory, session: bool) -> None:
    request = rf.post(URL, ONE_FILE, content_type=FORM)
    request._dont_enforce_csrf_checks = False
    if session:
        request.COOKIES = {"sessionid": "0" * 32, "csrftoken": "x" * 32}

    assert rejected(endpoint(request))
    assert not request._read_started
    assert request.method == "POST"


# --- servers ---


def test_form_is_read_under_asgi(settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    headers = {"Content-Length": str(len(ONE_FILE)), "GraphQL-Require-Preflight": "1"}

    found = ask(ONE_FILE[:200], ONE_FILE[200:], content_type=FORM, **headers)

    assert found == (200, {"data": {"setCover": A_TXT}})
    (file,) = RECEIVED
    assert file.closed


def test_larger_form_is_413_under_asgi(settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"UPLOAD_BYTES": 100}}

    status, found = ask(
        ONE_FILE, content_type=FORM, **{"Content-Length": str(len(ONE_FILE)), "GraphQL-Require-Preflight": "1"}
    )

    assert (status, found["errors"][0]["extensions"]["setting"]) == (413, "LIMITS.UPLOAD_BYTES")


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "many"}, {"Transfer-Encoding": "chunked"}])
def test_form_without_a_length_is_411(headers: dict[str, str]) -> None:
    """Django would take it for an empty one."""
    status, found = ask(ONE_FILE, content_type=FORM, **headers, **{"GraphQL-Require-Preflight": "1"})

    assert status == 411
    assert found["errors"] == [
        {
            "message": "A form must be sent with a Content-Length; Django does not read a form without one.",
            "extensions": {"code": "LENGTH_REQUIRED"},
        }
    ]


def test_client_that_hangs_up_is_not_answered_under_asgi() -> None:
    async def hang_up() -> bool:
        headers = {"host": "testserver", "content-type": FORM, "content-length": str(len(ONE_FILE))}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": URL,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        communicator = ApplicationCommunicator(get_asgi_application(), scope)
        await communicator.send_input({"type": "http.request", "body": ONE_FILE[:-20], "more_body": True})
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(timeout=10)
        return communicator.output_queue.empty()

    assert async_to_sync(hang_up)()
    assert RECEIVED == []


class Torn(io.BytesIO):
    """A connection that fails where its bytes end."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise ConnectionResetError("connection reset by peer")
        return found


def wsgi(stream: io.BytesIO, length: int) -> tuple[str, Any]:
    """Send what a WSGI server has of a request; return status and answer."""
    environ = RequestFactory().generic("POST", URL).environ
    environ |= {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(length), "wsgi.input": stream}
    environ["HTTP_GRAPHQL_REQUIRE_PREFLIGHT"] = "1"
    begun: list[str] = []
    response: Any = get_wsgi_application()(environ, lambda status, headers, *rest: begun.append(status))
    try:
        return begun[0], json.loads(b"".join(response))
    finally:
        response.close()


@pytest.mark.django_db(transaction=True)
def test_form_is_read_under_wsgi() -> None:
    assert wsgi(io.BytesIO(ONE_FILE), len(ONE_FILE)) == ("200 OK", {"data": {"setCover": A_TXT}})
    (file,) = RECEIVED
    assert file.closed


def test_length_below_zero_is_400() -> None:
    status, found = wsgi(io.BytesIO(ONE_FILE), -1)

    assert status == "400 Bad Request"
    assert found["errors"][0]["message"] == "The body cannot be read as a form: Invalid content length: -1."


LARGE_FILE = form(SET_COVER, {"file": None}, {"0": ["variables.file"]}, ALPHA._replace(content="x" * 300_000))


@pytest.mark.parametrize("handler", ["MemoryFileUploadHandler", "TemporaryFileUploadHandler"])
@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(LARGE_FILE[:-150_000], id="within a file"),
        pytest.param(ONE_FILE.removesuffix(b"parts--\r\n"), id="behind a file"),
        pytest.param(ONE_FILE[:-200], id="before the files"),
    ],
)
def test_client_that_hangs_up_is_400_under_wsgi(settings: Any, tmp_path: Path, handler: str, begun: bytes) -> None:
    """Servers tell it in two ways: by an error, or by the end of what there is to read."""
    settings.FILE_UPLOAD_HANDLERS = [f"django.core.files.uploadhandler.{handler}"]
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    # requests refer to their handlers and handlers to their requests: files must not wait for a collection
    gc.disable()
    try:
        torn, ended = wsgi(Torn(begun), len(LARGE_FILE)), wsgi(io.BytesIO(begun), len(LARGE_FILE))
        left = list(tmp_path.iterdir())
    finally:
        gc.enable()

    assert torn == (
        "400 Bad Request",
        {"errors": [{"message": "The body could not be read to its end.", "extensions": {"code": "BAD_REQUEST"}}]},
    )
    assert (ended[0], ended[1]["errors"][0]["extensions"]) == ("400 Bad Request", {"code": "BAD_REQUEST"})
    assert RECEIVED == []
    assert left == []
