"""The codes of errors and the ids of system checks, each with what it means: the reference is written from here.

    ERRORS   codes of errors in the answer to an operation
    REFUSED  codes for requests that are refused before an operation is read
    CHECKS   ids of system checks, E for errors and W for warnings

Texts are Markdown. A path such as ``docs/limits.md#memory`` names the page that says more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """When an error has a code, and what its ``extensions`` have beside the code."""

    when: str
    extensions: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status of a response that refuses a request, and when that is so."""

    status: int
    when: str


_BY_STATUS = "or a function of PostgreSQL returned a status of this kind, and its mutation has no class of errors"
_STATUS = "`status` and `errors` of a function"
_AGAIN = "at each attempt; the same operation can be sent again"

ERRORS: Mapping[str, Code] = {
    "GRAPHQL_PARSE_FAILED": Code("The document is not GraphQL, or is nested too deeply to be parsed."),
    "GRAPHQL_VALIDATION_FAILED": Code("The document is not valid for the schema; each reason is an error of its own."),
    "OPERATION_RESOLUTION_FAILED": Code("`operationName` is missing, or names no operation of the document."),
    "INTROSPECTION_DISABLED": Code(
        "The operation selects `__schema` or `__type`, and `INTROSPECTION` does not allow this viewer to do so; "
        "nothing was executed (docs/reference/http.md#introspection)."
    ),
    "OPERATION_NOT_ALLOWED": Code("A mutation where only queries are executed (`execute_query`), or the reverse."),
    "LIMIT_EXCEEDED": Code(
        "The operation, its answer, a batch, or a form's number of files or fields is larger than a limit allows "
        "(docs/limits.md).",
        "`limit`, `value`, `setting`",
    ),
    "RATE_LIMITED": Code("The viewer has sent too many operations (`LIMITS.RATE`).", "`retryAfter`: seconds"),
    "OVERLOADED": Code(
        "`LIMITS.CONCURRENT_STATEMENTS` other operations were running for too long; nothing was executed, and the same "
        "operation can be sent again.",
        "`retryAfter`: seconds",
    ),
    "BAD_USER_INPUT": Code(
        "A value in the operation or its variables is not allowed in its place, violates a constraint of an argument "
        "(`Annotated`), or a field or the database refuses it: out of range, a malformed key or pattern; or a mutation "
        "raised Django's SuspiciousOperation or BadRequest."
    ),
    "VALIDATION_FAILED": Code(
        f"A mutation raised Django's ValidationError; {_BY_STATUS}.", f"`fields`: messages by field; {_STATUS}"
    ),
    "FORBIDDEN": Code(
        "The viewer does not have the permission for a type, a field, an argument or a mutation; a mutation raised "
        f"Django's PermissionDenied; {_BY_STATUS}.",
        _STATUS,
    ),
    "UNAUTHENTICATED": Code(f"The same, for a viewer who is not signed in; {_BY_STATUS}.", _STATUS),
    "NOT_FOUND": Code(f"A mutation raised Django's ObjectDoesNotExist or Http404; {_BY_STATUS}.", _STATUS),
    "CONFLICT": Code(
        "A function of PostgreSQL returned a status of this kind, and its mutation has no class of errors.",
        "`status`, `errors`",
    ),
    "USER_ERROR": Code(
        "A mutation, or a function of a query (docs/functions.md), raised `fraiseql_django.UserError`, or a "
        "`GraphQLError`; `UserError(message, code=…)` sets another code. Or a function or trigger raised an exception "
        "of its own (docs/mutations.md#in-postgresql), or returned a status that failed, and the mutation has no class "
        "of errors.",
        "the keyword arguments of UserError; `errors`, `sqlstate` and `status` of a function",
    ),
    "MUTATION_ABORTED": Code(
        "This mutation of the operation was rolled back, or did not run, because another one failed."
    ),
    "MUTATION_FAILED": Code(
        "This mutation returned an error as data, but the response has no data, because another mutation, whose field "
        "cannot be null, failed or was rolled back.",
        "`data`: its answer",
    ),
    "CONSTRAINT_VIOLATED": Code("A mutation violated a constraint, and has no class of errors.", "`errors`"),
    "DEADLOCK": Code(f"Other operations waited for this one, and it for them, {_AGAIN}."),
    "SERIALIZATION_FAILURE": Code(f"Other operations were in conflict with this one {_AGAIN}."),
    "LOCK_NOT_AVAILABLE": Code(f"Another operation held a lock (`nowait`, `lock_timeout`) {_AGAIN}."),
    "TIMEOUT": Code(
        "A statement took longer than PostgreSQL's `statement_timeout`, or was cancelled; a transaction took or idled "
        f"longer than PostgreSQL allows; {_BY_STATUS}.",
        _STATUS,
    ),
    "DATABASE_UNAVAILABLE": Code("The database cannot be reached, or has no free connection.", "`id`"),
    "INVALID_VALUE": Code(
        "A stored value cannot stand in the answer: null where the schema has none, `NaN`, an integer of more than 32 "
        "bits, a text that is no declared choice or cannot be cast, a relation that leads nowhere; an aggregate, such "
        "as a sum, is out of range; or a function in Python returned for a field, or within the result of a query, "
        "what is not of its type. It is at the value's `path` (docs/reference/types.md#values-that-cannot-be-answered)."
    ),
    "INTERNAL_SERVER_ERROR": Code("Other errors: a mistake in a mutation, in a declaration, in this package.", "`id`"),
}

