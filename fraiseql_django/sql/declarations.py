"""Inspected views, tables and functions → Python source of declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..declare.names import (
    LITERALS,
    ORDER_KEYS,
    RESERVED,
    WHERE_KEYS,
    camel_case,
    lower_first,
    pascal_case,
    snake_case,
    type_names,
)
from ..declare.plurals import plural, plural_name
from .inspection import ForeignKey, InspectedFunction, InspectedRelation, InspectedType, is_json
from .samples import JSONShape, shape_of
from .script import written_name
from .source import attribute, call, comment, docstring, literal, unique

_HEADER = '"""Declarations over views and functions of the database: read them before they are used."""'
_HEADER_OF_TABLES = (
    '"""Declarations over tables, views and functions of the database: read them before they are used."""'
)
_FRAISEQL = "import fraiseql_django as fraiseql"
# Annotations by name of the type in pg_type
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
# Types that are narrower than their annotation; a comment names them
_NARROWER = frozenset({"inet", "cidr", "macaddr", "macaddr8"})
_IMPORTS: Mapping[str, str] = {
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "Decimal": "decimal",
    "UUID": "uuid",
}
# Prefixes for the kind of an object, which are not part of the name of its class
_PREFIX = re.compile(r"^(?:v|vw|mv|tv|tb|fn|view)_(?=.)", re.IGNORECASE)
# Longer names of nested classes are truncated
_MAX_CLASS_NAME = 40
# What stands in the body of a class, and what filters and orders have beside fields
_NO_FIELDS = frozenset(("fraiseql", *WHERE_KEYS, *ORDER_KEYS, *LITERALS))
# Longer keys are not declared: PostgreSQL's limit for names (NAMEDATALEN - 1)
_MAX_KEY = 63


def declarations(
    relations: Iterable[InspectedRelation],
    functions: Iterable[InspectedFunction],
    json_column: str,
    schema: str | None = None,
) -> str:
    """Return the source of a module with a type for each view or table, and a mutation for each function.

    They are declared in ``schema``, one in ``FRAISEQL["SCHEMAS"]``, or in the project's own.
    """
    writer = _ModuleWriter(json_column, schema)
    found = list(relations)
    # relations lead to classes that follow
    writer.tables = {(relation.schema, relation.name): writer.table(relation) for relation in found}
    for relation in found:
        writer.relation(relation)
    for function in functions:
        writer.mutation(function)
    return writer.module()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A view or table with the name of its class and those of its fields, by column.

    ``taken`` are the names of all fields in GraphQL. A view of JSON ``documents`` has fields for their keys instead of
    its columns, unless a ``note`` says why no keys are known.
    """

    relation: InspectedRelation
    name: str
    attributes: Mapping[str, str]
    taken: set[str]
    documents: JSONShape | None = None
    note: str | None = None

    @property
    def has_keys(self) -> bool:
        """Whether it is a table with keys."""
        return bool(self.relation.primary or self.relation.unique or self.relation.foreign)

    def written(self, columns: Sequence[str]) -> tuple[str, ...] | None:
        """Return the names of the fields of columns; None if one of them has no field, or no single value."""
        single = {column.name for column in self.relation.columns if not _is_many(column.type)}
        found = tuple(self.attributes[column] for column in columns if column in self.attributes and column in single)
        return found if len(found) == len(columns) else None


