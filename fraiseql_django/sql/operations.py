"""Migration operations that make views and functions, from a declaration or from the text of a .sql file.

    from fraiseql_django.operations import CreateFunction, CreateView, DropFunction, DropView

The text is in the migration and so stays what it was, whatever becomes of the file; ``file`` says where it came
from. ``manage.py fraiseql_makemigrations`` writes such migrations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import NotSupportedError, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from .script import Kind, Object, Script, Statement, parse_name, quoted, read_script, switch, written_name
from .tokens import slice_of, statements, tokens

# What a query begins with; everything else is read as whole statements
_QUERY = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
# The first version whose views can have security_invoker (PostgreSQL documentation, CREATE VIEW)
_SECURITY_INVOKER = 150_000


def _is_query(text: str) -> bool:
    found = tokens(text)
    return bool(found) and (found[0].word or found[0].text) in _QUERY


class _Lines(str):
    """Text that a migration shows line by line, so that a change of it can be read in a review.

    Django's writer writes the repr of what it is given.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        lines = self.splitlines(keepends=True)
        return "\n".join(["(", *(f"    {line!r}" for line in lines), ")"]) if len(lines) > 1 else super().__repr__()


class _Definition(Operation):
    """Takes what ``old`` made to what ``new`` makes, and back; either may be nothing."""

    # nothing is left half-made, in a migration that is not atomic either
    atomic = True
    noun: str
    is_view: bool

    def __init__(self, name: str, new: Script | None, old: Script | None, file: str | None, elidable: bool) -> None:
        self.name = name
        self.file = file
        self.elidable = elidable  # type: ignore[misc]  # a class variable to the stubs; RunSQL sets it likewise
        self._new = new
        self._old = old
        self._verb = "Drop" if new is None else "Create" if old is None else "Replace"
        self.category = {  # type: ignore[misc]
            "Drop": OperationCategory.REMOVAL,
            "Create": OperationCategory.ADDITION,
            "Replace": OperationCategory.ALTERATION,
        }[self._verb]
        if script := new or old:
            self._check(script.objects[0])

    def _check(self, first: Object) -> None:
        """Raise ValueError where the first object of the text is not the one that is named."""
        if (first.name, first.is_view) != (parse_name(self.name), self.is_view):
            what = "View" if first.is_view else "Function"
            suggested = f"{self.__class__.__name__.removesuffix('View').removesuffix('Function')}{what}"
            raise ValueError(
                f"{self.__class__.__name__}({self.name!r}) is given the text of {first.kind.lower()} "
                f"{written_name(first.name)!r}; write {suggested}({written_name(first.name)!r}, …)"
            )

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Models know nothing of it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make the new definition; raise NotSupportedError on other databases than PostgreSQL."""
        # the migration that made the old one may have been squashed away
        self._run(app_label, schema_editor, switch(self._earlier(), self._new, if_exists=self._new is not None))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make the old definition again, or none; raise NotSupportedError as above."""
        self._run(app_label, schema_editor, switch(self._new, self._old))

    def _earlier(self) -> Script | None:
        """Return what is there before: for a view without an old definition one of its name, if any."""
        if self._old is None and self._new is not None:
            return Script(statements=tuple(item for item in self._new.statements if item.made and item.made.is_view))
        return self._old

    def _run(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, sql: Sequence[str]) -> None:
        connection: Any = schema_editor.connection
        if not router.allow_migrate(connection.alias, app_label):
            return
        if connection.vendor != "postgresql":
            raise NotSupportedError(
                f"{self.describe()}: the database {connection.alias!r} is {connection.display_name}, "
                f"must be PostgreSQL."
            )
        self._check_version(connection)
        for statement in sql:
            # None: the text has no parameters, and its percent signs are its own
            schema_editor.execute(statement, params=None)

    def _check_version(self, connection: Any) -> None:
        """Raise NotSupportedError where the server is too old for what was asked."""

    def describe(self) -> str:
        """Say what it does, for ``migrate`` and ``sqlmigrate``."""
        return f"{self._verb} {self.noun} {self.name}" + (f" from {self.file}" if self.file and self._new else "")

    @property
    def migration_name_fragment(self) -> str:
        """What a migration is named after it."""
        verb = "" if self._verb == "Create" else f"{self._verb}_"
        return f"{verb}{self.name}".replace('"', "").replace(".", "_").lower()

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return class name, no arguments and keyword arguments, text line by line."""
        arguments, keywords = self._constructor_args  # type: ignore[attr-defined]  # kept by Operation.__new__
        names = ("name", "reverse_sql" if self._new is None else "sql")
        given = {**dict(zip(names, arguments, strict=False)), **keywords}
        given = {key: value for key, value in given.items() if value is not None}
        lines = {key: _Lines(given[key]) for key in ("sql", "reverse_sql") if key in given}
        return self.__class__.__name__, [], {**given, **lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """What view a query becomes, for a text that is one and does not say so itself."""

    materialized: bool
    security_invoker: bool
    unique: Sequence[str]

    def check(self, texts: Sequence[str]) -> None:
        """Raise ValueError where the options contradict each other, or the texts."""
        if isinstance(self.unique, str):
            raise ValueError(f"unique is {self.unique!r}, must be a list of columns")
        if self.materialized and self.security_invoker:
            raise ValueError("security_invoker is for views; a materialized view's rows are read when it is refreshed")
        if (self.materialized or self.security_invoker or self.unique) and not any(map(_is_query, texts)):
            raise ValueError("materialized, security_invoker and unique go with a query; here the text says what it is")
        if self.unique and not self.materialized:
            raise ValueError(f"unique={list(self.unique)!r} is for materialized views; a view has no index")

    def script(self, name: str, text: str) -> Script:
        """Read a text of whole statements, or make them of a query."""
        if not _is_query(text):
            return read_script(text)
        query, *more = statements(text)
        if more:
            raise ValueError(f"the query of {name!r} is {1 + len(more)} statements, must be one")
        kind: Kind = "MATERIALIZED VIEW" if self.materialized else "VIEW"
        view = quoted(parse_name(name))
        options = " WITH (security_invoker = true)" if self.security_invoker else ""
        create = f"CREATE {kind} {view}{options} AS\n{slice_of(text, query)}"
        made = [Statement(sql=create, made=Object(kind=kind, name=parse_name(name)))]
        if self.unique:
            columns = ", ".join(quoted((column,)) for column in self.unique)
            made.append(Statement(sql=f"CREATE UNIQUE INDEX ON {view} ({columns})"))
        return Script(statements=tuple(made))


class _View(_Definition):
    is_view = True

    def __init__(
        self, name: str, *, new: str | None, old: str | None, query: _Query, file: str | None, elidable: bool
    ) -> None:
        texts = [text for text in (new, old) if text is not None]
        query.check(texts)
        if file and _is_query(texts[0]):
            raise ValueError(f"file={file!r} goes with the text of a file, which begins with CREATE, not with a query")
        made, earlier = (None if text is None else query.script(name, text) for text in (new, old))
        self._query = query
        self.noun = next(script.objects[0].kind.lower() for script in (made, earlier) if script)
        super().__init__(name, made, earlier, file, elidable)

    def _check_version(self, connection: Any) -> None:
        if self._query.security_invoker and connection.pg_version < _SECURITY_INVOKER:
            raise NotSupportedError(
                f"{self.describe()}: security_invoker needs PostgreSQL 15 or later; the database "
                f"{connection.alias!r} is {connection.pg_version // 10_000}."
            )


class CreateView(_View):
    """Makes a view; backwards the one before, or none.

    ``name`` is that in the database, ``"view"`` or ``"schema.view"``. ``sql`` is its query, or whole statements
    that begin with the view's CREATE: also COMMENT ON, GRANT, CREATE INDEX. ``reverse_sql`` is the definition
    before. ``file`` says where the text is from.

    For a query, ``materialized``, ``security_invoker`` (who reads needs the privileges and row security policies
    of the tables; PostgreSQL 15) and ``unique`` (the columns of the index that REFRESH MATERIALIZED VIEW
    CONCURRENTLY needs) say what view it is.

    A view that is there is dropped first, since CREATE OR REPLACE VIEW cannot change columns; what depends on it
    is not, so that PostgreSQL's error names it. Raises ValueError for what cannot be read.
    """

    def __init__(
        self,
        name: str,
        sql: str,
        *,
        materialized: bool = False,
        security_invoker: bool = False,
        unique: Sequence[str] = (),
        file: str | None = None,
        reverse_sql: str | None = None,
        elidable: bool = False,
    ) -> None:
        query = _Query(materialized=materialized, security_invoker=security_invoker, unique=unique)
        super().__init__(name, new=sql, old=reverse_sql, query=query, file=file, elidable=elidable)
        self.sql = sql
        self.reverse_sql = reverse_sql


class DropView(_View):
    """Drops a view; backwards makes it again from ``reverse_sql``. The arguments are those of ``CreateView``."""

    def __init__(
        self,
        name: str,
        reverse_sql: str,
        *,
        materialized: bool = False,
        security_invoker: bool = False,
        unique: Sequence[str] = (),
        file: str | None = None,
        elidable: bool = False,
    ) -> None:
        query = _Query(materialized=materialized, security_invoker=security_invoker, unique=unique)
        super().__init__(name, new=None, old=reverse_sql, query=query, file=file, elidable=elidable)
        self.reverse_sql = reverse_sql


class CreateFunction(_Definition):
    """Makes a function or procedure; backwards the one before, or none.

    ``sql`` is whole statements that begin with CREATE FUNCTION or CREATE PROCEDURE; there may be several, and
    GRANT, COMMENT ON and ALTER. ``reverse_sql`` is the text before. ``name`` and ``file`` are as in ``CreateView``.

    A function with the same arguments and the same return type as one before is replaced: what depends on it
    stays. One of the earlier text that is not so is dropped by its own argument types. What neither text has,
    overloads among them, is not touched. Raises ValueError for what cannot be read.
    """

    noun = "function"
    is_view = False

    def __init__(
        self,
        name: str,
        sql: str,
        *,
        file: str | None = None,
        reverse_sql: str | None = None,
        elidable: bool = False,
    ) -> None:
        old = None if reverse_sql is None else read_script(reverse_sql)
        super().__init__(name, read_script(sql), old, file, elidable)
        self.sql = sql
        self.reverse_sql = reverse_sql


class DropFunction(_Definition):
    """Drops the functions that ``reverse_sql`` makes, by their argument types; backwards makes them again."""

    noun = "function"
    is_view = False

    def __init__(self, name: str, reverse_sql: str, *, file: str | None = None, elidable: bool = False) -> None:
        super().__init__(name, None, read_script(reverse_sql), file, elidable)
        self.reverse_sql = reverse_sql
