"""A library, whose objects mutations write."""
