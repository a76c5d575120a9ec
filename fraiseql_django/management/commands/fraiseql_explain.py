"""``manage.py fraiseql_explain``: show what executing an operation takes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ...documents.trusted import normalised
from ...engine import GraphQLEngine, get_engine
from ...errors import FraiseQLError, StorageError
from ...execution.response import PlannedOperation
from ...explain import candidates
from ...explain.operation import Statement, figures, kept_answer, lines_of, prepared_name, statements, viewer_name
from ...explain.plans import plan_of
from ...explain.report import ExplainedStatement, Report
from ...explain.trials import has_hypopg, trials
from ...language.parser import InvalidDocument
from ...viewer import VIEWER
from ..schema_option import add_schema_option, checked


class Command(BaseCommand):
    """Shows an operation's SQL, PostgreSQL's plan, what the cache does, its cost, and indexes that might help."""

    help = (
        "Show what executing a GraphQL operation takes: its SQL with PostgreSQL's plan, its tables, its entry in the "
        "cache, its cost beside the limits, and indexes that might help. Nothing is written to tables."
    )
    # so that it runs in a project that fails its checks
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the operation, where it comes from, its variables and its viewer, and what is shown."""
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "operation", metavar="OPERATION", nargs="?", help="text of the operation; '-' or nothing reads stdin"
        )
        source.add_argument("--file", metavar="FILE", type=Path, help="read the operation from this file")
        source.add_argument("--id", metavar="ID", help="identifier of a trusted document or a persisted query")
        parser.add_argument("--variables", metavar="JSON", help="variables as a JSON object; '@FILE' reads a file")
        parser.add_argument(
            "--operation-name", metavar="NAME", help="the operation to explain in a document with several"
        )
        add_schema_option(parser, "the project's own schema")
        parser.add_argument(
            "--user", metavar="USERNAME", help="the viewer: rules and permissions apply; by default, an anonymous one"
        )
        parser.add_argument(
            "--context", metavar="JSON", help="further values of the viewer, as a JSON object: for instance, a tenant"
        )
        parser.add_argument(
            "--analyze",
            action="store_true",
            help="run the statement of a query in a read-only transaction and show real rows, times and buffers; "
            "in the format text it is run twice",
        )
        parser.add_argument(
            "--try-indexes",
            action="store_true",
            help="make each proposed index in a transaction that is rolled back, and show whether PostgreSQL uses it; "
            "writes to the table wait meanwhile. Not needed where the extension hypopg is installed",
        )
        parser.add_argument(
            "--format", metavar="FORMAT", choices=("text", "json"), default="text", help="text (the default) or json"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan the operation and show what it takes."""
        name = checked(options["schema"])
        variables = _json_object("--variables", options["variables"]) or {}
        context = _json_object("--context", options["context"])
        try:
            engine = get_engine(name)
            text = _operation(engine, options)
            request = _request(options["user"])
            planned = engine.planned(text, variables, options["operation_name"], request=request, context=context)
            report = self._report(engine, text, planned, options)
        except InvalidDocument as error:
            for found in error.errors:
                self.stderr.write(lines_of(found))
            raise CommandError("the operation is not valid") from None
        except StorageError as error:
            raise CommandError(f"the database failed: {_first_line(error)}") from error
        except FraiseQLError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"the database failed: {_first_line(error)}") from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
            return
        styles = {"heading": self.style.MIGRATE_HEADING, "warning": self.style.WARNING}
        for line, style in report.lines():
            self.stdout.write(styles[style](line) if style else line)

    def _report(self, engine: GraphQLEngine, text: str, planned: PlannedOperation, options: dict[str, Any]) -> Report:
        is_mutation = bool(planned.plan.calls)
        if is_mutation and options["analyze"]:
            raise CommandError("a mutation is not run; without --analyze, the statements are planned that it reads by")
        viewer = planned.variables[VIEWER]
        # before a transaction is opened, in which answers are not kept
        kept = kept_answer(planned, engine)
        notes = []
        if is_mutation:
            notes.append("Only what the mutation reads is shown: it is not run, so what it writes is not known.")
        if planned.plan.slots:
            notes.append("Functions of the project answer a part of it: which rows they return decides the parameters.")
        explained = [
            self._explained(engine, statement, engine.session.of(viewer), options) for statement in statements(planned)
        ]
        return Report(
            name=planned.operation.name,
            kind=planned.operation.kind.value,
            viewer=viewer_name(viewer),
            server=_version(engine) if explained else "",
            statements=explained,
            kept=kept,
            figures=list(figures(planned, text, engine)),
            notes=notes,
        )

    def _explained(
        self, engine: GraphQLEngine, statement: Statement, settings: Any, options: dict[str, Any]
    ) -> ExplainedStatement:
        storage = engine.storage
        plan = plan_of(statement, storage, settings, analyze=options["analyze"], text=options["format"] == "text")
        hints = candidates.hints(plan.root, engine.settings.database)
        hypothetical = bool(hints.candidates) and has_hypopg(storage)
        tried = (
            trials(hints.candidates, statement, storage, settings, hypothetical=hypothetical)
            if hypothetical or options["try_indexes"]
            else ()
        )
        return ExplainedStatement(
            statement=statement, plan=plan, prepared=prepared_name(statement, engine), hints=hints, trials=list(tried)
        )


def _operation(engine: GraphQLEngine, options: dict[str, Any]) -> str:
    """Return the text of the operation, from where the options say."""
    if options["id"] is not None:
        text = engine.documents.get(normalised(options["id"]))
        if text is None:
            known = len(set(engine.documents.trusted.texts.values()))
            raise CommandError(f"there is no document {options['id']!r}; the engine has {known} trusted documents")
        return text
    if options["file"] is not None:
        return _read(options["file"])
    if options["operation"] not in (None, "-"):
        text = str(options["operation"])
        if "{" not in text:
            raise CommandError(
                f"{text!r} is no operation, which has braces; a file is read by --file, a document by --id"
            )
        return text
    if options["operation"] is None and sys.stdin.isatty():
        raise CommandError("there is no operation: give its text, --file or --id, or write it to stdin")
    return sys.stdin.read()


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8: byte {error.start}") from error


def _json_object(option: str, text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    found = _read(Path(text[1:])) if text.startswith("@") else text
    try:
        value = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{option} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError(f"{option} is {type(value).__name__} in JSON, must be an object: '{{\"name\": …}}'")
    return value


def _request(username: str | None) -> Any:
    """Return a request of the user with this name, or of an anonymous one; None in a project without users."""
    if not apps.is_installed("django.contrib.auth"):
        if username is not None:
            raise CommandError("--user needs django.contrib.auth in INSTALLED_APPS")
        return None
    request: Any = HttpRequest()
    request.method, request.path = "POST", "/"
    if username is None:
        request.user = import_string("django.contrib.auth.models.AnonymousUser")()
        return request
    users: Any = get_user_model()
    try:
        request.user = users._default_manager.get_by_natural_key(username)
    except (users.DoesNotExist, ValueError, ValidationError):
        raise CommandError(f"there is no user whose {users.USERNAME_FIELD} is {username!r}") from None
    return request


def _version(engine: GraphQLEngine) -> str:
    ((version,),) = engine.storage.query("SHOW server_version").rows
    # behind it distributions name their package
    return (version or b"").decode().partition(" ")[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
