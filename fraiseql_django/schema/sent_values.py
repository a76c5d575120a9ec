"""Values of Python → texts that PostgreSQL reads: arguments of the project's functions there."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.utils.duration import duration_iso_string

from ..declare.registry import UNSET
from .scalars.encoding import encode_array


def fields_of(input_: Any) -> dict[str, Any]:
    """Return an input's values by Python name, without those that the client left out."""
    if not dataclasses.is_dataclass(input_):
        return {}
    values = {item.name: getattr(input_, item.name) for item in dataclasses.fields(input_)}
    return {name: value for name, value in values.items() if value is not UNSET}


def jsonable(value: Any) -> Any:
    """Turn an input into JSON: keys are Python names; dates, and numbers that JSON would round, are texts."""
    if dataclasses.is_dataclass(value):
        return {name: jsonable(item) for name, item in fields_of(value).items()}
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.timedelta):
        return duration_iso_string(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def text_of(value: Any) -> str | None:
    """Return a value as the text that PostgreSQL reads for any type of the function's parameter."""
    if isinstance(value, (list, tuple)) and not any(isinstance(item, Mapping) for item in value):
        return encode_array([text_of(item) for item in value])
    value = jsonable(value)
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def json_of(value: Any) -> str:
    """Return an input as JSON text."""
    return json.dumps(jsonable(value), ensure_ascii=False)
