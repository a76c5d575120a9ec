"""Views over the bookshop, and types over them that say the same as those over its models."""
