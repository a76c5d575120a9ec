"""What a project may import from fraiseql_django."""

import importlib.metadata

import fraiseql_django
from fraiseql_django import errors
from fraiseql_django.errors import FraiseQLError

NAMES = [
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


def test_exported_names() -> None:
    assert fraiseql_django.__all__ == NAMES
    assert all(hasattr(fraiseql_django, name) for name in NAMES)


def test_every_exception_of_the_tree_is_exported() -> None:
    tree = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, FraiseQLError)
    }

    assert tree <= set(NAMES)
    assert all(name in (errors.__doc__ or "") for name in tree)


def test_version_is_that_of_the_distribution() -> None:
    try:
        installed = importlib.metadata.version("fraiseql_django")
    except importlib.metadata.PackageNotFoundError:
        return
    assert fraiseql_django.__version__ == installed
