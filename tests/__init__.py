"""The tests; they mirror the package, and the example project is tested here as well."""