class _ModuleWriter:
    """Collects the classes of a module, and the names that they import."""

    def __init__(self, json_column: str, schema: str | None) -> None:
        self.json_column = json_column
        # what has the decorators, and the line that makes it
        self.declare = "fraiseql" if schema is None else attribute(schema)
        self.made = [] if schema is None else ["", f"{self.declare} = fraiseql.for_schema({literal(schema)})"]
        self.classes: list[list[str]] = []
        # comments on what has no class
        self.left_out: list[str] = []
        # by schema and name
        self.tables: dict[tuple[str, str], _Table] = {}
        self.imports: set[str] = set()
        # and those of types and root fields in GraphQL
        self.names = {*_IMPORTS, "fraiseql", self.declare, *RESERVED}

    def module(self) -> str:
        """Return the source of the module with its imports."""
        header = _HEADER.format("tables, " if any(table.has_keys for table in self.tables.values()) else "")
        if not self.classes:
            return "\n\n".join([header, *(["\n".join(self.left_out)] if self.left_out else [])]) + "\n"
        modules: dict[str, list[str]] = {}
        for name in sorted(self.imports):
            modules.setdefault(_IMPORTS[name], []).append(name)
        imports = [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]
        head = [header, "", "from __future__ import annotations", "", *imports, *([""] if imports else []), _FRAISEQL]
        head += self.made
        parts = ["\n".join(lines) for lines in (head, *self.classes, self.left_out) if lines]
        return "\n\n\n".join(parts) + "\n"

    def table(self, relation: InspectedRelation) -> _Table:
        """Choose the names of a view or table and of its columns."""
        taken = set(_NO_FIELDS)
        attributes: dict[str, str] = {}
        documents, note = (None, None) if relation.documents is None else self._shape_of(relation.documents)
        if documents is None:
            for column in relation.columns:
                if self._annotation(column.type) is not None:
                    # "id" is a key, which has to be a single value
                    name = f"{column.name}_value" if column.name == "id" and _is_many(column.type) else column.name
                    attributes[column.name] = _field_name(name, taken)
        # without fields there is no class
        has_fields = bool(attributes or documents)
        name = unique(_class_name(relation.name), self.names, _names_of_type) if has_fields else ""
        return _Table(relation=relation, name=name, attributes=attributes, taken=taken, documents=documents, note=note)

    def relation(self, relation: InspectedRelation) -> None:
        """Add a type over a view or table."""
        table = self.tables[relation.schema, relation.name]
        source = written_name((relation.schema, relation.name) if relation.schema != "public" else (relation.name,))
        if not table.name:
            said = comment(f"{source} is left out: there is an annotation for none of its columns")
            self.left_out.append(said.strip())
            return
        arguments = [f"sql_source={literal(source)}"]
        if table.documents is None:
            keys, body = self._keys_of(table)
            arguments += keys
            note = [comment(table.note)] if table.note else []
            body = [*note, *self._columns(table), *self._relations(table), *body]
        else:
            arguments.append(f"jsonb_column={literal(self.json_column)}")
            descriptions = {column.name: column.comment for column in relation.columns}
            body = self._keys(table.documents, table.name, descriptions)
        self._class(call("", f"@{self.declare}.type", arguments), table.name, relation.comment, body)

    def _keys_of(self, table: _Table) -> tuple[list[str], list[str]]:
        """Return the arguments of a type that name its keys, and comments on those that cannot be named."""
        arguments: list[str] = []
        comments: list[str] = []
        primary = table.written(table.relation.primary)
        if table.relation.primary and primary is None:
            comments.append(comment(f"({', '.join(table.relation.primary)}) is the primary key"))
        elif primary and primary != ("id",):
            arguments.append(f"key={_names(primary)}")
        keys = [(columns, table.written(columns)) for columns in table.relation.unique]
        comments += [comment(f"({', '.join(columns)}) is unique") for columns, names in keys if names is None]
        unique_keys = [_names(names) for _, names in keys if names is not None]
        if unique_keys:
            arguments.append(f"unique=[{', '.join(unique_keys)}]")
        return arguments, comments

    def _relations(self, table: _Table) -> list[str]:
        """Return the relations of a table by its foreign keys, then those by foreign keys of other tables."""
        lines: list[str] = []
        for key in table.relation.foreign:
            lines += self._forward(table, key)
        for other in self.tables.values():
            for key in other.relation.foreign:
                if key.target == (table.relation.schema, table.relation.name) and len(key.columns) == 1:
                    lines += self._backward(table, other, key)
        return lines

    def _forward(self, table: _Table, key: ForeignKey) -> list[str]:
        target = self.tables.get(key.target)
        columns, to = ", ".join(key.columns), ", ".join(key.to)
        own, others = table.written(key.columns), None if target is None else target.written(key.to)
        if len(key.columns) > 1 or target is None or own is None or others is None:
            where = written_name(key.target if key.target[0] != "public" else key.target[1:])
            why = "" if len(key.columns) == 1 else ": relations compare one column"
            return [comment(f"({columns}) refers to {where} ({to}){why}")]
        (column,) = key.columns
        name = re.sub(r"_(?:id|no|key|pk|fk)$", "", column)
        if not _is_free(name, table.taken):
            name = snake_case(target.name) if _is_free(snake_case(target.name), table.taken) else f"{column}_row"
        nullable = next(item.nullable for item in table.relation.columns if item.name == column)
        head = f"{_field_name(name, table.taken)}: {_optional(target.name, nullable)}"
        return _relation(head, own[0], others[0])

    def _backward(self, table: _Table, other: _Table, key: ForeignKey) -> list[str]:
        own, others = table.written(key.to), other.written(key.columns)
        if own is None or others is None:
            return []
        (column,) = key.columns
        keys = (other.relation.primary, *other.relation.unique)
        single = (column,) in keys
        name = one = snake_case(other.name)
        if not single:
            name = plural(one) if plural(one) != one else f"{one}_list"
        if sum(found.target == key.target for found in other.relation.foreign) > 1 or not _is_free(name, table.taken):
            name = f"{name}_by_{re.sub('_id$', '', column)}"
        annotation = f"{other.name} | None" if single else f"list[{other.name}]"
        head = f"{_field_name(name, table.taken)}: {annotation}"
        return _relation(head, own[0], others[0])

    def mutation(self, function: InspectedFunction) -> None:
        """Add a mutation that calls a function, with its input, success and error types."""
        fields = self._input(function)
        if function.arguments and not function.takes_document and not _is_code(fields):
            said = comment(f"{function.name} is left out: none of its arguments can be given")
            self.left_out += [line.strip() for line in (said, *fields)]
            return
        name = unique(_class_name(function.name), self.names, _names_of_mutation)
        arguments = [f"function={literal(function.name)}"]
        if function.schema != "public":
            arguments.append(f"schema={literal(function.schema)}")
        if function.arguments and not function.takes_document:
            arguments.append("named_arguments=True")
        parts = {}
        if function.arguments:
            parts["input"] = unique(f"{name}Input", self.names)
            self._class(["@fraiseql.input"], parts["input"], None, fields)
        parts["success"] = unique(f"{name}Success", self.names)
        self._class(["@fraiseql.success"], parts["success"], None, ["    message: str | None = None"])
        parts["error"] = unique(f"{name}Error", self.names)
        errors = ["    message: str", "    errors: list[fraiseql.Error]"]
        self._class(["@fraiseql.error"], parts["error"], None, errors)
        body = [f"    {part}: {cls}" for part, cls in parts.items()]
        self._class(call("", f"@{self.declare}.mutation", arguments), name, function.comment, body)

    def _class(self, decorator: Sequence[str], name: str, description: str | None, body: Sequence[str]) -> None:
        lines = docstring(description) if description and description.strip() else []
        code = [] if _is_code(body) else ["    pass"]
        self.classes.append([*decorator, f"class {name}:", *lines, *body, *code])

    def _columns(self, table: _Table) -> list[str]:
        lines: list[str] = []
        for column in table.relation.columns:
            annotation = self._annotation(column.type)
            if annotation is None:
                lines.append(comment(f"{column.name}: there is no annotation for {column.type.shown}"))
                continue
            lines += _type_comment(column.type)
            name = table.attributes[column.name]
            lines += _field(name, column.name, _optional(annotation, column.nullable), column.comment)
        return lines

    def _input(self, function: InspectedFunction) -> list[str]:
        """Return the fields of an input type; their names are those of the arguments."""
        if function.takes_document:
            only = function.arguments[0]
            named = f"{only.type.shown} {only.name}".strip()
            return [comment(f"{function.name} takes {named}; PostgreSQL does not know its keys: write them here")]
        lines = []
        taken: set[str] = set()
        for argument in function.arguments:
            is_name = argument.name == _field_name(argument.name, taken)
            annotation = self._annotation(argument.type) if is_name else None
            if annotation is None:
                why = f"there is no annotation for {argument.type.shown}" if is_name else "rename it"
                lines.append(comment(f"the argument {literal(argument.name)} cannot be given: {why}"))
                continue
            lines += _type_comment(argument.type)
            default = " = None" if argument.nullable else ""
            lines.append(f"    {argument.name}: {_optional(annotation, argument.nullable)}{default}")
        return lines

    def _shape_of(self, documents: Sequence[object]) -> tuple[JSONShape | None, str | None]:
        """Return the shape of a view's documents, or why they do not tell which fields there are."""
        if not documents:
            return None, f"there was no row from which to find the keys of {self.json_column}"
        shape = shape_of(documents)
        if shape.type != "object" or not any(map(_is_key, dict(shape.keys))):
            return None, f"{self.json_column} contains values that are not objects, or only empty objects"
        return shape, None

    def _keys(self, shape: JSONShape, name: str, descriptions: Mapping[str, str | None]) -> list[str]:
        lines: list[str] = []
        taken = set(_NO_FIELDS)
        for key, value in shape.keys:
            if not _is_key(key):
                lines.append(comment(f"the key {literal(key[:_MAX_KEY])} is not a valid name"))
                continue
            if value.note:
                lines.append(comment(f"{key}: {value.note}"))
            annotation = self._shape(value, f"{name}{_class_name(key)}")
            lines += _field(_field_name(key, taken), key, annotation, descriptions.get(key))
        return lines

    def _shape(self, shape: JSONShape, name: str) -> str:
        """Return the annotation of a shape; add a class for each object in it."""
        if shape.item is not None:
            annotation = f"list[{self._shape(shape.item, name)}]"
        elif shape.type == "object" and not any(map(_is_key, dict(shape.keys))):
            annotation = self._imported("JSON")
        elif shape.type == "object":
            annotation = unique(name[:_MAX_CLASS_NAME], self.names)
            self._class(["@fraiseql.type"], annotation, None, self._keys(shape, annotation, {}))
        else:
            annotation = self._imported(shape.type)
        return _optional(annotation, shape.nullable)

    def _annotation(self, type_: InspectedType) -> str | None:
        name = "str" if type_.is_enum else _ANNOTATIONS.get(type_.base)
        if name is None:
            return None
        return f"list[{self._imported(name)}]" if type_.is_array else self._imported(name)

    def _imported(self, name: str) -> str:
        """Return a type as annotations write it, and import it."""
        if name in _IMPORTS:
            self.imports.add(name)
        return f"fraiseql.{name}" if name in ("JSON", "BigInt") else name


