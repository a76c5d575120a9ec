"""``types``: the types of an app's models, or of a project's, in one line.

    shop = fraiseql.types("shop", exclude=["LogEntry"], exclude_fields={"Book": ["cost"]})

A type that the project declares over one of the models takes the place of the one that ``types`` has made, whichever
comes first.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel

from ..errors import DeclarationError
from .cache_policy import Cached, as_policy, wrong_policies
from .names import RESERVED, is_name, pascal_case
from .registry import Registry, TypeDeclaration, default_registry, with_free_name
from .reporting import report
from .rules import Permitted, RowRule
from .secrets import is_secret, secret_fields
from .types import DEFAULT_LISTS, DEFAULT_QUERIES, Form, Queries, check_model, wrong_queries

Model: TypeAlias = type[models.Model]
ModelName: TypeAlias = "str | Model"
# of any key: a dict of classes is none of `str | type[Model]`, in which a Mapping is invariant
Fields: TypeAlias = "Collection[str] | Mapping[Any, Collection[str]]"


class DeclaredTypes(Mapping[Any, type]):
    """The classes of the types that ``types`` has declared, by model, by "Book" or by "shop.Book".

    ``left_out`` has the models that got no type, each with the reason.
    """

    def __init__(self, classes: Mapping[Model, type], left_out: Mapping[Model, str]) -> None:
        self._classes = dict(classes)
        self.left_out = dict(left_out)

    def __getitem__(self, key: ModelName) -> type:
        if not isinstance(key, str):
            return self._classes[key]
        found = [model for model in self._classes if key in (model.__name__, model._meta.label)]
        if len(found) != 1:
            raise KeyError(key if not found else f"{key}: {_labels(found)}")
        return self._classes[found[0]]

    def __iter__(self) -> Iterator[Model]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def __repr__(self) -> str:
        return f"<types over {_labels(self)}>"


def types(
    *what: ModelName,
    exclude: Collection[ModelName] = (),
    exclude_fields: Fields = (),
    secrets: bool = False,
    names: Mapping[ModelName, str] | None = None,
    prefix: str = "",
    queries: Queries = DEFAULT_QUERIES,
    lists: Collection[Form] = DEFAULT_LISTS,
    rows: RowRule | None = None,
    permission: Permitted = None,
    mask: bool = False,
    cache: Cached = None,
    registry: Registry = default_registry,
) -> DeclaredTypes:
    """Declare a type with all fields over each model of apps, or over single models.

    ``what`` are labels of apps ("shop"), models ("shop.Book", or the class), or "__all__" for all installed apps.
    ``exclude`` are models of these that get no type, ``exclude_fields`` fields that no type has: names, or names by
    model. Columns that look like secrets are left out, and models whose key does, unless ``secrets`` is true. Models
    that have a type of their own are left out, too.

    A type has its model's name, after ``prefix``; where another type has this name, the app's label comes before it
    (``ForumGroup``). ``names`` has other names, by model. ``queries``, ``lists``, ``rows``, ``permission``, ``mask``
    and ``cache`` are those of ``type``, for each type.

    Return the classes, like those under ``type``: ``types("shop")["Book"]``. Raises DeclarationError for what is no
    app, model or field.
    """
    caller = inspect.currentframe()
    module = caller.f_back.f_globals["__name__"] if caller is not None and caller.f_back is not None else __name__
    try:
        chosen = _models(what)
        without = _found(exclude, chosen, "exclude")
        named = {_model(key, chosen, "names"): name for key, name in (names or {}).items()}
        excluded = _excluded_fields(exclude_fields, [model for model in chosen if model not in without])
        if problems := [*wrong_queries(queries, lists), *wrong_policies(cache=cache)]:
            raise DeclarationError("\n".join(problems))
    except DeclarationError as error:
        report(error)
        return DeclaredTypes({}, {})
    classes: dict[Model, type] = {}
    left_out: dict[Model, str] = {}
    own = {item.model: item.name for item in registry.types}
    # names that are given are taken before others are found
    for model in sorted(chosen, key=lambda model: model not in named):
        if model in without:
            left_out[model] = "it is excluded"
        elif model in own:
            left_out[model] = f"it has a type already, {own[model]}"
        elif model not in named and not is_name(f"{prefix}{model.__name__}"):
            left_out[model] = "GraphQL does not allow its name; give it another one with names={…}"
        elif not secrets and any(is_secret(field) for field in _key(model)):
            left_out[model] = "its key looks like a secret"
        else:
            hidden = () if secrets else tuple(secret_fields(model))
            cls = type(model.__name__, (), {"__module__": module, "__doc__": None})
            plain = f"{prefix}{model.__name__}"
            declaration = TypeDeclaration(
                cls=cls,
                model=model,
                name=named.get(model, plain),
                description=None,
                fields="__all__",
                exclude=dict.fromkeys([*excluded[model], *hidden]),
                secrets=tuple(name for name in hidden if name not in excluded[model]),
                queries=queries,
                lists=lists,
                single=None,
                plural=None,
                primary=False,
                rows=rows,
                permission=permission,
                mask=mask,
                cache=as_policy(cache),
                automatic=(
                    (named[model],)
                    if model in named
                    else (plain, f"{prefix}{pascal_case(model._meta.app_label)}{model.__name__}")
                ),
            )
            registry.add(with_free_name(declaration, registry.taken() | RESERVED))
            classes[model] = cls
    return DeclaredTypes({model: classes[model] for model in chosen if model in classes}, left_out)


def _models(what: Iterable[ModelName]) -> list[Model]:
    """Return the models that are named, each once, in the order of the apps."""
    found: dict[Model, None] = {}
    try:
        configs = {config.label: config for config in apps.get_app_configs()}
        apps.check_models_ready()
    except AppRegistryNotReady:
        raise DeclarationError(
            "types() is called before all models are loaded; call it in the app's graphql module"
        ) from None
    problems: list[str] = []
    for item in what or ("",):
        if item == "__all__":
            found |= dict.fromkeys(apps.get_models())
        elif isinstance(item, str) and item in configs:
            found |= dict.fromkeys(configs[item].get_models())
        elif isinstance(item, str) and "." in item:
            try:
                found[apps.get_model(item)] = None
            except (LookupError, ValueError):
                problems.append(f"types() is given {item!r}, which is no model; write it like 'shop.Book'")
        elif isinstance(item, str):
            known = ", ".join(sorted(configs))
            problems.append(
                f"types() is given {item!r}, which is no app; give it a model, '__all__' or one of: {known}"
            )
        else:
            try:
                check_model(item)
                found[item] = None
            except DeclarationError as error:
                problems.append(str(error))
    if problems:
        raise DeclarationError("\n".join(problems))
    return list(found)


def _found(keys: Any, chosen: Collection[Model], argument: str) -> list[Model]:
    if isinstance(keys, str) or not isinstance(keys, Collection):
        raise DeclarationError(f"types(): {argument} is {keys!r}, must be a list of models")
    return [_model(key, chosen, argument) for key in keys]


def _model(key: ModelName, chosen: Collection[Model], argument: str) -> Model:
    found = [model for model in chosen if key in (model, model.__name__, model._meta.label)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeclarationError(f"types(): {argument} names {key!r}, which are several; name one of: {_labels(found)}")
    raise DeclarationError(
        f"types(): {argument} names {key!r}, which is none of the models; must be one of: {_labels(chosen)}"
    )


def _excluded_fields(given: Any, chosen: Collection[Model]) -> dict[Model, list[str]]:
    """Return the names of excluded fields by model."""
    excluded: dict[Model, list[str]] = {model: [] for model in chosen}
    if isinstance(given, Mapping):
        for key, names in given.items():
            model = _model(key, chosen, "exclude_fields")
            excluded[model] += _names(names, f"exclude_fields[{key!r}]")
        return excluded
    for name in _names(given, "exclude_fields"):
        having = [model for model in chosen if name in _field_names(model)]
        if not having:
            raise DeclarationError(f"types(): exclude_fields names {name!r}, a field of no model; leave it out")
        for model in having:
            excluded[model].append(name)
    return excluded


def _names(names: Any, argument: str) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Collection) or not all(isinstance(name, str) for name in names):
        raise DeclarationError(f"types(): {argument} is {names!r}, must be a list of names")
    return list(names)


def _field_names(model: Model) -> set[str | None]:
    names: set[str | None] = set()
    for field in model._meta.get_fields():
        own = field.get_accessor_name() if isinstance(field, ForeignObjectRel) else field.name
        names |= {own, getattr(field, "attname", None)}
    return names


def _key(model: Model) -> list[Any]:
    pk = model._meta.pk
    return list(pk.fields) if isinstance(pk, models.CompositePrimaryKey) else [pk]


def _labels(found: Iterable[Model]) -> str:
    return ", ".join(sorted(model._meta.label for model in found))
