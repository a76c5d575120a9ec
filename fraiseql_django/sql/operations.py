"""Migration operations that create and drop views and functions, and the triggers of watched tables.

    from fraiseql_django.operations import CreateFunction, CreateView, DropFunction, DropView
    from fraiseql_django.operations import UnwatchTables, WatchTables

The SQL text is part of the migration, so a migration does not change when a .sql file does; ``file`` names the file
that the text is from. ``manage.py fraiseql_makemigrations`` writes migrations with these operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import NotSupportedError, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from .script import Kind, Script, SQLObject, Statement, parse_name, quoted, read_script, switch, written_name
from .tokens import slice_of, statements, tokens
from .triggers import tables_of_model, unwatch_statements, watch_statements

# First tokens of a query; any other text is read as complete statements
_QUERY = frozenset({"SELECT", "WITH", "VALUES", "TABLE", "("})
# The first version whose views can have security_invoker (PostgreSQL documentation, CREATE VIEW)
_SECURITY_INVOKER = 150_000


def _is_query(text: str) -> bool:
    first = next(iter(tokens(text)), None)
    return first is not None and (first.word or first.text) in _QUERY


class _Lines(str):
    """Text that is written to a migration with one line of source for each line, so that diffs are readable.

    Django's MigrationWriter writes the ``repr`` of a string.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        lines = self.splitlines(keepends=True)
        return "\n".join(["(", *(f"    {line!r}" for line in lines), ")"]) if len(lines) > 1 else super().__repr__()


