"""GraphQL over PostgreSQL for Django: every operation one SQL statement, its answer cached.

The stages of an operation, in order:

    views, http   HTTP request → operation
    parser        text → validated operation
    planner       operation → plan: one SQL statement, compiled by Django's ORM
    executor      plan → bytes, from the cache or from storage
    invalidation  writes → answers dropped from the cache

``engine`` conducts them, ``schema`` holds what may be asked, ``conf`` the settings, ``errors`` what can go
wrong. What a project needs is exported here.
"""

from __future__ import annotations

from .engine import GraphQLEngine, get_engine
from .errors import (
    ConfigurationError,
    DeclarationError,
    FraiseQLError,
    InvalidInput,
    LimitExceeded,
    OperationError,
    StorageError,
    UserError,
)
from .mutations.python import Info
from .response import Response
from .schema.registry import (
    ID,
    JSON,
    UNSET,
    BigInt,
    Registry,
    auto,
    field,
    mutation,
)
from .schema.registry import input_ as input
from .schema.registry import type_ as type
from .version import __version__

__all__ = [
    "ID",
    "JSON",
    "UNSET",
    "BigInt",
    "ConfigurationError",
    "DeclarationError",
    "FraiseQLError",
    "GraphQLEngine",
    "Info",
    "InvalidInput",
    "LimitExceeded",
    "OperationError",
    "Registry",
    "Response",
    "StorageError",
    "UserError",
    "__version__",
    "auto",
    "field",
    "get_engine",
    "input",
    "mutation",
    "type",
]
