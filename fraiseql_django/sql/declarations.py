"""What was found in the database → the Python source of declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..declare.names import pascal_case
from .inspection import Column, Function, Relation, Type
from .samples import Shape, shape_of
from .script import written_name
from .source import attribute, call, comment, docstring, literal, unique

_HEADER = '"""Declarations over views and functions of the database: read them before they are used."""'
_FRAISEQL = "import fraiseql_django as fraiseql"
# What stands for a type in an annotation, by its name in pg_type
_ANNOTATIONS: Mapping[str, str] = {
    **dict.fromkeys(("int2", "int4"), "int"),
    **dict.fromkeys(("float4", "float8"), "float"),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "citext"), "str"),
    **dict.fromkeys(("inet", "cidr", "macaddr", "macaddr8"), "str"),
    **dict.fromkeys(("timestamp", "timestamptz"), "datetime"),
    **dict.fromkeys(("time", "timetz"), "time"),
    **dict.fromkeys(("json", "jsonb"), "JSON"),
    "int8": "BigInt",
    "numeric": "Decimal",
    "uuid": "UUID",
    "date": "date",
    "interval": "timedelta",
    "bool": "bool",
    "bytea": "bytes",
}
# Types whose annotation says less than they do
_NARROWER = frozenset({"inet", "cidr", "macaddr", "macaddr8"})
_IMPORTS: Mapping[str, str] = {
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "Decimal": "decimal",
    "UUID": "uuid",
}
# Prefixes that say what an object is, not what is in it
_PREFIX = re.compile(r"^(?:v|vw|mv|tv|tb|fn|view)_(?=.)", re.IGNORECASE)
# Longer names of nested classes are cut
_LONGEST = 40
_LONGEST_KEY = 63


def declarations(relations: Iterable[Relation], functions: Iterable[Function], json_column: str) -> str:
    """Return a module that declares a type for each view or table, and a mutation for each function."""
    writer = _Writer(json_column)
    for relation in relations:
        writer.relation(relation)
    for function in functions:
        writer.mutation(function)
    return writer.module()


class _Writer:
    """Keeps classes in order, and what they import."""

    def __init__(self, json_column: str) -> None:
        self.json_column = json_column
        self.classes: list[list[str]] = []
        self.imports: set[str] = set()
        self.names = set(_IMPORTS) | {"fraiseql"}

    def module(self) -> str:
        """Return everything, with the imports that it uses."""
        if not self.classes:
            return f"{_HEADER}\n"
        modules: dict[str, list[str]] = {}
        for name in sorted(self.imports):
            modules.setdefault(_IMPORTS[name], []).append(name)
        imports = [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]
        head = [_HEADER, "", "from __future__ import annotations", "", *imports, *([""] if imports else []), _FRAISEQL]
        parts = ["\n".join(lines) for lines in (head, *self.classes)]
        return "\n\n\n".join(parts) + "\n"

    def relation(self, relation: Relation) -> None:
        """Declare a type over a view or table."""
        name = unique(_class_name(relation.name), self.names)
        source = written_name((relation.schema, relation.name) if relation.schema != "public" else (relation.name,))
        arguments = [f"sql_source={literal(source)}"]
        described = {column.name: column.comment for column in relation.columns}
        if relation.documents is None:
            body = self._columns(relation.columns)
        else:
            arguments.append(f"jsonb_column={literal(self.json_column)}")
            body = self._document(relation.documents, name, described)
        self._class(call("", "@fraiseql.type", arguments), name, relation.comment, body)

    def mutation(self, function: Function) -> None:
        """Declare a mutation that calls a function, with its input, its success and its error."""
        name = unique(_class_name(function.name), self.names)
        arguments = [f"function={literal(function.name)}"]
        if function.schema != "public":
            arguments.append(f"schema={literal(function.schema)}")
        if function.arguments and not function.takes_document:
            arguments.append("named_arguments=True")
        parts = {}
        if function.arguments:
            parts["input"] = unique(f"{name}Input", self.names)
            self._class(["@fraiseql.input"], parts["input"], None, self._input(function))
        parts["success"] = unique(f"{name}Success", self.names)
        self._class(["@fraiseql.success"], parts["success"], None, ["    message: str | None = None"])
        parts["error"] = unique(f"{name}Error", self.names)
        errors = ["    message: str", "    errors: list[fraiseql.Error]"]
        self._class(["@fraiseql.error"], parts["error"], None, errors)
        body = [f"    {part}: {cls}" for part, cls in parts.items()]
        self._class(call("", "@fraiseql.mutation", arguments), name, function.comment, body)

    def _class(self, decorator: Sequence[str], name: str, described: str | None, body: Sequence[str]) -> None:
        lines = docstring(described) if described and described.strip() else []
        code = [] if any(line.strip() and not line.lstrip().startswith("#") for line in body) else ["    pass"]
        self.classes.append([*decorator, f"class {name}:", *lines, *body, *code])

    def _columns(self, columns: Sequence[Column]) -> list[str]:
        lines: list[str] = []
        taken: set[str] = set()
        for column in columns:
            annotation = self._annotation(column.type)
            if annotation is None:
                lines.append(comment(f"{column.name}: there is no annotation for {column.type.shown}"))
                continue
            lines += self._said(column.type)
            lines += _field(column.name, _optional(annotation, column.nullable), column.comment, taken)
        return lines

    def _input(self, function: Function) -> list[str]:
        """Return the fields of an input type, which are named as the arguments are."""
        if function.takes_document:
            only = function.arguments[0]
            named = f"{only.type.shown} {only.name}".strip()
            return [comment(f"{function.name} takes {named}; PostgreSQL does not know its keys: write them here")]
        lines = []
        for argument in function.arguments:
            annotation = self._annotation(argument.type)
            if argument.name != attribute(argument.name) or annotation is None:
                why = f"there is no annotation for {argument.type.shown}" if annotation is None else "rename it"
                lines.append(comment(f"the argument {literal(argument.name)} cannot be given: {why}"))
                continue
            lines += self._said(argument.type)
            default = " = None" if argument.nullable else ""
            lines.append(f"    {argument.name}: {_optional(annotation, argument.nullable)}{default}")
        return lines

    def _document(self, documents: Sequence[object], name: str, described: Mapping[str, str | None]) -> list[str]:
        if not documents:
            return [comment(f"there was no row to learn from what {self.json_column} holds")]
        shape = shape_of(documents)
        if shape.type != "object":
            return [comment(f"{self.json_column} holds no objects, or empty ones")]
        return self._keys(shape, name, described)

    def _keys(self, shape: Shape, name: str, described: Mapping[str, str | None]) -> list[str]:
        lines: list[str] = []
        taken: set[str] = set()
        for key, value in shape.keys:
            if not key or len(key) > _LONGEST_KEY:
                lines.append(comment(f"the key {literal(key[:_LONGEST_KEY])} is no name"))
                continue
            if value.note:
                lines.append(comment(f"{key}: {value.note}"))
            annotation = self._shape(value, f"{name}{_class_name(key)}")
            lines += _field(key, annotation, described.get(key), taken)
        return lines

    def _shape(self, shape: Shape, name: str) -> str:
        """Return the annotation of a shape; the classes of objects in it are declared on the way."""
        if shape.item is not None:
            found = f"list[{self._shape(shape.item, name)}]"
        elif shape.type == "object":
            found = unique(name[:_LONGEST], self.names)
            self._class(["@fraiseql.type"], found, None, self._keys(shape, found, {}))
        else:
            found = self._named(shape.type)
        return _optional(found, shape.nullable)

    def _annotation(self, type_: Type) -> str | None:
        name = "str" if type_.is_enum else _ANNOTATIONS.get(type_.base)
        if name is None:
            return None
        return f"list[{self._named(name)}]" if type_.is_array else self._named(name)

    def _named(self, name: str) -> str:
        """Return a type's name, and import it."""
        if name in _IMPORTS:
            self.imports.add(name)
        return f"fraiseql.{name}" if name in ("JSON", "BigInt") else name

    def _said(self, type_: Type) -> list[str]:
        return [comment(type_.shown)] if type_.is_enum or type_.base in _NARROWER else []


def _class_name(name: str) -> str:
    found = pascal_case(attribute(_PREFIX.sub("", name)).strip("_"))
    return found if found.isidentifier() else f"Type{found}"


def _optional(annotation: str, nullable: bool) -> str:
    return f"{annotation} | None" if nullable else annotation


def _field(column: str, annotation: str, described: str | None, taken: set[str]) -> list[str]:
    """Write one field of a type; ``field(…)`` says its column where that is no attribute's name, and its comment."""
    name = unique(attribute(column), taken)
    arguments = [f"column={literal(column)}"] if name != column else []
    if described:
        arguments.append(f"description={literal(described)}")
    head = f"{name}: {annotation}"
    return call("    ", f"{head} = fraiseql.field", arguments) if arguments else [f"    {head}"]
