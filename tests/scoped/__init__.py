"""An app whose managers are those of django-scopes: nothing is read outside a scope."""
