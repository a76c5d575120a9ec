"""Example operations that GraphiQL offers: documents in a folder, each with a title and perhaps variables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..conf.reader import Problem
from ..conf.settings import GraphiQLSettings


class UnusableExamples(Exception):
    """Example operations cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An operation; ``variables`` are JSON, or empty."""

    title: str
    query: str
    variables: str = ""


def read_examples(folder: Path) -> list[Example]:
    """Read the examples of a folder, in the order of their names.

    ``books.graphql`` is a document, whose title is its first line where that is a comment, and otherwise the name;
    ``books.json`` are its variables. Raises UnusableExamples for what cannot be read.
    """
    if not folder.is_dir():
        raise UnusableExamples("is no folder")
    return list(_examples(folder))


def example_problems(settings: GraphiQLSettings) -> Iterator[Problem]:
    """Yield what is wrong with ``GRAPHIQL.EXAMPLES``."""
    if settings.examples is None:
        return
    try:
        read_examples(Path(settings.examples))
    except UnusableExamples as error:
        yield Problem(
            id="fraiseql.E032",
            message=f"FRAISEQL['GRAPHIQL']['EXAMPLES'] is {str(settings.examples)!r}, which {error}.",
            hint="Name a folder of .graphql files; the variables of books.graphql stand in books.json.",
        )


def _examples(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.graphql")):
        variables = path.with_suffix(".json")
        try:
            query = path.read_text(encoding="utf-8")
            values = variables.read_text(encoding="utf-8") if variables.exists() else ""
            if values and not isinstance(json.loads(values), dict):
                raise UnusableExamples(f"contains {variables.name}, which is no JSON object")
        except (OSError, ValueError) as error:
            raise UnusableExamples(f"contains {path.name}, which cannot be read: {error}") from error
        first, _, _ = query.partition("\n")
        title = first.lstrip("# ") if first.startswith("#") else path.stem
        yield Example(title=title, query=query, variables=values)
