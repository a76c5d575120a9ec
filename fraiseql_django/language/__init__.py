"""Text → validated operation, and request variables → coerced values.

parser            parses, measures and validates a document; caches the result by its text
limits            checks the size of a document and of its variables
scan              collects what must be known of an operation before its plan is looked up
introspection     which viewers may query the schema; removes schema names from errors for the others
variable_shapes   the part of a variable's value that a plan depends on
coercion          coerces variables with functions that are compiled once for an operation
"""
