"""Columns that look like secrets are recognised by their classes and names, and told of by ``manage.py check``."""

from typing import Any

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.core.checks import Warning, run_checks
from django.db import models
from django.test.utils import isolate_apps
from knox.models import AuthToken

import fraiseql_django as fraiseql
from fraiseql_django import Registry, checks
from fraiseql_django.declare.secrets import is_secret, secret_fields
from tests.zoo.fields import PointField


def test_secrets_of_packages() -> None:
    assert secret_fields(User) == ["password"]
    assert secret_fields(Session) == ["session_key", "session_data"]
    assert secret_fields(AuthToken) == ["digest", "token_key"]


@pytest.mark.parametrize(
    "name",
    [
        "password", "password_hash", "hashed_password", "passwd", "api_key", "apikey", "access_token", "token",
        "token_encrypted", "refresh_token", "client_secret", "secret", "secret_key", "private_key", "webhook_secret",
        "otp_secret", "totp", "salt", "session_key", "session_data", "activation_key", "recovery_codes", "backup_code",
        "credentials", "passphrase", "stripe_secret_key", "smtp_password", "apiKey",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret(column(name))


@pytest.mark.parametrize(
    "name",
    [
        "key", "code", "name", "password_hint", "token_count", "token_type", "tokenizer", "secretary", "keyword",
        "session", "passport", "hash", "salted", "public_key", "sort_key", "key_name", "secret_santa",
    ],
)  # fmt: skip
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret(column(name))


@pytest.mark.parametrize(
    ("field", "secret"),
    [
        (models.CharField(max_length=9), True),
        (models.TextField(), True),
        (models.BinaryField(), True),
        (models.JSONField(), True),
        (models.UUIDField(), True),
        (ArrayField(models.TextField()), True),
        (PointField(), True),
        (models.BooleanField(), False),
        (models.DateTimeField(), False),
        (models.IntegerField(), False),
        (models.TextField(choices=[("a", "a")]), False),
        (models.FileField(), False),
    ],
)
def test_classes_of_secrets(field: Any, secret: bool) -> None:
    assert is_secret(column("token", field)) == secret


def column(name: str, field: Any = None) -> Any:
    """Return a column of a model that exists for it."""
    with isolate_apps("tests.zoo"):
        meta = type("Meta", (), {"app_label": "zoo"})
        body = {"__module__": __name__, "Meta": meta, name: field or models.TextField()}
        return type("Thing", (models.Model,), body)._meta.get_field(name)


@isolate_apps("tests.zoo")
def test_models_of_secrets_and_keys_to_them() -> None:
    class ApiToken(models.Model):
        key = models.CharField(max_length=40, primary_key=True)
        name = models.TextField()

        class Meta:
            app_label = "zoo"

    class Use(models.Model):
        by = models.ForeignKey(ApiToken, models.CASCADE)

        class Meta:
            app_label = "zoo"

    class Visitor(AbstractBaseUser):
        class Meta:
            app_label = "zoo"

    assert secret_fields(ApiToken) == ["key"]
    assert secret_fields(Use) == ["by"]
    assert secret_fields(Visitor) == ["password"]
    registry = Registry()
    assert list(fraiseql.types(ApiToken, Use, registry=registry)) == [Use]
    assert list(fraiseql.GraphQLEngine(registry=registry, cache=None).schema.types["Use"].fields) == ["id"]


def warnings(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> list[Any]:
    monkeypatch.setattr(checks, "default_registry", registry)
    return [message for message in run_checks(tags=["fraiseql"]) if message.id != "fraiseql.W009"]


def test_secrets_that_nobody_has_named_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    fraiseql.type(User, fields="__all__", registry=registry)(type("UserType", (), {}))
    fraiseql.type(Session, exclude=[], registry=registry)(type("SessionType", (), {}))
    hint = (
        "A field that clients may read all the same is named in the class: `{0}: fraiseql.auto`, with "
        "`= fraiseql.field(permission=…)` for some of them."
    )

    assert warnings(monkeypatch, registry) == [
        Warning(
            "auth.User: User shows 'password', as all fields are declared; it looks like a secret.",
            hint="Leave it out with exclude=['password']. " + hint.format("password"),
            id="fraiseql.W020",
        ),
        Warning(
            "sessions.Session: Session shows 'session_key' and 'session_data', as all fields are declared; they look "
            "like secrets.",
            hint="Leave them out with exclude=['session_key', 'session_data']. " + hint.format("session_key"),
            id="fraiseql.W020",
        ),
    ]


def test_what_the_project_has_decided_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    hidden = fraiseql.field(permission="auth.view_user")
    fraiseql.type(User, fields=["id", "password"], registry=registry)(type("A", (), {}))
    fraiseql.type(User, exclude=["password"], registry=registry)(type("B", (), {}))
    fraiseql.type(User, fields="__all__", registry=registry)(type("C", (), {"password": hidden}))
    body = {"__annotations__": {"password": fraiseql.auto}}
    fraiseql.type(User, fields="__all__", registry=registry)(type("D", (), body))
    fraiseql.types(Session, secrets=True, registry=registry)

    assert warnings(monkeypatch, registry) == []


@isolate_apps("tests.zoo")
def test_columns_that_are_left_out_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plot(models.Model):
        point = PointField()
        größe = models.IntegerField(default=0)

        class Meta:
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Plot, fields="__all__", registry=registry)(type("PlotType", (), {}))

    assert warnings(monkeypatch, registry) == [
        Warning(
            "zoo.Plot: Plot has all fields but 'point': Plot.point is a tests.zoo.fields.PointField, which extends no "
            "field class that is known.",
            hint=(
                "Name the Django class to treat it as in FRAISEQL['SCALARS'], or leave it out; exclude=['point'] "
                "silences this check."
            ),
            id="fraiseql.W021",
        ),
        Warning(
            "zoo.Plot: Plot has all fields but 'größe': the field Plot.größe cannot be called 'größe': Names must only "
            "contain [_a-zA-Z0-9] but 'größe' does not.",
            hint="Give it another name with fraiseql.field(name=…); exclude=['größe'] silences this check.",
            id="fraiseql.W021",
        ),
    ]
    registry = Registry()
    fraiseql.type(Plot, exclude=["point", "größe"], registry=registry)(type("PlotType", (), {}))
    assert warnings(monkeypatch, registry) == []