class _Definition(Operation):
    """Replaces the objects of the script ``old`` by those of ``new``, and backwards; either may be None."""

    # so that all statements are rolled back together in a migration that is not atomic, too
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

    def _check(self, first: SQLObject) -> None:
        """Raise ValueError unless ``name`` is the name of the script's first object."""
        if (first.name, first.is_view) != (parse_name(self.name), self.is_view):
            what = "View" if first.is_view else "Function"
            suggested = f"{self.__class__.__name__.removesuffix('View').removesuffix('Function')}{what}"
            raise ValueError(
                f"{self.__class__.__name__}({self.name!r}) has the text of {first.kind.lower()} "
                f"{written_name(first.name)!r}; write {suggested}({written_name(first.name)!r}, …)"
            )

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Do nothing: views and functions are not part of the state of models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Create the new definition; raise NotSupportedError on databases other than PostgreSQL."""
        # IF EXISTS, since the migration that created the old objects may have been removed by squashmigrations
        self._run(app_label, schema_editor, switch(self._replaced(), self._new, if_exists=self._new is not None))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Restore the old definition, if any; raise NotSupportedError on databases other than PostgreSQL."""
        self._run(app_label, schema_editor, switch(self._new, self._old))

    def _replaced(self) -> Script | None:
        """Return the objects to replace: without an old definition, views that have the same names."""
        if self._old is None and self._new is not None:
            return Script(
                statements=tuple(item for item in self._new.statements if item.created and item.created.is_view)
            )
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
            # None instead of []: percent signs in the text are not placeholders
            schema_editor.execute(statement, params=None)

    def _check_version(self, connection: Any) -> None:
        """Raise NotSupportedError if the server's version lacks a feature that the definition needs."""

    def describe(self) -> str:
        """Return the description that ``migrate`` and ``sqlmigrate`` show."""
        return f"{self._verb} {self.noun} {self.name}" + (f" from {self.file}" if self.file and self._new else "")

    @property
    def migration_name_fragment(self) -> str:
        """The part of an automatic migration name that stands for the operation."""
        verb = "" if self._verb == "Create" else f"{self._verb}_"
        return f"{verb}{self.name}".replace('"', "").replace(".", "_").lower()

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return the class name and keyword arguments for MigrationWriter."""
        arguments, keywords = self._constructor_args  # type: ignore[attr-defined]  # kept by Operation.__new__
        names = ("name", "reverse_sql" if self._new is None else "sql")
        values = {**dict(zip(names, arguments, strict=False)), **keywords}
        values = {key: value for key, value in values.items() if value is not None}
        lines = {key: _Lines(values[key]) for key in ("sql", "reverse_sql") if key in values}
        return self.__class__.__name__, [], {**values, **lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ViewOptions:
    """The options of a view whose text is a query; a text of complete statements has them in CREATE VIEW itself."""

    materialized: bool
    security_invoker: bool
    unique: Sequence[str]

    def check(self, texts: Sequence[str]) -> None:
        """Raise ValueError for options that contradict each other or the texts."""
        if isinstance(self.unique, str):
            raise ValueError(f"unique is {self.unique!r}, must be a list of columns")
        if self.materialized and self.security_invoker:
            raise ValueError(
                "security_invoker cannot be used with materialized, whose rows are read when the view is refreshed"
            )
        if (self.materialized or self.security_invoker or self.unique) and not any(map(_is_query, texts)):
            raise ValueError("materialized, security_invoker and unique need a query; this text has its own CREATE")
        if self.unique and not self.materialized:
            raise ValueError(f"unique={list(self.unique)!r} needs materialized=True; other views have no index")

    def script(self, name: str, text: str) -> Script:
        """Return the script of a text; a query becomes a CREATE statement with the options."""
        if not _is_query(text):
            return read_script(text)
        query, *more = statements(text)
        if more:
            raise ValueError(f"the query of {name!r} is {1 + len(more)} statements, must be one")
        kind: Kind = "MATERIALIZED VIEW" if self.materialized else "VIEW"
        view = quoted(parse_name(name))
        options = " WITH (security_invoker = true)" if self.security_invoker else ""
        create = f"CREATE {kind} {view}{options} AS\n{slice_of(text, query)}"
        result = [Statement(sql=create, created=SQLObject(kind=kind, name=parse_name(name)))]
        if self.unique:
            columns = ", ".join(quoted((column,)) for column in self.unique)
            result.append(Statement(sql=f"CREATE UNIQUE INDEX ON {view} ({columns})"))
        return Script(statements=tuple(result))


class _View(_Definition):
    is_view = True

    def __init__(
        self, name: str, *, new: str | None, old: str | None, query: _ViewOptions, file: str | None, elidable: bool
    ) -> None:
        texts = [text for text in (new, old) if text is not None]
        query.check(texts)
        if file and _is_query(texts[0]):
            raise ValueError(f"file={file!r} needs the text of a file, which begins with CREATE; this text is a query")
        new_script, old_script = (None if text is None else query.script(name, text) for text in (new, old))
        self._query = query
        self.noun = next(script.objects[0].kind.lower() for script in (new_script, old_script) if script)
        super().__init__(name, new_script, old_script, file, elidable)

    def _check_version(self, connection: Any) -> None:
        if self._query.security_invoker and connection.pg_version < _SECURITY_INVOKER:
            raise NotSupportedError(
                f"{self.describe()}: security_invoker needs PostgreSQL 15 or later; the database "
                f"{connection.alias!r} is {connection.pg_version // 10_000}."
            )


class CreateView(_View):
    """Creates a view; backwards restores the previous definition, or drops the view.

    ``name`` is its name in the database, ``"view"`` or ``"schema.view"``. ``sql`` is a query, or complete statements:
    the view's CREATE first, then COMMENT ON, GRANT, CREATE INDEX and so on. ``reverse_sql`` is the previous
    definition. ``file`` names the file that the text is from.

    Options for a query: ``materialized``; ``security_invoker``, which checks privileges and row security policies of
    the user who reads (PostgreSQL 15); ``unique``, the columns of a unique index, which REFRESH MATERIALIZED VIEW
    CONCURRENTLY needs.

    An existing view is dropped first, because CREATE OR REPLACE VIEW cannot change columns. Dependent objects are not
    dropped; PostgreSQL's error names them. Raises ValueError for text that cannot be read.
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
        query = _ViewOptions(materialized=materialized, security_invoker=security_invoker, unique=unique)
        super().__init__(name, new=sql, old=reverse_sql, query=query, file=file, elidable=elidable)
        self.sql = sql
        self.reverse_sql = reverse_sql


