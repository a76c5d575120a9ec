"""Models that exist for the tests: every field class, every kind of relation, every oddity."""
