"""Trusted documents, read: folders and manifests, their identifiers, and what is said of those that are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, run_checks

from fraiseql_django import ConfigurationError, GraphQLEngine, get_engine
from fraiseql_django.conf.settings import TrustedDocumentSettings
from fraiseql_django.documents.trusted import TrustedDocuments, digest, load

# of the specification's example (GraphQL over HTTP, appendix A)
EXAMPLE = "query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}"
EXAMPLE_HASH = "7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e"
QUERY = "{ __typename }"
HASH = digest(QUERY).removeprefix("sha256:")
HINT = "Write it with manage.py fraiseql_trust, or name the manifest that the clients' own tool wrote."


def loaded(path: Path | str) -> TrustedDocuments:
    return load(TrustedDocumentSettings(mode="optional", path=path))


def manifest(folder: Path, content: Any) -> Path:
    file = folder / "trusted.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_identifier_is_that_of_the_specification() -> None:
    assert digest(EXAMPLE) == f"sha256:{EXAMPLE_HASH}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({EXAMPLE_HASH: EXAMPLE}, id="identifiers"),
        pytest.param({f"sha256:{EXAMPLE_HASH}": EXAMPLE}, id="identifiers with a prefix"),
        pytest.param({EXAMPLE_HASH.upper(): EXAMPLE}, id="identifiers in capitals"),
        pytest.param({"a name": EXAMPLE}, id="names"),
        pytest.param(
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [{"id": EXAMPLE_HASH, "name": "A", "type": "query", "body": EXAMPLE}],
            },
            id="Apollo",
        ),
    ],
)
def test_documents_of_a_manifest_are_known_by_hash_and_by_text(tmp_path: Path, content: Any) -> None:
    found = loaded(manifest(tmp_path, content))

    for identifier in (EXAMPLE_HASH, EXAMPLE_HASH.upper(), f"sha256:{EXAMPLE_HASH}"):
        assert found.get(identifier) == EXAMPLE
    assert EXAMPLE in found
    assert EXAMPLE + "\n" not in found
    assert found.get("0" * 64) is None


def test_documents_of_a_manifest_are_known_by_name(tmp_path: Path) -> None:
    found = loaded(manifest(tmp_path, {"da39a3ee5e6b4b0d3255bfef95601890": EXAMPLE, "x-shop:Typename": QUERY}))

    assert found.get("da39a3ee5e6b4b0d3255bfef95601890") == EXAMPLE
    assert found.get("x-shop:Typename") == QUERY
    assert found.get("X-shop:Typename") is None


def test_documents_of_a_folder_are_read_to_the_last_blank(tmp_path: Path) -> None:
    text = "{ __typename }\r\n# Łódź\n"
    (tmp_path / f"{digest(text).removeprefix('sha256:')}.graphql").write_bytes(text.encode())
    (tmp_path / "Named.graphql").write_text(QUERY)
    (tmp_path / "README.md").write_bytes(b"\xff")

    found = loaded(tmp_path)

    assert found.get(digest(text)) == text
    assert found.get("Named") == QUERY
    assert len(found.texts) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(
            {HASH: QUERY + "\n"},
            f"contains a document with identifier {HASH!r} whose SHA-256 is "
            f"{digest(QUERY + chr(10)).removeprefix('sha256:')}.",
            id="another hash",
        ),
        pytest.param(
            {"sha256:abc": QUERY},
            f"contains a document with identifier 'sha256:abc' whose SHA-256 is {HASH}.",
            id="no hash",
        ),
        pytest.param('{"a": "{ b }", "a": "{ c }"}', "contains two documents with identifier 'a'.", id="twice"),
        pytest.param("nonsense", "is not JSON: Expecting value: line 1 column 1 (char 0).", id="no JSON"),
        pytest.param("[" * 100_000, None, id="nested"),
        pytest.param({}, "contains no documents.", id="empty"),
        pytest.param(
            {"format": "apollo-persisted-query-manifest", "version": 2, "operations": []},
            "is in version 2 of Apollo's format, which must be 1.",
            id="version",
        ),
        *(
            pytest.param(
                content,
                'is not a manifest; must be {"<identifier>": "<document>"} or {"format": '
                '"apollo-persisted-query-manifest", "version": 1, "operations": […]}.',
                id=json.dumps(content),
            )
            for content in (
                [],
                {"a": 1},
                {"a": {"b": "c"}},
                {"format": "apollo-persisted-query-manifest", "version": 1},
                {"format": "apollo-persisted-query-manifest", "version": 1, "operations": ["a"]},
                {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "a"}]},
            )
        ),
    ],
)
def test_manifest_that_is_wrong_is_an_error_of_check_and_engine(
    tmp_path: Path, settings: Any, content: Any, says: str | None
) -> None:
    file = manifest(tmp_path, content)
    where = f"FRAISEQL['TRUSTED_DOCUMENTS']['PATH'] is {str(file)!r}, which "
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": file}}

    (error,) = found()
    assert (error.id, error.hint) == ("fraiseql.E016", HINT)
    assert error.msg == where + says if says else error.msg.startswith(f"{where}is not JSON: ")
    with pytest.raises(ConfigurationError) as caught:
        assert get_engine().documents.trusted
    assert str(caught.value) == f"{error.msg} {HINT}"


def found() -> list[CheckMessage]:
    return [message for message in run_checks(tags=["fraiseql"]) if message.id != "fraiseql.W009"]


def test_folder_with_a_document_under_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{HASH}.graphql").write_text(EXAMPLE)

    with pytest.raises(
        ConfigurationError, match=f"contains a document with identifier '{HASH}' whose SHA-256 is {EXAMPLE_HASH}"
    ):
        loaded(tmp_path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_bytes(b"{ \xff }")
    (tmp_path / "folder").mkdir()

    for path, says in [
        (tmp_path / "none", "which does not exist."),
        (tmp_path / "a.graphql" / "b.json", "which cannot be read: Not a directory."),
        (tmp_path, "which contains a file that is not UTF-8: a.graphql, byte 2."),
        (tmp_path / "folder", "which contains no documents."),
        ("a\0b", "which cannot be read: embedded null byte."),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            loaded(path)
        assert says in str(caught.value)


def test_mode_without_a_path_is_an_error(settings: Any) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "optional"}}

    assert found() == [
        Error(
            "FRAISEQL['TRUSTED_DOCUMENTS']['PATH'] is None though FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is 'optional'.",
            hint=HINT,
            id="fraiseql.E016",
        )
    ]


def test_unknown_mode_is_an_error_that_names_the_known_ones(settings: Any) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "on"}}

    assert found() == [
        Error(
            "FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is 'on', which is no choice.",
            hint="Must be one of: 'off', 'optional', 'required'.",
            id="fraiseql.E014",
        )
    ]


def test_persisted_queries_beside_required_documents_are_an_error(settings: Any, tmp_path: Path) -> None:
    path = manifest(tmp_path, {HASH: QUERY})
    for mode, wrong in (("optional", False), ("required", True)):
        settings.FRAISEQL = {
            "TRUSTED_DOCUMENTS": {"MODE": mode, "PATH": str(path)},
            "PERSISTED_QUERIES": {"ENABLED": True},
        }
        expected = Error(
            "FRAISEQL['PERSISTED_QUERIES']['ENABLED'] is True though FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is "
            "'required'.",
            hint="Anybody can have a query persisted; where only trusted documents are executed, set ENABLED to False.",
            id="fraiseql.E015",
        )
        assert found() == ([expected] if wrong else [])


@pytest.mark.parametrize("path", [7, ["a"]])
def test_path_is_a_string_or_a_path(settings: Any, path: Any) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"PATH": path}}

    assert [error.msg for error in found()] == [
        f"FRAISEQL['TRUSTED_DOCUMENTS']['PATH'] is {path!r}, not a string, a path or None."
    ]


def test_nothing_is_read_where_they_are_off(settings: Any) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "off", "PATH": "/no/such/folder"}}

    assert found() == []
    assert get_engine().documents.trusted == TrustedDocuments()


def test_documents_are_read_once_and_anew_for_other_settings(settings: Any, tmp_path: Path) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "optional", "PATH": manifest(tmp_path, {HASH: QUERY})}}
    engine = get_engine()
    assert QUERY in engine.documents.trusted
    manifest(tmp_path, {EXAMPLE_HASH: EXAMPLE})

    assert QUERY in engine.documents.trusted
    settings.FRAISEQL = dict(settings.FRAISEQL)
    assert QUERY not in get_engine().documents.trusted
    assert EXAMPLE in get_engine().documents.trusted


def test_schema_can_be_had_while_documents_are_still_to_be_written(settings: Any, tmp_path: Path) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": tmp_path / "later.json"}}

    assert "Query" in GraphQLEngine().schema.graphql.type_map