REFUSED: Mapping[str, Refusal] = {
    "BAD_REQUEST": Refusal(400, "the request has not the form of an operation"),
    "CSRF_FAILED": Refusal(
        403, "a page of another site may have sent it (docs/reference/http.md#cross-site-request-forgery)"
    ),
    "METHOD_NOT_ALLOWED": Refusal(405, "a method that is not allowed, or a mutation by GET"),
    "NOT_ACCEPTABLE": Refusal(406, "the client accepts no media type of answers"),
    "LENGTH_REQUIRED": Refusal(411, "there is no `Content-Length`"),
    "REQUEST_TOO_LARGE": Refusal(413, "the body is too large; 414 for a URL"),
    "UNSUPPORTED_MEDIA_TYPE": Refusal(415, "the body has another media type"),
    "DOCUMENT_MISMATCH": Refusal(400, "the hash or the name belongs to another document"),
    "DOCUMENT_NOT_TRUSTED": Refusal(400, "only trusted documents are executed (docs/trusted-documents.md)"),
    "PERSISTED_QUERY_NOT_FOUND": Refusal(200, "no document has this identifier; Apollo's clients then send the text"),
    "PERSISTED_QUERY_NOT_SUPPORTED": Refusal(
        200, "documents have no identifiers here; Apollo's clients send texts from then on"
    ),
}

