"""A bookshop: models.py is what it sells, graphql.py what may be asked of it, seed.py fills it."""
