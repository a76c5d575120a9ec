"""A table that the audit is written to."""
