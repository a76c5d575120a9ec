"""``type``, ``field`` and ``relation``: declarations of types."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar, dataclass_transform, overload

from django.db import models
from django.db.models import Q

from ..errors import DeclarationError
from .cache_policy import Cached, as_policy, split_query, wrong_policies
from .members import FieldOptions, annotations_of, options_of
from .registry import Registry, TypeDeclaration, check_cost, declare_object, default_registry
from .reporting import report
from .rules import Permitted, RowRule
from .sources import Source, make_source, source_model

_C = TypeVar("_C", bound=type)
_F = TypeVar("_F", bound=Callable[..., Any])
_P = ParamSpec("_P")
_R = TypeVar("_R")

if TYPE_CHECKING:

    class DeclaredField(Any):  # type: ignore[misc]
        """What ``field`` returns to a type checker: a value of the annotated type, or a decorator."""

        def __call__(self, function: _F, /) -> _F:
            """Take the function under ``@field(…)``."""


@overload
def field(function: staticmethod[_P, _R], /) -> staticmethod[_P, _R]: ...
@overload
def field(function: _F, /) -> _F: ...
@overload
def field(
    expression: Any = None,
    *,
    requires: Collection[str] | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    column: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 1,
    directives: Iterable[Any] = (),
    cache: Cached = None,
) -> DeclaredField: ...
def field(
    expression: Any = None,
    *,
    requires: Collection[str] | None = None,
    function: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    column: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 1,
    directives: Iterable[Any] = (),
    cache: Cached = None,
) -> Any:
    """Declare more of a field than its annotation does; or, as a decorator, a field that a function computes.

    ``expression`` is an ORM expression over the type's model: the field's value is computed in SQL. A function that
    returns one, given here or under the decorator, makes it of its arguments, which clients give; ``arguments`` has
    their annotations where the function has none, as a lambda.

    With ``requires``, the names of columns or computed fields, Python computes the value after the statement: by the
    function under the decorator, or else by the model's property of this name. A function of ``self`` is called for
    each row, one whose first parameter is annotated as a list once for all rows of an answer, and returns a list.

    ``function`` names a PostgreSQL function whose first parameter is a row of the table; ``arguments`` are the
    annotations of others, and ``reads`` tables that it reads, where PostgreSQL's catalogue does not tell.

    ``name`` is the field's name in GraphQL, as it is; ``column`` is the view's column, or the key in its JSON,
    where that is not the attribute's name; ``deprecation`` is why clients should not use the field. ``permission``
    says who may see it, as for a type; others are refused, or see null with ``mask``. ``cost`` is what it counts for
    in ``LIMITS.COMPLEXITY``, a number of 0 or more. ``directives`` are those of the schema's text (see ``directive``).
    ``cache`` says how answers with the field may be kept (see ``CachePolicy``); False: not at all.
    """
    wrong = [*_wrong_sources(expression, requires, function, arguments, reads), *wrong_policies(cache=cache)]
    if wrong:
        report(DeclarationError("\n".join(wrong)))
        return FieldOptions(invalid=True)
    declared = FieldOptions(
        requires=None if requires is None else tuple(requires),
        function=function,
        arguments=dict(arguments or {}),
        reads=tuple(reads),
        name=name,
        column=column,
        description=description,
        deprecation=deprecation,
        permission=permission,
        mask=mask,
        cost=check_cost(cost),
        directives=tuple(directives),
        cache=as_policy(cache),
    )
    if isinstance(expression, (property, cached_property)) or inspect.isroutine(expression):
        return declared(expression)
    return replace(declared, expression=expression)


def _wrong_sources(expression: Any, requires: Any, function: Any, arguments: Any, reads: Any) -> Iterator[str]:
    """Yield what is wrong with the arguments of a field that tell where its value comes from."""
    if requires is not None and not _are_names(requires):
        yield f"field(requires={requires!r}) must be a list of names of columns"
    if function is not None and not (isinstance(function, str) and function):
        yield f"field(function={function!r}) must be the name of a PostgreSQL function"
    computed = {"an expression": expression, "requires": requires, "function": function}
    given = [word for word, value in computed.items() if value is not None]
    if len(given) > 1 and not (given == ["an expression", "requires"] and inspect.isroutine(expression)):
        yield f"field() is given {' and '.join(given)}; a value comes from one of them"
    if arguments is not None and not (
        isinstance(arguments, Mapping) and all(isinstance(key, str) for key in arguments)
    ):
        yield f"field(arguments={arguments!r}) must be a dictionary of names and annotations"
    elif arguments and function is None and not inspect.isroutine(expression):
        yield "field(arguments=…) goes with a function that returns an expression, or with function='…'"
    if reads and not (_are_names(reads) and function is not None):
        yield f"field(reads={reads!r}) must be a list of tables that a PostgreSQL function, function='…', reads"


def relation(
    key: str,
    *,
    to: str,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 1,
    directives: Iterable[Any] = (),
    cache: Cached = None,
) -> Any:
    """Lead to the rows of another declared type whose ``to`` equals ``key`` here.

    Both are Python names of fields, or columns of the view or table. The annotation names the type: ``BookType`` is
    one row, ``BookType | None`` one that may be missing, ``list[BookType]`` a list. ``permission``, ``mask``,
    ``cost``, ``directives`` and ``cache`` are those of ``field``.
    """
    wrong = [*wrong_policies(cache=cache)]
    if not (isinstance(key, str) and key and isinstance(to, str) and to):
        wrong.append(f"relation({key!r}, to={to!r}) must name a field or column here, and one over there")
    if wrong:
        report(DeclarationError("\n".join(wrong)))
        return FieldOptions(invalid=True)
    return FieldOptions(
        name=name, description=description, deprecation=deprecation, key=key, to=to, permission=permission, mask=mask,
        cost=check_cost(cost), directives=tuple(directives), cache=as_policy(cache),
    )  # fmt: skip


# The forms that a list of rows takes, and what ``queries`` may name
FORMS = ("plural", "connection", "aggregate", "groups")
QUERIES = ("single", *FORMS)
Form: TypeAlias = Literal["plural", "connection", "aggregate", "groups"]
Query: TypeAlias = Literal["single", "plural", "connection", "aggregate", "groups"]
# The values of a dictionary are permissions, policies, or tuples of both
Queries: TypeAlias = "Collection[Query] | Mapping[Query, Any]"
# What a type has where its declaration says nothing
DEFAULT_QUERIES: tuple[Query, ...] = ("single", "plural")
DEFAULT_LISTS: tuple[Form, ...] = ("plural",)


@overload
def type_(  # type: ignore[overload-overlap]
    model: type[models.Model],
    *,
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] | None = None,
    queries: Queries = DEFAULT_QUERIES,
    lists: Collection[Form] = DEFAULT_LISTS,
    unique: Collection[str | Collection[str]] = (),
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    rows: RowRule | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 0,
    when: Q | None = None,
    implements: Collection[type] | None = None,
    tree: bool | str = False,
    directives: Iterable[Any] = (),
    random: bool = False,
    distinct_on: bool = False,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]: ...
@overload
def type_(
    *,
    sql_source: str,
    jsonb_column: str | None = None,
    key: str | Collection[str] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    description: str | None = None,
    queries: Queries = DEFAULT_QUERIES,
    lists: Collection[Form] = DEFAULT_LISTS,
    unique: Collection[str | Collection[str]] = (),
    single: str | None = None,
    plural: str | None = None,
    rows: RowRule | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 0,
    when: Q | None = None,
    implements: Collection[type] | None = None,
    tree: bool | str = False,
    directives: Iterable[Any] = (),
    random: bool = False,
    distinct_on: bool = False,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]: ...
@overload
def type_(
    *, name: str | None = None, description: str | None = None, directives: Iterable[Any] = ()
) -> Callable[[_C], _C]: ...
@overload
def type_(cls: _C, /) -> _C: ...
@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, field, relation))
def type_(
    model: Any = None,
    *,
    sql_source: str | None = None,
    jsonb_column: str | None = None,
    key: str | Collection[str] | None = None,
    reads: Collection[str] = (),
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] | None = None,
    queries: Queries = DEFAULT_QUERIES,
    lists: Collection[Form] = DEFAULT_LISTS,
    unique: Collection[str | Collection[str]] = (),
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    rows: RowRule | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cost: float = 0,
    when: Q | None = None,
    implements: Collection[type] | None = None,
    tree: bool | str = False,
    directives: Iterable[Any] = (),
    random: bool = False,
    distinct_on: bool = False,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> Any:
    """Declare a GraphQL type over a model, or over a view or table; without any, an object type of its own.

    Its fields are the annotations in the class and its bases, ``fields`` (names, or ``"__all__"``), or all but
    ``exclude``. ``name`` is the class's name without a trailing "Type" by default. ``queries`` are its root fields:
    "single" (one row by its key) and "plural" (a list); a dictionary has a permission for each, besides that of the
    type, a ``CachePolicy``, or a tuple of both. ``single`` and ``plural`` name them. ``lists`` are the forms of the
    lists in other types that lead to this one: "plural" is a list. ``unique`` names more keys by which "single" finds a
    row: a unique field or constraint, or the names of its fields; of a source, fields that the view keeps unique. Of
    several types over one model, relations that name no type lead to the ``primary`` one.

    ``sql_source`` names a view, a materialised view or a table, with or without its schema. Its fields are
    annotations: of its columns, or of the values in its ``jsonb_column``. ``key`` names the fields that identify a
    row ("id" by default, where there is such a field). ``reads`` are tables below it that PostgreSQL's catalogue does
    not list: writes to them drop the answers.

    ``permission`` says who may read the type: a rule (``requires_auth``, ``requires_permission(…)``,
    ``requires_role(…)``), the name of a permission of Django's, or a function of the viewer. Others are refused,
    or with ``mask`` see null and empty lists. ``rows`` is a function of the viewer that returns a condition on the
    rows that they see. ``cost`` is what each row counts for in ``LIMITS.COMPLEXITY``, besides its fields.
    ``directives`` are those of the schema's text (see ``directive``).

    ``when`` is a condition that tells which rows of the model are of this type, where several types share a table:
    other rows are none of its rows. ``implements`` lists interfaces; without it the type implements those over its
    model, and over the models that its model inherits. ``tree`` gives it the fields ``ancestors`` and ``descendants``,
    by the foreign key that it names; True stands for the only one to the model itself, or for the trees of
    django-treebeard and django-mptt.
    ``random`` lets clients sort its lists at random, and ``distinct_on`` ask for one row of each value.
    ``cache`` says how answers with its rows may be kept (see ``CachePolicy``); False: not at all.

    Raises DeclarationError where the arguments contradict each other.
    """
    if inspect.isclass(model) and not issubclass(model, models.Model) and model.__module__ != "builtins":
        # @type without arguments, over a class of the project
        return declare_object(model)
    if model is None and sql_source is None and jsonb_column is None and key is None and not reads:
        return lambda cls: declare_object(cls, name, description, directives=directives)
    problems: list[str] = []
    source: Source | None = None
    try:
        if sql_source is not None:
            if model is not None or fields is not None or exclude or primary:
                raise DeclarationError(
                    f"sql_source={sql_source!r} goes with annotated fields, not with a model, fields, exclude or "
                    f"primary"
                )
            source = make_source(sql_source, jsonb_column, key, reads)
        elif jsonb_column is not None or key is not None or reads:
            raise DeclarationError("jsonb_column, key and reads say more of a source; name it with sql_source='…'")
        else:
            check_model(model)
    except DeclarationError as error:
        # there is nothing that the type could be over
        report(error)
        return lambda cls: cls
    check_cost(cost)
    problems += [
        *wrong_fields(fields, exclude),
        *wrong_queries(queries, lists),
        *wrong_names(name=name, single=single, plural=plural),
        *_wrong_unique(unique, queries),
        *_wrong_variant(when, implements, source),
        *wrong_tree(tree, source),
        *_wrong_flags(primary=primary, mask=mask, random=random, distinct_on=distinct_on),
        *wrong_policies(cache=cache),
    ]
    if problems:
        report(DeclarationError("\n".join(problems)))

    def declare(cls: _C) -> _C:
        try:
            stands_for = model if source is None else source_model(cls.__name__, source, _anchor(source, cls))
            if source is None and fields is None and exclude is None and not annotations_of(cls) | options_of(cls):
                raise DeclarationError(
                    f"{cls.__name__} has no fields: annotate some (`title: fraiseql.auto`), "
                    f"or give @type fields=[…], fields='__all__' or exclude=[…]"
                )
        except DeclarationError as error:
            report(error)
            return cls
        registry.add(
            TypeDeclaration(
                cls=cls,
                model=stands_for,
                source=source,
                name=name or name_of(cls, model),
                description=description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None),
                fields=fields,
                exclude=exclude,
                queries=() if problems else queries,
                lists=() if problems else lists,
                unique=() if problems else tuple((key,) if isinstance(key, str) else tuple(key) for key in unique),
                single=single,
                plural=plural,
                primary=primary,
                rows=rows,
                permission=permission,
                mask=mask,
                row_cost=cost,
                when=when,
                implements=implements,
                tree=tree,
                directives=tuple(directives),
                random=random,
                distinct_on=distinct_on,
                cache=as_policy(cache),
                invalid=bool(problems),
            )
        )
        return cls

    return declare


def name_of(cls: type, model: Any) -> str:
    """Return the class's name without "Type", unless that is a part of the model's own name."""
    name = cls.__name__
    if isinstance(model, type) and name == model.__name__:
        return name
    return name.removesuffix("Type") or name


def check_model(model: Any) -> None:
    """Raise DeclarationError for what is no model with a table."""
    # Model itself has no _meta
    meta = getattr(model, "_meta", None) if inspect.isclass(model) else None
    if meta is None or meta.abstract:
        raise DeclarationError(f"@type takes a Django model that has a table, not {model!r}")
    if meta.swapped:
        raise DeclarationError(f"{meta.label} is swapped for {meta.swapped}, and has no table; declare that one")


def _wrong_variant(when: Any, implements: Any, source: Source | None) -> Iterator[str]:
    if when is not None and not isinstance(when, Q):
        yield f"when is {when!r}, must be a Q"
    elif when is not None and source is not None:
        yield "when is for types over models; let the view of sql_source select the rows"
    if implements is not None and not (
        isinstance(implements, (list, tuple, set, frozenset)) and all(map(is_interface, implements))
    ):
        yield f"implements is {implements!r}, must be a list of classes under @fraiseql.interface"


def wrong_tree(tree: Any, source: Source | None = None) -> Iterator[str]:
    """Yield what is wrong with the argument ``tree``."""
    if not isinstance(tree, (bool, str)) or tree == "":
        yield f"tree is {tree!r}, must be True or the name of a foreign key"
    elif tree and source is not None:
        yield "tree is for types over models"


def is_interface(cls: Any) -> bool:
    """Whether a class is declared as an interface."""
    declared, abstract = getattr(cls, "__fraiseql_type__", None), getattr(cls, "__fraiseql_abstract__", None)
    return (declared is not None and declared.interface) or (abstract is not None and abstract.members is None)


def wrong_fields(fields: Any, exclude: Any) -> Iterator[str]:
    """Yield what is wrong with the arguments ``fields`` and ``exclude``."""
    if (isinstance(fields, str) and fields != "__all__") or (
        fields is not None and not isinstance(fields, str) and not _are_names(fields)
    ):
        yield f"fields is {fields!r}, must be a list of names or '__all__'"
    if exclude is not None and not _are_names(exclude):
        yield f"exclude is {exclude!r}, must be a list of names"
    elif exclude and fields not in (None, "__all__"):
        yield f"exclude={exclude!r} goes with all fields, not with fields={fields!r}; give one"


def _are_names(value: Any) -> bool:
    return not isinstance(value, str) and isinstance(value, Collection) and all(isinstance(item, str) for item in value)


def wrong_queries(queries: Any, lists: Any) -> Iterator[str]:
    """Yield what is wrong with the arguments ``queries`` and ``lists``."""
    for name, given, known in (("queries", queries, QUERIES), ("lists", lists, FORMS)):
        if not isinstance(given, Collection) or isinstance(given, str) or any(item not in known for item in given):
            yield f"{name} is {given!r}, must be a list of: {', '.join(map(repr, known))}"
    for name, given in queries.items() if isinstance(queries, Mapping) else ():
        yield from wrong_policies(**{f"queries[{name!r}]": split_query(given)[1]})


def _wrong_unique(unique: Any, queries: Any) -> Iterator[str]:
    is_list = isinstance(unique, Collection) and not isinstance(unique, str)
    if not is_list or not all(isinstance(key, str) or (_are_names(key) and key) for key in unique):
        yield f"unique is {unique!r}, must be a list of names, or of lists of names"
    elif unique and "single" not in queries:
        yield f"unique={unique!r} names keys of the root field 'single', which queries={queries!r} leaves out"


def wrong_names(**names: Any) -> Iterator[str]:
    """Yield what is wrong with arguments that name something."""
    for argument, value in names.items():
        if value is not None and not (isinstance(value, str) and value):
            yield f"{argument} is {value!r}, must be a name"


def _wrong_flags(**flags: Any) -> Iterator[str]:
    for argument, value in flags.items():
        if not isinstance(value, bool):
            yield f"{argument} is {value!r}, must be True or False"


def _anchor(source: Source, cls: type) -> str:
    """Return a column that a source certainly has: that of the JSON, or that of the first field."""
    if source.json is not None:
        return source.json
    options_by_name = options_of(cls)
    for name in annotations_of(cls):
        options = options_by_name.get(name)
        if options is None:
            return name
        if options.to is None:
            return options.column or name
    raise DeclarationError(f"{cls.__name__} has no fields of its own: annotate some, `title: str`")
