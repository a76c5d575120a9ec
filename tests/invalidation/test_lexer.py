"""SQL text is split into tokens as PostgreSQL splits it, whatever is in it."""

import random
import re
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraiseql_django.invalidation.lexer import NAME, QUOTED, STRING, statements, tokens


def values(text: str) -> list[str]:
    return [token.value for token in tokens(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT -- a 'note\n 1", ["select", "1"]),
        ("SELECT -- a note\r1", ["select", "1"]),
        ("SELECT /* a /* nested */ 'comment */ 1", ["select", "1"]),
        ("UPDATE/**/item", ["update", "item"]),
        ("1 --", ["1"]),
        ("a <-- b\nc", ["a", "<", "c"]),
        ("a */* b */c", ["a", "*", "c"]),
        ("'it''s' 'x'", ["it's", "x"]),
        ("'a\\' b", ["a\\", "b"]),
        (r"E'a\'b\\' c", [r"a'b" + "\\", "c"]),
        ("e'\\x41\\101\\u0041\\n'", ["AAA\n"]),
        ("E'a'\n  -- why\n 'b\\'c' d", ["a'\n  -- why\n 'b'c", "d"]),
        ("E'a' 'b\\' c", ["a", "b\\", "c"]),
        ("B'01' x'F' N'n' U&'u'", ["01", "F", "n", "u"]),
        ("$$a ' \" -- $ b$$ c", ["a ' \" -- $ b", "c"]),
        ("$a$ $b$ $a $a$ c", [" $b$ $a ", "c"]),
        ("$1 $22 a$b$c", ["$1", "$22", "a$b$c"]),
        ('"It""s" ITEM "ITEM"', ['It"s', "item", "ITEM"]),
        ("ÄRGER Größe", ["Ärger", "größe"]),
        ("a\u00a0b", ["a\u00a0b"]),
        ('U&"d\\0061ta" U&"d!0061ta" UESCAPE \'!\'', ["data", "data", "uescape", "!"]),
        ("x" * 70, ["x" * 63]),
        ('"' + "ä" * 40 + '"', ["ä" * 31]),
        ("a.b . \"C\"", ["a", ".", "b", ".", "C"]),
        ("1.5e3 .5 1..10 1_000", ["1.5e3", ".5", "1", "..", "10", "1_000"]),
        ("x::int, y->>'k'", ["x", "::", "int", ",", "y", "->>", "k"]),
        ("(%s, %s, %s) x", ["(", "%s", ")", "x"]),
        ("a=%s b%%3 %(name)s", ["a", "=", "%s", "b", "%%", "3", "%(name)s"]),
        ("5 %bonus(1)", ["5", "%", "bonus", "(", "1", ")"]),
        ("'not closed", ["not closed"]),
        ("a /* not closed", ["a"]),
        ("$q$ not closed", [" not closed"]),
        ("", []),
        (" \n-- only a note", []),
    ],
)  # fmt: skip
def test_tokens(text: str, found: list[str]) -> None:
    assert values(text) == found


def test_statements() -> None:
    found = list(statements(tokens("; SELECT ';' ; /* ; */ UPDATE a SET b = $$;$$;")))

    assert [[token.value for token in part] for part in found] == [
        ["select", ";"],
        ["update", "a", "set", "b", "=", ";"],
    ]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
PIECES = st.sampled_from(
    ["'", '"', "$", "$a$", "--", "/*", "*/", "\n", "\\", "E'", "U&'", "%s", ";", "a", " ", "(", "''"]
)
SOUP = st.lists(PIECES | ANY_TEXT, max_size=30).map("".join)


@given(SOUP)
def test_every_text_is_read_to_its_end(text: str) -> None:
    found = tokens(text)

    assert all(one.start < one.end <= other.start for one, other in pairwise(found))
    # nothing between the tokens but white space and comments, and further parameters
    gaps = [text[one.end : other.start] for one, other in pairwise(found)]
    assert all(re.match(r"[\s]*$|[\s]*(--|/\*)|[\s,()]*(%s[\s,()]*)*$", gap) for gap in gaps)


COMMENTS = st.sampled_from([" ", "\n", "/* ' */", '/* /* ; */ " */', "-- $$\n", "--'\n--\"\r", "\t/**/"])
# two strings with a line break between them are one
WORDS = st.sampled_from(
    ["SELECT", "item", '"It em"', "'--',", "$q$ /* $q$", "E'\\'',", "%s", "(", ")", "5", "<=", "::"]
)


@given(st.lists(st.tuples(WORDS, COMMENTS), max_size=15))
def test_comments_and_white_space_change_nothing(parts: list[tuple[str, str]]) -> None:
    plain = tokens(" ".join(word for word, _ in parts), every_parameter=True)
    commented = tokens("".join(word + comment for word, comment in parts), every_parameter=True)

    assert [token[:2] for token in commented] == [token[:2] for token in plain]


def spelled(value: str, way: str) -> str:
    """Write a string as SQL."""
    if way == "'":
        return "'" + value.replace("'", "''") + "'"
    if way == "E":
        return "E'" + value.replace("\\", "\\\\").replace("'", random.Random(value).choice(["''", "\\'"])) + "'"
    return f"$quote${value}$quote$"


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(SOUP.filter(lambda text: "\0" not in text), st.sampled_from(["'", "E", "$"])), max_size=4))
def test_strings_are_those_of_postgresql(db: None, written: list[tuple[str, str]]) -> None:
    written = [(value, way) for value, way in written if way != "$" or "$quote" not in value + "$"]
    text = "SELECT " + ", /* ' */ ".join(spelled(*pair) for pair in written) + " -- '"
    with connection.cursor() as cursor:
        cursor.execute(text)
        row = cursor.fetchone()

    assert [token.value for token in tokens(text) if token.kind == STRING] == list(row or ())


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY_TEXT.filter(bool) | st.text("aZ_ÄÉßİ\u00a0漢$9", min_size=1, max_size=40))
def test_names_are_those_of_postgresql(db: None, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    texts = (
        [quoted, name]
        if re.fullmatch(r"[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*", name, re.ASCII)
        else [quoted]
    )
    for written in texts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 AS {written}")
            described: Any = cursor.description

        (token,) = tokens(written)
        assert token.kind in (NAME, QUOTED)
        assert token.value == described[0].name
