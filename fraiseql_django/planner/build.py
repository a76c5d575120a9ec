"""AST → query tree: the only walk over a validated operation's selections and arguments.

It collects fields, resolves arguments, asks permissions and row rules, and charges a budget. No query is compiled, so
nothing takes long before a limit ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import FieldNode, GraphQLInterfaceType, GraphQLObjectType, OperationDefinitionNode, SelectionSetNode

from ..conf.settings import LimitSettings
from ..errors import InvalidInput
from ..language.scan import INTROSPECTION
from ..schema.abstract_types import OF_TYPE
from ..schema.build import Schema
from ..schema.definition import Branch, Shape, TypeDef, TypeOf
from ..schema.filter_inputs import AND, BY, COMPARE, DIRECTIONS, HAS, NOT, OR, RANDOM
from ..schema.operators import EQUAL, OperatorTable
from .arguments import InputObject, Variables, arguments, located
from .budget import CONDITION, FIELD, Budget, Charged
from .chosen_rows import Chosen
from .collect import Collected, Collector
from .keysets import keyed_order
from .kinds import kind_of
from .ordering import led_by, total_order
from .rules import Rules
from .tree import (
    NOTHING,
    WHOLE,
    All,
    AllRows,
    AnyOf,
    AtRandom,
    Between,
    Condition,
    Constant,
    Given,
    Has,
    Member,
    Operand,
    OrderKey,
    Page,
    Path,
    RowSet,
    Selection,
    Shown,
    Source,
)
from .tree import Not as Negation


@dataclass(slots=True)
class OperationBuilder:
    """Builds the trees of one operation for one set of ``@include`` and ``@skip`` conditions, for one viewer."""

    schema: Schema
    collector: Collector
    variables: Variables
    limits: LimitSettings
    rules: Rules
    introspect: Callable[[str, Sequence[FieldNode]], str]
    budget: Budget = field(init=False)
    # what was built, by the type's fields and the selection sets of the document, with what it was charged
    _known: dict[tuple[int, tuple[int, ...]], tuple[Selection, Charged]] = field(default_factory=dict)
    _types: Mapping[str, Shape] = field(init=False)
    # the operation's own fields by response key
    root_nodes: Collected = field(default_factory=dict)
    # the rows that functions of the project's have chosen, by response key; None while no function has been called
    chosen: Mapping[str, Chosen | None] | None = None

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits)
        self._types = {**self.schema.types, **self.schema.shapes}

    def type(self, name: str) -> Shape:
        """Return the description of a type of rows, or of objects in JSON."""
        return self._types[name]

    # --- selections ---

    def selection(self, definition: Any, nodes: Sequence[FieldNode]) -> Selection:
        """Build what fields of one response key select of the objects behind them.

        What stands in several places of the answer is built once, and charged for each.
        """
        sets = tuple(node.selection_set for node in nodes if node.selection_set is not None)
        # a file's parts are those of its column, whatever the type is called
        key = (id(definition.fields), tuple(map(id, sets)))
        known = self._known.get(key)
        if known is not None:
            self.budget.charge_again(known[1])
            return known[0]
        before = self.budget.mark()
        with self.budget.deeper():
            if getattr(definition, "branches", ()):
                found = self._abstract(definition, nodes, sets)
            else:
                found = self._selection(definition, self.collector.collect(definition.name, sets))
        self._known[key] = found, self.budget.since(before)
        return found

    def _abstract(self, definition: Shape, nodes: Sequence[FieldNode], sets: Sequence[SelectionSetNode]) -> Selection:
        """Build what is selected of objects of an abstract type: for each type whose objects the viewer may see."""
        if self._is_common(definition, sets):
            return self._selection(definition, self.collector.collect(definition.name, sets))
        branches = []
        for branch in definition.branches:
            target = self._types[branch.target]
            self.budget.charge(kind_of(branch).planning(branch))
            # whoever names a type is refused; whoever does not is shown the others
            if self.rules.may_read(target) if self.collector.names(target.name, sets) else self.rules.shows(target):
                rows = kind_of(branch).rows(self, definition, branch)
                branches.append((branch, replace(self.selection(target, nodes), rows=rows)))
        return Selection(definition, (), definition.row_cost, branches=tuple(branches))

    def _is_common(self, definition: Shape, sets: Sequence[SelectionSetNode]) -> bool:
        """Whether all types of an interface over a model have what is selected from the interface's own row.

        Then it is written once, and not for each type.
        """
        if not isinstance(definition, TypeDef) or not self.collector.is_plain(definition.name, sets):
            return False
        if not isinstance(definition.conditions.get(OF_TYPE), TypeOf):
            return False
        collected = self.collector.collect(definition.name, sets).values()
        names = {nodes[0].name.value for nodes in collected} - {"__typename"}
        return all(
            self._types[branch.target].fields[name] == definition.fields[name]
            for branch in definition.branches
            for name in names
        )

    def operation(self, root: Shape, node: OperationDefinitionNode) -> Selection:
        """Build what an operation selects of its root type."""
        self.root_nodes = self.collector.collect(root.name, [node.selection_set])
        return self._selection(root, self.root_nodes)

    def _selection(self, definition: Any, collected: Collected) -> Selection:
        members = tuple((key, self._member(definition, key, nodes)) for key, nodes in collected.items())
        return Selection(definition, members, getattr(definition, "row_cost", 0))

    def _member(self, definition: Any, key: str, nodes: Sequence[FieldNode]) -> Member | Constant:
        name = nodes[0].name.value
        aliased = key != name
        if name == "__typename":
            of_type = definition.conditions.get(OF_TYPE) if getattr(definition, "branches", ()) else None
            if of_type is not None:
                return Member(owner=definition, field=replace(of_type, name=name, cost=0), aliased=aliased)
            return Constant(f'"{definition.name}"', cost=1 if aliased else 0)
        if name in INTROSPECTION:
            self.rules.policies.undeclared()
            return Constant(self.introspect(key, nodes))
        described = definition.fields[name]
        kind = kind_of(described)
        with located(nodes[0]):
            self.budget.charge(kind.planning(described))
            with self.rules.policies.within(described, called=kind.is_called):
                if not self.rules.may_see(definition, described):
                    found: Member | Constant = kind.hidden(self, definition, described, nodes)
                else:
                    found = kind.member(self, definition, described, nodes)
            if not aliased:
                return found
            if isinstance(found, Constant):
                return Constant(found.text, max(found.cost, 1))
            return replace(found, aliased=True)

    def arguments(self, owner: Any, nodes: Sequence[FieldNode]) -> dict[str, Any]:
        """Resolve the arguments of a field, by GraphQL name."""
        graphql = self.schema.graphql.get_type(owner.name)
        assert isinstance(graphql, (GraphQLObjectType, GraphQLInterfaceType))
        return arguments(nodes[0], graphql.fields[nodes[0].name.value], self.variables)

    # --- rows ---

    def rows(
        self, type_: TypeDef, source: Source, *, where: Condition | None = None, ordered: bool = False, order: Any = (),
        page: Page = WHOLE, distinct: Sequence[str] = (),
    ) -> RowSet:  # fmt: skip
        """Return rows of a type that the viewer can see.

        ``ordered`` says whether their order matters: ``order`` is that of an argument, the type's own where it is
        empty, and the key decides at last. All rows that a relation leads to stay in the order in which PostgreSQL
        finds them where neither an argument nor the type has one. Of rows that are equal in the columns ``distinct``
        the first is read.
        """
        keys: tuple[OrderKey, ...] = ()
        if ordered:
            by_key = isinstance(source, AllRows) or page.is_part or bool(distinct)
            own = source.order if isinstance(source, Given) else None
            keys = led_by(distinct, total_order(type_, self.order(type_, order), by_key=by_key, own=own))
            if page.keyed:
                keys = keyed_order(type_, keys, self.rules.alias)
        rule, shows_all = self.rules.row_rule(type_), self.rules.may_join(type_)
        return RowSet(
            type=type_, source=source, rule=rule, where=where, order=keys, page=page, shows_all=shows_all,
            shown=self._shown(type_), distinct=tuple(distinct),
        )  # fmt: skip

    def _shown(self, type_: TypeDef) -> Shown | None:
        """Return which rows of an interface the viewer sees as one of its types; None for all, or for a type."""
        found: list[tuple[Branch, RowSet | bool]] = []
        for branch in type_.branches:
            target = self._types[branch.target]
            assert isinstance(target, TypeDef)
            self.budget.charge(CONDITION)
            rows: RowSet | bool = self.rules.shows(target)
            if rows and not kind_of(branch).is_certain(self, branch, target):
                rows = kind_of(branch).rows(self, type_, branch)
            found.append((branch, rows))
        whole = any(kind_of(branch).fits_all(branch) for branch in type_.branches)
        return (
            None if whole and all(rows is True for _, rows in found) else Shown(type_, tuple(found)) if found else None
        )

    # --- conditions ---

    def where(
        self, definition: Shape, given: Any, label: str = "where", *, steps: int = 0, negated: bool = False
    ) -> Condition | None:
        """Build the conditions on rows or objects of a type; None where there are none.

        ``steps`` counts the relations and combinations around them. ``negated`` says that an odd number of NOTs is
        around them, so that a condition that is unknown counts as true.
        """
        self.budget.check_steps(steps)
        # an empty one is walked through as well
        self.budget.charge(FIELD)
        parts: list[Condition] = []
        for key, value in given:
            self.budget.charge_condition()
            where = f"{label}.{key}"
            if value is None:
                raise InvalidInput(
                    f"{where} is null, which is no condition; leave it out.",
                    hint="Ask for null with {isnull: true} on a field.",
                )
            part = self._condition(definition, key, value, where, steps, negated)
            if part is not None:
                parts.append(part)
        return _all(parts)

    def _condition(
        self, definition: Shape, key: str, value: Any, where: str, steps: int, negated: bool
    ) -> Condition | None:
        if key in (AND, OR):
            parts = [self.where(definition, item, where, steps=steps + 1, negated=negated) for item in value]
            if key == AND:
                return _all([part for part in parts if part is not None])
            return None if None in parts else AnyOf(tuple(part for part in parts if part is not None))
        if key == NOT:
            part = self.where(definition, value, where, steps=steps + 1, negated=not negated)
            return NOTHING if part is None else Negation(part)
        if key == HAS:
            found = tuple(self._relations(definition, value, where, steps, negated))
            return Has(found) if found else None
        if key == COMPARE:
            return _all(list(self._comparisons(definition, value, where)))
        described = definition.fields.get(key) or definition.conditions[key]
        self.rules.check(definition, described)
        condition: Condition | None = kind_of(described).condition(
            self, definition, described, value, where, steps=steps, negated=negated
        )
        return condition

    def _relations(self, definition: Shape, given: Any, label: str, steps: int, negated: bool) -> Iterator[Condition]:
        """Build the conditions that relations lead to something, or to nothing."""
        anything = InputObject(lambda: iter(()))
        for name, wanted in given:
            self.budget.charge_condition()
            _check_given(wanted, f"{label}.{name}", "It takes true or false.")
            relation: Any = definition.fields[name]
            self.rules.check(definition, relation)
            some = InputObject(lambda: iter([("some", anything)])) if relation.many else anything
            found = kind_of(relation).condition(
                self, definition, relation, some, f"{label}.{name}", steps=steps, negated=negated is wanted.value
            )
            yield found if wanted.value else Negation(found)

    def _comparisons(self, definition: Shape, given: Any, label: str) -> Iterator[Condition]:
        """Build the comparisons of fields with others of the same row."""
        for name, comparison in given:
            _check_given(comparison, f"{label}.{name}", "It takes operators and fields.")
            left = definition.fields[name]
            for operator, leaf in comparison:
                self.budget.charge_condition()
                _check_given(leaf, f"{label}.{name}.{operator}", "It takes a field.")
                right = definition.fields[leaf.value]
                may_fail = False
                for compared in (left, right):
                    self.rules.check(definition, compared)
                    subject = kind_of(compared).subject(self, definition, compared)
                    subject.charge(self, EQUAL.planning)
                    may_fail = may_fail or subject.may_fail
                table: OperatorTable = self.schema.operators
                found: Any = table.of(kind_of(left).comparable(left), 0)[operator]
                yield Between(owner=definition, left=left, right=right, operator=found, may_fail=may_fail)

    # --- orders ---

    def order(self, definition: Shape, given: Any, label: str = "orderBy") -> tuple[OrderKey, ...]:
        """Build the terms of an ``orderBy`` list, without those that decide at last."""
        terms = []
        for index, item in enumerate(given):
            operand, direction = self.order_operand(definition, item, Path(), f"{label}[{index}]", steps=0)
            # what is in no order has no direction
            found = DIRECTIONS[direction or "ASC"]
            terms.append(OrderKey(operand=operand, descending=found.descending, nulls_first=found.nulls_first))
        return tuple(terms)

    def order_operand(
        self, definition: Shape, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        """Return what one sort key sorts by, and its direction."""
        self.budget.check_steps(steps)
        self.budget.charge_condition()
        members = list(given)
        if len(members) != 1:
            keys = f"the keys {', '.join(key for key, _ in members)}" if members else "no key"
            raise InvalidInput(
                f"{label} has {keys}, must have one: write several keys as a list, the most important first."
            )
        ((key, value),) = members
        if key == RANDOM:
            if value is None or value.value is not True:
                raise InvalidInput(f"{label}.{key} is not true; leave it out.")
            return AtRandom(), None
        if value is None:
            raise InvalidInput(f"{label}.{key} is null.", hint=f"It must be one of: {', '.join(DIRECTIONS)}.")
        if key == BY:
            return self._order_by_transform(definition, value, path, f"{label}.{key}")
        described = definition.fields[key]
        self.rules.check(definition, described)
        found: tuple[Operand, Any] = kind_of(described).order_operand(
            self, definition, described, value, path, f"{label}.{key}", steps=steps
        )
        return found

    def _order_by_transform(self, definition: Shape, given: Any, path: Path, label: str) -> tuple[Operand, Any]:
        members = list(given)
        if len(members) != 1:
            raise InvalidInput(f"{label} must have one key: write several as a list, the most important first.")
        ((name, value),) = members
        _check_given(value, f"{label}.{name}", "It takes what is made of the value.")
        described = definition.fields[name]
        self.rules.check(definition, described)
        found: tuple[Operand, Any] = kind_of(described).order_by_transform(
            self, definition, described, value, path, f"{label}.{name}"
        )
        return found

    def page(self, limit: Any, offset: Any) -> Page:
        """Return the page of a list with these arguments; what the settings say where there is no limit."""
        if limit is None:
            limit = self.limits.default_rows or self.limits.max_rows
        return Page(limit=limit, offset=offset, maximum=self.limits.max_rows)


def _check_given(value: Any, label: str, hint: str) -> None:
    if value is None:
        raise InvalidInput(f"{label} is null.", hint=hint)


def _all(parts: Sequence[Condition]) -> Condition | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else All(tuple(parts))
