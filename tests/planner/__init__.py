"""From an operation to one statement."""
