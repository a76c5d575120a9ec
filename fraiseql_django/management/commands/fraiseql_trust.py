"""``manage.py fraiseql_trust``: write the operations in source files of clients as trusted documents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...conf import get_settings
from ...documents.bundle import ManifestDocument, TrustedOperation, UnusableOperations, operations
from ...documents.extraction import SUFFIXES, extract
from ...documents.formats import FORMATS, existing_files, files, format_of, manifest_documents, other_operations
from ...documents.snippets import Skipped
from ...documents.trusted import UnusableDocuments
from ...engine import get_engine
from ...errors import FraiseQLError
from ..schema_option import add_schema_option, checked

# Directories with files of other tools and packages
_IGNORED = {"node_modules", "__pycache__"}
# What Relay's compiler, Apollo's generator and graphql-codegen write; read where it is named
_MANIFEST = ".json"


class Command(BaseCommand):
    """Writes a folder or a manifest, or compares it with the source files; does not use the database."""

    help = (
        "Write the GraphQL operations in clients' files as trusted documents, after checking each. Where a client's "
        "own tool writes a manifest (Apollo, Relay, graphql-codegen), give that; otherwise its source files."
    )
    # a system check asks for this command, so it must run while the check fails
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the sources, --schema, --out, --format, --typename, --keep and --check."""
        add_schema_option(parser, "the project's own schema")
        parser.add_argument(
            "sources",
            metavar="SRC",
            nargs="+",
            type=Path,
            help="manifests of clients' own tools (.json), or files and folders with operations; suffixes that are "
            f"read in folders: {', '.join(SUFFIXES)}",
        )
        parser.add_argument(
            "--out",
            metavar="PATH",
            type=Path,
            help="folder or manifest; by default, TRUSTED_DOCUMENTS.PATH of FRAISEQL",
        )
        parser.add_argument(
            "--format",
            metavar="FORMAT",
            choices=FORMATS,
            help=f"{', '.join(FORMATS)}; by default, a manifest if PATH ends in .json, otherwise a folder",
        )
        parser.add_argument(
            "--typename",
            action="store_true",
            help="add __typename to all objects below the root, as Apollo's and urql's clients do",
        )
        parser.add_argument(
            "--keep",
            action="store_true",
            help="keep the documents that are already in PATH, for clients that still use them",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; list the files that would be written or removed, and fail if there are any",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the source files, then write or compare their operations."""
        self.schema = checked(options["schema"])
        try:
            out = self._out(options["out"])
            format_ = options["format"] or format_of(out)
            current = self._operations(options["sources"], out, options["typename"])
            old = other_operations(out, current) if options["keep"] else []
            wanted = files(out, [*current, *old], format_)
            existing = existing_files(out, format_, wanted)
        except FraiseQLError as error:
            raise CommandError(str(error)) from error
        except UnusableDocuments as error:
            raise CommandError(f"{out} {error}") from error
        except OSError as error:
            raise CommandError(f"{out} cannot be read: {error.strerror}") from error
        differs = {file: text for file, text in wanted.items() if existing.get(file) != text.encode()}
        superfluous = existing.keys() - wanted.keys()
        if options["check"]:
            self._check(out, differs, superfluous)
        else:
            self._write(out, differs, superfluous)
            self.stdout.write(f"{out}: {_count(len(current) + len(old), 'document')}.")

    def _out(self, option: Path | None) -> Path:
        path = option or get_settings(self.schema).trusted_documents.path
        if path is None:
            where = "FRAISEQL" if self.schema is None else f"FRAISEQL['SCHEMAS'][{self.schema!r}]"
            raise CommandError(f"there is no path to write to; give --out or set {where}['TRUSTED_DOCUMENTS']['PATH']")
        return Path(path)

    def _operations(self, sources: Iterable[Path], out: Path, typenames: bool) -> list[TrustedOperation]:
        # by resolved path, because two sources may contain the same file
        paths = {file.resolve(): file for source in sources for file in _files(source, out)}
        manifests = [path for path in paths.values() if path.suffix == _MANIFEST]
        found = [item for path in paths.values() if path.suffix != _MANIFEST for item in extract(path)]
        for item in found:
            if isinstance(item, Skipped):
                self.stderr.write(self.style.WARNING(str(item)))
        extracted = [item for item in found if not isinstance(item, Skipped)]
        try:
            documents = operations(
                extracted,
                get_engine(self.schema).parser,
                typenames=typenames,
                manifests=[document for path in manifests for document in _documents_in(path)],
            )
        except UnusableOperations as error:
            for mistake in error.mistakes:
                self.stderr.write(str(mistake))
            raise CommandError(f"{_count(len(error.mistakes), 'mistake')}; nothing is written") from None
        if not documents:
            raise CommandError(f"there is no operation in: {', '.join(map(str, sources))}")
        return documents

    def _check(self, out: Path, differs: Mapping[Path, str], superfluous: Iterable[Path]) -> None:
        for file in sorted(differs):
            self.stdout.write(f"to be written: {file}")
        for file in sorted(superfluous):
            self.stdout.write(f"to be removed: {file}")
        if differs or superfluous:
            option = "" if self.schema is None else f" --schema {self.schema}"
            raise CommandError(f"{out} is not up to date; write it again: manage.py fraiseql_trust{option}")
        self.stdout.write(f"{out} is up to date.")

    def _write(self, out: Path, differs: Mapping[Path, str], superfluous: Iterable[Path]) -> None:
        try:
            for file, text in differs.items():
                file.parent.mkdir(parents=True, exist_ok=True)
                # as bytes, because the hash depends on line ends
                file.write_bytes(text.encode())
            for file in superfluous:
                file.unlink()
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from error


def _files(source: Path, out: Path) -> Iterator[Path]:
    """Yield the source files in a file or folder, without the documents that the command wrote to ``out``."""
    if source.is_file():
        if source.suffix not in (_MANIFEST, *SUFFIXES):
            raise CommandError(f"{source} has an unknown suffix; must be one of: {', '.join((_MANIFEST, *SUFFIXES))}")
        yield source
        return
    if not source.is_dir():
        raise CommandError(f"{source} does not exist")
    for folder, folders, names in os.walk(source):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _IGNORED and not name.startswith(".") and (here / name).resolve() != out.resolve()
        )
        yield from (here / name for name in sorted(names) if Path(name).suffix in SUFFIXES)


def _documents_in(manifest: Path) -> list[ManifestDocument]:
    try:
        return manifest_documents(manifest)
    except UnusableDocuments as error:
        raise CommandError(f"{manifest} {error}") from error


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
