"""The endpoint, as clients and browsers meet it."""
