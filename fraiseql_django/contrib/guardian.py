"""Object permissions of django-guardian as row rules.

    @fraiseql.type(Document, rows=can("library.view_document"))

A rule selects the rows that ``guardian.shortcuts.get_objects_for_user`` returns, but within the operation's statement:
the viewer's key is a parameter, and the database looks up permissions, content types and grants. Therefore a plan
serves all viewers and remains valid when grants change, and cached answers are dropped when guardian's tables are
written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import BigIntegerField, F, Func, Q, QuerySet, Subquery, TextField, UUIDField
from django.db.models.functions import Cast

from .._django import concrete_model, free_name, many_to_many_fields
from ..declare.rules import AnyViewer, ModelCondition
from ..errors import ConfigurationError, DeclarationError
from ..schema.django_fields import concrete

try:
    from guardian.conf import settings as guardian_settings
    from guardian.utils import get_group_obj_perms_model, get_user_obj_perms_model
except ModuleNotFoundError as error:
    raise ConfigurationError(
        "fraiseql_django.contrib.guardian needs django-guardian; install fraiseql_django[guardian]"
    ) from error

if not apps.is_installed("guardian"):
    raise ConfigurationError(
        "fraiseql_django.contrib.guardian needs guardian's tables; add 'guardian' to INSTALLED_APPS and migrate"
    )

# Guardian stores keys as text. There may be keys that are not of the model's type, for instance from before the type of
# its key changed; they must not cause an error, in whatever order PostgreSQL evaluates conditions. Only CASE guarantees
# an order (PostgreSQL documentation, 4.2.14). The row's own key is not cast, so that its index can be used.
_AS_WHOLE = (
    "CASE WHEN %(expressions)s ~ '^-?[0-9]{1,19}$' THEN CASE WHEN %(expressions)s::numeric "
    "BETWEEN -9223372036854775808 AND 9223372036854775807 THEN %(expressions)s::bigint END END"
)
_AS_UUID = "CASE WHEN %(expressions)s ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN %(expressions)s::uuid END"
_EVERY_ROW = ~Q(pk__in=[])
_NO_ROW = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class Can:
    """A row rule: the rows for which the viewer or one of their groups has object permissions."""

    of_viewer = True

    permissions: tuple[str, ...]
    any_perm: bool
    globally: bool

    def __call__(self, viewer: AnyViewer) -> Q:
        """Return the condition for a viewer, which can be combined with others by ``&``, ``|`` and ``~``."""
        if viewer.is_superuser:
            return _EVERY_ROW
        held = [self.globally and viewer.has_perm(name) for name in self.permissions]
        if all(held) or (self.any_perm and any(held)):
            return _EVERY_ROW
        user = viewer.id if viewer.is_authenticated else _anonymous_user()
        if user is None:
            return _NO_ROW
        missing = [name for name, has in zip(self.permissions, held, strict=True) if not has]
        return Q(Granted(tuple(missing), self.any_perm, user))

    def check_model(self, model: type[models.Model], name: str) -> None:
        """Raise DeclarationError if ``name``, a type or mutation over the model, cannot have this rule."""
        _check(self.permissions, model, f"{name}: ")


def can(*permissions: str, any_perm: bool = False, globally: bool = True) -> Can:
    """Return a row rule: the rows for which the viewer or one of their groups has these object permissions.

    The viewer needs all permissions, or one of them with ``any_perm``. A permission for the whole model counts for
    every row, unless ``globally`` is False; superusers have all permissions. Raises DeclarationError for a name that
    is not like "shop.view_order".
    """
    invalid = [name for name in permissions if not isinstance(name, str) or name.count(".") != 1]
    if invalid or not permissions:
        raise DeclarationError(f"can takes permissions like 'shop.view_order', not {invalid or 'nothing'}")
    return Can(tuple(dict.fromkeys(permissions)), any_perm, globally)


class Granted(ModelCondition):
    """The condition that a user has object permissions for a row, for any model."""

    def __init__(self, permissions: tuple[str, ...], any_perm: bool, user: Any) -> None:
        self.permissions = permissions
        self.any_perm = any_perm
        self.user = user

    def on(self, model: type[models.Model]) -> Q:
        """Return the condition for a model; raise DeclarationError if the model does not have these permissions."""
        _check(self.permissions, model)
        if self.any_perm:
            return _granted(model, self.permissions, self.user)
        return reduce(and_, (_granted(model, [name], self.user) for name in self.permissions))


def _granted(model: type[models.Model], permissions: Iterable[str], user: Any) -> Q:
    """Return the condition that a user or one of their groups has one of the permissions for a row."""
    # guardian stores permissions for rows of a proxy model under the concrete model
    meta = concrete_model(model)._meta
    wanted = Permission.objects.filter(
        codename__in=[name.split(".")[1] for name in permissions],
        content_type__app_label=meta.app_label,
        content_type__model=meta.model_name,
    ).values("pk")
    membership: Any = get_user_model()._meta.get_field("groups")
    user_field, group_field = many_to_many_fields(membership)
    groups = membership.remote_field.through._base_manager.filter(**{user_field: user})
    # Any: guardian's annotation has an instance, but its code accepts a class
    concrete: Any = concrete_model(model)
    user_grants: Any = get_user_obj_perms_model(concrete)
    group_grants: Any = get_group_obj_perms_model(concrete)
    of_user = user_grants._base_manager.filter(permission__in=wanted, user=user)
    of_groups = group_grants._base_manager.filter(permission__in=wanted, group__in=groups.values(group_field))
    # one list of keys instead of two conditions, so that PostgreSQL can start from the keys and look up their rows
    return _with_key_in(model, _keys(of_user, model).union(_keys(of_groups, model), all=True))


def _keys(grants: QuerySet[Any], model: type[models.Model]) -> QuerySet[Any]:
    """Return the keys of the objects of grants, cast to the type that the model's key is compared with."""
    pk = concrete(model._meta.pk)
    if not grants.model.objects.is_generic():
        key: Any = F("content_object__pk")
        if not isinstance(pk, (models.IntegerField, models.UUIDField)):
            key = Cast(key, TextField())
    elif isinstance(pk, models.IntegerField):
        key = Func(F("object_pk"), template=_AS_WHOLE, output_field=BigIntegerField())
    elif isinstance(pk, models.UUIDField):
        key = Func(F("object_pk"), template=_AS_UUID, output_field=UUIDField())
    else:
        key = Cast("object_pk", TextField())
    return grants.values_list(key)


