"""Columns that look like secrets: password hashes, tokens, keys, the data of sessions.

They are recognised by the classes of Django that their models extend, and by their names. ``types`` leaves them out; a
system check (W020) lists those that ``fields="__all__"`` shows. Whoever names such a field in a declaration, in
``fields`` or by an annotation, has decided that clients may read it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

from django.contrib.postgres.fields import ArrayField, HStoreField
from django.db import models
from django.utils.text import camel_case_to_spaces

from .registry import TypeDeclaration

Model: TypeAlias = type[models.Model]

# The last word of a name that says it, and pairs of words that do; "password_hint" and "token_count" do not
_WORDS = frozenset((
    "accesstoken", "apikey", "authtoken", "cookie", "cookies", "credential", "credentials", "cvc", "cvv", "nonce",
    "otp", "passcode", "passphrase", "passwd", "password", "passwords", "pin", "pincode", "privatekey", "pwd",
    "refreshtoken", "salt", "secret", "secrets", "seed", "sessionid", "ssn", "token", "tokens", "totp",
))  # fmt: skip
_PAIRS = frozenset(
    tuple(pair.split())
    for pair in (
        "access key", "activation key", "api key", "auth code", "auth key", "authorization code", "backup code",
        "backup codes", "client key", "confirmation key", "consumer key", "csrf key", "encryption key", "hmac key",
        "invitation key", "license key", "master key", "pin code", "private key", "recovery code", "recovery codes",
        "reset code", "reset key", "secret key", "security code", "session data", "session key", "shared key",
        "signing key", "verification code", "verification key", "webhook key",
    )
)  # fmt: skip
# what may follow such a word: password_hash, token_encrypted
_FORMS = frozenset((
    "checksum", "digest", "encrypted", "hash", "hashed", "hashes", "key", "plain", "raw", "text", "value",
))  # fmt: skip
# of models with such a word in their names, these columns are secret as well: Token.key, PasswordHistory.hash
_OF_SECRET_MODELS = frozenset((
    "code", "data", "digest", "hash", "key", "value",
))  # fmt: skip
_SECRET_MODELS = frozenset((
    "apikey", "confirmation", "credential", "invitation", "nonce", "otp", "password", "secret", "token", "totp",
))  # fmt: skip
# columns of these classes cannot hold one
_NO_SECRETS = (
    models.BooleanField,
    models.DateField,
    models.TimeField,
    models.DurationField,
    models.DecimalField,
    models.FloatField,
    models.AutoField,
    models.FileField,
    models.GenericIPAddressField,
)


def secret_fields(model: Model) -> list[str]:
    """Return the names of the model's columns that look like secrets, and of keys that refer to such columns."""
    return [field.name for field in model._meta.concrete_fields if is_secret(field)]


def shown_secrets(declaration: TypeDeclaration) -> list[str]:
    """Return the columns of a declared type that look like secrets, and that nobody has named."""
    if declaration.source is not None or declaration.automatic or not declaration.everything:
        return []
    named = {*declaration.annotations, *declaration.options, *(declaration.exclude or ())}
    fields = map(declaration.model._meta.get_field, secret_fields(declaration.model))
    return [field.name for field in fields if named.isdisjoint({field.name, getattr(field, "attname", field.name)})]


def is_secret(field: Any) -> bool:
    """Whether a column of a model looks like a secret."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    column = field
    while isinstance(column, ArrayField):
        column = column.base_field
    if isinstance(column, _NO_SECRETS) or (isinstance(column, models.IntegerField) and not _is_code(field.name)):
        return False
    if isinstance(column, HStoreField) or field.choices:
        return False
    return _of_django(field) or _is_named(field)


def _is_code(name: str) -> bool:
    return _words(name)[-1] in ("otp", "cvc", "cvv", "pincode")


def _of_django(field: Any) -> bool:
    """Whether it is a column of Django's own that holds a secret, under whatever name the project has given it."""
    names = {base.__name__ for base in field.model.__mro__ if base.__module__.startswith("django.contrib.")}
    if "AbstractBaseUser" in names:
        return bool(field.name == "password")
    return "AbstractBaseSession" in names and field.name in ("session_key", "session_data")


def _is_named(field: Any) -> bool:
    words = _significant(_words(field.name))
    if words[-1] in _WORDS or tuple(words[-2:]) in _PAIRS:
        return True
    of_model = camel_case_to_spaces(field.model.__name__).split()
    secret_model = not _SECRET_MODELS.isdisjoint(of_model) or not _PAIRS.isdisjoint(pairwise(of_model))
    return secret_model and _words(field.name)[-1] in _OF_SECRET_MODELS


def _words(name: str) -> list[str]:
    return camel_case_to_spaces(name).replace("_", " ").split() or [name]


def _significant(words: list[str]) -> list[str]:
    """Return the words without those that say in which form the secret is stored."""
    end = len(words)
    while end > 1 and words[end - 1] in _FORMS and tuple(words[end - 2 : end]) not in _PAIRS:
        end -= 1
    return words[:end]
