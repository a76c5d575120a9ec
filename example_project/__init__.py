"""A bookshop that uses fraiseql_django: the example to read, the demo to start, the models of the tests."""
