"""What is found in clients' files: GraphQL, errors, and what was skipped, each with its line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class SourceLine:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """GraphQL in a file, and the line where it begins."""

    text: str
    location: SourceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An error in a file, and its line."""

    location: SourceLine
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """What looks like GraphQL but cannot be read without executing the code, and its line."""

    location: SourceLine
    message: str

    def __str__(self) -> str:
        return f"{self.location}: skipped: {self.message}"
