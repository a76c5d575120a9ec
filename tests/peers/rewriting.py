"""Operations of the peer, with the renames of a guide applied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    parse_value,
    print_ast,
    value_from_ast_untyped,
    visit,
)

from tests.peers.answers import Folding
from tests.peers.guides import Guide
from tests.peers.renames import (
    REST,
    Bound,
    Leaf,
    Pairs,
    PairsRule,
    Renames,
    Types,
    is_name,
    is_placeholder,
    leaves,
    matched_name,
    name_of,
)


@dataclass(frozen=True)
class Rewritten:
    """An operation of ours, its variables, and the way back to the answer of the peer."""

    query: str
    variables: dict[str, Any]
    renames: Renames
    document: DocumentNode
    peer: GraphQLSchema

    def folded(self, data: Any) -> Any:
        """Return the data of our answer in the shape of the peer's."""
        fragments = {
            node.name.value: node for node in self.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        (operation,) = (node for node in self.document.definitions if isinstance(node, OperationDefinitionNode))
        root = getattr(self.peer, f"{operation.operation.value}_type")
        return Folding(self.renames, self.peer, fragments).of(operation.selection_set, root, data)


def rewrite(
    guide: Guide, peer: GraphQLSchema, ours: GraphQLSchema, query: str, variables: dict[str, Any] | None = None
) -> Rewritten:
    """Apply the renames of a guide to an operation of the peer."""
    renames, document = Renames(guide), parse(query)
    rewriting = Rewriting(renames, peer, ours, variables or {})
    definitions: list[Any] = []
    all_used: set[str] = set()
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            definitions.append(rewriting._fragment(node))
            continue
        root = node.operation.value
        inner = rewriting.selections(node.selection_set, getattr(peer, f"{root}_type"), getattr(ours, f"{root}_type"))
        used = variables_in(inner)
        all_used |= used
        declared = [
            f"${definition.variable.name.value}: {_type(renames, definition.type)}"
            + (f" = {print_ast(definition.default_value)}" if definition.default_value else "")
            for definition in node.variable_definitions or ()
            if definition.variable.name.value in used
        ]
        name = node.name.value if node.name else ""
        head = f"{root} {name}({', '.join(declared)})" if declared else f"{root} {name}"
        definitions.append(f"{head} {print_ast(inner)}")
    text = "\n\n".join(item if isinstance(item, str) else print_ast(item) for item in definitions)
    sent = {name: value for name, value in (variables or {}).items() if name in all_used}
    return Rewritten(print_ast(parse(text)), {**sent, **rewriting.rewritten}, renames, document, peer)


@dataclass
class Rewriting:
    """An operation of the peer on its way to one of ours."""

    renames: Renames
    peer: GraphQLSchema
    ours: GraphQLSchema
    variables: dict[str, Any]
    # of those whose values are objects: the value that is sent here
    rewritten: dict[str, Any] = field(default_factory=dict)

    def pairs(self, given: Pairs, before: Types, after: Types, scope: str | None) -> Pairs:
        """Return arguments, or the members of an input object, as they are here."""
        rules = self.renames.pairs.get(scope, [])
        for rule in rules:
            if len(rule.before) > 1 and (bound := self._matched(rule.before, given, before, after)):
                self.renames.applied.add(rule.row)
                return self._built(rule.after, bound, after, scope)
        found: Pairs = []
        for name, value in given:
            for rule in rules:
                if (items := self._each(rule, name, value, before, after, scope)) is not None:
                    found.append(items)
                    break
                bound = self._matched(rule.before, [(name, value)], before, after) if len(rule.before) == 1 else None
                if bound and scope is None and "rest" in bound.names and name in after:
                    # an argument that the field has here
                    continue
                if bound and _fits(rule.after, bound, after):
                    self.renames.applied.add(rule.row)
                    found += self._built(rule.after, bound, after, scope)
                    break
            else:
                inner = scope or name
                found.append((name, self.value(value, before.get(name), after.get(name), inner)))
        return _merged(found)

    def _each(
        self, rule: PairsRule, name: str, value: ValueNode, before: Types, after: Types, scope: str | None
    ) -> tuple[str, ValueNode] | None:
        """Return a list of names (`orderBy: [TITLE_ASC]`) with each renamed by the rules for one."""
        (pattern, *_), *_ = rule.before or [("",)]
        if not isinstance(value, ListValueNode) or not value.values or not is_name(rule) or pattern != name:
            return None
        items = [self.pairs([(name, item)], before, after, scope) for item in value.values]
        ((here, _),) = items[0]
        return here, ListValueNode(values=tuple(item for ((_, item),) in items))

    def value(self, value: ValueNode, before: Any, after: Any, scope: str) -> ValueNode:
        """Return a value as it is here."""
        if isinstance(value, ObjectValueNode):
            given = [(member.name.value, member.value) for member in value.fields or ()]
            return _object(self.pairs(given, _members(before), _members(after), scope))
        if isinstance(value, ListValueNode):
            return ListValueNode(values=tuple(self.value(item, before, after, scope) for item in value.values))
        if isinstance(value, VariableNode):
            self._use(value.name.value, before, after, scope)
        return value

    def _use(self, name: str, before: Any, after: Any, scope: str) -> None:
        if name in self.variables and before is not None and is_input_object_type(get_named_type(before)):
            literal = _literal(self.variables[name], before)
            self.rewritten[name] = value_from_ast_untyped(self.value(literal, before, after, scope))

    def _matched(self, pattern: Pairs, given: Pairs, before: Types, after: Types) -> Bound | None:
        bound, left = Bound(), list(given)
        for name, value in pattern:
            if name == REST:
                continue
            for pair in left:
                trial = Bound(names=dict(bound.names), values=dict(bound.values))
                if self._matches_pair(name, value, pair, before, after, trial):
                    bound = trial
                    left.remove(pair)
                    break
            else:
                return None
        takes_rest = any(name == REST for name, _ in pattern)
        if takes_rest != bool(left):
            return None
        bound.rest = bound.rest or ((left, before) if takes_rest else None)
        return bound

    def _matches_pair(
        self, name: str, value: ValueNode, pair: tuple[str, ValueNode], before: Types, after: Types, bound: Bound
    ) -> bool:
        names = matched_name(name, pair[0])
        if names is None:
            return False
        if "many" in names and "some" not in _members(after.get(names["many"])):
            return False
        bound.names |= names
        return self._matches(value, pair[1], before.get(pair[0]), bound)

    def _matches(self, pattern: ValueNode, value: ValueNode, kind: Any, bound: Bound) -> bool:
        if is_placeholder(pattern):
            if not _is_of(pattern.value, value, kind):
                return False
            bound.values[pattern.value] = (value, kind)
            return True
        if isinstance(pattern, StringValueNode | EnumValueNode) and pattern.kind == value.kind:
            names = matched_name(pattern.value, value.value)
            bound.names |= names or {}
            return names is not None
        if isinstance(pattern, ListValueNode) and isinstance(value, ListValueNode):
            inner = get_named_type(kind) if kind is not None else None
            return len(pattern.values) == len(value.values) and all(
                self._matches(one, other, inner, bound) for one, other in zip(pattern.values, value.values, strict=True)
            )
        if not isinstance(pattern, ObjectValueNode):
            return print_ast(pattern) == print_ast(value)
        if not isinstance(value, ObjectValueNode):
            return False
        left = {member.name.value: member.value for member in value.fields}
        types = _members(kind)
        takes_rest = any(member.name.value == REST for member in pattern.fields)
        for member in pattern.fields:
            # beside no rest, each may be absent: what stands for it is then absent as well
            if takes_rest and member.name.value not in (REST, *left):
                return False
            for name in [name for name in left if matched_name(member.name.value, name) is not None][:1]:
                bound.names |= matched_name(member.name.value, name) or {}
                if not self._matches(member.value, left.pop(name), types.get(name), bound):
                    return False
        if takes_rest:
            bound.rest = (list(left.items()), types)
            return True
        return not left

    def _built(self, pattern: Pairs, bound: Bound, after: Types, scope: str | None) -> Pairs:
        found: Pairs = []
        for name, value in pattern:
            if name == REST:
                if bound.rest is not None:
                    found += self.pairs(*bound.rest, after, scope)
                continue
            named = name_of(name, bound.names)
            if "rest" in name.lower() and isinstance(value, EnumValueNode):
                # it is renamed itself, as if it had been written there
                given, kind = bound.values[value.value]
                found += self.pairs([(named, given)], {named: kind}, after, scope)
                continue
            built = self._built_value(value, bound, after.get(named), scope or named)
            if built is not None:
                found.append((named, built))
        return found

    def _built_value(self, pattern: ValueNode, bound: Bound, after: Any, scope: str) -> ValueNode | None:
        if is_placeholder(pattern):
            if pattern.value not in bound.values:
                return None
            value, before = bound.values[pattern.value]
            return self.value(value, before, after, scope)
        if isinstance(pattern, ObjectValueNode):
            members = [(member.name.value, member.value) for member in pattern.fields or ()]
            built = self._built(members, bound, _members(after), scope)
            return _object(built) if built or not members else None
        if isinstance(pattern, ListValueNode):
            items = [self._built_value(item, bound, after, scope) for item in pattern.values]
            return ListValueNode(values=tuple(item for item in items if item is not None))
        return pattern

    # --- selections ---

    def selections(self, given: SelectionSetNode | None, before: Any, after: Any) -> SelectionSetNode | None:
        """Return a selection set as it is here; ``before`` and ``after`` are the types that it is of."""
        if given is None:
            return None
        found: list[Any] = []
        for node in given.selections or ():
            if isinstance(node, FieldNode):
                found += self.field(node, before, after)
            elif isinstance(node, InlineFragmentNode) and node.type_condition:
                found.append(self._fragment(node))
            elif isinstance(node, InlineFragmentNode):
                inner = self.selections(node.selection_set, before, after)
                found.append(InlineFragmentNode(directives=node.directives, selection_set=inner))
            else:
                found.append(node)
        return SelectionSetNode(selections=tuple(_together(found)))

    def _fragment(self, node: Any) -> Any:
        """Return a fragment as it is here."""
        name = node.type_condition.name.value
        here = self.renames.type_name(name)
        inner = self.selections(node.selection_set, self.peer.get_type(name), self.ours.get_type(here))
        condition = NamedTypeNode(name=NameNode(value=here))
        if isinstance(node, FragmentDefinitionNode):
            return FragmentDefinitionNode(
                name=node.name, variable_definitions=(), type_condition=condition, directives=(), selection_set=inner
            )
        return InlineFragmentNode(type_condition=condition, directives=node.directives, selection_set=inner)

    def field(self, node: FieldNode, before: Any, after: Any) -> Iterator[FieldNode]:
        """Yield the fields that stand here for one of the peer."""
        definition = getattr(before, "fields", {}).get(node.name.value)
        for leaf in leaves(self.renames, node, before):
            if leaf.after:
                yield self._put(leaf, leaf.after, node, definition, before, after)

    def _put(
        self, leaf: Leaf, chain: tuple[str, ...], node: FieldNode | None, definition: Any, before: Any, after: Any
    ) -> Any:
        """Return the chain of selections of a leaf, the selection of its last node within."""
        name = name_of(chain[0], leaf.names)
        is_fragment = name.startswith("on ")
        ours = None if is_fragment else getattr(after, "fields", {}).get(name)
        here = self.ours.get_type(name[3:]) if is_fragment else get_named_type(ours.type) if ours else None
        if len(chain) > 1:
            inner = SelectionSetNode(selections=(self._put(leaf, chain[1:], None, None, before, here),))
        else:
            inner = self.selections(leaf.last.selection_set, leaf.type_of_last(self.peer, before), here)
        if is_fragment:
            condition = NamedTypeNode(name=NameNode(value=name[3:]))
            return InlineFragmentNode(type_condition=condition, directives=(), selection_set=inner)
        arguments = self._arguments(node, definition, ours) if node else ()
        key = leaf.key_of(chain[0]) if node else name
        alias = NameNode(value=key) if key != name else None
        directives = node.directives if node else ()
        return FieldNode(
            alias=alias, name=NameNode(value=name), arguments=arguments, directives=directives, selection_set=inner
        )

    def _arguments(self, node: FieldNode, definition: Any, ours: Any) -> tuple[ArgumentNode, ...]:
        before = {name: argument.type for name, argument in (definition.args if definition else {}).items()}
        after = {name: argument.type for name, argument in (ours.args if ours else {}).items()}
        given = [(argument.name.value, argument.value) for argument in node.arguments or ()]
        # a count takes the condition of its list, and not its page
        is_count = ours is not None and is_leaf_type(get_named_type(ours.type))
        return tuple(
            ArgumentNode(name=NameNode(value=name), value=value)
            for name, value in self.pairs(given, before, after, None)
            if name in after or not is_count
        )


def _members(kind: Any) -> Types:
    """Return the types of the members of an input object."""
    named = get_named_type(kind) if kind is not None else None
    return {name: member.type for name, member in named.fields.items()} if is_input_object_type(named) else {}


def variables_in(node: Any) -> set[str]:
    """Return the names of the variables in a tree."""
    found: set[str] = set()

    class Collector(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            found.add(variable.name.value)

    visit(node, Collector())
    return found


def _is_of(placeholder: str, value: ValueNode, kind: Any) -> bool:
    """Whether a placeholder may stand for a value of the peer's type."""
    nullable = kind.of_type if is_non_null_type(kind) else kind
    if placeholder.startswith("SCALAR"):
        is_value = not isinstance(value, ObjectValueNode | ListValueNode)
        return is_leaf_type(nullable) if kind is not None else is_value
    if placeholder.startswith("OBJECT"):
        return isinstance(value, ObjectValueNode)
    if placeholder.startswith("LIST"):
        return isinstance(value, ListValueNode) or (isinstance(value, VariableNode) and is_list_type(nullable))
    return True


def _fits(pattern: Pairs, bound: Bound, after: Types) -> bool:
    """Whether there are arguments or members here for what a rule makes: objects for objects, values for values."""
    for name, value in pattern:
        kind = after.get(name_of(name, bound.names))
        takes_object = kind is not None and is_input_object_type(get_named_type(kind))
        placeholder = value.value if is_placeholder(value) else ""
        if placeholder and placeholder != REST and placeholder not in bound.values:
            continue
        if after and (
            (kind is None and name != REST)
            or (isinstance(value, ObjectValueNode) and not takes_object)
            or (placeholder.startswith(("SCALAR", "LIST")) and takes_object)
        ):
            return False
    return True


def _object(pairs: Pairs) -> ObjectValueNode:
    return ObjectValueNode(
        fields=tuple(ObjectFieldNode(name=NameNode(value=name), value=value) for name, value in pairs)
    )


def _merged(pairs: Pairs) -> Pairs:
    """Join the objects that several rules have made for one name."""
    found: dict[str, ValueNode] = {}
    for name, value in pairs:
        before = found.get(name)
        if isinstance(before, ObjectValueNode) and isinstance(value, ObjectValueNode):
            members = [(member.name.value, member.value) for member in (*before.fields, *value.fields)]
            value = _object(_merged(members))
        elif before is not None:
            raise LookupError(f"The guide does not say how to write {name} twice")
        found[name] = value
    return list(found.items())


def _together(nodes: list[Any]) -> Iterator[Any]:
    """Join selections of the same field."""
    found: dict[str, Any] = {}
    for node in nodes:
        if not isinstance(node, FieldNode) or node.selection_set is None:
            found[f"{len(found)}"] = node
            continue
        head = print_ast(FieldNode(alias=node.alias, name=node.name, arguments=node.arguments, directives=()))
        if head in found:
            inner = (*found[head].selection_set.selections, *node.selection_set.selections)
            node = FieldNode(
                alias=node.alias,
                name=node.name,
                arguments=node.arguments,
                directives=node.directives,
                selection_set=SelectionSetNode(selections=tuple(_together(list(inner)))),
            )
        found[head] = node
    yield from found.values()


def _type(renames: Renames, node: TypeNode) -> str:
    """Return the type of a variable as it is here."""
    return re.sub(r"\w+", lambda name: renames.type_name(name[0]), print_ast(node))


def _literal(value: Any, kind: Any) -> ValueNode:
    """Return the value of a variable as a literal."""
    nullable = kind.of_type if is_non_null_type(kind) else kind
    if isinstance(value, list):
        inner = nullable.of_type if is_list_type(nullable) else nullable
        return ListValueNode(values=tuple(_literal(item, inner) for item in value))
    if isinstance(value, dict):
        types = _members(nullable)
        return _object([(name, _literal(item, types[name])) for name, item in value.items()])
    if is_enum_type(get_named_type(kind)):
        return EnumValueNode(value=value)
    return parse_value(json.dumps(value))
