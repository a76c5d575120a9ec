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
    TryLater,
    UserError,
)
from .mutations.info import Info
from .mutations.models import create, delete, update, upsert
from .response import Response
from .schema.declare import field, relation
from .schema.declare import type_ as type
from .schema.declare_mutations import input_ as input
from .schema.declare_mutations import mutation
from .schema.leaves import Upload
from .schema.model_mutations import nested
from .schema.registry import ID, JSON, UNSET, BigInt, Registry, auto
from .schema.results import Cascade, Error, MutationError, error, success
from .schema.rules import requires_auth, requires_permission, requires_role
from .version import __version__
from .viewer import Viewer

__all__ = [
    "ID",
    "JSON",
    "UNSET",
    "BigInt",
    "Cascade",
    "ConfigurationError",
    "DeclarationError",
    "Error",
    "FraiseQLError",
    "GraphQLEngine",
    "Info",
    "InvalidInput",
    "LimitExceeded",
    "MutationError",
    "OperationError",
    "Registry",
    "Response",
    "StorageError",
    "TryLater",
    "Upload",
    "UserError",
    "Viewer",
    "__version__",
    "auto",
    "create",
    "delete",
    "error",
    "field",
    "get_engine",
    "input",
    "mutation",
    "nested",
    "relation",
    "requires_auth",
    "requires_permission",
    "requires_role",
    "success",
    "type",
    "update",
    "upsert",
]
