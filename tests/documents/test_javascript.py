"""GraphQL in JavaScript and TypeScript, as people write it."""

from pathlib import Path

import pytest

from fraiseql_django.documents import extraction
from fraiseql_django.documents.extraction import extract
from fraiseql_django.documents.snippets import Mistake, Skipped, Snippet

pytest.importorskip("tree_sitter_typescript")

Q = "query A { books { title } }"

READ = {
    "template": f"const a = gql`{Q}`;",
    "of a member": f"const a = apollo.gql`{Q}`;",
    "call": f"const a = graphql(`{Q}`);",
    "double quotes": f'const a = gql("{Q}");',
    "single quotes": f"const a = gql('{Q}', options);",
    "generic": f"const a = gql<Book>`{Q}`;",
    "nested generics": f"const a = gql<Array<Map<A, B>>>`{Q}`;",
    "several generics": f"const a = gql<A.B<C>, D[], {{ x: () => Array<E> }}>`{Q}`;",
    "generics of a call": f"const a = useQuery(gql<Array<Map<A, B>>>(`{Q}`), {{}});",
    "generics on lines": f"const a = gql<\n  Array<Book>\n>`{Q}`;",
    "comment in a call": f"const a = graphql(/* GraphQL */ `{Q}`);",
    "comment before a template": f"const a = /* GraphQL */ `{Q}`;",
    "comment before a string": f"const a = /* GraphQL */ '{Q}';",
    "renamed by an import": f"import {{ gql as query, x as y }} from 'a';\nconst a = query`{Q}`; y`b`;",
    "in JSX": f"const a = <p title='x'>don't {{gql`{Q}`}}</p>;",
    "after an apostrophe in JSX": f"const a = <p>don't</p>; const b = gql`{Q}`;",
    "after a regular expression": f"const a = /[`'\"]/; const b = gql`{Q}`;",
    "in a template": f"const a = `x ${{gql`{Q}`}} y`;",
    "in a class": f"class A {{ static q = gql`{Q}`; }}",
    "in a decorator": f"@Query(gql`{Q}`) class A {{}}",
    "fragment at the end": f"const a = gql`{Q}\n${{BOOK.fragment}}\n`;",
    "fragment at the beginning": f"const a = gql`${{BOOK}}\n{Q}`;",
    "fragments around": f"const a = gql`${{A}} {Q} ${{B}} ${{C}}`;",
}


def found(tmp_path: Path, text: str, suffix: str = ".tsx") -> list[Snippet | Mistake | Skipped]:
    file = tmp_path / f"a{suffix}"
    file.write_text(text)
    return list(extract(file))


@pytest.mark.parametrize(
    ("text", "suffix"),
    # TypeScript has JSX only in .tsx
    [
        (text, suffix)
        for text in READ.values()
        for suffix in (".tsx", ".mjs", ".ts")
        if suffix != ".ts" or "<p" not in text
    ],
)
def test_operation_is_read(tmp_path: Path, text: str, suffix: str) -> None:
    (snippet,) = found(tmp_path, text, suffix)

    assert isinstance(snippet, Snippet)
    assert " ".join(snippet.text.split()) == Q


@pytest.mark.parametrize(
    "text",
    [
        f"// gql`{Q}`",
        f"/* gql`{Q}` */",
        f"const a = 'gql`{Q}`';",
        f"const a = sql`{Q}`;",
        f"const a = `{Q}`;",
        "const a = gql < b > c;",
        f"const a = /* GraphQL: */ `{Q}`;",
        "const a = <div>gql and graphql</div>;",
    ],
)
def test_what_is_no_operation_is_left(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_strings_are_read_as_javascript_reads_them(tmp_path: Path) -> None:
    text = r"""gql`a \`b\` \${c} \\ \u0041 \u{1F600} \x41 \n` ; gql('it\'s "x"\
y')"""
    template, string = found(tmp_path, text)

    assert isinstance(template, Snippet)
    assert isinstance(string, Snippet)
    assert template.text == "a `b` ${c} \\ A \U0001f600 A \n"
    assert string.text == 'it\'s "x"y'


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("query A { books(limit: ${limit}) { title } }", "an expression in a template must be a fragment between"),
        ("query A { books { ...${NAME} } }", "an expression in a template must be a fragment between"),
        ("query A ${DIRECTIVES} { books { title } }", "an expression in a template must be a fragment between"),
        ("query A { books { title } } ${fragment(1)}", "an expression in a template must be the name of a fragment"),
    ],
)
def test_expressions_that_are_no_fragments_are_mistakes(tmp_path: Path, expression: str, said: str) -> None:
    (mistake,) = found(tmp_path, f"\n\nconst a = gql`{expression}`;")

    assert isinstance(mistake, Mistake)
    assert str(mistake).startswith(f"{tmp_path / 'a.tsx'}:3: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\ngql(DOCUMENT);", ":2: skipped: gql(DOCUMENT) is not a string"),
        ("graphql('query A' + rest)", ":1: skipped: graphql('query A' + rest) is not a string"),
        ("\n\nconst a = = 3;", ":3: skipped: the parser does not understand the code here"),
    ],
)
def test_what_is_skipped_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (skipped,) = found(tmp_path, text)

    assert isinstance(skipped, Skipped)
    assert str(skipped) == f"{tmp_path / 'a.tsx'}{said}"


def test_code_behind_what_is_not_understood_is_read(tmp_path: Path) -> None:
    snippets = [item for item in found(tmp_path, f"const a = = 3;\nconst b = gql`{Q}`;") if isinstance(item, Snippet)]

    assert [(item.text, item.location.line) for item in snippets] == [(Q, 2)]


@pytest.mark.parametrize("suffix", [".vue", ".svelte"])
def test_scripts_of_components(tmp_path: Path, suffix: str) -> None:
    text = (
        "<template>\n  <p>gql`query No { x }` don't</p>\n</template>\n"
        f'<script\n  lang="ts"\n>\nconst a: Array<A> = b as any;\nconst c = gql`{Q}`; const d = "</p>";\n</script>\n'
        "<style>p { color: red }</style>\n"
    )
    (snippet,) = found(tmp_path, text, suffix)

    assert isinstance(snippet, Snippet)
    assert (snippet.text, snippet.location.line) == (Q, 8)


def test_without_the_parser_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "HAS_PARSER", False)

    (mistake,) = found(tmp_path, f"const a = gql`{Q}`;")
    assert str(mistake) == (
        f"{tmp_path / 'a.tsx'}:1: reading JavaScript needs the extra javascript: pip install "
        "'fraiseql_django[javascript]'; or give the manifest that the client's own tool writes"
    )
    # a file in which there can be none is no mistake
    assert found(tmp_path, "export const a = 1;") == []
