"""What docs/clients.md shows is part of what the tests beside this one run."""

import re
from pathlib import Path

import pytest
from django.test import Client

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "clients.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
SUFFIXES = {".mjs", ".js", ".jsx", ".ts", ".py", ".json", ".toml", ".graphql"}
TESTED = [path.read_text() for path in HERE.rglob("*") if path.suffix in SUFFIXES and path != Path(__file__)]


@pytest.mark.parametrize(
    "block", [text for language, text in BLOCKS if language != "console"], ids=lambda text: text.partition("\n")[0][:60]
)
def test_code_is_part_of_a_file_that_is_run(block: str) -> None:
    assert any(block.rstrip("\n") in text for text in TESTED)


def test_commands_are_those_that_are_run() -> None:
    commands = [line for language, text in BLOCKS if language == "console" for line in text.splitlines()]
    assert len(commands) == 6
    tested = (HERE / "test_clients.py").read_text()
    for command in commands:
        program = command.removeprefix("npx ").removeprefix("python manage.py ").split()[0]
        assert re.search(rf'"{program}"', tested), command


def test_address_without_its_slash_is_redirected() -> None:
    assert Client().post("/graphql", {}, "application/json").status_code == 301