def _with_key_in(model: type[models.Model], keys: QuerySet[Any]) -> Q:
    if isinstance(
        concrete(model._meta.pk), (models.IntegerField, models.UUIDField, models.CharField, models.TextField)
    ):
        return Q(pk__in=keys)
    name = free_name(model, "fraiseql_key")
    as_text = model._base_manager.annotate(**{name: Cast("pk", TextField())})
    return Q(pk__in=as_text.filter(**{f"{name}__in": keys}).values("pk"))


def _anonymous_user() -> Any:
    """Return the key of the user who represents anonymous viewers; None if guardian is configured without one."""
    name = guardian_settings.ANONYMOUS_USER_NAME
    if name is None:
        return None
    user: Any = get_user_model()
    return Subquery(user._base_manager.filter(**{user.USERNAME_FIELD: name}).values("pk")[:1])


def _check(permissions: Iterable[str], model: type[models.Model], where: str = "") -> None:
    """Raise DeclarationError if guardian cannot have these permissions for rows of the model."""
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        raise DeclarationError(
            f"{where}guardian does not support primary keys of several columns, such as that of {model.__name__}"
        )
    valid = _permissions_of(concrete_model(model))
    for name in permissions:
        if name in valid:
            continue
        problem = f"{where}{name!r} is not a permission of {model.__name__}"
        if valid:
            raise DeclarationError(f"{problem}; must be one of: {', '.join(map(repr, valid))}")
        raise DeclarationError(
            f"{problem}, which has none; compare with keys of the model that has it, as "
            f"Q(order_id__in=Order.objects.filter(can({name!r})(viewer)))"
        )


def _permissions_of(model: type[models.Model]) -> list[str]:
    """Return the permissions that Django creates for a model; none for the model of a declared view."""
    meta = model._meta
    # models of declared views are not in the registry of apps
    if meta.label_lower not in {item._meta.label_lower for item in apps.get_models()}:
        return []
    named = [f"{action}_{meta.model_name}" for action in meta.default_permissions]
    return [f"{meta.app_label}.{name}" for name in (*named, *(name for name, _ in meta.permissions))]
