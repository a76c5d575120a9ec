"""Descriptions of what may be asked: frozen values that the schema is built from and the planner walks.

    TypeDef, Shape ── fields ──> Column      a value that PostgreSQL writes
                                 Embedded    a value with parts: a file, a range
                                 Computed    a value of an ORM expression
                                 Relation    another type, one or many, as the models say
                                 Extracted   a value of a source, in a column or in JSON
                                 Nested      an object in JSON, one or many
                                 Link        another type, one or many, found by a key
                                 Branch      the same object, as one of the types of an abstract type
                                 GenericOne  a row of any table, by its content type and key
                                 GenericList the rows that lead to this one so
                                 UnionRows   the rows of all types of an abstract type: a field of Query
                                 RootRows    all rows of a type, or the one with a key: a field of Query

Names of fields are GraphQL's; ``column`` and ``path`` are the ORM's, ``key`` is a source's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Q
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLScalarType

from .._django import concrete_model
from ..declare.cache_policy import CachePolicy
from ..declare.rules import RowRule, Rule
from ..declare.sources import Source
from ..declare.translations import Translation
from .python_values import Conversion
from .scalars.postgres import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef:
    """What every field has: its GraphQL name, what clients read about it, who may see it, and what it costs.

    Others are refused, or see null where ``mask`` says so. ``cost`` is counted by ``LIMITS.COMPLEXITY``. ``cache`` says
    how answers with the field may be kept.
    """

    name: str
    description: str | None = None
    deprecation: str | None = None
    permission: Rule | None = None
    mask: bool = False
    cost: float = 1
    # of the schema's text; they need not be hashable
    directives: tuple[Any, ...] = field(default=(), compare=False)
    cache: CachePolicy | None = None

    @property
    def stored_as(self) -> str | None:
        """The name by which an instance or a JSON object holds the value; None where there is no such name."""
        return None

    @property
    def origin(self) -> Any:
        """What the value is read or computed from: equal for fields that have the same value of a row."""
        return type(self)

    def of_model(self, model: type[models.Model]) -> FieldDef:
        """Return the same field of a model that inherits the one that this is a field of."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(FieldDef):
    """A value in a column of the type's table; ``dimensions`` counts the lists around it.

    ``cast`` is the PostgreSQL type that a parameter is compared as: an array's is its very own. ``conversion`` is how
    Python makes the value where the field's class does, and ``compared`` whether what is stored can be compared.
    ``translation`` has the columns of its languages, where it is not in a column of its own.
    """

    column: str
    scalar: Scalar
    cast: str
    dimensions: int = 0
    nullable: bool
    nullable_items: bool = False
    conversion: Conversion | None = None
    compared: bool = True
    translation: Translation | None = None

    @property
    def stored_as(self) -> str | None:
        """The attribute of an instance."""
        return self.column

    @property
    def origin(self) -> Any:
        """The column, or those of the languages."""
        return type(self), self.column, self.translation

    @property
    def signature(self) -> str:
        """The type as GraphQL writes it."""
        written = self.scalar.name
        for level in range(self.dimensions):
            written = f"[{written}]" if level == 0 and self.nullable_items else f"[{written}!]"
        return written + "!" * (not self.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(FieldDef):
    """A value of an ORM expression over the type's model.

    ``making`` makes the expression of arguments that clients give, a ``stand_ins.Making``; ``expression`` is then that
    for which nothing is given but what must be, and ``compared`` says that nothing must. ``function`` names the
    PostgreSQL function that the expression calls.
    """

    expression: Any
    scalar: Scalar
    nullable: bool
    dimensions: int = 0
    nullable_items: bool = False
    making: Any = None
    compared: bool = True
    function: str | None = None

    @property
    def origin(self) -> Any:
        """The expression, or the function that makes it."""
        return type(self), self.expression if self.making is None else self.making.function


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(FieldDef):
    """A field of a value object, which has its name there.

    ``value`` is an SQL template of its value over the value's column, or over ``column`` of the same row; None where it
    is always null. It is written as ``scalar`` says; ``bound`` tells the bounds of a range. Where Python must work the
    answer out, ``live`` is given the decoded JSON value and returns what is written in its place, which is of the type
    ``graphql``.
    """

    name: str = ""
    graphql: GraphQLScalarType
    scalar: Scalar
    value: str | None = "{0}"
    bound: bool = False
    nullable: bool = True
    column: str | None = None
    live: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueObject:
    """A column that clients see as an object: ``absent`` is the SQL condition for none being there."""

    name: str
    description: str
    parts: Mapping[str, Part]
    absent: str = "{0} IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputScalar:
    """How a value object is written in filters; the attributes mean what those of Scalar mean.

    ``bound`` is the type of the bounds of a range.
    """

    graphql: GraphQLInputObjectType | GraphQLScalarType
    cast: str
    encode: Callable[[Any], str]
    ordered: bool = False
    textual: bool = False
    equatable: bool = True
    column: str = "{0}"
    shown: str | None = None
    bound: Scalar | None = None

    @property
    def name(self) -> str:
        """The GraphQL name, without the "Input" that tells it from the output type."""
        return self.graphql.name.removesuffix("Input")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded(FieldDef):
    """A value object in a column, or in one for each language (``translation``)."""

    column: str
    value: ValueObject
    parts: Mapping[str, Part]
    nullable: bool
    filter: InputScalar
    translation: Translation | None = None

    @property
    def origin(self) -> Any:
        """The column, or those of the languages."""
        return type(self), self.column, self.translation

    @property
    def signature(self) -> str:
        """The type as GraphQL writes it."""
        return self.value.name + "!" * (not self.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(FieldDef):
    """A field that leads to an object of the type ``target``, or to a list of them."""

    target: str
    many: bool
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Related(Reference):
    """A field that leads to rows of a declared type."""

    @property
    def signature(self) -> str:
        """The type as GraphQL writes it."""
        return f"[{self.target}!]!" if self.many else self.target + "!" * (not self.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootRows(Related):
    """A field of Query: all rows of a type, or the one with a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation(Related):
    """A relation of the model.

    ``path``     the ORM's name for it from here: what joins follow
    ``inverse``  the ORM's name, over there, of what equals
    ``key``      a column here: how a subquery finds the rows
    """

    path: str
    inverse: str
    key: str

    @property
    def origin(self) -> Any:
        """The relation of the model, whichever type over it this leads to."""
        return type(self), self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted(FieldDef):
    """A value of a source: in the column ``key``, or under that key of a JSON object.

    Whatever the source holds is cast to the scalar's type; ``dimensions`` is 1 for a list of values.
    """

    key: str
    scalar: Scalar
    dimensions: int = 0
    nullable: bool
    nullable_items: bool = False

    @property
    def stored_as(self) -> str | None:
        """The key in JSON."""
        return self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested(Reference):
    """An object, or a list of objects, in JSON; ``target`` names the shape or type that it has."""

    key: str
    nullable_items: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Reference):
    """An object of the abstract type ``of``, as one of the type ``target``: a row of any table."""

    many: bool = False
    nullable: bool = True
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildBranch(Branch):
    """A row of an interface over a model as a row of a type over this model, or over one that inherits it.

    ``model`` is that model. ``applies`` is the condition on the row itself that tells its type; where there is none, it
    is the row of the model, unless it is ``shared``, which says that both models have one table.
    """

    model: type[models.Model]
    applies: Q | None
    shared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTypeKey:
    """Which rows a generic relation leads to: ``content_type`` and ``object_id`` are the columns that tell.

    ``label`` is the content type's app label and model; its key may differ between databases.
    """

    content_type: str
    object_id: str
    label: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericBranch(Branch):
    """The object of a GenericForeignKey of the model ``holder`` as a row of one type, by its column ``key``."""

    holder: type[models.Model]
    by: ContentTypeKey
    key: str
    content_types: type[models.Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericOne(Reference):
    """A GenericForeignKey; ``shape`` is the abstract type of its objects, with branches that lead from this field.

    ``concrete`` says that content types are those of concrete models, as ``for_concrete_model`` does.
    """

    many: bool = False
    nullable: bool = True
    content_type: str
    object_id: str
    content_types: type[models.Model]
    concrete: bool
    shape: Shape | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericList(Related):
    """A GenericRelation: the rows that lead to this one by a content type and the column ``key`` of this row.

    ``content_types`` is the model of content types.
    """

    by: ContentTypeKey
    key: str
    content_types: type[models.Model]
    concrete: bool

    def of_model(self, model: type[models.Model]) -> GenericList:
        """Return the same relation of a model that inherits it: its rows have a content type of their own."""
        return replace(self, by=replace(self.by, label=content_type_label(model, concrete=self.concrete)))


def content_type_label(model: type[models.Model], *, concrete: bool) -> tuple[str, str]:
    """Return app label and model of the content type of a model, or of the concrete model behind a proxy."""
    meta = concrete_model(model)._meta if concrete else model._meta
    return meta.app_label, str(meta.model_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionRows(Reference):
    """A field of Query with the rows of all types of an abstract type."""

    many: bool = True
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionCount(FieldDef):
    """The number of rows of the list ``of_list``."""

    of_list: UnionRows


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeOf(FieldDef):
    """The name of the type of an object of the abstract type ``of``, as an enum; conditions compare it."""

    of: str
    scalar: Scalar
    branches: tuple[Branch, ...]


Key: TypeAlias = Column | Extracted | str
"""What a Link compares; a text is a column of a source, of which only the database knows more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Related):
    """Another type's rows whose ``there`` equals ``here``; no constraint need stand behind it."""

    here: Key
    there: Key


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A GraphQL object type and its fields: of objects in JSON, or of the roots, where it is no TypeDef.

    ``permission`` says who may read the type; others are refused, or see null where ``mask`` says so.
    ``own_permission`` is the same unless it comes from ``DEFAULT_PERMISSION``, and says who may write it. ``rows`` is
    its row rule. ``row_cost`` is what each object costs beside its fields. ``conditions`` are what a ``where`` may ask
    beside the fields. ``implements`` names the interfaces of an object type; ``branches`` of an abstract type, an
    interface or a union, lead to the object as each of the types that it may have, in the order in which they are
    tried, and ``is_union`` tells the two apart.
    """

    name: str
    description: str | None
    fields: Mapping[str, FieldDef]
    rows: RowRule | None = None
    permission: Rule | None = None
    own_permission: Rule | None = None
    mask: bool = False
    row_cost: float = 0
    directives: tuple[Any, ...] = ()
    conditions: Mapping[str, FieldDef] = field(default_factory=dict)
    implements: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    is_union: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AbstractShape(Shape):
    """A union, or an interface over no model; ``plural`` is the root field with the rows of all of its types."""

    plural: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DerivedShape(Shape):
    """An object type that a kind of field derives from others: conditions and orders have its own fields alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A field of a model that ``"__all__"`` does not have, since it cannot be described, and the reason.

    ``column`` says that it holds a value of the model's own table, or leads to a declared type: the project could
    declare it. Of what looks like a secret, and is left out on purpose, it says nothing.
    """

    name: str
    reason: str
    column: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TypeDef(Shape):
    """A GraphQL object type over a Django model, or over a source, for which a model stands.

    ``single`` and ``plural`` are the names of its root fields (None: there is none); ``key`` is what tells
    one row, by the names of the arguments that ask for it; a source may have none. ``unique`` are more keys by which
    "single" finds a row. ``queries`` are the forms of its root fields, ``lists`` those of the lists in other types that
    lead to it, and ``root_rules`` the permissions of root fields by form. ``left_out`` are the model's fields that
    could not be among all fields. ``when`` is true of those rows of the model that are of the type. ``random`` says
    whether its lists can be sorted at random, ``distinct_on`` whether they can be asked for one row of each value.
    ``cache`` says how answers with its rows may be kept, ``root_policies`` those of root fields by form.
    """

    model: type[models.Model]
    source: Source | None = None
    key: Mapping[str, Column | Extracted]
    single: str | None
    plural: str | None
    queries: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    unique: tuple[Mapping[str, Column | Extracted], ...] = ()
    random: bool = False
    distinct_on: bool = False
    key_arguments: Mapping[str, Column] | None = None
    is_node: bool = False
    cache: CachePolicy | None = None
    root_rules: Mapping[str, Rule] = field(default_factory=dict)
    root_policies: Mapping[str, CachePolicy] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    when: Q | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumSource:
    """Declared choices: what they are called, and the pairs of stored value and label.

    ``texts`` has description and deprecation of values of which more is said than their label. A name that was
    ``chosen`` for the enum is kept wherever fields have its choices.
    """

    name: str
    choices: tuple[tuple[Any, str], ...]
    description: str | None = None
    texts: Mapping[Any, tuple[str | None, str | None]] = field(default_factory=dict)
    directives: tuple[Any, ...] = ()
    chosen: bool = False


EnumFactory: TypeAlias = Callable[[EnumSource], GraphQLEnumType]