class DropView(_View):
    """Drops a view; backwards creates it from ``reverse_sql``. The other arguments are those of ``CreateView``."""

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
        query = _ViewOptions(materialized=materialized, security_invoker=security_invoker, unique=unique)
        super().__init__(name, new=None, old=reverse_sql, query=query, file=file, elidable=elidable)
        self.reverse_sql = reverse_sql


class CreateFunction(_Definition):
    """Creates functions or procedures; backwards restores the previous definition, or drops them.

    ``sql`` has complete statements: CREATE FUNCTION or CREATE PROCEDURE first, then more of these, GRANT, COMMENT ON
    and ALTER. ``reverse_sql`` is the previous text. ``name``, that of the first function, and ``file`` are those of
    ``CreateView``.

    A function of the previous text with the same arguments and return type is replaced in place, so that dependent
    objects remain; others are dropped by their argument types. Functions in neither text, such as overloads, are not
    changed. Raises ValueError for text that cannot be read.
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
    """Drops the functions that ``reverse_sql`` creates, by their argument types; backwards creates them again."""

    noun = "function"
    is_view = False

    def __init__(self, name: str, reverse_sql: str, *, file: str | None = None, elidable: bool = False) -> None:
        super().__init__(name, None, read_script(reverse_sql), file, elidable)
        self.reverse_sql = reverse_sql


class WatchTables(Operation):
    """Makes the triggers by which writes of other programs are noticed; backwards removes them.

    ``tables`` are names in the database, ``"table"`` or ``"schema.table"``; ``models`` are names of models of the app:
    their tables, and those that Django makes for their many-to-many fields. Partitions that a table has now get the
    trigger as well. A watcher hears them (``manage.py fraiseql_watch``, or ``CACHE.WATCH``).
    """

    reduces_to_sql = True
    atomic = True
    category = OperationCategory.SQL
    watches = True

    def __init__(self, tables: Sequence[str] = (), *, models: Sequence[str] = ()) -> None:
        for argument, value in (("tables", tables), ("models", models)):
            if isinstance(value, str):
                raise ValueError(f"{argument} is {value!r}, must be a list of names")
        if not (tables or models):
            raise ValueError(f"{self.__class__.__name__} needs tables or models")
        self.tables = tables
        self.models = models
        self._names = [parse_name(table) for table in tables]

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Do nothing: triggers are not part of the state of models."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Make the triggers; raise NotSupportedError on databases other than PostgreSQL."""
        self._run(app_label, schema_editor, to_state, watches=self.watches)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Remove the triggers; raise NotSupportedError on databases other than PostgreSQL."""
        self._run(app_label, schema_editor, from_state, watches=not self.watches)

    def _run(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState, *, watches: bool
    ) -> None:
        connection: Any = schema_editor.connection
        if not router.allow_migrate(connection.alias, app_label):
            return
        if connection.vendor != "postgresql":
            raise NotSupportedError(
                f"{self.describe()}: the database {connection.alias!r} is {connection.display_name}, "
                f"must be PostgreSQL."
            )
        of_models = [name for model in self.models for name in tables_of_model(state.apps.get_model(app_label, model))]
        names = dict.fromkeys([*self._names, *of_models])
        for statement in watch_statements(names) if watches else unwatch_statements(names):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        """Return the description that ``migrate`` and ``sqlmigrate`` show."""
        return f"{'Watch' if self.watches else 'Stop watching'} {', '.join([*self.tables, *self.models])}"

    @property
    def migration_name_fragment(self) -> str:
        """The part of an automatic migration name that stands for the operation."""
        names = "_".join([*self.tables, *self.models]).replace('"', "").replace(".", "_").lower()
        return f"{'watch' if self.watches else 'unwatch'}_{names}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Return the class name and keyword arguments for MigrationWriter."""
        values = {"tables": list(self.tables), "models": list(self.models)}
        return self.__class__.__name__, [], {key: value for key, value in values.items() if value}


class UnwatchTables(WatchTables):
    """Removes the triggers that ``WatchTables`` makes; backwards makes them."""

    watches = False
