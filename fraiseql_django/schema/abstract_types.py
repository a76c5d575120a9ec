"""Interfaces and unions: which types their objects may have, and what tells the type of each.

An interface over a model is a TypeDef like others, whose rows are the model's, with a branch for each type that
implements it. A union, and an interface over no model, is a Shape whose branches are whole types: its objects are the
rows of several tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.db import models
from django.db.models import Exists, OuterRef, Q
from graphql import GraphQLEnumType

from .._django import concrete_model
from ..declare.members import annotations_of
from ..declare.names import check_name
from ..declare.registry import AbstractDeclaration, Registry, TypeDeclaration
from ..declare.rules import RowRule, as_rule, condition, restrict
from ..errors import DeclarationError
from .annotations import read, signature
from .conventions import Conventions
from .definition import (
    AbstractShape,
    Branch,
    ChildBranch,
    ContentTypeKey,
    FieldDef,
    GenericBranch,
    GenericOne,
    Relation,
    Shape,
    TypeDef,
    TypeOf,
    content_type_label,
)
from .relations import Targets
from .scalars.postgres import TEXT, choice

S = TypeVar("S", bound=Shape)


# What a ``where`` asks for the type of an object
OF_TYPE = "ofType"


@dataclass(slots=True)
class AbstractTypes:
    """Describes the abstract types of a registry over the types that have been described, by name.

    ``types`` are these types with the interfaces that they implement and the fields that they have from them; those
    of interfaces over models have their branches. ``shapes`` are unions, and interfaces over no model.
    """

    registry: Registry
    types: dict[str, TypeDef]
    conventions: Conventions
    shapes: dict[str, Shape] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def describe(self) -> None:
        """Describe all of them; ``problems`` has a line for each one that is wrong."""
        for declaration in self.registry.types:
            if declaration.interface and declaration.name in self.types:
                self._attempt(self._over_model, declaration)
        for abstract in self.registry.abstracts:
            self._attempt(self._union if abstract.members is not None else self._without_model, abstract)
        for definition in list(self.types.values()):
            self._resolve_generic(definition)

    def _attempt(self, step: Any, declaration: Any) -> None:
        try:
            step(declaration)
        except DeclarationError as error:
            self.problems += [f"{declaration.name}: {line}" for line in str(error).splitlines()]

    # --- interfaces over models ---

    def _over_model(self, declaration: TypeDeclaration) -> None:
        definition = self.types[declaration.name]
        found = [other for other in self.registry.types if other.name in self.types and _implements(other, declaration)]
        if not found:
            raise DeclarationError(
                f"no type implements the interface; declare one over {declaration.model._meta.label}, or over a model "
                f"that inherits it"
            )
        found.sort(key=lambda other: (-_distance(other.model, declaration.model), other.when is None))
        branches = [self._child(declaration, other, [each.model for each in found]) for other in found]
        names = [other.name for other in found if other.when is None and other.model is declaration.model]
        if len(names) > 1:
            raise DeclarationError(
                f"{' and '.join(names)} have the same rows; tell which are of which type with when=Q(…), or leave the "
                f"interface out of the implements=[…] of one"
            )
        for other in found:
            self._check_fields(definition, self.types[other.name])
            self._implement(other.name, definition)
        self.types[declaration.name] = with_branches(definition, branches)

    def _child(self, interface: TypeDeclaration, declared: TypeDeclaration, models_: Sequence[Any]) -> ChildBranch:
        base, model = interface.model, declared.model
        shared = concrete_model(model) is concrete_model(base)
        if not shared and not issubclass(model, base):
            raise DeclarationError(
                f"{declared.name} implements it, but {model.__name__} does not inherit {base.__name__}"
            )
        applies = declared.when if shared else None
        if model is not base and _is_polymorphic(base):
            of_class = _content_type(base, model, models_)
            applies = of_class if applies is None else of_class & applies
        elif shared and applies is None and model is not base:
            raise DeclarationError(
                f"nothing tells which rows of {base._meta.label} are of {declared.name}; declare it with when=Q(…)"
            )
        return ChildBranch(
            name=f"on{declared.name}", description=f"Of the type {declared.name}, with these conditions.",
            target=declared.name, of=interface.name, applies=applies, shared=shared, model=model,
        )  # fmt: skip

    def _check_fields(self, interface: TypeDef, definition: TypeDef) -> None:
        """Raise DeclarationError for fields that a type cannot have, protects alone, or reads from something else."""
        problems = []
        for name, found in interface.fields.items():
            own = definition.fields.get(name)
            if own is None and isinstance(found, Relation) and not _has_field(definition.model, found.path):
                problems.append(f"{definition.name} cannot have the field {name!r}; leave it out of the interface")
            elif own is not None and own.permission is not None and found.permission is None:
                # conditions on the interface's field would tell the value
                problems.append(f"{definition.name}.{name} has a permission; give the interface's field one as well")
            elif own is not None and own.origin != found.origin:
                # lists of the interface are filtered and sorted by its own field, which may be what this one hides
                problems.append(
                    f"{definition.name}.{name} has another value than {interface.name}.{name}; give it another name"
                )
        if problems:
            raise DeclarationError("\n".join(problems))

    def _implement(self, name: str, interface: Shape) -> None:
        """Let a type implement an interface, with the fields of it that it has not."""
        known = self.types[name]
        missing = {
            key: value.of_model(known.model) for key, value in interface.fields.items() if key not in known.fields
        }
        self.types[name] = replace(
            known, fields={**known.fields, **missing}, implements=(*known.implements, interface.name)
        )

    # --- generic relations ---

    def _resolve_generic(self, definition: TypeDef) -> None:
        """Describe the types that the generic foreign keys of a type lead to."""
        resolved: dict[str, FieldDef] = {}
        for name, field_ in definition.fields.items():
            if isinstance(field_, GenericOne):
                try:
                    resolved[name] = self._generic(definition, field_)
                except DeclarationError as error:
                    self.problems.append(f"{definition.name}.{name}: {error}")
        if resolved:
            self.types[definition.name] = replace(definition, fields={**definition.fields, **resolved})

    def _generic(self, definition: TypeDef, found: GenericOne) -> GenericOne:
        target = found.target or f"{definition.name}{found.name[:1].upper()}{found.name[1:]}"
        if not found.target and target not in self.shapes:
            members = self._generic_targets(found)
            self.shapes[target] = with_branches(
                AbstractShape(name=target, description=f"What {definition.name}.{found.name} may lead to.", fields={},
                is_union=True), [_member_branch(target, member) for member in members],
            )  # fmt: skip
        shape = self.shapes.get(target)
        if shape is None:
            raise DeclarationError("its union is wrong")
        branches = []
        for branch in shape.branches:
            model = self.types[branch.target].model
            if self.types[branch.target].source is not None or len(self.types[branch.target].key) != 1:
                raise DeclarationError(f"{branch.target} has no content type and one key, so nothing can lead to it")
            label = content_type_label(model, concrete=found.concrete)
            by = ContentTypeKey(content_type=found.content_type, object_id=found.object_id, label=label)
            branches.append(
                GenericBranch(
                    name=branch.name, description=branch.description, target=branch.target, of=target, by=by,
                    holder=definition.model, key=model._meta.pk.attname, content_types=found.content_types,
                )
            )  # fmt: skip
        # other fields, so that what is selected of it is not taken for what another generic relation selects
        own = with_branches(replace(shape, fields=dict(shape.fields), conditions={}), branches, shape)
        return replace(found, target=target, shape=own)

    def _generic_targets(self, found: GenericOne) -> list[str]:
        """Return the types that a generic relation leads to where nobody has named them: one for each model."""
        targets = Targets(self.registry, interfaces=False)
        by_label: dict[Any, str] = {}
        for declaration in self.registry.types:
            definition = self.types.get(declaration.name)
            if definition is None or definition.branches or definition.source is not None or len(definition.key) != 1:
                continue
            label = content_type_label(declaration.model, concrete=found.concrete)
            if label not in by_label and targets.decided(declaration.model):
                by_label[label] = targets.of(declaration.model, found.name)
        return list(dict.fromkeys(by_label.values()))

    # --- abstract types over several tables ---

    def _union(self, declaration: AbstractDeclaration) -> None:
        assert declaration.members is not None
        members = [self._member(declaration, member) for member in declaration.members]
        if len(set(members)) < len(members):
            raise DeclarationError("a type is named twice among the types of the union")
        self.shapes[declaration.name] = self._shape(declaration, {}, members, is_union=True)

    def _member(self, declaration: AbstractDeclaration, given: Any) -> str:
        declared = self.registry.named(given) if isinstance(given, str) else self.registry.declaration_of(given)
        if not isinstance(declared, TypeDeclaration) or declared.name not in self.types:
            raise DeclarationError(f"{given!r} is no declared type; a union has types under @fraiseql.type")
        if declared.interface:
            raise DeclarationError(f"{declared.name} is an interface; a union has the types that implement it")
        return declared.name

    def _without_model(self, declaration: AbstractDeclaration) -> None:
        found = [
            other.name
            for other in self.registry.types
            if other.name in self.types and declaration.cls in (other.implements or ())
        ]
        if not found:
            raise DeclarationError(f"no type implements the interface; name it with implements=[{declaration.name}]")
        fields = self._common(declaration, found)
        shape = self._shape(declaration, fields, found, is_union=False)
        self.shapes[declaration.name] = shape
        for name in found:
            self._implement(name, shape)

    def _common(self, declaration: AbstractDeclaration, names: Sequence[str]) -> dict[str, FieldDef]:
        """Return the fields of an interface, as its first type has them."""
        problems, fields = [], {}
        for python_name in declaration.fields:
            first: FieldDef | None = None
            for name in names:
                known = self._by_python_name(name, python_name)
                if known is None:
                    problems.append(f"{name} implements the interface, but has no field {python_name!r}")
                    continue
                first = first or replace(known, permission=None, mask=False)
            if first is not None:
                problems += self._misfit(declaration, python_name, first)
                fields[first.name] = first
        if problems:
            raise DeclarationError("\n".join(problems))
        return fields

    def _by_python_name(self, type_name: str, python_name: str) -> FieldDef | None:
        definition = self.types[type_name]
        declared = next(item for item in self.registry.types if item.name == type_name)
        options = declared.options.get(python_name)
        for name in (options and options.name, python_name, self.conventions.name(python_name)):
            if name in definition.fields:
                return definition.fields[str(name)]
        return None

    def _misfit(self, declaration: AbstractDeclaration, python_name: str, known: Any) -> Iterator[str]:
        annotation = read(*annotations_of(declaration.cls)[python_name], self.registry)
        written = signature(annotation, self.conventions.python_scalars)
        actual = getattr(known, "signature", None)
        if None not in (written, actual) and str(written).replace("!", "") != str(actual).replace("!", ""):
            yield f"{python_name} is annotated as {written}, but is {actual} in the first type that has it"

    def _shape(
        self, declaration: AbstractDeclaration, fields: dict[str, FieldDef], members: Sequence[str], *, is_union: bool
    ) -> Shape:
        name = check_name(declaration.name, "a type")
        permission = as_rule(declaration.permission, name)
        if declaration.mask and permission is None:
            raise DeclarationError("mask is for those whom a permission leaves out; give permission=… as well")
        plural = None if declaration.plural is None else check_name(declaration.plural, "a root field")
        shape = AbstractShape(
            name=name, description=declaration.description, fields=fields, permission=permission,
            own_permission=permission, mask=declaration.mask, is_union=is_union, plural=plural,
        )  # fmt: skip
        return with_branches(shape, [_member_branch(name, other) for other in members])


def _member_branch(name: str, target: str) -> Branch:
    return Branch(
        name=f"on{target}", description=f"Of the type {target}, with these conditions.", target=target, of=name
    )


def with_branches(definition: S, branches: Sequence[Branch], known: Shape | None = None) -> S:
    """Return an abstract type with its branches, and what a ``where`` may ask about the type of an object.

    ``known`` is the same type with other branches, whose enum of types this one has as well.
    """
    names = [branch.target for branch in branches]
    given = known and known.conditions.get(OF_TYPE)
    if isinstance(given, TypeOf):
        scalar = given.scalar
    else:
        described = f"The types of {definition.name}."
        scalar = choice(
            GraphQLEnumType(f"{definition.name}Typename", {name: name for name in names}, description=described), TEXT
        )
    of_type = TypeOf(
        name=OF_TYPE, description="The type of the object.", of=definition.name, scalar=scalar, branches=tuple(branches)
    )
    conditions: dict[str, FieldDef] = {of_type.name: of_type, **{branch.name: branch for branch in branches}}
    own = definition.fields
    return replace(
        definition,
        branches=tuple(branches),
        conditions={name: condition for name, condition in conditions.items() if name not in own},
    )


def may_hide(definition: Shape, types: Mapping[str, TypeDef]) -> bool:
    """Whether an abstract type may have objects that not every viewer sees, or that are of none of its types."""
    targets = [types[branch.target] for branch in definition.branches]
    whole = any(
        isinstance(branch, ChildBranch) and branch.shared and branch.applies is None for branch in definition.branches
    )
    return not whole or any(target.rows is not None or target.permission is not None for target in targets)


def hidden_children(interface: TypeDef, types: Mapping[str, TypeDef]) -> RowRule | None:
    """Return a row rule that hides rows of an interface's model which the rules of its types hide; None for none.

    What a mutation is asked to link to is a row of the model, whatever its type.
    """
    ruled = [types[branch.target] for branch in interface.branches if types[branch.target].rows is not None]

    def rule(viewer: Any) -> Q:
        found = Q()
        for target in ruled:
            assert target.rows is not None
            own: models.QuerySet[Any] = models.QuerySet(target.model).filter(pk=OuterRef("pk")).order_by()
            own = own if target.when is None else restrict(own, target.when)
            seen = restrict(own, condition(target.rows, viewer, target.name))
            found &= ~Q(Exists(own)) | Q(Exists(seen))
        return found

    return rule if ruled else None


def _implements(declared: TypeDeclaration, interface: TypeDeclaration) -> bool:
    if declared.interface or declared.source is not None:
        return False
    if declared.implements is not None:
        return interface.cls in declared.implements
    return issubclass(declared.model, interface.model)


def _has_field(model: Any, name: str) -> bool:
    return any(field.name == name for field in model._meta.get_fields(include_hidden=True))


def _distance(model: type[models.Model], base: type[models.Model]) -> int:
    """Return how many models lie between a model and one that it inherits."""
    return sum(issubclass(cls, base) for cls in model.__mro__)


def _is_polymorphic(model: Any) -> bool:
    """Whether each row has the content type of its class, as django-polymorphic writes it."""
    return bool(getattr(model, "polymorphic_model_marker", False))


def _content_type(base: Any, model: Any, declared: Sequence[Any]) -> Q:
    """Return the condition that a row is of the class of a model, or of one below it that no type is declared for."""
    found: dict[Any, None] = {}

    def gather(cls: Any) -> None:
        if not cls._meta.abstract:
            found[cls] = None
        for below in cls.__subclasses__():
            if below not in declared:
                gather(below)

    gather(model)
    content_types = base._meta.get_field("polymorphic_ctype").related_model
    labels = Q()
    for cls in found:
        labels |= Q(app_label=cls._meta.app_label, model=cls._meta.model_name)
    return Q(polymorphic_ctype_id__in=models.QuerySet(content_types).filter(labels).order_by().values("pk"))