def _type_comment(type_: InspectedType) -> list[str]:
    return [comment(type_.shown)] if type_.is_enum or type_.base in _NARROWER else []


def _is_code(lines: Iterable[str]) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _is_many(type_: InspectedType) -> bool:
    return type_.is_array or is_json(type_)


def _is_key(key: str) -> bool:
    """Whether a key of a JSON object can be declared."""
    return 0 < len(key) <= _MAX_KEY


def _field_name(name: str, taken: set[str]) -> str:
    """Return the attribute of a field, whose name in GraphQL is not in ``taken``, and add that."""
    return unique(attribute(name), taken, lambda candidate: frozenset((camel_case(candidate),)))


def _is_free(name: str, taken: set[str]) -> bool:
    return camel_case(attribute(name)) not in taken


def _names_of_type(name: str) -> frozenset[str]:
    """Return the names that a type takes: its own, those of its inputs and of its root fields."""
    single = lower_first(name)
    return type_names(name) | {single, plural_name(single)}


def _names_of_mutation(name: str) -> frozenset[str]:
    # a query may have the same name, another mutation not
    return frozenset((name, f"mutation {lower_first(name)}"))


def _class_name(name: str) -> str:
    class_name = pascal_case(attribute(_PREFIX.sub("", name)).strip("_"))
    return class_name if class_name.isidentifier() else f"Type{class_name}"


def _optional(annotation: str, nullable: bool) -> str:
    return f"{annotation} | None" if nullable else annotation


def _names(names: Sequence[str]) -> str:
    """Return one name, or several as a list."""
    return literal(names[0]) if len(names) == 1 else f"[{', '.join(map(literal, names))}]"


def _relation(head: str, key: str, to: str) -> list[str]:
    return call("    ", f"{head} = fraiseql.relation", [literal(key), f"to={literal(to)}"])


def _field(name: str, column: str, annotation: str, description: str | None) -> list[str]:
    """Return the lines of a field; ``field(…)`` has the column's name if the attribute's differs, and its comment."""
    arguments = [f"column={literal(column)}"] if name != column else []
    if description:
        arguments.append(f"description={literal(description)}")
    head = f"{name}: {annotation}"
    return call("    ", f"{head} = fraiseql.field", arguments) if arguments else [f"    {head}"]