CHECKS: Mapping[str, str] = {
    "fraiseql.E001": "`FRAISEQL`, or a part of it, is not a dictionary.",
    "fraiseql.E002": "A key of `FRAISEQL` is unknown.",
    "fraiseql.E003": "A value has the wrong type.",
    "fraiseql.E004": "A value is less than its minimum.",
    "fraiseql.E005": "`LIMITS.DEFAULT_ROWS` is more than `LIMITS.MAX_ROWS`.",
    "fraiseql.E006": "`DATABASE` or `CACHE.WATCH_DATABASE` is not in DATABASES.",
    "fraiseql.E007": "`DATABASE` or `CACHE.WATCH_DATABASE` is not PostgreSQL.",
    "fraiseql.E008": "psycopg 3 cannot be imported.",
    "fraiseql.E009": "`CACHE.ALIAS`, or an alias in `CACHE.TELLS`, is not in CACHES, or the cache cannot be created.",
    "fraiseql.E010": "`STORAGE` or `CACHE.BACKEND` cannot be imported, or is not a class with the required methods.",
    "fraiseql.E011": (
        "`SCALARS` names an object that cannot be imported, is not a field class, or is a field class without "
        "a known type; or the name of a scalar that is not declared."
    ),
    "fraiseql.E012": (
        "A declaration is wrong: a type, a field, a mutation. Or a module of declarations cannot be imported "
        "(`DECLARATIONS_MODULE`)."
    ),
    "fraiseql.E013": (
        "With `--deploy`: `CACHE.ALIAS` is a cache in the memory of each process, so answers become stale; "
        "unless `CACHE.WATCH` is on."
    ),
    "fraiseql.E014": "A value is not one of the choices of its key.",
    "fraiseql.E015": (
        "`PERSISTED_QUERIES.ENABLED` together with the mode `required` of `TRUSTED_DOCUMENTS`: everybody "
        "could persist any document."
    ),
    "fraiseql.E016": (
        "`TRUSTED_DOCUMENTS.PATH` is missing, cannot be read, is empty, or contains a document under a hash "
        "that is not its own."
    ),
    "fraiseql.E017": (
        "A name in `SESSION.VARIABLES` is not a valid name; or the source of its value, or the role, cannot "
        "be imported."
    ),
    "fraiseql.E018": (
        "`LIMITS.RATE` or `PERSISTED_QUERIES.RATE` is not a rate, or there is no `CACHE.ALIAS` to count in."
    ),
    "fraiseql.E019": "`LIMITS.RATE_KEY` cannot be imported, or is not a function.",
    "fraiseql.E030": (
        "A model of a type is in another database than `DATABASE`: `DATABASE_ROUTERS`, or `using()` in its "
        "default manager, say so."
    ),
    "fraiseql.E031": (
        "The database backend seems to set the search path, and neither `SESSION.VARIABLES` nor an attribute "
        "`schema_name` tells the schemas apart (docs/multi-tenancy.md#by-schema)."
    ),
    "fraiseql.E032": "`GRAPHIQL.EXAMPLES` is no folder, or contains a file that cannot be read.",
    "fraiseql.E040": "`SCHEMAS` has a schema whose name is not made of letters, digits, `-` and `_`.",
    "fraiseql.E041": "`for_schema(…)` declares something in a schema that `SCHEMAS` does not have (docs/schemas.md).",
    "fraiseql.E050": (
        "An alias in `REPLICAS` is not in `DATABASES`, is `DATABASE` itself, or its connections read "
        "statements differently: another engine, time zone or `options`."
    ),
    "fraiseql.E060": (
        "A class in `METRICS.OBSERVERS` cannot be imported, or has no methods `begin()`, `parsed()` and `end()`."
    ),
    "fraiseql.W001": "With `--deploy`: GraphiQL is served although `DEBUG` is off.",
    "fraiseql.W002": "With `--deploy`: `CACHE.ALIAS` is a dummy cache.",
    "fraiseql.W003": "The cache ignores exceptions, so failed invalidations are not noticed.",
    "fraiseql.W004": "Nothing is declared.",
    "fraiseql.W005": (
        "A file in the `sql` folder of an app differs from what the app's migrations create, or cannot be used."
    ),
    "fraiseql.W006": "With `--deploy`: types or mutations that have neither a permission nor a row rule.",
    "fraiseql.W007": (
        "A computed field, or a model's own order, reads rows of a type past its row rules "
        "(docs/permissions.md#what-rules-do-not-cover)."
    ),
    "fraiseql.W008": "With `--deploy`: everybody can introspect (docs/reference/http.md#introspection).",
    "fraiseql.W009": (
        "A client may send operations of any cost, or any number of them: `LIMITS.MAX_ROWS`, `COMPLEXITY`, "
        "`STATEMENT_MS`, `RESPONSE_BYTES` or `RATE` is not set. (Trusted documents do not need the first two; "
        "`statement_timeout` in `DATABASES` replaces the third.)"
    ),
    "fraiseql.W020": (
        "A type shows columns that look like secrets, which nobody has named (docs/reference/types.md#all-fields)."
    ),
    "fraiseql.W021": (
        "A column, or a model, is not among all fields, though the project could declare it "
        "(docs/reference/types.md#all-fields)."
    ),
    "fraiseql.W022": "With `--database`: the type of a column is not the one that the class of its field stands for.",
    "fraiseql.W031": (
        "The `KEY_FUNCTION` of the cache adds the schema of a tenant, so writes to shared tables do not drop "
        "the answers of other tenants."
    ),
    "fraiseql.W032": (
        "With `--deploy`: the Redis of `CACHE.ALIAS` has no limit of memory, or a policy by which it removes "
        "nothing, or versions as soon as answers (docs/caching-under-load.md#a-redis-for-answers)."
    ),
    "fraiseql.W040": "With `--database`: the database has not an extension that operators or fields need.",
    "fraiseql.W041": "`EXTENSIONS` names an extension that no operator needs.",
    "fraiseql.W050": (
        "`REPLICAS` are named, but never read: there are no `DATABASE_ROUTERS`, or no cache that says what "
        "they have to have replayed."
    ),
    "fraiseql.W060": (
        "With `--database`: `CACHE.WATCH` is on, but tables of types have not the trigger that it listens to "
        "(docs/watching.md)."
    ),
}
