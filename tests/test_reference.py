"""The reference is whole: every setting, command, option, error code, check and exception is in it."""

import re
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import fraiseql_django
from fraiseql_django.codes import CHECKS, ERRORS, REFUSED
from fraiseql_django.conf.settings import options
from scripts import reference

PACKAGE = Path(fraiseql_django.__file__).parent
REFERENCE = PACKAGE.parent / "docs" / "reference"
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")))
TEXTS = (PACKAGE / "codes.py").read_text(encoding="utf-8")
COMMANDS = sorted(path.stem for path in (PACKAGE / "management" / "commands").glob("fraiseql_*.py"))


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.stem for path in REFERENCE.glob("*.md")))
def test_pages_are_what_the_code_says(name: str) -> None:
    assert reference.written(page(name)) == page(name), "run: python -m scripts.reference"


def test_command_says_which_page_is_not_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "docs" / "reference"
    folder.mkdir(parents=True)
    (folder / "some.md").write_text("# Some\n\n<!-- reference: settings COUNTS -->\nold\n<!-- /reference -->\n")
    (folder / "settings.md").write_text("# Settings\n")
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "PAGES", folder)

    with pytest.raises(
        SystemExit, match=r"^Not up to date: docs/reference/some\.md\. Run: python -m scripts\.reference$"
    ):
        reference.main(["--check"])
    assert "old" in (folder / "some.md").read_text()

    reference.main([])
    reference.main(["--check"])
    assert "| `COUNTS` | True or False | `True` | Give every list" in (folder / "some.md").read_text()
    assert capsys.readouterr().out == "docs/reference/some.md is written.\n"


def test_a_description_leads_to_settings_and_pages() -> None:
    assert reference._prose("`LIMITS.RATE` of `DATABASES`, see docs/limits.md#memory") == (
        "[`LIMITS.RATE`](settings.md#limits) of `DATABASES`, see [Limits](../limits.md#memory)"
    )


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of the tables' rows by the name in backquotes that they begin with."""
    found = {}
    for line in text.splitlines():
        if match := re.match(r"\| `([^`]+)` \|", line):
            found[match.group(1)] = [cell.strip() for cell in line.strip("|").split(" | ")]
    return found


# --- settings ---


def test_no_setting_is_documented_that_there_is_not() -> None:
    text, upstream = page("settings").split("## The upstream's configuration")

    assert set(rows(text)) == {option.name for option in options()}
    assert set(rows(upstream)) == {
        *("db", "db.url", "db.pool_size", "db.timeout_seconds"),
        *("cache", "cache.type", "cache.url", "cache.ttl_seconds", "cache.max_size"),
    }


# --- commands ---


def test_commands_are_found() -> None:
    assert COMMANDS == [
        "fraiseql_clear_cache",
        "fraiseql_explain",
        "fraiseql_health",
        "fraiseql_inspect",
        "fraiseql_makemigrations",
        "fraiseql_schema",
        "fraiseql_stats",
        "fraiseql_trust",
        "fraiseql_watch",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_with_its_options(name: str) -> None:
    text = page("commands").split(f"## `{name}`")[1].split("\n## ")[0]
    command = load_command_class("fraiseql_django", name)
    common = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    own = {
        f"{action.option_strings[0]} {action.metavar or ''}".strip()
        for action in command.create_parser("manage.py", name)._actions
        if action.dest not in common and action.option_strings
    }

    assert {option for option in rows(text) if option.startswith("--")} == own


# --- errors ---


def codes() -> set[str]:
    """Return every code that the package's source gives an error."""
    assigned = re.findall(
        r'(?:\bcode(?:: str)? ?=|"code":|InvalidDocument\() ?"([A-Z_]+)"(?: if .* else "([A-Z_]+)")?', SOURCE
    )
    return {code for pair in assigned for code in pair if code}


def test_codes_are_found() -> None:
    assert codes() >= {"BAD_REQUEST", "LIMIT_EXCEEDED", "USER_ERROR", "DATABASE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"}


def test_every_error_code_is_described() -> None:
    described = {*ERRORS, *REFUSED}

    assert codes() - described == set()
    assert [name for name in described if f'"{name}"' not in SOURCE.replace(TEXTS, "")] == []


def test_every_system_check_is_described() -> None:
    assert list(CHECKS) == sorted(set(re.findall(r'"(fraiseql\.[EW]\d{3})"', SOURCE.replace(TEXTS, ""))))


def test_pages_have_all_codes_checks_and_names() -> None:
    named = rows(page("errors")).keys()
    headings = re.findall(r"^### `fraiseql\.(\w+)`$", page("python"), re.MULTILINE)

    assert named >= {*ERRORS, *REFUSED, *CHECKS}
    assert {*headings, "__version__"} == set(fraiseql_django.__all__)


@pytest.mark.parametrize("name", sorted(path.stem for path in REFERENCE.glob("*.md")))
def test_links_lead_somewhere(name: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page(name)):
        linked = (REFERENCE / target) if target else REFERENCE / f"{name}.md"
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, anchor
