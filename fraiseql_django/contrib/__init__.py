"""Parts that need a package of others: each is an extra of its name, and is imported by whoever uses it."""
