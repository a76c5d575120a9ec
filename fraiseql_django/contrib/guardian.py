"""Object permissions of django-guardian as row rules.

    @fraiseql.type(Document, rows=can("library.view_document"))

A rule asks once more what ``guardian.shortcuts.get_objects_for_user`` asks, within the one statement: the viewer's
key is a parameter, and permissions, content types and grants are looked up by the database. So a plan serves all
viewers, outlives every grant, and its answers are dropped when guardian's tables are written.
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

from .._django import concrete_model, many_to_many_fields
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

# Guardian keeps keys as text. A key of another model that has lost its rows, or of this one when it had keys of another
# type, is no reason for an error, whatever PostgreSQL evaluates first; only CASE keeps to an order (documentation,
# 4.2.14). The row's own key is left as it is, for the index on it.
_AS_WHOLE = (
    "CASE WHEN %(expressions)s ~ '^-?[0-9]{1,19}$' THEN CASE WHEN %(expressions)s::numeric "
    "BETWEEN -9223372036854775808 AND 9223372036854775807 THEN %(expressions)s::bigint END END"
)
_AS_UUID = "CASE WHEN %(expressions)s ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN %(expressions)s::uuid END"
_EVERY_ROW = ~Q(pk__in=[])
_NO_ROW = Q(pk__in=[])


@dataclass(frozen=True, slots=True)
class Can:
    """A row rule: the rows on which the viewer, or a group of theirs, has object permissions."""

    permissions: tuple[str, ...]
    any_perm: bool
    globally: bool

    def __call__(self, viewer: AnyViewer) -> Q:
        """Return the condition for a viewer; it composes with others by ``&``, ``|`` and ``~``."""
        if viewer.is_superuser:
            return _EVERY_ROW
        held = [self.globally and viewer.has_perm(name) for name in self.permissions]
        if all(held) or (self.any_perm and any(held)):
            return _EVERY_ROW
        who = viewer.id if viewer.is_authenticated else _anonymous()
        if who is None:
            return _NO_ROW
        asked = [name for name, has in zip(self.permissions, held, strict=True) if not has]
        return Q(Granted(tuple(asked), self.any_perm, who))

    def check_model(self, model: type[models.Model], name: str) -> None:
        """Raise DeclarationError where ``name``, a type or a mutation over a model, cannot have this rule."""
        _check(self.permissions, model, f"{name}: ")


def can(*permissions: str, any_perm: bool = False, globally: bool = True) -> Can:
    """Return a row rule: the rows on which the viewer, or a group of theirs, has these object permissions.

    All of them, or any with ``any_perm``. Whoever has a permission for the whole model has it for every row, unless
    ``globally`` is False; superusers have all. Raises DeclarationError for what is no name like "shop.view_order".
    """
    wrong = [name for name in permissions if not isinstance(name, str) or name.count(".") != 1]
    if wrong or not permissions:
        raise DeclarationError(f"can takes permissions like 'shop.view_order', not {wrong or 'nothing'}")
    return Can(tuple(dict.fromkeys(permissions)), any_perm, globally)


class Granted(ModelCondition):
    """The condition that a user has object permissions on a row, whatever model it is of."""

    def __init__(self, permissions: tuple[str, ...], any_perm: bool, who: Any) -> None:
        self.permissions = permissions
        self.any_perm = any_perm
        self.who = who

    def on(self, model: type[models.Model]) -> Q:
        """Return the condition on the rows of a model; raise DeclarationError for one without these permissions."""
        _check(self.permissions, model)
        if self.any_perm:
            return _granted(model, self.permissions, self.who)
        return reduce(and_, (_granted(model, [name], self.who) for name in self.permissions))


def _granted(model: type[models.Model], permissions: Iterable[str], who: Any) -> Q:
    """Return the condition that a row is one on which a user, or a group of theirs, has one of some permissions."""
    meta = concrete_model(model)._meta
    wanted = Permission.objects.filter(
        codename__in=[name.split(".")[1] for name in permissions],
        content_type__app_label=meta.app_label,
        content_type__model=meta.model_name,
    ).values("pk")
    membership: Any = get_user_model()._meta.get_field("groups")
    user_field, group_field = many_to_many_fields(membership)
    groups = membership.remote_field.through._base_manager.filter(**{user_field: who})
    # a class will do for an instance, which is what guardian's own annotation asks for
    kept: Any = concrete_model(model)
    own: Any = get_user_obj_perms_model(kept)
    theirs: Any = get_group_obj_perms_model(kept)
    rows = own._base_manager.filter(permission__in=wanted, user=who)
    more = theirs._base_manager.filter(permission__in=wanted, group__in=groups.values(group_field))
    # one list of keys, and not two conditions: PostgreSQL can then begin with the keys, and look their rows up
    return _with_key_in(model, _keys(rows, model).union(_keys(more, model), all=True))


def _keys(grants: QuerySet[Any], model: type[models.Model]) -> QuerySet[Any]:
    """Return the keys of the objects of grants, as the type that they are compared as."""
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
    as_text = model._base_manager.annotate(fraiseql_key=Cast("pk", TextField()))
    return Q(pk__in=as_text.filter(fraiseql_key__in=keys).values("pk"))


def _anonymous() -> Any:
    """Return the key of the user who stands for those who are not signed in; None where guardian has none."""
    name = guardian_settings.ANONYMOUS_USER_NAME
    if name is None:
        return None
    user: Any = get_user_model()
    return Subquery(user._base_manager.filter(**{user.USERNAME_FIELD: name}).values("pk")[:1])


def _check(permissions: Iterable[str], model: type[models.Model], where: str = "") -> None:
    """Raise DeclarationError for a permission that guardian cannot keep for rows of a model."""
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        raise DeclarationError(
            f"{where}guardian keeps no permissions of rows with a key of several columns, as {model.__name__} has"
        )
    known = _permissions_of(concrete_model(model))
    for name in permissions:
        if name not in known:
            raise DeclarationError(
                f"{where}{name!r} is no permission of {model.__name__}; must be one of: {', '.join(map(repr, known))}"
                if known
                else f"{where}{name!r} is no permission of {model.__name__}, which has none; compare with keys of the "
                f"model that has, as Q(order_id__in=Order.objects.filter(can({name!r})(viewer)))"
            )


def _permissions_of(model: type[models.Model]) -> list[str]:
    """Return the permissions that Django makes for a model; none for a view's."""
    meta = model._meta
    # one of the app's models, and no model that stands for a declared view
    if meta.label_lower not in {known._meta.label_lower for known in apps.get_models()}:
        return []
    named = [f"{action}_{meta.model_name}" for action in meta.default_permissions]
    return [f"{meta.app_label}.{name}" for name in (*named, *(name for name, _ in meta.permissions))]
