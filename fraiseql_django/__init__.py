"""GraphQL over PostgreSQL for Django: each query operation is one SQL statement, and its answer is cached.

The stages of an operation, in order:

    views, http    HTTP request → operation
    language       text → validated operation, variables → coerced values
    planner        operation → plan: one SQL statement, compiled by Django's ORM
    execution      plan → bytes of the answer, from the cache or from PostgreSQL
    invalidation   committed writes → answers dropped from the cache

``engine`` calls them. ``declare`` has the decorators for a project's types and mutations, ``schema`` and ``kinds`` make
a GraphQL schema of them, ``conf`` reads the settings, ``errors`` has the exceptions. This module exports what projects
import.
"""

from __future__ import annotations

from .declare.abstract import interface, union
from .declare.arguments import argument
from .declare.bulk import types
from .declare.cache_policy import CachePolicy
from .declare.directives import directive
from .declare.enums import enum_ as enum
from .declare.members import Expression, auto
from .declare.model_mutations import changes, create, delete, nested, update, upsert
from .declare.mutations import input_ as input
from .declare.mutations import mutation
from .declare.operators import operator
from .declare.queries import query
from .declare.registry import ID, JSON, UNSET, BigInt, Registry
from .declare.results import Cascade, Error, MutationError, error, success
from .declare.rules import AnyViewer, requires_auth, requires_permission, requires_role
from .declare.scalars import scalar
from .declare.schemas import for_schema
from .declare.types import field, relation
from .declare.types import type_ as type
from .engine import GraphQLEngine, __version__, get_engine
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
from .execution.response import Response
from .mutations.context import Info
from .schema.global_ids import from_global_id, to_global_id
from .schema.scalars.graphql import Upload
from .viewer import Viewer

__all__ = [
    "ID",
    "JSON",
    "UNSET",
    "AnyViewer",
    "BigInt",
    "CachePolicy",
    "Cascade",
    "ConfigurationError",
    "DeclarationError",
    "Error",
    "Expression",
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
    "argument",
    "auto",
    "changes",
    "create",
    "delete",
    "directive",
    "enum",
    "error",
    "field",
    "for_schema",
    "from_global_id",
    "get_engine",
    "input",
    "interface",
    "mutation",
    "nested",
    "operator",
    "query",
    "relation",
    "requires_auth",
    "requires_permission",
    "requires_role",
    "scalar",
    "success",
    "to_global_id",
    "type",
    "types",
    "union",
    "update",
    "upsert",
]
