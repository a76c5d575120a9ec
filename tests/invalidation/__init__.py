"""Which tables are written, and that answers read from them are dropped."""
