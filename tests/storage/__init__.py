"""The storage, and its statements through libpq."""
