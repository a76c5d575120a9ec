"""Text → validated operation.

parser            parses, measures and validates documents, each text once
limits            the size of a document and of its variables
introspection     who may ask for the schema, and errors without its names for others
variable_shapes   the part of a variable's value that a plan depends on
coercion          variables → coerced values
"""
